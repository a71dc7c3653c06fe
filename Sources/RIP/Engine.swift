internal import Memory
internal import Signing
public import Timing
public import Wire

/// A speaker of RIP version 2 (RFC 2453): what it heard, what it says, and when.
///
/// No clock, random source, socket or log: `now` is an argument and everything else an effect.
/// The rule that gives the protocol its sense stands in `BellmanFord.swift`, what is taken in is
/// judged in `Input.swift`, what is said is written in `Output.swift`.
public struct RIPEngine: ~Copyable {
    /// What was asked for.
    public private(set) var settings: RIPSettings

    /// Above every metric: any neighbour's route is closer.
    static let unlimited: UInt8 = 255

    var table: Table
    var interfaces: [Interface]
    /// Stable numbers: announcements refer to them.
    var neighbors: [Neighbor] = []
    var random: Random
    /// What to add to the monotonic clock for seconds since 1970.
    private var wallOffset: Int64
    private var lastSequence: UInt32 = 0
    /// Destinations with the change flag set, in order.
    var changed: [UInt32] = []
    /// Until then changes are collected (RFC 2453 §3.10.1).
    var pauseUntil: Instant
    /// Destinations announced as unreachable.
    var lost = 0
    /// Destinations that only ways surely leading away from us are taken for.
    var held = 0
    /// When neighbours are asked for what was lost, and how often they were.
    var nextAsk: Instant?
    var asks = 0
    var jobs: [OutputJob] = []
    var nextBurst: Instant
    /// The tick up to which timers have run.
    private var lastTick: UInt32

    /// One side of the router.
    struct Interface {
        var isUp = false
        /// When the whole table is sent next.
        var nextUpdate = Instant.zero
        /// By `RIPDrop.rawValue`.
        var drops = [UInt64](repeating: 0, count: RIPDrop.allCases.count)
        var packetsIn: UInt64 = 0
        var packetsOut: UInt64 = 0
    }

    /// A router heard.
    struct Neighbor {
        var interface: Int
        var address: IPv4Address
        var heard: Instant
        var isUp = true
        var version: UInt8 = 2
        /// The last sequence number accepted; nil before the first packet signed with a key.
        var sequence: UInt32?
        var badPackets: UInt64 = 0
        var badRoutes: UInt64 = 0
    }

    /// A speaker that says nothing before an interface is up.
    ///
    /// - Parameter wallSeconds: Seconds since 1970 at `now`, for lifetimes of keys and for sequence
    ///   numbers, which thereby do not fall over a restart (RFC 4822 §3.1).
    public init(_ settings: RIPSettings, random: Random, wallSeconds: Int64, at now: Instant) {
        var source = random
        self.settings = settings
        table = Table(
            routes: settings.limits.routes, key: HashKey(source.next(), source.next()))
        interfaces = settings.interfaces.map { _ in Interface() }
        self.random = source
        wallOffset = wallSeconds - now.wholeSeconds
        pauseUntil = now
        nextBurst = now
        lastTick = TimerWheel.ticks(now)
    }

    // MARK: Events

    /// The link of an interface came up or went down.
    public mutating func setInterface(
        _ number: Int, isUp: Bool, at now: Instant, into effects: inout RIPEffects
    ) {
        guard interfaces[number].isUp != isUp else { return }
        interfaces[number].isUp = isUp
        guard settings.interfaces[number] != nil else { return }
        if isUp {
            begin(number, at: now)
        } else {
            end(number, at: now, into: &effects)
        }
    }

    /// Takes on new settings; `limits` stay. What a filter denies from now on is told to be
    /// unreachable, not just left out.
    public mutating func apply(
        _ new: RIPSettings, at now: Instant, into effects: inout RIPEffects
    ) {
        let old = settings
        for number in interfaces.indices where old.interfaces[number] != new.interfaces[number] {
            withdrawDenied(number, new.interfaces[number])
        }
        flush(at: now, into: &effects)
        settings.timers = new.timers
        settings.connected = new.connected
        settings.interfaces = new.interfaces
        for number in interfaces.indices where interfaces[number].isUp {
            switch (old.interfaces[number], new.interfaces[number]) {
            case (nil, .some): begin(number, at: now)
            case (.some, nil): end(number, at: now, into: &effects)
            default: break
            }
        }
        reviewAll(at: now, into: &effects)
    }

