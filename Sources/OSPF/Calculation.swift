internal import Timing
internal import Wire

// From databases to routes (RFC 2328 §16): trees of areas, then networks inside, then externals.
// What LSAs say is kept, and only what follows from those that changed is calculated: a tree is
// repaired where links changed, and of networks only those are looked at that may have another
// path.
extension OSPFEngine {
    // MARK: When

    /// Has routes calculated because an LSA came, changed or is about to go.
    mutating func wantRoutes(for number: UInt32) {
        let record = database[number]
        guard !record.type.isOpaque else { return }
        if record.type == .summaryRouter { areBoundariesDue = true }
        let header = record.lsa.header
        database.note(number)
        schedule(.lsa(header))
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

    /// The first calculation after a quiet time is done at once, then pauses grow, but not for
    /// networks alone: there may be very many of them and each costs little.
    private mutating func paceCalculations(_ kind: OSPFRunKind) {
        let (shortest, longest) =
            (settings.timers.shortestCalculation, settings.timers.longestCalculation)
        guard kind > .prefixes else {
            nextCalculation = now + shortest
            return
        }
        let isQuiet = now - lastCalculation > longest
        calculationPause = isQuiet ? shortest : min(max(calculationPause * 2, shortest), longest)
        lastCalculation = now
        nextCalculation = now + calculationPause
    }

    // MARK: Routes

    /// Calculates what is due; whether anything was.
    mutating func calculate() -> Bool {
        guard let due = calculateAt, due <= now else { return false }
        calculateAt = nil
        if hops.count > 1 << 16 { renewHops() }
        var run = OSPFRun(moment: now, cause: calculationCause)
        let isEdgeNew = followChanges(&run) || areBoundariesDue
        if isEdgeNew || run.kind > .prefixes { followVirtualLinks() }
        guard restart == nil else {
            areBoundariesDue = isEdgeNew
            paceCalculations(run.kind)
            return true
        }
        if isEdgeNew { findBoundaries() }
        let ranges = activeRanges()
        if isEdgeNew || !ranges.isEmpty || !discarded.isEmpty { table.touchAll() }
        let first = out.changes.count
        let isNews = findPaths(ranges)
        giveRanges(ranges)
        table.endLook()
        noteTranslatable()
        run.routes = table.count + discarded.count
        run.changes = out.changes.count - first
        out.events.append(.calculated(run))
        paceCalculations(run.kind)
        if isBorder, isNews || isEdgeNew || !ranges.isEmpty { summariesDue = now }
        return true
    }

    /// Forgets sets of ways that are in use no more.
    private mutating func renewHops() {
        let old = hops
        var new = HopSets(most: settings.limits.ways)
        table.renumber { new.number(of: old[$0]) }
        hops = new
        for area in areas.indices { areas[area].needsTree = true }
    }

    /// Takes in what changed LSAs say; whether routers at the edge may be reached in another way.
    private mutating func followChanges(_ run: inout OSPFRun) -> Bool {
        let changed = database.takeChanged()
        let isAnew = isTableStale
        isTableStale = false
        var (isEdgeNew, read) = (isAnew, changed)
        if isAnew {
            table.dropAll()
            read = database.records.indices.map { UInt32(truncatingIfNeeded: $0) }
        }
        for area in areas.indices {
            let exits = exits(area)
            let outcome = areas[area].follow(
                isAnew ? nil : changed, database, area, settings.router, exits, &hops)
            switch outcome {
            case .same: break
            case .repaired(let part):
                guard part.count > 0 || part.isEdgeNew else { continue }
                run.kind = max(run.kind, .partial)
                run.areas += 1
                run.nodes += part.count
                for vertex in part.vertices {
                    let record = areas[area].graph.vertices[Int(vertex)].record
                    if record != Graph.none { table.touch(record) }
                }
                if part.isEdgeNew { isEdgeNew = true }
            case .anew(let isRenumbered):
                run.kind = .full
                run.areas += 1
                run.nodes += areas[area].tree.reached
                treeRuns += 1
                isEdgeNew = true
                if isRenumbered, !isAnew {
                    read += database.numbers(of: .router, in: .area(area))
                    read += database.numbers(of: .network, in: .area(area))
                }
            }
        }
        for number in read {
            var vertex: UInt32?
            if case .area(let area)? = database.records[Int(number)]?.scope {
                vertex = areas[area].graph.vertex(of: number)
            }
            table.replace(number, database, vertex: vertex)
        }
        return isEdgeNew
    }

    /// The ways that lead from us into an area.
    private func exits(_ area: Int) -> [ShortestPaths.Exit] {
        var result: [ShortestPaths.Exit] = []
        for number in interfaces.indices where interfaces[number].area == area {
            guard let own = settings.interfaces[number] else { continue }
            let data = own.address.address.rawValue
            if interfaces[number].state == .pointToPoint {
                result += interfaces[number].neighbors.filter(\.isAdjacent).map {
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

    /// What border routers that are reached say. A border router believes the backbone alone.
    private func summaries(
        _ type: LSAType
    ) -> [(lsa: LSA, area: Int, border: ShortestPaths.Reached)] {
        database.numbers(of: type).compactMap { number in
            let record = database[number]
            guard case .area(let area) = record.scope, !record.isOwn,
                record.lsa.cost < OSPFProtocol.infinity,
                let border = border(record.lsa.bytes.be32(8), area)
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
        for area in areas.indices where settings.areas[area].takesExternals {
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
        boundaries = resolvesPaths ? resolve(result) : result
        areBoundariesDue = false
    }
}
