import Configuration
import Foundation
import Testing

/// Directory of the package.
private let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

@Suite struct FileTests {
    private let directory = FileManager.default.temporaryDirectory.appending(
        path: "configuration-tests-\(UUID().uuidString)")

    private static let examples = [
        "minimal.yaml", "home-gateway.yaml", "lab.yaml", "router-no-nat.yaml", "provider.yaml",
    ]

    @Test func exampleFilesAreThese() throws {
        let files = try FileManager.default.contentsOfDirectory(
            atPath: package.appending(path: "config").path)
        #expect(Set(files.filter { $0.hasSuffix(".yaml") }) == Set(Self.examples))
    }

    @Test(arguments: examples)
    func exampleIsWithoutDiagnostics(_ name: String) throws {
        let path = package.appending(path: "config/\(name)").path
        let result = try ConfigurationLoader.load(path: path, machineID: "m", checks: .none)
        #expect(result.render() == "")
        #expect(result.configuration != nil)
        checkInvariants(of: result)
    }

    @Test func missingFile() {
        let path = directory.path
        #expect(throws: ConfigurationFileError.missing(path: path)) {
            try ConfigurationLoader.load(path: path, machineID: "")
        }
        #expect(ConfigurationFileError.missing(path: "a\nb").description == "a\\x0ab: no such file")
    }

    @Test func exitCodes() {
        #expect(ConfigurationFileError.missing(path: "").exitCode == 66)
        #expect(ConfigurationFileError.unreadable(path: "").exitCode == 77)
        #expect(ConfigurationFileError.failed(path: "", reason: "").exitCode == 74)
    }

    @Test func directoryIsNoFile() throws {
        let error = #expect(throws: ConfigurationFileError.self) {
            try ConfigurationLoader.load(path: "/", machineID: "")
        }
        #expect(error?.description == "/: Is a directory")
    }

    @Test func wholeFileIsRead() throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "big.yaml")
        let padding = String(repeating: "# padding\n", count: 30_000)
        try Data((padding + ErrorCase.skeleton + "nats: 1\n").utf8).write(to: file)
        let result = try ConfigurationLoader.load(path: file.path, machineID: "")
        #expect(result.diagnostics.map(\.line) == [30_007])
        #expect(try ConfigurationLoader.read(file.path, most: 70_000).count == 70_000)
    }

    @Test func namespacesOfTheMachine() {
        let checks = ConfigurationChecks.system
        #expect(checks.namespaceExists("/proc/self/ns/net"))
        #expect(!checks.namespaceExists("no-such-namespace-\(UUID().uuidString)"))
    }
}

@Suite struct SchemaTests {
    typealias Object = [String: Any]