    /// Tells every neighbour that nothing is reachable by us any more, before the end.
    public mutating func stop(at now: Instant, into effects: inout RIPEffects) {
        jobs.removeAll()
        for number in interfaces.indices where speaks(number) { withdrawDenied(number, nil) }
        flush(at: now, into: &effects)
    }

    /// Takes in a network of ours, or another source's route that is in use.
    public mutating func originate(
        _ route: RIPLocalRoute, at now: Instant, into effects: inout RIPEffects
    ) {
        guard let number = table.findOrMake(route.prefix) else {
            if let first = interfaces.indices.first { count(.tableFull, on: first) }
            return
        }
        var entry = table.destinations[number]
        entry.flags.insert(.local)
        entry.localMetric = route.metric
        entry.tag = route.tag
        entry.localInterface = route.interface.map { UInt8(truncatingIfNeeded: $0 + 1) } ?? 0
        entry.localGateway = route.gateway?.rawValue ?? 0
        table.destinations[number] = entry
        choose(number, isNews: true, at: now, into: &effects)
    }

    /// Takes a route of ours back.
    public mutating func withdraw(
        _ prefix: IPv4Prefix, at now: Instant, into effects: inout RIPEffects
    ) {
        guard let number = table.find(prefix), table.destinations[number].isLocal else { return }
        table.destinations[number].flags.remove(.local)
        choose(number, isNews: true, at: now, into: &effects)
    }

    // MARK: Time

    /// When `tick` has something to do next; nil for never.
    public var nextDeadline: Instant? {
        var next: Instant?
        func consider(_ moment: Instant) { next = min(next ?? moment, moment) }
        for number in interfaces.indices where speaks(number) {
            consider(interfaces[number].nextUpdate)
        }
        if !changed.isEmpty { consider(pauseUntil) }
        if let nextAsk { consider(nextAsk) }
        if !jobs.isEmpty { consider(nextBurst) }
        if table.wheel.count > 0 || neighbors.contains(where: \.isUp) {
            let step: Int64 = held > 0 ? 1 : 4
            let tick = (Int64(lastTick) + step) * TimerWheel.tick.nanoseconds
            consider(Instant(nanoseconds: tick))
        }
        return next
    }

    /// Works off timers; call at `nextDeadline` or later.
    public mutating func tick(at now: Instant, into effects: inout RIPEffects) {
        let tick = TimerWheel.ticks(now)
        if tick != lastTick {
            lastTick = tick
            runTimers(at: now, tick, into: &effects)
            checkNeighbors(at: now, into: &effects)
        }
        for number in interfaces.indices
        where speaks(number) && interfaces[number].nextUpdate <= now {
            interfaces[number].nextUpdate = nextUpdate(after: now)
            sayAll(on: number)
        }
        triggerUpdate(at: now)
        ask(at: now)
        send(at: now, into: &effects)
    }

    private mutating func runTimers(
        at now: Instant, _ tick: UInt32, into effects: inout RIPEffects
    ) {
        while let record = table.wheel.popExpired(at: tick) {
            let most = UInt32(table.announcements.count)
            if record < most {
                timeOut(record, at: now, into: &effects)
            } else {
                review(record - most, at: now, into: &effects)
            }
        }
    }

    /// A sixth of the period more or less, so that neighbours do not fall into step
    /// (RFC 2453 §3.8).
    private mutating func nextUpdate(after now: Instant) -> Instant {
        let period = settings.timers.update
        let sixth = Int(period.nanoseconds / 6)
        let offset = Int64(random.below(max(2 * sixth, 1)) - sixth)
        return now + Interval(nanoseconds: period.nanoseconds + offset)
    }

    // MARK: Interfaces and neighbours

    /// Whether anything is sent on an interface.
    func speaks(_ number: Int) -> Bool {
        guard interfaces[number].isUp, let own = settings.interfaces[number] else { return false }
        return !own.isPassive || !own.neighbors.isEmpty
    }

    private mutating func begin(_ number: Int, at now: Instant) {
        guard speaks(number) else { return }
        interfaces[number].nextUpdate = nextUpdate(after: now)
        askEverything(on: number)
        sayAll(on: number)
        nextBurst = min(nextBurst, now)
    }

