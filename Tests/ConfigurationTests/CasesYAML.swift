extension ErrorCase {
    static let yaml: [ErrorCase] = [
        ErrorCase(
            "no mapping end",
            after: #"""
                nat:
                  mode: none
                 outside: wan

                """#,
            says: #"""
                a.yaml:9:2: error[E001]: not valid YAML: did not find expected key
                 9 |  outside: wan
                   |  ^
                   = help: while parsing a block mapping that starts at line 1
                1 problem

                """#),
        ErrorCase(
            "tab as indentation",
            after: #"""
                nat:
                	mode: none

                """#,
            says: #"""
                a.yaml:8:1: error[E001]: not valid YAML: found character that cannot start a\#
                ny token
                 8 |  mode: none
                   | ^
                   = help: YAML is indented with spaces, never with tabs
                1 problem

                """#),
        ErrorCase(
            "open bracket",
            whole: #"""
                a: [1, 2
                b: 3

                """#,
            says: #"""
                a.yaml:2:2: error[E001]: not valid YAML: did not find expected ',' or ']'
                 2 | b: 3
                   |  ^
                   = help: while parsing a flow sequence that starts at line 1
                1 problem

                """#),
        ErrorCase(
            "second document",
            after: #"""
                ---
                version: 1

                """#,
            says: #"""
                a.yaml:7:1: error[E003]: the file holds more than one YAML document
                 7 | ---
                   | ^^^
                   = help: remove '---' and what follows it
                1 problem

                """#),
        ErrorCase(
            "anchor and alias",
            after: #"""
                    mtu: &m 1500
                log: *m

                """#,
            says: #"""
                a.yaml:7:10: error[E004]: anchors and aliases are not supported
                 7 |     mtu: &m 1500
                   |          ^^^^^^^
                   = help: write the value out where it is needed
                a.yaml:8:6: error[E004]: anchors and aliases are not supported
                 8 | log: *m
                   |      ^^
                   = help: write the value out where it is needed
                2 problems

                """#),
        ErrorCase(
            "tag",
            after: #"""
                    mtu: !!int 1500

                """#,
            says: #"""
                a.yaml:7:10: error[E005]: tags are not supported
                 7 |     mtu: !!int 1500
                   |          ^^^^^^^^^^
                   = help: write the value without '!'; its type follows from the key
                1 problem

                """#),
        ErrorCase(
            "tag directive",
            whole: #"""
                %TAG ! tag:example.org,2000:
                ---
                version: 1
                interfaces:
                  wan: {tap: t1, addresses: [203.0.113.2/24]}
                  lan:
                    tap: t0
                    addresses: [10.1.0.1/24]

                """#,
            says: #"""
                a.yaml:1:1: error[E005]: tags are not supported
                 1 | %TAG ! tag:example.org,2000:
                   | ^
                1 problem

                """#),
        ErrorCase(
            "merge key",
            after: #"""
                nat: {<<: {mode: none}}

                """#,
            says: #"""
                a.yaml:7:7: error[E006]: merge keys are not supported
                 7 | nat: {<<: {mode: none}}
                   |       ^^
                   = help: write the values out where they are needed
                1 problem

                """#),
        ErrorCase(
            "repeated key",
            after: #"""
                version: 1

                """#,
            says: #"""
                a.yaml:7:1: error[E007]: 'version' is given twice
                 7 | version: 1
                   | ^^^^^^^
                   = help: the first one is at line 1
                1 problem

                """#),
        ErrorCase(
            "too deep",
            whole: #"""
                a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[

                """#,
            says: #"""
                a.yaml:1:35: error[E008]: values are nested more than 32 deep
                 1 | a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
                   |                                   ^
                   = help: look for a bracket that is never closed
                1 problem

                """#),
        ErrorCase(
            "empty file",
            whole: #"""
                # nothing

                """#,
            says: #"""
                a.yaml:1:1: error[E010]: the file is empty and must be a mapping
                 1 | # nothing
                   | ^
                   = help: start with version: 1 and interfaces:
                1 problem

                """#),
    ]
}
