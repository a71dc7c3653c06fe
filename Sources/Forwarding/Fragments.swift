import Memory
import NAT
import Timing
import Wire

/// Fragmented datagrams on their way: what came of each, and where its pieces go.
///
/// Nothing is put together for transit (virtual reassembly): pieces that come before the first one
/// wait, then follow it as they are. Any overlap kills the datagram (RFC 5722, SECURITY S20).
struct FragmentTable: ~Copyable {
    /// One datagram, keyed by source, destination, protocol, identification (RFC 791 §3.2) and
    /// side.
    struct Datagram: BitwiseCopyable {
        var source: UInt32
        var destination: UInt32
        var identification: UInt16
        var proto: UInt8
        var side: Side
        var hash: UInt32
        /// Octets of payload in all; 0 until the last piece came.
        var end: UInt32
        var received: UInt32
        /// First piece + 1, ascending.
        var firstPiece: UInt32
        var pieces: UInt8
        /// Why the datagram was given up: an overlap was seen, or the first piece was refused. What
        /// still comes of it is dropped for that.
        var refusal: DropReason?
        /// Pieces released and not seen again yet.
        var pending: UInt16
        var fate: Fate
        /// What the pieces leave with when they are translated outbound.
        var newIdentification: UInt16
        /// Pieces that wait for the first one, or for all.
        var held: HeldQueue
        /// Next in the queue of datagrams to be put together, + 1.
        var next: UInt32
    }

    private struct Piece: BitwiseCopyable {
        var start: UInt32
        var end: UInt32
        var next: UInt32
    }

    private static let mostPieces: UInt8 = 64
    private static let mostPerSource = 16

    private let region: Region
    let records: FlatArray<Datagram>
    private var pool: IndexPool
    private var index: HashIndex
    private let pieces: FlatArray<Piece>
    private var piecePool: IndexPool
    var wheel: TimerWheel
    private let key: HashKey
    /// Datagrams by keyed hash of their source: two sources may share a count, none can aim at one.
    private let perSource: FlatArray<UInt16>
    private var firstWhole: UInt32 = 0
    private var lastWhole: UInt32 = 0

    init(capacity: Int, key: HashKey) {
        var layout = RegionLayout()
        let recordExtent = layout.reserve(Datagram.self, count: capacity)
        let free = layout.reserve(UInt32.self, count: capacity)
        let slots = layout.reserve(UInt64.self, count: HashIndex.slotCount(for: capacity))
        let pieceExtent = layout.reserve(Piece.self, count: capacity * 16)
        let pieceFree = layout.reserve(UInt32.self, count: capacity * 16)
        let nodes = layout.reserve(TimerWheel.Node.self, count: capacity)
        let heads = layout.reserve(UInt32.self, count: 256)
        let sources = layout.reserve(UInt16.self, count: 4096)
        region = Region(layout)
        records = region.array(recordExtent)
        pool = IndexPool(next: region.array(free))
        index = HashIndex(slots: region.array(slots))
        pieces = region.array(pieceExtent)
        piecePool = IndexPool(next: region.array(pieceFree))
        wheel = TimerWheel(nodes: region.array(nodes), heads: region.array(heads))
        perSource = region.array(sources)
        self.key = key
    }

    /// Pieces held in all.
    var heldPieces = 0
    /// Datagrams followed.
    var count: Int { pool.used }

    private func hash(_ packet: Packet, _ side: Side) -> UInt32 {
        key.hash(
            UInt64(packet.source) << 32 | UInt64(packet.destination),
            UInt64(packet.identification) << 16 | UInt64(packet.proto) << 8
                | UInt64(side.rawValue))
    }

    private func sourceSlot(_ source: UInt32) -> Int { Int(key.hash(UInt64(source), 11) & 4095) }

    func find(_ packet: Packet, _ side: Side) -> UInt32? {
        index.find(hash(packet, side)) { number in
            records[number].source == packet.source
                && records[number].destination == packet.destination
                && records[number].identification == packet.identification
                && records[number].proto == packet.proto && records[number].side == side
        }
    }

    /// Records a piece and says which datagram it is of.
    ///
    /// A piece seen before is no overlap, and a released one comes by a second time.
    mutating func accept(
        _ packet: Packet, _ side: Side, newIdentification: UInt16, timeout: Interval,
        at now: Instant
    ) throws(DropReason) -> (number: UInt32, isAgain: Bool) {
        let start = UInt32(packet.fragmentField & FragmentField.offsetMask) * 8
        let length = UInt32(packet.frameLength - packet.transport)
        let isLast = packet.fragmentField & FragmentField.moreFragments == 0
        guard length > 0, isLast || length % 8 == 0,
            start + length <= 65_535 - 20
        else { throw .fragmentMalformed }
        // A second piece that begins within the TCP header could rewrite its flags (RFC 1858).
        guard packet.proto != IPProtocol.tcp || start != 8 else { throw .fragmentTiny }
        let number: UInt32
        if let known = find(packet, side) {
            number = known
        } else {
            number = try insert(packet, side, newIdentification, timeout: timeout, at: now)
        }
        if let refusal = records[number].refusal { throw refusal }
        if isLast {
            guard records[number].end == 0 || records[number].end == start + length else {
                throw .fragmentOverlap
            }
            records[number].end = start + length
        }
        switch place(number, start, start + length) {
        case .new:
            records[number].received += length
            return (number, false)
        case .again:
            if records[number].pending > 0 { records[number].pending -= 1 }
            return (number, true)
        case .overlap: throw .fragmentOverlap
        case .full: throw .fragmentLimit
        }
    }

