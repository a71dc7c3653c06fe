internal import Timing
internal import Wire

// What we say ourselves (RFC 2328 §12.4). Each LSA has a place that says what it should be; when
// that may have changed the place is looked at, and `say` sees to it that the database agrees.
extension OSPFEngine {
    // MARK: When

    /// Has our router-LSA of an area looked at.
    mutating func touchRouter(_ area: Int) { areas[area].routerDue = now }

    /// Looks at everything that is due; whether there was anything.
    mutating func originate() -> Bool {
        var isAny = false
        checkRoles()
        if restart != nil { return holdBack() }
        if let end = stubUntil, end <= now {
            stubUntil = nil
            for area in areas.indices { touchRouter(area) }
        }
        for number in stale {
            guard let record = database.records[Int(number)], record.isStale else { continue }
            if !revisit(record) { flush(number) }
            isAny = true
        }
        stale = []
        for area in areas.indices {
            guard let due = areas[area].routerDue, due <= now else { continue }
            areas[area].routerDue = sayRouter(area)
            isAny = true
        }
        for number in interfaces.indices {
            guard let due = interfaces[number].networkDue, due <= now else { continue }
            interfaces[number].networkDue = sayNetwork(number)
            isAny = true
        }
        if let due = summariesDue, due <= now {
            summariesDue = saySummaries()
            isAny = true
        }
        let pending = externalsDue.filter { $0.due <= now }
        if !pending.isEmpty {
            externalsDue.removeAll { $0.due <= now }
            for (address, _) in pending { sayExternals(address) }
            isAny = true
        }
        return isAny
    }

    /// Has the place of an LSA looked at; false if it has none, so that it is not wanted.
    @discardableResult
    mutating func revisit(_ record: Database.Record) -> Bool {
        let header = record.lsa.header
        guard header.router == settings.router else { return false }
        switch (record.type, record.scope) {
        case (.router, .area(let area)):
            areas[area].routerDue = now
        case (.network, .area(let area)):
            let place = interfaces.indices.first {
                interfaces[$0].area == area
                    && settings.interfaces[$0]?.address.address == header.id
            }
            guard let place else { return false }
            interfaces[place].networkDue = now
        case (.summaryNetwork, _), (.summaryRouter, _):
            summariesDue = now
        case (.external, _), (.nssa, _):
            guard let prefix = record.lsa.prefix else { return false }
            externalsDue.append((prefix.address, now))
            return external(prefix, record.scope) != nil
        default: return false
        }
        return true
    }

    /// Whether we join areas, or stand at the edge of the system, is said by all router-LSAs.
    mutating func checkRoles() {
        for area in areas.indices {
            areas[area].isActive = interfaces.contains {
                $0.area == area && $0.state != .down
                    && ($0.network != .virtual || $0.hasFullNeighbor)
            }
        }
        let (isBorder, isBoundary) = (isBorder, isBoundary)
        checkNSSAs()
        guard (isBorder, isBoundary) != (wasBorder, wasBoundary) else { return }
        if isBorder != wasBorder {
            summariesDue = now
            wantRoutes(because: .settings)
            if settings.areas.contains(where: \.isNSSA) { touchExternals() }
        }
        (wasBorder, wasBoundary) = (isBorder, isBoundary)
        for area in areas.indices { touchRouter(area) }
    }

    /// Whether we are a border router: active in the backbone and in another area.
    var isBorder: Bool {
        let active = areas.indices.filter { areas[$0].isActive }
        return active.count > 1 && active.contains { settings.areas[$0].isBackbone }
    }

    /// Whether we stand at the edge of the system. Border routers of not-so-stubby areas do even if
    /// they tell of nothing (RFC 3101 §3.1).
    var isBoundary: Bool {
        let joinsNSSA =
            isBorder && areas.indices.contains { areas[$0].isActive && settings.areas[$0].isNSSA }
        return joinsNSSA || !externals.isEmpty
    }

    // MARK: The throttle

    /// Instances that may follow each other at the shortest distance, as when links come up.
    private static let mostHurried: UInt8 = 5

    /// Sees to it that the database has an LSA of ours like this. When the last instance is too
    /// young for another, the moment to come back (RFC 2328 §12.4, MinLSInterval).
    mutating func say(
        _ scope: Scope, _ type: LSAType, _ id: IPv4Address, _ options: OSPFOptions, _ body: [UInt8],
        mark: UInt16 = 0
    ) -> Instant? {
        let known = database.find(scope, type, id, settings.router)
        // One that comes again would be taken for the one that was flushed: a late acknowledgement
        // of that one would stop it from being sent again.
        var sequence = lastFlushed + 1
        var pause = settings.timers.shortestOrigination
        var hurried: UInt8 = 0
        if let known {
            database.update(known) { $0.mark = mark }
            let record = database[known]
            let header = record.lsa.header
            let isSame =
                !record.isStale && !record.isFlushed && header.options == options
                && record.lsa.body.elementsEqual(body)
            if isSame { return nil }
            if header.sequence == OSPFProtocol.maxSequence {
                // Numbers begin anew when everyone has forgotten this one (RFC 2328 §12.1.6).
                flush(known)
                return nil
            }
            guard record.nextOrigination <= now else { return record.nextOrigination }
            let isQuiet = now - record.nextOrigination > settings.timers.longestOrigination
            if !isQuiet {
                hurried = min(record.hurried + 1, Self.mostHurried)
                if hurried == Self.mostHurried {
                    pause = min(record.pause * 2, settings.timers.longestOrigination)
                }
            }
            sequence = header.sequence + 1
        }
        let lsa = LSA(
            type, id: id, router: settings.router, sequence: sequence, options: options, body: body)
        guard let number = install(lsa, scope, known, isFlooded: false) else {
            if let first = interfaces.indices.first { count(.databaseFull, on: first) }
            return nil
        }
        database.update(number) { [now] in
            $0.nextOrigination = now + pause
            $0.pause = pause
            $0.hurried = hurried
            $0.mark = mark
        }
        flood(number, from: nil)
        return nil
    }

