import BFD
import Configuration
import Forwarding
import Linux
import Logging
import OSPF
import Routing
import Timing
import Wire

/// OSPF as the daemon runs it.
final class OSPFSpeaker: RoutingSpeaker {
    /// A calculation of routes, and how long all took that led to it and followed from it.
    struct Run {
        var run: OSPFRun
        var took: Interval
    }

    var engine: OSPFEngine
    private var effects = OSPFEffects()
    private(set) var configuration: OSPFConfiguration
    /// The last calculations, the latest last.
    private(set) var runs: [Run] = []
    private(set) var runCount: UInt64 = 0
    /// What we announce as networks outside, by prefix.
    private var offered: [IPv4Prefix: OSPFExternal] = [:]
    /// Whether a default route of others is in use.
    private var hasDefault = false
    /// When the neighbours' patience with a restart of ours ends.
    private var graceEnd: Instant?

    private static let everywhere = IPv4Prefix(.unspecified, length: 0)
    private static let runsKept = 20

    let source = RouteSource.ospf
    var nextDeadline: Instant? { engine.nextDeadline }

    init(_ configuration: OSPFConfiguration, at now: Instant) {
        self.configuration = configuration
        engine = OSPFEngine(
            configuration.settings, random: Random(key: SystemRandom.key()),
            wallSeconds: Clock.wallSeconds(), at: now)
    }

    /// Takes on new settings and what they announce of the routes in use.
    func apply(_ new: OSPFConfiguration, _ routes: [Route], at now: Instant) {
        configuration = new
        measure { engine.apply(new.settings, at: now, into: &effects) }
        var stale = offered
        hasDefault = false
        for route in routes {
            stale[route.prefix] = nil
            let info = RouteInfo(
                source: route.source, distance: route.distance, metric: route.metric)
            hear(.set(route.prefix, route.action, info), at: now)
        }
        stale[Self.everywhere] = nil
        for prefix in stale.keys { offer(prefix, nil, at: now) }
        offerDefault(at: now)
    }

    func setLink(_ side: Side, isUp: Bool, at now: Instant) {
        measure { engine.setInterface(side.index, isUp: isUp, at: now, into: &effects) }
    }

    func hear(_ changes: [RIBChange], at now: Instant) {
        for change in changes { hear(change, at: now) }
    }

    func receive(_ mail: RoutingMail, at now: Instant) {
        measure {
            unsafe engine.receive(
                mail.bytes.span.bytes, from: mail.source, to: mail.destination,
                on: mail.side.index, at: now, into: &effects)
        }
    }

    /// Those that are in two-way conversation with us (RFC 5882 §4.1).
    var watched: [BFDPeer: BFDTiming] {
        guard configuration.bfd.contains(where: { $0 != nil }) else { return [:] }
        var list: [BFDPeer: BFDTiming] = [:]
        for neighbor in engine.neighbors
        where neighbor.state >= .twoWay && configuration.bfd.indices.contains(neighbor.interface) {
            list[BFDPeer(interface: neighbor.interface, neighbor.address)] =
                configuration.bfd[neighbor.interface]
        }
        return list
    }

    func lose(_ peer: BFDPeer, at now: Instant) {
        measure {
            engine.loseNeighbor(
                at: peer.address, on: peer.interface, at: now, into: &effects)
        }
    }

    func keepInTouch(at now: Instant) { engine.keepInTouch(at: now, into: &effects) }

    func tick(at now: Instant) { measure { engine.tick(at: now, into: &effects) } }

    /// Goes on where our predecessor ended.
    func resume(_ memory: OSPFMemory, at now: Instant) {
        engine.resume(memory, at: now, into: &effects)
    }

    /// Asks the neighbours to keep us while we restart.
    func prepareRestart(at now: Instant) {
        guard let period = configuration.gracePeriod else { return }
        graceEnd = now + period
        engine.prepareRestart(lasting: period, at: now, into: &effects)
    }

    /// Whether all of them know.
    var isGraceKnown: Bool { engine.isGraceKnown }

    /// What our successor has to know; nil if nobody waits for it.
    var memory: OSPFMemory? { graceEnd.map { engine.memory(until: $0) } }

