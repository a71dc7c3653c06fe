import Memory
import NAT
import Timing
import Wire

/// An ICMP error about a packet (RFC 792, RFC 1812 §5.2.7).
enum ErrorKind {
    case timeExceeded
    /// The rest of a datagram for us did not come.
    case reassemblyTime
    case unreachable(UInt8)
    /// Fragmentation needed, with the MTU of the way out (RFC 1191 §4).
    case tooBig(mtu: Int)

    var type: UInt8 {
        switch self {
        case .timeExceeded, .reassemblyTime: ICMPType.timeExceeded
        default: ICMPType.destinationUnreachable
        }
    }

    var code: UInt8 {
        switch self {
        case .timeExceeded: 0
        case .reassemblyTime: 1
        case .unreachable(let code): code
        case .tooBig: UnreachableCode.fragmentationNeeded
        }
    }

    var word: UInt32 {
        if case .tooBig(let mtu) = self { return UInt32(clamping: min(max(mtu, 68), 65_535)) }
        return 0
    }
}

/// Limits on what we say by ourselves (RFC 1812 §4.3.2.8, SECURITY S06).
struct RateLimits {
    let key: HashKey
    private var errors: Bucket
    private var sources = InlineArray<256, Bucket>(repeating: Bucket(perSecond: 10, burst: 50))
    /// Echo replies.
    var local: Bucket
    /// ARP requests (SECURITY S31).
    var requests: Bucket

    /// One worker's part of the limits.
    init(key: HashKey, workers: Int) {
        self.key = key
        errors = Bucket(perSecond: 1000 / workers, burst: 1000 / workers)
        local = Bucket(perSecond: 20_000 / workers, burst: 5000 / workers)
        let requests = NeighborLimits.requestsPerSecond / workers
        self.requests = Bucket(perSecond: requests, burst: requests)
    }

    /// Whether an error to `source` may be sent now. The buckets of sources are picked by a keyed
    /// hash and the common one is drawn on at random, so that neither tells of other hosts.
    mutating func allowsError(to source: UInt32, at now: Instant, _ random: inout Random) -> Bool {
        let slot = Int(key.hash(UInt64(source), 13) & 255)
        guard sources[slot].take(at: now) else { return false }
        let cost = 1 + (random.below(8) == 0 ? 1 : 0)
        return errors.take(cost, at: now)
    }

    struct Bucket {
        private let rate: Int64
        private let burst: Int64
        /// In billionths of an event.
        private var tokens: Int64
        private var last = Instant.zero

        init(perSecond: Int, burst: Int) {
            rate = Int64(perSecond)
            self.burst = Int64(burst) * 1_000_000_000
            tokens = self.burst
        }

        mutating func take(_ cost: Int = 1, at now: Instant) -> Bool {
            let passed = min(max((now - last).nanoseconds, 0), 60_000_000_000)
            last = now
            tokens = min(tokens + passed * rate, burst)
            guard tokens >= Int64(cost) * 1_000_000_000 else { return false }
            tokens -= Int64(cost) * 1_000_000_000
            return true
        }
    }
}

extension Forwarder {
    /// Most octets of an error packet: header, ICMP header and quote (RFC 1812 §4.3.2.3).
    private static var longestError: Int { 576 }

    /// Sends an error about a packet that lies in `frame` as it was received, unless there must be
    /// none about it (RFC 1812 §4.3.2.7) or there were too many.
    mutating func error(
        _ kind: ErrorKind, about packet: Packet, _ frame: inout MutableRawSpan, _ path: Path,
        _ outbox: inout Outbox
    ) {
        guard !path.isTurned, let number = stationToAnswer(packet, path, &outbox) else { return }
        completeChecksum(&frame, packet)
        composeError(kind, about: packet, &frame, path, to: number, &outbox)
    }

    /// The station by which to tell the sender of a packet about it; nil if it must not be told
    /// (RFC 1812 §4.3.2.7), was told too much, or can not be.
    private mutating func stationToAnswer(
        _ packet: Packet, _ path: Path, _ outbox: inout Outbox
    ) -> UInt32? {
        guard packet.isFirst, !isNoHost(packet.source),
            packet.proto != IPProtocol.icmp || packet.hasPorts,
            own.side(of: packet.source) == nil,
            own.broadcastSide(of: packet.destination) == nil
        else { return nil }
        guard limits.allowsError(to: packet.source, at: path.now, &random) else {
            counters[path.side.index].errorsSuppressed &+= 1
            return nil
        }
        let group = fib.lookup(IPv4Address(packet.source))
        guard fib.action(of: group) == .forward else { return nil }
        let next = fib.nextHop(in: group, flowHash: 0)
        let hop = Hop(
            side: next.side, address: next.neighbor(for: IPv4Address(packet.source)).rawValue)
        guard links[hop.side.index].isUp, settings[hop.side].sendsErrors else { return nil }
        do throws(DropReason) {
            return try findNeighbor(hop, at: path.now, into: &outbox)
        } catch {
            return nil
        }
    }