    func schema() throws -> Object {
        let data = try Data(contentsOf: package.appending(path: "config/gateway.schema.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? Object)
    }

    /// The property names of the schema by path, those of list items included.
    private func keys(of object: Object, at path: String) -> [String: Set<String>] {
        var result: [String: Set<String>] = [:]
        if let properties = object["properties"] as? Object {
            result[path] = Set(properties.keys)
            #expect(object["additionalProperties"] as? Bool == false, "\(path)")
            for (name, value) in properties {
                guard let value = value as? Object else { continue }
                let below = keys(of: value, at: path.isEmpty ? name : "\(path).\(name)")
                result.merge(below) { first, _ in first }
            }
        }
        // Keys that anyone may choose.
        if let each = object["additionalProperties"] as? Object {
            result.merge(keys(of: each, at: path)) { first, _ in first }
        }
        // A value may be a word or a mapping.
        for choice in object["oneOf"] as? [Object] ?? [] {
            result.merge(keys(of: choice, at: path)) { first, _ in first }
        }
        if let items = object["items"] as? Object {
            result.merge(keys(of: items, at: path)) { first, _ in first }
        }
        return result
    }

    /// The schema's keys are what the loader says it knows when it meets a strange one.
    @Test func keysAreThoseOfTheLoader() throws {
        let keys = keys(of: try schema(), at: "")
        let strange = "zzzzzzzz: 1"
        let places = [
            ("", ErrorCase.skeleton + strange),
            ("interfaces.lan", ErrorCase.skeleton + "    \(strange)"),
            (
                "interfaces.wan",
                ErrorCase.skeleton.replacing("{tap: t1", with: "{\(strange), tap: t1")
            ),
            ("interfaces.lan.offload", ErrorCase.skeleton + "    offload: {\(strange)}"),
            ("interfaces.lan.neighbors", ErrorCase.skeleton + "    neighbors: [{\(strange)}]"),
            ("routes", ErrorCase.skeleton + "routes: [{\(strange)}]"),
            (
                "routes.bfd",
                ErrorCase.skeleton
                    + "routes: [{to: default, via: 10.1.0.9, bfd: {\(strange)}}]"
            ),
            ("nat", ErrorCase.skeleton + "nat: {\(strange)}"),
            ("nat.pool", ErrorCase.skeleton + "nat: {pool: {\(strange)}}"),
            ("nat.port-forwards", ErrorCase.skeleton + "nat: {port-forwards: [{\(strange)}]}"),
            ("nat.blocks", ErrorCase.skeleton + "nat: {blocks: {\(strange)}}"),
            ("nat.rules", ErrorCase.skeleton + "nat: {rules: [{\(strange)}]}"),
            ("nat.exclude", ErrorCase.skeleton + "nat: {exclude: [{\(strange)}]}"),
            ("nat.one-to-one", ErrorCase.skeleton + "nat: {one-to-one: [{\(strange)}]}"),
            (
                "nat.timeouts.ports",
                ErrorCase.skeleton + "nat: {timeouts: {ports: [{\(strange)}]}}"
            ),
            ("nat.timeouts", ErrorCase.skeleton + "nat: {timeouts: {\(strange)}}"),
            ("nat.limits", ErrorCase.skeleton + "nat: {limits: {\(strange)}}"),
            ("rip", ErrorCase.skeleton + "rip: {\(strange)}"),
            ("rip.interfaces.lan", ErrorCase.skeleton + "rip: {interfaces: {lan: {\(strange)}}}"),
            (
                "rip.interfaces.lan.authentication",
                ErrorCase.skeleton + "rip: {interfaces: {lan: {authentication: {\(strange)}}}}"
            ),
            (
                "rip.interfaces.lan.authentication.keys",
                ErrorCase.skeleton
                    + "rip: {interfaces: {lan: {authentication: {type: md5, "
                    + "keys: [{\(strange)}]}}}}"
            ),
            (
                "rip.interfaces.lan.bfd",
                ErrorCase.skeleton + "rip: {interfaces: {lan: {bfd: {\(strange)}}}}"
            ),
            ("rip.timers", ErrorCase.skeleton + "rip: {timers: {\(strange)}}"),
            ("ospf", ErrorCase.skeleton + "ospf: {\(strange)}"),
            ("ospf.areas", ErrorCase.skeleton + "ospf: {areas: {1: {\(strange)}}}"),
            (
                "ospf.areas.virtual-links",
                ErrorCase.skeleton + "ospf: {areas: {1: {virtual-links: [{\(strange)}]}}}"
            ),
            (
                "ospf.areas.virtual-links.authentication",
                ErrorCase.skeleton + "ospf: {areas: {1: {virtual-links: "
                    + "[{router: 1.2.3.4, authentication: {\(strange)}}]}}}"
            ),
            (
                "ospf.areas.virtual-links.authentication.keys",
                ErrorCase.skeleton + "ospf: {areas: {1: {virtual-links: [{router: 1.2.3.4, "
                    + "authentication: {type: md5, keys: [{\(strange)}]}}]}}}"
            ),
            (
                "ospf.interfaces.lan",
                ErrorCase.skeleton + "ospf: {interfaces: {lan: {\(strange)}}}"
            ),
            (
                "ospf.interfaces.lan.authentication",
                ErrorCase.skeleton
                    + "ospf: {interfaces: {lan: {area: 0, authentication: {\(strange)}}}}"
            ),
            (
                "ospf.interfaces.lan.authentication.keys",
                ErrorCase.skeleton + "ospf: {interfaces: {lan: {area: 0, authentication: "
                    + "{type: md5, keys: [{\(strange)}]}}}}"
            ),
            (
                "ospf.interfaces.lan.bfd",
                ErrorCase.skeleton + "ospf: {interfaces: {lan: {area: 0, bfd: {\(strange)}}}}"
            ),
            ("ospf.redistribute", ErrorCase.skeleton + "ospf: {redistribute: [{\(strange)}]}"),
            (
                "ospf.default-originate",
                ErrorCase.skeleton + "ospf: {default-originate: {\(strange)}}"
            ),
            (
                "ospf.interfaces.lan.neighbors",
                ErrorCase.skeleton
                    + "ospf: {interfaces: {lan: {area: 0, neighbors: [{\(strange)}]}}}"
            ),
            (
                "ospf.graceful-restart",
                ErrorCase.skeleton + "ospf: {graceful-restart: {\(strange)}}"
            ),
            ("forwarding", ErrorCase.skeleton + "forwarding: {\(strange)}"),
            ("log", ErrorCase.skeleton + "log: {\(strange)}"),
            ("control", ErrorCase.skeleton + "control: {\(strange)}"),
        ]
        for (path, yaml) in places {
            let help = read(yaml).diagnostics.first { $0.code == "E011" }?.help
            let names = try #require(help, "\(path)").dropFirst("known keys: ".count)
            let known = Set(names.split(separator: ", ").map(String.init))
            #expect(known == keys[path], "\(path)")
        }
        #expect(
            Set(keys.keys)
                == Set(places.map(\.0)).union([
                    "interfaces", "interfaces.wan.offload", "interfaces.wan.neighbors",
                    "rip.interfaces", "rip.interfaces.wan", "rip.interfaces.wan.authentication",
                    "rip.interfaces.wan.authentication.keys",
                    "ospf.interfaces.wan.authentication.keys",
                    "rip.interfaces.wan.bfd", "ospf.interfaces.wan.bfd",
                    "ospf.interfaces", "ospf.interfaces.wan", "ospf.interfaces.wan.authentication",
                    "ospf.interfaces.wan.neighbors",
                ]))
        #expect(keys["interfaces"] == ["lan", "wan"])
    }

    /// Every default the schema states is the loader's.
    @Test func defaultsAreThoseOfTheLoader() throws {
        let nat = try property("nat")
        var lines: [String] = []
        let names = [
            "preset", "mode", "outside", "mapping", "filtering", "hairpin", "preserve-port",
            "preserve-parity", "inbound-refresh", "tcp-tracking", "unsolicited-syn",
            "other-protocols",
        ]
        for name in names {
            lines.append("  \(name): \(try stated(name, in: nat))")
        }
        lines.append("  mss-clamp: \(try stated("mss-clamp", in: nat))")
        let pool = try property("pool", in: nat)
        lines.append(
            "  pool: {ports: \(try stated("ports", in: pool)), "
                + "pairing: \(try stated("pairing", in: pool))}")
        for section in ["timeouts", "limits"] {
            lines.append("  \(section):")
            let object = try property(section, in: nat)
            for name in try #require(object["properties"] as? Object).keys.sorted()
            where !name.hasPrefix("new-sessions-per-second") && name != "ports" {
                lines.append("    \(name): \(try stated(name, in: object))")
            }
        }
        let log = try property("log")
        let forwarding = try property("forwarding")
        let yaml =
            ErrorCase.skeleton + "nat:\n" + lines.joined(separator: "\n") + """

                log: {level: \(try stated("level", in: log)), \
                nat-sessions: \(try stated("nat-sessions", in: log))}
                forwarding:
                  documentation-prefixes: \(try stated("documentation-prefixes", in: forwarding))
                  bogons: \(try stated("bogons", in: forwarding))
                  class-e: \(try stated("class-e", in: forwarding))
                  directed-broadcast: \(try stated("directed-broadcast", in: forwarding))
                  busy-poll: \(try stated("busy-poll", in: forwarding))

                """
        let result = read(yaml)
        #expect(result.render() == "")
        #expect(result.configuration == read(ErrorCase.skeleton).configuration)
    }

    private func property(_ name: String, in object: Object? = nil) throws -> Object {
        let object = try object ?? schema()
        let properties = try #require(object["properties"] as? Object)
        return try #require(properties[name] as? Object, "\(name)")
    }

    private func stated(_ name: String, in object: Object) throws -> String {
        let value = try #require(try property(name, in: object)["default"], "\(name)")
        if let number = value as? NSNumber, String(describing: type(of: number)).contains("Bool") {
            return number.boolValue ? "true" : "false"
        }
        return "\(value)"
    }
}
