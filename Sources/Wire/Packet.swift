/// How a super-packet is cut by the device that finally sends it.
@frozen
public enum Segmentation: UInt8, Sendable {
    /// One packet as it stands.
    case none
    /// TCP segments of `segmentSize` payload octets.
    case tcp
    /// UDP datagrams of `segmentSize` payload octets.
    case udp
}

/// The facts of one IPv4 packet in an Ethernet frame, checked once against its bytes.
///
/// Nothing here is believed from offload metadata: it is recomputed from the packet and metadata
/// that contradicts it is refused (SECURITY S40). Offsets count from the start of the frame.
@frozen
public struct Packet: Sendable {
    /// Where the IPv4 header begins.
    @inlinable public static var ip: Int { EthernetView.headerLength }
    /// Most segments a super-packet may hold.
    public static let mostSegments = 128
    /// Smallest TCP segment a super-packet may be cut to.
    public static let smallestSegment = 88

    /// Where the transport header, or a later fragment's payload, begins.
    public var transport: Int
    /// Octets of IPv4 header and payload.
    public var totalLength: Int
    /// Source address.
    public var source: UInt32
    /// Destination address.
    public var destination: UInt32
    /// Source port; for an ICMP query or reply its identifier.
    public var sourcePort: UInt16 = 0
    /// Destination port; for an ICMP query or reply its identifier.
    public var destinationPort: UInt16 = 0
    /// Flags and offset (RFC 791 §3.1).
    public var fragmentField: UInt16
    /// Identification.
    public var identification: UInt16
    /// Payload octets of each segment of a super-packet.
    public var segmentSize: UInt16 = 0
    /// Protocol number.
    public var proto: UInt8
    /// Time to live as received.
    public var timeToLive: UInt8
    /// DS field and ECN.
    public var typeOfService: UInt8
    /// TCP control bits.
    public var flags = TCPFlags(rawValue: 0)
    /// ICMP type.
    public var icmpType: UInt8 = 0
    /// Octets of transport header: 20 to 60 for TCP, 12 for SCTP and DCCP, 8 for UDP, UDP-Lite and
    /// ICMP; 0 when not there, and for other protocols.
    public var transportHeaderLength: UInt8 = 0
    /// How the device cuts the packet.
    public var segmentation = Segmentation.none
    /// The transport checksum holds the pseudo-header sum only.
    public var hasPartialChecksum = false
    /// ECN bit of the offload metadata.
    public var hasECNSegments = false

    /// Octets of frame that belong to the packet; what follows is padding.
    @inlinable public var frameLength: Int { Self.ip &+ totalLength }
    /// Octets of IPv4 header.
    @inlinable public var headerLength: Int { transport &- Self.ip }
    /// Whether the packet is a piece of a larger one.
    @inlinable public var isFragment: Bool {
        fragmentField & (FragmentField.moreFragments | FragmentField.offsetMask) != 0
    }
    /// Whether the packet holds the start of the transport part.
    @inlinable public var isFirst: Bool { fragmentField & FragmentField.offsetMask == 0 }
    /// Don't-fragment bit.
    @inlinable public var dontFragment: Bool {
        fragmentField & FragmentField.dontFragment != 0
    }
    /// Whether ports or an ICMP identifier are known; true of a first piece of a protocol that has
    /// neither, whose ports are 0.
    @inlinable public var hasPorts: Bool {
        if transportHeaderLength == 0 { return isPortless && isFirst }
        return proto != IPProtocol.icmp || ICMPType.isQuery(icmpType)
            || ICMPType.isReply(icmpType)
    }
    /// Whether nothing but addresses tells two flows of the protocol apart.
    @inlinable public var isPortless: Bool {
        proto != IPProtocol.icmp && !IPProtocol.hasPorts(proto)
    }
    /// Whether this is a whole ICMP error or its first fragment.
    @inlinable public var isICMPError: Bool {
        proto == IPProtocol.icmp && transportHeaderLength != 0 && ICMPType.isError(icmpType)
    }
    /// Whether the packet is whole and may never be cut, so that its identification says nothing
    /// (RFC 6864 §4).
    @inlinable public var isAtomic: Bool { fragmentField & ~0x8000 == FragmentField.dontFragment }
    /// Octets of IPv4 packet that one cut packet of it will have: what an MTU is compared to.
    @inlinable public var largestPacket: Int {
        segmentation == .none
            ? totalLength : headerLength &+ Int(transportHeaderLength) &+ Int(segmentSize)
    }

