/// A free list over record numbers 0..<capacity; taking and giving back are O(1).
@frozen
public struct IndexPool: Sendable {
    /// For a free record: the next free one + 1. Records never used are above `fresh`.
    private let next: FlatArray<UInt32>
    private var firstFree: UInt32 = 0
    private var fresh: UInt32 = 0
    /// Records in use.
    public private(set) var used = 0

    /// A pool of `next.count` records, all free.
    public init(next: FlatArray<UInt32>) { self.next = next }

    /// Number of records in all.
    public var capacity: Int { next.count }

    /// Record numbers from here on were never in use.
    public var highest: UInt32 { fresh }

    /// A free record number, or nil when all are in use.
    public mutating func take() -> UInt32? {
        if firstFree != 0 {
            let record = firstFree &- 1
            firstFree = next[record]
            used += 1
            return record
        }
        guard Int(fresh) < next.count else { return nil }
        fresh += 1
        used += 1
        return fresh - 1
    }

    /// Gives a record back.
    public mutating func give(_ record: UInt32) {
        next[record] = firstFree
        firstFree = record &+ 1
        used -= 1
    }
}
