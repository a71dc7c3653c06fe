public import Timing
internal import Wire

/// What is awaited after a restart of ours.
struct Restart {
    var end: Instant
    /// Whether a neighbour of before has forgotten us.
    var isVain = false
    var neighbors: [OSPFMemory.Neighbor]
    /// Those of before, which packets follow meanwhile.
    var routes: [OSPFChange]
}

// Restarts during which packets go on as before (RFC 3623): neighbours', and our own.
extension OSPFEngine {
    // MARK: A neighbour restarts

    /// A neighbour asks to be kept while it restarts, or not any more (RFC 3623 §3.1).
    mutating func hearGrace(_ number: UInt32, on interface: Int) {
        let record = database[number]
        guard !record.isOwn, let grace = Grace(record.lsa) else { return }
        let maker = record.lsa.header.router
        let isNamed = !interfaces[interface].network.hasTwoEnds
        let place = interfaces[interface].neighbors.firstIndex {
            $0.router == maker && (!isNamed || grace.address == $0.address)
        }
        guard let place else { return }
        let neighbor = interfaces[interface].neighbors[place]
        let end = record.born + .seconds(Int64(min(grace.period, UInt32(OSPFProtocol.refreshAge))))
        if record.isFlushed || end <= now {
            if neighbor.graceUntil != nil {
                endHelping(interface, place, record.isFlushed ? .finished : .expired)
            }
            return
        }
        // What it has not confirmed has changed since it last knew everything.
        let isQuiet = neighbor.retransmission.numbers.allSatisfy {
            database[$0].type.isOpaque
        }
        guard settings.helpsRestarts, restart == nil,
            neighbor.graceUntil != nil || neighbor.state == .full && isQuiet
        else { return }
        interfaces[interface].neighbors[place].graceUntil = end
        if neighbor.graceUntil == nil {
            out.events.append(.helping(interface: interface, router: maker, .began))
        }
    }

    /// From now on a neighbour is again what it is (RFC 3623 §3.2).
    mutating func endHelping(_ number: Int, _ index: Int, _ step: OSPFGraceStep) {
        interfaces[number].neighbors[index].graceUntil = nil
        let router = interfaces[number].neighbors[index].router
        out.events.append(.helping(interface: number, router: router, step))
        interfaces[number].needsElection = true
        interfaces[number].networkDue = now
        touchRouter(interfaces[number].area)
        wantRoutes(of: interfaces[number].area, because: .neighbor(number, router))
    }

    /// An LSA came, changed or went. Whoever restarts knows nothing of it and might send packets in
    /// circles, so nobody is helped who should hear of it; nor do we go on without it.
    mutating func doubtGrace(_ lsa: LSA, _ scope: Scope) {
        guard !lsa.type.isOpaque else { return }
        for number in interfaces.indices where covers(scope, number) {
            for index in interfaces[number].neighbors.indices
            where interfaces[number].neighbors[index].graceUntil != nil {
                endHelping(number, index, .topology)
            }
        }
        guard let restart, lsa.header.router != settings.router else { return }
        // A neighbour of before that does not know us any more (RFC 3623 §2.2).
        let maker = lsa.header.router
        let links = restart.neighbors.filter {
            $0.router == maker && covers(scope, $0.interface)
        }.map(\.interface)
        let own = settings.router.rawValue
        let forgets =
            switch lsa.type {
            case .router:
                links.contains { interfaces[$0].network.isPairwise }
                    && !lsa.links.contains {
                        [RouterLink.Kind.pointToPoint, .virtual].map(\.rawValue).contains($0.kind)
                            && $0.id == own
                    }
            case .network:
                links.contains {
                    settings.interfaces[$0]?.address.prefix.contains(lsa.header.id) == true
                } && !(0..<lsa.attachedCount).contains { lsa.attached($0) == own }
            default: false
            }
        if forgets { self.restart?.isVain = true }
    }

    // MARK: We restart

    /// Asks all neighbours to keep us while we restart (RFC 3623 §2.1). When `isGraceKnown` they
    /// know; then the process may end without another word.
    ///
    /// - Parameter period: 1 to 1,800 s.
    public mutating func prepareRestart(
        lasting period: Interval, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        for number in interfaces.indices where interfaces[number].hasFullNeighbor {
            guard let own = settings.interfaces[number] else { continue }
            let grace = Grace(
                period: UInt32(clamping: min(max(period.wholeSeconds, 1), 1800)),
                address: own.network.hasTwoEnds ? nil : own.address.address)
            let scope = Scope.link(number)
            if let known = database.find(scope, .opaqueLink, Grace.id, settings.router) {
                database.update(known) { ($0.isStale, $0.nextOrigination) = (true, now) }
            }
            _ = say(scope, .opaqueLink, Grace.id, [], grace.body)
        }
        finish(&effects)
    }

