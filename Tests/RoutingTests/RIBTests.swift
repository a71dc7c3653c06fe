import Routing
import Support
import Testing
import Wire

private func prefix(_ text: String) -> IPv4Prefix {
    guard let prefix = IPv4Prefix(text) else {
        Issue.record("not a prefix: \(text)")
        return IPv4Prefix(.unspecified, length: 0)
    }
    return prefix
}

private func via(_ last: UInt8, _ side: Side = .wan) -> NextHop {
    NextHop(side: side, gateway: IPv4Address(192, 0, 2, last))
}

private func route(
    _ text: String, _ source: RouteSource, distance: UInt8? = nil, metric: UInt32 = 0,
    _ hops: NextHop...
) -> Route {
    Route(prefix(text), source: source, distance: distance, metric: metric, action: .forward(hops))
}

@Suite struct RIBTests {
    private var rib = RIB()
    private var changes: [RIBChange] = []

    private mutating func announce(_ routes: Route...) {
        for route in routes { rib.announce(route, into: &changes) }
    }

    /// The changes since the last call.
    private mutating func drain() -> [RIBChange] {
        defer { changes = [] }
        return changes
    }

    private func set(_ route: Route) -> RIBChange {
        .set(
            route.prefix, route.action,
            RouteInfo(source: route.source, distance: route.distance, metric: route.metric))
    }

    @Test("Distance decides between sources, and losers come back", .row("RT-PRF-1"))
    mutating func distance() {
        let rip = route("10.0.0.0/8", .rip, metric: 1, via(1))
        let ospf = route("10.0.0.0/8", .ospf, metric: 500, via(2))
        let fixed = route("10.0.0.0/8", .static, via(3))
        announce(rip, ospf, fixed)
        #expect(drain() == [set(rip), set(ospf), set(fixed)])
        rib.withdraw(rip.prefix, source: .rip, into: &changes)
        #expect(drain() == [])
        rib.withdraw(fixed, into: &changes)
        rib.withdraw(ospf.prefix, source: .ospf, into: &changes)
        #expect(drain() == [set(ospf), .remove(ospf.prefix)])
    }

    @Test("A floating static route waits behind a learned one", .row("RT-PRF-2"))
    mutating func floating() {
        let floating = route("0.0.0.0/0", .static, distance: 200, via(1))
        let learned = route("0.0.0.0/0", .rip, metric: 3, via(2))
        announce(learned, floating)
        #expect(drain() == [set(learned)])
        #expect(rib.lookup(IPv4Address(8, 8, 8, 8)).known.map(\.standing) == [.best, .distance])
        rib.withdraw(learned.prefix, source: .rip, into: &changes)
        #expect(drain() == [set(floating)])
    }

    @Test("A learned route replaces its predecessor; the same one again changes nothing")
    mutating func replacement() {
        let old = route("10.0.0.0/8", .ospf, metric: 5, via(1))
        let new = route("10.0.0.0/8", .ospf, metric: 9, via(1))
        announce(old, new, new)
        #expect(drain() == [set(old), set(new)])
        #expect(rib.count(of: .ospf) == 1)
    }

    @Test("Static routes of equal distance and metric are used together, sorted")
    mutating func equalWays() {
        announce(
            route("10.0.0.0/8", .static, via(9)), route("10.0.0.0/8", .static, via(2)),
            route("10.0.0.0/8", .static, via(5, .lan)),
            route("10.0.0.0/8", .static, metric: 1, via(1)))
        #expect(changes.last == set(route("10.0.0.0/8", .static, via(5, .lan), via(2), via(9))))
        #expect(changes.count == 3)
        let standings = rib.list().map(\.standing)
        #expect(standings == [.best, .best, .best, .metric])
        changes = []
        rib.withdraw(route("10.0.0.0/8", .static, via(2)), into: &changes)
        #expect(drain() == [set(route("10.0.0.0/8", .static, via(5, .lan), via(9)))])
    }

    @Test("At most 16 ways are used, whatever the order of announcement")
    mutating func mostWays() {
        for last in (1...20).reversed() as ReversedCollection<ClosedRange<UInt8>> {
            announce(route("10.0.0.0/8", .static, via(last)))
        }
        let expected = (1...16).map { via($0) }
        #expect(rib.best(for: prefix("10.0.0.0/8"))?.action == .forward(expected))
        let standings = rib.list().map(\.standing)
        #expect(standings.filter { $0 == .best }.count == 16)
        #expect(standings.filter { $0 == .tooManyWays }.count == 4)
        let wide = Route(
            prefix("11.0.0.0/8"), source: .ospf,
            action: .forward((1...20).reversed().map { via($0) } + [via(1)]))
        announce(wide)
        #expect(rib.best(for: wide.prefix)?.action == .forward(expected))
    }

