extension ErrorCase {
    static let ospf: [ErrorCase] = [
        ErrorCase(
            "no interface that speaks OSPF",
            after: #"""
                ospf: {interfaces: {}, reference-bandwidth: 1000}

                """#,
            says: #"""
                a.yaml:7:20: error[E080]: ospf.interfaces names neither lan nor wan
                 7 | ospf: {interfaces: {}, reference-bandwidth: 1000}
                   |                    ^
                   = help: write interfaces: {wan: {area: 0}}
                a.yaml:7:24: error[E015]: 'ospf.reference-bandwidth' is not available in thi\#
                s version
                 7 | ospf: {interfaces: {}, reference-bandwidth: 1000}
                   |                        ^^^^^^^^^^^^^^^^^^^
                   = help: it comes with a later release; remove the section
                2 problems

                """#),
        ErrorCase(
            "areas",
            after: #"""
                ospf:
                  areas:
                    0: {type: stub}
                    7: {default-cost: 3}
                    0.0.0.7: {}
                    9: {type: sstub, external-ranges: [10.0.0.0/8]}
                  interfaces:
                    lan: {area: backbone}
                    wan: {area: 1, network-type: non-broadcast}

                """#,
            says: #"""
                a.yaml:9:5: warning[W081]: no side is in area 0.0.0.0, so its options do not\#
                hing
                 9 |     0: {type: stub}
                   |     ^
                a.yaml:9:15: error[E083]: area 0 joins all others and cannot be a stub area
                 9 |     0: {type: stub}
                   |               ^^^^
                a.yaml:10:5: warning[W081]: no side is in area 0.0.0.7, so its options do no\#
                thing
                 10 |     7: {default-cost: 3}
                    |     ^
                a.yaml:10:23: error[E083]: ospf.areas.0.0.0.7.default-cost is for stub areas
                 10 |     7: {default-cost: 3}
                    |                       ^
                a.yaml:11:5: error[E081]: ospf.areas has area 0.0.0.7 twice
                 11 |     0.0.0.7: {}
                    |     ^^^^^^^
                a.yaml:12:5: warning[W081]: no side is in area 0.0.0.9, so its options do no\#
                thing
                 12 |     9: {type: sstub, external-ranges: [10.0.0.0/8]}
                    |     ^
                a.yaml:12:15: error[E023]: ospf.areas.0.0.0.9.type must be normal, stub, tot\#
                ally-stub, nssa or totally-nssa, not 'sstub'
                 12 |     9: {type: sstub, external-ranges: [10.0.0.0/8]}
                    |               ^^^^^
                    = help: did you mean 'stub'?
                a.yaml:12:39: error[E083]: ospf.areas.0.0.0.9.external-ranges is for areas o\#
                f type nssa or totally-nssa
                 12 |     9: {type: sstub, external-ranges: [10.0.0.0/8]}
                    |                                       ^
                a.yaml:14:17: error[E081]: ospf.interfaces.lan.area 'backbone' is no area
                 14 |     lan: {area: backbone}
                    |                 ^^^^^^^^
                    = help: write a number as 0, or 0.0.0.0
                a.yaml:15:34: error[E086]: a non-broadcast network has to have neighbors
                 15 |     wan: {area: 1, network-type: non-broadcast}
                    |                                  ^^^^^^^^^^^^^
                    = help: write neighbors: [ADDRESS, ...]
                7 problems, 3 warnings

                """#),
        ErrorCase(
            "virtual links",
            after: #"""
                ospf:
                  router-id: 1.2.3.4
                  areas:
                    0: {virtual-links: [{router: 1.2.3.9}]}
                    1: {type: stub, virtual-links: [{router: 1.2.3.8}, {router: 1.2.3.8}]}
                    2: {virtual-links: [{router: 1.2.3.4}, {hello-interval: 1s}]}
                  interfaces: {lan: {area: 1}, wan: {area: 2}}

                """#,
            says: #"""
                a.yaml:10:5: error[E087]: a virtual link leads to 1.2.3.4, which is our rout\#
                er-id
                 10 |     0: {virtual-links: [{router: 1.2.3.9}]}
                    |     ^
                a.yaml:10:24: error[E087]: ospf.areas.0.0.0.0.virtual-links: area 0 cannot c\#
                arry virtual links
                 10 |     0: {virtual-links: [{router: 1.2.3.9}]}
                    |                        ^
                a.yaml:11:36: error[E087]: ospf.areas.0.0.0.1.virtual-links: an area of type\#
                 stub cannot carry virtual links
                 11 |     1: {type: stub, virtual-links: [{router: 1.2.3.8}, {router: 1.2.3.\#
                8}]}
                    |                                    ^
                a.yaml:11:56: error[E087]: ospf.areas.0.0.0.1.virtual-links names router 1.2\#
                .3.8 twice
                 11 |     1: {type: stub, virtual-links: [{router: 1.2.3.8}, {router: 1.2.3.\#
                8}]}
                    |                                                        ^
                a.yaml:12:44: error[E012]: ospf.areas.0.0.0.2.virtual-links[1] needs 'router\#
                '
                 12 |     2: {virtual-links: [{router: 1.2.3.4}, {hello-interval: 1s}]}
                    |                                            ^
                    = help: write {router: 10.0.0.3}
                5 problems

                """#),
        ErrorCase(
            "long sequence numbers without keys that allow them",
            after: #"""
                ospf:
                  interfaces:
                    lan: {area: 0, extended-sequence: true}
                    wan:
                      area: 0
                      extended-sequence: true
                      authentication: {type: md5, key-file: /k}

                """#,
            says: #"""
                a.yaml:9:39: error[E074]: ospf.interfaces.lan.extended-sequence needs authen\#
                tication by hmac-sha keys
                 9 |     lan: {area: 0, extended-sequence: true}
                   |                                       ^^^^
                a.yaml:12:26: error[E074]: ospf.interfaces.wan.extended-sequence needs authe\#
                ntication by hmac-sha keys
                 12 |       extended-sequence: true
                    |                          ^^^^
                2 problems

                """#),
        ErrorCase(
            "no backbone",
            after: #"""
                ospf: {interfaces: {lan: {area: 1}, wan: {area: 2}}}

                """#,
            says: #"""
                a.yaml:7:20: error[E082]: areas 0.0.0.1 and 0.0.0.2 have no backbone between\#
                 them
                 7 | ospf: {interfaces: {lan: {area: 1}, wan: {area: 2}}}
                   |                    ^
                   = help: put one side into area 0, or both into one area
                1 problem

                """#),
        ErrorCase(
            "intervals of OSPF",
            after: #"""
                ospf:
                  interfaces:
                    lan: {area: 0, hello-interval: 2500ms}
                    wan: {area: 0, hello-interval: 5s, dead-interval: 5s}

                """#,
            says: #"""
                a.yaml:9:36: error[E084]: ospf.interfaces.lan.hello-interval must be whole s\#
                econds, or less than one
                 9 |     lan: {area: 0, hello-interval: 2500ms}
                   |                                    ^^^^^^
                a.yaml:10:55: error[E084]: ospf.interfaces.wan.dead-interval is 5s and hello\#
                -interval 5s: every neighbor would be lost between hellos
                 10 |     wan: {area: 0, hello-interval: 5s, dead-interval: 5s}
                    |                                                       ^^
                2 problems

                """#),
        ErrorCase(
            "a dead interval soon over, options of no area, a source named twice",
            after: #"""
                ospf:
                  areas: {3: {}}
                  interfaces: {wan: {area: 0, dead-interval: 20s}}
                  redistribute: [static, {from: static, metric: 16777215}, ospf]

                """#,
            says: #"""
                a.yaml:8:11: warning[W081]: no side is in area 0.0.0.3, so its options do no\#
                thing
                 8 |   areas: {3: {}}
                   |           ^
                a.yaml:9:46: warning[W080]: ospf.interfaces.wan.dead-interval is 20s and hel\#
                lo-interval 10s: a lost hello or two lose the neighbor
                 9 |   interfaces: {wan: {area: 0, dead-interval: 20s}}
                   |                                              ^^^
                   = help: write four times the hello-interval
                a.yaml:10:33: error[E085]: ospf.redistribute names static twice
                 10 |   redistribute: [static, {from: static, metric: 16777215}, ospf]
                    |                                 ^^^^^^
                a.yaml:10:49: error[E021]: ospf.redistribute[1].metric must be between 0 and\#
                 16777214, not 16777215
                 10 |   redistribute: [static, {from: static, metric: 16777215}, ospf]
                    |                                                 ^^^^^^^^
                a.yaml:10:60: error[E023]: ospf.redistribute[2] must be connected, static or\#
                 rip, not 'ospf'
                 10 |   redistribute: [static, {from: static, metric: 16777215}, ospf]
                    |                                                            ^^^^
                3 problems, 2 warnings

                """#),
        ErrorCase(
            "a password too long for OSPF",
            after: #"""
                ospf:
                  interfaces: {wan: {area: 0, authentication: {type: text, key-file: /long}}}

                """#,
            says: #"""
                a.yaml:8:54: warning[W070]: ospf.interfaces.wan.authentication.type text is \#
                sent in the clear
                 8 |   interfaces: {wan: {area: 0, authentication: {type: text, key-file: /l\#
                ong}}}
                   |                                                      ^^^^
                   = help: write type: hmac-sha-256, or md5 for old neighbors
                a.yaml:8:70: error[E073]: a password for type text has at most 8 octets
                 8 |   interfaces: {wan: {area: 0, authentication: {type: text, key-file: /l\#
                ong}}}
                   |                                                                      ^^\#
                ^^^
                1 problem, 1 warning

                """#),
    ]
}
