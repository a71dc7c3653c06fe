import Control
import Words

/// Puts the words of the command line in the order the argument parser wants, and finds mistyped
/// commands, for which it has no suggestions.
enum Words {
    enum Prepared {
        case command([String])
        case text(String)
    }

    static let verbs: [String: [String]] = [
        "sessions": ["list", "count", "watch", "kill"],
        "nat": ["show", "mappings", "port-forwards", "block", "who"],
        "routes": ["list", "get"], "neighbors": ["list", "flush"],
        "rip": ["status", "neighbors", "routes"],
        "ospf": ["status", "neighbors", "interfaces", "database", "spf"],
    ]
    static let aliases = [
        "if": "interfaces", "sess": "sessions", "ro": "routes", "arp": "neighbors",
    ]
    static let commands = [
        "status", "interfaces", "sessions", "nat", "routes", "neighbors", "rip", "ospf",
        "bfd", "drops", "topology",
        "check-config", "reload", "version", "help",
    ]
    private static let filterWords = [
        "proto", "state", "rule", "host", "net", "port", "src", "dst", "inside", "outside",
        "remote", "sport", "dport", "bytes", "packets", "age", "idle", "not",
    ]

    static func prepare(_ arguments: [String]) throws -> Prepared {
        var words = globalsLast(arguments)
        guard let first = words.first, !first.hasPrefix("-") else { return .command(words) }
        let command = aliases[first] ?? first
        guard commands.contains(command) else { throw unknown("command", first, among: commands) }
        words[0] = command
        if command == "help" { return try help(Array(words.dropFirst())) }
        if words.count > 1, let verbs = verbs[command] {
            try checkVerb(words[1], of: command, verbs)
        }
        return .command(words)
    }

    /// Moves the options that every command understands to the end, and gives `--watch` a number.
    static func globalsLast(_ arguments: [String]) -> [String] {
        let valued: Set = ["-i", "--instance", "-o", "--output", "--color", "--socket"]
        let flags: Set = ["--json", "--no-header", "-q", "--quiet"]
        var words: [String] = []
        var globals: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                return words + globals + [word] + rest
            } else if valued.contains(word) {
                globals.append(word)
                if let value = rest.popFirst() { globals.append(value) }
            } else if word == "-w" || word == "--watch" {
                if let next = rest.first, Double(next) != nil {
                    globals.append("--watch=\(next)")
                    rest.removeFirst()
                } else {
                    globals.append("--watch=2")
                }
            } else if flags.contains(word) || word.hasPrefix("--watch=")
                || valued.contains(where: { $0.hasPrefix("--") && word.hasPrefix($0 + "=") })
            {
                globals.append(word)
            } else {
                words.append(word)
            }
        }
        return words + globals
    }

    private static func unknown(
        _ kind: String, _ word: String, among candidates: some Sequence<String>
    ) -> Failure {
        let hint = Spelling.suggestion(for: word, among: candidates).map {
            "; did you mean '\($0)'?"
        }
        return Failure(
            sentence: "unknown \(kind) '\(word)'\(hint ?? "; see: gatewayctl help")",
            status: Status.usage)
    }

    private static func checkVerb(_ word: String, of command: String, _ verbs: [String]) throws {
        guard !verbs.contains(word), !word.hasPrefix("-") else { return }
        switch command {
        case "sessions":
            // A filter begins with one of its words, a sign, or something for the daemon to judge.
            guard !filterWords.contains(word.lowercased()), !word.contains(" "),
                Spelling.suggestion(for: word, among: verbs) != nil,
                Spelling.suggestion(for: word, among: filterWords) == nil
            else { return }
        case "routes" where word.utf8.contains { (48...57).contains($0) }: return
        default: break
        }
        throw unknown("word", word, among: verbs)
    }

    private static func help(_ words: [String]) throws -> Prepared {
        let topics = words.prefix { !$0.hasPrefix("-") }
        guard let topic = topics.first else { return .command(["--help"]) }
        if let reason = dropReasonHelp(topic) {
            return .text("\(topic): \(reason.meaning)\n\(reason.advice)\n")
        }
        if isErrorCode(topic) {
            guard let text = explainErrorCode(topic) else {
                throw Failure(
                    sentence: "\(topic) is not a code of this version", status: Status.usage)
            }
            return .text(text)
        }
        if topic.contains(".") { throw unknown("reason", topic, among: dropReasonNames) }
        let command = aliases[topic] ?? topic
        guard commands.contains(command) else { throw unknown("command", topic, among: commands) }
        if command == "help" { return .command(["--help"]) }
        if let verb = topics.dropFirst().first, let verbs = verbs[command] {
            guard verbs.contains(verb) else { throw unknown("word", verb, among: verbs) }
            return .command([command, verb, "--help"])
        }
        return .command([command, "--help"])
    }

    private static func isErrorCode(_ word: String) -> Bool {
        let bytes = Array(word.utf8)
        return bytes.count == 4 && (bytes[0] == UInt8(ascii: "E") || bytes[0] == UInt8(ascii: "W"))
            && bytes[1...].allSatisfy { (48...57).contains($0) }
    }
}
