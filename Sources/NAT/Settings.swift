public import Timing
public import Wire

/// On what a mapping or a filter depends (RFC 4787 §4.1, §5).
public enum Behavior: UInt8, Sendable, CaseIterable {
    /// On nothing of the remote endpoint.
    case endpointIndependent
    /// On the remote address.
    case addressDependent
    /// On the remote address and port.
    case addressAndPortDependent

    /// The name in the configuration and in answers.
    public var name: String {
        switch self {
        case .endpointIndependent: "endpoint-independent"
        case .addressDependent: "address-dependent"
        case .addressAndPortDependent: "address-and-port-dependent"
        }
    }
}

/// A transport whose packets are translated; the raw value is the IP protocol number.
@frozen
public enum Transport: UInt8, Sendable, CaseIterable {
    case icmp = 1
    case tcp = 6
    case udp = 17
    case dccp = 33
    case udpLite = 136
    /// Any other protocol: translated by address alone, its ports kept if it has such.
    case other = 0

    /// The transport of an IP protocol number.
    public init(proto: UInt8) { self = Transport(rawValue: proto) ?? .other }

    /// Those with ports or identifiers of their own to give out.
    public static let pooled: [Transport] = [.icmp, .tcp, .udp]

    /// The name in the configuration and in answers.
    public var name: String { self == .other ? "other" : IPProtocol.name(of: rawValue) }

    /// 0 to 2: whose ports it uses. DCCP takes from those of TCP, UDP-Lite from those of UDP.
    @inlinable public var index: Int {
        switch self {
        case .icmp, .other: 0
        case .tcp, .dccp: 1
        case .udp, .udpLite: 2
        }
    }

    /// 0 to 3: where it is counted; all but the three common ones together.
    public var counter: Int {
        switch self {
        case .icmp: 0
        case .tcp: 1
        case .udp: 2
        case .dccp, .udpLite, .other: 3
        }
    }
}

/// How closely a TCP connection is followed.
public enum TCPTracking: String, Sendable, CaseIterable {
    /// Segments outside of the windows are dropped, resets must be exact.
    case strict
    /// Only the phases of RFC 7857 §2, whatever the sequence numbers are.
    case liberal
}

/// A port forward: an outside port range that leads to an inside host.
public struct PortForward: Hashable, Sendable {
    /// Name in answers and traces; unique within the configuration, maybe empty.
    public var name: String
    /// TCP, UDP or both; never empty.
    public var transports: [Transport]
    /// Outside address; nil for the first address of the outside interface.
    public var outsideAddress: IPv4Address?
    /// Outside ports, 1 to 65535.
    public var ports: ClosedRange<UInt16>
    /// Inside host.
    public var insideAddress: IPv4Address
    /// Inside port of the first outside port; the others follow in step.
    public var insidePort: UInt16
    /// Remote prefixes that may use it; empty for all.
    public var sources: [IPv4Prefix]
    /// Whether inside hosts may use it by the outside address.
    public var hairpin: Bool

    /// A forward of these fields.
    public init(
        name: String = "", transports: [Transport] = [.tcp], outsideAddress: IPv4Address? = nil,
        ports: ClosedRange<UInt16>, insideAddress: IPv4Address, insidePort: UInt16,
        sources: [IPv4Prefix] = [], hairpin: Bool = true
    ) {
        self.name = name
        self.transports = transports
        self.outsideAddress = outsideAddress
        self.ports = ports
        self.insideAddress = insideAddress
        self.insidePort = insidePort
        self.sources = sources
        self.hairpin = hairpin
    }
}

