internal import NAT
internal import Timing
internal import Wire

/// A rule with the places it came from.
struct RuleDraft {
    var rule: NATRule
    var node: Int
    var nameNode: Int?
}

extension Decoder {
    private static let behaviors = Behavior.allCases.map { ($0.name, $0) }
    private static let allTransports: [(String, Transport)] = [
        ("tcp", .tcp), ("udp", .udp), ("icmp", .icmp),
    ]
    static let transportWords: [(String, Transport)] = [("tcp", .tcp), ("udp", .udp)]

    // MARK: Rules

    mutating func rules(_ node: Int?, _ path: String) -> [RuleDraft] {
        guard let node, let items = items(of: node, path, most: NATSettings.mostRules) else {
            return []
        }
        var drafts: [RuleDraft] = []
        var index = 0
        for item in items {
            if let draft = rule(item, Path(path, index: index)) { drafts.append(draft) }
            index += 1
        }
        checkHidden(drafts, path)
        return drafts
    }

    private mutating func rule(_ node: Int, _ path: Path) -> RuleDraft? {
        guard let fields = fields(of: node, anchor: node, path: path, as: RuleKey.self) else {
            return nil
        }
        let before = problems.errors
        var rule = NATRule()
        rule.name = ruleName(fields[.name], fields.name(.name)) ?? ""
        rule.inside = list(of: fields[.from], fields.name(.from), most: 64) { $0.prefix($1, $2()) }
        rule.transports = transports(
            fields[.protocol], fields.name(.protocol), Self.allTransports, none: [])
        rule.isDenied =
            choice(
                fields[.action], [("translate", false), ("deny", true)], fields.name(.action))
            ?? false
        rule.mapping = choice(fields[.mapping], Self.behaviors, fields.name(.mapping))
        rule.filtering = choice(fields[.filtering], Self.behaviors, fields.name(.filtering))
        rule.preservePort = boolean(fields[.preservePort], fields.name(.preservePort))
        rule.preserveParity = boolean(fields[.preserveParity], fields.name(.preserveParity))
        rule.inboundRefresh = boolean(fields[.inboundRefresh], fields.name(.inboundRefresh))
        if rule.isDenied {
            let behavior: [RuleKey] = [
                .mapping, .filtering, .preservePort, .preserveParity, .inboundRefresh,
            ]
            for entry in fields.entries where behavior.contains(entry.key) {
                report(
                    .contradiction, entry.value,
                    "\(path.text) denies translation and says how to translate",
                    help: "remove \(entry.key.rawValue), or action: deny")
            }
        }
        return problems.errors == before
            ? RuleDraft(rule: rule, node: node, nameNode: fields[.name]) : nil
    }

    mutating func ruleName(_ node: Int?, _ path: @autoclosure () -> String) -> String? {
        name(
            node, path(), rule: "1 to 32 letters, digits, '-', '_' and '.'",
            where: Self.isSimpleName)
    }

    /// One word or a list; `none` if there is none, empty if nothing could be read.
    mutating func transports(
        _ node: Int?, _ path: String, _ words: [(String, Transport)], none: [Transport]
    ) -> [Transport] {
        guard let node else { return none }
        if tree.kind(node) == .scalar { return choice(node, words, path).map { [$0] } ?? [] }
        let found = list(of: node, path, most: 8) { $0.choice($1, words, $2()) }
        if found.isEmpty, tree.kind(node) == .sequence, tree.nodes[node].end == node + 1 {
            let names = words.count > 2 ? "tcp, udp or icmp" : "tcp, udp or both"
            report(.emptyList, node, "\(path) must hold \(names)")
        }
        return words.map(\.1).filter(found.contains)
    }

    /// A rule that earlier ones leave nothing for is a contradiction or a leftover.
    private mutating func checkHidden(_ drafts: [RuleDraft], _ path: String) {
        typealias Selector = (prefix: IPv4Prefix, transport: Transport, node: Int)
        var earlier: [Selector] = []
        for draft in drafts {
            let anyHost = [IPv4Prefix(IPv4Address(0), length: 0)]
            let prefixes = draft.rule.inside.isEmpty ? anyHost : draft.rule.inside
            let transports =
                draft.rule.transports.isEmpty ? Transport.allCases : draft.rule.transports
            let own = prefixes.flatMap { prefix in
                transports.map { Selector(prefix, $0, draft.node) }
            }
            let hiding = own.map { one in
                earlier.first { other in
                    other.transport == one.transport && other.prefix.length <= one.prefix.length
                        && other.prefix.contains(one.prefix.address)
                }
            }
            if let first = hiding.first, let other = first, hiding.allSatisfy({ $0 != nil }) {
                report(
                    .hiddenRule, draft.node, "this rule never holds: earlier ones match all of it",
                    help: "the one at line \(tree.nodes[other.node].line) comes first")
            }
            earlier += own
        }
    }

    // MARK: Exceptions and times by port

    /// A prefix, or a mapping with `to`, `protocol` and `port`.
    mutating func exception(_ node: Int, _ path: @autoclosure () -> String) -> NATException? {
        guard tree.kind(node) == .mapping else {
            return prefix(node, path()).map { NATException($0) }
        }
        guard
            let fields = fields(
                of: node, anchor: node, path: Path(path()), as: ExceptionKey.self),
            let to = required(.to, of: fields, help: "write to: PREFIX"),
            let destination = prefix(to, fields.name(.to))
        else { return nil }
        let ports = ports(fields[.port], fields.name(.port))
        let words = ports == nil ? Self.allTransports : Self.transportWords
        let transports = transports(fields[.protocol], fields.name(.protocol), words, none: [])
        return NATException(destination, transports: transports, ports: ports)
    }

    mutating func portTimeout(_ node: Int, _ path: @autoclosure () -> String) -> PortTimeout? {
        guard
            let fields = fields(
                of: node, anchor: node, path: Path(path()), as: PortTimeoutKey.self)
        else { return nil }
        let portNode = required(.port, of: fields, help: "write port: 53")
        let timeNode = required(.timeout, of: fields, help: "write timeout: 20s")
        let transports = transports(
            fields[.protocol], fields.name(.protocol), Self.transportWords, none: [.udp])
        guard let ports = ports(portNode, fields.name(.port)), let timeNode,
            let time = duration(
                timeNode, in: 1000...Self.longestTimeout, fields.name(.timeout)),
            !transports.isEmpty
        else { return nil }
        // RFC 4787 REQ-5a: well-known ports may have shorter times.
        let least: (Interval, String)? =
            transports.contains(.tcp)
            ? (.seconds(7440), "RFC 5382 REQ-5")
            : ports.upperBound >= 1024 ? (.seconds(120), "RFC 4787 REQ-5") : nil
        if let least, time < least.0 {
            let wanted = Wording.duration(least.0)
            report(
                .shortTimeout, timeNode,
                "\(fields.name(.timeout)) is \(Wording.duration(time)), and \(least.1) asks for "
                    + "at least \(wanted)",
                help: transports.contains(.tcp)
                    ? "write \(wanted)" : "only UDP ports below 1024 may have less")
        }
        return PortTimeout(transports: transports, ports: ports, time: time)
    }
}
