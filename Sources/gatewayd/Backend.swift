import Configuration
import Control
import Forwarding
import Glibc
import Linux
import NAT
import Router
import Routing
import Synchronization
import Timing
import Wire

/// Answers the control interface by asking the workers and the control thread by message.
///
/// Whoever owns something copies it; the interface's own thread makes text of it.
struct Backend: ControlBackend {
    let instance: String
    let boxes: WorkerBoxes
    let inbox: Mailbox<ControlJob>
    let started: Instant

    static let busy = ControlError(
        status: 503, sentence: "the gateway has too many requests to answer; try again",
        exitStatus: 75)

    /// Asks one worker after the other, each of which adds to `sum` what it knows, then makes an
    /// answer of it.
    private func gather<Sums: Sendable, Value>(
        _ done: @escaping ControlDone<Value>, _ sum: Sums,
        _ add: @escaping @Sendable (inout Sums, inout DataPath) -> Void,
        then answer: @escaping @Sendable (Sums) -> Value
    ) {
        let sum = Sum(sum)
        boxes.tour { path, _ in
            sum.change { add(&$0, &path) }
            return nil
        } then: { isWhole in
            done(isWhole ? .success(answer(sum.value)) : .failure(Self.busy))
        }
    }

    /// Asks all workers about the whole gateway; with `visit` in slices, in which each looks at all
    /// its sessions before.
    private func survey<Value>(
        _ done: @escaping ControlDone<Value>,
        visit: (@Sendable (inout DataPath, UInt32) -> Void)? = nil,
        then finish: @escaping @Sendable (Snapshot) -> Void
    ) {
        let sum = Sum<Snapshot?>(nil)
        boxes.tour { path, cursor in
            if let visit {
                let end = min(path.forwarder.nat.sessionLimit, cursor + Self.slice)
                for number in cursor..<max(end, cursor) where path.forwarder.nat.isInUse(number) {
                    visit(&path, number)
                }
                if end < path.forwarder.nat.sessionLimit { return end }
            }
            let seen = Snapshot(&path)
            sum.change { sum in
                if sum?.add(seen) == nil { sum = seen }
            }
            return nil
        } then: { isWhole in
            guard isWhole, let all = sum.value else { return done(.failure(Self.busy)) }
            finish(all)
        }
    }

    /// Asks the control thread.
    func ask<Value>(
        control done: @escaping ControlDone<Value>, _ body: @escaping @Sendable (Daemon) -> Value
    ) {
        if !inbox.post(ControlJob { done(.success(body($0))) }) { done(.failure(Self.busy)) }
    }

    /// Asks the first worker, then the control thread with what it said.
    func ask<Middle: Sendable, Value>(
        _ done: @escaping ControlDone<Value>,
        _ first: @escaping @Sendable (inout DataPath) -> Middle,
        then second: @escaping @Sendable (Daemon, Middle) -> Value
    ) {
        let inbox = inbox
        let job = WorkerJob.once { path in
            let middle = first(&path)
            if !inbox.post(ControlJob { done(.success(second($0, middle))) }) {
                done(.failure(Self.busy))
            }
        }
        if !boxes.first.post(job) { done(.failure(Self.busy)) }
    }

    func status(_ done: @escaping ControlDone<StatusAnswer>) {
        let started = started
        survey(done) { seen in ask(control: done) { seen.status(of: $0, started) } }
    }

    func interfaces(_ done: @escaping ControlDone<InterfacesAnswer>) {
        survey(done) { seen in ask(control: done) { seen.interfaces(of: $0) } }
    }

    func nat(_ done: @escaping ControlDone<NATAnswer>) {
        let instance = instance
        let hosts = HostCount()
        scan(
            done,
            visit: { path, number in
                let session = path.forwarder.nat.session(number)
                hosts.add(
                    session.insideAddress, MappingKey(path, of: number),
                    path.forwarder.nat.forward(of: number))
            },
            finish: { hosts.answer(instance, $0) })
    }

    func block(of host: IPv4Address, _ done: @escaping ControlDone<BlockAnswer>) {
        let instance = instance
        let job = WorkerJob.once { path in
            guard let block = path.forwarder.nat.blocks?.block(of: host) else {
                let why =
                    path.forwarder.nat.blocks == nil
                    ? "hosts have no blocks of ports (nat.blocks)" : "\(host) has no block of ports"
                return done(
                    .failure(ControlError(status: 409, sentence: why, exitStatus: 1)))
            }
            done(
                .success(
                    BlockAnswer(
                        instance: instance, inside: host.description,
                        outside: block.address.description, firstPort: block.ports.lowerBound,
                        lastPort: block.ports.upperBound)))
        }
        // All workers have the same plan.
        if !boxes.first.post(job) { done(.failure(Self.busy)) }
    }

