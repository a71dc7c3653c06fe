import Forwarding
import Router
import Routing
import Support
import Testing
import Timing
import Wire

/// The choice of routes by sorting everything each time.
private struct Model {
    var candidates: [Route] = []
    var down: Set<Side> = []

    private func ways(_ route: Route) -> [NextHop]? {
        guard case .forward(let hops) = route.action else { return nil }
        return hops.filter { !down.contains($0.side) }
    }

    /// Orders equal routes: forwarding first, lower ways first.
    private func order(_ route: Route) -> [UInt64] {
        let action: [UInt64] =
            switch route.action {
            case .forward:
                [0]
                    + (ways(route) ?? []).map {
                        UInt64($0.side.rawValue) << 32 | UInt64($0.gateway?.rawValue ?? 0)
                    }
            case .blackhole: [1]
            case .unreachable: [2]
            case .prohibit: [3]
            }
        return [UInt64(route.distance), UInt64(route.metric), UInt64(route.source.rawValue)]
            + action
    }

    /// The best of the candidates to one prefix.
    private func best(_ candidates: [Route]) -> Route? {
        let usable = candidates.filter { $0.distance < 255 && ways($0)?.isEmpty != true }
            .map { (order: order($0), route: $0) }
            .sorted { $0.order.lexicographicallyPrecedes($1.order) }
        guard let (first, route) = usable.first, let hops = ways(route) else {
            return usable.first?.route
        }
        var winner = route
        winner.action = .forward(hops)
        guard winner.source == .static else { return winner }
        let equals = usable.filter { $0.order.prefix(3) == first.prefix(3) }
        let all = Set(equals.compactMap { ways($0.route) }.joined())
        winner.action = .forward(Array(all.sorted().prefix(16)))
        return winner
    }

    var table: [IPv4Prefix: Route] {
        Dictionary(grouping: candidates, by: \.prefix).compactMapValues { best($0) }
    }

    mutating func announce(_ route: Route) {
        if route.source == .ospf || route.source == .rip {
            candidates.removeAll { $0.prefix == route.prefix && $0.source == route.source }
        }
        if !candidates.contains(route) { candidates.append(route) }
    }
}

@Suite struct RIBModelTests {
    private let prefixes = [
        "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/17", "10.1.2.0/24", "10.1.2.0/31",
        "10.1.2.1/32", "192.168.0.0/16", "255.255.255.255/32", "128.0.0.0/1",
    ].compactMap { IPv4Prefix($0) }

    private func randomRoute(_ random: inout Random, gateways: Int) -> Route {
        let source = RouteSource.allCases[random.below(4)]
        let distances: [UInt8?] = [nil, nil, nil, 1, 110, 255]
        let action: RouteAction =
            switch random.below(12) {
            case 0: .blackhole
            case 1: .unreachable
            case 2: .prohibit
            default:
                .forward(
                    Set(
                        (0...random.below(3)).map { _ in
                            NextHop(
                                side: random.below(2) == 0 ? .lan : .wan,
                                gateway: IPv4Address(UInt32(1 + random.below(gateways))))
                        }
                    ).sorted())
            }
        return Route(
            prefixes[random.below(prefixes.count)], source: source,
            distance: distances[random.below(distances.count)],
            metric: UInt32(random.below(2)), action: action)
    }

    /// One random step for both. True if the table may have changed.
    private func step(
        _ rib: inout RIB, _ model: inout Model, _ random: inout Random, gateways: Int
    ) -> [RIBChange] {
        var changes: [RIBChange] = []
        let route = randomRoute(&random, gateways: gateways)
        switch random.below(20) {
        case 0..<12:
            #expect(rib.announce(route, into: &changes) == nil)
            model.announce(route)
        case 12..<14:
            let known = model.candidates.contains {
                $0.prefix == route.prefix && $0.source == route.source
            }
            let removed = rib.withdraw(route.prefix, source: route.source, into: &changes)
            #expect(removed == known)
            model.candidates.removeAll {
                $0.prefix == route.prefix && $0.source == route.source
            }
        case 14..<17:
            guard !model.candidates.isEmpty else { break }
            let gone = model.candidates.remove(at: random.below(model.candidates.count))
            let removed = rib.withdraw(gone, into: &changes)
            let again = rib.withdraw(gone, into: &changes)
            #expect(removed && !again)
        case 17:
            let fresh = (0..<random.below(8)).map { _ in
                var fresh = randomRoute(&random, gateways: gateways)
                fresh.source = route.source
                return fresh
            }
            rib.replaceAll(of: route.source, with: fresh, into: &changes)
            model.candidates.removeAll { $0.source == route.source }
            for route in fresh { model.announce(route) }
        default:
            let side = random.below(2) == 0 ? Side.lan : .wan
            let isUp = random.below(3) != 0
            rib.setSide(side, isUp: isUp, into: &changes)
            if isUp { model.down.remove(side) } else { model.down.insert(side) }
        }
        return changes
    }

