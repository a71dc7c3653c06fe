import Forwarding
import NAT
import Router
import Timing
import Wire

/// Plays a script of octets to a whole gateway and stops the program where one of its promises does
/// not hold: whatever is sent to it, what leaves is well formed, fits, and shows nothing of inside.
///
/// The first two octets choose the settings. Then come records: what to do, and for a frame its
/// length and octets. Some records mend the frame (hardware addresses, checksums) so that it gets
/// further than noise would, or turn the last frame that left outside into an answer.
public struct PipelineExercise: ~Copyable {
    private var router: Router
    private var outbox = Outbox(capacity: 1 << 20, entries: 1024)
    private var now = Instant(nanoseconds: 1_000_000_000_000)
    private var settings: ForwardingSettings
    private var lastOutside: [UInt8] = []
    private var scratch = [UInt8](repeating: 0, count: FrameSlab.stride)
    private var answersARP = true
    /// Frames that left; returned so that nothing is optimised away.
    public private(set) var sent = 0

    private static let excluded = prefix("192.0.2.0/24")

    /// A gateway with settings from two octets.
    public init(_ first: UInt8, _ second: UInt8) {
        var settings = Bench.settings
        settings.nat.mode = first & 1 != 0 && first & 2 != 0 ? .none : .masquerade
        settings.nat.filtering = Behavior.allCases[Int(first >> 2) % 3]
        settings.nat.mapping = Behavior.allCases[Int(first >> 4) % 3]
        settings.nat.hairpin = first & 0x40 == 0
        settings.nat.preservePort = first & 0x80 != 0
        settings.nat.exclude = second & 1 != 0 ? [NATException(Self.excluded)] : []
        settings.nat.portForwards = [
            PortForward(
                transports: [.tcp, .udp], ports: 80...90, insideAddress: ip("192.168.50.10"),
                insidePort: 8080)
        ]
        settings.nat.limits.sessions = 64
        settings.nat.limits.sessionsPerHost = 16
        settings.nat.limits.fragments = 16
        settings[.wan].mtu = [1500, 576, 1280, 9000][Int(second >> 1) & 3]
        settings[.lan].mtu = [1500, 576][Int(second >> 3) & 1]
        settings.policy.isStrict = second & 0x10 != 0
        settings.policy.forwardsDirectedBroadcast = second & 0x20 != 0
        answersARP = second & 0x40 == 0
        self.settings = settings
        router = Router(settings, routes: Bench.routes, random: Random(seed: 1))
        router.start(at: now, into: &outbox)
        checkOutbox()
    }

    /// Plays a whole script; at its end everything that was remembered is forgotten again.
    public static func run(_ input: [UInt8]) -> Int {
        guard input.count > 2 else { return 0 }
        var exercise = PipelineExercise(input[0], input[1])
        var rest = input.dropFirst(2)
        for _ in 0..<200 {
            guard let action = rest.popFirst(), let low = rest.popFirst(),
                let high = rest.popFirst()
            else { break }
            let length = min((Int(high) << 8 | Int(low)) % 4096, rest.count)
            let body = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            exercise.play(action, Int(high) >> 4, body)
        }
        exercise.finish()
        return exercise.sent
    }

    private mutating func play(_ action: UInt8, _ more: Int, _ body: [UInt8]) {
        let side = action & 1 == 0 ? Side.lan : .wan
        switch action >> 1 & 7 {
        case 0: receive(body, VirtioNetHeader(), on: side)
        case 1: receive(Self.mended(body, on: side), VirtioNetHeader(), on: side)
        case 2, 3:
            let header = (try? VirtioNetHeader(body.raw)) ?? VirtioNetHeader()
            receive(
                Self.mended(Array(body.dropFirst(VirtioNetHeader.length)), on: side), header,
                on: side)
        case 4: receive(Self.answer(to: lastOutside, changes: body), VirtioNetHeader(), on: .wan)
        case 5: receive(Self.error(about: lastOutside, changes: body), VirtioNetHeader(), on: .wan)
        case 6: advance(.milliseconds(Int64(action >> 4) * Int64(action >> 4) * 250 + 50))
        default: change(action >> 4, side)
        }
        if more > 8 {
            // The same again, much larger: super-packets and ping of death.
            let large = Self.mended(body + [UInt8](repeating: 7, count: more * 4000), on: side)
            receive(large, (try? VirtioNetHeader(body.raw)) ?? VirtioNetHeader(), on: side)
        }
        precondition(router.forwarder.nat.sessionCount <= 64, "more sessions than there is room")
        precondition(router.forwarder.nat.mappingCount <= 64, "more mappings than there is room")
        precondition(router.forwarder.neighborCount <= 2048, "more neighbours than there is room")
    }

