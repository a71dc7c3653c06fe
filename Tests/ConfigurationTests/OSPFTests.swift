import BFD
import Forwarding
import OSPF
import Routing
import Signing
import Support
import Testing
import Timing
import Wire

@testable import Configuration

@Suite struct OSPFDecodingTests {
    @Test func defaults() throws {
        #expect(read(ErrorCase.skeleton).configuration?.ospf == nil, "off unless asked for")
        let result = read(ErrorCase.skeleton + "ospf: {interfaces: {wan: {area: 0}}}\n")
        #expect(result.render() == "")
        let configuration = try #require(result.configuration)
        let ospf = try #require(configuration.ospf)
        #expect(ospf.settings.router == ip("203.0.113.2"), "the highest address")
        #expect(ospf.settings.areas == [OSPFAreaSettings(.unspecified)])
        let address = InterfaceAddress(ip("203.0.113.2"), length: 24)
        let own = OSPFInterfaceSettings(address: address, area: .unspecified)
        #expect(ospf.settings.interfaces == [nil, own])
        #expect(ospf.redistributed.isEmpty && ospf.defaultRoute == nil)
        #expect(configuration.forwarding[.wan].speaksOSPF)
        #expect(!configuration.forwarding[.lan].speaksOSPF)
    }

    @Test func everything() throws {
        let result = read(
            ErrorCase.skeleton + """
                ospf:
                  router-id: 1.2.3.4
                  stub-router: true
                  areas:
                    1: {type: totally-nssa, default-cost: 7, external-ranges: [10.9.0.0/16]}
                    0: {ranges: [10.0.0.0/8]}
                  interfaces:
                    lan: {area: 0.0.0.1, passive: true, cost: 5}
                    wan:
                      area: 0
                      cost: 100
                      network-type: point-to-point
                      priority: 0
                      mtu-ignore: true
                      prefix-suppression: true
                      hello-interval: 500ms
                      retransmit-interval: 2s
                      transmit-delay: 3s
                      bfd: {min-tx: 50ms, min-rx: 60ms, multiplier: 4}
                      authentication: {type: md5, key-id: 9, key-file: /k}
                  redistribute: [connected, {from: rip, metric: 30, metric-type: 1}]
                  default-originate: {always: true}
                  stub-router-at-start: 90s
                  stub-router-at-stop: 8s
                  graceful-restart: {period: 60s, helper: false}

                """)
        #expect(result.render() == "")
        let ospf = try #require(result.configuration?.ospf)
        #expect(ospf.settings.router == ip("1.2.3.4") && ospf.settings.isStubRouter)
        var stub = OSPFAreaSettings(ip("0.0.0.1"))
        stub.kind = .nssa(cost: 7, isTotally: true)
        stub.externalRanges = [OSPFRange(prefix("10.9.0.0/16"))]
        var backbone = OSPFAreaSettings(.unspecified)
        backbone.ranges = [OSPFRange(prefix("10.0.0.0/8"))]
        #expect(ospf.settings.areas == [stub, backbone])
        let lan = try #require(ospf.settings.interfaces[0])
        #expect(lan.isPassive && lan.cost == 5 && lan.area == ip("0.0.0.1"))
        let wan = try #require(ospf.settings.interfaces[1])
        #expect(wan.cost == 100 && wan.network == .pointToPoint && wan.priority == 0)
        #expect(wan.ignoresMTU && wan.helloInterval == .milliseconds(500))
        #expect(wan.deadInterval == .seconds(2), "four times the hello interval")
        #expect(wan.retransmitInterval == .seconds(2) && wan.transmitDelay == 3)
        let key = SigningKey(id: 9, .keyedMD5, secret: Array("secret".utf8))
        #expect(wan.authentication == .keys([key]))
        #expect(
            ospf.redistributed == [
                .connected: OSPFMetric(20), .rip: OSPFMetric(30, isType2: false),
            ])
        #expect(ospf.settings.stubAtStart == .seconds(90) && wan.hidesNetwork)
        #expect(ospf.stubAtStop == .seconds(8))
        #expect(ospf.gracePeriod == .seconds(60) && !ospf.settings.helpsRestarts)
        #expect(ospf.defaultRoute == OSPFMetric(10) && ospf.alwaysHasDefault)
        #expect(result.configuration?.forwarding[.lan].speaksOSPF == false, "passive")
        var timing = BFDTiming()
        (timing.transmit, timing.receive) = (.milliseconds(50), .milliseconds(60))
        timing.multiplier = 4
        #expect(ospf.bfd == [nil, timing])
        #expect(result.configuration?.forwarding[.wan].speaksBFD == true)
        #expect(result.configuration?.forwarding[.lan].speaksBFD == false)
        let before = try #require(read(ErrorCase.skeleton).configuration)
        let after = try #require(result.configuration)
        let text = ConfigurationChange.render(differences(from: before, to: after))
        for line in [
            "ospf.router-id                    1.2.3.4", "ospf.areas.0.0.0.1.type",
            "ospf.interfaces.wan.authentication md5 key 9", "ospf.redistribute[rip]",
            "30 type 1", "ospf.default-originate", "10 type 2, always",
            "ospf.interfaces.wan.bfd           50ms/60ms x 4",
        ] {
            #expect(text.contains(line), "\(line) in\n\(text)")
        }
        #expect(!text.contains("secret"))
    }

    @Test func virtualLinks() throws {
        let result = read(
            ErrorCase.skeleton + """
                ospf:
                  areas:
                    1:
                      virtual-links:
                        - router: 1.2.3.4
                        - router: 1.2.3.5
                          hello-interval: 2s
                          retransmit-interval: 3s
                          transmit-delay: 4s
                          authentication: {type: hmac-sha-256, key-id: 9, key-file: /k}
                          extended-sequence: true
                  interfaces: {lan: {area: 2}, wan: {area: 1}}

                """)
        #expect(result.render() == "")
        let settings = try #require(result.configuration?.ospf?.settings)
        #expect(
            settings.areas.map(\.id) == [ip("0.0.0.1"), ip("0.0.0.2"), .unspecified],
            "the backbone, though no side is in it")
        let plain = OSPFInterfaceSettings(OSPFVirtualEnd(ip("1.2.3.4"), through: ip("0.0.0.1")))
        #expect(settings.interfaces.count == 4 && settings.interfaces[2] == plain)
        var keyed = OSPFInterfaceSettings(OSPFVirtualEnd(ip("1.2.3.5"), through: ip("0.0.0.1")))
        (keyed.helloInterval, keyed.deadInterval) = (.seconds(2), .seconds(8))
        (keyed.retransmitInterval, keyed.transmitDelay) = (.seconds(3), 4)
        keyed.authentication = .keys([
            SigningKey(id: 9, .hmacSHA256, secret: Array("secret".utf8))
        ])
        keyed.hasLongSequence = true
        #expect(settings.interfaces[3] == keyed)
        let before = try #require(read(ErrorCase.skeleton).configuration)
        let after = try #require(result.configuration)
        let text = ConfigurationChange.render(differences(from: before, to: after))
        let place = "ospf.areas.0.0.0.1.virtual-links[1.2.3.5]."
        for line in ["\(place)hello-interval", "\(place)authentication hmac-sha-256 key 9"] {
            #expect(text.contains(line), "\(line) in\n\(text)")
        }
    }

    @Test func bfdForRIPAndStaticRoutes() throws {
        let result = read(
            ErrorCase.skeleton + """
                rip: {interfaces: {lan: {bfd: true}, wan: {bfd: false}}}
                routes:
                  - {to: default, via: 203.0.113.9, bfd: {min-rx: 1s}}
                  - {to: 10.9.0.0/16, via: 203.0.113.9, bfd: {min-tx: 50ms}}
                  - {to: 10.8.0.0/16, via: 203.0.113.8, bfd: false}

                """)
        #expect(result.render() == "")
        let configuration = try #require(result.configuration)
        #expect(configuration.rip?.bfd == [BFDTiming(), nil])
        var timing = BFDTiming()
        timing.transmit = .milliseconds(50)
        let hop = NextHop(side: .wan, gateway: ip("203.0.113.9"))
        #expect(configuration.watched == [hop: timing], "fast enough for both routes")
        #expect(configuration.forwarding[.wan].speaksBFD)
        let before = try #require(read(ErrorCase.skeleton).configuration)
        let text = ConfigurationChange.render(differences(from: before, to: configuration))
        #expect(text.contains("rip.interfaces.lan.bfd            300ms/300ms x 3"))
        #expect(text.contains("routes[via 203.0.113.9].bfd       50ms/300ms x 3"))
        #expect(!text.contains("rip.interfaces.wan.bfd"))
    }

    @Test func namedNeighbors() throws {
        let result = read(
            ErrorCase.skeleton + """
                ospf:
                  interfaces:
                    lan: {area: 0, network-type: point-to-multipoint}
                    wan:
                      area: 0
                      network-type: non-broadcast
                      neighbors: [203.0.113.9, {address: 203.0.113.8, priority: 0}]
                      poll-interval: 30s

                """)
        #expect(result.render() == "")
        let settings = try #require(result.configuration?.ospf?.settings)
        #expect(settings.interfaces[0]?.network == .pointToMultipoint)
        let wan = try #require(settings.interfaces[1])
        #expect(wan.network == .nonBroadcast && wan.pollInterval == .seconds(30))
        #expect(
            wan.named == [
                OSPFNamedNeighbor(ip("203.0.113.9")),
                OSPFNamedNeighbor(ip("203.0.113.8"), isEligible: false),
            ])
        for text in ["neighbors: [203.0.113.9]", "poll-interval: 5s"] {
            let refused = read(
                ErrorCase.skeleton + "ospf: {interfaces: {wan: {area: 0, \(text)}}}\n")
            #expect(refused.diagnostics.map(\.code) == ["E086"], "\(text)")
        }
        let off = read(
            ErrorCase.skeleton + "ospf: {interfaces: {wan: {area: 0, network-type: "
                + "point-to-multipoint, neighbors: [9.9.9.9]}}}\n")
        #expect(off.diagnostics.map(\.code) == ["E086"])
    }

    @Test func ripTakesFromOSPF() throws {
        let result = read(
            ErrorCase.skeleton + "rip: {interfaces: {lan: {}}, redistribute: [ospf]}\n")
        #expect(result.configuration?.rip?.redistributed == [.ospf])
    }

    @Test func theMTUIsTheInterfaces() throws {
        let text = ErrorCase.skeleton.replacing("{tap: t1", with: "{mtu: 1400, tap: t1")
        let result = read(text + "ospf: {interfaces: {wan: {area: 0}}}\n")
        #expect(result.configuration?.ospf?.settings.interfaces[1]?.mtu == 1400)
    }
}
