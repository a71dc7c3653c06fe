enum TopKey: String, KeyWord {
    case version, name, interfaces, routes, nat, rip, ospf, forwarding, log, control

    static let unavailable = ["dhcp", "metrics", "web", "export"]
    static let foreign = ForeignWord.top
}

enum InterfacesKey: String, KeyWord {
    case lan, wan

    static let foreign: [ForeignWord] = []
}

enum InterfaceKey: String, KeyWord {
    case tap, netns, bridge, mtu, macaddress, addresses, offload, persist, neighbors
    case queueLength = "queue-length"
    case proxyARP = "proxy-arp"
    case probeAddress = "probe-address"
    case icmpErrors = "icmp-errors"

    static let foreign = ForeignWord.interface
}

enum OffloadKey: String, KeyWord {
    case checksum, segmentation

    static let foreign = ForeignWord.offload
}

enum NeighborKey: String, KeyWord {
    case address, macaddress

    static let foreign = ForeignWord.neighbor
}

enum RouteKey: String, KeyWord {
    case to, via, interface, metric, distance, type, bfd
    case onLink = "on-link"

    static let foreign = ForeignWord.route
}

enum NATKey: String, KeyWord {
    case preset, mode, outside, pool, blocks, mapping, filtering, hairpin, rules, exclude
    case timeouts, limits
    case preservePort = "preserve-port"
    case preserveParity = "preserve-parity"
    case inboundRefresh = "inbound-refresh"
    case mssClamp = "mss-clamp"
    case tcpTracking = "tcp-tracking"
    case unsolicitedSYN = "unsolicited-syn"
    case portForwards = "port-forwards"
    case otherProtocols = "other-protocols"
    case oneToOne = "one-to-one"

    static let foreign = ForeignWord.nat
}

enum PoolKey: String, KeyWord {
    case addresses, ports, pairing

    static let foreign: [ForeignWord] = []
}

enum BlockKey: String, KeyWord {
    case inside, size

    static let foreign: [ForeignWord] = []
}

enum OneToOneKey: String, KeyWord {
    case name, outside, inside, from

    static let foreign: [ForeignWord] = []
}

enum RuleKey: String, KeyWord {
    case name, from, `protocol`, action, mapping, filtering
    case preservePort = "preserve-port"
    case preserveParity = "preserve-parity"
    case inboundRefresh = "inbound-refresh"

    static let foreign: [ForeignWord] = []
}

enum ExceptionKey: String, KeyWord {
    case to, `protocol`, port

    static let foreign: [ForeignWord] = []
}

enum PortTimeoutKey: String, KeyWord {
    case `protocol`, port, timeout

    static let foreign: [ForeignWord] = []
}

enum ForwardKey: String, KeyWord {
    case name, `protocol`, port, address, to, from, hairpin

    static let foreign = ForeignWord.forward
}

enum TimeoutKey: String, KeyWord {
    case tcpEstablished = "tcp-established"
    case tcpOpening = "tcp-opening"
    case tcpTransitory = "tcp-transitory"
    case udp
    case udpUnreplied = "udp-unreplied"
    case icmp, other, fragment, ports
    case portRest = "port-rest"

    static let foreign = ForeignWord.timeout
}

enum LimitKey: String, KeyWord {
    case sessions
    case sessionsPerHost = "sessions-per-host"
    case portsPerHost = "ports-per-host"
    case newSessionsPerSecond = "new-sessions-per-second"
    case newSessionsPerSecondPerHost = "new-sessions-per-second-per-host"
    case fragments

    static let foreign: [ForeignWord] = []
}

enum ForwardingKey: String, KeyWord {
    case documentationPrefixes = "documentation-prefixes"
    case bogons
    case classE = "class-e"
    case directedBroadcast = "directed-broadcast"
    case busyPoll = "busy-poll"
    case workers

    static let foreign: [ForeignWord] = []
}

enum LogKey: String, KeyWord {
    case level
    case natSessions = "nat-sessions"

    static let foreign: [ForeignWord] = []
}

