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

    @Test("Several keys with lifetimes", .row("RIP-AUTH-5", "S50"))
    func keys() throws {
        func settings(_ end: String) -> String {
            ErrorCase.skeleton + """
                rip:
                  interfaces:
                    wan:
                      authentication:
                        type: hmac-sha-256
                        keys:
                          - {key-id: 1, key-file: /k, type: md5, send-until: 2026-12-01,
                             accept-until: "\(end)"}
                          - {key-id: 2, key-file: /k, send-from: "2026-12-01T00:00:00Z",
                             accept-from: 2026-11-30}

                """
        }
        let result = read(settings("2026-12-02T12:30:01Z"))
        #expect(result.render() == "")
        let first = try #require(result.configuration)
        // By date -u -d TEXT +%s.
        let (day, noon): (Int64, Int64) = (1_796_083_200, 1_796_214_601)
        let secret = Array("secret".utf8)
        let wanted = [
            SigningKey(
                id: 1, .keyedMD5, secret: secret, sending: 0..<day, accepting: 0..<noon),
            SigningKey(
                id: 2, .hmacSHA256, secret: secret, sending: day..<Int64.max,
                accepting: (day - 86_400)..<Int64.max),
        ]
        #expect(first.rip?.settings.interfaces[1]?.authentication == .keys(wanted))
        let second = try #require(read(settings("2026-12-03")).configuration)
        let changes = ConfigurationChange.render(differences(from: first, to: second))
        #expect(changes.contains("accepted until 2026-12-02T12:30:01Z, hmac-sha-256"))
        #expect(changes.contains("accepted until 2026-12-03T00:00:00Z, hmac-sha-256"))
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
