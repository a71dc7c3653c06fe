public import Wire

/// The routing information base: every candidate route of every source, and the best of them.
///
/// The lowest administrative distance wins, then the lowest metric, then the source and the action
/// in a fixed order. Static routes of equal distance and metric are used together (ECMP). Every
/// change of the routes in use is handed out as a `RIBChange`, at most one per prefix and call, in
/// ascending order of prefixes.
public struct RIB: Sendable {
    /// Largest number of routes learned from routing protocols. Connected and static routes are as
    /// many as the configuration has, so that no neighbour can keep them out.
    public let limit: Int

    /// By `RouteSource.rawValue`.
    private var tables: [SourceTable]
    /// By `Side.rawValue`.
    private var sidesUp: [Bool]
    /// Next hops that static routes do not use.
    private var silent: Set<NextHop> = []
    /// Sets of ways that routes have. Most routes share few, so equal ones are one array.
    private var ways: Set<[NextHop]> = []
    /// By `RouteRefusal.rawValue`.
    private var refused = [Int](repeating: 0, count: RouteRefusal.allCases.count)

    /// An empty table; both sides count as up until `setSide` says otherwise.
    public init(limit: Int = 1_000_000) {
        self.limit = limit
        tables = RouteSource.allCases.map { SourceTable($0) }
        sidesUp = Side.allCases.map { _ in true }
    }

    /// Number of prefixes with a route in use.
    public private(set) var bestCount = 0

    /// Number of candidates of a source.
    public func count(of source: RouteSource) -> Int { tables[Int(source.rawValue)].count }

    /// How many announcements were refused for this reason since the start.
    public func refusals(for reason: RouteRefusal) -> Int { refused[Int(reason.rawValue)] }

    /// Whether a side is up.
    public func isUp(_ side: Side) -> Bool { sidesUp[side.index] }

    // MARK: Announcements

    /// Takes in a route. Expected O(1).
    ///
    /// OSPF and RIP have one route a prefix, and a new one replaces it. Connected and static routes
    /// to one prefix are kept side by side if they differ in any field. Next hops are sorted, and
    /// those beyond the first `Route.mostNextHops` are left out. `changes` receives the change of
    /// the route in use, if there is one.
    ///
    /// - Returns: Why the route was not stored; nil if it was.
    @discardableResult
    public mutating func announce(
        _ route: Route, into changes: inout [RIBChange]
    ) -> RouteRefusal? {
        guard let route = prepared(route) else { return refuse(.noNextHop) }
        let index = Int(route.source.rawValue)
        let room = room(for: route.source)
        let old = best(for: route.prefix)
        switch tables[index].insert(route, limit: room) {
        case .full: return refuse(.limit)
        case .unchanged: break
        case .changed: refresh(route.prefix, from: old, into: &changes)
        }
        return nil
    }

    /// Takes back every route of a source to a prefix. Expected O(1).
    ///
    /// - Returns: Whether there was one.
    @discardableResult
    public mutating func withdraw(
        _ prefix: IPv4Prefix, source: RouteSource, into changes: inout [RIBChange]
    ) -> Bool {
        let old = best(for: prefix)
        guard tables[Int(source.rawValue)].removeAll(prefix) else { return false }
        refresh(prefix, from: old, into: &changes)
        return true
    }

    /// Takes back one route with exactly these fields, and no other to the prefix. Expected O(1).
    ///
    /// - Returns: Whether it was there.
    @discardableResult
    public mutating func withdraw(_ route: Route, into changes: inout [RIBChange]) -> Bool {
        guard let route = route.normalized() else { return false }
        let old = best(for: route.prefix)
        guard tables[Int(route.source.rawValue)].remove(route) else { return false }
        refresh(route.prefix, from: old, into: &changes)
        return true
    }

    /// Makes `routes` the routes of `source`, for a reload or a full calculation. O(n log n) in the
    /// old and the new routes of the source. They count as routes of `source`, whatever source they
    /// name.
    public mutating func replaceAll(
        of source: RouteSource, with routes: [Route], into changes: inout [RIBChange]
    ) {
        let index = Int(source.rawValue)
        let room = room(for: source)
        var fresh = SourceTable(source, minimumCapacity: min(routes.count, room))
        for route in routes {
            guard let route = prepared(route) else {
                refuse(.noNextHop)
                continue
            }
            if fresh.insert(route, limit: room) == .full { refuse(.limit) }
        }
        let changed = fresh.differences(from: tables[index]).sorted()
        let old = changed.map { best(for: $0) }
        tables[index] = fresh
        for (prefix, old) in zip(changed, old) { refresh(prefix, from: old, into: &changes) }
    }

