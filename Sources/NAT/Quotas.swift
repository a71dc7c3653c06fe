import Memory
import Timing
import Wire

// Who may have how much, and who goes first when there is no more (SECURITY S10, S11).
//
// Only an embryonic session is ever ended to make room: one of which only one end has sent. What
// both ends have used stays until its time is over (RFC 6888 REQ-11). No packet ends more than two.

extension NAT {
    /// Makes room for one more session of an inside host, or says which limit was reached.
    ///
    /// Sessions that remotes begin count apart, so that strangers cannot use up a host's share. The
    /// rates come before anything is ended, so that who is refused costs nobody a session.
    mutating func makeRoom(
        inside: UInt32, _ direction: Direction, at now: Instant
    ) throws(DropReason) {
        let limits = settings.limits
        let host = findHost(inside)
        var isAtQuota = false
        if let host {
            isAtQuota = Int(hosts[host].sessions(direction)) >= limits.sessionsPerHost
            guard !isAtQuota || hosts[host].embryonic[direction].first != 0 else {
                throw .natHostLimit
            }
            if direction == .outbound, let rate = limits.newSessionsPerSecondPerHost {
                let second = Interval.seconds(1)
                guard hosts[host].creation.take(rate, per: second, at: now) else {
                    throw .natRateLimit
                }
            }
        }
        guard bucket.take(at: now) else { throw .natRateLimit }
        if isAtQuota, let host {
            guard evict(host, direction, at: now, isOwn: true) else { throw .natHostLimit }
        }
        guard embryonicCount >= mostEmbryonic || sessionPool.used >= sessionPool.capacity else {
            return
        }
        // Whoever holds most of what has not been answered pays for it.
        var victim = heaviest
        if let host, hosts[host].embryonicCount >= hosts[victim].embryonicCount { victim = host }
        let isOwn = victim == host
        guard
            evict(victim, direction, at: now, isOwn: isOwn)
                || evict(victim, direction.opposite, at: now, isOwn: isOwn)
        else { throw .natTableFull }
    }

    /// Makes room for one more outside port of a host (RFC 6888 REQ-4).
    mutating func makePortRoom(inside: UInt32, at now: Instant) throws(DropReason) {
        guard let host = findHost(inside),
            Int(hosts[host].ports) >= settings.limits.portsPerHost
        else { return }
        guard evict(host, .outbound, at: now, isOwn: true),
            Int(hosts[host].ports) < settings.limits.portsPerHost
        else { throw .natHostLimit }
    }

    /// Ends the oldest embryonic session that `direction` began; false if there is none.
    ///
    /// The port it frees rests, so a host that floods could use up the pool with ports at rest:
    /// for its own sake it may free no more of them within a rest than it may have.
    private mutating func evict(
        _ host: UInt32, _ direction: Direction, at now: Instant, isOwn: Bool
    ) -> Bool {
        let oldest = hosts[host].embryonic[direction].first
        guard oldest != 0 else { return false }
        if isOwn, freesPort(oldest - 1) {
            let rest = settings.timeouts.portRest
            let most = settings.limits.portsPerHost
            guard hosts[host].freed.take(most, per: rest, at: now) else { return false }
        }
        statistics.evicted &+= 1
        end(oldest - 1, at: now)
        return true
    }

    /// Whether the dynamic mapping of a session goes with it.
    private func freesPort(_ number: UInt32) -> Bool {
        let mapping = mappings[sessions[number].mapping]
        guard mapping.isStatic == 0 else { return false }
        let isHolder = sessions[number].flags & SessionFlag.sentOutbound != 0
        return mapping.sessions == 1 || mapping.holders <= (isHolder ? 1 : 0)
    }

    /// Sessions that only one end has sent in.
    public var embryonicSessions: Int { embryonicCount }

    /// A quarter of the table.
    var mostEmbryonic: Int { max(sessionPool.capacity / 4, 1) }

    // MARK: Lists

    /// Counts a new session for its host, as its newest embryonic one.
    mutating func enlist(_ number: UInt32, _ direction: Direction) {
        let host = mappings[sessions[number].mapping].host
        hosts[host].add(1, direction)
        var list = hosts[host].embryonic[direction]
        sessions[number].flags |= SessionFlag.embryonic
        sessions[number].links = Links(older: list.last, newer: 0)
        if list.last != 0 {
            sessions[list.last - 1].links.newer = number + 1
        } else {
            list.first = number + 1
        }
        list.last = number + 1
        hosts[host].embryonic[direction] = list
        hosts[host].embryonicCount += 1
        embryonicCount += 1
        if hosts[host].embryonicCount > hosts[heaviest].embryonicCount { heaviest = host }
    }

