internal import Timing

/// LSAs that nobody here knew when they were flushed. If one comes now, its flush has overtaken it,
/// and nobody would flush it again: it would stay for an hour. A few, each for a short time.
struct Overtaken {
    private struct Flush {
        var header: LSAHeader
        var scope: Scope
        var until: Instant
    }

    /// Most that are remembered; after that the oldest is forgotten.
    static let most = 128
    private var flushes: [Flush] = []

    var count: Int { flushes.count }

    /// Remembers a flush.
    mutating func note(_ header: LSAHeader, _ scope: Scope, until: Instant, at now: Instant) {
        flushes.removeAll { $0.until <= now }
        if flushes.count == Self.most { flushes.removeFirst() }
        flushes.append(Flush(header: header, scope: scope, until: until))
    }

    /// Whether an LSA was flushed, and is no newer than what was.
    func holds(_ header: LSAHeader, _ scope: Scope, at now: Instant) -> Bool {
        flushes.contains { flush in
            flush.until > now && flush.scope == scope && flush.header.name == header.name
                && header.recency(than: flush.header) != .newer
        }
    }
}