    /// Takes a side into or out of use: routes that only lead over a side that is down are not used
    /// until it is up again (RFC 1812 §5.3.12.3 and §5.3.12.4). O(n log n) in the routes it
    /// touches, after one pass over the table.
    public mutating func setSide(_ side: Side, isUp: Bool, into changes: inout [RIBChange]) {
        guard sidesUp[side.index] != isUp else { return }
        var list = PrefixList()
        for table in tables {
            table.collect(into: &list) { hops in hops.contains { $0.side == side } }
        }
        let touched = list.sorted()
        let old = touched.map { best(for: $0) }
        sidesUp[side.index] = isUp
        for (prefix, old) in zip(touched, old) { refresh(prefix, from: old, into: &changes) }
    }

    /// Names the next hops that static routes are not to use, instead of those named before. O(n
    /// log n) in the routes it touches, after one pass over the table.
    public mutating func setSilent(_ hops: Set<NextHop>, into changes: inout [RIBChange]) {
        let changed = hops.symmetricDifference(silent)
        guard !changed.isEmpty else { return }
        var list = PrefixList()
        tables[Int(RouteSource.static.rawValue)].collect(into: &list) {
            !changed.isDisjoint(with: $0)
        }
        let touched = list.sorted()
        let old = touched.map { best(for: $0) }
        silent = hops
        for (prefix, old) in zip(touched, old) { refresh(prefix, from: old, into: &changes) }
    }

    // MARK: Questions

    /// The route in use for exactly this prefix: the most preferred that is usable, merged with its
    /// equals as far as they are up. Chosen at each call, which costs less than keeping it: O(1).
    public func best(for prefix: IPv4Prefix) -> Route? {
        var winner: Route?
        for table in tables where table.count > 0 {
            table.forEach(to: prefix) { candidate in
                guard candidate.distance < 255, let action = live(candidate) else { return }
                var route = candidate
                route.action = action
                if let merged = winner?.merged(with: route) {
                    winner = merged
                } else if winner.map({ route.precedes($0) }) ?? true {
                    winner = route
                }
            }
        }
        return winner
    }

    /// Every route in use, by prefix. O(n log n).
    public var routesInUse: [Route] {
        var prefixes = PrefixList()
        for table in tables {
            for prefix in table.prefixes { prefixes.add(prefix) }
        }
        return prefixes.sorted().compactMap { best(for: $0) }
    }

    /// What the table knows about `address`: 33 probes (RFC 1812 §5.2.4.3).
    public func lookup(_ address: IPv4Address) -> RouteLookup {
        var answer = RouteLookup(address: address, best: nil, known: [])
        for length in stride(from: 32, through: 0, by: -1) {
            let prefix = IPv4Prefix(address, length: length)
            for var known in candidates(for: prefix) {
                if answer.best != nil, isUsable(known.route) { known.standing = .shorterPrefix }
                answer.known.append(known)
            }
            if answer.best == nil { answer.best = best(for: prefix) }
        }
        return answer
    }

    /// The candidates whose prefixes lie within `prefix` and that come from `source`, by prefix and
    /// then by preference; nil leaves either open. O(n log n).
    public func list(within prefix: IPv4Prefix? = nil, source: RouteSource? = nil) -> [KnownRoute] {
        var prefixes = PrefixList()
        for candidate in RouteSource.allCases where source == nil || source == candidate {
            for key in tables[Int(candidate.rawValue)].prefixes {
                if let prefix, key.length < prefix.length || !prefix.contains(key.address) {
                    continue
                }
                prefixes.add(key)
            }
        }
        return prefixes.sorted().flatMap { prefix in
            candidates(for: prefix).filter { source == nil || $0.route.source == source }
        }
    }

    /// The side whose connected networks hold `gateway`, by longest match; nil if none does.
    ///
    /// It does not matter whether the side is up: a static route keeps its side while it is down.
    public func resolve(gateway: IPv4Address) -> Side? {
        let connected = tables[Int(RouteSource.connected.rawValue)]
        for length in stride(from: 32, through: 0, by: -1) {
            let routes = connected.routes(to: IPv4Prefix(gateway, length: length))
            if case .forward(let hops) = routes.min(by: { $0.precedes($1) })?.action {
                return hops.first?.side
            }
        }
        return nil
    }

    /// The connected routes that follow from the addresses of a side: one a network, none for the
    /// 32-bit prefixes, which hold nobody else.
    public static func connected(_ addresses: [InterfaceAddress], on side: Side) -> [Route] {
        var prefixes = PrefixList()
        for address in addresses where address.prefix.length < 32 { prefixes.add(address.prefix) }
        return prefixes.sorted().map {
            Route($0, source: .connected, action: .forward([NextHop(side: side)]))
        }
    }

    /// The route as it is kept; nil if it forwards without next hops.
    private mutating func prepared(_ route: Route) -> Route? {
        guard var route = route.normalized() else { return nil }
        if case .forward(let hops) = route.action {
            // Nobody counts who has a set; to share again from the start is cheap.
            if ways.count >= 1024 { ways.removeAll() }
            route.action = .forward(ways.insert(hops).memberAfterInsert)
        }
        return route
    }

    // MARK: Selection

