internal import Memory
public import Timing
public import Wire

/// A speaker of OSPF version 2 (RFC 2328): its neighbours, its databases, its routes.
///
/// No clock, random source, socket or log: `now` is an argument and everything else an effect. An
/// event is taken in (`Input`, `HelloProtocol`, `Exchange`, `Flooding`), then `settle` does what
/// follows from it: elections, LSAs of our own (`Origination`), routes (`Calculation`).
public struct OSPFEngine: ~Copyable {
    /// What was asked for.
    public internal(set) var settings: OSPFSettings

    var interfaces: [Interface]
    var areas: [Area]
    var database: Database
    /// Until when others shall not send through us because we have just begun.
    var stubUntil: Instant?
    /// Whether they shall not any more because we are about to end.
    var isRetiring = false
    /// While we come back from a restart; else nil.
    var restart: Restart?
    /// Networks outside that we announce.
    var externals: [IPv4Prefix: OSPFExternal] = [:]
    /// What LSAs say of networks, and the routes found.
    var table: RouteTable
    var hops: HopSets
    /// Ranges of ours that were given out.
    var discarded: [ActiveRange] = []
    /// Whether the table has to be made anew, and the ways to the edge looked for.
    var isTableStale = true
    var areBoundariesDue = true
    /// Networks outside that not-so-stubby areas announce and could be told of: by area; and those
    /// that we tell the others of.
    var translatable: [Translatable] = []
    var translated: [IPv4Prefix: OSPFExternal] = [:]
    /// The best ways to routers at the edge of the system.
    var boundaries: [IPv4Address: BoundaryRoute] = [:]
    /// Areas that carry virtual links, ours or others'.
    var transits: [Int] = []
    /// Whether paths may lead through such areas.
    var resolvesPaths = false
    var random: Random
    /// What to add to the monotonic clock for seconds since 1970.
    private var wallOffset: Int64
    private var lastSequence: UInt32 = 0
    /// The last long sequence number: seconds since 1970 at the start, then a count of packets.
    private var lastLongSequence: UInt64

    /// The moment of the event at hand, and what follows from it.
    var now: Instant
    var out = OSPFEffects()

    /// Whether neighbours may be waiting for their turn to come up, and until when at most.
    var isAnyWaiting = false
    var turnAt: Instant?
    /// LSAs at MaxAge that wait for acknowledgements, and whether one may have them all.
    var flushed: [UInt32] = []
    var mayRemove = false
    /// The highest sequence number of LSAs of ours that were flushed, if it is not very high.
    var lastFlushed = OSPFProtocol.initialSequence - 1
    /// LSAs that were flushed before they came.
    var overtaken = Overtaken()
    var sentBack = SentBack()
    /// LSAs of ours of which a newer instance is needed.
    var stale: [UInt32] = []
    /// Addresses of externals to be looked at, and when.
    var externalsDue: [(address: IPv4Address, due: Instant)] = []
    var summariesDue: Instant?
    var summaryMark: UInt16 = 0
    var wasBorder = false
    var wasBoundary = false
    /// When routes are calculated next, no sooner than when, and the pause after that.
    var calculateAt: Instant?
    var calculationCause = OSPFCause.settings
    var nextCalculation: Instant
    var lastCalculation: Instant
    var calculationPause = Interval(nanoseconds: 0)
    /// Times that Dijkstra ran.
    var treeRuns = 0
    /// What keeps routers from being neighbours, and two values that are to be noted with it.
    var noted: [OSPFFault] = []
    var difference: (theirs: UInt32, ours: UInt32)?
    /// The tick up to which timers of LSAs have run.
    private var lastTick: UInt32

