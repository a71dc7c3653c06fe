import Glibc
public import Wire

/// The frames that leave after a batch, in order: forwarded ones in their slab slots, generated
/// ones in memory of its own. Cleared after each batch; never grows.
@safe
public struct Outbox: ~Copyable {
    /// Where the bytes of a frame lie.
    public enum Place: Sendable {
        /// In a slot of the worker's slab.
        case slot(Int)
        /// In the outbox, at this offset.
        case own(Int)
    }

    /// One frame to write, virtio-net header included.
    public struct Entry: Sendable {
        /// Where its bytes lie.
        public var place: Place
        /// Octets, virtio-net header included.
        public var length: Int
        /// The side it leaves by.
        public var side: Side
    }

    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private var used = 0
    private var list: [Entry] = []
    private let mostEntries: Int

    /// An outbox with `capacity` octets for generated frames and room for `entries` frames in all.
    public init(capacity: Int = 4 << 20, entries: Int = 8192) {
        guard let memory = unsafe calloc(1, capacity) else {
            fatalError("out of memory: \(capacity) bytes of output")
        }
        unsafe base = memory
        self.capacity = capacity
        mostEntries = entries
        list.reserveCapacity(entries)
    }

    deinit { unsafe free(base) }

    /// Frames to write.
    public var count: Int { list.count }

    /// Frame `index`, in order.
    public subscript(index: Int) -> Entry { list[index] }

    /// Appends a frame that lies in a slab slot. False when full.
    public mutating func append(slot: Int, length: Int, side: Side) -> Bool {
        guard list.count < mostEntries else { return false }
        list.append(Entry(place: .slot(slot), length: length, side: side))
        return true
    }

    /// Appends a generated frame of `length` octets, whose bytes `fill` writes. False when full.
    ///
    /// The memory is not cleared before: `fill` must write every octet.
    public mutating func compose(
        _ side: Side, length: Int, header: VirtioNetHeader = VirtioNetHeader(),
        _ fill: (inout MutableRawSpan) -> Void
    ) -> Bool {
        let total = VirtioNetHeader.length + length
        guard list.count < mostEntries, length >= 0, capacity - used >= total else { return false }
        var bytes = unsafe MutableRawSpan(_unsafeStart: base + used, byteCount: total)
        header.write(to: &bytes)
        var frame = bytes.from(VirtioNetHeader.length)
        fill(&frame)
        list.append(Entry(place: .own(used), length: total, side: side))
        used += (total + 15) & ~15
        return true
    }

    /// Takes the last generated frame back and lends it, virtio-net header first.
    mutating func takeBack(_ body: (RawSpan) -> Void) {
        guard let last = list.popLast(), case .own(let offset) = last.place else { return }
        used = offset
        body(unsafe RawSpan(_unsafeStart: base + offset, byteCount: last.length))
    }

    /// Calls `body` with the bytes of a generated frame, virtio-net header first.
    public func withOwn<R>(_ offset: Int, length: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        precondition(offset >= 0 && length >= 0 && offset + length <= capacity)
        return unsafe body(UnsafeRawBufferPointer(start: base + offset, count: length))
    }

    /// Forgets every frame.
    public mutating func removeAll() {
        list.removeAll(keepingCapacity: true)
        used = 0
    }
}