    /// The candidates to exactly this prefix, by preference, each with its standing.
    private func candidates(for prefix: IPv4Prefix) -> [KnownRoute] {
        let winner = best(for: prefix)
        return tables.flatMap { $0.routes(to: prefix) }
            .sorted { $0.precedes($1) }
            .map { KnownRoute($0, standing(of: $0, against: winner)) }
    }

    private func isUsable(_ route: Route) -> Bool {
        route.distance < 255 && live(route) != nil
    }

    /// The action without the ways that are out of use; nil if none is left.
    private func live(_ route: Route) -> RouteAction? {
        guard let action = route.action.live(sidesUp) else { return nil }
        guard !silent.isEmpty, route.source == .static, case .forward(let hops) = action,
            hops.contains(where: silent.contains)
        else { return action }
        let left = hops.filter { !silent.contains($0) }
        return left.isEmpty ? nil : .forward(left)
    }

    /// How a candidate stands against the route in use for its prefix.
    private func standing(of route: Route, against winner: Route?) -> RouteStanding {
        guard route.distance < 255 else { return .unusableDistance }
        guard route.action.live(sidesUp) != nil else { return .sideDown }
        guard let live = live(route), let winner else { return .silent }
        if route.distance != winner.distance { return .distance }
        if route.metric != winner.metric { return .metric }
        guard route.source == winner.source else { return .tie }
        if live == winner.action { return .best }
        guard route.source.mergesWays, case .forward(let ways) = live,
            case .forward(let inUse) = winner.action
        else { return .tie }
        return ways.contains(where: inUse.contains) ? .best : .tooManyWays
    }

    /// Chooses anew for a prefix and tells the difference to the `old` choice.
    private mutating func refresh(
        _ prefix: IPv4Prefix, from old: Route?, into changes: inout [RIBChange]
    ) {
        let new = best(for: prefix)
        guard new != old else { return }
        bestCount += (new == nil ? 0 : 1) - (old == nil ? 0 : 1)
        if let new {
            let info = RouteInfo(source: new.source, distance: new.distance, metric: new.metric)
            changes.append(.set(prefix, new.action, info))
        } else {
            changes.append(.remove(prefix))
        }
    }

    /// Largest number of routes a source may have now.
    private func room(for source: RouteSource) -> Int {
        if source.isConfigured { return .max }
        let others = RouteSource.allCases.filter { !$0.isConfigured && $0 != source }
        return max(limit - others.reduce(0) { $0 + count(of: $1) }, 0)
    }

    @discardableResult
    private mutating func refuse(_ reason: RouteRefusal) -> RouteRefusal {
        refused[Int(reason.rawValue)] += 1
        return reason
    }
}

extension RouteSource {
    /// Whether the routes come from the configuration: bounded by it, several to a prefix.
    var isConfigured: Bool { self == .connected || self == .static }
    /// Whether routes of equal distance and metric are used together.
    var mergesWays: Bool { self == .static }
}

extension RouteAction {
    /// The action without the ways on sides that are down; nil if none is left.
    func live(_ sidesUp: [Bool]) -> RouteAction? {
        guard case .forward(let hops) = self else { return self }
        if hops.allSatisfy({ sidesUp[$0.side.index] }) { return self }
        let left = hops.filter { sidesUp[$0.side.index] }
        return left.isEmpty ? nil : .forward(left)
    }

    /// Forwarding before the ways of dropping, the silent one first.
    private var rank: Int {
        switch self {
        case .forward: 0
        case .blackhole: 1
        case .unreachable: 2
        case .prohibit: 3
        }
    }

    /// A fixed order among the actions of routes that are equal otherwise.
    func precedes(_ other: RouteAction) -> Bool {
        if case .forward(let mine) = self, case .forward(let theirs) = other {
            return mine.lexicographicallyPrecedes(theirs)
        }
        return rank < other.rank
    }
}

extension Route {
    /// The route with sorted, distinct next hops, at most `mostNextHops`; nil if it forwards
    /// without any.
    func normalized() -> Route? {
        guard case .forward(let hops) = action else { return self }
        if hops.count == 1 { return self }
        var route = self
        let ways = Self.sortedWays(hops)
        route.action = .forward(ways)
        return ways.isEmpty ? nil : route
    }

    /// The two routes as one, if they are used together.
    func merged(with other: Route) -> Route? {
        guard source.mergesWays, source == other.source, distance == other.distance,
            metric == other.metric, case .forward(let mine) = action,
            case .forward(let theirs) = other.action
        else { return nil }
        var route = self
        route.action = .forward(Self.sortedWays(mine + theirs))
        return route
    }

    private static func sortedWays(_ hops: [NextHop]) -> [NextHop] {
        Array(Set(hops).sorted().prefix(mostNextHops))
    }

    /// Whether this route is preferred to another one to the same prefix. A total order.
    func precedes(_ other: Route) -> Bool {
        let mine = (distance, metric, source.rawValue)
        let theirs = (other.distance, other.metric, other.source.rawValue)
        return mine == theirs ? action.precedes(other.action) : mine < theirs
    }
}
