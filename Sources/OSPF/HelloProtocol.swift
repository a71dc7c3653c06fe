internal import Timing
internal import Wire

// Who is there (RFC 2328 §9.5 and §10.5), and what follows for interfaces and neighbours.
extension OSPFEngine {
    // MARK: Hellos

    mutating func sendHello(_ number: Int, _ own: OSPFInterfaceSettings) {
        interfaces[number].nextHello = now + own.helloInterval
        let hello = hello(number, own)
        for target in greeted(number, own) { send(.hello, hello.bytes, to: target, on: number) }
    }

    private func hello(_ number: Int, _ own: OSPFInterfaceSettings) -> Hello {
        let interface = interfaces[number]
        return Hello(
            mask: own.mask, helloInterval: own.helloSeconds,
            options: settings.areas[interface.area].options, priority: own.priority,
            deadInterval: own.deadSeconds, designated: interface.designated,
            backup: interface.backup,
            neighbors: interface.neighbors.filter { $0.state >= .initial }.map(\.router))
    }

    /// Who gets a hello now: all, or each one that has to (RFC 2328 §9.5.1).
    private mutating func greeted(
        _ number: Int, _ own: OSPFInterfaceSettings
    ) -> [IPv4Address] {
        guard own.isUnicast else { return [OSPFProtocol.allRouters] }
        let interface = interfaces[number]
        let isAttempt = now < interface.attemptUntil
        let isPoll = isAttempt || interface.nextPoll <= now
        if isPoll {
            interfaces[number].nextPoll = now + (isAttempt ? .seconds(0) : own.pollInterval)
        }
        let heard = Set(interface.neighbors.map(\.address))
        let ineligible = Set(
            own.named.filter { !$0.isEligible }.map(\.address)
                + interface.neighbors.filter { $0.priority == 0 }.map(\.address))
        let silent = isPoll ? own.named.map(\.address).filter { !heard.contains($0) } : []
        let all = heard.union(silent).sorted()
        guard own.network == .nonBroadcast, !interface.isDesignated else { return all }
        if own.priority > 0 { return all.filter { !ineligible.contains($0) } }
        return all.filter { $0 == interface.designated || $0 == interface.backup }
    }

    /// Who may not become Designated Router says hello only when it is greeted (RFC 2328 §9.5.1).
    private mutating func greetBack(
        _ hello: Hello, _ source: IPv4Address, _ number: Int, _ own: OSPFInterfaceSettings
    ) {
        let interface = interfaces[number]
        guard own.network == .nonBroadcast, own.priority == 0, hello.priority > 0,
            source != interface.designated, source != interface.backup
        else { return }
        send(.hello, self.hello(number, own).bytes, to: source, on: number)
    }

    /// Has the neighbours of an interface know at once that we are gone: the last hello knows none
    /// of them.
    mutating func sendFarewell(_ number: Int) {
        guard let own = settings.interfaces[number], interfaces[number].nextHello != nil else {
            return
        }
        let hello = Hello(
            mask: own.mask, helloInterval: own.helloSeconds,
            options: settings.areas[interfaces[number].area].options, priority: 0,
            deadInterval: own.deadSeconds, designated: .unspecified, backup: .unspecified,
            neighbors: [])
        let targets =
            own.isUnicast
            ? interfaces[number].neighbors.map(\.address) : [OSPFProtocol.allRouters]
        for target in targets { send(.hello, hello.bytes, to: target, on: number) }
    }

