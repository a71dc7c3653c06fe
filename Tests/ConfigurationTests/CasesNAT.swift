extension ErrorCase {
    static let nat: [ErrorCase] = [
        ErrorCase(
            "forwards without NAT",
            after: #"""
                nat:
                  mode: none
                  port-forwards: [{port: 22, to: 10.1.0.9}]

                """#,
            says: #"""
                a.yaml:9:3: error[E060]: nat.port-forwards needs a nat.mode other than none
                 9 |   port-forwards: [{port: 22, to: 10.1.0.9}]
                   |   ^^^^^^^^^^^^^
                   = help: remove them or write mode: masquerade
                1 problem

                """#),
        ErrorCase(
            "same port twice",
            after: #"""
                nat:
                  port-forwards:
                    - {port: 8443, to: 10.1.0.9}
                    - {port: 8440-8450, to: 10.1.0.8, protocol: [udp, tcp]}
                    - {port: 8443, to: 10.1.0.8, address: 203.0.113.2}

                """#,
            says: #"""
                a.yaml:10:14: error[E061]: two port forwards for tcp 8443
                 10 |     - {port: 8440-8450, to: 10.1.0.8, protocol: [udp, tcp]}
                    |              ^^^^^^^^^
                    = help: the other one is at line 9
                a.yaml:11:14: error[E061]: two port forwards for tcp 8443
                 11 |     - {port: 8443, to: 10.1.0.8, address: 203.0.113.2}
                    |              ^^^^
                    = help: the other one is at line 10
                2 problems

                """#),
        ErrorCase(
            "same name twice",
            after: #"""
                nat:
                  port-forwards:
                    - {name: a, port: 1, to: 10.1.0.9}
                    - {name: a, port: 2, to: 10.1.0.9}

                """#,
            says: #"""
                a.yaml:10:14: error[E062]: two port forwards are named 'a'
                 10 |     - {name: a, port: 2, to: 10.1.0.9}
                    |              ^
                    = help: the other one is at line 9
                1 problem

                """#),
        ErrorCase(
            "range lengths",
            after: #"""
                nat: {port-forwards: [{port: 1000-1009, to: '10.1.0.9:2000-2004'}]}

                """#,
            says: #"""
                a.yaml:7:45: error[E063]: nat.port-forwards[0].to has 5 ports, and the outsi\#
                de has 10
                 7 | nat: {port-forwards: [{port: 1000-1009, to: '10.1.0.9:2000-2004'}]}
                   |                                             ^^^^^^^^^^^^^^^^^^^^
                   = help: write '10.1.0.9:2000'
                1 problem

                """#),
        ErrorCase(
            "end of the range",
            after: #"""
                nat: {port-forwards: [{port: 1000-1009, to: '10.1.0.9:65530'}]}

                """#,
            says: #"""
                a.yaml:7:45: error[E064]: nat.port-forwards[0].to starts at port 65530 and 1\#
                0 ports do not fit below 65536
                 7 | nat: {port-forwards: [{port: 1000-1009, to: '10.1.0.9:65530'}]}
                   |                                             ^^^^^^^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "pool in use",
            after: #"""
                routes: [{to: default, via: 203.0.113.21}]
                nat:
                  mode: pool
                  pool:
                    addresses: 
                      - 203.0.113.1-203.0.113.9
                      - 203.0.113.255
                      - 203.0.113.20-203.0.113.25
                      - 203.0.113.25

                """#,
            says: #"""
                a.yaml:8:1: error[E065]: 203.0.113.20-203.0.113.25 of nat.pool contains the \#
                next hop 203.0.113.21
                 8 | nat:
                   | ^^^
                   = help: leave it out of the pool
                a.yaml:12:9: error[E065]: 203.0.113.1-203.0.113.9 contains the address 203.0\#
                .113.2 of wan
                 12 |       - 203.0.113.1-203.0.113.9
                    |         ^^^^^^^^^^^^^^^^^^^^^^^
                    = help: leave it out of the pool
                a.yaml:13:9: error[E065]: 203.0.113.255 is the broadcast address of 203.0.11\#
                3.0/24 of wan
                 13 |       - 203.0.113.255
                    |         ^^^^^^^^^^^^^
                    = help: leave it out of the pool
                a.yaml:15:9: error[E065]: 203.0.113.25 overlaps 203.0.113.20-203.0.113.25 of\#
                 the same pool
                 15 |       - 203.0.113.25
                    |         ^^^^^^^^^^^^
                4 problems

                """#),
        ErrorCase(
            "pool without addresses",
            after: #"""
                nat: {mode: pool}

                """#,
            says: #"""
                a.yaml:7:13: error[E066]: nat.mode: pool needs nat.pool.addresses
                 7 | nat: {mode: pool}
                   |             ^^^^
                   = help: write pool: {addresses: [203.0.113.16-203.0.113.19]}
                1 problem

                """#),
        ErrorCase(
            "pool with ports only",
            after: #"""
                nat: {mode: pool, pool: {ports: 1024-2048}}

                """#,
            says: #"""
                a.yaml:7:19: error[E066]: nat.mode: pool needs nat.pool.addresses
                 7 | nat: {mode: pool, pool: {ports: 1024-2048}}
                   |                   ^^^^
                   = help: write pool: {addresses: [203.0.113.16-203.0.113.19]}
                1 problem

                """#),
        ErrorCase(
            "large pool",
            after: #"""
                nat: {mode: pool, pool: {addresses: [10.64.0.0-10.64.255.255]}}

                """#,
            says: #"""
                a.yaml:7:38: error[E067]: nat.pool.addresses holds more than 4096 addresses
                 7 | nat: {mode: pool, pool: {addresses: [10.64.0.0-10.64.255.255]}}
                   |                                      ^^^^^^^^^^^^^^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "inside host elsewhere",
            after: #"""
                nat: {port-forwards: [{port: 22, to: 10.2.0.9}]}

                """#,
            says: #"""
                a.yaml:7:38: warning[W060]: 10.2.0.9 is in no network of lan
                 7 | nat: {port-forwards: [{port: 22, to: 10.2.0.9}]}
                   |                                      ^^^^^^^^
                   = help: it is reached only if a route leads there
                1 warning

                """#),
        ErrorCase(
            "short timeouts",
            after: #"""
                nat:
                  timeouts:
                    tcp-established: 1h
                    tcp-transitory: 10s
                    udp: 30
                    udp-unreplied: 30s
                    icmp: 5s
                    port-rest: 0s

                """#,
            says: #"""
                a.yaml:9:22: warning[W061]: nat.timeouts.tcp-established is 1h, and RFC 5382\#
                 REQ-5 asks for at least 2h4m
                 9 |     tcp-established: 1h
                   |                      ^^
                   = help: write 2h4m
                a.yaml:10:21: warning[W061]: nat.timeouts.tcp-transitory is 10s, and RFC 538\#
                2 REQ-5 asks for at least 4m
                 10 |     tcp-transitory: 10s
                    |                     ^^^
                    = help: write 4m
                a.yaml:11:10: warning[W061]: nat.timeouts.udp is 30s, and RFC 4787 REQ-5 ask\#
                s for at least 2m
                 11 |     udp: 30
                    |          ^^
                    = help: write 2m
                a.yaml:12:20: warning[W061]: nat.timeouts.udp-unreplied is 30s, and RFC 4787\#
                 REQ-5 asks for at least 2m
                 12 |     udp-unreplied: 30s
                    |                    ^^^
                    = help: write 2m
                a.yaml:13:11: warning[W061]: nat.timeouts.icmp is 5s, and RFC 5508 REQ-2 ask\#
                s for at least 1m
                 13 |     icmp: 5s
                    |           ^^
                    = help: write 1m
                a.yaml:14:16: warning[W061]: nat.timeouts.port-rest is 0s, and RFC 6888 REQ-\#
                8 asks for at least 2m
                 14 |     port-rest: 0s
                    |                ^^
                    = help: write 2m
                6 warnings

                """#),
        ErrorCase(
            "pool elsewhere",
            after: #"""
                nat: {mode: pool, pool: {addresses: [198.51.100.0-198.51.100.7]}}

                """#,
            says: #"""
                a.yaml:7:38: warning[W062]: 198.51.100.0-198.51.100.7 is not within a networ\#
                k of wan
                 7 | nat: {mode: pool, pool: {addresses: [198.51.100.0-198.51.100.7]}}
                   |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^
                   = help: the routers there need a route to it by way of us
                1 warning

                """#),
        ErrorCase(
            "pool not used",
            after: #"""
                nat: {pool: {addresses: [203.0.113.16]}}

                """#,
            says: #"""
                a.yaml:7:25: warning[W063]: nat.pool.addresses is not used with nat.mode: ma\#
                squerade
                 7 | nat: {pool: {addresses: [203.0.113.16]}}
                   |                         ^
                   = help: write mode: pool
                1 warning

                """#),
        ErrorCase(
            "outside address elsewhere",
            after: #"""
                nat: {port-forwards: [{port: 22, address: 198.51.100.9, to: 10.1.0.9}]}

                """#,
            says: #"""
                a.yaml:7:43: warning[W064]: 198.51.100.9 is neither an address of wan nor in\#
                 nat.pool
                 7 | nat: {port-forwards: [{port: 22, address: 198.51.100.9, to: 10.1.0.9}]}
                   |                                           ^^^^^^^^^^^^
                   = help: the routers there need a route to it by way of us
                1 warning

                """#),
        ErrorCase(
            "protocols",
            after: #"""
                nat:
                  port-forwards:
                    - {port: 22, to: 10.1.0.9, protocol: []}
                    - {port: 22, to: 10.1.0.9, protocol: icmp}

                """#,
            says: #"""
                a.yaml:9:42: error[E019]: nat.port-forwards[0].protocol must hold tcp, udp o\#
                r both
                 9 |     - {port: 22, to: 10.1.0.9, protocol: []}
                   |                                          ^
                a.yaml:10:42: error[E023]: nat.port-forwards[1].protocol must be tcp or udp,\#
                 not 'icmp'
                 10 |     - {port: 22, to: 10.1.0.9, protocol: icmp}
                    |                                          ^^^^
                2 problems

                """#),
    ]
}
