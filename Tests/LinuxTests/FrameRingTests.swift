import Forwarding
import Linux
import Memory
import NAT
import Router
import Support
import Synchronization
import Testing
import Timing
import Wire

/// Frames between threads, and two workers on threads of their own.
struct FrameRingTests {
    private static func push(
        _ sender: inout RingSender, _ frame: [UInt8], kind: UInt8 = 0
    ) -> Bool {
        var header = VirtioNetHeader()
        header.segmentSize = UInt16(frame.count & 0xffff)
        return sender.push(frame.raw, header, on: frame.count % 2 == 0 ? .lan : .wan, as: kind)
    }

    @Test("What goes in comes out in order, over the end of the ring too")
    func order() throws {
        let ring = FrameRing(bits: 17)
        var (sender, receiver) = (RingSender(ring), RingReceiver(ring))
        var random = Random(seed: 3)
        var waiting: [[UInt8]] = []
        var slot = [UInt8](repeating: 0, count: FrameSlab.stride)
        var refused = 0
        for step in 0..<3000 {
            let frame = [UInt8](repeating: UInt8(step & 255), count: 14 + random.below(9000))
            if Self.push(&sender, frame, kind: UInt8(step % 4)) {
                waiting.append(frame)
            } else {
                refused += 1
            }
            if random.below(2) == 0 { _ = sender.publish() }
            guard random.below(3) == 0 || waiting.count > 12 else { continue }
            _ = sender.publish()
            for expected in waiting {
                let arrival = withSpan(&slot) { receiver.pop(into: &$0) }
                try #require(arrival?.length == VirtioNetHeader.length + expected.count)
                #expect(arrival?.side == (expected.count % 2 == 0 ? .lan : .wan))
                #expect(try VirtioNetHeader(slot.raw).segmentSize == expected.count)
                #expect(slot[10..<(10 + expected.count)].elementsEqual(expected))
            }
            waiting = []
            #expect(withSpan(&slot) { receiver.pop(into: &$0) } == nil && ring.isEmpty)
        }
        #expect(refused == 0)
        var count = 0
        while Self.push(&sender, [UInt8](repeating: 7, count: 65_000)) { count += 1 }
        #expect(count <= 2)
    }

    @Test(
        "Two workers on two threads lose and repeat nothing", .row("S-4"), .timeLimit(.minutes(1)))
    func threads() throws {
        let rings = [FrameRing(), FrameRing()]
        let done = Counters()
        let key = HashKey(11, 13)
        let perThread = 4000
        func thread(_ index: Int) throws -> WorkerThread {
            let (out, incoming) = (rings[1 - index], rings[index])
            return try WorkerThread(name: "gwlx-worker\(index)") {
                var bed = WorkerBed(index, key, RingSender(out), RingReceiver(incoming))
                for number in 0..<perThread { bed.read(number) }
                done.finished.add(1, ordering: .sequentiallyConsistent)
                while done.finished.load(ordering: .sequentiallyConsistent) < 2
                    || !incoming.isEmpty
                { bed.takeOver() }
                done.forwarded.add(bed.forwarded, ordering: .relaxed)
                done.handed.add(bed.handed, ordering: .relaxed)
            }
        }
        let first = try thread(0)
        let second = try thread(1)
        first.join()
        second.join()
        #expect(done.forwarded.load(ordering: .relaxed) == 2 * perThread)
        #expect(done.handed.load(ordering: .relaxed) > perThread / 2)
    }

    private final class Counters: Sendable {
        let finished = Atomic<Int>(0)
        let forwarded = Atomic<Int>(0)
        let handed = Atomic<Int>(0)
    }

    /// A worker and its ends of the rings.
    private struct WorkerBed: ~Copyable {
        private var router: Router
        private var outbox = Outbox()
        private var sender: RingSender
        private var receiver: RingReceiver
        private var slot = [UInt8](repeating: 0, count: FrameSlab.stride)
        private var random: Random
        private let now = Instant(nanoseconds: 1_000_000_000_000)
        private(set) var forwarded = 0
        private(set) var handed = 0

        init(_ index: Int, _ key: HashKey, _ sender: RingSender, _ receiver: RingReceiver) {
            var settings = Bench.settings
            settings[.wan].neighbors = [
                StaticNeighbor(
                    address: ip("203.0.113.1"), hardware: Bench.hardware(of: ip("203.0.113.1")))
            ]
            random = Random(seed: UInt64(index) + 5)
            router = Router(
                settings, routes: Bench.routes, share: Share(index, of: 2, key: key),
                random: Random(seed: UInt64(index)))
            router.start(at: now, into: &outbox)
            self.sender = sender
            self.receiver = receiver
        }

        /// Reads a packet of one of 40 hosts.
        mutating func read(_ number: Int) {
            let host = "192.168.50.\(10 + random.below(40))"
            let packet = PacketBuilder(host, "198.51.100.7")
                .udp(UInt16(1000 + random.below(50)), 53, [1, 2, 3])
            let frame = Bench.frame(packet, on: .lan)
            slot.replaceSubrange(0..<frame.count, with: frame)
            let (now, count) = (now, frame.count)
            var header = VirtioNetHeader()
            let verdict = withSpan(&slot) { span in
                var bytes = span.window(0, count)
                return router.receive(&bytes, &header, on: .lan, at: now, into: &outbox)
            }
            switch verdict {
            case .forward: forwarded += 1
            case .hand(_, let kind, _):
                handed += 1
                while !sender.push(frame.raw, header, on: .lan, as: kind.rawValue) {
                    _ = sender.publish()
                    takeOver()
                }
            default: break
            }
            if number % 16 == 15 {
                _ = sender.publish()
                takeOver()
            }
        }

        private var index: Int { router.forwarder.index }

        /// Takes what the other one read.
        mutating func takeOver() {
            while let arrival = withSpan(&slot, { receiver.pop(into: &$0) }) {
                let now = now
                let verdict = withSpan(&slot) { span in
                    var bytes = span.window(
                        VirtioNetHeader.length, arrival.length - VirtioNetHeader.length)
                    var header = VirtioNetHeader()
                    return router.forwarder.take(
                        &bytes, &header, on: arrival.side,
                        as: HandOver(rawValue: arrival.kind) ?? .received, at: now, into: &outbox)
                }
                if case .forward = verdict { forwarded += 1 }
            }
        }
    }
}
