import OSPF
import Support
import Timing
import Wire

/// Routers, links and networks between them, and one virtual clock. Packets get lost, are late and
/// overtake one another; links go down and come back. Router n has the host 20.0.n/32, and some
/// that stand in one area only announce the external 30.n/16.
final class World {
    /// A wire with two ends, or a network with more.
    struct Segment {
        var area: Int
        var cost: UInt16
        var isNetwork: Bool
        var ends: [(router: Int, interface: Int)] = []
        var isUp = true
        /// Frames vanish although the link is up.
        var isSilent = false
    }

    private enum Event {
        case packet(OSPFPacket, router: Int, interface: Int)
        case wake(Int)
    }

    private final class Router {
        var engine: OSPFEngine
        var table: [IPv4Prefix: OSPFChange] = [:]
        var wake: Instant?

        init(_ engine: consuming OSPFEngine) { self.engine = engine }
    }

    private(set) var segments: [Segment] = []
    /// By router and interface: the segment. The last interface of each is its loopback.
    private var ports: [[Int]]
    private var routers: [Router] = []
    private var queue: [(at: Int64, order: Int, event: Event)] = []
    private var order = 0
    private(set) var now = Instant.zero + .seconds(1)
    private var random: Random
    private var effects = OSPFEffects()
    private(set) var packets = 0
    /// Lost packets in a thousand.
    var loss = 0

    /// - Parameters:
    ///   - areas: 1, or the backbone and others around it.
    init(routers count: Int, extra: Int, areas: Int, seed: UInt64) {
        random = Random(seed: seed)
        ports = Array(repeating: [], count: count)
        let home = (0..<count).map { areas == 1 ? 0 : $0 % areas }
        for area in 0..<areas {
            let members = (0..<count).filter { home[$0] == area }
            // Two routers of the backbone stand in every other area as well.
            let core = (0..<count).filter { home[$0] == 0 }
            let borders = area == 0 ? [] : [core[area % core.count], core[(area + 1) % core.count]]
            connect(borders + members, extra: extra / areas, area)
        }
        for router in 0..<count { add(router, areas, home[router]) }
        for router in 0..<count { start(router) }
    }

    private func connect(_ members: [Int], extra: Int, _ area: Int) {
        var pairs: [(Int, Int)] = []
        for index in 1..<members.count {
            pairs.append((members[index], members[random.below(index)]))
        }
        for _ in 0..<extra {
            let (a, b) = (random.below(members.count), random.below(members.count))
            if a != b { pairs.append((members[a], members[b])) }
        }
        for (a, b) in pairs {
            let cost = UInt16(1 + random.below(20))
            attach([a, b], Segment(area: area, cost: cost, isNetwork: random.below(3) == 0))
        }
        if members.count > 4 {
            attach(Array(members.suffix(4)), Segment(area: area, cost: 3, isNetwork: true))
        }
    }

    private func attach(_ members: [Int], _ segment: Segment) {
        var segment = segment
        for router in members {
            segment.ends.append((router, ports[router].count))
            ports[router].append(segments.count)
        }
        segments.append(segment)
    }

    private func add(_ router: Int, _ areas: Int, _ home: Int) {
        var interfaces: [OSPFInterfaceSettings?] = []
        for (interface, number) in ports[router].enumerated() {
            let segment = segments[number]
            let place = segment.ends.firstIndex { $0 == (router, interface) } ?? 0
            let base = UInt32(100) << 24 | UInt32(number) << 8
            var own = OSPFInterfaceSettings(
                address: InterfaceAddress(IPv4Address(base | UInt32(place + 1)), length: 24),
                area: IPv4Address(UInt32(segment.area)))
            own.network = segment.isNetwork ? .broadcast : .pointToPoint
            own.cost = segment.cost
            own.helloInterval = .seconds(1)
            own.deadInterval = .seconds(4)
            own.retransmitInterval = .seconds(2)
            interfaces.append(own)
        }
        var host = OSPFInterfaceSettings(
            address: InterfaceAddress(Self.host(router), length: 32),
            area: IPv4Address(UInt32(home)))
        host.network = .loopback
        interfaces.append(host)
        var settings = OSPFSettings(
            router: IPv4Address(UInt32(router + 1)),
            areas: (0..<areas).map { OSPFAreaSettings(IPv4Address(UInt32($0))) },
            interfaces: interfaces)
        if router % 2 == 0 { settings.limits.exchanges = 2 }
        routers.append(
            Router(
                OSPFEngine(
                    settings, random: Random(seed: random.next()), wallSeconds: 0, at: now)))
    }

