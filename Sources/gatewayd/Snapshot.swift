import Configuration
import Control
import Forwarding
import Glibc
import Linux
import NAT
import Router
import Routing
import Timing
import Wire

/// What the workers copy for an answer about the whole gateway.
struct Snapshot: Sendable {
    let now: Instant
    private(set) var counters: InlineArray<2, SideCounters>
    let isUp: InlineArray<2, Bool>
    private(set) var sessions: Int
    private(set) var capacity: Int
    private(set) var mappings: Int
    private(set) var statistics: NATStatistics
    private(set) var pools: [NAT.PoolUse]
    private(set) var neighbors: Int
    let forwarding: ForwardingSettings
    let blocks: BlockPlan?
    private(set) var ringFailure: SystemError?
    private(set) var gateway: (hop: NextHopStatus, Void)?
    private(set) var workers = 1

    init(_ path: inout DataPath) {
        now = path.now
        counters = path.forwarder.counters
        isUp = [path.forwarder.isUp(.lan), path.forwarder.isUp(.wan)]
        sessions = path.forwarder.nat.sessionCount
        capacity = path.forwarder.nat.sessionCapacity
        mappings = path.forwarder.nat.mappingCount
        statistics = path.forwarder.nat.statistics
        pools = path.forwarder.nat.poolUse()
        neighbors = path.forwarder.neighborCount
        forwarding = path.forwarder.settings
        blocks = path.forwarder.nat.blocks
        ringFailure = path.ringFailure
        gateway = Self.gateway(path).map { ($0, ()) }
    }

    /// Adds what another worker has.
    mutating func add(_ other: Snapshot) {
        for side in Side.allCases { counters[side.index].add(other.counters[side.index]) }
        sessions += other.sessions
        capacity += other.capacity
        mappings += other.mappings
        statistics.add(other.statistics)
        for index in pools.indices where index < other.pools.count {
            pools[index].add(other.pools[index])
        }
        // Each has entries of its own, most for the same neighbours.
        neighbors = max(neighbors, other.neighbors)
        ringFailure = ringFailure ?? other.ringFailure
        if gateway?.hop.hardware == nil { gateway = other.gateway ?? gateway }
        workers += 1
    }

    private var settings: NATSettings { forwarding.nat }

    /// How the next hop of the default route is.
    private static func gateway(_ path: borrowing DataPath) -> NextHopStatus? {
        guard let hop = path.forwarder.defaultHop else { return nil }
        let known = path.forwarder.neighbor(at: hop.address, on: hop.side)
        return NextHopStatus(
            address: hop.address.description, side: hop.side.description,
            hardware: known.flatMap {
                $0.hardware == 0 ? nil : MACAddress($0.hardware).description
            },
            lastSeenSeconds: known.map {
                UInt64(max((path.now - $0.confirmed).wholeSeconds, 0))
            })
    }

    func status(of daemon: Daemon, _ started: Instant) -> StatusAnswer {
        let rib = daemon.control.rib
        let sources = RouteSource.allCases.map {
            SourceCount(source: $0.name, count: rib.count(of: $0))
        }
        return StatusAnswer(
            instance: daemon.configuration.name, state: daemon.isReady ? "running" : "starting",
            version: Daemon.version, pid: getpid(),
            uptimeSeconds: UInt64(max((now - started).wholeSeconds, 0)),
            config: ConfigurationStatus(
                path: daemon.configurationPath, applied: Timestamp.text(daemon.appliedSeconds),
                warnings: daemon.warnings),
            sides: Side.allCases.map { side(of: daemon, $0) }, nextHop: gateway?.hop,
            nat: NATStatus(
                mode: settings.mode.rawValue, mapping: settings.mapping.name,
                filtering: settings.filtering.name, sessions: sessions, sessionLimit: capacity,
                portsInUse: pools.reduce(0) { $0 + $1.used },
                portsTotal: pools.reduce(0) { $0 + $1.total }),
            routes: RoutesStatus(
                total: rib.bestCount, bySource: sources.filter { $0.count > 0 }),
            neighbors: neighbors, drops: drops,
            forwarding: ForwardingStatus(io: io, workers: workers))
    }

    private var io: String { ringFailure == nil ? "io_uring" : "write" }

    private var drops: DropsStatus {
        var total: UInt64 = 0
        var top: (reason: DropReason, packets: UInt64)?
        for reason in DropReason.allCases {
            let packets = counters[0][reason] &+ counters[1][reason]
            total &+= packets
            if packets > top?.packets ?? 0 { top = (reason, packets) }
        }
        return DropsStatus(
            total: total, topReason: top?.reason.name, topPackets: top?.packets ?? 0)
    }

