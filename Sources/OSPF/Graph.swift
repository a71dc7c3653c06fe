internal import Wire

/// An area as its database describes it: routers and networks, and who says it is linked to whom.
/// Flat arrays, kept from one calculation to the next: what LSAs say that changed is put in the
/// place of what they said before.
struct Graph {
    /// A link, as Dijkstra's algorithm needs it.
    struct Edge {
        /// Number of a vertex; `none` unless it has an edge back (RFC 2328 §16.1 step 2b).
        var target = Graph.none
        var cost: UInt32
    }

    /// What else is known of an edge.
    struct Link {
        /// Id of the vertex it leads to.
        var id: UInt64
        /// What the router says its own address on the link is; 0 from networks.
        var data: UInt32
        /// The same of the edge back.
        var back: UInt32 = 0
    }

    /// A router or a network.
    struct Vertex {
        var id: UInt64
        /// The number of its LSA; `none` if it has none any more.
        var record = Graph.none
        var first: UInt32 = 0
        var count: UInt32 = 0
        var flags = RouterFlags()

        var isRouter: Bool { id >> 32 == 1 }
        /// Router id or network address.
        var address: UInt32 { UInt32(truncatingIfNeeded: id) }
        var edges: Range<Int> { Int(first)..<Int(first) + Int(count) }
    }

    /// An edge that is used, in one value.
    struct Arc: Hashable {
        var from: UInt32
        var to: UInt32
        var cost: UInt32
        var data: UInt32
        var back: UInt32
    }

    /// Vertices that are described in another way, and the arcs at them.
    struct Change {
        var touched: Set<UInt32>
        var before: Set<Arc>
        var after: Set<Arc>
    }

    static let none = UInt32.max
    private(set) var vertices: [Vertex] = []
    private(set) var edges: [Edge] = []
    private(set) var links: [Link] = []
    /// Edges that lie there unused.
    private var waste = 0
    /// Whether two LSAs describe one network.
    private var hasRivals = false
    private var numbers: [UInt64: UInt32] = [:]
    private var byRecord: [UInt32: UInt32] = [:]

    init() {}

    init(_ database: borrowing Database, area: Int) {
        let records =
            database.numbers(of: .router, in: .area(area))
            + database.numbers(of: .network, in: .area(area))
        numbers.reserveCapacity(records.count)
        byRecord.reserveCapacity(records.count)
        for record in records { place(record, database) }
        for vertex in vertices.indices { link(vertex, isNew: true) }
    }

    private static func router(_ id: UInt32) -> UInt64 { 1 << 32 | UInt64(id) }
    private static func network(_ address: UInt32) -> UInt64 { 2 << 32 | UInt64(address) }

    /// The vertex an LSA describes; nil if it is of another area or kind, or gone.
    private static func id(
        _ record: UInt32, _ database: borrowing Database, area: Int
    ) -> UInt64? {
        guard let known = database.records[Int(record)], !known.isFlushed,
            known.scope == .area(area)
        else { return nil }
        switch known.type {
        case .router: return router(known.lsa.bytes.be32(4))
        case .network: return network(known.lsa.bytes.be32(4))
        default: return nil
        }
    }

    /// The vertex of a router; nil if it has no LSA.
    func router(_ id: IPv4Address) -> UInt32? {
        guard let vertex = numbers[Self.router(id.rawValue)] else { return nil }
        return vertices[Int(vertex)].record == Self.none ? nil : vertex
    }

    /// The vertex of an LSA.
    func vertex(of record: UInt32) -> UInt32? { byRecord[record] }

    // MARK: Changes

    /// Those of these LSAs that describe a vertex, or have.
    func concerned(
        by records: [UInt32], _ database: borrowing Database, area: Int
    ) -> [UInt32] {
        var result: [UInt32] = []
        for record in records
        where byRecord[record] != nil || Self.id(record, database, area: area) != nil {
            result.append(record)
        }
        return result
    }