    func owner(
        of outside: IPv4Address, port: UInt16, _ done: @escaping ControlDone<OwnerAnswer>
    ) {
        let instance = instance
        gather(
            done,
            OwnerAnswer(
                instance: instance, outside: outside.description, port: port, host: nil, owners: [])
        ) {
            answer, path in
            answer.owners += [Transport.tcp, .udp, .icmp].compactMap { transport in
                path.forwarder.nat.owner(of: outside, port: port, transport).map {
                    OwnerRow(
                        protocol: transport.name, inside: $0.address.description, port: $0.port)
                }
            }
            answer.host = path.forwarder.nat.blocks?.host(of: outside, port: port)?.description
        } then: {
            $0
        }
    }

    func neighbors(_ done: @escaping ControlDone<NeighborsAnswer>) {
        let instance = instance
        gather(done, [NeighborKey: KnownNeighbor]()) { known, path in
            for record in path.forwarder.neighborList() {
                let one = KnownNeighbor(record, at: path.now)
                known[NeighborKey(record)] = known[NeighborKey(record)]?.joined(with: one) ?? one
            }
        } then: { known in
            NeighborsAnswer(
                instance: instance,
                neighbors: known.values.map(\.record)
                    .sorted { ($0.side.rawValue, $0.address) < ($1.side.rawValue, $1.address) }
                    .compactMap { record in known[NeighborKey(record)].map(NeighborRow.init) })
        }
    }

    func flushNeighbors(_ address: IPv4Address?, _ done: @escaping ControlDone<FlushAnswer>) {
        let instance = instance
        gather(done, Set<NeighborKey>()) { forgotten, path in
            for record in path.forwarder.flushNeighbors(address, at: path.now) {
                forgotten.insert(NeighborKey(record))
            }
        } then: {
            FlushAnswer(instance: instance, count: $0.count)
        }
    }

    func drops(_ done: @escaping ControlDone<DropsAnswer>) {
        let instance = instance
        survey(done) { all in
            let counters = all.counters
            var rows: [DropRow] = []
            for side in Side.allCases {
                for reason in DropReason.allCases where counters[side.index][reason] > 0 {
                    let last = counters[side.index].lastDrop[Int(reason.rawValue)]
                    rows.append(
                        DropRow(
                            reason: reason.name, side: side.description,
                            packets: counters[side.index][reason],
                            lastSeconds: UInt64(max((all.now - last).wholeSeconds, 0)),
                            meaning: reason.meaning, advice: reason.advice))
                }
            }
            rows.sort { ($1.packets, $0.reason) < ($0.packets, $1.reason) }
            done(
                .success(
                    DropsAnswer(
                        instance: instance, total: rows.reduce(0) { $0 &+ $1.packets },
                        drops: rows)))
        }
    }

    func version(_ done: @escaping ControlDone<VersionAnswer>) {
        done(.success(VersionAnswer(instance: instance, version: Daemon.version)))
    }

    func reload(_ request: ReloadRequest, _ done: @escaping ControlDone<ReloadAnswer>) {
        let boxes = boxes
        let job = ControlJob { daemon in
            let answer = daemon.reload(apply: request.apply)
            // Jobs are done in order: when these are, packets meet the new settings.
            boxes.tour({ _, _ in nil }, then: { _ in done(.success(answer)) })
        }
        if !inbox.post(job) { done(.failure(Self.busy)) }
    }

    // MARK: Routes

    func routes(_ query: RouteQuery, _ done: @escaping ControlDone<RoutesAnswer>) {
        let instance = instance
        ask(control: done) { daemon in
            let all = daemon.control.rib.routesInUse
            let matching = all.filter { query.matches($0.prefix) }
            return RoutesAnswer(
                instance: instance, matched: matching.count, total: all.count,
                routes: matching.prefix(query.limit).map { RouteRow($0) })
        }
    }

    func routeLookup(_ address: IPv4Address, _ done: @escaping ControlDone<RouteLookupAnswer>) {
        let job = ControlJob { daemon in
            let (answer, hop) = daemon.lookUp(address)
            guard let hop else { return done(.success(answer)) }
            // Who the next hop is, the workers know.
            gather(done, answer) { answer, path in
                guard answer.neighbor?.hardware == nil else { return }
                answer.neighbor =
                    path.forwarder.neighbor(at: hop.gateway ?? address, on: hop.side)
                    .map(LookupNeighbor.init) ?? answer.neighbor
            } then: {
                $0
            }
        }
        if !inbox.post(job) { done(.failure(Self.busy)) }
    }

