import Foundation
import Support
import Testing
import Timing
import Wire

@testable import OSPF

/// GATEWAY_OSPF_SPEED=1 measures; meant for a release build with testing enabled.
@Suite("OSPF: speed")
struct SpeedTests {
    static let isOn = ProcessInfo.processInfo.environment["GATEWAY_OSPF_SPEED"] != nil
    let peer = Peer("9.9.9.9", "10.0.0.9")

    /// Router-LSAs of these links at cost 10, each with a host; router 0 is linked to the peer.
    func lsas(_ count: Int, _ pairs: [(Int, Int)]) -> [LSA] {
        func id(_ number: Int) -> UInt32 { 0x0b00_0001 + UInt32(number) }
        var links: [[RouterLink]] = (0..<count).map { number in
            [RouterLink(.stub, id: 0x1400_0000 + UInt32(number), data: ~0, cost: 1)]
        }
        for (a, b) in pairs {
            links[a].append(RouterLink(.pointToPoint, id: id(b), data: UInt32(b), cost: 10))
            links[b].append(RouterLink(.pointToPoint, id: id(a), data: UInt32(a), cost: 10))
        }
        links[0].append(RouterLink(.pointToPoint, id: 0x0909_0909, data: 1, cost: 10))
        return (0..<count).map { number in
            LSA(
                .router, id: IPv4Address(id(number)), router: IPv4Address(id(number)),
                sequence: OSPFProtocol.initialSequence, options: .external,
                body: LSA.routerBody([], links[number]))
        }
    }

    static func grid(_ side: Int) -> [(Int, Int)] {
        var pairs: [(Int, Int)] = []
        for number in 0..<(side * side) {
            if number % side + 1 < side { pairs.append((number, number + 1)) }
            if number + side < side * side { pairs.append((number, number + side)) }
        }
        return pairs
    }

    static func random(_ count: Int, degree: Int) -> [(Int, Int)] {
        var source = Random(seed: 1)
        var pairs = (1..<count).map { (source.below($0), $0) }
        while pairs.count < count * degree / 2 {
            let (a, b) = (source.below(count), source.below(count))
            if a != b { pairs.append((a, b)) }
        }
        return pairs
    }

    @Test(
        "Shortest paths of 10,000 routers", .row("OSPF-SPF-1"), .enabled(if: isOn),
        arguments: [true, false])
    func paths(isGrid: Bool) {
        let count = 10_000
        let bed = Bed { $0.limits.lsas = 20_000 }
        bed.befriend(
            peer,
            [
                peer.routerLSA([
                    RouteTests.link("5.5.5.5", "10.0.0.9", 10),
                    RouteTests.link("11.0.0.1", "10.7.0.9", 10),
                ])
            ])
        for lsa in lsas(count, isGrid ? Self.grid(100) : Self.random(count, degree: 6)) {
            bed.update(peer, lsa)
        }
        bed.run(.seconds(10))
        var times: [Double] = []
        for _ in 0..<21 {
            bed.engine.wantRoutes(because: .settings)
            bed.engine.calculateAt = bed.engine.now
            let began = ContinuousClock.now
            let isDone = bed.engine.calculate()
            times.append(Double((ContinuousClock.now - began) / .microseconds(1)) / 1000)
            #expect(isDone)
        }
        times.sort()
        let (kind, routes) = (isGrid ? "grid" : "random", bed.engine.routes.count)
        print("OSPF: \(kind), \(count) routers: median \(times[10]) ms, \(routes) routes")
        #expect(bed.engine.routes.count >= count)
    }
}
