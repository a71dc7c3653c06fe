internal import Wire

/// The shortest paths through one area, seen from ourselves: Dijkstra's algorithm over the routers
/// and networks of `Graph`, every equally short way kept (RFC 2328 §16.1). `grow` is the algorithm;
/// `init` lets it begin at ourselves, `repair` where something changed.
struct ShortestPaths {
    /// A link of ours as our router-LSA has it, and where packets sent by it go.
    struct Exit: Hashable {
        /// The router or the Designated Router's address.
        var id: UInt32
        /// Our address.
        var data: UInt32
        var way: OSPFWay
    }

    /// A border or boundary router that is reached.
    struct Reached: Equatable {
        var distance: UInt32
        var hops: UInt32
        var flags: RouterFlags
    }

    /// What came of a repair.
    struct Repaired {
        /// Vertices that were looked at.
        var count: Int
        /// Vertices with another distance or other ways.
        var vertices: [UInt32]
        /// Whether `routers` is another.
        var isEdgeNew: Bool
    }

    private struct Old {
        var vertex: UInt32
        var distance: UInt32
        var ways: UInt32
    }

    /// Of a vertex.
    private struct Marks: OptionSet {
        let rawValue: UInt8
        /// It is in the queue at its distance.
        static let queued = Marks(rawValue: 1)
        /// What it was before the repair is noted.
        static let noted = Marks(rawValue: 2)
        /// What it was before the repair does not count any more.
        static let void = Marks(rawValue: 4)
    }

    static let unreached = UInt32.max
    /// By vertex; `unreached` if there is no way.
    private(set) var distance: [UInt32] = []
    private(set) var ways: [UInt32] = []
    /// By router id.
    private(set) var routers: [UInt32: Reached] = [:]
    /// Routers and networks reached.
    private(set) var reached = 0
    /// Ourselves; nil if we have said nothing.
    private(set) var start: UInt32?
    private(set) var exits: [Exit] = []
    private var marks: [Marks] = []
    private var old: [Old] = []
    /// Whether a repair met ways of which a part was left out, and cannot say which are left.
    private var isUnsure = false

    init() {}

    init(_ graph: borrowing Graph, root: IPv4Address, exits: [Exit], _ hops: inout HopSets) {
        self.exits = exits
        let count = graph.vertices.count
        distance = Array(repeating: Self.unreached, count: count)
        ways = Array(repeating: 0, count: count)
        marks = Array(repeating: [.noted, .void], count: count)
        start = graph.router(root)
        guard let start else { return }
        distance[Int(start)] = 0
        var queue = Queue()
        queue.push(distance: 0, true, start)
        marks[Int(start)].insert(.queued)
        grow(graph, &queue, &hops)
        for vertex in graph.vertices.indices {
            marks[vertex] = []
            if distance[vertex] != Self.unreached { reached += 1 }
            _ = look(graph, vertex)
        }
    }

    // MARK: Dijkstra's algorithm

    /// Works off the queue: the nearest vertex first, from it to all that it is linked to.
    private mutating func grow(
        _ graph: borrowing Graph, _ queue: inout Queue, _ hops: inout HopSets
    ) {
        // Lent out as spans: no count of references and no look for other users in the loop.
        var (reaches, sets, flags) = (distance, ways, marks)
        (distance, ways, marks) = ([], [], [])
        walk(graph, &reaches, &sets, &flags, &queue, &hops)
        (distance, ways, marks) = (reaches, sets, flags)
    }

    private mutating func walk(
        _ graph: borrowing Graph, _ reaches: inout [UInt32], _ sets: inout [UInt32],
        _ flags: inout [Marks], _ queue: inout Queue, _ hops: inout HopSets
    ) {
        let (vertices, edges) = (graph.vertices.span, graph.edges.span)
        var distance = reaches.mutableSpan
        var ways = sets.mutableSpan
        var marks = flags.mutableSpan
        while let (reach, vertex) = queue.pop() {
            // One that was found nearer later on is in the queue twice.
            guard marks[vertex].contains(.queued), distance[vertex] == reach else { continue }
            marks[vertex].remove(.queued)
            let here = vertices[vertex]
            for number in here.edges {
                let edge = edges[number]
                guard edge.target != Graph.none else { continue }
                let target = Int(edge.target)
                let sum = reach.addingReportingOverflow(edge.cost)
                guard !sum.overflow, sum.partialValue <= distance[target] else { continue }
                let found: UInt32
                if edge.target == start {
                    continue
                } else if UInt32(vertex) == start {
                    found = hops.number(
                        of: exits.ways(vertices[target].address, graph.links[number].data))
                } else if here.isRouter {
                    found = ways[vertex]
                } else {
                    found = hops.resolve(ways[vertex], gateway: graph.links[number].back)
                }
                guard found != 0 else { continue }
                let isNearer = sum.partialValue < distance[target]
                let all = isNearer ? found : hops.union(ways[target], found)
                guard isNearer || all != ways[target] else { continue }
                if !marks[target].contains(.noted) {
                    marks[target].insert(.noted)
                    old.append(
                        Old(vertex: edge.target, distance: distance[target], ways: ways[target]))
                }
                if !isNearer, !marks[target].contains(.void), hops.isFull(all) { isUnsure = true }
                ways[target] = all
                distance[target] = sum.partialValue
                if isNearer || !marks[target].contains(.queued) {
                    marks[target].insert(.queued)
                    queue.push(distance: sum.partialValue, vertices[target].isRouter, edge.target)
                }
            }
        }
    }

