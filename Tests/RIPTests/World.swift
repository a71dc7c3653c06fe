import RIP
import Support
import Timing
import Wire

/// Routers, links between them, and one virtual clock. Packets get lost, are late and overtake one
/// another; links go down and come back.
final class World {
    /// What is measured.
    struct Tally {
        /// Times a router's new way closed a loop.
        var loops = 0
        /// Times a router was left without a way although there was one, and how long in all.
        var holes = 0
        var holeTime = Interval(nanoseconds: 0)
        var packets = 0
    }

    private struct Link {
        var ends: [(router: Int, interface: Int)]
        var isUp = true
    }

    private enum Event {
        case packet(RIPPacket, router: Int, interface: Int, sender: IPv4Address)
        case wake(Int)
    }

    private final class Router {
        var engine: RIPEngine
        /// By destination router: the next router, nil for none.
        var next: [Int?]
        var metric: [UInt8]
        var holeSince: [Instant?]
        var wake: Instant?

        init(_ engine: consuming RIPEngine, count: Int) {
            self.engine = engine
            next = Array(repeating: nil, count: count)
            metric = Array(repeating: 16, count: count)
            holeSince = Array(repeating: nil, count: count)
        }
    }

    private let hold: Interval
    private var routers: [Router] = []
    private var links: [Link] = []
    /// By router and interface: the link and the neighbour's end.
    private var ports: [[Int]] = []
    private var queue: [(at: Int64, order: Int, event: Event)] = []
    private var order = 0
    private(set) var now = Instant.zero + .seconds(1)
    private var random: Random
    private var effects = RIPEffects()
    private(set) var tally = Tally()
    /// Lost packets in a thousand.
    var loss = 0

    /// A connected random graph: a tree and `extra` more links.
    init(
        routers count: Int, extra: Int, seed: UInt64, isLoopFree: Bool,
        hold: Interval = RIPTimers().hold
    ) {
        self.hold = hold
        random = Random(seed: seed)
        var pairs: [(Int, Int)] = []
        for router in 1..<count { pairs.append((router, random.below(router))) }
        while pairs.count < count - 1 + extra {
            let (a, b) = (random.below(count), random.below(count))
            let isKnown = pairs.contains { $0 == (a, b) || $0 == (b, a) }
            if a != b, !isKnown { pairs.append((a, b)) }
        }
        ports = Array(repeating: [], count: count)
        for (number, pair) in pairs.enumerated() {
            links.append(
                Link(ends: [
                    (pair.0, ports[pair.0].count), (pair.1, ports[pair.1].count),
                ]))
            ports[pair.0].append(number)
            ports[pair.1].append(number)
        }
        for router in 0..<count { add(router, count, isLoopFree) }
        for router in 0..<count { start(router) }
    }

    private func add(_ router: Int, _ count: Int, _ isLoopFree: Bool) {
        var settings = RIPSettings(
            interfaces: ports[router].map { link in
                let address = Self.address(link, isFirst: links[link].ends[0].router == router)
                var own = RIPInterfaceSettings(
                    addresses: [InterfaceAddress(address, length: 31)])
                own.isLoopFree = isLoopFree
                return own
            })
        settings.limits.routes = 512
        settings.limits.ways = 1
        settings.timers.hold = hold
        let engine = RIPEngine(
            settings, random: Random(seed: random.next()), wallSeconds: 0, at: now)
        routers.append(Router(engine, count: count))
    }

    private func start(_ router: Int) {
        routers[router].engine.originate(
            RIPLocalRoute(Self.network(router)), at: now, into: &effects)
        for interface in ports[router].indices {
            routers[router].engine.setInterface(
                interface, isUp: true, at: now, into: &effects)
        }
        routers[router].metric[router] = 1
        carryOut(router)
    }

    private static func address(_ link: Int, isFirst: Bool) -> IPv4Address {
        IPv4Address(100 << 24 | UInt32(link) << 1 | (isFirst ? 0 : 1))
    }

    private static func network(_ router: Int) -> IPv4Prefix {
        IPv4Prefix(IPv4Address(20 << 24 | UInt32(router) << 8), length: 24)
    }

    // MARK: Time

