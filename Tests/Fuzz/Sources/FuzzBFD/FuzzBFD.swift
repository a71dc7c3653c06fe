import BFD
import Support
import Timing
import Wire

// One speaker for all inputs, so that it is in every state a neighbour can bring it into. A find
// needs the inputs before it too: FUZZ_SEED brings them again.
nonisolated(unsafe) private var exercise = BFDExercise()

/// One packet to a speaker of BFD, and what passes before it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    unsafe exercise.take(input)
    return 0
}

/// Plays packets to one speaker of BFD, which lives on from packet to packet, and stops the program
/// where a promise does not hold.
///
/// The first two octets of an input say where the packet comes from and what passes before it; the
/// rest is its payload, into which the number of the session is put, if the input wants that.
private struct BFDExercise: ~Copyable {
    private static let most = 8
    private var engine = BFDEngine(interfaces: 2, limit: most, random: Random(seed: 1))
    private var effects = BFDEffects()
    private var now = Instant.zero + .seconds(100)
    private var states: [BFDPeer: BFDState] = [:]

    init() {
        engine.apply(Self.wishes(0), at: now, into: &effects)
        settle(answers: 0)
    }

    /// Sessions with some of four neighbours on each link; at most six.
    private static func wishes(_ choice: UInt8) -> [BFDWish] {
        (UInt8(0)..<6).filter { choice >> $0 & 1 == 0 }.map { number in
            var timing = BFDTiming()
            timing.transmit = .milliseconds(10 << Int64(choice & 3))
            timing.receive = .milliseconds(20 << Int64(number))
            timing.multiplier = number / 2 + 1
            return BFDWish(
                BFDPeer(interface: Int(number & 1), IPv4Address(10, 0, 0, number >> 1)),
                source: IPv4Address(10, 0, 0, 100), timing)
        }
    }

    mutating func take(_ input: [UInt8]) {
        guard input.count >= 2 else { return }
        let (from, before) = (input[0], input[1])
        // An instant counts 292 years.
        if now > Instant.zero + .seconds(365 * 86_400) { self = BFDExercise() }
        pass(before)
        let sender = BFDPeer(
            interface: Int(from & 1), IPv4Address(10, 0, 0, from >> 1 & 3))
        var bytes = Array(input[2...])
        if from & 8 == 0, bytes.count >= 12,
            let row = engine.rows.first(where: { $0.peer == sender })
        {
            for place in 0..<4 {
                bytes[8 + place] = UInt8(truncatingIfNeeded: row.mine >> UInt32(24 - 8 * place))
            }
        }
        check(bytes)
        engine.receive(
            bytes.raw, from: sender, timeToLive: from & 0x80 == 0 ? 255 : from, at: now,
            into: &effects)
        settle(answers: 2)
    }

    /// Time, and what else happens to a router.
    private mutating func pass(_ event: UInt8) {
        let steps: [Int64] = [0, 0, 1, 7, 30, 250, 1000, 5_000_000]
        now = now + .milliseconds(steps[Int(event & 7)])
        if let due = engine.nextDeadline, due <= now { engine.tick(at: now, into: &effects) }
        settle(answers: Self.most)
        if event & 8 != 0 { engine.apply(Self.wishes(event >> 4), at: now, into: &effects) }
        settle(answers: Self.most)
    }

    /// A packet that is read says the same when it is written.
    private func check(_ bytes: [UInt8]) {
        guard let packet = try? BFDPacket(bytes.raw),
            !packet.flags.contains(.authenticated)
        else { return }
        let again = packet.bytes
        precondition((try? BFDPacket(again.raw)) == packet, "read and written differ")
    }

    /// What must hold after every packet.
    private mutating func settle(answers: Int) {
        precondition(engine.sessionCount <= Self.most && effects.packets.count <= answers)
        for datagram in effects.packets {
            let bytes = datagram.packet.bytes
            precondition(BFDProtocol.sourcePorts.contains(datagram.port))
            precondition((try? BFDPacket(bytes.raw)) == datagram.packet, "not a packet")
        }
        for case .state(let peer, let from, let to, _, _) in effects.events {
            precondition(from != to && states[peer, default: .down] == from, "a state was left out")
            states[peer] = to
        }
        let rows = engine.rows
        for row in rows { precondition(states[row.peer, default: .down] == row.state) }
        // One that is wanted again begins anew.
        states = states.filter { state in rows.contains { $0.peer == state.key } }
        effects = BFDEffects()
    }
}
