/// OSPF as a whole.
public struct OSPFStatusAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.ospf/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Whether OSPF is spoken at all; if not, all else is empty.
    public var enabled: Bool
    /// Tells us from all other routers.
    public var router: String
    /// Whether we join areas.
    public var areaBorder: Bool
    /// Whether we announce networks outside.
    public var boundary: Bool
    /// Whether others are asked not to send through us.
    public var stubRouter: Bool
    /// Neighbors.
    public var neighbors: Int
    /// Neighbors with which the database is shared.
    public var full: Int
    /// LSAs kept.
    public var lsas: Int
    /// Destinations known.
    public var routes: Int
    /// Times that routes were calculated.
    public var calculations: UInt64
    /// By the order of the configuration.
    public var areas: [OSPFAreaStatus]
    /// By side.
    public var interfaces: [OSPFInterfaceStatus]
    /// What keeps routers from being neighbors.
    public var faults: [OSPFFaultStatus]

    /// Made of these fields.
    public init(
        instance: String, enabled: Bool, router: String = "", areaBorder: Bool = false,
        boundary: Bool = false, stubRouter: Bool = false, neighbors: Int = 0, full: Int = 0,
        lsas: Int = 0, routes: Int = 0, calculations: UInt64 = 0, areas: [OSPFAreaStatus] = [],
        interfaces: [OSPFInterfaceStatus] = [], faults: [OSPFFaultStatus] = []
    ) {
        self.instance = instance
        self.enabled = enabled
        self.router = router
        self.areaBorder = areaBorder
        self.boundary = boundary
        self.stubRouter = stubRouter
        self.neighbors = neighbors
        self.full = full
        self.lsas = lsas
        self.routes = routes
        self.calculations = calculations
        self.areas = areas
        self.interfaces = interfaces
        self.faults = faults
    }
}

/// An area.
public struct OSPFAreaStatus: Codable, Hashable, Sendable {
    /// Its number as an address.
    public var id: String
    /// `normal`, `stub`, `totally-stub`, `nssa` or `totally-nssa`.
    public var type: String
    /// Whether we tell the others of networks outside that are announced in it.
    public var translator: Bool
    /// Whether a link of ours in it is up.
    public var active: Bool
    /// Routers and networks reached in it.
    public var nodes: Int
    /// LSAs of this area alone.
    public var lsas: Int

    /// Made of these fields.
    public init(
        id: String, type: String, translator: Bool, active: Bool, nodes: Int, lsas: Int
    ) {
        self.id = id
        self.type = type
        self.translator = translator
        self.active = active
        self.nodes = nodes
        self.lsas = lsas
    }
}

/// OSPF on one side.
public struct OSPFInterfaceStatus: Codable, Hashable, Sendable {
    /// `lan`, `wan`, or `virtual-` and the router at the other end.
    public var side: String
    /// `Down`, `Waiting`, `Point-To-Point`, `DROther`, `Backup` or `DR`.
    public var state: String
    /// Our address and the length of its prefix.
    public var address: String
    /// Its area.
    public var area: String
    /// `broadcast`, `point-to-point`, `point-to-multipoint`, `non-broadcast` or `virtual`.
    public var networkType: String
    /// Whether nobody is spoken to.
    public var passive: Bool
    /// Of sending by it.
    public var cost: Int
    /// To become Designated Router.
    public var priority: Int
    /// The address of the Designated Router.
    public var designated: String?
    /// The address of the Backup Designated Router.
    public var backup: String?
    /// From one hello to the next.
    public var helloMilliseconds: Int64
    /// After this silence a neighbor is lost.
    public var deadMilliseconds: Int64
    /// Until the next hello.
    public var nextHelloMilliseconds: Int64?
    /// Of the link.
    public var mtu: Int
    /// The kind, and numbers of keys.
    public var authentication: String
    /// Neighbors on it.
    public var neighbors: Int
    /// Those that are Full.
    public var full: Int
    /// Packets received.
    public var received: UInt64
    /// Packets sent.
    public var sent: UInt64
    /// Packets and LSAs that were not used, by reason; those above 0.
    public var drops: [OSPFDropCount]

