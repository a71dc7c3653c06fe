internal import BFD
internal import Forwarding
internal import NAT
internal import OSPF
internal import RIP
internal import Routing
internal import Wire

/// What came of looking at a key file.
public enum KeyFile: Hashable, Sendable {
    /// Its octets.
    case key([UInt8])
    /// There is none that we may read.
    case missing
    /// Others may read it.
    case open
}

/// Questions about the machine that a configuration raises.
public struct ConfigurationChecks: Sendable {
    /// Whether a network namespace (a name under /run/netns, or an absolute path) exists.
    public var namespaceExists: @Sendable (String) -> Bool

    /// The contents of a key file.
    public var readKey: @Sendable (String) -> KeyFile

    /// Checks of these functions.
    public init(
        namespaceExists: @escaping @Sendable (String) -> Bool,
        readKey: @escaping @Sendable (String) -> KeyFile = { _ in .key([0x2a]) }
    ) {
        self.namespaceExists = namespaceExists
        self.readKey = readKey
    }

    /// Takes everything to exist, for checking a file meant for another machine.
    public static let none = ConfigurationChecks(namespaceExists: { _ in true })
}

/// What came of reading a configuration.
public struct ConfigurationResult: Sendable {
    /// The configuration; nil if there was any error.
    public let configuration: GatewayConfiguration?
    /// At most the first 100 found, in file order.
    public let diagnostics: [Diagnostic]
    /// Errors in all, those not in `diagnostics` included.
    public let errors: Int
    /// Warnings in all, those not in `diagnostics` included.
    public let warnings: Int
    /// The file's bytes, for `Diagnostic.render(source:)`.
    public let source: [UInt8]

