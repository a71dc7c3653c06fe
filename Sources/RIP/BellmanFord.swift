internal import Memory
internal import Timing
internal import Wire

// How routes are chosen.
//
// Every router tells its neighbours how far each network is from it, and takes for its own distance
// the least of what they tell plus the way to them. Repeated often enough this finds the shortest
// ways (Bellman, Ford; RFC 2453 §3.4). Good news travels fast. Bad news does not: two routers that
// lost a network may each believe that the other still reaches it, and raise their distances in
// turns, which is counting to infinity. Hence the further rules:
//
// - Infinity is 16, so that counting ends soon; no way may be longer than 15.
// - Split horizon: a route is not told back to where it came from, or told as unreachable. That
//   ends loops of two routers, not of three.
// - Triggered updates: bad news is told at once, to outrun the counting; with pauses of 1 to 5 s,
//   since one change would otherwise make a storm.
// - The neighbour a route came from is believed when it takes it back or makes it longer; others
//   only when they know a shorter way.
// - Timeout: a neighbour that fell silent is no neighbour.
//
// Loop-free mode adds, without a word on the wire, the condition of DUAL and Babel: another
// neighbour's route is taken only if its distance is less than the least distance we have announced
// ourselves since we last lost the network. Nobody who routes by us can be that close, so such a
// way leads away from us, and every neighbour's announcement is kept to be taken up at once. Where
// there is none, the loss is told and the neighbours are asked. What they answer then may be one
// longer than our own least distance: they know of the loss, and whoever routes by us through
// another router is at least two behind. After a pause in which the news spreads any answer will
// do; who gave none is not believed any more.
extension RIPEngine {
    /// What a good entry says.
    struct Heard {
        var prefix: IPv4Prefix
        /// 1 to 16.
        var metric: UInt8
        var tag: UInt16
        var gateway: IPv4Address
    }

    /// D(i,j) = min over neighbours k of d(i,k) + D(k,j): takes in D(k,j) as one neighbour tells
    /// it (RFC 2453 §3.9.2).
    mutating func relax(
        _ heard: Heard, from neighbor: UInt16, on interface: Int, at now: Instant,
        into effects: inout RIPEffects
    ) throws(RIPDrop) {
        let cost = settings.interfaces[interface]?.cost ?? 1
        let distance = min(heard.metric + cost, RIPProtocol.infinity)
        let known = table.find(heard.prefix)

        // The same gateway is believed whatever it says.
        if let number = known,
            let announcement = table.announcement(of: neighbor, about: number)
        {
            let old = table.announcements[announcement]
            guard distance < RIPProtocol.infinity else {
                table.remove(announcement: announcement)
                choose(number, isNews: old.isUsed, at: now, into: &effects)
                return
            }
            table.announcements[announcement].metric = heard.metric
            table.announcements[announcement].distance = distance
            table.announcements[announcement].tag = heard.tag
            table.announcements[announcement].gateway = heard.gateway.rawValue
            table.announcements[announcement].flags.remove(.stale)
            table.restart(announcement, deadline: timeout(after: now))
            let isSame =
                old.distance == distance && old.tag == heard.tag
                && old.gateway == heard.gateway.rawValue && !old.flags.contains(.stale)
            if !isSame { choose(number, isNews: old.isUsed, at: now, into: &effects) }
            return
        }

        // From another one, "unreachable" is no news, and only a shorter way is.
        guard distance < RIPProtocol.infinity else { return }
        if let known, !isWanted(distance, about: known, on: interface, at: now) { return }
        guard let number = known ?? table.findOrMake(heard.prefix) else { throw .tableFull }
        let announcement = Announcement(
            destination: number, next: 0, gateway: heard.gateway.rawValue, neighbor: neighbor,
            tag: heard.tag, metric: heard.metric, distance: distance,
            interface: UInt8(truncatingIfNeeded: interface), flags: [])
        guard let added = table.add(announcement) else {
            if known == nil { table.remove(number) }
            throw .tableFull
        }
        table.restart(added, deadline: timeout(after: now))
        choose(number, isNews: false, at: now, into: &effects)
    }

    /// Whether an announcement of a neighbour that has none of the destination yet is kept: all in
    /// loop-free mode, else shorter ones, equal ones beside the one in use, and instead of it when
    /// that has not been confirmed for half its time (RFC 2453 §3.9.2).
    private mutating func isWanted(
        _ distance: UInt8, about number: UInt32, on interface: Int, at now: Instant
    ) -> Bool {
        if settings.interfaces[interface]?.isLoopFree == true { return true }
        let entry = table.destinations[number]
        guard distance == entry.metric, !entry.isLocal else { return distance < entry.metric }
        if settings.limits.ways > 1 { return true }
        guard entry.best != 0, let deadline = table.wheel.deadline(of: entry.best - 1),
            deadline &- TimerWheel.ticks(now) <= TimerWheel.ticks(settings.timers.timeout) / 2
        else { return false }
        table.remove(announcement: entry.best - 1)
        return true
    }