    private mutating func composeError(
        _ kind: ErrorKind, about packet: Packet, _ frame: inout MutableRawSpan, _ path: Path,
        to number: UInt32, _ outbox: inout Outbox
    ) {
        let side = neighbors.records[number].side
        let quoted = min(packet.totalLength, Self.longestError - 28)
        let quote = frame.bytes.part(Packet.ip, quoted)
        let source = own.source(on: side, to: packet.source)
        let hardware = (neighbors.records[number].hardware, links[side.index].hardware)
        let fits = outbox.compose(side, length: Packet.ip + 28 + quoted) { error in
            error.setBe48(0, hardware.0)
            error.setBe48(6, hardware.1)
            error.setBe16(12, EtherType.ipv4)
            // The class of the packet it is about (RFC 5508 REQ-10); DF, so that the ID is free.
            InternetHeader(
                typeOfService: packet.typeOfService & 0xfc, payload: 8 + quoted,
                proto: IPProtocol.icmp, source: source.rawValue, destination: packet.source
            ).write(to: &error)
            let icmp = Packet.ip + 20
            error.setByte(icmp, kind.type)
            error.setByte(icmp + 1, kind.code)
            error.setBe16(icmp + 2, 0)
            error.setBe32(icmp + 4, kind.word)
            error.copy(quote, to: icmp + 8)
            let sum = Checksum.sum(error.bytes.part(icmp, 8 + quoted))
            error.setBe16(icmp + 2, ~Checksum.fold(sum))
        }
        finishAnswer(fits, path, to: number, &outbox)
    }

    private mutating func finishAnswer(
        _ fits: Bool, _ path: Path, to number: UInt32, _ outbox: inout Outbox
    ) {
        guard fits else {
            drop(.outputFull, on: path.side, at: path.now)
            return
        }
        counters[path.side.index].errorsSent &+= 1
        if !neighbors.records[number].isUsable {
            holdLast(for: number, at: path.now, &outbox)
        }
    }

    /// Resets the connection a segment belongs to that we know nothing of, for its far end; limited
    /// as errors are (RFC 9293 §3.5.2).
    mutating func reset(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ path: Path, _ outbox: inout Outbox
    ) {
        guard !packet.flags.contains(.rst), !packet.isFragment,
            let number = stationToAnswer(packet, path, &outbox)
        else { return }
        let segment = TCPSegment(packet, &frame)
        let side = neighbors.records[number].side
        let hardware = (neighbors.records[number].hardware, links[side.index].hardware)
        let fits = outbox.compose(side, length: Packet.ip + 40) { answer in
            answer.setBe48(0, hardware.0)
            answer.setBe48(6, hardware.1)
            answer.setBe16(12, EtherType.ipv4)
            InternetHeader(
                typeOfService: packet.typeOfService & 0xfc, payload: 20, proto: IPProtocol.tcp,
                source: packet.destination, destination: packet.source
            ).write(to: &answer)
            let tcp = Packet.ip + 20
            let answers = segment.flags.contains(.ack)
            answer.setBe16(tcp, packet.destinationPort)
            answer.setBe16(tcp + 2, packet.sourcePort)
            answer.setBe32(tcp + 4, answers ? segment.acknowledgement : 0)
            answer.setBe32(tcp + 8, answers ? 0 : segment.end)
            answer.setByte(tcp + 12, 5 << 4)
            answer.setByte(tcp + 13, (answers ? TCPFlags.rst : [.rst, .ack]).rawValue)
            answer.setBe32(tcp + 14, 0)
            answer.setBe16(tcp + 18, 0)
            let sum =
                Checksum.sum(answer.bytes.part(tcp, 20))
                &+ Checksum.pseudoHeader(
                    source: packet.destination, destination: packet.source,
                    proto: IPProtocol.tcp, length: 20)
            answer.setBe16(tcp + 16, ~Checksum.fold(sum))
        }
        finishAnswer(fits, path, to: number, &outbox)
    }

    /// Takes the packet just composed back and lets it wait for its neighbour.
    private mutating func holdLast(
        for number: UInt32, at now: Instant, _ outbox: inout Outbox
    ) {
        var held: UInt32?
        let mayWait = mayWait
        let (side, neighbor) = (neighbors.records[number].side, neighbors.records[number].address)
        outbox.takeBack { bytes in
            guard mayWait else { return }
            let frame = bytes.part(
                VirtioNetHeader.length, bytes.byteCount - VirtioNetHeader.length)
            held = store.hold(frame, VirtioNetHeader(), side, ownTo: neighbor)
        }
        guard let held else {
            drop(.arpQueueFull, on: side, at: now)
            return
        }
        enqueue(held, for: number, at: now)
    }

