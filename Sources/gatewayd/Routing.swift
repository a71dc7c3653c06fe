import BFD
import Configuration
import Forwarding
import Glibc
import Linux
import Logging
import Router
import Routing
import Timing
import Wire

/// A packet of a routing protocol on its way from the worker to the control thread.
struct RoutingMail: Sendable {
    var side: Side
    var transport: RoutingTransport
    var source: IPv4Address
    var destination: IPv4Address
    var bytes: [UInt8]
}

/// What a routing protocol asks for after something happened.
struct RoutingOutcome {
    /// The last word on each prefix it has said something of; nil: it has no route any more.
    var last: [IPv4Prefix: Route?] = [:]
    var packets: [RoutingDatagram] = []
    var lines: [LogLine] = []
    /// Whether neighbours came or went.
    var hasNewNeighbors = false

    struct LogLine {
        var level = Logger.Level.info
        var text: String
        var event: String
        var side: Side?
    }
}

/// A routing protocol as the daemon runs it: an engine, and what it was given to announce. Confined
/// to the control thread.
protocol RoutingSpeaker: AnyObject {
    /// Whose routes it has.
    var source: RouteSource { get }
    var nextDeadline: Instant? { get }
    func setLink(_ side: Side, isUp: Bool, at now: Instant)
    /// Takes in what has changed in the routes in use.
    func hear(_ changes: [RIBChange], at now: Instant)
    func receive(_ mail: RoutingMail, at now: Instant)
    /// Neighbours that BFD is to watch.
    var watched: [BFDPeer: BFDTiming] { get }
    /// A neighbour is out of reach.
    func lose(_ peer: BFDPeer, at now: Instant)
    func tick(at now: Instant)
    /// Takes back what was said, before the end.
    func stop(at now: Instant)
    /// What has come of all that since it was last asked.
    func takeOutcome() -> RoutingOutcome
}

extension Daemon {
    var speakers: [any RoutingSpeaker] {
        var list: [any RoutingSpeaker] = []
        if let rip { list.append(rip) }
        if let ospf { list.append(ospf) }
        return list
    }

    /// Begins to speak routing protocols, goes on with other settings, or ends.
    func configureRouting() {
        guard isReady else { return }
        let now = Clock.now()
        if rip == nil, let wanted = configuration.rip {
            let speaker = RIPSpeaker(wanted, at: now)
            rip = speaker
            setLinks(of: speaker, at: now)
        } else if let speaker = rip, configuration.rip == nil {
            end(speaker, at: now)
            rip = nil
        }
        if ospf == nil, let wanted = configuration.ospf {
            let speaker = OSPFSpeaker(wanted, at: now)
            ospf = speaker
            if let memory { speaker.resume(memory, at: now) }
            memory = nil
            setLinks(of: speaker, at: now)
        } else if let speaker = ospf, configuration.ospf == nil {
            end(speaker, at: now)
            ospf = nil
        }
        let routes = speakers.isEmpty ? [] : control.rib.routesInUse
        if let wanted = configuration.rip { rip?.apply(wanted, routes, at: now) }
        if let wanted = configuration.ospf { ospf?.apply(wanted, routes, at: now) }
        carryOutRouting()
        watchNeighbors()
    }

    private func setLinks(of speaker: any RoutingSpeaker, at now: Instant) {
        for side in Side.allCases where control.rib.isUp(side) {
            speaker.setLink(side, isUp: true, at: now)
        }
    }

    /// Tells the neighbours that a protocol is not spoken any more, and forgets its routes.
    private func end(_ speaker: any RoutingSpeaker, at now: Instant) {
        speaker.stop(at: now)
        send(speaker.takeOutcome().packets)
        let known = control.rib.list(source: speaker.source).map(\.route.prefix)
        control.learn([], withdrawn: known, from: speaker.source)
        let latest = control.takeLatest()
        for other in speakers where other !== speaker { other.hear(latest, at: now) }
    }

    /// Tells the neighbours that the gateway stops, and waits for at most 0.1 s until it is said.
    func endRouting() {
        guard !speakers.isEmpty else { return }
        for speaker in speakers {
            if hasSuccessor, let ospf, speaker === ospf,
                let descriptor = ospf.memory.flatMap({ Keeping.write($0) })
            {
                service.store(descriptor: descriptor, name: Keeping.memory)
                _ = close(descriptor)
                continue
            }
            speaker.stop(at: Clock.now())
            send(speaker.takeOutcome().packets)
        }
        (rip, ospf) = (nil, nil)
        let said = StopFlag()
        post(first: { _ in said.set() })
        for _ in 0..<100 where !said.isSet {
            deliver()
            _ = usleep(1000)
        }
    }

