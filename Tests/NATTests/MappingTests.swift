import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// A table of what the bench sends and from where it comes, for tests of mappings and limits.
enum Send {
    static let remote = "198.51.100.7"

    /// Sends a datagram from inside; its outside address and port if it left.
    static func out(
        _ bench: inout Bench, _ host: String = "192.168.50.10", _ port: UInt16 = 4000,
        to remote: String = Send.remote, _ remotePort: UInt16 = 53
    ) -> (address: String, port: UInt16)? {
        let sent = bench.send(PacketBuilder(host, remote).udp(port, remotePort), on: .lan)
        guard let frame = sent.last(where: { $0.side == .wan }),
            let address = frame.seen["ip.src"],
            let outside = frame.seen["udp.srcport"].flatMap({ UInt16($0) })
        else { return nil }
        return (address, outside)
    }

    /// Sends a datagram from outside; the inside endpoint it reached.
    static func back(
        _ bench: inout Bench, _ remote: String = Send.remote, _ remotePort: UInt16 = 53,
        to port: UInt16, at address: String = "203.0.113.2"
    ) -> String? {
        let sent = bench.send(PacketBuilder(remote, address).udp(remotePort, port), on: .wan)
        guard let frame = sent.last(where: { $0.side == .lan }), let host = frame.seen["ip.dst"],
            let inside = frame.seen["udp.dstport"]
        else { return nil }
        return "\(host):\(inside)"
    }
}

