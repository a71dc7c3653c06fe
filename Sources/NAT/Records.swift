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

/// An inside endpoint's outside endpoint (RFC 4787 §4.1). Fixed layout, 40 octets: 16 of addresses,
/// ports and kind, 4 of where it comes from, 20 of numbers. The inside address is its host's.
@frozen
public struct Mapping: BitwiseCopyable, Sendable {
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
    public var forward: UInt16
    /// Number of the rule it is under, + 1; 0 for none.
    public var rule: UInt8
    /// Bits of `MappingFlag`.
    var flags: UInt8
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

    var isInUse: Bool { flags & MappingFlag.inUse != 0 }
    var hasPeers: Bool { flags & MappingFlag.hasPeers != 0 }
}

enum MappingFlag {
    static var inUse: UInt8 { 1 }
    /// The remotes of its sessions are found by `peerIndex`.
    static var hasPeers: UInt8 { 2 }
    /// A session ended that was no TCP connection closed by its ends.
    static var portRests: UInt8 { 4 }
}

/// A remote address that the inside host of a mapping with many sessions has sent to. Fixed layout,
/// 12 octets.
struct Peer: BitwiseCopyable, Sendable {
    /// Record of the mapping.
    var mapping: UInt32
    /// The remote address.
    var remote: UInt32
    /// Sessions of both that the host has sent in; in a free record the link to the next.
    var sessions: UInt32
}

/// One flow of a mapping: the 5-tuple in both directions, state and the prepared rewrite.
///
/// Fixed layout of 64 octets, a cache line, in this order: 12 that count what inside sent, 36 of
/// endpoints and state, 12 that count what the remote sent, 4 of number. It is all that a packet
/// needs but those of TCP, whose `TCPEnd`s lie in a table of their own that others never touch;
/// what only set-up and end need is a `Membership`.
@frozen
public struct Session: BitwiseCopyable, Sendable {
    /// What came from inside.
    @usableFromInline var outbound = Tally()
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
    /// Bits of `SessionFlag`.
    @usableFromInline var flags: UInt8
    /// Checksum change of the addresses, outbound (RFC 1624).
    @usableFromInline var addressDelta: UInt16
    /// Tick of the last packet that counts for the timer.
    public var lastSeen: UInt32
    /// What `Forwarding` decided, by direction: neighbour records, valid in `epoch`; `.max` for
    /// none. Of a closed session this and `epoch` are links.
    @usableFromInline var neighbors: InlineArray<2, UInt16>
    /// Generation of the routes and neighbours `neighbors` was decided under. A generation has its
    /// top bit set; a link never has.
    @usableFromInline var epoch: UInt32
    /// What came from the remote.
    @usableFromInline var inbound = Tally()
    /// Counts sessions made, to tell successive users of a record apart.
    public var serial: UInt32
}

/// A session among those of its mapping. Fixed layout, 16 octets.
struct Membership: BitwiseCopyable, Sendable {
    /// Record of its mapping.
    var mapping: UInt32
    /// When it was made.
    var created: UInt32
    /// Neighbours in the mapping's list of sessions, + 1; in a free record `nextOfMapping` is the
    /// link to the next.
    var nextOfMapping: UInt32
    var previousOfMapping: UInt32
}

extension Session {
    /// Packets from inside.
    public var packetsOut: UInt64 { outbound.packets }
    /// Octets from inside, IPv4 header included.
    public var bytesOut: UInt64 { outbound.octets }
    /// Packets from the remote.
    public var packetsIn: UInt64 { inbound.packets }
    /// Octets from the remote, IPv4 header included.
    public var bytesIn: UInt64 { inbound.octets }
}

/// Packets, to 2^44, and octets, to 2^52, of one direction. Fixed layout, 12 octets.
@frozen
public struct Tally: BitwiseCopyable, Sendable {
    @usableFromInline var lowPackets: UInt32 = 0
    @usableFromInline var lowOctets: UInt32 = 0
    /// High bits: 12 of packets, above them 20 of octets.
    @usableFromInline var high: UInt32 = 0

    @usableFromInline init() {}

    /// Packets there were.
    public var packets: UInt64 { UInt64(high & 0xfff) << 32 | UInt64(lowPackets) }
    /// Octets there were.
    public var octets: UInt64 { UInt64(high >> 12) << 32 | UInt64(lowOctets) }

    /// Counts one packet.
    @inlinable @inline(__always)
    mutating func add(_ octets: UInt32) {
        let (packets, carry) = lowPackets.addingReportingOverflow(1)
        let (sum, octetCarry) = lowOctets.addingReportingOverflow(octets)
        lowPackets = packets
        lowOctets = sum
        if carry || octetCarry { high &+= (carry ? 1 : 0) &+ (octetCarry ? 1 << 12 : 0) }
    }
}

@usableFromInline
enum SessionFlag {
    @usableFromInline static var inUse: UInt8 { 1 }
    /// The inside host has sent: the session holds its mapping.
    @usableFromInline static var sentOutbound: UInt8 { 2 }
    /// The remote has sent.
    @usableFromInline static var sentInbound: UInt8 { 4 }
    /// The first packet came from the remote.
    @usableFromInline static var startedInbound: UInt8 { 8 }
    /// Packets of the remote refresh the timer although the inside host never sent.
    @usableFromInline static var inboundRefreshes: UInt8 { 16 }
    /// Only the end that began has sent; the counter of the other one's packets holds links.
    @usableFromInline static var embryonic: UInt8 { 32 }
    /// Of a one-to-one entry: ICMP queries go both ways.
    @usableFromInline static var oneToOne: UInt8 { 64 }
    /// TCP closed by its ends; what `Forwarding` would remember holds links.
    @usableFromInline static var closed: UInt8 { 128 }
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