    /// Whether a way cannot lead back to us, as far as is known.
    private func isFeasible(_ announcement: Announcement, _ entry: Destination) -> Bool {
        if announcement.isUsed || announcement.metric < entry.feasible { return true }
        if settings.interfaces[Int(announcement.interface)]?.isLoopFree != true { return true }
        // Who says so knows that we lost it, and nobody further behind us can be that close.
        return entry.isLossTold && !announcement.flags.contains(.stale)
            && announcement.metric <= entry.feasible + 1
    }

    /// min over k: chooses anew among what is known of a destination.
    ///
    /// - Parameter isNews: Whether a way in use, or a route of ours, is not what it was.
    mutating func choose(
        _ number: UInt32, isNews: Bool, at now: Instant, into effects: inout RIPEffects
    ) {
        let entry = table.destinations[number]
        var least = entry.isLocal ? entry.localMetric : RIPProtocol.infinity
        var best: UInt32 = 0
        var next = entry.isLocal ? 0 : entry.first
        while next != 0 {
            let announcement = table.announcements[next - 1]
            // Of equals the one in use stays.
            let isBetter =
                announcement.distance < least
                || announcement.distance == least && next == entry.best
            if isBetter, isFeasible(announcement, entry) {
                least = announcement.distance
                best = next
            }
            next = announcement.next
        }
        let waysChanged = useWays(of: number, least, best) || isNews
        guard least < RIPProtocol.infinity else {
            return lose(number, at: now, into: &effects)
        }
        if !entry.isReachable, entry.garbage != 0 { lost -= 1 }
        let tag = best == 0 ? entry.tag : table.announcements[best - 1].tag
        table.destinations[number].metric = least
        table.destinations[number].tag = tag
        table.destinations[number].best = best
        table.destinations[number].garbage = 0
        bound(number, at: now)
        if least != entry.metric || tag != entry.tag || best != entry.best || waysChanged {
            mark(number)
            give(number, into: &effects)
        }
    }

    /// Marks the ways in use, and forgets those that the RFC does not keep. True if the ways are
    /// others than before.
    private mutating func useWays(of number: UInt32, _ least: UInt8, _ best: UInt32) -> Bool {
        let entry = table.destinations[number]
        var isDifferent = false
        var count = 0
        var next = entry.first
        while next != 0 {
            let (current, announcement) = (next - 1, table.announcements[next - 1])
            next = announcement.next
            var isUsed =
                best != 0 && announcement.distance == least && isFeasible(announcement, entry)
            isUsed = isUsed && (current + 1 == best || count < settings.limits.ways - 1)
            if isUsed, current + 1 != best { count += 1 }
            if isUsed != announcement.isUsed {
                isDifferent = true
                table.announcements[current].flags = isUsed ? .used : []
            }
            let isKept = settings.interfaces[Int(announcement.interface)]?.isLoopFree == true
            if !isUsed, !isKept { table.remove(announcement: current) }
        }
        return isDifferent
    }

    /// Keeps `feasible` the least distance announced. When ours has grown, a way that was not good
    /// enough may be taken once the neighbours have heard of it.
    private mutating func bound(_ number: UInt32, at now: Instant) {
        let entry = table.destinations[number]
        if entry.metric <= entry.feasible {
            table.destinations[number].feasible = entry.metric
            release(number)
            table.stopTimer(of: number)
        } else if isLoopFree, !entry.flags.contains(.held) {
            hold(number, at: now)
        }
    }

    /// No way is left (RFC 2453 §3.8): told to all, in use no more, and forgotten after a while.
    private mutating func lose(
        _ number: UInt32, at now: Instant, into effects: inout RIPEffects
    ) {
        let entry = table.destinations[number]
        guard entry.isReachable else {
            // Never was reachable, or the time to forget it runs and is not begun anew.
            if entry.garbage == 0, entry.first == 0 { table.remove(number) }
            return
        }
        lost += 1
        table.destinations[number].metric = RIPProtocol.infinity
        table.destinations[number].best = 0
        table.destinations[number].garbage = max(
            TimerWheel.deadline(settings.timers.garbage, after: now), 1)
        mark(number)
        give(number, into: &effects)
        if isLoopFree {
            hold(number, at: now)
        } else {
            table.destinations[number].feasible = Self.unlimited
            table.setTimer(of: number, deadline: table.destinations[number].garbage)
        }
    }

    private var isLoopFree: Bool { settings.interfaces.contains { $0?.isLoopFree == true } }

