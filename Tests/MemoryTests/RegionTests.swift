import Memory
import Testing
import Timing

/// A region with two arrays in it.
private final class Pair {
    private let region: Region
    let small: FlatArray<UInt8>
    let wide: FlatArray<SIMD4<UInt64>>
    var byteCount: Int { region.byteCount }

    init() {
        var layout = RegionLayout()
        let first = layout.reserve(UInt8.self, count: 65)
        let second = layout.reserve(SIMD4<UInt64>.self, count: 3)
        let region = Region(layout)
        small = region.array(first)
        wide = region.array(second)
        self.region = region
    }
}

private func isAligned<Element>(_ element: inout Element) -> Bool {
    unsafe withUnsafePointer(to: &element) { UInt(bitPattern: $0) % 64 == 0 }
}

@Suite struct RegionTests {
    @Test("Arrays are zeroed, apart from each other and changed in place")
    func arrays() {
        let pair = Pair()
        #expect(pair.byteCount == 128 + 128)
        #expect(pair.small.count == 65 && pair.wide.count == 3)
        #expect((0..<65).allSatisfy { pair.small[$0] == 0 })
        for i in 0..<65 { pair.small[i] = 0xff }
        #expect((0..<3).allSatisfy { pair.wide[$0] == SIMD4(repeating: 0) })
        pair.wide[2].w &+= 9
        pair.wide[UInt32(2)].w &+= 1
        #expect(pair.wide[2] == SIMD4(0, 0, 0, 10))
        #expect(pair.small[UInt32(64)] == 0xff)
    }

    @Test("Every array starts on a cache line")
    func alignment() {
        for _ in 0..<20 {
            let pair = Pair()
            let aligned = (isAligned(&pair.small[0]), isAligned(&pair.wide[0]))
            #expect(aligned == (true, true))
        }
    }

    @Test("A large region is zeroed to its last element")
    func large() {
        var layout = RegionLayout()
        let extent = layout.reserve(UInt64.self, count: 1 << 17)
        let region = Region(layout)
        let array: FlatArray<UInt64> = region.array(extent)
        array[array.count - 1] |= 5
        let ends = (array[0], array[array.count - 1], region.byteCount)
        #expect(ends.0 == 0 && ends.1 == 5 && ends.2 == 1 << 20)
    }

    @Test("An index out of range traps")
    func outOfRange() async {
        await #expect(processExitsWith: .failure) { _ = Pair().small[65] }
        await #expect(processExitsWith: .failure) { Pair().small[-1] = 1 }
        await #expect(processExitsWith: .failure) { Pair().wide[UInt32(3)].x = 1 }
    }
}

@Suite struct IndexPoolTests {
    private final class Pool {
        private let region: Region
        var pool: IndexPool

        init(capacity: Int) {
            var layout = RegionLayout()
            let extent = layout.reserve(UInt32.self, count: capacity)
            let region = Region(layout)
            pool = IndexPool(next: region.array(extent))
            self.region = region
        }

        func take() -> UInt32? { pool.take() }
    }

    @Test("Gives out each number once, and none beyond the capacity")
    func exhaustion() {
        let subject = Pool(capacity: 10)
        let taken = (0..<10).compactMap { _ in subject.pool.take() }
        #expect(taken == Array(0..<10))
        #expect(subject.take() == nil)
        #expect(subject.pool.used == 10 && subject.pool.capacity == 10)
        subject.pool.give(4)
        #expect(subject.take() == 4)
        #expect(subject.take() == nil)
    }

    @Test("Agrees with a set under random use", arguments: 0..<5)
    func model(seed: UInt64) {
        var random = Random(seed: seed)
        let subject = Pool(capacity: 40)
        var used: [UInt32] = []
        var highest: UInt32 = 0
        for _ in 0..<3000 {
            if random.below(2) == 0 {
                let record = subject.pool.take()
                #expect((record == nil) == (used.count == 40))
                guard let record else { continue }
                #expect(!used.contains(record) && record < 40)
                used.append(record)
                highest = max(highest, record + 1)
            } else if !used.isEmpty {
                subject.pool.give(used.remove(at: random.below(used.count)))
            }
            #expect(subject.pool.used == used.count)
            #expect(subject.pool.highest == highest)
        }
    }
}
