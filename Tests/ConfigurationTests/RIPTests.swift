import Forwarding
import RIP
import Routing
import Signing
import Support
import Testing
import Timing
import Wire

@testable import Configuration

@Suite struct RIPDecodingTests {
    @Test(.row("S50")) func defaults() throws {
        #expect(read(ErrorCase.skeleton).configuration?.rip == nil, "off unless asked for")
        let result = read(ErrorCase.skeleton + "rip: {interfaces: {wan: {}}}\n")
        let configuration = try #require(result.configuration)
        let rip = try #require(configuration.rip)
        #expect(rip.settings.interfaces[0] == nil && rip.settings.timers == RIPTimers())
        let address = InterfaceAddress(ip("203.0.113.2"), length: 24)
        #expect(rip.settings.interfaces[1] == RIPInterfaceSettings(addresses: [address]))
        #expect(rip.settings.connected == [prefix("10.1.0.0/24"), prefix("203.0.113.0/24")])
        #expect(rip.redistributed.isEmpty && !rip.originatesDefault && rip.defaultMetric == 1)
        #expect(
            configuration.forwarding[.wan].speaksRIP && !configuration.forwarding[.lan].speaksRIP)
    }

    @Test func everything() throws {
        let result = read(
            ErrorCase.skeleton + """
                rip:
                  interfaces:
                    lan: {passive: true}
                    wan:
                      cost: 3
                      split-horizon: simple
                      authentication: {type: hmac-sha-512, key-id: 9, key-file: /k}
                      accept-default: true
                      filter-in: [10.0.0.0/8]
                      filter-out: []
                      receive-version-1: true
                      loop-free: false
                  neighbors: [203.0.113.9]
                  redistribute: [connected, static]
                  default-originate: true
                  default-metric: 4
                  timers: {update: 5s, timeout: 20s, garbage: 10s}

                """)
        #expect(result.render() == "")
        let rip = try #require(result.configuration?.rip)
        #expect(rip.settings.interfaces[0]?.isPassive == true)
        let wan = try #require(rip.settings.interfaces[1])
        #expect(wan.cost == 3 && wan.splitHorizon == .simple && wan.acceptsDefault)
        let key = SigningKey(id: 9, .hmacSHA512, secret: Array("secret".utf8))
        #expect(wan.authentication == .keys([key]) && wan.versions == .both)
        #expect(wan.filterIn == [prefix("10.0.0.0/8")] && wan.filterOut == [])
        #expect(wan.neighbors == [ip("203.0.113.9")] && !wan.isLoopFree)
        #expect(rip.redistributed == [.connected, .static] && rip.originatesDefault)
        #expect(rip.defaultMetric == 4 && rip.settings.timers.garbage == .seconds(10))
        let before = try #require(read(ErrorCase.skeleton).configuration)
        let after = try #require(result.configuration)
        let text = ConfigurationChange.render(differences(from: before, to: after))
        #expect(text.contains("rip.interfaces.wan.authentication hmac-sha-512 key 9"), "\(text)")
        #expect(!text.contains("secret"))
    }
}
