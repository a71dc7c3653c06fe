import Configuration
import Control
import Linux
import RIP
import Routing
import Signing
import Timing
import Wire

// What the control thread knows of RIP, for people.
extension Backend {
    func rip(_ done: @escaping ControlDone<RIPStatusAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            guard let speaker = daemon.rip else {
                return RIPStatusAnswer(instance: instance, enabled: false)
            }
            return RIPStatusAnswer(
                instance: instance, enabled: true, routes: speaker.engine.routeCount,
                unreachable: speaker.engine.lostCount,
                announcements: speaker.engine.announcementCount,
                interfaces: Side.allCases.compactMap { speaker.status($0, at: Clock.now()) })
        }
    }

    func ripNeighbors(_ done: @escaping ControlDone<RIPNeighborsAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            let now = Clock.now()
            let rows = (daemon.rip?.engine.neighborRows ?? []).sorted {
                ($0.interface, $0.address) < ($1.interface, $1.address)
            }
            return RIPNeighborsAnswer(
                instance: instance,
                neighbors: rows.map { row in
                    RIPNeighborStatus(
                        address: row.address.description,
                        side: Side.allCases[row.interface].description, up: row.isUp,
                        heardSeconds: UInt64(max((now - row.heard).wholeSeconds, 0)),
                        version: Int(row.version), routes: row.routes,
                        badPackets: row.badPackets, badRoutes: row.badRoutes)
                })
        }
    }

    func ripRoutes(limit: Int, _ done: @escaping ControlDone<RIPRoutesAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            RIPRoutesAnswer(
                instance: instance, total: daemon.rip?.engine.routeCount ?? 0,
                routes: (daemon.rip?.engine.routeRows(limit: limit) ?? []).map {
                    RIPRouteStatus($0)
                })
        }
    }
}

extension Daemon {
    /// What neighbours say of a destination by RIP and is not in use, and why.
    func losingAnnouncements(of prefix: IPv4Prefix) -> [LosingRoute] {
        guard let row = rip?.engine.route(to: prefix) else { return [] }
        return row.heard.filter { !$0.isUsed }.map { heard in
            let hop = NextHop(
                side: Side.allCases[heard.way.interface], gateway: heard.way.gateway)
            let route = Route(
                prefix, source: .rip, metric: UInt32(heard.metric), action: .forward([hop]))
            let isLonger = heard.metric > row.metric
            return LosingRoute(
                route: RouteRow(route),
                why: isLonger ? RouteStanding.metric.reason : "it may lead back to us")
        }
    }

    /// The router that announced the route in use.
    func ripNeighbor(for prefix: IPv4Prefix) -> String? {
        rip?.engine.route(to: prefix)?.heard.first { $0.isUsed }?.neighbor.description
    }
}

extension RIPSpeaker {
    fileprivate func status(_ side: Side, at now: Instant) -> RIPInterfaceStatus? {
        let number = side.index
        guard let own = configuration.settings.interfaces[number] else { return nil }
        let packets = engine.packets(on: number)
        let drops = RIPDrop.allCases.compactMap { reason -> RIPDropCount? in
            let count = engine.drops(reason, on: number)
            guard count > 0 else { return nil }
            return RIPDropCount(reason: reason.name, count: count, meaning: reason.meaning)
        }
        let next = engine.nextUpdate(on: number).map { UInt64(max(($0 - now).wholeSeconds, 0)) }
        return RIPInterfaceStatus(
            side: side.description, up: engine.isUp(number), passive: own.isPassive,
            cost: Int(own.cost), splitHorizon: own.splitHorizon.rawValue,
            authentication: own.authentication.name, loopFree: own.isLoopFree,
            nextUpdateSeconds: next, received: packets.received, sent: packets.sent, drops: drops)
    }
}

extension RIPRouteStatus {
    fileprivate init(_ row: RIPRouteRow) {
        self.init(
            prefix: row.prefix.description, metric: Int(row.metric), tag: Int(row.tag),
            local: row.isLocal,
            heard: row.heard.map { way in
                RIPHeard(
                    neighbor: way.neighbor.description, gateway: way.way.gateway.description,
                    side: Side.allCases[way.way.interface].description, metric: Int(way.metric),
                    used: way.isUsed)
            })
    }
}
