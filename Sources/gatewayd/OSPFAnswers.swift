import Configuration
import Control
import Linux
import OSPF
import Routing
import Signing
import Timing
import Wire

// What the control thread knows of OSPF, for people.
extension Backend {
    func ospf(_ done: @escaping ControlDone<OSPFStatusAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            guard let speaker = daemon.ospf else {
                return OSPFStatusAnswer(instance: instance, enabled: false)
            }
            let engine = speaker.summary
            return OSPFStatusAnswer(
                instance: instance, enabled: true, router: engine.router.description,
                areaBorder: engine.isBorder, boundary: engine.isBoundary,
                stubRouter: engine.isStubRouter, neighbors: engine.neighbors.count,
                full: engine.neighbors.count { $0.state == .full }, lsas: engine.lsas,
                routes: engine.routes, calculations: speaker.runCount,
                areas: engine.areas.map {
                    OSPFAreaStatus(
                        id: $0.id.description, type: $0.kind.name,
                        translator: $0.isTranslator, active: $0.isActive, nodes: $0.nodes,
                        lsas: $0.lsas)
                }, interfaces: speaker.interfaceStatus(), faults: speaker.faultStatus())
        }
    }

    func ospfInterfaces(_ done: @escaping ControlDone<OSPFInterfacesAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            OSPFInterfacesAnswer(
                instance: instance, interfaces: daemon.ospf?.interfaceStatus() ?? [])
        }
    }

    func ospfNeighbors(_ done: @escaping ControlDone<OSPFNeighborsAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            OSPFNeighborsAnswer(
                instance: instance, faults: daemon.ospf?.faultStatus() ?? [],
                neighbors: daemon.ospf?.neighborStatus() ?? [])
        }
    }

    func ospfDatabase(
        type: String?, limit: Int, _ done: @escaping ControlDone<OSPFDatabaseAnswer>
    ) {
        let instance = instance
        ask(control: done) { daemon in
            guard let speaker = daemon.ospf else {
                return OSPFDatabaseAnswer(instance: instance, router: "", total: 0, lsas: [])
            }
            let (rows, total) = speaker.engine.lsaRows(
                of: { type == nil || $0.word == type }, limit: limit, at: Clock.now())
            return OSPFDatabaseAnswer(
                instance: instance, router: speaker.summary.router.description, total: total,
                lsas: rows.map(OSPFLSAStatus.init))
        }
    }

    func ospfRuns(_ done: @escaping ControlDone<OSPFRunsAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            OSPFRunsAnswer(
                instance: instance, total: daemon.ospf?.runCount ?? 0,
                runs: daemon.ospf?.runStatus() ?? [])
        }
    }
}

/// What an engine says of itself as a whole.
struct OSPFSummary {
    var router: IPv4Address
    var isBorder: Bool
    var isBoundary: Bool
    var isStubRouter: Bool
    var neighbors: [OSPFNeighborRow]
    var lsas: Int
    var routes: Int
    var areas: [OSPFAreaRow]
}

extension OSPFSpeaker {
    var summary: OSPFSummary {
        let roles = engine.roles
        return OSPFSummary(
            router: engine.settings.router, isBorder: roles.isBorder,
            isBoundary: roles.isBoundary, isStubRouter: engine.isStubRouter,
            neighbors: engine.neighbors, lsas: engine.lsaCount, routes: engine.routes.count,
            areas: engine.areaRows)
    }

    func interfaceStatus() -> [OSPFInterfaceStatus] {
        let now = Clock.now()
        let neighbors = engine.neighbors
        return engine.settings.interfaces.indices.compactMap { number in
            guard let own = engine.settings.interfaces[number],
                let row = engine.interface(number)
            else { return nil }
            let here = neighbors.filter { $0.interface == number }
            let next = engine.nextHello(on: number).map {
                max(($0 - now).wholeMilliseconds, 0)
            }
            func known(_ address: IPv4Address) -> String? {
                address == .unspecified ? nil : address.description
            }
            return OSPFInterfaceStatus(
                side: name(of: number), state: row.state.name, address: "\(own.address)",
                area: row.area.description, networkType: own.network.rawValue,
                passive: own.isPassive, cost: Int(own.cost), priority: Int(own.priority),
                designated: known(row.designated), backup: known(row.backup),
                helloMilliseconds: own.helloInterval.wholeMilliseconds,
                deadMilliseconds: own.deadInterval.wholeMilliseconds,
                nextHelloMilliseconds: next, mtu: Int(own.mtu),
                authentication: own.authentication.name, neighbors: here.count,
                full: here.count { $0.state == .full }, received: row.packetsIn,
                sent: row.packetsOut, drops: drops(on: number))
        }
    }

