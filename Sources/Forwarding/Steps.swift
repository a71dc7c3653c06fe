import Memory
import NAT
import Timing
import Wire

/// What is known of a packet on its way besides its own facts.
struct Path {
    let side: Side
    let now: Instant
    /// What was decided about an earlier packet of the same datagram or flow.
    var fate: Fate = .unknown
    /// Whether it is known that no session has it.
    var isNew = false
    /// What lets an inbound packet in that has no session.
    var admission: Admission?
    /// The identification that all pieces of the packet's datagram leave with.
    var identification: UInt16?
    /// What another worker left to do.
    var kind = HandOver.received
    /// Whether another worker translated it outwards: its sender is not to be told anything by the
    /// address it has now.
    var isTurned: Bool { kind == .turned }

    init(side: Side, now: Instant) {
        self.side = side
        self.now = now
    }

    /// The session decided on, if it is still the same one.
    func session(_ nat: borrowing NAT, _ direction: Direction) -> UInt32? {
        guard case .session(let number, let serial) = fate, nat.isInUse(number),
            nat.serial(number) == serial
        else { return nil }
        return number
    }

    /// The two sessions decided on, if they are still the same ones.
    func pair(_ nat: borrowing NAT) -> (first: UInt32, second: UInt32)? {
        guard case .pair(let first, let firstSerial, let second, let secondSerial) = fate,
            nat.isInUse(first), nat.serial(first) == firstSerial,
            nat.isInUse(second), nat.serial(second) == secondSerial
        else { return nil }
        return (first, second)
    }
}

/// Where the first fragment of a datagram went, for the others to follow.
enum Fate: BitwiseCopyable {
    case unknown
    /// Translated by this session, with its serial.
    case session(UInt32, UInt32)
    /// Translated by two sessions, from and to inside hosts, each with its serial.
    case pair(UInt32, UInt32, UInt32, UInt32)
    /// For the gateway itself.
    case local
    /// Not translated, for its ports.
    case plain
    /// Handed to this worker.
    case away(Int)
    /// Translated outwards by this session, with its serial, and handed to this worker.
    case turned(UInt32, UInt32, Int)

    var isUnknown: Bool { if case .unknown = self { true } else { false } }
}

/// The next station of a packet.
struct Hop {
    var side: Side
    /// The neighbour's address.
    var address: UInt32
}

// The steps that the ways in Pipeline.swift share.
extension Forwarder {
    // MARK: TTL

    /// TTL is judged before anything is changed: 1 and 0 both end here (RFC 1812 §5.3.1).
    mutating func checkTTL(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) {
        guard packet.timeToLive <= 1, !path.isTurned else { return }
        error(.timeExceeded, about: packet, &frame, path, &outbox)
        throw .ttlExpired
    }

    /// One less on the TTL, without a sum over the header (RFC 1624).
    func decrementTTL(_ frame: inout MutableRawSpan, _ packet: Packet) {
        frame.setByte(Packet.ip + 8, packet.timeToLive &- 1)
        frame.setBe16(
            Packet.ip + 10, Checksum.update(frame.be16(Packet.ip + 10), by: 0xfeff))
    }

    // MARK: Routes

    /// The next station towards `destination`; equal ways are chosen by flow.
    mutating func route(
        _ packet: Packet, to destination: UInt32, _ frame: inout MutableRawSpan, _ path: Path,
        _ outbox: inout Outbox
    ) throws(DropReason) -> Hop {
        let group = fib.lookup(IPv4Address(destination))
        switch fib.action(of: group) {
        case .forward:
            return hop(in: group, to: destination, packet)
        case .blackhole:
            throw .routeBlackhole
        case .unreachable:
            error(.unreachable(UnreachableCode.host), about: packet, &frame, path, &outbox)
            throw .routeUnreachable
        case .prohibit:
            let code = UnreachableCode.administrative
            error(.unreachable(code), about: packet, &frame, path, &outbox)
            throw .routeProhibited
        case .none:
            error(.unreachable(UnreachableCode.network), about: packet, &frame, path, &outbox)
            throw .routeNone
        }
    }

    func hop(in group: UInt32, to destination: UInt32, _ packet: Packet) -> Hop {
        let flow = limits.key.hash(
            UInt64(packet.source) << 32 | UInt64(packet.destination),
            UInt64(packet.sourcePort) << 32 | UInt64(packet.destinationPort) << 16
                | UInt64(packet.proto))
        let next = fib.nextHop(in: group, flowHash: packet.isFragment ? 0 : flow)
        return Hop(
            side: next.side, address: next.neighbor(for: IPv4Address(destination)).rawValue)
    }

