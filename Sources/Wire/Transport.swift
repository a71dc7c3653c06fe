/// A UDP datagram or its first fragment: 8 octets of header are there (RFC 768).
@frozen
public struct UDPView: ~Copyable, ~Escapable {
    @usableFromInline var bytes: MutableRawSpan

    /// Checks the header; `isWhole` says that the bytes end with the datagram, not with a fragment.
    @inlinable @_lifetime(copy bytes)
    public init(_ bytes: consuming MutableRawSpan, isWhole: Bool = true) throws(Malformed) {
        guard bytes.byteCount >= 8 else { throw .truncated }
        let length = Int(bytes.be16(4))
        guard length >= 8 else { throw .length }
        guard !isWhole || length <= bytes.byteCount else { throw .truncated }
        self.bytes = bytes
    }

    /// Source port.
    public var sourcePort: UInt16 {
        @inlinable get { bytes.be16(0) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(0, newValue) }
    }

    /// Destination port.
    public var destinationPort: UInt16 {
        @inlinable get { bytes.be16(2) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(2, newValue) }
    }

    /// Octets of header and payload as the header says.
    @inlinable public var length: Int { Int(bytes.be16(4)) }

    /// The checksum field; 0 means none was computed.
    public var checksum: UInt16 {
        @inlinable get { bytes.be16(6) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(6, newValue) }
    }
}

/// Control bits of a TCP header (RFC 9293 §3.1).
@frozen
public struct TCPFlags: OptionSet, Sendable {
    /// The octet with all eight control bits.
    public let rawValue: UInt8
    /// The bits of an octet.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No more data from the sender.
    @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 1) }
    /// Synchronize sequence numbers.
    @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 2) }
    /// Reset the connection.
    @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 4) }
    /// Push.
    @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 8) }
    /// The acknowledgement field counts.
    @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 16) }
}

/// A TCP segment or its first fragment: the whole header with options is there (RFC 9293 §3.1).
@frozen
public struct TCPView: ~Copyable, ~Escapable {
    @usableFromInline var bytes: MutableRawSpan
    /// Octets of header with options, 20 to 60.
    public let headerLength: Int

    /// Checks the data offset against the bytes at hand.
    @inlinable @_lifetime(copy bytes)
    public init(_ bytes: consuming MutableRawSpan) throws(Malformed) {
        guard bytes.byteCount >= 20 else { throw .truncated }
        let header = Int(bytes.byte(12) >> 4) &* 4
        guard header >= 20 else { throw .length }
        guard header <= bytes.byteCount else { throw .truncated }
        headerLength = header
        self.bytes = bytes
    }

    /// Source port.
    @inlinable public var sourcePort: UInt16 { bytes.be16(0) }
    /// Destination port.
    @inlinable public var destinationPort: UInt16 { bytes.be16(2) }
    /// Sequence number.
    @inlinable public var sequence: UInt32 { bytes.be32(4) }
    /// Acknowledgement number.
    @inlinable public var acknowledgement: UInt32 { bytes.be32(8) }
    /// Control bits FIN to ACK and URG, CWR, ECE.
    @inlinable public var flags: TCPFlags { TCPFlags(rawValue: bytes.byte(13)) }
    /// Window as sent, not scaled.
    @inlinable public var window: UInt16 { bytes.be16(14) }

    /// The checksum field.
    public var checksum: UInt16 {
        @inlinable get { bytes.be16(16) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(16, newValue) }
    }

    /// Offset and length of the value of the first option of `kind`; nil if absent or malformed.
    @inlinable
    public func option(_ kind: UInt8) -> (offset: Int, length: Int)? {
        var offset = 20
        while offset < headerLength {
            let found = bytes.byte(offset)
            if found == 0 { return nil }
            if found == 1 {
                offset &+= 1
                continue
            }
            guard offset &+ 1 < headerLength else { return nil }
            let length = Int(bytes.byte(offset &+ 1))
            guard length >= 2, offset &+ length <= headerLength else { return nil }
            if found == kind { return (offset &+ 2, length &- 2) }
            offset &+= length
        }
        return nil
    }

    /// The maximum segment size option (kind 2), if the header carries one.
    @inlinable public var maximumSegmentSize: UInt16? {
        guard let found = option(2), found.length == 2 else { return nil }
        return bytes.be16(found.offset)
    }

