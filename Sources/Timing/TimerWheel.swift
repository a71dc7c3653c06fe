public import Memory

/// A timer wheel over record numbers: insertion, removal and expiry are O(1).
///
/// A timer further off than the wheel is long waits in the last slot and is put back when it
/// comes round, so the wheel bounds no timeout. Deadlines are in ticks of `tick`; no timer runs
/// before its tick. A wheel that was given no room for deadlines lets such a timer run when it
/// comes round: who set it has to look whether it is due, and set it again.
@frozen
public struct TimerWheel: Sendable {
    /// Length of a tick.
    public static var tick: Interval { .milliseconds(250) }

    /// Links of one record.
    public struct Node: BitwiseCopyable, Sendable {
        /// Record number + 1, or 0 for none.
        var next: UInt32
        /// As `next`; in the first record of a slot its number and the mark, 0 out of the wheel.
        var previous: UInt32
    }

    /// Where a wheel lies in a region.
    public struct Layout: Sendable {
        fileprivate let nodes: Extent<Node>
        fileprivate let heads: Extent<UInt32>
        fileprivate let deadlines: Extent<UInt32>?

        /// Reserves room for timers of `records` records in `slots` slots, a power of two of at
        /// least 2, and for a deadline each unless `keepsDeadlines` is false.
        public init(
            _ region: inout RegionLayout, records: Int, slots: Int, keepsDeadlines: Bool = true
        ) {
            precondition(slots & (slots - 1) == 0 && slots > 1)
            nodes = region.reserve(Node.self, count: records)
            heads = region.reserve(UInt32.self, count: slots)
            deadlines = keepsDeadlines ? region.reserve(UInt32.self, count: records) : nil
        }
    }

    private static var firstMark: UInt32 { 1 << 31 }

    private let nodes: FlatArray<Node>
    private let heads: FlatArray<UInt32>
    private let deadlines: FlatArray<UInt32>?
    /// Every tick up to and including this one has been worked off.
    private var current: UInt32 = 0
    /// Timers waiting.
    public private(set) var count = 0

    /// A wheel without timers in the part of `region`, still zeroed, that `layout` reserved.
    public init(_ region: borrowing Region, _ layout: Layout) {
        nodes = region.array(layout.nodes)
        heads = region.array(layout.heads)
        deadlines = layout.deadlines.map { region.array($0) }
    }

    /// The tick that `instant` lies in.
    @inlinable @inline(__always)
    public static func ticks(_ instant: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: instant.nanoseconds / 250_000_000)
    }

    /// A span in ticks, rounded up, at least 1.
    ///
    /// Added to the tick of a moment within a tick, this comes out up to a tick early; a timeout
    /// that is a lower bound takes `deadline(_:after:)`.
    public static func ticks(_ interval: Interval) -> UInt32 {
        let (whole, rest) = interval.nanoseconds.quotientAndRemainder(dividingBy: 250_000_000)
        return UInt32(clamping: max(whole + (rest > 0 ? 1 : 0), 1))
    }

    /// The first tick that begins no earlier than `interval` after `now`, both not negative: the
    /// deadline of a timer that must not run early. It is less than a tick after the exact moment.
    public static func deadline(_ interval: Interval, after now: Instant) -> UInt32 {
        let (sum, overflow) = now.nanoseconds.addingReportingOverflow(interval.nanoseconds)
        guard !overflow else { return .max }
        let (whole, rest) = sum.quotientAndRemainder(dividingBy: 250_000_000)
        return UInt32(clamping: whole + (rest > 0 ? 1 : 0))
    }

    /// Sets the timer of `record` to run in tick `deadline`; moves it if it was set.
    public mutating func set(_ record: UInt32, deadline: UInt32) {
        cancel(record)
        let ahead = deadline > current ? deadline - current : 1
        let distance = min(ahead, UInt32(heads.count - 1))
        link(record, slot: Int(current &+ distance) & (heads.count - 1))
        deadlines?[record] = max(deadline, current + 1)
        count += 1
    }

    /// Stops the timer of `record`, if it was set.
    public mutating func cancel(_ record: UInt32) {
        let node = nodes[record]
        guard node.previous != 0 else { return }
        if node.previous & Self.firstMark == 0 {
            nodes[node.previous - 1].next = node.next
        } else {
            heads[node.previous ^ Self.firstMark] = node.next
        }
        if node.next != 0 { nodes[node.next - 1].previous = node.previous }
        nodes[record].previous = 0
        count -= 1
    }

    /// The tick `record` is set to run in, or nil; always nil if the wheel has no deadlines.
    public func deadline(of record: UInt32) -> UInt32? {
        nodes[record].previous == 0 ? nil : deadlines?[record]
    }

    /// Takes one timer that is due at tick `now` out of the wheel; nil when there is none left.
    ///
    /// Call until nil. An idle stretch costs at most one look at every slot.
    public mutating func popExpired(at now: UInt32) -> UInt32? {
        guard count > 0 else {
            current = max(current, now)
            return nil
        }
        if now > current, now - current > UInt32(heads.count) {
            // More than a whole turn behind: every slot is looked at once.
            current = now - UInt32(heads.count)
        }
        while current < now {
            let slot = Int(current &+ 1) & (heads.count - 1)
            while heads[slot] != 0 {
                let record = heads[slot] - 1
                cancel(record)
                guard let deadline = deadlines?[record], deadline > now else { return record }
                // From beyond the horizon: put it where it belongs now.
                let distance = min(deadline - (current &+ 1), UInt32(heads.count - 1))
                link(record, slot: Int(current &+ 1 &+ max(distance, 1)) & (heads.count - 1))
                count += 1
            }
            current += 1
        }
        return nil
    }

    private func link(_ record: UInt32, slot: Int) {
        let head = heads[slot]
        nodes[record].next = head
        nodes[record].previous = Self.firstMark | UInt32(slot)
        if head != 0 { nodes[head - 1].previous = record + 1 }
        heads[slot] = record + 1
    }
}
