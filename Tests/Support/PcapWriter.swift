public import Timing

#if canImport(Glibc)
    import Glibc
#endif

/// Collects frames as a plain pcap file, for Wireshark to show what a failed run saw.
public struct PcapWriter: Sendable {
    /// The file so far: nanosecond times, Ethernet, little endian.
    public private(set) var bytes: [UInt8]

    /// A file without frames.
    public init() {
        bytes = Self.little(0xa1b2_3c4d) + Self.little(4 << 16 | 2)
        bytes += Self.little(0) + Self.little(0) + Self.little(262_144) + Self.little(1)
    }

    /// Appends a frame that was seen at `time`.
    public mutating func add(_ frame: [UInt8], at time: Instant) {
        let (seconds, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        bytes += Self.little(UInt32(truncatingIfNeeded: seconds))
        bytes += Self.little(UInt32(truncatingIfNeeded: rest))
        let count = Self.little(UInt32(truncatingIfNeeded: frame.count))
        bytes += count + count + frame
    }

    /// Writes the file; false if that failed.
    public func write(to path: String) -> Bool {
        guard let file = unsafe fopen(path, "wb") else { return false }
        let written = unsafe fwrite(bytes, 1, bytes.count, file)
        return unsafe fclose(file) == 0 && written == bytes.count
    }

    private static func little(_ value: UInt32) -> [UInt8] { octets(value).reversed() }
}
