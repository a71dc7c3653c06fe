import BFD
import Configuration
import Forwarding
import Linux
import Logging
import RIP
import Routing
import Timing
import Wire

/// RIP as the daemon runs it.
final class RIPSpeaker: RoutingSpeaker {
    var engine: RIPEngine
    private var effects = RIPEffects()
    private(set) var configuration: RIPConfiguration
    /// What we announce ourselves, by prefix.
    private var offered: [IPv4Prefix: RIPLocalRoute] = [:]

    let source = RouteSource.rip
    var nextDeadline: Instant? { engine.nextDeadline }

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

    func setLink(_ side: Side, isUp: Bool, at now: Instant) {
        engine.setInterface(side.index, isUp: isUp, at: now, into: &effects)
    }

    func hear(_ changes: [RIBChange], at now: Instant) {
        for change in changes where change.prefix.length > 0 {
            switch change {
            case .set(let prefix, let action, let info):
                offer(prefix, local(prefix, action, info), at: now)
            case .remove(let prefix): offer(prefix, nil, at: now)
            }
        }
    }

    func receive(_ mail: RoutingMail, at now: Instant) {
        guard case .udp(let port, _) = mail.transport else { return }
        unsafe engine.receive(
            mail.bytes.span.bytes, from: RIPEndpoint(mail.source, port: port),
            on: mail.side.index, at: now, into: &effects)
    }

    var watched: [BFDPeer: BFDTiming] {
        guard configuration.bfd.contains(where: { $0 != nil }) else { return [:] }
        var list: [BFDPeer: BFDTiming] = [:]
        for neighbor in engine.neighborRows where neighbor.isUp {
            list[BFDPeer(interface: neighbor.interface, neighbor.address)] =
                configuration.bfd[neighbor.interface]
        }
        return list
    }

    func lose(_ peer: BFDPeer, at now: Instant) {
        engine.loseNeighbor(at: peer.address, on: peer.interface, at: now, into: &effects)
    }

    func tick(at now: Instant) { engine.tick(at: now, into: &effects) }

    func stop(at now: Instant) { engine.stop(at: now, into: &effects) }

    private func offer(_ prefix: IPv4Prefix, _ route: RIPLocalRoute?, at now: Instant) {
        guard offered[prefix] != route else { return }
        offered[prefix] = route
        if let route {
            engine.originate(route, at: now, into: &effects)
        } else {
            engine.withdraw(prefix, at: now, into: &effects)
        }
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

    // MARK: Outcome

    func takeOutcome() -> RoutingOutcome {
        var outcome = RoutingOutcome()
        outcome.lines = effects.events.map(Self.line)
        outcome.hasNewNeighbors = !effects.events.isEmpty
        outcome.packets = effects.packets.compactMap(Self.datagram)
        if !effects.changes.isEmpty {
            outcome.lines += lines(of: effects.changes)
            for change in effects.changes {
                switch change {
                case .set(let prefix, let metric, let ways):
                    let hops = ways.map {
                        NextHop(side: Side.allCases[$0.interface], gateway: $0.gateway)
                    }
                    outcome.last[prefix] = Route(
                        prefix, source: .rip, metric: UInt32(metric), action: .forward(hops))
                case .remove(let prefix): outcome.last[prefix] = .some(nil)
                }
            }
        }
        effects.removeAll()
        return outcome
    }

    private static func datagram(_ packet: RIPPacket) -> RoutingDatagram? {
        guard let side = Side(rawValue: UInt8(truncatingIfNeeded: packet.interface)) else {
            return nil
        }
        return RoutingDatagram(
            side: side, source: packet.source, destination: packet.destination.address,
            transport: .udp(source: RIPProtocol.port, destination: packet.destination.port),
            payload: packet.bytes)
    }

    private static func line(_ event: RIPEvent) -> RoutingOutcome.LogLine {
        func line(_ interface: Int, _ address: IPv4Address, _ what: String)
            -> RoutingOutcome.LogLine
        {
            let side = Side.allCases[interface]
            return RoutingOutcome.LogLine(
                level: .notice, text: "rip: neighbor \(address) on \(side) is \(what)",
                event: "rip.neighbor", side: side)
        }
        switch event {
        case .neighborUp(let interface, let address): return line(interface, address, "up")
        case .neighborDown(let interface, let address): return line(interface, address, "gone")
        }
    }

    /// One line a change, or one for many.
    private func lines(of changes: [RIPChange]) -> [RoutingOutcome.LogLine] {
        guard changes.count <= 8 else {
            let text = "rip: \(changes.count) changes of routes, \(engine.routeCount) known"
            return [RoutingOutcome.LogLine(text: text, event: "route.changed")]
        }
        return changes.map { change in
            let text: String
            switch change {
            case .set(let prefix, let metric, let ways):
                let list = ways.map { "\($0.gateway) on \(Side.allCases[$0.interface])" }
                text = "\(prefix) by \(list.joined(separator: ", ")), metric \(metric)"
            case .remove(let prefix): text = "\(prefix) is not reachable any more"
            }
            return RoutingOutcome.LogLine(text: "rip: \(text)", event: "route.changed")
        }
    }
}
