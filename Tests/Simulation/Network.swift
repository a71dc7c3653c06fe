public import Forwarding
public import Router
public import Support
public import Timing
public import Wire

/// Something that happened at the gateway, with the frames that left because of it.
public struct Observation: Sendable {
    /// What came in; nil when a timer ran.
    public var arrived: (frame: [UInt8], side: Side, verdict: Verdict)?
    /// What left, ARP included, in order.
    public var sent: [SentFrame]
    /// When.
    public var time: Instant
}

/// A gateway between two wires with hosts on them, in virtual time.
///
///     var network = Network(seed: 7)
///     network.add(Station("192.168.50.10", on: .lan))
///     network.send(packet, on: .lan)
///     while let seen = network.step(until: end) { … }
///
/// LAN 192.168.50.0/24 with the gateway at .1; WAN 203.0.113.0/24 with the gateway at .2 and its
/// default route by .1, which speaks for every host beyond it. All of a run follows from its seed.
public struct Network: ~Copyable {
    /// The gateway.
    public var router: Router
    /// The moment.
    public private(set) var now = Instant(nanoseconds: 1_000_000_000_000)
    /// The wires, by `Side.index`.
    public var links: [Link]
    /// What passed the gateway.
    public private(set) var capture = Capture()
    /// Frames handed to the gateway.
    public private(set) var arrivals = 0
    /// ARP frames the gateway took.
    public private(set) var takenARP = 0
    /// Whether hosts answer questions.
    public var answers = true

    /// The further workers of the gateway.
    public let crew: Crew
    /// Most time a frame is on its way from one worker to another.
    public var delay = Interval.milliseconds(20)

    private enum Happening {
        case handOver(pair: Int)
        case toGateway([UInt8], Side)
        case toStations([UInt8], Side)
    }

    private var events = EventQueue<Happening>()
    private var stations: [Station] = [Station("203.0.113.1", on: .wan)]
    private var random: Random
    private var outbox = Outbox(capacity: 8 << 20, entries: 16_384)
    private var identification: UInt16 = 0

    /// A network with a gateway of changed settings; its wires have no faults yet.
    public init(
        seed: UInt64, workers: Int = 1, _ change: (inout ForwardingSettings) -> Void = { _ in }
    ) {
        var settings = Bench.settings
        change(&settings)
        crew = Crew(seed: seed, settings, routes: Bench.routes, workers: workers)
        router = Router(
            settings, routes: Bench.routes, share: crew.share(0),
            random: Random(seed: seed &+ 1_000_003))
        random = Random(seed: seed)
        links = [Link(), Link()]
        router.start(at: now, into: &outbox)
        crew.forEach { $0.start(at: now, into: &outbox) }
        _ = collect(nil)
    }

    /// Connects a host.
    public mutating func add(_ station: Station) { stations.append(station) }

    /// A number for the identification field that no packet has yet; never 0.
    public mutating func nextIdentification() -> UInt16 {
        identification = identification == .max ? 1 : identification + 1
        return identification
    }

    /// A host sends an IPv4 packet towards the gateway.
    public mutating func send(_ packet: [UInt8], on side: Side) {
        send(frame: Bench.frame(packet, on: side), on: side)
    }

    /// A host sends a frame towards the gateway.
    public mutating func send(frame: [UInt8], on side: Side) {
        for arrival in links[side.index].carry(frame, &random) {
            events.add(.toGateway(arrival.frame, side), at: now + arrival.delay)
        }
    }

    /// Takes on changed settings.
    public mutating func apply(_ change: (inout ForwardingSettings) -> Void) -> [SentFrame] {
        var settings = router.forwarder.settings
        change(&settings)
        router.apply(settings, routes: Bench.routes, at: now, into: &outbox)
        crew.forEach { $0.apply(settings, routes: Bench.routes, at: now, into: &outbox) }
        return leave(collect(nil))
    }

    /// What the gateway's tables hold.
    public var tables: Tables {
        var tables = Tables(router.forwarder.nat)
        crew.forEach { tables.add($0.forwarder.nat) }
        return tables
    }

    /// Drops of all workers.
    public var drops: Int {
        var sum = 0
        func add(_ forwarder: borrowing Forwarder) {
            for side in Side.allCases {
                for reason in DropReason.allCases {
                    sum += Int(forwarder.counters[side.index][reason])
                }
            }
        }
        add(router.forwarder)
        crew.forEach { add($0.forwarder) }
        return sum
    }

    /// Goes on to the next thing that happens at the gateway; nil when nothing does before `end`,
    /// which then is the moment.
    public mutating func step(until end: Instant) -> Observation? {
        while true {
            let crew = crew
            for worker in 0..<crew.count
            where crew.with(worker, &router, { $0.forwarder.hasReady }) { return resume(worker) }
            for pair in crew.takeAnnounced() {
                let wait = Int64(random.below(Int(delay.nanoseconds) + 1))
                events.add(.handOver(pair: pair), at: now + Interval(nanoseconds: wait))
            }
            var deadline = router.nextDeadline(at: now) ?? end
            crew.forEach { deadline = min(deadline, $0.nextDeadline(at: now) ?? end) }
            let time = max(min(events.next ?? end, deadline, end), now)
            now = time
            if let next = events.next, next <= time, let happening = events.pop()?.event {
                switch happening {
                case .handOver(let pair): return takeOver(pair)
                case .toGateway(let frame, let side): return receive(frame, on: side)
                case .toStations(let frame, let side): deliver(frame, on: side)
                }
            } else if deadline <= time, deadline < end {
                router.tick(at: now, into: &outbox)
                crew.forEach { $0.tick(at: now, into: &outbox) }
                return Observation(arrived: nil, sent: leave(collect(nil)), time: now)
            } else {
                return nil
            }
        }
    }

