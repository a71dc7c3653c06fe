import Forwarding
import Support
import Testing
import Timing
import Wire

/// Longest match by looking at every route.
private struct Oracle {
    var routes: [FIBRoute]

    func lookup(_ address: IPv4Address) -> UInt32 {
        var best: FIBRoute?
        for route in routes where route.prefix.contains(address) {
            if route.prefix.length >= best?.prefix.length ?? 0 { best = route }
        }
        return best?.group ?? 0
    }
}

@Suite struct FIBTests {
    /// Groups 0 to 40; group `n` forwards to 10.0.0.n.
    private static let groups =
        [NextHopGroup(.none)]
        + (1...40).map { number in
            NextHopGroup(forward: [
                FIBNextHop(side: .wan, gateway: IPv4Address(0x0a00_0000 + UInt32(number)))
            ])
        }

    private func prefix(_ text: String) throws -> IPv4Prefix { try #require(IPv4Prefix(text)) }
    private func address(_ text: String) throws -> IPv4Address { try #require(IPv4Address(text)) }

    /// Compares at both ends of every prefix, just outside, and at random addresses.
    private func compare(_ routes: [FIBRoute], random: inout Random) {
        let fib = FIB(routes: routes, groups: Self.groups, generation: 7)
        let oracle = Oracle(routes: routes)
        var addresses: [UInt32] = [0, .max, 0x7fff_ffff, 0x8000_0000]
        for route in routes {
            let first = route.prefix.address.rawValue
            let last = first | ~route.prefix.mask
            let inside = first | UInt32(truncatingIfNeeded: random.next()) & ~route.prefix.mask
            addresses += [first, last, first &- 1, last &+ 1, inside]
        }
        for _ in 0..<200 { addresses.append(UInt32(truncatingIfNeeded: random.next())) }
        var wrong: [IPv4Address] = []
        for raw in addresses where fib.lookup(IPv4Address(raw)) != oracle.lookup(IPv4Address(raw)) {
            wrong.append(IPv4Address(raw))
        }
        #expect(wrong.isEmpty, "routes: \(routes.map { "\($0.prefix) -> \($0.group)" })")
        let (generation, count) = (fib.generation, fib.routeCount)
        #expect(generation == 7)
        #expect(count == routes.count)
    }

    private func randomRoutes(
        _ count: Int, space: UInt32, lengths: ClosedRange<Int>, random: inout Random
    ) -> [FIBRoute] {
        var seen: Set<IPv4Prefix> = []
        var routes: [FIBRoute] = []
        for _ in 0..<count {
            let raw = 0x0a00_0000 | UInt32(truncatingIfNeeded: random.next()) & space
            let length = lengths.lowerBound + random.below(lengths.count)
            let prefix = IPv4Prefix(IPv4Address(raw), length: length)
            guard seen.insert(prefix).inserted else { continue }
            // Group 0, a hole in a larger prefix, is possible too.
            routes.append(FIBRoute(prefix, group: UInt32(random.below(Self.groups.count))))
        }
        return routes
    }

    @Test(
        "Random prefixes of all lengths match as by exhaustive search", .row("RT-LPM-1"),
        arguments: 0..<20)
    func allLengths(seed: Int) {
        var random = Random(seed: UInt64(seed))
        let count = 1 + random.below(200)
        compare(
            randomRoutes(count, space: .max, lengths: 0...32, random: &random), random: &random)
    }

    @Test("Crowded, nested prefixes match as by exhaustive search", arguments: 0..<20)
    func nested(seed: Int) {
        var random = Random(seed: 1000 + UInt64(seed))
        let space: UInt32 = seed % 2 == 0 ? 0xff : 0x3_ffff
        compare(
            randomRoutes(250, space: space, lengths: 12...32, random: &random), random: &random)
    }

    @Test("Every length around one address, the default route included", .row("RT-LPM-1"))
    func chain() {
        var random = Random(seed: 5)
        for last in [UInt32(0), 0x0a01_4000, 0x0a01_7fff, .max] {
            let routes = (0...32).map {
                FIBRoute(IPv4Prefix(IPv4Address(last), length: $0), group: UInt32($0 + 1))
            }
            compare(routes, random: &random)
        }
    }

    @Test("A table without routes knows nobody")
    func empty() throws {
        let fib = FIB()
        let group = fib.lookup(try address("192.0.2.1"))
        let (action, bytes) = (fib.action(of: group), fib.byteCount)
        #expect(group == 0)
        #expect(action == .none)
        #expect(bytes < 3 << 20)
    }

    @Test("Defaults, /31, /32 and what is dropped")
    func actions() throws {
        let hop = FIBNextHop(side: .wan, gateway: try address("203.0.113.1"))
        let lan = FIBNextHop(side: .lan)
        let fib = FIB([
            (try prefix("0.0.0.0/0"), NextHopGroup(forward: [hop])),
            (try prefix("192.168.1.0/24"), NextHopGroup(forward: [lan])),
            (try prefix("192.168.1.6/31"), NextHopGroup(.unreachable)),
            (try prefix("192.168.1.7/32"), NextHopGroup(.prohibit)),
            (try prefix("10.0.0.0/8"), NextHopGroup(.blackhole)),
        ])
        let expected: [(String, FIBAction)] = [
            ("8.8.8.8", .forward), ("192.168.1.5", .forward), ("192.168.1.6", .unreachable),
            ("192.168.1.7", .prohibit), ("192.168.1.8", .forward), ("10.255.255.255", .blackhole),
            ("11.0.0.0", .forward),
        ]
        for (text, action) in expected {
            let found = fib.action(of: fib.lookup(try address(text)))
            #expect(found == action, "\(text)")
        }
        let out = fib.nextHop(in: fib.lookup(try address("8.8.8.8")), flowHash: 9)
        #expect(out == hop)
        let destination = try address("192.168.1.5")
        let connected = fib.group(fib.lookup(destination))
        #expect(connected.isConnected && connected.count == 1 && connected[0] == lan)
        #expect(connected[0].neighbor(for: destination) == destination)
        #expect(out.neighbor(for: destination) == IPv4Address("203.0.113.1"))
    }

    @Test(
        "Equal ways share the flows evenly, and a flow keeps its way", .row("RT-ECMP-1"),
        arguments: 1...16)
    func equalWays(count: Int) {
        let hops = (1...count).map {
            FIBNextHop(side: $0 % 2 == 0 ? .lan : .wan, gateway: IPv4Address(UInt32($0)))
        }
        let fib = FIB([(IPv4Prefix(.unspecified, length: 0), NextHopGroup(forward: hops))])
        let group = fib.lookup(IPv4Address(1, 2, 3, 4))
        var random = Random(seed: 3)
        var share = [Int](repeating: 0, count: count)
        var unsteady = 0
        for _ in 0..<(1000 * count) {
            let hash = UInt32(truncatingIfNeeded: random.next())
            let way = fib.nextHop(in: group, flowHash: hash)
            if fib.nextHop(in: group, flowHash: hash) != way { unsteady += 1 }
            if let index = hops.firstIndex(of: way) { share[index] += 1 }
        }
        #expect(unsteady == 0)
        #expect(share.reduce(0, +) == 1000 * count)
        #expect(share.allSatisfy { (850...1150).contains($0) }, "\(share)")
        let ends = [
            fib.nextHop(in: group, flowHash: 0), fib.nextHop(in: group, flowHash: .max),
        ]
        #expect(ends == [hops[0], hops[count - 1]])
    }

    @Test("A group holds 16 ways and no group forwards without one")
    func groupBounds() {
        let many = NextHopGroup(
            forward: (1...20).map { FIBNextHop(side: .wan, gateway: IPv4Address($0)) })
        #expect(many.count == 16 && many[15].gateway == 16 && !many.isConnected)
        #expect(NextHopGroup(forward: []).action == .none)
        #expect(NextHopGroup(.forward).action == .none)
        #expect(!NextHopGroup(.blackhole).isConnected)
    }

    @Test("Scattered host routes cost at most 15 bytes each")
    func memory() {
        var random = Random(seed: 11)
        let routes = randomRoutes(50_000, space: .max, lengths: 32...32, random: &random)
        let empty = FIB(routes: [], groups: Self.groups, generation: 0)
        let full = FIB(routes: routes, groups: Self.groups, generation: 0)
        let growth = full.byteCount - empty.byteCount
        #expect(growth <= 15 * routes.count + 64)
    }
}