    private mutating func hold(_ number: UInt32, at now: Instant) {
        if !table.destinations[number].flags.contains(.held) { held += 1 }
        table.destinations[number].flags.insert(.held)
        table.setTimer(
            of: number, deadline: TimerWheel.deadline(settings.timers.hold, after: now))
    }

    private mutating func release(_ number: UInt32) {
        guard table.destinations[number].flags.contains(.held) else { return }
        held -= 1
        table.destinations[number].flags.remove(.held)
    }

    /// The timer of a destination ran out: the news has spread, or nobody need hear it any more.
    mutating func review(_ number: UInt32, at now: Instant, into effects: inout RIPEffects) {
        let entry = table.destinations[number]
        guard entry.flags.contains(.held) else {
            lost -= 1
            removeAnnouncements(of: number)
            // A list of changes may still name it.
            table.remove(number)
            return
        }
        // The news does not spread before it is told.
        guard !entry.flags.contains(.changed) else { return hold(number, at: now) }
        release(number)
        table.destinations[number].feasible =
            entry.isReachable ? entry.metric : Self.unlimited
        if !entry.isReachable {
            forgetStale(number)
            table.setTimer(of: number, deadline: entry.garbage)
        }
        choose(number, isNews: false, at: now, into: &effects)
    }

    /// The loss of a destination is told now: what neighbours said before counts for less.
    mutating func tellLoss(of number: UInt32, at now: Instant) {
        guard table.destinations[number].flags.contains(.held) else { return }
        hold(number, at: now)
        guard !table.destinations[number].isReachable else { return }
        var next = table.destinations[number].first
        while next != 0 {
            table.announcements[next - 1].flags.insert(.stale)
            next = table.announcements[next - 1].next
        }
    }

    private mutating func forgetStale(_ number: UInt32) {
        var next = table.destinations[number].first
        while next != 0 {
            let current = next - 1
            next = table.announcements[current].next
            if table.announcements[current].flags.contains(.stale) {
                table.remove(announcement: current)
            }
        }
    }

    private mutating func removeAnnouncements(of number: UInt32) {
        while table.destinations[number].first != 0 {
            table.remove(announcement: table.destinations[number].first - 1)
        }
    }

    /// A neighbour has not confirmed a route for too long.
    mutating func timeOut(
        _ announcement: UInt32, at now: Instant, into effects: inout RIPEffects
    ) {
        let old = table.announcements[announcement]
        table.remove(announcement: announcement)
        choose(old.destination, isNews: old.isUsed, at: now, into: &effects)
    }

    /// Forgets the announcements that `isGone` holds for.
    mutating func forget(
        at now: Instant, into effects: inout RIPEffects, where isGone: (Announcement) -> Bool
    ) {
        for number in 0..<table.limit where table.destinations[number].flags.contains(.inUse) {
            var next = table.destinations[number].first
            var (isDifferent, isNews) = (false, false)
            while next != 0 {
                let (current, announcement) = (next - 1, table.announcements[next - 1])
                next = announcement.next
                guard isGone(announcement) else { continue }
                isDifferent = true
                isNews = isNews || announcement.isUsed
                table.remove(announcement: current)
            }
            if isDifferent { choose(number, isNews: isNews, at: now, into: &effects) }
        }
    }

    private func timeout(after now: Instant) -> UInt32 {
        TimerWheel.deadline(settings.timers.timeout, after: now)
    }

    /// Sets the route change flag (RFC 2453 §3.9.2).
    private mutating func mark(_ number: UInt32) {
        guard !table.destinations[number].flags.contains(.changed) else { return }
        table.destinations[number].flags.insert(.changed)
        changed.append(number)
    }

    /// Tells the routing table how a destination is reached now.
    private mutating func give(_ number: UInt32, into effects: inout RIPEffects) {
        let entry = table.destinations[number]
        guard entry.isReachable, !entry.isLocal else {
            guard entry.flags.contains(.given) else { return }
            table.destinations[number].flags.remove(.given)
            effects.changes.append(.remove(entry.prefix))
            return
        }
        table.destinations[number].flags.insert(.given)
        effects.changes.append(
            .set(entry.prefix, metric: entry.metric, ways: ways(of: number)))
    }

    /// The ways in use, by interface and gateway.
    func ways(of number: UInt32) -> [RIPWay] {
        var result: [RIPWay] = []
        var next = table.destinations[number].first
        while next != 0 {
            let announcement = table.announcements[next - 1]
            next = announcement.next
            guard announcement.isUsed else { continue }
            result.append(
                RIPWay(
                    interface: Int(announcement.interface),
                    gateway: IPv4Address(announcement.gateway)))
        }
        result.sort { ($0.interface, $0.gateway) < ($1.interface, $1.gateway) }
        return result
    }
}
