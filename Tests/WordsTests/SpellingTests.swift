import Testing
import Words

@Suite struct SpellingTests {
    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("mtu", "mtu", 0), ("mtv", "mtu", 1),
        ("ab", "ba", 1), ("ca", "abc", 3), ("kitten", "sitting", 3), ("rotues", "routes", 1),
        ("\u{e9}t\u{e9}", "ete", 2),
    ])
    func distance(_ a: String, _ b: String, _ expected: Int) {
        #expect(Spelling.distance(a, b) == expected)
        #expect(Spelling.distance(b, a) == expected)
    }

    @Test func suggestions() {
        let words = ["sessions", "status", "routes", "neighbors"]
        #expect(Spelling.suggestion(for: "sesions", among: words) == "sessions")
        #expect(Spelling.suggestion(for: "neighbours", among: words) == "neighbors")
        #expect(Spelling.suggestion(for: "stat", among: words) == nil)
        #expect(Spelling.suggestion(for: "x", among: ["a", "b"]) == "a")
        #expect(Spelling.suggestion(for: "", among: ["a"]) == nil)
        #expect(Spelling.suggestion(for: "xy", among: ["ab"]) == nil)
        #expect(Spelling.suggestion(for: String(repeating: "a", count: 65), among: words) == nil)
    }
}