    /// A speaker that says nothing before an interface is up.
    ///
    /// - Parameter wallSeconds: Seconds since 1970 at `now`, for lifetimes of keys and for sequence
    ///   numbers, which thereby do not fall over a restart (RFC 2328 §D.3).
    public init(_ settings: OSPFSettings, random: Random, wallSeconds: Int64, at now: Instant) {
        var source = random
        self.settings = settings
        let key = HashKey(source.next(), source.next())
        database = Database(capacity: settings.limits.lsas, key: key)
        table = RouteTable(key)
        hops = HopSets(most: settings.limits.ways)
        interfaces = settings.interfaces.map {
            Interface(area: settings.number(of: $0?.area), network: $0?.network ?? .broadcast)
        }
        areas = settings.areas.map { _ in Area() }
        self.random = source
        wallOffset = wallSeconds - (now - .zero).wholeSeconds
        lastLongSequence = UInt64(UInt32(clamping: wallSeconds)) << 32
        self.now = now
        stubUntil = settings.stubAtStart > .seconds(0) ? now + settings.stubAtStart : nil
        nextCalculation = now
        lastCalculation = now
        lastTick = TimerWheel.ticks(now)
    }

    // MARK: Events

    /// The link of an interface came up or went down.
    public mutating func setInterface(
        _ number: Int, isUp: Bool, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        interfaces[number].isUp = isUp
        if let own = settings.interfaces[number] {
            if !isUp {
                handle(number, .interfaceDown)
            } else if own.network == .loopback {
                handle(number, .loopInd)
            } else {
                handle(number, .interfaceUp)
            }
        }
        finish(&effects)
    }

    /// Takes on new settings; `limits` stay. With another router id or other areas everything
    /// begins anew, with other settings of an interface that interface does, but for its keys.
    public mutating func apply(
        _ new: OSPFSettings, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        let isOther = new.router != settings.router || new.areas != settings.areas
        let changed = interfaces.indices.filter {
            isOther || !OSPFInterfaceSettings.areAlike(new[$0], settings.interfaces[$0])
        }
        if isOther { flushOwn() }
        for number in changed {
            sendFarewell(number)
            handle(number, .interfaceDown)
            // A virtual link would come up again at once.
            if isVirtual(number) {
                interfaces[number].path = nil
                settings.interfaces[number] = nil
            }
        }
        settle()
        take(new)
        if isOther {
            for number in database.records.indices where database.records[number] != nil {
                database.remove(UInt32(truncatingIfNeeded: number))
            }
            (flushed, stale) = ([], [])
            areas = settings.areas.map { _ in Area() }
            isTableStale = true
            (translatable, translated) = ([], [:])
            (wasBorder, wasBoundary) = (false, false)
            externalsDue = externals.keys.sorted().map { ($0.address, now) }
        }
        for number in changed where interfaces.indices.contains(number) {
            interfaces[number].area = settings.number(of: settings.interfaces[number]?.area)
            interfaces[number].network = settings.interfaces[number]?.network ?? .broadcast
        }
        for area in areas.indices { touchRouter(area) }
        wantRoutes(because: .settings)
        finish(&effects)
        for number in changed where interfaces.indices.contains(number) && interfaces[number].isUp {
            setInterface(number, isUp: true, at: now, into: &effects)
        }
    }

    /// Has other settings in the place of those there were; virtual links may come and go.
    private mutating func take(_ new: OSPFSettings) {
        let old = settings
        settings = new
        settings.limits = old.limits
        for number in interfaces.indices
        where old[number]?.authentication != new[number]?.authentication {
            interfaces[number].longSequences = [:]
        }
        for number in interfaces.indices where interfaces[number].path != nil {
            guard let was = old[number] else { continue }
            settings.interfaces[number]?.address = was.address
            settings.interfaces[number]?.cost = was.cost
        }
        interfaces.removeLast(max(interfaces.count - new.interfaces.count, 0))
        for own in new.interfaces[interfaces.count...] {
            interfaces.append(
                Interface(area: settings.number(of: own?.area), network: own?.network ?? .broadcast)
            )
        }
    }

    /// Asks others not to send through us any more, some time before the end (RFC 6987 §2).
    public mutating func retire(at now: Instant, into effects: inout OSPFEffects) {
        begin(at: now, &effects)
        isRetiring = true
        for area in areas.indices { touchRouter(area) }
        finish(&effects)
    }

    /// Takes back everything that we have said, before the end (RFC 2328 §14.1), and leaves: a
    /// neighbour may not take it back if it came a moment ago.
    public mutating func stop(at now: Instant, into effects: inout OSPFEffects) {
        begin(at: now, &effects)
        flushOwn()
        for number in interfaces.indices { sendFarewell(number) }
        swap(&out, &effects)
    }

