public import Timing
internal import Wire

/// A speaker of BFD (RFC 5880) with neighbours on its links (RFC 5881): asynchronous mode, without
/// authentication, echo packets and demand mode of its own.
///
/// No clock, random source, socket or log: `now` is an argument and everything else an effect. The
/// packet path owns it, so that work on routes never delays a packet; what a packet changes stands
/// in `Input.swift`, the table of states in `State.swift`.
public struct BFDEngine: ~Copyable {
    /// Most sessions, those included that are being given up.
    public let limit: Int
    /// When `tick` has something to do next, or sooner; nil for never.
    public private(set) var nextDeadline: Instant?

    var sessions: [Session] = []
    /// Numbers of the sessions, in the same order, to be looked through quickly.
    private var numbers: [UInt32] = []
    private var random: Random
    /// By interface and `BFDDrop.rawValue`.
    private var drops: [[UInt64]]

    /// A deadline noticed so late says that we were held up, not that the neighbour is silent.
    private static let late = Interval.milliseconds(5)
    /// It then has this long, in which what waits is read.
    private static let grace = Interval.milliseconds(10)

    /// A speaker without sessions on interfaces numbered from 0.
    public init(interfaces: Int, limit: Int = 512, random: Random) {
        self.limit = limit
        self.random = random
        drops = Array(
            repeating: Array(repeating: 0, count: BFDDrop.allCases.count), count: interfaces)
        sessions.reserveCapacity(limit)
        numbers.reserveCapacity(limit)
    }

    // MARK: Sessions

    /// Makes `wishes` the sessions there are. New ones begin, others change their speed, and those
    /// no longer wanted tell the neighbour so and end.
    public mutating func apply(
        _ wishes: [BFDWish], at now: Instant, into effects: inout BFDEffects
    ) {
        var wanted = Dictionary(wishes.map { ($0.peer, $0) }, uniquingKeysWith: { a, _ in a })
        for index in sessions.indices {
            if let wish = wanted.removeValue(forKey: sessions[index].wish.peer) {
                change(index, to: wish, at: now, &effects)
            } else if sessions[index].isWanted {
                giveUp(index, at: now, &effects)
            }
        }
        for wish in wishes {
            guard wanted.removeValue(forKey: wish.peer) != nil else { continue }
            guard sessions.count < limit else {
                effects.events.append(.full(wish.peer))
                continue
            }
            let number = drawDiscriminator()
            sessions.append(
                Session(wish, discriminator: number, port: drawPort(), at: now))
            numbers.append(number)
        }
        schedule()
    }

    /// A session goes on with other wishes, or begins again after it was given up.
    private mutating func change(
        _ index: Int, to wish: BFDWish, at now: Instant, _ effects: inout BFDEffects
    ) {
        let old = sessions[index].wish
        sessions[index].wish = wish
        if !sessions[index].isWanted {
            sessions[index].isWanted = true
            sessions[index].end = nil
            sessions[index].state = .down
            sessions[index].diagnostic = .none
            sessions[index].forgetNeighbor()
            sessions[index].nextSend = now
        } else if old != wish {
            setIntervals(index)
            send(index, at: now, &effects)
        }
    }

    /// The neighbour learns that a session ends. One that failed goes on to tell that instead:
    /// where packets pass one way only, that way has to be given up too.
    private mutating func giveUp(
        _ index: Int, at now: Instant, _ effects: inout BFDEffects
    ) {
        sessions[index].isWanted = false
        // For a detection time at the slow rate (RFC 5880 §6.8.16).
        let multiplier = Int64(sessions[index].wish.timing.multiplier)
        sessions[index].end = now + BFDProtocol.slow * multiplier
        sessions[index].detectAt = nil
        guard sessions[index].state != .down else { return }
        sessions[index].state = .adminDown
        sessions[index].diagnostic = .administrativelyDown
        setIntervals(index)
        send(index, at: now, &effects)
    }

    private mutating func drawDiscriminator() -> UInt32 {
        while true {
            let number = UInt32(truncatingIfNeeded: random.next())
            if number != 0, !numbers.contains(number) { return number }
        }
    }

    /// There are more ports than sessions.
    private mutating func drawPort() -> UInt16 {
        let ports = BFDProtocol.sourcePorts
        while true {
            let port = ports.lowerBound + UInt16(truncatingIfNeeded: random.below(ports.count))
            if !sessions.contains(where: { $0.port == port }) { return port }
        }
    }

    /// The number of the session that a packet names, or that is with its sender.
    func session(discriminator: UInt32) -> Int? { numbers.firstIndex(of: discriminator) }

