internal import NAT
internal import Wire
import Words

/// The keys one mapping knows.
protocol KeyWord: RawRepresentable<String>, CaseIterable, Equatable, Sendable {
    /// Words other tools use in this place.
    static var foreign: [ForeignWord] { get }
    /// Known words without code behind them yet.
    static var unavailable: [String] { get }
}

extension KeyWord {
    static var unavailable: [String] { [] }
}

/// A mapping's place in messages: `routes[3]`. Built into text only when something is wrong.
struct Path {
    var base: String
    var index: Int?

    /// The path of the file itself.
    static let root = Path("")

    init(_ base: String, index: Int? = nil) {
        self.base = base
        self.index = index
    }

    var text: String { index.map { "\(base)[\($0)]" } ?? base }
    /// Where a key is, for messages.
    var container: String { base.isEmpty ? "at the top level" : "in \(text)" }
    /// Who needs a key, for messages.
    var subject: String { base.isEmpty ? "the file" : text }

    func key(_ name: String) -> String { base.isEmpty ? name : "\(text).\(name)" }
}

/// The values of a mapping by key.
struct Fields<Key: KeyWord> {
    var path: Path
    /// The node that messages about the whole mapping point to.
    var anchor: Int
    /// At most one entry a key.
    var entries: [(key: Key, value: Int)] = []
    /// Whether another tool's word stands where one of the missing keys belongs.
    var hasForeignWord = false
    /// Keys that a misspelt one was probably meant to be.
    var misspelt: [Key] = []

    /// Whether something already said explains that the key is missing.
    func isExplained(_ key: Key) -> Bool { hasForeignWord || misspelt.contains(key) }

    subscript(key: Key) -> Int? {
        for entry in entries where entry.key == key { return entry.value }
        return nil
    }

    func name(_ key: Key) -> String { path.key(key.rawValue) }
}

/// Turns the tree of a document into settings, collecting everything that is wrong.
struct Decoder {
    let tree: YAMLTree
    let checks: ConfigurationChecks
    var problems: Problems

    mutating func report(
        _ code: Code, _ node: Int, _ message: String, help: String? = nil
    ) {
        problems.add(code, tree.mark(node), message, help: help)
    }

    // MARK: Collections

    /// The known keys of the mapping `node`; reports every other one. An empty value is an empty
    /// mapping, as is left when all its lines are comments.
    mutating func fields<Key: KeyWord>(
        of node: Int, anchor: Int, path: Path, as _: Key.Type
    ) -> Fields<Key>? {
        var fields = Fields<Key>(path: path, anchor: anchor)
        if tree.isNull(node) { return fields }
        guard tree.kind(node) == .mapping else {
            if tree.kind(node) != .refused {
                report(.notMapping, node, "\(path.subject) must be a mapping (key: value)")
            }
            return nil
        }
        var pending: Int?
        for child in tree.children(node) {
            guard let key = pending else {
                pending = child
                continue
            }
            pending = nil
            guard tree.kind(key) == .scalar else { continue }
            let word = tree.string(key)
            if let known = Key(rawValue: word) {
                // A repeated key was reported when it was read.
                if fields[known] == nil { fields.entries.append((known, child)) }
            } else if word != "<<" {
                reportUnknown(word, at: key, in: &fields)
            }
        }
        return fields
    }

    private mutating func reportUnknown<Key: KeyWord>(
        _ word: String, at key: Int, in fields: inout Fields<Key>
    ) {
        // Nobody sees the rest, and suggestions for a million keys take seconds.
        guard !problems.isFull else { return report(.unknownKey, key, "") }
        let path = fields.path
        let message = "unknown key \(tree.quoted(key)) \(path.container)"
        let known = Key.allCases.map(\.rawValue)
        if Key.unavailable.contains(word) {
            report(
                .notAvailable, key, "'\(path.key(word))' is not available in this version",
                help: "it comes with a later release; remove the section")
        } else if let foreign = Key.foreign.first(where: { $0.word == word }) {
            fields.hasForeignWord = true
            report(
                .foreignWord, key,
                "\(tree.quoted(key)) \(path.container) is \(foreign.tool)'s word",
                help: foreign.help)
        } else if Key.self == InterfacesKey.self {
            report(.unknownKey, key, message, help: "version 1 knows only lan and wan")
        } else if let near = Spelling.suggestion(for: word, among: known) {
            if let meant = Key(rawValue: near) { fields.misspelt.append(meant) }
            report(.unknownKey, key, message, help: "did you mean '\(near)'?")
        } else {
            report(
                .unknownKey, key, message, help: "known keys: \(known.joined(separator: ", "))")
        }
    }

    /// The value of a key that must be there.
    mutating func required<Key>(_ key: Key, of fields: Fields<Key>, help: String? = nil) -> Int? {
        if let node = fields[key] { return node }
        guard !fields.isExplained(key) else { return nil }
        report(
            .missingKey, fields.anchor, "\(fields.path.subject) needs '\(key.rawValue)'", help: help
        )
        return nil
    }

