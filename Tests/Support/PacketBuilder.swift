public import Wire

/// What to put into a checksum field.
public enum ChecksumField: Sendable {
    /// The right value; for UDP never 0.
    case correct
    /// Zero: for UDP "not computed".
    case zero
    /// The plain sum of the pseudo header, as a virtio-net header with NEEDS_CSUM promises.
    case partial
    /// The right value with one bit changed.
    case wrong
    /// This value.
    case value(UInt16)
}

/// Builds IPv4 packets between two addresses; every field can be set, also to a wrong value.
///
///     let path = PacketBuilder("192.168.1.10", "198.51.100.7")
///     let query = path.udp(4000, 53, [1, 2, 3])
///     let frame = ethernet(to: router, from: host, query)
public struct PacketBuilder: Sendable {
    /// Source address.
    public var source: IPv4Address
    /// Destination address.
    public var destination: IPv4Address
    /// Time to live.
    public var timeToLive: UInt8 = 64
    /// DS field and ECN.
    public var typeOfService: UInt8 = 0
    /// Identification.
    public var identification: UInt16 = 0
    /// Flags and offset in units of 8 octets; don't fragment unless set otherwise.
    public var fragmentField: UInt16 = 0x4000
    /// Options; padded with zero to a multiple of 4.
    public var options: [UInt8] = []
    /// Total length if it should lie.
    public var totalLength: UInt16?
    /// The header's checksum.
    public var headerChecksum: ChecksumField = .correct

    /// Packets from one address to another.
    public init(_ source: IPv4Address, _ destination: IPv4Address) {
        self.source = source
        self.destination = destination
    }

    /// Packets from one address to another, written as text.
    public init(_ source: String, _ destination: String) {
        self.init(ip(source), ip(destination))
    }

    /// The other direction, all else equal.
    public func reversed() -> PacketBuilder {
        var result = self
        (result.source, result.destination) = (destination, source)
        return result
    }

    /// This builder with changes: `path.with { $0.timeToLive = 1 }`.
    public func with(_ change: (inout PacketBuilder) -> Void) -> PacketBuilder {
        var result = self
        change(&result)
        return result
    }

    /// A packet of any protocol.
    public func packet(_ proto: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        let length = 20 + padded.count
        let header: [UInt8] =
            [UInt8(0x40 + length / 4), typeOfService]
            + octets(totalLength ?? UInt16(truncatingIfNeeded: length + payload.count))
            + octets(identification) + octets(fragmentField) + [timeToLive, proto, 0, 0]
            + octets(source.rawValue) + octets(destination.rawValue) + padded
        return fill(headerChecksum, at: 10, in: header) + payload
    }

    /// A UDP datagram.
    public func udp(
        _ sourcePort: UInt16, _ destinationPort: UInt16, _ payload: [UInt8] = [],
        length: UInt16? = nil, checksum: ChecksumField = .correct
    ) -> [UInt8] {
        let header =
            octets(sourcePort) + octets(destinationPort)
            + octets(length ?? UInt16(truncatingIfNeeded: 8 + payload.count)) + [0, 0]
        return transport(17, header + payload, field: 6, checksum)
    }

    /// A TCP segment; options are padded with zero to a multiple of 4.
    ///
    /// Its numbers are by default those of a connection that began with 0 and where nothing but
    /// SYNs was sent.
    public func tcp(
        _ sourcePort: UInt16, _ destinationPort: UInt16, _ flags: TCPFlags,
        sequence: UInt32? = nil, acknowledgement: UInt32 = 1, window: UInt16 = 65_535,
        options: [UInt8] = [], _ payload: [UInt8] = [], checksum: ChecksumField = .correct
    ) -> [UInt8] {
        let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        let header: [UInt8] =
            octets(sourcePort) + octets(destinationPort)
            + octets(sequence ?? (flags.contains(.syn) ? 0 : 1))
            + octets(acknowledgement) + [UInt8((20 + padded.count) / 4) << 4, flags.rawValue]
            + octets(window) + [0, 0, 0, 0] + padded
        return transport(6, header + payload, field: 16, checksum)
    }

