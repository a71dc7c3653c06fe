import Foundation
import Support
import Testing
import Timing
import Wire

@testable import OSPF

/// An area that a test makes up, and what it should come to, found in another way: distances by
/// trying all links until nothing changes any more.
struct MadeUpArea {
    struct Router {
        /// By far end: the cost.
        var links: [Int: UInt16] = [:]
        /// By network: the cost.
        var transits: [Int: UInt16] = [:]
        var stubs: [IPv4Prefix: UInt16] = [:]
        var flags = RouterFlags()
        /// Prefix and metric.
        var externals: [IPv4Prefix: OSPFExternal] = [:]
        var isDown = false
    }

    /// 0 is ourselves, 1 and 2 are our neighbours.
    var routers: [Router]
    /// By network: the routers on it; the first speaks for it.
    var networks: [[Int]]

    static func id(_ router: Int) -> IPv4Address {
        [ip("5.5.5.5"), ip("9.9.9.9"), ip("8.8.8.8")].indices.contains(router)
            ? [ip("5.5.5.5"), ip("9.9.9.9"), ip("8.8.8.8")][router]
            : IPv4Address(0x0b00_0000 + UInt32(router))
    }

    /// The address of a router on a network; the network's id is that of its first router.
    static func address(_ network: Int, _ router: Int) -> UInt32 {
        0x1600_0000 | UInt32(network) << 8 | UInt32(router + 1)
    }

    func routerLSA(_ router: Int, sequence: Int32) -> LSA {
        let own = routers[router]
        var links = own.links.sorted { $0.key < $1.key }.map { end, cost in
            let data = end == 0 ? (router == 1 ? ip("10.0.0.9") : ip("10.1.0.8")).rawValue : 7
            return RouterLink(.pointToPoint, id: Self.id(end).rawValue, data: data, cost: cost)
        }
        for (network, cost) in own.transits.sorted(by: { $0.key < $1.key }) {
            let speaker = networks[network].first ?? 0
            links.append(
                RouterLink(
                    .transit, id: Self.address(network, speaker),
                    data: Self.address(network, router), cost: cost))
        }
        for (prefix, cost) in own.stubs.sorted(by: { $0.key < $1.key }) {
            links.append(
                RouterLink(.stub, id: prefix.address.rawValue, data: prefix.mask, cost: cost))
        }
        var lsa = LSA(
            .router, id: Self.id(router), router: Self.id(router), sequence: sequence,
            options: .external, body: LSA.routerBody(own.flags, links))
        if own.isDown { lsa.age = OSPFProtocol.maxAge }
        return lsa
    }

    func networkLSA(_ network: Int, speaker: Int, sequence: Int32) -> LSA {
        let id = Self.address(network, speaker)
        var lsa = LSA(
            .network, id: IPv4Address(id), router: Self.id(speaker), sequence: sequence,
            options: .external,
            body: LSA.networkBody(
                IPv4Prefix(IPv4Address(id), length: 24), networks[network].map(Self.id)))
        if networks[network].isEmpty { lsa.age = OSPFProtocol.maxAge }
        return lsa
    }

    // MARK: What it comes to

    /// Vertices are routers, then networks; what leads from one to another, and at what cost.
    private func arcs() -> [(from: Int, to: Int, cost: UInt32)] {
        var result: [(Int, Int, UInt32)] = []
        for (router, own) in routers.enumerated() where !own.isDown {
            for (end, cost) in own.links
            where !routers[end].isDown && routers[end].links[router] != nil {
                result.append((router, end, UInt32(cost)))
            }
            for (network, cost) in own.transits where networks[network].contains(router) {
                result.append((router, routers.count + network, UInt32(cost)))
                result.append((routers.count + network, router, 0))
            }
        }
        return result
    }

    /// Metric and neighbours by which each network inside is reached, and each outside.
    func routes() -> [IPv4Prefix: (metric: UInt32, by: Set<Int>)] {
        let (arcs, far) = (arcs(), UInt32.max / 2)
        var distance = Array(repeating: far, count: routers.count + networks.count)
        var by = Array(repeating: Set<Int>(), count: distance.count)
        distance[0] = 0
        var isNews = true
        while isNews {
            isNews = false
            for arc in arcs where distance[arc.from] + arc.cost < distance[arc.to] {
                distance[arc.to] = distance[arc.from] + arc.cost
                isNews = true
            }
        }
        isNews = true
        while isNews {
            isNews = false
            for arc in arcs
            where arc.to != 0 && distance[arc.from] < far
                && distance[arc.from] + arc.cost == distance[arc.to]
            {
                let all = by[arc.to].union(arc.from == 0 ? [arc.to] : by[arc.from])
                if all != by[arc.to] { isNews = true }
                by[arc.to] = all
            }
        }
        var result: [IPv4Prefix: (metric: UInt32, by: Set<Int>)] = [:]
        func offer(_ prefix: IPv4Prefix, _ metric: UInt32, _ ways: Set<Int>) {
            if let known = result[prefix], known.metric < metric { return }
            let known = result[prefix].flatMap { $0.metric == metric ? $0.by : nil }
            result[prefix] = (metric, ways.union(known ?? []))
        }
        for (router, own) in routers.enumerated() where router != 0 && distance[router] < far {
            for (prefix, cost) in own.stubs {
                offer(prefix, distance[router] + UInt32(cost), by[router])
            }
        }
        for (number, network) in networks.enumerated() {
            let vertex = routers.count + number
            guard distance[vertex] < far, let speaker = network.first else { continue }
            let id = IPv4Address(Self.address(number, speaker))
            offer(IPv4Prefix(id, length: 24), distance[vertex], by[vertex])
        }
        for (router, own) in routers.enumerated()
        where router != 0 && distance[router] < far && own.flags.contains(.boundary) {
            for (prefix, route) in own.externals where route.forwarding == .unspecified {
                offer(prefix, distance[router] + route.metric, by[router])
            }
        }
        return result
    }
}

