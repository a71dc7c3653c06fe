import Memory
public import Timing
public import Wire

/// What a packet of a routing protocol lies in.
public enum RoutingTransport: Hashable, Sendable {
    /// A UDP datagram from one port to another: RIP, or BFD at `RoutingPacket.portOfBFD`.
    case udp(source: UInt16, destination: UInt16)
    /// IP protocol 89: OSPF.
    case ospf
}

/// A packet of a routing protocol, which lies in the frame it came in.
public struct RoutingPacket: Hashable, Sendable {
    /// The side it came in on.
    public var side: Side
    /// The protocol.
    public var transport: RoutingTransport
    /// The sender.
    public var source: IPv4Address
    /// Ourselves, a group, or a broadcast address.
    public var destination: IPv4Address
    /// As it arrived.
    public var timeToLive: UInt8
    /// Where the payload lies in the frame; of one longer than may be, so much of it.
    public var payload: Range<Int>

    /// The port of BFD (RFC 5881 §4).
    public static let portOfBFD: UInt16 = 3784
    /// More octets than a packet of RIP may have: whoever sends longer ones gets no more memory.
    static let longestOfUDP = 1400
}

/// A packet of a routing protocol of our own, on one side.
public struct RoutingDatagram: Hashable, Sendable {
    /// The side to leave by.
    public var side: Side
    /// Our address there.
    public var source: IPv4Address
    /// A neighbour on the link, a multicast group, or a router behind `nextHop`.
    public var destination: IPv4Address
    /// The protocol.
    public var transport: RoutingTransport
    /// To be sent with: most packets are not to pass another router.
    public var timeToLive: UInt8 = 1
    /// The neighbour on the link to hand it to; nil for the destination itself.
    public var nextHop: IPv4Address?
    /// Cut into fragments if it does not fit the MTU and is OSPF's (RFC 2328 §A.1).
    public var payload: [UInt8]

    /// A datagram of these fields.
    public init(
        side: Side, source: IPv4Address, destination: IPv4Address, transport: RoutingTransport,
        timeToLive: UInt8 = 1, nextHop: IPv4Address? = nil, payload: [UInt8]
    ) {
        self.side = side
        self.source = source
        self.destination = destination
        self.transport = transport
        self.timeToLive = timeToLive
        self.nextHop = nextHop
        self.payload = payload
    }

    /// Octets before the payload, from the start of the frame.
    fileprivate var headLength: Int {
        if case .udp = transport { Packet.ip + 28 } else { Packet.ip + 20 }
    }
}

// Packets of the routing protocols: judged by them, not by what is learnt from them.
extension Forwarder {
    private static let portOfRIP: UInt16 = 520
    private static let groupOfRIP = IPv4Address(224, 0, 0, 9).rawValue
    /// AllSPFRouters and AllDRouters.
    private static let groupsOfOSPF =
        IPv4Address(224, 0, 0, 5).rawValue...IPv4Address(224, 0, 0, 6).rawValue

    /// What becomes of a packet for a routing protocol spoken on `side`: to its group, to us, or,
    /// in RIP, to all; or for BFD, to us. Pieces of OSPF's wait for each other. Nil if it is for no
    /// such protocol.
    mutating func routing(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ header: VirtioNetHeader, _ side: Side,
        _ now: Instant
    ) throws(DropReason) -> Verdict? {
        switch packet.proto {
        case IPProtocol.udp where !packet.isFragment && takesUDP(packet, side):
            return .routing(try datagram(packet, &frame, side))
        case IPProtocol.ospf where isOfOSPF(packet, side):
            guard packet.isFragment else { return .routing(packetOfOSPF(packet, side)) }
            var path = Path(side: side, now: now)
            if try follow(packet, &frame, header, &path) {
                try reassemble(packet, &frame, header, path)
            }
            return .consumed
        default: return nil
        }
    }

    private func takesUDP(_ packet: Packet, _ side: Side) -> Bool {
        let isOurs = own.isOwn(packet.destination, on: side)
        switch packet.destinationPort {
        case RoutingPacket.portOfBFD: return settings[side].speaksBFD && isOurs
        case Self.portOfRIP:
            return settings[side].speaksRIP
                && (isOurs || packet.destination == Self.groupOfRIP
                    || own.broadcastSide(of: packet.destination) == side)
        default: return false
        }
    }

    private func datagram(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ side: Side
    ) throws(DropReason) -> RoutingPacket {
        guard packet.transportChecksumIsValid(&frame) else { throw .udpChecksum }
        let start = packet.transport + 8
        let length = Int(frame.be16(packet.transport + 4)) - 8
        return RoutingPacket(
            side: side,
            transport: .udp(source: packet.sourcePort, destination: packet.destinationPort),
            source: IPv4Address(packet.source), destination: IPv4Address(packet.destination),
            timeToLive: packet.timeToLive,
            payload: start..<(start + min(length, RoutingPacket.longestOfUDP)))
    }

    private func isOfOSPF(_ packet: Packet, _ side: Side) -> Bool {
        settings[side].speaksOSPF
            && (Self.groupsOfOSPF.contains(packet.destination)
                || own.isOwn(packet.destination, on: side))
    }

    private func packetOfOSPF(_ packet: Packet, _ side: Side) -> RoutingPacket {
        RoutingPacket(
            side: side, transport: .ospf, source: IPv4Address(packet.source),
            destination: IPv4Address(packet.destination), timeToLive: packet.timeToLive,
            payload: packet.transport..<(Packet.ip + packet.totalLength))
    }

