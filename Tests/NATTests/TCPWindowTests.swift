import Forwarding
import Router
import Support
import Testing
import Timing
import Wire

@testable import NAT

/// What is kept of a TCP connection, and for how long.
@Suite("TCP window")
struct TCPWindowTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")
    static let server = PacketBuilder("198.51.100.7", "203.0.113.2")

    @Test("Records are as small as they are said to be", .row("S-8"))
    func layout() {
        #expect(MemoryLayout<Session>.stride == 64)
        #expect(MemoryLayout<TCPEnd>.size == 12)
        #expect(MemoryLayout<Host>.stride == 64)
    }

    @Test("Opening and closing have times of their own", .row("X-2.1"))
    func times() {
        var bench = Bench {
            $0.nat.timeouts.tcpOpening = .seconds(30)
            $0.nat.timeouts.tcpTransitory = .seconds(60)
        }
        bench.send(Self.host.tcp(4000, 80, .syn), on: .lan)
        bench.send(Self.host.tcp(4001, 81, .syn), on: .lan)
        let port = bench.connect(Self.host, 4001, 81)
        bench.send(Self.server.tcp(81, port, .rst), on: .wan)
        #expect(bench.sessionCount == 2)
        bench.advance(.seconds(29))
        #expect(bench.sessionCount == 2)
        bench.advance(.seconds(2))
        #expect(bench.sessionCount == 1)
        bench.advance(.seconds(28))
        #expect(bench.sessionCount == 1)
        bench.advance(.seconds(2))
        #expect(bench.sessionCount == 0)
    }

    @Test("The port of a closed connection need not rest, any other must", .row("C-8"))
    func rest() {
        var bench = Bench {
            $0.nat.ports = 30_000...30_000
            $0.nat.timeouts.tcpTransitory = .seconds(10)
            $0.nat.timeouts.tcpOpening = .seconds(10)
        }
        #expect(bench.connect(Self.host, 4000, 80) == 30_000)
        bench.send(Self.host.tcp(4000, 80, [.fin, .ack]), on: .lan)
        bench.send(Self.server.tcp(80, 30_000, [.fin, .ack], acknowledgement: 2), on: .wan)
        bench.advance(.seconds(11))
        #expect(bench.sessionCount == 0)
        bench.send(Self.host.tcp(4001, 80, .syn), on: .lan)
        #expect(bench.sessionCount == 1)
        bench.advance(.seconds(11))
        #expect(bench.sessionCount == 0)
        bench.send(Self.host.tcp(4002, 80, .syn), on: .lan)
        #expect(bench.sessionCount == 0)
        #expect(bench.drops(.natNoPort, on: .lan) == 1)
        bench.advance(.seconds(122))
        bench.send(Self.host.tcp(4003, 80, .syn), on: .lan)
        #expect(bench.sessionCount == 1)
    }
}
