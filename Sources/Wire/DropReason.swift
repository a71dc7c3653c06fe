/// Why a packet went no further. The name is the counter, the trace line and the help entry.
///
/// Raw values index the counters; names never change meaning.
@frozen
public enum DropReason: UInt8, Error, CaseIterable, Sendable {
    // Ethernet and offload metadata
    case frameShort, frameNotForUs, frameSource, frameType, frameVLAN, frameOversized
    case offloadChecksum, offloadSegmentation
    // ARP
    case arpMalformed, arpSender, arpNotForUs, arpUnsolicited, arpConflict, arpRateLimit
    case arpUnresolved, arpQueueFull, arpTableFull
    // IPv4
    case ipv4Header, ipv4Checksum, ipv4Truncated, ipv4Options, ipv4SourceRoute
    case ipv4LinkBroadcast
    // Addresses
    case martianSource, martianDestination, sourceOwnAddress, sourceReversePath
    case broadcastDirected, broadcastLimited, multicastNotJoined
    // Forwarding
    case ttlExpired, routeNone, routeBlackhole, routeUnreachable, routeProhibited, routeSameSide
    case mtuExceeded, mtuSegments
    // Transport headers
    case tcpMalformed, tcpChecksum, udpMalformed, udpChecksum
    case icmpMalformed, icmpChecksum, icmpType
    case transportMalformed, transportChecksum
    // Fragments
    case fragmentMalformed, fragmentOverlap, fragmentTiny, fragmentLimit, fragmentTimeout
    case fragmentDuplicate
    // NAT
    case natNoSession, natFiltered, natForwardSource, natNoPort, natTableFull, natHostLimit
    case natRateLimit, natProtocol, natErrorUnmatched, natHairpinOff, natTCPNotSYN
    case natPeerTaken, natAuthenticated, natDenied, natNoBlock
    case natTCPWindow, natTCPReset, natTCPSYN, natErrorSequence
    // For the gateway itself
    case localNoListener, localRateLimit, localQueueFull
    // Queues and devices
    case outputFull, deviceDown, deviceBusy, deviceRefused, deviceQueueFull, workerBusy

    /// Number of reasons.
    public static let count = allCases.count

    /// The stable dotted name.
    public var name: String { text.name }
    /// One sentence: what it means.
    public var meaning: String { text.meaning }
    /// One sentence: what to do, or why nothing has to be done.
    public var advice: String { text.advice }

    /// The reason with this dotted name.
    public init?(name: String) {
        guard let reason = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = reason
    }
}
