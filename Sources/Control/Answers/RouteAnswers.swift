/// The forwarding table.
public struct RoutesAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.routes/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Routes that match the question.
    public var matched: Int
    /// Routes in the table.
    public var total: Int
    /// By prefix; at most as many as asked for.
    public var routes: [RouteRow]

    /// Made of these fields.
    public init(instance: String, matched: Int, total: Int, routes: [RouteRow]) {
        self.instance = instance
        self.matched = matched
        self.total = total
        self.routes = routes
    }

    /// The list, under its own name in the document.
    public var rows: [RouteRow] {
        get { routes }
        set { routes = newValue }
    }
}

/// One route.
public struct RouteRow: Codable, Hashable, Sendable {
    /// Destination.
    public var prefix: String
    /// `forward`, `local`, `blackhole`, `unreachable` or `prohibit`.
    public var action: String
    /// `connected`, `static`, `ospf` or `rip`.
    public var source: String
    /// Administrative distance; the lower wins.
    public var distance: Int
    /// Metric of its source; the lower wins.
    public var metric: UInt64
    /// Where packets go; empty unless the action is `forward`.
    public var nextHops: [NextHopRow]
    /// Since it was learnt; nil if unknown.
    public var ageSeconds: UInt64?
    /// The router that announced it; nil unless learnt.
    public var learnedFrom: String?

    /// Made of these fields.
    public init(
        prefix: String, action: String, source: String, distance: Int, metric: UInt64,
        nextHops: [NextHopRow], ageSeconds: UInt64? = nil, learnedFrom: String? = nil
    ) {
        self.prefix = prefix
        self.action = action
        self.source = source
        self.distance = distance
        self.metric = metric
        self.nextHops = nextHops
        self.ageSeconds = ageSeconds
        self.learnedFrom = learnedFrom
    }
}

/// One way of a route.
public struct NextHopRow: Codable, Hashable, Sendable {
    /// `lan` or `wan`.
    public var side: String
    /// Router; nil for a connected network.
    public var gateway: String?

    /// Made of these fields.
    public init(side: String, gateway: String? = nil) {
        self.side = side
        self.gateway = gateway
    }
}

/// Where packets to an address go, and why.
public struct RouteLookupAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.route-lookup/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// The address asked for.
    public var address: String
    /// As in `RouteRow`, or `none` without a route.
    public var action: String
    /// The side packets leave by; nil if they do not.
    public var side: String?
    /// The neighbour they are handed to; nil if none.
    public var nextHop: String?
    /// What ARP knows of it; nil if nothing.
    public var neighbor: LookupNeighbor?
    /// Largest packet on that way; nil if none.
    public var mtu: Int?
    /// The route that wins; nil if none.
    public var route: RouteRow?
    /// Routes that hold the address and lose, best first.
    public var alsoKnown: [LosingRoute]

    /// Made of these fields.
    public init(
        instance: String, address: String, action: String, side: String? = nil,
        nextHop: String? = nil, neighbor: LookupNeighbor? = nil, mtu: Int? = nil,
        route: RouteRow? = nil, alsoKnown: [LosingRoute]
    ) {
        self.instance = instance
        self.address = address
        self.action = action
        self.side = side
        self.nextHop = nextHop
        self.neighbor = neighbor
        self.mtu = mtu
        self.route = route
        self.alsoKnown = alsoKnown
    }
}

/// What ARP knows of a next hop.
public struct LookupNeighbor: Codable, Hashable, Sendable {
    /// MAC address; nil while unknown.
    public var hardware: String?
    /// As in `NeighborRow`.
    public var state: String

    /// Made of these fields.
    public init(hardware: String? = nil, state: String) {
        self.hardware = hardware
        self.state = state
    }
}

/// A route that holds the address but is not used.
public struct LosingRoute: Codable, Hashable, Sendable {
    /// The route.
    public var route: RouteRow
    /// Why it loses: `shorter prefix`, `higher distance`, `higher metric`.
    public var why: String

    /// Made of these fields.
    public init(route: RouteRow, why: String) {
        self.route = route
        self.why = why
    }
}
