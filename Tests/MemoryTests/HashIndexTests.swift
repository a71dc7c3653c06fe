import Memory
import Testing
import Timing

/// An index with the memory it lies in and the records it points at.
private final class Records {
    private let region: Region
    var index: HashIndex
    var pool: IndexPool
    let keys: FlatArray<UInt64>
    let hash: (UInt64) -> UInt32

    init(capacity: Int, slots: Int? = nil, hash: @escaping (UInt64) -> UInt32) {
        var layout = RegionLayout()
        let slotExtent = layout.reserve(
            UInt32.self, count: slots ?? HashIndex.slotCount(for: capacity))
        let keyExtent = layout.reserve(UInt64.self, count: capacity)
        let nextExtent = layout.reserve(UInt32.self, count: capacity)
        let region = Region(layout)
        index = HashIndex(slots: region.array(slotExtent))
        pool = IndexPool(next: region.array(nextExtent))
        keys = region.array(keyExtent)
        self.region = region
        self.hash = hash
    }

    func find(_ key: UInt64) -> UInt32? { index.find(hash(key)) { keys[$0] == key } }

    func insert(_ key: UInt64) -> UInt32? {
        guard let record = pool.take() else { return nil }
        keys[record] = key
        guard index.insert(record, hash: hash(key)) else {
            pool.give(record)
            return nil
        }
        return record
    }

    func remove(_ key: UInt64) -> Bool {
        guard let record = find(key) else { return false }
        pool.give(record)
        return index.remove(record, hash: hash(key)) { hash(keys[$0]) }
    }
}

@Suite struct HashIndexTests {
    enum Quality: CaseIterable {
        case good, clustered, lastSlots, constant
    }

    private func hash(_ quality: Quality, _ random: inout Random) -> (UInt64) -> UInt32 {
        let key = HashKey(random.next(), random.next())
        return switch quality {
        case .good: { key.hash($0, 0) }
        case .clustered: { UInt32(truncatingIfNeeded: $0 % 8) &* 0x400_0000 }
        // Runs cross the end of the table.
        case .lastSlots: { (UInt32(truncatingIfNeeded: $0 % 5) &- 3) &* 0x400_0000 }
        case .constant: { _ in 77 }
        }
    }

    @Test("Agrees with a dictionary", arguments: Quality.allCases, 0..<6)
    func model(quality: Quality, seed: UInt64) {
        var random = Random(seed: seed)
        let capacity = 1 + random.below(120)
        let subject = Records(capacity: capacity, hash: hash(quality, &random))
        var model: [UInt64: UInt32] = [:]
        var wrong = 0
        for step in 0..<2500 {
            let key = UInt64(random.below(2 * capacity))
            // Fill up, then empty, by turns.
            if random.below(3) < (step / 500 % 2 == 0 ? 2 : 1) {
                if model[key] == nil {
                    let record = subject.insert(key)
                    if (record == nil) != (model.count == capacity) { wrong += 1 }
                    model[key] = record
                }
            } else {
                if subject.remove(key) != (model.removeValue(forKey: key) != nil) { wrong += 1 }
            }
            if subject.index.count != model.count || subject.pool.used != model.count {
                wrong += 1
            }
            for key in 0..<UInt64(2 * capacity) where step % 50 == 0 {
                if subject.find(key) != model[key] { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }

    @Test("No probe is longer than the limit")
    func probeLimit() {
        let subject = Records(capacity: 300) { _ in 5 }
        var inserted = 0
        while inserted < 300, subject.insert(UInt64(inserted)) != nil { inserted += 1 }
        #expect(inserted == HashIndex.longestProbe)
        #expect((0..<inserted).allSatisfy { subject.find(UInt64($0)) != nil })
        #expect(subject.find(1000) == nil)
        #expect(subject.remove(0))
        #expect(subject.insert(1000) != nil)
        #expect(subject.insert(1001) == nil)
    }

    @Test("One slot stays empty, so that removal ends")
    func full() {
        let subject = Records(capacity: 64, slots: 64) { UInt32(truncatingIfNeeded: $0) << 26 }
        for key in 0..<63 as Range<UInt64> { #expect(subject.insert(key) != nil) }
        #expect(subject.insert(63) == nil)
        for key in 0..<63 as Range<UInt64> { #expect(subject.remove(key)) }
        #expect(subject.index.count == 0)
    }

    @Test("Equal hashes of different records are told apart")
    func removalByRecord() {
        let subject = Records(capacity: 8) { _ in 1 }
        let a = subject.insert(10)
        let b = subject.insert(11)
        let removed = [7, a ?? 99, a ?? 99].map { key in
            subject.index.remove(key, hash: 1) { _ in 1 }
        }
        #expect(removed == [false, true, false])
        #expect(subject.find(11) == b)
    }

    @Test("Three slots for two records")
    func slotCounts() {
        for capacity in [0, 1, 32, 33, 100, 65_536] {
            let slots = HashIndex.slotCount(for: capacity)
            #expect(slots == max(3 * capacity / 2, 64))
        }
    }

    @Test("The hash depends on the key and spreads neighbouring words evenly")
    func hashing() {
        var random = Random(seed: 8)
        let one = HashKey(random.next(), random.next())
        let other = HashKey(random.next(), random.next())
        var buckets = [Int](repeating: 0, count: 256)
        var equal = 0
        for i in 0..<25_600 as Range<UInt64> {
            buckets[Int(one.hash(i, 7) & 255)] += 1
            if one.hash(i, 7) == other.hash(i, 7) { equal += 1 }
        }
        #expect(equal < 3)
        #expect(buckets.allSatisfy { (50...150).contains($0) })
        #expect(one.hash(1, 2) != one.hash(2, 1))
    }
}
