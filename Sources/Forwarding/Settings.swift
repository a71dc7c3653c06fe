public import NAT
public import Wire

/// A fixed neighbour entry.
public struct StaticNeighbor: Hashable, Sendable {
    /// The neighbour's address.
    public var address: IPv4Address
    /// Its hardware address, never learnt otherwise.
    public var hardware: MACAddress

    /// An entry of these fields.
    public init(address: IPv4Address, hardware: MACAddress) {
        self.address = address
        self.hardware = hardware
    }
}

/// One side of the gateway as the packet path sees it.
public struct InterfaceSettings: Hashable, Sendable {
    /// Our hardware address on this side.
    public var hardware: MACAddress
    /// Our addresses; at least one.
    public var addresses: [InterfaceAddress]
    /// Largest IP packet, 576 to 9216 (576 also from RFC 791; 68 in tests).
    public var mtu = 1500
    /// Prefixes we answer ARP for.
    public var proxyARP: [IPv4Prefix] = []
    /// Fixed neighbour entries.
    public var neighbors: [StaticNeighbor] = []
    /// Whether ICMP errors of our own leave by this side (RFC 5508 REQ-9).
    public var sendsErrors = true
    /// Whether an address is probed for another owner before use (RFC 5227 §2.1).
    public var probesAddresses = false
    /// Whether packets of RIP are taken in on this side.
    public var speaksRIP = false
    /// Whether packets of OSPF are taken in on this side.
    public var speaksOSPF = false
    /// Whether packets of BFD are taken in on this side.
    public var speaksBFD = false

    /// A side of these fields.
    public init(hardware: MACAddress, addresses: [InterfaceAddress], mtu: Int = 1500) {
        self.hardware = hardware
        self.addresses = addresses
        self.mtu = mtu
    }
}

/// How the TCP maximum segment size is lowered.
public enum SegmentClamp: Hashable, Sendable {
    /// To what fits the smaller of both sides' MTU.
    case automatic
    /// Never.
    case off
    /// To this many octets, 536 to 9176.
    case limit(UInt16)
}

/// Which doubtful addresses are dropped (RFC 6890, RFC 3704).
public struct AddressPolicy: Hashable, Sendable {
    /// Drop 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24.
    public var dropsDocumentation = false
    /// Drop private and shared space from outside, and 192.0.0.0/24 and 192.88.99.0/24.
    public var isStrict = false
    /// Forward 240.0.0.0/4 as if it were ordinary.
    public var forwardsClassE = false
    /// Forward broadcasts to connected networks (RFC 2644 wants this off).
    public var forwardsDirectedBroadcast = false

    /// The defaults of RFC 1812 and RFC 2644.
    public init() {}
}

/// Everything a user can choose about the packet path.
public struct ForwardingSettings: Hashable, Sendable {
    /// The sides, indexed by `Side.index`.
    public var interfaces: [InterfaceSettings]
    /// Translation.
    public var nat = NATSettings()
    /// Lowering of the maximum segment size.
    public var segmentClamp = SegmentClamp.automatic
    /// Doubtful addresses.
    public var policy = AddressPolicy()

    /// A gateway of two sides with defaults for the rest.
    public init(lan: InterfaceSettings, wan: InterfaceSettings) { interfaces = [lan, wan] }

    /// The side `side`.
    public subscript(side: Side) -> InterfaceSettings {
        get { interfaces[side.index] }
        set { interfaces[side.index] = newValue }
    }
}