    private mutating func receive(_ frame: [UInt8], on side: Side) -> Observation {
        arrivals += 1
        capture.add(frame, at: now)
        let crew = crew
        let reader = crew.reader()
        return work(reader, frame, VirtioNetHeader(), on: side) {
            router, span, header, outbox, now in
            router.receive(&span, &header, on: side, at: now, into: &outbox)
        }
    }

    private mutating func takeOver(_ pair: Int) -> Observation {
        let (passing, worker) = crew.next(of: pair)
        return work(worker, passing.frame, passing.header, on: passing.side) {
            router, span, header, outbox, now in
            router.forwarder.take(
                &span, &header, on: passing.side, as: passing.kind, at: now, into: &outbox)
        }
    }

    /// One worker does something with a frame.
    private mutating func work(
        _ worker: Int, _ frame: [UInt8], _ header: VirtioNetHeader, on side: Side,
        _ body: (
            inout Router, inout MutableRawSpan, inout VirtioNetHeader, inout Outbox, Instant
        ) -> Verdict
    ) -> Observation {
        var bytes = frame
        var header = header
        let crew = crew
        let now = now
        let verdict = withSpan(&bytes) { span in
            crew.with(worker, &router) { body(&$0, &span, &header, &outbox, now) }
        }
        var last: SentFrame?
        switch verdict {
        case .forward(let side, let length):
            last = SentFrame(side: side, header: header, bytes: Array(bytes.prefix(length)))
        case .hand(let target, let kind, let length):
            crew.pass(
                Crew.Passing(Array(bytes.prefix(length)), header, side, kind), worker, target)
        case .spread(let isTaken):
            crew.spread(frame, header, side)
            takenARP += isTaken ? 1 : 0
        case .consumed where frame[12...13] == [8, 6] && worker == 0: takenARP += 1
        default: break
        }
        return Observation(
            arrived: (frame, side, verdict), sent: leave(collect(last)), time: now)
    }

    /// One packet that waited goes on.
    private mutating func resume(_ worker: Int) -> Observation {
        var scratch = [UInt8](repeating: 0, count: FrameSlab.stride)
        let crew = crew
        let now = now
        let went = withSpan(&scratch) { span in
            crew.with(worker, &router) { $0.forwarder.resume(&span, at: now, into: &outbox) }
        }
        if case .hand(let side, let target, let kind, let header, let length) = went {
            crew.pass(
                Crew.Passing(Array(scratch.prefix(length)), header, side, kind), worker, target)
        }
        return Observation(arrived: nil, sent: leave(collect(nil)), time: now)
    }

    /// What lies in the outbox, then the frame changed in place.
    private mutating func collect(_ last: SentFrame?) -> [SentFrame] {
        var sent: [SentFrame] = []
        for index in 0..<outbox.count {
            let entry = outbox[index]
            guard case .own(let offset) = entry.place else { continue }
            let bytes = unsafe outbox.withOwn(offset, length: entry.length) { unsafe Array($0) }
            let header = (try? VirtioNetHeader(bytes.raw)) ?? VirtioNetHeader()
            sent.append(
                SentFrame(
                    side: entry.side, header: header,
                    bytes: Array(bytes.dropFirst(VirtioNetHeader.length))))
        }
        outbox.removeAll()
        return last.map { sent + [$0] } ?? sent
    }

    /// Sends what left the gateway down its wires.
    private mutating func leave(_ sent: [SentFrame]) -> [SentFrame] {
        for frame in sent {
            capture.add(frame.bytes, at: now)
            for arrival in links[frame.side.index].carry(frame.bytes, &random) {
                events.add(.toStations(arrival.frame, frame.side), at: now + arrival.delay)
            }
        }
        return sent
    }

    /// A frame reaches the hosts of a side.
    private mutating func deliver(_ frame: [UInt8], on side: Side) {
        let seen = Dissection(frame: frame)
        if seen["arp.opcode"] == "1" {
            guard let asked = seen["arp.dst.proto_ipv4"], let asker = seen["arp.src.proto_ipv4"],
                let station = stations.first(where: {
                    $0.side == side && $0.address.description == asked
                })
            else { return }
            let gateway = Bench.hardware(side)
            let reply = arp(
                2, sender: station.hardware, station.address, target: gateway, ip(asker))
            send(
                frame: ethernet(to: gateway, from: station.hardware, type: 0x0806, reply),
                on: side)
            return
        }
        guard answers, let target = seen["ip.dst"],
            let station = stations.first(where: {
                $0.side == side && $0.address.description == target
            })
        else { return }
        for packet in station.answers(to: seen, identification: nextIdentification()) {
            send(packet, on: side)
        }
    }
}