/// Idle times after which a session ends.
public struct NATTimeouts: Hashable, Sendable {
    /// RFC 5382 REQ-5: at least 2 h 4 min.
    public var tcpEstablished = Interval.seconds(7440)
    /// RFC 5382 REQ-5: at least 4 min; until both ends have sent a SYN (RFC 7857 §2.1).
    public var tcpOpening = Interval.seconds(240)
    /// RFC 5382 REQ-5: at least 4 min; after both FINs and after RST (RFC 7857 §2.1).
    public var tcpTransitory = Interval.seconds(240)
    /// RFC 4787 REQ-5: at least 2 min, 5 min recommended.
    public var udp = Interval.seconds(300)
    /// As `udp`, while the remote never answered.
    public var udpUnreplied = Interval.seconds(300)
    /// RFC 5508 REQ-2: at least 60 s.
    public var icmp = Interval.seconds(60)
    /// Protocols without timers of their own.
    public var other = Interval.seconds(600)
    /// How long the rest of a fragmented datagram to others is waited for.
    public var fragment = Interval.seconds(30)
    /// How long a freed outside port rests (RFC 6888 REQ-8).
    public var portRest = Interval.seconds(120)
    /// Times of their own for some destination ports; the first that matches holds.
    public var ports: [PortTimeout] = []

    /// The defaults of the RFCs.
    public init() {}
}

/// Capacities; everything over one is a named drop.
public struct NATLimits: Hashable, Sendable {
    /// Sessions in all, 16 to 16,777,216; needs a restart to change.
    public var sessions = 65_536
    /// Sessions that one inside host began, and as many again that remotes began with it.
    public var sessionsPerHost = 4096
    /// Outside ports and identifiers of one inside host, those of port forwards not counted.
    public var portsPerHost = 2048
    /// New sessions a second in all; nil for no bound.
    public var newSessionsPerSecond: Int?
    /// New sessions a second that one inside host begins; nil for no bound.
    public var newSessionsPerSecondPerHost: Int?
    /// Fragmented datagrams followed at once; needs a restart to change.
    public var fragments = 1024

    /// The defaults of the schema.
    public init() {}
}

/// Everything a user can choose about translation.
public struct NATSettings: Hashable, Sendable {
    /// What is translated.
    public enum Mode: String, Sendable {
        /// To the first address of the outside interface.
        case masquerade
        /// To the addresses of `pool`.
        case pool
        /// Nothing: the gateway is a plain router.
        case none
    }

    /// What the settings began with.
    public var preset = NATPreset.rfc
    /// What is translated.
    public var mode = Mode.masquerade
    /// The side with the outside addresses.
    public var outside = Side.wan
    /// Outside addresses of mode `pool`.
    public var pool: [ClosedRange<IPv4Address>] = []
    /// Whether a host whose outside address has no free port may use another (RFC 7857 §4).
    public var softPairing = false
    /// Ports of its own for each inside host; nil for one pool for all.
    public var blocks: BlockSettings?
    /// Outside addresses for inside hosts alone.
    public var oneToOne: [OneToOne] = []
    /// Ports given out to mappings.
    public var ports: ClosedRange<UInt16> = 1024...65535
    /// On what a mapping depends.
    public var mapping = Behavior.endpointIndependent
    /// On what the admission of an inbound packet depends.
    public var filtering = Behavior.addressDependent
    /// How closely TCP connections are followed.
    public var tcpTracking = TCPTracking.strict
    /// Whether inside hosts reach each other by outside addresses.
    public var hairpin = true
    /// Whether protocols other than TCP, UDP and ICMP are translated.
    public var otherProtocols = true
    /// Whether the inside port is kept when it is free.
    public var preservePort = false
    /// Whether an even port stays even and an odd one odd (RFC 4787 REQ-4).
    public var preserveParity = false
    /// Whether packets of strangers refresh a mapping (RFC 4787 REQ-6).
    public var inboundRefresh = false
    /// Whether a SYN that nobody asked for is answered with an error after 6 seconds (RFC 5382
    /// REQ-4), unless its pair was called from inside meanwhile.
    public var rejectsLateSYN = false
    /// What holds for some inside hosts only; the first that matches holds.
    public var rules: [NATRule] = []
    /// Destinations left untranslated.
    public var exclude: [NATException] = []
    /// Static forwards.
    public var portForwards: [PortForward] = []
    /// Idle times.
    public var timeouts = NATTimeouts()
    /// Capacities.
    public var limits = NATLimits()

    /// The defaults: masquerade as RFC 4787 recommends it.
    public init() {}
}
