import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// A TCP end that does everything the RFCs allow, in no sensible order.
private struct TCPPeer {
    let scale: UInt8?
    var random: Random
    /// Numbers count from the SYN; the wire adds `first`.
    let first: UInt32
    var next: Int
    var acknowledged = 0
    /// Everything up to here has come.
    var received = -1
    var firstOfPeer: UInt32 = 0
    var waiting: Set<Range<Int>> = []
    /// How far the peer lets us send.
    var edge = 1
    /// How far we have let the peer send: never taken back.
    var offered = 0
    var peerScale = 0
    var toSend: Int
    var hasClosed = false
    var peerClosed: Int?

    init(_ random: inout Random, octets: Int) {
        self.random = Random(seed: random.next())
        scale = random.below(3) == 0 ? nil : UInt8(random.below(9))
        first = UInt32(truncatingIfNeeded: random.next())
        next = 0
        toSend = octets
    }

    struct Segment {
        var flags: TCPFlags
        var start: Int
        var count: Int
        var acknowledgement: Int
        var window: UInt16
        var scale: UInt8?
        var firstOfSender: UInt32
        /// What it acknowledges on the wire.
        var wireAcknowledgement: UInt32

        /// One past its last number.
        var end: Int {
            start + count + (flags.contains(.syn) ? 1 : 0) + (flags.contains(.fin) ? 1 : 0)
        }
        var wireSequence: UInt32 { firstOfSender &+ UInt32(truncatingIfNeeded: start) }
    }

    var isOpen: Bool { received >= 0 && acknowledged > 0 }
    var isDone: Bool {
        hasClosed && acknowledged == next && peerClosed.map { received >= $0 } == true
    }

    private mutating func segment(_ flags: TCPFlags, at start: Int, _ count: Int = 0) -> Segment {
        let shift = flags.contains(.syn) ? 0 : effectiveShift
        // Sometimes the window closes, but what was offered is never taken back.
        let limit = random.below(5) == 0 ? 0 : random.below(200_000)
        let room = max(offered - received, min(65_535 << shift, limit), 0)
        let units = min(room >> shift, 65_535)
        offered = max(offered, received + units << shift)
        return Segment(
            flags: received >= 0 ? flags.union(.ack) : flags, start: start, count: count,
            acknowledgement: max(received, 0), window: UInt16(units), scale: scale,
            firstOfSender: first,
            wireAcknowledgement: received >= 0
                ? firstOfPeer &+ UInt32(truncatingIfNeeded: received) : 0)
    }

    /// Whether scales are in force is known with the peer's SYN.
    var effectiveShift: Int { peerHasScale ? Int(scale ?? 0) : 0 }
    var peerHasScale = false

    /// Something it may send now.
    mutating func speak() -> Segment {
        if next == 0 || acknowledged == 0 {
            next = max(next, 1)
            return segment(.syn, at: 0)
        }
        switch random.below(8) {
        case 0 where acknowledged < next && !(hasClosed && acknowledged == next - 1):
            // Any part of what is not acknowledged yet.
            let last = hasClosed ? next - 1 : next
            let start = acknowledged + random.below(max(last - acknowledged, 1))
            return segment([], at: start, min(1460, last - start))
        case 1: return segment([], at: acknowledged - 1)
        case 2: return segment([], at: next)
        case 3 where hasClosed && acknowledged < next: return segment(.fin, at: next - 1)
        default: break
        }
        let room = edge - next
        if toSend > 0, !hasClosed, room > 0 {
            let count = min(min(room, toSend), 1 + random.below(1460))
            toSend -= count
            next += count
            return segment(random.below(2) == 0 ? .psh : [], at: next - count, count)
        }
        if toSend > 0, !hasClosed, room == 0, acknowledged == next {
            // The probe of a closed window.
            toSend -= 1
            next += 1
            return segment([], at: next - 1, 1)
        }
        if toSend == 0, !hasClosed {
            hasClosed = true
            next += 1
            return segment(.fin, at: next - 1)
        }
        if acknowledged < next {
            let isFIN = hasClosed && acknowledged == next - 1
            let last = hasClosed ? next - 1 : next
            return isFIN
                ? segment(.fin, at: next - 1)
                : segment([], at: acknowledged, min(1460, last - acknowledged))
        }
        return segment([], at: next)
    }

