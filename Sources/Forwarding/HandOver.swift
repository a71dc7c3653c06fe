import Memory
import NAT
public import Timing
public import Wire

/// How far another worker is to take a packet.
@frozen
public enum HandOver: UInt8, Sendable {
    /// From the beginning: it is as it was read.
    case received
    /// Outwards: the owner of its destination says that it leads to an inside host.
    case granted
    /// Only to learn from it: the first worker takes it.
    case overheard
    /// Inwards: it comes from another inside host and was translated outwards.
    case turned
}

// Packets of hosts whose sessions are with another worker. Nothing here runs where there is one.
//
// From one inside host to another by an outside endpoint (RFC 4787 REQ-9) three turns are taken:
// the owner of the endpoint says whether there is a way, the owner of the sender translates
// outwards, the first one inwards. To the sender's worker the other host is like any remote.
extension Forwarder {
    /// Gives a frame that was read to the worker it is for; nil if that is this one.
    mutating func steer(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, on side: Side,
        at now: Instant, into outbox: inout Outbox
    ) -> Verdict? {
        switch steering.owner(of: frame.bytes, on: side) {
        case .any: return nil
        case .worker(let worker):
            if worker == share.index { return nil }
            return .hand(worker, .received, length: frame.byteCount)
        case .all:
            guard share.index == 0 else {
                return .hand(0, .received, length: frame.byteCount)
            }
            return spread(&frame, &header, on: side, at: now, into: &outbox)
        }
    }

    /// Takes a frame that all others are to overhear.
    private mutating func spread(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, on side: Side,
        at now: Instant, into outbox: inout Outbox
    ) -> Verdict {
        if case .drop = process(&frame, &header, on: side, at: now, into: &outbox) {
            return .spread(isTaken: false)
        }
        return .spread(isTaken: true)
    }

    /// Takes a frame that another worker handed over, `as` it said; it is counted as received
    /// there.
    public mutating func take(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, on side: Side,
        as kind: HandOver, at now: Instant, into outbox: inout Outbox
    ) -> Verdict {
        if kind == .received {
            // Whose it is has been decided: of a piece, by more than it tells itself.
            if frame.byteCount >= EthernetView.headerLength, frame.be16(12) == EtherType.arp {
                return spread(&frame, &header, on: side, at: now, into: &outbox)
            }
            return pass(
                &frame, &header, on: side, mayBeOfOthers: false, at: now, into: &outbox)
        }
        if kind == .overheard {
            _ = try? ethernet(&frame, &header, side, now, &outbox)
            return .consumed
        }
        do throws(DropReason) {
            let packet = try Packet(&frame, header)
            var path = Path(side: side, now: now)
            if kind == .granted {
                return try turn(&frame, &header, packet, &path, &outbox)
            }
            path.kind = .turned
            return try land(&frame, &header, packet, &path, &outbox)
        } catch {
            drop(error, on: side, at: now)
            return .drop(error)
        }
    }

    /// Whether a piece of a datagram belongs to another worker, and what becomes of it then.
    mutating func elsewhere(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader,
        _ path: inout Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict? {
        switch path.fate {
        case .away(let worker): return hand(packet, &header, to: worker, .received)
        case .turned: return try turn(&frame, &header, packet, &path, &outbox)
        case .session, .pair, .local, .plain: return nil
        case .unknown: break
        }
        guard packet.isFirst, packet.hasPorts, needsWhole(packet, path.side),
            let worker = other(steering.owner(of: frame.bytes, on: path.side, asWhole: true))
        else { return nil }
        guard path.side == settings.nat.outside else {
            return try turn(&frame, &header, packet, &path, &outbox)
        }
        remember(packet, .away(worker), path)
        return hand(packet, &header, to: worker, .received)
    }

    /// The worker if it is not this one.
    private func other(_ owner: Steering.Owner) -> Int? {
        guard case .worker(let worker) = owner, worker != share.index else { return nil }
        return worker
    }

    private func hand(
        _ packet: Packet, _ header: inout VirtioNetHeader, to worker: Int, _ kind: HandOver
    ) -> Verdict {
        header = packet.virtioNetHeader
        return .hand(worker, kind, length: packet.frameLength)
    }

    /// Grants another worker's host the way to one of ours; nil if both hosts are ours.
    mutating func grant(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader,
        _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict? {
        let sender = steering.owner(ofHost: packet.source, packet.proto)
        guard sender != share.index else { return nil }
        try checkTTL(packet, &frame, path, &outbox)
        // Whatever is to be told to the sender is told while the packet is as it was.
        let target = nat.owner(
            of: IPv4Address(packet.destination), port: packet.destinationPort,
            Transport(proto: packet.proto))
        guard let target else { throw .natNoSession }
        let hop = try route(packet, to: target.address.rawValue, &frame, path, &outbox)
        try checkSize(packet, hop.side, &frame, path, &outbox)
        guard try neighbor(hop, &frame, header, packet, path, &outbox) != nil else {
            return .consumed
        }
        return hand(packet, &header, to: sender, .granted)
    }

    /// Translates a packet of our host outwards, for a host of another worker.
    private mutating func turn(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: inout Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        var worker = other(steering.owner(of: frame.bytes, on: path.side, asWhole: true))
        if case .turned(let session, let serial, let known) = path.fate {
            path.fate = .session(session, serial)
            worker = known
        }
        guard let worker else { throw .natNoSession }
        try checkHairpin(packet, &frame, path, &outbox)
        try checkTTL(packet, &frame, path, &outbox)
        let session = try outboundSession(packet, &frame, path, &outbox)
        try translate(
            &frame, packet, session, .outbound, path.now, identification: path.identification)
        remember(packet, .turned(session, nat.serial(session), worker), path)
        return hand(packet, &header, to: worker, .turned)
    }

    /// Takes a packet of another worker's host, translated outwards, to one of ours.
    private mutating func land(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: inout Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        if packet.isFragment {
            guard try follow(packet, &frame, header, &path) else { return .consumed }
        }
        do throws(DropReason) {
            _ = try finds(packet, .inbound, &path, orLocal: false)
            return try inbound(&frame, &header, packet, &path, &outbox)
        } catch {
            if packet.isFragment, packet.isFirst { refuse(packet, error, path.side, at: path.now) }
            throw error
        }
    }

    /// An error to a host of another worker, half of whose translation is ours; nil if both are.
    mutating func turnError(
        _ session: UInt32, _ quote: Quote, _ packet: Packet, _ frame: inout MutableRawSpan,
        _ header: inout VirtioNetHeader
    ) -> Verdict? {
        guard share.count > 1, let worker = other(steering.owner(ofQuoteIn: frame.bytes)) else {
            return nil
        }
        nat.rewriteError(session, quote, packet, .outbound, &frame)
        if !packet.isAtomic { renumber(&frame, packet.identification, of: session) }
        decrementTTL(&frame, packet)
        return hand(packet, &header, to: worker, .turned)
    }
}
