/// The secret that keys a hash, so that nobody outside can aim at one chain (SECURITY S12).
@frozen
public struct HashKey: Sendable {
    @usableFromInline let first: UInt64
    @usableFromInline let second: UInt64

    /// A key of 128 random bits.
    public init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }

    /// Hash of two words: two folded 64 x 64 bit multiplications.
    @inlinable @inline(__always)
    public func hash(_ a: UInt64, _ b: UInt64) -> UInt32 {
        let once = Self.fold(a ^ first, b ^ second)
        let twice = Self.fold(once ^ first, 0x9e37_79b9_7f4a_7c15 ^ second)
        return UInt32(truncatingIfNeeded: twice)
    }

    @inlinable @inline(__always)
    static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}

/// An index from hash to record number: open addressing, linear probing, removal by backward shift.
///
/// The records hold the keys; the caller compares. Room for at least twice the records is kept, and
/// no probe is longer than `longestProbe`, so neither lookup nor insertion can be made slow.
@frozen
public struct HashIndex: Sendable {
    /// Hash in the high half, record number + 1 in the low half; 0 is empty.
    @usableFromInline let slots: FlatArray<UInt64>
    @usableFromInline let mask: Int
    /// Number of records indexed.
    public private(set) var count = 0

    /// No probe goes further than this; at half load a run this long does not occur by chance.
    @inlinable
    public static var longestProbe: Int { 128 }

    /// Slots needed for `capacity` records: the next power of two of twice as many.
    public static func slotCount(for capacity: Int) -> Int {
        var slots = 64
        while slots < capacity * 2 { slots *= 2 }
        return slots
    }

    /// An index over zeroed `slots`, whose count is a power of two.
    public init(slots: FlatArray<UInt64>) {
        precondition(slots.count & (slots.count - 1) == 0 && slots.count > 0)
        self.slots = slots
        mask = slots.count - 1
    }

    /// The record with this hash for which `matches` holds, or nil. Expected O(1).
    @inlinable @inline(__always)
    public func find(_ hash: UInt32, where matches: (UInt32) -> Bool) -> UInt32? {
        var position = Int(hash) & mask
        for _ in 0..<Self.longestProbe {
            let slot = slots[position]
            if slot == 0 { return nil }
            if UInt32(truncatingIfNeeded: slot >> 32) == hash {
                let record = UInt32(truncatingIfNeeded: slot) &- 1
                if matches(record) { return record }
            }
            position = (position &+ 1) & mask
        }
        return nil
    }

    /// Adds a record that is not in the index. False if the probe would be too long or only one
    /// slot is free: removal relies on an empty slot to end its walk.
    public mutating func insert(_ record: UInt32, hash: UInt32) -> Bool {
        guard count < mask else { return false }
        var position = Int(hash) & mask
        for _ in 0..<Self.longestProbe {
            if slots[position] == 0 {
                slots[position] = UInt64(hash) << 32 | UInt64(record &+ 1)
                count += 1
                return true
            }
            position = (position &+ 1) & mask
        }
        return false
    }

    /// Removes a record. False if it was not there.
    @discardableResult
    public mutating func remove(_ record: UInt32, hash: UInt32) -> Bool {
        let wanted = UInt64(hash) << 32 | UInt64(record &+ 1)
        var hole = Int(hash) & mask
        var probes = 0
        while slots[hole] != wanted {
            if slots[hole] == 0 || probes == Self.longestProbe { return false }
            hole = (hole &+ 1) & mask
            probes += 1
        }
        var next = (hole &+ 1) & mask
        while slots[next] != 0 {
            let home = Int(slots[next] >> 32) & mask
            // The entry may move back only if its home is not between the hole and itself.
            if (next &- home) & mask >= (next &- hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        slots[hole] = 0
        count -= 1
        return true
    }
}
