import Memory
import NAT
import Timing
import Wire

// Pieces of datagrams on their way through the pipeline.
extension Forwarder {
    /// Whether the pieces of a datagram must go together: they are translated, or for us.
    func needsWhole(_ packet: Packet, _ side: Side) -> Bool {
        if own.side(of: packet.destination) != nil { return true }
        guard settings.nat.mode != .none else { return false }
        if nat.isOutside(packet.destination) { return true }
        // A later piece has no ports: only what is excluded whatever they are goes by itself.
        let isIn = side == settings.nat.outside
        let remote = isIn ? packet.source : packet.destination
        for exception in settings.nat.exclude
        where exception.destination.contains(IPv4Address(remote)) {
            if exception.ports != nil { return true }
            if exception.matches(remote, port: 0, proto: packet.proto) { return false }
        }
        return !isIn
    }

    /// Learns what the first piece of the packet's datagram met; false when the packet waits for
    /// it.
    mutating func follow(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ header: VirtioNetHeader,
        _ path: inout Path
    ) throws(DropReason) -> Bool {
        let place = try FragmentTable.Place(packet)
        let number =
            if let known = fragments.find(packet, path.side) { known } else {
                try begin(packet, path)
            }
        let isAgain: Bool
        do throws(DropReason) {
            isAgain = try fragments.accept(place, number)
        } catch {
            if error == .fragmentOverlap || error == .fragmentLimit {
                refuse(packet, error, path.side, at: path.now)
            }
            throw error
        }
        path.fate = fragments.records[number].fate
        path.identification = fragments.records[number].newIdentification
        if case .unknown = path.fate {
            if packet.isFirst { return true }
            // A copy of what waits already is not kept as well.
            guard !isAgain else { throw .fragmentDuplicate }
            try holdPiece(number, &frame, packet, header, path)
            return false
        }
        if case .local = path.fate {
            guard !isAgain else { throw .fragmentDuplicate }
            try holdPiece(number, &frame, packet, header, path)
            if fragments.isWhole(number) { fragments.queueWhole(number) }
            return false
        }
        if fragments.isWhole(number), fragments.records[number].pending == 0 {
            fragments.remove(number)
        }
        return true
    }

    /// Begins to follow a datagram. Where there is no room, the own oldest one of its source goes,
    /// or one of the source that has most.
    private mutating func begin(_ packet: Packet, _ path: Path) throws(DropReason) -> UInt32 {
        if let oldest = fragments.excess(of: packet.source) { giveUp(oldest, at: path.now) }
        for _ in 0..<4 where !fragments.hasRoom {
            guard let victim = fragments.victim(holding: false, &random) else { break }
            giveUp(victim, at: path.now)
        }
        // Only the first piece tells whether a datagram to an outside address is for us.
        let isLocal =
            packet.proto == IPProtocol.ospf
            || own.side(of: packet.destination) != nil && !nat.isOutside(packet.destination)
        return try fragments.insert(
            packet, path.side, identifications.draw(&random),
            timeout: isLocal ? Self.reassemblyTimeout : settings.nat.timeouts.fragment,
            at: path.now)
    }

    /// The datagram of a first piece is for the gateway, which waits for its rest as a host does.
    mutating func reassemble(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ header: VirtioNetHeader, _ path: Path
    ) throws(DropReason) {
        guard let number = fragments.find(packet, path.side) else { throw .fragmentLimit }
        fragments.records[number].fate = .local
        let end = TimerWheel.deadline(
            Self.reassemblyTimeout, after: fragments.records[number].began)
        fragments.wheel.set(number, deadline: end)
        try holdPiece(number, &frame, packet, header, path)
        if fragments.isWhole(number) { fragments.queueWhole(number) }
    }

    private func hasRoom(for piece: RawSpan) -> Bool {
        store.hasRoomForPiece(piece.byteCount, beside: fragments.heldPieces)
    }

    private mutating func holdPiece(
        _ number: UInt32, _ frame: inout MutableRawSpan, _ packet: Packet,
        _ header: VirtioNetHeader, _ path: Path
    ) throws(DropReason) {
        let bytes = frame.bytes.part(0, packet.frameLength)
        for _ in 0..<4 where !hasRoom(for: bytes) {
            guard let victim = fragments.victim(holding: true, &random) else { break }
            giveUp(victim, at: path.now)
        }
        guard fragments.find(packet, path.side) == number,
            hasRoom(for: bytes),
            let held = store.hold(bytes, header, path.side, as: path.kind)
        else {
            refuse(packet, .fragmentLimit, path.side, at: path.now)
            throw .fragmentLimit
        }
        fragments.records[number].held.append(held, in: store)
        if packet.isFirst { fragments.records[number].first = held + 1 }
        fragments.heldPieces += 1
    }

