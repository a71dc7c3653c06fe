public import Memory
public import Wire

/// What the forwarding table says about a destination.
@frozen
public enum FIBAction: UInt8, BitwiseCopyable, Sendable {
    /// No route.
    case none
    /// Handed to a next hop.
    case forward
    /// Dropped silently.
    case blackhole
    /// Dropped, host unreachable sent.
    case unreachable
    /// Dropped, communication administratively prohibited sent.
    case prohibit
}

/// One way out as the packet path sees it.
@frozen
public struct FIBNextHop: Hashable, BitwiseCopyable, Sendable {
    /// The neighbour's address in host order; 0 when the destination itself is the neighbour.
    public let gateway: UInt32
    /// The side to leave by.
    public let side: Side

    /// A way by `gateway` on `side`; nil for a connected network.
    @inlinable
    public init(side: Side, gateway: IPv4Address? = nil) {
        self.side = side
        self.gateway = gateway?.rawValue ?? 0
    }

    /// Whether the destination itself is the neighbour.
    @inlinable public var isConnected: Bool { gateway == 0 }

    /// The neighbour to resolve for a packet to `destination` (RFC 1812 §5.2.4.1).
    @inlinable
    public func neighbor(for destination: IPv4Address) -> IPv4Address {
        gateway == 0 ? destination : IPv4Address(gateway)
    }
}

/// What happens to the packets of all prefixes that share it. A plain value of 136 bytes.
@frozen
public struct NextHopGroup: BitwiseCopyable, Sendable {
    /// What happens.
    public let action: FIBAction
    /// Number of ways: 1 to 16 when forwarding, else 0.
    public let count: UInt8
    @usableFromInline let hops: InlineArray<16, FIBNextHop>

    /// Largest number of equal ways.
    @inlinable public static var mostNextHops: Int { 16 }

    /// A group without ways. `forward` without ways counts as no route.
    public init(_ action: FIBAction) {
        self.action = action == .forward ? .none : action
        count = 0
        hops = InlineArray(repeating: FIBNextHop(side: .lan))
    }

    /// A group of equal ways; the first 16 count, and none at all is no route.
    public init(forward ways: [FIBNextHop]) {
        action = ways.isEmpty ? .none : .forward
        count = UInt8(min(ways.count, Self.mostNextHops))
        var hops = InlineArray<16, FIBNextHop>(repeating: FIBNextHop(side: .lan))
        for i in 0..<Int(count) { hops[i] = ways[i] }
        self.hops = hops
    }

    /// Way number `index`, below `count`. Traps at 16 and above.
    @inlinable
    public subscript(index: Int) -> FIBNextHop { hops[index] }

    /// Whether the group forwards and every way is a connected network.
    public var isConnected: Bool {
        guard action == .forward else { return false }
        for i in 0..<Int(count) where !hops[i].isConnected { return false }
        return true
    }
}

/// A prefix and the number of the group its packets follow.
@frozen
public struct FIBRoute: Hashable, BitwiseCopyable, Sendable {
    /// The destinations.
    public var prefix: IPv4Prefix
    /// Number of the group, 0 (no route) to `FIB.mostGroups` - 1.
    public var group: UInt32

    /// A route of these fields.
    public init(_ prefix: IPv4Prefix, group: UInt32) {
        self.prefix = prefix
        self.group = group
    }
}

/// The forwarding table: longest-prefix match over IPv4 (RFC 1812 §5.2.4.3).
///
/// The prefixes are cut into disjoint ranges of addresses (DXR: Zec, Rizzo, Mikuc 2012). The upper
/// 18 bits of an address pick a root entry; it is either the group itself or a short sorted list of
/// ranges, searched in at most 14 halvings. Memory is 2 MiB for the root plus at most 12 bytes a
/// route whatever the prefixes are, and a quarter of that, at least 256 KiB, for patches; so nobody
/// who announces routes can make it grow otherwise.
///
/// The control thread builds a table and moves it to the worker, which owns it from then on and
/// applies patches to it.
public struct FIB: ~Copyable, @unchecked Sendable {
    /// Bits of an address that a root entry stands for.
    @usableFromInline static var chunkBits: UInt32 { 14 }
    @usableFromInline static var chunkMask: UInt32 { 1 << chunkBits - 1 }
    /// Bits of a group number in a range; the start of the range within its chunk is above.
    @usableFromInline static var groupBits: UInt32 { 18 }
    @usableFromInline static var groupMask: UInt32 { 1 << groupBits - 1 }

    /// Largest number of groups, group 0 included.
    public static var mostGroups: Int { 1 << Int(groupBits) }

    /// Prefixes longer than this lie within one block that a root entry stands for.
    public static var blockLength: Int { Int(32 - chunkBits) }

    /// The block an address lies in.
    public static func block(of address: IPv4Address) -> UInt32 {
        address.rawValue >> chunkBits
    }

    /// Owns what the three arrays lie in.
    private let region: Region
    /// High half: number of ranges, low half: first of them; or high half 0, low half the group.
    @usableFromInline let root: FlatArray<UInt64>
    @usableFromInline let ranges: FlatArray<UInt32>
    @usableFromInline let groups: FlatArray<NextHopGroup>

