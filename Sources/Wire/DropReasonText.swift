extension DropReason {
    typealias Text = (name: String, meaning: String, advice: String)

    var text: Text {
        switch self {
        case .frameShort, .frameNotForUs, .frameSource, .frameType, .frameVLAN, .frameOversized,
            .offloadChecksum, .offloadSegmentation:
            frameText
        case .arpMalformed, .arpSender, .arpNotForUs, .arpUnsolicited, .arpConflict,
            .arpRateLimit, .arpUnresolved, .arpQueueFull, .arpTableFull:
            arpText
        case .ipv4Header, .ipv4Checksum, .ipv4Truncated, .ipv4Options, .ipv4SourceRoute,
            .ipv4LinkBroadcast, .martianSource, .martianDestination, .sourceOwnAddress,
            .sourceReversePath, .broadcastDirected, .broadcastLimited, .multicastNotJoined:
            addressText
        case .natNoSession, .natFiltered, .natForwardSource, .natNoPort, .natTableFull,
            .natPeerTaken, .natAuthenticated, .natHostLimit, .natRateLimit, .natProtocol,
            .natErrorUnmatched, .natHairpinOff, .natTCPNotSYN, .natDenied, .natNoBlock:
            natText
        case .natTCPWindow, .natTCPReset, .natTCPSYN, .natErrorSequence:
            sequenceText
        default:
            forwardingText
        }
    }

    private var frameText: Text {
        switch self {
        case .frameShort:
            (
                "frame.short", "The frame is shorter than an Ethernet header.",
                "Something writes broken frames into the TAP."
            )
        case .frameNotForUs:
            (
                "frame.not_for_us", "The frame is for another station.",
                "Normal on a bridge that floods unknown destinations."
            )
        case .frameSource:
            (
                "frame.source", "The source MAC address is a group address or our own.",
                "Look for a loop or a duplicate MAC address on this side."
            )
        case .frameType:
            (
                "frame.type", "The EtherType is neither IPv4 nor ARP.",
                "Normal for IPv6, LLDP and the like: version 1 forwards IPv4 only."
            )
        case .frameVLAN:
            (
                "frame.vlan", "The frame carries a VLAN tag.",
                "Remove the tag before the TAP; tags are not supported."
            )
        case .frameOversized:
            (
                "frame.oversized", "The frame is larger than a TAP may carry.",
                "Something writes broken frames into the TAP."
            )
        case .offloadChecksum:
            (
                "offload.checksum", "The checksum offload metadata does not fit the packet.",
                "A guest or a program writes hostile or broken virtio-net headers."
            )
        default:
            (
                "offload.segmentation",
                "The segmentation offload metadata does not fit the packet.",
                "A guest or a program writes hostile or broken virtio-net headers."
            )
        }
    }

    private var arpText: Text {
        switch self {
        case .arpMalformed:
            (
                "arp.malformed", "The ARP packet is cut off or not Ethernet and IPv4.",
                "Something writes broken frames into the TAP."
            )
        case .arpSender:
            (
                "arp.sender",
                "The ARP sender address is foreign to this side or its MAC is a group.",
                "A host on this side has a wrong address or spoofs."
            )
        case .arpNotForUs:
            ("arp.not_for_us", "The ARP packet asks for another host.", "Normal.")
        case .arpUnsolicited:
            (
                "arp.unsolicited", "An ARP reply came that nobody asked for.",
                "Normal for gratuitous ARP of hosts we do not talk to; otherwise a spoofing try."
            )
        case .arpConflict:
            (
                "arp.conflict", "Another station claims our address or a neighbour's.",
                "Two hosts have the same address; see: gatewayctl neighbors"
            )
        case .arpRateLimit:
            (
                "arp.rate_limit", "More ARP requests than may be sent were wanted.",
                "A host scans a network; known hosts are not affected."
            )
        case .arpUnresolved:
            (
                "arp.unresolved", "The next hop did not answer ARP.",
                "Is the host up and on this side? See: gatewayctl neighbors"
            )
        case .arpQueueFull:
            (
                "arp.queue_full", "Too many packets waited for an ARP answer; the oldest went.",
                "Normal when a host sends much before the next hop is known."
            )
        default:
            (
                "arp.table_full", "The neighbour table of this side is full.",
                "A scan, or more hosts than the table has room for."
            )
        }
    }

    private var addressText: Text {
        switch self {
        case .ipv4Header:
            (
                "ipv4.header", "Version, header length or total length is wrong.",
                "The sender is broken or hostile."
            )
        case .ipv4Checksum:
            (
                "ipv4.checksum", "The IPv4 header checksum is wrong.",
                "The packet was damaged on its way or the sender is broken."
            )
        case .ipv4Truncated:
            (
                "ipv4.truncated", "The frame ends before the IPv4 packet does.",
                "Something cut the packet short on its way."
            )
        case .ipv4Options:
            (
                "ipv4.options", "An IPv4 option has an impossible length.",
                "The sender is broken or hostile."
            )
        case .ipv4SourceRoute:
            (
                "ipv4.source_route", "The packet carries a source route option.",
                "Dropped by default (RFC 7126)."
            )
        case .ipv4LinkBroadcast:
            (
                "ipv4.link_broadcast", "A unicast packet came in a broadcast or multicast frame.",
                "Must not be forwarded (RFC 1812 §5.3.4); the sender is broken."
            )
        case .martianSource:
            (
                "martian.source", "The source address can not belong to a host.",
                "The sender is misconfigured or spoofs."
            )
        case .martianDestination:
            (
                "martian.destination", "The destination address can not be forwarded to.",
                "The sender is misconfigured."
            )
        case .sourceOwnAddress:
            (
                "source.own_address", "The source address is one of ours.",
                "A spoofed packet, a loop, or a second host with our address."
            )
        case .sourceReversePath:
            (
                "source.reverse_path", "There is no way back to the source on this side.",
                "A host has a foreign address, or a route for its network is missing."
            )
        case .broadcastDirected:
            (
                "broadcast.directed", "A broadcast to a connected network is not forwarded.",
                "As RFC 2644 wants it."
            )
        case .broadcastLimited:
            (
                "broadcast.limited", "A broadcast to all hosts of this side that we do not serve.",
                "Normal for DHCP and name services."
            )
        default:
            (
                "multicast.not_joined", "Multicast to a group we are not in.",
                "Normal for mDNS, IGMP and the like: multicast is not forwarded."
            )
        }
    }

    private var natText: Text {
        switch self {
        case .natNoSession:
            (
                "nat.no_session", "No session and no port forward for this packet.",
                "Normal background noise; if a service should answer, see: gatewayctl nat"
            )
        case .natFiltered:
            (
                "nat.filtered", "A mapping exists, but its owner never sent to this remote.",
                "See nat.filtering in the configuration."
            )
        case .natForwardSource:
            (
                "nat.forward_source", "A port forward exists, but not for this source.",
                "See 'from' of the port forward."
            )
        case .natNoPort:
            (
                "nat.no_port", "No outside port was free for a new mapping.",
                "Add addresses to nat.pool or lower nat.limits.ports-per-host."
            )
        case .natDenied:
            (
                "nat.denied", "A rule denies the inside host translation.",
                "See nat.rules and gatewayctl nat rules."
            )
        case .natNoBlock:
            (
                "nat.no_block", "Hosts have blocks of ports, and this one has none.",
                "Add its prefix to nat.blocks.inside."
            )
        case .natTableFull:
            (
                "nat.table_full", "The session table is full.",
                "Raise nat.limits.sessions or find the host: gatewayctl sessions --summary"
            )
        case .natHostLimit:
            (
                "nat.host_limit", "The inside host has as many sessions or ports as it may have.",
                "Raise nat.limits.sessions-per-host or ports-per-host, or look at the host."
            )
        case .natRateLimit:
            (
                "nat.rate_limit", "New sessions are made faster than allowed.",
                "See nat.limits.new-sessions-per-second and new-sessions-per-second-per-host."
            )
        case .natProtocol:
            (
                "nat.protocol", "This protocol is not translated.",
                "OSPF is the gateway's own; for the others see nat.other-protocols."
            )
        case .natPeerTaken:
            (
                "nat.peer_taken", "Another inside host speaks this protocol with the same remote.",
                "Without ports of our choice the answers could not be told apart."
            )
        case .natAuthenticated:
            (
                "nat.authenticated", "The Authentication Header covers the addresses.",
                "It can not pass any NAT; use ESP, best inside UDP."
            )
        case .natErrorUnmatched:
            (
                "nat.error_unmatched", "An ICMP error quotes a packet of no session.",
                "Stale or forged; errors never make or end sessions."
            )
        case .natHairpinOff:
            (
                "nat.hairpin_off", "An inside host used an outside address and hairpin is off.",
                "See nat.hairpin in the configuration."
            )
        default:
            (
                "nat.tcp_not_syn", "A TCP segment without SYN has no session.",
                "The session ended or timed out; the host will notice and reconnect."
            )
        }
    }

    private var sequenceText: Text {
        switch self {
        case .natTCPWindow:
            (
                "nat.tcp_window", "A TCP segment outside of the windows of its connection.",
                "Stale or forged; if real traffic stalls, see nat.tcp-tracking."
            )
        case .natTCPReset:
            (
                "nat.tcp_reset", "A TCP reset outside of the window of its connection.",
                "Stale or forged; resets by guesswork end nothing."
            )
        case .natTCPSYN:
            (
                "nat.tcp_syn", "A TCP SYN inside a live connection, from the end that was called.",
                "Stale or forged; the end that called may always begin anew."
            )
        default:
            (
                "nat.error_sequence", "An ICMP error quotes TCP data that is not on its way.",
                "Stale or forged; errors never make or end sessions."
            )
        }
    }

    private var forwardingText: Text {
        switch self {
        case .ttlExpired:
            (
                "ttl.expired", "TTL ran out here; an ICMP Time Exceeded was sent.",
                "Normal for traceroute; else a routing loop."
            )
        case .routeNone:
            (
                "route.none", "No route to the destination.",
                "Add a route; ask: gatewayctl routes get ADDRESS"
            )
        case .routeBlackhole:
            ("route.blackhole", "The route is of type blackhole.", "As configured.")
        case .routeUnreachable:
            ("route.unreachable", "The route is of type unreachable.", "As configured.")
        case .routeProhibited:
            ("route.prohibited", "The route is of type prohibit.", "As configured.")
        case .routeSameSide:
            (
                "route.same_side", "The packet would leave on the side it came from.",
                "The sender should reach that address by itself; check its netmask."
            )
        case .mtuExceeded:
            (
                "mtu.exceeded", "Too big for the way out and DF is set; the sender was told.",
                "Normal for path MTU discovery; if pages hang, see nat.mss-clamp."
            )
        case .mtuSegments:
            (
                "mtu.segments", "A super-packet whose segments do not fit the way out.",
                "The sender was told if DF is set; see interfaces.X.mtu."
            )
        case .tcpMalformed:
            (
                "tcp.malformed", "The TCP header is cut off or contradicts itself.",
                "The sender is broken or hostile."
            )
        case .tcpChecksum:
            (
                "tcp.checksum", "A first TCP segment with a wrong checksum; no session was made.",
                "The packet was damaged on its way or is forged."
            )
        case .udpChecksum:
            (
                "udp.checksum", "A first UDP datagram with a wrong checksum; no session was made.",
                "The packet was damaged on its way or is forged."
            )
        case .udpMalformed:
            (
                "udp.malformed", "The UDP header is cut off or contradicts itself.",
                "The sender is broken or hostile."
            )
        case .icmpMalformed:
            (
                "icmp.malformed", "The ICMP message is cut off or quotes no packet.",
                "The sender is broken or hostile."
            )
        case .icmpChecksum:
            ("icmp.checksum", "The ICMP checksum is wrong.", "The packet was damaged on its way.")
        case .icmpType:
            (
                "icmp.type", "ICMP of a type that is not translated.",
                "Redirect, source quench and the like are ignored on purpose."
            )
        case .transportMalformed:
            (
                "transport.malformed",
                "The SCTP, DCCP or UDP-Lite header is cut off or contradicts itself.",
                "The sender is broken or hostile."
            )
        case .transportChecksum:
            (
                "transport.checksum",
                "A first packet of DCCP or UDP-Lite with a wrong checksum; no session was made.",
                "The packet was damaged on its way or is forged."
            )
        case .fragmentMalformed:
            (
                "fragment.malformed", "A fragment with an impossible offset or length.",
                "The sender is broken or hostile."
            )
        case .fragmentOverlap:
            (
                "fragment.overlap", "Fragments overlap; the whole datagram was dropped.",
                "Hostile (RFC 5722), or two hosts use one IP ID."
            )
        case .fragmentTiny:
            (
                "fragment.tiny", "The first fragment does not hold the transport header.",
                "Hostile (RFC 1858)."
            )
        case .fragmentLimit:
            (
                "fragment.limit", "Too many fragments wait for the rest of their datagrams.",
                "A flood of fragments; see nat.limits.fragments."
            )
        case .fragmentTimeout:
            (
                "fragment.timeout", "The rest of a fragmented datagram did not come in time.",
                "Loss on the way."
            )
        case .fragmentDuplicate:
            (
                "fragment.duplicate", "A copy of a fragment that already waits for others.",
                "Harmless in small numbers: something on the way doubles packets."
            )
        case .localNoListener:
            (
                "local.no_listener",
                "The packet is for the gateway itself, which has no such service.",
                "Normal for traceroute and scans."
            )
        case .localRateLimit:
            (
                "local.rate_limit", "More packets for the gateway itself than it answers.",
                "A flood of pings."
            )
        case .localQueueFull:
            (
                "local.queue_full", "Routing packets came faster than they are worked off.",
                "A neighbor sends more than the control thread can take; what it lost comes again."
            )
        case .outputFull:
            (
                "output.full", "No room for a generated packet in this batch.",
                "The machine is overloaded."
            )
        case .deviceDown:
            (
                "device.down", "The interface on the way out is down.",
                "Set the far end of the TAP up."
            )
        case .deviceBusy:
            (
                "device.busy", "The queue of the interface on the way out was full.",
                "The receiver is slower than the sender; normal for bursts."
            )
        case .workerBusy:
            (
                "worker.busy", "The worker it was handed to had too much to do.",
                "Normal for bursts; if it lasts, a host sends more than one core can take."
            )
        case .deviceQueueFull:
            (
                "device.queue_full", "The kernel's queue to the gateway was full.",
                "More came than it could read; see 'queue-length' for bursts."
            )
        default:
            (
                "device.refused", "The kernel refused the frame.",
                "See the log; this should not happen."
            )
        }
    }
}
