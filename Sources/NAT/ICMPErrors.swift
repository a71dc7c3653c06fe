import Memory
public import Wire

/// The packet an ICMP error quotes, as far as a NAT needs it (RFC 5508 §4).
public struct Quote: Sendable {
    /// Where the quoted IPv4 header begins, from the start of the frame.
    var ip: Int
    /// Where the quoted transport header begins.
    var transport: Int
    /// Octets of transport part that are there, at least 8 unless the protocol has no ports.
    var available: Int
    var source: UInt32
    var destination: UInt32
    var sourcePort: UInt16
    var destinationPort: UInt16
    var proto: UInt8
    /// Identification as quoted.
    public let identification: UInt16
    /// Whether the identification says nothing, as in `Packet.isAtomic`.
    public let isAtomic: Bool
    /// Sequence number of TCP.
    var sequence: UInt32 = 0

    /// Reads the quoted packet; its header checksum must hold, its transport checksum need not.
    ///
    /// Options are walked over; 8 octets of transport part must be there (RFC 792). RFC 5508 REQ-3.
    public init(_ packet: Packet, _ frame: inout MutableRawSpan) throws(DropReason) {
        let start = packet.transport + 8
        let end = packet.frameLength
        guard end - start >= 20, frame.byte(start) >> 4 == 4 else { throw .icmpMalformed }
        let header = Int(frame.byte(start) & 15) * 4
        proto = frame.byte(start + 9)
        let hasPorts = IPProtocol.hasPorts(proto)
        let least = header + (hasPorts || proto == IPProtocol.icmp ? 8 : 0)
        guard header >= 20, end - start >= least else { throw .icmpMalformed }
        guard Checksum.fold(Checksum.sum(frame.bytes.part(start, header))) == 0xffff else {
            throw .icmpChecksum
        }
        // A later fragment has no ports to find a session by.
        let field = frame.be16(start + 6)
        guard field & FragmentField.offsetMask == 0 else { throw .natErrorUnmatched }
        identification = frame.be16(start + 4)
        isAtomic = field & ~0x8000 == FragmentField.dontFragment
        ip = start
        transport = start + header
        available = end - transport
        source = frame.be32(start + 12)
        destination = frame.be32(start + 16)
        switch proto {
        case IPProtocol.icmp:
            // Only queries are quoted: there is no error about an error.
            let type = frame.byte(transport)
            guard ICMPType.isQuery(type) || ICMPType.isReply(type) else {
                throw .natErrorUnmatched
            }
            sourcePort = frame.be16(transport + 4)
            destinationPort = sourcePort
        default:
            sourcePort = hasPorts ? frame.be16(transport) : 0
            destinationPort = hasPorts ? frame.be16(transport + 2) : 0
            if proto == IPProtocol.tcp { sequence = frame.be32(transport + 4) }
        }
    }
}

extension Quote {
    /// The quote after its destination was translated.
    public func translated(to address: UInt32, port: UInt16) -> Quote {
        var copy = self
        copy.destination = address
        copy.destinationPort = port
        return copy
    }
}

extension NAT {
    /// The session an ICMP error is about; errors never make, refresh or end one (RFC 5508 REQ-6).
    ///
    /// `direction` is that of the error: the packet it quotes went the other way. Of TCP it must
    /// quote a segment that may be on its way (SECURITY S04).
    public func findQuoted(_ quote: Quote, _ direction: Direction) throws(DropReason) -> UInt32 {
        let flow =
            direction == .inbound
            ? Flow(
                .inbound, transport: quote.proto, local: quote.source,
                localPort: quote.sourcePort, remote: quote.destination,
                remotePort: quote.destinationPort)
            : Flow(
                .outbound, transport: quote.proto, local: quote.destination,
                localPort: quote.destinationPort, remote: quote.source,
                remotePort: quote.sourcePort)
        guard let session = find(flow) else { throw .natErrorUnmatched }
        if quote.proto == IPProtocol.tcp, checksTCP {
            let sender = ends[session][Int(direction.opposite.rawValue)]
            guard sender.isInFlight(quote.sequence) else { throw .natErrorSequence }
        }
        return session
    }

    /// Restores the quoted packet, sets the outer address and corrects every checksum
    /// (RFC 5508 REQ-4, REQ-5). Padding and RFC 4884 extensions stay as they are.
    ///
    /// `identification` is what the quoted packet had before it was translated, if that is known.
    public func rewriteError(
        _ number: UInt32, _ quote: Quote, _ packet: Packet, _ direction: Direction,
        _ frame: inout MutableRawSpan, identification: UInt16? = nil
    ) {
        let inbound = direction == .inbound
        let session = sessions[number]
        let address = inbound ? session.insideAddress : session.outsideAddress
        let port = inbound ? session.insidePort : session.outsidePort
        var message = ErrorPatch(checksumField: packet.transport + 2)

        // The quoted packet went the other way: its source was translated if the error comes in.
        message.set32(&frame, quote.ip + (inbound ? 12 : 16), address)
        var addresses = inbound ? ~session.addressDelta : session.addressDelta
        let full = session.fullDelta(of: quote.proto, inbound ? .inbound : .outbound)
        var header = UInt64(addresses)
        if let identification {
            header &+= Checksum.delta(
                old: UInt32(frame.be16(quote.ip + 4)), new: UInt32(identification))
            message.set16(&frame, quote.ip + 4, identification)
        }
        message.set16(
            &frame, quote.ip + 10,
            Checksum.update(frame.be16(quote.ip + 10), by: Checksum.fold(header)))
        switch quote.proto {
        case IPProtocol.icmp:
            message.set16(&frame, quote.transport + 4, port)
            message.set16(
                &frame, quote.transport + 2,
                Checksum.update(frame.be16(quote.transport + 2), by: full))
        default:
            guard let field = IPProtocol.checksumOffset(quote.proto) else { break }
            message.set16(&frame, quote.transport + (inbound ? 0 : 2), port)
            if quote.available >= field + 2 {
                let old = frame.be16(quote.transport + field)
                let isUDP = quote.proto == IPProtocol.udp || quote.proto == IPProtocol.udpLite
                let new =
                    isUDP ? Checksum.updateUDP(old, by: full) : Checksum.update(old, by: full)
                message.set16(&frame, quote.transport + field, new)
            }
        }
        message.finish(&frame)

        // The outer packet: to the inside host, or from the outside address.
        let outer = Packet.ip + (inbound ? 16 : 12)
        addresses = Checksum.fold(Checksum.delta(old: frame.be32(outer), new: address))
        frame.setBe32(outer, address)
        frame.setBe16(
            Packet.ip + 10, Checksum.update(frame.be16(Packet.ip + 10), by: addresses))
    }
}

/// Changes words of an ICMP message and gathers what that does to its checksum.
struct ErrorPatch {
    let checksumField: Int
    private var delta: UInt64 = 0

    init(checksumField: Int) { self.checksumField = checksumField }

    mutating func set16(_ frame: inout MutableRawSpan, _ offset: Int, _ value: UInt16) {
        delta &+= Checksum.delta(old: UInt32(frame.be16(offset)), new: UInt32(value))
        frame.setBe16(offset, value)
    }

    mutating func set32(_ frame: inout MutableRawSpan, _ offset: Int, _ value: UInt32) {
        delta &+= Checksum.delta(old: frame.be32(offset), new: value)
        frame.setBe32(offset, value)
    }

    func finish(_ frame: inout MutableRawSpan) {
        frame.setBe16(
            checksumField,
            Checksum.update(frame.be16(checksumField), by: Checksum.fold(delta)))
    }
}
