import ArgumentParser
import Control

struct NATCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat", abstract: "Mode, pools, ports in use; mappings, port-forwards.",
        subcommands: [
            NATShow.self, NATMappings.self, NATForwards.self, NATBlock.self, NATWho.self,
        ],
        defaultSubcommand: NATShow.self)
}

struct NATShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The translator; the word may be left out.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<NATAnswer>("/v1/nat", options) { nat, page in
            page.add(
                "\(nat.mode), mapping \(nat.mapping), filtering \(nat.filtering), hairpin "
                    .printable + (nat.hairpin ? "on" : "off"))
            Self.behavior(nat, &page)
            var limits = "\(Units.count(nat.mappings, "mapping", "mappings")), "
            limits += "\(nat.sessions) of \(nat.limits.sessions) sessions, at most "
            limits += "\(nat.limits.sessionsPerHost) of one host"
            if let rate = nat.limits.newPerSecond { limits += ", \(rate) new a second" }
            if let rate = nat.limits.newPerSecondPerHost {
                limits += ", \(rate) new a second of one host"
            }
            page.add(limits)
            if page.isBrief { return }
            if !nat.pools.isEmpty {
                page.add("")
                var pools = Table("POOL", "PROTO", "IN USE", "RESTING", "TOTAL")
                for pool in nat.pools {
                    pools.add(
                        Cell(pool.address), Cell(pool.protocol), Cell("\(pool.inUse)"),
                        Cell("\(pool.resting)"), Cell("\(pool.total)"))
                }
                page.add(pools)
            }
            if !nat.hosts.isEmpty {
                page.add("")
                var hosts = Table("HOST", "SESSIONS", "LIMIT", "MAPPINGS", "LIMIT")
                for host in nat.hosts {
                    hosts.add(
                        Cell(host.address),
                        Cell("\(host.sessions)", host.sessions >= host.limit ? .bad : .plain),
                        Cell("\(host.limit)"),
                        Cell(
                            "\(host.mappings)",
                            host.mappings >= host.mappingLimit ? .bad : .plain),
                        Cell("\(host.mappingLimit)"))
                }
                page.add(hosts)
            }
            if !nat.portForwards.isEmpty {
                page.add("")
                page.add(NATForwards.table(nat.portForwards))
            }
            Self.exceptions(nat, &page)
            if !nat.timeouts.isEmpty {
                page.add("")
                var times = Table("TIMEOUT", "AFTER")
                for row in nat.timeouts {
                    times.add(Cell(row.name), Cell(Units.duration(row.seconds)))
                }
                page.add(times)
            }
        }.run()
    }
}

struct NATMappings: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mappings",
        abstract: "Inside endpoints with their outside endpoints, and the sessions of each.")
    @Option(help: "List at most so many.") var limit = 1000
    @Flag(help: "List all of them.") var all = false
    @Argument(help: "Which sessions they must have.") var filter: [String] = []
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard limit >= 0, limit <= 1 << 24 else {
            throw ValidationError("--limit wants a number of 0 to \(1 << 24)")
        }
    }

    func run() throws {
        let filter = FilterText(filter)
        let place = target(
            "/v1/nat/mappings", ("filter", filter.text.isEmpty ? nil : filter.text),
            ("limit", all ? "all" : String(limit)))
        try filter.pointing {
            try Look<MappingsAnswer>(place, options) { Self.show($0, &$1) }.run()
        }
    }

    private static func show(_ answer: MappingsAnswer, _ page: inout Page) {
        var table = Table(
            "PROTO", "INSIDE", "OUTSIDE", "SESSIONS", "AGE", "EXPIRES", "RULE", "TALKS TO")
        for row in answer.mappings {
            let shown = row.peers.prefix(page.isWide ? MappingRow.mostPeers : 1)
            for (number, peer) in shown.enumerated() {
                var cells = [Cell](repeating: "", count: 7)
                if number == 0 {
                    cells = [
                        Cell(row.protocol), Cell("\(row.inside):\(row.insidePort)"),
                        Cell("\(row.outside):\(row.outsidePort)"), Cell("\(row.sessions)"),
                        Cell(Units.duration(UInt64(row.ageSeconds))),
                        Cell(Units.duration(UInt64(row.expiresSeconds))), Cell(row.rule ?? "-"),
                    ]
                }
                let port = row.protocol == "icmp" ? "" : ":\(peer.remotePort)"
                table.rows.append(cells + [Cell("\(peer.remote)\(port) \(peer.state)")])
            }
            let left = row.sessions - shown.count
            guard left > 0, var last = table.rows.popLast() else { continue }
            last[7].text += ", and \(left) more"
            table.rows.append(last)
        }
        page.add(table)
        var note = "\(answer.matched) of \(answer.total) mappings match"
        if answer.mappings.count < answer.matched {
            note += "; \(answer.mappings.count) are listed (--limit N, --all)"
        }
        page.note(note)
    }
}

struct NATForwards: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "port-forwards", abstract: "What leads from outside to an inside host.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<NATAnswer>("/v1/nat", options) { nat, page in
            page.add(Self.table(nat.portForwards))
            if nat.portForwards.isEmpty { page.note("no port forwards are configured") }
        }.run()
    }

    static func table(_ forwards: [PortForwardRow]) -> Table {
        var table = Table("FORWARD", "PROTO", "OUTSIDE", "TO", "FROM", "HAIRPIN", "SESSIONS")
        for row in forwards {
            table.add(
                Cell(row.name.isEmpty ? "-" : row.name),
                Cell(row.protocols.joined(separator: ",")),
                Cell("\(row.outside):\(row.outsidePorts)"),
                Cell("\(row.inside):\(row.insidePorts)"),
                Cell(row.sources.isEmpty ? "anywhere" : row.sources.joined(separator: ",")),
                Cell(row.hairpin ? "on" : "off"), Cell("\(row.sessions)"))
        }
        return table
    }
}
