import Memory
public import Timing
public import Wire

/// Where a neighbour stands (after RFC 4861 §7.3.2, for ARP).
public enum NeighborState: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    /// Asked for by broadcast; packets wait.
    case incomplete
    /// Confirmed within the last minute.
    case reachable
    /// Known, but not confirmed lately; the next use makes it a probe.
    case stale
    /// Still used while it is asked, first by unicast, then by broadcast.
    case probe
    /// Did not answer; not asked again before a hold-down is over.
    case failed
    /// From the configuration.
    case permanent

    /// The name in answers.
    public var name: String {
        switch self {
        case .incomplete: "incomplete"
        case .reachable: "reachable"
        case .stale: "stale"
        case .probe: "probe"
        case .failed: "failed"
        case .permanent: "permanent"
        }
    }
}

/// One neighbour of one side.
public struct Neighbor: BitwiseCopyable, Sendable {
    /// Its address.
    public internal(set) var address: UInt32
    /// Its hardware address; 0 while incomplete.
    public internal(set) var hardware: UInt64
    /// A hardware address that claims to be it, while the old one is asked; 0 for none.
    var candidate: UInt64
    /// When it last proved to be there.
    public internal(set) var confirmed: Instant
    /// When it was last used; for the choice of what to forget.
    var used: UInt32
    /// The side it is on.
    public internal(set) var side: Side
    /// Where it stands.
    public internal(set) var state: NeighborState
    /// Requests sent since the last answer.
    var tries: UInt8
    /// Failures in a row, for the hold-down.
    var failures: UInt8
    /// Once failed: the first tick in which it may be asked for again.
    var holdUntil: UInt32
    var hash: UInt32
    /// Packets that wait for it.
    var waiting: HeldQueue
    /// Links of the list of unresolved neighbours, + 1.
    var next: UInt32
    var previous: UInt32

    /// Packets that wait for it.
    public var queued: Int { Int(waiting.count) }

    /// Whether packets may be sent to `hardware`.
    @inlinable @inline(__always)
    public var isUsable: Bool {
        state == .reachable || state == .probe || state == .permanent || state == .stale
    }
}

/// Limits and times of the neighbour table (conformance rows, S31).
enum NeighborLimits {
    static let perSide = 1024
    static let reachable = Interval.seconds(60)
    /// A stale entry nobody uses is forgotten after this long.
    static let forget = Interval.seconds(600)
    static let retry = Interval.seconds(1)
    static let tries: UInt8 = 3
    static let holdDown = Interval.seconds(20)
    static let longestHoldDown = Interval.seconds(60)
    static let queuedPackets: UInt32 = 16
    static let queuedBytes: UInt32 = 65_600
    static let queuedInAll = 256
    static let requestsPerSecond = 100
}

/// The neighbours of all sides, with the packets that wait for them. No packet or clock in here.
struct NeighborTable: ~Copyable {
    private let region: Region
    let records: FlatArray<Neighbor>
    private(set) var pool: IndexPool
    private(set) var index: HashIndex
    var wheel: TimerWheel
    private let key: HashKey
    private(set) var counts = InlineArray<2, Int>(repeating: 0)
    /// Unresolved neighbours per side, oldest first: they go first when room is needed.
    private var oldest = InlineArray<2, UInt32>(repeating: 0)
    private var newest = InlineArray<2, UInt32>(repeating: 0)

    init(key: HashKey) {
        let count = NeighborLimits.perSide * Side.allCases.count
        var layout = RegionLayout()
        let recordExtent = layout.reserve(Neighbor.self, count: count)
        let free = layout.reserve(UInt32.self, count: count)
        let slots = layout.reserve(UInt32.self, count: HashIndex.slotCount(for: count))
        let timers = TimerWheel.Layout(&layout, records: count, slots: 512)
        region = Region(layout)
        records = region.array(recordExtent)
        pool = IndexPool(next: region.array(free))
        index = HashIndex(slots: region.array(slots))
        wheel = TimerWheel(region, timers)
        self.key = key
    }

    private func hash(_ side: Side, _ address: UInt32) -> UInt32 {
        key.hash(UInt64(address), UInt64(side.rawValue) + 7)
    }

    @inline(__always)
    func find(_ side: Side, _ address: UInt32) -> UInt32? {
        index.find(hash(side, address)) {
            records[$0].address == address && records[$0].side == side
        }
    }

    /// A new record; nil when the side is full.
    mutating func insert(_ side: Side, _ address: UInt32, _ state: NeighborState, at now: Instant)
        -> UInt32?
    {
        guard counts[side.index] < NeighborLimits.perSide, let number = pool.take() else {
            return nil
        }
        // 0 marks a record that is not in use.
        let hash = hash(side, address)
        guard index.insert(number, hash: hash) else {
            pool.give(number)
            return nil
        }
        records[number] = Neighbor(
            address: address, hardware: 0, candidate: 0, confirmed: now,
            used: TimerWheel.ticks(now), side: side, state: state, tries: 0, failures: 0,
            holdUntil: 0, hash: hash, waiting: HeldQueue(), next: 0, previous: 0)
        counts[side.index] += 1
        if state == .incomplete { link(number) }
        return number
    }

    /// Forgets a record; its waiting packets must have been taken.
    mutating func remove(_ number: UInt32) {
        let record = records[number]
        if record.state == .incomplete || record.state == .failed { unlink(number) }
        wheel.cancel(number)
        let table = records
        index.remove(number, hash: record.hash) { table[$0].hash }
        counts[record.side.index] -= 1
        pool.give(number)
    }

    mutating func set(_ number: UInt32, _ state: NeighborState) {
        let old = records[number].state
        records[number].state = state
        let wasUnresolved = old == .incomplete || old == .failed
        let isUnresolved = state == .incomplete || state == .failed
        if wasUnresolved, !isUnresolved { unlink(number) }
        if !wasUnresolved, isUnresolved { link(number) }
    }

    /// The unresolved neighbour of a side that has been so for longest.
    func oldestUnresolved(_ side: Side) -> UInt32? {
        oldest[side.index] == 0 ? nil : oldest[side.index] - 1
    }

    private mutating func link(_ number: UInt32) {
        let side = records[number].side.index
        records[number].next = 0
        records[number].previous = newest[side]
        if newest[side] != 0 {
            records[newest[side] - 1].next = number + 1
        } else {
            oldest[side] = number + 1
        }
        newest[side] = number + 1
    }

    private mutating func unlink(_ number: UInt32) {
        let side = records[number].side.index
        let record = records[number]
        if record.previous != 0 {
            records[record.previous - 1].next = record.next
        } else {
            oldest[side] = record.next
        }
        if record.next != 0 {
            records[record.next - 1].previous = record.previous
        } else {
            newest[side] = record.previous
        }
        records[number].next = 0
        records[number].previous = 0
    }
}
