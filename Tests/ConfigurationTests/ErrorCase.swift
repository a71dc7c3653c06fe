import Configuration

/// A configuration with something wrong, and exactly what is said about it.
struct ErrorCase: CustomStringConvertible, Sendable {
    let description: String
    let yaml: String
    let expected: String

    init(_ description: String, whole yaml: String, says expected: String) {
        self.description = description
        self.yaml = yaml
        self.expected = expected
    }

    /// A case that goes on where the six lines of `skeleton` end, inside of `interfaces.lan`.
    init(_ description: String, after text: String, says expected: String) {
        self.init(description, whole: Self.skeleton + text, says: expected)
    }

    static let all =
        yaml + shape + scalars + addresses + interfaces + routes + nat + rules + rip
        + ospf + control

    /// Read where no network namespace exists.
    var result: ConfigurationResult { read(yaml) }

    /// The codes in the expected text.
    var codes: [String] {
        expected.split(separator: "\n").compactMap { line in
            guard let open = line.firstRange(of: "["), line.hasPrefix("a.yaml:"),
                let close = line.firstRange(of: "]: ")
            else { return nil }
            return String(line[open.upperBound..<close.lowerBound])
        }
    }
}

/// Reads `yaml` as the file a.yaml on a machine without network namespaces, whose key files are
/// good but for /missing, /open and the long one of /long.
func read(_ yaml: String, file: String = "a.yaml") -> ConfigurationResult {
    ConfigurationLoader.parse(
        Array(yaml.utf8), file: file, machineID: "0123456789abcdef",
        checks: ConfigurationChecks(
            namespaceExists: { _ in false },
            readKey: { path in
                switch path {
                case "/missing": .missing
                case "/open": .open
                case "/long": .key(Array("nine octs\n".utf8))
                default: .key(Array("secret\n".utf8))
                }
            }))
}

extension ErrorCase {
    /// Two sides and nothing else.
    static let skeleton = """
        version: 1
        interfaces:
          wan: {tap: t1, addresses: [203.0.113.2/24]}
          lan:
            tap: t0
            addresses: [10.1.0.1/24]

        """
}
