/// Which way a packet crosses the translation.
@frozen
public enum Direction: UInt8, Sendable {
    /// From an inside host.
    case outbound = 0
    /// From a remote.
    case inbound = 1

    /// The other one.
    @inlinable public var opposite: Direction { self == .outbound ? .inbound : .outbound }
}

/// An inside endpoint's outside endpoint (RFC 4787 §4.1). Fixed layout, 56 octets.
@frozen
public struct Mapping: BitwiseCopyable, Sendable {
    /// Inside address.
    public var insideAddress: UInt32
    /// Outside address.
    public var outsideAddress: UInt32
    /// Remote address the mapping is for; 0 unless mapping depends on it.
    public var remoteAddress: UInt32
    /// Inside port or ICMP identifier.
    public var insidePort: UInt16
    /// Outside port or ICMP identifier.
    public var outsidePort: UInt16
    /// Remote port the mapping is for; 0 unless mapping depends on it.
    public var remotePort: UInt16
    /// Raw value of `Transport`.
    public var transport: UInt8
    /// 0 if its port is from the pool, 1 for a port forward's, 2 for a one-to-one entry's.
    public var isStatic: UInt8
    /// Number of the port forward or one-to-one entry, when static.
    public var forward: UInt32
    /// Number of the rule it is under, + 1; 0 for none.
    public var rule: UInt32
    /// Record of the inside host.
    var host: UInt32
    /// First session + 1.
    var firstSession: UInt32
    /// Sessions of this mapping.
    public var sessions: UInt32
    /// Sessions the inside host has sent to; the mapping ends with the last of them.
    var holders: UInt32
    /// When it was made.
    public var created: UInt32
    /// Hash of its key.
    var hash: UInt32
    /// Not 0 while in use; 2 once its sessions are found by `peerIndex`.
    var inUse: UInt16
    /// Not 0 if a session ended that was no TCP connection closed by both ends.
    var portRests: UInt16 = 0
}

/// One flow of a mapping: the 5-tuple in both directions, state, timers and the prepared rewrite.
///
/// Fixed layout of 128 octets; the first cache line is all that an established packet reads.
@frozen
public struct Session: BitwiseCopyable, Sendable {
    /// Inside address.
    public var insideAddress: UInt32
    /// Outside address.
    public var outsideAddress: UInt32
    /// Remote address.
    public var remoteAddress: UInt32
    /// Inside port or ICMP identifier.
    public var insidePort: UInt16
    /// Outside port or ICMP identifier.
    public var outsidePort: UInt16
    /// Remote port; 0 for ICMP.
    public var remotePort: UInt16
    /// Raw value of `Transport`.
    public var transport: UInt8
    /// Raw value of `SessionPhase`.
    public var phase: UInt8
    /// Checksum change of the addresses, outbound (RFC 1624).
    @usableFromInline var addressDelta: UInt16
    /// Checksum change of addresses and port together, outbound.
    @usableFromInline var fullDelta: UInt16
    /// Tick of the last packet that counts for the timer.
    public var lastSeen: UInt32
    /// What `Forwarding` decided, by direction: neighbour records, valid in `epoch`; `.max` for
    /// none.
    @usableFromInline var neighbors: InlineArray<2, UInt16>
    /// Generation of the routes and neighbours `neighbors` was decided under.
    @usableFromInline var epoch: UInt32
    /// Bits of `SessionFlag`.
    @usableFromInline var flags: UInt16
    /// Not used.
    var spare: UInt16 = 0
    /// TCP: what either end sent and may send, by direction.
    @usableFromInline var ends: InlineArray<2, TCPEnd>

    // Second cache line: counters and what set-up and end need.
    /// Packets from inside.
    public var packetsOut: UInt64
    /// Octets from inside, IPv4 header included.
    public var bytesOut: UInt64
    /// Packets from the remote.
    public var packetsIn: UInt64
    /// Octets from the remote, IPv4 header included.
    public var bytesIn: UInt64
    /// Record of its mapping.
    public var mapping: UInt32
    /// Idle ticks after which it ends, by phase; kept so that a packet need not look it up.
    @usableFromInline var timeout: UInt32
    /// When it was made.
    public var created: UInt32
    /// Neighbours in the mapping's list of sessions, + 1.
    var nextOfMapping: UInt32
    var previousOfMapping: UInt32
    /// Neighbours in the list of sessions with one remote address, + 1.
    var nextOfPeer: UInt32
    var previousOfPeer: UInt32
    /// Counts sessions made, to tell successive users of a record apart.
    public var serial: UInt32
}

@usableFromInline
enum SessionFlag {
    @usableFromInline static var inUse: UInt16 { 1 }
    /// The inside host has sent: the session holds its mapping.
    @usableFromInline static var sentOutbound: UInt16 { 2 }
    /// The remote has sent.
    @usableFromInline static var sentInbound: UInt16 { 4 }
    /// The first packet came from the remote.
    @usableFromInline static var startedInbound: UInt16 { 8 }
    /// Packets of the remote refresh the timer although the inside host never sent.
    @usableFromInline static var inboundRefreshes: UInt16 { 16 }
    /// Only the end that began has sent; the counter of the other one's packets holds links.
    @usableFromInline static var embryonic: UInt16 { 32 }
    /// Of a one-to-one entry: ICMP queries go both ways.
    @usableFromInline static var oneToOne: UInt16 { 1 << 12 }
}

/// Where a session stands. TCP follows RFC 7857 §2; UDP and ICMP know only whether an answer came.
@frozen
public enum SessionPhase: UInt8, Sendable, CaseIterable {
    /// UDP or ICMP: only one end has sent.
    case unreplied = 0
    /// UDP or ICMP: both ends have sent.
    case replied = 1
    /// TCP: a SYN from inside.
    case synOutbound = 2
    /// TCP: a SYN from the remote.
    case synInbound = 3
    /// TCP: SYNs from both ends.
    case established = 4
    /// TCP: FIN from inside; the other direction goes on for as long as wanted.
    case finOutbound = 5
    /// TCP: FIN from the remote.
    case finInbound = 6
    /// TCP: FINs from both ends.
    case closing = 7
    /// TCP: after RST, or idle for the established time; data brings it back.
    case transitory = 8
}
