internal import Timing
internal import Wire

// The best path to each network that may have another one, from what LSAs say of it and from the
// trees (RFC 2328 §16.1 to §16.4).
extension OSPFEngine {
    /// Finds the best paths of the entries that are due, and gives out what changed; whether any
    /// did.
    mutating func findPaths(_ ranges: [ActiveRange]) -> Bool {
        let taken = Set(ranges.map { RouteTable.key($0.range.prefix) })
        var before: [Path?] = []
        before.reserveCapacity(table.dirty.count)
        var isNews = false
        func isInside(_ path: Path?) -> Path? { path.flatMap { $0.isInside ? $0 : nil } }
        while before.count < table.dirty.count {
            let entry = table.dirty[before.count]
            let (old, new) = (table.entries[Int(entry)].path, insidePath(entry, taken))
            before.append(old)
            table.setPath(new, of: entry)
            guard !isNews, isInside(old) != new else { continue }
            isNews = true
            // Forwarding addresses may be reached by other paths now.
            for lsa in table.forwarded.sorted() { table.touch(lsa) }
        }
        for entry in table.dirty where table.entries[Int(entry)].path == nil {
            table.setPath(externalPath(entry), of: entry)
        }
        isNews = false
        for (entry, old) in zip(table.dirty, before)
        where table.entries[Int(entry)].path != old {
            isNews = true
            give(entry, old)
        }
        return isNews
    }

    /// The best path to a network of the system.
    private mutating func insidePath(_ entry: UInt32, _ ranges: Set<UInt64>) -> Path? {
        var best: Path?
        var next = table.entries[Int(entry)].first
        while next != RouteTable.none {
            let claim = table.claims[Int(next)]
            next = claim.next
            let area = Int(claim.area)
            switch claim.kind {
            case .intraArea:
                let distance = areas[area].tree.distance[Int(claim.source)]
                guard distance != ShortestPaths.unreached else { continue }
                var path = Path(
                    .intraArea, cost: distance &+ claim.cost,
                    hops: areas[area].tree.ways[Int(claim.source)], area: area)
                path.isOurs = claim.source == areas[area].tree.start
                best = Path.best(best, path, &hops)
            case .interArea:
                // What stands for our own networks leads elsewhere only by mistake.
                guard !ranges.contains(table.entries[Int(entry)].key),
                    let border = border(claim.source, area)
                else { continue }
                let path = Path(
                    .interArea, cost: border.distance &+ claim.cost, hops: border.hops, area: area)
                best = Path.best(best, path, &hops)
            case .external: continue
            }
        }
        return resolvesPaths ? best.flatMap { resolve($0, entry) } : best
    }

    /// A border router whose summaries count, if it is reached. A border router believes the
    /// backbone alone (RFC 2328 §16.2).
    func border(_ router: UInt32, _ area: Int) -> ShortestPaths.Reached? {
        !wasBorder || settings.areas[area].isBackbone ? borderRouter(router, area) : nil
    }

    /// The same, whether it is believed or not.
    func borderRouter(_ router: UInt32, _ area: Int) -> ShortestPaths.Reached? {
        guard let border = areas[area].tree.routers[router],
            border.flags.contains(.border)
        else { return nil }
        return border
    }

    /// The best path to a network outside (RFC 2328 §16.4), those inside being known.
    private mutating func externalPath(_ entry: UInt32) -> Path? {
        var best: Path?
        var next = table.entries[Int(entry)].first
        while next != RouteTable.none {
            let claim = table.claims[Int(next)]
            next = claim.next
            guard claim.kind == .external, let path = externalPath(of: claim.source) else {
                continue
            }
            best = Path.best(best, path, &hops)
        }
        return best
    }

    private mutating func externalPath(of number: UInt32) -> Path? {
        let lsa = database.lsa(number)
        if lsa.type == .nssa { return nssaPath(number) }
        guard let router = boundaries[IPv4Address(lsa.bytes.be32(8))] else { return nil }
        var (cost, hops, area, isFarther) =
            (router.cost, router.hops, router.area, router.isFarther)
        let forwarding = lsa.forwarding
        if forwarding != .unspecified {
            // Reached inside the system or not used at all.
            guard let path = table.longest(forwarding),
                settings.areas[Int(path.area)].takesExternals
            else { return nil }
            (cost, area) = (path.cost, Int(path.area))
            hops = ways(path, to: forwarding)
            isFarther = path.kind != .intraArea || settings.areas[area].isBackbone
            guard hops != 0 else { return nil }
        }
        var path = Path(outside: lsa, cost: cost, hops: hops, area: area)
        path.isFarther = isFarther
        return path
    }

