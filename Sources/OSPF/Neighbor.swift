internal import Timing
internal import Wire

/// A router heard on an interface (RFC 2328 §10).
struct Neighbor {
    var router: IPv4Address
    var address: IPv4Address
    var state = OSPFNeighborState.down
    // What it last said of itself.
    var priority: UInt8 = 0
    var designated = IPv4Address.unspecified
    var backup = IPv4Address.unspecified
    /// When it is gone if nothing more is heard.
    var deadline: Instant
    /// The last sequence number accepted; nil without keys.
    var sequence: UInt64?
    var badPackets: UInt64 = 0
    /// Until when it is taken for full whatever it says, because it restarts (RFC 3623 §3).
    var graceUntil: Instant?

    /// When it came to 2-Way, or when its turn to go on came.
    var since = Instant.zero
    /// What it proposed while it waited for that.
    var proposal: DatabaseDescription?

    var exchange = Exchange()
    var requests = RequestList()
    var retransmission = RetransmissionList()

    /// The comparison of databases (RFC 2328 §10.6 to §10.8).
    struct Exchange {
        /// Whether we lead.
        var isMaster = false
        var sequence: UInt32 = 0
        /// What the neighbour's last description said, its headers left out.
        var received: DatabaseDescription?
        /// What we sent last.
        var sent: DatabaseDescription?
        /// When that is sent again.
        var retry: Instant?
        /// LSAs to be described, and how many of them were.
        var summary: [UInt32] = []
        var described = 0
        /// What the neighbour can do.
        var options = OSPFOptions()
    }

    /// A list may differ from what is here (RFC 2328 §10.1).
    var isExchanging: Bool { state == .exchange || state == .loading }
    /// Whether others may send by it.
    var isAdjacent: Bool { state == .full || graceUntil != nil }
    var takesOpaque: Bool { exchange.options.contains(.opaque) }
}

/// LSAs to be asked for, in the order in which they were described.
struct RequestList {
    private var headers: [LSAName: LSAHeader] = [:]
    private var order: [LSAName] = []
    private var first = 0
    /// What was asked for and has not come.
    private var asked: Set<LSAName> = []
    /// When it is asked for again.
    var retry: Instant?

    var isEmpty: Bool { headers.isEmpty }
    /// Whether everything that was asked for has come.
    var isAnswered: Bool { asked.isEmpty }
    var count: Int { headers.count }

    subscript(name: LSAName) -> LSAHeader? { headers[name] }

    mutating func insert(_ header: LSAHeader) {
        if headers.updateValue(header, forKey: header.name) == nil { order.append(header.name) }
    }

    mutating func remove(_ name: LSAName) {
        headers[name] = nil
        asked.remove(name)
    }

    /// The next ones to ask for.
    mutating func batch(_ most: Int) -> [LSAName] {
        while first < order.count, headers[order[first]] == nil { first += 1 }
        if first > 1024, first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
        var batch: [LSAName] = []
        for name in order[first...] where headers[name] != nil {
            guard batch.count < most else { break }
            batch.append(name)
        }
        asked = Set(batch)
        return batch
    }
}

/// LSAs that a neighbour has not acknowledged. The more often one was sent again, the longer it
/// takes until it is once more (RFC 4222 §2).
struct RetransmissionList {
    /// LSAs that were sent as often, in the order in which they are due; some may have been
    /// acknowledged.
    private struct Queue {
        var entries: [(number: UInt32, stamp: UInt32, due: Instant)] = []
        var first = 0
    }

    /// The pause doubles so often: from 5 s to 40 s.
    private static let mostDoublings = 3

    /// By number: the stamp of its entry that counts; 0 if it is not on the list.
    private var stamps: [UInt32] = []
    private var lastStamp: UInt32 = 0
    private(set) var count = 0
    /// By how often the pause has doubled.
    private var queues = [Queue](repeating: Queue(), count: mostDoublings + 1)
    /// No burst goes out before.
    var notBefore = Instant.zero

    /// All LSAs, ascending.
    var numbers: [UInt32] {
        stamps.indices.filter { stamps[$0] != 0 }.map { UInt32(truncatingIfNeeded: $0) }
    }

    func contains(_ number: UInt32) -> Bool {
        Int(number) < stamps.count && stamps[Int(number)] != 0
    }

    /// Adds an LSA, or has it wait as if it were new; false if it was there.
    mutating func insert(_ number: UInt32, pause: Interval, at now: Instant) -> Bool {
        while stamps.count <= Int(number) { stamps.append(0) }
        let isNew = stamps[Int(number)] == 0
        if isNew { count += 1 }
        queue(number, 0, due: now + pause)
        return isNew
    }

    private mutating func queue(_ number: UInt32, _ doublings: Int, due: Instant) {
        lastStamp = lastStamp == .max ? 1 : lastStamp + 1
        stamps[Int(number)] = lastStamp
        queues[doublings].entries.append((number, lastStamp, due))
    }

    /// False if it was not there.
    mutating func remove(_ number: UInt32) -> Bool {
        guard contains(number) else { return false }
        stamps[Int(number)] = 0
        count -= 1
        guard count == 0 else { return true }
        for place in queues.indices where !queues[place].entries.isEmpty {
            queues[place].entries.removeAll(keepingCapacity: queues[place].entries.count < 1024)
            queues[place].first = 0
        }
        return true
    }

    /// When something is sent again next.
    var nextDue: Instant? {
        guard count > 0 else { return nil }
        var next: Instant?
        for queue in queues where queue.first < queue.entries.count {
            let due = queue.entries[queue.first].due
            next = min(next ?? due, due)
        }
        return next.map { max($0, notBefore) }
    }

    /// The next LSA that is due; it stays on the list, and is due again later.
    mutating func takeDue(pause: Interval, at now: Instant) -> UInt32? {
        for doublings in queues.indices {
            while let entry = take(doublings, at: now) {
                guard stamps[Int(entry.number)] == entry.stamp else { continue }
                let next = min(doublings + 1, Self.mostDoublings)
                queue(entry.number, next, due: now + pause * (1 << Int64(next)))
                return entry.number
            }
        }
        return nil
    }

    private mutating func take(_ doublings: Int, at now: Instant) -> (
        number: UInt32, stamp: UInt32
    )? {
        let first = queues[doublings].first
        guard first < queues[doublings].entries.count else { return nil }
        let entry = queues[doublings].entries[first]
        guard entry.due <= now else { return nil }
        queues[doublings].first += 1
        if first >= 1024, first * 2 > queues[doublings].entries.count {
            queues[doublings].entries.removeFirst(first + 1)
            queues[doublings].first = 0
        }
        return (entry.number, entry.stamp)
    }
}
