import Configuration
import Forwarding
import Glibc
import Linux
import Logging
import RIP
import Router
import Routing
import Timing
import Wire

/// A packet of a routing protocol on its way from the worker to the control thread.
struct RoutingMail: Sendable {
    var side: Side
    var source: IPv4Address
    var port: UInt16
    var bytes: [UInt8]
}

/// RIP as the daemon runs it: the engine, and what it was given to announce. Confined to the
/// control thread.
final class RIPSpeaker {
    var engine: RIPEngine
    var effects = RIPEffects()
    private(set) var configuration: RIPConfiguration
    /// What we announce ourselves, by prefix.
    private var offered: [IPv4Prefix: RIPLocalRoute] = [:]
    private var shared: [[RIPWay]: [NextHop]] = [:]

    init(_ configuration: RIPConfiguration, at now: Instant) {
        self.configuration = configuration
        engine = RIPEngine(
            configuration.settings, random: Random(key: SystemRandom.key()),
            wallSeconds: Clock.wallSeconds(), at: now)
    }

    /// Takes on new settings and what they announce of the routes in use.
    func apply(_ new: RIPConfiguration, _ routes: [Route], at now: Instant) {
        configuration = new
        engine.apply(new.settings, at: now, into: &effects)
        var stale = offered
        for route in routes {
            stale[route.prefix] = nil
            let info = RouteInfo(
                source: route.source, distance: route.distance, metric: route.metric)
            offer(route.prefix, local(route.prefix, route.action, info), at: now)
        }
        let everywhere = IPv4Prefix(.unspecified, length: 0)
        stale[everywhere] = nil
        for prefix in stale.keys { offer(prefix, nil, at: now) }
        offer(
            everywhere,
            new.originatesDefault
                ? RIPLocalRoute(everywhere, metric: new.defaultMetric) : nil, at: now)
    }

    /// Takes in what has changed in the routes in use.
    func hear(_ changes: [RIBChange], at now: Instant) {
        for change in changes where change.prefix.length > 0 {
            switch change {
            case .set(let prefix, let action, let info):
                offer(prefix, local(prefix, action, info), at: now)
            case .remove(let prefix): offer(prefix, nil, at: now)
            }
        }
    }

    private func offer(_ prefix: IPv4Prefix, _ route: RIPLocalRoute?, at now: Instant) {
        guard offered[prefix] != route else { return }
        offered[prefix] = route
        if let route {
            engine.originate(route, at: now, into: &effects)
        } else {
            engine.withdraw(prefix, at: now, into: &effects)
        }
    }

    /// Ways as the routing table has them. Equal ones are one array, since most routes share few.
    func hops(_ ways: [RIPWay]) -> [NextHop] {
        if let known = shared[ways] { return known }
        let hops = ways.map { NextHop(side: Side.allCases[$0.interface], gateway: $0.gateway) }
        if shared.count >= 1024 { shared.removeAll() }
        shared[ways] = hops
        return hops
    }

    /// How a route in use is announced; nil if it is not. The networks of the interfaces that speak
    /// RIP always are, the default route only where the configuration says so.
    private func local(
        _ prefix: IPv4Prefix, _ action: RouteAction, _ info: RouteInfo
    ) -> RIPLocalRoute? {
        guard info.source != .rip, prefix.length > 0 else { return nil }
        var hop: NextHop?
        if case .forward(let hops) = action { hop = hops.first }
        let isSpoken = hop.map { configuration.settings.interfaces[$0.side.index] != nil } ?? false
        let isOurs = info.source == .connected && isSpoken
        guard isOurs || configuration.redistributed.contains(info.source) else { return nil }
        return RIPLocalRoute(
            prefix, metric: isOurs ? 1 : configuration.defaultMetric,
            interface: hop?.side.index, gateway: hop?.gateway)
    }
}

extension Daemon {
    /// Begins to speak RIP, goes on with other settings, or ends.
    func configureRouting() {
        guard isReady else { return }
        let now = Clock.now()
        if rip == nil, let wanted = configuration.rip {
            let speaker = RIPSpeaker(wanted, at: now)
            rip = speaker
            for side in Side.allCases where control.rib.isUp(side) {
                speaker.engine.setInterface(
                    side.index, isUp: true, at: now, into: &speaker.effects)
            }
        }
        guard let speaker = rip else { return }
        guard let wanted = configuration.rip else {
            stopRouting()
            let known = control.rib.list(source: .rip).map(\.route.prefix)
            control.learn([], withdrawn: known, from: .rip)
            return post(control.table()) { _ in }
        }
        speaker.apply(wanted, control.rib.routesInUse, at: now)
        carryOutRouting()
    }

    /// Tells the neighbours that we go.
    func stopRouting() {
        guard let speaker = rip else { return }
        speaker.engine.stop(at: Clock.now(), into: &speaker.effects)
        sendRouting(speaker.effects.packets)
        rip = nil
    }

