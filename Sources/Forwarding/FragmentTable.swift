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
        /// When its first piece to come came.
        var began: Instant
        /// The held first piece of a datagram for the gateway, + 1.
        var first: UInt32
        /// The datagram of its source that began before it, + 1.
        var older: UInt32
        /// Its place in `used`.
        var place: UInt32
    }

    /// Where a piece belongs in its datagram.
    struct Place {
        let start: UInt32
        let end: UInt32
        let isLast: Bool

        /// Refuses what no datagram can hold, and a second piece that begins within the TCP header,
        /// where it could rewrite the flags (RFC 1858).
        init(_ packet: Packet) throws(DropReason) {
            start = UInt32(packet.fragmentField & FragmentField.offsetMask) * 8
            end = start + UInt32(packet.frameLength - packet.transport)
            isLast = packet.fragmentField & FragmentField.moreFragments == 0
            guard end > start, isLast || end % 8 == 0, end <= 65_535 - 20 else {
                throw .fragmentMalformed
            }
            guard packet.proto != IPProtocol.tcp || start != 8 else { throw .fragmentTiny }
        }
    }

    private struct Piece: BitwiseCopyable {
        var start: UInt32
        var end: UInt32
        var next: UInt32
    }

    private struct Source: BitwiseCopyable {
        /// The datagram that began last, + 1.
        var newest: UInt32
        var count: UInt32
    }

    private static let mostPieces: UInt8 = 64
    private static let mostPerSource = 16

    private let region: Region
    let records: FlatArray<Datagram>
    private var pool: IndexPool
    private var index: HashIndex
    /// The records in use, in no order.
    private let used: FlatArray<UInt32>
    private let pieces: FlatArray<Piece>
    private var piecePool: IndexPool
    var wheel: TimerWheel
    private let key: HashKey
    /// By keyed hash of the source: two sources may share a place, none can aim at one.
    private let sources: FlatArray<Source>
    private var firstWhole: UInt32 = 0
    private var lastWhole: UInt32 = 0
    /// Pieces held in all.
    var heldPieces = 0

    init(capacity: Int, key: HashKey) {
        var layout = RegionLayout()
        let recordExtent = layout.reserve(Datagram.self, count: capacity)
        let free = layout.reserve(UInt32.self, count: capacity)
        let slots = layout.reserve(UInt32.self, count: HashIndex.slotCount(for: capacity))
        let usedExtent = layout.reserve(UInt32.self, count: capacity)
        let pieceExtent = layout.reserve(Piece.self, count: capacity * 16)
        let pieceFree = layout.reserve(UInt32.self, count: capacity * 16)
        let timers = TimerWheel.Layout(&layout, records: capacity, slots: 256)
        let sourceExtent = layout.reserve(Source.self, count: 4096)
        region = Region(layout)
        records = region.array(recordExtent)
        pool = IndexPool(next: region.array(free))
        index = HashIndex(slots: region.array(slots))
        used = region.array(usedExtent)
        pieces = region.array(pieceExtent)
        piecePool = IndexPool(next: region.array(pieceFree))
        wheel = TimerWheel(region, timers)
        sources = region.array(sourceExtent)
        self.key = key
    }

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

    // MARK: Pieces

    /// Records a piece of datagram `number`. True if it was there before: a copy is no overlap, and
    /// a released piece comes by a second time.
    mutating func accept(_ place: Place, _ number: UInt32) throws(DropReason) -> Bool {
        if let refusal = records[number].refusal { throw refusal }
        if place.isLast {
            guard records[number].end == 0 || records[number].end == place.end else {
                throw .fragmentOverlap
            }
            records[number].end = place.end
        }
        let total = records[number].end
        guard total == 0 || place.end <= total else { throw .fragmentOverlap }
        var previous: UInt32?
        var next = records[number].firstPiece
        for _ in 0..<Int(Self.mostPieces) where next != 0 {
            let piece = pieces[next - 1]
            if piece.start == place.start, piece.end == place.end {
                guard !place.isLast || piece.next == 0 else { throw .fragmentOverlap }
                if records[number].pending > 0 { records[number].pending -= 1 }
                return true
            }
            if piece.start >= place.end {
                // The end can not lie before what came already.
                guard !place.isLast else { throw .fragmentOverlap }
                break
            }
            if piece.end > place.start { throw .fragmentOverlap }
            previous = next - 1
            next = piece.next
        }
        guard records[number].pieces < Self.mostPieces, let piece = piecePool.take() else {
            throw .fragmentLimit
        }
        pieces[piece] = Piece(start: place.start, end: place.end, next: next)
        if let previous {
            pieces[previous].next = piece + 1
        } else {
            records[number].firstPiece = piece + 1
        }
        records[number].pieces += 1
        records[number].received += place.end - place.start
        return false
    }

    func isWhole(_ number: UInt32) -> Bool {
        records[number].end != 0 && records[number].received == records[number].end
    }

    private mutating func forgetPieces(_ number: UInt32) {
        while records[number].firstPiece != 0 {
            let piece = records[number].firstPiece - 1
            records[number].firstPiece = pieces[piece].next
            piecePool.give(piece)
        }
    }

    // MARK: Datagrams

    /// Begins to follow the datagram of a piece; there must be room.
    mutating func insert(
        _ packet: Packet, _ side: Side, _ newIdentification: UInt16, timeout: Interval,
        at now: Instant
    ) throws(DropReason) -> UInt32 {
        guard let number = pool.take() else { throw .fragmentLimit }
        let hash = hash(packet, side)
        guard index.insert(number, hash: hash) else {
            pool.give(number)
            throw .fragmentLimit
        }
        let slot = sourceSlot(packet.source)
        used[pool.used - 1] = number
        records[number] = Datagram(
            source: packet.source, destination: packet.destination,
            identification: packet.identification, proto: packet.proto, side: side, hash: hash,
            end: 0, received: 0, firstPiece: 0, pieces: 0, refusal: nil, pending: 0,
            fate: .unknown, newIdentification: newIdentification, held: HeldQueue(), next: 0,
            began: now, first: 0, older: sources[slot].newest,
            place: UInt32(truncatingIfNeeded: pool.used - 1))
        sources[slot].newest = number + 1
        sources[slot].count += 1
        wheel.set(number, deadline: TimerWheel.deadline(timeout, after: now))
        return number
    }

    /// Nothing more is expected of a datagram but pieces to drop for `reason`.
    mutating func refuse(_ number: UInt32, _ reason: DropReason) {
        forgetPieces(number)
        records[number].refusal = reason
    }

    /// Forgets a datagram, whose held pieces must have been taken.
    mutating func remove(_ number: UInt32) {
        forgetPieces(number)
        let slot = sourceSlot(records[number].source)
        if sources[slot].newest == number + 1 {
            sources[slot].newest = records[number].older
        } else {
            var newer = sources[slot].newest
            while newer != 0, records[newer - 1].older != number + 1 {
                newer = records[newer - 1].older
            }
            if newer != 0 { records[newer - 1].older = records[number].older }
        }
        sources[slot].count -= 1
        let last = used[pool.used - 1]
        used[Int(records[number].place)] = last
        records[last].place = records[number].place
        wheel.cancel(number)
        let table = records
        index.remove(number, hash: records[number].hash) { table[$0].hash }
        pool.give(number)
    }

    // MARK: Room (SECURITY S20)

    /// The datagram that must go before `source` may begin another: its own oldest one.
    func excess(of source: UInt32) -> UInt32? {
        let slot = sourceSlot(source)
        guard sources[slot].count >= Self.mostPerSource else { return nil }
        var oldest: UInt32?
        var number = sources[slot].newest
        while number != 0 {
            if mayGo(number - 1) { oldest = number - 1 }
            number = records[number - 1].older
        }
        return oldest
    }

    /// Whether there is room for one more datagram and a piece.
    var hasRoom: Bool { pool.used < pool.capacity && piecePool.used < piecePool.capacity }

    /// The datagram to give up when room is short: of a handful picked at random one that goes
    /// nowhere yet rather than one under way, of the source that has most, the oldest.
    func victim(holding: Bool, _ random: inout Random) -> UInt32? {
        var worst: (number: UInt32, rank: UInt32)?
        for _ in 0..<8 where pool.used > 0 {
            let number = used[random.below(pool.used)]
            guard mayGo(number), !holding || records[number].held.count > 0 else { continue }
            let isUnderWay =
                switch records[number].fate {
                case .session, .pair, .plain, .away, .turned: true
                case .unknown, .local: false
                }
            let rank = sources[sourceSlot(records[number].source)].count + (isUnderWay ? 0 : 1024)
            if let known = worst {
                guard
                    rank > known.rank
                        || rank == known.rank
                            && records[number].began < records[known.number].began
                else { continue }
            }
            worst = (number, rank)
        }
        return worst?.number
    }

    /// One that is about to be put together stays.
    private func mayGo(_ number: UInt32) -> Bool { wheel.deadline(of: number) != nil }

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
