import Memory
import Timing

/// Which free ports are preferred.
struct PortChoice: Hashable, Sendable {
    /// The inside port itself, if it is free.
    var preserve = false
    /// One of the inside port's parity, else none (RFC 4787 REQ-4).
    var parity = false
}

/// The outside ports of one address and transport: free, in use, resting or reserved.
///
/// Ports have a place: the even ones first, then the odd ones, so that those of one parity lie
/// together. A bit for each place says whether it is taken. A draw tries some places, and if none
/// is free picks the n-th free one, so that each is as likely as the others; counts of what is
/// taken in each stretch of 1,024 places make finding it a matter of some 50 additions. An
/// untouched pool is zero pages that cost nothing.
struct PortPool {
    /// Who has a port.
    enum Owner: Equatable {
        case nobody
        case mapping(UInt32)
        case forward(UInt32)
        case resting
        /// Kept for the gateway itself.
        case reserved
    }

    /// Extents of one pool's arrays.
    struct Layout {
        let isTaken: Extent<UInt64>
        let owner: Extent<UInt32>
        let restNext: Extent<UInt16>
        let stretches: Extent<UInt16>
        let taken: Extent<UInt16>

        init(_ layout: inout RegionLayout) {
            isTaken = layout.reserve(count: 65_536 / 64)
            owner = layout.reserve(count: 65_536)
            restNext = layout.reserve(count: 65_536)
            stretches = layout.reserve(count: 65_536 / PortPool.stretch)
            taken = layout.reserve(count: 2 * (PortPool.mostBlocks + 1))
        }
    }

    /// Smallest block of ports a host may have for itself.
    static let smallestBlock = 16
    private static let mostBlocks = 65_536 / smallestBlock
    /// Places drawn from all before the free ones are counted.
    private static let tries = 8
    /// Places counted together: 16 words.
    private static let stretch = 1024

    /// Even or odd ports that are drawn from together: a run of places.
    private struct Run {
        /// Its count of ports not free is `taken[index]`.
        var index: Int
        /// Its first place.
        var first: Int
        var count: Int
    }

    /// A bit for each place, set unless the port may be drawn.
    private let isTaken: FlatArray<UInt64>
    private let owner: FlatArray<UInt32>
    private let restNext: FlatArray<UInt16>
    /// Places taken, by stretch.
    private let stretches: FlatArray<UInt16>
    /// Ports not free, by group and parity.
    private let taken: FlatArray<UInt16>
    /// Ports below 1024 map to such (RFC 4787 REQ-3a): group 0. Empty if there are blocks.
    private let low: Range<Int>
    /// The rest: the groups from 1 on, of `blockSize` ports each.
    private let high: Range<Int>
    private let blockSize: Int
    /// Whether each host has a group of its own, which may be reused at once (RFC 6888 REQ-8).
    private let hasBlocks: Bool
    private var restFirst: UInt16 = 0
    private var restLast: UInt16 = 0
    /// Ports resting.
    private(set) var resting = 0
    /// Ports given to mappings.
    private(set) var used = 0
    /// Pool seconds start here, so that 30 bits last.
    private static let tagShift: UInt32 = 30

    /// Pools over zeroed arrays; `range` is what may be given out. Port 0 never is.
    ///
    /// With `blockSize`, 16 or more, the range is cut into blocks of so many ports; without, only a
    /// worker's share of it is given out.
    init(
        _ region: borrowing Region, _ layout: Layout, range: ClosedRange<UInt16>,
        blockSize: Int? = nil, share: Share = .whole
    ) {
        isTaken = region.array(layout.isTaken)
        owner = region.array(layout.owner)
        restNext = region.array(layout.restNext)
        stretches = region.array(layout.stretches)
        taken = region.array(layout.taken)
        if let blockSize {
            let first = max(Int(range.lowerBound), 1)
            let end = Int(range.upperBound) + 1
            let size = max(blockSize, Self.smallestBlock)
            low = 1..<1
            high = first..<first + max(end - first, 0) / size * size
            self.blockSize = size
            hasBlocks = true
        } else {
            let bands = PortBands(range).part(share)
            low = bands.low
            high = bands.high
            self.blockSize = 65_536
            hasBlocks = false
        }
    }

    /// Ports that may be given out.
    var total: Int { low.count + high.count }