    // MARK: Size

    /// Refuses what does not fit the way out and may not be cut (RFC 1191). What may be cut goes
    /// on.
    mutating func checkSize(
        _ packet: Packet, _ out: Side, _ frame: inout MutableRawSpan, _ path: Path,
        _ outbox: inout Outbox
    ) throws(DropReason) {
        let mtu = links[out.index].mtu
        guard packet.largestPacket > mtu else { return }
        if packet.dontFragment {
            error(.tooBig(mtu: mtu), about: packet, &frame, path, &outbox)
            throw packet.segmentation == .none ? .mtuExceeded : .mtuSegments
        }
        guard Self.pieces(of: packet, mtu: mtu) <= Packet.mostSegments else {
            throw .mtuSegments
        }
    }

    /// Frames that a packet too big for `mtu` becomes on the wire (SECURITY S40).
    private static func pieces(of packet: Packet, mtu: Int) -> Int {
        let headers = packet.headerLength + Int(packet.transportHeaderLength)
        let payload = packet.totalLength - headers
        let room = (mtu - packet.headerLength) & ~7
        switch packet.segmentation {
        case .none: return (packet.totalLength - packet.headerLength + room - 1) / room
        case .tcp:
            guard mtu > headers else { return .max }
            return (payload + mtu - headers - 1) / (mtu - headers)
        case .udp:
            let size = Int(packet.segmentSize)
            return (payload + size - 1) / size * ((8 + size + room - 1) / room)
        }
    }

    /// Lowers the segment size option of a SYN to what fits both sides.
    func clampSegmentSize(_ frame: inout MutableRawSpan, _ packet: Packet) {
        guard packet.proto == IPProtocol.tcp, packet.flags.contains(.syn), !packet.isFragment
        else { return }
        let limit: UInt16
        switch settings.segmentClamp {
        case .off: return
        case .limit(let value): limit = value
        case .automatic:
            limit = UInt16(truncatingIfNeeded: min(links[0].mtu, links[1].mtu) - 40)
        }
        let count = packet.frameLength - packet.transport
        guard var tcp = try? TCPView(frame.window(packet.transport, count)) else { return }
        _ = tcp.clampSegmentSize(to: limit, partialChecksum: packet.hasPartialChecksum)
    }

    // MARK: Translation

    /// Refuses a packet from one inside host to another where the settings want none.
    mutating func checkHairpin(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) {
        guard settings.nat.hairpin, nat.allowsHairpin(packet) else {
            error(
                .unreachable(UnreachableCode.administrative), about: packet, &frame, path, &outbox)
            throw .natHairpinOff
        }
    }

