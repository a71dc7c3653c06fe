public import Forwarding
public import NAT
public import Router
public import Routing
public import Timing
public import Wire

/// A frame that left the gateway.
public struct SentFrame: Hashable, Sendable {
    /// The side it left by.
    public var side: Side
    /// Its offload metadata.
    public var header: VirtioNetHeader
    /// Its bytes, from the Ethernet header on.
    public var bytes: [UInt8]

    /// A frame that left by `side`.
    public init(side: Side, header: VirtioNetHeader, bytes: [UInt8]) {
        self.side = side
        self.header = header
        self.bytes = bytes
    }

    /// Whether it carries IPv4.
    public var isInternet: Bool { bytes.count > 14 && bytes[12] == 8 && bytes[13] == 0 }

    /// What it says, read independently.
    public var seen: Dissection {
        Dissection(
            frame: bytes, partialChecksum: header.flags & VirtioNetHeader.needsChecksum != 0)
    }
}

/// A gateway on a table: frames go in by hand, what comes out is kept. Time moves only when told.
///
/// LAN 192.168.50.0/24 with the gateway at .1; WAN 203.0.113.0/24 with the gateway at .2 and its
/// default route by .1. Neighbours answer ARP by themselves unless told not to.
public struct Bench: ~Copyable {
    /// The gateway under test.
    public var router: Router
    /// The moment.
    public var now = Instant(nanoseconds: 1_000_000_000_000)
    /// Frames that left since the last `take`.
    public private(set) var sent: [SentFrame] = []
    /// What became of the last frame.
    public private(set) var verdict = Verdict.consumed
    /// The payload of the last packet for a routing protocol that came in pieces.
    public private(set) var routing: [UInt8] = []
    /// Whether the made-up neighbours answer ARP.
    public var answersARP = true
    /// Frames of `sent` that the neighbours have seen.
    private var looked = 0
    private var outbox = Outbox(capacity: 8 << 20, entries: 16_384)
    /// What the gateway consists of besides `router`, if it has several workers.
    public let crew: Crew

    /// The gateway's hardware address on a side.
    public static func hardware(_ side: Side) -> MACAddress {
        mac(side == .lan ? "02:00:00:00:00:01" : "02:00:00:00:00:02")
    }

    /// The hardware address a made-up neighbour answers with.
    public static func hardware(of address: IPv4Address) -> MACAddress {
        MACAddress(0x0200_0000_0000 | UInt64(address.rawValue) | 0x80_0000_0000)
    }

    /// The settings the bench begins with.
    public static var settings: ForwardingSettings {
        ForwardingSettings(
            lan: InterfaceSettings(
                hardware: hardware(.lan), addresses: [address("192.168.50.1/24")]),
            wan: InterfaceSettings(
                hardware: hardware(.wan), addresses: [address("203.0.113.2/24")]))
    }

    /// The default route by 203.0.113.1.
    public static var routes: [Route] {
        [
            Route(
                prefix("0.0.0.0/0"), source: .static,
                action: .forward([NextHop(side: .wan, gateway: ip("203.0.113.1"))]))
        ]
    }

    /// A bench with changed settings and, if wanted, several workers.
    public init(
        seed: UInt64 = 1, routes: [Route] = Bench.routes, workers: Int = 1,
        _ change: (inout ForwardingSettings) -> Void = { _ in }
    ) {
        var settings = Bench.settings
        change(&settings)
        crew = Crew(seed: seed, settings, routes: routes, workers: workers)
        router = Router(
            settings, routes: routes, share: crew.share(0), random: Random(seed: seed))
        router.start(at: now, into: &outbox)
        crew.forEach { $0.start(at: now, into: &outbox) }
        collect(nil)
        sent = []
    }

    /// An IPv4 packet from a station on `side` to the gateway, as an Ethernet frame.
    public static func frame(
        _ packet: [UInt8], on side: Side, from: MACAddress? = nil, to: MACAddress? = nil
    ) -> [UInt8] {
        let source = packet[12..<16].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return ethernet(
            to: to ?? hardware(side), from: from ?? hardware(of: IPv4Address(source)), packet)
    }