    static func host(_ router: Int) -> IPv4Address { IPv4Address(20 << 24 | UInt32(router)) }
    static func outside(_ router: Int) -> IPv4Prefix {
        IPv4Prefix(IPv4Address(30 << 24 | UInt32(router) << 16), length: 16)
    }
    static func isBoundary(_ router: Int) -> Bool {
        router % 2 == 1 && [3, 5].contains(router % 11)
    }
    static func isType2(_ router: Int) -> Bool { router % 4 == 1 }

    private func start(_ router: Int) {
        for interface in 0...ports[router].count {
            routers[router].engine.setInterface(interface, isUp: true, at: now, into: &effects)
        }
        if Self.isBoundary(router) {
            routers[router].engine.originate(
                OSPFExternal(Self.outside(router), isType2: Self.isType2(router)), at: now,
                into: &effects)
        }
        carryOut(router)
    }

    var count: Int { routers.count }

    /// Takes a segment down, or up again.
    func toggle(_ number: Int) {
        segments[number].isUp.toggle()
        for end in segments[number].ends {
            routers[end.router].engine.setInterface(
                end.interface, isUp: segments[number].isUp, at: now, into: &effects)
            carryOut(end.router)
        }
    }

    /// Has a segment swallow all frames, or not any more.
    func silence(_ number: Int, _ isSilent: Bool) { segments[number].isSilent = isSilent }

    /// Segments that are up and lead from some routers to others.
    func border(of inside: (Int) -> Bool) -> [Int] {
        segments.indices.filter { number in
            let ends = segments[number].ends.map { inside($0.router) }
            return segments[number].isUp && ends.contains(true) && ends.contains(false)
        }
    }