    /// Has everyone forget what we have said.
    private mutating func flushOwn() {
        for number in database.records.indices {
            guard let record = database.records[number], record.isOwn, !record.isFlushed else {
                continue
            }
            flush(UInt32(truncatingIfNeeded: number))
        }
        sendFlooding()
    }

    /// Announces a network outside the autonomous system, or its new values.
    public mutating func originate(
        _ route: OSPFExternal, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        externals[route.prefix] = route
        externalsDue.append((route.prefix.address, now))
        finish(&effects)
    }

    /// Takes such a network back.
    public mutating func withdraw(
        _ prefix: IPv4Prefix, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        if externals.removeValue(forKey: prefix) != nil {
            externalsDue.append((prefix.address, now))
        }
        finish(&effects)
    }

    /// Somebody else has found out that a neighbour is out of reach, sooner than its silence would
    /// tell (RFC 5882 §4.2.1): what follows is what follows from that.
    public mutating func loseNeighbor(
        at address: IPv4Address, on number: Int, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        for index in interfaces[number].neighbors.indices
        where interfaces[number].neighbors[index].address == address
            && interfaces[number].neighbors[index].graceUntil == nil
        {
            handle(number, index, .inactivityTimer)
        }
        finish(&effects)
    }

    // MARK: Time

    /// When `tick` has something to do next; nil for never.
    public var nextDeadline: Instant? {
        var next = calculateAt
        func consider(_ moment: Instant?) {
            if let moment { next = min(next ?? moment, moment) }
        }
        // By index: a copy of what is known of a neighbour would cost more than all else here.
        for number in interfaces.indices where interfaces[number].state != .down {
            consider(interfaces[number].nextHello)
            consider(interfaces[number].waitUntil)
            consider(interfaces[number].acknowledgeAt)
            consider(interfaces[number].networkDue)
            if !interfaces[number].flooding.isEmpty { consider(interfaces[number].floodingAt) }
            for index in interfaces[number].neighbors.indices {
                let grace = interfaces[number].neighbors[index].graceUntil
                consider(grace ?? interfaces[number].neighbors[index].deadline)
                consider(interfaces[number].neighbors[index].exchange.retry)
                consider(interfaces[number].neighbors[index].requests.retry)
                consider(interfaces[number].neighbors[index].retransmission.nextDue)
            }
        }
        consider(turnAt)
        consider(restart?.end)
        consider(stubUntil)
        for area in areas {
            consider(area.routerDue)
            consider(area.translatesUntil)
        }
        consider(summariesDue)
        for pending in externalsDue { consider(pending.due) }
        if database.hasTimers {
            consider(
                Instant(nanoseconds: (Int64(lastTick) + 4) * TimerWheel.tick.nanoseconds))
        }
        return next
    }

    /// Works off timers; call at `nextDeadline` or later.
    public mutating func tick(at now: Instant, into effects: inout OSPFEffects) {
        begin(at: now, &effects)
        let tick = TimerWheel.ticks(self.now)
        if tick != lastTick {
            lastTick = tick
            ageDatabase(tick)
        }
        for number in interfaces.indices where interfaces[number].state != .down {
            runTimers(of: number)
        }
        finish(&effects)
    }

    private mutating func runTimers(of number: Int) {
        guard let own = settings.interfaces[number] else { return }
        if let due = interfaces[number].waitUntil, due <= now { handle(number, .waitTimer) }
        for index in interfaces[number].neighbors.indices {
            if let end = interfaces[number].neighbors[index].graceUntil {
                if end <= now { endHelping(number, index, .expired) }
            } else if interfaces[number].neighbors[index].deadline <= now {
                handle(number, index, .inactivityTimer)
            }
            retransmit(number, index, own)
        }
        speak(number, own)
    }

    /// Says the hellos and acknowledgements that are due, and nothing else: for a caller that is
    /// still busy with what it has heard and cannot tell yet who is silent (RFC 4222 §2).
    public mutating func keepInTouch(at moment: Instant, into effects: inout OSPFEffects) {
        let before = now
        begin(at: moment, &effects)
        for number in interfaces.indices where interfaces[number].state != .down {
            if let own = settings.interfaces[number] { speak(number, own) }
        }
        now = before
        swap(&out, &effects)
    }

