import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

@Suite("New settings")
struct ApplyTests {
    private static func web(_ inside: String, _ ports: ClosedRange<UInt16> = 80...80) -> PortForward
    {
        PortForward(
            name: "web", transports: [.udp], ports: ports, insideAddress: ip(inside),
            insidePort: ports.lowerBound)
    }

    @Test("A forward comes, moves at once and goes", .row("S-5"))
    func forwards() {
        var bench = Bench()
        let before = Send.back(&bench, to: 80)
        #expect(before == nil)
        bench.apply { $0.nat.portForwards = [Self.web("192.168.50.10")] }
        let added = Send.back(&bench, to: 80)
        #expect(added == "192.168.50.10:80")
        bench.apply { $0.nat.portForwards = [Self.web("192.168.50.11")] }
        let moved = Send.back(&bench, to: 80)
        #expect(moved == "192.168.50.11:80")
        bench.apply { $0.nat.portForwards = [] }
        let gone = Send.back(&bench, to: 80)
        #expect(gone == nil && bench.sessionCount == 0 && bench.mappingCount == 0)
    }

    @Test("Sessions the new settings still allow go on", .row("S-7", "U-11"))
    func survival() throws {
        var bench = Bench { $0.nat.portForwards = [Self.web("192.168.50.10")] }
        let sent = Send.out(&bench, "192.168.50.12")
        let port = try #require(sent).port
        let forwarded = Send.back(&bench, to: 80)
        #expect(forwarded == "192.168.50.10:80")
        let serial = bench.router.forwarder.nat.session(0).serial
        bench.apply {
            $0.nat.portForwards = [Self.web("192.168.50.11", 90...99), Self.web("192.168.50.10")]
            $0.nat.timeouts.udp = .seconds(130)
            $0.nat.timeouts.udpUnreplied = .seconds(130)
            $0.nat.filtering = .endpointIndependent
        }
        #expect(bench.sessionCount == 2)
        #expect(bench.router.forwarder.nat.session(0).serial == serial)
        let back = Send.back(&bench, to: port)
        #expect(back == "192.168.50.12:4000")
        let same = Send.out(&bench, "192.168.50.12")
        #expect(same?.port == port)
        let stranger = Send.back(&bench, "198.51.100.99", 9, to: port)
        #expect(stranger == "192.168.50.12:4000", "the new filter holds")
        bench.advance(.milliseconds(130_500))
        #expect(bench.sessionCount == 0, "the new time holds")
    }

    @Test("A forward takes its port from a mapping that has it", .row("S-1"))
    func forwardTakesPort() throws {
        var bench = Bench()
        let sent = Send.out(&bench, "192.168.50.12")
        let port = try #require(sent).port
        bench.apply { $0.nat.portForwards = [Self.web("192.168.50.10", port...port)] }
        #expect(bench.sessionCount == 0)
        let reached = Send.back(&bench, to: port)
        #expect(reached == "192.168.50.10:\(port)")
        let again = Send.out(&bench, "192.168.50.12")
        #expect(again != nil && again?.port != port)
    }

    @Test("A pool that shrinks keeps what it can; hosts move to what is left", .row("U-2"))
    func pool() throws {
        let web = Self.web("192.168.50.10")
        var bench = Bench {
            $0.nat.mode = .pool
            $0.nat.pool = [ip("203.0.113.10")...ip("203.0.113.17")]
            $0.nat.portForwards = [web].map {
                var forward = $0
                forward.outsideAddress = ip("203.0.113.10")
                return forward
            }
        }
        var addresses: [Int: String] = [:]
        for host in 11..<60 {
            let sent = Send.out(&bench, "192.168.50.\(host)")
            addresses[host] = try #require(sent).address
        }
        // This host has only the mapping of its forward, and no place in the pool of its own yet.
        let forwarded = Send.back(&bench, to: 80, at: "203.0.113.10")
        #expect(forwarded == "192.168.50.10:80")
        bench.apply { $0.nat.pool = [ip("203.0.113.10")...ip("203.0.113.11")] }
        let left: Set = ["203.0.113.10", "203.0.113.11"]
        #expect(bench.sessionCount == addresses.values.count { left.contains($0) } + 1)
        for host in 10..<60 {
            let sent = Send.out(&bench, "192.168.50.\(host)")
            let address = try #require(sent).address
            #expect(left.contains(address))
            if let old = addresses[host], left.contains(old) { #expect(address == old) }
        }
    }

    @Test("An excluded destination loses its sessions", .row("C-6", "S-6"))
    func exclusion() {
        var bench = Bench()
        _ = Send.out(&bench)
        _ = Send.out(&bench, to: "198.18.0.9")
        bench.apply { $0.nat.exclude = [NATException(prefix("198.18.0.0/16"))] }
        #expect(bench.sessionCount == 1)
        let plain = Send.out(&bench, to: "198.18.0.9")
        #expect(plain?.address == "192.168.50.10")
    }

    @Test("A new range of ports ends what lies outside of it")
    func ports() throws {
        var bench = Bench()
        let sent = Send.out(&bench)
        let port = try #require(sent).port
        bench.apply { $0.nat.ports = port...port }
        #expect(bench.sessionCount == 1)
        let full = Send.out(&bench, "192.168.50.11")
        #expect(full == nil)
        bench.apply { $0.nat.ports = port == 65_535 ? 1024...2048 : port + 1...65_535 }
        #expect(bench.sessionCount == 0)
    }
}
