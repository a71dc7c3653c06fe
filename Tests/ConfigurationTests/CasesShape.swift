extension ErrorCase {
    static let shape: [ErrorCase] = [
        ErrorCase(
            "list instead of mapping",
            whole: #"""
                - version: 1

                """#,
            says: #"""
                a.yaml:1:1: error[E010]: the file must be a mapping (key: value)
                 1 | - version: 1
                   | ^
                1 problem

                """#),
        ErrorCase(
            "scalar instead of mapping",
            after: #"""
                nat: masquerade

                """#,
            says: #"""
                a.yaml:7:6: error[E010]: nat must be a mapping (key: value)
                 7 | nat: masquerade
                   |      ^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "misspelt key",
            after: #"""
                    mtv: 1400

                """#,
            says: #"""
                a.yaml:7:5: error[E011]: unknown key 'mtv' in interfaces.lan
                 7 |     mtv: 1400
                   |     ^^^
                   = help: did you mean 'mtu'?
                1 problem

                """#),
        ErrorCase(
            "misspelt section",
            after: #"""
                rotues: []

                """#,
            says: #"""
                a.yaml:7:1: error[E011]: unknown key 'rotues' at the top level
                 7 | rotues: []
                   | ^^^^^^
                   = help: did you mean 'routes'?
                1 problem

                """#),
        ErrorCase(
            "key like no other",
            after: #"""
                log: {colour: true}

                """#,
            says: #"""
                a.yaml:7:7: error[E011]: unknown key 'colour' in log
                 7 | log: {colour: true}
                   |       ^^^^^^
                   = help: known keys: level, nat-sessions
                1 problem

                """#),
        ErrorCase(
            "a third side",
            after: #"""
                  dmz: {tap: t2}

                """#,
            says: #"""
                a.yaml:7:3: error[E011]: unknown key 'dmz' in interfaces
                 7 |   dmz: {tap: t2}
                   |   ^^^
                   = help: version 1 knows only lan and wan
                1 problem

                """#),
        ErrorCase(
            "nothing given",
            whole: #"""
                name: a

                """#,
            says: #"""
                a.yaml:1:1: error[E012]: the file needs 'version'
                 1 | name: a
                   | ^
                   = help: write version: 1 at the top
                a.yaml:1:1: error[E012]: the file needs 'interfaces'
                 1 | name: a
                   | ^
                   = help: write interfaces: with lan: and wan: in it
                2 problems

                """#),
        ErrorCase(
            "side without anything",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {mtu: 1400}

                """#,
            says: #"""
                a.yaml:4:3: error[E012]: interfaces.lan needs 'tap'
                 4 |   lan: {mtu: 1400}
                   |   ^^^
                   = help: write tap: tap-lan
                a.yaml:4:3: error[E012]: interfaces.lan needs 'addresses'
                 4 |   lan: {mtu: 1400}
                   |   ^^^
                   = help: write addresses: [192.168.1.1/24]
                2 problems

                """#),
        ErrorCase(
            "missing side",
            whole: #"""
                version: 1
                interfaces:
                  lan: {tap: t0, addresses: [10.1.0.1/24]}

                """#,
            says: #"""
                a.yaml:2:1: error[E012]: interfaces needs 'wan'
                 2 | interfaces:
                   | ^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "route without prefix",
            after: #"""
                routes:
                  - via: 10.1.0.2

                """#,
            says: #"""
                a.yaml:8:5: error[E012]: routes[0] needs 'to'
                 8 |   - via: 10.1.0.2
                   |     ^
                   = help: write to: default or to: 10.0.0.0/8
                1 problem

                """#),
        ErrorCase(
            "forward without anything",
            after: #"""
                nat: {port-forwards: [{name: a}]}

                """#,
            says: #"""
                a.yaml:7:23: error[E012]: nat.port-forwards[0] needs 'port'
                 7 | nat: {port-forwards: [{name: a}]}
                   |                       ^
                   = help: write port: 8443
                a.yaml:7:23: error[E012]: nat.port-forwards[0] needs 'to'
                 7 | nat: {port-forwards: [{name: a}]}
                   |                       ^
                   = help: write to: ADDRESS or to: ADDRESS:PORT
                2 problems

                """#),
        ErrorCase(
            "neighbour without address",
            after: #"""
                    neighbors: [{macaddress: "02:00:00:00:00:01"}]

                """#,
            says: #"""
                a.yaml:7:17: error[E012]: interfaces.lan.neighbors[0] needs 'address'
                 7 |     neighbors: [{macaddress: "02:00:00:00:00:01"}]
                   |                 ^
                1 problem

                """#),
        ErrorCase(
            "scalar instead of list",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, addresses: 10.1.0.1/24}

                """#,
            says: #"""
                a.yaml:4:29: error[E013]: interfaces.lan.addresses must be a list
                 4 |   lan: {tap: t0, addresses: 10.1.0.1/24}
                   |                             ^^^^^^^^^^^
                   = help: write [10.1.0.1/24]
                1 problem

                """#),
        ErrorCase(
            "mapping instead of list",
            after: #"""
                routes: {to: default}

                """#,
            says: #"""
                a.yaml:7:9: error[E013]: routes must be a list
                 7 | routes: {to: default}
                   |         ^
                1 problem

                """#),
        ErrorCase(
            "netplan's gateway4",
            after: #"""
                    gateway4: 10.1.0.254

                """#,
            says: #"""
                a.yaml:7:5: error[E014]: 'gateway4' in interfaces.lan is netplan's word
                 7 |     gateway4: 10.1.0.254
                   |     ^^^^^^^^
                   = help: write routes: [{to: default, via: ADDRESS}] at the top level
                1 problem

                """#),
        ErrorCase(
            "OpenWrt's redirect",
            after: #"""
                nat:
                  port-forwards:
                    - {src_dport: 8443, dest_ip: 10.1.0.9, proto: tcp}

                """#,
            says: #"""
                a.yaml:9:8: error[E014]: 'src_dport' in nat.port-forwards[0] is OpenWrt's wo\#
                rd
                 9 |     - {src_dport: 8443, dest_ip: 10.1.0.9, proto: tcp}
                   |        ^^^^^^^^^
                   = help: write port: PORT
                a.yaml:9:25: error[E014]: 'dest_ip' in nat.port-forwards[0] is OpenWrt's wor\#
                d
                 9 |     - {src_dport: 8443, dest_ip: 10.1.0.9, proto: tcp}
                   |                         ^^^^^^^
                   = help: write to: ADDRESS or to: ADDRESS:PORT
                a.yaml:9:44: error[E014]: 'proto' in nat.port-forwards[0] is OpenWrt's word
                 9 |     - {src_dport: 8443, dest_ip: 10.1.0.9, proto: tcp}
                   |                                            ^^^^^
                   = help: write protocol: tcp
                3 problems

                """#),
        ErrorCase(
            "OpenWrt's ipaddr",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, ipaddr: 10.1.0.1}

                """#,
            says: #"""
                a.yaml:4:18: error[E014]: 'ipaddr' in interfaces.lan is OpenWrt's word
                 4 |   lan: {tap: t0, ipaddr: 10.1.0.1}
                   |                  ^^^^^^
                   = help: write addresses: [ADDRESS/LENGTH]
                1 problem

                """#),
        ErrorCase(
            "VyOS's next-hop",
            after: #"""
                routes: [{to: default, next-hop: 10.1.0.2}]

                """#,
            says: #"""
                a.yaml:7:24: error[E014]: 'next-hop' in routes[0] is VyOS's word
                 7 | routes: [{to: default, next-hop: 10.1.0.2}]
                   |                        ^^^^^^^^
                   = help: write via: ADDRESS
                1 problem

                """#),
        ErrorCase(
            "later sections",
            after: #"""
                rip: {interfaces: {wan: {}}}
                dhcp: {}
                metrics: {}
                web: {}
                export: {}

                """#,
            says: #"""
                a.yaml:8:1: error[E015]: 'dhcp' is not available in this version
                 8 | dhcp: {}
                   | ^^^^
                   = help: it comes with a later release; remove the section
                a.yaml:9:1: error[E015]: 'metrics' is not available in this version
                 9 | metrics: {}
                   | ^^^^^^^
                   = help: it comes with a later release; remove the section
                a.yaml:10:1: error[E015]: 'web' is not available in this version
                 10 | web: {}
                    | ^^^
                    = help: it comes with a later release; remove the section
                a.yaml:11:1: error[E015]: 'export' is not available in this version
                 11 | export: {}
                    | ^^^^^^
                    = help: it comes with a later release; remove the section
                4 problems

                """#),
        ErrorCase(
            "list as value",
            after: #"""
                    mtu: [1500]

                """#,
            says: #"""
                a.yaml:7:10: error[E016]: interfaces.lan.mtu must be a single value, not a l\#
                ist
                 7 |     mtu: [1500]
                   |          ^
                1 problem

                """#),
        ErrorCase(
            "mapping as key",
            after: #"""
                log: {[a]: b}

                """#,
            says: #"""
                a.yaml:7:7: error[E016]: a key must be a single word
                 7 | log: {[a]: b}
                   |       ^
                1 problem

                """#),
        ErrorCase(
            "no value",
            after: #"""
                log:
                  level:

                """#,
            says: #"""
                a.yaml:8:9: error[E017]: log.level has no value
                 8 |   level:
                   |         ^
                   = help: write one or remove the key
                1 problem

                """#),
        ErrorCase(
            "no address",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, addresses: []}

                """#,
            says: #"""
                a.yaml:4:29: error[E019]: interfaces.lan.addresses must hold at least one ad\#
                dress
                 4 |   lan: {tap: t0, addresses: []}
                   |                             ^
                   = help: write addresses: [192.168.1.1/24]
                1 problem

                """#),
    ]
}
