extension ErrorCase {
    static let control: [ErrorCase] = [
        ErrorCase(
            "long socket path",
            after: #"""
                control: {socket: /run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\#
                xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}

                """#,
            says: #"""
                a.yaml:7:19: error[E095]: control.socket has 115 bytes, and a socket's path \#
                at most 107
                 7 | control: {socket: /run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\#
                xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
                   |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\#
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
                1 problem

                """#),
        ErrorCase(
            "relative socket path",
            after: #"""
                control: {socket: control.sock}

                """#,
            says: #"""
                a.yaml:7:19: error[E096]: control.socket must be a whole path from /, not 'c\#
                ontrol.sock'
                 7 | control: {socket: control.sock}
                   |                   ^^^^^^^^^^^^
                   = help: write /run/gatewayd/NAME/control.sock
                1 problem

                """#),
        ErrorCase(
            "modes",
            after: #"""
                control: {mode: 660}

                """#,
            says: #"""
                a.yaml:7:17: error[E097]: control.mode must be four octal digits with a lead\#
                ing 0, not '660'
                 7 | control: {mode: 660}
                   |                 ^^^
                   = help: write "0660"
                1 problem

                """#),
        ErrorCase(
            "open mode",
            after: #"""
                control: {mode: "0666"}

                """#,
            says: #"""
                a.yaml:7:17: warning[W097]: control.mode '0666' lets every user connect
                 7 | control: {mode: "0666"}
                   |                 ^^^^^^
                   = help: write "0660"
                1 warning

                """#),
        ErrorCase(
            "log words",
            after: #"""
                log: {level: critical, nat-sessions: some}

                """#,
            says: #"""
                a.yaml:7:14: error[E023]: log.level must be debug, info, notice, warning or \#
                error, not 'critical'
                 7 | log: {level: critical, nat-sessions: some}
                   |              ^^^^^^^^
                a.yaml:7:38: error[E023]: log.nat-sessions must be none, summary or all, not\#
                 'some'
                 7 | log: {level: critical, nat-sessions: some}
                   |                                      ^^^^
                2 problems

                """#),
        ErrorCase(
            "policy words",
            after: #"""
                forwarding: {bogons: drop, documentation-prefixes: deny, directed-broadcast:\#
                 no}

                """#,
            says: #"""
                a.yaml:7:22: error[E023]: forwarding.bogons must be allow or strict, not 'dr\#
                op'
                 7 | forwarding: {bogons: drop, documentation-prefixes: deny, directed-broad\#
                cast: no}
                   |                      ^^^^
                a.yaml:7:52: error[E023]: forwarding.documentation-prefixes must be allow or\#
                 drop, not 'deny'
                 7 | forwarding: {bogons: drop, documentation-prefixes: deny, directed-broad\#
                cast: no}
                   |                                                    ^^^^
                a.yaml:7:78: warning[W024]: forwarding.directed-broadcast: 'no' is read as f\#
                alse
                 7 | forwarding: {bogons: drop, documentation-prefixes: deny, directed-broad\#
                cast: no}
                   |                                                                        \#
                      ^^
                   = help: write false
                2 problems, 1 warning

                """#),
    ]
}
