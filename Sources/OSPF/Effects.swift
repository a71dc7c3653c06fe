public import Timing
public import Wire

/// A packet to send as IP protocol 89 with precedence 6, and a TTL of 1 unless there is a `gateway`
/// (RFC 2328 §A.1).
public struct OSPFPacket: Hashable, Sendable {
    /// Number of the interface to leave by.
    public var interface: Int
    /// Our address there.
    public var source: IPv4Address
    /// A group of routers, or one of them.
    public var destination: IPv4Address
    /// The router to hand it to on a virtual link; nil for the destination itself.
    public var gateway: IPv4Address?
    /// The IP payload.
    public var bytes: [UInt8]
}

/// One way to a destination.
public struct OSPFWay: Hashable, Sendable, Comparable {
    /// Number of the interface to leave by.
    public var interface: Int
    /// The router to hand packets to; nil where the destination is on the link itself.
    public var gateway: IPv4Address?

    /// A way by `gateway` on `interface`.
    public init(interface: Int, gateway: IPv4Address?) {
        self.interface = interface
        self.gateway = gateway
    }

    /// Orders by value.
    public static func < (a: OSPFWay, b: OSPFWay) -> Bool {
        (a.interface, a.gateway?.rawValue ?? 0) < (b.interface, b.gateway?.rawValue ?? 0)
    }
}

/// Where a destination is, best first (RFC 2328 §11).
public enum OSPFRouteKind: UInt8, Hashable, Sendable, Comparable {
    case intraArea
    case interArea
    case externalType1
    case externalType2

    /// Orders by preference.
    public static func < (a: OSPFRouteKind, b: OSPFRouteKind) -> Bool { a.rawValue < b.rawValue }
}

/// A difference in the routes found.
public enum OSPFChange: Hashable, Sendable {
    /// Packets to the prefix go these ways. The metric of an external of type 2 is its own.
    case set(IPv4Prefix, OSPFRouteKind, metric: UInt32, ways: [OSPFWay])
    /// Packets to a range of ours that hit none of its networks are dropped (RFC 2328 §12.4.3).
    case discard(IPv4Prefix)
    /// The prefix is not reachable by OSPF any more.
    case remove(IPv4Prefix)
}

/// Something worth a line in the log.
public enum OSPFEvent: Hashable, Sendable {
    /// A neighbour is in another state.
    case neighbor(
        interface: Int, router: IPv4Address, from: OSPFNeighborState, to: OSPFNeighborState)
    /// An interface is in another state.
    case interface(Int, from: OSPFInterfaceState, to: OSPFInterfaceState)
    /// Packets of a router are dropped for a reason that was not there before.
    case fault(OSPFFault)
    /// A neighbour restarts and is kept meanwhile, or the end of that.
    case helping(interface: Int, router: IPv4Address, OSPFGraceStep)
    /// We come back from a restart that neighbours helped us through, or the end of that.
    case restarting(OSPFGraceStep)
    /// An LSA in memory has a wrong checksum and was removed.
    case corrupt(type: UInt8, id: IPv4Address, router: IPv4Address)
    /// Routes were calculated anew.
    case calculated(OSPFRun)
}

/// Why routes are calculated.
public enum OSPFCause: Hashable, Sendable {
    /// An interface came up, went down or changed its role.
    case interface(Int)
    /// A neighbour became Full or is not any more.
    case neighbor(Int, IPv4Address)
    /// An LSA came, changed or went.
    case lsa(LSAHeader)
    /// The settings or our own roles changed.
    case settings
}

/// How much a calculation looked at.
public enum OSPFRunKind: String, Hashable, Sendable, Comparable {
    /// Only networks of LSAs that changed.
    case prefixes
    /// Also the part of a tree that depends on links that changed.
    case partial
    /// All of a tree, and all networks.
    case full

    /// Orders by size.
    public static func < (a: OSPFRunKind, b: OSPFRunKind) -> Bool { a.size < b.size }

    private var size: Int { self == .full ? 2 : self == .partial ? 1 : 0 }
}

/// One calculation of routes.
public struct OSPFRun: Hashable, Sendable {
    /// When.
    public var moment: Instant
    /// The first reason for it.
    public var cause: OSPFCause
    /// How much it looked at.
    public var kind = OSPFRunKind.prefixes
    /// Areas whose tree was made anew or repaired.
    public var areas = 0
    /// Routers and networks that were looked at in these areas.
    public var nodes = 0
    /// Routes there are now.
    public var routes = 0
    /// Routes that changed.
    public var changes = 0
}

/// What follows from an event; the caller empties it.
public struct OSPFEffects: Sendable {
    /// Packets to send, in order.
    public var packets: [OSPFPacket] = []
    /// Differences for the routing table, in order.
    public var changes: [OSPFChange] = []
    /// For the log, in order.
    public var events: [OSPFEvent] = []

    /// Nothing.
    public init() {}

    /// Forgets everything and keeps the memory, unless it was very much.
    public mutating func removeAll() {
        packets.removeAll(keepingCapacity: packets.count < 1024)
        changes.removeAll(keepingCapacity: changes.count < 1024)
        events.removeAll(keepingCapacity: events.count < 1024)
    }
}
