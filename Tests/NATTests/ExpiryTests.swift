import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

@Suite("Idle times")
struct ExpiryTests {
    /// How a session comes into a phase, and its idle time there.
    enum Case: CaseIterable {
        case udp
        case udpReplied
        case icmp
        case synSent
        case established
        case halfClosed
        case closing
        case reset

        var time: Interval {
            switch self {
            case .udp, .udpReplied: .seconds(300)
            case .icmp: .seconds(60)
            case .synSent, .closing, .reset: .seconds(240)
            case .established, .halfClosed: .seconds(7440)
            }
        }
    }

    private static let host = PacketBuilder("192.168.50.10", "198.51.100.7")
    private static let server = PacketBuilder("198.51.100.7", "203.0.113.2")

    private static func prepare(_ kind: Case, _ bench: inout Bench) {
        func out(_ packet: [UInt8], _ bench: inout Bench) { bench.send(packet, on: .lan) }
        func back(_ flags: TCPFlags, _ bench: inout Bench) {
            let port = bench.router.forwarder.nat.session(0).outsidePort
            bench.send(server.tcp(80, port, flags), on: .wan)
        }
        switch kind {
        case .udp: out(host.udp(4000, 53), &bench)
        case .udpReplied:
            out(host.udp(4000, 53), &bench)
            let port = bench.router.forwarder.nat.session(0).outsidePort
            bench.send(server.udp(53, port), on: .wan)
        case .icmp: out(host.echo(identifier: 5), &bench)
        default:
            out(host.tcp(4000, 80, .syn), &bench)
            guard kind != .synSent else { return }
            back([.syn, .ack], &bench)
            if kind == .halfClosed || kind == .closing {
                out(host.tcp(4000, 80, [.fin, .ack]), &bench)
            }
            if kind == .closing { back([.fin, .ack], &bench) }
            if kind == .reset { back(.rst, &bench) }
        }
    }

    @Test(
        "Not a nanosecond early, at most half a second late",
        .row("U-5", "U-5c", "T-5", "I-2", "X-2.1"), arguments: Case.allCases,
        [0, 1, 249_999_999] as [Int64])
    func times(kind: Case, offset: Int64) {
        var bench = Bench()
        bench.now += Interval(nanoseconds: offset)
        Self.prepare(kind, &bench)
        _ = bench.take()
        let phase = bench.phase(0)
        bench.advance(kind.time + Interval(nanoseconds: -1))
        #expect(bench.sessionCount == 1 && bench.phase(0) == phase, "early")
        bench.advance(.milliseconds(500) + Interval(nanoseconds: 1))
        guard phase?.isEstablished == true else {
            #expect(bench.sessionCount == 0 && bench.mappingCount == 0, "late")
            return
        }
        // RFC 7857 §2: idle for too long, an established session has a transitory time left.
        #expect(bench.phase(0) == .transitory)
        bench.advance(.milliseconds(239_499))
        #expect(bench.sessionCount == 1)
        bench.advance(.seconds(2))
        #expect(bench.sessionCount == 0 && bench.mappingCount == 0)
    }

    @Test("Data brings a transitory session back", .row("X-2", "X-2.2"))
    func revival() {
        var bench = Bench()
        Self.prepare(.reset, &bench)
        #expect(bench.phase(0) == .transitory)
        bench.advance(.seconds(239))
        bench.send(Self.host.tcp(4000, 80, .ack, [1]), on: .lan)
        #expect(bench.phase(0) == .established)
        bench.advance(.seconds(3000))
        #expect(bench.sessionCount == 1)
    }

    @Test("A stranger cannot hold a session of a forward for longer than opening", .row("T-5"))
    func strangerWithForward() {
        var bench = Bench {
            $0.nat.portForwards = [
                PortForward(ports: 80...80, insideAddress: ip("192.168.50.10"), insidePort: 80)
            ]
        }
        for flags: TCPFlags in [.syn, .rst, .ack, .fin, .ack] {
            bench.send(Self.server.tcp(5000, 80, flags, [1]), on: .wan)
        }
        #expect(bench.sessionCount == 1)
        bench.advance(.seconds(241))
        #expect(bench.sessionCount == 0)
    }

    @Test("Packets from inside refresh, answered or not", .row("U-6"))
    func outboundRefreshes() {
        var bench = Bench()
        for _ in 0..<5 {
            bench.send(Self.host.udp(4000, 53), on: .lan)
            bench.advance(.seconds(299))
        }
        #expect(bench.sessionCount == 1)
    }

    @Test(
        "Strangers let in keep neither session nor mapping alive", .row("X-7", "U-6a"))
    func strangers() throws {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        let sent = Send.out(&bench)
        let port = try #require(sent).port
        for step in 0..<14 {
            bench.advance(.seconds(20))
            let reached = Send.back(&bench, "198.51.100.8", UInt16(1000 + step), to: port)
            #expect(reached == "192.168.50.10:4000")
            let known = Send.back(&bench, "198.51.100.8", 1000, to: port)
            #expect(known == "192.168.50.10:4000")
        }
        #expect(bench.mappingCount == 1)
        bench.advance(.milliseconds(20_500))
        #expect(bench.mappingCount == 0, "it goes 300 s after its owner's last packet")
        #expect(bench.sessionCount == 0, "and the strangers with it")
    }

    @Test("A stranger's own session goes 300 s after it was made, whatever he sends", .row("X-7"))
    func strangersSession() throws {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        let sent = Send.out(&bench)
        let port = try #require(sent).port
        _ = Send.back(&bench, "198.51.100.8", 1000, to: port)
        #expect(bench.sessionCount == 2)
        for _ in 0..<14 {
            bench.advance(.seconds(20))
            _ = Send.back(&bench, "198.51.100.8", 1000, to: port)
            _ = Send.out(&bench)
        }
        bench.advance(.milliseconds(20_500))
        #expect(bench.sessionCount == 1)
        // Once the owner has answered, the remote is no stranger any more.
        _ = Send.back(&bench, "198.51.100.8", 1000, to: port)
        _ = Send.out(&bench, to: "198.51.100.8", 1000)
        bench.advance(.seconds(200))
        _ = Send.back(&bench, "198.51.100.8", 1000, to: port)
        bench.advance(.seconds(299))
        #expect(bench.sessionCount == 1)
    }

    @Test("A shorter time for answered flows holds from the answer on", .row("U-5b"))
    func shorterWhenAnswered() {
        var bench = Bench {
            $0.nat.timeouts.udp = .seconds(120)
            $0.nat.timeouts.udpUnreplied = .seconds(600)
        }
        Self.prepare(.udpReplied, &bench)
        bench.advance(.milliseconds(120_500))
        #expect(bench.sessionCount == 0)
    }

    @Test("More sessions end at once than one turn takes", .row("S-8"))
    func backlog() {
        var bench = Bench()
        for port: UInt16 in 4000..<4700 { bench.send(Self.host.udp(port, 53), on: .lan) }
        #expect(bench.sessionCount == 700)
        bench.now += .seconds(301)
        var turns = 0
        while bench.router.nextDeadline(at: bench.now).map({ $0 <= bench.now }) == true
            || turns == 0
        {
            bench.advance(Interval(nanoseconds: 1))
            turns += 1
        }
        #expect(bench.sessionCount == 0 && turns < 10)
    }
}