    /// Lets time pass.
    func run(_ interval: Interval) {
        let end = (now + interval).nanoseconds
        while let first = queue.first, first.at <= end {
            popFirst()
            now = max(now, Instant(nanoseconds: first.at))
            switch first.event {
            case .wake(let router):
                guard routers[router].wake == now else { continue }
                routers[router].wake = nil
                routers[router].engine.tick(at: now, into: &effects)
                carryOut(router)
            case .packet(let packet, let router, let interface, let sender):
                guard links[ports[router][interface]].isUp else { continue }
                unsafe routers[router].engine.receive(
                    packet.bytes.span.bytes, from: RIPEndpoint(sender), on: interface, at: now,
                    into: &effects)
                carryOut(router)
            }
        }
        now = Instant(nanoseconds: end)
    }

    var linkCount: Int { links.count }

    /// Takes a link down, or up again.
    func toggle(_ number: Int) {
        links[number].isUp.toggle()
        for end in links[number].ends {
            routers[end.router].engine.setInterface(
                end.interface, isUp: links[number].isUp, at: now, into: &effects)
            carryOut(end.router)
        }
    }

    private func carryOut(_ router: Int) {
        for packet in effects.packets {
            tally.packets += 1
            if random.below(1000) < loss { continue }
            let link = links[ports[router][packet.interface]]
            guard link.isUp, let peer = link.ends.first(where: { $0.router != router }) else {
                continue
            }
            let delay = Interval(nanoseconds: Int64(1_000_000 + random.below(20_000_000)))
            push(
                now + delay,
                .packet(
                    packet, router: peer.router, interface: peer.interface, sender: packet.source))
        }
        let changes = effects.changes
        effects.removeAll()
        for change in changes { note(change, router) }
        if let next = routers[router].engine.nextDeadline {
            let moment = max(next, now)
            if routers[router].wake != moment {
                routers[router].wake = moment
                push(moment, .wake(router))
            }
        }
    }

    // MARK: What comes of it

    private func note(_ change: RIPChange, _ router: Int) {
        switch change {
        case .set(let prefix, let metric, let ways):
            let target = Int(prefix.address.rawValue >> 8 & 0xffff)
            let link = links[ports[router][ways[0].interface]]
            routers[router].next[target] = link.ends.first { $0.router != router }?.router
            routers[router].metric[target] = metric
            if let since = routers[router].holeSince[target] {
                tally.holeTime = tally.holeTime + (now - since)
                routers[router].holeSince[target] = nil
            }
            if isLoop(from: router, to: target) { tally.loops += 1 }
        case .remove(let prefix):
            let target = Int(prefix.address.rawValue >> 8 & 0xffff)
            routers[router].next[target] = nil
            routers[router].metric[target] = 16
            routers[router].holeSince[target] = now
            tally.holes += 1
        }
    }

    private func isLoop(from router: Int, to target: Int) -> Bool {
        var at = routers[router].next[target]
        for _ in 0...routers.count {
            guard let here = at, here != target else { return false }
            if here == router { return true }
            at = routers[here].next[target]
        }
        return false
    }

    /// Ways that do not end at their destination.
    var badWays: Int {
        var count = 0
        for router in routers.indices {
            for target in routers.indices where isLoop(from: router, to: target) { count += 1 }
        }
        return count
    }

    /// Routes that are not what Bellman and Ford would find, as text.
    func differences() -> [String] {
        var result: [String] = []
        for target in routers.indices {
            let wanted = distances(to: target)
            for router in routers.indices where routers[router].metric[target] != wanted[router] {
                result.append(
                    "\(router) -> \(target): \(routers[router].metric[target]), "
                        + "not \(wanted[router])")
            }
        }
        return result
    }

    /// The naive way: every edge, until nothing changes.
    private func distances(to target: Int) -> [UInt8] {
        var result = [UInt8](repeating: 16, count: routers.count)
        result[target] = 1
        var isDone = false
        while !isDone {
            isDone = true
            for link in links where link.isUp {
                for (a, b) in [(0, 1), (1, 0)] {
                    let (from, to) = (link.ends[a].router, link.ends[b].router)
                    let way = min(result[from] + 1, 16)
                    if way < result[to] {
                        result[to] = way
                        isDone = false
                    }
                }
            }
        }
        return result
    }

    // MARK: The queue, a binary heap

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        (queue[a].at, queue[a].order) < (queue[b].at, queue[b].order)
    }

    private func push(_ moment: Instant, _ event: Event) {
        order += 1
        queue.append((moment.nanoseconds, order, event))
        var child = queue.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            queue.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func popFirst() {
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < queue.count && isBefore(child, least) { least = child }
            if least == parent { return }
            queue.swapAt(parent, least)
            parent = least
        }
    }
}
