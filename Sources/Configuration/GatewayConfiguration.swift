public import BFD
public import Forwarding
public import Routing
public import Timing
public import Wire

/// Everything one configuration file says, checked and with every default filled in.
public struct GatewayConfiguration: Hashable, Sendable {
    /// Name of the instance; the file's name without `.yaml` unless the file says otherwise.
    public var name: String
    /// What the daemon opens for each side, indexed by `Side.index`.
    public var devices: [DeviceSettings]
    /// The packet path; hardware addresses are always filled in.
    public var forwarding: ForwardingSettings
    /// How long the worker looks for more packets before it sleeps; 0 to 100 ms.
    public var busyPoll = Interval.seconds(0)
    /// Threads that forward; 1 to 16.
    public var workers = 1
    /// Static routes; those with the same prefix, distance and metric are one with several ways.
    public var routes: [Route]
    /// Next hops of static routes that BFD watches, and how.
    public var watched: [NextHop: BFDTiming]
    /// RIP; nil if it is not spoken.
    public var rip: RIPConfiguration?
    /// OSPF; nil if it is not spoken.
    public var ospf: OSPFConfiguration?
    /// Logging.
    public var log: LogSettings
    /// The control socket.
    public var control: ControlSettings

    /// A configuration of these parts.
    public init(
        name: String, devices: [DeviceSettings], forwarding: ForwardingSettings,
        routes: [Route] = [], watched: [NextHop: BFDTiming] = [:], rip: RIPConfiguration? = nil,
        ospf: OSPFConfiguration? = nil,
        log: LogSettings = LogSettings(), control: ControlSettings
    ) {
        self.name = name
        self.devices = devices
        self.forwarding = forwarding
        self.routes = routes
        self.watched = watched
        self.rip = rip
        self.ospf = ospf
        self.log = log
        self.control = control
    }
}

/// The TAP interface of one side.
public struct DeviceSettings: Hashable, Sendable {
    /// Name of the TAP interface, 1 to 15 bytes.
    public var tap: String
    /// Namespace that gets the host end: a name under /run/netns or an absolute path.
    public var namespace: String?
    /// Bridge that the host end joins.
    public var bridge: String?
    /// Whether checksums are left to the kernel.
    public var checksumOffload = true
    /// Whether TCP super-packets are exchanged with the kernel; needs `checksumOffload`.
    public var segmentationOffload = true
    /// Whether the interface stays when the daemon exits.
    public var isPersistent = false
    /// Packets the kernel queues towards the daemon, 64 to 1,000,000.
    public var transmitQueueLength = 10_000
    /// The hardware address as configured; nil for `defaultHardware(machineID:name:side:)`.
    public var hardware: MACAddress?

    /// The defaults for a TAP interface of this name.
    public init(tap: String) { self.tap = tap }
}

/// What is logged.
public struct LogSettings: Hashable, Sendable {
    /// The least important messages written.
    public enum Level: String, Sendable, CaseIterable {
        case debug, info, notice, warning, error
    }

    /// What is written about NAT sessions.
    public enum Sessions: String, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// Counts from time to time.
        case summary
        /// One line at the start and one at the end of each session.
        case all
    }

    /// The least important messages written.
    public var level = Level.info
    /// What is written about NAT sessions.
    public var natSessions = Sessions.summary

    /// The defaults of the schema.
    public init() {}
}

/// The socket that `gatewayctl` talks to.
public struct ControlSettings: Hashable, Sendable {
    /// Absolute path, at most 107 bytes.
    public var socket: String
    /// Group that may change things; nil for root alone.
    public var group: String?
    /// Group that may look but not change.
    public var readOnlyGroup: String?
    /// Permission bits of the socket.
    public var mode: UInt16

    /// A socket of these properties.
    public init(
        socket: String, group: String? = "gatewayd", readOnlyGroup: String? = nil,
        mode: UInt16 = 0o660
    ) {
        self.socket = socket
        self.group = group
        self.readOnlyGroup = readOnlyGroup
        self.mode = mode
    }

    /// The socket of the instance `name` unless its configuration says otherwise.
    public static func defaultSocket(name: String) -> String {
        "/run/gatewayd/\(name)/control.sock"
    }
}
