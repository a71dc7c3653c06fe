import Wire

/// Mappings of the translator, each with its sessions.
public struct MappingsAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.mappings/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Mappings with a session that matches the filter.
    public var matched: Int
    /// Mappings in the table.
    public var total: Int
    /// At most as many as asked for.
    public var mappings: [MappingRow]

    /// Made of these fields.
    public init(instance: String, matched: Int, total: Int, mappings: [MappingRow]) {
        self.instance = instance
        self.matched = matched
        self.total = total
        self.mappings = mappings
    }

    /// The list, under its own name in the document.
    public var rows: [MappingRow] {
        get { mappings }
        set { mappings = newValue }
    }
}

/// An inside endpoint and its outside endpoint.
public struct MappingRow: Codable, Hashable, Sendable {
    /// Most sessions that are listed with a mapping.
    public static let mostPeers = 16

    /// `tcp`, `udp`, `icmp`, or the protocol's number.
    public var `protocol`: String
    /// The inside host.
    public var inside: String
    /// Its port, or the ICMP identifier.
    public var insidePort: UInt16
    /// The address it has outside.
    public var outside: String
    /// Its port outside, or the ICMP identifier.
    public var outsidePort: UInt16
    /// The port forward it belongs to; nil for none.
    public var rule: String?
    /// Since it was made.
    public var ageSeconds: UInt32
    /// Until its last session ends if no packet comes.
    public var expiresSeconds: UInt32
    /// Its sessions that match.
    public var sessions: Int
    /// Some of them, at most `mostPeers`.
    public var peers: [MappingPeer]

    /// Made of these fields; no sessions yet.
    public init(
        protocol: String, inside: String, insidePort: UInt16, outside: String,
        outsidePort: UInt16, rule: String? = nil, ageSeconds: UInt32
    ) {
        self.protocol = `protocol`
        self.inside = inside
        self.insidePort = insidePort
        self.outside = outside
        self.outsidePort = outsidePort
        self.rule = rule
        self.ageSeconds = ageSeconds
        expiresSeconds = 0
        sessions = 0
        peers = []
    }

    /// Counts a session of this mapping, and lists it if there is room.
    public mutating func add(_ row: SessionRow) {
        sessions += 1
        expiresSeconds = max(expiresSeconds, row.expiresSeconds)
        guard peers.count < Self.mostPeers else { return }
        peers.append(
            MappingPeer(
                session: row.id, remote: row.remote.description, remotePort: row.remotePort,
                state: row.state.name, expiresSeconds: row.expiresSeconds))
    }
}

/// One session of a mapping.
public struct MappingPeer: Codable, Hashable, Sendable {
    /// The `id` of the session.
    public var session: UInt32
    /// The host it talks to.
    public var remote: String
    /// That host's port; 0 for ICMP.
    public var remotePort: UInt16
    /// How far it has come.
    public var state: String
    /// Until it is removed if no packet comes.
    public var expiresSeconds: UInt32
}