    /// Checks a frame whose EtherType is IPv4 and its offload metadata.
    @inlinable @inline(__always)
    public init(_ frame: inout MutableRawSpan, _ header: VirtioNetHeader) throws(DropReason) {
        try self.init(internet: &frame)
        if isFirst { try readTransport(&frame) }
        if header.flags & VirtioNetHeader.needsChecksum != 0 || header.segmentationType != 0 {
            if proto == IPProtocol.tcp || proto == IPProtocol.udp || proto == IPProtocol.icmp {
                let cut = try offload(header)
                hasPartialChecksum = true
                (segmentation, segmentSize) = (cut.kind, cut.size)
                hasECNSegments = cut.hasECN
            } else {
                try completeInner(&frame, header)
            }
        }
    }

    /// The facts of a packet as most are: whole TCP or UDP without IPv4 options, in one frame, that
    /// lives on and neither opens nor ends a connection. Nil for any other, good or bad, and for a
    /// frame of anything else: `init(_:_:)` says what it is.
    @inlinable @inline(always)
    public init?(plain frame: inout MutableRawSpan, _ header: VirtioNetHeader) {
        // Up to the end of a UDP header.
        guard frame.byteCount >= 42, frame.be32(12) >> 8 == 0x08_0045 else { return nil }
        let total = Int(frame.be16(Self.ip &+ 2))
        fragmentField = frame.be16(Self.ip &+ 6)
        timeToLive = frame.byte(Self.ip &+ 8)
        proto = frame.byte(Self.ip &+ 9)
        guard total >= 28, total &+ Self.ip <= frame.byteCount, timeToLive > 1,
            fragmentField & (FragmentField.moreFragments | FragmentField.offsetMask) == 0,
            frame.holdsChecksum20(Self.ip)
        else { return nil }
        transport = 34
        totalLength = total
        let field: UInt16
        switch proto {
        case IPProtocol.udp:
            let claimed = Int(frame.be16(38))
            guard claimed >= 8, claimed <= total &- 20 else { return nil }
            transportHeaderLength = 8
            field = 6
        case IPProtocol.tcp:
            guard total >= 40 else { return nil }
            let length = frame.byte(46) >> 4 &* 4
            flags = TCPFlags(rawValue: frame.byte(47))
            guard length >= 20, Int(length) <= total &- 20,
                flags.isDisjoint(with: [.syn, .fin, .rst])
            else { return nil }
            transportHeaderLength = length
            field = 16
        default: return nil
        }
        hasPartialChecksum = header.flags & VirtioNetHeader.needsChecksum != 0
        guard header.segmentationType == 0,
            !hasPartialChecksum || header.checksumStart == 34 && header.checksumOffset == field
        else { return nil }
        typeOfService = frame.byte(Self.ip &+ 1)
        identification = frame.be16(Self.ip &+ 4)
        source = frame.be32(Self.ip &+ 12)
        destination = frame.be32(Self.ip &+ 16)
        sourcePort = frame.be16(34)
        destinationPort = frame.be16(36)
    }

    /// Reads the start of a packet that was checked when it came, for an error that quotes it; the
    /// total length is that of what is left of it.
    public init(quoting frame: inout MutableRawSpan) throws(DropReason) {
        guard frame.byteCount >= Self.ip + 20 else { throw .ipv4Truncated }
        let header = Int(frame.byte(Self.ip) & 15) * 4
        guard header >= 20, Self.ip + header <= frame.byteCount else { throw .ipv4Header }
        transport = Self.ip + header
        totalLength = min(Int(frame.be16(Self.ip + 2)), frame.byteCount - Self.ip)
        guard totalLength >= header else { throw .ipv4Header }
        typeOfService = frame.byte(Self.ip + 1)
        identification = frame.be16(Self.ip + 4)
        fragmentField = frame.be16(Self.ip + 6)
        timeToLive = frame.byte(Self.ip + 8)
        proto = frame.byte(Self.ip + 9)
        source = frame.be32(Self.ip + 12)
        destination = frame.be32(Self.ip + 16)
        if proto == IPProtocol.icmp, isFirst, frame.byteCount >= transport + 8 {
            icmpType = frame.byte(transport)
            transportHeaderLength = 8
        }
    }

