/// What a frame says, read by code that shares nothing with `Wire`; fields have tshark's names.
///
///     let seen = Dissection(frame: out)
///     #expect(seen.problems.isEmpty)
///     #expect(seen["ip.src"] == "203.0.113.1")
///     #expect(seen["quoted.ip.dst"] == "198.51.100.7")
///
/// Numbers are decimal, addresses in their usual form, fragment offsets in units of 8 octets.
/// Fields of a packet quoted by an ICMP error have the prefix `quoted.`; it may be cut off, so its
/// transport checksum is not proved.
public struct Dissection: Sendable {
    /// Values by tshark's field name.
    public private(set) var fields: [String: String] = [:]
    /// Bad checksums, lengths that do not fit and what is cut off; empty for a sound frame.
    public private(set) var problems: [String] = []
    /// Payload of UDP, TCP or an ICMP query.
    public private(set) var payload: [UInt8] = []

    /// The value of a field; nil if the frame does not have it.
    public subscript(name: String) -> String? { fields[name] }

    /// Reads a frame that starts with its Ethernet header; padding after the packet is allowed.
    ///
    /// With `partialChecksum` the transport checksum must be the plain sum of the pseudo header.
    public init(frame: [UInt8], partialChecksum: Bool = false) {
        var input = Input(frame)
        note("eth.dst", input.mac())
        note("eth.src", input.mac())
        let type = input.number(2)
        note("eth.type", type)
        switch type {
        case 0x0800: ipv4(input.rest(), prefix: "", partial: partialChecksum, padded: true)
        case 0x0806: arp(input.rest())
        default: payload = input.rest()
        }
        if input.isShort { problems.append("frame: cut off") }
    }

    /// Reads an IPv4 packet without Ethernet header.
    public init(packet: [UInt8], partialChecksum: Bool = false) {
        ipv4(packet, prefix: "", partial: partialChecksum, padded: false)
    }

    /// The fields that differ between two readings, each as `before -> after` with `-` for absent.
    public func changes(to after: Dissection) -> [String: String] {
        var result: [String: String] = [:]
        for name in Set(fields.keys).union(after.fields.keys) where self[name] != after[name] {
            result[name] = "\(self[name] ?? "-") -> \(after[name] ?? "-")"
        }
        return result
    }

    private mutating func note(_ name: String, _ value: some CustomStringConvertible) {
        fields[name] = value.description
    }

    private mutating func arp(_ bytes: [UInt8]) {
        var input = Input(bytes)
        note("arp.hw.type", input.number(2))
        note("arp.proto.type", input.number(2))
        note("arp.hw.size", input.number(1))
        note("arp.proto.size", input.number(1))
        note("arp.opcode", input.number(2))
        note("arp.src.hw_mac", input.mac())
        note("arp.src.proto_ipv4", input.address())
        note("arp.dst.hw_mac", input.mac())
        note("arp.dst.proto_ipv4", input.address())
        if input.isShort { problems.append("arp: cut off") }
    }

    private mutating func ipv4(_ bytes: [UInt8], prefix: String, partial: Bool, padded: Bool) {
        var input = Input(bytes)
        let first = input.number(1)
        let headerLength = (first & 15) * 4
        note(prefix + "ip.version", first >> 4)
        note(prefix + "ip.hdr_len", headerLength)
        note(prefix + "ip.dsfield", input.number(1))
        let total = input.number(2)
        note(prefix + "ip.len", total)
        note(prefix + "ip.id", input.number(2))
        let fragment = input.number(2)
        note(prefix + "ip.flags.df", fragment >> 14 & 1)
        note(prefix + "ip.flags.mf", fragment >> 13 & 1)
        note(prefix + "ip.frag_offset", fragment & 0x1fff)
        note(prefix + "ip.ttl", input.number(1))
        let proto = input.number(1)
        note(prefix + "ip.proto", proto)
        note(prefix + "ip.checksum", input.number(2))
        note(prefix + "ip.src", input.address())
        note(prefix + "ip.dst", input.address())
        guard !input.isShort, first >> 4 == 4, headerLength >= 20, bytes.count >= headerLength,
            total >= headerLength
        else {
            problems.append(prefix + "ip: bad header")
            return
        }
        if headerLength > 20 { note(prefix + "ip.options", hex(bytes[20..<headerLength])) }
        if !SlowChecksum.isIntact(Array(bytes.prefix(headerLength))) {
            problems.append(prefix + "ip: bad checksum")
        }
        let isQuoted = !prefix.isEmpty
        if total > bytes.count, !isQuoted { problems.append("ip: cut off") }
        if total < bytes.count, !padded, !isQuoted { problems.append("ip: trailing octets") }
        let rest = Array(bytes.prefix(total).dropFirst(headerLength))
        if fragment & 0x1fff != 0 {
            payload = rest
            return
        }
        let whole = fragment & 0x2000 == 0 && !isQuoted
        let pseudo = SlowChecksum.pseudoHeader(of: bytes, length: total - headerLength)
        switch proto {
        case 1: icmp(rest, prefix: prefix, whole: whole)
        case 6: tcp(rest, prefix: prefix, pseudo: whole ? pseudo : nil, partial: partial)
        case 17: udp(rest, prefix: prefix, pseudo: whole ? pseudo : nil, partial: partial)
        default: payload = rest
        }
    }

