import Wire

/// Poptrie (Asai, Ohara 2015): 18 bits at once, then 6 at a time, children counted in bit vectors.
struct Poptrie {
    struct Node {
        /// A bit for each of 64 children that is a node.
        var vector: UInt64 = 0
        /// A bit for each leaf that differs from the one before it.
        var leafVector: UInt64 = 0
        var firstLeaf: UInt32 = 0
        var firstNode: UInt32 = 0
    }

    private static let isLeaf: UInt32 = 1 << 31
    private var trie: BitTrie
    private var direct: [UInt32]
    private var nodes: [Node] = []
    private var leaves: [UInt32] = []

    var byteCount: Int { direct.count * 4 + nodes.count * 24 + leaves.count * 4 }

    init(_ trie: BitTrie) {
        self.trie = trie
        direct = [UInt32](repeating: 0, count: 1 << 18)
        for chunk in 0..<1 << 18 as Range<UInt32> { cut(chunk) }
    }

    @inline(__always)
    func lookup(_ address: UInt32) -> UInt32 {
        let entry = direct[Int(address >> 14)]
        if entry & Self.isLeaf != 0 { return entry ^ Self.isLeaf }
        var index = Int(entry)
        var offset: UInt32 = 18
        while true {
            let slot = UInt64((address &<< offset) &>> 26)
            let below = (2 << slot) &- 1 as UInt64
            if nodes[index].vector &>> slot & 1 == 0 {
                let rank = (nodes[index].leafVector & below).nonzeroBitCount
                return leaves[Int(nodes[index].firstLeaf) &+ rank &- 1]
            }
            let rank = (nodes[index].vector & below).nonzeroBitCount
            index = Int(nodes[index].firstNode) &+ rank &- 1
            offset &+= 6
        }
    }

    /// Sets a route and makes what it changes anew; what was there stays behind unused.
    mutating func set(_ prefix: IPv4Prefix, _ group: UInt32) {
        trie.set(prefix, group)
        let first = prefix.address.rawValue >> 14
        for chunk in first..<first + 1 << UInt32(max(18 - Int(prefix.length), 0)) { cut(chunk) }
    }

    private mutating func cut(_ chunk: UInt32) {
        let (node, best) = trie.descend(0, chunk << 14, 18, 0)
        guard let node, !trie.nodes[Int(node)].isLast else {
            direct[Int(chunk)] = best | Self.isLeaf
            return
        }
        let index = nodes.count
        nodes.append(Node())
        fill(index, node, best)
        direct[Int(chunk)] = UInt32(index)
    }

    private mutating func fill(_ index: Int, _ top: UInt32, _ inherited: UInt32) {
        var node = Node()
        node.firstLeaf = UInt32(leaves.count)
        var children: [(node: UInt32, best: UInt32)] = []
        var last: UInt32?
        for slot in 0..<64 as Range<UInt32> {
            let (child, best) = trie.descend(top, slot << 26, 6, inherited)
            if let child, !trie.nodes[Int(child)].isLast {
                node.vector |= 1 << UInt64(slot)
                children.append((child, best))
            } else if best != last {
                node.leafVector |= 1 << UInt64(slot)
                leaves.append(best)
                last = best
            }
        }
        node.firstNode = UInt32(nodes.count)
        for _ in children { nodes.append(Node()) }
        nodes[index] = node
        for (place, child) in children.enumerated() {
            fill(Int(node.firstNode) + place, child.node, child.best)
        }
    }
}
