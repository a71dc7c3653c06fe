import Support
import Testing

@testable import Configuration

@Suite struct ErrorTests {
    @Test(.row("S61"), arguments: ErrorCase.all)
    func text(_ errorCase: ErrorCase) {
        #expect(errorCase.result.render() == errorCase.expected)
    }

    @Test(arguments: ErrorCase.all)
    func configurationOnlyWithoutErrors(_ errorCase: ErrorCase) {
        let result = errorCase.result
        #expect((result.configuration == nil) == (result.errors > 0))
        checkInvariants(of: result)
    }

    /// The files of E002, E009 and E018 are too large or no text, so they are tested below.
    @Test func everyCodeHasACase() {
        let tested = Set(ErrorCase.all.flatMap(\.codes)).union(["E002", "E009", "E018"])
        for code in Code.allCases {
            #expect(tested.contains(code.rawValue), "\(code)")
        }
    }

    @Test func everyCodeIsExplained() {
        for code in Code.allCases {
            let text = Diagnostic.errorTexts[code.rawValue]
            #expect(text != nil, "\(code)")
            #expect(text?.split(separator: "\n").allSatisfy { $0.utf8.count <= 88 } == true)
        }
        #expect(Diagnostic.errorTexts.count == Code.allCases.count)
    }

    @Test func codesAreUnique() {
        #expect(Set(Code.allCases.map(\.rawValue)).count == Code.allCases.count)
        for code in Code.allCases {
            #expect(code.rawValue.count == 4)
        }
    }

    @Test(
        arguments: [
            ([0x61, 0x00], "1:2: error[E009]: the file is not UTF-8"),
            ([0xff, 0xfe, 0x61, 0x00], "1:1: error[E009]: the file is not UTF-8"),
            ([0x61, 0x0a, 0x62, 0x01], "2:2: error[E009]: control byte 0x01 is not allowed"),
            ([0xc3, 0xa9, 0xc0, 0xaf], "1:2: error[E009]: byte 0xc0 is not UTF-8"),
            ([0x61, 0xed, 0xa0, 0x80], "1:2: error[E009]: byte 0xed is not UTF-8"),
            ([0xf4, 0x90, 0x80, 0x80], "1:1: error[E009]: byte 0xf4 is not UTF-8"),
            ([0xe2, 0x80, 0xa8], "1:1: error[E009]: a control character is not allowed"),
            ([0xc2, 0x85], "1:1: error[E009]: a control character is not allowed"),
            ([0x0d, 0x0a, 0x0d, 0x7f], "3:1: error[E009]: control byte 0x7f is not allowed"),
            ([0xe2, 0x82], "1:1: error[E009]: byte 0xe2 is not UTF-8"),
        ] as [([UInt8], String)])
    func notText(_ bytes: [UInt8], _ expected: String) {
        let result = ConfigurationLoader.parse(bytes, file: "b", machineID: "")
        #expect(result.configuration == nil)
        #expect(result.render().hasPrefix("b:\(expected)\n"))
    }

    @Test func byteOrderMarkIsSkipped() {
        let yaml = ErrorCase.skeleton + "nats: 1\n"
        let result = ConfigurationLoader.parse(
            [0xef, 0xbb, 0xbf] + Array(yaml.utf8), file: "b.yaml", machineID: "")
        #expect(result.render().contains(" 7 | nats: 1\n   | ^^^^\n"))
        let first = ConfigurationLoader.parse(
            [0xef, 0xbb, 0xbf] + Array("versoin: 1".utf8), file: "b.yaml", machineID: "")
        #expect(first.render().contains(" 1 | versoin: 1\n   | ^^^^^^^\n"))
    }

    @Test func carriageReturnsEndLines() {
        let yaml = ErrorCase.skeleton.split(separator: "\n").joined(separator: "\r\n")
        let result = read(yaml + "\r\nnats: 1\r\n")
        #expect(result.render().contains("a.yaml:7:1: error[E011]"))
        #expect(result.render().contains(" 7 | nats: 1\n   | ^^^^\n"))
    }

    @Test(.row("S61")) func tooLargeFile() {
        let bytes = [UInt8](repeating: 0x20, count: ConfigurationLoader.largestFile + 1)
        let result = ConfigurationLoader.parse(bytes, file: "b", machineID: "")
        #expect(result.diagnostics.map(\.code) == ["E002"])
        #expect(result.diagnostics.first?.message == "the file is larger than 16 MiB")
    }

    @Test(.row("S61")) func tooManyEntries() {
        let list = Array(repeating: "10.0.0.0/8", count: 1025).joined(separator: ", ")
        let expected = """
            a.yaml:7:12305: error[E018]: nat.exclude has more than 1024 entries
             7 | …/8, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8]}
               |                                          ^^^^^^^^^^
            1 problem

            """
        #expect(read(ErrorCase.skeleton + "nat: {exclude: [\(list)]}\n").render() == expected)
    }

    @Test func onlySoManyDiagnosticsAreKept() {
        let yaml = ErrorCase.skeleton + (0..<300).map { "key\($0): 1\n" }.joined()
        let result = read(yaml)
        #expect(result.diagnostics.count == 100)
        #expect(result.errors == 300)
        #expect(result.render().hasSuffix("300 problems\n"))
    }

    @Test func fileNameIsEscaped() {
        #expect(read("", file: "a\u{1b}[31m").render().hasPrefix("a\\x1b[31m:1:1: error[E010]"))
    }

    /// Characters without width, wide ones and tabs before the mistake.
    @Test func caretsCountCharacters() {
        let yaml = ErrorCase.skeleton + "log:\t{\"\u{e9}\u{202e}\": 1, lvel: info} # \u{1f600}\n"
        let lines = read(yaml).render().split(separator: "\n")
        #expect(lines[1] == " 7 | log: {\"\u{e9}\\u{202e}\": 1, lvel: info} # \u{1f600}")
        #expect(lines[2] == "   |       ^^^^^^^^^^^")
        #expect(lines[5] == " 7 | log: {\"\u{e9}\\u{202e}\": 1, lvel: info} # \u{1f600}")
        #expect(lines[6] == "   |                       ^^^^")
    }
}

/// What holds for any input whatever.
func checkInvariants(of result: ConfigurationResult) {
    for diagnostic in result.diagnostics {
        #expect(diagnostic.line >= 1 && diagnostic.column >= 1 && diagnostic.length >= 1)
        #expect(!diagnostic.message.isEmpty)
        #expect(Diagnostic.errorTexts[diagnostic.code] != nil)
        #expect(diagnostic.code.hasPrefix("E") == (diagnostic.severity == .error))
    }
    let places = result.diagnostics.map { ($0.line, $0.column) }
    #expect(zip(places, places.dropFirst()).allSatisfy { $0 <= $1 })
    if result.errors + result.warnings > 0 { #expect(!result.diagnostics.isEmpty) }
    let text = result.render()
    #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x0a })
}
