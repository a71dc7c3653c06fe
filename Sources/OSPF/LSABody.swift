public import Wire

/// The lengths of bodies (RFC 2328 §A.4.2 to §A.4.5).
enum LSABody {
    static let linkLength = 12
    static let toSLength = 4

    /// Whether the body is as long as the counts in it say, no less and no more.
    static func isWhole(_ bytes: RawSpan, _ type: LSAType) -> Bool {
        let length = bytes.byteCount - OSPFProtocol.lsaHeaderLength
        switch type {
        case .router: return length >= 4 && isRouter(bytes)
        case .network: return length >= 8 && length % 4 == 0
        case .summaryNetwork, .summaryRouter: return length >= 8 && length % 4 == 0
        case .external, .nssa: return length >= 16 && (length - 4) % 12 == 0
        case .opaqueLink, .opaqueArea, .opaqueSystem: return length % 4 == 0
        }
    }

    private static func isRouter(_ bytes: RawSpan) -> Bool {
        var left = bytes.be16(22)
        var offset = 24
        while left > 0 {
            guard bytes.byteCount - offset >= linkLength else { return false }
            offset += linkLength + Int(bytes.byte(offset + 9)) * toSLength
            left -= 1
        }
        return offset == bytes.byteCount
    }
}

/// What a router says about itself (RFC 2328 §A.4.2).
struct RouterFlags: OptionSet, Hashable {
    let rawValue: UInt8
    /// Area border router.
    static let border = RouterFlags(rawValue: 1)
    /// AS boundary router.
    static let boundary = RouterFlags(rawValue: 2)
    /// Endpoint of a virtual link.
    static let virtual = RouterFlags(rawValue: 4)
    /// Tells other areas of a not-so-stubby one whatever others do (RFC 3101 §B).
    static let translator = RouterFlags(rawValue: 16)
}

/// One link of a router-LSA.
struct RouterLink: Hashable {
    enum Kind: UInt8 {
        case pointToPoint = 1
        case transit
        case stub
        case virtual
    }

    /// A router, the address of a Designated Router, or a network.
    var id: UInt32
    /// The router's own address on the link, or the mask of a stub network.
    var data: UInt32
    /// A `Kind`, if it is known.
    var kind: UInt8
    var cost: UInt16

    init(_ kind: Kind, id: UInt32, data: UInt32, cost: UInt16) {
        (self.id, self.data, self.kind, self.cost) = (id, data, kind.rawValue, cost)
    }

    init(_ bytes: [UInt8], at offset: Int) {
        id = bytes.be32(offset)
        data = bytes.be32(offset + 4)
        kind = bytes[offset + 8]
        cost = bytes.be16(offset + 10)
    }

    func write(to bytes: inout [UInt8]) {
        bytes.append32(id)
        bytes.append32(data)
        bytes += [kind, 0]
        bytes.append16(cost)
    }
}

/// The links of a router-LSA, one after the other.
struct RouterLinks: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var offset = 24
    private var left: UInt16

    init(_ lsa: LSA) {
        bytes = lsa.bytes
        left = lsa.bytes.be16(22)
    }

    mutating func next() -> RouterLink? {
        guard left > 0 else { return nil }
        let link = RouterLink(bytes, at: offset)
        offset += LSABody.linkLength + Int(bytes[offset + 9]) * LSABody.toSLength
        left -= 1
        return link
    }
}

// What the bodies say. Each is asked only of LSAs of its type.
extension LSA {
    // MARK: Router (type 1)

    static func routerBody(_ flags: RouterFlags, _ links: [RouterLink]) -> [UInt8] {
        var bytes: [UInt8] = [flags.rawValue, 0]
        bytes.append16(UInt16(truncatingIfNeeded: links.count))
        for link in links { link.write(to: &bytes) }
        return bytes
    }

    var routerFlags: RouterFlags { RouterFlags(rawValue: bytes[20]) }
    var links: RouterLinks { RouterLinks(self) }

    // MARK: Network (type 2), summaries (3, 4), externals (5, 7): all begin with a mask

    static func networkBody(_ prefix: IPv4Prefix, _ routers: [IPv4Address]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append32(prefix.mask)
        for router in routers { bytes.append32(router.rawValue) }
        return bytes
    }

    /// Routers attached to a network.
    var attachedCount: Int { (bytes.count - 24) / 4 }
    func attached(_ index: Int) -> UInt32 { bytes.be32(24 + 4 * index) }

    static func summaryBody(mask: UInt32, cost: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append32(mask)
        bytes.append32(cost & OSPFProtocol.infinity)
        return bytes
    }

    /// The destinations of a network, summary or external; nil if the mask has gaps.
    var prefix: IPv4Prefix? {
        let mask = bytes.be32(20)
        let length = (~mask).leadingZeroBitCount
        guard IPv4Prefix.mask(length) == mask else { return nil }
        return IPv4Prefix(IPv4Address(bytes.be32(4)), length: length)
    }

    /// The metric of a summary or external, 24 bits.
    var cost: UInt32 { bytes.be32(24) & OSPFProtocol.infinity }

    static func externalBody(_ route: OSPFExternal) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append32(route.prefix.mask)
        let kind: UInt32 = route.isType2 ? 1 << 31 : 0
        bytes.append32(route.metric & OSPFProtocol.infinity | kind)
        bytes.append32(route.forwarding.rawValue)
        bytes.append32(route.tag)
        return bytes
    }

    /// Whether the metric of an external is of type 2.
    var isType2: Bool { bytes[24] & 0x80 != 0 }
    var forwarding: IPv4Address { IPv4Address(bytes.be32(28)) }
    var tag: UInt32 { bytes.be32(32) }
}

/// A network outside the autonomous system that we announce.
public struct OSPFExternal: Hashable, Sendable {
    /// The destinations.
    public var prefix: IPv4Prefix
    /// Less than 2^24 - 1.
    public var metric: UInt32
    /// Whether the metric counts before all distances inside.
    public var isType2: Bool
    /// Carried along, never looked at.
    public var tag: UInt32
    /// The router to hand packets to; 0.0.0.0 for ourselves.
    public var forwarding: IPv4Address

    /// A route of these fields.
    public init(
        _ prefix: IPv4Prefix, metric: UInt32 = 20, isType2: Bool = true, tag: UInt32 = 0,
        forwarding: IPv4Address = .unspecified
    ) {
        self.prefix = prefix
        self.metric = metric
        self.isType2 = isType2
        self.tag = tag
        self.forwarding = forwarding
    }
}
