public import Signing
public import Timing
public import Wire

/// What kind of link an interface is on (RFC 2328 §1.2).
public enum OSPFNetwork: String, Hashable, Sendable, CaseIterable {
    /// Many routers, one of which speaks for the network.
    case broadcast
    /// Two routers.
    case pointToPoint = "point-to-point"
    /// Many routers, of which some may not hear some others; each pair is a link.
    case pointToMultipoint = "point-to-multipoint"
    /// Many routers that have to be named, one of which speaks for the network.
    case nonBroadcast = "non-broadcast"
    /// Ourselves: announced as a host, nothing is sent.
    case loopback
    /// Two routers and an area between them (RFC 2328 §15).
    case virtual

    /// Whether there is no more than one neighbour, whatever its address.
    var hasTwoEnds: Bool { self == .pointToPoint || self == .virtual }
    /// Whether no router speaks for the network.
    var isPairwise: Bool { hasTwoEnds || self == .pointToMultipoint }
}

/// What a virtual link leads to.
public struct OSPFVirtualEnd: Hashable, Sendable {
    /// The border router at the other end.
    public var router: IPv4Address
    /// The area between, which is neither the backbone nor a stub area.
    public var transit: IPv4Address

    /// The other end of a virtual link.
    public init(_ router: IPv4Address, through transit: IPv4Address) {
        self.router = router
        self.transit = transit
    }
}

/// A router that has to be named.
public struct OSPFNamedNeighbor: Hashable, Sendable {
    /// Its address.
    public var address: IPv4Address
    /// Whether it may become Designated Router.
    public var isEligible: Bool

    /// A router at this address.
    public init(_ address: IPv4Address, isEligible: Bool = true) {
        self.address = address
        self.isEligible = isEligible
    }
}

/// OSPF on one interface.
public struct OSPFInterfaceSettings: Hashable, Sendable {
    /// Our address; of a virtual link as calculated.
    public var address: InterfaceAddress
    /// The area it belongs to, one of `OSPFSettings.areas`.
    public var area: IPv4Address
    /// The kind of link.
    public var network = OSPFNetwork.broadcast
    /// Of sending by it, 1 to 65,535; of a virtual link as calculated.
    public var cost: UInt16 = 10
    /// To become Designated Router; 0 for never.
    public var priority: UInt8 = 1
    /// Between hellos; below one second neighbours do not compare it.
    public var helloInterval = Interval.seconds(10)
    /// After this silence a neighbour is gone.
    public var deadInterval = Interval.seconds(40)
    /// Until what was not answered is sent again.
    public var retransmitInterval = Interval.seconds(5)
    /// InfTransDelay in seconds, at least 1: added to ages of LSAs sent.
    public var transmitDelay: UInt16 = 1
    /// Announced, but nothing is sent or listened to.
    public var isPassive = false
    /// Of the link, IP header included.
    public var mtu: UInt16 = 1500
    /// Whom hellos are sent to where they reach nobody otherwise; all routers of a non-broadcast
    /// network, and of a point-to-multipoint one without broadcasts.
    public var named: [OSPFNamedNeighbor] = []
    /// PollInterval: between hellos to named routers that are silent.
    public var pollInterval = Interval.seconds(120)
    /// Says nothing of the link's own network where it only leads on (RFC 6860).
    public var hidesNetwork = false
    /// Takes neighbours with a larger MTU.
    public var ignoresMTU = false
    /// How packets are authenticated, in both directions.
    public var authentication = PacketAuthentication.none
    /// Whether packets signed by keys have sequence numbers of 64 bits that rise with each packet
    /// and over restarts, and digests that cover the sender's address (RFC 7474).
    public var hasLongSequence = false
    /// Where a virtual link leads; nil for all other interfaces.
    public var virtual: OSPFVirtualEnd?