    /// Who has `port`.
    @inline(__always)
    func owner(of port: UInt16) -> Owner {
        let word = owner[Int(port)]
        if word == 0 { return .nobody }
        let value = word & (1 << Self.tagShift - 1)
        switch word >> Self.tagShift {
        case 0: return .mapping(value - 1)
        case 1: return .forward(value)
        case 2: return .resting
        default: return .reserved
        }
    }

    /// Takes a free port: the wanted one, or a random one of those `choice` allows; nil when there
    /// is none.
    ///
    /// A well-known source may fall back to an ordinary port, never the other way round. With
    /// blocks, `block` counted from 0 says whose ports they are.
    mutating func take(
        for insidePort: UInt16, mapping: UInt32, _ choice: PortChoice, block: Int = 0,
        at now: Instant, rest: Interval, random: inout Random
    ) -> UInt16? {
        release(at: now, rest: rest, most: 4)
        if choice.preserve, isFree(insidePort),
            !hasBlocks || (Int(insidePort) - high.lowerBound) / blockSize == block
        {
            return claim(insidePort, for: mapping)
        }
        if insidePort < 1024, insidePort != 0, !hasBlocks,
            let port = draw(0, insidePort, choice, at: now, rest: rest, random: &random)
        {
            return claim(port, for: mapping)
        }
        guard
            let port = draw(
                block + 1, insidePort, choice, at: now, rest: rest, random: &random)
        else { return nil }
        return claim(port, for: mapping)
    }

    /// A random free port of a group.
    private mutating func draw(
        _ group: Int, _ insidePort: UInt16, _ choice: PortChoice, at now: Instant,
        rest: Interval, random: inout Random
    ) -> UInt16? {
        let even = run(group, parity: 0)
        let odd = run(group, parity: 1)
        let isEven = insidePort & 1 == 0
        let places = (
            choice.parity && !isEven ? 0 : even.count, choice.parity && isEven ? 0 : odd.count
        )
        // Most are free mostly: then some place of all that turns out to be free does, and is as
        // likely as any other free one.
        for _ in 0..<(places.0 + places.1 > 0 ? Self.tries : 0) {
            let drawn = random.below(places.0 + places.1)
            let place =
                drawn < places.0 ? even.first + drawn : odd.first + drawn - places.0
            if isTaken[place / 64] >> UInt64(place % 64) & 1 == 0 { return Self.port(at: place) }
        }
        var free = (
            choice.parity && !isEven ? 0 : self.free(in: even),
            choice.parity && isEven ? 0 : self.free(in: odd)
        )
        if free.0 + free.1 == 0 {
            release(at: now, rest: rest, most: 1024)
            free = (
                choice.parity && !isEven ? 0 : self.free(in: even),
                choice.parity && isEven ? 0 : self.free(in: odd)
            )
        }
        guard free.0 + free.1 > 0 else { return nil }
        let drawn = random.below(free.0 + free.1)
        return Self.port(
            at: drawn < free.0
                ? freePlace(drawn, from: even.first)
                : freePlace(drawn - free.0, from: odd.first))
    }

    /// Takes this very port for a mapping; false when it is not free.
    mutating func take(_ port: UInt16, for mapping: UInt32) -> Bool {
        guard isFree(port) else { return false }
        _ = claim(port, for: mapping)
        return true
    }

    /// Takes `port` for a forward or for the gateway itself, whatever its state.
    ///
    /// Returns the mapping that had it, which the caller must end.
    mutating func reserve(_ port: UInt16, forward: UInt32?) -> UInt32? {
        var loser: UInt32?
        switch owner(of: port) {
        case .mapping(let mapping):
            loser = mapping
            used -= 1
        case .resting: unlinkResting(port)
        default: break
        }
        let word = forward.map { 1 << Self.tagShift | $0 } ?? 3 << Self.tagShift
        if isFree(port) { claim(port, as: word) } else { owner[Int(port)] = word }
        return loser
    }

    /// Gives a reserved port back to its band.
    mutating func unreserve(_ port: UInt16) {
        switch owner(of: port) {
        case .forward, .reserved: free(port)
        default: break
        }
    }

    /// Gives a mapping's port back; unless told not to, it rests before it is given out again
    /// (RFC 6888 REQ-8).
    mutating func give(_ port: UInt16, rests: Bool = true, at now: Instant) {
        used -= 1
        guard rests, !hasBlocks else { return free(port) }
        owner[Int(port)] = 2 << Self.tagShift | Self.seconds(now)
        restNext[Int(port)] = 0
        if resting == 0 { restFirst = port } else { restNext[Int(restLast)] = port }
        restLast = port
        resting += 1
    }

