import Support
public import Wire

/// A simulated host: answers ARP, and what its service is asked.
public struct Station: Sendable {
    /// Its address.
    public let address: IPv4Address
    /// Where it is.
    public let side: Side
    /// Its hardware address.
    public var hardware: MACAddress { Bench.hardware(of: address) }

    /// A host.
    public init(_ address: String, on side: Side) {
        self.address = ip(address)
        self.side = side
    }

    /// The first payload octet of what wants an answer.
    public static let question = UInt8(ascii: "?")
    /// The first payload octet of an answer.
    public static let answer = UInt8(ascii: "!")

    /// What the host says to a packet for it: SYN is accepted, FIN returned, a question answered.
    func answers(to seen: Dissection, identification: UInt16) -> [[UInt8]] {
        guard let source = seen["ip.src"], seen.problems.isEmpty, seen["ip.flags.mf"] == "0",
            seen["ip.frag_offset"] == "0"
        else { return [] }
        let back = PacketBuilder(address, ip(source)).with { $0.identification = identification }
        let isQuestion = seen.payload.first == Self.question
        let payload = isQuestion ? [Self.answer] + seen.payload.dropFirst() : []
        if let from = port(seen["udp.srcport"]), let to = port(seen["udp.dstport"]) {
            return isQuestion ? [back.udp(to, from, payload)] : []
        }
        if let from = port(seen["tcp.srcport"]), let to = port(seen["tcp.dstport"]),
            let flags = UInt8(seen["tcp.flags"] ?? "").map({ TCPFlags(rawValue: $0) })
        {
            if flags.contains(.rst) { return [] }
            if flags.contains(.syn) {
                return flags.contains(.ack) ? [] : [back.tcp(to, from, [.syn, .ack])]
            }
            if flags.contains(.fin), isQuestion { return [back.tcp(to, from, [.fin, .ack])] }
            return isQuestion ? [back.tcp(to, from, .ack, payload)] : []
        }
        if seen["icmp.type"] == "8", let identifier = port(seen["icmp.ident"]) {
            return [back.echo(reply: true, identifier: identifier, payload)]
        }
        return []
    }

    private func port(_ text: String?) -> UInt16? { text.flatMap { UInt16($0) } }
}
