extension ErrorCase {
    static let routes: [ErrorCase] = [
        ErrorCase(
            "no next hop",
            after: #"""
                routes: [{to: 10.9.0.0/16}]

                """#,
            says: #"""
                a.yaml:7:10: error[E050]: routes[0] needs 'via' or 'interface'
                 7 | routes: [{to: 10.9.0.0/16}]
                   |          ^
                   = help: write via: ADDRESS, or type: blackhole to drop the packets
                1 problem

                """#),
        ErrorCase(
            "unreachable next hop",
            after: #"""
                routes: [{to: 10.9.0.0/16, via: 198.51.100.1}]

                """#,
            says: #"""
                a.yaml:7:33: error[E051]: the next hop 198.51.100.1 is in no network of lan \#
                or wan
                 7 | routes: [{to: 10.9.0.0/16, via: 198.51.100.1}]
                   |                                 ^^^^^^^^^^^^
                   = help: on-link: true with interface: lan or wan, if it is there all the \#
                same
                1 problem

                """#),
        ErrorCase(
            "own address",
            after: #"""
                routes: [{to: 10.9.0.0/16, via: 10.1.0.1}]

                """#,
            says: #"""
                a.yaml:7:33: error[E052]: the next hop 10.1.0.1 is our own address
                 7 | routes: [{to: 10.9.0.0/16, via: 10.1.0.1}]
                   |                                 ^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "next hop of a blackhole",
            after: #"""
                routes:
                  - {to: 10.9.0.0/16, type: blackhole, via: 10.1.0.2}
                  - {to: 10.8.0.0/16, type: prohibit, interface: lan}

                """#,
            says: #"""
                a.yaml:8:45: error[E053]: routes[0].via is not used with type: blackhole
                 8 |   - {to: 10.9.0.0/16, type: blackhole, via: 10.1.0.2}
                   |                                             ^^^^^^^^
                   = help: remove it or the type
                a.yaml:9:50: error[E053]: routes[1].interface is not used with type: prohibi\#
                t
                 9 |   - {to: 10.8.0.0/16, type: prohibit, interface: lan}
                   |                                                  ^^^
                   = help: remove it or the type
                2 problems

                """#),
        ErrorCase(
            "repeated route",
            after: #"""
                routes:
                  - {to: default, via: 203.0.113.1}
                  - {to: default, via: 203.0.113.1}

                """#,
            says: #"""
                a.yaml:9:5: error[E054]: a route to default with this distance and metric is\#
                 given twice
                 9 |   - {to: default, via: 203.0.113.1}
                   |     ^
                   = help: give one of them another distance or remove it
                1 problem

                """#),
        ErrorCase(
            "way beside a blackhole",
            after: #"""
                routes:
                  - {to: 10.9.0.0/16, type: blackhole}
                  - {to: 10.9.0.0/16, via: 203.0.113.1}

                """#,
            says: #"""
                a.yaml:9:5: error[E054]: a route to 10.9.0.0/16 with this distance and metri\#
                c is given twice
                 9 |   - {to: 10.9.0.0/16, via: 203.0.113.1}
                   |     ^
                   = help: give one of them another distance or remove it
                1 problem

                """#),
        ErrorCase(
            "on-link without side",
            after: #"""
                routes: [{to: default, via: 198.51.100.1, on-link: true}]

                """#,
            says: #"""
                a.yaml:7:52: error[E055]: routes[0].on-link needs 'interface'
                 7 | routes: [{to: default, via: 198.51.100.1, on-link: true}]
                   |                                                    ^^^^
                   = help: write interface: lan or interface: wan
                1 problem

                """#),
        ErrorCase(
            "17 ways",
            after: #"""
                routes:
                  - {to: default, via: 203.0.113.10}
                  - {to: default, via: 203.0.113.11}
                  - {to: default, via: 203.0.113.12}
                  - {to: default, via: 203.0.113.13}
                  - {to: default, via: 203.0.113.14}
                  - {to: default, via: 203.0.113.15}
                  - {to: default, via: 203.0.113.16}
                  - {to: default, via: 203.0.113.17}
                  - {to: default, via: 203.0.113.18}
                  - {to: default, via: 203.0.113.19}
                  - {to: default, via: 203.0.113.20}
                  - {to: default, via: 203.0.113.21}
                  - {to: default, via: 203.0.113.22}
                  - {to: default, via: 203.0.113.23}
                  - {to: default, via: 203.0.113.24}
                  - {to: default, via: 203.0.113.25}
                  - {to: default, via: 203.0.113.26}

                """#,
            says: #"""
                a.yaml:24:5: error[E056]: default has more than 16 next hops
                 24 |   - {to: default, via: 203.0.113.26}
                    |     ^
                1 problem

                """#),
        ErrorCase(
            "other side",
            after: #"""
                routes: [{to: default, via: 203.0.113.1, interface: lan}]

                """#,
            says: #"""
                a.yaml:7:53: error[E057]: the next hop 203.0.113.1 is on wan, not on lan
                 7 | routes: [{to: default, via: 203.0.113.1, interface: lan}]
                   |                                                     ^^^
                   = help: remove 'interface'
                1 problem

                """#),
        ErrorCase(
            "default route to the inside",
            after: #"""
                routes: [{to: default, via: 10.1.0.2}]

                """#,
            says: #"""
                a.yaml:7:15: warning[W050]: the default route leads to lan, the inside of th\#
                e translation
                 7 | routes: [{to: default, via: 10.1.0.2}]
                   |               ^^^^^^^
                   = help: set nat.outside, or nat.mode: none for a plain router
                1 warning

                """#),
        ErrorCase(
            "BFD with nobody to hear, or too fast",
            after: #"""
                routes:
                - {to: 10.9.0.0/16, interface: wan, bfd: true}
                - {to: 10.8.0.0/16, type: blackhole, bfd: {multiplier: 3}}
                - {to: 10.7.0.0/16, via: 203.0.113.9, bfd: {min-tx: 5ms, min-rx: 2m, multiplier: 0}}
                - {to: 10.6.0.0/16, via: 203.0.113.9, bfd: fast}

                """#,
            says: #"""
                a.yaml:8:42: error[E058]: routes[0].bfd needs a next hop to hear
                 8 | - {to: 10.9.0.0/16, interface: wan, bfd: true}
                   |                                          ^^^^
                   = help: write via: ADDRESS, or remove bfd
                a.yaml:9:43: error[E058]: routes[1].bfd needs a next hop to hear
                 9 | - {to: 10.8.0.0/16, type: blackhole, bfd: {multiplier: 3}}
                   |                                           ^
                   = help: write via: ADDRESS, or remove bfd
                a.yaml:10:53: error[E021]: routes[2].bfd.min-tx must be between 10ms and 1m,\#
                 not 5ms
                 10 | - {to: 10.7.0.0/16, via: 203.0.113.9, bfd: {min-tx: 5ms, min-rx: 2m, m\#
                ultiplier: 0}}
                    |                                                     ^^^
                a.yaml:10:66: error[E021]: routes[2].bfd.min-rx must be between 10ms and 1m,\#
                 not 2m
                 10 | - {to: 10.7.0.0/16, via: 203.0.113.9, bfd: {min-tx: 5ms, min-rx: 2m, m\#
                ultiplier: 0}}
                    |                                                                  ^^
                a.yaml:10:82: error[E021]: routes[2].bfd.multiplier must be between 1 and 25\#
                5, not 0
                 10 | - {to: 10.7.0.0/16, via: 203.0.113.9, bfd: {min-tx: 5ms, min-rx: 2m, m\#
                ultiplier: 0}}
                    |                                                                       \#
                           ^
                a.yaml:11:44: error[E024]: routes[3].bfd must be true or false, not 'fast'
                 11 | - {to: 10.6.0.0/16, via: 203.0.113.9, bfd: fast}
                    |                                            ^^^^
                6 problems

                """#),
        ErrorCase(
            "distance 255",
            after: #"""
                routes: [{to: default, via: 203.0.113.1, distance: 255}]

                """#,
            says: #"""
                a.yaml:7:52: warning[W051]: a route of distance 255 is never used
                 7 | routes: [{to: default, via: 203.0.113.1, distance: 255}]
                   |                                                    ^^^
                1 warning

                """#),
    ]
}
