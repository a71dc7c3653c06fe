import Memory
public import Timing
public import Wire

/// A packet of a routing protocol, which lies in the frame it came in.
@frozen
public struct RoutingPacket: Sendable {
    /// The sender.
    public var source: IPv4Address
    /// Its UDP port.
    public var sourcePort: UInt16
    /// Where the UDP payload lies in the frame; of one longer than `longest`, so much of it.
    public var payload: Range<Int>

    /// More octets than a packet of RIP may have: whoever sends longer ones gets no more memory.
    static let longest = 1400
}

/// A UDP datagram of our own to a neighbour, or to all of a group, on one side.
public struct RoutingDatagram: Hashable, Sendable {
    /// The side to leave by.
    public var side: Side
    /// Our address there.
    public var source: IPv4Address
    /// A neighbour on the link, or a multicast group.
    public var destination: IPv4Address
    /// Our port.
    public var sourcePort: UInt16
    /// The receiver's port.
    public var destinationPort: UInt16
    /// At most 1,400 octets.
    public var payload: [UInt8]

    /// A datagram of these fields.
    public init(
        side: Side, source: IPv4Address, destination: IPv4Address, sourcePort: UInt16,
        destinationPort: UInt16, payload: [UInt8]
    ) {
        self.side = side
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.payload = payload
    }
}

// Packets of the routing protocols: judged by them, not by what is learnt from them.
extension Forwarder {
    private static let portOfRIP: UInt16 = 520
    private static let groupOfRIP = IPv4Address(224, 0, 0, 9).rawValue

    /// The packet if it is for a routing protocol spoken on `side`: to its group, to us, or to all.
    func routingPacket(
        _ packet: Packet, _ frame: inout MutableRawSpan, _ side: Side
    ) throws(DropReason) -> RoutingPacket? {
        guard packet.proto == IPProtocol.udp, packet.destinationPort == Self.portOfRIP,
            !packet.isFragment, settings[side].speaksRIP
        else { return nil }
        guard
            packet.destination == Self.groupOfRIP || own.isOwn(packet.destination, on: side)
                || own.broadcastSide(of: packet.destination) == side
        else { return nil }
        guard packet.transportChecksumIsValid(&frame) else { throw .udpChecksum }
        let start = packet.transport + 8
        let length = Int(frame.be16(packet.transport + 4)) - 8
        return RoutingPacket(
            source: IPv4Address(packet.source), sourcePort: packet.sourcePort,
            payload: start..<(start + min(length, RoutingPacket.longest)))
    }

    /// Sends a datagram of a routing protocol with a TTL of 1; if the neighbour's hardware address
    /// is not known, it waits for that.
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
        let length = Packet.ip + 28 + datagram.payload.count
        guard length - Packet.ip <= links[side.index].mtu else { throw .mtuExceeded }
        var hardware = MACAddress(multicast: datagram.destination)
        if !datagram.destination.isMulticast {
            let hop = Hop(side: side, address: datagram.destination.rawValue)
            let number = try findNeighbor(hop, at: now, into: &outbox)
            guard neighbors.records[number].isUsable else {
                var bytes = [UInt8](repeating: 0, count: length)
                var elements = bytes.mutableSpan
                var frame = unsafe elements.mutableBytes
                write(datagram, to: MACAddress(0), &frame)
                return try wait(
                    for: number, frame.bytes, VirtioNetHeader(), side, isOwn: true, at: now)
            }
            hardware = MACAddress(neighbors.records[number].hardware)
        }
        let fits = outbox.compose(side, length: length) { frame in
            write(datagram, to: hardware, &frame)
        }
        if !fits { throw .outputFull }
    }

    /// The whole frame; the precedence is that of network control.
    private func write(
        _ datagram: RoutingDatagram, to hardware: MACAddress, _ frame: inout MutableRawSpan
    ) {
        let (ip, udp) = (Packet.ip, Packet.ip + 20)
        let count = datagram.payload.count
        frame.setBe48(0, hardware.rawValue)
        frame.setBe48(6, links[datagram.side.index].hardware)
        frame.setBe16(12, EtherType.ipv4)
        frame.setBe16(ip, 0x45c0)
        frame.setBe16(ip + 2, UInt16(truncatingIfNeeded: 28 + count))
        frame.setBe16(ip + 4, 0)
        frame.setBe16(ip + 6, FragmentField.dontFragment)
        frame.setBe16(ip + 8, 0x0111)
        frame.setBe16(ip + 10, 0)
        frame.setBe32(ip + 12, datagram.source.rawValue)
        frame.setBe32(ip + 16, datagram.destination.rawValue)
        frame.setBe16(ip + 10, ~Checksum.fold(Checksum.sum(frame.bytes.part(ip, 20))))
        frame.setBe16(udp, datagram.sourcePort)
        frame.setBe16(udp + 2, datagram.destinationPort)
        frame.setBe16(udp + 4, UInt16(truncatingIfNeeded: 8 + count))
        frame.setBe16(udp + 6, 0)
        for index in datagram.payload.indices {
            frame.setByte(udp + 8 + index, datagram.payload[index])
        }
        let pseudo = Checksum.pseudoHeader(
            source: datagram.source.rawValue, destination: datagram.destination.rawValue,
            proto: IPProtocol.udp, length: 8 + count)
        let sum = ~Checksum.fold(pseudo &+ Checksum.sum(frame.bytes.part(udp, 8 + count)))
        frame.setBe16(udp + 6, sum == 0 ? 0xffff : sum)
    }
}
