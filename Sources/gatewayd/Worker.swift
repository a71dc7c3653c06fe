import BFD
import Forwarding
import Linux
import NAT
import OSPF
import Synchronization
import Timing
import Wire

/// The thread that forwards: reads frames until there are none, takes each through the gateway,
/// writes what leaves in one go, and works off timers and jobs between batches.
struct Worker: ~Copyable {
    /// Frames taken from one side before the other gets its turn. Bounding the octets as well, so
    /// that a batch of super-packets stays in cache, was measured to cost throughput.
    static let batch = 64
    /// Behind those of a batch.
    static let spareSlot = batch

    let jobs: Mailbox<WorkerJob>
    /// Packets of routing protocols, for the control thread.
    let routing: Mailbox<RoutingMail>
    let stop: StopFlag
    /// Hands an event to the control thread; false if that has too much to do.
    let post: @Sendable (WorkerEvent) -> Bool
    /// Says that this worker is alive; nil where nobody wants to know.
    let watchdog: Watchdog?
    /// What packets may be joined for the TAP of a side.
    let joins: InlineArray<2, FrameRun.Protocols>
    /// How long to look for more frames before sleeping, at first.
    let busyPoll: Interval
    /// Its ends of the rings to and from other workers.
    let peers: Peers

    /// Forwards until told to stop; everything it owns lives in this call.
    func run(_ forwarder: consuming Forwarder, queues: (lan: Int32, wan: Int32)) {
        do throws(SystemError) {
            let io = try FrameIO(lan: queues.lan, wan: queues.wan, mailbox: jobs.descriptor)
            try loop(forwarder, io)
        } catch {
            tell(.failed(error))
        }
    }

    @discardableResult
    private func tell(_ event: WorkerEvent) -> Bool { post(event) }

    private func loop(
        _ forwarder: consuming Forwarder, _ device: consuming FrameIO
    ) throws(SystemError) {
        var io = device
        var slab = FrameSlab(count: Self.spareSlot + 1)
        var path = DataPath(
            forwarder: forwarder, outbox: Outbox(),
            bfd: BFDEngine(
                interfaces: Side.allCases.count, random: Random(key: SystemRandom.key())),
            now: Clock.now())
        var mail = jobs.makeBatch()
        var running: [(job: WorkerJob, cursor: UInt32)] = []
        var isReady = false
        path.peers = peers
        var watchdog = watchdog
        path.ringFailure = io.ringFailure
        path.joins = joins
        path.busyPoll = busyPoll
        path.forwarder.start(at: path.now, into: &path.outbox)

        while !stop.isSet {
            drain(&path, &io, &slab)
            if !isReady, path.forwarder.isReady {
                isReady = true
                tell(.ready)
            }
            tellNews(&path)
            var deadline = path.forwarder.nextDeadline(at: path.now)
            if let due = path.bfd.nextDeadline { deadline = min(deadline ?? due, due) }
            if let due = watchdog?.isAlive(at: path.now) { deadline = min(deadline ?? due, due) }
            if !running.isEmpty || !path.peers.fallAsleep() { deadline = path.now }
            let ready = try io.wait(until: deadline, now: path.now, busy: path.busyPoll)
            path.peers.getUp()
            path.now = Clock.now()
            for side in Side.allCases where ready.contains(.failed(side)) {
                tell(.deviceGone(side))
                return
            }
            if !ready.isDisjoint(with: [.lan, .wan]) || path.peers.hasArrivals {
                try receive(ready, &path, &io, &slab)
            }
            if let deadline, deadline <= path.now {
                path.forwarder.tick(at: path.now, into: &path.outbox)
            }
            path.tickBFD()
            if ready.contains(.mailbox) || !running.isEmpty {
                Self.work(&running, &mail, jobs, &path)
            }
        }
        drain(&path, &io, &slab)
    }

    /// Tells the control thread what became of sessions.
    private func tellNews(_ path: inout DataPath) {
        if path.forwarder.nat.hasEvents {
            let (events, lost) = path.forwarder.takeSessionEvents()
            if !tell(.sessions(events, lost: lost)) {
                path.forwarder.loseSessionEvents(events.count + lost)
            }
        }
        if !path.bfdEffects.events.isEmpty {
            if tell(.bfd(path.bfdEffects.events)) {
                path.bfdEffects.events.removeAll()
            } else {
                path.bfdEffects.joinEvents()
            }
        }
    }

    /// Reads one side, the other and what other workers handed over, each until there is no more or
    /// a batch is full, and writes after each: what comes back does not wait for what goes on.
    private func receive(
        _ ready: Ready, _ path: inout DataPath, _ io: inout FrameIO, _ slab: inout FrameSlab
    ) throws(SystemError) {
        for side in Side.allCases where ready.contains(.frames(side)) {
            var slot = 0
            for _ in 0..<Self.batch {
                let result = unsafe slab.withSlot(slot) { unsafe io.read(side, into: $0) }
                guard case .frame(let count) = result else {
                    if case .truncated = result { count(.frameOversized, side, &path) }
                    if case .gone = result { tell(.deviceGone(side)) }
                    break
                }
                if take(side, slot, count, &path, &slab) { slot += 1 }
                if path.forwarder.hasReady { resume(&path, &slab) }
            }
            drain(&path, &io, &slab)
        }
        var slot = 0
        for _ in 0..<Self.batch {
            var place = slab.slot(slot, length: FrameSlab.stride)
            guard let arrival = path.peers.pop(into: &place) else { break }
            if takeOver(arrival, slot, &path, &slab) { slot += 1 }
        }
        drain(&path, &io, &slab)
    }

    private func count(_ reason: DropReason, _ side: Side, _ path: inout DataPath) {
        path.forwarder.count(reason, on: side, at: path.now)
    }

