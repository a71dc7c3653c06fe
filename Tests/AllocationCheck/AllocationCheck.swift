import Allocations
import Forwarding
import Glibc
import Router
import Support
import Timing
import Wire

/// Proves that nothing is allocated per packet, forwarded or dropped. A program and not a test of
/// the test bundle, because in a debug build even code without allocations allocates; `./test` runs
/// it in a release build.
@main
struct AllocationCheck {
    private static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    static func main() {
        var failures = 0
        func check(_ name: String, _ result: (allocations: UInt, wrong: Int)) {
            let isFine = result.allocations == 0 && result.wrong == 0
            if !isFine { failures += 1 }
            print(
                isFine ? "ok   " : "FAIL ", name, "-", result.allocations,
                "allocations,", result.wrong, "verdicts wrong in 100,000 packets")
        }
        let before = allocationsOfThisThread()
        let array = [UInt8](repeating: 1, count: Int(before % 7) + 100)
        guard countsAllocations() == 1, allocationsOfThisThread() > before, array.count >= 100
        else {
            print("FAIL  the counter does not count")
            exit(1)
        }
        for proto in [IPProtocol.udp, IPProtocol.tcp, IPProtocol.icmp] {
            let (outward, inward) = established(proto)
            check("protocol \(proto) out", outward)
            check("protocol \(proto) in", inward)
        }
        for (name, packet, side) in refused { check(name, dropped(packet, on: side)) }
        exit(failures == 0 ? 0 : 1)
    }

    /// Allocations of this thread while `frame` comes 100,000 times; each is to be forwarded or
    /// not.
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
        let before = allocationsOfThisThread()
        for _ in 0..<100_000 { once(&bench) }
        return (allocationsOfThisThread() - before, wrong)
    }

    private static func established(
        _ proto: UInt8
    ) -> (outward: (allocations: UInt, wrong: Int), inward: (allocations: UInt, wrong: Int)) {
        var bench = Bench()
        let payload = [UInt8](repeating: 9, count: 100)
        let back = PacketBuilder("198.51.100.7", "203.0.113.2")
        let answer: [UInt8]
        let more: [UInt8]
        switch proto {
        case IPProtocol.udp:
            more = host.udp(4000, 53, payload)
            answer = back.udp(53, port("udp.srcport", of: bench.send(more, on: .lan)), payload)
        case IPProtocol.tcp:
            let syn = host.tcp(4000, 80, .syn)
            let mapped = port("tcp.srcport", of: bench.send(syn, on: .lan))
            bench.send(back.tcp(80, mapped, [.syn, .ack]), on: .wan)
            more = host.tcp(4000, 80, .ack, payload)
            answer = back.tcp(80, mapped, .ack, payload)
        default:
            more = host.echo(identifier: 9, payload)
            let mapped = port("icmp.ident", of: bench.send(more, on: .lan))
            answer = back.echo(reply: true, identifier: mapped, payload)
        }
        bench.send(answer, on: .wan)
        let outward = count(Bench.frame(more, on: .lan), on: .lan, &bench, isForwarded: true)
        let inward = count(Bench.frame(answer, on: .wan), on: .wan, &bench, isForwarded: true)
        return (outward, inward)
    }

    private static func port(_ field: String, of sent: [SentFrame]) -> UInt16 {
        sent.last?.seen[field].flatMap { UInt16($0) } ?? 0
    }

    private static let refused: [(name: String, packet: [UInt8], side: Side)] = {
        let stranger = PacketBuilder("198.51.100.99", "203.0.113.2")
        return [
            ("unsolicited", stranger.udp(9, 9999), .wan),
            ("unsolicited SYN", stranger.tcp(9, 9999, .syn), .wan),
            ("header checksum", host.with { $0.headerChecksum = .wrong }.udp(1, 2), .lan),
            ("cut off", Array(host.udp(1, 2).prefix(25)), .lan),
            ("no SYN", host.tcp(1, 2, .ack), .lan),
            ("martian", PacketBuilder("127.0.0.1", "198.51.100.7").udp(1, 2), .lan),
            ("TTL", host.with { $0.timeToLive = 1 }.udp(1, 2), .lan),
            ("source route", host.with { $0.options = [0x83, 3, 4] }.udp(1, 2), .lan),
            ("bad checksum", host.udp(1, 2, checksum: .wrong), .lan),
            (
                "error about nothing", stranger.icmpError(3, code: 1, about: stranger.udp(1, 2)),
                .wan
            ),
            ("no protocol", host.packet(132, [1, 2, 3, 4]), .lan),
        ]
    }()

    private static func dropped(
        _ packet: [UInt8], on side: Side
    ) -> (allocations: UInt, wrong: Int) {
        var bench = Bench()
        // The next station is known, so that nothing waits for ARP.
        bench.send(host.udp(5000, 53), on: .lan)
        return count(Bench.frame(packet, on: side), on: side, &bench, isForwarded: false)
    }
}
