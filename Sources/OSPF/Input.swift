public import Timing
public import Wire

// What is taken in. A bad packet is dropped whole, of an update only the LSA that is bad.
extension OSPFEngine {
    /// Takes an IP packet of protocol 89 that came in on an interface (RFC 2328 §8.2).
    ///
    /// - Parameters:
    ///   - packet: The IP payload.
    ///   - source: Who sent it.
    ///   - destination: Ourselves or one of the two groups.
    public mutating func receive(
        _ packet: RawSpan, from source: IPv4Address, to destination: IPv4Address,
        on interface: Int, at now: Instant, into effects: inout OSPFEffects
    ) {
        begin(at: now, &effects)
        let number = virtualLink(packet, to: destination, on: interface) ?? interface
        interfaces[number].packetsIn &+= 1
        do throws(OSPFDrop) {
            try take(packet, source, destination, number)
        } catch {
            count(error, on: number)
            note(error, source, on: number)
            let index = interfaces[number].neighbors.firstIndex { $0.address == source }
            if let index, !error.isHarmless {
                interfaces[number].neighbors[index].badPackets &+= 1
            }
        }
        finish(&effects)
    }

    /// Whether a packet carries LSAs: if it is lost they come again, and nothing else happens.
    public static func isUpdate(_ packet: [UInt8]) -> Bool {
        packet.count > 1 && packet[1] == PacketKind.update.rawValue
    }

    private mutating func take(
        _ packet: RawSpan, _ source: IPv4Address, _ destination: IPv4Address, _ number: Int
    ) throws(OSPFDrop) {
        guard let own = settings.interfaces[number], !own.isPassive,
            ![.down, .loopback].contains(interfaces[number].state)
        else { throw .interfaceOff }
        guard source != own.address.address else { throw .ownPacket }
        let header = try PacketHeader(packet)
        guard header.area == own.area else {
            throw differ(.area, theirs: header.area.rawValue, ours: own.area.rawValue)
        }
        let isOnLink = own.network.hasTwoEnds || own.address.prefix.contains(source)
        guard isOnLink else { throw .offLink }
        if destination == OSPFProtocol.allDesignated, !interfaces[number].isDesignated {
            throw .notDesignated
        }
        let sequence = try judge(packet, header, own, source)
        guard header.router != settings.router else {
            throw differ(.duplicateRouter, theirs: 0, ours: settings.router.rawValue)
        }
        let known = interfaces[number].neighbor(router: header.router, address: source)
        if own.hasLongSequence, let sequence {
            try check(sequence, header, on: number)
        } else if let known, let sequence {
            let last = interfaces[number].neighbors[known].sequence ?? 0
            guard sequence >= last else { throw .authenticationReplay }
            interfaces[number].neighbors[known].sequence = sequence
        }
        let body = packet.part(
            OSPFProtocol.headerLength, header.length - OSPFProtocol.headerLength)
        if header.kind == .hello {
            let hello = try Hello(body)
            try receive(hello, header.router, source, sequence, number, own)
            return
        }
        guard let index = known, interfaces[number].neighbors[index].router == header.router else {
            throw .neighborUnknown
        }
        switch header.kind {
        case .hello: break
        case .databaseDescription: try receive(DatabaseDescription(body), number, index, own)
        case .request: try receive(Request(body), number, index)
        case .update: try receiveUpdate(body, number, index)
        case .acknowledgement: try receive(Acknowledgement(body), number, index)
        }
    }

    /// Whether the packet is authenticated as it should be; its sequence number, if it has one.
    private mutating func judge(
        _ packet: RawSpan, _ header: PacketHeader, _ own: OSPFInterfaceSettings,
        _ source: IPv4Address
    ) throws(OSPFDrop) -> UInt64? {
        do throws(OSPFDrop) {
            return try own.authentication.check(
                packet, header, wall: wall, from: own.hasLongSequence ? source : nil)
        } catch .authenticationType {
            throw differ(
                .authenticationType, theirs: UInt32(packet.be16(14)),
                ours: UInt32(own.authentication.type(isLong: own.hasLongSequence)))
        } catch .authenticationKey {
            let id = own.hasLongSequence ? packet.be32(20) : UInt32(packet.byte(18))
            throw differ(.authenticationKey, theirs: id, ours: 0)
        } catch {
            throw error
        }
    }

    /// Whether a long sequence number is greater than all before it (RFC 7474 §2).
    private mutating func check(
        _ sequence: UInt64, _ header: PacketHeader, on number: Int
    ) throws(OSPFDrop) {
        let last = interfaces[number].longSequences[header.router]
        guard sequence > last?[header.kind] ?? 0 else { throw .authenticationReplay }
        // Only who has a key gets here.
        guard last != nil || interfaces[number].longSequences.count < settings.limits.senders else {
            throw .neighborLimit
        }
        interfaces[number].longSequences[header.router, default: [:]][header.kind] = sequence
    }
}
