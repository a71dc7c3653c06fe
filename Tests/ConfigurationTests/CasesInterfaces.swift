extension ErrorCase {
    static let interfaces: [ErrorCase] = [
        ErrorCase(
            "network and broadcast address",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, addresses: [10.1.0.0/24, 10.1.1.255/24]}

                """#,
            says: #"""
                a.yaml:4:30: error[E040]: 10.1.0.0 is the network address of 10.1.0.0/24, no\#
                t a host's
                 4 |   lan: {tap: t0, addresses: [10.1.0.0/24, 10.1.1.255/24]}
                   |                              ^^^^^^^^^^^
                   = help: write '10.1.0.1/24'
                a.yaml:4:43: error[E040]: 10.1.1.255 is the broadcast address of 10.1.1.0/24\#
                , not a host's
                 4 |   lan: {tap: t0, addresses: [10.1.0.0/24, 10.1.1.255/24]}
                   |                                           ^^^^^^^^^^^^^
                2 problems

                """#),
        ErrorCase(
            "overlap",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [10.1.0.9/16]}
                  lan:
                    tap: t0
                    addresses: [10.1.0.1/24]

                """#,
            says: #"""
                a.yaml:6:17: error[E041]: the networks of lan and wan overlap: 10.1.0.0/24 a\#
                nd 10.1.0.0/16
                 6 |     addresses: [10.1.0.1/24]
                   |                 ^^^^^^^^^^^
                   = help: the other one is at line 3
                1 problem

                """#),
        ErrorCase(
            "TAP names",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: a-very-long-tap-name, bridge: a/b, addresses: [10.1.0.1/24]}

                """#,
            says: #"""
                a.yaml:4:14: error[E042]: interfaces.lan.tap 'a-very-long-tap-name' is longe\#
                r than 15 bytes
                 4 |   lan: {tap: a-very-long-tap-name, bridge: a/b, addresses: [10.1.0.1/24\#
                ]}
                   |              ^^^^^^^^^^^^^^^^^^^^
                a.yaml:4:44: error[E042]: interfaces.lan.bridge 'a/b' must be letters, digit\#
                s, '-', '_' and '.'
                 4 |   lan: {tap: a-very-long-tap-name, bridge: a/b, addresses: [10.1.0.1/24\#
                ]}
                   |                                            ^^^
                2 problems

                """#),
        ErrorCase(
            "missing namespace",
            after: #"""
                    netns: lab

                """#,
            says: #"""
                a.yaml:7:12: error[E043]: network namespace 'lab' does not exist
                 7 |     netns: lab
                   |            ^^^
                   = help: ip netns add lab
                1 problem

                """#),
        ErrorCase(
            "same TAP",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t0, addresses: [203.0.113.2/24]}
                  lan:
                    tap: t0
                    addresses: [10.1.0.1/24]

                """#,
            says: #"""
                a.yaml:5:10: error[E044]: both sides have the TAP 't0'
                 5 |     tap: t0
                   |          ^^
                   = help: the other one is at line 3
                1 problem

                """#),
        ErrorCase(
            "same MAC address",
            whole: #"""
                version: 1
                interfaces:
                  wan: {macaddress: "02:00:00:00:00:01", tap: t1, addresses: [203.0.113.2/24\#
                ]}
                  lan:
                    tap: t0
                    addresses: [10.1.0.1/24]
                    macaddress: "02:00:00:00:00:01"

                """#,
            says: #"""
                a.yaml:7:17: error[E045]: both sides have the MAC address 02:00:00:00:00:01
                 7 |     macaddress: "02:00:00:00:00:01"
                   |                 ^^^^^^^^^^^^^^^^^^^
                   = help: the other one is at line 3
                1 problem

                """#),
        ErrorCase(
            "group address",
            after: #"""
                    macaddress: "01:00:5e:00:00:01"

                """#,
            says: #"""
                a.yaml:7:17: error[E046]: 01:00:5e:00:00:01 is a group address, not one stat\#
                ion's
                 7 |     macaddress: "01:00:5e:00:00:01"
                   |                 ^^^^^^^^^^^^^^^^^^^
                   = help: the second digit must be even
                1 problem

                """#),
        ErrorCase(
            "zero MAC address",
            after: #"""
                    macaddress: "00:00:00:00:00:00"

                """#,
            says: #"""
                a.yaml:7:17: error[E046]: 00:00:00:00:00:00 is no address, not one station's
                 7 |     macaddress: "00:00:00:00:00:00"
                   |                 ^^^^^^^^^^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "repeated address",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, addresses: [10.1.0.1/24, 10.1.0.1/25]}

                """#,
            says: #"""
                a.yaml:4:43: error[E047]: 10.1.0.1 is given twice in interfaces.lan.addresse\#
                s
                 4 |   lan: {tap: t0, addresses: [10.1.0.1/24, 10.1.0.1/25]}
                   |                                           ^^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "repeated neighbour",
            after: #"""
                    neighbors:
                      - {address: 10.1.0.9, macaddress: "02:00:00:00:00:01"}
                      - {address: 10.1.0.9, macaddress: "02:00:00:00:00:02"}

                """#,
            says: #"""
                a.yaml:9:19: error[E047]: 10.1.0.9 is given twice in interfaces.lan.neighbor\#
                s
                 9 |       - {address: 10.1.0.9, macaddress: "02:00:00:00:00:02"}
                   |                   ^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "segmentation without checksum",
            after: #"""
                    offload: {checksum: false, segmentation: true}

                """#,
            says: #"""
                a.yaml:7:46: error[E048]: interfaces.lan.offload.segmentation needs interfac\#
                es.lan.offload.checksum, which is false
                 7 |     offload: {checksum: false, segmentation: true}
                   |                                              ^^^^
                   = help: write checksum: true or segmentation: false
                1 problem

                """#),
        ErrorCase(
            "namespace names",
            after: #"""
                    netns: a/b

                """#,
            says: #"""
                a.yaml:7:12: error[E049]: interfaces.lan.netns 'a/b' must be a name under /r\#
                un/netns or a whole path
                 7 |     netns: a/b
                   |            ^^^
                1 problem

                """#),
        ErrorCase(
            "MTU of lan above wan",
            after: #"""
                    mtu: 9000

                """#,
            says: #"""
                a.yaml:7:10: note[W045]: packets from lan with DF over 1500 bytes get ICMP F\#
                ragmentation Needed
                 7 |     mtu: 9000
                   |          ^^^^
                   = help: mss-clamp: auto spares TCP from this

                """#),
        ErrorCase(
            "neighbour elsewhere",
            after: #"""
                    neighbors: [{address: 10.2.0.9, macaddress: "02:00:00:00:00:01"}]

                """#,
            says: #"""
                a.yaml:7:27: warning[W048]: 10.2.0.9 is in no network of lan, so nothing\#
                 is sent to it
                 7 |     neighbors: [{address: 10.2.0.9, macaddress: "02:00:00:00:00:01"}]
                   |                           ^^^^^^^^
                1 warning

                """#),
    ]
}
