/// What the database holds.
public struct OSPFDatabaseAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.ospf-database/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Our router id.
    public var router: String
    /// LSAs of the type asked for.
    public var total: Int
    /// By area, type, id and router; at most as many as asked for.
    public var lsas: [OSPFLSAStatus]

    /// Made of these fields.
    public init(
        instance: String, router: String, total: Int, lsas: [OSPFLSAStatus]
    ) {
        self.instance = instance
        self.router = router
        self.total = total
        self.lsas = lsas
    }

    /// The list, under its own name in the document.
    public var rows: [OSPFLSAStatus] {
        get { lsas }
        set { lsas = newValue }
    }
}

/// One LSA; which of the last fields there are depends on its type.
public struct OSPFLSAStatus: Codable, Hashable, Sendable {
    /// Its area; nil if it goes further, or no further than a link.
    public var area: String?
    /// One of `ospfTypes`.
    public var type: String
    /// Its link state id.
    public var id: String
    /// Who made it.
    public var router: String
    /// Seconds since that.
    public var age: Int
    /// Grows with every instance.
    public var sequence: String
    /// Of all but the age.
    public var checksum: String
    /// Octets.
    public var length: Int
    /// Whether it is ours.
    public var own: Bool
    /// Of a router: `area-border`, `boundary`.
    public var roles: [String]?
    /// Of a router.
    public var links: [OSPFLinkStatus]?
    /// Of a network: those on it.
    public var routers: [String]?
    /// Of a network, summary or external.
    public var prefix: String?
    /// Of a summary or external.
    public var cost: UInt32?
    /// Of an external: 1 or 2.
    public var metricType: Int?
    /// Of an external: where packets go instead of to its maker.
    public var forwarding: String?
    /// Of an external.
    public var tag: UInt32?
    /// Of an external of a not-so-stubby area: whether other areas are to be told of it.
    public var translated: Bool?

    /// Made of these fields.
    public init(
        area: String?, type: String, id: String, router: String, age: Int, sequence: String,
        checksum: String, length: Int, own: Bool, roles: [String]?, links: [OSPFLinkStatus]?,
        routers: [String]?, prefix: String?, cost: UInt32?, metricType: Int?, forwarding: String?,
        tag: UInt32?
    ) {
        self.area = area
        self.type = type
        self.id = id
        self.router = router
        self.age = age
        self.sequence = sequence
        self.checksum = checksum
        self.length = length
        self.own = own
        self.roles = roles
        self.links = links
        self.routers = routers
        self.prefix = prefix
        self.cost = cost
        self.metricType = metricType
        self.forwarding = forwarding
        self.tag = tag
    }
}

/// A link of a router.
public struct OSPFLinkStatus: Codable, Hashable, Sendable {
    /// `point-to-point`, `transit`, `stub` or `virtual`.
    public var kind: String
    /// A router, the address of a Designated Router, or a network.
    public var id: String
    /// The router's own address on the link, or the mask of a stub network.
    public var data: String
    /// Of sending by it.
    public var cost: Int

    /// Made of these fields.
    public init(
        kind: String, id: String, data: String, cost: Int
    ) {
        self.kind = kind
        self.id = id
        self.data = data
        self.cost = cost
    }
}

/// The last calculations of routes.
public struct OSPFRunsAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.ospf-spf/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Calculations since the start.
    public var total: UInt64
    /// The latest last.
    public var runs: [OSPFRunStatus]

    /// Made of these fields.
    public init(
        instance: String, total: UInt64, runs: [OSPFRunStatus]
    ) {
        self.instance = instance
        self.total = total
        self.runs = runs
    }

    /// The list, under its own name in the document.
    public var rows: [OSPFRunStatus] {
        get { runs }
        set { runs = newValue }
    }
}

/// One calculation of routes.
public struct OSPFRunStatus: Codable, Hashable, Sendable {
    /// How long ago it was.
    public var agoMilliseconds: Int64
    /// The first reason for it.
    public var cause: String
    /// How much it looked at: `full`, `partial` or `prefixes`.
    public var kind: String
    /// How long it took, with what led to it and followed from it.
    public var microseconds: Int64
    /// Areas whose tree was made anew or repaired.
    public var areas: Int
    /// Routers and networks that were looked at in them.
    public var nodes: Int
    /// Routes after it.
    public var routes: Int
    /// Routes changed by it.
    public var changes: Int

    /// Made of these fields.
    public init(
        agoMilliseconds: Int64, cause: String, kind: String, microseconds: Int64, areas: Int,
        nodes: Int, routes: Int, changes: Int
    ) {
        self.agoMilliseconds = agoMilliseconds
        self.cause = cause
        self.kind = kind
        self.microseconds = microseconds
        self.areas = areas
        self.nodes = nodes
        self.routes = routes
        self.changes = changes
    }
}
