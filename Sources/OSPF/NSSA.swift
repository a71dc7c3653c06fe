internal import Timing
internal import Wire

/// A network outside that a not-so-stubby area announces and the other areas may be told of.
struct Translatable {
    var area: Int
    var route: OSPFExternal
    var maker: IPv4Address
    /// From us to the network, if that counts before the metric (type 1).
    var cost: UInt32
}

// Areas that know nothing of what is outside but what is announced in them (RFC 3101).
extension OSPFEngine {
    // MARK: What we announce

    /// What is to be said there of a network outside; nil for nothing.
    func external(_ prefix: IPv4Prefix, _ scope: Scope) -> OSPFExternal? {
        guard case .area(let area) = scope else {
            guard settings.areas.contains(where: \.takesExternals) else { return nil }
            return externals[prefix] ?? translated[prefix]
        }
        guard areas[area].isActive else { return nil }
        if var route = externals[prefix] {
            if !isBorder, route.forwarding == .unspecified {
                route.forwarding = areas[area].forwarding
            }
            return route
        }
        // In place of what is outside, unless a summary stands for that and the other areas.
        guard prefix.length == 0, isBorder,
            case .nssa(let cost, isTotally: false) = settings.areas[area].kind
        else { return nil }
        return OSPFExternal(prefix, metric: cost)
    }

    /// A border router tells the others of its networks outside itself, so nobody has to translate
    /// what it says in the area (RFC 3101 §2.4).
    func externalOptions(_ route: OSPFExternal, _ scope: Scope) -> OSPFOptions {
        guard case .area = scope else { return .external }
        return isBorder || route.forwarding == .unspecified ? [] : .nssa
    }

    /// Has everything looked at that is said of networks outside.
    mutating func touchExternals() {
        let addresses = Set(externals.keys.map(\.address)).union(translated.keys.map(\.address))
        externalsDue += addresses.union([.unspecified]).sorted().map { ($0, now) }
    }

    /// Packets are handed to a loopback address of ours if there is one (RFC 3101 §2.3).
    private func forwardingAddress(_ area: Int) -> IPv4Address {
        let up = interfaces.indices.filter {
            interfaces[$0].area == area && interfaces[$0].state != .down
        }
        let best = up.first { interfaces[$0].state == .loopback } ?? up.first
        return best.flatMap { settings.interfaces[$0]?.address.address } ?? .unspecified
    }

    // MARK: Who tells the others

    /// Looks at our part in each area: where packets are handed to us, and whether we translate.
    mutating func checkNSSAs() {
        var isNews = false
        for area in areas.indices where settings.areas[area].isNSSA {
            let forwarding = forwardingAddress(area)
            if areas[area].forwarding != forwarding {
                areas[area].forwarding = forwarding
                touchExternals()
            }
            if electTranslator(area) { isNews = true }
        }
        if isNews { translate() }
    }

    /// Of the border routers that both the area and the others reach, one translates: who says so
    /// whatever others do, or who has the highest router id (RFC 3101 §3.1); whether that changed.
    private mutating func electTranslator(_ area: Int) -> Bool {
        let was = areas[area].isTranslator
        guard isBorder, areas[area].isActive else {
            (areas[area].isTranslator, areas[area].translatesUntil) = (false, nil)
            return was
        }
        let own = settings.router
        let isSupplanted = areas[area].tree.routers.contains { id, reached in
            let router = IPv4Address(id)
            return router != own && reached.flags.contains(.border) && boundaries[router] != nil
                && (reached.flags.contains(.translator) || router > own)
        }
        guard isSupplanted else {
            (areas[area].isTranslator, areas[area].translatesUntil) = (true, nil)
            return !was
        }
        guard was else { return false }
        let end = areas[area].translatesUntil ?? now + settings.timers.translatorStability
        let isOver = end <= now
        areas[area].isTranslator = !isOver
        areas[area].translatesUntil = isOver ? nil : end
        return isOver
    }

    // MARK: What they are told