    // MARK: Places

    /// The even or odd ports of a group.
    @inline(__always)
    private func run(_ group: Int, parity: Int) -> Run {
        var ports = low
        if group > 0 {
            let first = min(high.lowerBound + (group - 1) * blockSize, high.upperBound)
            ports = first..<min(first + blockSize, high.upperBound)
        }
        let first = (ports.lowerBound + 1 - parity) / 2
        return Run(
            index: group * 2 + parity, first: first + parity << 15,
            count: (ports.upperBound + 1 - parity) / 2 - first)
    }

    /// The run that a port belongs to; nil if it is none that may be given out.
    @inline(__always)
    private func run(of port: UInt16) -> Run? {
        let number = Int(port)
        if low.contains(number) { return run(0, parity: number & 1) }
        guard high.contains(number) else { return nil }
        let block = hasBlocks ? (number - high.lowerBound) / blockSize : 0
        return run(1 + block, parity: number & 1)
    }

    private func free(in run: Run) -> Int { run.count - Int(taken[run.index]) }

    /// Even ports, then odd ones.
    private static func place(of port: UInt16) -> Int { Int(port >> 1 | port << 15) }

    private static func port(at place: Int) -> UInt16 {
        let place = UInt16(truncatingIfNeeded: place)
        return place << 1 | place >> 15
    }

    /// The free place with `count` free ones before it from `first` on. There must be one.
    private func freePlace(_ count: Int, from first: Int) -> Int {
        let words = Self.stretch / 64
        var left = count
        var word = first / 64
        var free = ~isTaken[word] & (.max << UInt64(first % 64))
        while true {
            let here = free.nonzeroBitCount
            if left < here { break }
            left -= here
            word += 1
            while word % words == 0, left >= Self.stretch - Int(stretches[word / words]) {
                left -= Self.stretch - Int(stretches[word / words])
                word += words
            }
            free = ~isTaken[word]
        }
        for _ in 0..<left { free &= free - 1 }
        return word * 64 + free.trailingZeroBitCount
    }

    @inline(__always)
    private func isFree(_ port: UInt16) -> Bool {
        guard run(of: port) != nil else { return false }
        let place = Self.place(of: port)
        return isTaken[place / 64] >> UInt64(place % 64) & 1 == 0
    }

    private mutating func claim(_ port: UInt16, for mapping: UInt32) -> UInt16 {
        claim(port, as: mapping + 1)
        used += 1
        return port
    }

    /// Takes a free port.
    private mutating func claim(_ port: UInt16, as word: UInt32) {
        owner[Int(port)] = word
        guard let run = run(of: port) else { return }
        let place = Self.place(of: port)
        isTaken[place / 64] |= 1 << UInt64(place % 64)
        stretches[place / Self.stretch] += 1
        taken[run.index] += 1
    }

    private mutating func free(_ port: UInt16) {
        owner[Int(port)] = 0
        guard let run = run(of: port) else { return }
        let place = Self.place(of: port)
        isTaken[place / 64] &= ~(1 << UInt64(place % 64))
        stretches[place / Self.stretch] -= 1
        taken[run.index] -= 1
    }

    // MARK: Rest

    private static func seconds(_ now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000_000) & (1 << tagShift - 1)
    }

    private mutating func release(at now: Instant, rest: Interval, most: Int) {
        let restSeconds = UInt32(clamping: (rest.nanoseconds + 999_999_999) / 1_000_000_000)
        for _ in 0..<most {
            guard resting > 0 else { return }
            let port = restFirst
            let since = owner[Int(port)] & (1 << Self.tagShift - 1)
            // One second more than asked, since both moments are cut to seconds.
            guard Self.seconds(now) &- since > restSeconds || restSeconds == 0 else { return }
            restFirst = restNext[Int(port)]
            resting -= 1
            free(port)
        }
    }

    /// O(ports resting): only for a change of configuration.
    private mutating func unlinkResting(_ port: UInt16) {
        var previous: UInt16?
        var current = restFirst
        for _ in 0..<resting {
            let next = restNext[Int(current)]
            if current == port {
                if let previous { restNext[Int(previous)] = next } else { restFirst = next }
                if restLast == port { restLast = previous ?? 0 }
                resting -= 1
                return
            }
            previous = current
            current = next
        }
    }
}
