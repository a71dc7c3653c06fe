internal import Wire

/// Who is there, and who speaks for the network (RFC 2328 §A.3.2).
struct Hello: Hashable {
    var mask: UInt32
    /// Seconds.
    var helloInterval: UInt16
    var options: OSPFOptions
    var priority: UInt8
    /// Seconds.
    var deadInterval: UInt32
    /// The address of the Designated Router; 0.0.0.0 for none.
    var designated: IPv4Address
    /// The address of the Backup Designated Router; 0.0.0.0 for none.
    var backup: IPv4Address
    /// Routers heard.
    var neighbors: [IPv4Address]

    static let fixedLength = 20

    init(
        mask: UInt32, helloInterval: UInt16, options: OSPFOptions, priority: UInt8,
        deadInterval: UInt32, designated: IPv4Address, backup: IPv4Address,
        neighbors: [IPv4Address]
    ) {
        self.mask = mask
        self.helloInterval = helloInterval
        self.options = options
        self.priority = priority
        self.deadInterval = deadInterval
        self.designated = designated
        self.backup = backup
        self.neighbors = neighbors
    }

    init(_ body: RawSpan) throws(OSPFDrop) {
        guard body.byteCount >= Self.fixedLength, body.byteCount % 4 == 0 else {
            throw .bodyLength
        }
        mask = body.be32(0)
        helloInterval = body.be16(4)
        options = OSPFOptions(rawValue: body.byte(6))
        priority = body.byte(7)
        deadInterval = body.be32(8)
        designated = IPv4Address(body.be32(12))
        backup = IPv4Address(body.be32(16))
        neighbors = stride(from: Self.fixedLength, to: body.byteCount, by: 4).map {
            IPv4Address(body.be32($0))
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append32(mask)
        bytes.append16(helloInterval)
        bytes += [options.rawValue, priority]
        bytes.append32(deadInterval)
        bytes.append32(designated.rawValue)
        bytes.append32(backup.rawValue)
        for neighbor in neighbors { bytes.append32(neighbor.rawValue) }
        return bytes
    }
}
