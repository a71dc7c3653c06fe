import Forwarding
import Router
import Routing
import Testing
import Wire

@Suite struct FIBBuilderTests {
    private let first = IPv4Prefix(IPv4Address(10, 0, 0, 0), length: 8)
    private let second = IPv4Prefix(IPv4Address(11, 0, 0, 0), length: 8)
    private let info = RouteInfo(source: .static, distance: 1, metric: 0)

    private func via(_ number: UInt32) -> RouteAction {
        .forward([NextHop(side: .wan, gateway: IPv4Address(number))])
    }

    @Test("Prefixes with the same action share a group")
    func sharing() {
        var builder = FIBBuilder()
        builder.apply([.set(first, via(1), info), .set(second, via(1), info)])
        let fib = builder.build()
        let groups = (fib.lookup(first.address), fib.lookup(second.address))
        #expect(groups.0 == groups.1 && groups.0 != 0)
    }

    @Test("Only what alters forwarding asks for a new table")
    func differences() {
        var builder = FIBBuilder()
        #expect(builder.generation == 0)
        let isNew = builder.apply([.set(first, via(1), info)])
        var other = info
        other.metric = 9
        let isOther = builder.apply([.set(first, via(1), other)])
        let isRemoved = builder.apply([.remove(first)])
        let isRemovedAgain = builder.apply([.remove(first)])
        #expect([isNew, isOther, isRemoved, isRemovedAgain] == [true, false, true, false])
        #expect(builder.routeCount == 0)
    }

    @Test("Beyond the most groups a prefix is unreachable and counted, and groups are used again")
    func groupLimit() {
        var builder = FIBBuilder(mostGroups: 3)
        builder.apply([.set(first, via(1), info), .set(second, via(2), info)])
        let full = builder.build()
        let actions = [first, second].map { full.action(of: full.lookup($0.address)) }
        #expect(actions == [.forward, .unreachable])
        #expect(builder.groupRefusals == 1)
        builder.apply([.remove(first), .set(second, via(3), info)])
        let fib = builder.build()
        let group = fib.lookup(second.address)
        let (gone, hop) = (fib.lookup(first.address), fib.nextHop(in: group, flowHash: 0))
        #expect(gone == 0)
        #expect(hop == FIBNextHop(side: .wan, gateway: IPv4Address(3)))
        #expect(builder.groupRefusals == 1 && builder.generation == 2)
    }
}