    /// Hands an IPv4 packet to the gateway; the IPv4 frames that leave because of it.
    @discardableResult
    public mutating func send(
        _ packet: [UInt8], on side: Side, header: VirtioNetHeader = VirtioNetHeader()
    ) -> [SentFrame] {
        send(frame: Bench.frame(packet, on: side), on: side, header: header)
    }

    /// Hands a frame to the gateway; the IPv4 frames that leave because of it. ARP is answered.
    @discardableResult
    public mutating func send(
        frame: [UInt8], on side: Side, header: VirtioNetHeader = VirtioNetHeader()
    ) -> [SentFrame] {
        let before = sent.count
        receive(frame, header, on: side)
        settle()
        return sent[before...].filter(\.isInternet)
    }

    /// Has the gateway send a datagram of a routing protocol; the IPv4 frames that leave.
    public mutating func send(_ datagram: RoutingDatagram) -> [SentFrame] {
        let before = sent.count
        router.forwarder.send(datagram, at: now, into: &outbox)
        collect(nil)
        settle()
        return sent[before...].filter(\.isInternet)
    }

    private mutating func receive(_ frame: [UInt8], _ header: VirtioNetHeader, on side: Side) {
        let crew = crew
        let reader = crew.reader()
        work(reader, frame, header, on: side) { router, span, header, outbox, now in
            router.receive(&span, &header, on: side, at: now, into: &outbox)
        }
    }

    /// One worker does something with a frame.
    private mutating func work(
        _ worker: Int, _ frame: [UInt8], _ header: VirtioNetHeader, on side: Side,
        _ body: (
            inout Router, inout MutableRawSpan, inout VirtioNetHeader, inout Outbox, Instant
        ) -> Verdict
    ) {
        var bytes = frame
        var header = header
        let crew = crew
        let now = now
        let verdict = withSpan(&bytes) { span in
            crew.with(worker, &router) { body(&$0, &span, &header, &outbox, now) }
        }
        switch verdict {
        case .forward(let side, let length):
            self.verdict = verdict
            collect(SentFrame(side: side, header: header, bytes: Array(bytes.prefix(length))))
        case .hand(let target, let kind, let length):
            crew.pass(
                Crew.Passing(Array(bytes.prefix(length)), header, side, kind), worker, target)
            collect(nil)
        case .spread:
            crew.spread(frame, header, side)
            self.verdict = verdict
            collect(nil)
        default:
            self.verdict = verdict
            collect(nil)
        }
    }

    /// Takes what one worker handed to another, in some order.
    private mutating func takeOver() {
        while let (passing, worker) = crew.next() {
            work(worker, passing.frame, passing.header, on: passing.side) {
                router, span, header, outbox, now in
                router.forwarder.take(
                    &span, &header, on: passing.side, as: passing.kind, at: now, into: &outbox)
            }
        }
    }

    /// Moves what lies in the outbox, then the frame changed in place, to `sent`.
    private mutating func collect(_ last: SentFrame?) {
        for index in 0..<outbox.count {
            let entry = outbox[index]
            guard case .own(let offset) = entry.place else { continue }
            let bytes = unsafe outbox.withOwn(offset, length: entry.length) { unsafe Array($0) }
            let header =
                unsafe (try? VirtioNetHeader(bytes.span.bytes)) ?? VirtioNetHeader()
            sent.append(
                SentFrame(
                    side: entry.side, header: header,
                    bytes: Array(bytes.dropFirst(VirtioNetHeader.length))))
        }
        outbox.removeAll()
        if let last { sent.append(last) }
    }

    /// Answers ARP requests and takes held packets up until nothing moves any more.
    private mutating func settle() {
        for _ in 0..<10_000 {
            takeOver()
            for worker in 0..<crew.count { resume(worker) }
            guard crew.isIdle else { continue }
            guard looked < sent.count else { return }
            looked += 1
            answer(sent[looked - 1])
        }
    }

    /// Lets a worker take up what waited and can go on.
    private mutating func resume(_ worker: Int) {
        let crew = crew
        guard crew.with(worker, &router, { $0.forwarder.hasReady }) else { return }
        let now = now
        var scratch = [UInt8](repeating: 0, count: FrameSlab.stride)
        while true {
            let went = withSpan(&scratch) { span in
                crew.with(worker, &router) {
                    $0.forwarder.resume(&span, at: now, into: &outbox)
                }
            }
            switch went {
            case .nothing: return
            case .done: break
            case .routing(let packet):
                verdict = .routing(packet)
                routing = Array(scratch[packet.payload])
            case .hand(let side, let target, let kind, let header, let length):
                crew.pass(
                    Crew.Passing(Array(scratch.prefix(length)), header, side, kind), worker,
                    target)
            }
            collect(nil)
        }
    }

