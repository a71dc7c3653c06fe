import ArgumentParser
import Control

extension NATShow {
    /// What applications see of the translator, and what holds for some hosts only.
    static func behavior(_ nat: NATAnswer, _ page: inout Page) {
        page.add("behaves as \(nat.className), preset \(nat.preset)")
        if let blocks = nat.blocks {
            page.add(
                "blocks of \(blocks.size) ports for \(Units.count(blocks.hosts, "host", "hosts")), "
                    .printable + "\(blocks.perAddress) of one address (gatewayctl nat block)")
        }
    }

    static func exceptions(_ nat: NATAnswer, _ page: inout Page) {
        func list(_ items: [String], _ none: String) -> Cell {
            Cell(items.isEmpty ? none : items.joined(separator: ","))
        }
        if !nat.rules.isEmpty {
            page.add("")
            var table = Table("RULE", "FROM", "PROTO", "ACTION", "MAPPING", "FILTERING")
            for row in nat.rules {
                table.add(
                    Cell(row.name), list(row.inside, "anywhere"), list(row.protocols, "all"),
                    Cell(row.action), Cell(row.mapping), Cell(row.filtering))
            }
            page.add(table)
        }
        if !nat.oneToOne.isEmpty {
            page.add("")
            var table = Table("ONE-TO-ONE", "OUTSIDE", "INSIDE", "FROM")
            for row in nat.oneToOne {
                table.add(
                    Cell(row.name), Cell(row.outside), Cell(row.inside),
                    list(row.sources, "anywhere"))
            }
            page.add(table)
        }
    }
}

struct NATBlock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "block", abstract: "The outside ports that belong to an inside host.")
    @Argument(help: "Inside address.") var address: String
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let place = target("/v1/nat/block", ("address", address))
        try Look<BlockAnswer>(place, options) {
            $1.add("\($0.inside) has \($0.outside):\($0.firstPort)-\($0.lastPort)")
        }.run()
    }
}

struct NATWho: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "who", abstract: "The inside host that an outside port belongs to.")
    @Argument(help: "Outside address and port, ADDRESS:PORT.") var endpoint: String
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let parts = endpoint.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw ValidationError("who wants ADDRESS:PORT, not '\(endpoint)'")
        }
        let place = target(
            "/v1/nat/who", ("address", String(parts[0])), ("port", String(parts[1])))
        try Look<OwnerAnswer>(place, options) { answer, page in
            let outside = "\(answer.outside):\(answer.port)"
            if let host = answer.host { page.add("\(outside) is in the block of \(host)") }
            for row in answer.owners {
                page.add("\(row.protocol) \(outside) leads to \(row.inside):\(row.port)")
            }
            if answer.owners.isEmpty { page.note("nothing uses \(outside) now") }
        }.run()
    }
}
