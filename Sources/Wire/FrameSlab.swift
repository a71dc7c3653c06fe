import Glibc

/// Owns every frame buffer of a worker; a frame is lent as a span for the length of one call.
///
/// A slot holds a virtio-net header, the largest frame a TAP can give, and room to see that a read
/// was cut off. The loop keeps the slab apart from the pipeline, which is lent one frame at a time.
@safe
public struct FrameSlab: ~Copyable {
    /// Largest frame: 64 KiB of IP packet behind an Ethernet header with a VLAN tag.
    public static let largestFrame = 65_535 + 14 + 4
    /// Distance of two slots; not a power of two, so that slots do not share cache sets.
    public static let stride = (VirtioNetHeader.length + largestFrame + 1 + 127) & ~63 + 64

    private let base: UnsafeMutableRawPointer
    /// Number of slots.
    public let count: Int

    /// A slab of `count` slots; pages are touched when first used.
    public init(count: Int) {
        precondition(count > 0)
        guard let memory = unsafe calloc(count, Self.stride) else {
            fatalError("out of memory: \(count) frame buffers")
        }
        unsafe base = memory
        self.count = count
    }

    deinit { unsafe free(base) }

    /// The first `length` octets of a slot, virtio-net header first.
    @_lifetime(&self)
    public mutating func slot(_ index: Int, length: Int) -> MutableRawSpan {
        precondition(index >= 0 && index < count && length >= 0 && length <= Self.stride)
        let span = unsafe MutableRawSpan(
            _unsafeStart: base + index &* Self.stride, byteCount: length)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// Lends slot `a` for changing and the first `length` octets of slot `b`, another one, for
    /// reading.
    public mutating func withSlots<R>(
        _ a: Int, _ b: Int, length: Int, _ body: (inout MutableRawSpan, RawSpan) -> R
    ) -> R {
        precondition(a >= 0 && a < count && b >= 0 && b < count && a != b)
        precondition(length >= 0 && length <= Self.stride)
        var first = unsafe MutableRawSpan(
            _unsafeStart: base + a &* Self.stride, byteCount: Self.stride)
        let second = unsafe RawSpan(_unsafeStart: base + b &* Self.stride, byteCount: length)
        return body(&first, second)
    }

    /// Calls `body` with the whole slot, for a system call to fill or send.
    @inline(__always)
    public mutating func withSlot<R>(
        _ index: Int, _ body: (UnsafeMutableRawBufferPointer) -> R
    ) -> R {
        precondition(index >= 0 && index < count)
        return unsafe body(
            UnsafeMutableRawBufferPointer(start: base + index &* Self.stride, count: Self.stride))
    }
}