enum ControlKey: String, KeyWord {
    case socket, group, mode
    case readOnlyGroup = "read-only-group"

    static let foreign: [ForeignWord] = []
}

enum RIPSectionKey: String, KeyWord {
    case interfaces, neighbors, redistribute, timers
    case defaultOriginate = "default-originate"
    case defaultMetric = "default-metric"

    static let foreign: [ForeignWord] = []
}

enum RIPInterfaceKey: String, KeyWord {
    case passive, cost, authentication, bfd
    case splitHorizon = "split-horizon"
    case acceptDefault = "accept-default"
    case filterIn = "filter-in"
    case filterOut = "filter-out"
    case receiveVersion1 = "receive-version-1"
    case loopFree = "loop-free"

    static let foreign: [ForeignWord] = []
}

enum RIPTimerKey: String, KeyWord {
    case update, timeout, garbage

    static let foreign: [ForeignWord] = []
}

enum AuthenticationKey: String, KeyWord {
    case type, keys
    case keyID = "key-id"
    case keyFile = "key-file"

    static let foreign: [ForeignWord] = []
}

enum SigningKeyKey: String, KeyWord {
    case type
    case keyID = "key-id"
    case keyFile = "key-file"
    case sendFrom = "send-from"
    case sendUntil = "send-until"
    case acceptFrom = "accept-from"
    case acceptUntil = "accept-until"

    static let foreign: [ForeignWord] = []
}

enum OSPFSectionKey: String, KeyWord {
    case areas, interfaces, redistribute
    case routerID = "router-id"
    case stubRouter = "stub-router"
    case stubAtStart = "stub-router-at-start"
    case stubAtStop = "stub-router-at-stop"
    case defaultOriginate = "default-originate"
    case gracefulRestart = "graceful-restart"

    static let unavailable = ["reference-bandwidth"]
    static let foreign: [ForeignWord] = []
}

enum OSPFAreaKey: String, KeyWord {
    case type, ranges
    case virtualLinks = "virtual-links"
    case defaultCost = "default-cost"
    case externalRanges = "external-ranges"

    static let foreign: [ForeignWord] = []
}

/// Where neighbours agree on intervals and keys.
protocol OSPFLinkKey: KeyWord {
    static var helloInterval: Self { get }
    static var deadInterval: Self { get }
    static var retransmitInterval: Self { get }
    static var transmitDelay: Self { get }
    static var authentication: Self { get }
    static var longSequence: Self { get }
}

enum OSPFVirtualLinkKey: String, OSPFLinkKey {
    case router, authentication
    case longSequence = "extended-sequence"
    case helloInterval = "hello-interval"
    case deadInterval = "dead-interval"
    case retransmitInterval = "retransmit-interval"
    case transmitDelay = "transmit-delay"

    static let foreign: [ForeignWord] = []
}

enum OSPFInterfaceKey: String, OSPFLinkKey {
    case area, cost, priority, passive, authentication, bfd, neighbors
    case longSequence = "extended-sequence"
    case pollInterval = "poll-interval"
    case hidesNetwork = "prefix-suppression"
    case networkType = "network-type"
    case mtuIgnore = "mtu-ignore"
    case helloInterval = "hello-interval"
    case deadInterval = "dead-interval"
    case retransmitInterval = "retransmit-interval"
    case transmitDelay = "transmit-delay"

    static let foreign: [ForeignWord] = []
}

enum BFDKey: String, KeyWord {
    case minTx = "min-tx"
    case minRx = "min-rx"
    case multiplier

    static let foreign: [ForeignWord] = []
}

enum OSPFNeighborKey: String, KeyWord {
    case address, priority

    static let foreign: [ForeignWord] = []
}

enum OSPFGraceKey: String, KeyWord {
    case enabled, period, helper

    static let foreign: [ForeignWord] = []
}

enum OSPFExternalKey: String, KeyWord {
    case from, metric
    case metricType = "metric-type"

    static let foreign: [ForeignWord] = []
}

enum OSPFDefaultKey: String, KeyWord {
    case always, metric
    case metricType = "metric-type"

    static let foreign: [ForeignWord] = []
}
