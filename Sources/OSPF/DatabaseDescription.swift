internal import Wire

/// What a database holds, piece by piece (RFC 2328 §A.3.3).
struct DatabaseDescription: Hashable {
    struct Flags: OptionSet, Hashable {
        let rawValue: UInt8
        /// The sender is the master.
        static let master = Flags(rawValue: 1)
        /// More follows.
        static let more = Flags(rawValue: 2)
        /// The first of the exchange.
        static let initial = Flags(rawValue: 4)
    }

    /// Of the sender's interface; 0 on virtual links.
    var mtu: UInt16
    var options: OSPFOptions
    var flags: Flags
    var sequence: UInt32
    var headers: [LSAHeader]

    static let fixedLength = 8

    init(
        mtu: UInt16, options: OSPFOptions, flags: Flags, sequence: UInt32, headers: [LSAHeader]
    ) {
        self.mtu = mtu
        self.options = options
        self.flags = flags
        self.sequence = sequence
        self.headers = headers
    }

    init(_ body: RawSpan) throws(OSPFDrop) {
        guard body.byteCount >= Self.fixedLength else { throw .bodyLength }
        mtu = body.be16(0)
        options = OSPFOptions(rawValue: body.byte(2))
        flags = Flags(rawValue: body.byte(3) & 7)
        sequence = body.be32(4)
        headers = try LSAHeader.list(body, from: Self.fixedLength)
    }

    /// Whether it proposes to lead an exchange (RFC 2328 §10.8).
    var isProposal: Bool { flags == [.initial, .more, .master] && headers.isEmpty }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append16(mtu)
        bytes += [options.rawValue, flags.rawValue]
        bytes.append32(sequence)
        for header in headers { header.write(to: &bytes) }
        return bytes
    }
}