    // MARK: Routers and networks

    /// RFC 2328 §12.4.1.
    mutating func sayRouter(_ area: Int) -> Instant? {
        var flags = RouterFlags()
        // The other end of a virtual link waits for that before the link can come up.
        if isBorder || settings.hasVirtualLinks { flags.insert(.border) }
        if carriesVirtualLink(area) { flags.insert(.virtual) }
        let mayTell = settings.areas[area].takesExternals || settings.areas[area].isNSSA
        if isBoundary, mayTell { flags.insert(.boundary) }
        var links: [RouterLink] = []
        for number in interfaces.indices where interfaces[number].area == area {
            guard let own = settings.interfaces[number] else { continue }
            links += self.links(number, own)
        }
        return say(
            .area(area), .router, settings.router, settings.areas[area].lsaOptions,
            LSA.routerBody(flags, links))
    }

    private func links(_ number: Int, _ own: OSPFInterfaceSettings) -> [RouterLink] {
        let interface = interfaces[number]
        let address = own.address.address.rawValue
        let prefix = own.address.prefix
        let stub = RouterLink(
            .stub, id: prefix.address.rawValue, data: prefix.mask, cost: own.cost)
        let isHidden = own.hidesNetwork
        let host = RouterLink(.stub, id: address, data: ~0, cost: 0)
        let cost = isStubRouter ? OSPFProtocol.largestCost : own.cost
        switch interface.state {
        case .down: return []
        case .loopback: return [host]
        case .waiting: return [stub]
        case .pointToPoint:
            let full = interface.neighbors.filter(\.isAdjacent)
            if own.network == .virtual {
                return full.map {
                    RouterLink(.virtual, id: $0.router.rawValue, data: address, cost: cost)
                }
            }
            let own = own.network == .pointToMultipoint ? host : stub
            return full.map {
                RouterLink(.pointToPoint, id: $0.router.rawValue, data: address, cost: cost)
            } + (isHidden && !full.isEmpty ? [] : [own])
        case .neither, .backup, .designated:
            let isJoined =
                interface.state == .designated
                ? interface.hasFullNeighbor
                : interface.neighbors.contains {
                    $0.isAdjacent && $0.address == interface.designated
                }
            guard isJoined else { return [stub] }
            return [
                RouterLink(
                    .transit, id: interface.designated.rawValue, data: address, cost: cost)
            ]
        }
    }

    /// RFC 2328 §12.4.2.
    private mutating func sayNetwork(_ number: Int) -> Instant? {
        guard let own = settings.interfaces[number] else { return nil }
        let interface = interfaces[number]
        let (scope, id) = (Scope.area(interface.area), own.address.address)
        guard interface.state == .designated, interface.hasFullNeighbor else {
            let known = database.find(scope, .network, id, settings.router)
            if let known { flush(known) }
            return nil
        }
        let routers = interface.neighbors.filter(\.isAdjacent).map(\.router)
        return say(
            scope, .network, id, settings.areas[interface.area].lsaOptions,
            LSA.networkBody(
                own.hidesNetwork ? IPv4Prefix(id, length: 32) : own.address.prefix,
                [settings.router] + routers.sorted()))
    }

    // MARK: Externals

    /// Looks at all networks outside whose prefixes begin with an address (RFC 2328 §12.4.4).
    private mutating func sayExternals(_ address: IPv4Address) {
        sayExternals(address, .system, .external)
        for area in areas.indices where settings.areas[area].isNSSA {
            sayExternals(address, .area(area), .nssa)
        }
    }

    private mutating func sayExternals(_ address: IPv4Address, _ scope: Scope, _ type: LSAType) {
        let wanted = (0...32).compactMap { external(IPv4Prefix(address, length: $0), scope) }
            .filter { $0.prefix.address == address }
        var ids: Set<IPv4Address> = []
        for (id, route) in zip(LinkStateID.assign(wanted.map(\.prefix)), wanted) {
            guard let id else { continue }
            ids.insert(id)
            let due = say(scope, type, id, externalOptions(route, scope), LSA.externalBody(route))
            if let due { externalsDue.append((address, due)) }
        }
        // What was said under one of the ids that prefixes of this address can have.
        for length in 0...32 {
            let id = IPv4Address(address.rawValue | ~IPv4Prefix.mask(length))
            guard !ids.contains(id),
                let known = database.find(scope, type, id, settings.router),
                let prefix = database[known].lsa.prefix
            else { continue }
            if external(prefix, scope) == nil || prefix.address == address { flush(known) }
        }
    }
}

/// Networks that differ by their masks alone need ids of their own (RFC 2328 §E).
enum LinkStateID {
    /// The ids of prefixes, shorter ones first: the first of an address has that for its id, longer
    /// ones have all host bits set; nil where none is left.
    static func assign(_ prefixes: [IPv4Prefix]) -> [IPv4Address?] {
        var used: Set<IPv4Address> = []
        return prefixes.map { prefix in
            let last = IPv4Address(prefix.address.rawValue | ~prefix.mask)
            return [prefix.address, last].first { used.insert($0).inserted }
        }
    }
}