    /// A part of a datagram that leaves as one IP packet.
    private struct Piece {
        var payload: Range<Int>
        var identification: UInt16
        var fragmentField: UInt16
    }

    /// The pieces of a datagram, one if it fits the MTU.
    private mutating func pieces(of datagram: RoutingDatagram) throws(DropReason) -> [Piece] {
        let count = datagram.payload.count
        let room = links[datagram.side.index].mtu - (datagram.headLength - Packet.ip)
        if count <= room {
            return [
                Piece(
                    payload: 0..<count, identification: 0,
                    fragmentField: FragmentField.dontFragment)
            ]
        }
        guard datagram.transport == .ospf, count <= 65_515 else { throw .mtuExceeded }
        let step = max(room & ~7, 8)
        let identification = identifications.draw(&random)
        return stride(from: 0, to: count, by: step).map { start in
            let end = min(start + step, count)
            let more = end < count ? FragmentField.moreFragments : 0
            return Piece(
                payload: start..<end, identification: identification,
                fragmentField: more | UInt16(truncatingIfNeeded: start / 8))
        }
    }

    /// Sends a datagram of a routing protocol; if the neighbour's hardware address is not known, it
    /// waits for that.
    public mutating func send(
        _ datagram: RoutingDatagram, at now: Instant, into outbox: inout Outbox
    ) {
        do throws(DropReason) {
            try compose(datagram, now, &outbox)
        } catch {
            drop(error, on: datagram.side, at: now)
        }
    }

    private mutating func compose(
        _ datagram: RoutingDatagram, _ now: Instant, _ outbox: inout Outbox
    ) throws(DropReason) {
        let side = datagram.side
        guard links[side.index].isUp else { throw .deviceDown }
        let pieces = try pieces(of: datagram)
        guard !datagram.destination.isMulticast else {
            return try compose(
                datagram, pieces, to: MACAddress(multicast: datagram.destination), &outbox)
        }
        let next = datagram.nextHop ?? datagram.destination
        let hop = Hop(side: side, address: next.rawValue)
        let number = try findNeighbor(hop, at: now, into: &outbox)
        if neighbors.records[number].isUsable {
            let hardware = MACAddress(neighbors.records[number].hardware)
            return try compose(datagram, pieces, to: hardware, &outbox)
        }
        for piece in pieces {
            var bytes = [UInt8](
                repeating: 0, count: datagram.headLength + piece.payload.count)
            var elements = bytes.mutableSpan
            var frame = unsafe elements.mutableBytes
            write(piece, of: datagram, to: MACAddress(0), &frame)
            try wait(for: number, frame.bytes, VirtioNetHeader(), side, isOwn: true, at: now)
        }
    }

    private func compose(
        _ datagram: RoutingDatagram, _ pieces: [Piece], to hardware: MACAddress,
        _ outbox: inout Outbox
    ) throws(DropReason) {
        for piece in pieces {
            let length = datagram.headLength + piece.payload.count
            let fits = outbox.compose(datagram.side, length: length) { frame in
                write(piece, of: datagram, to: hardware, &frame)
            }
            if !fits { throw .outputFull }
        }
    }

    /// The whole frame; the precedence is that of network control.
    private func write(
        _ piece: Piece, of datagram: RoutingDatagram, to hardware: MACAddress,
        _ frame: inout MutableRawSpan
    ) {
        let (ip, start) = (Packet.ip, datagram.headLength)
        let isOSPF = datagram.transport == .ospf
        frame.setBe48(0, hardware.rawValue)
        frame.setBe48(6, links[datagram.side.index].hardware)
        frame.setBe16(12, EtherType.ipv4)
        frame.setBe16(ip, 0x45c0)
        frame.setBe16(ip + 2, UInt16(truncatingIfNeeded: start - ip + piece.payload.count))
        frame.setBe16(ip + 4, piece.identification)
        frame.setBe16(ip + 6, piece.fragmentField)
        frame.setByte(ip + 8, datagram.timeToLive)
        frame.setByte(ip + 9, isOSPF ? IPProtocol.ospf : IPProtocol.udp)
        frame.setBe16(ip + 10, 0)
        frame.setBe32(ip + 12, datagram.source.rawValue)
        frame.setBe32(ip + 16, datagram.destination.rawValue)
        frame.setBe16(ip + 10, ~Checksum.fold(Checksum.sum(frame.bytes.part(ip, 20))))
        for index in piece.payload {
            frame.setByte(start + index - piece.payload.lowerBound, datagram.payload[index])
        }
        if case .udp(let source, let destination) = datagram.transport {
            write(source, destination, datagram, &frame)
        }
    }

    /// The UDP header of a frame whose payload is in place.
    private func write(
        _ source: UInt16, _ destination: UInt16, _ datagram: RoutingDatagram,
        _ frame: inout MutableRawSpan
    ) {
        let udp = Packet.ip + 20
        let count = 8 + datagram.payload.count
        frame.setBe16(udp, source)
        frame.setBe16(udp + 2, destination)
        frame.setBe16(udp + 4, UInt16(truncatingIfNeeded: count))
        frame.setBe16(udp + 6, 0)
        let pseudo = Checksum.pseudoHeader(
            source: datagram.source.rawValue, destination: datagram.destination.rawValue,
            proto: IPProtocol.udp, length: count)
        let sum = ~Checksum.fold(pseudo &+ Checksum.sum(frame.bytes.part(udp, count)))
        frame.setBe16(udp + 6, sum == 0 ? 0xffff : sum)
    }
}