    private func drops(on interface: Int) -> [OSPFDropCount] {
        OSPFDrop.allCases.compactMap { reason in
            let count = engine.drops(reason, on: interface)
            guard count > 0 else { return nil }
            return OSPFDropCount(reason: reason.name, count: count, meaning: reason.meaning)
        }
    }

    func neighborStatus() -> [OSPFNeighborStatus] {
        let now = Clock.now()
        let rows = engine.neighbors.sorted {
            ($0.interface, $0.address) < ($1.interface, $1.address)
        }
        return rows.map { row in
            let link = engine.interface(row.interface)
            let role: String
            switch row.address {
            case _ where link?.state == .pointToPoint: role = "-"
            case link?.designated: role = "DR"
            case link?.backup: role = "Backup"
            default: role = "DROther"
            }
            return OSPFNeighborStatus(
                router: row.router.description, address: row.address.description,
                side: name(of: row.interface), state: row.state.name, role: role,
                priority: Int(row.priority),
                deadMilliseconds: max((row.deadline - now).wholeMilliseconds, 0),
                requests: row.requests, retransmissions: row.retransmissions,
                badPackets: row.badPackets)
        }
    }

    func faultStatus() -> [OSPFFaultStatus] {
        let now = Clock.now()
        return engine.faults.map { fault in
            OSPFFaultStatus(
                address: fault.address.description,
                side: name(of: fault.interface), reason: fault.reason.name,
                explanation: fault.explanation, packets: fault.packets,
                heardSeconds: UInt64(max((now - fault.heard).wholeSeconds, 0)))
        }
    }
}

extension LSAType {
    /// One of `ospfTypes`.
    fileprivate var word: String {
        switch self {
        case .router: "router"
        case .network: "network"
        case .summaryNetwork: "summary"
        case .summaryRouter: "asbr-summary"
        case .external: "external"
        case .nssa: "nssa-external"
        case .opaqueLink, .opaqueArea, .opaqueSystem: "opaque"
        }
    }
}

extension OSPFLSAStatus {
    fileprivate init(_ row: OSPFLSARow) {
        let header = row.header
        func hex(_ value: UInt32, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return "0x" + String(repeating: "0", count: max(digits - text.utf8.count, 0)) + text
        }
        self.init(
            area: row.area?.description,
            type: LSAType(rawValue: header.type)?.word ?? "\(header.type)",
            id: header.id.description, router: header.router.description, age: Int(header.age),
            sequence: hex(UInt32(bitPattern: header.sequence), 8),
            checksum: hex(UInt32(header.checksum), 4), length: Int(header.length),
            own: row.isOwn, roles: nil, links: nil, routers: nil, prefix: nil, cost: nil,
            metricType: nil, forwarding: nil, tag: nil)
        switch row.content {
        case .router(let isBorder, let isBoundary, let links):
            roles = (isBorder ? ["area-border"] : []) + (isBoundary ? ["boundary"] : [])
            self.links = links.map {
                OSPFLinkStatus(
                    kind: $0.kind.rawValue, id: $0.id.description, data: $0.data.description,
                    cost: Int($0.cost))
            }
        case .network(let prefix, let routers):
            self.prefix = prefix?.description
            self.routers = routers.map(\.description)
        case .summary(let prefix, let cost):
            self.prefix = prefix?.description
            self.cost = cost
        case .boundary(_, let cost): self.cost = cost
        case .external(let route):
            prefix = route?.prefix.description
            cost = route?.metric
            metricType = route.map { $0.isType2 ? 2 : 1 }
            forwarding = route.flatMap {
                $0.forwarding == .unspecified ? nil : $0.forwarding.description
            }
            tag = route?.tag
            if header.type == LSAType.nssa.rawValue { translated = header.options.contains(.nssa) }
        case .opaque: break
        }
    }
}

extension OSPFSpeaker {
    fileprivate func runStatus() -> [OSPFRunStatus] { runs.map(status) }

    private func status(_ kept: Run) -> OSPFRunStatus {
        let run = kept.run
        let cause: String
        switch run.cause {
        case .interface(let number): cause = "interface \(name(of: number))"
        case .neighbor(let number, let router):
            cause = "neighbor \(router) on \(name(of: number))"
        case .lsa(let header):
            let word = LSAType(rawValue: header.type)?.word ?? "type \(header.type)"
            cause = "\(word) \(header.id) of \(header.router)"
        case .settings: cause = "settings"
        }
        return OSPFRunStatus(
            agoMilliseconds: max((Clock.now() - run.moment).wholeMilliseconds, 0), cause: cause,
            kind: run.kind.rawValue, microseconds: kept.took.nanoseconds / 1000,
            areas: run.areas, nodes: run.nodes, routes: run.routes, changes: run.changes)
    }
}
