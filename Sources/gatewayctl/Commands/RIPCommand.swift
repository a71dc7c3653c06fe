import ArgumentParser
import Control

struct RIPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rip", abstract: "RIP: status, neighbors, routes.",
        subcommands: [RIPStatus.self, RIPNeighbors.self, RIPRoutes.self],
        defaultSubcommand: RIPStatus.self)
}

struct RIPStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "RIP on both sides; the word may be left out.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<RIPStatusAnswer>("/v1/rip", options) { answer, page in
            guard answer.enabled else { return page.note("RIP is off") }
            var table = Table(
                "SIDE", "LINK", "COST", "SPLIT HORIZON", "AUTHENTICATION", "NEXT UPDATE",
                "RECEIVED", "SENT")
            for row in answer.interfaces {
                let next = row.nextUpdateSeconds.map { Units.duration($0) } ?? "-"
                table.add(
                    Cell(row.side, Style.side(row.side)), Cell(row.up ? "up" : "down"),
                    Cell("\(row.cost)"), Cell(row.splitHorizon), Cell(row.authentication),
                    Cell(row.passive ? "passive" : next), Cell("\(row.received)"),
                    Cell("\(row.sent)"))
            }
            page.add(table)
            for row in answer.interfaces {
                for drop in row.drops {
                    page.add("\(row.side): \(drop.count) \(drop.reason): \(drop.meaning)")
                }
            }
            page.note(
                "\(answer.routes) routes, \(answer.unreachable) of them unreachable, "
                    + "\(answer.announcements) announcements kept")
        }.run()
    }
}

struct RIPNeighbors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors", abstract: "Routers heard.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<RIPNeighborsAnswer>("/v1/rip/neighbors", options) { answer, page in
            var table = Table(
                "NEIGHBOR", "SIDE", "STATE", "HEARD", "VERSION", "ROUTES", "BAD PACKETS",
                "BAD ROUTES")
            for row in answer.neighbors {
                table.add(
                    Cell(row.address), Cell(row.side, Style.side(row.side)),
                    Cell(row.up ? "up" : "gone"),
                    Cell("\(Units.duration(row.heardSeconds)) ago"), Cell("\(row.version)"),
                    Cell("\(row.routes)"), Cell("\(row.badPackets)"), Cell("\(row.badRoutes)"))
            }
            page.add(table)
        }.run()
    }
}

struct RIPRoutes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "What RIP knows; ways in use have a star.")
    @Option(help: "List at most so many.") var limit = 1000
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let place = target("/v1/rip/routes", ("limit", String(limit)))
        try Look<RIPRoutesAnswer>(place, options) { answer, page in
            var table = Table("PREFIX", "METRIC", "VIA", "TAG")
            for row in answer.routes {
                let ways = row.heard.map { way in
                    "\(way.used ? "*" : "")\(way.gateway) \(way.side) [\(way.metric)]"
                }
                let via = row.local ? "ourselves" : ways.joined(separator: ", ")
                table.add(
                    Cell(row.prefix), Cell(row.metric == 16 ? "unreachable" : "\(row.metric)"),
                    Cell(via.isEmpty ? "-" : via), Cell("\(row.tag)"))
            }
            page.add(table)
            page.note("\(answer.routes.count) of \(answer.total) routes are listed")
        }.run()
    }
}