    /// Tells the other areas what a translator has to (RFC 3101 §3.2).
    private mutating func translate() {
        var (wanted, makers): ([IPv4Prefix: OSPFExternal], [IPv4Prefix: IPv4Address]) = ([:], [:])
        for one in translatable where areas[one.area].isTranslator {
            let range = settings.areas[one.area].externalRanges.first {
                $0.holds(one.route.prefix)
            }
            guard let range else {
                let prefix = one.route.prefix
                if let other = makers[prefix], other > one.maker { continue }
                (wanted[prefix], makers[prefix]) = (one.route, one.maker)
                continue
            }
            guard range.isAdvertised else { continue }
            // As far as the farthest; beyond all of type 2, for they are equal otherwise.
            let metric = one.route.isType2 ? one.route.metric + 1 : one.cost
            var sum = OSPFExternal(range.prefix, metric: metric, isType2: one.route.isType2)
            if let known = wanted[range.prefix] {
                if known.isType2 == sum.isType2 { sum.metric = max(sum.metric, known.metric) }
                if known.isType2, !sum.isType2 { sum = known }
            }
            sum.metric = min(sum.metric, OSPFProtocol.infinity - 1)
            wanted[range.prefix] = sum
        }
        var addresses: Set<IPv4Address> = []
        for (prefix, route) in wanted where translated[prefix] != route {
            addresses.insert(prefix.address)
        }
        for prefix in translated.keys where wanted[prefix] == nil {
            addresses.insert(prefix.address)
        }
        translated = wanted
        externalsDue += addresses.sorted().map { ($0, now) }
    }

    // MARK: Routes

    /// The path to a network outside that a not-so-stubby area announces (RFC 3101 §2.5), given
    /// those inside.
    mutating func nssaPath(_ number: UInt32) -> Path? {
        let lsa = database.lsa(number)
        guard case .area(let area) = database[number].scope,
            let router = areas[area].tree.routers[lsa.bytes.be32(8)],
            router.flags.contains(.boundary)
        else { return nil }
        let isTold = lsa.header.options.contains(.nssa)
        // A border router knows better than another one where everything else is.
        let isDefault = lsa.prefix?.length == 0
        if isDefault, wasBorder, !isTold || settings.areas[area].isTotally { return nil }
        var (cost, hops) = (router.distance, router.hops)
        let forwarding = lsa.forwarding
        if forwarding != .unspecified {
            guard let path = table.longest(forwarding), path.kind == .intraArea,
                Int(path.area) == area
            else { return nil }
            (cost, hops) = (path.cost, ways(path, to: forwarding))
            guard hops != 0 else { return nil }
        }
        return Path(outside: lsa, cost: cost, hops: hops, area: area)
    }

    /// What paths have been found says which networks the others may be told of.
    mutating func noteTranslatable() {
        guard settings.areas.contains(where: \.isNSSA) else { return }
        translatable = []
        if wasBorder {
            for number in database.numbers(of: .nssa) {
                if let one = translatable(number) { translatable.append(one) }
            }
        }
        translate()
    }

    /// Where an area's announcement is not the best way, it is not ours to tell of (RFC 3101 §3.2).
    private mutating func translatable(_ number: UInt32) -> Translatable? {
        let lsa = database.lsa(number)
        guard case .area(let area) = database[number].scope, !database[number].isOwn,
            lsa.header.options.contains(.nssa), lsa.forwarding != .unspecified,
            lsa.cost < OSPFProtocol.infinity, let prefix = lsa.prefix,
            let best = table.path(to: RouteTable.key(prefix)), let path = nssaPath(number),
            best.kind == path.kind, best.metric == path.metric, Int(best.area) == area
        else { return nil }
        return Translatable(
            area: area,
            route: OSPFExternal(
                prefix, metric: lsa.cost, isType2: lsa.isType2, tag: lsa.tag,
                forwarding: lsa.forwarding),
            maker: IPv4Address(lsa.bytes.be32(8)), cost: path.cost)
    }
}
