import Forwarding
import Router
import Routing
import Support
import Testing
import Timing
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

    /// Longest match by looking at every route; 0 for none.
    private func gateway(_ model: [IPv4Prefix: UInt32], _ address: IPv4Address) -> UInt32 {
        model.filter { $0.key.contains(address) }.max { $0.key.length < $1.key.length }?.value ?? 0
    }

    @Test(
        "Patches make of a table what a new one would be", .row("RT-FIB-1"), arguments: 0..<12)
    func patches(seed: UInt64) {
        var random = Random(seed: seed)
        var builder = FIBBuilder()
        var fib = builder.build()
        var model: [IPv4Prefix: UInt32] = [:]
        var (patches, tables, wrong) = (0, 0, 0)
        // Blocks hold 2^14 addresses: crowded ones, their neighbours, and what covers them.
        let lengths = seed % 2 == 0 ? 9...32 : 16...24
        for _ in 0..<60 {
            var changes: [RIBChange] = []
            for _ in 0...random.below(8) {
                let address = IPv4Address(0x0a00_0000 | UInt32(random.below(1 << 16)))
                let length = lengths.lowerBound + random.below(lengths.count)
                let prefix = IPv4Prefix(address, length: length)
                let isGone = random.below(3) == 0
                let number = UInt32(1 + random.below(12))
                changes.append(isGone ? .remove(prefix) : .set(prefix, via(number), info))
                model[prefix] = isGone ? nil : number
            }
            builder.apply(changes)
            switch builder.update() {
            case .table(let table):
                fib = table
                tables += 1
            case .patch(let patch):
                fib.apply(patch)
                patches += 1
            }
            var addresses = (0..<40).map { _ in 0x0a00_0000 | UInt32(random.below(1 << 17)) }
            for prefix in model.keys.sorted(by: { $0.address.rawValue < $1.address.rawValue }) {
                let first = prefix.address.rawValue
                addresses += [first, first &- 1, first | ~prefix.mask, (first | ~prefix.mask) &+ 1]
            }
            for address in addresses.map({ IPv4Address($0) }) {
                let group = fib.lookup(address)
                let found =
                    fib.action(of: group) == .forward
                    ? fib.nextHop(in: group, flowHash: 0).gateway : 0
                if found != gateway(model, address) { wrong += 1 }
            }
        }
        let (generation, count) = (fib.generation, fib.routeCount)
        #expect(wrong == 0)
        #expect(patches == 60 && tables == 0)
        #expect(generation == builder.generation && count == model.count)
    }

    @Test(
        "When a side goes down, equal ways take over before the routes are worked through",
        .row("RT-ECMP-1"))
    func failover() throws {
        let wan = NextHop(side: .wan, gateway: IPv4Address(203, 0, 113, 9))
        let lan = NextHop(side: .lan, gateway: IPv4Address(192, 168, 50, 9))
        var control = ControlPlane()
        let prefixes = (0..<5000).map {
            IPv4Prefix(IPv4Address($0 << 16 | 0x0a00_0000), length: 24)
        }
        let routes = prefixes.map {
            Route($0, source: .static, action: .forward([wan, lan]))
        }
        let alone = IPv4Prefix(IPv4Address(9, 0, 0, 0), length: 8)
        control.learn(
            routes + [Route(alone, source: .static, action: .forward([wan]))], withdrawn: [],
            from: .static)
        var fib = FIB()
        func take(_ update: consuming FIBUpdate?) -> Bool {
            switch consume update {
            case .table(let table): fib = table
            case .patch(let patch): fib.apply(patch)
            case nil: return false
            }
            return true
        }
        func sides(_ prefix: IPv4Prefix) -> Set<Side> {
            let group = fib.lookup(prefix.address)
            return Set(
                (0..<16).filter { $0 < fib.group(group).count }.map {
                    fib.group(group)[$0].side
                })
        }
        var isNew = take(control.table())
        #expect(isNew && sides(prefixes[17]) == [.lan, .wan] && sides(alone) == [.wan])
        guard case .patch(let patch) = control.failover(from: .wan) else {
            Issue.record("no patch")
            return
        }
        #expect(patch.groupCount == 1 && patch.blockCount == 0)
        fib.apply(patch)
        #expect(prefixes.allSatisfy { sides($0) == [.lan] } && sides(alone) == [.wan])
        isNew = take(control.setLink(.wan, isUp: false))
        #expect(isNew && prefixes.allSatisfy { sides($0) == [.lan] } && sides(alone) == [])
        isNew = take(control.failover(from: .wan))
        #expect(!isNew, "it is down already")
        isNew = take(control.setLink(.wan, isUp: true))
        #expect(
            isNew && prefixes.allSatisfy { sides($0) == [.lan, .wan] } && sides(alone) == [.wan])
        // The same for one next hop; where nothing comes of it, it is taken back.
        isNew = take(control.failover(from: lan))
        #expect(isNew && prefixes.allSatisfy { sides($0) == [.wan] })
        isNew = take(control.table())
        #expect(isNew && prefixes.allSatisfy { sides($0) == [.lan, .wan] })
        isNew = take(control.failover(from: lan))
        control.setSilent([lan])
        let isGone = take(control.table())
        #expect(isNew && isGone && prefixes.allSatisfy { sides($0) == [.wan] })
    }

    @Test("What is too much for a patch comes as a table")
    func wholeTables() {
        var builder = FIBBuilder()
        func update(_ changes: [RIBChange]) -> Bool {
            builder.apply(changes)
            if case .table = builder.update() { return true }
            return false
        }
        #expect(update([.set(first, via(1), info)]), "the first")
        #expect(!update([.set(second, via(1), info)]))
        #expect(update([.set(IPv4Prefix(.unspecified, length: 0), via(2), info)]), "every block")
        let hosts = (0..<70_000).map {
            RIBChange.set(IPv4Prefix(IPv4Address(0x0a00_0000 + $0 * 2), length: 32), via(3), info)
        }
        #expect(update(hosts), "more ranges than there is room for")
        #expect(!update([.remove(second)]))
        let ways = (1...1000).map { RIBChange.set(second, via(UInt32(100 + $0)), info) }
        #expect(!update(ways))
    }
}
