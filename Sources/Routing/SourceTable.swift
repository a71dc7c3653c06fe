import Wire

/// The candidates of one source by prefix.
struct SourceTable: Sendable {
    /// What came of an insertion.
    enum Outcome {
        case changed, unchanged, full
    }

    /// A candidate without what the table knows of it, its prefix and source.
    private struct Entry: Hashable {
        let action: RouteAction
        let metric: UInt32
        let distance: UInt8

        init(_ route: Route) {
            action = route.action
            metric = route.metric
            distance = route.distance
        }
    }

    /// Nearly every prefix has one candidate, which lies in the array itself: 16 octets.
    private enum Entries: Equatable {
        case one(Entry)
        case several([Entry])

        /// Nil for none.
        init?(_ list: [Entry]) {
            guard let first = list.first else { return nil }
            self = list.count == 1 ? .one(first) : .several(list)
        }

        var list: [Entry] {
            switch self {
            case .one(let entry): [entry]
            case .several(let list): list
            }
        }
    }

    /// By prefix the place in `entries`: a dictionary is up to two thirds empty, an array is not.
    private var places: [IPv4Prefix: UInt32]
    private var entries: [Entries] = []
    /// Places that no prefix has.
    private var free: [UInt32] = []
    /// Whose candidates they are.
    let source: RouteSource
    /// Number of candidates.
    private(set) var count = 0

    init(_ source: RouteSource, minimumCapacity: Int = 0) {
        self.source = source
        places = Dictionary(minimumCapacity: minimumCapacity)
    }

    /// The prefixes with a candidate, in no order.
    var prefixes: some Sequence<IPv4Prefix> { places.keys }

    private func known(_ prefix: IPv4Prefix) -> Entries? { places[prefix].map { entries[Int($0)] } }

    private mutating func set(_ prefix: IPv4Prefix, _ known: Entries) {
        if let place = places[prefix] {
            entries[Int(place)] = known
        } else if let place = free.popLast() {
            entries[Int(place)] = known
            places[prefix] = place
        } else {
            places[prefix] = UInt32(entries.count)
            entries.append(known)
        }
    }

    /// What was known of the prefix.
    private mutating func forget(_ prefix: IPv4Prefix) -> Entries? {
        guard let place = places.removeValue(forKey: prefix) else { return nil }
        let known = entries[Int(place)]
        // Nothing, so that what it held is given back.
        entries[Int(place)] = .several([])
        free.append(place)
        if places.isEmpty { (entries, free) = ([], []) }
        return known
    }

    private func route(_ prefix: IPv4Prefix, _ entry: Entry) -> Route {
        Route(
            prefix, source: source, distance: entry.distance, metric: entry.metric,
            action: entry.action)
    }

    /// The candidates to exactly this prefix.
    func routes(to prefix: IPv4Prefix) -> [Route] {
        var list: [Route] = []
        forEach(to: prefix) { list.append($0) }
        return list
    }

    /// Looks at the candidates to exactly this prefix. Nothing is allocated.
    func forEach(to prefix: IPv4Prefix, _ body: (Route) -> Void) {
        switch known(prefix) {
        case nil: break
        case .one(let entry): body(route(prefix, entry))
        case .several(let list): for entry in list { body(route(prefix, entry)) }
        }
    }

    /// The prefixes with a candidate whose next hops are some that are looked for. O(n).
    func collect(into prefixes: inout PrefixList, where isWanted: ([NextHop]) -> Bool) {
        func leads(_ entry: Entry) -> Bool {
            guard case .forward(let hops) = entry.action else { return false }
            return isWanted(hops)
        }
        for (prefix, place) in places {
            let isFound =
                switch entries[Int(place)] {
                case .one(let entry): leads(entry)
                case .several(let list): list.contains(where: leads)
                }
            if isFound { prefixes.add(prefix) }
        }
    }

    /// Adds a route or replaces the one it succeeds, unless that makes more than `limit` routes.
    mutating func insert(_ route: Route, limit: Int) -> Outcome {
        let entry = Entry(route)
        guard let known = known(route.prefix) else {
            guard count < limit else { return .full }
            set(route.prefix, .one(entry))
            count += 1
            return .changed
        }
        let list = known.list
        if list.contains(entry) { return .unchanged }
        guard source.isConfigured else {
            set(route.prefix, .one(entry))
            return .changed
        }
        guard count < limit else { return .full }
        set(route.prefix, .several(list + [entry]))
        count += 1
        return .changed
    }

    /// Removes exactly this route. False if it was not there.
    mutating func remove(_ route: Route) -> Bool {
        let entry = Entry(route)
        guard let list = known(route.prefix)?.list, list.contains(entry) else { return false }
        if let left = Entries(list.filter { $0 != entry }) {
            set(route.prefix, left)
        } else {
            _ = forget(route.prefix)
        }
        count -= 1
        return true
    }

    /// Removes all routes to a prefix. False if there was none.
    mutating func removeAll(_ prefix: IPv4Prefix) -> Bool {
        guard let known = forget(prefix) else { return false }
        count -= known.list.count
        return true
    }

    /// The prefixes whose candidates are not those of `other`.
    func differences(from other: SourceTable) -> PrefixList {
        var changed = PrefixList()
        for (prefix, place) in places where other.known(prefix) != entries[Int(place)] {
            changed.add(prefix)
        }
        for prefix in other.prefixes where places[prefix] == nil { changed.add(prefix) }
        return changed
    }
}

/// Prefixes to be worked off in ascending order, each once, so that equal histories give equal
/// changes although dictionaries are in no order.
struct PrefixList: Sendable {
    private var keys: [UInt64] = []

    mutating func add(_ prefix: IPv4Prefix) {
        keys.append(UInt64(prefix.address.rawValue) << 8 | UInt64(prefix.length))
    }

    /// The prefixes, sorted, without repetitions.
    consuming func sorted() -> [IPv4Prefix] {
        keys.sort()
        var result: [IPv4Prefix] = []
        result.reserveCapacity(keys.count)
        var last = UInt64.max
        for key in keys where key != last {
            last = key
            let address = IPv4Address(UInt32(truncatingIfNeeded: key >> 8))
            result.append(IPv4Prefix(address, length: Int(key & 63)))
        }
        return result
    }
}
