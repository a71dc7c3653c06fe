public import Wire

/// Numbers of the protocol (RFC 2328 §B and §A).
public enum OSPFProtocol {
    /// The IP protocol of every speaker.
    public static let number: UInt8 = 89
    /// AllSPFRouters, 224.0.0.5.
    public static let allRouters = IPv4Address(224, 0, 0, 5)
    /// AllDRouters, 224.0.0.6.
    public static let allDesignated = IPv4Address(224, 0, 0, 6)
    static let version: UInt8 = 2
    /// Octets of the header of a packet.
    static let headerLength = 24
    /// Octets of the header of an LSA.
    static let lsaHeaderLength = 20
    /// Octets of the IP header below ours.
    static let lowerLength = 20
    /// MaxAge in seconds.
    public static let maxAge: UInt16 = 3600
    /// MaxAgeDiff in seconds.
    static let maxAgeDifference = 900
    /// LSRefreshTime in seconds.
    static let refreshAge: UInt16 = 1800
    /// CheckAge in seconds.
    static let checkAge: UInt16 = 300
    /// LSInfinity of summaries and externals.
    public static let infinity: UInt32 = 0xff_ffff
    /// MaxLinkMetric: a link nobody else should use (RFC 2328 §C.3 calls it the largest cost).
    public static let largestCost: UInt16 = 0xffff
    /// InitialSequenceNumber.
    public static let initialSequence = Int32.min + 1
    /// MaxSequenceNumber.
    public static let maxSequence = Int32.max
}

/// What a router or an LSA can do (RFC 2328 §A.2).
public struct OSPFOptions: OptionSet, Hashable, Sendable {
    /// The octet.
    public let rawValue: UInt8
    /// Takes AS-external-LSAs.
    public static let external = OSPFOptions(rawValue: 0x02)
    /// Takes type 7; in a type 7 LSA: to be translated.
    public static let nssa = OSPFOptions(rawValue: 0x08)
    /// Takes opaque LSAs.
    public static let opaque = OSPFOptions(rawValue: 0x40)

    /// The options of an octet.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
}

/// The kinds of packet (RFC 2328 §A.3.1).
enum PacketKind: UInt8, CaseIterable {
    case hello = 1
    case databaseDescription
    case request
    case update
    case acknowledgement
}

/// The first 24 octets of a packet, their lengths checked against what is at hand.
struct PacketHeader {
    var kind: PacketKind
    /// Octets of header and body, without the digest.
    var length: Int
    var router: IPv4Address
    var area: IPv4Address

    init(_ packet: RawSpan) throws(OSPFDrop) {
        guard packet.byteCount >= OSPFProtocol.headerLength else { throw .truncated }
        guard packet.byte(0) == OSPFProtocol.version else { throw .version }
        guard let kind = PacketKind(rawValue: packet.byte(1)) else { throw .kind }
        self.kind = kind
        length = Int(packet.be16(2))
        guard length >= OSPFProtocol.headerLength, length <= packet.byteCount else {
            throw .length
        }
        router = IPv4Address(packet.be32(4))
        area = IPv4Address(packet.be32(8))
    }
}

extension [UInt8] {
    mutating func append16(_ value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append32(_ value: UInt32) {
        append16(UInt16(truncatingIfNeeded: value >> 16))
        append16(UInt16(truncatingIfNeeded: value))
    }

    mutating func set16(_ offset: Int, _ value: UInt16) {
        self[offset] = UInt8(truncatingIfNeeded: value >> 8)
        self[offset + 1] = UInt8(truncatingIfNeeded: value)
    }

    func be16(_ offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

    func be32(_ offset: Int) -> UInt32 {
        UInt32(be16(offset)) << 16 | UInt32(be16(offset + 2))
    }

    /// The octets as a span.
    var rawSpan: RawSpan {
        @_lifetime(borrow self) get { unsafe span.bytes }
    }
}
