import Memory
import Support
import Testing
import Timing

@testable import NAT

/// A pool of its own memory with a random source, as `NAT` would use it.
struct PoolBench: ~Copyable {
    private let region: Region
    var pool: PortPool
    var random: Random
    var now = Instant(nanoseconds: 500_250_000_000)
    var rest = Interval.seconds(120)
    private var mappings: UInt32 = 0

    init(
        _ range: ClosedRange<UInt16> = 1024...65535, seed: UInt64 = 1, blockSize: Int? = nil
    ) {
        var layout = RegionLayout()
        let extents = PortPool.Layout(&layout)
        region = Region(layout)
        pool = PortPool(region, extents, range: range, blockSize: blockSize)
        random = Random(seed: seed)
    }

    mutating func take(
        for inside: UInt16 = 40_000, preserve: Bool = false, parity: Bool = false, block: Int = 0
    ) -> UInt16? {
        mappings += 1
        return pool.take(
            for: inside, mapping: mappings, PortChoice(preserve: preserve, parity: parity),
            block: block, at: now, rest: rest, random: &random)
    }

    /// As `take`, when there must be a port.
    mutating func draw(for inside: UInt16 = 40_000, preserve: Bool = false) throws -> UInt16 {
        let port = take(for: inside, preserve: preserve)
        return try #require(port)
    }
}

@Suite("Port pool")
struct PortPoolTests {
    @Test("Draws cover the pool, no port comes twice", .row("U-3"), .row("T-7"), .row("C-13"))
    func coversThePool() {
        var bench = PoolBench()
        var seen = Set<UInt16>()
        for _ in 0..<64_512 {
            guard let port = bench.take() else { break }
            seen.insert(port)
        }
        #expect(seen.count == 64_512)
        #expect(seen.min() == 1024 && seen.max() == 65_535)
        #expect(bench.pool.used == 64_512)
        let next = bench.take()
        #expect(next == nil, "an empty pool gives nothing")
        let low = bench.take(for: 500)
        #expect(low.map { $0 < 1024 } == true, "the other band is not touched")
    }

    @Test(
        "An odd pool range is covered and never left",
        arguments: [
            1...1, 1...1023, 1023...1024, 1024...1024, 2000...2999, 65_535...65_535, 1...65_535,
        ] as [ClosedRange<UInt16>])
    func ranges(range: ClosedRange<UInt16>) {
        var bench = PoolBench(range)
        var seen = Set<UInt16>()
        while let port = bench.take(for: 80) { seen.insert(port) }
        while let port = bench.take(for: 8080) { seen.insert(port) }
        let usual = range.lowerBound == 1024
        #expect(seen == Set(usual ? 1...range.upperBound : range))
        #expect(seen.count == bench.pool.total)
    }

    @Test("Well-known sources get well-known ports, others never", .row("U-3a"))
    func bands() throws {
        var bench = PoolBench()
        for source: UInt16 in [1, 123, 1023] {
            let port = try bench.draw(for: source)
            #expect((1...1023).contains(port), "\(source)")
        }
        for source: UInt16 in [1024, 1025, 65_535] {
            let port = try bench.draw(for: source)
            #expect(port >= 1024, "\(source)")
        }
        for _ in 0..<1020 {
            let port = bench.take(for: 1)
            #expect(port.map { $0 < 1024 } == true)
        }
        let spill = try bench.draw(for: 1)
        #expect(spill >= 1024, "a well-known source spills over when its band is empty")
    }

    @Test("A freed port rests for 120 s, also at the edges of seconds", .row("C-8"))
    func rest() {
        for offset: Int64 in [0, 1, 999_999_999, 500_000_000] {
            var bench = PoolBench(2000...2000)
            let start = Instant(nanoseconds: 700_000_000_000 + offset)
            bench.now = start
            let first = bench.take()
            #expect(first == 2000)
            bench.pool.give(2000, at: bench.now)
            #expect(bench.pool.resting == 1 && bench.pool.used == 0)
            #expect(bench.pool.owner(of: 2000) == .resting)
            bench.now = start + .seconds(120) + Interval(nanoseconds: -1)
            let early = bench.take()
            #expect(early == nil, "offset \(offset)")
            bench.now = start + .seconds(122)
            let late = bench.take()
            #expect(late == 2000, "offset \(offset)")
        }
    }

