public import Forwarding
public import Routing
import Wire

/// The control thread's copy of the routes in use, from which forwarding tables are built.
///
/// Routes with the same action share a group, so a table has as many groups as there are different
/// sets of next hops, not as many as there are routes.
public struct FIBBuilder: Sendable {
    /// A group and how many prefixes follow it.
    private struct Slot {
        var action: RouteAction
        var users: Int
    }

    /// The group every prefix without a group of its own falls back to; never given up.
    private static let fallback: UInt32 = 1

    /// Groups of prefixes that hold whole blocks of the table.
    private var short: [IPv4Prefix: UInt32] = [:]
    /// Of those, how many there are by length.
    private var shortCounts = [Int](repeating: 0, count: FIB.blockLength + 1)
    /// Prefixes within one block, by block; each list ascends.
    private var long: [UInt32: [FIBRoute]] = [:]
    /// Number of prefixes.
    public private(set) var routeCount = 0
    /// What differs from the last table handed out: blocks, and groups.
    private var blocks: Set<UInt32> = []
    private var changedGroups: Set<UInt32> = []
    /// Room of the last table; nil if the next one has to be whole.
    private var room: FIBRoom?
    /// By group number; group 0, no route, has no slot in use.
    private var slots: [Slot]
    private var groups: [RouteAction: UInt32]
    private var free: [UInt32] = []
    private let mostGroups: Int
    /// Number of the last table built; 0 before the first.
    public private(set) var generation: UInt32 = 0
    /// Prefixes made unreachable, until their routes change, because there were `mostGroups`
    /// different actions already.
    public private(set) var groupRefusals = 0

    /// No routes.
    ///
    /// - Parameter mostGroups: Largest number of groups, 2 to `FIB.mostGroups`, the first two being
    ///   taken.
    public init(mostGroups: Int = FIB.mostGroups) {
        precondition((2...FIB.mostGroups).contains(mostGroups))
        self.mostGroups = mostGroups
        slots = [
            Slot(action: .blackhole, users: 0), Slot(action: .unreachable, users: 1),
        ]
        groups = [.unreachable: Self.fallback]
    }

    /// Takes in what changed in the RIB. Expected O(1) a change.
    ///
    /// - Returns: Whether a table built now would forward differently.
    @discardableResult
    public mutating func apply(_ changes: [RIBChange]) -> Bool {
        var isDifferent = false
        for change in changes {
            switch change {
            case .set(let prefix, let action, _):
                let old = group(of: prefix)
                if let old, slots[Int(old)].action == action { continue }
                put(prefix, enter(action))
                if let old { leave(old) }
                isDifferent = true
            case .remove(let prefix):
                guard let old = group(of: prefix) else { continue }
                put(prefix, nil)
                leave(old)
                isDifferent = true
            }
        }
        return isDifferent
    }

    /// What to publish: a patch for few changes, else a table. The generation counts both.
    public mutating func update() -> FIBUpdate {
        guard var left = room, blocks.count <= FIBPatch.mostBlocks else { return .table(build()) }
        var patch = FIBPatch(generation: generation &+ 1, routeCount: routeCount, left)
        for number in changedGroups {
            guard Int(number) < left.groups else { return .table(build()) }
            patch.set(number, NextHopGroup(for: slots[Int(number)].action))
        }
        for block in blocks {
            guard patch.cut(block, long[block] ?? [], cover: cover(of: block), &left) else {
                return .table(build())
            }
        }
        room = left
        handedOut()
        return .patch(patch)
    }

    /// A patch that takes lost ways out of every group that has others; nil if none has.
    ///
    /// Its size does not depend on how many prefixes follow the groups, so packets turn to the
    /// other ways at once, long before the routes are worked through. The next `update` restores
    /// what is still wanted. O(groups).
    mutating func failover(where isLost: (NextHop) -> Bool) -> FIBUpdate? {
        guard let room else { return nil }
        var patch = FIBPatch(generation: generation &+ 1, routeCount: routeCount, room)
        for number in slots.indices.dropFirst() where slots[number].users > 0 {
            guard number < room.groups, case .forward(let hops) = slots[number].action else {
                continue
            }
            let left = hops.filter { !isLost($0) }
            guard !left.isEmpty, left.count < hops.count else { continue }
            patch.set(UInt32(number), NextHopGroup(for: .forward(left)))
            changedGroups.insert(UInt32(number))
        }
        guard patch.groupCount > 0 else { return nil }
        generation &+= 1
        return .patch(patch)
    }

