import BFD
import Support
import Timing
import Wire

/// Speakers with a clock, joined by a link that takes 1 ms and may lose packets.
final class Bed {
    var now = Instant.zero + .seconds(100)
    var a: BFDEngine
    var b: BFDEngine
    /// Packets under way, and who gets them.
    private var wire: [(due: Instant, toB: Bool, bytes: [UInt8])] = []
    /// Everything sent, with its moment.
    var sentByA: [(moment: Instant, packet: BFDPacket, port: UInt16)] = []
    var sentByB: [(moment: Instant, packet: BFDPacket, port: UInt16)] = []
    var eventsOfA: [(moment: Instant, event: BFDEvent)] = []
    var eventsOfB: [(moment: Instant, event: BFDEvent)] = []
    /// Which ways packets pass.
    var passesToA = true
    var passesToB = true
    /// Packets to A that are lost next.
    var lost = 0

    static let addressOfA = IPv4Address(10, 0, 0, 1)
    static let addressOfB = IPv4Address(10, 0, 0, 2)
    static let peerOfA = BFDPeer(interface: 0, addressOfB)
    static let peerOfB = BFDPeer(interface: 0, addressOfA)

    init(seed: UInt64 = 1) {
        a = BFDEngine(interfaces: 2, limit: 4, random: Random(seed: seed))
        b = BFDEngine(interfaces: 2, limit: 4, random: Random(seed: seed + 1000))
    }

    static func timing(_ transmit: Int64, _ receive: Int64, _ multiplier: UInt8 = 3) -> BFDTiming {
        var timing = BFDTiming()
        timing.transmit = .milliseconds(transmit)
        timing.receive = .milliseconds(receive)
        timing.multiplier = multiplier
        return timing
    }

    func wish(a timing: BFDTiming?) {
        var effects = BFDEffects()
        let list = timing.map {
            [BFDWish(Self.peerOfA, source: Self.addressOfA, $0)]
        }
        a.apply(list ?? [], at: now, into: &effects)
        take(effects, fromA: true)
    }

    func wish(b timing: BFDTiming?) {
        var effects = BFDEffects()
        let list = timing.map {
            [BFDWish(Self.peerOfB, source: Self.addressOfB, $0)]
        }
        b.apply(list ?? [], at: now, into: &effects)
        take(effects, fromA: false)
    }

    private func take(_ effects: BFDEffects, fromA: Bool) {
        for datagram in effects.packets {
            let entry = (now, datagram.packet, datagram.port)
            if fromA { sentByA.append(entry) } else { sentByB.append(entry) }
            if !fromA, lost > 0 {
                lost -= 1
            } else if fromA ? passesToB : passesToA {
                wire.append((now + .milliseconds(1), fromA, datagram.packet.bytes))
            }
        }
        let events = effects.events.map { (now, $0) }
        if fromA { eventsOfA += events } else { eventsOfB += events }
    }

    /// Lets time pass; every timer goes off to the nanosecond.
    func run(_ time: Interval) {
        let end = now + time
        while true {
            let next = [a.nextDeadline, b.nextDeadline, wire.map(\.due).min()]
                .compactMap { $0 }.min()
            guard let next, next <= end else { break }
            now = max(now, next)
            while let at = wire.firstIndex(where: { $0.due <= now }) {
                let letter = wire.remove(at: at)
                hear(letter.bytes, inB: letter.toB)
            }
            var (effects, others) = (BFDEffects(), BFDEffects())
            if let due = a.nextDeadline, due <= now { a.tick(at: now, into: &effects) }
            if let due = b.nextDeadline, due <= now { b.tick(at: now, into: &others) }
            take(effects, fromA: true)
            take(others, fromA: false)
        }
        now = end
    }

    /// One of them hears octets of the other, or of somebody else.
    func hear(
        _ bytes: [UInt8], inB: Bool = false, from: IPv4Address? = nil, interface: Int = 0,
        timeToLive: UInt8 = 255
    ) {
        var effects = BFDEffects()
        let sender = BFDPeer(
            interface: interface, from ?? (inB ? Self.addressOfA : Self.addressOfB))
        if inB {
            b.receive(bytes.raw, from: sender, timeToLive: timeToLive, at: now, into: &effects)
        } else {
            a.receive(bytes.raw, from: sender, timeToLive: timeToLive, at: now, into: &effects)
        }
        take(effects, fromA: !inB)
    }

    /// A's session.
    var row: BFDSessionRow? { a.rows.first }
    var rowOfB: BFDSessionRow? { b.rows.first }
    var isUp: Bool { row?.state == .up && rowOfB?.state == .up }

    /// Both want each other at once and are up.
    func meet(_ one: BFDTiming, _ other: BFDTiming) {
        wish(a: one)
        wish(b: other)
        run(.seconds(3))
    }

    /// When A's session came to a state, from the start on.
    func moment(of state: BFDState) -> Instant? {
        for (moment, event) in eventsOfA {
            if case .state(_, _, state, _, _) = event { return moment }
        }
        return nil
    }
}
