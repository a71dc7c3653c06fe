public import Signing
public import Timing
public import Wire

/// What becomes of routes on the interface they were learned by (RFC 2453 §3.4.3).
public enum SplitHorizon: String, Hashable, Sendable, CaseIterable {
    /// They are announced like all others.
    case off
    /// They are left out.
    case simple
    /// They are announced as unreachable, which ends a loop of two routers at once.
    case poisonReverse = "poison-reverse"
}

/// Which versions are listened to.
public enum RIPVersions: Hashable, Sendable {
    case version2
    /// Version 1 as well, its masks taken from the interface or the class of the address.
    case both
}

/// RIP on one interface.
public struct RIPInterfaceSettings: Hashable, Sendable {
    /// Our addresses; packets are sent from the first that fits.
    public var addresses: [InterfaceAddress]
    /// Listens, and speaks to `neighbors` alone.
    public var isPassive = false
    /// What is added to metrics heard, 1 to 15.
    public var cost: UInt8 = 1
    /// What is told back to where it came from.
    public var splitHorizon = SplitHorizon.poisonReverse
    /// How packets are authenticated, in both directions.
    public var authentication = PacketAuthentication.none
    /// Routers spoken to by unicast; if there are any, nobody else is listened to.
    public var neighbors: [IPv4Address] = []
    /// Which versions are listened to.
    public var versions = RIPVersions.version2
    /// Whether a default route is accepted.
    public var acceptsDefault = false
    /// Destinations accepted are within one of these; nil for all.
    public var filterIn: [IPv4Prefix]?
    /// Destinations announced are within one of these; nil for all.
    public var filterOut: [IPv4Prefix]?
    /// Whether second-best routes are kept and taken up if they cannot make a loop.
    public var isLoopFree = true

    /// An interface with these addresses and the defaults of the protocol.
    public init(addresses: [InterfaceAddress]) { self.addresses = addresses }

    func isOwn(_ address: IPv4Address) -> Bool { addresses.contains { $0.address == address } }

    /// Whether `address` is a host of a network of this interface.
    func isOnLink(_ address: IPv4Address) -> Bool {
        addresses.contains {
            $0.prefix.contains(address) && $0.prefix.broadcast != address
                && ($0.prefix.length >= 31 || $0.prefix.address != address)
        }
    }

    /// The address to speak from to `destination`.
    func source(to destination: IPv4Address) -> IPv4Address {
        let fitting = addresses.first { $0.prefix.contains(destination) }
        return (fitting ?? addresses.first)?.address ?? .unspecified
    }

    func announces(_ prefix: IPv4Prefix) -> Bool { Self.passes(prefix, filterOut) }

    func accepts(_ prefix: IPv4Prefix) -> Bool { Self.passes(prefix, filterIn) }

    private static func passes(_ prefix: IPv4Prefix, _ filter: [IPv4Prefix]?) -> Bool {
        guard let filter else { return true }
        return filter.contains { $0.length <= prefix.length && $0.contains(prefix.address) }
    }
}

/// The periods of the protocol (RFC 2453 §3.8).
public struct RIPTimers: Hashable, Sendable {
    /// Between updates of the whole table; a sixth of it more or less by chance.
    public var update = Interval.seconds(30)
    /// Until a route nobody confirms is unreachable; more than `update`.
    public var timeout = Interval.seconds(180)
    /// How long an unreachable route is announced as such.
    public var garbage = Interval.seconds(120)
    /// Shortest pause after a triggered update (RFC 2453 §3.10.1).
    public var shortestPause = Interval.seconds(1)
    /// Longest pause after a triggered update.
    public var longestPause = Interval.seconds(5)
    /// How long a lost route of a loop-free interface waits for the news to spread before a way
    /// that might lead back to us is taken.
    public var hold = Interval.milliseconds(1500)

    /// The values of the RFC.
    public init() {}
}

/// What is taken in and given out.
public struct RIPLimits: Hashable, Sendable {
    /// Most destinations.
    public var routes = 131_072
    /// Most routers heard.
    public var neighbors = 256
    /// Most answers and updates under way.
    public var jobs = 128
    /// Packets sent in one go. FRR's socket holds about 66.
    public var burst = 10
    /// From one such go to the next: 25,000 routes a second.
    public var burstPeriod = Interval.milliseconds(10)
    /// Largest number of equal ways to a destination, 1 to 16.
    public var ways = 16

    /// The defaults.
    public init() {}
}

/// Everything a user can choose about RIP.
public struct RIPSettings: Hashable, Sendable {
    /// By interface number; nil where RIP is not spoken.
    public var interfaces: [RIPInterfaceSettings?]
    /// Networks nobody else may announce, nor parts of them (SECURITY S50).
    public var connected: [IPv4Prefix] = []
    /// Periods.
    public var timers = RIPTimers()
    /// Limits; taken on at the start only.
    public var limits = RIPLimits()

    /// Settings for these interfaces with defaults for the rest.
    public init(interfaces: [RIPInterfaceSettings?]) { self.interfaces = interfaces }
}