    // MARK: Time

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
            case .packet(let packet, let router, let interface):
                guard segments[ports[router][interface]].isUp else { continue }
                routers[router].engine.receive(
                    packet.bytes.raw, from: packet.source, to: packet.destination, on: interface,
                    at: now, into: &effects)
                carryOut(router)
            }
        }
        now = Instant(nanoseconds: end)
    }

    private func carryOut(_ router: Int) {
        for packet in effects.packets { deliver(packet, router) }
        for change in effects.changes {
            switch change {
            case .set(let prefix, _, _, _), .discard(let prefix):
                routers[router].table[prefix] = change
            case .remove(let prefix): routers[router].table[prefix] = nil
            }
        }
        effects.removeAll()
        guard let next = routers[router].engine.nextDeadline else { return }
        let moment = max(next, now)
        if routers[router].wake != moment {
            routers[router].wake = moment
            push(moment, .wake(router))
        }
    }

    private func deliver(_ packet: OSPFPacket, _ router: Int) {
        packets += 1
        let number = ports[router][packet.interface]
        let segment = segments[number]
        guard segment.isUp, !segment.isSilent else { return }
        for (place, end) in segment.ends.enumerated()
        where end != (router, packet.interface) {
            let address = IPv4Address(UInt32(100) << 24 | UInt32(number) << 8 | UInt32(place + 1))
            guard packet.destination.isMulticast || packet.destination == address else { continue }
            if random.below(1000) < loss { continue }
            let delay = Interval(nanoseconds: Int64(1_000_000 + random.below(20_000_000)))
            push(now + delay, .packet(packet, router: end.router, interface: end.interface))
        }
    }

    // MARK: What comes of it

    /// The metric of a route; nil for none.
    func metric(_ router: Int, _ prefix: IPv4Prefix) -> UInt32? {
        guard case .set(_, _, let metric, _) = routers[router].table[prefix] else { return nil }
        return metric
    }

    func way(_ router: Int, _ prefix: IPv4Prefix) -> [OSPFWay] {
        guard case .set(_, _, _, let ways) = routers[router].table[prefix] else { return [] }
        return ways
    }

    /// The router that a way leads to.
    func neighbor(_ router: Int, _ way: OSPFWay) -> Int? {
        let segment = segments[ports[router][way.interface]]
        guard let gateway = way.gateway else { return nil }
        let place = Int(gateway.rawValue & 255) - 1
        return segment.ends.indices.contains(place) ? segment.ends[place].router : nil
    }

    /// Areas a router is active in: of links that are up, and of its host.
    func areas(_ router: Int, _ areaCount: Int) -> Set<Int> {
        let links = ports[router].filter { segments[$0].isUp }.map { segments[$0].area }
        return Set(links + [areaCount == 1 ? 0 : router % areaCount])
    }

    /// Type, ids, sequence and checksum of all LSAs of an area, as text.
    func database(_ router: Int, _ area: Int?) -> Set<String> {
        let id = area.map { IPv4Address(UInt32($0)) }
        return Set(
            routers[router].engine.headers(ofArea: id, at: now).map {
                "\($0.type) \($0.id) \($0.router) \($0.sequence) \($0.checksum)"
            })
    }

    /// Full neighbours and others.
    func neighborCounts() -> (full: Int, other: Int) {
        let states = routers.flatMap { $0.engine.neighbors.map(\.state) }
        let full = states.count { $0 == .full }
        return (full, states.count { $0 != .full && $0 != .twoWay })
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

/// What the routes should be, found in another way: distances between all pairs by Floyd and
/// Warshall in every area, then by the hierarchy of areas.
struct Oracle {
    private static let far = UInt32(1) << 30
    private let world: World
    private let areaCount: Int
    private var borders: [Int] = []
    /// By border and host.
    private var overBackbone: [[UInt32]] = []
    /// By area, from and to.
    private var within: [[[UInt32]]] = []
    private var active: [Set<Int>] = []

    init(_ world: World, areas: Int) {
        self.world = world
        areaCount = areas
        active = (0..<world.count).map { world.areas($0, areas) }
        for area in 0..<areas { within.append(distances(area)) }
        borders = (0..<world.count).filter { isBorder($0) }
        overBackbone = (0..<world.count).map { router in
            guard active[router].contains(0) else { return [] }
            return (0..<world.count).map { host in
                borders.filter { $0 != router }
                    .map { inside(0, router, $0) + toBackbone($0, host) }.min() ?? Self.far
            }
        }
    }

    private func distances(_ area: Int) -> [[UInt32]] {
        let count = world.count
        var result = Array(
            repeating: Array(repeating: Self.far, count: count), count: count)
        for router in 0..<count { result[router][router] = 0 }
        for segment in world.segments where segment.isUp && segment.area == area {
            for a in segment.ends {
                for b in segment.ends where a.router != b.router {
                    let cost = min(result[a.router][b.router], UInt32(segment.cost))
                    result[a.router][b.router] = cost
                }
            }
        }
        let members = (0..<count).filter { active[$0].contains(area) }
        for k in members {
            for i in members where result[i][k] < Self.far {
                for j in members {
                    result[i][j] = min(result[i][j], result[i][k] + result[k][j])
                }
            }
        }
        return result
    }

    private func isBorder(_ router: Int) -> Bool {
        active[router].count > 1 && active[router].contains(0)
    }

    private func inside(_ area: Int, _ a: Int, _ b: Int) -> UInt32 {
        guard active[a].contains(area), active[b].contains(area) else { return Self.far }
        return within[area][a][b]
    }

    /// Whether two routers of an area have a way to each other within it.
    func areJoined(_ area: Int, _ a: Int, _ b: Int) -> Bool { inside(area, a, b) < Self.far }

    /// What a border router says into the backbone of a host.
    private func toBackbone(_ border: Int, _ host: Int) -> UInt32 {
        let home = host % areaCount
        return home == 0 ? Self.far : inside(home, border, host)
    }

    /// From a router to the host of another; nil if there is no way.
    func distance(_ router: Int, _ host: Int) -> UInt32? {
        let home = areaCount == 1 ? 0 : host % areaCount
        var best = inside(home, router, host)
        if best < Self.far { return best }
        if isBorder(router) || active[router] == [0] {
            best = overBackbone[router][host]
        } else {
            for area in active[router] {
                for border in borders where inside(area, router, border) < Self.far {
                    // A border router says into an area what it reaches by another.
                    var direct = Self.far
                    for other in active[border] where other == home && other != area {
                        direct = inside(other, border, host)
                    }
                    let own = inside(home, border, host)
                    let told =
                        own < Self.far ? direct : area == 0 ? Self.far : overBackbone[border][host]
                    best = min(best, inside(area, router, border) + told)
                }
            }
        }
        return best < Self.far ? best : nil
    }
}
