import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// Who goes first when there is no more room.
@Suite("Quotas and floods")
struct QuotaTests {
    private static let flooder = "192.168.50.10"
    private static let other = "192.168.50.11"

    private static func sessions(_ bench: inout Bench) -> [Session] {
        let limit = bench.router.forwarder.nat.sessionLimit
        return (0..<limit).filter { bench.router.forwarder.nat.isInUse($0) }
            .map { bench.router.forwarder.nat.session($0) }
    }

    static func ports(_ bench: inout Bench, of host: String) -> [UInt16] {
        sessions(&bench).filter { $0.insideAddress == ip(host).rawValue }
            .map(\.insidePort).sorted()
    }

    private static func use(_ bench: borrowing Bench, _ host: String) -> NAT.HostUse? {
        bench.router.forwarder.nat.use(of: ip(host))
    }

    /// Sends from an inside port and has it answered; false if it did not pass.
    @discardableResult
    private static func converse(
        _ bench: inout Bench, _ host: String, _ port: UInt16
    ) -> Bool {
        guard let sent = Send.out(&bench, host, port) else { return false }
        return Send.back(&bench, to: sent.port) == "\(host):\(port)"
    }

    @Test("At its quota a host's own oldest unanswered flow goes first", .row("C-4", "S10"))
    func oldestGoes() {
        var bench = Bench { $0.nat.limits.sessionsPerHost = 5 }
        Self.converse(&bench, Self.flooder, 3999)
        for port: UInt16 in 4000..<4010 {
            let sent = Send.out(&bench, Self.flooder, port)
            #expect(sent != nil)
        }
        let kept = Self.ports(&bench, of: Self.flooder)
        #expect(kept == [3999, 4006, 4007, 4008, 4009])
        #expect(bench.router.forwarder.nat.statistics.ends[Transport.udp.counter].evicted == 6)
        #expect(bench.drops(.natHostLimit, on: .lan) == 0)
    }

    @Test("What both ends have used is never ended to make room", .row("C-4", "C-11", "S10"))
    func answeredStays() {
        var bench = Bench { $0.nat.limits.sessionsPerHost = 5 }
        for port: UInt16 in 4000..<4010 {
            let passed = Self.converse(&bench, Self.flooder, port)
            #expect(passed == (port < 4005))
        }
        #expect(bench.drops(.natHostLimit, on: .lan) == 5)
        let error = bench.take().last { $0.side == .lan }
        #expect(error?.seen["icmp.type"] == "3" && error?.seen["icmp.code"] == "1")
        let kept = Self.ports(&bench, of: Self.flooder)
        #expect(kept == Array(4000..<4005))
        let another = Self.converse(&bench, Self.other, 4000)
        let known = Send.out(&bench, Self.flooder, 4000)
        #expect(another && known != nil, "neither another host nor a known flow is limited")
    }

    @Test("Ports of a host", .row("C-4", "S10"))
    func ports() {
        var bench = Bench { $0.nat.limits.portsPerHost = 4 }
        for port: UInt16 in 4000..<4004 { Self.converse(&bench, Self.flooder, port) }
        let fifth = Send.out(&bench, Self.flooder, 4004)
        let sixth = Send.out(&bench, Self.flooder, 4000, to: "198.51.100.8", 99)
        #expect(fifth == nil && sixth != nil, "a known mapping takes further flows")
        #expect(bench.drops(.natHostLimit, on: .lan) == 1)
        #expect(Self.use(bench, Self.flooder)?.ports == 4)
        let another = Send.out(&bench, Self.other, 4004)
        #expect(another != nil)
    }

    @Test("The rest of its ports does not let a host drain the pool", .row("C-4", "C-8", "S10"))
    func restingPorts() {
        var bench = Bench { $0.nat.limits.portsPerHost = 100 }
        func flood(_ bench: inout Bench, _ first: UInt16) -> Int {
            (0..<1000).count { Send.out(&bench, Self.flooder, first + $0) != nil }
        }
        let first = flood(&bench, 10_000)
        #expect(first == 200, "its quota, and as many that it may give up")
        bench.advance(.seconds(12))
        let later = flood(&bench, 20_000)
        #expect(later == 10, "a tenth of a rest gives a tenth of the ports")
        let resting = bench.router.forwarder.nat.poolUse().reduce(0) { $0 + $1.resting }
        #expect(resting == 110)
        let another = Send.out(&bench, Self.other, 4004)
        #expect(another != nil)
    }

    @Test("Flows a second of one host", .row("C-4"))
    func rate() {
        var bench = Bench { $0.nat.limits.newSessionsPerSecondPerHost = 10 }
        func burst(_ host: String, _ first: UInt16, _ bench: inout Bench) -> Int {
            (0..<30).count { Send.out(&bench, host, first + $0) != nil }
        }
        // The first one makes the host known.
        let first = burst(Self.flooder, 4000, &bench)
        let another = burst(Self.other, 4000, &bench)
        #expect(first == 11 && another == 11)
        #expect(bench.drops(.natRateLimit, on: .lan) == 38)
        bench.advance(.milliseconds(500))
        let half = burst(Self.flooder, 5000, &bench)
        #expect(half == 5)
        bench.advance(.seconds(60))
        let later = burst(Self.flooder, 6000, &bench)
        #expect(later == 10, "what was not used is kept for a second, not longer")
    }

