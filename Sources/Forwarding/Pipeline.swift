import Memory
import NAT
public import Timing
public import Wire

// A packet's way, top to bottom. Every step either goes on or throws the name of a drop.

extension Forwarder {
    /// Takes a frame that came in on `side` through the gateway.
    ///
    /// - Parameters:
    ///   - frame: From the Ethernet header on; changed in place when the verdict is `forward`.
    ///   - header: Its offload metadata; set to what must be written when the verdict is `forward`.
    public mutating func receive(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, on side: Side,
        at now: Instant, into outbox: inout Outbox
    ) -> Verdict {
        countReceived(frame.byteCount, on: side)
        return pass(
            &frame, &header, on: side, mayBeOfOthers: share.count > 1, at: now, into: &outbox)
    }

    /// The short way or else the long one, for a frame that was counted when it came.
    @inline(__always)
    mutating func pass(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, on side: Side,
        mayBeOfOthers: Bool, at now: Instant, into outbox: inout Outbox
    ) -> Verdict {
        do throws(DropReason) {
            // Each direction has a copy that need not ask which it is.
            let verdict =
                side == settings.nat.outside
                ? try plainEstablished(
                    &frame, &header, side, .inbound, mayBeOfOthers, now, &outbox)
                : try plainEstablished(
                    &frame, &header, side, .outbound, mayBeOfOthers, now, &outbox)
            if let verdict { return verdict }
        } catch {
            drop(error, on: side, at: now)
            return .drop(error)
        }
        // What we have no session of may be another worker's.
        if mayBeOfOthers,
            let verdict = steer(&frame, &header, on: side, at: now, into: &outbox)
        {
            return verdict
        }
        return process(&frame, &header, on: side, at: now, into: &outbox)
    }

    /// As `receive`, for a frame that was counted when it came.
    mutating func process(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, on side: Side,
        at now: Instant, into outbox: inout Outbox
    ) -> Verdict {
        do throws(DropReason) {
            return try ethernet(&frame, &header, side, now, &outbox)
        } catch {
            drop(error, on: side, at: now)
            return .drop(error)
        }
    }

    // 1  Ethernet: ours, broadcast or multicast. 2  ARP or IPv4.
    mutating func ethernet(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ side: Side,
        _ now: Instant, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        guard frame.byteCount >= EthernetView.headerLength else { throw .frameShort }
        let destination = MACAddress(frame.be48(0))
        let isOurs = destination.rawValue == links[side.index].hardware
        guard isOurs || destination.isGroup else { throw .frameNotForUs }
        let source = MACAddress(frame.be48(6))
        guard !source.isGroup, source.rawValue != links[side.index].hardware else {
            throw .frameSource
        }
        switch frame.be16(12) {
        case EtherType.ipv4:
            let packet = try Packet(&frame, header)
            // What the metadata asked for has been done, or is to be.
            if !packet.hasPartialChecksum { header = VirtioNetHeader() }
            if isOurs, let verdict = try established(&frame, &header, packet, side, now) {
                return verdict
            }
            return try internet(
                &frame, &header, packet, side, isGroup: !isOurs, isNew: false, now, &outbox)
        case EtherType.arp:
            guard header == VirtioNetHeader() else { throw .offloadChecksum }
            try arp(&frame, side, now, &outbox)
            return .consumed
        case EtherType.vlan, EtherType.serviceTag:
            throw .frameVLAN
        default:
            throw .frameType
        }
    }

    /// Whether a frame is for us alone, from a station.
    @inline(__always)
    private func isFromNeighbor(_ frame: inout MutableRawSpan, _ side: Side) -> Bool {
        let own = links[side.index].hardware
        // The octets before the source are of the destination.
        let source = frame.be64(4) & 0xffff_ffff_ffff
        return frame.be64(0) >> 16 == own && source != own && !MACAddress(source).isGroup
    }