    private enum Placement {
        case new
        case again
        case overlap
        case full
    }

    private mutating func place(_ number: UInt32, _ start: UInt32, _ end: UInt32) -> Placement {
        let total = records[number].end
        guard total == 0 || end <= total else { return .overlap }
        var previous: UInt32?
        var next = records[number].firstPiece
        for _ in 0..<Int(Self.mostPieces) where next != 0 {
            let piece = pieces[next - 1]
            if piece.start == start, piece.end == end { return .again }
            if piece.start >= end { break }
            if piece.end > start { return .overlap }
            previous = next - 1
            next = piece.next
        }
        guard records[number].pieces < Self.mostPieces, let piece = piecePool.take() else {
            return .full
        }
        pieces[piece] = Piece(start: start, end: end, next: next)
        if let previous {
            pieces[previous].next = piece + 1
        } else {
            records[number].firstPiece = piece + 1
        }
        records[number].pieces += 1
        return .new
    }

    private mutating func insert(
        _ packet: Packet, _ side: Side, _ newIdentification: UInt16, timeout: Interval,
        at now: Instant
    ) throws(DropReason) -> UInt32 {
        let slot = sourceSlot(packet.source)
        guard Int(perSource[slot]) < Self.mostPerSource, let number = pool.take() else {
            throw .fragmentLimit
        }
        let hash = hash(packet, side)
        guard index.insert(number, hash: hash) else {
            pool.give(number)
            throw .fragmentLimit
        }
        perSource[slot] += 1
        records[number] = Datagram(
            source: packet.source, destination: packet.destination,
            identification: packet.identification, proto: packet.proto, side: side, hash: hash,
            end: 0, received: 0, firstPiece: 0, pieces: 0, refusal: nil, pending: 0,
            fate: .unknown, newIdentification: newIdentification, held: HeldQueue(), next: 0)
        wheel.set(number, deadline: TimerWheel.deadline(timeout, after: now))
        return number
    }

    func isWhole(_ number: UInt32) -> Bool {
        records[number].end != 0 && records[number].received == records[number].end
    }

    /// Forgets a datagram, whose held pieces must have been taken.
    mutating func remove(_ number: UInt32) {
        var piece = records[number].firstPiece
        while piece != 0 {
            let next = pieces[piece - 1].next
            piecePool.give(piece - 1)
            piece = next
        }
        perSource[sourceSlot(records[number].source)] -= 1
        wheel.cancel(number)
        index.remove(number, hash: records[number].hash)
        pool.give(number)
    }

    // MARK: Datagrams to be put together

    mutating func queueWhole(_ number: UInt32) {
        wheel.cancel(number)
        records[number].next = 0
        if firstWhole == 0 {
            firstWhole = number + 1
        } else {
            records[lastWhole - 1].next = number + 1
        }
        lastWhole = number + 1
    }

    mutating func popWhole() -> UInt32? {
        guard firstWhole != 0 else { return nil }
        let number = firstWhole - 1
        firstWhole = records[number].next
        return number
    }

    var hasWhole: Bool { firstWhole != 0 }
}

extension Forwarder {
    /// Whether the pieces of a datagram must go together: they are translated, or for us.
    func needsWhole(_ packet: Packet, _ side: Side) -> Bool {
        if own.side(of: packet.destination) != nil { return true }
        guard settings.nat.mode != .none else { return false }
        if nat.isOutside(packet.destination) { return true }
        return side != settings.nat.outside && !isExcluded(packet.destination)
    }

    /// Learns what the first piece of the packet's datagram met; false when the packet waits for
    /// it.
    mutating func follow(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ header: VirtioNetHeader,
        _ path: inout Path
    ) throws(DropReason) -> Bool {
        let number: UInt32
        let isAgain: Bool
        let isNew = fragments.find(packet, path.side) == nil
        do throws(DropReason) {
            (number, isAgain) = try fragments.accept(
                packet, path.side,
                newIdentification: isNew ? identifications.draw(&random) : 0,
                timeout: settings.nat.timeouts.fragment, at: path.now)
        } catch {
            if error == .fragmentOverlap { refuse(packet, error, path.side, at: path.now) }
            throw error
        }
        path.fate = fragments.records[number].fate
        path.identification = fragments.records[number].newIdentification
        if case .unknown = path.fate {
            if packet.isFirst { return true }
            // A copy of what waits already is not kept as well.
            guard !isAgain else { throw .fragmentDuplicate }
            try holdPiece(number, &frame, packet, header, path.side)
            return false
        }
        if case .local = path.fate {
            guard !isAgain else { throw .fragmentDuplicate }
            try holdPiece(number, &frame, packet, header, path.side)
            if fragments.isWhole(number) { fragments.queueWhole(number) }
            return false
        }
        if fragments.isWhole(number), fragments.records[number].pending == 0 {
            fragments.remove(number)
        }
        return true
    }

    mutating func holdPiece(
        _ number: UInt32, _ frame: inout MutableRawSpan, _ packet: Packet,
        _ header: VirtioNetHeader, _ side: Side
    ) throws(DropReason) {
        let bytes = frame.bytes.part(0, packet.frameLength)
        guard store.hasRoomForPiece(bytes.byteCount), let held = store.hold(bytes, header, side)
        else { throw .fragmentLimit }
        fragments.records[number].held.append(held, in: store)
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
        fragments.records[number].refusal = reason
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
            dropPieces(number, .fragmentTimeout, at: now)
            fragments.remove(number)
        }
    }

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