/// GATEWAY_OSPF_CHANGES=n makes n times as many changes.
@Suite("OSPF: incremental calculation", .rfc(2328, "16"))
struct IncrementalTests {
    static let times =
        ProcessInfo.processInfo.environment["GATEWAY_OSPF_CHANGES"].flatMap(Int.init) ?? 1
    let peers = [Peer("9.9.9.9", "10.0.0.9"), Peer("8.8.8.8", "10.1.0.8", on: 1)]
    static let count = 24

    /// Ourselves between two neighbours, all the others somewhere.
    static func area(_ random: inout Random, networks: Int) -> MadeUpArea {
        var area = MadeUpArea(
            routers: Array(repeating: .init(), count: count),
            networks: Array(repeating: [], count: networks))
        for router in 1..<count {
            area.routers[router].stubs = [
                IPv4Prefix(IPv4Address(0x1400_0000 + UInt32(router)), length: 32): 1
            ]
            let end = router < 3 ? 0 : 1 + random.below(router - 1)
            join(&area, router, end, router < 3 ? 10 : UInt16(1 + random.below(4)))
        }
        for _ in 0..<count {
            join(
                &area, 1 + random.below(count - 1), 1 + random.below(count - 1),
                UInt16(1 + random.below(4)))
        }
        return area
    }

    private static func join(_ area: inout MadeUpArea, _ a: Int, _ b: Int, _ cost: UInt16) {
        guard a != b else { return }
        area.routers[a].links[b] = cost
        area.routers[b].links[a] = cost
    }

    /// Something happens; the routers and networks that say something else.
    private func change(_ area: inout MadeUpArea, _ random: inout Random) -> (Set<Int>, Set<Int>) {
        let router = 1 + random.below(Self.count - 1)
        let other = 1 + random.below(Self.count - 1)
        let cost = UInt16(1 + random.below(4))
        switch random.below(9) {
        case 0:
            if let end = area.routers[router].links.keys.sorted().randomOne(&random), end != 0 {
                area.routers[router].links[end] = cost
            }
        case 1:
            guard router != other else { return ([], []) }
            if random.below(3) > 0 { area.routers[router].links[other] = cost }
            area.routers[other].links[router] = cost
            return ([router, other], [])
        case 2:
            if let end = area.routers[router].links.keys.sorted().randomOne(&random), end != 0 {
                area.routers[router].links[end] = nil
            }
        case 3:
            let prefix = IPv4Prefix(IPv4Address(0x1500_0000), length: 8 + random.below(4))
            area.routers[router].stubs[prefix] = random.below(3) == 0 ? nil : cost
        case 4:
            guard router > 2 else { return ([], []) }
            area.routers[router].isDown.toggle()
        case 5, 6:
            guard !area.networks.isEmpty else { return ([], []) }
            let network = random.below(area.networks.count)
            if random.below(2) == 0 {
                area.routers[router].transits[network] = random.below(3) == 0 ? nil : cost
                return ([router], [])
            }
            // Who speaks for it stays, or goes and takes the network along.
            if area.networks[network].isEmpty {
                area.networks[network] = [network + 3, router].uniqued()
            } else if area.networks[network].contains(router) {
                area.networks[network].removeAll { $0 == router }
                if router == network + 3 { area.networks[network] = [] }
            } else {
                area.networks[network].append(router)
            }
            return (Set(0..<Self.count).subtracting([0]), [network])
        case 7: area.routers[router].flags.formSymmetricDifference(.boundary)
        default:
            let prefix = IPv4Prefix(
                IPv4Address(0x1e00_0000 | UInt32(random.below(6)) << 16), length: 16)
            let isForwarded = random.below(4) == 0
            let forwarding = IPv4Address(0x1400_0000 + UInt32(other))
            area.routers[router].externals[prefix] =
                random.below(3) == 0
                ? nil
                : OSPFExternal(
                    prefix, metric: UInt32(cost), isType2: false,
                    forwarding: isForwarded ? forwarding : .unspecified)
        }
        return ([router], [])
    }