    /// The first piece found its way: the others follow it.
    mutating func remember(_ packet: Packet, _ fate: Fate, _ path: Path) {
        guard packet.isFragment, packet.isFirst, let number = fragments.find(packet, path.side),
            case .unknown = fragments.records[number].fate
        else { return }
        fragments.records[number].fate = fate
        fragments.heldPieces -= Int(fragments.records[number].held.count)
        fragments.records[number].pending = UInt16(
            truncatingIfNeeded: fragments.records[number].held.count)
        ready.append(contentsOf: &fragments.records[number].held, in: store)
        if fragments.isWhole(number), fragments.records[number].pending == 0 {
            fragments.remove(number)
        }
    }

    /// Gives up the datagram of a piece for `reason`, for which the rest of it is dropped until its
    /// time is up; pieces that went on already do not come back.
    mutating func refuse(
        _ packet: Packet, _ reason: DropReason, _ side: Side, at now: Instant
    ) {
        guard let number = fragments.find(packet, side) else { return }
        dropPieces(number, reason, at: now)
        fragments.refuse(number, reason)
    }

    /// Forgets a datagram to make room.
    private mutating func giveUp(_ number: UInt32, at now: Instant) {
        dropPieces(number, .fragmentLimit, at: now)
        fragments.remove(number)
    }

    /// Drops what is held of a datagram.
    mutating func dropPieces(_ number: UInt32, _ reason: DropReason, at now: Instant) {
        fragments.heldPieces -= Int(fragments.records[number].held.count)
        while let held = fragments.records[number].held.popFirst(in: store) {
            drop(reason, on: fragments.records[number].side, at: now)
            store.release(held)
        }
    }

    mutating func fragmentTimers(at now: Instant, into outbox: inout Outbox) {
        for _ in 0..<256 {
            guard let number = fragments.wheel.popExpired(at: TimerWheel.ticks(now)) else { return }
            // A host that has the first piece says so, a router on the way does not (RFC 1122
            // §3.3.2).
            let first = fragments.records[number].first
            if first != 0 { report(.reassemblyTime, aboutHeld: first - 1, now, &outbox) }
            dropPieces(number, .fragmentTimeout, at: now)
            fragments.remove(number)
        }
    }

    /// How long the gateway waits for the rest of a datagram for itself (RFC 1122 §3.3.2).
    private static var reassemblyTimeout: Interval { .seconds(60) }

    /// Where the header of a piece is looked at: behind the largest frame, within a slab slot.
    private static var headerScratch: Int { 65_600 }

    /// Puts the pieces of a datagram for us together in `frame`; its length, or nil if it is too
    /// long.
    mutating func assemble(_ number: UInt32, _ frame: inout MutableRawSpan) -> Int? {
        var length = 0
        while let held = fragments.records[number].held.popFirst(in: store) {
            fragments.heldPieces -= 1
            defer { store.release(held) }
            // Each piece was checked when it came; its header says where it belongs.
            store.copy(held, from: Packet.ip, count: 20, to: &frame, at: Self.headerScratch)
            let header = Int(frame.byte(Self.headerScratch) & 15) * 4
            let total = Int(frame.be16(Self.headerScratch + 2))
            let offset = Int(frame.be16(Self.headerScratch + 6) & FragmentField.offsetMask) * 8
            let base = Packet.ip + 20
            guard total >= header, 20 + offset + total - header <= 65_535 else { return nil }
            if offset == 0 { store.copy(held, from: 0, count: base, to: &frame, at: 0) }
            store.copy(
                held, from: Packet.ip + header, count: total - header, to: &frame,
                at: base + offset)
            length = max(length, base + offset + total - header)
        }
        guard length > Packet.ip + 20 else { return nil }
        frame.setByte(Packet.ip, 0x45)
        frame.setBe16(Packet.ip + 2, UInt16(truncatingIfNeeded: length - Packet.ip))
        frame.setBe16(Packet.ip + 6, 0)
        frame.setBe16(Packet.ip + 10, 0)
        let sum = Checksum.sum(frame.bytes.part(Packet.ip, 20))
        frame.setBe16(Packet.ip + 10, ~Checksum.fold(sum))
        return length
    }
}
