/// What a node is.
enum NodeKind: UInt8 {
    case scalar
    case sequence
    case mapping
    /// An alias: refused when it was read, skipped by everything after.
    case refused
}

/// One value of a YAML document.
struct Node {
    var kind: NodeKind
    /// A scalar without quotes.
    var isPlain = false
    /// From 1.
    var line: Int32
    /// In characters, from 1.
    var column: Int32
    /// In characters; 1 for collections.
    var length: Int32
    /// Where a scalar's bytes are in `YAMLTree.text`.
    var textStart: Int32 = 0
    var textCount: Int32 = 0
    /// Index of the first node after this one and everything inside it.
    var end: Int32
}

/// A YAML document: nodes in file order, each collection followed by what it holds.
///
/// Two arrays hold everything, so a file of a million values costs no million objects.
struct YAMLTree {
    var nodes: [Node] = []
    /// The bytes of all scalars.
    var text: [UInt8] = []

    var root: Int? { nodes.isEmpty ? nil : 0 }

    func kind(_ node: Int) -> NodeKind { nodes[node].kind }

    func bytes(_ node: Int) -> ArraySlice<UInt8> {
        let start = Int(nodes[node].textStart)
        return text[start..<start + Int(nodes[node].textCount)]
    }

    func string(_ node: Int) -> String { String(decoding: bytes(node), as: UTF8.self) }

    func quoted(_ node: Int) -> String { Escaping.quoted(bytes(node)) }

    /// The scalar YAML uses for nothing: empty, `~` or `null`, without quotes.
    func isNull(_ node: Int) -> Bool {
        guard nodes[node].kind == .scalar, nodes[node].isPlain else { return false }
        let bytes = bytes(node)
        return bytes.isEmpty || bytes.elementsEqual("~".utf8) || bytes.elementsEqual("null".utf8)
    }

    /// The nodes directly inside a collection; a mapping's keys and values in turn.
    func children(_ node: Int) -> Children { Children(tree: self, parent: node) }

    struct Children: Sequence, IteratorProtocol {
        private let tree: YAMLTree
        private var index: Int
        private let end: Int

        fileprivate init(tree: YAMLTree, parent: Int) {
            self.tree = tree
            index = parent + 1
            end = tree.nodes[parent].kind == .scalar ? index : Int(tree.nodes[parent].end)
        }

        mutating func next() -> Int? {
            guard index < end else { return nil }
            defer { index = Int(tree.nodes[index].end) }
            return index
        }
    }
}

/// Builds a tree out of parser events and refuses what no configuration needs.
struct YAMLTreeBuilder {
    /// Deeper is refused; ours need 5.
    static let deepest = 32
    /// More is refused: 2.5 million are what fits into the largest file as routes.
    static let mostNodes = 4_000_000
    /// A larger mapping looks its keys up in a table.
    private static let smallMapping = 12

    struct Mark {
        var line: Int
        var column: Int
        var length: Int
    }

    var tree = YAMLTree()
    var problems: Problems
    private var open: [Int] = []
    private var documents = 0

    init(problems: Problems) { self.problems = problems }

    /// Each of these returns false when reading should stop.
    mutating func startDocument(_ mark: Mark, tagDirectives: Bool) -> Bool {
        documents += 1
        if documents > 1 {
            problems.add(
                .severalDocuments, mark, "the file holds more than one YAML document",
                help: "remove '---' and what follows it")
            return false
        }
        if tagDirectives { problems.add(.tag, mark, "tags are not supported") }
        return true
    }

    mutating func alias(_ mark: Mark) -> Bool {
        problems.add(
            .anchor, mark, "anchors and aliases are not supported",
            help: "write the value out where it is needed")
        return append(.refused, mark)
    }

    mutating func properties(_ mark: Mark, anchored: Bool, tagged: Bool) {
        if anchored {
            problems.add(
                .anchor, mark, "anchors and aliases are not supported",
                help: "write the value out where it is needed")
        }
        if tagged {
            problems.add(
                .tag, mark, "tags are not supported",
                help: "write the value without '!'; its type follows from the key")
        }
    }

    /// A scalar whose bytes were appended to `tree.text` from `start` on.
    mutating func scalar(_ mark: Mark, textStart start: Int, isPlain: Bool) -> Bool {
        guard append(.scalar, mark) else { return false }
        let node = tree.nodes.count - 1
        tree.nodes[node].isPlain = isPlain
        tree.nodes[node].textStart = Int32(truncatingIfNeeded: start)
        tree.nodes[node].textCount = Int32(truncatingIfNeeded: tree.text.count - start)
        return true
    }

    mutating func start(_ kind: NodeKind, _ mark: Mark) -> Bool {
        guard open.count < Self.deepest else {
            problems.add(
                .tooDeep, mark, "values are nested more than \(Self.deepest) deep",
                help: "look for a bracket that is never closed")
            return false
        }
        guard append(kind, mark) else { return false }
        open.append(tree.nodes.count - 1)
        return true
    }

    mutating func end() {
        guard let node = open.popLast() else { return }
        tree.nodes[node].end = Int32(truncatingIfNeeded: tree.nodes.count)
        if tree.nodes[node].kind == .mapping { checkKeys(of: node) }
    }

    private mutating func append(_ kind: NodeKind, _ mark: Mark) -> Bool {
        guard tree.nodes.count < Self.mostNodes else {
            problems.add(
                .tooMany, mark, "the file holds more than \(Self.mostNodes) values")
            return false
        }
        tree.nodes.append(
            Node(
                kind: kind, line: Int32(clamping: mark.line), column: Int32(clamping: mark.column),
                length: Int32(clamping: mark.length),
                end: Int32(truncatingIfNeeded: tree.nodes.count + 1)))
        return true
    }

    private mutating func checkKeys(of mapping: Int) {
        var keys: [Int] = []
        var isKey = true
        for child in tree.children(mapping) {
            if isKey { checkKey(child, &keys) }
            isKey.toggle()
        }
        if keys.count <= Self.smallMapping {
            for (position, key) in keys.enumerated() {
                let bytes = tree.bytes(key)
                guard let first = keys[..<position].first(where: { tree.bytes($0) == bytes })
                else { continue }
                report(key, repeats: first)
            }
        } else {
            var seen: [ArraySlice<UInt8>: Int] = [:]
            for key in keys {
                if let first = seen[tree.bytes(key)] {
                    report(key, repeats: first)
                } else {
                    seen[tree.bytes(key)] = key
                }
            }
        }
    }

    private mutating func checkKey(_ key: Int, _ keys: inout [Int]) {
        switch tree.nodes[key].kind {
        case .scalar:
            if tree.nodes[key].isPlain, tree.bytes(key).elementsEqual("<<".utf8) {
                problems.add(
                    .mergeKey, tree.mark(key), "merge keys are not supported",
                    help: "write the values out where they are needed")
            } else {
                keys.append(key)
            }
        case .sequence, .mapping:
            problems.add(.notSingle, tree.mark(key), "a key must be a single word")
        case .refused: break
        }
    }

    private mutating func report(_ key: Int, repeats first: Int) {
        problems.add(
            .duplicateKey, tree.mark(key), "\(tree.quoted(key)) is given twice",
            help: "the first one is at line \(tree.nodes[first].line)")
    }
}

extension YAMLTree {
    func mark(_ node: Int) -> YAMLTreeBuilder.Mark {
        YAMLTreeBuilder.Mark(
            line: Int(nodes[node].line), column: Int(nodes[node].column),
            length: Int(nodes[node].length))
    }
}
