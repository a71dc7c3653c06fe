import Glibc

/// Where an array lies in a region: offset and count of elements.
@frozen
public struct Extent<Element: BitwiseCopyable>: Sendable {
    @usableFromInline let offset: Int
    /// Number of elements.
    public let count: Int
}

/// Adds up the arrays that a region will hold, so that the region can be one allocation.
@frozen
public struct RegionLayout: Sendable {
    /// Bytes reserved so far.
    public private(set) var byteCount = 0

    /// An empty layout.
    public init() {}

    /// Reserves room for `count` elements, aligned to a cache line.
    public mutating func reserve<Element: BitwiseCopyable>(
        _: Element.Type = Element.self, count: Int
    ) -> Extent<Element> {
        precondition(count >= 0)
        let extent = Extent<Element>(offset: byteCount, count: count)
        byteCount += (count * MemoryLayout<Element>.stride + 63) & ~63
        return extent
    }
}

/// One zeroed, fixed-size block of memory that holds every table of an engine.
///
/// Tables refer to each other by index, never by pointer, so that the block can be mapped at
/// another address by a successor process. Pages are touched when first used.
@safe
public struct Region: ~Copyable {
    /// What was allocated; `base` is the first cache line within.
    private let allocation: UnsafeMutableRawPointer
    private let base: UnsafeMutableRawPointer
    /// Size in bytes.
    public let byteCount: Int

    /// Allocates the zeroed block that `layout` asks for.
    public init(_ layout: RegionLayout) {
        byteCount = max(layout.byteCount, 64)
        // Above glibc's threshold calloc maps fresh zero pages, which cost nothing until touched.
        // It aligns to 16 bytes only, so one cache line more is asked for.
        guard let memory = unsafe calloc(byteCount / 64 + 2, 64) else {
            fatalError("out of memory: \(byteCount) bytes for a table")
        }
        unsafe allocation = memory
        unsafe base = memory.alignedUp(toMultipleOf: 64)
    }

    deinit { unsafe free(allocation) }

    /// The array at `extent`. It must not outlive the region: keep both in one struct.
    public func array<Element: BitwiseCopyable>(_ extent: Extent<Element>) -> FlatArray<Element> {
        precondition(
            extent.offset + extent.count * MemoryLayout<Element>.stride <= byteCount,
            "extent of another layout")
        return unsafe FlatArray(
            base: (base + extent.offset).assumingMemoryBound(to: Element.self),
            count: extent.count)
    }
}

/// A fixed array in a region; elements are read and changed in place, every index is checked.
@safe
@frozen
public struct FlatArray<Element: BitwiseCopyable>: @unchecked Sendable {
    @usableFromInline let base: UnsafeMutablePointer<Element>
    /// Number of elements.
    public let count: Int

    @inlinable
    init(base: UnsafeMutablePointer<Element>, count: Int) {
        unsafe self.base = unsafe base
        self.count = count
    }

    /// The element at `index`, in place. Traps when out of range.
    @inlinable
    public subscript(index: Int) -> Element {
        @inline(__always) unsafeAddress {
            precondition(index >= 0 && index < count)
            return unsafe UnsafePointer(base + index)
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            precondition(index >= 0 && index < count)
            return unsafe base + index
        }
    }

    /// Sets the elements of a range to one value. Traps when out of range.
    public func fill(_ range: Range<Int>, with value: Element) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        unsafe (base + range.lowerBound).update(repeating: value, count: range.count)
    }

    /// Takes over the first `count` elements of another array, which both must have.
    public func copy(_ count: Int, from other: FlatArray) {
        precondition(count >= 0 && count <= self.count && count <= other.count)
        unsafe base.update(from: other.base, count: count)
    }

    /// The element at `index`, in place. Traps when out of range.
    @inlinable
    public subscript(index: UInt32) -> Element {
        @inline(__always) unsafeAddress {
            precondition(Int(index) < count)
            return unsafe UnsafePointer(base + Int(index))
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            precondition(Int(index) < count)
            return unsafe base + Int(index)
        }
    }
}
