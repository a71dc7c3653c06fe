import Wire

/// The candidates of one source by prefix.
struct SourceTable: Sendable {
    /// What came of an insertion.
    enum Outcome {
        case changed, unchanged, full
    }

    /// Never an empty list; one route a prefix unless `keepsSeveral`.
    private(set) var routes: [IPv4Prefix: [Route]]
    /// Number of candidates.
    private(set) var count = 0
    /// Whether a prefix may have several routes, told apart by all their fields.
    let keepsSeveral: Bool

    init(keepsSeveral: Bool, minimumCapacity: Int = 0) {
        self.keepsSeveral = keepsSeveral
        routes = Dictionary(minimumCapacity: minimumCapacity)
    }

    /// Adds a route or replaces the one it succeeds, unless that makes more than `limit` routes.
    mutating func insert(_ route: Route, limit: Int) -> Outcome {
        guard let known = routes[route.prefix] else {
            guard count < limit else { return .full }
            routes[route.prefix] = [route]
            count += 1
            return .changed
        }
        if known.contains(route) { return .unchanged }
        guard keepsSeveral else {
            routes[route.prefix] = [route]
            return .changed
        }
        guard count < limit else { return .full }
        routes[route.prefix] = known + [route]
        count += 1
        return .changed
    }

    /// Removes exactly this route. False if it was not there.
    mutating func remove(_ route: Route) -> Bool {
        guard let known = routes[route.prefix], known.contains(route) else { return false }
        let rest = known.filter { $0 != route }
        routes[route.prefix] = rest.isEmpty ? nil : rest
        count -= 1
        return true
    }

    /// Removes all routes to a prefix. False if there was none.
    mutating func removeAll(_ prefix: IPv4Prefix) -> Bool {
        guard let known = routes.removeValue(forKey: prefix) else { return false }
        count -= known.count
        return true
    }

    /// The prefixes whose candidates are not those of `other`.
    func differences(from other: SourceTable) -> PrefixList {
        var changed = PrefixList()
        for (prefix, candidates) in routes where other.routes[prefix] != candidates {
            changed.add(prefix)
        }
        for prefix in other.routes.keys where routes[prefix] == nil { changed.add(prefix) }
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