    /// A table of the routes as they are now, with the next generation. O(n log n).
    public mutating func build() -> FIB {
        handedOut()
        var routes: [FIBRoute] = []
        routes.reserveCapacity(routeCount)
        for (prefix, group) in short { routes.append(FIBRoute(prefix, group: group)) }
        for list in long.values { routes += list }
        let fib = FIB(
            routes: routes,
            groups: [NextHopGroup(.none)] + slots.dropFirst().map { NextHopGroup(for: $0.action) },
            generation: generation)
        room = fib.room
        return fib
    }

    private mutating func handedOut() {
        generation &+= 1
        blocks.removeAll(keepingCapacity: blocks.count < FIBPatch.mostBlocks)
        changedGroups.removeAll()
    }

    // MARK: Prefixes

    /// Where a long prefix is in the list of its block, or belongs.
    private func place(_ prefix: IPv4Prefix, in list: [FIBRoute]) -> (Int, isThere: Bool) {
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            let other = list[middle].prefix
            if other == prefix { return (middle, true) }
            if (other.address.rawValue, other.length) < (prefix.address.rawValue, prefix.length) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return (low, false)
    }

    private func group(of prefix: IPv4Prefix) -> UInt32? {
        guard Int(prefix.length) > FIB.blockLength else { return short[prefix] }
        guard let list = long[FIB.block(of: prefix.address)] else { return nil }
        let (index, isThere) = place(prefix, in: list)
        return isThere ? list[index].group : nil
    }

    /// Gives a prefix a group, or takes it out.
    private mutating func put(_ prefix: IPv4Prefix, _ group: UInt32?) {
        let block = FIB.block(of: prefix.address)
        guard Int(prefix.length) > FIB.blockLength else {
            let before = short.updateValue(group ?? 0, forKey: prefix)
            if group == nil { short[prefix] = nil }
            let length = Int(prefix.length)
            count(length, (group == nil ? 0 : 1) - (before == nil ? 0 : 1))
            return touch(block, count: 1 << UInt32(FIB.blockLength - length))
        }
        var list = long.removeValue(forKey: block) ?? []
        let (index, isThere) = place(prefix, in: list)
        if let group {
            let route = FIBRoute(prefix, group: group)
            if isThere { list[index] = route } else { list.insert(route, at: index) }
        } else if isThere {
            list.remove(at: index)
        }
        routeCount += (group == nil ? 0 : 1) - (isThere ? 1 : 0)
        if !list.isEmpty { long[block] = list }
        touch(block, count: 1)
    }

    private mutating func count(_ length: Int, _ change: Int) {
        shortCounts[length] += change
        routeCount += change
    }

    /// Blocks that have to be cut anew.
    private mutating func touch(_ first: UInt32, count: UInt32) {
        guard room != nil else { return }
        guard blocks.count + Int(count) <= FIBPatch.mostBlocks else {
            room = nil
            return
        }
        for block in first..<first + count { blocks.insert(block) }
    }

    /// The group of the longest prefix that holds a whole block; 0 for none.
    private func cover(of block: UInt32) -> UInt32 {
        let address = IPv4Address(block << UInt32(32 - FIB.blockLength))
        for length in stride(from: FIB.blockLength, through: 0, by: -1)
        where shortCounts[length] > 0 {
            if let group = short[IPv4Prefix(address, length: length)] { return group }
        }
        return 0
    }

    // MARK: Groups

    /// The group of an action, one user more.
    private mutating func enter(_ action: RouteAction) -> UInt32 {
        if let group = groups[action] {
            slots[Int(group)].users += 1
            return group
        }
        let group: UInt32
        if let unused = free.popLast() {
            group = unused
            slots[Int(group)] = Slot(action: action, users: 1)
        } else if slots.count < mostGroups {
            group = UInt32(slots.count)
            slots.append(Slot(action: action, users: 1))
        } else {
            groupRefusals += 1
            slots[Int(Self.fallback)].users += 1
            return Self.fallback
        }
        groups[action] = group
        changedGroups.insert(group)
        return group
    }

    /// One user of a group fewer.
    private mutating func leave(_ group: UInt32) {
        slots[Int(group)].users -= 1
        guard slots[Int(group)].users == 0 else { return }
        groups[slots[Int(group)].action] = nil
        free.append(group)
    }
}

extension NextHopGroup {
    /// The group that does what a route says.
    init(for action: RouteAction) {
        switch action {
        case .forward(let hops):
            self.init(forward: hops.map { FIBNextHop(side: $0.side, gateway: $0.gateway) })
        case .blackhole: self.init(.blackhole)
        case .unreachable: self.init(.unreachable)
        case .prohibit: self.init(.prohibit)
        }
    }
}
