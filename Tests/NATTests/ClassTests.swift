import Memory
import Router
import Support
import Testing
import Timing
import Wire

@testable import Forwarding
@testable import NAT

/// TCP that its ends closed gives way before anything else does.
@Suite("Closed sessions")
struct ClassTests {
    private static let first = "192.168.50.10"
    private static let second = "192.168.50.11"
    private static let third = "192.168.50.12"

    /// How a connection stands.
    enum State: CaseIterable {
        case opening, open, halfClosed, closed, reset
    }

    /// Brings a connection from an inside port to a state; false if it was refused.
    @discardableResult
    static func make(
        _ state: State, _ host: String, _ port: UInt16, _ bench: inout Bench,
        to remote: String = Send.remote
    ) -> Bool {
        let inside = PacketBuilder(host, remote)
        let server = PacketBuilder(remote, "203.0.113.2")
        guard state != .opening else {
            return !bench.send(inside.tcp(port, 80, .syn), on: .lan).isEmpty
        }
        let outside = bench.connect(inside, port, 80)
        switch state {
        case .opening, .open: break
        case .halfClosed: bench.send(inside.tcp(port, 80, [.fin, .ack]), on: .lan)
        case .closed:
            bench.send(inside.tcp(port, 80, [.fin, .ack]), on: .lan)
            bench.send(server.tcp(80, outside, [.fin, .ack], acknowledgement: 2), on: .wan)
        case .reset: bench.send(server.tcp(80, outside, .rst), on: .wan)
        }
        return outside != 0
    }

    private static func ports(_ bench: inout Bench, of host: String) -> [UInt16] {
        QuotaTests.ports(&bench, of: host)
    }

    private static func ends(_ bench: borrowing Bench) -> SessionEnds {
        bench.router.forwarder.nat.statistics.ends[Transport.tcp.counter]
    }

