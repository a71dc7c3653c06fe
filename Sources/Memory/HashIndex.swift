internal import CMemory

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
/// The records hold the keys; the caller compares. There are three slots for two records, and no
/// probe is longer than `longestProbe`, so neither lookup nor insertion can be made slow. A slot is
/// 4 octets: removal asks the caller for the hash of the records that move up.
@frozen
public struct HashIndex: Sendable {
    /// Record number + 1 in the low 26 bits, the low 6 bits of the hash above; 0 is empty. The
    /// place of a record comes from the high bits of its hash.
    @usableFromInline let slots: FlatArray<UInt32>
    /// Number of records indexed.
    public private(set) var count = 0

    @usableFromInline static var numberBits: UInt32 { 26 }

    /// No probe goes further than this. At two thirds load a run of n slots has a chance of about
    /// e^(-0.072 n): one this long, 10^-8 a record.
    @inlinable
    public static var longestProbe: Int { 256 }

    /// Slots needed for `capacity` records, at most 2^25: half as many more.
    public static func slotCount(for capacity: Int) -> Int { max(capacity * 3 / 2, 64) }

    /// An index over zeroed `slots`, at most 2^26.
    public init(slots: FlatArray<UInt32>) {
        precondition(slots.count > 0 && slots.count <= 1 << Int(Self.numberBits))
        self.slots = slots
    }

    /// Where a record of this hash would best be.
    @inlinable @inline(__always)
    func home(_ hash: UInt32) -> Int {
        let product = UInt64(hash) &* UInt64(truncatingIfNeeded: slots.count)
        return Int(truncatingIfNeeded: product >> 32)
    }

    @inlinable @inline(__always)
    func after(_ position: Int) -> Int {
        let next = position &+ 1
        return next == slots.count ? 0 : next
    }

    @inlinable @inline(__always)
    static func number(_ slot: UInt32) -> UInt32 { (slot & (1 << numberBits &- 1)) &- 1 }

    @inlinable @inline(__always)
    static func slot(_ record: UInt32, _ hash: UInt32) -> UInt32 {
        hash << numberBits | (record &+ 1)
    }

    /// The record with this hash for which `matches` holds, or nil. Expected O(1).
    @inlinable @inline(__always)
    public func find(_ hash: UInt32, where matches: (UInt32) -> Bool) -> UInt32? {
        var position = home(hash)
        for _ in 0..<Self.longestProbe {
            let slot = slots[position]
            if slot == 0 { return nil }
            if (slot ^ hash << Self.numberBits) >> Self.numberBits == 0 {
                let record = Self.number(slot)
                if matches(record) { return record }
            }
            position = after(position)
        }
        return nil
    }

    /// Asks memory for the place of a hash that will be looked up soon.
    public func expect(_ hash: UInt32) {
        unsafe request_line(slots.base + home(hash))
    }

    /// Adds a record that is not in the index. False if the probe would be too long or only one
    /// slot is free: removal relies on an empty slot to end its walk.
    public mutating func insert(_ record: UInt32, hash: UInt32) -> Bool {
        guard count < slots.count - 1 else { return false }
        var position = home(hash)
        for _ in 0..<Self.longestProbe {
            if slots[position] == 0 {
                slots[position] = Self.slot(record, hash)
                count += 1
                return true
            }
            position = after(position)
        }
        return false
    }

    /// Removes a record. False if it was not there.
    ///
    /// - Parameter rehash: The hash with which a record was inserted.
    @discardableResult
    public mutating func remove(
        _ record: UInt32, hash: UInt32, rehash: (UInt32) -> UInt32
    ) -> Bool {
        let wanted = Self.slot(record, hash)
        var hole = home(hash)
        var probes = 0
        while slots[hole] != wanted {
            if slots[hole] == 0 || probes == Self.longestProbe { return false }
            hole = after(hole)
            probes += 1
        }
        var next = after(hole)
        while slots[next] != 0 {
            // An entry may move back only if its home is not between the hole and itself.
            let home = home(rehash(Self.number(slots[next])))
            if distance(home, next) >= distance(hole, next) {
                slots[hole] = slots[next]
                hole = next
            }
            next = after(next)
        }
        slots[hole] = 0
        count -= 1
        return true
    }

    /// Slots from one position on to another.
    private func distance(_ from: Int, _ to: Int) -> Int {
        to >= from ? to - from : to - from + slots.count
    }
}
