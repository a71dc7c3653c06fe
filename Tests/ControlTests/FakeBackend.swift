import Control
import Dispatch
import Synchronization
import Wire

/// A gateway made up for the tests.
final class FakeBackend: ControlBackend {
    enum Behavior: Sendable {
        case answers, staysSilent, fails(ControlError), answersTwice
    }

    let behavior: Behavior
    let rows: [SessionRow]
    let rules: [String]
    /// Calls that change something, in order.
    private let calls = Mutex<[String]>([])
    var called: [String] { calls.withLock { $0 } }
    let reloads: ReloadAnswer

    init(
        behavior: Behavior = .answers, rows: [SessionRow] = FakeBackend.rows,
        rules: [String] = ["nas-https"], reload: ReloadAnswer = FakeBackend.goodReload
    ) {
        self.behavior = behavior
        self.rows = rows
        self.rules = rules
        reloads = reload
    }

    static let rows: [SessionRow] = {
        var web = SessionRow(
            id: 1, transport: 6, state: .established, inside: IPv4Address(192, 168, 50, 101),
            insidePort: 40013, outside: IPv4Address(203, 0, 113, 2), outsidePort: 40013,
            remote: IPv4Address(198, 51, 100, 7), remotePort: 443)
        web.ageSeconds = 724
        web.idleSeconds = 1
        web.expiresSeconds = 7439
        web.packetsOut = 1204
        web.bytesOut = 98_304
        web.packetsIn = 8120
        web.bytesIn = 11_000_000
        web.rule = 0
        var name = SessionRow(
            id: 2, transport: 17, state: .replied, inside: IPv4Address(192, 168, 50, 101),
            insidePort: 40001, outside: IPv4Address(203, 0, 113, 2), outsidePort: 40001,
            remote: IPv4Address(198, 51, 100, 53), remotePort: 53)
        name.expiresSeconds = 27
        name.packetsOut = 1
        name.bytesOut = 68
        name.packetsIn = 1
        name.bytesIn = 120
        let ping = SessionRow(
            id: 3, transport: 1, state: .unreplied, inside: IPv4Address(192, 168, 50, 9),
            insidePort: 53, outside: IPv4Address(203, 0, 113, 2), outsidePort: 77,
            remote: IPv4Address(198, 51, 100, 7), remotePort: 0)
        return [web, name, ping]
    }()

    static let goodReload = ReloadAnswer(
        instance: "home", path: "/etc/gatewayd/home.yaml", applied: false,
        changes: [
            ConfigurationChange(
                path: "nat.timeouts.udp", kind: "changed", old: "5m", new: "3m",
                effect: "new sessions only"),
            ConfigurationChange(
                path: "nat.port-forwards[ssh]", kind: "added",
                new: "tcp 2222 -> 192.168.50.10:22", effect: "live"),
        ], diagnostics: "", errors: 0, durationMilliseconds: 14)

    static let traffic = Traffic(
        rxPackets: 10, rxBytes: 1000, rxBitsPerSecond: 9_100_000, txPackets: 20, txBytes: 2000,
        txBitsPerSecond: 73_000_000)

    private func reply<Value>(_ value: Value, _ done: @escaping ControlDone<Value>) {
        switch behavior {
        case .answers: done(.success(value))
        case .staysSilent: break
        case .fails(let error): done(.failure(error))
        case .answersTwice:
            done(.success(value))
            done(.success(value))
        }
    }

    func status(_ done: @escaping ControlDone<StatusAnswer>) {
        let sides = [
            SideStatus(
                name: "lan", device: "tap-lan", addresses: ["192.168.50.1/24"], mtu: 1500,
                hardware: "02:00:5e:10:00:01", up: true, traffic: Self.traffic),
            SideStatus(
                name: "wan", device: "tap-wan", addresses: ["203.0.113.2/24"], mtu: 1500,
                hardware: "02:00:5e:10:00:02", up: true, traffic: Self.traffic),
        ]
        reply(
            StatusAnswer(
                instance: "home", state: "running", version: "0.1.0", pid: 4711,
                uptimeSeconds: 11520,
                config: ConfigurationStatus(
                    path: "/etc/gatewayd/home.yaml", applied: "2001-02-03T04:05:06Z", warnings: 0),
                sides: sides,
                nextHop: NextHopStatus(
                    address: "203.0.113.1", side: "wan", hardware: "02:00:5e:00:53:01",
                    lastSeenSeconds: 4),
                nat: NATStatus(
                    mode: "masquerade", mapping: "endpoint-independent",
                    filtering: "address-and-port-dependent", sessions: 126, sessionLimit: 65536,
                    portsInUse: 125, portsTotal: 129_024),
                routes: RoutesStatus(
                    total: 3,
                    bySource: [
                        SourceCount(source: "connected", count: 2),
                        SourceCount(source: "static", count: 1),
                    ]),
                neighbors: 5,
                drops: DropsStatus(total: 56, topReason: "nat.no_session", topPackets: 41),
                forwarding: ForwardingStatus(io: "readv", workers: 2)), done)
    }