    /// Number of the table among those built; a session decided under another one asks again.
    public internal(set) var generation: UInt32
    /// Number of prefixes.
    public internal(set) var routeCount: Int
    /// Words of `ranges` in use or used before a patch.
    var rangesUsed: Int
    /// Memory held, in bytes.
    public var byteCount: Int { region.byteCount }

    /// A table without routes.
    public init() { self.init(routes: [], groups: [NextHopGroup(.none)], generation: 0) }

    /// A table of `routes`, in any order, with distinct prefixes. O(n log n).
    ///
    /// - Parameters:
    ///   - routes: The prefixes; each names a group that exists.
    ///   - groups: The groups by number; the first is `none`, and at most `mostGroups` count.
    ///   - generation: Number of the table.
    public init(routes: [FIBRoute], groups: [NextHopGroup], generation: UInt32) {
        precondition(groups.first?.action == FIBAction.none && groups.count <= Self.mostGroups)
        let pieces = RangeList(routes, groupCount: groups.count).pieces
        let used = RangeList.storedCount(of: pieces)
        self.init(
            ranges: used + max(used / 4, 65_536),
            groups: min(groups.count * 2 + 64, Self.mostGroups))
        rangesUsed = used
        self.generation = generation
        routeCount = routes.count
        for (i, group) in groups.enumerated() { self.groups[i] = group }
        RangeList.store(pieces, root: root, ranges: ranges)
    }

    /// An empty table with room for so many words of ranges and so many groups.
    private init(ranges rangeCount: Int, groups groupCount: Int) {
        var layout = RegionLayout()
        let rootExtent = layout.reserve(UInt64.self, count: 1 << Int(32 - Self.chunkBits))
        let rangeExtent = layout.reserve(UInt32.self, count: rangeCount)
        let groupExtent = layout.reserve(NextHopGroup.self, count: groupCount)
        let region = Region(layout)
        root = region.array(rootExtent)
        ranges = region.array(rangeExtent)
        groups = region.array(groupExtent)
        self.region = region
        (generation, routeCount, rangesUsed) = (0, 0, 0)
    }

    /// Another table with the same routes, for another worker. O(size of the table).
    public borrowing func copy() -> FIB {
        var other = FIB(ranges: ranges.count, groups: groups.count)
        other.root.copy(root.count, from: root)
        other.ranges.copy(rangesUsed, from: ranges)
        other.groups.copy(groups.count, from: groups)
        other.generation = generation
        other.routeCount = routeCount
        other.rangesUsed = rangesUsed
        return other
    }

    /// A table in which every route has a group of its own; for small tables and tests.
    public init(_ routes: [(IPv4Prefix, NextHopGroup)], generation: UInt32 = 0) {
        self.init(
            routes: routes.enumerated().map { FIBRoute($1.0, group: UInt32($0 + 1)) },
            groups: [NextHopGroup(.none)] + routes.map { $0.1 }, generation: generation)
    }

    /// The number of the group for `address`: that of the longest prefix that holds it, 0 if none.
    /// O(log n) in the number of ranges in the address's block of 16,384; neither locks nor
    /// allocates.
    @inlinable @inline(__always)
    public func lookup(_ address: IPv4Address) -> UInt32 {
        let entry = root[Int(address.rawValue >> Self.chunkBits)]
        var count = Int(truncatingIfNeeded: entry >> 32)
        var first = Int(UInt32(truncatingIfNeeded: entry))
        if count == 0 { return UInt32(truncatingIfNeeded: first) }
        // The last range that starts at or before the address; the first starts at 0.
        let wanted = (address.rawValue & Self.chunkMask) << Self.groupBits | Self.groupMask
        while count > 1 {
            let half = count &>> 1
            // 0 or -1 by arithmetic: which half it is cannot be predicted, so no branch.
            let above = (Int(wanted) &- Int(ranges[first &+ half])) &>> 63
            first = first &+ (half & ~above)
            count = count &- half
        }
        return ranges[first] & Self.groupMask
    }

    /// The group with a number that `lookup` gave.
    @inlinable
    public func group(_ index: UInt32) -> NextHopGroup { groups[index] }

    /// What happens to packets of a group; cheaper than copying the group. O(1).
    @inlinable
    public func action(of index: UInt32) -> FIBAction { groups[index].action }

    /// Whether one of the ways of a group that forwards leaves by `side`. O(ways).
    public func leads(_ index: UInt32, to side: Side) -> Bool {
        for way in 0..<Int(groups[index].count) where groups[index].hops[way].side == side {
            return true
        }
        return false
    }

    /// The way for a flow among the equal ways of a group that forwards. O(1).
    ///
    /// The same hash gets the same way as long as the group is the same; the upper bits of
    /// `flowHash` decide, so they have to be as good as the lower ones (RFC 2992 §1).
    @inlinable
    public func nextHop(in index: UInt32, flowHash: UInt32) -> FIBNextHop {
        let way = (UInt64(flowHash) &* UInt64(groups[index].count)) &>> 32
        return groups[index].hops[Int(truncatingIfNeeded: way)]
    }
}