    private mutating func udp(_ bytes: [UInt8], prefix: String, pseudo: [UInt8]?, partial: Bool) {
        var input = Input(bytes)
        note(prefix + "udp.srcport", input.number(2))
        note(prefix + "udp.dstport", input.number(2))
        let length = input.number(2)
        note(prefix + "udp.length", length)
        let checksum = input.number(2)
        note(prefix + "udp.checksum", checksum)
        if input.isShort { problems.append(prefix + "udp: cut off") }
        if length < 8 { problems.append(prefix + "udp: bad length") }
        payload = input.rest()
        guard let pseudo else { return }
        if length > bytes.count { problems.append("udp: bad length") }
        if checksum != 0 || partial {
            prove("udp", checksum, Array(bytes.prefix(length)), pseudo, partial)
        }
    }

    private mutating func tcp(_ bytes: [UInt8], prefix: String, pseudo: [UInt8]?, partial: Bool) {
        var input = Input(bytes)
        note(prefix + "tcp.srcport", input.number(2))
        note(prefix + "tcp.dstport", input.number(2))
        note(prefix + "tcp.seq_raw", input.number(4))
        if !prefix.isEmpty, bytes.count < 20 { return }  // an error quotes 8 octets at least
        note(prefix + "tcp.ack_raw", input.number(4))
        let offsetAndFlags = input.number(2)
        let headerLength = (offsetAndFlags >> 12) * 4
        note(prefix + "tcp.hdr_len", headerLength)
        note(prefix + "tcp.flags", offsetAndFlags & 0xfff)
        note(prefix + "tcp.window_size_value", input.number(2))
        let checksum = input.number(2)
        note(prefix + "tcp.checksum", checksum)
        note(prefix + "tcp.urgent_pointer", input.number(2))
        guard !input.isShort, headerLength >= 20, headerLength <= bytes.count else {
            problems.append(prefix + "tcp: bad header")
            return
        }
        tcpOptions(Array(bytes[20..<headerLength]), prefix: prefix)
        payload = Array(bytes.dropFirst(headerLength))
        if let pseudo { prove("tcp", checksum, bytes, pseudo, partial) }
    }

    private mutating func tcpOptions(_ bytes: [UInt8], prefix: String) {
        var input = Input(bytes)
        while input.remaining > 0 {
            let kind = input.number(1)
            if kind == 0 { return }
            if kind == 1 { continue }
            let length = input.number(1)
            let isMaximumSegmentSize = kind == 2 && length == 4
            if length < 2 || length - 2 > input.remaining {
                problems.append(prefix + "tcp: bad option")
                return
            }
            switch (kind, isMaximumSegmentSize) {
            case (2, true): note(prefix + "tcp.options.mss_val", input.number(2))
            case (3, _) where length == 3:
                note(prefix + "tcp.options.wscale.shift", input.number(1))
            case (8, _) where length == 10:
                note(prefix + "tcp.options.timestamp.tsval", input.number(4))
                note(prefix + "tcp.options.timestamp.tsecr", input.number(4))
            default:
                note(prefix + "tcp.option.\(kind)", hex(input.take(length - 2)))
            }
        }
    }

    private mutating func icmp(_ bytes: [UInt8], prefix: String, whole: Bool) {
        var input = Input(bytes)
        let type = input.number(1)
        note(prefix + "icmp.type", type)
        note(prefix + "icmp.code", input.number(1))
        note(prefix + "icmp.checksum", input.number(2))
        if input.isShort || bytes.count < 8 { problems.append(prefix + "icmp: cut off") }
        if whole, !SlowChecksum.isIntact(bytes) { problems.append("icmp: bad checksum") }
        let isError = [3, 4, 5, 11, 12].contains(type)
        if isError {
            _ = input.number(2)
            note(prefix + "icmp.mtu", input.number(2))
        } else {
            note(prefix + "icmp.ident", input.number(2))
            note(prefix + "icmp.seq", input.number(2))
        }
        payload = input.rest()
        if isError, prefix.isEmpty {
            ipv4(payload, prefix: "quoted.", partial: false, padded: true)
        }
    }

    private mutating func prove(
        _ name: String, _ checksum: Int, _ part: [UInt8], _ pseudo: [UInt8], _ partial: Bool
    ) {
        let fine =
            partial
            ? checksum == Int(SlowChecksum.sum(pseudo)) : SlowChecksum.isIntact(pseudo + part)
        if !fine { problems.append("\(name): bad checksum") }
    }
}

/// A cursor that reads zero beyond the end and remembers that it did.
private struct Input {
    private var bytes: ArraySlice<UInt8>
    private(set) var isShort = false
    var remaining: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    mutating func take(_ count: Int) -> [UInt8] {
        if bytes.count < count { isShort = true }
        let taken = Array(bytes.prefix(count))
        bytes = bytes.dropFirst(count)
        return taken + [UInt8](repeating: 0, count: count - taken.count)
    }

    mutating func number(_ count: Int) -> Int { take(count).reduce(0) { $0 << 8 | Int($1) } }

    mutating func mac() -> String { hex(take(6)).split(separator: " ").joined(separator: ":") }

    mutating func address() -> String { take(4).map(String.init).joined(separator: ".") }

    func rest() -> [UInt8] { Array(bytes) }
}
