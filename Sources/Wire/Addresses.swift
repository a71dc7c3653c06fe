/// An IPv4 address in host byte order.
@frozen
public struct IPv4Address: Hashable, Comparable, Sendable, CustomStringConvertible,
    LosslessStringConvertible
{
    /// The address as a number, most significant octet first.
    public var rawValue: UInt32

    /// The address with this number.
    @inlinable
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// The address with these octets.
    @inlinable
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// Dotted decimal with exactly four parts and no leading zeros; nil for anything else.
    public init?(_ text: some StringProtocol) {
        var value: UInt32 = 0
        var parts = 0
        var digits = 0
        var part: UInt32 = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, parts < 3 else { return nil }
                value = value << 8 | part
                parts += 1
                digits = 0
                part = 0
            } else {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                if digits > 0, part == 0 { return nil }
                part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
                digits += 1
                guard part <= 255 else { return nil }
            }
        }
        guard parts == 3, digits > 0 else { return nil }
        rawValue = value << 8 | part
    }

    /// The usual text form.
    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 255).\(rawValue >> 8 & 255).\(rawValue & 255)"
    }

    /// Orders by value.
    @inlinable
    public static func < (a: IPv4Address, b: IPv4Address) -> Bool { a.rawValue < b.rawValue }

    /// 0.0.0.0
    @inlinable public static var unspecified: IPv4Address { IPv4Address(0) }
    /// 255.255.255.255
    @inlinable public static var limitedBroadcast: IPv4Address { IPv4Address(0xffff_ffff) }

    /// Class D, 224.0.0.0/4.
    @inlinable public var isMulticast: Bool { rawValue >> 28 == 0xe }
}

/// An IPv4 prefix; its address has no bits set beyond the length.
@frozen
public struct IPv4Prefix: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The network address.
    public let address: IPv4Address
    /// 0 to 32.
    public let length: UInt8

    /// The prefix of `length` bits (0 to 32, more counts as 32) that holds `address`.
    @inlinable
    public init(_ address: IPv4Address, length: Int) {
        let bits = UInt8(min(max(length, 0), 32))
        self.length = bits
        self.address = IPv4Address(address.rawValue & Self.mask(Int(bits)))
    }

    /// `a.b.c.d/n` without bits beyond the length; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/"),
            let address = IPv4Address(text[..<slash]),
            let length = Self.parseLength(text[text.index(after: slash)...])
        else { return nil }
        self.init(address, length: length)
        guard self.address == address else { return nil }
    }

    /// A prefix length written as one or two digits without leading zero, 0 to 32; nil otherwise.
    public static func parseLength(_ text: some StringProtocol) -> Int? {
        let digits = text.utf8
        guard (1...2).contains(digits.count), digits.allSatisfy({ $0 >= 48 && $0 <= 57 }),
            digits.count == 1 || digits.first != 48, let value = Int(text), value <= 32
        else { return nil }
        return value
    }

    /// The netmask of a prefix length of 0 to 32.
    @inlinable
    public static func mask(_ length: Int) -> UInt32 {
        length == 0 ? 0 : ~UInt32(0) << UInt32(32 - length)
    }

    /// The netmask.
    @inlinable public var mask: UInt32 { Self.mask(Int(length)) }

    /// Whether the prefix holds `other`.
    @inlinable
    public func contains(_ other: IPv4Address) -> Bool {
        other.rawValue & mask == address.rawValue
    }

    /// Whether the two prefixes share an address.
    public func overlaps(_ other: IPv4Prefix) -> Bool {
        length <= other.length ? contains(other.address) : other.contains(address)
    }

    /// The directed broadcast address; nil for /31 and /32, which have none (RFC 3021).
    @inlinable
    public var broadcast: IPv4Address? {
        length >= 31 ? nil : IPv4Address(address.rawValue | ~mask)
    }

    /// The usual text form.
    public var description: String { "\(address)/\(length)" }

    /// Orders by value.
    public static func < (a: IPv4Prefix, b: IPv4Prefix) -> Bool {
        (a.address, a.length) < (b.address, b.length)
    }
}

/// An address of an interface together with the length of its network's prefix.
@frozen
public struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
    /// The interface's own address.
    public let address: IPv4Address
    /// The connected network.
    public let prefix: IPv4Prefix

    /// `address` within its network of `length` bits, 0 to 32.
    public init(_ address: IPv4Address, length: Int) {
        self.address = address
        prefix = IPv4Prefix(address, length: length)
    }

    /// `a.b.c.d/n`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/"),
            let address = IPv4Address(text[..<slash]),
            let length = IPv4Prefix.parseLength(text[text.index(after: slash)...])
        else { return nil }
        self.init(address, length: length)
    }

    /// The usual text form.
    public var description: String { "\(address)/\(prefix.length)" }
}

/// A 48-bit Ethernet address in the low bits of a number, first octet most significant.
@frozen
public struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address as a number; the upper 16 bits are 0.
    public let rawValue: UInt64

    /// The address in the low 48 bits of `rawValue`.
    @inlinable
    public init(_ rawValue: UInt64) { self.rawValue = rawValue & 0xffff_ffff_ffff }

    /// Six pairs of hexadecimal digits separated by colons; nil for anything else.
    public init?(_ text: some StringProtocol) {
        var value: UInt64 = 0
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        for part in parts {
            guard part.utf8.count == 2, part.utf8.allSatisfy({ Self.isHexDigit($0) }),
                let octet = UInt8(part, radix: 16)
            else { return nil }
            value = value << 8 | UInt64(octet)
        }
        rawValue = value
    }

    private static func isHexDigit(_ c: UInt8) -> Bool {
        (48...57).contains(c) || (65...70).contains(c) || (97...102).contains(c)
    }

    /// The usual text form.
    public var description: String {
        (0..<6).map { i in
            let octet = UInt8(truncatingIfNeeded: rawValue >> UInt64(40 - 8 * i))
            return (octet < 16 ? "0" : "") + String(octet, radix: 16)
        }.joined(separator: ":")
    }

    /// ff:ff:ff:ff:ff:ff
    @inlinable public static var broadcast: MACAddress { MACAddress(0xffff_ffff_ffff) }
    /// Group bit set: multicast or broadcast.
    @inlinable public var isGroup: Bool { rawValue & 0x0100_0000_0000 != 0 }
    /// The group address of an IPv4 multicast address (RFC 1112 §6.4).
    @inlinable
    public init(multicast group: IPv4Address) {
        rawValue = 0x0100_5e00_0000 | UInt64(group.rawValue & 0x7f_ffff)
    }
}

/// One of the two sides of the gateway. Tables are indexed by `rawValue`.
@frozen
public enum Side: UInt8, CaseIterable, Sendable, CustomStringConvertible {
    /// The inside, by default.
    case lan = 0
    /// The outside, by default.
    case wan = 1

    /// The other side.
    @inlinable public var other: Side { self == .lan ? .wan : .lan }
    /// `rawValue` as an array index.
    @inlinable public var index: Int { Int(rawValue) }
    /// The usual text form.
    public var description: String { self == .lan ? "lan" : "wan" }
}
