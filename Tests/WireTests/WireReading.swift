import Support
import Wire

/// Reads a frame with every view of `Wire`, into tshark's names; the mirror of `Dissection`.
func wireFields(_ frame: [UInt8]) throws(Malformed) -> [String: String] {
    var copy = frame
    return try withSpan(&copy) { (span: inout MutableRawSpan) throws(Malformed) in
        var fields: [String: String] = [:]
        let ethernet = try EthernetView(span.from(0))
        fields["eth.dst"] = ethernet.destination.description
        fields["eth.src"] = ethernet.source.description
        fields["eth.type"] = String(ethernet.etherType)
        let type = ethernet.etherType
        _ = consume ethernet
        switch type {
        case EtherType.arp:
            var reader = ByteReader(span.bytes.part(14, span.byteCount - 14))
            readARP(try ARPPacket(from: &reader), into: &fields)
        case EtherType.ipv4: try readIPv4(&span, into: &fields)
        default: break
        }
        return fields
    }
}

private func readARP(_ packet: ARPPacket, into fields: inout [String: String]) {
    fields["arp.opcode"] = String(packet.operation.rawValue)
    fields["arp.src.hw_mac"] = packet.senderHardware.description
    fields["arp.src.proto_ipv4"] = packet.senderAddress.description
    fields["arp.dst.hw_mac"] = packet.targetHardware.description
    fields["arp.dst.proto_ipv4"] = packet.targetAddress.description
}

private func readIPv4(
    _ span: inout MutableRawSpan, into fields: inout [String: String]
) throws(Malformed) {
    let packet = try IPv4View(span.from(14))
    fields["ip.version"] = "4"
    fields["ip.hdr_len"] = String(packet.headerLength)
    fields["ip.dsfield"] = String(packet.typeOfService)
    fields["ip.len"] = String(packet.totalLength)
    fields["ip.id"] = String(packet.identification)
    let fragment = packet.fragmentField
    fields["ip.flags.df"] = fragment & FragmentField.dontFragment != 0 ? "1" : "0"
    fields["ip.flags.mf"] = fragment & FragmentField.moreFragments != 0 ? "1" : "0"
    fields["ip.frag_offset"] = String(fragment & FragmentField.offsetMask)
    fields["ip.ttl"] = String(packet.timeToLive)
    fields["ip.proto"] = String(packet.proto)
    fields["ip.checksum"] = String(packet.headerChecksum)
    fields["ip.src"] = packet.source.description
    fields["ip.dst"] = packet.destination.description
    let (header, total, proto) = (packet.headerLength, packet.totalLength, packet.proto)
    _ = consume packet
    _ = IPv4Options.inspect(span.bytes.part(14, header))
    guard fragment & FragmentField.offsetMask == 0 else { return }
    let whole = fragment & FragmentField.moreFragments == 0
    var segment = span._mutatingExtracting((14 + header)..<(14 + total))
    switch proto {
    case IPProtocol.udp: try readUDP(&segment, whole, into: &fields)
    case IPProtocol.tcp: try readTCP(&segment, into: &fields)
    case IPProtocol.icmp: try readICMP(&segment, into: &fields)
    default: break
    }
}

private func readUDP(
    _ span: inout MutableRawSpan, _ whole: Bool, into fields: inout [String: String]
) throws(Malformed) {
    let datagram = try UDPView(span.from(0), isWhole: whole)
    fields["udp.srcport"] = String(datagram.sourcePort)
    fields["udp.dstport"] = String(datagram.destinationPort)
    fields["udp.length"] = String(datagram.length)
    fields["udp.checksum"] = String(datagram.checksum)
}

private func readTCP(
    _ span: inout MutableRawSpan, into fields: inout [String: String]
) throws(Malformed) {
    let segment = try TCPView(span.from(0))
    fields["tcp.srcport"] = String(segment.sourcePort)
    fields["tcp.dstport"] = String(segment.destinationPort)
    fields["tcp.seq_raw"] = String(segment.sequence)
    fields["tcp.ack_raw"] = String(segment.acknowledgement)
    fields["tcp.hdr_len"] = String(segment.headerLength)
    fields["tcp.flags"] = String(segment.flags.rawValue)
    fields["tcp.window_size_value"] = String(segment.window)
    fields["tcp.checksum"] = String(segment.checksum)
    fields["tcp.options.mss_val"] = segment.maximumSegmentSize.map { String($0) }
    if let found = segment.option(3), found.length == 1 {
        fields["tcp.options.wscale.shift"] = String(span.byte(found.offset))
    }
    guard let found = span.optionOffset(8), found.length == 8 else { return }
    fields["tcp.options.timestamp.tsval"] = String(span.be32(found.offset))
    fields["tcp.options.timestamp.tsecr"] = String(span.be32(found.offset + 4))
}

extension MutableRawSpan {
    fileprivate mutating func optionOffset(_ kind: UInt8) -> (offset: Int, length: Int)? {
        try? TCPView(from(0)).option(kind)
    }
}

private func readICMP(
    _ span: inout MutableRawSpan, into fields: inout [String: String]
) throws(Malformed) {
    let message = try ICMPView(span.from(0))
    fields["icmp.type"] = String(message.type)
    fields["icmp.code"] = String(message.code)
    fields["icmp.checksum"] = String(message.checksum)
    if !ICMPType.isError(message.type) { fields["icmp.ident"] = String(message.identifier) }
}

/// Whether every checksum of an IPv4 frame fits, by the sums of `Wire`; an unparsable one does not.
func wireChecksumsFit(_ frame: [UInt8], partial: Bool = false) -> Bool {
    var copy = frame
    return withSpan(&copy) { span in
        guard let packet = try? IPv4View(span.from(14)), packet.checksumIsValid else {
            return false
        }
        let (header, total, proto) = (packet.headerLength, packet.totalLength, packet.proto)
        let pseudo = Checksum.pseudoHeader(
            source: packet.source.rawValue, destination: packet.destination.rawValue, proto: proto,
            length: total - header)
        let isFragment = packet.fragmentField & ~FragmentField.dontFragment != 0
        _ = consume packet
        if isFragment { return true }
        let segment = span.bytes.part(14 + header, total - header)
        if partial {
            let field = proto == IPProtocol.tcp ? 16 : 6
            return segment.be16(field) == Checksum.fold(pseudo)
        }
        let sum = Checksum.sum(segment)
        switch proto {
        case IPProtocol.icmp: return Checksum.fold(sum) == 0xffff
        case IPProtocol.udp where segment.be16(6) == 0: return true
        default: return Checksum.fold(sum &+ pseudo) == 0xffff
        }
    }
}