    /// The ways of a path to a router on its network.
    mutating func ways(_ path: Path, to gateway: IPv4Address) -> UInt32 {
        guard path.isOurs else { return hops.resolve(path.hops, gateway: gateway.rawValue) }
        let number = settings.interfaces.firstIndex {
            $0?.address.prefix.contains(gateway) ?? false
        }
        guard let number else { return 0 }
        return hops.number(of: [OSPFWay(interface: number, gateway: gateway)])
    }

    // MARK: What is given out

    /// Whether the routing table has a path from us: it knows networks of ours anyway.
    private func isGiven(_ path: Path?) -> Bool {
        guard let path else { return false }
        return !path.isOurs && !hops.isDirect(path.hops)
    }

    /// Gives out the path of an entry that is not what it was.
    private mutating func give(_ entry: UInt32, _ old: Path?) {
        let new = table.entries[Int(entry)].path
        let prefix = RouteTable.prefix(table.entries[Int(entry)].key)
        let wasGiven = isGiven(old)
        guard let new, isGiven(new) else {
            if wasGiven { out.changes.append(.remove(prefix)) }
            return
        }
        if let old, wasGiven, old.kind == new.kind, old.metric == new.metric, old.hops == new.hops {
            return
        }
        out.changes.append(.set(prefix, new.kind, metric: new.metric, ways: hops[new.hops]))
    }

    /// All routes there are, by prefix.
    var found: [FoundRoute] {
        var result: [FoundRoute] = []
        result.reserveCapacity(table.count + discarded.count)
        for entry in table.entries {
            guard let path = entry.path else { continue }
            result.append(
                FoundRoute(
                    prefix: RouteTable.prefix(entry.key), kind: path.kind, cost: path.metric,
                    area: Int(path.area), ways: hops[path.hops], isGiven: isGiven(path)))
        }
        for range in discarded {
            result.append(
                FoundRoute(
                    prefix: range.range.prefix, kind: .intraArea, cost: 0, area: range.area,
                    ways: [], isDiscard: true, isGiven: true))
        }
        result.sort { $0.prefix < $1.prefix }
        return result
    }

    // MARK: Ranges of ours

    /// A range with a network in it that is reached.
    struct ActiveRange: Hashable {
        var area: Int
        var range: OSPFRange
    }

    /// Ranges that stand for something (RFC 2328 §12.4.3).
    func activeRanges() -> [ActiveRange] {
        guard wasBorder else { return [] }
        let wanted = areas.indices.flatMap { area in
            settings.areas[area].ranges.map { ActiveRange(area: area, range: $0) }
        }
        return wanted.filter { one in
            table.entries.contains { entry in
                one.range.holds(RouteTable.prefix(entry.key)) && isInside(one.area, entry)
            }
        }
    }

    /// Whether a network is reached within an area.
    private func isInside(_ area: Int, _ entry: RouteTable.Entry) -> Bool {
        var next = entry.first
        while next != RouteTable.none {
            let claim = table.claims[Int(next)]
            if claim.kind == .intraArea, Int(claim.area) == area,
                areas[area].tree.distance[Int(claim.source)] != ShortestPaths.unreached
            {
                return true
            }
            next = claim.next
        }
        return false
    }

    /// Gives out ranges that drop what hits none of their networks, unless a route is the same.
    mutating func giveRanges(_ ranges: [ActiveRange]) {
        let new = ranges.filter {
            $0.range.isAdvertised && table.path(to: RouteTable.key($0.range.prefix)) == nil
        }
        for range in discarded where !new.contains(range) {
            // A route to the very same network has taken its place already.
            if isGiven(table.path(to: RouteTable.key(range.range.prefix))) {
                continue
            }
            out.changes.append(.remove(range.range.prefix))
        }
        for range in new where !discarded.contains(range) {
            out.changes.append(.discard(range.range.prefix))
        }
        discarded = new
    }
}
