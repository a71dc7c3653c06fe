import Memory
import NAT
public import Timing
import Wire

// Packets for the gateway itself.
extension Forwarder {
    mutating func local(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        if packet.isFragment {
            try reassemble(packet, &frame, header, path)
            return .consumed
        }
        switch packet.proto {
        case IPProtocol.icmp:
            return try localICMP(&frame, &header, packet, path, &outbox)
        case IPProtocol.udp where isInside(path.side):
            error(.unreachable(UnreachableCode.port), about: packet, &frame, path, &outbox)
            throw .localNoListener
        default:
            throw .localNoListener
        }
    }

    private func isInside(_ side: Side) -> Bool {
        settings.nat.mode == .none || side != settings.nat.outside
    }

    /// The echo server (RFC 1812 §4.3.3.6): same data back, from the address that was asked.
    private mutating func localICMP(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        guard packet.icmpType == ICMPType.echoRequest else {
            if packet.isICMPError { throw .natErrorUnmatched }
            throw ICMPType.isReply(packet.icmpType) ? .natNoSession : .icmpType
        }
        guard packet.transportChecksumIsValid(&frame) else { throw .icmpChecksum }
        guard limits.local.take(at: path.now) else { throw .localRateLimit }
        frame.setByte(packet.transport, ICMPType.echoReply)
        // The type is the upper octet of the first word: 8 became 0.
        let old = frame.be16(packet.transport + 2)
        let delta = Checksum.fold(Checksum.delta(old: 0x0800, new: 0))
        frame.setBe16(packet.transport + 2, Checksum.update(old, by: delta))
        var reply = packet
        reply.source = packet.destination
        reply.destination = packet.source
        reply.timeToLive = 64
        reply.icmpType = ICMPType.echoReply
        // Short ones are atomic and need no identification; the others may be cut on their way, and
        // pieces of two replies must not be mixed (RFC 6864 §4).
        reply.fragmentField = packet.totalLength <= 576 ? FragmentField.dontFragment : 0
        frame.setBe16(Packet.ip + 6, reply.fragmentField)
        frame.setBe16(Packet.ip + 4, reply.isAtomic ? 0 : identifications.draw(&random))
        frame.setByte(Packet.ip + 8, 64)
        frame.setBe32(Packet.ip + 12, reply.source)
        frame.setBe32(Packet.ip + 16, reply.destination)
        frame.setBe16(Packet.ip + 10, 0)
        let sum = Checksum.sum(frame.bytes.part(Packet.ip, packet.headerLength))
        frame.setBe16(Packet.ip + 10, ~Checksum.fold(sum))
        let group = fib.lookup(IPv4Address(reply.destination))
        guard fib.action(of: group) == .forward else { throw .routeNone }
        let hop = hop(in: group, to: reply.destination, reply)
        return try send(&frame, &header, reply, by: hop, path, &outbox)
    }

    /// Sends a packet of our own that lies complete in `frame` but for its Ethernet header.
    private mutating func send(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        by hop: Hop, _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        guard links[hop.side.index].isUp else { throw .deviceDown }
        let number = try findNeighbor(hop, at: path.now, into: &outbox)
        if neighbors.records[number].isUsable {
            return leave(&frame, &header, packet, by: number, path, &outbox)
        }
        try wait(
            for: number, frame.bytes.part(0, packet.frameLength), packet.virtioNetHeader,
            hop.side, isOwn: true, at: path.now)
        return .consumed
    }

    /// A packet of our own that waited and whose neighbour is known now.
    private mutating func resend(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, by hop: Hop,
        _ now: Instant, _ outbox: inout Outbox
    ) -> Verdict {
        do throws(DropReason) {
            let packet = try Packet(&frame, header)
            let path = Path(side: hop.side, now: now)
            return try send(&frame, &header, packet, by: hop, path, &outbox)
        } catch {
            drop(error, on: hop.side, at: now)
            return .drop(error)
        }
    }

    /// Whether held packets can go on.
    public var hasReady: Bool { ready.count > 0 || fragments.hasWhole }

    /// Takes up held packets that can go on: one call, one packet.
    ///
    /// - Parameter frame: A free slab slot without its virtio-net header, to work in.
    public mutating func resume(
        _ frame: inout MutableRawSpan, at now: Instant, into outbox: inout Outbox
    ) -> Resumed {
        var header = VirtioNetHeader()
        let verdict: Verdict
        let side: Side
        if let held = ready.popFirst(in: store) {
            let record = store[held]
            store.copy(held, from: 0, count: Int(record.length), to: &frame, at: 0)
            store.release(held)
            header = record.header
            side = record.side
            var bytes = frame.window(0, Int(record.length))
            if let neighbor = record.neighbor {
                let hop = Hop(side: side, address: neighbor)
                verdict = resend(&bytes, &header, by: hop, now, &outbox)
            } else {
                verdict = take(
                    &bytes, &header, on: side, as: record.kind, at: now, into: &outbox)
            }
        } else if let number = fragments.popWhole() {
            side = fragments.records[number].side
            let length = assemble(number, &frame)
            dropPieces(number, .fragmentMalformed, at: now)
            fragments.remove(number)
            guard let length else {
                drop(.fragmentMalformed, on: side, at: now)
                return .done
            }
            var bytes = frame.window(0, length)
            verdict = process(&bytes, &header, on: side, at: now, into: &outbox)
        } else {
            return .nothing
        }
        switch verdict {
        case .forward(let side, let length):
            let bytes = frame.bytes.part(0, length)
            let fits = outbox.compose(side, length: length, header: header) { target in
                target.copy(bytes, to: 0)
            }
            if !fits { drop(.outputFull, on: side, at: now) }
        case .routing(let packet): return .routing(packet)
        case .hand(let worker, let kind, let length):
            return .hand(side, worker, kind, header, length: length)
        case .drop, .consumed, .spread: break
        }
        return .done
    }
}
