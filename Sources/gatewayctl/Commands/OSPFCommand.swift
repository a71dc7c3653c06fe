import ArgumentParser
import Control

struct OSPFCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ospf", abstract: "OSPF: status, neighbors, interfaces, database, spf.",
        subcommands: [
            OSPFStatus.self, OSPFNeighbors.self, OSPFInterfaces.self, OSPFDatabase.self,
            OSPFRuns.self,
        ], defaultSubcommand: OSPFStatus.self)

    /// What keeps routers from being neighbours, a line each.
    static func show(_ faults: [OSPFFaultStatus], _ page: inout Page) {
        for fault in faults {
            page.add(
                "\(fault.address) \(fault.side): \(fault.explanation) (\(fault.packets) "
                    + "\(fault.reason), the last \(Units.duration(fault.heardSeconds)) ago)")
        }
    }

    /// `250ms`, `10s`.
    static func duration(_ milliseconds: Int64) -> String {
        milliseconds % 1000 == 0 || milliseconds >= 10_000
            ? Units.duration(UInt64(max(milliseconds, 0) / 1000)) : "\(milliseconds)ms"
    }
}

struct OSPFStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "OSPF on both sides; the word may be left out.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<OSPFStatusAnswer>("/v1/ospf", options) { answer, page in
            guard answer.enabled else { return page.note("OSPF is off") }
            var table = Table("SIDE", "STATE", "AREA", "COST", "FULL", "RECEIVED", "SENT")
            for row in answer.interfaces {
                table.add(
                    Cell(row.side, Style.side(row.side)),
                    Cell(row.passive ? "passive" : row.state), Cell(row.area),
                    Cell("\(row.cost)"), Cell("\(row.full) of \(row.neighbors)"),
                    Cell("\(row.received)"), Cell("\(row.sent)"))
            }
            page.add(table)
            OSPFCommand.show(answer.faults, &page)
            for row in answer.interfaces {
                for drop in row.drops {
                    page.add("\(row.side): \(drop.count) \(drop.reason): \(drop.meaning)")
                }
            }
            for area in answer.areas {
                let nodes = Units.count(area.nodes, "router or network", "routers and networks")
                let lsas = Units.count(area.lsas, "LSA", "LSAs")
                let kind = area.type == "normal" ? "" : ", " + area.type
                let task = area.translator ? ", translated by us" : ""
                page.add("area \(area.id)\(kind)\(task): \(nodes), \(lsas)")
            }
            let roles = [
                answer.areaBorder ? "area border router" : nil,
                answer.boundary ? "AS boundary router" : nil,
                answer.stubRouter ? "stub router" : nil,
            ].compactMap { $0 }
            let role = roles.isEmpty ? "" : " (\(roles.joined(separator: ", ")))"
            page.note(
                "router \(answer.router)\(role): \(Units.count(answer.routes, "route", "routes")), "
                    + "\(Units.count(answer.lsas, "LSA", "LSAs")), calculated "
                    + Units.count(answer.calculations, "time", "times"))
        }.run()
    }
}

struct OSPFNeighbors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors", abstract: "Routers heard, and what keeps others away.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<OSPFNeighborsAnswer>("/v1/ospf/neighbors", options) { answer, page in
            var table = Table(
                "ROUTER", "ADDRESS", "SIDE", "STATE", "ROLE", "PRIORITY", "DEAD IN", "REQUESTS",
                "UNACKNOWLEDGED", "BAD PACKETS")
            for row in answer.neighbors {
                table.add(
                    Cell(row.router), Cell(row.address), Cell(row.side, Style.side(row.side)),
                    Cell(row.state), Cell(row.role), Cell("\(row.priority)"),
                    Cell(OSPFCommand.duration(row.deadMilliseconds)), Cell("\(row.requests)"),
                    Cell("\(row.retransmissions)"), Cell("\(row.badPackets)"))
            }
            page.add(table)
            OSPFCommand.show(answer.faults, &page)
        }.run()
    }
}