    private func side(of daemon: Daemon, _ side: Side) -> SideStatus {
        let settings = daemon.configuration.forwarding[side]
        return SideStatus(
            name: side.description, device: daemon.configuration.devices[side.index].tap,
            addresses: settings.addresses.map(\.description), mtu: settings.mtu,
            hardware: settings.hardware.description, up: isUp[side.index],
            traffic: traffic(of: daemon, side))
    }

    private func traffic(of daemon: Daemon, _ side: Side) -> Traffic {
        let i = side.index
        return Traffic(
            rxPackets: counters[i].receivedPackets, rxBytes: counters[i].receivedBytes,
            rxBitsPerSecond: daemon.rates.received[i], txPackets: counters[i].sentPackets,
            txBytes: counters[i].sentBytes, txBitsPerSecond: daemon.rates.sent[i])
    }

    func interfaces(of daemon: Daemon) -> InterfacesAnswer {
        let rows = Side.allCases.map { side in
            let device = daemon.configuration.devices[side.index]
            let settings = daemon.configuration.forwarding[side]
            let counters = counters[side.index]
            let failed: [DropReason] = [.deviceDown, .deviceBusy, .deviceRefused]
            let all = DropReason.allCases.reduce(UInt64(0)) { $0 &+ counters[$1] }
            let sending = failed.reduce(UInt64(0)) { $0 &+ counters[$1] }
            return InterfaceRow(
                name: side.description, device: device.tap, namespace: device.namespace,
                addresses: settings.addresses.map(\.description), mtu: settings.mtu,
                hardware: settings.hardware.description, up: isUp[side.index],
                checksumOffload: device.checksumOffload,
                segmentationOffload: device.segmentationOffload,
                io: io, ioReason: ringFailure.map { SystemError.text(of: $0.code) },
                traffic: traffic(of: daemon, side), rxDrops: all &- sending, txDrops: sending)
        }
        return InterfacesAnswer(instance: daemon.configuration.name, interfaces: rows)
    }
}

/// Moments as answers write them.
enum Timestamp {
    /// UTC, to the second.
    static func text(_ seconds: Int64) -> String {
        var moment = time_t(seconds)
        var parts = unsafe tm()
        unsafe gmtime_r(&moment, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let day = unsafe (1900 + parts.tm_year, parts.tm_mon + 1, parts.tm_mday)
        let time = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
        return "\(day.0)-\(two(day.1))-\(two(day.2))T"
            + "\(two(time.0)):\(two(time.1)):\(two(time.2))Z"
    }
}

extension RouteAction {
    /// The word for it in answers.
    var name: String {
        switch self {
        case .forward: "forward"
        case .blackhole: "blackhole"
        case .unreachable: "unreachable"
        case .prohibit: "prohibit"
        }
    }
}

extension Daemon {
    /// The route packets to `address` take, why others lose, and the hop they are handed to.
    func lookUp(_ address: IPv4Address) -> (answer: RouteLookupAnswer, hop: NextHop?) {
        let found = control.rib.lookup(address)
        var answer = RouteLookupAnswer(
            instance: configuration.name, address: address.description, action: "none",
            alsoKnown: found.known.filter { $0.route != found.best }.map {
                LosingRoute(route: RouteRow($0.route), why: $0.standing.reason)
            })
        for known in found.known where known.route.source == .rip {
            answer.alsoKnown += losingAnnouncements(of: known.route.prefix)
        }
        guard let best = found.best else { return (answer, nil) }
        answer.route = RouteRow(best)
        if best.source == .rip { answer.route?.learnedFrom = ripNeighbor(for: best.prefix) }
        answer.action = best.action.name
        guard case .forward(let hops) = best.action, let hop = hops.first else {
            return (answer, nil)
        }
        answer.side = hop.side.description
        answer.nextHop = hop.gateway?.description
        answer.mtu = configuration.forwarding[hop.side].mtu
        return (answer, hop)
    }
}

extension LookupNeighbor {
    init(_ record: Neighbor) {
        self.init(
            hardware: record.hardware == 0 ? nil : MACAddress(record.hardware).description,
            state: record.state.name)
    }
}

extension RouteRow {
    init(_ route: Route) {
        var hops: [NextHopRow] = []
        if case .forward(let ways) = route.action {
            hops = ways.map {
                NextHopRow(side: $0.side.description, gateway: $0.gateway?.description)
            }
        }
        self.init(
            prefix: route.prefix.description, action: route.action.name,
            source: route.source.name, distance: Int(route.distance),
            metric: UInt64(route.metric), nextHops: hops)
    }
}
