import Forwarding
import NAT
import Router
import Routing
import Support
import Testing
import Timing
import Wire

/// Addresses and states of interfaces, and what is not translated.
struct InterfaceTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    @Test(.row("F-26"), arguments: [NATSettings.Mode.masquerade, .none])
    func aDeadSideTakesNothingAndComesBack(mode: NATSettings.Mode) throws {
        var bench = Bench { $0.nat.mode = mode }
        let query = Self.host.udp(4000, 53)
        let to = mode == .none ? "192.168.50.10" : "203.0.113.2"
        #expect(bench.send(query, on: .lan).count == 1)
        let port = mode == .none ? 4000 : try outsidePort(bench.take().first)
        let answer = PacketBuilder("198.51.100.7", to).udp(53, port)
        #expect(bench.send(answer, on: .wan).count == 1)

        bench.setLink(.wan, isUp: false)
        let sent = bench.send(query, on: .lan)
        #expect(sent.allSatisfy { $0.side == .lan && $0.seen["icmp.type"] == "3" })
        #expect(bench.drops(.routeNone, on: .lan) + bench.drops(.deviceDown, on: .lan) == 1)
        // The other side goes on.
        let ping = PacketBuilder("192.168.50.10", "192.168.50.1").echo(identifier: 1)
        #expect(bench.send(ping, on: .lan).count == 1)
        bench.advance(.seconds(5))
        bench.setLink(.wan, isUp: true)
        #expect(bench.send(query, on: .lan).first?.side == .wan)
        #expect(bench.sessionCount == (mode == .none ? 0 : 1))

        bench.setLink(.lan, isUp: false)
        #expect(bench.send(answer, on: .wan).filter { $0.side == .lan }.isEmpty)
        bench.setLink(.lan, isUp: true)
        #expect(bench.send(answer, on: .wan).first?.side == .lan)
    }

    @Test(.row("F-27"))
    func bothAddressesOfA31AreHosts() throws {
        for own in [0, 1] {
            var bench = Bench(
                routes: [
                    Route(
                        prefix("0.0.0.0/0"), source: .static,
                        action: .forward([
                            NextHop(side: .wan, gateway: ip("203.0.113.\(1 - own)"))
                        ]))
                ]
            ) { $0[.wan].addresses = [address("203.0.113.\(own)/31")] }
            let other = "203.0.113.\(1 - own)"
            let mine = "203.0.113.\(own)"
            // ARP both ways, pings both ways, to the other one and beyond.
            #expect(bench.sendARP(1, on: .wan, from: other, to: mine).count == 1)
            #expect(bench.send(PacketBuilder(other, mine).echo(identifier: 1), on: .wan).count == 1)
            let out = try #require(
                bench.send(PacketBuilder("192.168.50.10", other).echo(identifier: 2), on: .lan)
                    .first)
            #expect(out.seen["ip.src"] == mine)
            #expect(out.seen["eth.dst"] == Bench.hardware(of: ip(other)).description)
            let reply = PacketBuilder(other, mine)
                .echo(reply: true, identifier: try outsidePort(out))
            #expect(bench.send(reply, on: .wan).first?.side == .lan)
            #expect(bench.send(Self.host.udp(1, 2), on: .lan).first?.side == .wan)
            #expect(bench.drops(.broadcastDirected, on: .lan) == 0)
            #expect(bench.drops(.martianSource, on: .wan) == 0)
        }
    }

    @Test(.row("F-28"))
    func a32IsReachedByARouterOnTheLink() throws {
        var bench = Bench(
            routes: [
                Route(
                    prefix("0.0.0.0/0"), source: .static,
                    action: .forward([NextHop(side: .wan, gateway: ip("198.51.100.1"))]))
            ]
        ) { $0[.wan].addresses = [address("203.0.113.2/32")] }
        // The router asks first: it has to be told, though it is in no network of ours.
        #expect(bench.sendARP(1, on: .wan, from: "198.51.100.1", to: "203.0.113.2").count == 1)
        bench.advance(.seconds(700))
        _ = bench.take()
        let out = try #require(bench.send(Self.host.udp(1, 2), on: .lan).first)
        #expect(out.seen["eth.dst"] == Bench.hardware(of: ip("198.51.100.1")).description)
        #expect(
            bench.requests(for: "198.51.100.1").first?.seen["arp.src.proto_ipv4"] == "203.0.113.2")
        let answer = PacketBuilder("198.51.100.7", "203.0.113.2").udp(2, try outsidePort(out))
        #expect(bench.send(answer, on: .wan).first?.side == .lan)
        // Inside addresses are none of that side.
        #expect(bench.sendARP(1, on: .wan, from: "192.168.50.9", to: "203.0.113.2").isEmpty)
    }

    @Test(.row("F-28"), .row("F-13"))
    func severalAddressesOfASideAllWork() throws {
        var bench = Bench {
            $0[.lan].addresses.append(address("10.0.0.1/24"))
            $0[.wan].addresses.append(address("203.0.113.3/24"))
        }
        for (host, own) in [("192.168.50.10", "192.168.50.1"), ("10.0.0.7", "10.0.0.1")] {
            #expect(bench.sendARP(1, from: host, to: own).count == 1)
            #expect(
                bench.send(PacketBuilder(host, own).echo(identifier: 1), on: .lan).first?
                    .seen["ip.src"] == own)
            // Errors come from the address of the host's own network.
            let packet = PacketBuilder(host, "198.51.100.7").with { $0.timeToLive = 1 }.udp(1, 2)
            #expect(bench.send(packet, on: .lan).first?.seen["ip.src"] == own)
            let out = bench.send(PacketBuilder(host, "198.51.100.7").udp(1, 2), on: .lan)
            #expect(out.first?.seen["ip.src"] == "203.0.113.2")
        }
        // Between two networks of one side the gateway routes, untranslated.
        let between = bench.send(PacketBuilder("192.168.50.10", "10.0.0.7").udp(1, 2), on: .lan)
        #expect(between.first?.side == .lan || bench.drops(.routeSameSide, on: .lan) == 1)
        for own in ["203.0.113.2", "203.0.113.3"] {
            let ping = PacketBuilder("203.0.113.9", own).echo(identifier: 1)
            #expect(bench.send(ping, on: .wan).first?.seen["ip.src"] == own)
        }
    }

    @Test(.row("F-4"), .row("F-21"), .row("F-7"))
    func withoutTranslationItRoutesBothWays() throws {
        var bench = Bench { $0.nat.mode = .none }
        let out = try #require(
            bench.send(Self.host.with { $0.timeToLive = 2 }.udp(4000, 53, [1]), on: .lan).first)
        #expect(out.side == .wan)
        #expect(out.seen["ip.src"] == "192.168.50.10")
        #expect(out.seen["udp.srcport"] == "4000")
        #expect(out.seen["ip.ttl"] == "1")
        #expect(out.seen.problems == [])
        let back = try #require(
            bench.send(Self.host.reversed().tcp(80, 5000, .ack, [7]), on: .wan).first)
        #expect(back.side == .lan)
        #expect(back.seen["ip.dst"] == "192.168.50.10")
        #expect(back.seen.problems == [])
        #expect(bench.sessionCount == 0)
        bench.send(PacketBuilder("10.1.1.1", "198.51.100.7").udp(1, 2), on: .lan)
        #expect(bench.drops(.sourceReversePath, on: .lan) == 1)
        bench.send(PacketBuilder("192.168.50.11", "192.168.50.10").udp(1, 2), on: .wan)
        #expect(bench.drops(.sourceReversePath, on: .wan) == 1)
        // Other protocols and errors pass as they are.
        #expect(bench.send(Self.host.packet(47, [1, 2, 3]), on: .lan).count == 1)
        let error = Self.host.icmpError(3, code: 3, about: Self.host.reversed().udp(1, 2))
        #expect(bench.send(error, on: .lan).first?.seen["ip.src"] == "192.168.50.10")
    }

    @Test(.row("C-6"))
    func excludedDestinationsAreNotTranslatedEitherWay() throws {
        var bench = Bench { $0.nat.exclude = [NATException(prefix("198.51.100.0/24"))] }
        let out = try #require(bench.send(Self.host.udp(4000, 53), on: .lan).first)
        #expect(out.seen["ip.src"] == "192.168.50.10")
        #expect(out.seen["ip.ttl"] == "63")
        let back = try #require(bench.send(Self.host.reversed().udp(53, 4000), on: .wan).first)
        #expect(back.side == .lan)
        #expect(back.seen["ip.dst"] == "192.168.50.10")
        #expect(bench.sessionCount == 0)
        // Others are, and may not come in by the inside address.
        let other = PacketBuilder("192.168.50.10", "192.0.2.1")
        #expect(bench.send(other.udp(1, 2), on: .lan).first?.seen["ip.src"] == "203.0.113.2")
        #expect(bench.send(other.reversed().udp(2, 1), on: .wan).isEmpty)
        #expect(bench.drops(.natNoSession, on: .wan) == 1)
        // The outside address still answers those excluded.
        let ping = PacketBuilder("198.51.100.7", "203.0.113.2").echo(identifier: 1)
        #expect(bench.send(ping, on: .wan).first?.seen["icmp.type"] == "0")
    }

    @Test("A change of routes moves running flows, which keep their outside port", .row("RT-NAT-1"))
    func routesChangeUnderFlows() throws {
        var bench = Bench()
        let packet = PacketBuilder("192.168.50.10", "198.51.100.7").udp(4000, 53)
        func send() -> SentFrame? { bench.send(packet, on: .lan).first }
        let before = try #require(send())
        func change(_ routes: [Route]) { bench.apply(routes: routes) { _ in } }
        let remote = prefix("198.51.100.0/24")
        func by(_ side: Side, _ gateway: String) -> [Route] {
            let hop = NextHop(side: side, gateway: ip(gateway))
            return Bench.routes + [Route(remote, source: .static, action: .forward([hop]))]
        }
        change(by(.wan, "203.0.113.77"))
        let moved = try #require(send())
        #expect(moved.seen["eth.dst"] == Bench.hardware(of: ip("203.0.113.77")).description)
        for field in ["ip.src", "udp.srcport"] { #expect(moved.seen[field] == before.seen[field]) }
        // A way inside needs no translation; without any nothing leaves.
        change(by(.lan, "192.168.50.77"))
        let inside = try #require(send())
        #expect(inside.side == .lan && inside.seen["ip.src"] == "192.168.50.10")
        change(Bench.routes + [Route(remote, source: .static, action: .blackhole)])
        #expect(send() == nil && bench.drops(.routeBlackhole, on: .lan) == 1)
        change(Bench.routes)
        let back = try #require(send())
        #expect(back.seen["udp.srcport"] == before.seen["udp.srcport"])
        let answer = PacketBuilder("198.51.100.7", "203.0.113.2")
            .udp(53, UInt16(try #require(before.seen["udp.srcport"])) ?? 0)
        #expect(bench.send(answer, on: .wan).first?.seen["ip.dst"] == "192.168.50.10")
    }

    @Test(.row("F-7"), .row("F-14"), .row("F-15"), .row("RT-LPM-1"), .row("RT-DISC-1"))
    func theLongestPrefixDecides() throws {
        let routes =
            Bench.routes + [
                Route(prefix("8.0.0.0/8"), source: .static, action: .blackhole),
                Route(prefix("8.8.0.0/16"), source: .static, action: .prohibit),
                Route(
                    prefix("8.8.8.0/24"), source: .static,
                    action: .forward([NextHop(side: .wan, gateway: ip("203.0.113.77"))])),
                Route(prefix("8.8.8.8/32"), source: .static, action: .unreachable),
            ]
        var bench = Bench(routes: routes)
        func send(_ to: String) -> SentFrame? {
            bench.send(PacketBuilder("192.168.50.10", to).udp(1, 2), on: .lan).first
        }
        #expect(send("8.1.1.1") == nil)
        #expect(bench.drops(.routeBlackhole, on: .lan) == 1)
        #expect(send("8.8.1.1")?.seen["icmp.code"] == "13")
        #expect(
            send("8.8.8.9")?.seen["eth.dst"] == Bench.hardware(of: ip("203.0.113.77")).description)
        #expect(send("8.8.8.8")?.seen["icmp.code"] == "1")
        #expect(
            send("9.9.9.9")?.seen["eth.dst"] == Bench.hardware(of: ip("203.0.113.1")).description)
    }
}
