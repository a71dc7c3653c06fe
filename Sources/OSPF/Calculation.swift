internal import Timing
internal import Wire

// From databases to routes (RFC 2328 §16): trees of areas that changed, then summaries, then
// externals; the last two need no tree.
extension OSPFEngine {
    // MARK: When

    /// Has routes calculated because an LSA came, changed or went.
    mutating func wantRoutes(for lsa: LSA, _ scope: Scope) {
        guard !lsa.type.isOpaque else { return }
        if case .area(let area) = scope, lsa.type == .router || lsa.type == .network {
            areas[area].needsTree = true
        }
        schedule(.lsa(lsa.header))
    }

    /// Has an area calculated anew.
    mutating func wantRoutes(of area: Int, because cause: OSPFCause) {
        areas[area].needsTree = true
        schedule(cause)
    }

    /// Has everything calculated anew.
    mutating func wantRoutes(because cause: OSPFCause) {
        for area in areas.indices { areas[area].needsTree = true }
        schedule(cause)
    }

    private mutating func schedule(_ cause: OSPFCause) {
        guard calculateAt == nil else { return }
        calculateAt = max(now, nextCalculation)
        calculationCause = cause
    }

    /// The first calculation after a quiet time is done at once, then pauses grow.
    private mutating func paceCalculations() {
        let (shortest, longest) =
            (settings.timers.shortestCalculation, settings.timers.longestCalculation)
        let isQuiet = now - lastCalculation > longest
        calculationPause = isQuiet ? shortest : min(max(calculationPause * 2, shortest), longest)
        lastCalculation = now
        nextCalculation = now + calculationPause
        calculateAt = nil
    }

    // MARK: Routes

    /// Calculates what is due; whether anything was.
    mutating func calculate() -> Bool {
        guard let due = calculateAt, due <= now else { return false }
        paceCalculations()
        hops.most = settings.limits.ways
        if hops.count > 1 << 16 {
            hops = HopSets()
            hops.most = settings.limits.ways
            for area in areas.indices { areas[area].needsTree = true }
        }
        var (count, nodes) = (0, 0)
        for area in areas.indices where areas[area].needsTree {
            areas[area].needsTree = false
            areas[area].tree = ShortestPaths(
                database, area: area, root: settings.router, exits: exits(area), hops: &hops)
            count += 1
            nodes += areas[area].tree.reached
        }
        treeRuns += count
        let inside = Path.best(areas.flatMap(\.tree.networks) + summaryPaths(), &hops)
        findBoundaries()
        let all = Path.best(inside + externalPaths(inside), &hops)
        let routes = give(all)
        let changes = FoundRoute.changes(from: found, to: routes)
        found = routes
        out.changes += changes
        out.events.append(
            .calculated(
                OSPFRun(
                    moment: now, cause: calculationCause, areas: count, nodes: nodes,
                    routes: routes.count, changes: changes.count)))
        if isBorder { summariesDue = now }
        return true
    }

    /// The ways that lead from us into an area.
    private func exits(_ area: Int) -> [ShortestPaths.Exit] {
        var result: [ShortestPaths.Exit] = []
        for number in interfaces.indices where interfaces[number].area == area {
            guard let own = settings.interfaces[number] else { continue }
            let data = own.address.address.rawValue
            if interfaces[number].state == .pointToPoint {
                result += interfaces[number].neighbors.filter { $0.state == .full }.map {
                    ShortestPaths.Exit(
                        id: $0.router.rawValue, data: data,
                        way: OSPFWay(interface: number, gateway: $0.address))
                }
            } else if interfaces[number].designated != .unspecified {
                result.append(
                    ShortestPaths.Exit(
                        id: interfaces[number].designated.rawValue, data: data,
                        way: OSPFWay(interface: number, gateway: nil)))
            }
        }
        return result
    }

    /// Networks of other areas (RFC 2328 §16.2).
    private func summaryPaths() -> [Path] {
        var result: [Path] = []
        for (lsa, area, border) in summaries(.summaryNetwork) {
            guard let prefix = lsa.prefix else { continue }
            let isOurRange = settings.areas.indices.contains { number in
                isBorder && settings.areas[number].ranges.contains { $0.prefix == prefix }
                    && areas[number].tree.networks.contains {
                        OSPFRange(prefix).holds($0.prefix)
                    }
            }
            guard !isOurRange else { continue }
            result.append(
                Path(
                    prefix, .interArea, cost: border.distance &+ lsa.cost, hops: border.hops,
                    area: area))
        }
        return result
    }

    /// What border routers that are reached say. A border router believes the backbone alone.
    private func summaries(
        _ type: LSAType
    ) -> [(lsa: LSA, area: Int, border: ShortestPaths.Reached)] {
        database.numbers(of: type).compactMap { number in
            let record = database[number]
            guard case .area(let area) = record.scope, !record.isOwn,
                record.lsa.cost < OSPFProtocol.infinity,
                !isBorder || settings.areas[area].isBackbone,
                let border = areas[area].tree.routers[record.lsa.bytes.be32(8)],
                border.flags.contains(.border)
            else { return nil }
            return (record.lsa, area, border)
        }
    }

