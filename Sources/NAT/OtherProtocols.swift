import Memory
import Timing
import Wire

// Protocols without ports a NAT could choose: GRE, ESP, SCTP and all that are not known. A pair of
// addresses, for SCTP with its own ports, leads to one inside host; a second one is refused. What
// covers no address, as the checksum of SCTP, is left as it is.
extension NAT {
    /// The transport of a packet that is to be translated.
    func transport(of packet: Packet) throws(DropReason) -> Transport {
        switch packet.proto {
        case IPProtocol.tcp, IPProtocol.udp, IPProtocol.icmp: break
        case IPProtocol.authentication: throw .natAuthenticated
        // What the gateway itself speaks: its neighbours' answers are not for an inside host
        // (SECURITY S08).
        case IPProtocol.ospf, IPProtocol.igmp: throw .natProtocol
        default: guard settings.otherProtocols else { throw .natProtocol }
        }
        return Transport(proto: packet.proto)
    }

    /// The mapping of a flow that keeps its ports; it holds that flow alone.
    mutating func otherMapping(
        _ flow: Flow, _ rule: UInt8, at now: Instant
    ) throws(DropReason) -> UInt32 {
        if let own = oneToOne.find(inside: flow.local) {
            return try staticMapping(
                flow, rule, .oneToOne(own.number), outside: own.outside, port: flow.localPort,
                at: now)
        }
        guard !pools.addresses.isEmpty else { throw .natNoPort }
        guard settings.blocks == nil || blocks?.place(of: flow.local) != nil else {
            throw .natNoBlock
        }
        guard let number = takeMapping() else { throw .natTableFull }
        guard let host = takeHost(flow.local) else {
            giveMapping(number)
            throw .natTableFull
        }
        let outside = pools.addresses[Int(hosts[host].pool)]
        let answers = Flow(
            .inbound, transport: flow.transport, local: outside, localPort: flow.localPort,
            remote: flow.remote, remotePort: flow.remotePort)
        guard find(answers) == nil else {
            giveHost(host)
            giveMapping(number)
            throw .natPeerTaken
        }
        try place(
            number, flow, rule, .dynamic, host: host, outside: outside, port: flow.localPort,
            remote: flow.remote, remotePort: flow.remotePort, at: now)
        return number
    }

    /// The port and checksum of a first or whole packet of DCCP or UDP-Lite; other protocols have
    /// none to change.
    @usableFromInline
    func rewriteOther(
        _ proto: UInt8, at start: Int, outbound: Bool, port: UInt16, _ delta: UInt16,
        _ frame: inout MutableRawSpan
    ) {
        guard let offset = IPProtocol.checksumOffset(proto) else { return }
        let field = start + offset
        frame.setBe16(start + (outbound ? 0 : 2), port)
        let sum = Checksum.update(frame.be16(field), by: delta)
        // 0 is no checksum of UDP-Lite (RFC 3828 §3.1).
        let isZero = sum == 0 && proto == IPProtocol.udpLite
        frame.setBe16(field, isZero ? 0xffff : sum)
    }
}
