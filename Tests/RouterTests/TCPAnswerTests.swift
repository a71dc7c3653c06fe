import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// What the gateway itself says about TCP, and which errors about TCP it passes on.
@Suite("TCP answers")
struct TCPAnswerTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")
    static let server = PacketBuilder("198.51.100.7", "203.0.113.2")

    @Test("An error passes only if the data it quotes may be on its way", .row("S04"))
    func errorsQuoteWhatIsInFlight() throws {
        var bench = Bench()
        let port = bench.connect(Self.host, 4000, 80)
        bench.send(Self.host.tcp(4000, 80, .ack, [UInt8](repeating: 1, count: 1000)), on: .lan)
        let router = PacketBuilder("192.0.2.9", "203.0.113.2")
        func pass(_ sequence: UInt32, _ bench: inout Bench) -> Bool {
            let about = Self.server.reversed().tcp(port, 80, .ack, sequence: sequence)
            return bench.send(router.icmpError(3, code: 1, about: about), on: .wan).count == 1
        }
        for sequence: UInt32 in [1, 500, 1000, 1001] { #expect(pass(sequence, &bench)) }
        for sequence: UInt32 in [0, 1002, 70_000, .max] { #expect(!pass(sequence, &bench)) }
        bench.send(
            Self.server.tcp(80, port, .ack, acknowledgement: 701), on: .wan)
        #expect(!pass(700, &bench) && pass(701, &bench))
        #expect(bench.drops(.natErrorSequence, on: .wan) == 5)
        #expect(bench.phase(0) == .established)

        // The same from inside, about what came from the remote.
        let about = Self.host.reversed().tcp(80, 4000, .ack, sequence: 5)
        bench.send(Self.host.icmpError(3, code: 3, about: about), on: .lan)
        #expect(bench.drops(.natErrorSequence, on: .lan) == 1)
    }

    @Test("A segment of no connection is reset towards the inside", .rfc(9293, "3.5.2"))
    func strayIsReset() throws {
        var bench = Bench()
        bench.meet("192.168.50.10")
        let stray = Self.host.tcp(
            4000, 80, [.ack, .psh], sequence: 7777, acknowledgement: 4242, [1, 2, 3])
        var out = bench.send(stray, on: .lan)
        let reset = try #require(out.first)
        #expect(out.count == 1 && reset.side == .lan && reset.seen.problems == [])
        #expect(reset.seen["ip.src"] == "198.51.100.7" && reset.seen["tcp.srcport"] == "80")
        #expect(reset.seen["ip.dst"] == "192.168.50.10" && reset.seen["tcp.dstport"] == "4000")
        #expect(reset.seen["tcp.flags"] == "\(TCPFlags.rst.rawValue)")
        #expect(reset.seen["tcp.seq_raw"] == "4242")
        out = bench.send(Self.host.tcp(4000, 80, .fin, sequence: 7777, [1, 2]), on: .lan)
        let other = try #require(out.first).seen
        #expect(other["tcp.flags"] == "\(TCPFlags([.rst, .ack]).rawValue)")
        #expect(other["tcp.seq_raw"] == "0" && other["tcp.ack_raw"] == "7780")
        #expect(bench.send(Self.host.tcp(4000, 80, .rst), on: .lan).isEmpty)
        #expect(bench.send(Self.server.tcp(80, 4000, .ack), on: .wan).isEmpty)
        for _ in 0..<500 { bench.send(stray, on: .lan) }
        #expect(bench.take().count <= 60)
        #expect(bench.sessionCount == 0)
    }

    static func error(_ frames: [SentFrame]) -> [SentFrame] {
        frames.filter { $0.seen["icmp.type"] == "3" }
    }

    @Test("A SYN nobody asked for is refused after 6 s, and only then", .row("T-4"))
    func lateRefusal() throws {
        var bench = Bench { $0.nat.rejectsLateSYN = true }
        bench.meet("203.0.113.1", on: .wan)
        bench.send(Self.server.tcp(80, 5555, .syn, sequence: 99), on: .wan)
        bench.advance(.seconds(3))
        bench.send(Self.server.tcp(80, 5555, .syn, sequence: 99), on: .wan)
        bench.advance(.milliseconds(2999))
        #expect(bench.take().isEmpty)
        let errors = Self.error(bench.advance(.seconds(10)))
        let error = try #require(errors.first).seen
        #expect(errors.count == 1)
        #expect(error.problems == [])
        #expect(error["icmp.code"] == "3" && error["ip.dst"] == "198.51.100.7")
        #expect(error["quoted.tcp.dstport"] == "5555")
        #expect(bench.drops(.natNoSession, on: .wan) == 2)
    }

    @Test("It is not refused if its pair was called from inside meanwhile", .row("T-4"))
    func calledMeanwhile() throws {
        var bench = Bench {
            $0.nat.rejectsLateSYN = true
            $0.nat.filtering = .addressAndPortDependent
        }
        bench.meet("203.0.113.1", on: .wan)
        let other = PacketBuilder("192.168.50.10", "198.51.100.8")
        let port = bench.connect(other, 4000, 80)
        bench.send(Self.server.tcp(80, port, .syn, sequence: 99), on: .wan)
        #expect(bench.drops(.natFiltered, on: .wan) == 1)
        bench.advance(.seconds(3))
        bench.send(Self.host.tcp(4000, 80, .syn), on: .lan)
        #expect(Self.error(bench.advance(.seconds(10))).isEmpty)
    }

    @Test("By default, and for other segments, it never is", .row("T-4a"), .row("S03"))
    func silence() {
        var bench = Bench()
        bench.send(Self.server.tcp(80, 5555, .syn), on: .wan)
        var loud = Bench { $0.nat.rejectsLateSYN = true }
        for flags: TCPFlags in [.ack, [.syn, .ack], .rst, .fin] {
            loud.send(Self.server.tcp(80, 5555, flags), on: .wan)
        }
        loud.send(Self.server.tcp(80, 5555, .syn, checksum: .wrong), on: .wan)
        loud.send(Self.server.udp(80, 5555), on: .wan)
        #expect(Self.error(bench.advance(.seconds(20))).isEmpty)
        #expect(Self.error(loud.advance(.seconds(20))).isEmpty)
        #expect(bench.take().isEmpty && loud.take().isEmpty)
    }

    @Test("A flood of them is answered no more than errors are", .row("T-4"), .row("S03"))
    func flood() {
        var bench = Bench { $0.nat.rejectsLateSYN = true }
        bench.meet("203.0.113.1", on: .wan)
        for number in 0..<5000 {
            let from = PacketBuilder("198.51.100.\(number % 200)", "203.0.113.2")
            bench.send(from.tcp(UInt16(1000 + number), 5555, .syn), on: .wan)
        }
        #expect(Self.error(bench.advance(.seconds(20))).count == 64)
        bench.send(Self.server.tcp(80, 5555, .syn), on: .wan)
        #expect(Self.error(bench.advance(.seconds(20))).count == 1)
    }
}
