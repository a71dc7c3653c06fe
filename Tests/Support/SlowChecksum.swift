/// The Internet checksum written for clarity: 16 bits at a time, carry by carry (RFC 1071 §1).
///
/// It shares nothing with `Wire.Checksum`, so that each can prove the other.
public enum SlowChecksum {
    /// One's complement sum of big-endian words; an odd last octet is padded with zero.
    public static func sum(_ bytes: [UInt8]) -> UInt16 {
        var total: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            let low = index + 1 < bytes.count ? bytes[index + 1] : 0
            total += UInt32(bytes[index]) * 256 + UInt32(low)
            if total > 0xffff { total -= 0xffff }
        }
        return UInt16(total)
    }

    /// The checksum of bytes whose checksum field is zero.
    public static func checksum(_ bytes: [UInt8]) -> UInt16 { 0xffff - sum(bytes) }

    /// Whether bytes that include their checksum are intact.
    public static func isIntact(_ bytes: [UInt8]) -> Bool { sum(bytes) == 0xffff }

    /// The pseudo header of an IPv4 packet for a transport part of `length` octets.
    public static func pseudoHeader(of packet: [UInt8], length: Int) -> [UInt8] {
        Array(packet[12..<20]) + [0, packet[9], UInt8(length >> 8 & 255), UInt8(length & 255)]
    }
}
