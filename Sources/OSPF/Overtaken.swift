internal import Timing

/// LSAs that were flushed a moment ago and are gone. If an instance comes that is no newer, its
/// flush has overtaken it, and nobody would flush it again: it would stay for an hour.
struct Overtaken {
    private struct Place: Hashable {
        var scope: Scope
        var name: LSAName
    }

    private typealias Flushes = [Place: (header: LSAHeader, until: Instant)]

    /// Most that are remembered of one turn.
    static let most = 8192
    private var flushes: Flushes = [:]
    /// Those of the turn before; what is older than that is past.
    private var earlier: Flushes = [:]
    private var nextTurn = Instant.zero

    var count: Int { flushes.count + earlier.count }

    /// Remembers a flush, for as long as all others.
    mutating func note(_ header: LSAHeader, _ scope: Scope, until: Instant, at now: Instant) {
        if nextTurn <= now { (earlier, flushes, nextTurn) = (flushes, [:], until) }
        guard flushes.count < Self.most else { return }
        flushes[Place(scope: scope, name: header.name)] = (header, until)
    }

    /// Whether an LSA was flushed, and is no newer than what was.
    func holds(_ header: LSAHeader, _ scope: Scope, at now: Instant) -> Bool {
        let place = Place(scope: scope, name: header.name)
        guard let flush = flushes[place] ?? earlier[place] else { return false }
        return flush.until > now && header.recency(than: flush.header) != .newer
    }
}

/// LSAs that were sent back a moment ago to one who has an older one.
struct SentBack {
    private var moments: [UInt32: Instant] = [:]
    private var room = 256

    /// Whether an LSA may be sent back again; if so it is.
    mutating func mayGo(_ number: UInt32, every pause: Interval, at now: Instant) -> Bool {
        if let last = moments[number], now - last < pause { return false }
        if moments.count >= room {
            moments = moments.filter { now - $0.value < pause }
            room = max(moments.count * 2, 256)
        }
        moments[number] = now
        return true
    }

    /// Another instance has taken the place of one.
    mutating func forget(_ number: UInt32) {
        if !moments.isEmpty { moments[number] = nil }
    }
}
