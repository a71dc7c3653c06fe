import Forwarding
import NAT
import Router
import Routing
import Support
import Testing
import Timing
import Wire

/// Which addresses may pass, on both sides: martians, spoofed and own sources, loops, broadcasts.
struct AddressTests {
    static let stranger = "198.51.100.7"

    static func forward(_ settings: inout ForwardingSettings) {
        settings.nat.portForwards = [
            PortForward(
                transports: [.udp], ports: 7...7, insideAddress: ip("192.168.50.10"), insidePort: 7)
        ]
    }

    /// A packet that would pass but for its source.
    static func packet(from source: String, on side: Side) -> [UInt8] {
        side == .lan
            ? PacketBuilder(source, stranger).udp(4000, 7, [1])
            : PacketBuilder(source, "203.0.113.2").udp(4000, 7, [1])
    }

    @Test(
        .row("M-1"), .row("M-2"), .row("M-3"), .row("M-5"), .row("M-8"), .row("S13"),
        .row("F-20"), .row("F-22"),
        arguments: Side.allCases)
    func impossibleSourcesAreDropped(side: Side) {
        var bench = Bench(Self.forward)
        for source in [
            "0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.0.1", "224.0.0.9", "239.1.1.1", "240.0.0.1",
            "255.255.255.255", "192.168.50.255", "203.0.113.255", "192.168.50.1", "203.0.113.2",
        ] {
            let own = ["192.168.50.1", "203.0.113.2"].contains(source)
            let reason = own ? DropReason.sourceOwnAddress : .martianSource
            let before = bench.drops(reason, on: side)
            bench.send(Self.packet(from: source, on: side), on: side)
            #expect(bench.drops(reason, on: side) == before + 1, "\(source)")
        }
        #expect(bench.sent.isEmpty)
        #expect(bench.allDrops(on: side) == 12)
    }

    @Test(.row("M-5"), .row("S13"), arguments: Side.allCases)
    func classEPassesIfWanted(side: Side) {
        var bench = Bench {
            Self.forward(&$0)
            $0.policy.forwardsClassE = true
            $0[.lan].addresses.append(address("250.0.0.1/24"))
        }
        let source = side == .lan ? "250.0.0.9" : "241.2.3.4"
        #expect(bench.send(Self.packet(from: source, on: side), on: side).count == 1)
        let out = PacketBuilder("192.168.50.10", "241.2.3.4").udp(1, 2)
        #expect(bench.send(out, on: .lan).first?.side == .wan)
        for source in ["255.255.255.255", "239.1.1.1"] {
            #expect(bench.send(Self.packet(from: source, on: side), on: side).isEmpty)
        }
        #expect(bench.drops(.martianSource, on: side) == 2)
    }

    static let impossibleDestinations: [(String, DropReason)] = [
        ("0.0.0.1", .martianDestination), ("127.0.0.1", .martianDestination),
        ("169.254.7.7", .martianDestination), ("240.0.0.1", .martianDestination),
        ("224.0.0.1", .multicastNotJoined), ("239.255.255.250", .multicastNotJoined),
        ("255.255.255.255", .broadcastLimited), ("192.168.50.255", .broadcastDirected),
        ("203.0.113.255", .broadcastDirected),
    ]

    @Test(
        .row("M-1"), .row("M-2"), .row("M-3"), .row("M-5"), .row("S16"), .row("F-9"), .row("F-20"),
        arguments: [NATSettings.Mode.masquerade, .none])
    func impossibleDestinationsAreDroppedWithoutAnError(mode: NATSettings.Mode) {
        var bench = Bench { $0.nat.mode = mode }
        for (destination, reason) in Self.impossibleDestinations {
            for side in Side.allCases {
                for ttl in [1, 64] as [UInt8] {
                    let source = side == .lan ? "192.168.50.10" : "203.0.113.9"
                    let packet = PacketBuilder(source, destination).with { $0.timeToLive = ttl }
                    let before = (bench.drops(reason, on: side), bench.allDrops(on: side))
                    bench.send(packet.udp(1, 2), on: side)
                    #expect(bench.drops(reason, on: side) == before.0 + 1, "\(destination)")
                    for hardware in [MACAddress.broadcast, mac("01:00:5e:00:00:01")] {
                        let frame = Bench.frame(packet.udp(1, 2), on: side, to: hardware)
                        bench.send(frame: frame, on: side)
                    }
                    #expect(bench.allDrops(on: side) == before.1 + 3)
                }
            }
        }
        #expect(bench.sent.isEmpty)
    }

