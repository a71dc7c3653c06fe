import Control
import Forwarding
import NAT
import Synchronization
import Timing
import Wire

// What a scan over the sessions gathers. Each lives through one request; one worker after the other
// fills it.

/// Counts.
final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func add() { count.withLock { $0 += 1 } }
}

/// Rows that match a query, at most as many as it wants.
final class SessionCollector: Sendable {
    private let query: SessionQuery
    private let filter: Filter
    private let state = Mutex((matched: 0, rows: [SessionRow]()))

    init(_ query: SessionQuery, _ filter: Filter) {
        self.query = query
        self.filter = filter
    }

    func add(_ row: SessionRow) {
        guard filter.matches(row) else { return }
        state.withLock { state in
            state.matched += 1
            if state.matched > query.offset, state.rows.count < query.limit {
                state.rows.append(row)
            }
        }
    }

    func answer(_ instance: String, total: Int, rules: [String]) -> SessionsAnswer {
        state.withLock { state in
            SessionsAnswer(
                instance: instance, matched: state.matched, total: total, rules: rules,
                sessions: state.rows)
        }
    }
}

/// Sessions by protocol and state.
final class StateCount: Sendable {
    private let counts = Mutex([UInt8: [SessionState: UInt64]]())

    func add(_ row: SessionRow) {
        counts.withLock { $0[row.transport, default: [:]][row.state, default: 0] += 1 }
    }

    private static func reasons(_ ends: SessionEnds) -> [NamedCount] {
        [
            NamedCount(name: "timeout", count: ends.expired),
            NamedCount(name: "yielded", count: ends.yielded),
            NamedCount(name: "evicted", count: ends.evicted),
            NamedCount(name: "killed", count: ends.killed),
        ].filter { $0.count > 0 }
    }

    func answer(_ instance: String, _ all: Snapshot) -> SessionsSummaryAnswer {
        let statistics = all.statistics
        let known: [Transport] = [.tcp, .udp, .icmp]
        let protocols = (known + [.other]).map { transport in
            let states = counts.withLock { counts in
                guard transport == .other else { return counts[transport.rawValue] ?? [:] }
                return counts.filter { number, _ in !known.contains { $0.rawValue == number } }
                    .values.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            return ProtocolSummary(
                protocol: transport.name, sessions: Int(states.values.reduce(0, +)),
                states: SessionState.allCases.compactMap { state in
                    states[state].map { NamedCount(name: state.name, count: $0) }
                },
                created: statistics.created[transport.counter],
                closed: statistics.closed[transport.counter],
                closedBy: Self.reasons(statistics.ends[transport.counter]))
        }
        let reasons: [DropReason] = [.natTableFull, .natHostLimit, .natNoPort, .natRateLimit]
        let refused = reasons.map { reason in
            NamedCount(
                name: String(reason.name.dropFirst(4)),
                count: Side.allCases.reduce(0) { sum, side in
                    sum &+ all.counters[side.index][reason]
                })
        }
        return SessionsSummaryAnswer(
            instance: instance, protocols: protocols, limit: all.capacity,
            refused: refused.reduce(0) { $0 &+ $1.count },
            refusedBy: refused.filter { $0.count > 0 })
    }
}

/// Mappings with sessions that match a query, at most as many as it wants.
final class MappingCollector: Sendable {
    private let query: SessionQuery
    private let filter: Filter
    private let rules: [String]
    private let state = Mutex((known: [MappingKey: Int](), rows: [MappingRow]()))

    init(_ query: SessionQuery, _ filter: Filter, _ rules: [String]) {
        self.query = query
        self.filter = filter
        self.rules = rules
    }