    /// Both ends have sent, or the session ends: it is embryonic no more.
    mutating func hatch(_ number: UInt32) {
        guard sessions[number].flags & SessionFlag.embryonic != 0 else { return }
        let host = mappings[sessions[number].mapping].host
        let direction = sessions[number].firstDirection
        let links = sessions[number].links
        if links.older != 0 {
            sessions[links.older - 1].links.newer = links.newer
        } else {
            hosts[host].embryonic[direction].first = links.newer
        }
        if links.newer != 0 {
            sessions[links.newer - 1].links.older = links.older
        } else {
            hosts[host].embryonic[direction].last = links.older
        }
        sessions[number].links = Links(older: 0, newer: 0)
        sessions[number].flags &= ~SessionFlag.embryonic
        hosts[host].embryonicCount -= 1
        embryonicCount -= 1
    }

    // MARK: Time

    /// Idle ticks after which session `number` ends as full as the table is.
    ///
    /// Above 60 % the times of what is not established shrink, evenly down to the least the RFCs
    /// allow at 120 %; one configured shorter than that stays.
    func dueTicks(_ number: UInt32) -> UInt32 {
        let time = timeout(of: number)
        let begin = sessionPool.capacity * 3 / 5
        guard sessionPool.used > begin, let phase = SessionPhase(rawValue: sessions[number].phase),
            !phase.isEstablished, phase != .replied
        else { return time }
        let least: Interval =
            switch sessions[number].transport {
            case IPProtocol.tcp, IPProtocol.dccp: .seconds(240)
            case IPProtocol.udp, IPProtocol.udpLite: .seconds(120)
            default: .seconds(60)
            }
        let floor = TimerWheel.ticks(least) + 1
        guard time > floor else { return time }
        let over = min(sessionPool.used - begin, begin)
        return time - UInt32(truncatingIfNeeded: Int(time - floor) * over / begin)
    }
}

/// Neighbours in a list of embryonic sessions: record number + 1, or 0.
struct Links {
    var older: UInt32
    var newer: UInt32
}

extension Session {
    /// Which end began.
    var firstDirection: Direction {
        flags & SessionFlag.startedInbound != 0 ? .inbound : .outbound
    }

    /// Kept where the packets of the end that never sent would be counted.
    var links: Links {
        get {
            let tally = firstDirection == .inbound ? outbound : inbound
            return Links(older: tally.lowPackets, newer: tally.lowOctets)
        }
        set {
            var tally = Tally()
            tally.lowPackets = newValue.older
            tally.lowOctets = newValue.newer
            if firstDirection == .inbound { outbound = tally } else { inbound = tally }
        }
    }

    /// As it is to be shown: without links where counters are.
    var shown: Session {
        var copy = self
        if flags & SessionFlag.embryonic != 0 { copy.links = Links(older: 0, newer: 0) }
        return copy
    }
}

/// An inside host: what it has, and its outside address.
struct Host: BitwiseCopyable, Sendable {
    var address: UInt32
    /// Index of its outside address in the pool (RFC 4787 REQ-2, paired).
    var pool: UInt32
    var hash: UInt32
    var mappings: UInt32 = 1
    /// Mappings whose port is from the pool.
    var ports: UInt32 = 0
    /// Sessions it began.
    var own: UInt32 = 0
    /// Sessions that remotes began.
    var strangers: UInt32 = 0
    /// Of all those, the ones only one end has sent in.
    var embryonicCount: UInt32 = 0
    var embryonic = EmbryonicLists()
    /// Sessions it begins.
    var creation = Pace()
    /// Ports freed for its own sake.
    var freed = Pace()

    func sessions(_ direction: Direction) -> UInt32 { direction == .outbound ? own : strangers }

    mutating func add(_ count: Int32, _ direction: Direction) {
        if direction == .outbound {
            own = own &+ UInt32(bitPattern: count)
        } else {
            strangers = strangers &+ UInt32(bitPattern: count)
        }
    }
}

/// Embryonic sessions by the end that began, oldest first.
struct EmbryonicLists: BitwiseCopyable, Sendable {
    /// Ends of a list: record number + 1, or 0.
    struct Ends: BitwiseCopyable, Sendable {
        var first: UInt32 = 0
        var last: UInt32 = 0
    }

    private var outbound = Ends()
    private var inbound = Ends()

    subscript(direction: Direction) -> Ends {
        get { direction == .outbound ? outbound : inbound }
        set { if direction == .outbound { outbound = newValue } else { inbound = newValue } }
    }
}

/// Bounds events by the moment the next one is due; what was not used is kept for one span.
struct Pace: BitwiseCopyable, Sendable {
    private var due = Instant.zero

    /// Takes one of `count` events a span; false when they are used up.
    mutating func take(_ count: Int, per span: Interval, at now: Instant) -> Bool {
        let step = Interval(nanoseconds: span.nanoseconds / Int64(count))
        let start = max(due, now)
        guard start - now + step <= span else { return false }
        due = start + step
        return true
    }
}
