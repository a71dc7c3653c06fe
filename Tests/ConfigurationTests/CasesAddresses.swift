extension ErrorCase {
    static let addresses: [ErrorCase] = [
        ErrorCase(
            "four kinds at once",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, addresses: [192.168.1.1, 300.1.2.3/24, 10.0.0.1/33, 10.1.0.\#
                1/255.255.255.0]}

                """#,
            says: #"""
                a.yaml:4:30: error[E031]: address '192.168.1.1' has no prefix length
                 4 |   lan: {tap: t0, addresses: [192.168.1.1, 300.1.2.3/24, 10.0.0.1/33, 10\#
                .1.0.1/255.255.255.0]}
                   |                              ^^^^^^^^^^^
                   = help: write '192.168.1.1/24'
                a.yaml:4:43: error[E030]: '300.1.2.3' is not an IPv4 address
                 4 |   lan: {tap: t0, addresses: [192.168.1.1, 300.1.2.3/24, 10.0.0.1/33, 10\#
                .1.0.1/255.255.255.0]}
                   |                                           ^^^^^^^^^^^^
                a.yaml:4:57: error[E032]: the prefix length of '10.0.0.1/33' must be a numbe\#
                r from 0 to 32
                 4 |   lan: {tap: t0, addresses: [192.168.1.1, 300.1.2.3/24, 10.0.0.1/33, 10\#
                .1.0.1/255.255.255.0]}
                   |                                                         ^^^^^^^^^^^
                a.yaml:4:70: error[E032]: the prefix length of '10.1.0.1/255.255.255.0' must\#
                 be a number from 0 to 32
                 4 |   lan: {tap: t0, addresses: [192.168.1.1, 300.1.2.3/24, 10.0.0.1/33, 10\#
                .1.0.1/255.255.255.0]}
                   |                                                                      ^^\#
                ^^^^^^^^^^^^^^^^^^^^
                   = help: write '10.1.0.1/24'
                4 problems

                """#),
        ErrorCase(
            "prefix length 0",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, addresses: [10.1.0.1/0]}

                """#,
            says: #"""
                a.yaml:4:30: error[E032]: interfaces.lan.addresses[0] cannot be in a network\#
                 of prefix length 0
                 4 |   lan: {tap: t0, addresses: [10.1.0.1/0]}
                   |                              ^^^^^^^^^^
                   = help: write '10.1.0.1/24'
                1 problem

                """#),
        ErrorCase(
            "host bits",
            after: #"""
                routes: [{to: 10.1.2.3/8, via: 10.1.0.2}]

                """#,
            says: #"""
                a.yaml:7:15: error[E033]: '10.1.2.3/8' has bits set beyond its prefix length
                 7 | routes: [{to: 10.1.2.3/8, via: 10.1.0.2}]
                   |               ^^^^^^^^^^
                   = help: write '10.0.0.0/8'
                1 problem

                """#),
        ErrorCase(
            "prefix without length",
            after: #"""
                routes: [{to: 10.3.0.0, via: 10.1.0.2}]

                """#,
            says: #"""
                a.yaml:7:15: error[E031]: address '10.3.0.0' has no prefix length
                 7 | routes: [{to: 10.3.0.0, via: 10.1.0.2}]
                   |               ^^^^^^^^
                   = help: write '10.3.0.0/16'
                1 problem

                """#),
        ErrorCase(
            "IPv6",
            whole: #"""
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan: {tap: t0, addresses: ['2001:db8::1/64']}
                routes: [{to: '::/0', via: 'fe80::1'}]

                """#,
            says: #"""
                a.yaml:4:30: error[E034]: '2001:db8::1/64' is an IPv6 address, and IPv6 is n\#
                ot supported in version 1
                 4 |   lan: {tap: t0, addresses: ['2001:db8::1/64']}
                   |                              ^^^^^^^^^^^^^^^^
                a.yaml:5:15: error[E034]: '::/0' is an IPv6 address, and IPv6 is not support\#
                ed in version 1
                 5 | routes: [{to: '::/0', via: 'fe80::1'}]
                   |               ^^^^^^
                a.yaml:5:28: error[E034]: 'fe80::1' is an IPv6 address, and IPv6 is not supp\#
                orted in version 1
                 5 | routes: [{to: '::/0', via: 'fe80::1'}]
                   |                            ^^^^^^^^^
                3 problems

                """#),
        ErrorCase(
            "IPv6 forward",
            after: #"""
                nat: {port-forwards: [{port: 22, to: '[2001:db8::1]:22'}]}

                """#,
            says: #"""
                a.yaml:7:38: error[E034]: '[2001:db8::1]:22' is an IPv6 address, and IPv6 is\#
                 not supported in version 1
                 7 | nat: {port-forwards: [{port: 22, to: '[2001:db8::1]:22'}]}
                   |                                      ^^^^^^^^^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "backward ranges",
            after: #"""
                nat: {mode: pool, pool: {addresses: [203.0.113.9-203.0.113.7], ports: 2000-1\#
                000}}

                """#,
            says: #"""
                a.yaml:7:38: error[E035]: the range '203.0.113.9-203.0.113.7' runs backwards
                 7 | nat: {mode: pool, pool: {addresses: [203.0.113.9-203.0.113.7], ports: 2\#
                000-1000}}
                   |                                      ^^^^^^^^^^^^^^^^^^^^^^^
                   = help: write '203.0.113.7-203.0.113.9'
                a.yaml:7:71: error[E035]: the range '2000-1000' runs backwards
                 7 | nat: {mode: pool, pool: {addresses: [203.0.113.9-203.0.113.7], ports: 2\#
                000-1000}}
                   |                                                                       ^\#
                ^^^^^^^^
                   = help: write '1000-2000'
                2 problems

                """#),
        ErrorCase(
            "next hop with a length",
            after: #"""
                routes: [{to: default, via: 203.0.113.1/24}]

                """#,
            says: #"""
                a.yaml:7:29: error[E030]: routes[0].via takes an address without a prefix le\#
                ngth, not '203.0.113.1/24'
                 7 | routes: [{to: default, via: 203.0.113.1/24}]
                   |                             ^^^^^^^^^^^^^^
                   = help: write '203.0.113.1'
                1 problem

                """#),
        ErrorCase(
            "addresses no host can have",
            after: #"""
                routes:
                  - {to: 224.0.0.0/4, via: 10.1.0.2}
                  - {to: default, via: 127.0.0.1}
                  - {to: 10.9.0.0/16, via: 240.0.0.1}
                  - {to: 10.8.0.0/16, via: 0.0.0.0}

                """#,
            says: #"""
                a.yaml:8:10: error[E036]: 224.0.0.0/4 is multicast space and cannot be used \#
                here
                 8 |   - {to: 224.0.0.0/4, via: 10.1.0.2}
                   |          ^^^^^^^^^^^
                a.yaml:9:24: error[E036]: 127.0.0.1 is a loopback address and cannot be used\#
                 here
                 9 |   - {to: default, via: 127.0.0.1}
                   |                        ^^^^^^^^^
                a.yaml:10:28: error[E036]: 240.0.0.1 is a reserved address and cannot be use\#
                d here
                 10 |   - {to: 10.9.0.0/16, via: 240.0.0.1}
                    |                            ^^^^^^^^^
                a.yaml:11:28: error[E036]: 0.0.0.0 is no host's address and cannot be used h\#
                ere
                 11 |   - {to: 10.8.0.0/16, via: 0.0.0.0}
                    |                            ^^^^^^^
                4 problems

                """#),
        ErrorCase(
            "control bytes in a value",
            after: #"""
                    netns: "a\eb"
                routes: [{to: "\u202e1", via: x}]

                """#,
            says: #"""
                a.yaml:7:12: error[E049]: interfaces.lan.netns 'a\x1bb' must be a name under\#
                 /run/netns or a whole path
                 7 |     netns: "a\eb"
                   |            ^^^^^^
                a.yaml:8:15: error[E030]: '\u{202e}1' is not an IPv4 address
                 8 | routes: [{to: "\u202e1", via: x}]
                   |               ^^^^^^^^^
                a.yaml:8:31: error[E030]: 'x' is not an IPv4 address
                 8 | routes: [{to: "\u202e1", via: x}]
                   |                               ^
                3 problems

                """#),
    ]
}
