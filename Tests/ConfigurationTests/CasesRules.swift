extension ErrorCase {
    static let rules: [ErrorCase] = [
        ErrorCase(
            "rules that contradict",
            after: #"""
                nat:
                  rules:
                    - {from: [10.1.0.0/24], protocol: udp, filtering: address-dependent}
                    - {from: [10.1.0.9/32], protocol: udp, filtering: endpoint-independent}
                    - {from: [10.1.0.9/32], mapping: address-dependent}
                    - {action: deny, mapping: address-dependent}
                    - {}

                """#,
            says: #"""
                a.yaml:10:7: error[E068]: this rule never holds: earlier ones match all of it
                 10 |     - {from: [10.1.0.9/32], protocol: udp, filtering: endpoint-independent}
                    |       ^
                    = help: the one at line 9 comes first
                a.yaml:12:31: error[E069]: nat.rules[3] denies translation and says how to translate
                 12 |     - {action: deny, mapping: address-dependent}
                    |                               ^^^^^^^^^^^^^^^^^
                    = help: remove mapping, or action: deny
                2 problems

                """#),
        ErrorCase(
            "rules misspelt",
            after: #"""
                nat:
                  rules:
                    - {from: [10.1.0.1/24]}
                    - {protocol: sctp}
                    - {protocol: []}
                    - {action: drop}

                """#,
            says: #"""
                a.yaml:9:15: error[E033]: '10.1.0.1/24' has bits set beyond its prefix length
                 9 |     - {from: [10.1.0.1/24]}
                   |               ^^^^^^^^^^^
                   = help: write '10.1.0.0/24'
                a.yaml:10:18: error[E023]: nat.rules[1].protocol must be tcp, udp or icmp, not 'sc\#
                tp'
                 10 |     - {protocol: sctp}
                    |                  ^^^^
                a.yaml:11:18: error[E019]: nat.rules[2].protocol must hold tcp, udp or icmp
                 11 |     - {protocol: []}
                    |                  ^
                a.yaml:12:16: error[E023]: nat.rules[3].action must be translate or deny, not 'drop'
                 12 |     - {action: drop}
                    |                ^^^^
                4 problems

                """#),
        ErrorCase(
            "names of all kinds",
            after: #"""
                nat:
                  port-forwards: [{name: a, port: 1, to: 10.1.0.9}]
                  one-to-one: [{name: a, outside: 203.0.113.9, inside: 10.1.0.8}]
                  rules: [{name: a, protocol: tcp}]

                """#,
            says: #"""
                a.yaml:9:23: error[E062]: two entries of nat are named 'a'
                 9 |   one-to-one: [{name: a, outside: 203.0.113.9, inside: 10.1.0.8}]
                   |                       ^
                   = help: the other one is at line 8
                a.yaml:10:18: error[E062]: two entries of nat are named 'a'
                 10 |   rules: [{name: a, protocol: tcp}]
                    |                  ^
                    = help: the other one is at line 8
                2 problems

                """#),
        ErrorCase(
            "one to one",
            after: #"""
                nat:
                  mode: pool
                  pool: {addresses: [203.0.113.16-203.0.113.19]}
                  one-to-one:
                    - {outside: 203.0.113.16/30, inside: 10.1.0.16/30}
                    - {outside: 203.0.113.2, inside: 10.1.0.1}
                    - {outside: 203.0.113.32/30, inside: 10.1.0.32/29}
                    - {outside: 203.0.113.40/30, inside: 10.1.0.40/30}
                    - {outside: 203.0.113.41, inside: 10.1.0.50}
                    - {outside: 203.0.113.50, inside: 10.1.0.43}
                    - {outside: 198.51.100.9, inside: 10.2.0.9}
                    - {outside: 203.0.113.60}
                  port-forwards: [{port: 80, address: 203.0.113.42, to: 10.1.0.9}]

                """#,
            says: #"""
                a.yaml:11:17: error[E100]: 203.0.113.16/30 overlaps 203.0.113.16-203.0.113.19 of n\#
                at.pool
                 11 |     - {outside: 203.0.113.16/30, inside: 10.1.0.16/30}
                    |                 ^^^^^^^^^^^^^^^
                    = help: leave it out of the pool
                a.yaml:12:17: error[E100]: 203.0.113.2 is the address 203.0.113.2 of wan
                 12 |     - {outside: 203.0.113.2, inside: 10.1.0.1}
                    |                 ^^^^^^^^^^^
                a.yaml:12:38: error[E100]: 10.1.0.1 is the address 10.1.0.1 of lan
                 12 |     - {outside: 203.0.113.2, inside: 10.1.0.1}
                    |                                      ^^^^^^^^
                a.yaml:13:42: error[E101]: nat.one-to-one[2].inside has 8 addresses, and the outsi\#
                de has 4 addresses
                 13 |     - {outside: 203.0.113.32/30, inside: 10.1.0.32/29}
                    |                                          ^^^^^^^^^^^^
                    = help: write '10.1.0.32/30'
                a.yaml:15:17: error[E100]: 203.0.113.41 overlaps 203.0.113.40/30 of line 14
                 15 |     - {outside: 203.0.113.41, inside: 10.1.0.50}
                    |                 ^^^^^^^^^^^^
                a.yaml:16:39: error[E100]: 10.1.0.43 overlaps 10.1.0.40/30 of line 14
                 16 |     - {outside: 203.0.113.50, inside: 10.1.0.43}
                    |                                       ^^^^^^^^^
                a.yaml:17:17: warning[W064]: 198.51.100.9 is not within a network of wan
                 17 |     - {outside: 198.51.100.9, inside: 10.2.0.9}
                    |                 ^^^^^^^^^^^^
                    = help: the routers there need a route to it by way of us
                a.yaml:17:39: warning[W060]: 10.2.0.9 is in no network of lan
                 17 |     - {outside: 198.51.100.9, inside: 10.2.0.9}
                    |                                       ^^^^^^^^
                    = help: it is reached only if a route leads there
                a.yaml:18:7: error[E012]: nat.one-to-one[7] needs 'inside'
                 18 |     - {outside: 203.0.113.60}
                    |       ^
                    = help: write inside: ADDRESS
                a.yaml:19:39: error[E102]: 203.0.113.42 belongs to 10.1.0.40/30 with all its ports
                 19 |   port-forwards: [{port: 80, address: 203.0.113.42, to: 10.1.0.9}]
                    |                                       ^^^^^^^^^^^^
                    = help: the one-to-one entry is at line 14
                a.yaml:19:39: warning[W064]: 203.0.113.42 is neither an address of wan nor in nat.\#
                pool
                 19 |   port-forwards: [{port: 80, address: 203.0.113.42, to: 10.1.0.9}]
                    |                                       ^^^^^^^^^^^^
                    = help: the routers there need a route to it by way of us
                8 problems, 3 warnings

                """#),
        ErrorCase(
            "one to one without NAT",
            after: #"""
                nat: {mode: none, one-to-one: [{outside: 203.0.113.9, inside: 10.1.0.9}]}

                """#,
            says: #"""
                a.yaml:7:19: error[E060]: nat.one-to-one needs a nat.mode other than none
                 7 | nat: {mode: none, one-to-one: [{outside: 203.0.113.9, inside: 10.1.0.9}]}
                   |                   ^^^^^^^^^^
                   = help: remove them or write mode: masquerade
                1 problem

                """#),
        ErrorCase(
            "blocks that do not fit",
            after: #"""
                nat: {blocks: {size: 512}}

                """#,
            says: #"""
                a.yaml:7:7: error[E103]: nat.blocks: 256 inside addresses, and there is room for 1\#
                26 blocks of 512 ports
                 7 | nat: {blocks: {size: 512}}
                   |       ^^^^^^
                   = help: write size: 252, or add addresses to nat.pool
                1 problem

                """#),
        ErrorCase(
            "hosts without room for blocks",
            after: #"""
                nat: {preset: carrier, pool: {ports: 1024-2047}}

                """#,
            says: #"""
                a.yaml:7:15: error[E103]: nat.blocks: 256 inside addresses, and there is room for \#
                64 blocks of 16 ports
                 7 | nat: {preset: carrier, pool: {ports: 1024-2047}}
                   |               ^^^^^^^
                   = help: add addresses to nat.pool, or write inside: with fewer hosts
                1 problem

                """#),
        ErrorCase(
            "forwards to ourselves",
            after: #"""
                nat:
                  port-forwards:
                    - {port: 22, to: 10.1.0.1}
                    - {port: 500-530, protocol: [tcp, udp], to: 10.1.0.9}
                    - {port: 520, protocol: udp, to: 10.1.0.9, address: 203.0.113.2}

                """#,
            says: #"""
                a.yaml:9:22: error[E105]: 10.1.0.1 is the gateway itself, not an inside host
                 9 |     - {port: 22, to: 10.1.0.1}
                   |                      ^^^^^^^^
                a.yaml:10:14: error[E104]: udp 520 of the gateway is for its own use: RIP
                 10 |     - {port: 500-530, protocol: [tcp, udp], to: 10.1.0.9}
                    |              ^^^^^^^
                    = help: leave it out of the forward
                a.yaml:11:14: error[E061]: two port forwards for udp 520
                 11 |     - {port: 520, protocol: udp, to: 10.1.0.9, address: 203.0.113.2}
                    |              ^^^
                    = help: the other one is at line 10
                a.yaml:11:14: error[E104]: udp 520 of the gateway is for its own use: RIP
                 11 |     - {port: 520, protocol: udp, to: 10.1.0.9, address: 203.0.113.2}
                    |              ^^^
                    = help: leave it out of the forward
                4 problems

                """#),
        ErrorCase(
            "exceptions",
            after: #"""
                nat:
                  exclude:
                    - {to: 10.9.0.1/16}
                    - {port: 53}
                    - {to: 10.9.0.0/16, protocol: icmp, port: 7}

                """#,
            says: #"""
                a.yaml:9:12: error[E033]: '10.9.0.1/16' has bits set beyond its prefix length
                 9 |     - {to: 10.9.0.1/16}
                   |            ^^^^^^^^^^^
                   = help: write '10.9.0.0/16'
                a.yaml:10:7: error[E012]: nat.exclude[1] needs 'to'
                 10 |     - {port: 53}
                    |       ^
                    = help: write to: PREFIX
                a.yaml:11:35: error[E023]: nat.exclude[2].protocol must be tcp or udp, not 'icmp'
                 11 |     - {to: 10.9.0.0/16, protocol: icmp, port: 7}
                    |                                   ^^^^
                3 problems

                """#),
        ErrorCase(
            "times of ports",
            after: #"""
                nat:
                  timeouts:
                    ports:
                      - {port: 1023, timeout: 5s}
                      - {port: 1000-1024, timeout: 60s}
                      - {port: 22, protocol: [udp, tcp], timeout: 30m}
                      - {port: 22}

                """#,
            says: #"""
                a.yaml:11:36: warning[W061]: nat.timeouts.ports[1].timeout is 1m, and RFC 4787 REQ\#
                -5 asks for at least 2m
                 11 |       - {port: 1000-1024, timeout: 60s}
                    |                                    ^^^
                    = help: only UDP ports below 1024 may have less
                a.yaml:12:51: warning[W061]: nat.timeouts.ports[2].timeout is 30m, and RFC 5382 RE\#
                Q-5 asks for at least 2h4m
                 12 |       - {port: 22, protocol: [udp, tcp], timeout: 30m}
                    |                                                   ^^^
                    = help: write 2h4m
                a.yaml:13:9: error[E012]: nat.timeouts.ports[3] needs 'timeout'
                 13 |       - {port: 22}
                    |         ^
                    = help: write timeout: 20s
                1 problem, 2 warnings

                """#),
    ]
}