    func interfaces(_ done: @escaping ControlDone<InterfacesAnswer>) {
        reply(
            InterfacesAnswer(
                instance: "home",
                interfaces: [
                    InterfaceRow(
                        name: "lan", device: "tap-lan", addresses: ["192.168.50.1/24"], mtu: 1500,
                        hardware: "02:00:5e:10:00:01", up: true, checksumOffload: true,
                        segmentationOffload: false, io: "io_uring", traffic: Self.traffic,
                        rxDrops: 3,
                        txDrops: 0),
                    InterfaceRow(
                        name: "wan", device: "tap-wan", namespace: "blue",
                        addresses: ["203.0.113.2/24"], mtu: 1400, hardware: "02:00:5e:10:00:02",
                        up: false, checksumOffload: false, segmentationOffload: false,
                        io: "write", ioReason: "Operation not permitted", traffic: Self.traffic,
                        rxDrops: 0, txDrops: 1),
                ]), done)
    }

    func sessions(_ query: SessionQuery, _ done: @escaping ControlDone<SessionsAnswer>) {
        // As a worker would: on another thread.
        DispatchQueue.global().async { [self] in answer(query, done) }
    }

    private func answer(_ query: SessionQuery, _ done: @escaping ControlDone<SessionsAnswer>) {
        do {
            let filter = try query.filter.resolved(rules: rules)
            let matching = rows.filter(filter.matches)
            reply(
                SessionsAnswer(
                    instance: "home", matched: matching.count, total: rows.count, rules: rules,
                    sessions: Array(matching.dropFirst(query.offset).prefix(query.limit))), done)
        } catch {
            done(.failure(ControlError(error)))
        }
    }

    func sessionSummary(_ done: @escaping ControlDone<SessionsSummaryAnswer>) {
        reply(
            SessionsSummaryAnswer(
                instance: "home",
                protocols: [
                    ProtocolSummary(
                        protocol: "tcp", sessions: 92,
                        states: [
                            NamedCount(name: "established", count: 83),
                            NamedCount(name: "transitory", count: 9),
                        ], created: 5120, closed: 5028,
                        closedBy: [NamedCount(name: "fin", count: 4800)])
                ], limit: 65536, refused: 3,
                refusedBy: [NamedCount(name: "host_limit", count: 3)]), done)
    }

    func killSessions(_ filter: Filter, _ done: @escaping ControlDone<KillAnswer>) {
        calls.withLock { $0.append("kill") }
        reply(KillAnswer(instance: "home", count: rows.filter(filter.matches).count), done)
    }

    func block(of host: IPv4Address, _ done: @escaping ControlDone<BlockAnswer>) {
        guard host == IPv4Address(192, 168, 50, 101) else {
            return done(
                .failure(
                    ControlError(
                        status: 409, sentence: "\(host) has no block of ports", exitStatus: 1)))
        }
        reply(
            BlockAnswer(
                instance: "home", inside: "\(host)", outside: "203.0.113.2", firstPort: 26_000,
                lastPort: 26_251), done)
    }

    func owner(
        of outside: IPv4Address, port: UInt16, _ done: @escaping ControlDone<OwnerAnswer>
    ) {
        reply(
            OwnerAnswer(
                instance: "home", outside: "\(outside)", port: port, host: "192.168.50.101",
                owners: [OwnerRow(protocol: "tcp", inside: "192.168.50.101", port: 40_013)]), done)
    }

