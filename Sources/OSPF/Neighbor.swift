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

/// LSAs that a neighbour has not acknowledged.
struct RetransmissionList {
    private(set) var numbers = NumberSet()
    /// When each is sent again, in order; some may have been acknowledged.
    private var queue: [(number: UInt32, due: Instant)] = []
    private var first = 0
    /// No burst goes out before.
    var notBefore = Instant.zero

    var isEmpty: Bool { numbers.count == 0 }

    func contains(_ number: UInt32) -> Bool { numbers.contains(number) }

    /// False if it was there.
    mutating func insert(_ number: UInt32, due: Instant) -> Bool {
        queue.append((number, due))
        return numbers.insert(number)
    }

    /// False if it was not there.
    mutating func remove(_ number: UInt32) -> Bool {
        let isFound = numbers.remove(number)
        if numbers.count == 0 {
            queue.removeAll(keepingCapacity: true)
            first = 0
        }
        return isFound
    }

    /// When something is sent again next.
    var nextDue: Instant? {
        first < queue.count ? max(queue[first].due, notBefore) : nil
    }

    /// The next LSA that is due, taken from the queue but still on the list.
    mutating func takeDue(at now: Instant) -> UInt32? {
        while first < queue.count, queue[first].due <= now {
            let number = queue[first].number
            first += 1
            if first > 1024, first * 2 > queue.count {
                queue.removeFirst(first)
                first = 0
            }
            if numbers.contains(number) { return number }
        }
        return nil
    }

    /// Puts back what was sent again.
    mutating func requeue(_ number: UInt32, due: Instant) { queue.append((number, due)) }
}
