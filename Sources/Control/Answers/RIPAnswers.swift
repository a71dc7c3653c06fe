/// RIP as a whole.
public struct RIPStatusAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.rip/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Whether RIP is spoken at all; if not, all else is empty.
    public var enabled: Bool
    /// Destinations known, our own included.
    public var routes: Int
    /// Destinations announced as unreachable.
    public var unreachable: Int
    /// What neighbours said and is kept.
    public var announcements: Int
    /// By side.
    public var interfaces: [RIPInterfaceStatus]

    /// Made of these fields.
    public init(
        instance: String, enabled: Bool, routes: Int = 0, unreachable: Int = 0,
        announcements: Int = 0, interfaces: [RIPInterfaceStatus] = []
    ) {
        self.instance = instance
        self.enabled = enabled
        self.routes = routes
        self.unreachable = unreachable
        self.announcements = announcements
        self.interfaces = interfaces
    }
}

/// RIP on one side.
public struct RIPInterfaceStatus: Codable, Hashable, Sendable {
    /// `lan` or `wan`.
    public var side: String
    /// Whether the link is up.
    public var up: Bool
    /// Whether it only listens.
    public var passive: Bool
    /// What is added to metrics heard.
    public var cost: Int
    /// `off`, `simple` or `poison-reverse`.
    public var splitHorizon: String
    /// The kind, and numbers of keys.
    public var authentication: String
    /// Whether second-best routes are kept.
    public var loopFree: Bool
    /// Until the next update of the whole table; nil if nothing is sent.
    public var nextUpdateSeconds: UInt64?
    /// Packets received.
    public var received: UInt64
    /// Packets sent.
    public var sent: UInt64
    /// Packets and entries that were not used, by reason; those above 0.
    public var drops: [RIPDropCount]

    /// Made of these fields.
    public init(
        side: String, up: Bool, passive: Bool, cost: Int, splitHorizon: String,
        authentication: String, loopFree: Bool, nextUpdateSeconds: UInt64?, received: UInt64,
        sent: UInt64, drops: [RIPDropCount]
    ) {
        self.side = side
        self.up = up
        self.passive = passive
        self.cost = cost
        self.splitHorizon = splitHorizon
        self.authentication = authentication
        self.loopFree = loopFree
        self.nextUpdateSeconds = nextUpdateSeconds
        self.received = received
        self.sent = sent
        self.drops = drops
    }
}

/// A reason and how often it applied.
public struct RIPDropCount: Codable, Hashable, Sendable {
    /// The dotted name.
    public var reason: String
    /// How often.
    public var count: UInt64
    /// What it means.
    public var meaning: String

    /// Made of these fields.
    public init(reason: String, count: UInt64, meaning: String) {
        self.reason = reason
        self.count = count
        self.meaning = meaning
    }
}

/// The routers heard by RIP.
public struct RIPNeighborsAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.rip-neighbors/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// By side and address.
    public var neighbors: [RIPNeighborStatus]

    /// Made of these fields.
    public init(instance: String, neighbors: [RIPNeighborStatus]) {
        self.instance = instance
        self.neighbors = neighbors
    }

    /// The list, under its own name in the document.
    public var rows: [RIPNeighborStatus] {
        get { neighbors }
        set { neighbors = newValue }
    }
}

/// One router heard.
public struct RIPNeighborStatus: Codable, Hashable, Sendable {
    /// Its address.
    public var address: String
    /// `lan` or `wan`.
    public var side: String
    /// Whether it was heard within the time its routes live.
    public var up: Bool
    /// Since it was heard last.
    public var heardSeconds: UInt64
    /// The version it speaks.
    public var version: Int
    /// Routes of its that are kept.
    public var routes: Int
    /// Packets of its that were dropped.
    public var badPackets: UInt64
    /// Entries of its that were not used.
    public var badRoutes: UInt64

    /// Made of these fields.
    public init(
        address: String, side: String, up: Bool, heardSeconds: UInt64, version: Int, routes: Int,
        badPackets: UInt64, badRoutes: UInt64
    ) {
        self.address = address
        self.side = side
        self.up = up
        self.heardSeconds = heardSeconds
        self.version = version
        self.routes = routes
        self.badPackets = badPackets
        self.badRoutes = badRoutes
    }
}

/// What RIP knows.
public struct RIPRoutesAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.rip-routes/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Destinations known.
    public var total: Int
    /// By prefix; at most as many as asked for.
    public var routes: [RIPRouteStatus]

    /// Made of these fields.
    public init(instance: String, total: Int, routes: [RIPRouteStatus]) {
        self.instance = instance
        self.total = total
        self.routes = routes
    }

    /// The list, under its own name in the document.
    public var rows: [RIPRouteStatus] {
        get { routes }
        set { routes = newValue }
    }
}

/// One destination.
public struct RIPRouteStatus: Codable, Hashable, Sendable {
    /// Destination.
    public var prefix: String
    /// 1 to 16, which is unreachable.
    public var metric: Int
    /// The route tag.
    public var tag: Int
    /// Whether we announce it ourselves.
    public var local: Bool
    /// What neighbours say of it, those in use first.
    public var heard: [RIPHeard]

    /// Made of these fields.
    public init(prefix: String, metric: Int, tag: Int, local: Bool, heard: [RIPHeard]) {
        self.prefix = prefix
        self.metric = metric
        self.tag = tag
        self.local = local
        self.heard = heard
    }
}

/// What one neighbour says of a destination.
public struct RIPHeard: Codable, Hashable, Sendable {
    /// Who says so.
    public var neighbor: String
    /// The router to hand packets to.
    public var gateway: String
    /// `lan` or `wan`.
    public var side: String
    /// With the cost of the interface.
    public var metric: Int
    /// Whether packets go this way.
    public var used: Bool

    /// Made of these fields.
    public init(neighbor: String, gateway: String, side: String, metric: Int, used: Bool) {
        self.neighbor = neighbor
        self.gateway = gateway
        self.side = side
        self.metric = metric
        self.used = used
    }
}
