import ArgumentParser
import Control

struct RoutesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "The forwarding table; get ADDR.",
        usage: """
            gatewayctl routes [PREFIX ...] [--limit N | --all]
            gatewayctl routes get ADDR
            """,
        subcommands: [RoutesList.self, RoutesGet.self], defaultSubcommand: RoutesList.self,
        aliases: ["ro"])

    /// `wan via 10.0.12.2`, or the action of a route that forwards nothing.
    static func way(_ row: RouteRow) -> String {
        guard row.action == "forward" else { return row.action }
        return row.nextHops.map { hop in
            hop.gateway.map { "\(hop.side) via \($0)" } ?? hop.side
        }.joined(separator: ", ")
    }
}

struct RoutesList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Routes; the word may be left out.")
    @Option(help: "List at most so many.") var limit = 1000
    @Flag(help: "List all of them.") var all = false
    @Argument(help: "Routes within these prefixes, or that hold these addresses.")
    var prefix: [String] = []
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard limit >= 0, limit <= 1 << 24 else {
            throw ValidationError("--limit wants a number of 0 to \(1 << 24)")
        }
    }

    func run() throws {
        let place = target(
            "/v1/routes", ("prefix", prefix.isEmpty ? nil : prefix.joined(separator: ",")),
            ("limit", all ? "all" : String(limit)))
        try Look<RoutesAnswer>(place, options) { answer, page in
            var table =
                page.isWide
                ? Table("PREFIX", "VIA", "SOURCE", "DISTANCE", "METRIC", "AGE", "LEARNED FROM")
                : Table("PREFIX", "VIA", "SOURCE", "COST", "AGE")
            for row in answer.routes {
                let age = Cell(row.ageSeconds.map { Units.duration($0) } ?? "-")
                let style = Style.side(row.nextHops.first?.side)
                let way = Cell(RoutesCommand.way(row), row.action == "forward" ? style : .dim)
                if page.isWide {
                    table.add(
                        Cell(row.prefix), way, Cell(row.source), Cell("\(row.distance)"),
                        Cell("\(row.metric)"), age, Cell(row.learnedFrom ?? "-"))
                } else {
                    table.add(
                        Cell(row.prefix), way, Cell(row.source),
                        Cell("[\(row.distance)/\(row.metric)]"), age)
                }
            }
            page.add(table)
            var note = "\(answer.matched) of \(answer.total) routes match"
            if answer.routes.count < answer.matched {
                note += "; \(answer.routes.count) are listed (--limit N, --all)"
            }
            page.note(note)
        }.run()
    }
}

struct RoutesGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Where packets to an address go, and why.")
    @Argument(help: "An IPv4 address.") var address: String
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let place = target("/v1/routes/lookup", ("address", address))
        try Look<RouteLookupAnswer>(place, options) { answer, page in
            for line in Self.lines(answer) { page.add(line.printable) }
        }.run()
    }

    private static func lines(_ answer: RouteLookupAnswer) -> [String] {
        guard let route = answer.route else {
            return ["\(answer.address) -> \(answer.action == "none" ? "no route" : answer.action)"]
        }
        var first = "\(answer.address) -> "
        if answer.action == "forward" {
            first += answer.side ?? "?"
            if let hop = answer.nextHop { first += ", next hop \(hop)" }
            if let neighbor = answer.neighbor {
                first += " (\(neighbor.hardware ?? neighbor.state))"
            }
            if let mtu = answer.mtu { first += ", MTU \(mtu)" }
        } else {
            first += answer.action
        }
        var by = "  by \(route.prefix) \(route.source) [\(route.distance)/\(route.metric)]"
        switch (route.ageSeconds, route.learnedFrom) {
        case (let age?, let from?): by += ", learned \(Units.duration(age)) ago from \(from)"
        case (let age?, nil): by += ", since \(Units.duration(age))"
        case (nil, let from?): by += ", learned from \(from)"
        case (nil, nil): break
        }
        let others = answer.alsoKnown.map { other in
            let row = other.route
            let hops = row.nextHops.compactMap(\.gateway)
            let via = hops.isEmpty ? "" : " via \(hops.joined(separator: ", "))"
            return "  also known: \(row.prefix) \(row.source) [\(row.distance)/\(row.metric)]"
                + "\(via) (\(other.why))"
        }
        return [first, by] + others
    }
}
