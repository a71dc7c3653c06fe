import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

@Suite("Rules, exceptions and times by port")
struct RuleTests {
    private static func rule(
        _ inside: String, _ transports: [Transport] = [], _ change: (inout NATRule) -> Void
    ) -> NATRule {
        var rule = NATRule(inside: [prefix(inside)], transports: transports)
        change(&rule)
        return rule
    }

    @Test("The first rule that matches says on what a mapping depends", .row("U-8a", "U-11"))
    func mapping() throws {
        var bench = Bench {
            $0.nat.rules = [
                Self.rule("192.168.50.64/26") { $0.mapping = .addressAndPortDependent },
                Self.rule("192.168.50.0/24", [.udp]) { $0.mapping = .addressDependent },
                Self.rule("192.168.50.64/26") { $0.mapping = .endpointIndependent },
            ]
        }
        for (host, mappings) in [("192.168.50.70", 3), ("192.168.50.10", 2)] {
            var ports: Set<UInt16> = []
            for (remote, port): (String, UInt16) in [
                (Send.remote, 53), (Send.remote, 54), ("198.51.100.8", 53),
            ] {
                let sent = Send.out(&bench, host, to: remote, port)
                ports.insert(try #require(sent).port)
            }
            #expect(ports.count == mappings, "\(host)")
        }
        // Another transport falls through to the settings.
        for port: UInt16 in [80, 81] {
            bench.send(PacketBuilder("192.168.50.10", Send.remote).tcp(4000, port, .syn), on: .lan)
        }
        #expect(bench.mappingCount == 6)
    }

    @Test("Filters differ by host and by transport", .row("U-8", "U-8a", "T-3", "T-3a", "T-3b"))
    func filtering() throws {
        var bench = Bench {
            $0.nat.filtering = .addressAndPortDependent
            $0.nat.rules = [
                Self.rule("192.168.50.11/32") { $0.filtering = .addressDependent },
                Self.rule("192.168.50.12/32", [.udp]) { $0.filtering = .endpointIndependent },
            ]
        }
        for (host, near, far) in [(10, false, false), (11, true, false), (12, true, true)] {
            let address = "192.168.50.\(host)"
            let sent = Send.out(&bench, address)
            let port = try #require(sent).port
            let sameAddress = Send.back(&bench, Send.remote, 99, to: port)
            let stranger = Send.back(&bench, "198.51.100.99", 9, to: port)
            #expect((sameAddress != nil) == near, "\(address)")
            #expect((stranger != nil) == far, "\(address)")
            let syn = PacketBuilder(address, Send.remote).tcp(4000, 80, .syn)
            let out = bench.send(syn, on: .lan).last
            let outside = try #require(out?.seen["tcp.srcport"].flatMap { UInt16($0) })
            let other = PacketBuilder(Send.remote, "203.0.113.2").tcp(99, outside, .syn)
            #expect(bench.send(other, on: .wan).isEmpty == (host != 11), "\(address) by TCP")
        }
    }

    @Test("A denied host is told so, both ways", .row("S-6", "I-8"))
    func denied() {
        let forward = PortForward(
            transports: [.udp], ports: 80...80, insideAddress: ip("192.168.50.66"), insidePort: 80)
        var bench = Bench {
            $0.nat.portForwards = [forward]
            $0.nat.rules = [Self.rule("192.168.50.64/26", [.udp]) { $0.isDenied = true }]
        }
        let sent = Send.out(&bench, "192.168.50.66")
        #expect(sent == nil && bench.drops(.natDenied, on: .lan) == 1)
        let error = bench.take().last { $0.side == .lan }
        #expect(error?.seen["icmp.type"] == "3" && error?.seen["icmp.code"] == "13")
        let inbound = Send.back(&bench, to: 80)
        #expect(inbound == nil && bench.drops(.natDenied, on: .wan) == 1)
        let other = Send.out(&bench, "192.168.50.10")
        #expect(other != nil && bench.sessionCount == 1)
    }

    @Test("A rule that comes ends sessions, one that goes lets them begin", .row("S-6"))
    func reload() throws {
        var bench = Bench()
        let sent = Send.out(&bench, "192.168.50.66")
        let port = try #require(sent).port
        let kept = Send.out(&bench, "192.168.50.10")
        bench.apply {
            $0.nat.rules = [Self.rule("192.168.50.64/26") { $0.isDenied = true }]
        }
        #expect(bench.sessionCount == 1)
        let answer = Send.back(&bench, to: port)
        let again = Send.out(&bench, "192.168.50.66")
        let other = Send.out(&bench, "192.168.50.10")
        #expect(answer == nil && again == nil && other?.port == kept?.port)
        bench.apply { $0.nat.rules = [] }
        let allowed = Send.out(&bench, "192.168.50.66")
        #expect(allowed != nil)
    }

    @Test("A stricter filter ends what strangers began and nobody answered", .row("S-6", "U-8"))
    func stricterFilter() throws {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        let sent = Send.out(&bench)
        let port = try #require(sent).port
        for remote: UInt16 in [7, 8] { _ = Send.back(&bench, "198.51.100.99", remote, to: port) }
        _ = Send.back(&bench, Send.remote, 99, to: port)
        // One of the strangers is answered: it is none any more.
        _ = Send.out(&bench, to: "198.51.100.99", 7)
        #expect(bench.sessionCount == 4)
        bench.apply { $0.nat.filtering = .addressAndPortDependent }
        #expect(bench.sessionCount == 2)
        let refused = Send.back(&bench, "198.51.100.99", 8, to: port)
        let answered = Send.back(&bench, "198.51.100.99", 7, to: port)
        let own = Send.back(&bench, to: port)
        #expect(refused == nil && answered != nil && own != nil)
    }

    @Test("A source that is no longer allowed loses its sessions", .row("S-5", "S-6"))
    func forwardSources() {
        var forward = PortForward(
            transports: [.udp], ports: 80...80, insideAddress: ip("192.168.50.10"), insidePort: 80)
        var bench = Bench { $0.nat.portForwards = [forward] }
        _ = Send.back(&bench, "198.51.100.1", to: 80)
        _ = Send.back(&bench, "198.51.100.2", to: 80)
        forward.sources = [prefix("198.51.100.2/32")]
        bench.apply { $0.nat.portForwards = [forward] }
        #expect(bench.sessionCount == 1)
        let refused = Send.back(&bench, "198.51.100.1", to: 80)
        let allowed = Send.back(&bench, "198.51.100.2", to: 80)
        #expect(refused == nil && allowed == "192.168.50.10:80")
    }

    @Test("An exception may name a port; its pieces go with it", .row("C-6"))
    func exceptions() throws {
        var bench = Bench {
            $0.nat.exclude = [
                NATException(prefix("198.51.100.7/32"), transports: [.udp], ports: 53...53)
            ]
        }
        let plain = Send.out(&bench)
        #expect(plain?.address == "192.168.50.10" && plain?.port == 4000)
        let translated = Send.out(&bench, to: Send.remote, 54)
        let elsewhere = Send.out(&bench, to: "198.51.100.8", 53)
        #expect(translated?.address == "203.0.113.2" && elsewhere?.address == "203.0.113.2")
        bench.send(PacketBuilder("192.168.50.10", Send.remote).tcp(4000, 53, .syn), on: .lan)
        #expect(bench.sessionCount == 3)
        // An answer comes straight to the inside address; another port's does not.
        for (port, passes): (UInt16, Bool) in [(53, true), (54, false)] {
            let answer = PacketBuilder(Send.remote, "192.168.50.10").udp(port, 4000)
            #expect(bench.send(answer, on: .wan).isEmpty != passes, "\(port)")
        }
        let datagram = PacketBuilder("192.168.50.10", Send.remote)
            .udp(4000, 53, [UInt8](repeating: 7, count: 1200))
        var left: [SentFrame] = []
        for (from, to, field) in [(600, 1208, 75), (0, 600, 0x2000)] as [(Int, Int, UInt16)] {
            let path = PacketBuilder("192.168.50.10", Send.remote).with {
                $0.fragmentField = field
            }
            left += bench.send(path.packet(17, Array(datagram[20 + from..<20 + to])), on: .lan)
        }
        #expect(left.map { $0.seen["ip.src"] } == ["192.168.50.10", "192.168.50.10"])
        #expect(bench.sessionCount == 3)
    }

    @Test("A time for a destination port, not for a source", .row("U-5a", "U-5b"))
    func portTimeout() {
        var bench = Bench {
            $0.nat.timeouts.ports = [
                PortTimeout(transports: [.udp], ports: 53...53, time: .seconds(20))
            ]
        }
        _ = Send.out(&bench, "192.168.50.10", 4000, to: Send.remote, 53)
        _ = Send.out(&bench, "192.168.50.10", 53, to: Send.remote, 5353)
        bench.advance(.seconds(19))
        #expect(bench.sessionCount == 2)
        bench.advance(.milliseconds(1500))
        #expect(bench.sessionCount == 1)
        _ = Send.out(&bench, "192.168.50.10", 4000, to: Send.remote, 53)
        bench.apply { $0.nat.timeouts.ports = [] }
        bench.advance(.seconds(60))
        #expect(bench.sessionCount == 2, "live: the usual time holds again")
    }

    @Test("Strangers refresh a mapping only if asked to", .row("U-6a", "X-7"))
    func inboundRefresh() throws {
        for isOn in [false, true] {
            var bench = Bench {
                $0.nat.filtering = .endpointIndependent
                $0.nat.inboundRefresh = isOn
            }
            let sent = Send.out(&bench)
            let port = try #require(sent).port
            for _ in 0..<12 {
                _ = Send.back(&bench, "198.51.100.99", 9, to: port)
                bench.advance(.seconds(30))
            }
            let reached = Send.back(&bench, "198.51.100.99", 9, to: port)
            #expect((reached != nil) == isOn)
            // What the filter refuses refreshes nothing, also with the switch on.
            bench.apply { $0.nat.filtering = .addressAndPortDependent }
            _ = Send.out(&bench)
            for _ in 0..<12 {
                _ = Send.back(&bench, "198.51.100.99", 9, to: port)
                bench.advance(.seconds(30))
            }
            #expect(bench.mappingCount == 0)
        }
    }
}
