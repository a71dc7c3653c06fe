import Wire

/// Prefixes in a tree of single bits: slow, and plain enough to be what the others are held
/// against.
struct BitTrie {
    struct Node {
        var children = (UInt32(0), UInt32(0))
        /// 0 for none.
        var group: UInt32 = 0

        var isLast: Bool { children == (0, 0) }
    }

    /// The root is first; 0 as a child is none.
    private(set) var nodes = [Node()]

    mutating func set(_ prefix: IPv4Prefix, _ group: UInt32) {
        var node = 0
        for bit in 0..<Int(prefix.length) {
            let isRight = (prefix.address.rawValue << UInt32(bit)) >> 31 == 1
            var child = isRight ? nodes[node].children.1 : nodes[node].children.0
            if child == 0 {
                child = UInt32(nodes.count)
                nodes.append(Node())
                if isRight {
                    nodes[node].children.1 = child
                } else {
                    nodes[node].children.0 = child
                }
            }
            node = Int(child)
        }
        nodes[node].group = group
    }

    func lookup(_ address: UInt32) -> UInt32 { descend(0, address, 32, 0).best }

    /// Goes down from `node` by the upper `bits` of `path`: where that leads, and the last group
    /// met below `node`; else `best`.
    func descend(
        _ node: UInt32, _ path: UInt32, _ bits: Int, _ best: UInt32
    ) -> (node: UInt32?, best: UInt32) {
        var at = Int(node)
        var best = best
        if node == 0, nodes[0].group != 0 { best = nodes[0].group }
        for bit in 0..<bits {
            let isRight = (path << UInt32(bit)) >> 31 == 1
            let child = isRight ? nodes[at].children.1 : nodes[at].children.0
            guard child != 0 else { return (nil, best) }
            at = Int(child)
            if nodes[at].group != 0 { best = nodes[at].group }
        }
        return (UInt32(at), best)
    }
}
