internal import Wire

/// The shortest paths through one area, seen from ourselves: Dijkstra's algorithm over the routers
/// and networks of `Graph`, every equally short way kept (RFC 2328 §16.1).
struct ShortestPaths {
    /// A link of ours as our router-LSA has it, and where packets sent by it go.
    struct Exit {
        /// The router or the Designated Router's address.
        var id: UInt32
        /// Our address.
        var data: UInt32
        var way: OSPFWay
    }

    /// A border or boundary router that is reached.
    struct Reached {
        var distance: UInt32
        var hops: UInt32
        var flags: RouterFlags
    }

    /// By router id.
    private(set) var routers: [UInt32: Reached] = [:]
    /// The networks of the area; several to a prefix perhaps.
    private(set) var networks: [Path] = []
    /// Routers and networks reached.
    private(set) var reached = 0

    init() {}

    init(
        _ database: borrowing Database, area: Int, root: IPv4Address, exits: [Exit],
        hops: inout HopSets
    ) {
        let graph = Graph(database, area: area)
        guard let start = graph.router(root) else { return }
        var tree = Tree(graph, start: start)
        tree.grow(exits, database, &hops)
        collect(tree, database, area, start)
    }

    // MARK: The tree

    private struct Tree {
        let graph: Graph
        let start: Int
        var distance: [UInt32]
        var ways: [UInt32]
        var isDone: [Bool]
        private var heap = Heap()

        init(_ graph: Graph, start: Int) {
            self.graph = graph
            self.start = start
            distance = Array(repeating: .max, count: graph.records.count)
            ways = Array(repeating: 0, count: graph.records.count)
            isDone = Array(repeating: false, count: graph.records.count)
            distance[start] = 0
        }

        mutating func grow(
            _ exits: [Exit], _ database: borrowing Database, _ hops: inout HopSets
        ) {
            heap.push(distance: 0, isRouter: true, vertex: start)
            while let vertex = heap.pop() {
                guard !isDone[vertex] else { continue }
                isDone[vertex] = true
                for number in graph.edges(of: vertex) {
                    let edge = graph.edges[number]
                    guard edge.target != Graph.none else { continue }
                    let target = Int(edge.target)
                    let sum = distance[vertex].addingReportingOverflow(edge.cost)
                    guard !sum.overflow, sum.partialValue <= distance[target], !isDone[target],
                        let back = graph.edge(from: target, to: vertex)
                    else { continue }
                    let found =
                        vertex == start
                        ? exit(edge, database.lsa(graph.records[target]), exits, &hops)
                        : graph.isRouter[vertex]
                            ? ways[vertex] : hops.resolve(ways[vertex], gateway: back.data)
                    guard found != 0 else { continue }
                    if sum.partialValue == distance[target] {
                        ways[target] = hops.union(ways[target], found)
                    } else {
                        distance[target] = sum.partialValue
                        ways[target] = found
                        heap.push(
                            distance: sum.partialValue, isRouter: graph.isRouter[target],
                            vertex: target)
                    }
                }
            }
        }

        /// The way of an edge that starts at ourselves (RFC 2328 §16.1.1).
        private func exit(
            _ edge: Graph.Edge, _ target: LSA, _ exits: [Exit], _ hops: inout HopSets
        ) -> UInt32 {
            let id = target.bytes.be32(4)
            let ways = exits.filter { $0.id == id && $0.data == edge.data }.map(\.way)
            return hops.number(of: ways)
        }
    }

    // MARK: What hangs on it

    /// The second stage: networks, and stub links of routers (RFC 2328 §16.1).
    private mutating func collect(
        _ tree: Tree, _ database: borrowing Database, _ area: Int, _ start: Int
    ) {
        for vertex in tree.isDone.indices where tree.isDone[vertex] {
            reached += 1
            let lsa = database.lsa(tree.graph.records[vertex])
            let (distance, ways) = (tree.distance[vertex], tree.ways[vertex])
            guard tree.graph.isRouter[vertex] else {
                if let prefix = lsa.prefix {
                    networks.append(
                        Path(prefix, .intraArea, cost: distance, hops: ways, area: area))
                }
                continue
            }
            if !lsa.routerFlags.isDisjoint(with: [.border, .boundary]) {
                routers[lsa.bytes.be32(4)] = Reached(
                    distance: distance, hops: ways, flags: lsa.routerFlags)
            }
            for link in lsa.links where link.kind == RouterLink.Kind.stub.rawValue {
                let length = (~link.data).leadingZeroBitCount
                guard IPv4Prefix.mask(length) == link.data else { continue }
                var path = Path(
                    IPv4Prefix(IPv4Address(link.id), length: length), .intraArea,
                    cost: distance &+ UInt32(link.cost), hops: ways, area: area)
                path.isOurs = vertex == start
                networks.append(path)
            }
        }
    }
}

/// A binary heap of vertices by distance, networks before routers. A vertex whose distance shrinks
/// is pushed again; what is left behind is passed over when it comes up.
private struct Heap {
    private var keys: [UInt64] = []

    mutating func push(distance: UInt32, isRouter: Bool, vertex: Int) {
        let kind: UInt64 = isRouter ? 1 << 31 : 0
        let key = UInt64(distance) << 32 | kind | UInt64(truncatingIfNeeded: vertex)
        var child = keys.count
        keys.append(key)
        while child > 0 {
            let parent = (child - 1) / 2
            guard key < keys[parent] else { break }
            keys[child] = keys[parent]
            child = parent
        }
        keys[child] = key
    }

    mutating func pop() -> Int? {
        guard let first = keys.first, let last = keys.popLast() else { return nil }
        var parent = 0
        while 2 * parent + 1 < keys.count {
            var child = 2 * parent + 1
            if child + 1 < keys.count, keys[child + 1] < keys[child] { child += 1 }
            guard keys[child] < last else { break }
            keys[parent] = keys[child]
            parent = child
        }
        if !keys.isEmpty { keys[parent] = last }
        return Int(truncatingIfNeeded: first & 0x7fff_ffff)
    }
}
