internal import Wire

/// One path to a network, as it competes with others.
struct Path {
    /// Address and length in one number, in the order of prefixes.
    var key: UInt64
    var kind: OSPFRouteKind
    /// Of an external of type 2; else 0.
    var metric2: UInt32 = 0
    /// Whether an external's router is not reached within an area other than the backbone, which
    /// is preferred (RFC 2328 §16.4.1).
    var isFarther = false
    var cost: UInt32
    var hops: UInt32
    var area: Int
    /// Whether it is a network of ours, which is no news to the routing table.
    var isOurs = false

    init(_ prefix: IPv4Prefix, _ kind: OSPFRouteKind, cost: UInt32, hops: UInt32, area: Int) {
        key = UInt64(prefix.address.rawValue) << 8 | UInt64(prefix.length)
        self.kind = kind
        self.cost = cost
        self.hops = hops
        self.area = area
    }

    var prefix: IPv4Prefix { Self.prefix(key) }

    static func prefix(_ key: UInt64) -> IPv4Prefix {
        IPv4Prefix(IPv4Address(UInt32(truncatingIfNeeded: key >> 8)), length: Int(key & 63))
    }

    /// Less is better (RFC 2328 §11 and §16.4 step 6).
    var rank: (UInt64, UInt32) {
        (
            UInt64(kind.rawValue) << 40 | UInt64(metric2) << 8 | (isFarther ? 1 : 0),
            cost
        )
    }

    /// The best of each prefix, by prefix, equal ones joined.
    static func best(_ paths: [Path], _ hops: inout HopSets) -> [Path] {
        let sorted = paths.sorted { $0.key == $1.key ? $0.rank < $1.rank : $0.key < $1.key }
        var result: [Path] = []
        for path in sorted {
            guard let last = result.last, last.key == path.key else {
                result.append(path)
                continue
            }
            guard last.rank == path.rank else { continue }
            result[result.count - 1].hops = hops.union(last.hops, path.hops)
            result[result.count - 1].isOurs = last.isOurs || path.isOurs
        }
        return result
    }
}

/// A route as it was given out.
struct FoundRoute: Hashable {
    var prefix: IPv4Prefix
    var kind: OSPFRouteKind
    /// As announced to others: of an external of type 2 its own metric.
    var cost: UInt32
    var area: Int
    var ways: [OSPFWay]
    /// A range of ours: what hits none of its networks is dropped.
    var isDiscard = false
    /// Whether the routing table has it from us.
    var isGiven: Bool

    var change: OSPFChange {
        isDiscard ? .discard(prefix) : .set(prefix, kind, metric: cost, ways: ways)
    }

    /// What turns the routes given into those found, both by prefix.
    static func changes(from old: [FoundRoute], to new: [FoundRoute]) -> [OSPFChange] {
        var (result, a, b): ([OSPFChange], Int, Int) = ([], 0, 0)
        while a < old.count || b < new.count {
            let isOnlyOld = b == new.count || a < old.count && old[a].prefix < new[b].prefix
            let isOnlyNew = !isOnlyOld && (a == old.count || new[b].prefix < old[a].prefix)
            if isOnlyOld {
                if old[a].isGiven { result.append(.remove(old[a].prefix)) }
                a += 1
                continue
            }
            if isOnlyNew {
                if new[b].isGiven { result.append(new[b].change) }
            } else {
                if new[b].isGiven {
                    if !old[a].isGiven || old[a].change != new[b].change {
                        result.append(new[b].change)
                    }
                } else if old[a].isGiven {
                    result.append(.remove(old[a].prefix))
                }
                a += 1
            }
            b += 1
        }
        return result
    }
}

/// The way to a router at the edge of the system (RFC 2328 §16.4 step 3).
struct BoundaryRoute {
    var router: IPv4Address
    var area: Int
    var cost: UInt32
    var hops: UInt32
    var isIntraArea: Bool
    /// See `Path.isFarther`.
    var isFarther: Bool
}
