public import Wire

/// The sender of a packet.
public struct RIPEndpoint: Hashable, Sendable {
    /// Its address.
    public var address: IPv4Address
    /// Its UDP port.
    public var port: UInt16

    /// A sender at this address and port.
    public init(_ address: IPv4Address, port: UInt16 = RIPProtocol.port) {
        self.address = address
        self.port = port
    }
}

/// A packet to send, from port 520 with a TTL of 1.
public struct RIPPacket: Hashable, Sendable {
    /// Number of the interface to leave by.
    public var interface: Int
    /// Our address there.
    public var source: IPv4Address
    /// 224.0.0.9 or a neighbour, and its port.
    public var destination: RIPEndpoint
    /// The UDP payload.
    public var bytes: [UInt8]
}

/// One way to a destination.
public struct RIPWay: Hashable, Sendable {
    /// Number of the interface to leave by.
    public var interface: Int
    /// The router to hand packets to.
    public var gateway: IPv4Address

    /// A way by `gateway` on `interface`.
    public init(interface: Int, gateway: IPv4Address) {
        self.interface = interface
        self.gateway = gateway
    }
}

/// A difference in the routes learned.
public enum RIPChange: Hashable, Sendable {
    /// Packets to the prefix go these ways, at a distance of 2 to 15.
    case set(IPv4Prefix, metric: UInt8, ways: [RIPWay])
    /// The prefix is not reachable by RIP any more.
    case remove(IPv4Prefix)
}

/// Something worth a line in the log.
public enum RIPEvent: Hashable, Sendable {
    /// A router was heard for the first time, or again after a silence.
    case neighborUp(interface: Int, IPv4Address)
    /// Nothing was heard of a router for as long as its routes live, or its link is gone.
    case neighborDown(interface: Int, IPv4Address)
}

/// What follows from an event; the caller empties it.
public struct RIPEffects: Sendable {
    /// Packets to send, in order.
    public var packets: [RIPPacket] = []
    /// Differences for the routing table, in order.
    public var changes: [RIPChange] = []
    /// For the log, in order.
    public var events: [RIPEvent] = []

    /// Nothing.
    public init() {}

    /// Forgets everything and keeps the memory.
    public mutating func removeAll() {
        packets.removeAll(keepingCapacity: true)
        changes.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
    }
}
