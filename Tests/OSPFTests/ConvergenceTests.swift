import Foundation
import OSPF
import Support
import Testing
import Timing
import Wire

/// GATEWAY_OSPF_WORLD=1,2,3 runs 500 routers, or GATEWAY_OSPF_ROUTERS, in 10 areas with these
/// seeds; for a release build.
@Suite("OSPF: convergence")
struct ConvergenceTests {
    private static let seeds =
        ProcessInfo.processInfo.environment["GATEWAY_OSPF_WORLD"]?.split(separator: ",")
        .compactMap { UInt64($0) } ?? []
    private static let routers =
        ProcessInfo.processInfo.environment["GATEWAY_OSPF_ROUTERS"].flatMap(Int.init) ?? 500

    @Test(
        "Whatever happens, databases become equal and routes the shortest",
        .row("OSPF-SPF-1", "OSPF-SPF-2", "OSPF-SPF-6", "OSPF-SLSA-1", "OSPF-NLSA-1", "OSPF-FLD-6"),
        arguments: [(12, 1, UInt64(1)), (16, 4, 2)] + seeds.map { (routers, 10, $0) })
    func random(count: Int, areas: Int, seed: UInt64) {
        let began = ContinuousClock.now
        let world = World(routers: count, extra: count * 3 / 4, areas: areas, seed: seed)
        world.loss = 50
        world.run(.seconds(60))
        var source = Random(seed: seed + 100)
        for number in 0..<(count > 100 ? 60 : 20) {
            world.toggle(source.below(world.segments.count))
            world.run(.milliseconds(Int64(source.below(5000))))
            if number % 10 == 9 {
                part(world, &source)
                if count > 100 {
                    print("OSPF: \(number + 1) changes, \(ContinuousClock.now - began)")
                }
            }
        }
        // Most of what is down comes back.
        for number in world.segments.indices where !world.segments[number].isUp {
            if number % 7 != 3 { world.toggle(number) }
        }
        world.run(.seconds(120))
        world.loss = 0
        world.run(.seconds(60))
        let took = ContinuousClock.now - began
        check(world, areas)
        let hours = Double(world.now.nanoseconds) / 3.6e12
        print(
            """
            OSPF: \(count) routers, \(areas) areas, seed \(seed): \(world.packets) packets, \
            \(hours) virtual hours in \(took), \(hours / (took / .seconds(1))) a second
            """)
    }

    /// Routers lose all others for a while, and find them again: links go down, or frames vanish.
    private func part(_ world: World, _ source: inout Random) {
        let (first, last) = (source.below(world.count), source.below(world.count))
        let border = world.border { (min(first, last)...max(first, last)).contains($0) }
        let isSilent = source.below(2) == 0
        for number in border {
            if isSilent { world.silence(number, true) } else { world.toggle(number) }
        }
        world.run(.milliseconds(Int64(1000 + source.below(20_000))))
        for number in border {
            if isSilent { world.silence(number, false) } else { world.toggle(number) }
        }
        world.run(.milliseconds(Int64(source.below(10_000))))
    }

    private func check(_ world: World, _ areas: Int) {
        #expect(world.neighborCounts().other == 0)
        let oracle = Oracle(world, areas: areas)
        for area in 0..<areas {
            let members = (0..<world.count).filter { world.areas($0, areas).contains(area) }
            // Only routers with a way to each other have to agree.
            guard let first = members.first else { continue }
            for router in members where oracle.areJoined(area, first, router) {
                let (a, b) = (world.database(first, area), world.database(router, area))
                #expect(
                    a == b,
                    "area \(area), \(first) and \(router): \(a.symmetricDifference(b).sorted())")
            }
        }
        for router in 0..<world.count {
            for target in 0..<world.count where target != router {
                let wanted = oracle.distance(router, target)
                let host = IPv4Prefix(World.host(target), length: 32)
                #expect(world.metric(router, host) == wanted, "\(router) to \(target)")
                if World.isBoundary(target) {
                    let outside = World.outside(target)
                    let metric = wanted.map { World.isType2(target) ? 20 : $0 + 20 }
                    #expect(
                        world.metric(router, outside) == metric, "\(router) to outside \(target)")
                }
                checkWays(world, router, target, host)
            }
        }
    }

    /// Every way leads to the target, whichever way routers on it choose.
    private func checkWays(
        _ world: World, _ router: Int, _ target: Int, _ host: IPv4Prefix
    ) {
        var reached: Set<Int> = []
        var front = Set([router])
        for _ in 0..<world.count where !front.isEmpty {
            var next: Set<Int> = []
            for one in front where one != target {
                let ways = world.way(one, host)
                for way in ways {
                    if let neighbor = world.neighbor(one, way) {
                        next.insert(neighbor)
                    } else {
                        Issue.record("\(one) to \(target): \(way) leads nowhere")
                    }
                }
                if ways.isEmpty, one != router {
                    Issue.record("\(router) to \(target) ends at \(one)")
                }
            }
            reached.formUnion(front)
            front = next
        }
        #expect(front.subtracting([target]).isEmpty, "\(router) to \(target) goes round")
    }

    @Test("The same seed gives the same run")
    func repeatable() {
        func run() -> [Set<String>] {
            let world = World(routers: 6, extra: 3, areas: 1, seed: 9)
            world.loss = 100
            world.run(.seconds(40))
            return (0..<6).map { world.database($0, 0) } + [[String(world.packets)]]
        }
        #expect(run() == run())
    }
}
