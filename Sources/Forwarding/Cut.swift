import Wire

// Cutting what is too big for the way out and may be cut (RFC 791 §3.2, RFC 1812 §5.2.6).
extension Forwarder {
    /// Sends `packet` in pieces of at most `mtu` octets. False when the outbox is full.
    ///
    /// A TCP super-packet is not cut: the device is told a smaller segment size by `leave`. Of a
    /// UDP super-packet each datagram is cut by itself.
    mutating func cut(
        _ frame: inout MutableRawSpan, _ packet: Packet, to mtu: Int, _ side: Side,
        _ outbox: inout Outbox
    ) -> Bool {
        guard packet.segmentation == .udp else {
            completeChecksum(&frame, packet)
            let payload = packet.frameLength - packet.transport
            let template = frame.bytes.part(0, packet.transport)
            let bytes = frame.bytes.part(packet.transport, payload)
            return cut(
                template, bytes, field: packet.fragmentField,
                identification: frame.be16(Packet.ip + 4), to: mtu, side, &outbox)
        }
        let start = packet.transport + 8
        let size = Int(packet.segmentSize)
        let count = (packet.frameLength - start + size - 1) / size
        for segment in 0..<count {
            let from = start + segment * size
            let length = min(size, packet.frameLength - from)
            guard cutDatagram(&frame, packet, from, length, segment, mtu, side, &outbox) else {
                return false
            }
        }
        return true
    }

    /// One datagram of a super-packet: its header is made in front of its payload, then it is cut.
    private mutating func cutDatagram(
        _ frame: inout MutableRawSpan, _ packet: Packet, _ from: Int, _ length: Int,
        _ segment: Int, _ mtu: Int, _ side: Side, _ outbox: inout Outbox
    ) -> Bool {
        // The payload before it has been sent, so its last 8 octets are free for the header. Only
        // segments above the MTU are cut, so these are not the ports.
        let ports = frame.be32(packet.transport)
        frame.setBe32(from - 8, ports)
        frame.setBe16(from - 4, UInt16(truncatingIfNeeded: 8 + length))
        frame.setBe16(from - 2, 0)
        let sum =
            Checksum.sum(frame.bytes.part(from - 8, 8 + length))
            &+ Checksum.pseudoHeader(
                source: frame.be32(Packet.ip + 12), destination: frame.be32(Packet.ip + 16),
                proto: IPProtocol.udp, length: 8 + length)
        let checksum = ~Checksum.fold(sum)
        frame.setBe16(from - 2, checksum == 0 ? 0xffff : checksum)
        return cut(
            frame.bytes.part(0, packet.transport), frame.bytes.part(from - 8, 8 + length),
            field: packet.fragmentField,
            identification: frame.be16(Packet.ip + 4) &+ UInt16(truncatingIfNeeded: segment),
            to: mtu, side, &outbox)
    }

    /// Sends `payload` behind copies of the headers in `template`, in pieces in ascending order.
    private mutating func cut(
        _ template: RawSpan, _ payload: RawSpan, field: UInt16, identification: UInt16,
        to mtu: Int, _ side: Side, _ outbox: inout Outbox
    ) -> Bool {
        let firstOffset = Int(field & FragmentField.offsetMask)
        let hasMore = field & FragmentField.moreFragments != 0
        var done = 0
        while done < payload.byteCount {
            let header = done == 0 ? template.byteCount - Packet.ip : Self.laterHeader(template)
            let room = mtu - header
            let rest = payload.byteCount - done
            let count = rest <= room ? rest : room & ~7
            let isLast = count == rest
            let piece = payload.part(done, count)
            let word =
                UInt16(truncatingIfNeeded: firstOffset + done / 8)
                | (isLast && !hasMore ? 0 : FragmentField.moreFragments)
            let isFirst = done == 0
            let fits = outbox.compose(side, length: Packet.ip + header + count) { frame in
                Self.writeHeader(template, isFirst: isFirst, header, to: &frame)
                frame.setBe16(Packet.ip + 2, UInt16(truncatingIfNeeded: header + count))
                frame.setBe16(Packet.ip + 4, identification)
                frame.setBe16(Packet.ip + 6, word)
                frame.setBe16(Packet.ip + 10, 0)
                let sum = Checksum.sum(frame.bytes.part(Packet.ip, header))
                frame.setBe16(Packet.ip + 10, ~Checksum.fold(sum))
                frame.copy(piece, to: Packet.ip + header)
            }
            guard fits else { return false }
            done += count
        }
        return true
    }

    /// Octets of header of a later piece: only options with the copied flag are in it.
    private static func laterHeader(_ template: RawSpan) -> Int {
        var length = 20
        forEachCopied(template) { _, count in length += count }
        return (length + 3) & ~3
    }

    private static func writeHeader(
        _ template: RawSpan, isFirst: Bool, _ header: Int, to frame: inout MutableRawSpan
    ) {
        if isFirst {
            frame.copy(template, to: 0)
            return
        }
        frame.copy(template.part(0, Packet.ip + 20), to: 0)
        var offset = Packet.ip + 20
        forEachCopied(template) { from, count in
            frame.copy(template.part(from, count), to: offset)
            offset += count
        }
        while offset < Packet.ip + header {
            frame.setByte(offset, 0)
            offset += 1
        }
        frame.setByte(Packet.ip, 0x40 | UInt8(truncatingIfNeeded: header / 4))
    }

    /// Calls `body` with place and length of each option that every piece must carry. The options
    /// were checked when the packet came.
    private static func forEachCopied(_ template: RawSpan, _ body: (Int, Int) -> Void) {
        var offset = Packet.ip + 20
        while offset < template.byteCount {
            let kind = template.byte(offset)
            if kind == 0 { return }
            if kind == 1 {
                offset += 1
                continue
            }
            guard offset + 1 < template.byteCount else { return }
            let length = Int(template.byte(offset + 1))
            guard length >= 2, offset + length <= template.byteCount else { return }
            if kind & 0x80 != 0 { body(offset, length) }
            offset += length
        }
    }
}