    /// Takes one frame through the gateway; true if it leaves in its slot.
    private func take(
        _ side: Side, _ slot: Int, _ count: Int, _ path: inout DataPath, _ slab: inout FrameSlab
    ) -> Bool {
        guard count >= VirtioNetHeader.length else {
            path.forwarder.count(.frameShort, on: side, at: path.now)
            return false
        }
        var bytes = slab.slot(slot, length: count)
        guard var header = try? VirtioNetHeader(bytes.bytes) else { return false }
        var frame = bytes.from(VirtioNetHeader.length)
        let verdict = path.forwarder.receive(
            &frame, &header, on: side, at: path.now, into: &path.outbox)
        guard case .forward(let out, let length) = verdict else {
            passOn(verdict, frame.bytes, header, side, &path)
            return false
        }
        header.write(to: &bytes)
        return leave(slot, length, out, from: side, &path)
    }

    /// Takes one frame that another worker handed over; true if it leaves in its slot.
    private func takeOver(
        _ arrival: RingReceiver.Arrival, _ slot: Int, _ path: inout DataPath,
        _ slab: inout FrameSlab
    ) -> Bool {
        var bytes = slab.slot(slot, length: arrival.length)
        guard var header = try? VirtioNetHeader(bytes.bytes),
            let kind = HandOver(rawValue: arrival.kind)
        else { return false }
        var frame = bytes.from(VirtioNetHeader.length)
        let verdict = path.forwarder.take(
            &frame, &header, on: arrival.side, as: kind, at: path.now, into: &path.outbox)
        guard case .forward(let out, let length) = verdict else {
            passOn(verdict, frame.bytes, header, arrival.side, &path)
            return false
        }
        header.write(to: &bytes)
        return leave(slot, length, out, from: arrival.side, &path)
    }

    private func leave(
        _ slot: Int, _ length: Int, _ out: Side, from side: Side, _ path: inout DataPath
    ) -> Bool {
        if path.outbox.append(slot: slot, length: VirtioNetHeader.length + length, side: out) {
            return true
        }
        path.forwarder.count(.outputFull, on: side, at: path.now)
        return false
    }

    /// Gives a frame that does not leave to whom it is for.
    private func passOn(
        _ verdict: Verdict, _ frame: RawSpan, _ header: VirtioNetHeader, _ side: Side,
        _ path: inout DataPath
    ) {
        switch verdict {
        case .routing(let packet): hand(packet, frame, &path)
        case .hand(let worker, let kind, let length):
            if !path.peers.push(frame.part(0, length), header, on: side, as: kind, to: worker) {
                count(.workerBusy, side, &path)
            }
        case .spread:
            for worker in path.peers.others
            where !path.peers.push(frame, header, on: side, as: .overheard, to: worker) {
                count(.workerBusy, side, &path)
            }
        case .forward, .drop, .consumed: break
        }
    }

    /// Hands a packet of a routing protocol to the control thread, which takes its time; BFD has
    /// none.
    private func hand(
        _ packet: RoutingPacket, _ frame: RawSpan, _ path: inout DataPath
    ) {
        if case .udp(_, RoutingPacket.portOfBFD) = packet.transport {
            return path.hearBFD(packet, frame)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(packet.payload.count)
        for index in packet.payload { bytes.append(frame.byte(index)) }
        let mail = RoutingMail(
            side: packet.side, transport: packet.transport, source: packet.source,
            destination: packet.destination, bytes: bytes)
        // A flood of LSAs leaves an eighth to what keeps neighbours up (RFC 4222 §2).
        let isUpdate = mail.transport == .ospf && OSPFEngine.isUpdate(bytes)
        let room = isUpdate ? routing.capacity / 8 : 0
        if !routing.post(mail, places: 1 + bytes.count / 2048, leaving: room) {
            count(.localQueueFull, packet.side, &path)
        }
    }

    /// Takes up packets that waited, in the slab's last slot.
    func resume(_ path: inout DataPath, _ slab: inout FrameSlab) {
        while true {
            var slot = slab.slot(Self.spareSlot, length: FrameSlab.stride)
            var frame = slot.from(VirtioNetHeader.length)
            switch path.forwarder.resume(&frame, at: path.now, into: &path.outbox) {
            case .nothing: return
            case .done: break
            case .routing(let packet): hand(packet, frame.bytes, &path)
            case .hand(let side, let worker, let kind, let header, let length):
                passOn(
                    .hand(worker, kind, length: length), frame.bytes, header, side, &path)
            }
        }
    }

    /// Frames the device did not take are drops with a name.
    static func note(_ failures: WriteFailures, _ side: Side, _ path: inout DataPath) {
        let old = path.failures[side.index]
        guard failures != old else { return }
        path.failures[side.index] = failures
        let now = path.now
        path.forwarder.count(.deviceDown, on: side, at: now, times: failures.down &- old.down)
        path.forwarder.count(.deviceBusy, on: side, at: now, times: failures.busy &- old.busy)
        path.forwarder.count(
            .deviceRefused, on: side, at: now,
            times: failures.refused &+ failures.gone &- old.refused &- old.gone)
    }

    /// Takes in new jobs and does one slice of each.
    private static func work(
        _ running: inout [(job: WorkerJob, cursor: UInt32)], _ mail: inout [WorkerJob],
        _ jobs: Mailbox<WorkerJob>, _ path: inout DataPath
    ) {
        jobs.drain(into: &mail)
        for job in mail { running.append((job, 0)) }
        mail.removeAll(keepingCapacity: true)
        var left = 0
        for index in running.indices {
            if let next = running[index].job.slice(&path, running[index].cursor) {
                running[left] = (running[index].job, next)
                left += 1
            }
        }
        running.removeLast(running.count - left)
    }
}

/// Tells a thread to end.
final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}
