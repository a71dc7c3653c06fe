/// The offload metadata in front of a frame of a TAP with IFF_VNET_HDR, all as the writer claims it
/// (virtio 1.2 §5.1.6). Nothing in it may be believed before `Packet` has compared it to the frame.
@frozen
public struct VirtioNetHeader: Hashable, Sendable {
    /// Octets on the wire, set once by TUNSETVNETHDRSZ.
    @inlinable public static var length: Int { 10 }

    /// Bit 0 NEEDS_CSUM, bit 1 DATA_VALID.
    public var flags: UInt8
    /// 0 none, 1 TCPv4, 3 UDP fragments, 4 TCPv6, 5 UDP segments; bit 7 ECN.
    public var segmentationType: UInt8
    /// Octets of all headers.
    public var headerLength: UInt16
    /// Payload octets of each segment.
    public var segmentSize: UInt16
    /// Where the checksummed part begins, from the start of the frame.
    public var checksumStart: UInt16
    /// Where the checksum field is, from `checksumStart`.
    public var checksumOffset: UInt16

    /// The checksum field holds only the pseudo-header sum; the device completes it.
    @inlinable public static var needsChecksum: UInt8 { 1 }
    /// TCP over IPv4 super-packet.
    @inlinable public static var tcp4: UInt8 { 1 }
    /// UDP datagrams of one flow in one super-packet.
    @inlinable public static var udpSegments: UInt8 { 5 }
    /// ECN is set in the TCP headers.
    @inlinable public static var ecn: UInt8 { 0x80 }

    /// A header that asks for nothing.
    @inlinable
    public init() {
        flags = 0
        segmentationType = 0
        headerLength = 0
        segmentSize = 0
        checksumStart = 0
        checksumOffset = 0
    }

    /// Reads the header; its numbers are in the machine's order (legacy TAP, little endian).
    @inlinable
    public init(_ bytes: RawSpan) throws(Malformed) {
        guard bytes.byteCount >= Self.length else { throw .truncated }
        flags = bytes.byte(0)
        segmentationType = bytes.byte(1)
        headerLength = bytes.be16(2).byteSwapped
        segmentSize = bytes.be16(4).byteSwapped
        checksumStart = bytes.be16(6).byteSwapped
        checksumOffset = bytes.be16(8).byteSwapped
    }

    /// Writes the header to the first octets of `bytes`.
    @inlinable
    public func write(to bytes: inout MutableRawSpan) {
        bytes.setByte(0, flags)
        bytes.setByte(1, segmentationType)
        bytes.setBe16(2, headerLength.byteSwapped)
        bytes.setBe16(4, segmentSize.byteSwapped)
        bytes.setBe16(6, checksumStart.byteSwapped)
        bytes.setBe16(8, checksumOffset.byteSwapped)
    }
}