    mutating func receive(
        _ hello: Hello, _ router: IPv4Address, _ source: IPv4Address, _ sequence: UInt64?,
        _ number: Int, _ own: OSPFInterfaceSettings
    ) throws(OSPFDrop) {
        if !own.network.hasTwoEnds, hello.mask != own.mask {
            throw differ(.helloMask, theirs: hello.mask, ours: own.mask)
        }
        let isFast = own.helloInterval < .seconds(1)
        guard isFast || hello.helloInterval == own.helloSeconds else {
            throw differ(
                .helloInterval, theirs: UInt32(hello.helloInterval), ours: UInt32(own.helloSeconds))
        }
        guard hello.deadInterval == own.deadSeconds else {
            throw differ(.deadInterval, theirs: hello.deadInterval, ours: own.deadSeconds)
        }
        let area = settings.areas[interfaces[number].area]
        let kind = hello.options.intersection([.external, .nssa])
        guard kind == area.options else {
            throw differ(
                .helloOptions, theirs: UInt32(kind.rawValue), ours: UInt32(area.options.rawValue))
        }
        guard router != .unspecified else { throw .helloRouter }

        let index = try meet(router, source, sequence, number, own)
        let before = interfaces[number].neighbors[index]
        interfaces[number].neighbors[index].deadline = now + own.deadInterval
        // Whoever restarts stays what it was before (RFC 3623 §3.1).
        let isKept = before.graceUntil != nil
        if !isKept {
            interfaces[number].neighbors[index].priority = hello.priority
            interfaces[number].neighbors[index].designated = hello.designated
            interfaces[number].neighbors[index].backup = hello.backup
        }
        if restart != nil { resumeOffice(hello, number, own) }
        handle(number, index, .helloReceived)
        greetBack(hello, source, number, own)
        guard hello.neighbors.contains(settings.router) else {
            handle(number, index, .oneWayReceived)
            return
        }
        handle(number, index, .twoWayReceived)
        if isKept { return }
        // What it says of offices, and that it said otherwise before (RFC 2328 §10.5).
        let isWaiting = interfaces[number].state == .waiting
        let (isFirst, isSecond) = (hello.designated == source, hello.backup == source)
        if isWaiting, isSecond || isFirst && hello.backup == .unspecified {
            handle(number, .backupSeen)
        }
        let wasFirst = before.designated == source
        let wasSecond = before.backup == source
        if before.priority != hello.priority || wasFirst != isFirst || wasSecond != isSecond {
            interfaces[number].needsElection = true
        }
    }

    /// The neighbour's number. One with another router id at a known address is another neighbour.
    private mutating func meet(
        _ router: IPv4Address, _ source: IPv4Address, _ sequence: UInt64?, _ number: Int,
        _ own: OSPFInterfaceSettings
    ) throws(OSPFDrop) -> Int {
        if let index = interfaces[number].neighbor(router: router, address: source) {
            if interfaces[number].neighbors[index].router == router {
                interfaces[number].neighbors[index].address = source
                return index
            }
            handle(number, index, .killNbr)
            interfaces[number].neighbors.remove(at: index)
        }
        guard interfaces[number].neighbors.count < settings.limits.neighbors else {
            throw .neighborLimit
        }
        interfaces[number].neighbors.append(
            Neighbor(
                router: router, address: source, deadline: now + own.deadInterval,
                sequence: sequence))
        // It learns that we hear it without waiting for our next hello.
        interfaces[number].nextHello = now
        return interfaces[number].neighbors.count - 1
    }

    // MARK: Interfaces

    /// Takes an interface through its table, and does what the new state asks for.
    mutating func handle(_ number: Int, _ event: InterfaceEvent) {
        guard let own = settings.interfaces[number] else { return }
        // A passive interface hears nobody: it is up and no more.
        let step = interfaces[number].state.next(
            on: event, isPointToPoint: own.network.isPairwise && !own.isPassive,
            isEligible: own.priority > 0 && !own.isPassive)
        switch step {
        case .to(let state): enter(number, state, own)
        case .elect: elect(number, own)
        case nil: break
        }
    }

    private mutating func enter(
        _ number: Int, _ state: OSPFInterfaceState, _ own: OSPFInterfaceSettings
    ) {
        let old = interfaces[number].state
        guard old != state else { return }
        interfaces[number].state = state
        interfaces[number].waitUntil = state == .waiting ? now + own.deadInterval : nil
        out.events.append(.interface(number, from: old, to: state))
        if old == .down, state != .loopback, !own.isPassive {
            interfaces[number].nextHello = now
            interfaces[number].attemptUntil = now + own.deadInterval
        }
        if state == .down || state == .loopback {
            for index in interfaces[number].neighbors.indices {
                handle(number, index, state == .down ? .llDown : .killNbr)
            }
            interfaces[number].nextHello = nil
            interfaces[number].acknowledgeAt = nil
            interfaces[number].acknowledgements = []
            interfaces[number].flooding = []
            interfaces[number].designated = .unspecified
            interfaces[number].backup = .unspecified
        }
        interfaces[number].networkDue = now
        touchRouter(interfaces[number].area)
        wantRoutes(because: .interface(number))
    }

    /// Holds the elections that changed circumstances ask for.
    mutating func electAll() -> Bool {
        var isAny = false
        for number in interfaces.indices where interfaces[number].needsElection {
            interfaces[number].needsElection = false
            handle(number, .neighborChange)
            isAny = true
        }
        return isAny
    }

