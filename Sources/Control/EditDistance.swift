/// The optimal string alignment distance of two words: the number of letters to insert, remove,
/// replace or swap with their neighbour. Words longer than 64 octets count as unlike.
public func editDistance(_ a: some StringProtocol, _ b: some StringProtocol) -> Int {
    let a = Array(a.utf8)
    let b = Array(b.utf8)
    guard a.count <= 64, b.count <= 64 else { return max(a.count, b.count) }
    var last: [Int] = []
    var row = Array(0...b.count)
    for i in 0..<a.count {
        let above = row
        row[0] = i + 1
        for j in 0..<b.count {
            let replaced = above[j] + (a[i] == b[j] ? 0 : 1)
            row[j + 1] = min(above[j + 1] + 1, row[j] + 1, replaced)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                row[j + 1] = min(row[j + 1], last[j - 1] + 1)
            }
        }
        last = above
    }
    return row[b.count]
}

/// The candidate nearest to a mistyped word, at most a third of its length away; nil if none is.
public func closestWord(
    to word: some StringProtocol, among candidates: some Sequence<String>
) -> String? {
    var best: (word: String, distance: Int)?
    let bound = max(1, word.utf8.count / 3)
    for candidate in candidates {
        let distance = editDistance(word, candidate)
        if distance <= bound, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
}
