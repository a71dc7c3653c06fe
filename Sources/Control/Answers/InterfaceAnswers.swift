/// The sides with their counters.
public struct InterfacesAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.interfaces/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// One row a side, inside first.
    public var interfaces: [InterfaceRow]

    /// Made of these fields.
    public init(instance: String, interfaces: [InterfaceRow]) {
        self.instance = instance
        self.interfaces = interfaces
    }

    /// The list, under its own name in the document.
    public var rows: [InterfaceRow] {
        get { interfaces }
        set { interfaces = newValue }
    }
}

/// One side in detail.
public struct InterfaceRow: Codable, Hashable, Sendable {
    /// `lan` or `wan`.
    public var name: String
    /// Name of the TAP.
    public var device: String
    /// Network namespace of the far end; nil for the daemon's own.
    public var namespace: String?
    /// Our addresses with prefix lengths.
    public var addresses: [String]
    /// Largest IP packet in octets.
    public var mtu: Int
    /// Our MAC address.
    public var hardware: String
    /// Whether packets can pass.
    public var up: Bool
    /// Whether checksums are left to the other end of the TAP.
    public var checksumOffload: Bool
    /// Whether segments larger than the MTU cross the TAP.
    public var segmentationOffload: Bool
    /// How frames are written: `io_uring`, or `write` for one system call each.
    public var io: String
    /// Why io_uring is not used; nil where it is.
    public var ioReason: String?
    /// Counters and rates.
    public var traffic: Traffic
    /// Packets received here and dropped.
    public var rxDrops: UInt64
    /// Packets that could not be sent here.
    public var txDrops: UInt64

    /// Made of these fields.
    public init(
        name: String, device: String, namespace: String? = nil, addresses: [String], mtu: Int,
        hardware: String, up: Bool, checksumOffload: Bool, segmentationOffload: Bool,
        io: String, ioReason: String? = nil, traffic: Traffic, rxDrops: UInt64, txDrops: UInt64
    ) {
        self.name = name
        self.device = device
        self.namespace = namespace
        self.addresses = addresses
        self.mtu = mtu
        self.hardware = hardware
        self.up = up
        self.checksumOffload = checksumOffload
        self.segmentationOffload = segmentationOffload
        self.io = io
        self.ioReason = ioReason
        self.traffic = traffic
        self.rxDrops = rxDrops
        self.txDrops = txDrops
    }
}

/// The ARP table.
public struct NeighborsAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.neighbors/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// By side and address.
    public var neighbors: [NeighborRow]

    /// Made of these fields.
    public init(instance: String, neighbors: [NeighborRow]) {
        self.instance = instance
        self.neighbors = neighbors
    }

    /// The list, under its own name in the document.
    public var rows: [NeighborRow] {
        get { neighbors }
        set { neighbors = newValue }
    }
}

/// One ARP entry.
public struct NeighborRow: Codable, Hashable, Sendable {
    /// IPv4 address.
    public var address: String
    /// MAC address; nil while unknown.
    public var hardware: String?
    /// `lan` or `wan`.
    public var side: String
    /// `reachable`, `stale`, `probing`, `incomplete` or `static`.
    public var state: String
    /// Since it was last confirmed.
    public var ageSeconds: UInt64
    /// Packets that wait for it.
    public var queuedPackets: Int

    /// Made of these fields.
    public init(
        address: String, hardware: String? = nil, side: String, state: String, ageSeconds: UInt64,
        queuedPackets: Int = 0
    ) {
        self.address = address
        self.hardware = hardware
        self.side = side
        self.state = state
        self.ageSeconds = ageSeconds
        self.queuedPackets = queuedPackets
    }
}

/// What a flush of the ARP table removed.
public struct FlushAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.flush/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Entries removed.
    public var count: Int

    /// Made of these fields.
    public init(instance: String, count: Int) {
        self.instance = instance
        self.count = count
    }
}

/// Why packets went no further.
public struct DropsAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.drops/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Packets dropped since start.
    public var total: UInt64
    /// Most frequent first.
    public var drops: [DropRow]

    /// Made of these fields.
    public init(instance: String, total: UInt64, drops: [DropRow]) {
        self.instance = instance
        self.total = total
        self.drops = drops
    }

    /// The list, under its own name in the document.
    public var rows: [DropRow] {
        get { drops }
        set { drops = newValue }
    }
}

/// One reason on one side.
public struct DropRow: Codable, Hashable, Sendable {
    /// Dotted name.
    public var reason: String
    /// Where the packets came in; nil if it does not matter.
    public var side: String?
    /// Packets dropped.
    public var packets: UInt64
    /// Since the last one; nil if unknown.
    public var lastSeconds: UInt64?
    /// One sentence: what it means.
    public var meaning: String
    /// One sentence: what to do.
    public var advice: String

    /// Made of these fields.
    public init(
        reason: String, side: String? = nil, packets: UInt64, lastSeconds: UInt64? = nil,
        meaning: String, advice: String
    ) {
        self.reason = reason
        self.side = side
        self.packets = packets
        self.lastSeconds = lastSeconds
        self.meaning = meaning
        self.advice = advice
    }
}

/// What the daemon is.
public struct VersionAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.version/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Version of the daemon.
    public var version: String
    /// Version of this interface, `v1`.
    public var api: String

    /// Made of these fields.
    public init(instance: String, version: String, api: String = "v1") {
        self.instance = instance
        self.version = version
        self.api = api
    }
}