    @inlinable @inline(__always)
    init(internet frame: inout MutableRawSpan) throws(DropReason) {
        guard frame.byteCount >= Self.ip &+ 20 else { throw .ipv4Truncated }
        let first = frame.byte(Self.ip)
        let header = Int(first & 15) &* 4
        let total = Int(frame.be16(Self.ip &+ 2))
        guard first >> 4 == 4, header >= 20, total >= header else { throw .ipv4Header }
        guard Self.ip &+ total <= frame.byteCount else { throw .ipv4Truncated }
        var sum: UInt64 = 0
        var offset = Self.ip
        while offset < Self.ip &+ header {
            sum &+= UInt64(frame.be32(offset))
            offset &+= 4
        }
        guard Checksum.fold(sum) == 0xffff else { throw .ipv4Checksum }
        transport = Self.ip &+ header
        totalLength = total
        typeOfService = frame.byte(Self.ip &+ 1)
        identification = frame.be16(Self.ip &+ 4)
        fragmentField = frame.be16(Self.ip &+ 6)
        timeToLive = frame.byte(Self.ip &+ 8)
        proto = frame.byte(Self.ip &+ 9)
        source = frame.be32(Self.ip &+ 12)
        destination = frame.be32(Self.ip &+ 16)
    }

    /// Reads ports, flags and type; a first fragment must hold the whole header (RFC 1858).
    @inlinable @inline(__always)
    mutating func readTransport(_ frame: inout MutableRawSpan) throws(DropReason) {
        let length = frameLength &- transport
        switch proto {
        case IPProtocol.tcp:
            guard length >= 20 else { throw isFragment ? .fragmentTiny : .tcpMalformed }
            let header = Int(frame.byte(transport &+ 12) >> 4) &* 4
            guard header >= 20 else { throw .tcpMalformed }
            guard header <= length else { throw isFragment ? .fragmentTiny : .tcpMalformed }
            sourcePort = frame.be16(transport)
            destinationPort = frame.be16(transport &+ 2)
            flags = TCPFlags(rawValue: frame.byte(transport &+ 13))
            transportHeaderLength = UInt8(truncatingIfNeeded: header)
        case IPProtocol.udp:
            guard length >= 8 else { throw isFragment ? .fragmentTiny : .udpMalformed }
            let claimed = Int(frame.be16(transport &+ 4))
            guard claimed >= 8, isFragment || claimed <= length else { throw .udpMalformed }
            sourcePort = frame.be16(transport)
            destinationPort = frame.be16(transport &+ 2)
            transportHeaderLength = 8
        case IPProtocol.icmp:
            guard length >= 8 else { throw isFragment ? .fragmentTiny : .icmpMalformed }
            icmpType = frame.byte(transport)
            if ICMPType.isQuery(icmpType) || ICMPType.isReply(icmpType) {
                sourcePort = frame.be16(transport &+ 4)
                destinationPort = sourcePort
            }
            transportHeaderLength = 8
        case IPProtocol.udpLite, IPProtocol.dccp, IPProtocol.sctp:
            transportHeaderLength = try otherHeaderLength(&frame, length)
            sourcePort = frame.be16(transport)
            destinationPort = frame.be16(transport &+ 2)
        default: break
        }
    }

    // What is seldom met is judged out of line, by functions that change nothing: if they had the
    // facts by address, those of every packet would be put into memory piece by piece and moved
    // from there as a whole, which waits until all that was written before is in the cache.

    /// Octets of the transport header of UDP-Lite, DCCP or SCTP.
    @usableFromInline
    func otherHeaderLength(
        _ frame: inout MutableRawSpan, _ length: Int
    ) throws(DropReason) -> UInt8 {
        let header = proto == IPProtocol.udpLite ? 8 : 12
        guard length >= header else { throw isFragment ? .fragmentTiny : .transportMalformed }
        if proto == IPProtocol.udpLite {
            // 0 covers all, anything else at least the header (RFC 3828 §3.1).
            let coverage = Int(frame.be16(transport &+ 4))
            guard coverage == 0 || coverage >= 8 && (isFragment || coverage <= length) else {
                throw .transportMalformed
            }
        }
        if proto == IPProtocol.dccp {
            let data = Int(frame.byte(transport &+ 4)) &* 4
            guard data >= 12, isFragment || data <= length else { throw .transportMalformed }
        }
        return UInt8(truncatingIfNeeded: header)
    }

    /// Fills in the checksum that a packet of another protocol was handed over without: that of a
    /// tunnelled one, of which only its sender knows where it lies.
    @usableFromInline
    func completeInner(
        _ frame: inout MutableRawSpan, _ header: VirtioNetHeader
    ) throws(DropReason) {
        let start = Int(header.checksumStart)
        let field = start + Int(header.checksumOffset)
        guard header.flags & VirtioNetHeader.needsChecksum != 0, header.segmentationType == 0,
            !isFragment, start >= transport, field + 2 <= frameLength
        else { throw .offloadChecksum }
        // The field holds the pseudo-header sum, so the sum over everything is the whole one.
        let sum = ~Checksum.fold(Checksum.sum(frame.bytes.part(start, frameLength - start)))
        frame.setBe16(field, sum == 0 ? 0xffff : sum)
    }

