public import Wire

/// Where a route comes from; the raw value orders equal distances in answers only.
public enum RouteSource: UInt8, Sendable, CaseIterable {
    case connected
    case `static`
    case ospf
    case rip

    /// The name in the configuration and in answers.
    public var name: String {
        switch self {
        case .connected: "connected"
        case .static: "static"
        case .ospf: "ospf"
        case .rip: "rip"
        }
    }

    /// The usual administrative distance, 0 to 255; the lower wins.
    public var defaultDistance: UInt8 {
        switch self {
        case .connected: 0
        case .static: 1
        case .ospf: 110
        case .rip: 120
        }
    }
}

/// One way towards a prefix.
public struct NextHop: Hashable, Sendable, Comparable {
    /// The side to leave by.
    public var side: Side
    /// The router to hand to; nil for a connected network, where the destination is the neighbour.
    public var gateway: IPv4Address?

    /// A way by `gateway` on `side`.
    public init(side: Side, gateway: IPv4Address? = nil) {
        self.side = side
        self.gateway = gateway
    }

    /// Orders by value.
    public static func < (a: NextHop, b: NextHop) -> Bool {
        (a.side.rawValue, a.gateway?.rawValue ?? 0) < (b.side.rawValue, b.gateway?.rawValue ?? 0)
    }
}

/// What happens to packets of a route.
public enum RouteAction: Hashable, Sendable {
    /// Handed to one of up to 16 next hops, chosen by flow.
    case forward([NextHop])
    /// Dropped silently.
    case blackhole
    /// Dropped, host unreachable sent.
    case unreachable
    /// Dropped, communication administratively prohibited sent.
    case prohibit
}

/// A candidate route as a source announces it.
public struct Route: Hashable, Sendable {
    /// The destinations.
    public var prefix: IPv4Prefix
    /// Who announces it.
    public var source: RouteSource
    /// Administrative distance, 0 to 255; 255 is never used.
    public var distance: UInt8
    /// Metric within the source; the lower wins.
    public var metric: UInt32
    /// What happens to packets.
    public var action: RouteAction

    /// Largest number of equal ways.
    public static let mostNextHops = 16

    /// A route of these fields; the distance defaults to the source's.
    public init(
        _ prefix: IPv4Prefix, source: RouteSource, distance: UInt8? = nil, metric: UInt32 = 0,
        action: RouteAction
    ) {
        self.prefix = prefix
        self.source = source
        self.distance = distance ?? source.defaultDistance
        self.metric = metric
        self.action = action
    }
}
