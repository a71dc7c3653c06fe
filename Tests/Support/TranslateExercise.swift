import NAT
import Timing
import Wire

/// Translates a packet out and its mirror image back in, and stops the program unless what comes
/// back is what went out: addresses, ports, checksums, payload, and the quote of an error about it.
public func exerciseTranslation(_ input: [UInt8]) -> Int {
    guard input.count >= 40 else { return 0 }
    var settings = NATSettings()
    settings.limits.sessions = 16
    var nat = NAT(
        settings, outsideAddresses: [ip("203.0.113.2")],
        random: Random(seed: UInt64(input[0]) << 8 | UInt64(input[1])))
    let now = Instant(nanoseconds: 1_000_000_000_000)
    var frame = script(input)
    let original = frame
    var header = VirtioNetHeader()
    if input[2] & 1 != 0 {
        header.flags = VirtioNetHeader.needsChecksum
        header.checksumStart = 34
        header.checksumOffset = frame[23] == 6 ? 16 : 6
    }
    let sent = withSpan(&frame) { span -> UInt32? in
        guard let packet = try? Packet(&span, header),
            let session = try? nat.admitOutbound(packet, at: now)
        else { return nil }
        nat.rewrite(session, packet, .outbound, &span)
        return session
    }
    guard let session = sent else { return 0 }
    precondition(SlowChecksum.isIntact(Array(frame[14..<34])), "header checksum outside")
    precondition(frame[22] == original[22] &- 1, "time to live")
    let outside = frame
    checkError(&nat, outside, original, session)

    mirror(&frame)
    let found = withSpan(&frame) { span -> Bool in
        guard let packet = try? Packet(&span, header), nat.find(packet, .inbound) == session
        else { return false }
        nat.rewrite(session, packet, .inbound, &span)
        return true
    }
    precondition(found, "the answer does not find its session")
    precondition(SlowChecksum.isIntact(Array(frame[14..<34])), "header checksum inside")
    mirror(&frame)
    precondition(same(frame, original, loss: 2), "not what went out")
    return frame.count
}

/// An Ethernet frame made of the input: any payload, a header without options and the right sums
/// but where the input wants wrong ones.
private func script(_ input: [UInt8]) -> [UInt8] {
    var path = PacketBuilder(
        IPv4Address(192, 168, 50, input[3]), IPv4Address(198, input[4], input[5], input[6]))
    path.timeToLive = max(input[7], 3)
    path.typeOfService = input[8]
    path.identification = UInt16(input[9]) << 8 | UInt16(input[10])
    let sum: ChecksumField =
        if input[2] & 1 != 0 { .partial } else {
            [.correct, .zero, .wrong, .value(UInt16(input[11]) << 8 | UInt16(input[12]))][
                Int(input[2] >> 1) & 3]
        }
    let ports = (
        UInt16(input[13]) << 8 | UInt16(input[14]), UInt16(input[15]) << 8 | UInt16(input[16])
    )
    let data = Array(input.dropFirst(20))
    let packet =
        switch input[2] >> 3 & 3 {
        case 0, 1: path.udp(ports.0, ports.1, data, checksum: sum)
        case 2: path.tcp(ports.0, ports.1, .syn, sequence: 5, data, checksum: sum)
        default: path.echo(identifier: ports.0, sequence: ports.1, data, checksum: sum)
        }
    return ethernet(to: Bench.hardware(.lan), from: mac("02:00:00:00:00:99"), packet)
}

/// The packet as its receiver would send it back: source and destination change places, a query
/// becomes its reply. The checksums stay right, for sums do not know of order.
private func mirror(_ frame: inout [UInt8]) {
    for offset in 0..<4 { frame.swapAt(26 + offset, 30 + offset) }
    if frame[23] == 1 {
        let old = UInt16(frame[34]) << 8
        frame[34] = frame[34] == 8 ? 0 : 8
        let sum = UInt16(frame[36]) << 8 | UInt16(frame[37])
        let delta = Checksum.fold(Checksum.delta(old: UInt32(old), new: UInt32(frame[34]) << 8))
        frame.replaceSubrange(36..<38, with: octets(Checksum.update(sum, by: delta)))
    } else {
        for offset in 0..<2 { frame.swapAt(34 + offset, 36 + offset) }
    }
}

/// Whether two frames say the same but for `loss` off the time to live. The two forms of zero are
/// one checksum, but for UDP, where 0 is none.
private func same(_ a: [UInt8], _ b: [UInt8], loss: UInt8) -> Bool {
    var a = a
    var b = b
    guard a.count == b.count, a[22] == b[22] &- loss else { return false }
    let field = a[23] == 1 ? 36 : a[23] == 6 ? 50 : 40
    for field in [24, field] {
        let one = UInt16(a[field]) << 8 | UInt16(a[field + 1])
        let two = UInt16(b[field]) << 8 | UInt16(b[field + 1])
        let isUDP = b[23] == 17 && field == 40
        if field != 24, one != two, isUDP || one % 0xffff != two % 0xffff { return false }
        a.replaceSubrange(field..<(field + 2), with: [0, 0])
        b.replaceSubrange(field..<(field + 2), with: [0, 0])
    }
    a[22] = b[22]
    return a == b
}

/// An error about the packet outside quotes, once translated, the packet inside.
private func checkError(
    _ nat: inout NAT, _ outside: [UInt8], _ inside: [UInt8], _ session: UInt32
) {
    let about = Array(outside.dropFirst(14).prefix(548))
    let error = PacketBuilder("198.51.100.1", "203.0.113.2").icmpError(3, code: 1, about: about)
    var frame = ethernet(to: Bench.hardware(.wan), from: mac("02:00:00:00:00:98"), error)
    let found = withSpan(&frame) { span -> Bool in
        guard let packet = try? Packet(&span, VirtioNetHeader()),
            let quote = try? Quote(packet, &span),
            (try? nat.findQuoted(quote, .inbound)) == session
        else { return false }
        nat.rewriteError(session, quote, packet, .inbound, &span)
        return true
    }
    precondition(found, "an error does not find its session")
    precondition(SlowChecksum.isIntact(Array(frame[14..<34])), "header checksum of the error")
    precondition(SlowChecksum.isIntact(Array(frame[34...])), "checksum of the error")
    let quoted = Array(frame.dropFirst(42))
    // A partial checksum is no checksum yet: an error about it can not mend it.
    guard inside.count <= 548, (outside[40], outside[41]) != (0, 0) || outside[23] != 17 else {
        return
    }
    var expected = Array(inside.dropFirst(14))
    expected[8] &-= 1
    expected.replaceSubrange(10..<12, with: quoted[10..<12])
    let field = inside[23] == 1 ? 22 : inside[23] == 6 ? 36 : 26
    expected.replaceSubrange(field..<(field + 2), with: quoted[field..<(field + 2)])
    precondition(quoted == expected, "a quote that was not restored")
}
