public import Wire

/// Numbers of the protocol (RFC 2453 §3.6 and §4).
public enum RIPProtocol {
    /// The port of every speaker.
    public static let port: UInt16 = 520
    /// All RIPv2 routers of a link, 224.0.0.9.
    public static let group = IPv4Address(224, 0, 0, 9)
    /// The metric that means unreachable.
    public static let infinity: UInt8 = 16
    /// Octets before the first entry.
    static let headerLength = 4
    /// Octets of an entry.
    static let entryLength = 20
    /// Most entries of a packet, one for authentication included.
    static let mostEntries = 25
    /// The address family of an entry that holds authentication (RFC 2453 §4.1).
    static let authenticationFamily: UInt16 = 0xffff
    /// The address family of IPv4.
    static let internetFamily: UInt16 = 2
}

/// What a packet wants.
public enum RIPCommand: UInt8, Sendable {
    /// Asks for routes.
    case request = 1
    /// Tells routes.
    case response = 2
}

/// One entry as it stands in a packet of version 2 (RFC 2453 §4).
public struct RIPEntry: Hashable, Sendable {
    /// 2 for IPv4, 0 in a request for everything.
    public var family: UInt16 = RIPProtocol.internetFamily
    /// Carried along, never looked at.
    public var tag: UInt16 = 0
    /// The destination.
    public var address = IPv4Address.unspecified
    /// Its netmask as sent; may be anything.
    public var mask: UInt32 = 0
    /// The router to hand packets to; 0.0.0.0 for the sender.
    public var nextHop = IPv4Address.unspecified
    /// As sent; 1 to 16 in a good entry.
    public var metric: UInt32 = 0

    /// A route of these fields.
    public init(
        _ prefix: IPv4Prefix, metric: UInt8, tag: UInt16 = 0, nextHop: IPv4Address = .unspecified
    ) {
        self.tag = tag
        address = prefix.address
        mask = prefix.mask
        self.nextHop = nextHop
        self.metric = UInt32(metric)
    }

    /// The one entry of a request for the whole table (RFC 2453 §3.9.1).
    public static var everything: RIPEntry {
        var entry = RIPEntry(IPv4Prefix(.unspecified, length: 0), metric: RIPProtocol.infinity)
        entry.family = 0
        return entry
    }

    /// The entry at `offset` of a packet; traps if it does not lie there whole.
    init(_ packet: RawSpan, at offset: Int) {
        family = packet.be16(offset)
        tag = packet.be16(offset + 2)
        address = IPv4Address(packet.be32(offset + 4))
        mask = packet.be32(offset + 8)
        nextHop = IPv4Address(packet.be32(offset + 12))
        metric = packet.be32(offset + 16)
    }

    /// Whether the fields version 1 has no use for are zero (RFC 2453 §3.6).
    var isVersion1: Bool { tag == 0 && mask == 0 && nextHop == .unspecified }

    /// The length of the mask; nil if its ones are not all in front or the address has more bits.
    var prefix: IPv4Prefix? {
        let length = (~mask).leadingZeroBitCount
        guard IPv4Prefix.mask(length) == mask else { return nil }
        let prefix = IPv4Prefix(address, length: length)
        return prefix.address == address ? prefix : nil
    }

    func write(to bytes: inout [UInt8]) {
        bytes.append16(family)
        bytes.append16(tag)
        bytes.append32(address.rawValue)
        bytes.append32(mask)
        bytes.append32(nextHop.rawValue)
        bytes.append32(metric)
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
}

/// Writes packets of version 2, authenticated if wanted.
struct PacketBuilder {
    /// The packet so far, its header and authentication entry included.
    private(set) var bytes: [UInt8]
    private let signature: Signature
    private let most: Int
    private(set) var count = 0

    init(_ command: RIPCommand, _ signature: Signature) {
        self.signature = signature
        most = signature.mostRoutes
        bytes = []
        bytes.reserveCapacity(RIPProtocol.headerLength + 25 * RIPProtocol.entryLength + 68)
        bytes += [command.rawValue, 2, 0, 0]
        signature.begin(&bytes)
    }

    var isFull: Bool { count == most }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ entry: RIPEntry) {
        entry.write(to: &bytes)
        count += 1
    }

    /// The whole packet.
    consuming func finish() -> [UInt8] {
        var packet = bytes
        signature.finish(&packet)
        return packet
    }
}