    /// The best way to each router at the edge of the system (RFC 2328 §16.4 step 3).
    private mutating func findBoundaries() {
        var result: [IPv4Address: BoundaryRoute] = [:]
        let ids = settings.areas.map(\.id.rawValue)
        func offer(_ route: BoundaryRoute) {
            // RFC 2328 §16.4.1, then cost, then the larger area id.
            func rank(_ one: BoundaryRoute) -> (Int, UInt32, UInt32) {
                (one.isFarther ? 1 : 0, one.cost, ~ids[one.area])
            }
            if let known = result[route.router], rank(known) <= rank(route) { return }
            result[route.router] = route
        }
        for area in areas.indices {
            for (router, reached) in areas[area].tree.routers
            where reached.flags.contains(.boundary) {
                offer(
                    BoundaryRoute(
                        router: IPv4Address(router), area: area, cost: reached.distance,
                        hops: reached.hops, isIntraArea: true,
                        isFarther: settings.areas[area].isBackbone))
            }
        }
        for (lsa, area, border) in summaries(.summaryRouter) {
            offer(
                BoundaryRoute(
                    router: IPv4Address(lsa.bytes.be32(4)), area: area,
                    cost: border.distance &+ lsa.cost, hops: border.hops, isIntraArea: false,
                    isFarther: true))
        }
        boundaries = result
    }

    /// Networks outside (RFC 2328 §16.4), given those inside.
    private mutating func externalPaths(_ inside: [Path]) -> [Path] {
        var result: [Path] = []
        for number in database.numbers(of: .external) {
            let lsa = database.lsa(number)
            let maker = IPv4Address(lsa.bytes.be32(8))
            guard maker != settings.router, lsa.cost < OSPFProtocol.infinity,
                let prefix = lsa.prefix, let router = boundaries[maker]
            else { continue }
            var (cost, hops, area, isFarther) =
                (router.cost, router.hops, router.area, router.isFarther)
            let forwarding = lsa.forwarding
            if forwarding != .unspecified {
                // Reached inside the system or not used at all.
                guard let path = Self.longest(inside, forwarding) else { continue }
                (cost, area) = (path.cost, path.area)
                hops = ways(path, to: forwarding)
                isFarther = path.kind != .intraArea || settings.areas[area].isBackbone
                guard hops != 0 else { continue }
            }
            let isType2 = lsa.isType2
            var path = Path(
                prefix, isType2 ? .externalType2 : .externalType1,
                cost: isType2 ? cost : cost &+ lsa.cost, hops: hops, area: area)
            path.metric2 = isType2 ? lsa.cost : 0
            path.isFarther = isFarther
            result.append(path)
        }
        return result
    }

    /// The ways of a path to a router on its network.
    private mutating func ways(_ path: Path, to gateway: IPv4Address) -> UInt32 {
        guard path.isOurs else { return hops.resolve(path.hops, gateway: gateway.rawValue) }
        let number = settings.interfaces.firstIndex {
            $0?.address.prefix.contains(gateway) ?? false
        }
        guard let number else { return 0 }
        return hops.number(of: [OSPFWay(interface: number, gateway: gateway)])
    }

    /// The longest match among paths by prefix.
    private static func longest(_ paths: [Path], _ address: IPv4Address) -> Path? {
        for length in (0...32).reversed() {
            let key =
                UInt64(IPv4Prefix(address, length: length).address.rawValue) << 8
                | UInt64(length)
            var (low, high) = (0, paths.count)
            while low < high {
                let middle = (low + high) / 2
                if paths[middle].key < key { low = middle + 1 } else { high = middle }
            }
            if low < paths.count, paths[low].key == key { return paths[low] }
        }
        return nil
    }

    // MARK: What is given out

    /// The routes of these paths, and ranges of ours that drop what hits none of their networks.
    private func give(_ paths: [Path]) -> [FoundRoute] {
        var routes = paths.map { path in
            let ways = hops[path.hops]
            let isDirect = path.isOurs || ways.isEmpty || ways.contains { $0.gateway == nil }
            return FoundRoute(
                prefix: path.prefix, kind: path.kind,
                cost: path.kind == .externalType2 ? path.metric2 : path.cost, area: path.area,
                ways: ways, isGiven: !isDirect)
        }
        guard isBorder else { return routes }
        var ranges: [FoundRoute] = []
        for area in areas.indices {
            for range in settings.areas[area].ranges where range.isAdvertised {
                let isActive = routes.contains {
                    $0.kind == .intraArea && $0.area == area && range.holds($0.prefix)
                }
                let isTaken = routes.contains { $0.prefix == range.prefix }
                guard isActive, !isTaken else { continue }
                ranges.append(
                    FoundRoute(
                        prefix: range.prefix, kind: .intraArea, cost: 0, area: area, ways: [],
                        isDiscard: true, isGiven: true))
            }
        }
        guard !ranges.isEmpty else { return routes }
        routes += ranges
        routes.sort { $0.prefix < $1.prefix }
        return routes
    }
}
