import Forwarding
import Router
import Routing
import Support
import Timing
import Wire

extension Engine {
    /// Longest match at 1,000,000 prefixes: the table in use beside two others.
    static func routes() {
        // First, while the heap is empty.
        staticRoutes(100_000)
        var random = Random(seed: 3)
        let routes = fullTable(1_000_000, &random)
        var trie = BitTrie()
        for route in routes { trie.set(route.prefix, route.group) }
        // A destination in a random prefix, and destinations of which few get most.
        let spread = (0..<1 << 20).map { _ in destination(in: routes, &random) }
        let skewed = spread.map { _ in spread[random.below(2 << random.below(20))] }
        let changes = (0..<10_000).map { _ in
            FIBRoute(
                routes[random.below(routes.count)].prefix, group: UInt32(1 + random.below(250)))
        }
        print(
            "\n| table, 1,000,000 prefixes | random ns | skewed ns | MiB | build ms | update µs"
                + " | wrong of 10^7 | allocations |")
        print("|---|---|---|---|---|---|---|---|")
        product(routes, trie, spread, skewed, changes)
        do {
            var table: Poptrie?
            let built = time { table = Poptrie(trie) }
            guard var table else { return }
            let found = measure(trie, spread, skewed) { table.lookup($0) }
            let bytes = table.byteCount
            let updated = time { for change in changes { table.set(change.prefix, change.group) } }
            row("Poptrie", found, bytes, built, updated / 10_000)
        }
        do {
            var table: DIR248?
            let built = time { table = DIR248(routes) }
            guard var table else { return }
            let found = measure(trie, spread, skewed) { table.lookup($0) }
            let updated = time { for change in changes { table.set(change.prefix, change.group) } }
            row("DIR-24-8", found, table.byteCount, built, updated / 10_000)
        }
    }

    /// The table of the gateway, updated through the whole of the control side.
    private static func product(
        _ routes: [FIBRoute], _ trie: BitTrie, _ spread: [UInt32], _ skewed: [UInt32],
        _ changes: [FIBRoute]
    ) {
        func change(_ route: FIBRoute) -> RIBChange {
            .set(
                route.prefix, .forward([NextHop(side: .wan, gateway: IPv4Address(route.group))]),
                RouteInfo(source: .static, distance: 1, metric: 0))
        }
        var builder = FIBBuilder()
        let loaded = time { builder.apply(routes.map(change)) }
        var fib = FIB()
        let built = time { fib = builder.build() }
        // Groups are numbered as they came: what is found is compared by next hop.
        let found = measure(
            trie, spread, skewed,
            value: {
                $0 == 0 ? 0 : fib.nextHop(in: $0, flowHash: 0).gateway
            }
        ) { fib.lookup(IPv4Address($0)) }
        let bytes = fib.byteCount
        var applied = 0.0
        let updated = time {
            for route in changes {
                builder.apply([change(route)])
                switch builder.update() {
                case .table(let table): fib = table
                case .patch(let patch): applied += time { fib.apply(patch) }
                }
            }
        }
        row("DXR, in use", found, bytes, built, (updated - applied) / 10_000)
        var after = trie
        for change in changes { after.set(change.prefix, change.group) }
        let wrong = spread.count { address in
            let group = fib.lookup(IPv4Address(address))
            let gateway = group == 0 ? 0 : fib.nextHop(in: group, flowHash: 0).gateway
            return gateway != after.lookup(address)
        }
        precondition(wrong == 0)
        print(
            "\nTaking in 1,000,000 changes: \((loaded / 1e6).text(0)) ms. Of an update the packet"
                + " path does \((applied / 10_000).text(0)) ns.\n")
        print("| other tables | | | | | | | |\n|---|---|---|---|---|---|---|---|")
    }

    private static func staticRoutes(_ count: Int) {
        var random = Random(seed: 4)
        let prefixes = fullTable(count, &random)
        let routes = prefixes.map {
            Route(
                $0.prefix, source: .static,
                action: .forward([NextHop(side: .wan, gateway: IPv4Address($0.group))]))
        }
        let before = residentOctets()
        var control = ControlPlane()
        var bytes = 0
        let taken = time {
            if case .table(let table)? = control.configure(Bench.settings, routes: routes) {
                bytes = table.byteCount
            }
        }
        let resident = residentOctets() - before
        print(
            "\n\(count) static routes: \((taken / 1e6).text(0)) ms; resident"
                + " \(resident / 1024) KiB,"
                + " table \(bytes / 1024) KiB.")
    }

