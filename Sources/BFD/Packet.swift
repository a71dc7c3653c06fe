internal import Timing
internal import Wire

/// Numbers of the protocol (RFC 5880 §4.1, RFC 5881 §4 and §5).
public enum BFDProtocol {
    /// The UDP port that control packets go to.
    public static let port: UInt16 = 3784
    /// The UDP ports they may come from.
    public static let sourcePorts: ClosedRange<UInt16> = 49152...65535
    /// The TTL they leave and must arrive with: nobody farther away than the link can send one.
    public static let timeToLive: UInt8 = 255
    /// Octets of a packet without authentication.
    public static let length = 24
    /// Octets of the shortest packet with authentication.
    static let authenticatedLength = 26
    static let version: UInt8 = 1
    /// No packet is sent more often before a session is up (RFC 5880 §6.8.3).
    static let slow = Interval.seconds(1)
}

/// A control packet (RFC 5880 §4.1).
public struct BFDPacket: Hashable, Sendable {
    /// The bits that follow the state.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The field in packets.
        public var rawValue: UInt8
        /// These bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// An answer is wanted.
        public static let poll = Flags(rawValue: 0x20)
        /// This is the answer.
        public static let final = Flags(rawValue: 0x10)
        /// The sender's forwarding outlives its routing.
        public static let independent = Flags(rawValue: 0x08)
        /// Authentication follows.
        public static let authenticated = Flags(rawValue: 0x04)
        /// The sender wants no packets but polls.
        public static let demand = Flags(rawValue: 0x02)
        /// Reserved; never set.
        public static let multipoint = Flags(rawValue: 0x01)
    }

    /// Why the sender's state changed last.
    public var diagnostic = BFDDiagnostic.none
    /// The sender's state.
    public var state: BFDState
    /// The bits that follow.
    public var flags: Flags = []
    /// Packets that may be missing before the session is down; at least 1.
    public var multiplier: UInt8
    /// The sender's number of the session; not 0.
    public var mine: UInt32
    /// The receiver's number of the session; 0 if not known.
    public var yours: UInt32
    /// The sender would send no more often, in microseconds.
    public var desiredTransmit: UInt32
    /// The sender takes no more than one in so many microseconds; 0: it wants none.
    public var requiredReceive: UInt32
    /// The same of echo packets.
    public var requiredEcho: UInt32 = 0

    /// A packet of these fields, the others 0.
    public init(
        _ state: BFDState, multiplier: UInt8, mine: UInt32, yours: UInt32,
        desiredTransmit: UInt32, requiredReceive: UInt32
    ) {
        self.state = state
        self.multiplier = multiplier
        self.mine = mine
        self.yours = yours
        self.desiredTransmit = desiredTransmit
        self.requiredReceive = requiredReceive
    }

    /// Reads a UDP payload; throws why it is no packet, in the order of RFC 5880 §6.8.6.
    public init(_ bytes: RawSpan) throws(BFDDrop) {
        guard bytes.byteCount >= BFDProtocol.length else { throw .truncated }
        guard bytes.byte(0) >> 5 == BFDProtocol.version else { throw .version }
        flags = Flags(rawValue: bytes.byte(1) & 0x3f)
        let isSigned = flags.contains(.authenticated)
        let length = Int(bytes.byte(3))
        guard length >= (isSigned ? BFDProtocol.authenticatedLength : BFDProtocol.length),
            length <= bytes.byteCount
        else { throw .length }
        multiplier = bytes.byte(2)
        guard multiplier > 0 else { throw .multiplier }
        guard !flags.contains(.multipoint) else { throw .multipoint }
        mine = bytes.be32(4)
        guard mine != 0 else { throw .discriminatorMissing }
        yours = bytes.be32(8)
        diagnostic = BFDDiagnostic(rawValue: bytes.byte(0) & 0x1f)
        // Two bits have no other values.
        state = BFDState(rawValue: bytes.byte(1) >> 6) ?? .adminDown
        guard yours != 0 || state == .down || state == .adminDown else { throw .stateWithout }
        desiredTransmit = bytes.be32(12)
        requiredReceive = bytes.be32(16)
        requiredEcho = bytes.be32(20)
    }

    /// The UDP payload, without authentication.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(BFDProtocol.length)
        bytes.append(BFDProtocol.version << 5 | diagnostic.rawValue & 0x1f)
        bytes.append(state.rawValue << 6 | flags.rawValue)
        bytes.append(multiplier)
        bytes.append(UInt8(BFDProtocol.length))
        for word in [mine, yours, desiredTransmit, requiredReceive, requiredEcho] {
            for shift in [24, 16, 8, 0] as [UInt32] {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }
}

extension Interval {
    /// A span as packets tell it.
    init(microseconds: UInt32) { self.init(nanoseconds: Int64(microseconds) * 1000) }

    /// As packets tell it, 0 to about 71 minutes.
    var microseconds: UInt32 { UInt32(clamping: nanoseconds / 1000) }
}