    /// Turns a partial transport checksum into a whole one, for a packet no device will complete.
    func completeChecksum(_ frame: inout MutableRawSpan, _ packet: Packet) {
        guard packet.hasPartialChecksum, packet.segmentation == .none else { return }
        let field = packet.transport + (packet.proto == IPProtocol.tcp ? 16 : 6)
        // The field holds the pseudo-header sum, so the sum over everything is the whole one.
        let sum = Checksum.sum(
            frame.bytes.part(packet.transport, packet.frameLength - packet.transport))
        let checksum = ~Checksum.fold(sum)
        frame.setBe16(field, checksum == 0 && packet.proto == IPProtocol.udp ? 0xffff : checksum)
    }

    // MARK: Errors that cross the translation

    /// An ICMP error about a translated packet: its quote is restored (RFC 5508 REQ-4, REQ-5).
    mutating func translateError(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ direction: Direction, _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        let (session, quote) = try quoted(packet, &frame, direction)
        try checkTTL(packet, &frame, path, &outbox)
        let destination =
            direction == .inbound ? nat.insideAddress(of: session) : packet.destination
        let hop = try route(packet, to: destination, &frame, path, &outbox)
        guard hop.side != path.side || path.isTurned else { throw .routeSameSide }
        try checkSize(packet, hop.side, &frame, path, &outbox)
        guard let neighbor = try neighbor(hop, &frame, header, packet, path, &outbox) else {
            return .consumed
        }
        nat.rewriteError(
            session, quote, packet, direction, &frame,
            identification: direction == .inbound ? original(quote, session) : nil)
        if direction == .outbound, !packet.isAtomic {
            renumber(&frame, packet.identification, of: session)
        }
        if !path.isTurned { decrementTTL(&frame, packet) }
        return leave(&frame, &header, packet, by: neighbor, path, &outbox)
    }

    /// An error from one inside host about a packet of another (RFC 5508 REQ-7): both translations.
    mutating func hairpinError(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        let (first, quote) = try quoted(packet, &frame, .outbound)
        try checkTTL(packet, &frame, path, &outbox)
        if let verdict = turnError(first, quote, packet, &frame, &header) { return verdict }
        // What the second translation will see: the quote with its destination translated.
        let session = nat.session(first)
        let second = try nat.findQuoted(
            quote.translated(to: session.outsideAddress, port: session.outsidePort), .inbound)
        let destination = nat.insideAddress(of: second)
        let hop = try route(packet, to: destination, &frame, path, &outbox)
        try checkSize(packet, hop.side, &frame, path, &outbox)
        guard let neighbor = try neighbor(hop, &frame, header, packet, path, &outbox) else {
            return .consumed
        }
        nat.rewriteError(first, quote, packet, .outbound, &frame)
        nat.rewriteError(
            second, quote, packet, .inbound, &frame, identification: original(quote, second))
        if !packet.isAtomic { renumber(&frame, packet.identification, of: first) }
        decrementTTL(&frame, packet)
        return leave(&frame, &header, packet, by: neighbor, path, &outbox)
    }

    /// The identification that the quoted packet had before it was translated.
    private func original(_ quote: Quote, _ session: UInt32) -> UInt16? {
        quote.isAtomic
            ? nil : identifications.original(of: quote.identification, session: nat.serial(session))
    }

    private func quoted(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ direction: Direction
    ) throws(DropReason) -> (UInt32, Quote) {
        guard !packet.isFragment else { throw .icmpMalformed }
        // Redirect and source quench are never translated (SECURITY S04).
        guard packet.icmpType != ICMPType.redirect, packet.icmpType != ICMPType.sourceQuench else {
            throw .icmpType
        }
        guard packet.transportChecksumIsValid(&frame) else { throw .icmpChecksum }
        let quote = try Quote(packet, &frame)
        return (try nat.findQuoted(quote, direction), quote)
    }
}

/// An IPv4 header of 20 octets for a packet of our own: DF set, identification 0 (RFC 6864 §4.1).
struct InternetHeader {
    var typeOfService: UInt8 = 0
    var payload: Int
    var timeToLive: UInt8 = 64
    var proto: UInt8
    var source: UInt32
    var destination: UInt32

    func write(to frame: inout MutableRawSpan) {
        let ip = Packet.ip
        frame.setByte(ip, 0x45)
        frame.setByte(ip + 1, typeOfService)
        frame.setBe16(ip + 2, UInt16(truncatingIfNeeded: 20 + payload))
        frame.setBe16(ip + 4, 0)
        frame.setBe16(ip + 6, FragmentField.dontFragment)
        frame.setByte(ip + 8, timeToLive)
        frame.setByte(ip + 9, proto)
        frame.setBe16(ip + 10, 0)
        frame.setBe32(ip + 12, source)
        frame.setBe32(ip + 16, destination)
        frame.setBe16(ip + 10, ~Checksum.fold(Checksum.sum(frame.bytes.part(ip, 20))))
    }
}