    private mutating func elect(_ number: Int, _ own: OSPFInterfaceSettings) {
        let address = own.address.address
        let (first, second) = (interfaces[number].designated, interfaces[number].backup)
        let election = Election(
            Candidate(
                router: settings.router, address: address, priority: own.priority,
                designated: first, backup: second),
            interfaces[number].neighbors.filter { $0.state >= .twoWay || $0.graceUntil != nil }.map
            {
                Candidate(
                    router: $0.router, address: $0.address, priority: $0.priority,
                    designated: $0.designated, backup: $0.backup)
            })
        interfaces[number].designated = election.designated
        interfaces[number].backup = election.backup
        enter(
            number,
            election.designated == address
                ? .designated : election.backup == address ? .backup : .neither, own)
        guard (first, second) != (election.designated, election.backup) else { return }
        interfaces[number].nextHello = now
        interfaces[number].networkDue = now
        touchRouter(interfaces[number].area)
        for index in interfaces[number].neighbors.indices
        where interfaces[number].neighbors[index].state >= .twoWay {
            handle(number, index, .adjOK)
        }
    }

    /// Who held an office before a restart, as neighbours still say, holds it again without an
    /// election (RFC 3623 §2.2).
    private mutating func resumeOffice(
        _ hello: Hello, _ number: Int, _ own: OSPFInterfaceSettings
    ) {
        let address = own.address.address
        let isFirst = hello.designated == address
        guard interfaces[number].state == .waiting, own.priority > 0,
            isFirst || hello.backup == address
        else { return }
        interfaces[number].designated = hello.designated
        interfaces[number].backup = hello.backup
        enter(number, isFirst ? .designated : .backup, own)
        for index in interfaces[number].neighbors.indices { handle(number, index, .adjOK) }
    }

    // MARK: Neighbours

    /// Whether databases are to be exchanged (RFC 2328 §10.4).
    func wantsAdjacency(_ number: Int, _ index: Int) -> Bool {
        let interface = interfaces[number]
        let address = interface.neighbors[index].address
        return interface.state == .pointToPoint || interface.isDesignated
            || address == interface.designated || address == interface.backup
    }

    /// Takes a neighbour through its table, and does what the new state asks for.
    mutating func handle(_ number: Int, _ index: Int, _ event: NeighborEvent) {
        let old = interfaces[number].neighbors[index].state
        let new = old.next(
            on: event, isWanted: wantsAdjacency(number, index) && hasTurn(number, index),
            isLoaded: interfaces[number].neighbors[index].requests.isEmpty)
        guard let new else { return }
        interfaces[number].neighbors[index].state = new
        if new != old {
            out.events.append(
                .neighbor(
                    interface: number, router: interfaces[number].neighbors[index].router,
                    from: old, to: new))
        }
        if (old == .full) != (new == .full) {
            // The area that carries a virtual link hears of it, too.
            if isVirtual(number) { for area in areas.indices { touchRouter(area) } }
            touchRouter(interfaces[number].area)
            interfaces[number].networkDue = now
            wantRoutes(
                of: interfaces[number].area,
                because: .neighbor(number, interfaces[number].neighbors[index].router))
        }
        let isKept = interfaces[number].neighbors[index].graceUntil != nil
        if (old >= .twoWay) != (new >= .twoWay), !isKept { interfaces[number].needsElection = true }
        if old == .exchange || old == .loading { mayRemove = true }
        if old < new, new == .twoWay || new == .exStart {
            interfaces[number].neighbors[index].since = now
        }
        if new <= .exStart { forget(number, index) }
        switch new {
        case .exStart: beginExchange(number, index)
        case .exchange: summarize(number, index)
        case .full:
            interfaces[number].neighbors[index].requests.retry = nil
            forgive(interfaces[number].neighbors[index].address, on: number)
        default: break
        }
    }

    /// Clears the lists of a neighbour.
    private mutating func forget(_ number: Int, _ index: Int) {
        for lsa in interfaces[number].neighbors[index].retransmission.numbers {
            database.update(lsa) { $0.waiting -= 1 }
        }
        mayRemove = true
        interfaces[number].neighbors[index].retransmission = RetransmissionList()
        interfaces[number].neighbors[index].requests = RequestList()
        interfaces[number].neighbors[index].proposal = nil
        interfaces[number].neighbors[index].exchange.summary = []
        interfaces[number].neighbors[index].exchange.retry = nil
        interfaces[number].neighbors[index].exchange.received = nil
        interfaces[number].neighbors[index].exchange.sent = nil
    }
}
