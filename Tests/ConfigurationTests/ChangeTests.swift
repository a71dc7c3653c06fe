import Configuration
import NAT
import Testing

@Suite struct ChangeTests {
    private func changes(_ old: String, _ new: String) throws -> [ConfigurationChange] {
        differences(
            from: try #require(read(old).configuration), to: try #require(read(new).configuration))
    }

    private func text(_ old: String, _ new: String) throws -> String {
        ConfigurationChange.render(
            try changes(ErrorCase.skeleton + old, ErrorCase.skeleton + new))
    }

    @Test func nothing() throws {
        #expect(try text("", "log: {level: info}\n") == "")
    }

    @Test func sample() throws {
        let old = """
            nat: {timeouts: {udp: 5m}}
            routes: [{to: 10.9.0.0/16, via: 203.0.113.9}, {to: default, via: 203.0.113.1}]

            """
        let new = """
            nat:
              timeouts: {udp: 3m}
              port-forwards: [{name: ssh, port: 2222, to: "10.1.0.10:22"}]
            routes: [{to: default, via: 203.0.113.1}]

            """
        let expected = """
              ~ nat.timeouts.udp                  5m -> 3m          new sessions only
              + nat.port-forwards[ssh]            tcp 2222 -> 10.1.0.10:22
              - routes[10.9.0.0/16 via 203.0.113.9]

            """
        #expect(try text(old, new) == expected)
    }

    @Test func everySetting() throws {
        let new = """
            version: 1
            name: other
            interfaces:
              lan:
                tap: t2
                netns: /proc/self/ns/net
                bridge: b0
                mtu: 1400
                macaddress: "02:00:00:00:00:01"
                addresses: [10.1.0.1/24, 10.5.0.1/24]
                offload: {checksum: false}
                persist: true
                queue-length: 100
                probe-address: true
                icmp-errors: false
                proxy-arp: [10.1.0.64/26]
                neighbors: [{address: 10.1.0.9, macaddress: "02:00:00:00:00:09"}]
              wan: {tap: t1, addresses: [203.0.113.2/24], macaddress: "02:00:00:00:00:02"}
            nat:
              mode: pool
              preset: symmetric
              pool: {addresses: [203.0.113.16-203.0.113.19], ports: 2000-2999, pairing: soft}
              blocks: {inside: [10.1.0.0/26], size: 31}
              mapping: address-dependent
              filtering: endpoint-independent
              hairpin: false
              other-protocols: false
              preserve-port: true
              preserve-parity: true
              inbound-refresh: true
              tcp-tracking: liberal
              unsolicited-syn: reject-late
              mss-clamp: off
              exclude: [10.0.0.0/8, {to: 10.9.0.0/16, protocol: udp, port: 53}]
              rules:
                - {name: tv, from: [10.1.0.9/32], protocol: udp, filtering: address-dependent}
                - {action: deny}
              one-to-one: [{outside: 203.0.113.64, inside: 10.1.0.64}]
              port-forwards: [{port: 22, to: 10.1.0.9, protocol: [tcp, udp]}]
              timeouts:
                {tcp-established: 3h, tcp-opening: 6m, tcp-transitory: 5m, udp: 3m,
                udp-unreplied: 2m, icmp: 61s, other: 5m, fragment: 5s, port-rest: 3m,
                ports: [{port: 53, timeout: 20s}]}
              limits:
                {sessions: 100, sessions-per-host: 10, ports-per-host: 20, fragments: 100,
                new-sessions-per-second: 5, new-sessions-per-second-per-host: 6}
            forwarding:
              {documentation-prefixes: drop, bogons: strict, class-e: allow,
              directed-broadcast: true, busy-poll: 1ms}
            log: {level: debug, nat-sessions: all}
            control: {socket: /x, group: g, read-only-group: r, mode: "0600"}
            routes:
              - {to: 10.2.0.0/16, via: 10.1.0.2, distance: 5, metric: 6}
              - {to: 10.3.0.0/16, interface: lan}
              - {to: 10.4.0.0/16, type: prohibit}

            """
        let old = ErrorCase.skeleton.replacing(
            "t1,", with: "t1, macaddress: \"02:00:00:00:00:03\",")
        let checks = ConfigurationChecks.none
        let before = ConfigurationLoader.parse(
            Array(old.utf8), file: "a.yaml", machineID: "m", checks: checks)
        let after = ConfigurationLoader.parse(
            Array(new.utf8), file: "a.yaml", machineID: "m", checks: checks)
        #expect(after.render() == "")
        let changes = differences(
            from: try #require(before.configuration), to: try #require(after.configuration))
        #expect(ConfigurationChange.render(changes) == Self.everySettingText)
        let back = differences(
            from: try #require(after.configuration), to: try #require(before.configuration))
        #expect(Set(back.map(\.path)) == Set(changes.map(\.path)))
        #expect(back.first { $0.path == "interfaces.lan.netns" }?.kind == .removed)
        #expect(back.first { $0.path == "nat.limits.new-sessions-per-second" }?.kind == .removed)
    }

    @Test func waysOfOneRoute() throws {
        let old = "routes: [{to: default, via: 203.0.113.1}, {to: default, via: 203.0.113.9}]\n"
        let new = "routes: [{to: default, via: 203.0.113.1, metric: 2}]\n"
        let expected = """
              ~ routes[default via 203.0.113.1]    -> metric 2
              - routes[default via 203.0.113.9]

            """
        #expect(try text(old, new) == expected)
    }

    @Test func oneWayTwice() throws {
        let old = """
            routes:
              - {to: default, via: 203.0.113.1, distance: 5}
              - {to: default, via: 203.0.113.1, distance: 6}

            """
        let new = "routes: [{to: default, via: 203.0.113.1, distance: 7}]\n"
        let found = try changes(ErrorCase.skeleton + old, ErrorCase.skeleton + new)
        #expect(found.map(\.path).count == 2)
    }
}

extension ChangeTests {
    fileprivate static let everySettingText = """
          ~ name                              a -> other        needs a restart
          ~ interfaces.lan.tap                t0 -> t2          needs a restart
          + interfaces.lan.netns              /proc/self/ns/net needs a restart
          + interfaces.lan.bridge             b0                needs a restart
          ~ interfaces.lan.offload.checksum   true -> false     needs a restart
          ~ interfaces.lan.offload.segmentation true -> false   needs a restart
          ~ interfaces.lan.persist            false -> true     needs a restart
          ~ interfaces.lan.queue-length       10000 -> 100      needs a restart
          ~ interfaces.lan.macaddress         e6:9c:e6:24:ef:17 -> 02:00:00:00:00:01 needs a restart
          ~ interfaces.lan.addresses          [10.1.0.1/24] -> [10.1.0.1/24, 10.5.0.1/24]
          ~ interfaces.lan.mtu                1500 -> 1400
          + interfaces.lan.proxy-arp          [10.1.0.64/26]
          ~ interfaces.lan.probe-address      false -> true
          ~ interfaces.lan.icmp-errors        true -> false
          + interfaces.lan.neighbors[10.1.0.9] 02:00:00:00:00:09
          ~ interfaces.wan.macaddress         02:00:00:00:00:03 -> 02:00:00:00:00:02 needs a restart
          ~ nat.preset                        rfc -> symmetric
          ~ nat.mode                          masquerade -> pool needs a restart
          + nat.pool.addresses                [203.0.113.16-203.0.113.19] new sessions only
          ~ nat.pool.ports                    1024-65535 -> 2000-2999 new sessions only
          ~ nat.mapping                       endpoint-independent -> address-dependent new \
        sessions only
          ~ nat.pool.pairing                  strict -> soft
          + nat.blocks                        31 ports for [10.1.0.0/26]
          ~ nat.filtering                     address-dependent -> endpoint-independent
          ~ nat.hairpin                       true -> false
          ~ nat.other-protocols               true -> false
          ~ nat.preserve-port                 false -> true     new sessions only
          ~ nat.preserve-parity               false -> true     new sessions only
          ~ nat.inbound-refresh               false -> true
          ~ nat.tcp-tracking                  strict -> liberal
          ~ nat.unsolicited-syn               drop -> reject-late
          + nat.exclude                       [10.0.0.0/8, 10.9.0.0/16 udp 53]
          ~ nat.timeouts.tcp-established      2h4m -> 3h        new sessions only
          ~ nat.timeouts.tcp-opening          4m -> 6m          new sessions only
          ~ nat.timeouts.tcp-transitory       4m -> 5m          new sessions only
          ~ nat.timeouts.udp                  5m -> 3m          new sessions only
          ~ nat.timeouts.udp-unreplied        5m -> 2m          new sessions only
          ~ nat.timeouts.icmp                 1m -> 1m1s        new sessions only
          ~ nat.timeouts.other                10m -> 5m         new sessions only
          ~ nat.timeouts.fragment             30s -> 5s
          ~ nat.timeouts.port-rest            2m -> 3m
          + nat.timeouts.ports[udp 53]        20s               new sessions only
          ~ nat.limits.sessions               65536 -> 100      needs a restart
          ~ nat.limits.sessions-per-host      4096 -> 10
          ~ nat.limits.ports-per-host         2048 -> 20
          + nat.limits.new-sessions-per-second 5
          + nat.limits.new-sessions-per-second-per-host 6
          ~ nat.limits.fragments              1024 -> 100       needs a restart
          + nat.rules[tv]                     from [10.1.0.9/32] udp filtering address-dependent
          + nat.rules[1]                      deny
          + nat.one-to-one[203.0.113.64/32]   203.0.113.64/32 <-> 10.1.0.64/32
          ~ nat.mss-clamp                     auto -> off
          + nat.port-forwards[tcp,udp 22]     tcp,udp 22 -> 10.1.0.9
          ~ forwarding.documentation-prefixes allow -> drop
          ~ forwarding.bogons                 allow -> strict
          ~ forwarding.class-e                drop -> allow
          ~ forwarding.directed-broadcast     false -> true
          ~ forwarding.busy-poll              0s -> 1ms
          ~ log.level                         info -> debug
          ~ log.nat-sessions                  summary -> all
          ~ control.socket                    /run/gatewayd/a/control.sock -> /x needs a restart
          ~ control.group                     gatewayd -> g     needs a restart
          + control.read-only-group           r                 needs a restart
          ~ control.mode                      "0660" -> "0600"  needs a restart
          + routes[10.2.0.0/16 via 10.1.0.2]  distance 5 metric 6
          + routes[10.3.0.0/16 interface lan]
          + routes[10.4.0.0/16 prohibit]

        """
}
