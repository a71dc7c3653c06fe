import CLinux
import Configuration
import Control
import ControlServer
import Forwarding
import Glibc
import Linux
import Logging
import NAT
import Netlink
import OSPF
import Router
import Routing
import Synchronization
import Timing
import Wire

/// Something another thread wants done on the control thread.
struct ControlJob: Sendable {
    let run: @Sendable (Daemon) -> Void
}

/// The control thread: configuration, routes, devices, the service manager. Confined to one thread.
final class Daemon {
    static let version = "0.1.0"

    let configurationPath: String
    let started = Clock.now()
    let service = ServiceManager()
    let journal: JournalWriter
    var log: Logger
    let boxes: WorkerBoxes
    let inbox: Mailbox<ControlJob>
    let routingMail: Mailbox<RoutingMail>
    var routingBatch: [RoutingMail]
    /// Nil where the protocol is not spoken, and before the first packet can pass.
    var rip: RIPSpeaker?
    var ospf: OSPFSpeaker?
    /// Neighbours that BFD watches.
    var watch = NeighborWatch()

    var configuration: GatewayConfiguration
    var warnings: Int
    var appliedSeconds = Clock.wallSeconds()
    var control = ControlPlane()
    var isReady = false
    /// What the gateway ends with; nil while it runs.
    var exitStatus: Int32?
    /// Whether a successor begins when it has ended.
    var hasSuccessor = false
    /// When we end, once we have been asked to.
    private var endAt: Instant?
    /// What our predecessor knew of OSPF, until that is spoken again.
    var memory: OSPFMemory?
    /// Stations our predecessor knew.
    let keptNeighbors: [KeptNeighbor]
    var rates = RateMeter()
    private let sessionLog: SessionLog
    /// Changes that each worker's mailbox had no room for, in order; offered again each turn.
    var waiting: [[WorkerJob]]
    /// Workers that can let the first packet pass.
    private var readyWorkers = 0
    /// Clients that watch sessions.
    var watchers = SessionWatchers()
    private(set) var lan: Device
    private(set) var wan: Device

    /// Opens the devices; nothing moves before `run`.
    init(
        path: String, loaded: ConfigurationResult, _ configuration: GatewayConfiguration,
        _ inherited: ListenDescriptors
    ) throws {
        configurationPath = path
        self.configuration = configuration
        warnings = loaded.warnings
        journal = JournalWriter(identifier: "gatewayd")
        let handler = JournalLogHandler(writer: journal, instance: configuration.name)
        log = Logger(label: "gatewayd") { _ in handler }
        log.logLevel = Self.level(configuration.log.level)
        sessionLog = SessionLog(writer: journal, instance: configuration.name)
        boxes = try WorkerBoxes(configuration.workers)
        waiting = boxes.all.map { _ in [] }
        inbox = try Mailbox(capacity: 1024)
        routingMail = try Mailbox(capacity: 8192)
        routingBatch = routingMail.makeBatch()
        let kept = Self.kept(configuration, inherited, service)
        lan = try Self.open(.lan, configuration, kept)
        wan = try Self.open(.wan, configuration, kept)
        memory = inherited[Keeping.memory].flatMap(Keeping.read).flatMap {
            OSPFMemory($0, interfaces: Side.allCases.count)
        }
        keptNeighbors = KeptNeighbor.list(
            in: inherited[Keeping.neighbors].flatMap(Keeping.read) ?? [])
        // What is kept outlives us, and our links with it (FileDescriptorStoreMax=).
        for side in Side.allCases {
            let queues = side == .lan ? lan.tap.descriptors : wan.tap.descriptors
            for (number, descriptor) in queues.enumerated() {
                let name = Keeping.name(of: side, queue: number)
                service.removeStored(name: name)
                service.store(descriptor: descriptor, name: name)
            }
        }
        service.removeStored(name: Keeping.memory)
        service.removeStored(name: Keeping.neighbors)
    }