    @Test(.row("F-21"), .row("S13"), .row("M-6"), .row("M-8"))
    func sourcesNeedAWayBack() {
        // Strict inside.
        var bench = Bench(Self.forward)
        for source in ["10.1.1.1", "100.64.0.1", "198.18.0.5", "8.8.8.8", "203.0.113.9"] {
            bench.send(Self.packet(from: source, on: .lan), on: .lan)
        }
        #expect(bench.sent.isEmpty)
        #expect(bench.drops(.sourceReversePath, on: .lan) == 5)
        // Outside only what belongs inside is refused.
        bench.send(Self.packet(from: "192.168.50.77", on: .wan), on: .wan)
        #expect(bench.drops(.sourceReversePath, on: .wan) == 1)
        #expect(bench.send(Self.packet(from: "10.9.9.9", on: .wan), on: .wan).count == 1)
    }

    @Test(.row("M-4"), .row("M-6"), .row("M-7"), .row("S13"))
    func switchesMakeThePolicyStricter() {
        let cases: [(String, Bool, Bool)] = [
            ("198.51.100.7", false, true), ("192.0.2.1", false, true), ("203.0.113.9", false, true),
            ("10.9.9.9", true, false), ("172.31.0.1", true, false), ("100.64.1.1", true, false),
            ("198.19.255.1", true, false), ("192.168.7.7", true, false),
            ("192.0.0.1", true, false), ("192.88.99.1", true, false), ("9.9.9.9", false, false),
        ]
        for (strict, documentation) in [(false, false), (false, true), (true, false), (true, true)]
        {
            var bench = Bench { settings in
                Self.forward(&settings)
                settings.policy.isStrict = strict
                settings.policy.dropsDocumentation = documentation
            }
            for (source, ifStrict, ifDocumentation) in cases {
                let isDropped = strict && ifStrict || documentation && ifDocumentation
                let before = bench.drops(.martianSource, on: .wan)
                let count = bench.send(Self.packet(from: source, on: .wan), on: .wan).count
                #expect(count == (isDropped ? 0 : 1), "\(source)")
                #expect(bench.drops(.martianSource, on: .wan) == before + (isDropped ? 1 : 0))
            }
        }
        var bench = Bench {
            $0.policy.dropsDocumentation = true; $0.policy.isStrict = true
        }
        for to in ["198.51.100.7", "192.0.0.9", "192.88.99.1"] {
            #expect(bench.send(PacketBuilder("192.168.50.10", to).udp(1, 2), on: .lan).isEmpty)
        }
        #expect(bench.drops(.martianDestination, on: .lan) == 3)
        bench.send(PacketBuilder("192.168.50.10", "203.0.113.2").echo(identifier: 1), on: .lan)
        #expect(bench.take().count == 1)
    }

    @Test(.row("S14"))
    func landAndTurningBackAreDropped() {
        let cases: [(String, String, Side, NATSettings.Mode, DropReason)] = [
            ("192.168.50.10", "192.168.50.10", .lan, .masquerade, .martianSource),
            ("192.168.50.1", "192.168.50.1", .lan, .masquerade, .sourceOwnAddress),
            ("203.0.113.2", "203.0.113.2", .wan, .masquerade, .sourceOwnAddress),
            ("203.0.113.2", "192.168.50.10", .lan, .masquerade, .sourceOwnAddress),
            ("192.168.50.10", "192.168.50.11", .lan, .masquerade, .routeSameSide),
            ("203.0.113.9", "203.0.113.10", .wan, .none, .routeSameSide),
            ("198.51.100.7", "198.51.100.7", .wan, .none, .martianSource),
            ("203.0.113.9", "203.0.113.10", .wan, .masquerade, .natNoSession),
        ]
        for (source, destination, side, mode, reason) in cases {
            var bench = Bench { $0.nat.mode = mode }
            bench.send(PacketBuilder(source, destination).udp(1, 2), on: side)
            #expect(bench.take().isEmpty, "\(source) to \(destination)")
            #expect(bench.drops(reason, on: side) == 1, "\(source) to \(destination)")
        }
    }

