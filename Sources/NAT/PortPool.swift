import Memory
import Timing

/// The outside ports of one address and transport: free, in use, resting or reserved.
///
/// A random free port is taken in O(1) by a Fisher-Yates draw over a permutation of the ports, a
/// wanted one in O(1) by its place in it. The permutation is stored as the difference to the
/// identity, so that an untouched pool is zero pages that cost nothing.
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
        let order: Extent<UInt16>
        let place: Extent<UInt16>
        let owner: Extent<UInt32>
        let restNext: Extent<UInt16>

        init(_ layout: inout RegionLayout) {
            order = layout.reserve(count: 65_536)
            place = layout.reserve(count: 65_536)
            owner = layout.reserve(count: 65_536)
            restNext = layout.reserve(count: 65_536)
        }
    }

    /// A range of ports drawn from separately: ports below 1024 map to such (RFC 4787 REQ-3a).
    struct Band {
        var first: Int
        var count: Int
        var free: Int
    }

    private let order: FlatArray<UInt16>
    private let place: FlatArray<UInt16>
    private let owner: FlatArray<UInt32>
    private let restNext: FlatArray<UInt16>
    /// Index 0: below 1024; index 1: the rest.
    private(set) var bands: InlineArray<2, Band>
    private var restFirst: UInt16 = 0
    private var restLast: UInt16 = 0
    /// Ports resting.
    private(set) var resting = 0
    /// Ports given to mappings.
    private(set) var used = 0
    /// Pool seconds start here, so that 30 bits last.
    private static let tagShift: UInt32 = 30

    /// Pools over zeroed arrays; `range` is what may be given out. Port 0 never is.
    init(_ region: borrowing Region, _ layout: Layout, range: ClosedRange<UInt16>) {
        order = region.array(layout.order)
        place = region.array(layout.place)
        owner = region.array(layout.owner)
        restNext = region.array(layout.restNext)
        let low = max(Int(range.lowerBound), 1)
        let high = Int(range.upperBound)
        // With the usual 1024-65535 the well-known ports serve well-known sources.
        let lowFirst = low == 1024 ? 1 : low
        let lowCount = max(min(high, 1023) - lowFirst + 1, 0)
        let highFirst = max(low, 1024)
        let highCount = max(high - highFirst + 1, 0)
        bands = [
            Band(first: lowFirst, count: lowCount, free: lowCount),
            Band(first: highFirst, count: highCount, free: highCount),
        ]
    }

    /// Ports that may be given out.
    var total: Int { bands[0].count + bands[1].count }

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

    /// Takes a random free port from the band that `insidePort` belongs to; nil when none is free.
    ///
    /// A well-known source may fall back to an ordinary port, never the other way round.
    mutating func take(
        for insidePort: UInt16, mapping: UInt32, preserve: Bool, at now: Instant,
        rest: Interval, random: inout Random
    ) -> UInt16? {
        release(at: now, rest: rest, most: 4)
        let wanted = insidePort < 1024 && insidePort != 0 ? 0 : 1
        if preserve, band(of: insidePort) != nil, isFree(insidePort) {
            claim(insidePort, as: mapping + 1)
            used += 1
            return insidePort
        }
        for band in wanted == 0 ? 0..<2 : 1..<2 {
            if bands[band].free == 0 { release(at: now, rest: rest, most: 1024) }
            guard bands[band].free > 0 else { continue }
            let slot = bands[band].first + random.below(bands[band].free)
            let port = port(at: slot)
            claim(port, as: mapping + 1)
            used += 1
            return port
        }
        return nil
    }

    /// Takes this very port for a mapping; false when it is not free.
    mutating func take(_ port: UInt16, for mapping: UInt32) -> Bool {
        guard isFree(port) else { return false }
        claim(port, as: mapping + 1)
        used += 1
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

    /// Gives a mapping's port back; it rests before it is given out again (RFC 6888 REQ-8).
    mutating func give(_ port: UInt16, at now: Instant) {
        used -= 1
        owner[Int(port)] = 2 << Self.tagShift | Self.seconds(now)
        restNext[Int(port)] = 0
        if resting == 0 { restFirst = port } else { restNext[Int(restLast)] = port }
        restLast = port
        resting += 1
    }

    // MARK: The permutation

    private func band(of port: UInt16) -> Int? {
        for i in 0..<2
        where Int(port) >= bands[i].first && Int(port) < bands[i].first + bands[i].count {
            return i
        }
        return nil
    }

    private func port(at slot: Int) -> UInt16 { order[slot] ^ UInt16(truncatingIfNeeded: slot) }

    private func slot(of port: UInt16) -> Int { Int(place[Int(port)] ^ port) }

    private func put(_ port: UInt16, at slot: Int) {
        order[slot] = port ^ UInt16(truncatingIfNeeded: slot)
        place[Int(port)] = UInt16(truncatingIfNeeded: slot) ^ port
    }

    private func isFree(_ port: UInt16) -> Bool {
        guard let band = band(of: port) else { return false }
        return slot(of: port) < bands[band].first + bands[band].free
    }

    /// Moves a free port behind the free ones.
    private mutating func claim(_ port: UInt16, as word: UInt32) {
        owner[Int(port)] = word
        guard let band = band(of: port) else { return }
        let last = bands[band].first + bands[band].free - 1
        let slot = slot(of: port)
        put(self.port(at: last), at: slot)
        put(port, at: last)
        bands[band].free -= 1
    }

    private mutating func free(_ port: UInt16) {
        owner[Int(port)] = 0
        guard let band = band(of: port) else { return }
        let first = bands[band].first + bands[band].free
        let slot = slot(of: port)
        put(self.port(at: first), at: slot)
        put(port, at: first)
        bands[band].free += 1
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
