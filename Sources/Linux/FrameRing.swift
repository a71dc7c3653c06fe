import Glibc
import Synchronization
public import Wire

/// Frames on their way from one thread to another: a ring of octets with one sender and one
/// receiver, neither of which ever waits. Nothing is allocated after `init`.
@safe
public final class FrameRing: @unchecked Sendable {
    /// Octets that the ring is a whole number of, and its records too.
    fileprivate static let step = 16
    /// Says in place of a length that the rest up to the end of the ring is not used.
    fileprivate static let skip = UInt32.max

    fileprivate let base: UnsafeMutableRawPointer
    fileprivate let capacity: Int
    /// Octets taken out and put in since the start.
    fileprivate let taken = Padded()
    fileprivate let put = Padded()

    /// On a cache line of its own.
    fileprivate struct Padded: ~Copyable {
        private let before = InlineArray<8, Int>(repeating: 0)
        let count = Atomic<Int>(0)
        private let after = InlineArray<7, Int>(repeating: 0)
    }

    /// A ring of `1 << bits` octets, at least 17 bits: one of the largest frames.
    public init(bits: Int = 19) {
        precondition((17...30).contains(bits))
        capacity = 1 << bits
        guard let memory = unsafe calloc(1, capacity) else {
            fatalError("out of memory: \(capacity) bytes between workers")
        }
        unsafe base = memory
    }

    deinit { unsafe free(base) }

    fileprivate func bytes(_ position: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
        let start = position & (capacity - 1)
        precondition(start + count <= capacity)
        return unsafe UnsafeMutableRawBufferPointer(start: base + start, count: count)
    }

    /// Whether the receiver would get a frame now.
    public var isEmpty: Bool {
        put.count.load(ordering: .sequentiallyConsistent)
            == taken.count.load(ordering: .relaxed)
    }
}

/// The end of a ring that frames go in by; one thread has it.
public struct RingSender: Sendable {
    private let ring: FrameRing
    private var put = 0
    private var published = 0
    /// What the receiver had taken when last looked at.
    private var taken = 0

    /// The only sender of `ring`.
    public init(_ ring: FrameRing) { self.ring = ring }

    /// Copies a frame into the ring, its offload metadata in front; false when there is no room.
    ///
    /// The receiver gets it after `publish`, together with `side` and `kind`.
    public mutating func push(
        _ frame: RawSpan, _ header: VirtioNetHeader, on side: Side, as kind: UInt8
    ) -> Bool {
        let length = VirtioNetHeader.length + frame.byteCount
        let total = (8 + length + FrameRing.step - 1) & ~(FrameRing.step - 1)
        let left = ring.capacity - put & (ring.capacity - 1)
        let skipped = left < total ? left : 0
        if ring.capacity - (put - taken) < skipped + total {
            taken = ring.taken.count.load(ordering: .acquiring)
            guard ring.capacity - (put - taken) >= skipped + total else { return false }
        }
        if skipped > 0 {
            var rest = unsafe ring.bytes(put, 8).mutableBytes
            rest.setBe32(0, FrameRing.skip)
            put += skipped
        }
        var record = unsafe ring.bytes(put, total).mutableBytes
        record.setBe32(0, UInt32(truncatingIfNeeded: length))
        record.setByte(4, side.rawValue)
        record.setByte(5, kind)
        var slot = record.from(8)
        header.write(to: &slot)
        slot.copy(frame, to: VirtioNetHeader.length)
        put += total
        return true
    }

    /// Lets the receiver have what was pushed; whether there was anything new.
    public mutating func publish() -> Bool {
        guard put != published else { return false }
        published = put
        ring.put.count.store(put, ordering: .sequentiallyConsistent)
        return true
    }
}

/// The end of a ring that frames come out by; one thread has it.
public struct RingReceiver: Sendable {
    /// A frame that came out.
    public struct Arrival: Sendable {
        /// Octets in the slot, virtio-net header included.
        public let length: Int
        /// The side it came in on.
        public let side: Side
        /// What the sender said.
        public let kind: UInt8
    }

    private let ring: FrameRing
    private var taken = 0
    private var put = 0

    /// The only receiver of `ring`.
    public init(_ ring: FrameRing) { self.ring = ring }

    /// Whether a frame has been published that was not taken.
    public var isEmpty: Bool { ring.isEmpty }

    /// Moves the next frame into `slot`, which must hold the largest one; nil if there is none.
    public mutating func pop(into slot: inout MutableRawSpan) -> Arrival? {
        while true {
            if taken == put {
                put = ring.put.count.load(ordering: .acquiring)
                guard taken != put else { return nil }
            }
            let head = unsafe ring.bytes(taken, 8).bytes
            guard head.be32(0) != FrameRing.skip else {
                taken += ring.capacity - taken & (ring.capacity - 1)
                continue
            }
            let length = Int(head.be32(0))
            let arrival = Arrival(
                length: length, side: Side(rawValue: head.byte(4)) ?? .lan, kind: head.byte(5))
            slot.copy(unsafe ring.bytes(taken, 8 + length).bytes.part(8, length), to: 0)
            taken += (8 + length + FrameRing.step - 1) & ~(FrameRing.step - 1)
            ring.taken.count.store(taken, ordering: .releasing)
            return arrival
        }
    }
}

/// Wakes a thread that sleeps, and costs a glance while it does not.
public final class Doorbell: Sendable {
    private let isAsleep = Atomic<Bool>(false)
    private let wakeUp: @Sendable () -> Void

    /// A bell that calls `wakeUp`.
    public init(_ wakeUp: @escaping @Sendable () -> Void) { self.wakeUp = wakeUp }

    /// Wakes the thread if it sleeps. What it is to see must have been published before.
    public func ring() {
        guard isAsleep.load(ordering: .sequentiallyConsistent),
            isAsleep.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        wakeUp()
    }

    /// The thread is about to sleep: it must look once more for what there is to do.
    public func fallAsleep() { isAsleep.store(true, ordering: .sequentiallyConsistent) }

    /// The thread is awake.
    public func getUp() { isAsleep.store(false, ordering: .relaxed) }
}