    /// Tells the neighbours that the gateway stops, and waits for at most 0.1 s until it is said.
    func endRouting() {
        guard rip != nil else { return }
        stopRouting()
        let said = StopFlag()
        post(nil) { _ in said.set() }
        for _ in 0..<100 where !said.isSet {
            deliver()
            _ = usleep(1000)
        }
    }

    /// A side came up or went down; the routes know already.
    func routingLink(_ side: Side, isUp: Bool) {
        guard let speaker = rip else { return }
        let now = Clock.now()
        speaker.hear(control.latest, at: now)
        speaker.engine.setInterface(side.index, isUp: isUp, at: now, into: &speaker.effects)
        speaker.engine.tick(at: now, into: &speaker.effects)
        carryOutRouting()
    }

    /// Works off what came and what is due.
    func routingTurn() {
        routingMail.drain(into: &routingBatch)
        guard let speaker = rip else { return }
        let now = Clock.now()
        for (number, mail) in routingBatch.enumerated() {
            // A flood of routes is taken over in parts, so that it needs little memory on its way.
            if number % 256 == 255 { takeOverRouting() }
            unsafe speaker.engine.receive(
                mail.bytes.span.bytes, from: RIPEndpoint(mail.source, port: mail.port),
                on: mail.side.index, at: now, into: &speaker.effects)
        }
        routingBatch.removeAll(keepingCapacity: true)
        if let due = speaker.engine.nextDeadline, due <= now {
            speaker.engine.tick(at: now, into: &speaker.effects)
        }
        carryOutRouting()
    }

    /// Milliseconds until something is due, at most `most`.
    func routingWait(most: Int32) -> Int32 {
        guard let due = rip?.engine.nextDeadline else { return most }
        let left = (due - Clock.now()).nanoseconds
        return Int32(clamping: min(max(left + 999_999, 0) / 1_000_000, Int64(most)))
    }

    private func carryOutRouting() {
        takeOverRouting()
        if let table = control.table() { post(table) { _ in } }
    }

    /// Sends, takes the routes over, logs.
    private func takeOverRouting() {
        guard let speaker = rip else { return }
        let effects = speaker.effects
        speaker.effects.removeAll()
        for event in effects.events { logRouting(event) }
        if !effects.changes.isEmpty {
            logRouting(effects.changes)
            // The last word on each prefix counts.
            var last: [IPv4Prefix: Route?] = [:]
            for change in effects.changes {
                switch change {
                case .set(let prefix, let metric, let ways):
                    last[prefix] = Route(
                        prefix, source: .rip, metric: UInt32(metric),
                        action: .forward(speaker.hops(ways)))
                case .remove(let prefix): last[prefix] = .some(nil)
                }
            }
            let withdrawn = last.filter { $0.value == nil }.map(\.key)
            control.learn(last.values.compactMap { $0 }, withdrawn: withdrawn, from: .rip)
            speaker.hear(control.latest, at: Clock.now())
        }
        sendRouting(effects.packets)
    }

    private func sendRouting(_ packets: [RIPPacket]) {
        guard !packets.isEmpty else { return }
        let datagrams = packets.compactMap { packet -> RoutingDatagram? in
            guard let side = Side(rawValue: UInt8(truncatingIfNeeded: packet.interface)) else {
                return nil
            }
            return RoutingDatagram(
                side: side, source: packet.source, destination: packet.destination.address,
                sourcePort: RIPProtocol.port, destinationPort: packet.destination.port,
                payload: packet.bytes)
        }
        post(nil) { path in
            for datagram in datagrams {
                path.forwarder.send(datagram, at: path.now, into: &path.outbox)
            }
        }
    }

    // MARK: Log

    private func logRouting(_ event: RIPEvent) {
        switch event {
        case .neighborUp(let interface, let address):
            let side = Side.allCases[interface]
            log.notice(
                "rip: neighbor \(address) on \(side) is up",
                metadata: ["event": "rip.neighbor", "side": "\(side)"])
        case .neighborDown(let interface, let address):
            let side = Side.allCases[interface]
            log.notice(
                "rip: neighbor \(address) on \(side) is gone",
                metadata: ["event": "rip.neighbor", "side": "\(side)"])
        }
    }

    /// One line a change, or one for many.
    private func logRouting(_ changes: [RIPChange]) {
        guard changes.count <= 8 else {
            log.info(
                "rip: \(changes.count) changes of routes, \(rip?.engine.routeCount ?? 0) known",
                metadata: ["event": "route.changed"])
            return
        }
        for change in changes {
            let text: String
            switch change {
            case .set(let prefix, let metric, let ways):
                let list = ways.map { "\($0.gateway) on \(Side.allCases[$0.interface])" }
                text = "\(prefix) by \(list.joined(separator: ", ")), metric \(metric)"
            case .remove(let prefix): text = "\(prefix) is not reachable any more"
            }
            log.info("rip: \(text)", metadata: ["event": "route.changed"])
        }
    }
}