    func add(_ row: SessionRow, _ key: MappingKey, at now: Instant) {
        guard filter.matches(row) else { return }
        state.withLock { state in
            if let place = state.known[key] {
                if state.rows.indices.contains(place) { state.rows[place].add(row) }
                return
            }
            let place = state.known.count - query.offset
            state.known[key] = place
            guard place >= 0, place < query.limit else { return }
            let name = Int(row.rule) < rules.count && row.rule >= 0 ? rules[Int(row.rule)] : nil
            state.rows.append(
                MappingRow(
                    protocol: row.transportName, inside: row.inside.description,
                    insidePort: row.insidePort, outside: row.outside.description,
                    outsidePort: row.outsidePort, rule: name,
                    ageSeconds: (TimerWheel.ticks(now) &- key.created) / 4))
            state.rows[place].add(row)
        }
    }

    func answer(_ instance: String, total: Int) -> MappingsAnswer {
        state.withLock {
            MappingsAnswer(
                instance: instance, matched: $0.known.count, total: total, mappings: $0.rows)
        }
    }
}

/// Tells mappings apart, also two that had the same record while a scan went on.
struct MappingKey: Hashable {
    let worker: Int
    let number: UInt32
    let created: UInt32

    init(_ path: borrowing DataPath, of session: UInt32) {
        worker = path.forwarder.index
        number = path.forwarder.nat.mappingNumber(of: session)
        created = path.forwarder.nat.mapping(of: session).created
    }
}

/// Sessions and mappings by inside host and by port forward, for the answer about translation.
final class HostCount: Sendable {
    private let counts = Mutex(
        (hosts: [UInt32: Int](), mappings: [UInt32: Int](), forwards: [Int: Int]()))
    private let seen = Mutex(Set<MappingKey>())

    /// Hosts told of, those with the most sessions.
    private static let most = 20

    func add(_ host: UInt32, _ mapping: MappingKey, _ forward: Int?) {
        let isNew = forward == nil && seen.withLock { $0.insert(mapping).inserted }
        counts.withLock { counts in
            counts.hosts[host, default: 0] += 1
            if isNew { counts.mappings[host, default: 0] += 1 }
            if let forward { counts.forwards[forward, default: 0] += 1 }
        }
    }

    func answer(_ instance: String, _ all: Snapshot) -> NATAnswer {
        let settings = all.forwarding.nat
        let (hosts, mappings, forwards) = counts.withLock { $0 }
        let outside = all.forwarding[settings.outside].addresses.first?.address
        var answer = NATAnswer(
            instance: instance, mode: settings.mode.rawValue, mapping: settings.mapping.name,
            filtering: settings.filtering.name, hairpin: settings.hairpin,
            sessions: all.sessions, mappings: all.mappings,
            pools: all.pools.map { pool in
                PoolRow(
                    address: pool.address.description, protocol: pool.transport.name,
                    inUse: pool.used, resting: pool.resting, total: pool.total)
            },
            portForwards: settings.portForwards.enumerated().map { number, forward in
                PortForwardRow(forward, outside: outside, sessions: forwards[number] ?? 0)
            },
            limits: Control.NATLimits(
                sessions: all.capacity,
                sessionsPerHost: settings.limits.sessionsPerHost,
                mappingsPerHost: settings.limits.portsPerHost,
                newPerSecond: settings.limits.newSessionsPerSecond,
                newPerSecondPerHost: settings.limits.newSessionsPerSecondPerHost),
            timeouts: Self.timeouts(settings.timeouts),
            hosts: hosts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.most)
                .map { host, count in
                    HostUsage(
                        address: IPv4Address(host).description, sessions: count,
                        mappings: mappings[host] ?? 0,
                        limit: settings.limits.sessionsPerHost,
                        mappingLimit: settings.limits.portsPerHost)
                })
        answer.add(settings, all.blocks)
        return answer
    }

    private static func timeouts(_ times: NATTimeouts) -> [TimeoutRow] {
        [
            ("tcp-established", times.tcpEstablished), ("tcp-opening", times.tcpOpening),
            ("tcp-transitory", times.tcpTransitory),
            ("udp", times.udp), ("udp-unreplied", times.udpUnreplied), ("icmp", times.icmp),
            ("other", times.other), ("fragment", times.fragment), ("port-rest", times.portRest),
        ].map { TimeoutRow(name: $0, seconds: UInt64($1.wholeSeconds)) }
            + times.ports.flatMap { entry in
                entry.transports.map { transport in
                    let ports = PortForwardRow.ports(
                        Int(entry.ports.lowerBound), Int(entry.ports.upperBound))
                    return TimeoutRow(
                        name: "\(transport.name) \(ports)",
                        seconds: UInt64(entry.time.wholeSeconds))
                }
            }
    }
}