    /// Made of these fields.
    public init(
        side: String, state: String, address: String, area: String, networkType: String,
        passive: Bool, cost: Int, priority: Int, designated: String?, backup: String?,
        helloMilliseconds: Int64, deadMilliseconds: Int64, nextHelloMilliseconds: Int64?, mtu: Int,
        authentication: String, neighbors: Int, full: Int, received: UInt64, sent: UInt64,
        drops: [OSPFDropCount]
    ) {
        self.side = side
        self.state = state
        self.address = address
        self.area = area
        self.networkType = networkType
        self.passive = passive
        self.cost = cost
        self.priority = priority
        self.designated = designated
        self.backup = backup
        self.helloMilliseconds = helloMilliseconds
        self.deadMilliseconds = deadMilliseconds
        self.nextHelloMilliseconds = nextHelloMilliseconds
        self.mtu = mtu
        self.authentication = authentication
        self.neighbors = neighbors
        self.full = full
        self.received = received
        self.sent = sent
        self.drops = drops
    }
}

/// A reason for packets or LSAs not to be used.
public struct OSPFDropCount: Codable, Hashable, Sendable {
    /// Dotted name.
    public var reason: String
    /// Since the start.
    public var count: UInt64
    /// One sentence.
    public var meaning: String

    /// Made of these fields.
    public init(
        reason: String, count: UInt64, meaning: String
    ) {
        self.reason = reason
        self.count = count
        self.meaning = meaning
    }
}

/// Why a router that is heard is no neighbor, or gets no further.
public struct OSPFFaultStatus: Codable, Hashable, Sendable {
    /// Who it is.
    public var address: String
    /// `lan` or `wan`.
    public var side: String
    /// Dotted name of the drop.
    public var reason: String
    /// What is wrong and what to change.
    public var explanation: String
    /// Packets dropped for it.
    public var packets: UInt64
    /// Since the last of them.
    public var heardSeconds: UInt64

    /// Made of these fields.
    public init(
        address: String, side: String, reason: String, explanation: String, packets: UInt64,
        heardSeconds: UInt64
    ) {
        self.address = address
        self.side = side
        self.reason = reason
        self.explanation = explanation
        self.packets = packets
        self.heardSeconds = heardSeconds
    }
}

/// OSPF on every side that speaks it.
public struct OSPFInterfacesAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.ospf-interfaces/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// By side.
    public var interfaces: [OSPFInterfaceStatus]

    /// Made of these fields.
    public init(
        instance: String, interfaces: [OSPFInterfaceStatus]
    ) {
        self.instance = instance
        self.interfaces = interfaces
    }

    /// The list, under its own name in the document.
    public var rows: [OSPFInterfaceStatus] {
        get { interfaces }
        set { interfaces = newValue }
    }
}

/// Routers heard, and what keeps others away.
public struct OSPFNeighborsAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.ospf-neighbors/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// What keeps routers from being neighbors.
    public var faults: [OSPFFaultStatus]
    /// By side and address.
    public var neighbors: [OSPFNeighborStatus]

    /// Made of these fields.
    public init(
        instance: String, faults: [OSPFFaultStatus], neighbors: [OSPFNeighborStatus]
    ) {
        self.instance = instance
        self.faults = faults
        self.neighbors = neighbors
    }

    /// The list, under its own name in the document.
    public var rows: [OSPFNeighborStatus] {
        get { neighbors }
        set { neighbors = newValue }
    }
}

/// One router heard.
public struct OSPFNeighborStatus: Codable, Hashable, Sendable {
    /// Its router id.
    public var router: String
    /// Its address.
    public var address: String
    /// `lan`, `wan`, or `virtual-` and the router.
    public var side: String
    /// `Init`, `2-Way`, `ExStart`, `Exchange`, `Loading` or `Full`.
    public var state: String
    /// `DR`, `Backup`, `DROther`, or `-` where there are none.
    public var role: String
    /// To become Designated Router.
    public var priority: Int
    /// Until it is lost if nothing more is heard.
    public var deadMilliseconds: Int64
    /// LSAs to be asked for.
    public var requests: Int
    /// LSAs it has not acknowledged.
    public var retransmissions: Int
    /// Packets of its that were dropped.
    public var badPackets: UInt64

    /// Made of these fields.
    public init(
        router: String, address: String, side: String, state: String, role: String, priority: Int,
        deadMilliseconds: Int64, requests: Int, retransmissions: Int, badPackets: UInt64
    ) {
        self.router = router
        self.address = address
        self.side = side
        self.state = state
        self.role = role
        self.priority = priority
        self.deadMilliseconds = deadMilliseconds
        self.requests = requests
        self.retransmissions = retransmissions
        self.badPackets = badPackets
    }
}
