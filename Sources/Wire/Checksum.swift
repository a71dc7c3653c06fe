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

    /// Folds a sum of less than 2^16 words to 16 bits.
    @inlinable @inline(__always)
    public static func fold(_ sum: UInt32) -> UInt16 {
        let s = (sum & 0xffff) &+ (sum >> 16)
        return UInt16(truncatingIfNeeded: (s & 0xffff) &+ (s >> 16))
    }

    /// The unfolded sum of `bytes`, an odd last octet padded with zero; O(n).
    @inlinable
    public static func sum(_ bytes: RawSpan) -> UInt64 {
        // Sums words in the machine's order and swaps once at the end; what one of 64 bits carries
        // out goes back in (RFC 1071 §2 B, C).
        var words: UInt64 = 0
        var offset = 0
        let count = bytes.byteCount
        while offset &+ 8 <= count {
            let (sum, carry) = words.addingReportingOverflow(bytes.native64(offset))
            words = sum &+ (carry ? 1 : 0)
            offset &+= 8
        }
        var result = UInt64(UInt16(bigEndian: fold(words)))
        if offset &+ 4 <= count {
            result &+= UInt64(bytes.be32(offset))
            offset &+= 4
        }
        if offset &+ 2 <= count {
            result &+= UInt64(bytes.be16(offset))
            offset &+= 2
        }
        if offset < count { result &+= UInt64(bytes.byte(offset)) << 8 }
        return result
    }

    /// The sum of the pseudo header (RFC 768, RFC 9293 §3.1); `length` is of the transport part.
    @inlinable @inline(__always)
    public static func pseudoHeader(
        source: UInt32, destination: UInt32, proto: UInt8, length: Int
    ) -> UInt64 {
        UInt64(source) &+ UInt64(destination) &+ UInt64(proto)
            &+ UInt64(truncatingIfNeeded: length)
    }

    /// What changing a word, or an address of two words, from `old` to `new` adds (RFC 1624 §3).
    ///
    /// Deltas of several words are added and folded before use.
    @inlinable @inline(__always)
    public static func delta(old: UInt32, new: UInt32) -> UInt64 {
        UInt64(~old) &+ UInt64(new)
    }

    /// `checksum` after the words summed in `delta` changed: HC' = ~(~HC + ~m + m') (RFC 1624 §3).
    ///
    /// A wrong checksum stays wrong. For UDP use `updateUDP`.
    @inlinable @inline(__always)
    public static func update(_ checksum: UInt16, by delta: UInt16) -> UInt16 {
        ~fold(UInt32(~checksum) &+ UInt32(delta))
    }

    /// As `update` for UDP: 0, not computed, stays 0, and a computed 0 is sent as 0xffff (RFC 768).
    @inlinable @inline(__always)
    public static func updateUDP(_ checksum: UInt16, by delta: UInt16) -> UInt16 {
        if checksum == 0 { return 0 }
        let updated = update(checksum, by: delta)
        return updated == 0 ? 0xffff : updated
    }

    /// A partial checksum, the plain pseudo-header sum, after the words in `delta` changed.
    @inlinable @inline(__always)
    public static func updatePartial(_ sum: UInt16, by delta: UInt16) -> UInt16 {
        fold(UInt32(sum) &+ UInt32(delta))
    }
}

extension MutableRawSpan {
    /// Whether the checksum of the 20 octets at `offset`, which is among them, is right.
    @inlinable @inline(__always)
    func holdsChecksum20(_ offset: Int) -> Bool {
        // The order of octets does not matter where the sum is all ones (RFC 1071 §2 B).
        let (sum, carry) = native64(offset).addingReportingOverflow(native64(offset &+ 8))
        let rest = UInt64(be32(offset &+ 16).bigEndian) &+ (carry ? 1 : 0)
        return Checksum.fold((sum & 0xffff_ffff) &+ (sum >> 32) &+ rest) == 0xffff
    }
}
