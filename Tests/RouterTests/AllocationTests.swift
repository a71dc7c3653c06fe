import Allocations
import Forwarding
import Router
import Support
import Testing
import Timing
import Wire

/// Nothing is allocated per packet, forwarded or dropped. Only in a release build: in a debug build
/// even code without allocations allocates.
@Suite("Allocations", .serialized)
struct AllocationTests {
    static var isRelease: Bool {
        #if DEBUG
            false
        #else
            true
        #endif
    }

    private static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    /// Allocations of this thread while `frame` comes 100,000 times, each to be forwarded or not.
    private static func count(
        _ frame: [UInt8], on side: Side, _ bench: inout Bench, isForwarded: Bool
    ) -> (allocations: UInt, wrong: Int) {
        var outbox = Outbox()
        var slot = frame
        var wrong = 0
        func once(_ bench: inout Bench) {
            for index in frame.indices { slot[index] = frame[index] }
            var header = VirtioNetHeader()
            var elements = slot.mutableSpan
            var span = unsafe elements.mutableBytes
            let verdict = bench.router.receive(
                &span, &header, on: side, at: bench.now, into: &outbox)
            if case .forward = verdict {
                wrong += isForwarded ? 0 : 1
            } else {
                wrong += isForwarded ? 1 : 0
            }
        }
        once(&bench)
        let observer = unsafe takeThrowObserver()
        defer { unsafe returnThrowObserver(observer) }
        let before = allocationsOfThisThread()
        for _ in 0..<100_000 { once(&bench) }
        return (allocationsOfThisThread() - before, wrong)
    }

    @Test("The counter counts")
    func counter() {
        guard countsAllocations() == 1 else { return }
        let before = allocationsOfThisThread()
        let array = [UInt8](repeating: 1, count: Int(before % 7) + 100)
        #expect(allocationsOfThisThread() > before && array.count >= 100)
    }

    @Test(
        "100,000 packets of an established flow, each way", .enabled(if: isRelease),
        .row("S-8"), arguments: [IPProtocol.udp, IPProtocol.tcp, IPProtocol.icmp])
    func established(proto: UInt8) throws {
        var bench = Bench()
        let payload = [UInt8](repeating: 9, count: 100)
        let first =
            switch proto {
            case IPProtocol.udp: Self.host.udp(4000, 53, payload)
            case IPProtocol.tcp: Self.host.tcp(4000, 80, .syn)
            default: Self.host.echo(identifier: 9, payload)
            }
        let out = try #require(bench.send(first, on: .lan).last)
        let back = PacketBuilder("198.51.100.7", "203.0.113.2")
        let answer: [UInt8]
        var more = first
        switch proto {
        case IPProtocol.udp:
            let port = try #require(UInt16(out.seen["udp.srcport"] ?? ""))
            answer = back.udp(53, port, payload)
        case IPProtocol.tcp:
            let port = try #require(UInt16(out.seen["tcp.srcport"] ?? ""))
            bench.send(back.tcp(80, port, [.syn, .ack]), on: .wan)
            more = Self.host.tcp(4000, 80, .ack, payload)
            answer = back.tcp(80, port, .ack, payload)
        default:
            let identifier = try #require(UInt16(out.seen["icmp.ident"] ?? ""))
            answer = back.echo(reply: true, identifier: identifier, payload)
        }
        bench.send(answer, on: .wan)
        let outward = Self.count(
            Bench.frame(more, on: .lan), on: .lan, &bench, isForwarded: true)
        #expect(outward.allocations == 0 && outward.wrong == 0)
        let inward = Self.count(
            Bench.frame(answer, on: .wan), on: .wan, &bench, isForwarded: true)
        #expect(inward.allocations == 0 && inward.wrong == 0)
    }

    @Test(
        "100,000 packets that are dropped, of each kind", .enabled(if: isRelease),
        .row("S-8", "S03"))
    func dropped() {
        let stranger = PacketBuilder("198.51.100.99", "203.0.113.2")
        let bad = Self.host.with { $0.headerChecksum = .wrong }.udp(1, 2)
        let cases: [(name: String, packet: [UInt8], side: Side)] = [
            ("unsolicited", stranger.udp(9, 9999), .wan),
            ("unsolicited SYN", stranger.tcp(9, 9999, .syn), .wan),
            ("header checksum", bad, .lan),
            ("cut off", Array(Self.host.udp(1, 2).prefix(25)), .lan),
            ("no SYN", Self.host.tcp(1, 2, .ack), .lan),
            ("martian", PacketBuilder("127.0.0.1", "198.51.100.7").udp(1, 2), .lan),
            ("TTL", Self.host.with { $0.timeToLive = 1 }.udp(1, 2), .lan),
            ("source route", Self.host.with { $0.options = [0x83, 3, 4] }.udp(1, 2), .lan),
            ("bad checksum", Self.host.udp(1, 2, checksum: .wrong), .lan),
            (
                "error about nothing", stranger.icmpError(3, code: 1, about: stranger.udp(1, 2)),
                .wan
            ),
            ("no protocol", Self.host.packet(132, [1, 2, 3, 4]), .lan),
        ]
        for (name, packet, side) in cases {
            var bench = Bench()
            // The next station is known, so that nothing waits for ARP.
            bench.send(Self.host.udp(5000, 53), on: .lan)
            let frame = Bench.frame(packet, on: side)
            let result = Self.count(frame, on: side, &bench, isForwarded: false)
            #expect(result.allocations == 0 && result.wrong == 0, "\(name)")
        }
    }
}