    /// The window scale option (kind 3), if the header carries one (RFC 7323 §2.2).
    @inlinable public var windowScale: UInt8? {
        guard let found = option(3), found.length == 1 else { return nil }
        return bytes.byte(found.offset)
    }

    /// Lowers the maximum segment size option to `limit`, corrects the checksum; true if changed.
    ///
    /// A partial checksum does not cover the header yet and stays as it is.
    @_lifetime(self: copy self)
    public mutating func clampSegmentSize(to limit: UInt16, partialChecksum: Bool) -> Bool {
        guard let found = option(2), found.length == 2 else { return false }
        let old = bytes.be16(found.offset)
        guard old > limit else { return false }
        bytes.setBe16(found.offset, limit)
        if !partialChecksum {
            // At an odd offset the two octets lie in different words: swapped, the sum is the same.
            let odd = found.offset & 1 != 0
            let delta = Checksum.fold(
                Checksum.delta(
                    old: UInt32(odd ? old.byteSwapped : old),
                    new: UInt32(odd ? limit.byteSwapped : limit)))
            checksum = Checksum.update(checksum, by: delta)
        }
        return true
    }
}

/// ICMP message types and codes (RFC 792, RFC 1191, RFC 1812).
public enum ICMPType {
    /// Echo reply.
    public static let echoReply: UInt8 = 0
    /// Destination unreachable.
    public static let destinationUnreachable: UInt8 = 3
    /// Source quench, deprecated (RFC 6633).
    public static let sourceQuench: UInt8 = 4
    /// Redirect.
    public static let redirect: UInt8 = 5
    /// Echo request.
    public static let echoRequest: UInt8 = 8
    /// Time exceeded.
    public static let timeExceeded: UInt8 = 11
    /// Parameter problem.
    public static let parameterProblem: UInt8 = 12
    /// Timestamp request.
    public static let timestampRequest: UInt8 = 13
    /// Timestamp reply.
    public static let timestampReply: UInt8 = 14

    /// Whether a message of this type is an error that quotes a packet.
    @inlinable
    public static func isError(_ type: UInt8) -> Bool {
        type == destinationUnreachable || type == sourceQuench || type == redirect
            || type == timeExceeded || type == parameterProblem
    }

    /// Whether this is a query a NAT translates: echo or timestamp (RFC 5508 §3.1).
    @inlinable
    public static func isQuery(_ type: UInt8) -> Bool {
        type == echoRequest || type == timestampRequest
    }

    /// Whether this answers a query a NAT translates.
    @inlinable
    public static func isReply(_ type: UInt8) -> Bool {
        type == echoReply || type == timestampReply
    }
}

/// Codes of Destination Unreachable (RFC 792, RFC 1812 §5.2.7.1).
public enum UnreachableCode {
    /// Network unreachable.
    public static let network: UInt8 = 0
    /// Host unreachable.
    public static let host: UInt8 = 1
    /// Port unreachable.
    public static let port: UInt8 = 3
    /// Fragmentation needed and don't fragment set.
    public static let fragmentationNeeded: UInt8 = 4
    /// Communication administratively prohibited.
    public static let administrative: UInt8 = 13
}

/// An ICMP message of at least its 8 octets of header (RFC 792).
@frozen
public struct ICMPView: ~Copyable, ~Escapable {
    @usableFromInline var bytes: MutableRawSpan

    /// Checks that the header is there.
    @inlinable @_lifetime(copy bytes)
    public init(_ bytes: consuming MutableRawSpan) throws(Malformed) {
        guard bytes.byteCount >= 8 else { throw .truncated }
        self.bytes = bytes
    }

    /// Message type.
    public var type: UInt8 {
        @inlinable get { bytes.byte(0) }
        @inlinable @_lifetime(self: copy self) set { bytes.setByte(0, newValue) }
    }

    /// Code within the type.
    @inlinable public var code: UInt8 { bytes.byte(1) }

    /// The checksum field.
    public var checksum: UInt16 {
        @inlinable get { bytes.be16(2) }
        @inlinable @_lifetime(self: copy self) set { bytes.setBe16(2, newValue) }
    }

    /// Identifier of a query or reply.
    @inlinable public var identifier: UInt16 { bytes.be16(4) }

    /// Whether the message sums to all ones; O(n). The bytes must end where the packet does.
    @inlinable public var checksumIsValid: Bool {
        Checksum.fold(Checksum.sum(bytes.bytes)) == 0xffff
    }
}
