/// Finds the word somebody probably meant.
public enum Spelling {
    /// Longest word looked for, in Unicode scalars; a longer one is no typing mistake.
    static let longestWord = 64

    /// Optimal string alignment: the fewest insertions, removals, replacements and swaps of
    /// neighbours that turn one word into the other, none of them touching a swapped pair again.
    public static func distance(_ a: String, _ b: String) -> Int {
        let x = Array(a.unicodeScalars)
        let y = Array(b.unicodeScalars)
        var beforeLast = [Int](repeating: 0, count: y.count + 1)
        var last = Array(0...y.count)
        var row = last
        for i in 0..<x.count {
            row[0] = i + 1
            for j in 0..<y.count {
                let replaced = last[j] + (x[i] == y[j] ? 0 : 1)
                var best = min(replaced, last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, x[i] == y[j - 1], x[i - 1] == y[j] {
                    best = min(best, beforeLast[j - 1] + 1)
                }
                row[j + 1] = best
            }
            (beforeLast, last, row) = (last, row, beforeLast)
        }
        return last[y.count]
    }

    /// The nearest of `candidates` (the first of equals) within max(1, length / 3) of `word`;
    /// nil if none is that near.
    public static func suggestion(
        for word: String, among candidates: some Sequence<String>
    ) -> String? {
        let length = word.unicodeScalars.count
        guard length > 0, length <= longestWord else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(word, candidate)
            guard distance <= max(1, length / 3) else { continue }
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.word
    }
}
