/// Sessions counted.
public struct SessionsSummaryAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.sessions-summary/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// One row a protocol.
    public var protocols: [ProtocolSummary]
    /// Capacity of the table.
    public var limit: Int
    /// New sessions refused since start.
    public var refused: UInt64
    /// Why.
    public var refusedBy: [NamedCount]

    /// Made of these fields.
    public init(
        instance: String, protocols: [ProtocolSummary], limit: Int, refused: UInt64,
        refusedBy: [NamedCount]
    ) {
        self.instance = instance
        self.protocols = protocols
        self.limit = limit
        self.refused = refused
        self.refusedBy = refusedBy
    }
}

/// Sessions of one protocol.
public struct ProtocolSummary: Codable, Hashable, Sendable {
    /// `tcp`, `udp` or `icmp`.
    public var `protocol`: String
    /// In the table now.
    public var sessions: Int
    /// How many in which state.
    public var states: [NamedCount]
    /// Since start.
    public var created: UInt64
    /// Since start.
    public var closed: UInt64
    /// Why they ended.
    public var closedBy: [NamedCount]

    /// Made of these fields.
    public init(
        protocol: String, sessions: Int, states: [NamedCount], created: UInt64, closed: UInt64,
        closedBy: [NamedCount]
    ) {
        self.protocol = `protocol`
        self.sessions = sessions
        self.states = states
        self.created = created
        self.closed = closed
        self.closedBy = closedBy
    }
}

/// A number with a name.
public struct NamedCount: Codable, Hashable, Sendable {
    /// What is counted.
    public var name: String
    /// How many.
    public var count: UInt64

    /// Made of these fields.
    public init(name: String, count: UInt64) {
        self.name = name
        self.count = count
    }
}

/// How many sessions match.
public struct CountAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.count/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Sessions that match.
    public var matched: Int
    /// Sessions in the table.
    public var total: Int

    /// Made of these fields.
    public init(instance: String, matched: Int, total: Int) {
        self.instance = instance
        self.matched = matched
        self.total = total
    }
}

/// What a kill removed.
public struct KillAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.kill/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Sessions removed.
    public var count: Int

    /// Made of these fields.
    public init(instance: String, count: Int) {
        self.instance = instance
        self.count = count
    }
}
