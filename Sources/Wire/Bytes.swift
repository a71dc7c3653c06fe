/// What was wrong with untrusted bytes.
@frozen
public enum Malformed: Error, Hashable, Sendable {
    /// Fewer bytes than the format needs.
    case truncated
    /// A version, type or constant field of another protocol.
    case version
    /// A length field that contradicts itself or the bytes at hand.
    case length
    /// A checksum that does not fit.
    case checksum
    /// A field with a value the format forbids.
    case value
}

extension RawSpan {
    /// The octet at `offset`. Traps when out of range, as all accessors here.
    @inlinable @inline(__always)
    public func byte(_ offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The 16-bit number at `offset`, network order.
    @inlinable @inline(__always)
    public func be16(_ offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The 32-bit number at `offset`, network order.
    @inlinable @inline(__always)
    public func be32(_ offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The 64-bit number at `offset` in the machine's order, for sums.
    @inlinable @inline(__always)
    func native64(_ offset: Int) -> UInt64 {
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// The part of `count` bytes at `offset`.
    @inlinable @inline(__always) @_lifetime(copy self)
    public func part(_ offset: Int, _ count: Int) -> RawSpan {
        extracting(offset..<(offset &+ count))
    }
}

extension MutableRawSpan {
    /// The octet at `offset`. Traps when out of range, as all accessors here.
    @inlinable @inline(__always)
    public func byte(_ offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The 16-bit number at `offset`, network order.
    @inlinable @inline(__always)
    public func be16(_ offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The 32-bit number at `offset`, network order.
    @inlinable @inline(__always)
    public func be32(_ offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The 64-bit number at `offset`, network order.
    @inlinable @inline(__always)
    public func be64(_ offset: Int) -> UInt64 { UInt64(bigEndian: native64(offset)) }

    /// The 64-bit number at `offset` in the machine's order, for sums.
    @inlinable @inline(__always)
    func native64(_ offset: Int) -> UInt64 {
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// The 48-bit number at `offset`, network order.
    @inlinable @inline(__always)
    public func be48(_ offset: Int) -> UInt64 {
        UInt64(be16(offset)) << 32 | UInt64(be32(offset &+ 2))
    }

    /// Sets the octet at `offset`.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func setByte(_ offset: Int, _ value: UInt8) {
        storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
    }

    /// Sets the 16-bit number at `offset`, network order.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func setBe16(_ offset: Int, _ value: UInt16) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    /// Sets the 32-bit number at `offset`, network order.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func setBe32(_ offset: Int, _ value: UInt32) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Sets the 48-bit number at `offset`, network order.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func setBe48(_ offset: Int, _ value: UInt64) {
        setBe16(offset, UInt16(truncatingIfNeeded: value >> 32))
        setBe32(offset &+ 2, UInt32(truncatingIfNeeded: value))
    }

    /// Copies `source` to `offset`. Traps when it does not fit.
    @inlinable @_lifetime(self: copy self)
    public mutating func copy(_ source: RawSpan, to offset: Int) {
        precondition(offset >= 0 && source.byteCount <= byteCount &- offset)
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { from in
                guard let base = target.baseAddress, let start = from.baseAddress else { return }
                unsafe base.advanced(by: offset).copyMemory(from: start, byteCount: from.count)
            }
        }
    }

    /// The `count` bytes from `offset` on, lent.
    @inlinable @inline(__always) @_lifetime(&self)
    public mutating func window(_ offset: Int, _ count: Int) -> MutableRawSpan {
        _mutatingExtracting(offset..<(offset &+ count))
    }

    /// The bytes from `offset` on, lent.
    @inlinable @inline(__always) @_lifetime(&self)
    public mutating func from(_ offset: Int) -> MutableRawSpan {
        _mutatingExtracting(droppingFirst: offset)
    }
}

/// A cursor over untrusted bytes; every read is checked and advances.
@frozen
public struct ByteReader: ~Escapable {
    @usableFromInline var rest: RawSpan

    /// A cursor at the start of `bytes`.
    @inlinable @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { rest = bytes }

    /// Bytes not read yet.
    @inlinable public var remaining: Int { rest.byteCount }

    /// The next number, network order.
    @inlinable @_lifetime(self: copy self)
    public mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type = T.self
    ) throws(Malformed) -> T {
        guard rest.byteCount >= MemoryLayout<T>.size else { throw .truncated }
        let value = unsafe T(bigEndian: rest.unsafeLoadUnaligned(as: T.self))
        rest = rest.extracting(droppingFirst: MemoryLayout<T>.size)
        return value
    }

    /// The next `count` bytes.
    @inlinable @_lifetime(self: copy self) @_lifetime(copy self)
    public mutating func take(_ count: Int) throws(Malformed) -> RawSpan {
        guard count >= 0, rest.byteCount >= count else { throw .truncated }
        let taken = rest.extracting(first: count)
        rest = rest.extracting(droppingFirst: count)
        return taken
    }
}

/// A cursor that fills a frame from the front; the mirror of `ByteReader`.
@frozen
public struct ByteWriter: ~Copyable, ~Escapable {
    @usableFromInline var bytes: MutableRawSpan
    /// Bytes written.
    public private(set) var count = 0

    /// A cursor at the start of `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: consuming MutableRawSpan) { self.bytes = bytes }

    /// Appends a number, network order. Traps when the space, whose size is our choice, is used up.
    @_lifetime(self: copy self)
    public mutating func write<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    /// Appends bytes.
    @_lifetime(self: copy self)
    public mutating func write(_ source: RawSpan) {
        bytes.copy(source, to: count)
        count += source.byteCount
    }
}