    @Test(
        "Strangers do not use up the host's own share, nor take more than as much",
        .row("C-4", "C-5", "S10"))
    func strangers() throws {
        var bench = Bench {
            $0.nat.filtering = .endpointIndependent
            $0.nat.limits.sessionsPerHost = 20
            $0.nat.limits.sessions = 4096
        }
        let sent = Send.out(&bench, Self.flooder, 4000)
        let port = try #require(sent).port
        for stranger: UInt16 in 1000..<1100 {
            let reached = Send.back(&bench, "198.51.100.9", stranger, to: port)
            #expect(reached != nil)
        }
        let use = Self.use(bench, Self.flooder)
        #expect(use?.strangers == 20 && use?.sessions == 1)
        for own: UInt16 in 5000..<5019 {
            let passed = Self.converse(&bench, Self.flooder, own)
            #expect(passed)
        }
    }

    @Test("Embryonic sessions have a quarter of the table", .row("S11"))
    func share() {
        var bench = Bench { $0.nat.limits.sessions = 80 }
        for port: UInt16 in 4000..<4030 { Self.converse(&bench, Self.other, port) }
        for port: UInt16 in 6000..<6010 { _ = Send.out(&bench, "192.168.50.12", port) }
        for port: UInt16 in 5000..<5100 {
            let sent = Send.out(&bench, Self.flooder, port)
            #expect(sent != nil)
        }
        #expect(bench.router.forwarder.nat.embryonicSessions == 20)
        #expect(bench.sessionCount == 50)
        let innocent = Self.ports(&bench, of: "192.168.50.12")
        #expect(innocent == Array(6000..<6010), "the host that holds most of them pays")
        // A newcomer is served at the cost of the one who floods.
        for port: UInt16 in 7000..<7005 { _ = Send.out(&bench, "192.168.50.13", port) }
        let newcomer = Self.ports(&bench, of: "192.168.50.13")
        #expect(newcomer == Array(7000..<7005))
        #expect(Self.ports(&bench, of: Self.other).count == 30)
    }

    @Test("A full table takes a newcomer only instead of an embryonic session", .row("S11", "C-11"))
    func full() {
        var bench = Bench { $0.nat.limits.sessions = 20 }
        for port: UInt16 in 4000..<4018 { Self.converse(&bench, Self.other, port) }
        for port: UInt16 in 5000..<5010 { _ = Send.out(&bench, Self.flooder, port) }
        #expect(bench.sessionCount == 20)
        var flooding = Self.ports(&bench, of: Self.flooder)
        #expect(flooding == [5008, 5009])
        for port: UInt16 in 5008...5009 { Self.converse(&bench, Self.flooder, port) }
        let refused = Send.out(&bench, "192.168.50.12", 4000)
        #expect(refused == nil && bench.drops(.natTableFull, on: .lan) == 1)
        flooding = Self.ports(&bench, of: Self.flooder)
        #expect(flooding == [5008, 5009])
        #expect(Self.ports(&bench, of: Self.other).count == 18)
    }

    @Test("Links are never shown as counters", .row("S11"))
    func counters() {
        var bench = Bench()
        for port: UInt16 in 4000..<4010 { _ = Send.out(&bench, Self.flooder, port) }
        for session in Self.sessions(&bench) {
            #expect(session.packetsIn == 0 && session.bytesIn == 0 && session.packetsOut == 1)
        }
        Self.converse(&bench, Self.flooder, 4005)
        for session in Self.sessions(&bench) {
            #expect(session.packetsIn == (session.insidePort == 4005 ? 1 : 0))
        }
    }

    @Test("A hairpin whose second session would end the first is refused", .row("U-9", "S10"))
    func hairpin() throws {
        var bench = Bench {
            $0.nat.limits.sessions = 16
            $0.nat.filtering = .endpointIndependent
        }
        for port: UInt16 in 4000..<4015 { Self.converse(&bench, Self.other, port) }
        let target = bench.router.forwarder.nat.session(0).outsidePort
        let packet = PacketBuilder(Self.flooder, "203.0.113.2").udp(5000, target)
        let sent = bench.send(packet, on: .lan)
        #expect(sent.isEmpty && bench.drops(.natTableFull, on: .lan) == 1)
        #expect(bench.sessionCount <= 16)
        bench.advance(.seconds(700))
        #expect(bench.sessionCount == 0 && bench.mappingCount == 0)
    }

    @Test("Times of what is not answered shrink when the table fills", .row("S11"))
    func adaptive() {
        var bench = Bench { $0.nat.limits.sessions = 400 }
        for port: UInt16 in 4000..<4099 { _ = Send.out(&bench, Self.flooder, port) }
        for port: UInt16 in 5000..<5300 { Self.converse(&bench, Self.other, port) }
        #expect(bench.sessionCount == 399)
        for port: UInt16 in 6000..<6005 { _ = Send.out(&bench, "192.168.50.12", port) }
        #expect(bench.sessionCount == 400)
        // Full: two thirds of the way from 300 s to the 120 s of RFC 4787 REQ-5.
        bench.advance(.seconds(180))
        #expect(Self.ports(&bench, of: "192.168.50.12").count == 5)
        bench.advance(.seconds(5))
        #expect(Self.ports(&bench, of: "192.168.50.12").isEmpty)
        #expect(Self.ports(&bench, of: Self.other).count == 300, "what was answered has its time")
        bench.advance(.seconds(114))
        #expect(Self.ports(&bench, of: Self.other).count == 300)
    }
}
