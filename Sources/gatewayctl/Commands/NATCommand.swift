import ArgumentParser
import Control

struct NATCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat", abstract: "Mode, pools, ports in use; port-forwards.",
        subcommands: [NATShow.self, NATForwards.self, NATBlock.self, NATWho.self],
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
            var limits = "\(nat.sessions) of \(nat.limits.sessions) sessions, at most "
            limits += "\(nat.limits.sessionsPerHost) of one host"
            if let rate = nat.limits.newPerSecond { limits += ", \(rate) new a second" }
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
                var hosts = Table("HOST", "SESSIONS", "LIMIT")
                for host in nat.hosts {
                    hosts.add(
                        Cell(host.address),
                        Cell("\(host.sessions)", host.sessions >= host.limit ? .bad : .plain),
                        Cell("\(host.limit)"))
                }
                page.add(hosts)
            }
            Self.exceptions(nat, &page)
            if page.isWide, !nat.timeouts.isEmpty {
                page.add("")
                var times = Table("TIMEOUT", "AFTER")
                for row in nat.timeouts {
                    times.add(Cell(row.name), Cell(Units.duration(row.seconds)))
                }
                page.add(times)
            }
            let forwards = nat.portForwards.count
            page.note(
                "\(Units.count(forwards, "port forward", "port forwards"))"
                    + (forwards > 0 ? " (gatewayctl nat port-forwards)" : ""))
        }.run()
    }
}

struct NATForwards: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "port-forwards", abstract: "What leads from outside to an inside host.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<NATAnswer>("/v1/nat", options) { nat, page in
            var table = Table("NAME", "PROTO", "OUTSIDE", "TO", "FROM", "HAIRPIN", "SESSIONS")
            for row in nat.portForwards {
                table.add(
                    Cell(row.name.isEmpty ? "-" : row.name),
                    Cell(row.protocols.joined(separator: ",")),
                    Cell("\(row.outside):\(row.outsidePorts)"),
                    Cell("\(row.inside):\(row.insidePorts)"),
                    Cell(row.sources.isEmpty ? "anywhere" : row.sources.joined(separator: ",")),
                    Cell(row.hairpin ? "on" : "off"), Cell("\(row.sessions)"))
            }
            page.add(table)
            if nat.portForwards.isEmpty { page.note("no port forwards are configured") }
        }.run()
    }
}
