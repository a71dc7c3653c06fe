internal import Timing
internal import Wire

/// One side of the router (RFC 2328 §9).
struct Interface {
    /// Whether its link is up.
    var isUp = false
    var state = OSPFInterfaceState.down
    /// Number of its area.
    var area: Int
    /// The kind of link.
    var network: OSPFNetwork
    /// The way of a virtual link.
    var path: VirtualPath?
    /// The address of the Designated Router; 0.0.0.0 for none.
    var designated = IPv4Address.unspecified
    /// The address of the Backup Designated Router; 0.0.0.0 for none.
    var backup = IPv4Address.unspecified
    var neighbors: [Neighbor] = []
    var nextHello: Instant?
    /// Until when silent routers get a hello as often as others do, and when after that.
    var attemptUntil = Instant.zero
    var nextPoll = Instant.zero
    /// When the wait for a Designated Router ends.
    var waitUntil: Instant?
    /// Whether the circumstances of the election have changed.
    var needsElection = false
    /// Acknowledgements that wait for company, and until when.
    var acknowledgements: [LSAHeader] = []
    var acknowledgeAt: Instant?
    /// LSAs to flood, how many octets of them may go now, and when as many as a burst may again.
    var flooding: [UInt32] = []
    var floodingLeft = 0
    var floodingAt = Instant.zero
    /// The last long sequence numbers accepted, by router and kind of packet. They stay when the
    /// neighbour goes, so that nothing of an earlier conversation is taken again (RFC 7474 §2).
    var longSequences: [IPv4Address: [PacketKind: UInt64]] = [:]
    /// When the network-LSA is to be looked at.
    var networkDue: Instant?
    /// By `OSPFDrop.rawValue`.
    var drops = [UInt64](repeating: 0, count: OSPFDrop.allCases.count)
    var packetsIn: UInt64 = 0
    var packetsOut: UInt64 = 0

    init(area: Int, network: OSPFNetwork) {
        self.area = area
        self.network = network
    }

    /// Whether we speak for the network, or would.
    var isDesignated: Bool { state == .designated || state == .backup }

    var hasFullNeighbor: Bool { neighbors.contains(where: \.isAdjacent) }

    /// The neighbour a packet is from: by router on point-to-point links, else by address
    /// (RFC 2328 §8.2).
    func neighbor(router: IPv4Address, address: IPv4Address) -> Int? {
        neighbors.firstIndex {
            network.hasTwoEnds ? $0.router == router : $0.address == address
        }
    }
}

/// What is known of one area (RFC 2328 §6).
struct Area {
    /// When our router-LSA is to be looked at.
    var routerDue: Instant?
    /// Whether the tree has to be calculated anew.
    var needsTree = false
    var graph = Graph()
    var tree = ShortestPaths()

    /// Whether we have a working interface in it.
    var isActive = false
    // Of a not-so-stubby area (RFC 3101).
    /// An address of ours in it that others hand packets to.
    var forwarding = IPv4Address.unspecified
    /// Whether we tell other areas of networks outside announced in it, and until when although
    /// another is to do it.
    var isTranslator = false
    var translatesUntil: Instant?
}

extension Area {
    /// What became of the tree.
    enum Followed {
        case same
        case repaired(ShortestPaths.Repaired)
        /// With other numbers of vertices perhaps.
        case anew(isRenumbered: Bool)
    }

    /// Takes in what the LSAs of these numbers say now; nil for all.
    mutating func follow(
        _ changed: [UInt32]?, _ database: borrowing Database, _ area: Int, _ root: IPv4Address,
        _ exits: [ShortestPaths.Exit], _ hops: inout HopSets
    ) -> Followed {
        var isRenumbered = false
        if let changed {
            let own = graph.concerned(by: changed, database, area: area)
            if own.isEmpty, !needsTree { return .same }
            if let change = graph.replace(own, database, area: area) {
                let isAlike = !needsTree && exits == tree.exits && graph.router(root) == tree.start
                if isAlike, let part = tree.repair(graph, change, &hops) { return .repaired(part) }
            } else {
                isRenumbered = true
            }
        } else {
            isRenumbered = true
        }
        if isRenumbered { graph = Graph(database, area: area) }
        tree = ShortestPaths(graph, root: root, exits: exits, &hops)
        needsTree = false
        return .anew(isRenumbered: isRenumbered)
    }
}