    private mutating func speak(_ number: Int, _ own: OSPFInterfaceSettings) {
        if let due = interfaces[number].acknowledgeAt, due <= now { sendAcknowledgements(number) }
        if let due = interfaces[number].nextHello, due <= now { sendHello(number, own) }
    }

    mutating func begin(at now: Instant, _ effects: inout OSPFEffects) {
        self.now = max(now, self.now)
        swap(&out, &effects)
    }

    mutating func finish(_ effects: inout OSPFEffects) {
        settle()
        swap(&out, &effects)
    }

    /// Does everything that is due now. One thing leads to another, but not for ever: whatever
    /// could go in circles has its pauses.
    private mutating func settle() {
        for _ in 0..<16 {
            checkRestart()
            let work = [
                electAll(), finishLoading(), giveTurns(), originate(), calculate(), removeFlushed(),
            ]
            if !work.contains(true) { break }
        }
        for number in interfaces.indices {
            interfaces[number].neighbors.removeAll { $0.state == .down }
        }
        sendFlooding()
    }

    // MARK: Wall clock

    /// Seconds since 1970.
    var wall: Int64 { (now - .zero).wholeSeconds + wallOffset }

    /// The wall clock was set.
    public mutating func setWall(_ seconds: Int64, at now: Instant) {
        wallOffset = seconds - (now - .zero).wholeSeconds
    }

    // MARK: Output

    /// Sends a packet. Sequence numbers follow the clock and never fall (RFC 2328 §D.3), or rise
    /// with each packet (RFC 7474 §2).
    mutating func send(
        _ kind: PacketKind, _ body: [UInt8], to destination: IPv4Address, on number: Int
    ) {
        guard let own = settings.interfaces[number] else { return }
        let path = interfaces[number].path
        if own.network == .virtual, path == nil { return }
        lastSequence = max(lastSequence, UInt32(clamping: wall))
        lastLongSequence += own.hasLongSequence ? 1 : 0
        let source = own.address.address
        let long = LongSequence(number: lastLongSequence, source: source)
        interfaces[number].packetsOut &+= 1
        out.packets.append(
            OSPFPacket(
                interface: path?.way.interface ?? number, source: source,
                destination: path?.peer ?? destination, gateway: path?.way.gateway,
                bytes: own.authentication.packet(
                    kind, body, router: settings.router, area: own.area, wall: wall,
                    sequence: lastSequence, long: own.hasLongSequence ? long : nil)))
    }

    /// Where packets for one neighbour go: on point-to-point links to all, and where that is on
    /// virtual links `send` knows (RFC 2328 §8.1).
    func destination(_ number: Int, _ index: Int) -> IPv4Address {
        interfaces[number].network.hasTwoEnds
            ? OSPFProtocol.allRouters : interfaces[number].neighbors[index].address
    }

    /// Where packets for all neighbours go (RFC 2328 §13.3 and §13.5).
    func destinations(_ number: Int) -> [IPv4Address] {
        let interface = interfaces[number]
        switch interface.network {
        case .pointToMultipoint, .nonBroadcast:
            return interface.neighbors.filter { $0.state >= .exchange }.map(\.address)
        case .pointToPoint, .virtual, .broadcast, .loopback:
            let isForAll = interface.network.hasTwoEnds || interface.isDesignated
            return [isForAll ? OSPFProtocol.allRouters : OSPFProtocol.allDesignated]
        }
    }

    mutating func count(_ drop: OSPFDrop, on interface: Int) {
        interfaces[interface].drops[Int(drop.rawValue)] &+= 1
    }
}

extension OSPFSettings {
    /// The settings of an interface; nil if there is no such one.
    public subscript(number: Int) -> OSPFInterfaceSettings? {
        interfaces.indices.contains(number) ? interfaces[number] : nil
    }

    /// The number of an area; the first if there is none of this id.
    func number(of area: IPv4Address?) -> Int { areas.firstIndex { $0.id == area } ?? 0 }
}
