extension ErrorCase {
    static let scalars: [ErrorCase] = [
        ErrorCase(
            "mtu in hexadecimal",
            after: #"""
                    mtu: 0x5dc

                """#,
            says: #"""
                a.yaml:7:10: error[E020]: interfaces.lan.mtu must be a whole number, not '0x\#
                5dc'
                 7 |     mtu: 0x5dc
                   |          ^^^^^
                1 problem

                """#),
        ErrorCase(
            "leading zero",
            after: #"""
                    mtu: 01500

                """#,
            says: #"""
                a.yaml:7:10: error[E020]: interfaces.lan.mtu must be a whole number, not '01\#
                500'
                 7 |     mtu: 01500
                   |          ^^^^^
                   = help: write 1500
                1 problem

                """#),
        ErrorCase(
            "out of range",
            after: #"""
                    mtu: 99999

                """#,
            says: #"""
                a.yaml:7:10: error[E021]: interfaces.lan.mtu must be between 576 and 9216, n\#
                ot 99999
                 7 |     mtu: 99999
                   |          ^^^^^
                1 problem

                """#),
        ErrorCase(
            "far out of range",
            after: #"""
                    mtu: 99999999999999999999

                """#,
            says: #"""
                a.yaml:7:10: error[E021]: interfaces.lan.mtu must be between 576 and 9216, n\#
                ot 99999999999999999999
                 7 |     mtu: 99999999999999999999
                   |          ^^^^^^^^^^^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "negative",
            after: #"""
                nat: {limits: {sessions: -1}}

                """#,
            says: #"""
                a.yaml:7:26: error[E021]: nat.limits.sessions must be between 16 and 1677721\#
                6, not -1
                 7 | nat: {limits: {sessions: -1}}
                   |                          ^^
                1 problem

                """#),
        ErrorCase(
            "durations",
            after: #"""
                nat:
                  timeouts: {udp: 5 minutes, icmp: 1y}
                  limits: {}

                """#,
            says: #"""
                a.yaml:8:19: error[E022]: nat.timeouts.udp must be a duration, not '5 minute\#
                s'
                 8 |   timeouts: {udp: 5 minutes, icmp: 1y}
                   |                   ^^^^^^^^^
                   = help: write a number and a unit: 500ms, 30s, 5m, 2h4m, 1d
                a.yaml:8:36: error[E022]: nat.timeouts.icmp must be a duration, not '1y'
                 8 |   timeouts: {udp: 5 minutes, icmp: 1y}
                   |                                    ^^
                   = help: write a number and a unit: 500ms, 30s, 5m, 2h4m, 1d
                2 problems

                """#),
        ErrorCase(
            "spans out of bounds",
            after: #"""
                nat:
                  timeouts: {fragment: 500ms, tcp-established: 31d}

                """#,
            says: #"""
                a.yaml:8:24: error[E021]: nat.timeouts.fragment must be between 1s and 30d, \#
                not 500ms
                 8 |   timeouts: {fragment: 500ms, tcp-established: 31d}
                   |                        ^^^^^
                a.yaml:8:48: error[E021]: nat.timeouts.tcp-established must be between 1s an\#
                d 30d, not 31d
                 8 |   timeouts: {fragment: 500ms, tcp-established: 31d}
                   |                                                ^^^
                2 problems

                """#),
        ErrorCase(
            "one of several words",
            after: #"""
                nat: {mode: masq, mapping: cone, mss-clamp: automatic}

                """#,
            says: #"""
                a.yaml:7:13: error[E023]: nat.mode must be masquerade, pool or none, not 'ma\#
                sq'
                 7 | nat: {mode: masq, mapping: cone, mss-clamp: automatic}
                   |             ^^^^
                a.yaml:7:28: error[E023]: nat.mapping must be endpoint-independent, address-\#
                dependent or address-and-port-dependent, not 'cone'
                 7 | nat: {mode: masq, mapping: cone, mss-clamp: automatic}
                   |                            ^^^^
                a.yaml:7:45: error[E023]: nat.mss-clamp must be auto, off or a number of oct\#
                ets, not 'automatic'
                 7 | nat: {mode: masq, mapping: cone, mss-clamp: automatic}
                   |                                             ^^^^^^^^^
                3 problems

                """#),
        ErrorCase(
            "mss-clamp out of range",
            after: #"""
                nat: {mss-clamp: 100}

                """#,
            says: #"""
                a.yaml:7:18: error[E021]: nat.mss-clamp must be between 536 and 9176, not 10\#
                0
                 7 | nat: {mss-clamp: 100}
                   |                  ^^^
                1 problem

                """#),
        ErrorCase(
            "not a boolean",
            after: #"""
                nat: {hairpin: 1, preserve-port: maybe}

                """#,
            says: #"""
                a.yaml:7:16: error[E024]: nat.hairpin must be true or false, not '1'
                 7 | nat: {hairpin: 1, preserve-port: maybe}
                   |                ^
                   = help: write true
                a.yaml:7:34: error[E024]: nat.preserve-port must be true or false, not 'mayb\#
                e'
                 7 | nat: {hairpin: 1, preserve-port: maybe}
                   |                                  ^^^^^
                2 problems

                """#),
        ErrorCase(
            "old booleans",
            after: #"""
                nat: {hairpin: yes, preserve-port: 'OFF'}

                """#,
            says: #"""
                a.yaml:7:16: warning[W024]: nat.hairpin: 'yes' is read as true
                 7 | nat: {hairpin: yes, preserve-port: 'OFF'}
                   |                ^^^
                   = help: write true
                a.yaml:7:36: warning[W024]: nat.preserve-port: 'OFF' is read as false
                 7 | nat: {hairpin: yes, preserve-port: 'OFF'}
                   |                                    ^^^^^
                   = help: write false
                2 warnings

                """#),
        ErrorCase(
            "instance name",
            after: #"""
                name: my gateway

                """#,
            says: #"""
                a.yaml:7:7: error[E025]: name 'my gateway' must be 1 to 32 letters, digits, \#
                '-', '_' and '.'
                 7 | name: my gateway
                   |       ^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "group name",
            after: #"""
                control: {group: a b}

                """#,
            says: #"""
                a.yaml:7:18: error[E025]: control.group 'a b' must be the name of a group, o\#
                r "" for none
                 7 | control: {group: a b}
                   |                  ^^^
                1 problem

                """#),
        ErrorCase(
            "port by name",
            after: #"""
                nat: {port-forwards: [{port: https, to: 10.1.0.9}]}

                """#,
            says: #"""
                a.yaml:7:30: error[E026]: nat.port-forwards[0].port must be a port or a rang\#
                e of ports, not 'https'
                 7 | nat: {port-forwards: [{port: https, to: 10.1.0.9}]}
                   |                              ^^^^^
                   = help: write 8443 or 27015-27030
                1 problem

                """#),
        ErrorCase(
            "port 0",
            after: #"""
                nat: {port-forwards: [{port: 0, to: '10.1.0.9:70000'}]}

                """#,
            says: #"""
                a.yaml:7:30: error[E021]: nat.port-forwards[0].port must be between 1 and 65\#
                535, not 0
                 7 | nat: {port-forwards: [{port: 0, to: '10.1.0.9:70000'}]}
                   |                              ^
                a.yaml:7:37: error[E021]: nat.port-forwards[0].to must be between 1 and 6553\#
                5, not 70000
                 7 | nat: {port-forwards: [{port: 0, to: '10.1.0.9:70000'}]}
                   |                                     ^^^^^^^^^^^^^^^^
                2 problems

                """#),
        ErrorCase(
            "MAC address with dashes",
            after: #"""
                    macaddress: 02-00-5e-10-00-01

                """#,
            says: #"""
                a.yaml:7:17: error[E027]: interfaces.lan.macaddress must be a MAC address, n\#
                ot '02-00-5e-10-00-01'
                 7 |     macaddress: 02-00-5e-10-00-01
                   |                 ^^^^^^^^^^^^^^^^^
                   = help: write "02:00:5e:10:00:01", in quotes
                1 problem

                """#),
        ErrorCase(
            "version 2",
            whole: #"""
                version: 2
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan:
                    tap: t0
                    addresses: [10.1.0.1/24]

                """#,
            says: #"""
                a.yaml:1:10: error[E028]: version '2' is not known
                 1 | version: 2
                   |          ^
                   = help: this gatewayd reads version: 1
                1 problem

                """#),
    ]
}