    // MARK: Measuring

    private static func time(_ body: () -> Void) -> Double {
        let start = nanoseconds()
        body()
        return Double(nanoseconds() - start)
    }

    struct Lookups {
        var spread = Best()
        var skewed = Best()
        var wrong = 0
    }

    @inline(__always)
    private static func measure(
        _ trie: BitTrie, _ spread: [UInt32], _ skewed: [UInt32],
        value: (UInt32) -> UInt32 = { $0 }, _ lookup: (UInt32) -> UInt32
    ) -> Lookups {
        var result = Lookups()
        var sum: UInt32 = 0
        for _ in 0..<runs {
            result.spread.run(steps: spread.count) {
                for address in spread { sum &+= lookup(address) }
            }
            result.skewed.run(steps: skewed.count) {
                for address in skewed { sum &+= lookup(address) }
            }
        }
        var random = Random(seed: UInt64(sum & 1))
        for step in 0..<10_000_000 {
            let address =
                step & 1 == 0
                ? spread[step & (1 << 20 - 1)] &+ UInt32(step >> 20)
                : UInt32(truncatingIfNeeded: random.next())
            if value(lookup(address)) != trie.lookup(address) { result.wrong += 1 }
        }
        return result
    }

    private static func row(
        _ name: String, _ found: Lookups, _ bytes: Int, _ built: Double, _ update: Double
    ) {
        let allocations = found.spread.allocations + found.skewed.allocations
        print(
            "| \(name) | \(found.spread.nanoseconds.text()) | \(found.skewed.nanoseconds.text())"
                + " | \((Double(bytes) / 1_048_576).text()) | \((built / 1e6).text(0))"
                + " | \((update / 1000).text()) | \(found.wrong) | \(allocations) |")
        precondition(found.wrong == 0 && allocations == 0)
    }

    // MARK: A table like that of a provider

    /// Prefix lengths of a table of 2025, in thousandths.
    private static let lengths: [(length: Int, share: Int)] = [
        (24, 600), (23, 95), (22, 110), (21, 52), (20, 46), (19, 26), (18, 14), (17, 8), (16, 13),
        (15, 3), (14, 2), (13, 1), (12, 1), (29, 9), (32, 20),
    ]

    /// Distinct prefixes: half of them next to the one before, in 30,000 clusters; neighbours
    /// mostly have the same way.
    private static func fullTable(_ count: Int, _ random: inout Random) -> [FIBRoute] {
        let total = lengths.reduce(0) { $0 + $1.share }
        let clusters = (0..<30_000).map { _ in
            (
                address: UInt32(1 + random.below(223)) << 24 | UInt32(random.below(1 << 10)) << 14,
                group: UInt32(1 + random.below(250))
            )
        }
        var seen: Set<IPv4Prefix> = []
        seen.reserveCapacity(count)
        var routes: [FIBRoute] = []
        var last = IPv4Prefix(IPv4Address(0), length: 0)
        var group: UInt32 = 1
        while routes.count < count {
            var left = random.below(total)
            var length = 24
            for entry in lengths {
                if left < entry.share {
                    length = entry.length
                    break
                }
                left -= entry.share
            }
            var address: UInt32
            if random.below(2) == 0, routes.count > 0 {
                address = last.address.rawValue &+ 1 << UInt32(32 - Int(last.length))
            } else {
                let cluster = clusters[random.below(clusters.count)]
                address = cluster.address ^ UInt32(random.below(1 << 16))
                group = random.below(5) == 0 ? UInt32(1 + random.below(250)) : cluster.group
            }
            if address >> 24 == 0 || address >> 24 > 223 { address = 0x0100_0000 }
            let prefix = IPv4Prefix(IPv4Address(address), length: length)
            last = prefix
            guard seen.insert(prefix).inserted else { continue }
            routes.append(FIBRoute(prefix, group: group))
        }
        return routes
    }

    private static func destination(in routes: [FIBRoute], _ random: inout Random) -> UInt32 {
        let prefix = routes[random.below(routes.count)].prefix
        return prefix.address.rawValue | UInt32(truncatingIfNeeded: random.next()) & ~prefix.mask
    }
}