    /// Applies changes to a table; each must make a difference, in ascending order of prefixes.
    private func apply(_ changes: [RIBChange], to table: inout [IPv4Prefix: Route]) {
        let order = changes.map(\.prefix)
        #expect(zip(order, order.dropFirst()).allSatisfy { $0 < $1 })
        for change in changes {
            let old = table[change.prefix]
            switch change {
            case .set(let prefix, let action, let info):
                table[prefix] = Route(
                    prefix, source: info.source, distance: info.distance, metric: info.metric,
                    action: action)
            case .remove(let prefix): table[prefix] = nil
            }
            #expect(table[change.prefix] != old, "a change that changes nothing")
        }
    }

    @Test("Agrees with a naive choice, and the changes add up to it", arguments: 0..<15)
    func model(seed: UInt64) {
        var random = Random(seed: seed)
        var rib = RIB()
        var model = Model()
        var table: [IPv4Prefix: Route] = [:]
        // Many gateways let more than 16 equal static ways come together.
        let gateways = seed % 3 == 0 ? 60 : 4
        for _ in 0..<200 {
            apply(step(&rib, &model, &random, gateways: gateways), to: &table)
            let expected = model.table
            #expect(table == expected)
            #expect(rib.bestCount == expected.count)
            #expect(rib.routesInUse == expected.values.sorted { $0.prefix < $1.prefix })
            for source in RouteSource.allCases {
                #expect(
                    rib.count(of: source)
                        == model.candidates.filter { $0.source == source }.count)
            }
        }
        let listed = rib.list()
        #expect(Set(listed.map(\.route)) == Set(model.candidates))
        #expect(listed.count == model.candidates.count)
    }

    @Test("Answers agree with a naive search", arguments: 0..<8)
    func lookups(seed: UInt64) {
        var random = Random(seed: 500 + seed)
        var rib = RIB()
        var model = Model()
        for _ in 0..<60 { _ = step(&rib, &model, &random, gateways: 4) }
        let table = model.table
        for _ in 0..<100 {
            let base = prefixes[random.below(prefixes.count)]
            let noise = UInt32(random.below(4)) & ~base.mask
            let address = IPv4Address(base.address.rawValue | noise)
            let answer = rib.lookup(address)
            let matches = table.values.filter { $0.prefix.contains(address) }
            #expect(answer.best == matches.max { $0.prefix.length < $1.prefix.length })
            let known = model.candidates.filter { $0.prefix.contains(address) }
            #expect(Set(answer.known.map(\.route)) == Set(known))
            let lengths = answer.known.map(\.route.prefix.length)
            #expect(lengths == lengths.sorted(by: >))
            #expect(answer.known.contains { $0.standing == .best } == (answer.best != nil))
            for entry in answer.known where entry.standing == .best {
                #expect(entry.route.prefix == answer.best?.prefix)
                #expect(entry.route.metric == answer.best?.metric)
            }
        }
    }

    @Test(
        "Forwarding tables built from the changes do what the RIB says", .row("RT-FIB-1"),
        arguments: 0..<8)
    func forwarding(seed: UInt64) throws {
        var random = Random(seed: 900 + seed)
        var rib = RIB()
        var model = Model()
        // So few groups that they are given up and taken again.
        var builder = FIBBuilder(mostGroups: 64)
        for round in 1...12 as ClosedRange<UInt32> {
            for _ in 0..<20 { builder.apply(step(&rib, &model, &random, gateways: 60)) }
            let fib = builder.build()
            let (generation, count) = (fib.generation, fib.routeCount)
            #expect(generation == round && builder.generation == round)
            #expect(count == rib.bestCount)
            for prefix in prefixes {
                let group = fib.group(fib.lookup(prefix.address))
                let ways = (0..<Int(group.count)).map { group[$0] }
                switch rib.lookup(prefix.address).best?.action {
                case nil: #expect(group.action == .none)
                case .blackhole: #expect(group.action == .blackhole)
                case .unreachable: #expect(group.action == .unreachable)
                case .prohibit: #expect(group.action == .prohibit)
                case .forward(let hops):
                    #expect(group.action == .forward)
                    #expect(ways == hops.map { FIBNextHop(side: $0.side, gateway: $0.gateway) })
                }
            }
        }
        #expect(builder.groupRefusals == 0)
    }
}