    @Test("At its quota a host's oldest closed connection goes, then what nobody answered")
    func order() {
        var bench = Bench { $0.nat.limits.sessionsPerHost = 6 }
        Self.make(.opening, Self.first, 1000, &bench)
        Self.make(.open, Self.first, 1001, &bench)
        Self.make(.closed, Self.first, 1002, &bench)
        Self.make(.reset, Self.first, 1003, &bench)
        Self.make(.halfClosed, Self.first, 1004, &bench)
        Self.make(.opening, Self.first, 1005, &bench)
        var left: [[UInt16]] = []
        for port: UInt16 in 2000..<2005 {
            Self.make(.open, Self.first, port, &bench)
            left.append(Self.ports(&bench, of: Self.first).filter { $0 < 2000 })
        }
        #expect(
            left == [
                [1000, 1001, 1003, 1004, 1005], [1000, 1001, 1004, 1005], [1001, 1004, 1005],
                [1001, 1004], [1001, 1004],
            ])
        #expect(bench.drops(.natHostLimit, on: .lan) == 1)
        #expect(Self.ends(bench).yielded == 2 && Self.ends(bench).evicted == 2)
    }

    @Test(
        "A host may open connections for ever within its ports", .row("C-4", "C-8", "S10", "R-2"),
        arguments: [State.closed, .reset])
    func forever(state: State) {
        var bench = Bench {
            $0.nat.ports = 30_000...30_003
            $0.nat.limits.portsPerHost = 4
        }
        let passed = (0..<500).count { Self.make(state, Self.first, 10_000 + $0, &bench) }
        #expect(passed == 500, "a port that comes free so is used at once")
        #expect(bench.sessionCount == 4 && bench.mappingCount == 4)
        #expect(Self.ends(bench).yielded == 496)
        #expect(Self.ports(&bench, of: Self.first) == [10_496, 10_497, 10_498, 10_499])
    }

    @Test("What is open never gives way, nor what is half closed or fell idle", .row("C-11", "S11"))
    func staying() {
        var bench = Bench {
            $0.nat.limits.portsPerHost = 3
            $0.nat.timeouts.tcpEstablished = .seconds(300)
        }
        Self.make(.open, Self.first, 1000, &bench)
        bench.advance(.seconds(301))
        #expect(bench.phase(0) == .transitory)
        Self.make(.open, Self.first, 1001, &bench)
        Self.make(.halfClosed, Self.first, 1002, &bench)
        let passed = Self.make(.open, Self.first, 2000, &bench)
        #expect(!passed && bench.drops(.natHostLimit, on: .lan) == 1)
        #expect(Self.ports(&bench, of: Self.first) == [1000, 1001, 1002])
    }

    @Test("What is used again gives way no more, and later than others when it is closed again")
    func again() {
        var bench = Bench { $0.nat.limits.sessionsPerHost = 4 }
        let inside = PacketBuilder(Self.first, Send.remote)
        for port: UInt16 in 1000..<1002 { Self.make(.reset, Self.first, port, &bench) }
        for port: UInt16 in 1002..<1004 { Self.make(.closed, Self.first, port, &bench) }
        // Data after a reset, a SYN after both FINs.
        bench.send(inside.tcp(1000, 80, .ack), on: .lan)
        bench.send(inside.tcp(1002, 80, .syn, sequence: 900), on: .lan)
        Self.make(.open, Self.first, 2000, &bench)
        #expect(Self.ports(&bench, of: Self.first) == [1000, 1002, 1003, 2000])
        let outside = bench.router.forwarder.nat.session(0).outsidePort
        let server = PacketBuilder(Send.remote, "203.0.113.2")
        bench.send(server.tcp(80, outside, .rst), on: .wan)
        #expect(bench.phase(0) == .transitory)
        Self.make(.open, Self.first, 2001, &bench)
        #expect(Self.ports(&bench, of: Self.first) == [1000, 1002, 2000, 2001])
        Self.make(.open, Self.first, 2002, &bench)
        #expect(Self.ports(&bench, of: Self.first) == [1002, 2000, 2001, 2002])
        let last = Self.make(.open, Self.first, 2003, &bench)
        #expect(!last)
    }

    @Test("A host at its quota costs no other one a session", .row("S10"))
    func others() {
        var bench = Bench { $0.nat.limits.portsPerHost = 4 }
        for port: UInt16 in 1000..<1004 { Self.make(.closed, Self.second, port, &bench) }
        for port: UInt16 in 1000..<1050 { Self.make(.closed, Self.first, port, &bench) }
        for port: UInt16 in 2000..<2004 { Self.make(.open, Self.first, port, &bench) }
        let refused = Self.make(.open, Self.first, 3000, &bench)
        #expect(!refused)
        #expect(Self.ports(&bench, of: Self.second) == [1000, 1001, 1002, 1003])
    }

    @Test("What strangers began makes room for strangers only")
    func strangers() {
        var bench = Bench {
            $0.nat.limits.sessionsPerHost = 3
            $0.nat.portForwards = [
                PortForward(
                    name: "web", transports: [.tcp], ports: 80...80, insideAddress: ip(Self.first),
                    insidePort: 80)
            ]
        }
        let server = PacketBuilder(Self.first, "198.51.100.9")
        func visit(_ port: UInt16, _ bench: inout Bench) -> Bool {
            let client = PacketBuilder("198.51.100.9", "203.0.113.2")
            let reached = bench.send(client.tcp(port, 80, .syn), on: .wan)
            bench.send(server.tcp(80, port, [.syn, .ack]), on: .lan)
            bench.send(client.tcp(port, 80, [.fin, .ack]), on: .wan)
            bench.send(server.tcp(80, port, [.fin, .ack], acknowledgement: 2), on: .lan)
            return !reached.isEmpty
        }
        let visits = (1000..<1020).count { visit($0, &bench) }
        #expect(visits == 20)
        for port: UInt16 in 2000..<2003 { Self.make(.open, Self.first, port, &bench) }
        let refused = Self.make(.open, Self.first, 2003, &bench)
        #expect(!refused && bench.router.forwarder.nat.use(of: ip(Self.first))?.strangers == 3)
    }

    @Test("A full table: the host's own closed ones, then those of who has most", .row("S11"))
    func full() {
        var bench = Bench { $0.nat.limits.sessions = 16 }
        for port: UInt16 in 1000..<1008 { Self.make(.open, Self.third, port, &bench) }
        for port: UInt16 in 1000..<1003 { Self.make(.closed, Self.second, port, &bench) }
        for port: UInt16 in 1000..<1002 { Self.make(.closed, Self.first, port, &bench) }
        for port: UInt16 in 2000..<2003 { Self.make(.opening, Self.second, port, &bench) }
        #expect(bench.sessionCount == 16)
        for port: UInt16 in 3000..<3002 { Self.make(.open, Self.first, port, &bench) }
        #expect(Self.ports(&bench, of: Self.first) == [3000, 3001])
        for port: UInt16 in 4000..<4003 { Self.make(.open, "192.168.50.13", port, &bench) }
        #expect(Self.ports(&bench, of: Self.second) == [2000, 2001, 2002])
        for port: UInt16 in 4003..<4006 { Self.make(.open, "192.168.50.13", port, &bench) }
        #expect(Self.ports(&bench, of: Self.second) == [])
        let refused = Self.make(.open, "192.168.50.13", 4006, &bench)
        #expect(!refused && bench.drops(.natTableFull, on: .lan) == 1)
        #expect(Self.ports(&bench, of: Self.third) == Array(1000..<1008))
        #expect(Self.ports(&bench, of: "192.168.50.13") == Array(4000..<4006))
    }

    @Test("Two closed connections go for a port at most, no answer awaited for none")
    func shared() {
        var bench = Bench { $0.nat.limits.portsPerHost = 2 }
        // Five connections of one port, the last of them open.
        for remote in 1..<5 {
            Self.make(.closed, Self.first, 1000, &bench, to: "198.51.100.\(remote)")
        }
        Self.make(.open, Self.first, 1000, &bench)
        Self.make(.open, Self.first, 1001, &bench)
        var counts: [Int] = []
        for _ in 0..<3 {
            let passed = Self.make(.open, Self.first, 1002, &bench)
            #expect(!passed)
            counts.append(bench.sessionCount)
        }
        #expect(counts == [4, 2, 2])
        Self.make(.opening, Self.first, 1000, &bench, to: "198.51.100.9")
        let passed = Self.make(.open, Self.first, 1002, &bench)
        #expect(!passed && bench.sessionCount == 3, "it would have freed no port")
    }

    @Test("A port that something else made rest is not free at once", .row("C-8", "S10"))
    func pace() {
        var bench = Bench {
            $0.nat.limits.portsPerHost = 2
            $0.nat.ports = 30_000...30_999
        }
        // Each port has a connection that nobody answered, which goes with its last closed one.
        func use(_ port: UInt16, _ bench: inout Bench) -> Bool {
            let made = Self.make(.closed, Self.first, port, &bench)
            let stray = PacketBuilder(Send.remote, "203.0.113.2")
            let outside = bench.router.forwarder.nat.lastOutside
            bench.send(stray.tcp(99, outside, .syn), on: .wan)
            return made
        }
        let passed = (0..<20).count { use(1000 + $0, &bench) }
        #expect(passed == 4, "its quota, and as many that it may give up")
    }

    @Test("What it was is told when it ends, without links", .row("S11"))
    func event() {
        var bench = Bench { $0.nat.limits.portsPerHost = 2 }
        bench.router.forwarder.nat.recordsEvents = true
        for port: UInt16 in 1000..<1003 { Self.make(.closed, Self.first, port, &bench) }
        let ended = bench.router.forwarder.nat.takeEvents().events.filter(\.isEnd)
        #expect(ended.map(\.session.insidePort) == [1000])
        #expect(ended.map(\.session.packetsIn) == [2] && ended.map(\.session.packetsOut) == [2])
    }

    @Test("Events that reach nobody are told of with the next ones")
    func lostEvents() {
        var bench = Bench()
        bench.router.forwarder.nat.recordsEvents = true
        for port: UInt16 in 1000..<1003 { Self.make(.opening, Self.first, port, &bench) }
        let taken = bench.router.forwarder.takeSessionEvents()
        #expect(taken.events.count == 3 && taken.lost == 0)
        let before = bench.router.forwarder.nat.hasEvents
        bench.router.forwarder.loseSessionEvents(taken.events.count)
        let after = bench.router.forwarder.nat.hasEvents
        #expect(!before && after, "though nothing else happens")
        Self.make(.opening, Self.first, 1003, &bench)
        let next = bench.router.forwarder.takeSessionEvents()
        #expect(next.events.map(\.session.insidePort) == [1003] && next.lost == 3)
        // Nobody watches any more, nor did when they were lost.
        bench.router.forwarder.nat.recordsEvents = false
        bench.router.forwarder.loseSessionEvents(1)
        let last = bench.router.forwarder.nat.hasEvents
        #expect(!last)
    }

    @Test("No generation of routes looks like a link", .row("S-8"))
    func generations() {
        var bench = Bench()
        bench.router.forwarder.epoch = .max - 1
        for _ in 0..<4 {
            bench.apply { $0.nat = NATSettings() }
            #expect(bench.router.forwarder.epoch >> 31 == 1)
        }
    }
}

extension NAT {
    /// The outside port of the session made last.
    fileprivate var lastOutside: UInt16 {
        var last = Session?.none
        for number in 0..<sessionLimit where isInUse(number) {
            if sessions[number].serial > last?.serial ?? 0 { last = sessions[number] }
        }
        return last?.outsidePort ?? 0
    }
}