    /// The session of a packet from inside, made if there is none.
    mutating func outboundSession(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> UInt32 {
        if let session = path.session(nat, .outbound) { return session }
        if !path.isNew, let session = nat.find(packet, .outbound) { return session }
        try checkIntegrity(packet, &frame)
        do throws(DropReason) {
            return try nat.admitOutbound(packet, at: path.now)
        } catch {
            switch error {
            case .natTableFull, .natNoPort, .natPeerTaken, .natHostLimit, .natRateLimit:
                // A soft error, since it may pass (RFC 6888 REQ-11; RFC 5508 REQ-8 has code 13).
                let code = UnreachableCode.host
                self.error(.unreachable(code), about: packet, &frame, path, &outbox)
            case .natProtocol, .natAuthenticated, .natDenied, .natNoBlock:
                // A policy, and no passing state (RFC 5508 REQ-8).
                let code = UnreachableCode.administrative
                self.error(.unreachable(code), about: packet, &frame, path, &outbox)
            case .natTCPNotSYN:
                // Better to hear at once that the connection is gone than to wait.
                reset(packet, &frame, path, &outbox)
            default: break
            }
            throw error
        }
    }

    /// A packet whose transport checksum is wrong makes no session (SECURITY S41).
    func checkIntegrity(_ packet: Packet, _ frame: inout MutableRawSpan) throws(DropReason) {
        guard !packet.transportChecksumIsValid(&frame) else { return }
        switch packet.proto {
        case IPProtocol.tcp: throw .tcpChecksum
        case IPProtocol.udp: throw .udpChecksum
        case IPProtocol.icmp: throw .icmpChecksum
        default: throw .transportChecksum
        }
    }

    /// Counts, tracks and rewrites a packet of a session, one off its TTL.
    ///
    /// - Returns: Whether its checksum is right, as far as that matters.
    /// - Throws: why a TCP segment does not belong to its connection. Nothing has changed then.
    @discardableResult
    mutating func translate(
        _ frame: inout MutableRawSpan, _ packet: Packet, _ session: UInt32,
        _ direction: Direction, _ now: Instant, identification: UInt16? = nil,
        decrementTTL: Bool = true
    ) throws(DropReason) -> Bool {
        var isIntact = true
        let control: TCPFlags = [.syn, .fin, .rst]
        if packet.proto == IPProtocol.tcp, !packet.flags.isDisjoint(with: control) {
            isIntact = packet.transportChecksumIsValid(&frame)
        }
        try nat.track(session, packet, &frame, direction, isIntact: isIntact, at: now)
        nat.rewrite(session, packet, direction, &frame, decrementTTL: decrementTTL)
        if direction == .outbound, !packet.isAtomic {
            renumber(&frame, packet.identification, of: session, as: identification)
        }
        if packet.proto == IPProtocol.tcp, packet.flags.contains(.syn) {
            clampSegmentSize(&frame, packet)
        }
        return isIntact
    }

    /// Gives a packet that may be cut, or is a piece, an identification of ours: several hosts
    /// speak from one outside address and choose theirs each for itself (RFC 6864 §5.3.1).
    mutating func renumber(
        _ frame: inout MutableRawSpan, _ old: UInt16, of session: UInt32, as known: UInt16? = nil
    ) {
        let new = known ?? identifications.draw(&random)
        identifications.note(new, for: old, session: nat.serial(session))
        let delta = Checksum.delta(old: UInt32(old), new: UInt32(new))
        frame.setBe16(Packet.ip + 4, new)
        frame.setBe16(
            Packet.ip + 10,
            Checksum.update(frame.be16(Packet.ip + 10), by: Checksum.fold(delta)))
    }

    /// Whether packets to, or answers from, this endpoint are left untranslated.
    func isExcluded(_ address: UInt32, port: UInt16, _ packet: Packet) -> Bool {
        settings.nat.exclude.contains { $0.matches(address, port: port, proto: packet.proto) }
    }

    // MARK: Out

    /// The record of the next station, or nil if the packet now waits for its hardware address.
    mutating func neighbor(
        _ hop: Hop, _ frame: inout MutableRawSpan, _ header: VirtioNetHeader, _ packet: Packet,
        _ path: Path, _ outbox: inout Outbox
    ) throws(DropReason) -> UInt32? {
        guard links[hop.side.index].isUp else { throw .deviceDown }
        let number = try findNeighbor(hop, at: path.now, into: &outbox)
        if neighbors.records[number].isUsable { return number }
        try wait(
            for: number, frame.bytes, header, path.side, as: path.kind, at: path.now)
        return nil
    }

    /// Writes the Ethernet header of a packet that fits as it is.
    @inline(always)
    func leave(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        by neighbor: UInt32
    ) -> Verdict {
        let side = neighbors.records[neighbor].side
        frame.setBe48(0, neighbors.records[neighbor].hardware)
        frame.setBe48(6, links[side.index].hardware)
        frame.setBe16(12, EtherType.ipv4)
        header = packet.virtioNetHeader
        return .forward(side, length: packet.frameLength)
    }

    /// As above, after cutting what is too big for the way out.
    mutating func leave(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, _ packet: Packet,
        by neighbor: UInt32, _ path: Path, _ outbox: inout Outbox
    ) -> Verdict {
        let verdict = leave(&frame, &header, packet, by: neighbor)
        guard case .forward(let side, _) = verdict,
            packet.largestPacket > links[side.index].mtu
        else { return verdict }
        if packet.segmentation == .tcp {
            // The device cuts TCP, so it can as well cut it smaller.
            let headers = packet.headerLength + Int(packet.transportHeaderLength)
            header.segmentSize = UInt16(
                truncatingIfNeeded: links[side.index].mtu - headers)
            return verdict
        }
        if cut(&frame, packet, to: links[side.index].mtu, side, &outbox) { return .consumed }
        drop(.outputFull, on: path.side, at: path.now)
        return .drop(.outputFull)
    }
}