    func nat(_ done: @escaping ControlDone<NATAnswer>) {
        var answer =
            NATAnswer(
                instance: "home", mode: "masquerade", mapping: "endpoint-independent",
                filtering: "address-dependent", hairpin: true, sessions: 126, mappings: 80,
                pools: [
                    PoolRow(
                        address: "203.0.113.2", protocol: "tcp", inUse: 92, resting: 4,
                        total: 64512)
                ],
                portForwards: [
                    PortForwardRow(
                        name: "nas-https", protocols: ["tcp"], outside: "203.0.113.2",
                        outsidePorts: "8443", inside: "192.168.50.10", insidePorts: "443",
                        sources: [], hairpin: true, sessions: 2)
                ],
                limits: NATLimits(
                    sessions: 65536, sessionsPerHost: 4096, mappingsPerHost: 2048,
                    newPerSecond: 200),
                timeouts: [TimeoutRow(name: "udp", seconds: 300)],
                hosts: [
                    HostUsage(
                        address: "192.168.50.101", sessions: 71, mappings: 64, limit: 4096,
                        mappingLimit: 2048)
                ])
        answer.preset = "symmetric"
        answer.className = "symmetric"
        answer.rules = [
            NATRuleRow(
                name: "guests", inside: ["192.168.50.128/25"], protocols: ["udp"],
                action: "deny", mapping: "endpoint-independent", filtering: "address-dependent")
        ]
        reply(answer, done)
    }

    func mappings(_ query: SessionQuery, _ done: @escaping ControlDone<MappingsAnswer>) {
        var mapping = MappingRow(
            protocol: "tcp", inside: "192.168.50.101", insidePort: 40013, outside: "203.0.113.2",
            outsidePort: 40013, rule: rules.first, ageSeconds: 724)
        for row in rows.prefix(2) { mapping.add(row) }
        let found = Array([mapping].prefix(query.limit))
        reply(MappingsAnswer(instance: "home", matched: 1, total: 80, mappings: found), done)
    }

    func watchSessions(_ filter: Filter, _ watch: any SessionWatch) {
        switch behavior {
        case .fails(let error): watch.refuse(error)
        case .staysSilent: break
        default:
            watch.begin(SessionEventsHead(instance: "home"))
            watches.withLock { $0.append(watch) }
            DispatchQueue.global().async { [self] in
                while watch.isOpen, let lines = eventsToTell() { watch.tell(lines) }
            }
        }
    }

    /// Clients that watch.
    let watches = Mutex<[any SessionWatch]>([])
    /// What they are told; as long as it has something.
    private let events = Mutex<[[SessionEventLine]]>([])

    func willTell(_ lines: [[SessionEventLine]]) { events.withLock { $0 = lines } }