    /// Takes in what these LSAs say now; nil if the graph is better made anew.
    mutating func replace(
        _ records: [UInt32], _ database: borrowing Database, area: Int
    ) -> Change? {
        let isMuch = records.count > 64 && records.count * 4 > vertices.count
        guard !hasRivals, !isMuch, waste <= edges.count / 2 + 1024 else { return nil }
        var touched = Set(records.compactMap { byRecord[$0] })
        var live: [UInt32] = []
        for record in records {
            guard let id = Self.id(record, database, area: area) else { continue }
            live.append(record)
            if let known = numbers[id] { touched.insert(known) }
        }
        var before: Set<Arc> = []
        for vertex in touched { collect(Int(vertex), into: &before) }
        for record in records { clear(record) }
        for record in live {
            touched.insert(place(record, database))
        }
        guard !hasRivals else { return nil }
        for vertex in touched { link(Int(vertex), isNew: false) }
        var after: Set<Arc> = []
        for vertex in touched { collect(Int(vertex), into: &after) }
        return Change(touched: touched, before: before, after: after)
    }

    /// The arcs from and to a vertex.
    private func collect(_ vertex: Int, into arcs: inout Set<Arc>) {
        for number in vertices[vertex].edges where edges[number].target != Self.none {
            let target = Int(edges[number].target)
            arcs.insert(arc(vertex, number))
            for back in vertices[target].edges where edges[back].target == UInt32(vertex) {
                arcs.insert(arc(target, back))
            }
        }
    }

    private func arc(_ from: Int, _ number: Int) -> Arc {
        Arc(
            from: UInt32(from), to: edges[number].target, cost: edges[number].cost,
            data: links[number].data, back: links[number].back)
    }

    /// Forgets what an LSA said.
    private mutating func clear(_ record: UInt32) {
        guard let number = byRecord.removeValue(forKey: record) else { return }
        let vertex = vertices[Int(number)]
        for edge in vertex.edges where edges[edge].target != Self.none {
            for back in vertices[Int(edges[edge].target)].edges
            where edges[back].target == number {
                edges[back].target = Self.none
            }
        }
        waste += vertex.edges.count
        vertices[Int(number)] = Vertex(id: vertex.id)
    }

    /// Notes what an LSA says of its vertex. If another one says something of the same network, the
    /// one of the higher router id counts, as all routers see it.
    @discardableResult
    private mutating func place(_ record: UInt32, _ database: borrowing Database) -> UInt32 {
        let lsa = database.lsa(record)
        let isRouter = lsa.type == .router
        let address = lsa.bytes.be32(4)
        let id = isRouter ? Self.router(address) : Self.network(address)
        let number = numbers[id] ?? UInt32(vertices.count)
        if Int(number) == vertices.count {
            numbers[id] = number
            vertices.append(Vertex(id: id))
        }
        let other = vertices[Int(number)].record
        if other != Self.none {
            hasRivals = true
            guard lsa.bytes.be32(8) > database.lsa(other).bytes.be32(8) else { return number }
            clear(other)
        }
        byRecord[record] = number
        vertices[Int(number)].record = record
        vertices[Int(number)].first = UInt32(edges.count)
        if isRouter {
            vertices[Int(number)].flags = lsa.routerFlags
            addLinks(lsa)
        } else {
            for attached in 0..<lsa.attachedCount {
                edges.append(Edge(cost: 0))
                links.append(Link(id: Self.router(lsa.attached(attached)), data: 0))
            }
        }
        vertices[Int(number)].count = UInt32(edges.count) - vertices[Int(number)].first
        return number
    }

    private mutating func addLinks(_ lsa: LSA) {
        for link in lsa.links {
            let id: UInt64
            switch RouterLink.Kind(rawValue: link.kind) {
            case .pointToPoint, .virtual: id = Self.router(link.id)
            case .transit: id = Self.network(link.id)
            case .stub, nil: continue
            }
            edges.append(Edge(cost: UInt32(link.cost)))
            links.append(Link(id: id, data: link.data))
        }
    }

    /// Finds the edges back of a vertex's edges; unless all of the graph is new, theirs as well.
    private mutating func link(_ vertex: Int, isNew: Bool) {
        let id = vertices[vertex].id
        for number in vertices[vertex].edges {
            edges[number].target = Self.none
            guard let target = numbers[links[number].id] else { continue }
            for back in vertices[Int(target)].edges where links[back].id == id {
                if edges[number].target == Self.none {
                    edges[number].target = target
                    links[number].back = links[back].data
                }
                if isNew { break }
                if edges[back].target == Self.none {
                    edges[back].target = UInt32(vertex)
                    links[back].back = links[number].data
                }
            }
        }
    }
}
