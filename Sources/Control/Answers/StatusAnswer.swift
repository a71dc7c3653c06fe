/// Everything that fits one screen.
public struct StatusAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.status/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// One word: `starting`, `running`, `degraded`, `stopping`.
    public var state: String
    /// Version of the daemon.
    public var version: String
    /// Process of the daemon.
    public var pid: Int32
    /// Since the daemon started.
    public var uptimeSeconds: UInt64
    /// The configuration in use.
    public var config: ConfigurationStatus
    /// Both sides, inside first.
    public var sides: [SideStatus]
    /// The default route's next hop; nil without one.
    public var nextHop: NextHopStatus?
    /// The translator.
    public var nat: NATStatus
    /// The forwarding table.
    public var routes: RoutesStatus
    /// Number of ARP entries.
    public var neighbors: Int
    /// Packets that went no further.
    public var drops: DropsStatus
    /// How packets are moved.
    public var forwarding: ForwardingStatus

    /// Made of these fields.
    public init(
        instance: String, state: String, version: String, pid: Int32, uptimeSeconds: UInt64,
        config: ConfigurationStatus, sides: [SideStatus], nextHop: NextHopStatus? = nil,
        nat: NATStatus, routes: RoutesStatus, neighbors: Int, drops: DropsStatus,
        forwarding: ForwardingStatus
    ) {
        self.instance = instance
        self.state = state
        self.version = version
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.config = config
        self.sides = sides
        self.nextHop = nextHop
        self.nat = nat
        self.routes = routes
        self.neighbors = neighbors
        self.drops = drops
        self.forwarding = forwarding
    }
}

/// Which configuration is in use.
public struct ConfigurationStatus: Codable, Hashable, Sendable {
    /// The file.
    public var path: String
    /// When it was applied, RFC 3339.
    public var applied: String
    /// Number of warnings it gave.
    public var warnings: Int

    /// Made of these fields.
    public init(path: String, applied: String, warnings: Int) {
        self.path = path
        self.applied = applied
        self.warnings = warnings
    }
}

/// One side of the gateway.
public struct SideStatus: Codable, Hashable, Sendable {
    /// `lan` or `wan`.
    public var name: String
    /// Name of the TAP.
    public var device: String
    /// Our addresses with prefix lengths.
    public var addresses: [String]
    /// Largest IP packet in octets.
    public var mtu: Int
    /// Our MAC address.
    public var hardware: String
    /// Whether packets can pass.
    public var up: Bool
    /// Counters and rates.
    public var traffic: Traffic

    /// Made of these fields.
    public init(
        name: String, device: String, addresses: [String], mtu: Int, hardware: String, up: Bool,
        traffic: Traffic
    ) {
        self.name = name
        self.device = device
        self.addresses = addresses
        self.mtu = mtu
        self.hardware = hardware
        self.up = up
        self.traffic = traffic
    }
}

/// Counters of one side; received is what comes from the network into the gateway.
public struct Traffic: Codable, Hashable, Sendable {
    /// Packets received.
    public var rxPackets: UInt64
    /// Octets received.
    public var rxBytes: UInt64
    /// Rate received.
    public var rxBitsPerSecond: UInt64
    /// Packets sent.
    public var txPackets: UInt64
    /// Octets sent.
    public var txBytes: UInt64
    /// Rate sent.
    public var txBitsPerSecond: UInt64

    /// Made of these fields.
    public init(
        rxPackets: UInt64, rxBytes: UInt64, rxBitsPerSecond: UInt64, txPackets: UInt64,
        txBytes: UInt64, txBitsPerSecond: UInt64
    ) {
        self.rxPackets = rxPackets
        self.rxBytes = rxBytes
        self.rxBitsPerSecond = rxBitsPerSecond
        self.txPackets = txPackets
        self.txBytes = txBytes
        self.txBitsPerSecond = txBitsPerSecond
    }
}

/// How the default route's next hop is.
public struct NextHopStatus: Codable, Hashable, Sendable {
    /// Its address.
    public var address: String
    /// The side it is on.
    public var side: String
    /// Its MAC address; nil while it does not answer.
    public var hardware: String?
    /// Since it was last heard; nil if never.
    public var lastSeenSeconds: UInt64?

    /// Made of these fields.
    public init(
        address: String, side: String, hardware: String? = nil, lastSeenSeconds: UInt64? = nil
    ) {
        self.address = address
        self.side = side
        self.hardware = hardware
        self.lastSeenSeconds = lastSeenSeconds
    }
}

/// The translator in one line.
public struct NATStatus: Codable, Hashable, Sendable {
    /// `masquerade`, `pool` or `off`.
    public var mode: String
    /// RFC 4787 mapping behaviour.
    public var mapping: String
    /// RFC 4787 filtering behaviour.
    public var filtering: String
    /// Sessions in the table.
    public var sessions: Int
    /// Capacity of the table.
    public var sessionLimit: Int
    /// Outside ports in use.
    public var portsInUse: Int
    /// Outside ports there are.
    public var portsTotal: Int

    /// Made of these fields.
    public init(
        mode: String, mapping: String, filtering: String, sessions: Int, sessionLimit: Int,
        portsInUse: Int, portsTotal: Int
    ) {
        self.mode = mode
        self.mapping = mapping
        self.filtering = filtering
        self.sessions = sessions
        self.sessionLimit = sessionLimit
        self.portsInUse = portsInUse
        self.portsTotal = portsTotal
    }
}

/// The forwarding table in one line.
public struct RoutesStatus: Codable, Hashable, Sendable {
    /// Number of routes.
    public var total: Int
    /// How many come from where.
    public var bySource: [SourceCount]

    /// Made of these fields.
    public init(total: Int, bySource: [SourceCount]) {
        self.total = total
        self.bySource = bySource
    }
}

/// A number of routes by source.
public struct SourceCount: Codable, Hashable, Sendable {
    /// `connected`, `static`, `ospf` or `rip`.
    public var source: String
    /// Number of routes.
    public var count: Int

    /// Made of these fields.
    public init(source: String, count: Int) {
        self.source = source
        self.count = count
    }
}

/// Drops in one line.
public struct DropsStatus: Codable, Hashable, Sendable {
    /// Packets dropped since start.
    public var total: UInt64
    /// The most frequent reason; nil without drops.
    public var topReason: String?
    /// Packets dropped for it.
    public var topPackets: UInt64

    /// Made of these fields.
    public init(total: UInt64, topReason: String? = nil, topPackets: UInt64 = 0) {
        self.total = total
        self.topReason = topReason
        self.topPackets = topPackets
    }
}

/// How packets are moved.
public struct ForwardingStatus: Codable, Hashable, Sendable {
    /// Name of the input and output method.
    public var io: String
    /// Threads that forward, 1 or more.
    public var workers: Int

    /// Made of these fields.
    public init(io: String, workers: Int) {
        self.io = io
        self.workers = workers
    }
}
