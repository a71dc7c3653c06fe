/// The Internet checksum: one's complement sums of 16-bit words (RFC 1071, RFC 1624).
public enum Checksum {
    /// Folds a sum to 16 bits.
    @inlinable @inline(__always)
    public static func fold(_ sum: UInt64) -> UInt16 {
        var s = (sum & 0xffff_ffff) &+ (sum >> 32)
        s = (s & 0xffff) &+ (s >> 16)
        s = (s & 0xffff) &+ (s >> 16)
        s = (s & 0xffff) &+ (s >> 16)
        return UInt16(truncatingIfNeeded: s)
    }

    /// The unfolded sum of `bytes`, an odd last octet padded with zero; O(n).
    @inlinable
    public static func sum(_ bytes: RawSpan) -> UInt64 {
        // Sums words in the machine's order and swaps once at the end (RFC 1071 §2 B).
        var low: UInt64 = 0
        var high: UInt64 = 0
        var offset = 0
        let count = bytes.byteCount
        while offset &+ 8 <= count {
            let word = bytes.native64(offset)
            low &+= word & 0xffff_ffff
            high &+= word >> 32
            offset &+= 8
        }
        let native = fold(fold64(low, high))
        var result = UInt64(native.byteSwapped)
        while offset &+ 2 <= count {
            result &+= UInt64(bytes.be16(offset))
            offset &+= 2
        }
        if offset < count { result &+= UInt64(bytes.byte(offset)) << 8 }
        return result
    }

    @inlinable @inline(__always)
    static func fold64(_ low: UInt64, _ high: UInt64) -> UInt64 {
        // Up to 64 KiB is summed: both stay far below 2^62.
        low &+ high
    }

    /// The sum of the pseudo header (RFC 768, RFC 9293 §3.1); `length` is that of the transport part.
    @inlinable @inline(__always)
    public static func pseudoHeader(
        source: UInt32, destination: UInt32, proto: UInt8, length: Int
    ) -> UInt64 {
        UInt64(source) &+ UInt64(destination) &+ UInt64(proto)
            &+ UInt64(truncatingIfNeeded: length)
    }

    /// Adds the change of a word from `old` to `new` to a delta (RFC 1624 eqn 3).
    @inlinable @inline(__always)
    public static func delta(old: UInt32, new: UInt32) -> UInt64 {
        UInt64(~old) &+ UInt64(new)
    }

    /// `checksum` after the words summed in `delta` changed: HC' = ~(~HC + ~m + m') (RFC 1624).
    @inlinable @inline(__always)
    public static func update(_ checksum: UInt16, by delta: UInt16) -> UInt16 {
        ~fold(UInt64(~checksum) &+ UInt64(delta))
    }

    /// A partial checksum, which is the plain pseudo-header sum, after the words in `delta` changed.
    @inlinable @inline(__always)
    public static func updatePartial(_ sum: UInt16, by delta: UInt16) -> UInt16 {
        fold(UInt64(sum) &+ UInt64(delta))
    }
}