    /// Asks others to send past us; for how long before the end, nil if nobody listens.
    func retire(at now: Instant) -> Interval? {
        let isHeard = engine.neighbors.contains { $0.state == .full }
        guard configuration.stubAtStop > .seconds(0), isHeard else { return nil }
        engine.retire(at: now, into: &effects)
        return configuration.stubAtStop
    }

    func stop(at now: Instant) { engine.stop(at: now, into: &effects) }

    /// Has the engine do something, and keeps in mind what it calculated and how long that took.
    private func measure(_ work: () -> Void) {
        let before = effects.events.count
        let began = Clock.now()
        work()
        for case .calculated(let run) in effects.events[before...] {
            runs.append(Run(run: run, took: Clock.now() - began))
            runCount &+= 1
        }
        if runs.count > Self.runsKept { runs.removeFirst(runs.count - Self.runsKept) }
    }

    // MARK: Networks outside

    private func hear(_ change: RIBChange, at now: Instant) {
        guard change.prefix.length > 0 else {
            switch change {
            case .set(_, _, let info): hasDefault = info.source != .ospf
            case .remove: hasDefault = false
            }
            return offerDefault(at: now)
        }
        switch change {
        case .set(let prefix, let action, let info):
            offer(prefix, external(prefix, action, info), at: now)
        case .remove(let prefix): offer(prefix, nil, at: now)
        }
    }

    private func offer(_ prefix: IPv4Prefix, _ route: OSPFExternal?, at now: Instant) {
        guard offered[prefix] != route else { return }
        offered[prefix] = route
        if let route {
            engine.originate(route, at: now, into: &effects)
        } else {
            engine.withdraw(prefix, at: now, into: &effects)
        }
    }

    private func offerDefault(at now: Instant) {
        let isWanted = hasDefault || configuration.alwaysHasDefault
        let route = configuration.defaultRoute.map {
            OSPFExternal(Self.everywhere, metric: $0.value, isType2: $0.isType2)
        }
        offer(Self.everywhere, isWanted ? route : nil, at: now)
    }

    /// How a route in use is announced; nil if it is not. Where OSPF is spoken is inside.
    private func external(
        _ prefix: IPv4Prefix, _ action: RouteAction, _ info: RouteInfo
    ) -> OSPFExternal? {
        guard let metric = configuration.redistributed[info.source] else { return nil }
        let isInside =
            info.source == .connected
            && configuration.settings.interfaces.contains { $0?.address.prefix == prefix }
        guard !isInside else { return nil }
        return OSPFExternal(prefix, metric: metric.value, isType2: metric.isType2)
    }

    // MARK: Outcome

    func takeOutcome() -> RoutingOutcome {
        var outcome = RoutingOutcome()
        outcome.lines = effects.events.compactMap(line)
        outcome.hasNewNeighbors = effects.events.contains {
            if case .neighbor = $0 { true } else { false }
        }
        outcome.packets = effects.packets.compactMap(Self.datagram)
        if !effects.changes.isEmpty {
            outcome.lines += lines(of: effects.changes)
            // Many prefixes in a row have the same ways, which then are one array.
            var (last, action): ([OSPFWay], RouteAction) = ([], .forward([]))
            for change in effects.changes {
                switch change {
                case .set(let prefix, _, let metric, let ways):
                    if ways != last {
                        last = ways
                        action = .forward(
                            ways.map {
                                NextHop(side: Side.allCases[$0.interface], gateway: $0.gateway)
                            })
                    }
                    outcome.last[prefix] = Route(
                        prefix, source: .ospf, metric: metric, action: action)
                case .discard(let prefix):
                    outcome.last[prefix] = Route(prefix, source: .ospf, action: .blackhole)
                case .remove(let prefix): outcome.last[prefix] = .some(nil)
                }
            }
        }
        effects.removeAll()
        return outcome
    }

    private static func datagram(_ packet: OSPFPacket) -> RoutingDatagram? {
        guard let side = Side(rawValue: UInt8(truncatingIfNeeded: packet.interface)) else {
            return nil
        }
        return RoutingDatagram(
            side: side, source: packet.source, destination: packet.destination, transport: .ospf,
            timeToLive: packet.gateway == nil ? 1 : 255, nextHop: packet.gateway,
            payload: packet.bytes)
    }