    /// The short way of a packet whose session has everything decided: one lookup, one rewrite.
    ///
    /// Of a plain packet nothing need be asked that its facts have answered; all of this becomes
    /// one function without calls.
    @inline(always)
    private mutating func plainEstablished(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ side: Side,
        _ direction: Direction, _ mayBeOfOthers: Bool, _ now: Instant, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict? {
        guard let packet = Packet(plain: &frame, header), isFromNeighbor(&frame, side) else {
            return nil
        }
        guard let session = nat.find(Flow(packet, direction)) else {
            return try stranger(&frame, &header, packet, side, mayBeOfOthers, now, &outbox)
        }
        guard let neighbor = decided(session, direction, packet.totalLength) else { return nil }
        try nat.track(session, packet, &frame, direction, at: now)
        nat.rewrite(session, packet, direction, &frame)
        if direction == .outbound, !packet.isAtomic {
            renumber(&frame, packet.identification, of: session)
        }
        return leave(&frame, &header, packet, by: neighbor)
    }

    /// The long way from step 3 on, of a plain packet for us that no session has.
    @inline(never)
    private mutating func stranger(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ side: Side, _ mayBeOfOthers: Bool, _ now: Instant, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        if mayBeOfOthers,
            let verdict = steer(&frame, &header, on: side, at: now, into: &outbox)
        {
            return verdict
        }
        // What the metadata asked for is to be done, if anything.
        if !packet.hasPartialChecksum { header = VirtioNetHeader() }
        if settings.nat.mode != .none, side != settings.nat.outside {
            nat.expectMapping(of: packet)
        }
        return try internet(
            &frame, &header, packet, side, isGroup: false, isNew: true, now, &outbox)
    }

    /// What the short way is to plain packets, for any other that has ports: one that opens or ends
    /// a connection, a super-packet, an ICMP query.
    private mutating func established(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ side: Side, _ now: Instant
    ) throws(DropReason) -> Verdict? {
        let direction: Direction = side == settings.nat.outside ? .inbound : .outbound
        guard !packet.isFragment, packet.headerLength == 20, packet.timeToLive > 1,
            let session = nat.find(packet, direction),
            let neighbor = decided(session, direction, packet.largestPacket)
        else { return nil }
        try translate(&frame, packet, session, direction, now)
        return leave(&frame, &header, packet, by: neighbor)
    }

    /// The neighbour decided on for a session, if it is there and packets of `size` octets go.
    @inline(always)
    private func decided(_ session: UInt32, _ direction: Direction, _ size: Int) -> UInt32? {
        guard let neighbor = nat.neighbor(of: session, direction, epoch: epoch) else { return nil }
        let state = neighbors.records[neighbor].state
        let out = neighbors.records[neighbor].side
        guard state == .reachable || state == .permanent, size <= links[out.index].mtu else {
            return nil
        }
        return neighbor
    }

    // 3  Options, source and destination are judged. 4  For us?
    private mutating func internet(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ side: Side, isGroup: Bool, isNew: Bool, _ now: Instant, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        if packet.headerLength > 20 {
            switch IPv4Options.inspect(frame.bytes.part(Packet.ip, packet.headerLength)) {
            case .pass: break
            case .sourceRoute: throw .ipv4SourceRoute
            case .malformed: throw .ipv4Options
            }
        }
        if let verdict = try routing(packet, &frame, header, side, now) { return verdict }
        try checkSource(packet, side)
        try checkDestination(packet, side, isGroup: isGroup)
        var path = Path(side: side, now: now)
        path.isNew = isNew
        // A later fragment has no ports: it goes where its first one went.
        if packet.isFragment, needsWhole(packet, side) {
            guard try follow(packet, &frame, header, &path) else { return .consumed }
        }
        let isUndecided = packet.isFragment && packet.isFirst && path.fate.isUnknown
        do throws(DropReason) {
            if packet.isFragment, share.count > 1,
                let verdict = try elsewhere(packet, &frame, &header, &path, &outbox)
            {
                return verdict
            }
            switch try way(packet, side, &path) {
            case .local: return try local(&frame, &header, packet, path, &outbox)
            case .outbound: return try outbound(&frame, &header, packet, &path, &outbox)
            case .inbound: return try inbound(&frame, &header, packet, &path, &outbox)
            case .hairpin: return try hairpin(&frame, &header, packet, &path, &outbox)
            case .plain: return try plain(&frame, &header, packet, &path, &outbox)
            }
        } catch {
            // Where the first piece may not go, the others need not wait for it.
            if isUndecided { refuse(packet, error, side, at: now) }
            refuseLater(packet, error, &frame, path)
            throw error
        }
    }

    /// Which of the ways below a packet takes, decided without changing anything.
    private func way(
        _ packet: Packet, _ side: Side, _ path: inout Path
    ) throws(DropReason) -> Way {
        let toUs = own.side(of: packet.destination) != nil
        guard settings.nat.mode != .none else { return toUs ? .local : .plain }
        if case .pair = path.fate { return .hairpin }
        if side == settings.nat.outside {
            if nat.isOutside(packet.destination) {
                if try finds(packet, .inbound, &path, orLocal: toUs) { return .inbound }
                return .local
            }
            if own.isOwn(packet.destination, on: side) { return .local }
            // An address of the inside is not there for the outside, its own answers included.
            if case .plain = path.fate { return .plain }
            if isExcluded(packet.source, port: packet.sourcePort, packet) {
                return toUs ? .local : .plain
            }
            throw .natNoSession
        }
        if own.isOwn(packet.destination, on: side) { return .local }
        if nat.isOutside(packet.destination) {
            if nat.hasTarget(packet) { return .hairpin }
            if toUs { return .local }
            throw .natNoSession
        }
        if toUs { return .local }
        if case .plain = path.fate { return .plain }
        return isExcluded(packet.destination, port: packet.destinationPort, packet)
            ? .plain : .outbound
    }

    /// Finds what an inbound packet belongs to; false if to nothing but we are its destination.
    func finds(
        _ packet: Packet, _ direction: Direction, _ path: inout Path, orLocal: Bool
    ) throws(DropReason) -> Bool {
        if path.session(nat, direction) != nil || packet.isICMPError { return true }
        if !path.isNew, let session = nat.find(packet, direction) {
            path.fate = .session(session, nat.serial(session))
            return true
        }
        do throws(DropReason) {
            path.admission = try nat.judge(packet)
            return true
        } catch {
            // The gateway answers pings on the outside and has no service of TCP or UDP there.
            let isService = packet.proto == IPProtocol.tcp || packet.proto == IPProtocol.udp
            if orLocal, !isService { return false }
            throw error
        }
    }

    // 5-9  From inside to the world: TTL, route, MTU, neighbour; then a session and its rewrite.
    private mutating func outbound(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: inout Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        if packet.isICMPError {
            return try translateError(&frame, &header, packet, .outbound, path, &outbox)
        }
        try checkTTL(packet, &frame, path, &outbox)
        let hop = try route(packet, to: packet.destination, &frame, path, &outbox)
        guard hop.side == settings.nat.outside else {
            return try hand(&frame, &header, packet, to: hop, path, &outbox)
        }
        try checkSize(packet, hop.side, &frame, path, &outbox)
        guard let neighbor = try neighbor(hop, &frame, header, packet, path, &outbox) else {
            return .consumed
        }
        let session = try outboundSession(packet, &frame, path, &outbox)
        try translate(
            &frame, packet, session, .outbound, path.now, identification: path.identification)
        nat.setNeighbor(of: session, .outbound, neighbor, epoch: epoch)
        remember(packet, .session(session, nat.serial(session)), path)
        return leave(&frame, &header, packet, by: neighbor, path, &outbox)
    }

    // 5-9  From the world to an inside host.
    mutating func inbound(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: inout Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        if packet.isICMPError {
            return try translateError(&frame, &header, packet, .inbound, path, &outbox)
        }
        try checkTTL(packet, &frame, path, &outbox)
        let known = path.session(nat, .inbound)
        let inside: UInt32
        if let known {
            inside = nat.insideAddress(of: known)
        } else if let admission = path.admission {
            inside = nat.inside(of: admission, packet).address
        } else {
            throw .natNoSession
        }
        let hop = try route(packet, to: inside, &frame, path, &outbox)
        guard hop.side != path.side || path.isTurned else { throw .routeSameSide }
        try checkSize(packet, hop.side, &frame, path, &outbox)
        guard let neighbor = try neighbor(hop, &frame, header, packet, path, &outbox) else {
            return .consumed
        }
        let session: UInt32
        if let known {
            session = known
        } else if let admission = path.admission {
            try checkIntegrity(packet, &frame)
            session = try nat.admitInbound(packet, admission, at: path.now)
        } else {
            throw .natNoSession
        }
        try translate(
            &frame, packet, session, .inbound, path.now, decrementTTL: !path.isTurned)
        nat.setNeighbor(of: session, .inbound, neighbor, epoch: epoch)
        remember(packet, .session(session, nat.serial(session)), path)
        return leave(&frame, &header, packet, by: neighbor, path, &outbox)
    }

    // 5-9  From one inside host to another by an outside address: both ways (RFC 4787 REQ-9).
    private mutating func hairpin(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: inout Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        try checkHairpin(packet, &frame, path, &outbox)
        if packet.isICMPError {
            return try hairpinError(&frame, &header, packet, path, &outbox)
        }
        if share.count > 1,
            let verdict = try grant(packet, &frame, &header, path, &outbox)
        {
            return verdict
        }
        try checkTTL(packet, &frame, path, &outbox)
        let pair = path.pair(nat)
        let first =
            if let pair { pair.first } else { try outboundSession(packet, &frame, path, &outbox) }
        let serial = nat.serial(first)
        // The second translation sees the packet as the first one will leave it.
        var turned = packet
        turned.source = nat.session(first).outsideAddress
        turned.sourcePort = nat.session(first).outsidePort
        if packet.proto == IPProtocol.icmp { turned.destinationPort = turned.sourcePort }
        var known = pair?.second ?? nat.find(turned, .inbound)
        var admission: Admission?
        if known == nil { admission = try nat.judge(turned) }
        let inside =
            if let known { nat.insideAddress(of: known) } else if let admission {
                nat.inside(of: admission, turned).address
            } else { UInt32(0) }
        let hop = try route(packet, to: inside, &frame, path, &outbox)
        try checkSize(packet, hop.side, &frame, path, &outbox)
        guard let neighbor = try neighbor(hop, &frame, header, packet, path, &outbox) else {
            return .consumed
        }
        if known == nil, let admission {
            try checkIntegrity(packet, &frame)
            known = try nat.admitInbound(turned, admission, at: path.now)
            // Room for the second may have been made by ending the first.
            guard nat.isInUse(first), nat.serial(first) == serial else { throw .natTableFull }
        }
        guard let second = known else { throw .natNoSession }
        let isIntact = try translate(
            &frame, packet, first, .outbound, path.now, identification: path.identification)
        try nat.track(second, turned, &frame, .inbound, isIntact: isIntact, at: path.now)
        remember(packet, .pair(first, serial, second, nat.serial(second)), path)
        nat.rewrite(second, turned, .inbound, &frame, decrementTTL: false)
        return leave(&frame, &header, packet, by: neighbor, path, &outbox)
    }

    // 5-9  Without translation: between networks of a plain router, or to an excluded destination.
    private mutating func plain(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        _ path: inout Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        try checkTTL(packet, &frame, path, &outbox)
        let hop = try route(packet, to: packet.destination, &frame, path, &outbox)
        remember(packet, .plain, path)
        return try hand(&frame, &header, packet, to: hop, path, &outbox)
    }

    /// The rest of the way of a packet that is not translated.
    private mutating func hand(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        to hop: Hop, _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> Verdict {
        // Back to where it came from only by another router: two hosts of one network need none.
        guard hop.side != path.side || hop.address != packet.destination else {
            throw .routeSameSide
        }
        try checkSize(packet, hop.side, &frame, path, &outbox)
        guard let neighbor = try neighbor(hop, &frame, header, packet, path, &outbox) else {
            return .consumed
        }
        decrementTTL(&frame, packet)
        clampSegmentSize(&frame, packet)
        return leave(&frame, &header, packet, by: neighbor, path, &outbox)
    }
}

/// The ways a packet can take.
private enum Way {
    case local
    case outbound
    case inbound
    case hairpin
    case plain
}
