public import Timing
public import Wire

/// What one side has received, sent and dropped since the start.
public struct SideCounters: Sendable {
    /// Frames received.
    public var receivedPackets: UInt64 = 0
    /// Octets received, Ethernet headers included.
    public var receivedBytes: UInt64 = 0
    /// Frames handed to the device.
    public var sentPackets: UInt64 = 0
    /// Octets handed to the device, Ethernet headers included.
    public var sentBytes: UInt64 = 0
    /// Drops by `DropReason.rawValue`, on the side the packet came from.
    public var drops = InlineArray<96, UInt64>(repeating: 0)
    /// When the last drop of each kind was.
    public var lastDrop = InlineArray<96, Instant>(repeating: .zero)
    /// ICMP errors sent because of packets of this side.
    public var errorsSent: UInt64 = 0
    /// ICMP errors not sent because of the rate limits.
    public var errorsSuppressed: UInt64 = 0

    /// All zero.
    public init() { precondition(DropReason.count <= 96) }

    /// Counts a dropped packet.
    public mutating func drop(_ reason: DropReason, at now: Instant) {
        drops[Int(reason.rawValue)] &+= 1
        lastDrop[Int(reason.rawValue)] = now
    }

    /// Adds those of another worker.
    public mutating func add(_ other: SideCounters) {
        receivedPackets &+= other.receivedPackets
        receivedBytes &+= other.receivedBytes
        sentPackets &+= other.sentPackets
        sentBytes &+= other.sentBytes
        errorsSent &+= other.errorsSent
        errorsSuppressed &+= other.errorsSuppressed
        for reason in 0..<DropReason.count {
            drops[reason] &+= other.drops[reason]
            lastDrop[reason] = max(lastDrop[reason], other.lastDrop[reason])
        }
    }

    /// Drops for `reason`.
    public subscript(reason: DropReason) -> UInt64 { drops[Int(reason.rawValue)] }
}
