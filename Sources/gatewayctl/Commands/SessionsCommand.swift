import ArgumentParser
import Control

struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "NAT sessions: list, count, watch, kill.",
        usage: """
            gatewayctl sessions [FILTER ...] [--summary] [--limit N | --all]
            gatewayctl sessions count [FILTER ...]
            gatewayctl sessions watch [FILTER ...] [--count N]
            gatewayctl sessions kill FILTER ...
            """,
        discussion: """
            FILTER is made of conditions, joined by and, or, not and ( ):
              proto tcp|udp|icmp|gre|esp|sctp|dccp|udplite|NUMBER
              state NAME    rule NAME
              host ADDR    net ADDR/LEN    port PORT    sport PORT    dport PORT-PORT
              src|dst|inside|outside|remote ADDR[/LEN][:PORT]
              bytes|packets|age|idle gt|ge|lt|le|eq|ne VALUE
            For example: gatewayctl sessions inside 192.168.50.101 and dport 443
            """,
        subcommands: [
            SessionsList.self, SessionsCount.self, SessionsWatch.self, SessionsKill.self,
        ],
        defaultSubcommand: SessionsList.self, aliases: ["sess"])
}

/// The words of a filter, for the daemon to parse.
struct FilterText {
    let text: String

    init(_ words: [String]) {
        // The name of a rule may have been quoted for the shell.
        var parts: [String] = []
        for (index, word) in words.enumerated() {
            let isName = index > 0 && words[index - 1] == "rule" && word.contains(" ")
            parts.append(isName ? "\"\(word)\"" : word)
        }
        text = parts.joined(separator: " ")
    }

    /// Runs `body`; a complaint about the filter shows the place.
    func pointing<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ErrorAnswer {
            var failure = Failure(sentence: error.error, status: error.code)
            if let offset = error.offset, offset <= text.utf8.count, !text.contains("\n") {
                let before = String(decoding: text.utf8.prefix(offset), as: UTF8.self)
                let word = String(
                    decoding: text.utf8.dropFirst(offset).prefix(max(0, error.length ?? 0)),
                    as: UTF8.self)
                let carets = max(1, word.unicodeScalars.count)
                failure.detail = [
                    "  \(text)",
                    "  " + String(repeating: " ", count: before.unicodeScalars.count)
                        + String(repeating: "^", count: carets),
                ]
            }
            throw failure
        }
    }
}

struct SessionsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Sessions that match; the word may be left out.")
    @Flag(help: "Count by protocol and state.") var summary = false
    @Option(help: "List at most so many.") var limit = 1000
    @Flag(help: "List all of them.") var all = false
    @Argument(help: "Which sessions.") var filter: [String] = []
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard limit >= 0, limit <= 1 << 24 else {
            throw ValidationError("--limit wants a number of 0 to \(1 << 24)")
        }
        if summary, !filter.isEmpty {
            throw ValidationError("--summary counts all sessions and takes no filter")
        }
    }

    func run() throws {
        if summary {
            return try Look<SessionsSummaryAnswer>("/v1/sessions/summary", options) {
                Self.show($0, &$1)
            }.run()
        }
        let filter = FilterText(filter)
        let place = target(
            "/v1/sessions", ("filter", filter.text.isEmpty ? nil : filter.text),
            ("limit", all ? "all" : String(limit)))
        try filter.pointing {
            try Look<SessionsAnswer>(place, options) { answer, page in
                if page.format == .conntrack {
                    for row in answer.sessions { page.add(conntrackLine(row)) }
                } else {
                    Self.show(answer, &page)
                }
            }.run()
        }
    }

    /// An endpoint; what has no ports, and the remote of a ping, is an address alone.
    private static func end(_ address: some CustomStringConvertible, _ port: UInt16) -> Cell {
        Cell(port == 0 ? "\(address)" : "\(address):\(port)")
    }

    private static func show(_ answer: SessionsAnswer, _ page: inout Page) {
        var table =
            page.isWide
            ? Table(
                "PROTO", "INSIDE", "OUTSIDE", "REMOTE", "STATE", "AGE", "IDLE", "EXPIRES",
                "OUT PKT", "OUT", "IN PKT", "IN", "RULE")
            : Table("PROTO", "INSIDE", "OUTSIDE", "REMOTE", "STATE", "EXPIRES", "OUT", "IN")
        for row in answer.sessions {
            let ends = [
                Cell(row.transportName), end(row.inside, row.insidePort),
                end(row.outside, row.outsidePort), end(row.remote, row.remotePort),
                Cell(row.state == .none ? "-" : row.state.name, style(of: row.state)),
            ]
            let idle = Cell(Units.duration(UInt64(row.idleSeconds)))
            let expires = Cell(Units.duration(UInt64(row.expiresSeconds)))
            let out = Cell(Units.bytes(row.bytesOut))
            let back = Cell(Units.bytes(row.bytesIn))
            guard page.isWide else {
                table.rows.append(ends + [expires, out, back])
                continue
            }
            table.rows.append(
                ends + [
                    Cell(Units.duration(UInt64(row.ageSeconds))), idle, expires,
                    Cell("\(row.packetsOut)"), out, Cell("\(row.packetsIn)"), back,
                    Cell(answer.ruleName(of: row) ?? "-"),
                ])
        }
        page.add(table)
        var note = "\(answer.matched) of \(answer.total) sessions match"
        if answer.sessions.count < answer.matched {
            note += "; \(answer.sessions.count) are listed (--limit N, --all)"
        }
        page.note(note)
    }

    private static func style(of state: SessionState) -> Style {
        switch state {
        case .established, .replied: .good
        case .unreplied, .opening: .warning
        default: .plain
        }
    }

    private static func show(_ answer: SessionsSummaryAnswer, _ page: inout Page) {
        func list(_ counts: [NamedCount]) -> String {
            counts.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        }
        var table = Table("PROTO", "NOW", "STATES", "CREATED", "CLOSED")
        for row in answer.protocols {
            table.add(
                Cell(row.protocol), Cell("\(row.sessions)"), Cell(list(row.states)),
                Cell("created \(row.created)"),
                Cell(
                    "closed \(row.closed)"
                        + (row.closedBy.isEmpty ? "" : " (\(list(row.closedBy)))")))
        }
        page.add(table)
        page.note(
            "limit \(answer.limit), refused \(answer.refused)"
                + (answer.refusedBy.isEmpty ? "" : " (\(list(answer.refusedBy)))"))
    }
}