extension NATAnswer {
    /// What applications see of the translator, and what holds for some hosts only.
    fileprivate mutating func add(_ settings: NATSettings, _ plan: BlockPlan?) {
        let names = settings.ruleNames.dropFirst(settings.portForwards.count)
        preset = settings.preset.rawValue
        className = behaviorClass(mapping: settings.mapping, filtering: settings.filtering)
        oneToOne = zip(names, settings.oneToOne).map { name, entry in
            OneToOneRow(
                name: name, outside: entry.outside.description,
                inside: entry.inside.description, sources: entry.sources.map(\.description))
        }
        rules = zip(names.dropFirst(settings.oneToOne.count), settings.rules).map { name, rule in
            NATRuleRow(
                name: name, inside: rule.inside.map(\.description),
                protocols: rule.transports.map(\.name),
                action: rule.isDenied ? "deny" : "translate",
                mapping: (rule.mapping ?? settings.mapping).name,
                filtering: (rule.filtering ?? settings.filtering).name)
        }
        blocks = plan.map {
            BlocksRow(size: $0.size, perAddress: $0.blocksPerAddress, hosts: $0.hosts)
        }
    }
}

extension PortForwardRow {
    init(_ forward: PortForward, outside: IPv4Address?, sessions: Int) {
        let last = Int(forward.insidePort) + forward.ports.count - 1
        self.init(
            name: forward.name, protocols: forward.transports.map(\.name),
            outside: (forward.outsideAddress ?? outside)?.description ?? "-",
            outsidePorts: Self.ports(Int(forward.ports.lowerBound), Int(forward.ports.upperBound)),
            inside: forward.insideAddress.description,
            insidePorts: Self.ports(Int(forward.insidePort), last),
            sources: forward.sources.map(\.description), hairpin: forward.hairpin,
            sessions: sessions)
    }

    static func ports(_ first: Int, _ last: Int) -> String {
        first == last ? "\(first)" : "\(first)-\(last)"
    }
}

extension SessionRow {
    /// Copies session record `number`.
    init(_ path: borrowing DataPath, _ number: UInt32) {
        self.init(
            path.forwarder.nat.session(number), created: path.forwarder.nat.created(number),
            rule: path.forwarder.nat.rule(of: number),
            at: path.now)
        expiresSeconds = path.forwarder.nat.secondsLeft(number, at: path.now)
    }

    /// Copies a session; when it ends is not told.
    init(_ session: Session, created: UInt32, rule place: Int?, at now: Instant) {
        self.init(
            id: session.serial, transport: session.transport,
            state: SessionState(SessionPhase(rawValue: session.phase)),
            inside: IPv4Address(session.insideAddress), insidePort: session.insidePort,
            outside: IPv4Address(session.outsideAddress), outsidePort: session.outsidePort,
            remote: IPv4Address(session.remoteAddress), remotePort: session.remotePort)
        let tick = TimerWheel.ticks(now)
        ageSeconds = (tick &- created) / 4
        idleSeconds = (tick &- session.lastSeen) / 4
        packetsOut = session.packetsOut
        bytesOut = session.bytesOut
        packetsIn = session.packetsIn
        bytesIn = session.bytesIn
        rule = place.map { Int32(truncatingIfNeeded: $0) } ?? -1
    }
}

extension SessionState {
    init(_ phase: SessionPhase?) {
        self =
            switch phase {
            case .unreplied: .unreplied
            case .replied: .replied
            case .synOutbound, .synInbound: .opening
            case .established: .established
            case .finOutbound: .clientFIN
            case .finInbound: .serverFIN
            case .closing: .closing
            case .transitory: .transitory
            case nil: .none
            }
    }
}
