internal import Wire

/// Sets of ways, each kept once and named by a number; 0 is the empty one.
struct HopSets {
    private var sets: [[OSPFWay]] = [[]]
    /// Whether a set is empty or leads to a network itself.
    private var areDirect = [true]
    private var numbers: [[OSPFWay]: UInt32] = [[]: 0]
    private var unions: [UInt64: UInt32] = [:]
    private var resolved: [UInt64: UInt32] = [:]
    /// Most ways in a set.
    let most: Int

    init(most: Int) { self.most = most }

    var count: Int { sets.count }

    subscript(number: UInt32) -> [OSPFWay] { sets[Int(number)] }

    /// Whether no router comes before the destination by one of the ways, or there are none.
    func isDirect(_ number: UInt32) -> Bool { areDirect[Int(number)] }

    /// Whether there may be more ways than the set holds.
    func isFull(_ number: UInt32) -> Bool { sets[Int(number)].count >= most }

    /// The number of a set; ways in any order.
    mutating func number(of ways: [OSPFWay]) -> UInt32 {
        let sorted = Array(Set(ways).sorted().prefix(most))
        if let known = numbers[sorted] { return known }
        let number = UInt32(truncatingIfNeeded: sets.count)
        sets.append(sorted)
        areDirect.append(sorted.contains { $0.gateway == nil })
        numbers[sorted] = number
        return number
    }

    /// The ways of both.
    mutating func union(_ a: UInt32, _ b: UInt32) -> UInt32 {
        guard a != b, b != 0 else { return a }
        guard a != 0 else { return b }
        let key = UInt64(min(a, b)) << 32 | UInt64(max(a, b))
        if let known = unions[key] { return known }
        let result = number(of: self[a] + self[b])
        unions[key] = result
        return result
    }

    /// The ways to a router on a network: what leads to the network itself leads to the router.
    mutating func resolve(_ set: UInt32, gateway: UInt32) -> UInt32 {
        guard areDirect[Int(set)] else { return set }
        let key = UInt64(set) << 32 | UInt64(gateway)
        if let known = resolved[key] { return known }
        let result = number(
            of: self[set].map {
                OSPFWay(interface: $0.interface, gateway: $0.gateway ?? IPv4Address(gateway))
            })
        resolved[key] = result
        return result
    }
}