    /// What people call an interface: a side, or a virtual link by its other end.
    func name(of interface: Int) -> String {
        if let end = engine.settings[interface]?.virtual { return "virtual-\(end.router)" }
        let side = Side(rawValue: UInt8(truncatingIfNeeded: interface))
        return side?.description ?? "virtual"
    }

    private func line(_ event: OSPFEvent) -> RoutingOutcome.LogLine? {
        func line(_ level: Logger.Level, _ interface: Int?, _ event: String, _ text: String)
            -> RoutingOutcome.LogLine
        {
            RoutingOutcome.LogLine(
                level: level, text: "ospf: " + text, event: event,
                side: interface.flatMap { Side(rawValue: UInt8(truncatingIfNeeded: $0)) })
        }
        switch event {
        case .neighbor(let interface, let router, let from, let to):
            let isNews = from == .full || to == .full || to == .down
            return line(
                isNews ? .notice : .debug, interface, "ospf.neighbor",
                "neighbor \(router) on \(name(of: interface)) is \(to.name), was \(from.name)")
        case .interface(let interface, let from, let to):
            return line(
                .info, interface, "ospf.interface",
                "\(name(of: interface)) is \(to.name), was \(from.name)")
        case .fault(let fault):
            return line(
                .warning, fault.interface, "ospf.fault",
                "\(fault.address) on \(name(of: fault.interface)) is refused "
                    + "(\(fault.reason.name)): \(fault.explanation)")
        case .helping(let interface, let router, let step):
            return line(
                .notice, interface, "ospf.grace",
                "neighbor \(router) on \(name(of: interface)) restarts: \(step.name)")
        case .restarting(let step):
            return line(.notice, nil, "ospf.grace", "our restart: \(step.name)")
        case .corrupt(let type, let id, let router):
            return line(
                .error, nil, "ospf.corrupt",
                "LSA \(type) \(id) of \(router) is corrupt in memory and was removed")
        case .calculated(let run):
            return line(
                .debug, nil, "ospf.spf",
                "routes calculated: \(run.changes) of \(run.routes) changed")
        }
    }

    /// One line a change, or one for many.
    private func lines(of changes: [OSPFChange]) -> [RoutingOutcome.LogLine] {
        guard changes.count <= 8 else {
            let text = "ospf: \(changes.count) changes of routes"
            return [RoutingOutcome.LogLine(text: text, event: "route.changed")]
        }
        return changes.map { change in
            let text: String
            switch change {
            case .set(let prefix, let kind, let metric, let ways):
                let list = ways.map { way in
                    let side = Side.allCases[way.interface]
                    return way.gateway.map { "\($0) on \(side)" } ?? "\(side)"
                }
                text =
                    "\(prefix) by \(list.joined(separator: ", ")), \(kind.name) metric \(metric)"
            case .discard(let prefix): text = "\(prefix) is a range of ours"
            case .remove(let prefix): text = "\(prefix) is not reachable any more"
            }
            return RoutingOutcome.LogLine(text: "ospf: \(text)", event: "route.changed")
        }
    }
}

extension OSPFNeighborState {
    /// As other routers write it.
    var name: String {
        switch self {
        case .down: "Down"
        case .attempt: "Attempt"
        case .initial: "Init"
        case .twoWay: "2-Way"
        case .exStart: "ExStart"
        case .exchange: "Exchange"
        case .loading: "Loading"
        case .full: "Full"
        }
    }
}

extension OSPFGraceStep {
    /// In a word or two.
    var name: String {
        switch self {
        case .began: "routes are kept meanwhile"
        case .finished: "done"
        case .expired: "it took too long"
        case .topology: "given up, other routes have changed"
        }
    }
}

extension OSPFInterfaceState {
    /// As other routers write it.
    var name: String {
        switch self {
        case .down: "Down"
        case .loopback: "Loopback"
        case .waiting: "Waiting"
        case .pointToPoint: "Point-To-Point"
        case .neither: "DROther"
        case .backup: "Backup"
        case .designated: "DR"
        }
    }
}

extension OSPFRouteKind {
    /// As answers have it.
    var name: String {
        switch self {
        case .intraArea: "intra-area"
        case .interArea: "inter-area"
        case .externalType1: "external-1"
        case .externalType2: "external-2"
        }
    }
}