    private static func open(
        _ side: Side, _ configuration: GatewayConfiguration, _ kept: [[Int32]]
    ) throws -> Device {
        let settings = configuration.devices[side.index]
        // The kernel's end keeps one address over restarts, so that its neighbours need not
        // relearn.
        let hardware = DeviceSettings.defaultHardware(
            machineID: MachineID.read(), name: configuration.name + "-host", side: side)
        return try Device(
            side, settings, mtu: configuration.forwarding[side].mtu, hardware: hardware,
            queues: configuration.workers, inherited: kept[side.index])
    }

    /// The queues of a predecessor's TAPs, by side; none, and they are gone, if their number was
    /// another.
    private static func kept(
        _ configuration: GatewayConfiguration, _ inherited: ListenDescriptors,
        _ service: ServiceManager
    ) -> [[Int32]] {
        let names = Side.allCases.map { side in
            (0..<Share.most).map { Keeping.name(of: side, queue: $0) }
        }
        let kept = names.map { $0.compactMap { inherited[$0] } }
        if kept.allSatisfy({ $0.isEmpty || $0.count == configuration.workers }) { return kept }
        for name in names.joined() where inherited[name] != nil {
            service.removeStored(name: name)
        }
        for descriptor in kept.joined() { _ = close(descriptor) }
        service.settle()
        return kept.map { _ in [] }
    }