    /// A virtual link. Its packets have to fit any link on their way (RFC 2328 §A.1).
    public init(_ end: OSPFVirtualEnd) {
        address = InterfaceAddress(.unspecified, length: 32)
        area = .unspecified
        network = .virtual
        mtu = 576
        virtual = end
    }

    /// An interface with this address and the defaults of the protocol.
    public init(address: InterfaceAddress, area: IPv4Address) {
        self.address = address
        self.area = area
    }

    /// Whether packets are for one router each.
    var isUnicast: Bool {
        network == .nonBroadcast || network == .pointToMultipoint && !named.isEmpty
    }

    /// The mask as it stands in hellos.
    var mask: UInt32 { network == .virtual ? 0 : address.prefix.mask }
    /// HelloInterval as it stands in packets.
    var helloSeconds: UInt16 { UInt16(clamping: helloInterval.wholeSeconds) }
    /// RouterDeadInterval as it stands in packets.
    var deadSeconds: UInt32 { UInt32(clamping: max(deadInterval.wholeSeconds, 1)) }

    /// Whether neighbours stay when one becomes the other: only keys may differ.
    static func areAlike(_ a: OSPFInterfaceSettings?, _ b: OSPFInterfaceSettings?) -> Bool {
        guard var one = a, let other = b else { return a == nil && b == nil }
        one.authentication = other.authentication
        if one.network == .virtual { (one.address, one.cost) = (other.address, other.cost) }
        return one == other
    }

    /// Octets of a packet's body that fit the link.
    func room(at wall: Int64) -> Int {
        let below = OSPFProtocol.lowerLength + OSPFProtocol.headerLength
        return max(Int(mtu), 576) - below
            - authentication.trailerLength(at: wall, isLong: hasLongSequence)
    }
}

/// What a border router says of several networks of an area together.
public struct OSPFRange: Hashable, Sendable {
    /// The networks.
    public var prefix: IPv4Prefix
    /// Whether anything is said of them.
    public var isAdvertised = true

    /// An advertised range.
    public init(_ prefix: IPv4Prefix, isAdvertised: Bool = true) {
        self.prefix = prefix
        self.isAdvertised = isAdvertised
    }
}

/// Whether an area knows what is outside the autonomous system.
public enum OSPFAreaKind: Hashable, Sendable {
    /// It does.
    case normal
    /// It has a default route instead, announced by border routers at this cost; if totally, then
    /// instead of other areas' networks as well.
    case stub(cost: UInt32, isTotally: Bool)
    /// As a stub area, but routers in it may announce networks outside, which a border router tells
    /// the other areas (RFC 3101).
    case nssa(cost: UInt32, isTotally: Bool)

    /// As a configuration writes it.
    public var name: String {
        switch self {
        case .normal: "normal"
        case .stub(_, let isTotally): isTotally ? "totally-stub" : "stub"
        case .nssa(_, let isTotally): isTotally ? "totally-nssa" : "nssa"
        }
    }
}

/// An area that we have interfaces in.
public struct OSPFAreaSettings: Hashable, Sendable {
    /// Its number; 0.0.0.0 is the backbone.
    public var id: IPv4Address
    /// What it knows; every router in it has to agree.
    public var kind = OSPFAreaKind.normal
    /// What other areas hear of it.
    public var ranges: [OSPFRange] = []
    /// What they hear of networks outside that are announced in it, if it is not-so-stubby.
    public var externalRanges: [OSPFRange] = []

    /// A normal area.
    public init(_ id: IPv4Address) { self.id = id }

    /// Whether it knows what is outside the autonomous system.
    var takesExternals: Bool { kind == .normal }
    var isNSSA: Bool { if case .nssa = kind { true } else { false } }
    /// Whether its routers have a default route instead of other areas' networks.
    var isTotally: Bool {
        switch kind {
        case .normal: false
        case .stub(_, let isTotally), .nssa(_, let isTotally): isTotally
        }
    }
    var isBackbone: Bool { id == .unspecified }
    /// What hellos and descriptions in it say.
    var options: OSPFOptions { takesExternals ? .external : isNSSA ? .nssa : [] }
    /// What LSAs in it say.
    var lsaOptions: OSPFOptions { takesExternals ? .external : [] }
}