    private mutating func end(
        _ number: Int, at now: Instant, into effects: inout RIPEffects
    ) {
        jobs.removeAll { $0.interface == number }
        for index in neighbors.indices
        where neighbors[index].interface == number && neighbors[index].isUp {
            neighbors[index].isUp = false
            effects.events.append(
                .neighborDown(interface: number, neighbors[index].address))
        }
        forget(at: now, into: &effects) { $0.interface == number }
    }

    /// Somebody else has found out that a neighbour is out of reach (RFC 5882 §4.2.1): it is gone,
    /// and what it announced.
    public mutating func loseNeighbor(
        at address: IPv4Address, on interface: Int, at now: Instant,
        into effects: inout RIPEffects
    ) {
        guard let index = neighbor(at: address, on: interface), neighbors[index].isUp else {
            return
        }
        neighbors[index].isUp = false
        effects.events.append(.neighborDown(interface: interface, address))
        forget(at: now, into: &effects) { Int($0.neighbor) == index }
    }

    /// Judges everything kept by new settings.
    private mutating func reviewAll(at now: Instant, into effects: inout RIPEffects) {
        for number in 0..<table.limit where table.destinations[number].flags.contains(.inUse) {
            var next = table.destinations[number].first
            while next != 0 {
                let announcement = table.announcements[next - 1]
                if let own = settings.interfaces[Int(announcement.interface)] {
                    table.announcements[next - 1].distance = min(
                        announcement.metric + own.cost, RIPProtocol.infinity)
                }
                next = announcement.next
            }
        }
        let (settings, destinations) = (settings, table.destinations)
        forget(at: now, into: &effects) { announcement in
            guard let own = settings.interfaces[Int(announcement.interface)] else { return true }
            let prefix = destinations[announcement.destination].prefix
            return announcement.distance >= RIPProtocol.infinity
                || (try? settings.check(prefix, own)) == nil
        }
        for number in 0..<table.limit where table.destinations[number].flags.contains(.inUse) {
            choose(number, isNews: false, at: now, into: &effects)
        }
    }

    /// Routers not heard for as long as a route lives are gone.
    private mutating func checkNeighbors(at now: Instant, into effects: inout RIPEffects) {
        for index in neighbors.indices where neighbors[index].isUp {
            let neighbor = neighbors[index]
            guard now - neighbor.heard > settings.timers.timeout else { continue }
            neighbors[index].isUp = false
            effects.events.append(
                .neighborDown(interface: neighbor.interface, neighbor.address))
        }
    }

    mutating func count(_ drop: RIPDrop, on interface: Int) {
        interfaces[interface].drops[Int(drop.rawValue)] &+= 1
    }

    // MARK: Wall clock

    /// Seconds since 1970.
    func wall(_ now: Instant) -> Int64 { now.wholeSeconds + wallOffset }

    /// The wall clock was set.
    public mutating func setWall(_ seconds: Int64, at now: Instant) {
        wallOffset = seconds - now.wholeSeconds
    }

    /// Sequence numbers follow the clock and never fall.
    mutating func signature(on interface: Int, at now: Instant) -> Signature {
        let wall = wall(now)
        lastSequence = max(lastSequence, UInt32(clamping: wall))
        let own = settings.interfaces[interface]?.authentication
        return Signature(
            own ?? PacketAuthentication.none, wall: wall, sequence: lastSequence)
    }
}

/// A network that we announce ourselves.
public struct RIPLocalRoute: Hashable, Sendable {
    /// The destinations.
    public var prefix: IPv4Prefix
    /// As announced, 1 to 15.
    public var metric: UInt8
    /// As announced.
    public var tag: UInt16
    /// The interface it leads by, if it is one that may speak RIP.
    public var interface: Int?
    /// The router it leads to; nil for a connected network.
    public var gateway: IPv4Address?

    /// A route of these fields.
    public init(
        _ prefix: IPv4Prefix, metric: UInt8 = 1, tag: UInt16 = 0, interface: Int? = nil,
        gateway: IPv4Address? = nil
    ) {
        self.prefix = prefix
        self.metric = metric
        self.tag = tag
        self.interface = interface
        self.gateway = gateway
    }
}

extension Instant {
    /// Whole seconds since the start of the clock, rounded down.
    var wholeSeconds: Int64 { (self - .zero).wholeSeconds }
}
