/// IP protocol numbers.
public enum IPProtocol {
    /// ICMP.
    public static let icmp: UInt8 = 1
    /// IGMP.
    public static let igmp: UInt8 = 2
    /// TCP.
    public static let tcp: UInt8 = 6
    /// UDP.
    public static let udp: UInt8 = 17
    /// DCCP (RFC 4340).
    public static let dccp: UInt8 = 33
    /// GRE.
    public static let gre: UInt8 = 47
    /// Encapsulating Security Payload.
    public static let esp: UInt8 = 50
    /// Authentication Header.
    public static let authentication: UInt8 = 51
    /// OSPF.
    public static let ospf: UInt8 = 89
    /// SCTP.
    public static let sctp: UInt8 = 132
    /// UDP-Lite (RFC 3828).
    public static let udpLite: UInt8 = 136

    private static let names: [(UInt8, String)] = [
        (icmp, "icmp"), (tcp, "tcp"), (udp, "udp"), (dccp, "dccp"), (gre, "gre"), (esp, "esp"),
        (sctp, "sctp"), (udpLite, "udplite"),
    ]

    /// The protocols that have a name.
    public static var knownNames: [String] { names.map(\.1) }

    /// The name in the configuration and in answers: the number for a protocol without one.
    public static func name(of number: UInt8) -> String {
        names.first { $0.0 == number }?.1 ?? String(number)
    }

    /// The protocol of this name or decimal number.
    public static func number(named name: some StringProtocol) -> UInt8? {
        if let known = names.first(where: { $0.1 == name }) { return known.0 }
        return name.utf8.allSatisfy { (48...57).contains($0) } ? UInt8(name) : nil
    }

    /// Whether the transport part begins with two port numbers.
    public static func hasPorts(_ number: UInt8) -> Bool {
        number == tcp || number == udp || number == dccp || number == sctp || number == udpLite
    }

    /// Where the checksum lies that covers addresses and ports; nil if there is none.
    public static func checksumOffset(_ number: UInt8) -> Int? {
        switch number {
        case tcp: 16
        case udp, udpLite, dccp: 6
        default: nil
        }
    }
}

/// A mutable view of one IPv4 packet, its lengths checked once (RFC 791 §3.1, RFC 1812 §5.2.2).
@frozen
public struct IPv4View: ~Copyable, ~Escapable {
    @usableFromInline var bytes: MutableRawSpan
    /// Octets of header with options, 20 to 60.
    public let headerLength: Int
    /// Octets of header and payload; what follows in the frame is padding.
    public let totalLength: Int

    /// Checks version, header length and total length against the bytes at hand.
    @inlinable @_lifetime(copy bytes)
    public init(_ bytes: consuming MutableRawSpan) throws(Malformed) {
        guard bytes.byteCount >= 20 else { throw .truncated }
        let first = bytes.byte(0)
        guard first >> 4 == 4 else { throw .version }
        let header = Int(first & 0xf) &* 4
        let total = Int(bytes.be16(2))
        guard header >= 20, header <= total else { throw .length }
        guard total <= bytes.byteCount else { throw .truncated }
        headerLength = header
        totalLength = total
        self.bytes = bytes
    }

    /// DS field and ECN.
    @inlinable public var typeOfService: UInt8 { bytes.byte(1) }

    /// Identification.
    public var identification: UInt16 {
        @inlinable get { bytes.be16(4) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(4, newValue) }
    }

    /// Flags and fragment offset as one field.
    public var fragmentField: UInt16 {
        @inlinable get { bytes.be16(6) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(6, newValue) }
    }

    /// Time to live.
    public var timeToLive: UInt8 {
        @inlinable get { bytes.byte(8) }
        @inlinable @_lifetime(self: copy self) set { bytes.setByte(8, newValue) }
    }

    /// Number of the protocol in the payload.
    @inlinable public var proto: UInt8 { bytes.byte(9) }

    /// The checksum field.
    public var headerChecksum: UInt16 {
        @inlinable get { bytes.be16(10) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(10, newValue) }
    }

    /// Source address.
    public var source: IPv4Address {
        @inlinable get { IPv4Address(bytes.be32(12)) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe32(12, newValue.rawValue) }
    }

    /// Destination address.
    public var destination: IPv4Address {
        @inlinable get { IPv4Address(bytes.be32(16)) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe32(16, newValue.rawValue) }
    }

    /// Whether the header sums to all ones, as an intact one does.
    @inlinable public var checksumIsValid: Bool {
        var sum: UInt64 = 0
        var offset = 0
        while offset < headerLength {
            sum &+= UInt64(bytes.be32(offset))
            offset &+= 4
        }
        return Checksum.fold(sum) == 0xffff
    }

    /// Sets the checksum field from the whole header.
    @_lifetime(self: copy self)
    public mutating func computeChecksum() {
        headerChecksum = 0
        headerChecksum = ~Checksum.fold(Checksum.sum(bytes.bytes.part(0, headerLength)))
    }
}

/// Bits of the flags and fragment offset field (RFC 791 §3.1).
public enum FragmentField {
    /// Don't fragment.
    public static let dontFragment: UInt16 = 0x4000
    /// More fragments.
    public static let moreFragments: UInt16 = 0x2000
    /// Offset in units of 8 octets.
    public static let offsetMask: UInt16 = 0x1fff
}

/// IPv4 header options (RFC 791 §3.1, RFC 7126).
public enum IPv4Options {
    /// What the options of a packet mean for a router.
    public enum Verdict: Hashable, Sendable {
        /// Nothing that concerns a router.
        case pass
        /// Loose or strict source route: dropped by default (RFC 7126 §4.3).
        case sourceRoute
        /// A length that does not fit; the octet the error points at.
        case malformed(pointer: UInt8)
    }

    /// Looks through the options of a header of at least 20 octets; O(n), at most 40 steps.
    public static func inspect(_ header: RawSpan) -> Verdict {
        var offset = 20
        while offset < header.byteCount {
            let kind = header.byte(offset)
            if kind == 0 { return .pass }
            if kind == 1 {
                offset += 1
                continue
            }
            guard offset + 1 < header.byteCount else {
                return .malformed(pointer: UInt8(truncatingIfNeeded: offset))
            }
            let length = Int(header.byte(offset + 1))
            guard length >= 2, offset + length <= header.byteCount else {
                return .malformed(pointer: UInt8(truncatingIfNeeded: offset + 1))
            }
            if kind == 131 || kind == 137 { return .sourceRoute }
            offset += length
        }
        return .pass
    }
}
