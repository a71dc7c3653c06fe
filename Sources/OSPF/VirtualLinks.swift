internal import Timing
internal import Wire

/// The way to the other end of a virtual link, through the area that carries it.
struct VirtualPath: Hashable {
    var way: OSPFWay
    /// The other end's address there.
    var peer: IPv4Address
    var cost: UInt16
}

// Links of the backbone that lead through another area (RFC 2328 §15). Each is an interface whose
// address, cost and neighbour's address the transit area's tree says: it comes up when there is a
// way and goes down with it. Its packets are for one router and may pass others.
extension OSPFEngine {
    /// Whether an interface is a virtual link.
    func isVirtual(_ number: Int) -> Bool { interfaces[number].network == .virtual }

    /// The virtual link a packet came by, if it is of one: of the backbone and for us alone, in the
    /// area that carries the link, from the router at its other end (RFC 2328 §8.2).
    func virtualLink(
        _ packet: RawSpan, to destination: IPv4Address, on number: Int
    ) -> Int? {
        guard packet.byteCount >= OSPFProtocol.headerLength, packet.be32(8) == 0,
            let own = settings.interfaces[number], own.area != .unspecified,
            !destination.isMulticast
        else { return nil }
        let end = OSPFVirtualEnd(IPv4Address(packet.be32(4)), through: own.area)
        return settings.interfaces.firstIndex { $0?.virtual == end }
    }

    /// Whether an area carries a virtual link of ours that is in use, which our router-LSA in it
    /// says (RFC 2328 §12.4.1).
    func carriesVirtualLink(_ area: Int) -> Bool {
        let id = settings.areas[area].id
        return interfaces.indices.contains {
            settings.interfaces[$0]?.virtual?.transit == id && interfaces[$0].hasFullNeighbor
        }
    }

    /// Looks what became of the ways to other ends, and which areas carry virtual links, after
    /// trees have been calculated (RFC 2328 §16.1 steps 2 and 4).
    mutating func followVirtualLinks() {
        resolvesPaths = wasBorder || settings.hasVirtualLinks
        guard resolvesPaths else { return transits = [] }
        transits = areas.indices.filter { number in
            !settings.areas[number].isBackbone
                && areas[number].tree.routers.contains { $0.value.flags.contains(.virtual) }
        }
        resolvesPaths = settings.hasVirtualLinks || !transits.isEmpty
        for number in interfaces.indices {
            guard let end = settings.interfaces[number]?.virtual else { continue }
            let (old, new) = (interfaces[number].path, virtualPath(to: end))
            guard old != new else { continue }
            interfaces[number].path = new
            guard let new, let carrier = settings.interfaces[new.way.interface] else {
                handle(number, .interfaceDown)
                continue
            }
            settings.interfaces[number]?.address = InterfaceAddress(
                carrier.address.address, length: 32)
            settings.interfaces[number]?.cost = new.cost
            if old == nil {
                handle(number, .interfaceUp)
            } else {
                touchRouter(interfaces[number].area)
                wantRoutes(of: interfaces[number].area, because: .interface(number))
            }
        }
    }

    /// The way to the other end; nil if it is out of reach or no border router.
    private func virtualPath(to end: OSPFVirtualEnd) -> VirtualPath? {
        guard let area = settings.areas.firstIndex(where: { $0.id == end.transit }),
            settings.areas[area].takesExternals,
            let reached = areas[area].tree.routers[end.router.rawValue],
            reached.flags.contains(.border), let way = hops[reached.hops].first,
            let cost = UInt16(exactly: reached.distance), cost < OSPFProtocol.largestCost,
            let peer = areas[area].tree.address(of: end.router, areas[area].graph)
        else { return nil }
        return VirtualPath(way: way, peer: peer, cost: cost)
    }

    // MARK: Paths

    /// What a border router says into an area.
    private struct SummaryWay {
        var border: UInt32
        var area: Int
        var cost: UInt32
    }

    /// The path to a network as packets can take it; nil if there is none.
    mutating func resolve(_ path: Path, _ entry: UInt32) -> Path? {
        var summaries: [SummaryWay] = []
        var next = table.entries[Int(entry)].first
        while next != RouteTable.none {
            let claim = table.claims[Int(next)]
            next = claim.next
            if claim.kind == .interArea, transits.contains(Int(claim.area)) {
                summaries.append(
                    SummaryWay(border: claim.source, area: Int(claim.area), cost: claim.cost))
            }
        }
        return resolve(path, by: summaries)
    }

    /// The paths to routers at the edge of the system as packets can take them.
    mutating func resolve(_ routes: [IPv4Address: BoundaryRoute]) -> [IPv4Address: BoundaryRoute] {
        var summaries: [UInt32: [SummaryWay]] = [:]
        for area in transits {
            for number in database.numbers(of: .summaryRouter, in: .area(area)) {
                let (lsa, isOwn) = (database.lsa(number), database[number].isOwn)
                guard !isOwn, lsa.cost < OSPFProtocol.infinity else { continue }
                summaries[lsa.bytes.be32(4), default: []].append(
                    SummaryWay(border: lsa.bytes.be32(8), area: area, cost: lsa.cost))
            }
        }
        var result = routes
        for (router, route) in routes {
            let path = resolve(
                Path(.interArea, cost: route.cost, hops: route.hops, area: route.area),
                by: summaries[router.rawValue] ?? [])
            result[router]?.cost = path?.cost ?? 0
            result[router]?.hops = path?.hops ?? 0
            if path == nil { result[router] = nil }
        }
        return result
    }

    /// A virtual link is no way for packets, but what border routers say into the areas that carry
    /// such links is, and may even be shorter for what is reached by the backbone (RFC 2328 §16.3).
    private mutating func resolve(_ path: Path, by summaries: [SummaryWay]) -> Path? {
        guard !path.isOurs, path.hops != 0 else { return path }
        var path = path
        if wasBorder, settings.areas[Int(path.area)].isBackbone {
            for summary in summaries {
                guard let border = borderRouter(summary.border, summary.area) else { continue }
                let cost = border.distance &+ summary.cost
                guard cost <= path.cost else { continue }
                path.hops = cost < path.cost ? border.hops : hops.union(path.hops, border.hops)
                path.cost = cost
            }
        }
        let ways = hops[path.hops].filter { !isVirtual($0.interface) }
        path.hops = hops.number(of: ways)
        return ways.isEmpty ? nil : path
    }
}

extension ShortestPaths {
    /// The address that a router has on the last link of the way to it.
    fileprivate func address(of router: IPv4Address, _ graph: borrowing Graph) -> IPv4Address? {
        guard let vertex = graph.router(router) else { return nil }
        for number in graph.vertices[Int(vertex)].edges {
            let target = graph.edges[number].target
            guard target != Graph.none, distance[Int(target)] != Self.unreached else { continue }
            let address = graph.links[number].data
            for back in graph.vertices[Int(target)].edges where graph.edges[back].target == vertex {
                let reach = distance[Int(target)] &+ graph.edges[back].cost
                // An unnumbered link has a number for its address.
                if reach == distance[Int(vertex)], address >> 24 != 0 {
                    return IPv4Address(address)
                }
            }
        }
        return nil
    }
}
