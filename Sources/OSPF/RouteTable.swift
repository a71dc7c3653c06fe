internal import Memory
internal import Wire

/// The best path to a network.
struct Path: Hashable {
    var kind: OSPFRouteKind
    /// Whether an external's router is not reached within an area other than the backbone, which
    /// is preferred (RFC 2328 §16.4.1).
    var isFarther = false
    /// Whether it is a network of ours, which is no news to the routing table.
    var isOurs = false
    var area: UInt16
    /// Of an external of type 2; else 0.
    var metric2: UInt32 = 0
    var cost: UInt32
    var hops: UInt32

    init(_ kind: OSPFRouteKind, cost: UInt32, hops: UInt32, area: Int) {
        self.kind = kind
        self.cost = cost
        self.hops = hops
        self.area = UInt16(truncatingIfNeeded: area)
    }

    /// To a network outside that an LSA announces, by a way of this cost and these hops.
    init(outside lsa: LSA, cost: UInt32, hops: UInt32, area: Int) {
        let isType2 = lsa.isType2
        self.init(
            isType2 ? .externalType2 : .externalType1, cost: isType2 ? cost : cost &+ lsa.cost,
            hops: hops, area: area)
        metric2 = isType2 ? lsa.cost : 0
    }

    /// As announced to others: of an external of type 2 its own metric.
    var metric: UInt32 { kind == .externalType2 ? metric2 : cost }
    /// Whether it leads to a network of the system itself.
    var isInside: Bool { kind <= .interArea }

    /// Less is better (RFC 2328 §11 and §16.4 step 6).
    private var rank: (UInt64, UInt32) {
        (
            UInt64(kind.rawValue) << 40 | UInt64(metric2) << 8 | (isFarther ? 1 : 0),
            cost
        )
    }

    /// The better one, or both in one.
    static func best(_ a: Path?, _ b: Path, _ hops: inout HopSets) -> Path {
        guard var result = a, result.rank <= b.rank else { return b }
        guard result.rank == b.rank else { return result }
        result.hops = hops.union(result.hops, b.hops)
        result.isOurs = result.isOurs || b.isOurs
        result.area = min(result.area, b.area)
        return result
    }
}

/// Every network that an LSA says something of, all that is said, and the best path. LSAs are known
/// by their numbers in the database.
struct RouteTable: ~Copyable {
    /// What an LSA says of a network.
    struct Claim {
        enum Kind: UInt8 { case intraArea, interArea, external }

        var entry: UInt32
        // Other claims to the same network.
        var next = RouteTable.none
        var previous = RouteTable.none
        /// Another claim of the same LSA.
        var sibling: UInt32
        /// Inside an area a vertex of its graph, of another area the border router, else the LSA.
        var source: UInt32
        var cost: UInt32
        var area: UInt16
        var kind: Kind
    }

    /// A network: 32 octets.
    struct Entry {
        var path: Path?
        var first = RouteTable.none
        private let address: UInt32
        private var length: UInt8
        /// Whether it is one of `dirty`.
        var isDirty = false

        init(key: UInt64) {
            address = UInt32(truncatingIfNeeded: key >> 8)
            length = UInt8(truncatingIfNeeded: key)
        }

        var key: UInt64 { UInt64(address) << 8 | UInt64(length) }
        var isUnused: Bool { length == .max }

        mutating func forget() { length = .max }
    }

    static let none = UInt32.max
    private(set) var claims: [Claim] = []
    private(set) var entries: [Entry] = []
    private var index: PrefixIndex
    private var freeClaims: [UInt32] = []
    private var freeEntries: [UInt32] = []
    /// By LSA: its first claim.
    private var firstClaim: [UInt32] = []
    /// Networks of these lengths there are.
    private var lengths = [Int](repeating: 0, count: 33)
    /// LSAs that name a forwarding address.
    private(set) var forwarded: Set<UInt32> = []
    /// Entries whose best path is to be found anew.
    private(set) var dirty: [UInt32] = []
    /// Networks reached.
    private(set) var count = 0

