extension ErrorCase {
    static let rip: [ErrorCase] = [
        ErrorCase(
            "no interface that speaks RIP",
            after: #"""
                rip: {interfaces: {}, timers: {update: 30s, timeout: 20s}}

                """#,
            says: #"""
                a.yaml:7:19: error[E070]: rip.interfaces names neither lan nor wan
                 7 | rip: {interfaces: {}, timers: {update: 30s, timeout: 20s}}
                   |                   ^
                   = help: write interfaces: {wan: {}}
                a.yaml:7:31: error[E071]: rip.timers.timeout is 20s and must be more than up\#
                date, 30s
                 7 | rip: {interfaces: {}, timers: {update: 30s, timeout: 20s}}
                   |                               ^
                2 problems

                """#),
        ErrorCase(
            "a neighbour nowhere near",
            after: #"""
                rip:
                  interfaces: {wan: {cost: 16}}
                  neighbors: [203.0.113.9, 10.1.0.7]

                """#,
            says: #"""
                a.yaml:8:28: error[E021]: rip.interfaces.wan.cost must be between 1 and 15, \#
                not 16
                 8 |   interfaces: {wan: {cost: 16}}
                   |                            ^^
                a.yaml:9:28: error[E072]: the neighbor 10.1.0.7 is on no network of an inter\#
                face that speaks RIP
                 9 |   neighbors: [203.0.113.9, 10.1.0.7]
                   |                            ^^^^^^^^
                2 problems

                """#),
        ErrorCase(
            "keys of RIP",
            after: #"""
                rip:
                  interfaces:
                    wan: {authentication: {type: md5, key-file: /open}}
                    lan: {authentication: {type: text, key-file: /missing}}

                """#,
            says: #"""
                a.yaml:9:49: error[E073]: rip.interfaces.wan.authentication.key-file: others\#
                 may read '/open'
                 9 |     wan: {authentication: {type: md5, key-file: /open}}
                   |                                                 ^^^^^
                   = help: chmod 600 /open
                a.yaml:10:50: error[E073]: rip.interfaces.lan.authentication.key-file: '/mis\#
                sing' cannot be read
                 10 |     lan: {authentication: {type: text, key-file: /missing}}
                    |                                                  ^^^^^^^^
                2 problems

                """#),
        ErrorCase(
            "several keys",
            after: #"""
                rip:
                  interfaces:
                    lan: {authentication: {type: text, keys: [{key-id: 1, key-file: /k}]}}
                    wan:
                      authentication:
                        type: md5
                        key-id: 7
                        keys:
                          - {key-id: 1, key-file: /k, send-until: 2026-02-30}
                          - {key-id: 1, key-file: /k, accept-from: soon}
                          - {key-id: 2, key-file: /k, send-from: 2026-12-01, send-until: 2026-12-01}
                ospf: {interfaces: {lan: {area: 0, authentication: {type: md5, keys: []}}}}

                """#,
            says: #"""
                a.yaml:9:46: error[E074]: rip.interfaces.lan.authentication.keys are for a\#
                 type that signs
                 9 |     lan: {authentication: {type: text, keys: [{key-id: 1, key-file: /k}]}}
                   |                                              ^
                a.yaml:13:17: error[E074]: rip.interfaces.wan.authentication has keys: the\#
                ir numbers and files are there
                 13 |         key-id: 7
                    |                 ^
                a.yaml:15:51: error[E074]: rip.interfaces.wan.authentication.keys[0].send-\#
                until '2026-02-30' is no moment
                 15 |           - {key-id: 1, key-file: /k, send-until: 2026-02-30}
                    |                                                   ^^^^^^^^^^
                    = help: write 2026-12-01, or 2026-12-01T08:30:00Z
                a.yaml:16:13: error[E074]: rip.interfaces.wan.authentication.keys has key-id 1 twice
                 16 |           - {key-id: 1, key-file: /k, accept-from: soon}
                    |             ^
                a.yaml:16:52: error[E074]: rip.interfaces.wan.authentication.keys[1].accep\#
                t-from 'soon' is no moment
                 16 |           - {key-id: 1, key-file: /k, accept-from: soon}
                    |                                                    ^^^^
                    = help: write 2026-12-01, or 2026-12-01T08:30:00Z
                a.yaml:17:74: error[E074]: rip.interfaces.wan.authentication.keys[2].send-\#
                until must be later than send-from
                 17 |           - {key-id: 2, key-file: /k, send-from: 2026-12-01, send-un\#
                til: 2026-12-01}
                    |                                                                     \#
                     ^^^^^^^^^^
                a.yaml:18:70: error[E074]: ospf.interfaces.lan.authentication.keys names no key
                 18 | ospf: {interfaces: {lan: {area: 0, authentication: {type: md5, keys: []}}}}
                    |                                                                      ^
                7 problems

                """#),
        ErrorCase(
            "a password in the clear",
            after: #"""
                rip: {interfaces: {wan: {authentication: {type: text, key-file: /k}}}}

                """#,
            says: #"""
                a.yaml:7:49: warning[W070]: rip.interfaces.wan.authentication.type text is s\#
                ent in the clear
                 7 | rip: {interfaces: {wan: {authentication: {type: text, key-file: /k}}}}
                   |                                                 ^^^^
                   = help: write type: hmac-sha-256, or md5 for old neighbors
                1 warning

                """#),
    ]
}