    // MARK: Sessions

    /// Sessions looked at in one turn of a worker's loop.
    private static let slice: UInt32 = 4096

    /// Visits every session of all workers in slices, then answers.
    private func scan<Value>(
        _ done: @escaping ControlDone<Value>,
        visit: @escaping @Sendable (inout DataPath, UInt32) -> Void,
        finish: @escaping @Sendable (Snapshot) -> Value
    ) {
        survey(done, visit: visit) { done(.success(finish($0))) }
    }

    func sessions(_ query: SessionQuery, _ done: @escaping ControlDone<SessionsAnswer>) {
        let instance = instance
        resolving(query.filter, done) { filter, rules in
            let found = SessionCollector(query, filter)
            scan(
                done, visit: { path, number in found.add(SessionRow(path, number)) },
                finish: { found.answer(instance, total: $0.sessions, rules: rules) })
        }
    }

    func sessionSummary(_ done: @escaping ControlDone<SessionsSummaryAnswer>) {
        let instance = instance
        let counts = StateCount()
        scan(
            done, visit: { path, number in counts.add(SessionRow(path, number)) },
            finish: { counts.answer(instance, $0) })
    }

    func mappings(_ query: SessionQuery, _ done: @escaping ControlDone<MappingsAnswer>) {
        let instance = instance
        resolving(query.filter, done) { filter, rules in
            let found = MappingCollector(query, filter, rules)
            scan(
                done,
                visit: { path, number in
                    found.add(
                        SessionRow(path, number), MappingKey(path, of: number), at: path.now)
                },
                finish: { found.answer(instance, total: $0.mappings) })
        }
    }

    func watchSessions(_ filter: Filter, _ watch: any SessionWatch) {
        let job = ControlJob { daemon in
            do throws(FilterError) {
                _ = try filter.resolved(rules: daemon.ruleNames)
                daemon.watch(filter, watch)
            } catch {
                watch.refuse(ControlError(error))
            }
        }
        if !inbox.post(job) { watch.refuse(Self.busy) }
    }

    func killSessions(_ filter: Filter, _ done: @escaping ControlDone<KillAnswer>) {
        let instance = instance
        resolving(filter, done) { filter, _ in
            let killed = Counter()
            scan(
                done,
                visit: { path, number in
                    guard filter.matches(SessionRow(path, number)) else { return }
                    path.forwarder.kill(session: number, at: path.now)
                    killed.add()
                },
                finish: { _ in KillAnswer(instance: instance, count: killed.value) })
        }
    }

    /// Looks the names of rules in a filter up, on the control thread, which knows them.
    private func resolving<Value>(
        _ filter: Filter, _ done: @escaping ControlDone<Value>,
        _ body: @escaping @Sendable (Filter, [String]) -> Void
    ) {
        let job = ControlJob { daemon in
            let rules = daemon.ruleNames
            do throws(FilterError) {
                body(try filter.resolved(rules: rules), rules)
            } catch {
                done(.failure(ControlError(error)))
            }
        }
        if !inbox.post(job) { done(.failure(Self.busy)) }
    }
}

/// One neighbour among all workers'.
private struct NeighborKey: Hashable {
    let side: Side
    let address: UInt32

    init(_ record: Neighbor) { (side, address) = (record.side, record.address) }
}

/// What the workers know of a neighbour.
private struct KnownNeighbor {
    private(set) var record: Neighbor
    private(set) var queued: Int
    let now: Instant

    init(_ record: Neighbor, at now: Instant) {
        (self.record, queued, self.now) = (record, record.queued, now)
    }

    /// With what another worker knows: whose news is the latest.
    func joined(with other: KnownNeighbor) -> KnownNeighbor {
        var both = self
        if other.record.confirmed > record.confirmed { both.record = other.record }
        both.queued += other.queued
        return both
    }
}

extension NeighborRow {
    fileprivate init(_ known: KnownNeighbor) {
        let record = known.record
        self.init(
            address: IPv4Address(record.address).description,
            hardware: record.hardware == 0 ? nil : MACAddress(record.hardware).description,
            side: record.side.description, state: record.state.name,
            ageSeconds: UInt64(max((known.now - record.confirmed).wholeSeconds, 0)),
            queuedPackets: known.queued)
    }
}