/// The periods of the protocol, apart from those of interfaces (RFC 2328 §B).
public struct OSPFTimers: Hashable, Sendable {
    /// MinLSArrival: an LSA that comes sooner after the one before is dropped.
    public var shortestArrival = Interval.seconds(1)
    /// From one instance of an LSA of ours to the next, in quiet times; more than the neighbours'
    /// MinLSArrival.
    public var shortestOrigination = Interval.milliseconds(1200)
    /// MinLSInterval: the same when it changes again and again.
    public var longestOrigination = Interval.seconds(5)
    /// How long acknowledgements wait for company.
    public var acknowledgementDelay = Interval.milliseconds(500)
    /// TranslatorStabilityInterval: how long a border router goes on telling of a not-so-stubby
    /// area's networks outside when another is to do it (RFC 3101 §3.1).
    public var translatorStability = Interval.seconds(40)
    /// From one calculation of routes to the next after a quiet time; the first is done at once.
    public var shortestCalculation = Interval.milliseconds(50)
    /// The same when there is no quiet.
    public var longestCalculation = Interval.seconds(1)

    /// The defaults.
    public init() {}
}

/// What is taken in and given out (SECURITY S51).
public struct OSPFLimits: Hashable, Sendable {
    /// Most LSAs in all databases.
    public var lsas = 10_000
    /// Most octets of all of them with which others' still come in.
    public var octets = 64 << 20
    /// Most neighbours on an interface.
    public var neighbors = 64
    /// Most neighbours that are between 2-Way and Full at a time; others wait (RFC 4222 §2 (5)).
    public var exchanges = 16
    /// Most routers whose long sequence numbers are kept on an interface.
    public var senders = 256
    /// Packets that are sent again in one go, and how soon after that the next go comes.
    public var burst = 16
    /// From one such go to the next.
    public var burstPeriod = Interval.milliseconds(20)
    /// Packets that are flooded by an interface in one go.
    public var floodBurst = 64
    /// From one such go to the next, and as often more as a neighbour has not confirmed
    /// `unconfirmed` LSAs, up to sixteen times.
    public var floodPeriod = Interval.milliseconds(10)
    /// LSAs that do not slow a flood down yet.
    public var unconfirmed = 5000
    /// Largest number of equal ways to a destination, 1 to 16.
    public var ways = 16

    /// The defaults.
    public init() {}
}

/// Everything a user can choose about OSPF.
public struct OSPFSettings: Hashable, Sendable {
    /// Tells us from all other routers; not 0.0.0.0.
    public var router: IPv4Address
    /// The areas of our interfaces.
    public var areas: [OSPFAreaSettings]
    /// By interface number; nil where OSPF is not spoken. Every address is a numbered one. Virtual
    /// links follow the interfaces that there really are, and the backbone is one of `areas` then.
    public var interfaces: [OSPFInterfaceSettings?]
    /// Whether others shall not send through us (RFC 6987).
    public var isStubRouter = false
    /// For how long after the start they shall not.
    public var stubAtStart = Interval.seconds(0)
    /// Whether neighbours that restart are kept if they ask for it (RFC 3623 §3).
    public var helpsRestarts = true
    /// Periods.
    public var timers = OSPFTimers()
    /// Limits; taken on at the start only.
    public var limits = OSPFLimits()

    var hasVirtualLinks: Bool { interfaces.contains { $0?.virtual != nil } }

    /// Settings for these interfaces with defaults for the rest.
    public init(
        router: IPv4Address, areas: [OSPFAreaSettings], interfaces: [OSPFInterfaceSettings?]
    ) {
        self.router = router
        self.areas = areas
        self.interfaces = interfaces
    }
}