/// Disjoint ranges of addresses made from nested prefixes, and their packed form.
struct RangeList {
    /// Start of a range << 18 | group, ascending; each reaches to the next. The first starts at 0.
    private(set) var pieces: [UInt64] = []

    private static let groupBits = UInt64(FIB.groupBits)
    private static let groupMask = UInt64(FIB.groupMask)

    /// Cuts `routes` into ranges: one pass over the sorted prefixes with a stack of open ones.
    init(_ routes: [FIBRoute], groupCount: Int) {
        var keys = routes.map { route in
            precondition(Int(route.group) < groupCount, "route names a group that is not there")
            let prefix = UInt64(route.prefix.address.rawValue) << 6 | UInt64(route.prefix.length)
            return prefix << Self.groupBits | UInt64(route.group)
        }
        keys.sort()
        pieces.reserveCapacity(keys.count * 2 + 1)
        // Nested prefixes have different lengths, so at most 34 are open.
        var open: [(last: UInt32, group: UInt64)] = [(.max, 0)]
        open.reserveCapacity(40)
        add(start: 0, group: 0)
        for key in keys {
            let start = UInt32(truncatingIfNeeded: key >> (Self.groupBits + 6))
            let length = Int(key >> Self.groupBits & 63)
            while open[open.count - 1].last < start { close(&open) }
            open.append((start | ~IPv4Prefix.mask(length), key & Self.groupMask))
            add(start: start, group: key & Self.groupMask)
        }
        while open.count > 1, open[open.count - 1].last != .max { close(&open) }
    }

    /// Ends the innermost open prefix; the one around it goes on.
    private mutating func close(_ open: inout [(last: UInt32, group: UInt64)]) {
        let ended = open.removeLast()
        add(start: ended.last + 1, group: open[open.count - 1].group)
    }

    /// From `start` on, addresses belong to `group`. A later call for one start replaces.
    private mutating func add(start: UInt32, group: UInt64) {
        if let last = pieces.last, last >> Self.groupBits == UInt64(start) {
            pieces.removeLast()
        }
        if let last = pieces.last, last & Self.groupMask == group { return }
        pieces.append(UInt64(start) << Self.groupBits | group)
    }

    /// The packed form of one block: its first group, then its cuts.
    static func words(of block: UInt32, _ routes: [FIBRoute], cover: UInt32) -> [UInt32] {
        let base = block << FIB.chunkBits
        let length = Int(32 - FIB.chunkBits)
        let whole = FIBRoute(IPv4Prefix(IPv4Address(base), length: length), group: cover)
        let first = UInt64(base) << groupBits
        let end = first + UInt64(FIB.chunkMask + 1) << groupBits
        var words: [UInt32] = []
        for piece in RangeList(routes + [whole], groupCount: FIB.mostGroups).pieces {
            guard piece < end else { break }
            if piece <= first | groupMask {
                words = [UInt32(truncatingIfNeeded: piece & groupMask)]
            } else {
                words.append(UInt32(truncatingIfNeeded: piece - first))
            }
        }
        return words
    }

    /// Number of packed ranges: a chunk with a cut inside stores its cuts and what it begins with.
    static func storedCount(of pieces: [UInt64]) -> Int {
        var count = 0
        var lastChunk = UInt32.max
        for piece in pieces {
            let start = UInt32(truncatingIfNeeded: piece >> groupBits)
            guard start & FIB.chunkMask != 0 else { continue }
            let chunk = start >> FIB.chunkBits
            count += chunk == lastChunk ? 1 : 2
            lastChunk = chunk
        }
        return count
    }

    /// Writes the packed form.
    static func store(_ pieces: [UInt64], root: FlatArray<UInt64>, ranges: FlatArray<UInt32>) {
        var next = 0
        var group: UInt64 = 0
        var stored = 0
        var chunk = 0
        while chunk < root.count {
            // Up to the next cut one group has every chunk.
            let cut =
                next < pieces.count
                ? Int(pieces[next] >> (groupBits + UInt64(FIB.chunkBits))) : root.count
            if cut > chunk {
                // A new table is zero, which is group 0: its pages need not be touched.
                if group != 0 { root.fill(chunk..<cut, with: group) }
                chunk = cut
                continue
            }
            defer { chunk += 1 }
            let base = UInt64(chunk) << UInt64(FIB.chunkBits)
            if next < pieces.count, pieces[next] >> groupBits == base {
                group = pieces[next] & groupMask
                next += 1
            }
            let end = (base + UInt64(FIB.chunkMask) + 1) << groupBits
            guard next < pieces.count, pieces[next] < end else {
                root[chunk] = group
                continue
            }
            let first = stored
            ranges[stored] = UInt32(truncatingIfNeeded: group)
            stored += 1
            while next < pieces.count, pieces[next] < end {
                ranges[stored] = UInt32(truncatingIfNeeded: pieces[next] - base << groupBits)
                group = pieces[next] & groupMask
                stored += 1
                next += 1
            }
            root[chunk] = UInt64(stored - first) << 32 | UInt64(first)
        }
    }
}
