public import Timing
public import Wire

/// How some inside hosts are translated; of several rules the first that matches holds.
///
/// What a rule leaves open is as in the settings. Rules know nothing of the remote, so that the
/// behaviour of one inside endpoint never changes (RFC 4787 REQ-11).
public struct NATRule: Hashable, Sendable {
    /// Name in answers; unique within the configuration, maybe empty.
    public var name: String
    /// Inside hosts; empty for all.
    public var inside: [IPv4Prefix]
    /// Transports; empty for all.
    public var transports: [Transport]
    /// Whether nothing of these hosts is translated, either way.
    public var isDenied = false
    /// On what their mappings depend.
    public var mapping: Behavior?
    /// On what the admission of an inbound packet depends.
    public var filtering: Behavior?
    /// Whether the inside port is kept when it is free.
    public var preservePort: Bool?
    /// Whether an even port stays even and an odd one odd (RFC 4787 REQ-4).
    public var preserveParity: Bool?
    /// Whether packets of strangers refresh a mapping (RFC 4787 REQ-6).
    public var inboundRefresh: Bool?

    /// A rule that matches these hosts and leaves everything open.
    public init(
        name: String = "", inside: [IPv4Prefix] = [], transports: [Transport] = []
    ) {
        self.name = name
        self.inside = inside
        self.transports = transports
    }
}

/// Destinations that are left untranslated (RFC 6888 REQ-6).
public struct NATException: Hashable, Sendable {
    /// Destination addresses.
    public var destination: IPv4Prefix
    /// Transports; empty for every protocol.
    public var transports: [Transport]
    /// Destination ports; nil for all, and then what has no ports is meant too.
    public var ports: ClosedRange<UInt16>?

    /// An exception of these fields.
    public init(
        _ destination: IPv4Prefix, transports: [Transport] = [],
        ports: ClosedRange<UInt16>? = nil
    ) {
        self.destination = destination
        self.transports = transports
        self.ports = ports
    }

    /// Whether a packet to, or an answer from, this endpoint is meant.
    public func matches(_ address: UInt32, port: UInt16, proto: UInt8) -> Bool {
        guard destination.contains(IPv4Address(address)) else { return false }
        if let ports, !ports.contains(port) { return false }
        guard !transports.isEmpty || ports != nil else { return true }
        guard let transport = Transport(rawValue: proto) else { return false }
        // An ICMP query has no ports.
        guard ports == nil || transport != .icmp else { return false }
        return transports.isEmpty || transports.contains(transport)
    }
}

/// An idle time of its own for sessions to some destination ports (RFC 4787 REQ-5a).
public struct PortTimeout: Hashable, Sendable {
    /// TCP, for the established time, or UDP; never empty.
    public var transports: [Transport]
    /// Destination ports, 1 to 65535.
    public var ports: ClosedRange<UInt16>
    /// The time.
    public var time: Interval

    /// A time of these fields.
    public init(transports: [Transport], ports: ClosedRange<UInt16>, time: Interval) {
        self.transports = transports
        self.ports = ports
        self.time = time
    }
}

/// What the settings come to for one inside endpoint.
public struct Policy: Hashable, Sendable {
    /// On what its mappings depend.
    public var mapping: Behavior
    /// On what the admission of an inbound packet depends.
    public var filtering: Behavior
    /// Whether nothing is translated for it.
    public var isDenied: Bool
    /// Whether packets of strangers refresh a mapping.
    public var inboundRefresh: Bool
    /// Which ports are preferred.
    var ports: PortChoice

    init(_ settings: NATSettings, _ rule: NATRule? = nil) {
        mapping = rule?.mapping ?? settings.mapping
        filtering = rule?.filtering ?? settings.filtering
        isDenied = rule?.isDenied ?? false
        inboundRefresh = rule?.inboundRefresh ?? settings.inboundRefresh
        ports = PortChoice(
            preserve: rule?.preservePort ?? settings.preservePort,
            parity: rule?.preserveParity ?? settings.preserveParity)
    }
}

/// The rules, ready to be asked once for each new session. O(prefixes of rules).
struct PolicyTable {
    private struct Entry {
        var address: UInt32
        var mask: UInt32
        /// A bit for each `Transport.counter`.
        var transports: UInt8
        var number: UInt8
    }

    private let entries: [Entry]
    /// That of the settings first, then one a rule.
    private let policies: [Policy]

    init(_ settings: NATSettings) {
        let rules = settings.rules.prefix(NATSettings.mostRules)
        policies = [Policy(settings)] + rules.map { Policy(settings, $0) }
        entries = rules.enumerated().flatMap { number, rule in
            let wanted = rule.transports.isEmpty ? Transport.allCases : rule.transports
            let transports = wanted.reduce(0 as UInt8) { $0 | Self.bit($1) }
            let inside =
                rule.inside.isEmpty ? [IPv4Prefix(IPv4Address(0), length: 0)] : rule.inside
            return inside.map { prefix in
                Entry(
                    address: prefix.address.rawValue, mask: prefix.mask,
                    transports: transports, number: UInt8(number) + 1)
            }
        }
    }

    private static func bit(_ transport: Transport) -> UInt8 {
        1 << UInt8(truncatingIfNeeded: transport.counter)
    }

    /// Number of the policy for an inside host: that of its rule + 1, or 0.
    func find(_ inside: UInt32, _ transport: Transport) -> UInt8 {
        let bit = Self.bit(transport)
        for entry in entries
        where inside & entry.mask == entry.address && entry.transports & bit != 0 {
            return entry.number
        }
        return 0
    }

    subscript(number: UInt8) -> Policy { policies[Int(number)] }
}
