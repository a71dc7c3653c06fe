public import Wire

/// How far a session has come. The raw value is what a row carries.
@frozen
public enum SessionState: UInt8, Sendable, CaseIterable {
    /// A protocol without states.
    case none = 0
    /// Packets went one way only.
    case unreplied
    /// Packets went both ways.
    case replied
    /// TCP: a SYN was seen, not yet the whole handshake.
    case opening
    /// TCP: the handshake is complete.
    case established
    /// TCP: the side that opened has sent FIN.
    case clientFIN
    /// TCP: the other side has sent FIN.
    case serverFIN
    /// TCP: both have sent FIN.
    case closing
    /// TCP: waits to be removed, or of unknown state.
    case transitory

    /// The name in answers and filters.
    public var name: String {
        switch self {
        case .none: "none"
        case .unreplied: "unreplied"
        case .replied: "replied"
        case .opening: "opening"
        case .established: "established"
        case .clientFIN: "client-fin"
        case .serverFIN: "server-fin"
        case .closing: "closing"
        case .transitory: "transitory"
        }
    }

    /// The state of this name; `new` is another word for `unreplied`.
    public init?(name: some StringProtocol) {
        if name == "new" {
            self = .unreplied
            return
        }
        guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = state
    }
}

/// One NAT session as a worker copies it: plain numbers, no strings.
public struct SessionRow: Sendable, Hashable {
    /// Number of the session in its table.
    public var id: UInt32
    /// IP protocol number.
    public var transport: UInt8
    /// How far it has come.
    public var state: SessionState
    /// The inside host.
    public var inside: IPv4Address
    /// Its port, or the ICMP identifier.
    public var insidePort: UInt16
    /// The address it has outside.
    public var outside: IPv4Address
    /// Its port outside, or the ICMP identifier.
    public var outsidePort: UInt16
    /// The host it talks to.
    public var remote: IPv4Address
    /// That host's port; 0 for ICMP.
    public var remotePort: UInt16
    /// Since the first packet.
    public var ageSeconds: UInt32
    /// Since the last packet.
    public var idleSeconds: UInt32
    /// Until it is removed if no packet comes.
    public var expiresSeconds: UInt32
    /// Packets from inside to outside.
    public var packetsOut: UInt64
    /// Octets from inside to outside.
    public var bytesOut: UInt64
    /// Packets from outside to inside.
    public var packetsIn: UInt64
    /// Octets from outside to inside.
    public var bytesIn: UInt64
    /// Index of the port forward that made it; -1 for none.
    public var rule: Int32

    /// A session between `inside` and `remote`, seen there as `outside`; counters are 0.
    public init(
        id: UInt32, transport: UInt8, state: SessionState, inside: IPv4Address,
        insidePort: UInt16, outside: IPv4Address, outsidePort: UInt16, remote: IPv4Address,
        remotePort: UInt16
    ) {
        self.id = id
        self.transport = transport
        self.state = state
        self.inside = inside
        self.insidePort = insidePort
        self.outside = outside
        self.outsidePort = outsidePort
        self.remote = remote
        self.remotePort = remotePort
        ageSeconds = 0
        idleSeconds = 0
        expiresSeconds = 0
        packetsOut = 0
        bytesOut = 0
        packetsIn = 0
        bytesIn = 0
        rule = -1
    }

    /// The name of the protocol, as `tcp` or `gre`, or its number.
    public var transportName: String { IPProtocol.name(of: transport) }
}
