/// UDP datagrams of one flow that leave one after the other, joined into one super-packet that
/// the kernel takes apart again (USO): one write for up to 64 of them.
///
/// Every datagram keeps its content, its order and its boundaries. Joined are only datagrams
/// without IPv4 options, with DF (their identification means nothing, RFC 6864 §4.1), with a
/// checksum, and with one that is right: the kernel computes it anew, which must repair nothing.
@frozen
public struct DatagramRun: Sendable {
    /// Most datagrams in one super-packet (UDP_MAX_SEGMENTS of older kernels).
    public static let most = 64

    /// Where the parts of a frame with a virtio-net header are.
    private static var ip: Int { VirtioNetHeader.length + Packet.ip }
    private static var udp: Int { ip + 20 }
    private static var payload: Int { udp + 8 }

    /// Datagrams joined so far.
    public private(set) var count = 1
    /// Octets of the whole super-packet, virtio-net header included.
    public private(set) var length: Int
    /// Payload octets of each datagram but the last.
    private let size: Int
    private var isOpen = true

    /// A run that begins with `frame`, virtio-net header first; nil if it may not be joined.
    @inline(__always)
    public init?(_ frame: RawSpan) {
        guard let size = Self.payloadSize(frame) else { return nil }
        self.size = size
        length = frame.byteCount
    }

    /// Payload octets of a frame that may be joined, as far as its headers tell.
    @inline(__always)
    private static func payloadSize(_ frame: RawSpan) -> Int? {
        guard frame.byteCount > payload, frame.be16(VirtioNetHeader.length + 12) == 0x0800,
            frame.byte(ip) == 0x45, frame.byte(ip + 9) == IPProtocol.udp,
            frame.be16(ip + 6) == FragmentField.dontFragment, frame.be16(udp + 6) != 0,
            frame.byte(1) == 0, Int(frame.be16(ip + 2)) == frame.byteCount - ip,
            Int(frame.be16(udp + 4)) == frame.byteCount - udp
        else { return nil }
        return frame.byteCount - payload
    }

    /// Appends `next` to the run that lies in `first`; false, and nothing is changed, if it is of
    /// another flow, longer than the others, or may not be joined.
    public mutating func take(_ next: RawSpan, into first: inout MutableRawSpan) -> Bool {
        guard isOpen, count < Self.most, let added = Self.payloadSize(next), added <= size,
            length + added <= Self.ip + 65_535, length + added <= first.byteCount,
            Self.isOneFlow(next, first.bytes), Self.isIntact(next),
            count > 1 || Self.isIntact(first.bytes.part(0, length))
        else { return false }
        first.copy(next.part(Self.payload, added), to: length)
        length += added
        count += 1
        // Only the last datagram of a super-packet may be shorter.
        isOpen = added == size
        return true
    }

    /// Whether everything but lengths, identification and checksums is alike in the headers.
    private static func isOneFlow(_ a: RawSpan, _ b: RawSpan) -> Bool {
        a.be32(udp) == b.be32(udp)  // Ports.
            && a.be32(ip + 12) == b.be32(ip + 12) && a.be32(ip + 16) == b.be32(ip + 16)
            && a.be16(ip) == b.be16(ip) && a.byte(ip + 8) == b.byte(ip + 8)
            && a.be32(VirtioNetHeader.length) == b.be32(VirtioNetHeader.length)
            && a.be32(VirtioNetHeader.length + 4) == b.be32(VirtioNetHeader.length + 4)
            && a.be32(VirtioNetHeader.length + 8) == b.be32(VirtioNetHeader.length + 8)
    }

    /// Whether the UDP checksum is left to the kernel, or right.
    private static func isIntact(_ frame: RawSpan) -> Bool {
        if frame.byte(0) & VirtioNetHeader.needsChecksum != 0 { return true }
        let part = frame.part(udp, frame.byteCount - udp)
        let sum = Checksum.sum(part) &+ pseudoHeader(frame, part.byteCount)
        return Checksum.fold(sum) == 0xffff
    }

    private static func pseudoHeader(_ frame: RawSpan, _ length: Int) -> UInt64 {
        Checksum.pseudoHeader(
            source: frame.be32(ip + 12), destination: frame.be32(ip + 16),
            proto: IPProtocol.udp, length: length)
    }

    /// Writes the headers of the super-packet, if there is more than one datagram in it.
    public func finish(_ first: inout MutableRawSpan) {
        guard count > 1 else { return }
        var header = VirtioNetHeader()
        header.flags = VirtioNetHeader.needsChecksum
        header.segmentationType = VirtioNetHeader.udpSegments
        header.headerLength = UInt16(Self.payload - VirtioNetHeader.length)
        header.segmentSize = UInt16(truncatingIfNeeded: size)
        header.checksumStart = UInt16(Self.udp - VirtioNetHeader.length)
        header.checksumOffset = 6
        header.write(to: &first)
        let total = UInt16(truncatingIfNeeded: length - Self.ip)
        let change = Checksum.delta(
            old: UInt32(first.be16(Self.ip + 2)), new: UInt32(total))
        first.setBe16(
            Self.ip + 10,
            Checksum.update(first.be16(Self.ip + 10), by: Checksum.fold(change)))
        first.setBe16(Self.ip + 2, total)
        let datagram = length - Self.udp
        first.setBe16(Self.udp + 4, UInt16(truncatingIfNeeded: datagram))
        first.setBe16(
            Self.udp + 6, Checksum.fold(Self.pseudoHeader(first.bytes, datagram)))
    }
}
