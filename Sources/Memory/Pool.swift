/// Which of the record numbers 0..<capacity are free. A free record itself holds the link to the
/// next one, so that the list costs no memory; taking and giving back are O(1).
@frozen
public struct FreeList: Sendable {
    /// Number of records in all.
    public let capacity: Int
    private var first: UInt32 = 0
    private var fresh: UInt32 = 0
    /// Records in use.
    public private(set) var used = 0

    /// A list of `capacity` records, all free.
    public init(capacity: Int) { self.capacity = capacity }

    /// Record numbers from here on were never in use.
    public var highest: UInt32 { fresh }

    /// A free record number, or nil when all are in use; `link` reads what a free record holds.
    public mutating func take(_ link: (UInt32) -> UInt32) -> UInt32? {
        if first != 0 {
            let record = first &- 1
            first = link(record)
            used += 1
            return record
        }
        guard Int(fresh) < capacity else { return nil }
        fresh += 1
        used += 1
        return fresh - 1
    }

    /// Gives a record back; it has to hold the link returned.
    public mutating func give(_ record: UInt32) -> UInt32 {
        defer {
            first = record &+ 1
            used -= 1
        }
        return first
    }
}

/// A free list over record numbers that have no room for its links.
@frozen
public struct IndexPool: Sendable {
    private let links: FlatArray<UInt32>
    private var list: FreeList

    /// A pool of `next.count` records, all free.
    public init(next: FlatArray<UInt32>) {
        links = next
        list = FreeList(capacity: next.count)
    }

    /// Number of records in all.
    public var capacity: Int { list.capacity }
    /// Records in use.
    public var used: Int { list.used }
    /// Record numbers from here on were never in use.
    public var highest: UInt32 { list.highest }

    /// A free record number, or nil when all are in use.
    public mutating func take() -> UInt32? {
        let links = links
        return list.take { links[$0] }
    }

    /// Gives a record back.
    public mutating func give(_ record: UInt32) { links[record] = list.give(record) }
}
