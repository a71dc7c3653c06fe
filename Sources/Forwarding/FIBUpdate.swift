import Memory
import Wire

/// What a table has left for patches; the control thread keeps it for the table it handed over.
public struct FIBRoom: Sendable {
    /// Words of the array of ranges that are in use, and all there are.
    var ranges: Int
    let mostRanges: Int
    /// Groups there is room for.
    public let groups: Int
}

/// A difference between two tables: groups, and blocks of 16,384 addresses cut anew.
///
/// New ranges go behind those in use, so that what it takes to apply a patch is to copy it. The
/// words of the old ranges lie idle until the next whole table.
public struct FIBPatch: Sendable {
    /// Largest number of blocks worth a patch.
    public static let mostBlocks = 4096

    /// Number of the table it makes of the one before.
    public let generation: UInt32
    let routeCount: Int
    private(set) var groups: [(number: UInt32, group: NextHopGroup)] = []
    private(set) var roots: [(block: Int, entry: UInt64)] = []
    /// Where `ranges` begin.
    let first: Int
    private(set) var ranges: [UInt32] = []

    /// A patch that changes nothing but the generation.
    public init(generation: UInt32, routeCount: Int, _ room: FIBRoom) {
        self.generation = generation
        self.routeCount = routeCount
        first = room.ranges
    }

    /// Groups it sets.
    public var groupCount: Int { groups.count }
    /// Blocks it cuts anew.
    public var blockCount: Int { roots.count }

    /// Sets a group, which must be within the table's room.
    public mutating func set(_ number: UInt32, _ group: NextHopGroup) {
        groups.append((number, group))
    }

    /// Cuts a block anew by the routes that lie in it, `cover` being the group of all of it;
    /// false, with nothing changed, if the table has no room. O(n log n).
    public mutating func cut(
        _ block: UInt32, _ routes: [FIBRoute], cover: UInt32, _ room: inout FIBRoom
    ) -> Bool {
        let words = RangeList.words(of: block, routes, cover: cover)
        guard words.count > 1 else {
            roots.append((Int(block), UInt64(words.first ?? 0)))
            return true
        }
        guard room.ranges + words.count <= room.mostRanges else { return false }
        roots.append((Int(block), UInt64(words.count) << 32 | UInt64(room.ranges)))
        ranges += words
        room.ranges += words.count
        return true
    }
}

/// What the control thread hands to the packet path: a table, or what changes in the one it has.
///
/// The packet path owns its table and takes updates between packets, in order and each once: there
/// is nothing to lock and nobody to wait for.
public enum FIBUpdate: ~Copyable, Sendable {
    /// Another table.
    case table(FIB)
    /// A difference to the last update.
    case patch(FIBPatch)

    /// The same for another worker, if there is one.
    public static func copy(of update: borrowing FIBUpdate?) -> FIBUpdate? {
        switch update {
        case .some(let update): update.copy()
        case .none: nil
        }
    }

    private borrowing func copy() -> FIBUpdate {
        switch self {
        case .table(let table): .table(table.copy())
        case .patch(let patch): .patch(patch)
        }
    }
}

extension FIB {
    /// What is left for patches.
    public var room: FIBRoom {
        FIBRoom(ranges: rangesUsed, mostRanges: ranges.count, groups: groups.count)
    }

    /// Applies a patch made for this table. O(size of the patch); allocates nothing.
    public mutating func apply(_ patch: borrowing FIBPatch) {
        precondition(patch.generation == generation &+ 1 && patch.first == rangesUsed)
        for (number, group) in patch.groups { groups[number] = group }
        for word in patch.ranges {
            ranges[rangesUsed] = word
            rangesUsed += 1
        }
        for (block, entry) in patch.roots { root[block] = entry }
        generation = patch.generation
        routeCount = patch.routeCount
    }
}