    // MARK: Repair

    /// Makes good what changed in the graph: what is reached by arcs that are gone, and all behind
    /// it, is found anew from what lies around it; new arcs may bring vertices nearer. nil if the
    /// tree has to be made anew.
    mutating func repair(
        _ graph: borrowing Graph, _ change: Graph.Change, _ hops: inout HopSets
    ) -> Repaired? {
        let (before, after) = (change.before, change.after)
        while distance.count < graph.vertices.count {
            distance.append(Self.unreached)
            ways.append(0)
            marks.append([])
        }
        (old, isUnsure) = ([], false)
        var seeds: [UInt32] = []
        for arc in before.subtracting(after) where compare(arc) == 0 { void(arc.to) }
        for arc in after.subtracting(before) {
            switch compare(arc) {
            case 0: void(arc.to)
            case -1: seeds.append(arc.from)
            default: break
            }
        }
        // Everything behind: `old` grows while it is gone through.
        var next = 0
        while next < old.count {
            let (vertex, reach) = (Int(old[next].vertex), old[next].distance)
            for number in graph.vertices[vertex].edges {
                let edge = graph.edges[number]
                guard edge.target != Graph.none, reach &+ edge.cost == distance[Int(edge.target)]
                else { continue }
                void(edge.target)
            }
            next += 1
        }
        for one in old {
            distance[Int(one.vertex)] = Self.unreached
            ways[Int(one.vertex)] = 0
        }
        var queue = Queue()
        for one in old {
            for number in graph.vertices[Int(one.vertex)].edges
            where graph.edges[number].target != Graph.none {
                enqueue(graph, graph.edges[number].target, &queue)
            }
        }
        for seed in seeds { enqueue(graph, seed, &queue) }
        grow(graph, &queue, &hops)
        return isUnsure ? nil : settle(graph, change.touched)
    }

    /// How far an arc's end would be by it, compared with how far it is; 1 if it is not reached.
    private func compare(_ arc: Graph.Arc) -> Int {
        let from = distance[Int(arc.from)]
        guard from != Self.unreached, arc.to != start else { return 1 }
        let (sum, end) = (UInt64(from) + UInt64(arc.cost), UInt64(distance[Int(arc.to)]))
        return sum == end ? 0 : sum < end ? -1 : 1
    }

    private mutating func void(_ vertex: UInt32) {
        guard vertex != start, !marks[Int(vertex)].contains(.noted) else { return }
        marks[Int(vertex)] = [.noted, .void]
        old.append(
            Old(vertex: vertex, distance: distance[Int(vertex)], ways: ways[Int(vertex)]))
    }

    private mutating func enqueue(
        _ graph: borrowing Graph, _ vertex: UInt32, _ queue: inout Queue
    ) {
        let reach = distance[Int(vertex)]
        guard reach != Self.unreached, !marks[Int(vertex)].contains(.queued) else { return }
        marks[Int(vertex)].insert(.queued)
        queue.push(distance: reach, graph.vertices[Int(vertex)].isRouter, vertex)
    }

    /// Finds out what the repair changed.
    private mutating func settle(_ graph: borrowing Graph, _ touched: Set<UInt32>) -> Repaired {
        var result = Repaired(count: old.count, vertices: [], isEdgeNew: false)
        for one in old {
            let vertex = Int(one.vertex)
            marks[vertex] = []
            guard one.distance != distance[vertex] || one.ways != ways[vertex] else { continue }
            result.vertices.append(one.vertex)
            if one.distance == Self.unreached { reached += 1 }
            if distance[vertex] == Self.unreached { reached -= 1 }
            if look(graph, vertex) { result.isEdgeNew = true }
        }
        for vertex in touched where look(graph, Int(vertex)) { result.isEdgeNew = true }
        old = []
        return result
    }

    /// Looks whether a vertex is a router at the edge, and whether that is news.
    private mutating func look(_ graph: borrowing Graph, _ vertex: Int) -> Bool {
        let one = graph.vertices[vertex]
        guard one.isRouter else { return false }
        let isEdge =
            distance[vertex] != Self.unreached
            && !one.flags.isDisjoint(with: [.border, .boundary])
        guard isEdge else {
            return routers.isEmpty ? false : routers.removeValue(forKey: one.address) != nil
        }
        let new = Reached(distance: distance[vertex], hops: ways[vertex], flags: one.flags)
        return routers.updateValue(new, forKey: one.address) != new
    }
}

extension [ShortestPaths.Exit] {
    /// The ways of an edge that starts at ourselves (RFC 2328 §16.1.1).
    fileprivate func ways(_ id: UInt32, _ data: UInt32) -> [OSPFWay] {
        filter { $0.id == id && $0.data == data }.map(\.way)
    }
}

/// A binary heap of vertices by distance, networks before routers. A vertex whose distance shrinks
/// is pushed again; what is left behind is passed over when it comes up.
private struct Queue {
    private var keys: [UInt64] = []

    mutating func push(distance: UInt32, _ isRouter: Bool, _ vertex: UInt32) {
        let key = UInt64(distance) << 32 | (isRouter ? 1 << 31 : 0) | UInt64(vertex)
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

    mutating func pop() -> (distance: UInt32, vertex: Int)? {
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
        return (
            UInt32(truncatingIfNeeded: first >> 32), Int(truncatingIfNeeded: first & 0x7fff_ffff)
        )
    }
}
