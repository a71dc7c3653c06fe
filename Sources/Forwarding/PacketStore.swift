import Memory
import Wire

/// Packets that wait: for a neighbour's address or for the rest of a datagram. Fixed memory.
struct PacketStore: ~Copyable {
    /// A held frame and what is needed to take it up again.
    struct Held: BitwiseCopyable {
        /// Next in its queue, + 1.
        var next: UInt32
        /// First of its blocks.
        var block: UInt32
        /// Octets, without virtio-net header.
        var length: UInt32
        var header: VirtioNetHeader
        var side: Side
        /// Made here, and it needs no more than this neighbour; nil for all others.
        var neighbor: UInt32?
        /// What is to be done with it.
        var kind: HandOver
    }

    private struct Block: BitwiseCopyable {
        var next: UInt32
        var pad: UInt32
        var bytes: InlineArray<2040, UInt8>
    }

    private static let blockBytes = 2040

    private let region: Region
    private let blocks: FlatArray<Block>
    private var blockPool: IndexPool
    private let held: FlatArray<Held>
    private var heldPool: IndexPool

    /// Room for `packets` packets in `blocks` blocks of about 2 KiB.
    init(packets: Int, blocks count: Int) {
        var layout = RegionLayout()
        let blockExtent = layout.reserve(Block.self, count: count)
        let blockFree = layout.reserve(UInt32.self, count: count)
        let heldExtent = layout.reserve(Held.self, count: packets)
        let heldFree = layout.reserve(UInt32.self, count: packets)
        region = Region(layout)
        blocks = region.array(blockExtent)
        blockPool = IndexPool(next: region.array(blockFree))
        held = region.array(heldExtent)
        heldPool = IndexPool(next: region.array(heldFree))
    }

    /// Packets held.
    var count: Int { heldPool.used }

    subscript(number: UInt32) -> Held {
        get { held[number] }
        nonmutating set { held[number] = newValue }
    }

    /// Whether a piece of a datagram may be kept beside `pieces` others: half of the room, 4 MiB,
    /// stays for packets that wait for a neighbour (SECURITY S20).
    func hasRoomForPiece(_ byteCount: Int, beside pieces: Int) -> Bool {
        let needed = byteCount / Self.blockBytes + 1
        return pieces < heldPool.capacity / 2
            && blockPool.capacity - blockPool.used > blockPool.capacity / 2 + needed
    }

    /// Keeps a copy of a frame; nil when there is no room.
    mutating func hold(
        _ frame: RawSpan, _ header: VirtioNetHeader, _ side: Side, as kind: HandOver = .received,
        ownTo neighbor: UInt32? = nil
    ) -> UInt32? {
        let needed = max((frame.byteCount + Self.blockBytes - 1) / Self.blockBytes, 1)
        guard blockPool.capacity - blockPool.used >= needed, let number = heldPool.take() else {
            return nil
        }
        var first: UInt32 = 0
        var last: UInt32?
        var offset = 0
        for _ in 0..<needed {
            guard let block = blockPool.take() else { break }
            let count = min(frame.byteCount - offset, Self.blockBytes)
            blocks[block].next = 0
            Self.fill(&blocks[block].bytes, frame.part(offset, count))
            if let last { blocks[last].next = block } else { first = block }
            last = block
            offset += count
        }
        held[number] = Held(
            next: 0, block: first, length: UInt32(frame.byteCount), header: header, side: side,
            neighbor: neighbor, kind: kind)
        return number
    }

    private static func fill(_ bytes: inout InlineArray<2040, UInt8>, _ part: RawSpan) {
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        raw.copy(part, to: 0)
    }

    /// Copies octets `from..<from + count` of a held frame to `offset` of `target`.
    func copy(
        _ number: UInt32, from: Int, count: Int, to target: inout MutableRawSpan, at offset: Int
    ) {
        var block = held[number].block
        var skip = from
        while skip >= Self.blockBytes {
            block = blocks[block].next
            skip -= Self.blockBytes
        }
        var done = 0
        while done < count {
            let part = min(count - done, Self.blockBytes - skip)
            Self.read(blocks[block].bytes, skip, part, &target, offset + done)
            done += part
            skip = 0
            block = blocks[block].next
        }
    }

    private static func read(
        _ bytes: borrowing InlineArray<2040, UInt8>, _ from: Int, _ count: Int,
        _ target: inout MutableRawSpan, _ offset: Int
    ) {
        target.copy(unsafe bytes.span.bytes.part(from, count), to: offset)
    }

    /// Forgets a held frame.
    mutating func release(_ number: UInt32) {
        var block = held[number].block
        var left = max((Int(held[number].length) + Self.blockBytes - 1) / Self.blockBytes, 1)
        while left > 0 {
            let next = blocks[block].next
            blockPool.give(block)
            block = next
            left -= 1
        }
        heldPool.give(number)
    }
}

/// A queue of held packets, linked through their records.
struct HeldQueue: BitwiseCopyable {
    private var first: UInt32 = 0
    private var last: UInt32 = 0
    /// Packets in it.
    private(set) var count: UInt32 = 0
    /// Their octets.
    private(set) var bytes: UInt32 = 0

    mutating func append(_ number: UInt32, in store: borrowing PacketStore) {
        store[number].next = 0
        if first == 0 { first = number + 1 } else { store[last - 1].next = number + 1 }
        last = number + 1
        count += 1
        bytes += store[number].length
    }

    mutating func popFirst(in store: borrowing PacketStore) -> UInt32? {
        guard first != 0 else { return nil }
        let number = first - 1
        first = store[number].next
        count -= 1
        bytes -= store[number].length
        return number
    }

    /// Takes over every packet of another queue, behind the own ones.
    mutating func append(contentsOf other: inout HeldQueue, in store: borrowing PacketStore) {
        guard other.first != 0 else { return }
        if first == 0 { first = other.first } else { store[last - 1].next = other.first }
        last = other.last
        count += other.count
        bytes += other.bytes
        other = HeldQueue()
    }
}