    /// How the device cuts a packet.
    @usableFromInline
    struct Cut {
        @usableFromInline var kind = Segmentation.none
        @usableFromInline var size: UInt16 = 0
        @usableFromInline var hasECN = false
    }

    /// What offload metadata ask for, where they say what the packet itself says.
    @usableFromInline
    func offload(_ header: VirtioNetHeader) throws(DropReason) -> Cut {
        guard header.flags & VirtioNetHeader.needsChecksum != 0 else {
            throw .offloadSegmentation
        }
        let field: UInt16
        switch proto {
        case IPProtocol.tcp: field = 16
        case IPProtocol.udp: field = 6
        default: throw .offloadChecksum
        }
        guard !isFragment, transportHeaderLength != 0, Int(header.checksumStart) == transport,
            header.checksumOffset == field
        else { throw .offloadChecksum }

        var cut = Cut()
        switch header.segmentationType & ~VirtioNetHeader.ecn {
        case 0:
            return cut
        case VirtioNetHeader.tcp4:
            guard proto == IPProtocol.tcp, Int(header.segmentSize) >= Self.smallestSegment else {
                throw .offloadSegmentation
            }
            cut.kind = .tcp
        case VirtioNetHeader.udpSegments:
            guard proto == IPProtocol.udp, header.segmentSize > 0 else {
                throw .offloadSegmentation
            }
            cut.kind = .udp
        default:
            throw .offloadSegmentation
        }
        let payload = frameLength - transport - Int(transportHeaderLength)
        guard payload <= Int(header.segmentSize) * Self.mostSegments else {
            throw .offloadSegmentation
        }
        guard payload > Int(header.segmentSize) else { return Cut() }
        cut.size = header.segmentSize
        cut.hasECN = header.segmentationType & VirtioNetHeader.ecn != 0
        return cut
    }

    /// The offload metadata for writing the packet, made from its facts alone.
    @inlinable @inline(always)
    public var virtioNetHeader: VirtioNetHeader {
        var header = VirtioNetHeader()
        guard hasPartialChecksum else { return header }
        header.flags = VirtioNetHeader.needsChecksum
        header.checksumStart = UInt16(truncatingIfNeeded: transport)
        header.checksumOffset = proto == IPProtocol.tcp ? 16 : 6
        guard segmentation != .none else { return header }
        header.segmentationType =
            (segmentation == .tcp ? VirtioNetHeader.tcp4 : VirtioNetHeader.udpSegments)
            | (hasECNSegments ? VirtioNetHeader.ecn : 0)
        header.segmentSize = segmentSize
        header.headerLength = UInt16(
            truncatingIfNeeded: transport &+ Int(transportHeaderLength))
        return header
    }

    /// Whether the transport checksum of a whole packet holds; true if none can be checked. O(n).
    public func transportChecksumIsValid(_ frame: inout MutableRawSpan) -> Bool {
        if hasPartialChecksum || isFragment || transportHeaderLength == 0 { return true }
        var length = frameLength - transport
        switch proto {
        case IPProtocol.tcp, IPProtocol.icmp: break
        case IPProtocol.udp:
            if frame.be16(transport + 6) == 0 { return true }
            length = Int(frame.be16(transport + 4))
        default: return partialCoverageIsValid(&frame, length)
        }
        var sum = Checksum.sum(frame.bytes.part(transport, length))
        if proto != IPProtocol.icmp {
            sum &+= Checksum.pseudoHeader(
                source: source, destination: destination, proto: proto, length: length)
        }
        return Checksum.fold(sum) == 0xffff
    }

    /// UDP-Lite and DCCP say how much of a packet their checksum covers (RFC 3828, RFC 4340 §9);
    /// that of SCTP covers no address and is its receiver's business.
    private func partialCoverageIsValid(_ frame: inout MutableRawSpan, _ length: Int) -> Bool {
        var covered = length
        switch proto {
        case IPProtocol.udpLite:
            guard frame.be16(transport + 6) != 0 else { return false }
            let coverage = Int(frame.be16(transport + 4))
            if coverage != 0 { covered = coverage }
        case IPProtocol.dccp:
            let coverage = Int(frame.byte(transport + 5) & 15)
            let data = Int(frame.byte(transport + 4)) * 4
            if coverage != 0 { covered = min(data + (coverage - 1) * 4, length) }
        default: return true
        }
        let sum =
            Checksum.sum(frame.bytes.part(transport, covered))
            &+ Checksum.pseudoHeader(
                source: source, destination: destination, proto: proto, length: length)
        return Checksum.fold(sum) == 0xffff
    }
}