    func session(with peer: BFDPeer) -> Int? { sessions.firstIndex { $0.wish.peer == peer } }

    // MARK: Time

    /// Works off timers; call at `nextDeadline` or later, after what has come was taken in.
    public mutating func tick(at now: Instant, into effects: inout BFDEffects) {
        var hasEnded = false
        for index in sessions.indices {
            if let due = sessions[index].detectAt, due <= now {
                miss(index, due, at: now, &effects)
            }
            if let due = sessions[index].nextSend, due <= now { send(index, at: now, &effects) }
            if let due = sessions[index].end, due <= now { hasEnded = true }
        }
        if hasEnded {
            sessions.removeAll { $0.end.map { $0 <= now } ?? false }
            numbers.removeAll(keepingCapacity: true)
            for session in sessions { numbers.append(session.mine) }
        }
        schedule()
    }

    /// The neighbour was silent for the detection time (RFC 5880 §6.8.4).
    private mutating func miss(
        _ index: Int, _ due: Instant, at now: Instant, _ effects: inout BFDEffects
    ) {
        if now - due > Self.late, !sessions[index].isForgiven {
            sessions[index].isForgiven = true
            sessions[index].detectAt = now + Self.grace
            return
        }
        let state = sessions[index].state
        if state == .up || state == .initial {
            enter(index, .down, .timeExpired, at: now, &effects)
        }
        sessions[index].forgetNeighbor()
        sessions[index].neighborState = .down
    }

    private mutating func schedule() {
        nextDeadline = nil
        for session in sessions { expect(session.nextDeadline) }
    }

    /// Something is due at that moment.
    mutating func expect(_ moment: Instant?) {
        guard let moment else { return }
        nextDeadline = min(nextDeadline ?? moment, moment)
    }

    // MARK: What follows

    /// Takes a session to another state and tells everybody (RFC 5880 §6.8.3 and §6.8.7).
    mutating func enter(
        _ index: Int, _ state: BFDState, _ diagnostic: BFDDiagnostic, at now: Instant,
        _ effects: inout BFDEffects
    ) {
        let old = sessions[index].state
        sessions[index].state = state
        sessions[index].diagnostic = diagnostic
        if state == .down { sessions[index].lastDiagnostic = diagnostic }
        if (old == .up) != (state == .up) { sessions[index].since = now }
        if state == .up { sessions[index].ups &+= 1 }
        setIntervals(index)
        let session = sessions[index]
        effects.events.append(
            .state(
                session.wish.peer, from: old, to: state, diagnostic,
                neighbor: session.neighborState))
        send(index, at: now, &effects)
    }

    /// What was asked for, but slow before the session is up.
    private mutating func setIntervals(_ index: Int) {
        let timing = sessions[index].wish.timing
        let isUp = sessions[index].state == .up
        sessions[index].setIntervals(
            transmit: isUp ? timing.transmit : max(timing.transmit, BFDProtocol.slow),
            receive: timing.receive)
    }

    /// Sends a packet now, and the next one an interval later.
    mutating func send(_ index: Int, at now: Instant, _ effects: inout BFDEffects) {
        let interval = sessions[index].transmitInterval
        sessions[index].nextSend = interval.map {
            now + jittered($0, sessions[index].wish.timing.multiplier)
        }
        expect(sessions[index].nextSend)
        guard interval != nil || sessions[index].isPolling else { return }
        put(index, isFinal: false, &effects)
    }

    /// Puts a packet among the effects.
    mutating func put(_ index: Int, isFinal: Bool, _ effects: inout BFDEffects) {
        sessions[index].packetsOut &+= 1
        let session = sessions[index]
        effects.packets.append(
            BFDDatagram(
                peer: session.wish.peer, source: session.wish.source, port: session.port,
                packet: session.packet(isFinal: isFinal)))
    }

    /// The interval less up to a quarter, so that speakers do not fall into step; where one missing
    /// packet ends the session, less at least a tenth (RFC 5880 §6.8.7).
    mutating func jittered(_ interval: Interval, _ multiplier: UInt8) -> Interval {
        let thousandths = 750 + random.below(multiplier == 1 ? 151 : 251)
        return Interval(nanoseconds: interval.nanoseconds / 1000 * Int64(thousandths))
    }

    mutating func count(_ drop: BFDDrop, on interface: Int) {
        drops[interface][Int(drop.rawValue)] &+= 1
    }

    /// Drops on an interface since the start.
    public func drops(_ reason: BFDDrop, on interface: Int) -> UInt64 {
        drops[interface][Int(reason.rawValue)]
    }
}