@Suite("Mappings, filters and limits")
struct MappingTests {
    @Test("On what the outside port depends", .row("U-1", "U-11"), arguments: Behavior.allCases)
    func mapping(behavior: Behavior) throws {
        var bench = Bench { $0.nat.mapping = behavior }
        var ports: [UInt16] = []
        for (remote, port): (String, UInt16) in [
            (Send.remote, 53), (Send.remote, 54), ("198.51.100.8", 53), (Send.remote, 53),
        ] {
            let sent = Send.out(&bench, to: remote, port)
            ports.append(try #require(sent).port)
        }
        #expect(ports[3] == ports[0])
        #expect((ports[1] == ports[0]) == (behavior != .addressAndPortDependent))
        #expect((ports[2] == ports[0]) == (behavior == .endpointIndependent))
        #expect(bench.mappingCount == [1, 2, 3][Int(behavior.rawValue)])
    }

    @Test("Transports have mappings of their own", .row("X-5", "X-6"))
    func transports() throws {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        let sent = Send.out(&bench)
        let port = try #require(sent).port
        let syn = PacketBuilder(Send.remote, "203.0.113.2").tcp(53, port, .syn)
        let through = bench.send(syn, on: .wan)
        #expect(through.isEmpty)
        #expect(bench.sessionCount == 1)
    }

    @Test("One outside address a host, all of them used", .row("U-2", "C-2"))
    func paired() throws {
        var bench = Bench {
            $0.nat.mode = .pool
            $0.nat.pool = [ip("203.0.113.10")...ip("203.0.113.13")]
        }
        var addresses: Set<String> = []
        for host in 10..<40 {
            var own: Set<String> = []
            for port: UInt16 in 4000..<4010 {
                let sent = Send.out(&bench, "192.168.50.\(host)", port)
                own.insert(try #require(sent).address)
            }
            #expect(own.count == 1)
            addresses.formUnion(own)
        }
        #expect(addresses == ["203.0.113.10", "203.0.113.11", "203.0.113.12", "203.0.113.13"])
    }

    @Test("A full table refuses newcomers and keeps what it has", .row("C-11"))
    func tableLimit() throws {
        var bench = Bench { $0.nat.limits.sessions = 20 }
        var ports: [UInt16] = []
        for port: UInt16 in 4000..<4020 {
            let sent = Send.out(&bench, "192.168.50.10", port)
            ports.append(try #require(sent).port)
            _ = Send.back(&bench, to: ports[ports.count - 1])
        }
        let refused = Send.out(&bench, "192.168.50.11", 4000)
        #expect(refused == nil)
        #expect(bench.drops(.natTableFull, on: .lan) == 1)
        let error = bench.take().last { $0.side == .lan }
        #expect(error?.seen["icmp.type"] == "3" && error?.seen["icmp.code"] == "1")
        for (offset, port) in ports.enumerated() {
            let reached = Send.back(&bench, to: port)
            #expect(reached == "192.168.50.10:\(4000 + offset)")
        }
        bench.advance(.seconds(301))
        #expect(bench.sessionCount == 0)
        let again = Send.out(&bench, "192.168.50.11", 4000)
        #expect(again != nil)
    }

    @Test("An empty pool is a named drop", .row("X-4", "C-11"))
    func portLimit() {
        var bench = Bench { $0.nat.ports = 5000...5004 }
        let sent = (0..<8).map { Send.out(&bench, "192.168.50.10", 4000 + $0) }
        #expect(sent.compactMap { $0?.port }.sorted() == [5000, 5001, 5002, 5003, 5004])
        #expect(bench.drops(.natNoPort, on: .lan) == 3)
        #expect(bench.sessionCount == 5 && bench.mappingCount == 5)
    }

    @Test("New flows a second", .row("C-4"))
    func rate() {
        var bench = Bench { $0.nat.limits.newSessionsPerSecond = 10 }
        func burst(_ first: UInt16, _ bench: inout Bench) -> Int {
            (0..<30).count { Send.out(&bench, "192.168.50.10", first + $0) != nil }
        }
        let first = burst(4000, &bench)
        #expect(first == 10)
        #expect(bench.drops(.natRateLimit, on: .lan) == 20)
        bench.advance(.milliseconds(500))
        let half = burst(5000, &bench)
        #expect(half == 5)
        bench.advance(.seconds(60))
        let later = burst(6000, &bench)
        #expect(later == 10, "what was not used is kept for a second, not longer")
    }

    @Test("Strangers from outside make no state", .row("S03"))
    func unsolicited() {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        var random = Random(seed: 5)
        for _ in 0..<2000 {
            let remote = IPv4Address(0xc633_6400 | UInt32(random.below(250)))
            let path = PacketBuilder(remote, ip("203.0.113.2"))
            let ports = (UInt16(random.below(65_536)), UInt16(random.below(65_536)))
            let packet =
                switch random.below(3) {
                case 0: path.udp(ports.0, ports.1)
                case 1: path.tcp(ports.0, ports.1, .syn)
                default: path.echo(reply: true, identifier: ports.0)
                }
            let sent = bench.send(packet, on: .wan)
            #expect(sent.isEmpty)
        }
        #expect(bench.sessionCount == 0 && bench.mappingCount == 0)
        #expect(bench.router.forwarder.neighborCount == 0)
    }

    @Test("Nor do they wear out what is there, or learn of it", .row("S03"))
    func strangersBeside() throws {
        var bench = Bench()
        let sent = Send.out(&bench)
        let port = try #require(sent).port
        bench.advance(.seconds(100))
        _ = bench.take()
        var random = Random(seed: 6)
        let before = bench.router.forwarder.nat.secondsLeft(0, at: bench.now)
        for _ in 0..<2000 {
            let path = PacketBuilder(
                IPv4Address(0xc633_6500 | UInt32(random.below(250))), ip("203.0.113.2"))
            let source = UInt16(random.below(65_536))
            let packet =
                random.below(2) == 0
                ? path.udp(source, port) : path.tcp(source, port, [.syn, .ack])
            let reached = bench.send(packet, on: .wan)
            #expect(reached.isEmpty)
        }
        #expect(bench.sessionCount == 1 && bench.mappingCount == 1)
        #expect(bench.router.forwarder.nat.secondsLeft(0, at: bench.now) == before)
        let answer = Send.back(&bench, to: port)
        #expect(answer == "192.168.50.10:4000")
    }

    @Test("Two forwards to one service: the second flow of one source is refused", .row("S-1"))
    func ambiguous() {
        var bench = Bench {
            $0.nat.portForwards = [80, 8080].map {
                PortForward(
                    transports: [.udp], ports: $0...$0, insideAddress: ip("192.168.50.10"),
                    insidePort: 80)
            }
        }
        let first = Send.back(&bench, to: 80)
        let second = Send.back(&bench, to: 8080)
        let other = Send.back(&bench, Send.remote, 54, to: 8080)
        #expect(first == "192.168.50.10:80" && second == nil && other == "192.168.50.10:80")
        let answer = Send.out(&bench, "192.168.50.10", 80, to: Send.remote, 53)
        #expect(answer?.port == 80)
    }
}
