public import Wire

/// Where the route in use for a prefix came from.
public struct RouteInfo: Hashable, Sendable {
    /// Who announced it.
    public var source: RouteSource
    /// Administrative distance, 0 to 254.
    public var distance: UInt8
    /// Metric within the source.
    public var metric: UInt32

    /// Information of these fields.
    public init(source: RouteSource, distance: UInt8, metric: UInt32) {
        self.source = source
        self.distance = distance
        self.metric = metric
    }
}

/// A difference in the table of routes in use. One call emits at most one per prefix.
public enum RIBChange: Hashable, Sendable {
    /// Packets to the prefix are treated so from now on.
    case set(IPv4Prefix, RouteAction, RouteInfo)
    /// The prefix has no route any more.
    case remove(IPv4Prefix)

    /// The prefix that changed.
    public var prefix: IPv4Prefix {
        switch self {
        case .set(let prefix, _, _), .remove(let prefix): prefix
        }
    }
}

/// Why an announced route was not stored. The name is the counter.
public enum RouteRefusal: UInt8, Error, Sendable, CaseIterable {
    /// The table holds as many learned routes as it may.
    case limit
    /// The route forwards, but names no next hop.
    case noNextHop

    /// The stable dotted name.
    public var name: String {
        switch self {
        case .limit: "rib.limit"
        case .noNextHop: "rib.no-next-hop"
        }
    }
}

/// How a known route stands in the choice for an address or a prefix.
public enum RouteStanding: UInt8, Sendable, CaseIterable {
    /// In use, alone or as one of several equal ways.
    case best
    /// Usable, but a longer prefix holds the address too.
    case shorterPrefix
    /// A usable route to the same prefix has a lower distance.
    case distance
    /// A usable route of the same distance has a lower metric.
    case metric
    /// Distance and metric are equal and the other route comes first in a fixed order.
    case tie
    /// The table of equal ways was full.
    case tooManyWays
    /// Every next hop lies on a side that is down.
    case sideDown
    /// BFD hears no next hop of this static route.
    case silent
    /// Its distance is 255.
    case unusableDistance

    /// Why the route is in use or not, in a few words.
    public var reason: String {
        switch self {
        case .best: "in use"
        case .shorterPrefix: "a longer prefix matches"
        case .distance: "another route has a lower distance"
        case .metric: "another route has a lower metric"
        case .tie: "another route with the same distance and metric comes first"
        case .tooManyWays: "\(Route.mostNextHops) equal ways are in use already"
        case .sideDown: "every next hop is on a side that is down"
        case .silent: "BFD hears no next hop"
        case .unusableDistance: "distance 255 is never used"
        }
    }
}

/// A candidate and how it stands.
public struct KnownRoute: Hashable, Sendable {
    /// The route as announced.
    public var route: Route
    /// Whether it is in use, or why not.
    public var standing: RouteStanding

    /// A route with its standing.
    public init(_ route: Route, _ standing: RouteStanding) {
        self.route = route
        self.standing = standing
    }
}

/// What the table knows about one address.
public struct RouteLookup: Hashable, Sendable {
    /// The address asked for.
    public var address: IPv4Address
    /// The route its packets follow, with the ways merged that are up; nil if there is none.
    public var best: Route?
    /// Every candidate whose prefix holds the address: longest prefix first, then by preference.
    public var known: [KnownRoute]

    /// An answer of these fields.
    public init(address: IPv4Address, best: Route?, known: [KnownRoute]) {
        self.address = address
        self.best = best
        self.known = known
    }
}
