/// The neighbours that BFD watches.
public struct BFDAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.bfd/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Packets that were not used, by side and reason; those above 0.
    public var drops: [BFDDropCount]
    /// By side and address.
    public var sessions: [BFDSessionStatus]

    /// Made of these fields.
    public init(instance: String, drops: [BFDDropCount], sessions: [BFDSessionStatus]) {
        self.instance = instance
        self.drops = drops
        self.sessions = sessions
    }

    /// The list, under its own name in the document.
    public var rows: [BFDSessionStatus] {
        get { sessions }
        set { sessions = newValue }
    }
}

/// A reason and how often it applied.
public struct BFDDropCount: Codable, Hashable, Sendable {
    /// `lan` or `wan`.
    public var side: String
    /// The dotted name.
    public var reason: String
    /// How often.
    public var count: UInt64
    /// What it means.
    public var meaning: String

    /// Made of these fields.
    public init(side: String, reason: String, count: UInt64, meaning: String) {
        self.side = side
        self.reason = reason
        self.count = count
        self.meaning = meaning
    }
}

/// One session.
public struct BFDSessionStatus: Codable, Hashable, Sendable {
    /// The neighbour's address.
    public var address: String
    /// `lan` or `wan`.
    public var side: String
    /// `AdminDown`, `Down`, `Init` or `Up`.
    public var state: String
    /// What the neighbour says of its own.
    public var neighborState: String
    /// Since it came up or went down last.
    public var sinceSeconds: UInt64
    /// Times that it came up.
    public var ups: UInt64
    /// Who wants it: `static`, `ospf`, `rip`.
    public var users: [String]
    /// From one packet of ours to the next, before jitter; nil if the neighbour wants none.
    public var transmitMicroseconds: UInt64?
    /// From one packet of the neighbour's to the next, at most.
    public var receiveMicroseconds: UInt64
    /// How long the neighbour may be silent; nil before it was heard.
    public var detectionMicroseconds: UInt64?
    /// Packets of ours that may be missing.
    public var multiplier: UInt8
    /// Packets of the neighbour's that may be missing.
    public var neighborMultiplier: UInt8
    /// Why it went down last; `none` if it did not.
    public var diagnostic: String
    /// What the neighbour says of that.
    public var neighborDiagnostic: String
    /// Our number of the session.
    public var discriminator: UInt32
    /// The neighbour's; 0 if not known.
    public var neighborDiscriminator: UInt32
    /// Packets received and used.
    public var received: UInt64
    /// Packets sent.
    public var sent: UInt64

    /// Made of these fields.
    public init(
        address: String, side: String, state: String, neighborState: String,
        sinceSeconds: UInt64, ups: UInt64, users: [String], transmitMicroseconds: UInt64?,
        receiveMicroseconds: UInt64, detectionMicroseconds: UInt64?, multiplier: UInt8,
        neighborMultiplier: UInt8, diagnostic: String, neighborDiagnostic: String,
        discriminator: UInt32, neighborDiscriminator: UInt32, received: UInt64, sent: UInt64
    ) {
        self.address = address
        self.side = side
        self.state = state
        self.neighborState = neighborState
        self.sinceSeconds = sinceSeconds
        self.ups = ups
        self.users = users
        self.transmitMicroseconds = transmitMicroseconds
        self.receiveMicroseconds = receiveMicroseconds
        self.detectionMicroseconds = detectionMicroseconds
        self.multiplier = multiplier
        self.neighborMultiplier = neighborMultiplier
        self.diagnostic = diagnostic
        self.neighborDiagnostic = neighborDiagnostic
        self.discriminator = discriminator
        self.neighborDiscriminator = neighborDiscriminator
        self.received = received
        self.sent = sent
    }
}
