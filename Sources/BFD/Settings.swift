public import Timing
public import Wire

/// How fast a session is.
public struct BFDTiming: Hashable, Sendable {
    /// From one packet of ours to the next, at least; 1 microsecond to 71 minutes.
    public var transmit = Interval.milliseconds(300)
    /// From one packet of the neighbour's to the next, at least.
    public var receive = Interval.milliseconds(300)
    /// Packets of ours that may be missing before the neighbour gives us up, 1 to 255.
    public var multiplier: UInt8 = 3

    /// The defaults, which are FRR's.
    public init() {}

    /// Fast enough for both.
    public func joined(with other: BFDTiming) -> BFDTiming {
        var timing = self
        timing.transmit = min(transmit, other.transmit)
        timing.receive = min(receive, other.receive)
        timing.multiplier = min(multiplier, other.multiplier)
        return timing
    }
}

/// A neighbour on a link.
public struct BFDPeer: Hashable, Sendable, Comparable {
    /// Number of the interface.
    public var interface: Int
    /// The neighbour's address.
    public var address: IPv4Address

    /// The neighbour at `address` on `interface`.
    public init(interface: Int, _ address: IPv4Address) {
        self.interface = interface
        self.address = address
    }

    /// Orders by value.
    public static func < (a: BFDPeer, b: BFDPeer) -> Bool {
        (a.interface, a.address) < (b.interface, b.address)
    }
}

/// A session that is wanted.
public struct BFDWish: Hashable, Sendable {
    /// With whom.
    public var peer: BFDPeer
    /// Our address on that link.
    public var source: IPv4Address
    /// How fast.
    public var timing: BFDTiming

    /// A session of these properties.
    public init(_ peer: BFDPeer, source: IPv4Address, _ timing: BFDTiming = BFDTiming()) {
        self.peer = peer
        self.source = source
        self.timing = timing
    }
}
