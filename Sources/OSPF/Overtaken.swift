internal import Timing

/// LSAs that were flushed a while ago and are gone. If an instance comes that is no newer, its
/// flush has overtaken it, or never reached who sends it.
///
/// Without this memory a flushed LSA could go on for ever: it comes from a neighbour that repeats
/// it, is flooded once more, is flushed once more behind it, and so runs in circles.
struct Overtaken {
    /// What becomes of an LSA.
    enum Verdict {
        /// It is another one than was flushed.
        case taken
        /// It is dropped, and comes again if it is another one after all.
        case early
        /// It is the very one that was flushed, and the neighbour has to learn that.
        case flushed
    }

    private struct Place: Hashable {
        var scope: Scope
        var name: LSAName
    }

    private struct Flush {
        var header: LSAHeader
        var moment: Instant
        /// When a neighbour was told of it.
        var told: Instant?
    }

    /// Most that are remembered of one turn.
    static let most = 8192
    /// How long: whoever has not heard of a flush repeats the LSA several times meanwhile.
    static let span = Interval.seconds(30)
    private var flushes: [Place: Flush] = [:]
    /// Those of the turn before; what is older than that is past.
    private var earlier: [Place: Flush] = [:]
    private var nextTurn = Instant.zero

    var count: Int { flushes.count + earlier.count }

    /// Remembers a flush.
    mutating func note(_ header: LSAHeader, _ scope: Scope, at now: Instant) {
        if nextTurn <= now { (earlier, flushes, nextTurn) = (flushes, [:], now + Self.span) }
        guard flushes.count < Self.most else { return }
        let flush = Flush(header: header, moment: now, told: nil)
        flushes[Place(scope: scope, name: header.name)] = flush
    }

    /// What becomes of an LSA that is not known; of one that is flushed again nothing is asked.
    mutating func judge(
        _ header: LSAHeader, _ scope: Scope, shortestArrival: Interval, at now: Instant
    ) -> Verdict {
        let place = Place(scope: scope, name: header.name)
        guard !header.isMaxAge, let flush = flushes[place] ?? earlier[place],
            now - flush.moment < Self.span, header.recency(than: flush.header) != .newer
        else { return .taken }
        // One that is younger than the flush is not what was flushed: its maker begins anew.
        let isOlder = Int64(header.age) >= (now - flush.moment).wholeSeconds
        guard isOlder, header.sequence == flush.header.sequence,
            header.checksum == flush.header.checksum
        else { return now - flush.moment < shortestArrival ? .early : .taken }
        if let told = flush.told, now - told < shortestArrival { return .early }
        if flushes[place] == nil { earlier[place]?.told = now } else { flushes[place]?.told = now }
        return .flushed
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