    /// An ICMP message; `rest` is the second word of the header.
    public func icmp(
        _ type: UInt8, code: UInt8 = 0, rest: UInt32 = 0, _ payload: [UInt8] = [],
        checksum: ChecksumField = .correct
    ) -> [UInt8] {
        packet(1, fill(checksum, at: 2, in: [type, code, 0, 0] + octets(rest) + payload))
    }

    /// An echo request, or with `reply` an echo reply.
    public func echo(
        reply: Bool = false, identifier: UInt16, sequence: UInt16 = 1, _ payload: [UInt8] = [],
        checksum: ChecksumField = .correct
    ) -> [UInt8] {
        icmp(
            reply ? 0 : 8, rest: UInt32(identifier) << 16 | UInt32(sequence), payload,
            checksum: checksum)
    }

    /// An ICMP error about `packet`, which is quoted up to `limit` octets.
    public func icmpError(
        _ type: UInt8, code: UInt8, rest: UInt32 = 0, about packet: [UInt8], limit: Int = 548,
        checksum: ChecksumField = .correct
    ) -> [UInt8] {
        icmp(type, code: code, rest: rest, Array(packet.prefix(limit)), checksum: checksum)
    }

    private func transport(
        _ proto: UInt8, _ segment: [UInt8], field: Int, _ checksum: ChecksumField
    ) -> [UInt8] {
        let pseudo =
            octets(source.rawValue) + octets(destination.rawValue) + [0, proto]
            + octets(UInt16(truncatingIfNeeded: segment.count))
        let filled = fill(checksum, at: field, in: segment, pseudo: pseudo, neverZero: proto == 17)
        return packet(proto, filled)
    }

    private func fill(
        _ kind: ChecksumField, at field: Int, in part: [UInt8], pseudo: [UInt8] = [],
        neverZero: Bool = false
    ) -> [UInt8] {
        var right = SlowChecksum.checksum(pseudo + part)
        if neverZero, right == 0 { right = 0xffff }
        let value: UInt16 =
            switch kind {
            case .correct: right
            case .zero: 0
            case .partial: SlowChecksum.sum(pseudo)
            case .wrong: right ^ 0x0100
            case .value(let value): value
            }
        var result = part
        result.replaceSubrange(field..<(field + 2), with: octets(value))
        return result
    }
}

/// Cuts a packet without options into fragments of at most `size` payload octets, a multiple of 8.
public func fragments(of packet: [UInt8], size: Int) -> [[UInt8]] {
    precondition(packet[0] == 0x45 && size > 0 && size % 8 == 0)
    let payload = packet.dropFirst(20)
    return stride(from: 0, to: payload.count, by: size).map { offset in
        let part = payload.dropFirst(offset).prefix(size)
        let more = offset + size < payload.count
        var header = Array(packet.prefix(20))
        header.replaceSubrange(2..<4, with: octets(UInt16(20 + part.count)))
        header.replaceSubrange(6..<8, with: octets(UInt16(offset / 8 | (more ? 0x2000 : 0))))
        header.replaceSubrange(10..<12, with: [0, 0])
        header.replaceSubrange(10..<12, with: octets(SlowChecksum.checksum(header)))
        return header + part
    }
}

/// An Ethernet frame; `paddedTo` adds zero octets up to that length.
public func ethernet(
    to destination: MACAddress, from source: MACAddress, type: UInt16 = 0x0800,
    _ payload: [UInt8], paddedTo length: Int = 0
) -> [UInt8] {
    let frame =
        octets(destination.rawValue).suffix(6) + octets(source.rawValue).suffix(6)
        + octets(type) + payload
    return frame + [UInt8](repeating: 0, count: max(0, length - frame.count))
}

/// An ARP packet without Ethernet header: operation 1 asks, 2 answers.
public func arp(
    _ operation: UInt16, sender: MACAddress, _ senderAddress: IPv4Address,
    target: MACAddress = MACAddress(0), _ targetAddress: IPv4Address
) -> [UInt8] {
    [0, 1, 8, 0, 6, 4] + octets(operation)
        + octets(sender.rawValue).suffix(6) + octets(senderAddress.rawValue)
        + octets(target.rawValue).suffix(6) + octets(targetAddress.rawValue)
}
