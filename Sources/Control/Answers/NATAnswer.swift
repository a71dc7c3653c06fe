/// The translator in detail.
public struct NATAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.nat/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// `masquerade`, `pool` or `off`.
    public var mode: String
    /// RFC 4787 mapping behaviour.
    public var mapping: String
    /// RFC 4787 filtering behaviour.
    public var filtering: String
    /// Whether inside hosts reach each other by outside addresses.
    public var hairpin: Bool
    /// Sessions in the table.
    public var sessions: Int
    /// Mappings in the table.
    public var mappings: Int
    /// Outside addresses, one row a protocol.
    public var pools: [PoolRow]
    /// In the order of the configuration.
    public var portForwards: [PortForwardRow]
    /// Capacities.
    public var limits: NATLimits
    /// Idle time after which a session ends.
    public var timeouts: [TimeoutRow]
    /// Inside hosts with most sessions, most first.
    public var hosts: [HostUsage]
    /// The preset the configuration began with.
    public var preset = "rfc"
    /// What mapping and filtering together are called, `restricted cone`.
    public var className = ""
    /// What holds for some inside hosts only, in order.
    public var rules: [NATRuleRow] = []
    /// Outside addresses for inside hosts alone.
    public var oneToOne: [OneToOneRow] = []
    /// Blocks of ports, if hosts have such.
    public var blocks: BlocksRow?

    /// Made of these fields.
    public init(
        instance: String, mode: String, mapping: String, filtering: String, hairpin: Bool,
        sessions: Int, mappings: Int, pools: [PoolRow], portForwards: [PortForwardRow],
        limits: NATLimits,
        timeouts: [TimeoutRow], hosts: [HostUsage]
    ) {
        self.instance = instance
        self.mode = mode
        self.mapping = mapping
        self.filtering = filtering
        self.hairpin = hairpin
        self.sessions = sessions
        self.mappings = mappings
        self.pools = pools
        self.portForwards = portForwards
        self.limits = limits
        self.timeouts = timeouts
        self.hosts = hosts
    }
}

/// Ports of one outside address.
public struct PoolRow: Codable, Hashable, Sendable {
    /// Outside address.
    public var address: String
    /// `tcp`, `udp` or `icmp`.
    public var `protocol`: String
    /// Ports with a mapping.
    public var inUse: Int
    /// Ports that were used lately and wait.
    public var resting: Int
    /// Ports there are.
    public var total: Int

    /// Made of these fields.
    public init(address: String, protocol: String, inUse: Int, resting: Int, total: Int) {
        self.address = address
        self.protocol = `protocol`
        self.inUse = inUse
        self.resting = resting
        self.total = total
    }
}

/// One port forward.
public struct PortForwardRow: Codable, Hashable, Sendable {
    /// Name in the configuration, maybe empty.
    public var name: String
    /// `tcp`, `udp` or both.
    public var protocols: [String]
    /// Outside address.
    public var outside: String
    /// A port or a range, `8000-8010`.
    public var outsidePorts: String
    /// Inside host.
    public var inside: String
    /// A port or a range.
    public var insidePorts: String
    /// Remote prefixes that may use it; empty for all.
    public var sources: [String]
    /// Whether inside hosts may use it.
    public var hairpin: Bool
    /// Sessions that use it now.
    public var sessions: Int

    /// Made of these fields.
    public init(
        name: String, protocols: [String], outside: String, outsidePorts: String, inside: String,
        insidePorts: String, sources: [String], hairpin: Bool, sessions: Int
    ) {
        self.name = name
        self.protocols = protocols
        self.outside = outside
        self.outsidePorts = outsidePorts
        self.inside = inside
        self.insidePorts = insidePorts
        self.sources = sources
        self.hairpin = hairpin
        self.sessions = sessions
    }
}

/// Capacities of the translator.
public struct NATLimits: Codable, Hashable, Sendable {
    /// Sessions in all.
    public var sessions: Int
    /// Sessions of one inside host.
    public var sessionsPerHost: Int
    /// Mappings of one inside host.
    public var mappingsPerHost: Int
    /// New sessions a second in all; nil without limit.
    public var newPerSecond: Int?
    /// New sessions a second of one inside host; nil without limit.
    public var newPerSecondPerHost: Int?

    /// Made of these fields.
    public init(
        sessions: Int, sessionsPerHost: Int, mappingsPerHost: Int, newPerSecond: Int? = nil,
        newPerSecondPerHost: Int? = nil
    ) {
        self.sessions = sessions
        self.sessionsPerHost = sessionsPerHost
        self.mappingsPerHost = mappingsPerHost
        self.newPerSecond = newPerSecond
        self.newPerSecondPerHost = newPerSecondPerHost
    }
}

/// One idle time.
public struct TimeoutRow: Codable, Hashable, Sendable {
    /// Its key in the configuration.
    public var name: String
    /// The time.
    public var seconds: UInt64

    /// Made of these fields.
    public init(name: String, seconds: UInt64) {
        self.name = name
        self.seconds = seconds
    }
}

/// What one inside host uses.
public struct HostUsage: Codable, Hashable, Sendable {
    /// Inside address.
    public var address: String
    /// Its sessions.
    public var sessions: Int
    /// Its mappings, those of port forwards not counted.
    public var mappings: Int
    /// Sessions it may have.
    public var limit: Int
    /// Mappings it may have.
    public var mappingLimit: Int

    /// Made of these fields.
    public init(address: String, sessions: Int, mappings: Int, limit: Int, mappingLimit: Int) {
        self.address = address
        self.sessions = sessions
        self.mappings = mappings
        self.limit = limit
        self.mappingLimit = mappingLimit
    }
}