    /// Keeps for our successor whom we know on the links.
    private func keepNeighbors() {
        let kept = Sum((list: [KeptNeighbor](), workers: 0))
        post(nil) { path in
            let known = path.forwarder.neighborList().filter { $0.state != .permanent }.map {
                KeptNeighbor(
                    side: $0.side, address: IPv4Address($0.address),
                    hardware: MACAddress($0.hardware))
            }
            kept.change { $0 = (Array(Set($0.list + known)), $0.workers + 1) }
        }
        for _ in 0..<100 where kept.value.workers < boxes.all.count {
            deliver()
            _ = usleep(1000)
        }
        guard let descriptor = Keeping.write(KeptNeighbor.bytes(of: kept.value.list)) else {
            return
        }
        service.store(descriptor: descriptor, name: Keeping.neighbors)
        _ = close(descriptor)
    }

    /// Has OSPF's neighbours keep us over a restart, and waits for at most 1.5 s until they know.
    func prepareRestart() {
        keepNeighbors()
        guard let ospf else { return }
        ospf.prepareRestart(at: Clock.now())
        for _ in 0..<300 where !ospf.isGraceKnown {
            routingTurn()
            deliver()
            _ = usleep(5000)
        }
    }

    /// A side came up or went down; the routes know already.
    func routingLink(_ side: Side, isUp: Bool) {
        let now = Clock.now()
        let latest = control.takeLatest()
        for speaker in speakers {
            speaker.hear(latest, at: now)
            speaker.setLink(side, isUp: isUp, at: now)
            speaker.tick(at: now)
        }
        carryOutRouting()
    }

    /// Works off what came and what is due.
    func routingTurn() {
        let now = Clock.now()
        let isAllHere = routingMail.drain(into: &routingBatch)
        guard !speakers.isEmpty else { return }
        for (number, mail) in routingBatch.enumerated() {
            // A flood of routes is taken over in parts, so that it needs little memory on its way
            // and neighbours hear of us meanwhile.
            if number % 256 == 255 {
                ospf?.keepInTouch(at: Clock.now())
                takeOverRouting()
            }
            switch mail.transport {
            case .udp: rip?.receive(mail, at: now)
            case .ospf: ospf?.receive(mail, at: now)
            }
        }
        routingBatch.removeAll(keepingCapacity: true)
        // Nobody is silent whose words up to now have not all been heard.
        for speaker in speakers where isAllHere {
            if let due = speaker.nextDeadline, due <= now { speaker.tick(at: now) }
        }
        carryOutRouting()
    }

    /// Milliseconds until something is due, at most `most`.
    func routingWait(most: Int32, until end: Instant?) -> Int32 {
        let deadlines = speakers.compactMap(\.nextDeadline) + (end.map { [$0] } ?? [])
        guard let due = deadlines.min() else { return most }
        let left = (due - Clock.now()).nanoseconds
        return Int32(clamping: min(max(left + 999_999, 0) / 1_000_000, Int64(most)))
    }

    func carryOutRouting() {
        takeOverRouting()
        if let table = control.table() { post(table) }
    }

    /// Takes the routes over, tells every protocol of them, sends, logs. What one is told may have
    /// it say something in turn, but not for ever: what is left waits for the next turn.
    private func takeOverRouting() {
        let speakers = speakers
        var packets: [RoutingDatagram] = []
        var hasNewNeighbors = false
        for _ in 0..<4 {
            var isNews = false
            for speaker in speakers {
                let outcome = speaker.takeOutcome()
                packets += outcome.packets
                hasNewNeighbors = hasNewNeighbors || outcome.hasNewNeighbors
                outcome.lines.forEach(write)
                guard !outcome.last.isEmpty else { continue }
                control.learn(
                    outcome.last.values.compactMap { $0 },
                    withdrawn: outcome.last.filter { $0.value == nil }.map(\.key),
                    from: speaker.source)
                let now = Clock.now()
                let latest = control.takeLatest()
                for other in speakers { other.hear(latest, at: now) }
                isNews = true
            }
            if !isNews { break }
        }
        send(packets)
        if hasNewNeighbors { watchNeighbors() }
    }

    private func send(_ packets: [RoutingDatagram]) {
        guard !packets.isEmpty else { return }
        post(first: { path in
            for packet in packets {
                path.forwarder.send(packet, at: path.now, into: &path.outbox)
            }
        })
    }

    private func write(_ line: RoutingOutcome.LogLine) {
        var metadata: Logger.Metadata = ["event": "\(line.event)"]
        if let side = line.side { metadata["side"] = "\(side)" }
        log.log(level: line.level, "\(line.text)", metadata: metadata)
    }
}