struct OSPFInterfaces: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interfaces", abstract: "Both sides: role, intervals, authentication.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<OSPFInterfacesAnswer>("/v1/ospf/interfaces", options) { answer, page in
            var table = Table(
                "SIDE", "ADDRESS", "AREA", "TYPE", "STATE", "PRIORITY", "DR", "BACKUP", "HELLO",
                "DEAD", "MTU", "AUTHENTICATION")
            for row in answer.interfaces {
                table.add(
                    Cell(row.side, Style.side(row.side)), Cell(row.address), Cell(row.area),
                    Cell(row.passive ? "passive" : row.networkType), Cell(row.state),
                    Cell("\(row.priority)"), Cell(row.designated ?? "-"),
                    Cell(row.backup ?? "-"), Cell(OSPFCommand.duration(row.helloMilliseconds)),
                    Cell(OSPFCommand.duration(row.deadMilliseconds)), Cell("\(row.mtu)"),
                    Cell(row.authentication))
            }
            page.add(table)
        }.run()
    }
}

struct OSPFDatabase: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "database", abstract: "The LSAs: all, or those of a type with what they say.")
    @Argument(help: "One of \(ospfTypes.joined(separator: ", ")).") var type: String?
    @Option(help: "List at most so many.") var limit = 1000
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let place = target("/v1/ospf/database", ("type", type), ("limit", String(limit)))
        try Look<OSPFDatabaseAnswer>(place, options) { answer, page in
            var table =
                type == nil
                ? Table("AREA", "TYPE", "ID", "ROUTER", "AGE", "SEQUENCE", "CHECKSUM", "LENGTH")
                : Table("AREA", "ID", "ROUTER", "AGE", "SEQUENCE", "SAYS")
            for row in answer.lsas {
                let age = Units.duration(UInt64(row.age))
                let area = Cell(row.area ?? "-")
                let router = Cell(row.router + (row.own ? " *" : ""))
                if type == nil {
                    table.add(
                        area, Cell(row.type), Cell(row.id), router, Cell(age), Cell(row.sequence),
                        Cell(row.checksum), Cell("\(row.length)"))
                } else {
                    table.add(
                        area, Cell(row.id), router, Cell(age), Cell(row.sequence), Cell(row.says))
                }
            }
            page.add(table)
            page.note("\(answer.lsas.count) of \(answer.total) LSAs are listed; * ours")
        }.run()
    }
}

extension OSPFLSAStatus {
    /// Everything but the header, in a line.
    fileprivate var says: String {
        var words = roles ?? []
        words += (links ?? []).map { link in
            switch link.kind {
            case "stub": "\(link.id) mask \(link.data) cost \(link.cost)"
            case "transit": "network of \(link.id) cost \(link.cost)"
            default: "\(link.kind) \(link.id) cost \(link.cost)"
            }
        }
        if let prefix { words.append(prefix) }
        if let routers { words.append("routers " + routers.joined(separator: " ")) }
        if let cost { words.append("cost \(cost)") }
        if let metricType { words.append("type \(metricType)") }
        if let forwarding { words.append("by \(forwarding)") }
        if let tag, tag != 0 { words.append("tag \(tag)") }
        if let translated { words.append(translated ? "translated" : "not translated") }
        return words.joined(separator: ", ")
    }
}

struct OSPFRuns: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spf", abstract: "The last calculations of routes.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<OSPFRunsAnswer>("/v1/ospf/spf", options) { answer, page in
            var table = Table(
                "AGO", "TOOK", "KIND", "AREAS", "NODES", "ROUTES", "CHANGED", "CAUSE")
            for row in answer.runs {
                table.add(
                    Cell(OSPFCommand.duration(row.agoMilliseconds)),
                    Cell("\(row.microseconds) µs"), Cell(row.kind), Cell("\(row.areas)"),
                    Cell("\(row.nodes)"), Cell("\(row.routes)"), Cell("\(row.changes)"),
                    Cell(row.cause))
            }
            page.add(table)
            page.note("\(answer.runs.count) of \(answer.total) calculations are listed")
        }.run()
    }
}
