import Foundation
import Signing
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

    /// A bed that knows 10,000 routers, and what they say.
    func loaded(isGrid: Bool) -> (Bed, [LSA]) {
        let count = 10_000
        let bed = Bed {
            $0.limits.lsas = 20_000
            $0.timers.shortestArrival = Interval(nanoseconds: 0)
            $0.timers.shortestCalculation = Interval(nanoseconds: 0)
            $0.timers.longestCalculation = Interval(nanoseconds: 0)
        }
        bed.befriend(
            peer,
            [
                peer.routerLSA([
                    RouteTests.link("5.5.5.5", "10.0.0.9", 10),
                    RouteTests.link("11.0.0.1", "10.7.0.9", 10),
                ])
            ])
        let all = lsas(count, isGrid ? Self.grid(100) : Self.random(count, degree: 6))
        for start in stride(from: 0, to: count, by: 100) {
            bed.hear(.update, Update.bytes(Array(all[start..<start + 100])), from: peer)
        }
        bed.run(.seconds(10))
        #expect(bed.engine.routes.count >= count)
        return (bed, all)
    }

    @Test(
        "Shortest paths of 10,000 routers", .enabled(if: isOn),
        arguments: [true, false])
    func paths(isGrid: Bool) {
        let (bed, _) = loaded(isGrid: isGrid)
        for isAnew in [false, true] {
            let median = Self.median { bed.calculate(isAnew: isAnew) }
            let graph = isAnew ? "graph and table anew" : "tree anew"
            print("OSPF: \(isGrid ? "grid" : "random"), 10,000 routers, \(graph): \(median) ms")
        }
    }

    @Test(
        "A change at one of 10,000 routers", .enabled(if: isOn),
        arguments: [true, false])
    func change(isGrid: Bool) {
        let (bed, all) = loaded(isGrid: isGrid)
        var sequence = OSPFProtocol.initialSequence
        func update(_ number: Int, _ links: [RouterLink]) {
            sequence += 1
            let lsa = LSA(
                .router, id: all[number].header.id, router: all[number].header.id,
                sequence: sequence, options: .external, body: LSA.routerBody([], links))
            bed.engine.receive(
                PacketAuthentication.none.packet(
                    .update, Update.bytes([lsa]), router: peer.router, area: .unspecified,
                    wall: 0, sequence: 0
                ).raw, from: peer.address, to: OSPFProtocol.allRouters, on: 0, at: bed.now,
                into: &bed.effects)
        }
        func report(_ what: String, _ expected: OSPFRunKind, _ change: () -> Void) {
            let median = Self.median {
                bed.effects.removeAll()
                change()
            }
            let runs = bed.effects.events.compactMap { event -> OSPFRun? in
                if case .calculated(let run) = event { run } else { nil }
            }
            let (name, nodes) = (isGrid ? "grid" : "random", runs.last?.nodes ?? 0)
            print("OSPF: \(name), \(what): \(median) ms, \(nodes) nodes")
            #expect(runs.map(\.kind) == [expected] && runs[0].changes > 0)
        }
        let last = all.count - 1
        let (ends, middle) = (Array(all[last].links), Array(all[all.count / 2].links))
        let stub = RouterLink(.stub, id: 0x1f00_0000, data: 0xffff_ff00, cost: 1)
        var isOdd = false
        report("a stub link comes and goes", .prefixes) {
            isOdd.toggle()
            update(last, ends + (isOdd ? [stub] : []))
        }
        report("a leaf comes and goes", .partial) {
            isOdd.toggle()
            update(last, isOdd ? Array(ends.prefix(1)) : ends)
        }
        report("a link in the middle", .partial) {
            isOdd.toggle()
            update(all.count / 2, isOdd ? middle.dropLast() + [] : middle)
        }
    }

    /// Milliseconds that something takes.
    static func median(_ work: () -> Void) -> Double {
        var times = (0..<21).map { _ in
            let began = ContinuousClock.now
            work()
            return Double((ContinuousClock.now - began) / .microseconds(1)) / 1000
        }
        times.sort()
        return times[10]
    }
}

extension Bed {
    /// Calculates all routes; anew from the database, if wanted.
    func calculate(isAnew: Bool) {
        engine.wantRoutes(because: .settings)
        engine.calculateAt = engine.now
        if isAnew { engine.isTableStale = true }
        let isDone = engine.calculate()
        #expect(isDone)
    }
}