    @Test(.row("S14"), .row("S17"), .row("F-3"))
    func loopOfTwoGatewaysDiesByTimeToLive() throws {
        // A source that is not connected: a packet from a connected network would not come back in.
        let routed = Route(
            prefix("172.16.0.0/12"), source: .static,
            action: .forward([NextHop(side: .lan, gateway: ip("192.168.50.9"))]))
        var left = Bench(routes: Self.defaultRoute("203.0.113.3") + [routed]) {
            $0.nat.mode = .none
        }
        var right = Bench(routes: Self.defaultRoute("203.0.113.2")) { settings in
            settings.nat.mode = .none
            settings[.wan].addresses = [address("203.0.113.3/24")]
            settings[.lan].addresses = [address("192.168.60.1/24")]
        }
        var packet = PacketBuilder("172.16.0.1", Self.stranger).udp(1, 2, [5])
        var hops = 0
        var side = Side.lan
        while let out = left.send(packet, on: side).first, out.side == .wan, hops < 300 {
            hops += 1
            side = .wan
            guard
                let back = right.send(Array(out.bytes.dropFirst(14)), on: .wan).first,
                back.seen["ip.dst"] == Self.stranger
            else { break }
            hops += 1
            packet = Array(back.bytes.dropFirst(14))
        }
        #expect(hops == 63)
        #expect(right.drops(.ttlExpired, on: .wan) == 1)
        let error = try #require(right.take().last)
        #expect(error.seen["icmp.type"] == "11")
        #expect(error.seen["ip.dst"] == "172.16.0.1")
    }

    static func defaultRoute(_ gateway: String) -> [Route] {
        [
            Route(
                prefix("0.0.0.0/0"), source: .static,
                action: .forward([NextHop(side: .wan, gateway: ip(gateway))]))
        ]
    }

    @Test(.row("F-8"), .row("F-10"), .row("S16"))
    func linkBroadcastOfUnicastIsDropped() {
        for mode in [NATSettings.Mode.masquerade, .none] {
            var bench = Bench { $0.nat.mode = mode }
            for to in ["198.51.100.7", "192.168.50.1"] {
                let packet = PacketBuilder("192.168.50.10", to).with { $0.timeToLive = 1 }.udp(1, 2)
                bench.send(frame: Bench.frame(packet, on: .lan, to: .broadcast), on: .lan)
            }
            #expect(bench.sent.isEmpty)
            #expect(bench.drops(.ipv4LinkBroadcast, on: .lan) == 2)
        }
    }

    @Test(.row("F-9"), .row("F-10"), .row("S16"))
    func directedBroadcastPassesIfWantedAndNeverCausesAnError() throws {
        var bench = Bench {
            $0.nat.mode = .none
            $0.policy.forwardsDirectedBroadcast = true
        }
        let packet = PacketBuilder(Self.stranger, "192.168.50.255")
        let out = try #require(bench.send(packet.udp(1, 2), on: .wan).first)
        #expect(out.side == .lan)
        #expect(out.seen["eth.dst"] == "ff:ff:ff:ff:ff:ff")
        #expect(out.seen["ip.ttl"] == "63")
        #expect(bench.send(packet.with { $0.timeToLive = 1 }.udp(1, 2), on: .wan).isEmpty)
        #expect(bench.drops(.ttlExpired, on: .wan) == 1)
        // From its own network it is not for a router to forward, and one to us is not answered.
        bench.send(PacketBuilder("192.168.50.10", "192.168.50.255").udp(1, 2), on: .lan)
        #expect(bench.drops(.broadcastDirected, on: .lan) == 1)
        bench.apply { $0.policy.forwardsDirectedBroadcast = false }
        #expect(bench.send(packet.udp(1, 2), on: .wan).isEmpty)
        #expect(bench.drops(.broadcastDirected, on: .wan) == 1)
    }

    @Test(.row("M-6"), .row("S-2"))
    func noInsideAddressIsSeenOutside() {
        var bench = Bench()
        for to in ["10.1.2.3", "172.16.0.1", "192.168.99.9", "100.64.0.1", "198.18.0.1"] {
            bench.send(PacketBuilder("192.168.50.10", to).udp(4000, 53), on: .lan)
        }
        let out = bench.take()
        #expect(out.count == 5)
        #expect(out.allSatisfy { $0.seen["ip.src"] == "203.0.113.2" })
        // Not even if asked for: the inside address of the gateway does not answer outside.
        bench.send(PacketBuilder(Self.stranger, "192.168.50.1").echo(identifier: 1), on: .wan)
        bench.send(PacketBuilder(Self.stranger, "192.168.50.10").echo(identifier: 1), on: .wan)
        #expect(bench.take().isEmpty)
        #expect(bench.drops(.natNoSession, on: .wan) == 2)
    }
}
