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

    private var routes: [IPv4Prefix: UInt32] = [:]
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

    /// Number of prefixes.
    public var routeCount: Int { routes.count }

    /// Takes in what changed in the RIB. Expected O(1) a change.
    ///
    /// - Returns: Whether a table built now would forward differently.
    @discardableResult
    public mutating func apply(_ changes: [RIBChange]) -> Bool {
        var isDifferent = false
        for change in changes {
            switch change {
            case .set(let prefix, let action, _):
                let old = routes[prefix]
                if let old, slots[Int(old)].action == action { continue }
                routes[prefix] = enter(action)
                if let old { leave(old) }
                isDifferent = true
            case .remove(let prefix):
                guard let old = routes.removeValue(forKey: prefix) else { continue }
                leave(old)
                isDifferent = true
            }
        }
        return isDifferent
    }

    /// A table of the routes as they are now, with the next generation. O(n log n).
    public mutating func build() -> FIB {
        generation &+= 1
        return FIB(
            routes: routes.map { FIBRoute($0.key, group: $0.value) },
            groups: [NextHopGroup(.none)] + slots.dropFirst().map { NextHopGroup(for: $0.action) },
            generation: generation)
    }

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