    /// `8 problems, 2 warnings`; nil if there are neither.
    public var summary: String? {
        var parts: [String] = []
        if errors > 0 { parts.append(errors == 1 ? "1 problem" : "\(errors) problems") }
        if warnings > 0 { parts.append(warnings == 1 ? "1 warning" : "\(warnings) warnings") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// All diagnostics with their source lines, and the summary.
    public func render() -> String {
        var lines = SourceLines(source)
        var text = ""
        for item in diagnostics {
            text += item.render(
                excerpt: lines.excerpt(line: item.line, column: item.column, length: item.length))
        }
        if let summary { text += summary + "\n" }
        return text
    }
}

/// Reads configuration files.
public enum ConfigurationLoader {
    /// The largest file, in bytes. 100,000 static routes are wanted and are 5 MB of YAML, so a
    /// bound of 1 MiB would be too small. Reading takes about 60 ms a megabyte, and
    /// `YAMLTreeBuilder.mostNodes` bounds the memory.
    public static let largestFile = 16 * 1024 * 1024

    /// Reads a configuration from bytes; asks nothing of the machine except through `checks`.
    ///
    /// `file` is the name shown in diagnostics, and the instance is named after it unless the
    /// configuration names it. `machineID` is the contents of /etc/machine-id, for hardware
    /// addresses. Any bytes whatever give a result; nothing traps.
    public static func parse(
        _ bytes: [UInt8], file: String, machineID: String,
        checks: ConfigurationChecks = .none
    ) -> ConfigurationResult {
        var problems = Problems(file: file)
        guard let tree = tree(of: bytes, &problems) else {
            return result(nil, problems, bytes)
        }
        let root = tree.root ?? 0
        guard tree.root != nil, !tree.isNull(root) else {
            let mark = YAMLTreeBuilder.Mark(line: 1, column: 1, length: 1)
            problems.add(
                .notMapping, mark, "the file is empty and must be a mapping",
                help: "start with version: 1 and interfaces:")
            return result(nil, problems, bytes)
        }
        var decoder = Decoder(tree: tree, checks: checks, problems: problems)
        let instance = instanceName(of: file)
        let configuration = decoder.configuration(root, instance, machineID: machineID)
        return result(configuration, decoder.problems, bytes)
    }

    private static func tree(of bytes: [UInt8], _ problems: inout Problems) -> YAMLTree? {
        let start = YAMLTreeBuilder.Mark(line: 1, column: 1, length: 1)
        guard bytes.count <= largestFile else {
            problems.add(
                .fileTooLarge, start, "the file is larger than \(largestFile / 1_048_576) MiB")
            return nil
        }
        if let failure = TextCheck.failure(in: bytes) {
            problems.add(.notText, failure.mark, failure.message, help: failure.help)
            return nil
        }
        var builder = YAMLTreeBuilder(problems: problems)
        let isComplete = YAMLReader.read(bytes, from: TextCheck.start(of: bytes), into: &builder)
        problems = builder.problems
        if !isComplete, problems.errors == 0 {
            problems.add(.notYAML, start, "not valid YAML: it cannot be read")
        }
        return isComplete ? builder.tree : nil
    }

    private static func result(
        _ configuration: GatewayConfiguration?, _ problems: Problems, _ source: [UInt8]
    ) -> ConfigurationResult {
        ConfigurationResult(
            configuration: problems.errors == 0 ? configuration : nil,
            diagnostics: problems.inFileOrder(), errors: problems.errors,
            warnings: problems.warnings, source: source)
    }

    /// The name of the instance that a file configures: `home` for `/etc/gatewayd/home.yaml`.
    /// Characters no name can have become `-`.
    public static func instanceName(of file: String) -> String {
        var name = file.utf8.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
        for suffix in [".yaml", ".yml"] where name.count > suffix.utf8.count {
            if name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) {
                name.removeLast(suffix.utf8.count)
            }
        }
        let good = name.prefix(32).map {
            Decoder.isSimpleNameByte($0) ? $0 : UInt8(ascii: "-")
        }
        return good.allSatisfy { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
            ? "gateway" : String(decoding: good, as: UTF8.self)
    }
}

extension Decoder {
    /// The whole file. What comes back is meant for use only if no error was reported.
    fileprivate mutating func configuration(
        _ root: Int, _ instance: String, machineID: String
    ) -> GatewayConfiguration? {
        guard let fields = fields(of: root, anchor: root, path: .root, as: TopKey.self) else {
            return nil
        }
        version(of: fields)
        let isGood: (ArraySlice<UInt8>) -> Bool = {
            Self.isSimpleName($0) && !$0.allSatisfy { $0 == UInt8(ascii: ".") }
        }
        let name =
            name(
                fields[.name], "name", rule: "1 to 32 letters, digits, '-', '_' and '.'",
                where: isGood) ?? instance
        let sides = interfaces(
            required(.interfaces, of: fields, help: "write interfaces: with lan: and wan: in it"))
        var nat = nat(fields[.nat], sides)
        planBlocks(&nat, sides)
        checkForwards(nat, sides)
        let translates = nat.settings.mode != .none
        var watched: [NextHop: BFDTiming] = [:]
        let routes = routes(
            fields[.routes],
            RouteContext(sides: sides, inside: translates ? nat.settings.outside.other : nil),
            &watched)
        checkPoolAgainst(Self.gateways(of: routes), nat, fields)
        let rip = rip(fields[.rip], sides)
        let ospf = ospf(fields[.ospf], sides)
        let (policy, busyPoll, workers) = self.forwarding(fields[.forwarding])
        let log = log(fields[.log])
        let control = control(fields[.control], instance: name)
        guard problems.errors == 0 else { return nil }
        let interfaces = sides.map { side in
            settings(of: side, machineID: machineID, name: name)
        }
        guard let lan = interfaces.first, let wan = interfaces.last else { return nil }
        var forwarding = ForwardingSettings(lan: lan, wan: wan)
        forwarding.nat = nat.settings
        forwarding.nat.portForwards = nat.forwards.map(\.forward)
        forwarding.segmentClamp = nat.segmentClamp
        forwarding.policy = policy
        for side in Side.allCases {
            forwarding[side].speaksRIP = rip?.settings.interfaces[side.index] != nil
            forwarding[side].speaksOSPF =
                ospf?.settings.interfaces[side.index]?.isPassive == false
            forwarding[side].speaksBFD =
                ospf?.bfd[side.index] != nil || rip?.bfd[side.index] != nil
                || watched.keys.contains { $0.side == side }
        }
        var configuration = GatewayConfiguration(
            name: name, devices: sides.compactMap { $0.device?.value }, forwarding: forwarding,
            routes: routes, watched: watched, rip: rip, ospf: ospf, log: log, control: control)
        configuration.busyPoll = busyPoll
        configuration.workers = workers
        return configuration
    }

    private mutating func version(of fields: Fields<TopKey>) {
        guard let node = required(.version, of: fields, help: "write version: 1 at the top"),
            isValue(node, "version"), !tree.bytes(node).elementsEqual("1".utf8)
        else { return }
        report(
            .unknownVersion, node, "version \(tree.quoted(node)) is not known",
            help: "this gatewayd reads version: 1")
    }

    private static func gateways(of routes: [Route]) -> [IPv4Address] {
        var seen: Set<IPv4Address> = []
        for route in routes {
            guard case .forward(let ways) = route.action else { continue }
            for way in ways { if let gateway = way.gateway { seen.insert(gateway) } }
        }
        return seen.sorted()
    }

    private func settings(
        of draft: SideDraft, machineID: String, name: String
    ) -> InterfaceSettings {
        let hardware =
            draft.hardware?.value
            ?? DeviceSettings.defaultHardware(machineID: machineID, name: name, side: draft.side)
        var settings = InterfaceSettings(
            hardware: hardware, addresses: draft.addresses.map(\.value), mtu: draft.mtu)
        settings.proxyARP = draft.proxyARP
        settings.neighbors = draft.neighbors
        settings.probesAddresses = draft.probesAddresses
        settings.sendsErrors = draft.sendsErrors
        return settings
    }
}