    private mutating func change(_ what: UInt8, _ side: Side) {
        switch what {
        case 0, 1: router.setLink(side, isUp: what == 0, at: now, into: &outbox)
        case 2: answersARP.toggle()
        case 3: _ = router.forwarder.flushNeighbors(nil, at: now)
        default:
            router.apply(
                settings, routes: what & 1 == 0 ? Bench.routes : [], at: now, into: &outbox)
        }
        checkOutbox()
    }

    /// Time passes in steps no longer than the wheels turn; nothing may be left.
    private mutating func finish() {
        for _ in 0..<20 { advance(.seconds(2000)) }
        precondition(router.forwarder.nat.sessionCount == 0, "a session stayed for ever")
        precondition(router.forwarder.nat.mappingCount == 0, "a mapping stayed for ever")
        precondition(!router.forwarder.hasReady, "a packet stayed for ever")
    }

    private mutating func advance(_ interval: Interval) {
        now += interval
        for _ in 0..<4 {
            router.tick(at: now, into: &outbox)
            checkOutbox()
            takeUp()
        }
    }

    private mutating func receive(_ frame: [UInt8], _ header: VirtioNetHeader, on side: Side) {
        var bytes = frame
        var header = header
        let verdict = withSpan(&bytes) { span in
            router.receive(&span, &header, on: side, at: now, into: &outbox)
        }
        var count = 0
        if case .forward(let out, let length) = verdict {
            check(Array(bytes.prefix(length)), header, out)
            count += 1
        }
        count += checkOutbox()
        precondition(count <= 128 + 4, "one frame became \(count)")
        takeUp()
    }

    private mutating func takeUp() {
        for _ in 0..<5000 {
            let went = withSpan(&scratch) { router.forwarder.resume(&$0, at: now, into: &outbox) }
            checkOutbox()
            if went == .nothing { return }
        }
        preconditionFailure("packets are taken up for ever")
    }

    @discardableResult
    private mutating func checkOutbox() -> Int {
        var asked: [(Side, [UInt8])] = []
        let count = outbox.count
        for index in 0..<count {
            let entry = outbox[index]
            guard case .own(let offset) = entry.place else { continue }
            let bytes = unsafe outbox.withOwn(offset, length: entry.length) { unsafe Array($0) }
            guard let header = try? VirtioNetHeader(bytes.raw) else { continue }
            let frame = Array(bytes.dropFirst(VirtioNetHeader.length))
            check(frame, header, entry.side)
            if answersARP, frame[12] == 8, frame[13] == 6, frame[21] == 1 {
                asked.append((entry.side, frame))
            }
        }
        outbox.removeAll()
        for (side, frame) in asked.prefix(8) where frame[28..<32] != frame[38..<42] {
            let target = IPv4Address(frame[38], frame[39], frame[40], frame[41])
            let station = Bench.hardware(of: target)
            let asker = IPv4Address(frame[28], frame[29], frame[30], frame[31])
            let reply = arp(2, sender: station, target, target: Bench.hardware(side), asker)
            receive(
                ethernet(to: Bench.hardware(side), from: station, type: 0x0806, reply),
                VirtioNetHeader(), on: side)
        }
        return count
    }
}

