import Memory
import Timing
import Wire

// Who may have how much, and who goes first when there is no more (SECURITY S10, S11).
//
// Two classes of sessions give way (Classes.swift): first what its ends closed, then what is
// embryonic. What both ends use stays until its time is over (RFC 6888 REQ-11). No packet ends more
// than two.

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
        endedForRoom = 0
        if let host {
            isAtQuota = Int(hosts[host].sessions(direction)) >= limits.sessionsPerHost
            guard !isAtQuota || hosts[host].oldest.hasAny(direction) else {
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
            guard
                evict(.closed, of: host, direction, isOwn: true, at: now)
                    || evict(.embryonic, of: host, direction, isOwn: true, at: now)
            else { throw .natHostLimit }
        }
        if embryonicCount >= mostEmbryonic {
            guard clear(.embryonic, for: host, direction, at: now) else { throw .natTableFull }
        } else if sessionPool.used >= sessionPool.capacity {
            guard
                clear(.closed, for: host, direction, at: now)
                    || clear(.embryonic, for: host, direction, at: now)
            else { throw .natTableFull }
        }
    }

    /// Makes room for one more outside port of a host that `makeRoom` let in (RFC 6888 REQ-4).
    ///
    /// A closed session in the way goes though its port stays in use: else it would keep the place
    /// of those behind it. An embryonic one goes only if a port comes free.
    mutating func makePortRoom(inside: UInt32, at now: Instant) throws(DropReason) {
        guard let host = findHost(inside) else { return }
        while Int(hosts[host].ports) >= settings.limits.portsPerHost {
            guard endedForRoom < Self.mostEnded else { throw .natHostLimit }
            if evict(.closed, of: host, .outbound, isOwn: true, at: now) { continue }
            let embryonic = hosts[host].oldest[.embryonic, .outbound]
            guard embryonic != 0, freesPort(embryonic - 1),
                evict(.embryonic, of: host, .outbound, isOwn: true, at: now)
            else { throw .natHostLimit }
        }
    }

    /// Sessions a packet may end to make room.
    private static var mostEnded: Int { 2 }

    /// Ends one of a class anywhere in the table: of the asking host's own if they are closed or it
    /// has most of them, else of the host that has most.
    private mutating func clear(
        _ kind: SessionClass, for asking: UInt32?, _ direction: Direction, at now: Instant
    ) -> Bool {
        var victim = heaviest[kind.index]
        if let asking {
            let own = hosts[asking].listed[kind.index]
            let isPreferred = kind == .closed && own > 0
            if isPreferred || own >= hosts[victim].listed[kind.index] { victim = asking }
        }
        let isOwn = victim == asking
        return evict(kind, of: victim, direction, isOwn: isOwn, at: now)
            || evict(kind, of: victim, direction.opposite, isOwn: isOwn, at: now)
    }

    /// Ends a host's oldest session of a class that `direction` began; false if there is none.
    ///
    /// A host that floods could use up the pool with ports at rest: for its own sake it may free no
    /// more that rest, within a rest, than it may have.
    private mutating func evict(
        _ kind: SessionClass, of host: UInt32, _ direction: Direction, isOwn: Bool, at now: Instant
    ) -> Bool {
        let oldest = hosts[host].oldest[kind, direction]
        guard oldest != 0 else { return false }
        let number = oldest - 1
        if isOwn, freesPort(number), !isLastAndClosed(number) {
            let rest = settings.timeouts.portRest
            let most = settings.limits.portsPerHost
            guard hosts[host].freed.take(most, per: rest, at: now) else { return false }
        }
        let transport = Transport(proto: sessions[number].transport).counter
        if kind == .closed {
            statistics.ends[transport].yielded &+= 1
        } else {
            statistics.ends[transport].evicted &+= 1
        }
        endedForRoom += 1
        end(number, at: now)
        return true
    }

    /// Whether the dynamic mapping of a session goes with it.
    private func freesPort(_ number: UInt32) -> Bool {
        let mapping = mappings[members[number].mapping]
        guard mapping.isStatic == 0 else { return false }
        let isHolder = sessions[number].flags & SessionFlag.sentOutbound != 0
        return mapping.sessions == 1 || mapping.holders <= (isHolder ? 1 : 0)
    }

    /// Whether the port of a session would not rest if it ended.
    private func isLastAndClosed(_ number: UInt32) -> Bool {
        let mapping = mappings[members[number].mapping]
        return sessions[number].isClosed && mapping.sessions == 1
            && mapping.flags & MappingFlag.portRests == 0
    }

    /// Sessions that only one end has sent in.
    public var embryonicSessions: Int { embryonicCount }

    /// A quarter of the table.
    var mostEmbryonic: Int { max(sessionPool.capacity / 4, 1) }

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

/// An inside host: what it has, and its outside address. Fixed layout, 64 octets.
struct Host: BitwiseCopyable, Sendable {
    var address: UInt32
    /// Index of its outside address in the pool (RFC 4787 REQ-2, paired).
    var pool: UInt32
    var mappings: UInt32 = 1
    /// Mappings whose port is from the pool.
    var ports: UInt32 = 0
    /// Sessions it began.
    var own: UInt32 = 0
    /// Sessions that remotes began.
    var strangers: UInt32 = 0
    /// Of all those, the ones that may give way, by `SessionClass.index`.
    var listed = InlineArray<2, UInt32>(repeating: 0)
    var oldest = Oldest()
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