    mutating func hear(_ segment: Segment) {
        // A SYN that comes again after the opening is challenged, not heeded (RFC 9293 §3.10.7.4).
        if segment.flags.contains(.syn), isOpen { return }
        if segment.flags.contains(.syn) {
            if received < 0 {
                received = 1
                offered = max(offered, 1)
                firstOfPeer = segment.firstOfSender
                peerHasScale = segment.scale != nil && scale != nil
                peerScale = peerHasScale ? Int(segment.scale ?? 0) : 0
            }
        } else if received < 0 {
            return
        } else if segment.end > segment.start {
            waiting.insert(segment.start..<segment.end)
            if segment.flags.contains(.fin) { peerClosed = segment.end }
            while let fit = waiting.first(where: { $0.lowerBound <= received }) {
                waiting.remove(fit)
                received = max(received, fit.upperBound)
            }
            offered = max(offered, received)
        }
        guard segment.flags.contains(.ack), segment.acknowledgement <= next else { return }
        acknowledged = max(acknowledged, segment.acknowledgement)
        let shift = segment.flags.contains(.syn) ? 0 : peerScale
        edge = max(edge, segment.acknowledgement + Int(segment.window) << shift)
    }

    /// Whether a segment could tell this end anything.
    func isNews(_ segment: Segment) -> Bool {
        received < 0 || segment.end > received || segment.acknowledgement > acknowledged
    }
}

/// Random legal exchanges on bad wires.
@Suite("TCP exchanges", .row("T-2", "T-2a", "S01"))
struct TCPExchangeTests {
    /// In the first a SYN-ACK comes twice, with a larger window, after both scales are known; in
    /// the next two copies of SYN and SYN-ACK meet in the middle of the connection; in two more a
    /// window that was closed from the start is probed.
    static let seeds: [UInt64] = {
        var seeds: [UInt64] = [50, 1573, 1689, 1205, 1564]
        for seed in SoakSimulationTests.seeds { seeds += [seed * 4, seed * 4 + 1, seed * 4 + 2] }
        return seeds
    }()

    @Test("Nothing with news in it is ever refused", arguments: seeds)
    func legal(seed: UInt64) throws {
        var random = Random(seed: seed)
        var bench = Bench(seed: seed)
        let octets = (random.below(60_000), random.below(60_000))
        var ends = [TCPPeer(&random, octets: octets.0), TCPPeer(&random, octets: octets.1)]
        let opensTogether = random.below(3) == 0
        let host = PacketBuilder("192.168.50.10", "198.51.100.7")
        let server = PacketBuilder("198.51.100.7", "203.0.113.2")
        var wires: [[TCPPeer.Segment]] = [[], []]
        var refused = 0
        var port: UInt16 = 0
        for step in 0..<60_000 where !(ends[0].isDone && ends[1].isDone) {
            let end = step == 0 ? 0 : random.below(2)
            let mayBegin = end == 0 || ends[1].received >= 0 || (opensTogether && port != 0)
            if mayBegin, wires[end].count < 8 { wires[end].append(ends[end].speak()) }
            // Any of the last few arrives next, or is lost, or comes twice.
            guard !wires[end].isEmpty else { continue }
            let index = random.below(min(wires[end].count, 4))
            let segment = wires[end][index]
            if random.below(10) != 0 { wires[end].remove(at: index) }
            if random.below(8) == 0 { continue }
            let packet =
                end == 0
                ? Self.bytes(host, 4000, 80, segment) : Self.bytes(server, 80, port, segment)
            let out = bench.send(packet, on: end == 0 ? .lan : .wan)
            if port == 0 { port = try outsidePort(out.last) }
            if case .drop(let reason) = bench.verdict {
                refused += 1
                let isNews = ends[1 - end].isNews(segment)
                try #require(!isNews, "seed \(seed), step \(step): \(reason.name) \(segment)")
            } else if random.below(10) != 0 {
                ends[1 - end].hear(segment)
            }
        }
        #expect(ends[0].isDone && ends[1].isDone, "seed \(seed): it does not come to an end")
        #expect(bench.phase(0) == .closing)
        #expect(bench.sessionCount == 1)
    }

    private static func bytes(
        _ path: PacketBuilder, _ from: UInt16, _ to: UInt16, _ segment: TCPPeer.Segment
    ) -> [UInt8] {
        let offers = segment.flags.contains(.syn) ? segment.scale : nil
        return path.tcp(
            from, to, segment.flags, sequence: segment.wireSequence,
            acknowledgement: segment.wireAcknowledgement, window: segment.window,
            options: offers.map { [3, 3, $0, 0] } ?? [],
            [UInt8](repeating: 7, count: segment.count))
    }
}
