internal import Forwarding
internal import NAT
internal import Timing
internal import Wire

extension Decoder {
    /// Longest path of a socket: sun_path less the terminator.
    private static let longestSocketPath = 107

    mutating func forwarding(
        _ node: Int?
    ) -> (policy: AddressPolicy, busyPoll: Interval, workers: Int) {
        var policy = AddressPolicy()
        guard let node,
            let fields = fields(
                of: node, anchor: node - 1, path: Path("forwarding"), as: ForwardingKey.self)
        else { return (policy, .seconds(0), 1) }
        policy.dropsDocumentation =
            choice(
                fields[.documentationPrefixes], [("allow", false), ("drop", true)],
                fields.name(.documentationPrefixes)) ?? policy.dropsDocumentation
        policy.isStrict =
            choice(
                fields[.bogons], [("allow", false), ("strict", true)], fields.name(.bogons))
            ?? policy.isStrict
        policy.forwardsClassE =
            choice(fields[.classE], [("drop", false), ("allow", true)], fields.name(.classE))
            ?? policy.forwardsClassE
        policy.forwardsDirectedBroadcast =
            boolean(fields[.directedBroadcast], fields.name(.directedBroadcast))
            ?? policy.forwardsDirectedBroadcast
        let busyPoll = duration(fields[.busyPoll], in: 0...100, fields.name(.busyPoll))
        let workers = integer(fields[.workers], in: 1...Share.most, fields.name(.workers))
        return (policy, busyPoll ?? .seconds(0), workers ?? 1)
    }

    mutating func log(_ node: Int?) -> LogSettings {
        var log = LogSettings()
        guard let node,
            let fields = fields(of: node, anchor: node - 1, path: Path("log"), as: LogKey.self)
        else { return log }
        log.level =
            choice(
                fields[.level], LogSettings.Level.allCases.map { ($0.rawValue, $0) },
                fields.name(.level)) ?? log.level
        log.natSessions =
            choice(
                fields[.natSessions], LogSettings.Sessions.allCases.map { ($0.rawValue, $0) },
                fields.name(.natSessions)) ?? log.natSessions
        return log
    }

    mutating func control(_ node: Int?, instance: String) -> ControlSettings {
        var control = ControlSettings(socket: ControlSettings.defaultSocket(name: instance))
        guard let node,
            let fields = fields(
                of: node, anchor: node - 1, path: Path("control"), as: ControlKey.self)
        else { return control }
        control.socket = socket(fields[.socket], fields.name(.socket)) ?? control.socket
        if let group = fields[.group] {
            let name = groupName(group, fields.name(.group))
            control.group = name.flatMap { $0.isEmpty ? nil : $0 }
        }
        control.readOnlyGroup = groupName(fields[.readOnlyGroup], fields.name(.readOnlyGroup))
            .flatMap { $0.isEmpty ? nil : $0 }
        control.mode = mode(fields[.mode], fields.name(.mode)) ?? control.mode
        return control
    }

    private mutating func socket(_ node: Int?, _ path: @autoclosure () -> String) -> String? {
        guard let node, isValue(node, path()) else { return nil }
        let bytes = tree.bytes(node)
        guard bytes.first == UInt8(ascii: "/"), !bytes.contains(where: { $0 < 0x20 }) else {
            report(
                .socketPathRelative, node,
                "\(path()) must be a whole path from /, not \(tree.quoted(node))",
                help: "write /run/gatewayd/NAME/control.sock")
            return nil
        }
        guard bytes.count <= Self.longestSocketPath else {
            report(
                .socketPathLength, node,
                "\(path()) has \(bytes.count) bytes, and a socket's path at most "
                    + "\(Self.longestSocketPath)")
            return nil
        }
        return tree.string(node)
    }

    /// A group's name, or nothing in quotes for no group.
    private mutating func groupName(_ node: Int?, _ path: @autoclosure () -> String) -> String? {
        name(
            node, path(), rule: "the name of a group, or \"\" for none",
            where: { $0.isEmpty || Self.isSimpleName($0) && $0.first != UInt8(ascii: "-") })
    }

    private mutating func mode(_ node: Int?, _ path: @autoclosure () -> String) -> UInt16? {
        guard let node, isValue(node, path()) else { return nil }
        let bytes = tree.bytes(node)
        let isOctal = bytes.allSatisfy { $0 >= 48 && $0 <= 55 }
        guard isOctal, bytes.count == 4, bytes.first == 48,
            let mode = UInt16(tree.string(node), radix: 8)
        else {
            report(
                .badMode, node,
                "\(path()) must be four octal digits with a leading 0, not \(tree.quoted(node))",
                help: isOctal && bytes.count == 3 ? "write \"0\(tree.string(node))\"" : nil)
            return nil
        }
        if mode & 0o002 != 0 {
            report(
                .openMode, node, "\(path()) \(tree.quoted(node)) lets every user connect",
                help: "write \"0660\"")
        }
        return mode
    }
}