    private mutating func answer(_ frame: SentFrame) {
        guard answersARP, frame.seen["arp.opcode"] == "1",
            let asked = frame.seen["arp.dst.proto_ipv4"], asked != frame.seen["arp.src.proto_ipv4"]
        else { return }
        let station = Bench.hardware(of: ip(asked))
        let asker = Bench.hardware(frame.side)
        let reply = arp(
            2, sender: station, ip(asked), target: asker,
            ip(frame.seen["arp.src.proto_ipv4"] ?? "0.0.0.0"))
        receive(
            ethernet(to: asker, from: station, type: 0x0806, reply), VirtioNetHeader(),
            on: frame.side)
    }

    /// Lets time pass in steps of 250 ms, working off timers; the frames that left meanwhile.
    @discardableResult
    public mutating func advance(_ interval: Interval) -> [SentFrame] {
        let before = sent.count
        let end = now + interval
        while now < end {
            now = min(now + .milliseconds(250), end)
            router.tick(at: now, into: &outbox)
            crew.forEach { $0.tick(at: now, into: &outbox) }
            collect(nil)
            settle()
        }
        return Array(sent[before...])
    }

    /// The frames that left and were no ARP, since the last call.
    public mutating func take() -> [SentFrame] {
        defer {
            sent = []
            looked = 0
        }
        return sent.filter(\.isInternet)
    }

    /// Drops of one name on a side.
    public func drops(_ reason: DropReason, on side: Side) -> UInt64 {
        var sum = router.forwarder.counters[side.index][reason]
        crew.forEach { sum += $0.forwarder.counters[side.index][reason] }
        return sum
    }

    /// Opens a TCP connection from inside whose ends both begin with 0: SYN and SYN-ACK pass.
    ///
    /// - Returns: The outside port.
    @discardableResult
    public mutating func connect(
        _ host: PacketBuilder, _ port: UInt16, _ serverPort: UInt16
    ) -> UInt16 {
        let out = send(host.tcp(port, serverPort, .syn), on: .lan).last
        let outside = UInt16(out?.seen["tcp.srcport"] ?? "") ?? 0
        let server = PacketBuilder(host.destination, ip("203.0.113.2"))
        send(server.tcp(serverPort, outside, [.syn, .ack]), on: .wan)
        return outside
    }

    /// The phase of a session record.
    public func phase(_ number: UInt32) -> SessionPhase? {
        SessionPhase(rawValue: router.forwarder.nat.session(number).phase)
    }

    /// Sessions there are.
    public var sessionCount: Int {
        var sum = 0
        forEachNAT { sum += $0.sessionCount }
        return sum
    }
    /// Mappings there are.
    public var mappingCount: Int {
        var sum = 0
        forEachNAT { sum += $0.mappingCount }
        return sum
    }

    /// Calls `body` with the translation of each worker.
    public func forEachNAT(_ body: (borrowing NAT) -> Void) {
        body(router.forwarder.nat)
        crew.forEach { body($0.forwarder.nat) }
    }

    /// Takes on changed settings and routes.
    public mutating func apply(
        routes: [Route] = Bench.routes, _ change: (inout ForwardingSettings) -> Void
    ) {
        var settings = router.forwarder.settings
        change(&settings)
        router.apply(settings, routes: routes, at: now, into: &outbox)
        crew.forEach { $0.apply(settings, routes: routes, at: now, into: &outbox) }
        collect(nil)
    }

    /// A side came up or went down.
    public mutating func setLink(_ side: Side, isUp: Bool) {
        router.setLink(side, isUp: isUp, at: now, into: &outbox)
        crew.forEach { $0.setLink(side, isUp: isUp, at: now, into: &outbox) }
        collect(nil)
    }
}

/// An address of an interface written in a test; stops the program if it is none.
public func address(_ text: String) -> InterfaceAddress {
    guard let address = InterfaceAddress(text) else { fatalError("\(text) is no address") }
    return address
}
