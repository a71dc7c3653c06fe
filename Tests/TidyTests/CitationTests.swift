import Foundation
import Testing

@Suite("Citations")
struct CitationTests {
    static let rfcs = Tree.list("rfcs.txt")
    static let requirements = Tree.list("requirements.txt")

    @Test("RFCs are cited as 'RFC number §section' and are known", arguments: Tree.sources)
    func sources(file: SourceFile) {
        for (line, text) in file.lines.enumerated() {
            for problem in Self.problems(text) { file.complain(line, problem) }
        }
    }

    @Test("The citation check sees what it should")
    func check() {
        for text in [
            "RFC 1812 §5.3.1", "RFC 4787 REQ-1, RFC 768", "(RFC 791 §3.1)", "RFC 1071 §2 B",
            "RFC 2328 §A.3.2", "RFC 792.", "no number: RFCs",
        ] {
            #expect(Self.problems(text) == [], "\(text)")
        }
        for text in [
            "RFC1812", "RFC 99999", "RFC 1812 5.3.1", "RFC 1812 § 5.3", "RFC 1812 §", "RFC-791",
            "RFC 1812 section 5.3", "rfc 791", "RFC 0791",
        ] {
            #expect(!Self.problems(text).isEmpty, "\(text)")
        }
    }

    static func problems(_ text: String) -> [String] {
        var result: [String] = []
        for match in text.matches(of: /(?i:\brfc)(?<gap>[ -]?)(?<number>\d+)(?<rest>.{0,12})/) {
            let citation = match.output.0
            let number = String(match.number)
            if !citation.hasPrefix("RFC "), match.gap != " " || !citation.hasPrefix("RFC") {
                result.append("write 'RFC \(number)': \(citation)")
            }
            if !rfcs.contains(number) { result.append("RFC \(number) is not in rfcs.txt") }
            let rest = match.rest
            if rest.wholeMatch(of: /\ ?(?i:section|sec\.|eqn|\d+\.\d).*/) != nil
                || rest.hasPrefix(" §") && rest.prefixMatch(of: /\ §(\d+|[A-Z])(\.\d+)*/) == nil
            {
                result.append("write 'RFC \(number) §n.n': \(citation)")
            }
        }
        return result
    }

    @Test("Rows named by tests exist", arguments: Tree.files(under: "Tests"))
    func rows(file: SourceFile) {
        guard !file.path.hasPrefix("Tests/TidyTests") else { return }
        for (line, id) in Self.rows(of: file) where !Self.requirements.contains(id) {
            file.complain(line, "\(id) is not in requirements.txt")
        }
    }

    @Test("The row check sees what it should")
    func rowCheck() {
        let text = "@Test(.row(\"F-1\", \"S40\"))\n@Test(\n .row(\n \"U-1\",\n \"U-2\"))"
        let found = Self.rows(of: SourceFile(path: "a", text: text))
        #expect(found.map(\.id) == ["F-1", "S40", "U-1", "U-2"])
        #expect(found.map(\.line) == [0, 0, 2, 2])
        #expect(Self.requirements.isSuperset(of: ["F-1", "S40", "U-13a", "T-3b", "C-15", "X-2.1"]))
        #expect(!Self.requirements.contains("F-99") && Self.rfcs.contains("1812"))
    }

    /// The ids in all `.row(…)` traits, each with the line the trait starts in.
    static func rows(of file: SourceFile) -> [(line: Int, id: String)] {
        let text = file.lines.joined(separator: "\n")
        return text.matches(of: /\.row\((?<ids>[^)]*)\)/).flatMap { match in
            let line = text[..<match.range.lowerBound].count { $0 == "\n" }
            return match.ids.matches(of: /"([^"]*)"/).map { (line, String($0.output.1)) }
        }
    }
}
