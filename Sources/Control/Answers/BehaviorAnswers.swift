/// How some inside hosts are translated; a field that is nil is as in the settings.
public struct NATRuleRow: Codable, Hashable, Sendable {
    /// Name in the configuration, or `rule-N`.
    public var name: String
    /// Inside prefixes; empty for all.
    public var inside: [String]
    /// `tcp`, `udp`, `icmp`; empty for all.
    public var protocols: [String]
    /// `translate` or `deny`.
    public var action: String
    /// RFC 4787 mapping behaviour under this rule.
    public var mapping: String
    /// RFC 4787 filtering behaviour under this rule.
    public var filtering: String

    /// Made of these fields.
    public init(
        name: String, inside: [String], protocols: [String], action: String, mapping: String,
        filtering: String
    ) {
        self.name = name
        self.inside = inside
        self.protocols = protocols
        self.action = action
        self.mapping = mapping
        self.filtering = filtering
    }
}

/// Outside addresses for inside hosts alone.
public struct OneToOneRow: Codable, Hashable, Sendable {
    /// Name in the configuration, or `one-to-one-N`.
    public var name: String
    /// Outside prefix.
    public var outside: String
    /// Inside prefix.
    public var inside: String
    /// Remote prefixes that may begin; empty for all.
    public var sources: [String]

    /// Made of these fields.
    public init(name: String, outside: String, inside: String, sources: [String]) {
        self.name = name
        self.outside = outside
        self.inside = inside
        self.sources = sources
    }
}

/// Blocks of ports (RFC 7422).
public struct BlocksRow: Codable, Hashable, Sendable {
    /// Ports of a block.
    public var size: Int
    /// Blocks of one outside address.
    public var perAddress: Int
    /// Inside addresses that have one.
    public var hosts: Int

    /// Made of these fields.
    public init(size: Int, perAddress: Int, hosts: Int) {
        self.size = size
        self.perAddress = perAddress
        self.hosts = hosts
    }
}

/// The block of ports of an inside host.
public struct BlockAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.nat-block/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// The inside host.
    public var inside: String
    /// Its outside address.
    public var outside: String
    /// Its first outside port.
    public var firstPort: UInt16
    /// Its last outside port.
    public var lastPort: UInt16

    /// Made of these fields.
    public init(
        instance: String, inside: String, outside: String, firstPort: UInt16, lastPort: UInt16
    ) {
        self.instance = instance
        self.inside = inside
        self.outside = outside
        self.firstPort = firstPort
        self.lastPort = lastPort
    }
}

/// Who is behind an outside endpoint.
public struct OwnerAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.nat-who/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// The outside address.
    public var outside: String
    /// The outside port.
    public var port: UInt16
    /// The inside host whose block the port is of; nil if of none.
    public var host: String?
    /// Inside endpoints it leads to now, at most one a protocol.
    public var owners: [OwnerRow]

    /// Made of these fields.
    public init(
        instance: String, outside: String, port: UInt16, host: String?, owners: [OwnerRow]
    ) {
        self.instance = instance
        self.outside = outside
        self.port = port
        self.host = host
        self.owners = owners
    }
}

/// An inside endpoint that an outside port leads to.
public struct OwnerRow: Codable, Hashable, Sendable {
    /// `tcp`, `udp` or `icmp`.
    public var `protocol`: String
    /// Inside address.
    public var inside: String
    /// Inside port or identifier.
    public var port: UInt16

    /// Made of these fields.
    public init(protocol: String, inside: String, port: UInt16) {
        self.protocol = `protocol`
        self.inside = inside
        self.port = port
    }
}