    private func eventsToTell() -> [SessionEventLine]? {
        events.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    static let routes = [
        RouteRow(
            prefix: "0.0.0.0/0", action: "forward", source: "static", distance: 1, metric: 0,
            nextHops: [NextHopRow(side: "wan", gateway: "203.0.113.1")]),
        RouteRow(
            prefix: "10.30.0.0/16", action: "forward", source: "ospf", distance: 110, metric: 20,
            nextHops: [NextHopRow(side: "wan", gateway: "203.0.113.9")], ageSeconds: 240,
            learnedFrom: "10.255.0.2"),
        RouteRow(
            prefix: "192.168.50.0/24", action: "forward", source: "connected", distance: 0,
            metric: 0, nextHops: [NextHopRow(side: "lan")]),
    ]

    func routes(_ query: RouteQuery, _ done: @escaping ControlDone<RoutesAnswer>) {
        let found = Self.routes.filter { row in
            IPv4Prefix(row.prefix).map(query.matches) ?? false
        }
        reply(
            RoutesAnswer(
                instance: "home", matched: found.count, total: 3,
                routes: Array(found.prefix(query.limit))), done)
    }

    func routeLookup(_ address: IPv4Address, _ done: @escaping ControlDone<RouteLookupAnswer>) {
        reply(
            RouteLookupAnswer(
                instance: "home", address: address.description, action: "forward", side: "wan",
                nextHop: "10.0.12.2",
                neighbor: LookupNeighbor(hardware: "02:00:5e:00:53:02", state: "reachable"),
                mtu: 9000, route: Self.routes[1],
                alsoKnown: [LosingRoute(route: Self.routes[0], why: "shorter prefix")]), done)
    }

    func rip(_ done: @escaping ControlDone<RIPStatusAnswer>) {
        let wan = RIPInterfaceStatus(
            side: "wan", up: true, passive: false, cost: 1, splitHorizon: "poison-reverse",
            authentication: "md5 key 7", loopFree: true, nextUpdateSeconds: 12, received: 120,
            sent: 130,
            drops: [RIPDropCount(reason: "rip.auth_key", count: 3, meaning: "No such key.")])
        reply(
            RIPStatusAnswer(
                instance: "home", enabled: true, routes: 4, unreachable: 1, announcements: 3,
                interfaces: [wan]), done)
    }

    func bfd(_ done: @escaping ControlDone<BFDAnswer>) {
        let drop = BFDDropCount(side: "wan", reason: "bfd.ttl", count: 2, meaning: "Too far.")
        reply(
            BFDAnswer(
                instance: "home", drops: [drop],
                sessions: [
                    BFDSessionStatus(
                        address: "203.0.113.9", side: "wan", state: "Up", neighborState: "Up",
                        sinceSeconds: 75, ups: 2, users: ["static", "ospf"],
                        transmitMicroseconds: 50_000, receiveMicroseconds: 1_000_000,
                        detectionMicroseconds: 1500, multiplier: 3, neighborMultiplier: 4,
                        diagnostic: "control detection time expired", neighborDiagnostic: "none",
                        discriminator: 77, neighborDiscriminator: 78, received: 120, sent: 130)
                ]), done)
    }

    func ripNeighbors(_ done: @escaping ControlDone<RIPNeighborsAnswer>) {
        reply(
            RIPNeighborsAnswer(
                instance: "home",
                neighbors: [
                    RIPNeighborStatus(
                        address: "203.0.113.9", side: "wan", up: true, heardSeconds: 7, version: 2,
                        routes: 3, badPackets: 0, badRoutes: 1)
                ]), done)
    }

    func ripRoutes(limit: Int, _ done: @escaping ControlDone<RIPRoutesAnswer>) {
        let row = RIPRouteStatus(
            prefix: "10.40.0.0/16", metric: 3, tag: 77, local: false,
            heard: [
                RIPHeard(
                    neighbor: "203.0.113.9", gateway: "203.0.113.9", side: "wan", metric: 3,
                    used: true)
            ])
        reply(
            RIPRoutesAnswer(
                instance: "home", total: 1, routes: Array([row].prefix(limit))), done)
    }

    static let fault = OSPFFaultStatus(
        address: "203.0.113.8", side: "wan", reason: "ospf.area",
        explanation: "it has this link in area 0.0.0.1, we have it in area 0.0.0.0", packets: 4,
        heardSeconds: 3)
    static let ospfInterface = OSPFInterfaceStatus(
        side: "wan", state: "Backup", address: "203.0.113.2/24", area: "0.0.0.0",
        networkType: "broadcast", passive: false, cost: 10, priority: 1,
        designated: "203.0.113.9", backup: "203.0.113.2", helloMilliseconds: 250,
        deadMilliseconds: 40000, nextHelloMilliseconds: 3000, mtu: 1500,
        authentication: "md5 key 7", neighbors: 2, full: 1, received: 120, sent: 130,
        drops: [OSPFDropCount(reason: "ospf.area", count: 4, meaning: "Another area.")])

    func ospf(_ done: @escaping ControlDone<OSPFStatusAnswer>) {
        reply(
            OSPFStatusAnswer(
                instance: "home", enabled: true, router: "203.0.113.2", areaBorder: true,
                boundary: true, neighbors: 2, full: 1, lsas: 12, routes: 9, calculations: 5,
                areas: [
                    OSPFAreaStatus(
                        id: "0.0.0.0", type: "normal", translator: false, active: true, nodes: 4,
                        lsas: 10)
                ], interfaces: [Self.ospfInterface], faults: [Self.fault]), done)
    }

    func ospfInterfaces(_ done: @escaping ControlDone<OSPFInterfacesAnswer>) {
        reply(OSPFInterfacesAnswer(instance: "home", interfaces: [Self.ospfInterface]), done)
    }

    func ospfNeighbors(_ done: @escaping ControlDone<OSPFNeighborsAnswer>) {
        let row = OSPFNeighborStatus(
            router: "9.9.9.9", address: "203.0.113.9", side: "wan", state: "Full", role: "DR",
            priority: 1, deadMilliseconds: 37500, requests: 0, retransmissions: 1, badPackets: 2)
        reply(
            OSPFNeighborsAnswer(instance: "home", faults: [Self.fault], neighbors: [row]), done)
    }

    func ospfDatabase(
        type: String?, limit: Int, _ done: @escaping ControlDone<OSPFDatabaseAnswer>
    ) {
        func lsa(_ type: String, _ id: String, _ router: String) -> OSPFLSAStatus {
            OSPFLSAStatus(
                area: type == "external" ? nil : "0.0.0.0", type: type, id: id, router: router,
                age: 61, sequence: "0x80000003", checksum: "0x0a1b", length: 36,
                own: router == "203.0.113.2", roles: nil, links: nil, routers: nil, prefix: nil,
                cost: nil, metricType: nil, forwarding: nil, tag: nil)
        }
        func link(_ kind: String, _ id: String, _ data: String) -> OSPFLinkStatus {
            OSPFLinkStatus(kind: kind, id: id, data: data, cost: 10)
        }
        var own = lsa("router", "203.0.113.2", "203.0.113.2")
        own.roles = ["area-border"]
        own.links = [
            link("transit", "203.0.113.9", "203.0.113.2"),
            link("stub", "10.1.0.0", "255.255.0.0"),
        ]
        var peer = lsa("router", "9.9.9.9", "9.9.9.9")
        peer.links = [link("transit", "203.0.113.9", "203.0.113.9")]
        var network = lsa("network", "203.0.113.9", "9.9.9.9")
        (network.prefix, network.routers) = ("203.0.113.0/24", ["9.9.9.9", "203.0.113.2"])
        var external = lsa("external", "10.40.0.0", "9.9.9.9")
        (external.prefix, external.cost, external.metricType) = ("10.40.0.0/16", 20, 2)
        let rows = [own, peer, network, external].filter { type == nil || $0.type == type }
        reply(
            OSPFDatabaseAnswer(
                instance: "home", router: "203.0.113.2", total: rows.count,
                lsas: Array(rows.prefix(limit))), done)
    }

    func ospfRuns(_ done: @escaping ControlDone<OSPFRunsAnswer>) {
        let run = OSPFRunStatus(
            agoMilliseconds: 4000, cause: "router 9.9.9.9 of 9.9.9.9", kind: "full",
            microseconds: 314, areas: 1, nodes: 4, routes: 9, changes: 2)
        reply(OSPFRunsAnswer(instance: "home", total: 5, runs: [run]), done)
    }

    func neighbors(_ done: @escaping ControlDone<NeighborsAnswer>) {
        reply(
            NeighborsAnswer(
                instance: "home",
                neighbors: [
                    NeighborRow(
                        address: "192.168.50.101", hardware: "02:00:5e:20:00:10", side: "lan",
                        state: "reachable", ageSeconds: 12)
                ]), done)
    }

    func flushNeighbors(_ address: IPv4Address?, _ done: @escaping ControlDone<FlushAnswer>) {
        calls.withLock { $0.append("flush \(address?.description ?? "all")") }
        reply(FlushAnswer(instance: "home", count: address == nil ? 5 : 1), done)
    }

    func drops(_ done: @escaping ControlDone<DropsAnswer>) {
        reply(
            DropsAnswer(
                instance: "home", total: 56,
                drops: [
                    DropRow(
                        reason: "nat.no_session", side: "wan", packets: 41, lastSeconds: 2,
                        meaning: "No session.", advice: "Normal noise.")
                ]), done)
    }

    func version(_ done: @escaping ControlDone<VersionAnswer>) {
        reply(VersionAnswer(instance: "home", version: "9.9.9"), done)
    }

    func reload(_ request: ReloadRequest, _ done: @escaping ControlDone<ReloadAnswer>) {
        calls.withLock { $0.append("reload \(request.apply)") }
        var answer = reloads
        answer.applied = request.apply && answer.errors == 0 && answer.refused == nil
        reply(answer, done)
    }
}
