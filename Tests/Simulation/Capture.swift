import Support
public import Timing

#if canImport(Glibc)
    import Glibc
#endif

/// What passed the gateway, kept to be looked at when a run fails.
public struct Capture: Sendable {
    private var frames: [(time: Instant, frame: [UInt8])] = []
    private let most: Int

    /// Keeps the last `most` frames.
    public init(most: Int = 20_000) { self.most = most }

    /// Adds a frame as it came or left.
    public mutating func add(_ frame: [UInt8], at time: Instant) {
        if frames.count >= most { frames.removeFirst(most / 2) }
        frames.append((time, frame))
    }

    /// Writes a pcap file into the directory for temporary files; its path, or why there is none.
    public func save(named name: String) -> String {
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        let path = "\(folder)/gateway-\(name)-\(getpid()).pcap"
        var writer = PcapWriter()
        for entry in frames { writer.add(entry.frame, at: entry.time) }
        return writer.write(to: path) ? path : "no capture: \(path) cannot be written"
    }
}
