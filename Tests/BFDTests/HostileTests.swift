import BFD
import Foundation
import Support
import Testing
import Timing
import Wire

/// GATEWAY_BFD_HOSTILE=n sends n packets.
@Suite("BFD: hostile packets")
struct HostileTests {
    static let count =
        ProcessInfo.processInfo.environment["GATEWAY_BFD_HOSTILE"].flatMap(Int.init) ?? 20_000

    @Test("Nothing traps, and what is known and said stays bounded", .row("S50", "S52"))
    func anything() {
        var random = Random(seed: 5880)
        var engine = BFDEngine(interfaces: 2, limit: 8, random: Random(seed: 1))
        var effects = BFDEffects()
        var now = Instant.zero + .seconds(100)
        let wishes = (0..<6).map { number in
            BFDWish(
                BFDPeer(interface: number % 2, IPv4Address(10, 0, 0, UInt8(number))),
                source: ip("10.0.0.100"), Bed.timing(10 + Int64(number), 20))
        }
        engine.apply(wishes, at: now, into: &effects)
        var ups = UInt64(0)
        /// Numbers of sessions, past ones too.
        var numbers: [UInt32] = [1]
        for turn in 0..<Self.count {
            var bytes = Captures.all[random.below(Captures.all.count)]
            let sender = BFDPeer(
                interface: random.below(2), IPv4Address(10, 0, 0, UInt8(random.below(8))))
            // Most name a session, so that they get far.
            let row = engine.rows.first { $0.peer == sender }
            if let row, !numbers.contains(row.mine) { numbers.append(row.mine) }
            let any = numbers[random.below(numbers.count)]
            switch random.below(16) {
            case 0: bytes.replaceSubrange(8..<12, with: octets(any))
            case 1: bytes.replaceSubrange(4..<8, with: [0, 0, 0, 0])
            case 2: bytes = Array(bytes.prefix(random.below(bytes.count + 1)))
            case 3...12: bytes.replaceSubrange(8..<12, with: octets(row?.mine ?? any))
            case 13:
                bytes = Array(bytes[..<8]) + octets(row?.mine ?? any) + Array(bytes[12...])
                (bytes[1], bytes[3]) = (bytes[1] | 4, 26)
                bytes += [1, 4]
            default: break
            }
            for _ in 0..<random.below(4) where !bytes.isEmpty {
                let at = random.below(bytes.count)
                bytes[at] = UInt8(truncatingIfNeeded: random.next())
            }
            let steps: [Int64] = [0, 0, 1, 5, 20, 1000]
            now += .milliseconds(steps[random.below(steps.count)])
            if let due = engine.nextDeadline, due <= now { engine.tick(at: now, into: &effects) }
            engine.receive(
                bytes.raw, from: sender, timeToLive: random.below(16) == 0 ? 254 : 255, at: now,
                into: &effects)
            if turn % 200 == 199 {
                engine.apply(
                    wishes.filter { _ in random.below(4) > 0 }, at: now, into: &effects)
            }
            for datagram in effects.packets {
                #expect(datagram.packet.bytes.count == 24 && datagram.port >= 49152)
            }
            #expect(engine.sessionCount <= 8)
            effects = BFDEffects()
            ups = max(ups, engine.rows.map(\.ups).reduce(0, +))
        }
        #expect(ups > 10)
        let drops = BFDDrop.allCases.filter { reason in
            engine.drops(reason, on: 0) + engine.drops(reason, on: 1) > 0
        }
        #expect(drops == BFDDrop.allCases, "every drop was met")
    }
}