    @Test(
        "After every change what was repaired equals what is calculated anew, and the oracle",
        .row("OSPF-SPF-1", "OSPF-SPF-2", "OSPF-SPF-5"),
        arguments: [(UInt64(1), 0, 16), (2, 3, 16), (3, 3, 16), (4, 2, 1), (5, 4, 2)])
    func changes(seed: UInt64, networks: Int, most: Int) {
        for round in 0..<Self.times {
            run(seed: seed + UInt64(round) * 1000, networks: networks, most: most)
        }
    }

    private func run(seed: UInt64, networks: Int, most: Int) {
        var random = Random(seed: seed)
        let bed = Bed {
            $0.limits.ways = most
            $0.timers.shortestArrival = Interval(nanoseconds: 0)
            $0.timers.shortestCalculation = Interval(nanoseconds: 0)
            $0.timers.longestCalculation = Interval(nanoseconds: 0)
        }
        var area = Self.area(&random, networks: networks)
        var sequence = OSPFProtocol.initialSequence
        bed.befriend(peers[0], [area.routerLSA(1, sequence: sequence)])
        bed.befriend(peers[1], [area.routerLSA(2, sequence: sequence)])
        bed.run(.seconds(12))
        area.routers[0].links = [1: 10, 2: 10]
        var (fresh, said) = (Set(1..<Self.count), [IPv4Prefix: Set<Int>]())
        var partial = 0
        for step in 0..<150 {
            sequence += 1
            var lsas = fresh.sorted().map { area.routerLSA($0, sequence: sequence) }
            fresh = []
            for _ in 0..<(step == 0 ? 0 : 1 + random.below(3)) {
                let (routers, networks) = change(&area, &random)
                fresh.formUnion(routers)
                for network in networks {
                    lsas.append(
                        area.networkLSA(network, speaker: network + 3, sequence: sequence))
                    sequence += 1
                }
            }
            sequence += 1
            lsas += fresh.sorted().map { area.routerLSA($0, sequence: sequence) }
            lsas += externals(area, &said, sequence)
            fresh = []
            bed.hear(.update, Update.bytes(lsas), from: peers[0])
            bed.events.removeAll {
                if case .calculated(let run) = $0, run.kind == .partial { partial += 1 }
                return true
            }
            check(bed, area, most, "seed \(seed), step \(step)")
            guard random.below(10) == 0 else { continue }
            let before = bed.engine.routes
            bed.effects.removeAll()
            bed.calculate(isAnew: true)
            #expect(bed.engine.routes == before && bed.engine.out.changes.isEmpty)
            bed.engine.out.removeAll()
        }
        #expect(partial > 30, "\(partial) repairs")
    }

    /// LSAs that say what has changed of networks outside.
    private func externals(
        _ area: MadeUpArea, _ said: inout [IPv4Prefix: Set<Int>], _ sequence: Int32
    ) -> [LSA] {
        var result: [LSA] = []
        for number in 0..<6 {
            let prefix = IPv4Prefix(IPv4Address(0x1e00_0000 | UInt32(number) << 16), length: 16)
            for router in 1..<Self.count {
                let route = area.routers[router].externals[prefix]
                guard route != nil || said[prefix, default: []].contains(router) else { continue }
                var lsa = LSA(
                    .external, id: prefix.address, router: MadeUpArea.id(router),
                    sequence: sequence, options: .external,
                    body: LSA.externalBody(route ?? OSPFExternal(prefix)))
                if route == nil { lsa.age = OSPFProtocol.maxAge }
                if route == nil {
                    said[prefix]?.remove(router)
                } else {
                    said[prefix, default: []].insert(router)
                }
                result.append(lsa)
            }
        }
        return result
    }

    private func check(_ bed: Bed, _ area: MadeUpArea, _ most: Int, _ note: String) {
        let wanted = area.routes()
        let forwarded = Set(
            area.routers.flatMap { $0.externals.values.filter { $0.forwarding != .unspecified } }
                .map(\.prefix))
        let given = bed.engine.routes.filter(\.isGiven)
        #expect(
            given.map { OSPFChange.set($0.prefix, $0.kind, metric: $0.metric, ways: $0.ways) }
                == bed.table.sorted { $0.key < $1.key }.map(\.value), "\(note)")
        let found = Dictionary(uniqueKeysWithValues: given.map { ($0.prefix, $0) })
        for prefix in Set(found.keys).union(wanted.keys).subtracting(forwarded) {
            let by = wanted[prefix]?.by ?? []
            let ways = by.sorted().map {
                OSPFWay(interface: $0 - 1, gateway: peers[$0 - 1].address)
            }
            #expect(found[prefix]?.metric == wanted[prefix]?.metric, "\(note): \(prefix)")
            #expect(
                found[prefix]?.ways ?? [] == Array(ways.prefix(most)), "\(note): \(prefix)")
        }
    }
}

extension Array where Element: Hashable {
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}

extension Array {
    fileprivate func randomOne(_ random: inout Random) -> Element? {
        isEmpty ? nil : self[random.below(count)]
    }
}
