import Memory
import Router
import Support
import Testing
import Timing
import Wire

@testable import Forwarding
@testable import NAT

/// The lists of what may give way, walked after each of many random events.
@Suite("Lists of sessions")
struct RingTests {
    @Test("They hold what they should after anything", .row("S11", "S-8"), arguments: [1, 2, 3])
    func walk(seed: UInt64) {
        var run = RingRun(seed: seed)
        for _ in 0..<4000 where run.problems.isEmpty { run.step() }
        #expect(run.problems.isEmpty)
        #expect(run.yielded > 100 && run.evicted > 100 && run.most > 20)
    }
}

private struct RingRun: ~Copyable {
    private var bench: Bench
    private var random: Random
    private(set) var problems: [String] = []
    /// The most closed sessions there were at once.
    private(set) var most = 0

    init(seed: UInt64) {
        random = Random(seed: seed)
        bench = Bench(seed: seed) {
            $0.nat.filtering = .endpointIndependent
            $0.nat.limits.sessions = 60
            $0.nat.limits.sessionsPerHost = 24
            $0.nat.limits.portsPerHost = 16
            $0.nat.timeouts.tcpEstablished = .seconds(500)
        }
    }

    private func sum(_ count: (SessionEnds) -> UInt64) -> Int {
        (0..<4).reduce(0) { $0 + Int(count(bench.router.forwarder.nat.statistics.ends[$1])) }
    }

    var yielded: Int { sum(\.yielded) }
    var evicted: Int { sum(\.evicted) }

    mutating func step() {
        let before = yielded + evicted
        let kind = random.below(60)
        switch kind {
        case 0: bench.advance(.seconds(Int64(random.below(150))))
        case 1: bench.advance(.milliseconds(Int64(random.below(9000))))
        case 2: kill()
        case 3:
            // Other neighbours and times: what was remembered of ways is stale.
            let time = Interval.seconds(Int64(300 + random.below(300)))
            let old = bench.router.forwarder.nat.settings
            bench.apply {
                $0.nat = old
                $0.nat.timeouts.tcpEstablished = time
            }
        case 4..<30: segment()
        default:
            // Ends meet, mostly to part again.
            let states: [ClassTests.State] = [.opening, .open, .closed, .closed, .reset]
            let host = "192.168.50.\(10 + random.below(4))"
            let port = UInt16(1000 + random.below(20))
            ClassTests.make(states[random.below(5)], host, port, &bench)
        }
        if yielded + evicted > before + 2 { problems.append("a packet ended more than two") }
        problems += bench.router.forwarder.nat.ringProblems
        most = max(most, bench.router.forwarder.nat.closedSessions)
        _ = bench.take()
    }

    private mutating func kill() {
        let number = UInt32(random.below(Int(bench.router.forwarder.nat.sessionLimit) + 1))
        bench.router.forwarder.nat.kill(number, at: bench.now)
    }

    /// A segment or datagram of a connection between few ends, so that most meet a session.
    private mutating func segment() {
        let host = "192.168.50.\(10 + random.below(4))"
        let port = UInt16(1000 + random.below(20))
        let remote = "198.51.100.\(7 + random.below(2))"
        let inside = PacketBuilder(host, remote)
        if random.below(12) == 0 {
            bench.send(inside.udp(port, 53), on: .lan)
            return
        }
        let flags: [TCPFlags] = [.syn, .syn, [.fin, .ack], .rst, .ack]
        let flag = flags[random.below(flags.count)]
        if random.below(2) == 0 {
            bench.send(inside.tcp(port, 80, flag), on: .lan)
            return
        }
        let known = (0..<bench.router.forwarder.nat.sessionLimit).filter {
            bench.router.forwarder.nat.isInUse($0)
        }
        guard !known.isEmpty else { return }
        let session = bench.router.forwarder.nat.session(known[random.below(known.count)])
        let server = PacketBuilder(remote, "203.0.113.2")
        let reply: TCPFlags = flag == .syn && random.below(4) != 0 ? [.syn, .ack] : flag
        bench.send(server.tcp(80, session.outsidePort, reply), on: .wan)
    }
}

extension NAT {
    fileprivate var closedSessions: Int { (0..<sessionLimit).count { sessions[$0].isClosed } }

    /// What is wrong with the lists; empty if nothing is.
    fileprivate var ringProblems: [String] {
        var found: [String] = []
        var listed: [SessionClass: Set<UInt32>] = [.embryonic: [], .closed: []]
        for host in 0..<hostPool.highest {
            for kind in SessionClass.allCases {
                let own = [Direction.outbound, .inbound].flatMap { direction in
                    ring(kind, host, direction, &found)
                }
                if own.count != Int(hosts[host].listed[kind.index]) {
                    found.append("\(own.count) \(kind) of host \(host), not as counted")
                }
                listed[kind, default: []].formUnion(own)
            }
        }
        for kind in SessionClass.allCases {
            let wanted = (0..<sessionLimit).filter { isInUse($0) && belongs($0, to: kind) }
            if Set(wanted) != listed[kind] { found.append("\(kind) are not those listed") }
        }
        if listed[.embryonic]?.count != embryonicCount { found.append("embryonic, in all") }
        return found
    }

    /// What a session should be listed as, by its phase and who has sent.
    private func belongs(_ number: UInt32, to kind: SessionClass) -> Bool {
        let session = sessions[number]
        let both = SessionFlag.sentOutbound | SessionFlag.sentInbound
        switch (kind, SessionPhase(rawValue: session.phase)) {
        case (.embryonic, _): return session.flags & both != both
        case (.closed, .closing): return true
        // Or it fell idle.
        case (.closed, .transitory): return session.isClosed
        case (.closed, _): return false
        }
    }

    /// The sessions of one list, in order; complains of what does not belong there.
    private func ring(
        _ kind: SessionClass, _ host: UInt32, _ direction: Direction, _ found: inout [String]
    ) -> [UInt32] {
        let oldest = hosts[host].oldest[kind, direction]
        var walked: [UInt32] = []
        var next = oldest
        while next != 0, walked.count <= sessionCount {
            let session = sessions[next - 1]
            walked.append(next - 1)
            let isRight =
                isInUse(next - 1) && session.flags & kind.flag != 0
                && session.firstDirection == direction
                && mappings[members[next - 1].mapping].host == host
            guard isRight, session.links.newer != 0 else {
                found.append("\(next - 1) does not belong to the \(kind) of \(host)")
                return walked
            }
            if sessions[session.links.newer - 1].links.older != next {
                found.append("the ring of \(kind) is broken at \(next - 1)")
            }
            next = session.links.newer == oldest ? 0 : session.links.newer
        }
        return walked
    }
}