    /// Whether all neighbours have confirmed what `prepareRestart` told them.
    public var isGraceKnown: Bool {
        interfaces.indices.allSatisfy { number in
            database.find(.link(number), .opaqueLink, Grace.id, settings.router).map {
                database[$0].waiting == 0
            } ?? true
        }
    }

    /// What is to be kept over a restart.
    ///
    /// - Parameter end: When the neighbours' patience ends.
    public func memory(until end: Instant) -> OSPFMemory {
        var memory = OSPFMemory(router: settings.router, endNanoseconds: end.nanoseconds)
        for number in interfaces.indices {
            memory.neighbors += interfaces[number].neighbors.filter { $0.state == .full }.map {
                OSPFMemory.Neighbor(interface: number, router: $0.router)
            }
        }
        memory.routes =
            restart?.routes
            ?? found.filter(\.isGiven).map { route in
                route.isDiscard
                    ? .discard(route.prefix)
                    : .set(route.prefix, route.kind, metric: route.cost, ways: route.ways)
            }
        return memory
    }

    /// Goes on with the routes of before a restart, and says nothing of itself until all neighbours
    /// of before are full again or lose patience. Call it before any interface is up.
    public mutating func resume(
        _ memory: OSPFMemory, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        let end = Instant(nanoseconds: memory.endNanoseconds)
        let patience = end - self.now
        if memory.router == settings.router, !memory.neighbors.isEmpty,
            patience > .seconds(0), patience <= .seconds(1800)
        {
            stubUntil = nil
            restart = Restart(
                end: end,
                neighbors: memory.neighbors.filter { interfaces.indices.contains($0.interface) },
                routes: memory.routes)
            out.changes += memory.routes
            out.events.append(.restarting(.began))
        }
        finish(&effects)
    }

    /// Says nothing for now; whoever helps us has our LSAs of before. What is calculated meanwhile
    /// finds the ways of virtual links and no more (RFC 3623 §2.2).
    mutating func holdBack() -> Bool {
        for area in areas.indices { areas[area].routerDue = nil }
        for number in interfaces.indices { interfaces[number].networkDue = nil }
        (summariesDue, externalsDue, stale) = (nil, [], [])
        if !settings.hasVirtualLinks { calculateAt = nil }
        return false
    }

    /// Whether everything is as it was before (RFC 3623 §2.2).
    mutating func checkRestart() {
        guard let awaited = restart else { return }
        let isBack = awaited.neighbors.allSatisfy { one in
            interfaces.indices.contains(one.interface)
                && interfaces[one.interface].neighbors.contains {
                    $0.router == one.router && $0.state == .full
                }
        }
        if isBack {
            endRestart(.finished)
        } else if awaited.isVain {
            endRestart(.topology)
        } else if awaited.end <= now {
            endRestart(.expired)
        }
    }

    /// Speaks for itself again: what we are, then routes and all other LSAs anew, and last the end
    /// of the neighbours' patience (RFC 3623 §2.3).
    private mutating func endRestart(_ step: OSPFGraceStep) {
        let old = restart?.routes ?? []
        restart = nil
        out.events.append(.restarting(step))
        var graces: [UInt32] = []
        for number in database.records.indices {
            guard let record = database.records[number], record.isOwn, !record.isFlushed else {
                continue
            }
            let number = UInt32(truncatingIfNeeded: number)
            if record.type == .opaqueLink { graces.append(number) } else { renew(number) }
        }
        checkRoles()
        // An area may have no other router that could have told us what we said there before.
        for area in areas.indices { areas[area].routerDue = sayRouter(area) }
        wantRoutes(because: .settings)
        calculateAt = now
        _ = calculate()
        let new = Set(found.filter(\.isGiven).map(\.prefix))
        for route in old where !new.contains(route.prefix) {
            out.changes.append(.remove(route.prefix))
        }
        for number in interfaces.indices { interfaces[number].networkDue = now }
        summariesDue = now
        touchExternals()
        _ = originate()
        for number in graces { flush(number) }
    }
}

extension OSPFChange {
    /// Where it is to.
    fileprivate var prefix: IPv4Prefix {
        switch self {
        case .set(let prefix, _, _, _), .discard(let prefix), .remove(let prefix): prefix
        }
    }
}