    init(_ key: HashKey) { index = PrefixIndex(capacity: 64, key) }

    static func key(_ prefix: IPv4Prefix) -> UInt64 {
        UInt64(prefix.address.rawValue) << 8 | UInt64(prefix.length)
    }

    static func prefix(_ key: UInt64) -> IPv4Prefix {
        IPv4Prefix(IPv4Address(UInt32(truncatingIfNeeded: key >> 8)), length: Int(key & 63))
    }

    // MARK: What LSAs say

    /// Takes in what an LSA says now.
    ///
    /// - Parameter vertex: The one it describes.
    mutating func replace(_ number: UInt32, _ database: borrowing Database, vertex: UInt32?) {
        drop(number)
        guard let record = database.records[Int(number)], !record.isFlushed else { return }
        let area = if case .area(let number) = record.scope { number } else { 0 }
        func claim(_ kind: Claim.Kind, _ source: UInt32, _ cost: UInt32) -> Claim {
            Claim(
                entry: Self.none, sibling: Self.none, source: source, cost: cost,
                area: UInt16(truncatingIfNeeded: area), kind: kind)
        }
        let lsa = record.lsa
        switch lsa.type {
        case .router:
            guard let vertex else { return }
            for link in lsa.links where link.kind == RouterLink.Kind.stub.rawValue {
                let length = (~link.data).leadingZeroBitCount
                guard IPv4Prefix.mask(length) == link.data else { continue }
                let prefix = IPv4Prefix(IPv4Address(link.id), length: length)
                add(claim(.intraArea, vertex, UInt32(link.cost)), prefix, number)
            }
        case .network:
            // A network that is a host is hidden (RFC 6860 §3).
            guard let vertex, let prefix = lsa.prefix, prefix.length < 32 else { return }
            add(claim(.intraArea, vertex, 0), prefix, number)
        case .summaryNetwork, .external, .nssa:
            guard !record.isOwn, lsa.cost < OSPFProtocol.infinity, let prefix = lsa.prefix else {
                return
            }
            guard lsa.type != .summaryNetwork else {
                return add(claim(.interArea, lsa.bytes.be32(8), lsa.cost), prefix, number)
            }
            add(claim(.external, number, lsa.cost), prefix, number)
            if lsa.forwarding != .unspecified { forwarded.insert(number) }
        default: return
        }
    }

    private mutating func add(_ claim: Claim, _ prefix: IPv4Prefix, _ number: UInt32) {
        var claim = claim
        claim.entry = entry(Self.key(prefix))
        while firstClaim.count <= Int(number) { firstClaim.append(Self.none) }
        let place = freeClaims.popLast() ?? UInt32(claims.count)
        claim.sibling = firstClaim[Int(number)]
        firstClaim[Int(number)] = place
        claim.next = entries[Int(claim.entry)].first
        if claim.next != Self.none { claims[Int(claim.next)].previous = place }
        entries[Int(claim.entry)].first = place
        touch(entry: claim.entry)
        if Int(place) == claims.count { claims.append(claim) } else { claims[Int(place)] = claim }
    }

    /// Forgets what an LSA said.
    private mutating func drop(_ number: UInt32) {
        guard Int(number) < firstClaim.count else { return }
        var place = firstClaim[Int(number)]
        firstClaim[Int(number)] = Self.none
        if !forwarded.isEmpty { forwarded.remove(number) }
        while place != Self.none {
            let claim = claims[Int(place)]
            if claim.next != Self.none { claims[Int(claim.next)].previous = claim.previous }
            if claim.previous != Self.none {
                claims[Int(claim.previous)].next = claim.next
            } else {
                entries[Int(claim.entry)].first = claim.next
            }
            touch(entry: claim.entry)
            freeClaims.append(place)
            place = claim.sibling
        }
    }

    /// Forgets what all LSAs said; the paths stay until they are found anew.
    mutating func dropAll() {
        (claims, freeClaims, firstClaim, forwarded) = ([], [], [], [])
        for number in entries.indices { entries[number].first = Self.none }
        touchAll()
    }

