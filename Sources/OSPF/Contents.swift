public import Timing
public import Wire

/// An LSA, for people.
public struct OSPFLSARow: Hashable, Sendable {
    /// The area it is flooded in; nil if it goes further, or no further than a link.
    public var area: IPv4Address?
    /// With its age now.
    public var header: LSAHeader
    /// Whether it is ours.
    public var isOwn: Bool
    /// What it says.
    public var content: OSPFContent
}

/// What an LSA says.
public enum OSPFContent: Hashable, Sendable {
    /// A router, whether it joins areas, whether it announces networks outside, and its links.
    case router(isBorder: Bool, isBoundary: Bool, [OSPFLink])
    /// A network and the routers on it.
    case network(IPv4Prefix?, [IPv4Address])
    /// A network of other areas.
    case summary(IPv4Prefix?, cost: UInt32)
    /// A router of other areas that announces networks outside.
    case boundary(IPv4Address, cost: UInt32)
    /// A network outside.
    case external(OSPFExternal?)
    /// Something else that is carried along.
    case opaque
}

/// A link of a router.
public struct OSPFLink: Hashable, Sendable {
    /// What it leads to.
    public enum Kind: String, Hashable, Sendable {
        case pointToPoint = "point-to-point"
        case transit, stub, virtual, unknown
    }

    /// What it leads to.
    public var kind: Kind
    /// A router, the address of a Designated Router, or a network.
    public var id: IPv4Address
    /// The router's own address on the link, or the mask of a stub network.
    public var data: IPv4Address
    /// Of sending by it.
    public var cost: UInt16

    init(_ link: RouterLink) {
        switch RouterLink.Kind(rawValue: link.kind) {
        case .pointToPoint: kind = .pointToPoint
        case .transit: kind = .transit
        case .stub: kind = .stub
        case .virtual: kind = .virtual
        case nil: kind = .unknown
        }
        id = IPv4Address(link.id)
        data = IPv4Address(link.data)
        cost = link.cost
    }
}

extension LSA {
    /// What it says, as a value.
    var content: OSPFContent {
        switch type {
        case .router:
            let flags = routerFlags
            return .router(
                isBorder: flags.contains(.border), isBoundary: flags.contains(.boundary),
                links.map(OSPFLink.init))
        case .network:
            return .network(prefix, (0..<attachedCount).map { IPv4Address(attached($0)) })
        case .summaryNetwork: return .summary(prefix, cost: cost)
        case .summaryRouter: return .boundary(header.id, cost: cost)
        case .external, .nssa:
            return .external(
                prefix.map {
                    OSPFExternal(
                        $0, metric: cost, isType2: isType2, tag: tag, forwarding: forwarding)
                })
        case .opaqueLink, .opaqueArea, .opaqueSystem: return .opaque
        }
    }
}

extension OSPFEngine {
    /// LSAs of some types: by area, type, id and router, at most `limit` of them; and how many
    /// there are.
    public func lsaRows(
        of isWanted: (LSAType) -> Bool, limit: Int, at now: Instant
    ) -> (rows: [OSPFLSARow], total: Int) {
        var numbers: [(key: (UInt32, UInt8), id: (UInt32, UInt32), number: Int)] = []
        for (number, record) in database.records.enumerated() {
            guard let record, isWanted(record.type) else { continue }
            let header = record.lsa.header
            let place = record.scope == .system ? UInt32.max : record.scope.rawValue
            numbers.append(
                ((place, header.type), (header.id.rawValue, header.router.rawValue), number))
        }
        numbers.sort { $0.key == $1.key ? $0.id < $1.id : $0.key < $1.key }
        let rows = numbers.prefix(limit).compactMap { entry -> OSPFLSARow? in
            guard let record = database.records[entry.number] else { return nil }
            var area: IPv4Address?
            if case .area(let number) = record.scope { area = settings.areas[number].id }
            return OSPFLSARow(
                area: area, header: record.header(at: max(now, self.now)), isOwn: record.isOwn,
                content: record.lsa.content)
        }
        return (rows, numbers.count)
    }
}
