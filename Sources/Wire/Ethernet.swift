/// EtherType values (IEEE 802 numbers).
public enum EtherType {
    /// IPv4.
    public static let ipv4: UInt16 = 0x0800
    /// ARP.
    public static let arp: UInt16 = 0x0806
    /// A VLAN tag.
    public static let vlan: UInt16 = 0x8100
    /// A VLAN service tag.
    public static let serviceTag: UInt16 = 0x88a8
    /// IPv6.
    public static let ipv6: UInt16 = 0x86dd
}

/// An Ethernet II frame of at least its 14 octets of header.
@frozen
public struct EthernetView: ~Copyable, ~Escapable {
    /// Octets of header.
    @inlinable public static var headerLength: Int { 14 }
    @usableFromInline var bytes: MutableRawSpan

    /// Checks that the header is there.
    @inlinable @_lifetime(copy bytes)
    public init(_ bytes: consuming MutableRawSpan) throws(Malformed) {
        guard bytes.byteCount >= Self.headerLength else { throw .truncated }
        self.bytes = bytes
    }

    /// The station the frame is for.
    public var destination: MACAddress {
        @inlinable get { MACAddress(bytes.be48(0)) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe48(0, newValue.rawValue) }
    }

    /// The station that sent the frame.
    public var source: MACAddress {
        @inlinable get { MACAddress(bytes.be48(6)) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe48(6, newValue.rawValue) }
    }

    /// What the payload is.
    public var etherType: UInt16 {
        @inlinable get { bytes.be16(12) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(12, newValue) }
    }
}

/// An ARP packet for Ethernet and IPv4 (RFC 826).
public struct ARPPacket: Hashable, Sendable {
    /// Request or reply; other opcodes are refused when parsing.
    public enum Operation: UInt16, Sendable {
        /// Who has `targetAddress`?
        case request = 1
        /// `senderAddress` is at `senderHardware`.
        case reply = 2
    }

    /// Request or reply.
    public var operation: Operation
    /// Hardware address of the sender.
    public var senderHardware: MACAddress
    /// Protocol address of the sender; 0.0.0.0 in a probe (RFC 5227).
    public var senderAddress: IPv4Address
    /// Hardware address of the target; meaningless in a request.
    public var targetHardware: MACAddress
    /// Protocol address asked for or answered to.
    public var targetAddress: IPv4Address

    /// Octets of the packet without the Ethernet header.
    public static let length = 28

    /// A packet of these fields.
    public init(
        _ operation: Operation, senderHardware: MACAddress, senderAddress: IPv4Address,
        targetHardware: MACAddress, targetAddress: IPv4Address
    ) {
        self.operation = operation
        self.senderHardware = senderHardware
        self.senderAddress = senderAddress
        self.targetHardware = targetHardware
        self.targetAddress = targetAddress
    }

    /// Reads a packet; its types must be Ethernet and IPv4, its sizes 6 and 4, its opcode 1 or 2.
    @_lifetime(reader: copy reader)
    public init(from reader: inout ByteReader) throws(Malformed) {
        guard try reader.read(UInt16.self) == 1, try reader.read(UInt16.self) == EtherType.ipv4
        else { throw .version }
        guard try reader.read(UInt8.self) == 6, try reader.read(UInt8.self) == 4 else {
            throw .length
        }
        guard let operation = Operation(rawValue: try reader.read()) else { throw .value }
        self.operation = operation
        senderHardware = try Self.hardware(&reader)
        senderAddress = IPv4Address(try reader.read(UInt32.self))
        targetHardware = try Self.hardware(&reader)
        targetAddress = IPv4Address(try reader.read(UInt32.self))
    }

    @_lifetime(reader: copy reader)
    private static func hardware(_ reader: inout ByteReader) throws(Malformed) -> MACAddress {
        let high = try reader.read(UInt16.self)
        return MACAddress(UInt64(high) << 32 | UInt64(try reader.read(UInt32.self)))
    }

    /// Writes the 28 octets.
    @_lifetime(writer: copy writer)
    public func encode(to writer: inout ByteWriter) {
        writer.write(UInt16(1))
        writer.write(EtherType.ipv4)
        writer.write(UInt8(6))
        writer.write(UInt8(4))
        writer.write(operation.rawValue)
        Self.encode(senderHardware, to: &writer)
        writer.write(senderAddress.rawValue)
        Self.encode(targetHardware, to: &writer)
        writer.write(targetAddress.rawValue)
    }

    @_lifetime(writer: copy writer)
    private static func encode(_ address: MACAddress, to writer: inout ByteWriter) {
        writer.write(UInt16(truncatingIfNeeded: address.rawValue >> 32))
        writer.write(UInt32(truncatingIfNeeded: address.rawValue))
    }
}
