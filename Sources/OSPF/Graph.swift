internal import Wire

/// An area as the databases describe it: routers and networks, and who says it is linked to whom.
/// Flat arrays, made anew for every calculation.
struct Graph {
    struct Edge {
        /// Number of a vertex, or `none` if nobody has described it.
        var target: UInt32
        /// What the router says its own address on the link is; 0 from networks.
        var data: UInt32
        var cost: UInt32
    }

    static let none = UInt32.max
    /// Records of LSAs by vertex.
    private(set) var records: [UInt32] = []
    private(set) var isRouter: [Bool] = []
    /// A vertex's edges are those from its number to the next one's.
    private(set) var firstEdge: [Int32] = []
    private(set) var edges: [Edge] = []
    private var index: VertexIndex

    init(_ database: borrowing Database, area: Int) {
        index = VertexIndex(capacity: database.count)
        for slot in database.numbers(of: .router, in: .area(area)) {
            add(slot, VertexIndex.router(database.lsa(slot).bytes.be32(4)), isRouter: true)
        }
        for slot in database.numbers(of: .network, in: .area(area)) {
            let lsa = database.lsa(slot)
            let id = VertexIndex.network(lsa.bytes.be32(4))
            let known = index.find(id)
            if known == Self.none {
                add(slot, id, isRouter: false)
            } else if lsa.bytes.be32(8) > database.lsa(records[Int(known)]).bytes.be32(8) {
                // Two Designated Routers at one address: the one all routers agree on counts.
                records[Int(known)] = slot
            }
        }
        edges.reserveCapacity(records.count * 4)
        firstEdge.reserveCapacity(records.count + 1)
        for vertex in records.indices {
            firstEdge.append(Int32(truncatingIfNeeded: edges.count))
            let lsa = database.lsa(records[vertex])
            if isRouter[vertex] { addLinks(lsa) } else { addAttached(lsa) }
        }
        firstEdge.append(Int32(truncatingIfNeeded: edges.count))
    }

    private mutating func add(_ slot: UInt32, _ id: UInt64, isRouter: Bool) {
        index.insert(id, UInt32(truncatingIfNeeded: records.count))
        records.append(slot)
        self.isRouter.append(isRouter)
    }

    private mutating func addLinks(_ lsa: LSA) {
        for link in lsa.links {
            let id: UInt64
            switch RouterLink.Kind(rawValue: link.kind) {
            case .pointToPoint, .virtual: id = VertexIndex.router(link.id)
            case .transit: id = VertexIndex.network(link.id)
            case .stub, nil: continue
            }
            edges.append(
                Edge(target: index.find(id), data: link.data, cost: UInt32(link.cost)))
        }
    }

    private mutating func addAttached(_ lsa: LSA) {
        for number in 0..<lsa.attachedCount {
            let id = VertexIndex.router(lsa.attached(number))
            edges.append(Edge(target: index.find(id), data: 0, cost: 0))
        }
    }

    /// The vertex of a router; nil if it has no LSA.
    func router(_ id: IPv4Address) -> Int? {
        let vertex = index.find(VertexIndex.router(id.rawValue))
        return vertex == Self.none ? nil : Int(vertex)
    }

    func edges(of vertex: Int) -> Range<Int> {
        Int(firstEdge[vertex])..<Int(firstEdge[vertex + 1])
    }

    /// An edge back: without one a link is not used (RFC 2328 §16.1 step 2b).
    func edge(from vertex: Int, to target: Int) -> Edge? {
        for number in edges(of: vertex) where edges[number].target == UInt32(target) {
            return edges[number]
        }
        return nil
    }
}

/// Vertices by router id or network address: open addressing, never more than half full.
struct VertexIndex {
    private var keys: [UInt64]
    private var values: [UInt32]
    private let mask: Int

    static func router(_ id: UInt32) -> UInt64 { 1 << 32 | UInt64(id) }
    static func network(_ address: UInt32) -> UInt64 { 2 << 32 | UInt64(address) }

    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        keys = Array(repeating: 0, count: size)
        values = Array(repeating: Graph.none, count: size)
        mask = size - 1
    }

    private func place(_ key: UInt64) -> Int {
        let product = key.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        var place = Int(truncatingIfNeeded: product.high ^ product.low >> 20) & mask
        while keys[place] != 0, keys[place] != key { place = (place + 1) & mask }
        return place
    }

    mutating func insert(_ key: UInt64, _ value: UInt32) {
        let place = place(key)
        keys[place] = key
        values[place] = value
    }

    /// The value, or `Graph.none`.
    func find(_ key: UInt64) -> UInt32 { values[place(key)] }
}
