import Foundation
import Testing

@Suite("Sizes, formatting and words")
struct ShapeTests {
    @Test("Files of at most 500 lines, lines of at most 100 columns", arguments: Tree.swift)
    func sizes(file: SourceFile) {
        if file.lines.count > 501 { file.complain(500, "the file has \(file.lines.count) lines") }
        for (line, text) in file.lines.enumerated() where text.count > 100 {
            file.complain(line, "\(text.count) columns")
        }
    }

    @Test("Functions of at most 70 lines", arguments: Tree.swift)
    func functions(file: SourceFile) {
        for (line, length) in Self.functions(of: file) where length > 70 {
            file.complain(line, "the function has \(length) lines")
        }
    }

    @Test("The function check sees what it should")
    func functionCheck() {
        let text = """
            struct A {
                init() { a = 1 }
                public func b(
                    c: Int
                ) -> Int {
                    if c == 1 {
                    }
                }
                func d() -> Int
                var initial = 1
            }
            """
        let found = Self.functions(of: SourceFile(path: "a", text: text))
        #expect(found.map(\.line) == [1, 2] && found.map(\.length) == [1, 6])
    }

    /// Functions with a body, by the indentation that the formatter gives them.
    static func functions(of file: SourceFile) -> [(line: Int, length: Int)] {
        let starts: Set = ["func", "init", "deinit", "subscript"]
        return file.lines.enumerated().compactMap { line, text in
            let words = SourceFile.code(text).split { !$0.isLetter && $0 != "@" && $0 != "`" }
            guard let word = words.first(where: { !Self.modifiers.contains(String($0)) }),
                starts.contains(String(word))
            else { return nil }
            if text.hasSuffix("}") { return (line, 1) }
            let indentation = text.prefix { $0 == " " }
            let rest = file.lines[(line + 1)...]
            let end = rest.firstIndex {
                $0.hasPrefix(indentation) && $0.dropFirst(indentation.count).first != " "
                    && $0 != ""
                    && !$0.dropFirst(indentation.count).hasPrefix(")")
            }
            guard let end, file.lines[end] == indentation + "}" else { return nil }
            return (line, end - line + 1)
        }
    }

    static let modifiers: Set = [
        "public", "package", "internal", "fileprivate", "private", "static", "mutating",
        "nonmutating", "consuming", "borrowing", "override", "final", "class", "convenience",
        "required", "nonisolated", "@inlinable", "@inline", "__always", "never",
        "@discardableResult",
        "@", "lifetime", "@usableFromInline", "copy", "self", "bytes", "reader", "writer",
    ]

    @Test("No leftover markers and no unchecked builds", arguments: Tree.text)
    func markers(file: SourceFile) {
        // In two parts, so that this file passes its own test.
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "-Oun" + "checked"]
        for (line, text) in file.lines.enumerated() {
            for word in words where text.contains(word) { file.complain(line, "contains \(word)") }
        }
    }

    @Test("No force unwraps, forced tries or forced casts", arguments: Tree.sources)
    func force(file: SourceFile) {
        for (line, text) in file.lines.enumerated() where Self.isForced(text) {
            file.complain(line, "forced: \(text)")
        }
    }

    @Test("The force check sees what it should")
    func forceCheck() {
        for text in ["a!", "f()!.b", "b[0]! + 1", "try! c()", "d as! E", "let x: Int! = nil"] {
            #expect(Self.isForced(text), "\(text)")
        }
        for text in ["a != b", "!a", "if !(b) {", "\"a!\"", "// a!", "f(!x)", "a !== b"] {
            #expect(!Self.isForced(text), "\(text)")
        }
    }

    static func isForced(_ line: String) -> Bool {
        let code = Array(SourceFile.code(line))
        return code.indices.dropFirst().contains { index in
            guard code[index] == "!" else { return false }
            let before = code[index - 1]
            let isPostfix = before.isLetter || before.isNumber || "_)]>`".contains(before)
            return isPostfix && (index + 1 == code.count || code[index + 1] != "=")
        }
    }

    @Test("The formatter has nothing to say")
    func format() throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["swift", "format", "lint", "--strict", "-r"]
        process.arguments? += ["Sources", "Tests", "Package.swift"]
        process.currentDirectoryURL = Tree.root
        process.standardError = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        for line in text.split(separator: "\n") { Issue.record("\(line)") }
        #expect(process.terminationStatus == 0)
    }
}