// What must hold of every frame that leaves.
extension PipelineExercise {
    private mutating func check(_ frame: [UInt8], _ header: VirtioNetHeader, _ side: Side) {
        sent += 1
        precondition((14...65_550).contains(frame.count), "a frame of \(frame.count) octets")
        let hardware = Bench.hardware(side).rawValue
        let source = frame[6..<12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        precondition(source == hardware, "a frame from another station")
        let type = UInt16(frame[12]) << 8 | UInt16(frame[13])
        if type == 0x0806 {
            precondition(frame.count == 42 && header == VirtioNetHeader(), "an odd ARP packet")
            return
        }
        precondition(type == 0x0800, "a frame of type \(type)")
        precondition(frame.count >= 34 && frame[14] >> 4 == 4, "no IPv4 packet")
        let length = Int(frame[14] & 15) * 4
        let total = Int(frame[16]) << 8 | Int(frame[17])
        precondition(length >= 20 && total >= length && total == frame.count - 14, "a bad length")
        precondition(SlowChecksum.isIntact(Array(frame[14..<(14 + length)])), "a bad header sum")
        precondition(frame[22] > 0, "a time to live of 0")
        checkSize(frame, header, length, mtu: settings[side].mtu)
        if side == .wan { checkOutside(frame) }
        if side == .wan { lastOutside = frame }
    }

    private func checkSize(_ frame: [UInt8], _ header: VirtioNetHeader, _ length: Int, mtu: Int) {
        guard header != VirtioNetHeader() else {
            precondition(frame.count <= 14 + mtu, "a frame over the MTU")
            return
        }
        precondition(header.flags == 1, "odd flags")
        let field: UInt16 = frame[23] == 6 ? 16 : 6
        precondition(frame[23] == 6 || frame[23] == 17, "an offload of protocol \(frame[23])")
        precondition(
            Int(header.checksumStart) == 14 + length && header.checksumOffset == field,
            "a checksum elsewhere")
        guard header.segmentationType != 0 else {
            precondition(frame.count <= 14 + mtu, "a frame over the MTU")
            return
        }
        precondition(header.segmentationType & 0x7f == (field == 16 ? 1 : 5), "an odd offload")
        let transport = field == 16 ? Int(frame[14 + length + 12] >> 4) * 4 : 8
        let size = Int(header.segmentSize)
        precondition(Int(header.headerLength) == 14 + length + transport, "a bad header length")
        precondition(size > 0 && length + transport + size <= mtu, "segments over the MTU")
        precondition((frame.count - 14 - length - transport - 1) / size < 128, "many segments")
    }

    /// No inside address is seen outside but on the way to an excluded destination.
    private func checkOutside(_ frame: [UInt8]) {
        guard settings.nat.mode != .none else { return }
        let source = IPv4Address(frame[26], frame[27], frame[28], frame[29])
        let destination = IPv4Address(frame[30], frame[31], frame[32], frame[33])
        precondition(
            !prefix("192.168.50.0/24").contains(source)
                || settings.nat.exclude.contains { $0.destination.contains(destination) },
            "an inside address outside")
    }

    // MARK: Making frames that get further

    /// A frame with the right addresses and checksums, unless its first octet says to leave some.
    private static func mended(_ body: [UInt8], on side: Side) -> [UInt8] {
        guard let how = body.first, body.count >= 21 else { return body }
        var packet = Array(body.dropFirst())
        if packet[0] >> 4 != 4 || packet[0] & 15 < 5 { packet[0] = 0x45 }
        let header = min(Int(packet[0] & 15) * 4, packet.count)
        if how & 1 == 0 {
            let total = min(packet.count, 65_535)
            packet.replaceSubrange(2..<4, with: octets(UInt16(total)))
        }
        let inside = side == .lan
        if how & 2 == 0 {
            // Near addresses: hosts 0 to 15 of either network, or far ones.
            let hosts: [UInt8] = inside ? [192, 168, 50] : [198, 51, 100]
            packet.replaceSubrange(12..<15, with: hosts)
            let far: [[UInt8]] =
                inside
                ? [[198, 51, 100], [203, 0, 113], [192, 0, 2], [192, 168, 50]]
                : [[203, 0, 113], [203, 0, 113], [192, 168, 50], [203, 0, 113]]
            packet.replaceSubrange(16..<19, with: far[Int(how >> 2) & 3])
            packet[15] = 2 + packet[15] & 15
            packet[19] = inside ? 1 + packet[19] & 15 : 2
        }
        if how & 0x10 == 0, header < packet.count { fixTransport(&packet, header) }
        if how & 0x20 == 0 { fixHeader(&packet, header) }
        let address = packet[12..<16].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return ethernet(
            to: how & 0x40 == 0 ? Bench.hardware(side) : .broadcast,
            from: Bench.hardware(of: IPv4Address(address)), packet)
    }

    private static func fixHeader(_ packet: inout [UInt8], _ header: Int) {
        packet.replaceSubrange(10..<12, with: [0, 0])
        packet.replaceSubrange(
            10..<12, with: octets(SlowChecksum.checksum(Array(packet.prefix(header)))))
    }

    private static func fixTransport(_ packet: inout [UInt8], _ header: Int) {
        var part = Array(packet.dropFirst(header))
        let field: Int
        var pseudo = Array(packet[12..<20]) + [0, packet[9]] + octets(UInt16(clamping: part.count))
        switch packet[9] {
        case 1:
            field = 2
            pseudo = []
        case 6: field = 16
        case 17:
            field = 6
            if part.count >= 8 {
                part.replaceSubrange(4..<6, with: octets(UInt16(clamping: part.count)))
            }
        default: return
        }
        guard part.count >= field + 2 else { return }
        part.replaceSubrange(field..<(field + 2), with: [0, 0])
        let sum = SlowChecksum.checksum(pseudo + part)
        part.replaceSubrange(field..<(field + 2), with: octets(sum))
        packet.replaceSubrange(header..., with: part)
    }

    /// The frame that left outside last, turned round, with octets changed: pairs of place and
    /// value, then the checksums are made right.
    private static func answer(to frame: [UInt8], changes: [UInt8]) -> [UInt8] {
        guard frame.count >= 42, frame[12] == 8, frame[13] == 0 else { return frame }
        var packet = Array(frame.dropFirst(14))
        let header = Int(packet[0] & 15) * 4
        swap(&packet, 12, 16, 4)
        if packet[9] == 1, header < packet.count {
            packet[header] = packet[header] == 8 ? 0 : 14
        } else if packet.count >= header + 4 {
            swap(&packet, header, header + 2, 2)
        }
        for index in stride(from: 0, to: changes.count - 1, by: 2) {
            let place = Int(changes[index])
            // Addresses and ports stay.
            guard place < packet.count, !(12..<(header + 4)).contains(place) || place == 9
            else { continue }
            packet[place] ^= changes[index + 1]
        }
        if packet[0] & 15 < 5 || Int(packet[0] & 15) * 4 > packet.count { packet[0] = 0x45 }
        let length = Int(packet[0] & 15) * 4
        if length < packet.count { fixTransport(&packet, length) }
        fixHeader(&packet, length)
        return ethernet(
            to: Bench.hardware(.wan), from: Bench.hardware(of: ip("203.0.113.1")), packet)
    }

    /// An ICMP error about the frame that left outside last.
    private static func error(about frame: [UInt8], changes: [UInt8]) -> [UInt8] {
        guard frame.count >= 42, frame[12] == 8, frame[13] == 0 else { return frame }
        var quote = Array(frame.dropFirst(14))
        for index in stride(from: 4, to: changes.count - 1, by: 2) {
            let place = Int(changes[index])
            if place < quote.count { quote[place] ^= changes[index + 1] }
        }
        let far = PacketBuilder("203.0.113.1", "203.0.113.2")
        let packet = far.icmpError(
            [3, 11, 12, 5, 4, 3, 3, 3][Int(changes.first ?? 0) & 7],
            code: changes.dropFirst().first ?? 0, rest: UInt32(changes.dropFirst(2).first ?? 0),
            about: quote, limit: max(28, Int(changes.dropFirst(3).first ?? 0) * 4))
        return ethernet(
            to: Bench.hardware(.wan), from: Bench.hardware(of: ip("203.0.113.1")), packet)
    }

    private static func swap(_ packet: inout [UInt8], _ a: Int, _ b: Int, _ count: Int) {
        for offset in 0..<count { packet.swapAt(a + offset, b + offset) }
    }
}