    private mutating func entry(_ key: UInt64) -> UInt32 {
        if let known = number(of: key) { return known }
        let number = freeEntries.popLast() ?? UInt32(entries.count)
        lengths[Int(key & 63)] += 1
        if Int(number) == entries.count {
            entries.append(Entry(key: key))
        } else {
            entries[Int(number)] = Entry(key: key)
        }
        while !index.insert(number, key) { growIndex(without: number) }
        return number
    }

    private func number(of key: UInt64) -> UInt32? {
        index.find(key) { entries[Int($0)].key == key }
    }

    private mutating func growIndex(without number: UInt32) {
        index = PrefixIndex(capacity: index.capacity * 2, index.key)
        for other in entries.indices where !entries[other].isUnused && other != Int(number) {
            _ = index.insert(UInt32(truncatingIfNeeded: other), entries[other].key)
        }
    }

    // MARK: What has to be looked at

    /// Has an entry looked at.
    mutating func touch(entry: UInt32) {
        guard !entries[Int(entry)].isDirty else { return }
        entries[Int(entry)].isDirty = true
        dirty.append(entry)
    }

    /// Has everything looked at that an LSA speaks of.
    mutating func touch(_ number: UInt32) {
        guard Int(number) < firstClaim.count else { return }
        var place = firstClaim[Int(number)]
        while place != Self.none {
            touch(entry: claims[Int(place)].entry)
            place = claims[Int(place)].sibling
        }
    }

    /// Has everything looked at.
    mutating func touchAll() {
        for number in entries.indices where !entries[number].isUnused {
            touch(entry: UInt32(truncatingIfNeeded: number))
        }
    }

    /// Everything has been looked at; what nobody speaks of any more is forgotten.
    mutating func endLook() {
        for number in dirty {
            entries[Int(number)].isDirty = false
            let entry = entries[Int(number)]
            guard entry.first == Self.none, entry.path == nil else { continue }
            index.remove(number, entry.key) { [entries] in entries[Int($0)].key }
            lengths[Int(entry.key & 63)] -= 1
            entries[Int(number)].forget()
            freeEntries.append(number)
        }
        dirty.removeAll(keepingCapacity: dirty.count < 1024)
    }

    // MARK: Paths

    mutating func setPath(_ path: Path?, of entry: UInt32) {
        let was = entries[Int(entry)].path != nil
        if was != (path != nil) { count += was ? -1 : 1 }
        entries[Int(entry)].path = path
    }

    /// The best path to a network; nil if there is none.
    func path(to key: UInt64) -> Path? { number(of: key).flatMap { entries[Int($0)].path } }

    /// The path inside the system with the longest match.
    func longest(_ address: IPv4Address) -> Path? {
        for length in (0...32).reversed() where lengths[length] > 0 {
            let path = path(to: Self.key(IPv4Prefix(address, length: length)))
            if let path, path.isInside { return path }
        }
        return nil
    }

    /// Gives sets of ways other numbers.
    mutating func renumber(_ number: (UInt32) -> UInt32) {
        for entry in entries.indices {
            guard let hops = entries[entry].path?.hops else { continue }
            entries[entry].path?.hops = number(hops)
        }
    }
}

/// A route as it is given out.
struct FoundRoute: Hashable {
    var prefix: IPv4Prefix
    var kind: OSPFRouteKind
    var cost: UInt32
    var area: Int
    var ways: [OSPFWay]
    /// A range of ours: what hits none of its networks is dropped.
    var isDiscard = false
    /// Whether the routing table has it from us.
    var isGiven: Bool
}

/// The way to a router at the edge of the system (RFC 2328 §16.4 step 3).
struct BoundaryRoute: Equatable {
    var router: IPv4Address
    var area: Int
    var cost: UInt32
    var hops: UInt32
    var isIntraArea: Bool
    /// See `Path.isFarther`.
    var isFarther: Bool
}