    /// The items of a list of at most `most`; nil if it is none. An empty value is an empty list.
    mutating func items(
        of node: Int, _ path: String, most: Int, help: String? = nil
    ) -> YAMLTree.Children? {
        if tree.isNull(node) { return tree.children(node) }
        guard tree.kind(node) == .sequence else {
            if tree.kind(node) == .scalar {
                let isShort = tree.bytes(node).count <= 40
                let text = isShort ? Escaping.escaped(tree.string(node)) : "…"
                report(.notList, node, "\(path) must be a list", help: help ?? "write [\(text)]")
            } else if tree.kind(node) == .mapping {
                report(.notList, node, "\(path) must be a list", help: help)
            }
            return nil
        }
        var count = 0
        for child in tree.children(node) {
            count += 1
            if count > most {
                report(.tooMany, child, "\(path) has more than \(most) entries")
                return nil
            }
        }
        return tree.children(node)
    }

    /// Every item of a list that `read` understands.
    mutating func list<T>(
        of node: Int?, _ path: String, most: Int,
        _ read: (inout Decoder, _ item: Int, _ path: @autoclosure () -> String) -> T?
    ) -> [T] {
        guard let node, let items = items(of: node, path, most: most) else { return [] }
        var result: [T] = []
        var index = 0
        for item in items {
            if let value = read(&self, item, "\(path)[\(index)]") { result.append(value) }
            index += 1
        }
        return result
    }

    // MARK: Scalars

    /// Whether the node is a scalar with a value; reports if not.
    mutating func isValue(_ node: Int, _ path: @autoclosure () -> String) -> Bool {
        switch tree.kind(node) {
        case .refused:
            return false
        case .sequence, .mapping:
            let kind = tree.kind(node) == .sequence ? "list" : "mapping"
            report(.notSingle, node, "\(path()) must be a single value, not a \(kind)")
            return false
        case .scalar:
            guard tree.isNull(node) else { return true }
            report(.noValue, node, "\(path()) has no value", help: "write one or remove the key")
            return false
        }
    }

    mutating func integer(
        _ node: Int?, in range: ClosedRange<Int>, _ path: @autoclosure () -> String
    ) -> Int? {
        guard let node, isValue(node, path()) else { return nil }
        switch Scalar.integer(tree.bytes(node)) {
        case .notNumber:
            let digits = tree.bytes(node).drop { $0 == UInt8(ascii: "0") }
            let isPadded = !digits.isEmpty && digits.allSatisfy(Scalar.isDigit)
            report(
                .notInteger, node, "\(path()) must be a whole number, not \(tree.quoted(node))",
                help: isPadded ? "write \(String(decoding: digits, as: UTF8.self))" : nil)
            return nil
        case .value(let value) where range.contains(value):
            return value
        case .value, .tooLarge:
            let (low, high) = (range.lowerBound, range.upperBound)
            report(
                .outOfRange, node,
                "\(path()) must be between \(low) and \(high), not \(tree.string(node).prefix(30))")
            return nil
        }
    }

    mutating func boolean(_ node: Int?, _ path: @autoclosure () -> String) -> Bool? {
        guard let node, isValue(node, path()) else { return nil }
        let word = tree.string(node)
        switch word {
        case "true": return true
        case "false": return false
        default: break
        }
        let value: Bool
        switch word.lowercased() {
        case "true", "yes", "on", "y": value = true
        case "false", "no", "off", "n": value = false
        default:
            report(
                .notBoolean, node, "\(path()) must be true or false, not \(tree.quoted(node))",
                help: word == "1" ? "write true" : word == "0" ? "write false" : nil)
            return nil
        }
        report(
            .oldBoolean, node, "\(path()): \(tree.quoted(node)) is read as \(value)",
            help: "write \(value)")
        return value
    }

    mutating func choice<T>(
        _ node: Int?, _ choices: [(String, T)], _ path: @autoclosure () -> String
    ) -> T? {
        guard let node, isValue(node, path()) else { return nil }
        let word = tree.string(node)
        if let match = choices.first(where: { $0.0 == word }) { return match.1 }
        let words = choices.map(\.0)
        let near = Spelling.suggestion(for: word, among: words)
        report(
            .notOneOf, node,
            "\(path()) must be \(Self.alternatives(words)), not \(tree.quoted(node))",
            help: near.map { "did you mean '\($0)'?" })
        return nil
    }

    mutating func side(_ node: Int?, _ path: @autoclosure () -> String) -> Side? {
        choice(node, [("lan", .lan), ("wan", .wan)], path())
    }

    private static func alternatives(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return "\(words.dropLast().joined(separator: ", ")) or \(last)"
    }

    /// Text of the scalar if it is a value and `isGood`; `rule` says what is wanted.
    mutating func name(
        _ node: Int?, _ path: @autoclosure () -> String, code: Code = .badName, rule: String,
        where isGood: (ArraySlice<UInt8>) -> Bool
    ) -> String? {
        guard let node, isValue(node, path()) else { return nil }
        if isGood(tree.bytes(node)) { return tree.string(node) }
        report(code, node, "\(path()) \(tree.quoted(node)) must be \(rule)")
        return nil
    }

    /// A to Z, digits, `_`, `.` and `-`, 1 to 32 of them.
    static func isSimpleName(_ bytes: ArraySlice<UInt8>) -> Bool {
        (1...32).contains(bytes.count) && bytes.allSatisfy(isSimpleNameByte)
    }

    static func isSimpleNameByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte | 0x20) || Scalar.isDigit(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }
}