    @Test("Ports rest in turn and none is lost over many lives", .row("C-8"), .row("S-8"))
    func manyLives() {
        var bench = PoolBench(2000...2099)
        var held: [UInt16: Instant] = [:]
        var freed: [UInt16: Instant] = [:]
        var order = Random(seed: 9)
        for _ in 0..<20_000 {
            bench.now += Interval(nanoseconds: Int64(order.below(4_000_000_000)))
            if order.below(2) == 0, let port = bench.take() {
                #expect(held[port] == nil)
                if let since = freed[port] { #expect(bench.now - since >= .seconds(120)) }
                held[port] = bench.now
            } else if let port = held.keys.sorted().randomElement(using: &order) {
                held[port] = nil
                freed[port] = bench.now
                bench.pool.give(port, at: bench.now)
            }
            #expect(bench.pool.used == held.count)
        }
        for port in held.keys.sorted() { bench.pool.give(port, at: bench.now) }
        bench.now += .seconds(200)
        var all = Set<UInt16>()
        while let port = bench.take() { all.insert(port) }
        #expect(all == Set(2000...2099))
    }

    @Test("A wanted port is kept when free, changed when not", .row("X-9b"))
    func preserve() throws {
        var bench = PoolBench()
        let kept = bench.take(for: 5000, preserve: true)
        #expect(kept == 5000)
        let other = try bench.draw(for: 5000, preserve: true)
        #expect(other != 5000 && other >= 1024)
        let low = bench.take(for: 123, preserve: true)
        #expect(low == 123)
        bench.pool.give(5000, at: bench.now)
        let resting = bench.take(for: 5000, preserve: true)
        #expect(resting != 5000, "a resting port is not free")
        var narrow = PoolBench(2000...2001)
        let outside = narrow.take(for: 5000, preserve: true)
        #expect(outside.map { (2000...2001).contains($0) } == true)
    }

    @Test("A reserved port is never given out; its mapping is named", .row("R-1"))
    func reserve() {
        var bench = PoolBench(2000...2009)
        let free = bench.pool.reserve(2003, forward: 7)
        #expect(free == nil)
        #expect(bench.pool.owner(of: 2003) == .forward(7))
        var taken: [UInt16] = []
        while let port = bench.take() { taken.append(port) }
        #expect(Set(taken) == Set(2000...2009).subtracting([2003]))
        let loser = bench.pool.reserve(taken[0], forward: nil)
        #expect(loser == 1, "mapping 1 drew first")
        #expect(bench.pool.owner(of: taken[0]) == .reserved)
        #expect(bench.pool.used == 8)
        // A resting port can be reserved too, and the queue of resting ones stays whole.
        for port in taken[1...4] { bench.pool.give(port, at: bench.now) }
        for port in [taken[4], taken[1], taken[2]] { _ = bench.pool.reserve(port, forward: 1) }
        #expect(bench.pool.resting == 1)
        bench.now += .seconds(122)
        let last = bench.take()
        #expect(last == taken[3])
        for port in [taken[0], taken[4], taken[1], taken[2], 2003] { bench.pool.unreserve(port) }
        var again = Set<UInt16>()
        while let port = bench.take() { again.insert(port) }
        #expect(again == [taken[0], taken[4], taken[1], taken[2], 2003])
    }

    @Test("Reserving outside of the range touches nothing else")
    func reserveOutside() {
        var bench = PoolBench(2000...2009)
        for port: UInt16 in [1, 80, 1999, 2010, 65_535] {
            let loser = bench.pool.reserve(port, forward: 1)
            #expect(loser == nil && bench.pool.owner(of: port) == .forward(1))
        }
        for port: UInt16 in [1, 80, 1999, 2010, 65_535] {
            bench.pool.unreserve(port)
            #expect(bench.pool.owner(of: port) == .nobody)
        }
        var seen = Set<UInt16>()
        while let port = bench.take() { seen.insert(port) }
        #expect(seen == Set(2000...2009))
    }

    @Test("10,000 draws pass a chi-square test over 256 buckets", .row("X-9a", "S02", "C-15"))
    func chiSquare() {
        for seed: UInt64 in 1...3 {
            var bench = PoolBench(seed: seed)
            var counts = [Int](repeating: 0, count: 256)
            for _ in 0..<10_000 {
                guard let port = bench.take() else { break }
                counts[(Int(port) - 1024) / 252] += 1
                // Returned and rested at once, so that each draw is from the whole pool.
                bench.pool.give(port, at: bench.now)
                bench.now += .seconds(122)
            }
            let expected = 10_000.0 / 256
            let chi = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) }
            // 255 degrees of freedom: mean 255, deviation 22.6; four and a half deviations.
            #expect((153...357).contains(chi / expected), "seed \(seed): \(chi / expected)")
        }
    }

    @Test("Successive ports do not follow from each other", .row("X-9a", "S02", "C-15", "R-2"))
    func correlation() {
        var bench = PoolBench(seed: 4)
        let ports = (0..<10_000).compactMap { _ in bench.take().map(Double.init) }
        let mean = ports.reduce(0, +) / Double(ports.count)
        let variance = ports.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) }
        for lag in 1...16 {
            let sum = zip(ports, ports.dropFirst(lag)).reduce(0.0) {
                $0 + ($1.0 - mean) * ($1.1 - mean)
            }
            // Deviation of the correlation of independent draws is 0.01.
            #expect(abs(sum / variance) < 0.045, "lag \(lag): \(sum / variance)")
        }
        let near = zip(ports, ports.dropFirst()).count { abs($0 - $1) <= 16 }
        #expect(near < 20, "neighbouring ports \(near) times, 5 by chance")
    }

    @Test("An even port stays even and an odd one odd, to the last port", .row("U-4", "X-8"))
    func parity() {
        var bench = PoolBench(2000...2999)
        for (inside, count): (UInt16, Int) in [(4000, 500), (4001, 500)] {
            var seen = Set<UInt16>()
            while let port = bench.take(for: inside, parity: true) { seen.insert(port) }
            #expect(seen.count == count && seen.allSatisfy { $0 & 1 == inside & 1 })
        }
        var wide = PoolBench()
        for number in 0..<2000 {
            let inside = UInt16(number % 7 + 40_000)
            let port = wide.take(for: inside, preserve: number % 2 == 0, parity: true)
            #expect(port.map { $0 & 1 == inside & 1 } == true)
        }
        let low = wide.take(for: 123, parity: true)
        #expect(low.map { $0 < 1024 && $0 & 1 == 1 } == true)
    }

    /// Draws of 10,000 ports, each from the whole pool but for `held`.
    private func buckets(
        _ bench: inout PoolBench, held: [UInt16] = [], for inside: UInt16, preserve: Bool = false,
        parity: Bool = false, of width: Int, count: Int
    ) -> Double {
        for port in held { _ = bench.pool.take(port, for: 1) }
        var counts = [Int](repeating: 0, count: count)
        for _ in 0..<10_000 {
            guard let port = bench.take(for: inside, preserve: preserve, parity: parity) else {
                break
            }
            counts[min((Int(port) - 1024) / width, count - 1)] += 1
            bench.pool.give(port, at: bench.now)
            bench.now += .seconds(122)
        }
        let expected = 10_000.0 / Double(count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) }
            / expected
    }

    @Test("Where a wanted port must change, any other is as likely", .row("X-9b", "S02"))
    func chiSquareOfChanged() {
        var bench = PoolBench(seed: 5)
        let chi = buckets(
            &bench, held: [40_000], for: 40_000, preserve: true, of: 252, count: 256)
        #expect((153...357).contains(chi), "\(chi)")
    }

    @Test("Of one parity, the other 15 bits are as likely", .row("X-9c", "S02"))
    func chiSquareOfParity() {
        for inside: UInt16 in [40_000, 40_001] {
            var bench = PoolBench(seed: UInt64(inside))
            let chi = buckets(&bench, for: inside, parity: true, of: 252, count: 256)
            #expect((153...357).contains(chi), "\(inside): \(chi)")
        }
    }

    @Test("Blocks are drawn from one by one and reused at once", .row("B-1", "C-8"))
    func blocks() {
        for (range, size) in [(1024...65535, 252), (2001...2100, 17)]
            as [(ClosedRange<UInt16>, Int)]
        {
            var bench = PoolBench(range, blockSize: size)
            let blocks = range.count / size
            #expect(bench.pool.total == blocks * size)
            for block in [0, 1, blocks - 1] {
                let first = Int(range.lowerBound) + block * size
                var seen = Set<UInt16>()
                while let port = bench.take(for: 80, block: block) { seen.insert(port) }
                #expect(seen == Set((first..<first + size).map { UInt16($0) }))
                let port = UInt16(first + size / 2)
                bench.pool.give(port, at: bench.now)
                let again = bench.take(for: port, preserve: true, block: block)
                #expect(again == port && bench.pool.resting == 0)
            }
            let kept = bench.take(for: range.lowerBound, preserve: true, block: 2)
            #expect(kept.map { ($0 - range.lowerBound) / UInt16(size) == 2 } == true)
        }
    }

    @Test("Another key gives other ports", .row("X-9a"))
    func restart() {
        var one = PoolBench(seed: 1)
        var two = PoolBench(seed: 2)
        let same = (0..<1000).count { _ in one.take() == two.take() }
        #expect(same < 5)
    }
}