    static func level(_ level: LogSettings.Level) -> Logger.Level {
        switch level {
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }

    /// Runs the gateway until it is told to stop; the exit status.
    func run(_ signals: consuming Signals, _ inherited: ListenDescriptors) throws -> Int32 {
        let stop = StopFlag()
        let workers = try startWorkers(stop)
        let server = ControlServer(
            socket: socket(inherited),
            rights: ControlRights(
                group: group,
                readOnlyGroup: configuration.control.readOnlyGroup),
            backend: Backend(
                instance: configuration.name, boxes: boxes, inbox: inbox, started: started),
            version: Self.version)
        do {
            try server.start()
        } catch {
            end(workers, stop)
            throw error
        }
        try serve(signals)
        _ = service.stopping()
        log.info("stopping")
        endRouting()
        server.stop()
        end(workers, stop)
        return exitStatus ?? 0
    }

    private func socket(_ inherited: ListenDescriptors) -> ControlSocket {
        if let descriptor = inherited["control"] { return .descriptor(descriptor) }
        let settings = configuration.control
        Self.makeDirectory(of: settings.socket)
        return .path(settings.socket, mode: settings.mode, group: group)
    }

    /// Makes the directories that the socket lies in; what cannot be made shows when it is bound.
    private static func makeDirectory(of path: String) {
        var directory = ""
        for part in path.split(separator: "/").dropLast() {
            directory += "/" + part
            _ = unsafe mkdir(directory, 0o755)
        }
    }

    /// The group of the control socket. The usual one exists only where a package made it.
    private var group: String? {
        guard configuration.control.group == "gatewayd" else { return configuration.control.group }
        return unsafe getgrnam("gatewayd") == nil ? nil : "gatewayd"
    }

    // MARK: The loop

    private func serve(_ source: consuming Signals) throws {
        var signals = source
        var mail = inbox.makeBatch()
        var nextSecond = Clock.now()
        while exitStatus == nil {
            try wait(signals.descriptor)
            while let signal = signals.next() { handle(signal) }
            try lanEvents()
            try wanEvents()
            inbox.drain(into: &mail)
            for job in mail { job.run(self) }
            routingTurn()
            deliver()
            let now = Clock.now()
            if let endAt, endAt <= now { exitStatus = exitStatus ?? 0 }
            if now >= nextSecond {
                nextSecond = now + .seconds(1)
                everySecond()
            }
        }
    }

    private func wait(_ signals: Int32) throws {
        var files = [
            signals, inbox.descriptor, lan.monitor.descriptor, wan.monitor.descriptor,
            routingMail.descriptor,
        ].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // A full mailbox empties within a turn of the worker's loop.
        let timeout = routingWait(most: waiting.allSatisfy(\.isEmpty) ? 1000 : 1, until: endAt)
        _ = unsafe poll(&files, nfds_t(files.count), timeout)
    }

    private func handle(_ signal: Signal) {
        switch signal {
        case .terminate, .interrupt: terminate()
        case .restart:
            prepareRestart()
            (hasSuccessor, exitStatus) = (true, 0)
        case .hangUp:
            let answer = reload(apply: true)
            if let refused = answer.refused {
                log.error("reload refused: \(refused)", metadata: ["event": "config.refused"])
            }
        }
    }

    /// Ends, after a time in which others find ways past us if that was asked for. Who asks twice
    /// is in a hurry.
    private func terminate() {
        let now = Clock.now()
        guard endAt == nil, let period = ospf?.retire(at: now) else {
            exitStatus = 0
            return
        }
        endAt = now + period
        carryOutRouting()
        _ = service.stopping(in: period, status: "others find ways past the gateway")
        log.notice(
            "others find ways past the gateway, then it ends", metadata: ["event": "ospf.stub"])
    }

    private func lanEvents() throws {
        for event in try lan.monitor.nextEvents() { hear(event, .lan, try? lan.currentlyUp()) }
    }

    private func wanEvents() throws {
        for event in try wan.monitor.nextEvents() { hear(event, .wan, try? wan.currentlyUp()) }
    }

    private func hear(_ event: LinkEvent, _ side: Side, _ currentlyUp: Bool?) {
        let name = configuration.devices[side.index].tap
        switch event {
        case .changed(let link):
            if link.name == name { linkChanged(side, isUp: link.flags.contains(.up)) }
        case .overrun:
            if let currentlyUp { linkChanged(side, isUp: currentlyUp) }
        case .removed(let removed, _):
            if removed == name { hear(.deviceGone(side)) }
        }
    }

    /// Tells routes and packet path; a change that is none changes nothing there.
    func linkChanged(_ side: Side, isUp: Bool) {
        if control.rib.isUp(side) != isUp {
            let name = configuration.devices[side.index].tap
            log.notice(
                "\(side) (\(name)) is \(isUp ? "up" : "down")",
                metadata: ["event": "link.changed", "side": "\(side)"])
        }
        if !isUp, let patch = control.failover(from: side) { post(patch) }
        let table = control.setLink(side, isUp: isUp)
        post(table) { $0.forwarder.setLink(side, isUp: isUp, at: $0.now, into: &$0.outbox) }
        routingLink(side, isUp: isUp)
    }

    /// Hears what the worker tells.
    func hear(_ event: WorkerEvent) {
        switch event {
        case .ready:
            readyWorkers += 1
            guard readyWorkers == boxes.all.count else { return }
            isReady = true
            log.notice(
                "\(configuration.name) is ready: \(describe(.lan)), \(describe(.wan))",
                metadata: ["event": "ready"])
            _ = service.ready(status: "forwarding")
            configureRouting()
        case .deviceGone(let side):
            guard exitStatus == nil else { return }
            let name = configuration.devices[side.index].tap
            log.critical(
                """
                \(side): the TAP interface \(name) was deleted; nothing can be forwarded without \
                it, start the gateway again
                """, metadata: ["event": "device.gone", "side": "\(side)"])
            exitStatus = 74
        case .sessions(let events, let lost):
            if configuration.log.natSessions == .all {
                for event in events { sessionLog.write(event) }
            }
            watchers.tell(events, lost: lost, rules: ruleNames)
            if lost > 0 { log.warning("\(lost) more sessions were made or ended") }
        case .bfd(let events): hear(events)
        case .failed(let error):
            log.critical("\(error)")
            exitStatus = error.exitStatus
        }
    }

    private func describe(_ side: Side) -> String {
        let addresses = configuration.forwarding[side].addresses.map(\.description)
        return "\(side) \(configuration.devices[side.index].tap) "
            + addresses.joined(separator: " ")
    }

    private func everySecond() {
        forgetWatchers()
        journal.writeSuppressed()
        let inbox = inbox
        let queueDrops = [lan.queueDrops(), wan.queueDrops()]
        post(first: { $0.note(queueDrops: queueDrops) })
        let sum = Sum<Sample?>(nil)
        boxes.tour { path, _ in
            let sample = Sample(path)
            sum.change { $0 = $0.map { $0.with(sample) } ?? sample }
            return nil
        } then: { isWhole in
            guard isWhole, let sample = sum.value else { return }
            _ = inbox.post(ControlJob { $0.take(sample) })
        }
    }

    private func take(_ sample: Sample) {
        rates.take(sample)
        if configuration.log.natSessions == .summary, let line = rates.sessionsLine(sample) {
            log.info("\(line)", metadata: ["event": "session.summary"])
        }
        for side in Side.allCases where sample.conflicts[side.index] > rates.conflicts[side.index] {
            rates.conflicts[side.index] = sample.conflicts[side.index]
            if let conflict = sample.lastConflict[side.index] {
                log.warning(
                    "\(side): \(conflict.hardware) also uses our address \(conflict.address)",
                    metadata: ["event": "address.conflict", "side": "\(side)"])
            }
        }
        if isReady, rates.isStatusDue {
            _ = service.status(rates.statusLine(sessions: sample.sessions))
        }
    }

    // MARK: Reload

    /// Reads the file again; applies it if asked to and if it can be applied while running.
    func reload(apply: Bool) -> ReloadAnswer {
        let began = Clock.now()
        var answer = ReloadAnswer(
            instance: configuration.name, path: configurationPath, applied: false, changes: [],
            diagnostics: "", errors: 0)
        let loaded: ConfigurationResult
        do {
            loaded = try ConfigurationLoader.load(
                path: configurationPath, machineID: MachineID.read())
        } catch {
            answer.refused = "\(error)"
            answer.errors = 1
            return answer
        }
        answer.diagnostics = loaded.render()
        answer.errors = loaded.errors
        guard var new = loaded.configuration else {
            answer.refused = "the file has errors; nothing was changed"
            return answer
        }
        new.name = configuration.name
        let changes = differences(from: configuration, to: new)
        answer.changes = changes.map { change in
            Control.ConfigurationChange(
                path: change.path, kind: change.kind.rawValue, old: change.old, new: change.new,
                effect: change.effect.rawValue)
        }
        let restarts = changes.filter { $0.effect == .restart }.map(\.path)
        guard restarts.isEmpty else {
            answer.refused =
                "\(restarts.joined(separator: ", ")) can only change by a restart of the gateway"
            return answer
        }
        guard apply else { return answer }
        do {
            try setMTUs(of: new)
        } catch {
            answer.refused = "\(error)"
            return answer
        }
        _ = service.reloading(at: began)
        take(new, warnings: loaded.warnings)
        answer.applied = true
        answer.durationMilliseconds = UInt64(max((Clock.now() - began).wholeMilliseconds, 0))
        log.notice(
            "configuration applied: \(changes.count) changes", metadata: ["event": "config.applied"]
        )
        _ = service.ready()
        return answer
    }

    /// Sets the MTU of the kernel's ends: both or neither.
    private func setMTUs(of new: GatewayConfiguration) throws {
        func set(_ side: Side, _ settings: GatewayConfiguration) throws {
            let mtu = settings.forwarding[side].mtu
            if side == .lan { try lan.setMTU(mtu) } else { try wan.setMTU(mtu) }
        }
        let changed = Side.allCases.filter {
            new.forwarding[$0].mtu != configuration.forwarding[$0].mtu
        }
        for (number, side) in changed.enumerated() {
            do {
                try set(side, new)
            } catch {
                for earlier in changed[..<number] { try? set(earlier, configuration) }
                throw error
            }
        }
    }

    private func take(_ new: GatewayConfiguration, warnings: Int) {
        configuration = new
        self.warnings = warnings
        appliedSeconds = Clock.wallSeconds()
        log.logLevel = Self.level(new.log.level)
        let table = control.configure(new.forwarding, routes: new.routes, silent: silentHops)
        let (settings, busyPoll) = (new.forwarding, new.busyPoll)
        let recordsSessions = recordsSessions
        post(table) { path in
            path.forwarder.apply(settings, at: path.now, into: &path.outbox)
            path.forwarder.recordSessions(recordsSessions)
            path.busyPoll = busyPoll
        }
        configureRouting()
    }
}