    @Test("Distance 255 is never used", .row("RT-PRF-2"))
    mutating func distance255() {
        announce(route("10.0.0.0/8", .static, distance: 255, via(1)))
        #expect(drain() == [])
        let answer = rib.lookup(IPv4Address(10, 1, 1, 1))
        #expect(answer.best == nil)
        #expect(answer.known.map(\.standing) == [.unusableDistance])
        announce(
            route("10.0.0.0/8", .ospf, distance: 254, via(2)),
            route("10.0.0.0/8", .ospf, distance: 255, via(2)))
        #expect(drain().last == .remove(prefix("10.0.0.0/8")))
    }

    @Test("A silent next hop takes static routes and their ways out of use, and no others")
    mutating func silence() {
        let both = route("10.0.0.0/8", .static, via(1), via(2))
        let only = route("11.0.0.0/8", .static, via(2))
        let spare = route("11.0.0.0/8", .rip, via(2))
        announce(both, only, spare)
        changes = []
        rib.setSilent([via(2)], into: &changes)
        #expect(drain() == [set(route("10.0.0.0/8", .static, via(1))), set(spare)])
        #expect(rib.list(within: only.prefix).map(\.standing) == [.silent, .best])
        rib.setSilent([via(2)], into: &changes)
        #expect(drain() == [])
        let late = route("12.0.0.0/8", .static, via(2))
        announce(late)
        #expect(drain() == [])
        rib.setSilent([via(1)], into: &changes)
        #expect(
            drain() == [
                set(route("10.0.0.0/8", .static, via(2))), set(only), set(late),
            ])
        rib.setSilent([], into: &changes)
        #expect(drain() == [set(both)])
    }

    @Test("A dead side takes its routes and ways out of use until it is back")
    mutating func sides() {
        let both = route("10.0.0.0/8", .ospf, via(1, .lan), via(2, .wan))
        let only = route("11.0.0.0/8", .static, via(3, .wan))
        let spare = route("11.0.0.0/8", .rip, via(4, .lan))
        let hole = Route(prefix("12.0.0.0/8"), source: .static, action: .blackhole)
        let lan = route("13.0.0.0/8", .connected, NextHop(side: .lan))
        announce(both, only, spare, hole, lan)
        changes = []
        rib.setSide(.wan, isUp: false, into: &changes)
        #expect(drain() == [set(route("10.0.0.0/8", .ospf, via(1, .lan))), set(spare)])
        #expect(rib.list(within: only.prefix).map(\.standing) == [.sideDown, .best])
        rib.setSide(.wan, isUp: false, into: &changes)
        #expect(drain() == [])
        rib.setSide(.lan, isUp: false, into: &changes)
        #expect(drain() == [both, spare, lan].map { .remove($0.prefix) })
        #expect(rib.routesInUse == [hole])
        rib.setSide(.wan, isUp: true, into: &changes)
        #expect(drain() == [set(route("10.0.0.0/8", .ospf, via(2, .wan))), set(only)])
        rib.setSide(.lan, isUp: true, into: &changes)
        #expect(drain() == [set(both), set(lan)])
    }

    @Test("A full result gives only the differences, in the order of prefixes")
    mutating func replaceAll() {
        let kept = route("10.0.0.0/8", .ospf, metric: 1, via(1))
        let gone = route("9.0.0.0/8", .ospf, metric: 1, via(1))
        let old = route("11.0.0.0/8", .ospf, metric: 1, via(1))
        let new = route("11.0.0.0/8", .ospf, metric: 1, via(2))
        let added = route("8.0.0.0/8", .ospf, metric: 1, via(1))
        let other = route("7.0.0.0/8", .rip, metric: 1, via(1))
        announce(kept, gone, old, other)
        changes = []
        rib.replaceAll(of: .ospf, with: [new, kept, added], into: &changes)
        #expect(drain() == [set(added), .remove(gone.prefix), set(new)])
        #expect(rib.count(of: .ospf) == 3 && rib.count(of: .rip) == 1)
        rib.replaceAll(of: .ospf, with: [], into: &changes)
        #expect(rib.routesInUse == [other])
    }

    @Test("The limit refuses learned newcomers by name and spares configured routes")
    mutating func limit() {
        rib = RIB(limit: 3)
        announce(
            route("1.0.0.0/8", .rip, via(1)), route("2.0.0.0/8", .ospf, via(1)),
            route("3.0.0.0/8", .rip, via(1)))
        let refused = rib.announce(route("4.0.0.0/8", .rip, via(1)), into: &changes)
        #expect(refused == .limit && refused?.name == "rib.limit")
        #expect(rib.refusals(for: .limit) == 1)
        #expect(rib.announce(route("3.0.0.0/8", .rip, via(2)), into: &changes) == nil)
        #expect(rib.announce(route("4.0.0.0/8", .static, via(1)), into: &changes) == nil)
        #expect(rib.announce(route("5.0.0.0/8", .connected, via(1)), into: &changes) == nil)
        let many = (1...5).map { route("\($0).1.0.0/16", .ospf, via(1)) }
        rib.replaceAll(of: .ospf, with: many, into: &changes)
        #expect(rib.count(of: .ospf) == 1 && rib.count(of: .rip) == 2)
        #expect(rib.refusals(for: .limit) == 5)
        rib.withdraw(prefix("1.0.0.0/8"), source: .rip, into: &changes)
        #expect(rib.announce(many[1], into: &changes) == nil)
        #expect(rib.bestCount == 5)
    }

    @Test("A route that forwards nowhere is refused by name")
    mutating func noNextHop() {
        #expect(rib.announce(route("1.0.0.0/8", .rip), into: &changes) == .noNextHop)
        rib.replaceAll(of: .rip, with: [route("1.0.0.0/8", .rip)], into: &changes)
        #expect(rib.refusals(for: .noNextHop) == 2)
        #expect(changes.isEmpty && rib.count(of: .rip) == 0)
    }

    @Test("An answer names the shorter prefixes and the losers with the reason")
    mutating func explanation() {
        announce(
            route("0.0.0.0/0", .static, via(1)), route("10.0.0.0/8", .ospf, via(2)),
            route("10.1.0.0/16", .rip, metric: 2, via(3)),
            route("10.1.0.0/16", .ospf, metric: 9, via(4)),
            route("10.1.0.0/16", .static, distance: 110, metric: 9, via(5)),
            route("10.1.1.0/24", .static, via(6, .lan)), route("10.2.0.0/16", .static, via(7)))
        rib.setSide(.lan, isUp: false, into: &changes)
        let answer = rib.lookup(IPv4Address(10, 1, 1, 1))
        #expect(answer.best == route("10.1.0.0/16", .static, distance: 110, metric: 9, via(5)))
        #expect(
            answer.known.map(\.standing)
                == [.sideDown, .best, .tie, .distance, .shorterPrefix, .shorterPrefix])
        #expect(Set(RouteStanding.allCases.map(\.reason)).count == RouteStanding.allCases.count)
        #expect(rib.list(within: prefix("10.0.0.0/8")).count == 6)
        #expect(rib.list(within: prefix("10.1.0.0/16"), source: .ospf).map(\.standing) == [.tie])
        #expect(rib.list(source: .static).count == 4)
    }

    @Test("Connected routes follow from the addresses and resolve gateways")
    mutating func connected() throws {
        let lan = try ["192.168.1.1/24", "192.168.1.2/24", "10.9.0.1/31", "10.9.9.9/32"].map {
            try #require(InterfaceAddress($0))
        }
        let wan = [try #require(InterfaceAddress("192.168.0.1/16"))]
        let routes = RIB.connected(lan, on: .lan)
        #expect(routes.map(\.prefix) == [prefix("10.9.0.0/31"), prefix("192.168.1.0/24")])
        #expect(routes.allSatisfy { $0.action == .forward([NextHop(side: .lan)]) })
        #expect(routes.allSatisfy { $0.source == .connected && $0.distance == 0 })
        let all = routes + RIB.connected(wan, on: .wan)
        rib.replaceAll(of: .connected, with: all, into: &changes)
        #expect(rib.resolve(gateway: IPv4Address(192, 168, 1, 77)) == .lan)
        #expect(rib.resolve(gateway: IPv4Address(192, 168, 2, 77)) == .wan)
        #expect(rib.resolve(gateway: IPv4Address(10, 9, 0, 0)) == .lan)
        #expect(rib.resolve(gateway: IPv4Address(172, 16, 0, 1)) == nil)
        rib.setSide(.lan, isUp: false, into: &changes)
        #expect(rib.resolve(gateway: IPv4Address(192, 168, 1, 77)) == .lan)
    }

    @Test("One network on both sides: the first side wins and nothing is merged")
    mutating func overlappingSides() {
        announce(
            route("10.0.0.0/8", .connected, NextHop(side: .wan)),
            route("10.0.0.0/8", .connected, NextHop(side: .lan)))
        #expect(rib.routesInUse == [route("10.0.0.0/8", .connected, NextHop(side: .lan))])
        #expect(rib.list().map(\.standing) == [.best, .tie])
    }
}