struct SessionsCount: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "How many sessions match.")
    @Argument(help: "Which sessions.") var filter: [String] = []
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let filter = FilterText(filter)
        let place = target(
            "/v1/sessions/count", ("filter", filter.text.isEmpty ? nil : filter.text))
        try filter.pointing {
            try Look<CountAnswer>(place, options) { $1.add("\($0.matched)") }.run()
        }
    }
}

struct SessionsKill: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Remove the sessions that match.")
    @Argument(help: "Which sessions; there must be a filter.") var filter: [String]
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let filter = FilterText(filter)
        let client = Client(path: try Instances.socket(options))
        let answer = try filter.pointing {
            try client.post(
                KillAnswer.self, "/v1/sessions/kill", KillRequest(filter: filter.text))
        }
        report(answer, options) { "\(Units.count($0.count, "session", "sessions")) removed" }
    }
}

/// A line as `conntrack -L` writes it.
func conntrackLine(_ row: SessionRow) -> String {
    let name = row.transportName
    let gap = String(repeating: " ", count: max(1, 9 - name.count))
    var line = "\(name)\(gap)\(row.transport) \(row.expiresSeconds) "
    if row.transport == 6 { line += conntrackState(row.state) + " " }
    line += "src=\(row.inside) dst=\(row.remote) "
    line +=
        row.transport == 1
        ? "type=8 code=0 id=\(row.insidePort) " : "sport=\(row.insidePort) dport=\(row.remotePort) "
    line += "packets=\(row.packetsOut) bytes=\(row.bytesOut) "
    if row.state == .unreplied || row.state == .opening { line += "[UNREPLIED] " }
    line += "src=\(row.remote) dst=\(row.outside) "
    line +=
        row.transport == 1
        ? "type=0 code=0 id=\(row.outsidePort) "
        : "sport=\(row.remotePort) dport=\(row.outsidePort) "
    line += "packets=\(row.packetsIn) bytes=\(row.bytesIn) "
    if row.state == .replied || row.state == .established { line += "[ASSURED] " }
    return line + "mark=0 use=1"
}

private func conntrackState(_ state: SessionState) -> String {
    switch state {
    case .unreplied, .opening: "SYN_SENT"
    case .replied, .established: "ESTABLISHED"
    case .clientFIN: "FIN_WAIT"
    case .serverFIN: "CLOSE_WAIT"
    case .closing: "LAST_ACK"
    case .transitory: "TIME_WAIT"
    case .none: "NONE"
    }
}
