/// Frames of one flow that leave one after the other, joined into one super-packet that the kernel
/// takes apart again: one write for up to 64 UDP datagrams (USO) or TCP segments (TSO).
///
/// Every packet keeps its content, its order and its boundaries. Joined are only packets without
/// IPv4 options, with DF (their identification means nothing, RFC 6864 §4.1), with a checksum, and
/// with one that is right: the kernel computes it anew, which must repair nothing. TCP segments
/// must follow each other in the stream and differ in nothing but their sequence number, and in
/// PSH, which ends a run.
@frozen
public struct FrameRun: Sendable {
    /// The protocols whose packets are joined.
    public struct Protocols: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt8

        /// Of these bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Datagrams, for a device of Linux 6.2 or later.
        public static let udp = Protocols(rawValue: 1)
        /// Segments, for any device that takes super-packets.
        public static let tcp = Protocols(rawValue: 2)
    }

    /// Most packets in one super-packet (UDP_MAX_SEGMENTS of older kernels).
    public static let most = 64

    /// Where the parts of a frame with a virtio-net header are.
    private static var ip: Int { VirtioNetHeader.length + Packet.ip }
    private static var transport: Int { ip + 20 }

    /// Packets joined so far.
    public private(set) var count = 1
    /// Octets of the whole super-packet, virtio-net header included.
    public private(set) var length: Int
    /// Where the payload begins.
    private let payload: Int
    /// Payload octets of each packet but the last.
    private let size: Int
    private let isTCP: Bool
    private var isOpen = true

    /// A run that begins with `frame`, virtio-net header first; nil if it may not be joined.
    @inline(__always)
    public init?(_ frame: RawSpan, _ protocols: Protocols) {
        guard let start = Self.payloadStart(frame, protocols) else { return nil }
        payload = start
        size = frame.byteCount - start
        length = frame.byteCount
        isTCP = frame.byte(Self.ip + 9) == IPProtocol.tcp
        if isTCP, Self.flags(frame) != .ack { return nil }
    }

    /// Where the payload of a frame begins that may be joined, as far as its headers tell.
    @inline(__always)
    private static func payloadStart(_ frame: RawSpan, _ protocols: Protocols) -> Int? {
        guard frame.byteCount > transport + 8, frame.be16(VirtioNetHeader.length + 12) == 0x0800,
            frame.byte(ip) == 0x45, frame.be16(ip + 6) == FragmentField.dontFragment,
            frame.byte(1) == 0, Int(frame.be16(ip + 2)) == frame.byteCount - ip
        else { return nil }
        switch frame.byte(ip + 9) {
        case IPProtocol.udp:
            guard protocols.contains(.udp), frame.be16(transport + 6) != 0,
                Int(frame.be16(transport + 4)) == frame.byteCount - transport
            else { return nil }
            return transport + 8
        case IPProtocol.tcp:
            guard protocols.contains(.tcp), frame.byteCount > transport + 20,
                flags(frame).subtracting(.psh) == .ack
            else { return nil }
            let start = transport + Int(frame.byte(transport + 12) >> 4) * 4
            return start >= transport + 20 && frame.byteCount > start ? start : nil
        default:
            return nil
        }
    }

    private static func flags(_ frame: RawSpan) -> TCPFlags {
        TCPFlags(rawValue: frame.byte(transport + 13))
    }

    /// Appends `next` to the run that lies in `first`; false, and nothing is changed, if it is of
    /// another flow, longer than the others, or may not be joined.
    public mutating func take(_ next: RawSpan, into first: inout MutableRawSpan) -> Bool {
        guard isOpen, count < Self.most,
            Self.payloadStart(next, isTCP ? .tcp : .udp) == payload
        else { return false }
        let added = next.byteCount - payload
        guard added <= size, length + added <= Self.ip + 65_535,
            length + added <= first.byteCount, isOneFlow(next, first.bytes),
            !isTCP || follows(next, first.bytes), isIntact(next),
            count > 1 || isIntact(first.bytes.part(0, length))
        else { return false }
        first.copy(next.part(payload, added), to: length)
        length += added
        count += 1
        // Only the last packet of a super-packet may be shorter.
        isOpen = added == size
        if isTCP, Self.flags(next).contains(.psh) {
            // The kernel gives it to the last segment alone.
            first.setByte(Self.transport + 13, next.byte(Self.transport + 13))
            isOpen = false
        }
        return true
    }

    /// Whether everything but lengths, identification and checksums is alike in the headers up to
    /// the ports.
    private func isOneFlow(_ a: RawSpan, _ b: RawSpan) -> Bool {
        let (ip, ethernet) = (Self.ip, VirtioNetHeader.length)
        return a.be32(Self.transport) == b.be32(Self.transport)  // Ports.
            && a.be32(ip + 12) == b.be32(ip + 12) && a.be32(ip + 16) == b.be32(ip + 16)
            && a.be16(ip) == b.be16(ip) && a.be16(ip + 8) == b.be16(ip + 8)
            && a.be32(ethernet) == b.be32(ethernet) && a.be32(ethernet + 4) == b.be32(ethernet + 4)
            && a.be32(ethernet + 8) == b.be32(ethernet + 8)
    }

    /// Whether a TCP segment is the next one of the stream, and alike but for number, control bits
    /// and checksum.
    private func follows(_ next: RawSpan, _ first: RawSpan) -> Bool {
        let (tcp, joined) = (Self.transport, UInt32(truncatingIfNeeded: length - payload))
        return next.be32(tcp + 4) == first.be32(tcp + 4) &+ joined
            && next.be32(tcp + 8) == first.be32(tcp + 8)
            && next.byte(tcp + 12) == first.byte(tcp + 12)
            && next.be16(tcp + 14) == first.be16(tcp + 14)
            && next.be16(tcp + 18) == first.be16(tcp + 18)
            && stride(from: tcp + 20, to: payload, by: 4)
                .allSatisfy { next.be32($0) == first.be32($0) }
    }

    /// Whether the transport checksum is left to the kernel, or right.
    private func isIntact(_ frame: RawSpan) -> Bool {
        if frame.byte(0) & VirtioNetHeader.needsChecksum != 0 { return true }
        let part = frame.part(Self.transport, frame.byteCount - Self.transport)
        return Checksum.fold(Checksum.sum(part) &+ pseudoHeader(frame, part.byteCount)) == 0xffff
    }

    private func pseudoHeader(_ frame: RawSpan, _ length: Int) -> UInt64 {
        Checksum.pseudoHeader(
            source: frame.be32(Self.ip + 12), destination: frame.be32(Self.ip + 16),
            proto: isTCP ? IPProtocol.tcp : IPProtocol.udp, length: length)
    }

    /// Writes the headers of the super-packet, if there is more than one packet in it.
    public func finish(_ first: inout MutableRawSpan) {
        guard count > 1 else { return }
        var header = VirtioNetHeader()
        header.flags = VirtioNetHeader.needsChecksum
        header.segmentationType =
            isTCP ? VirtioNetHeader.tcp4 : VirtioNetHeader.udpSegments
        header.headerLength = UInt16(truncatingIfNeeded: payload - VirtioNetHeader.length)
        header.segmentSize = UInt16(truncatingIfNeeded: size)
        header.checksumStart = UInt16(Self.transport - VirtioNetHeader.length)
        header.checksumOffset = isTCP ? 16 : 6
        header.write(to: &first)
        let total = UInt16(truncatingIfNeeded: length - Self.ip)
        let change = Checksum.delta(old: UInt32(first.be16(Self.ip + 2)), new: UInt32(total))
        first.setBe16(
            Self.ip + 10,
            Checksum.update(first.be16(Self.ip + 10), by: Checksum.fold(change)))
        first.setBe16(Self.ip + 2, total)
        let carried = length - Self.transport
        if !isTCP { first.setBe16(Self.transport + 4, UInt16(truncatingIfNeeded: carried)) }
        first.setBe16(
            Self.transport + Int(header.checksumOffset),
            Checksum.fold(pseudoHeader(first.bytes, carried)))
    }
}
