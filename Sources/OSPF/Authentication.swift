internal import Signing
internal import Wire

/// A sequence number of 64 bits, and the sender that the digest covers with it (RFC 7474).
struct LongSequence {
    static let length = 8
    var number: UInt64 = 0
    var source: IPv4Address
}

extension PacketAuthentication {
    /// AuType as it stands in packets.
    func type(isLong: Bool) -> UInt16 {
        switch self {
        case .none: 0
        case .password: 1
        case .keys: isLong ? 3 : 2
        }
    }

    private func sendingKey(at wall: Int64) -> SigningKey? {
        if case .keys(let keys) = self { keys.sending(at: wall) } else { nil }
    }

    /// Octets that follow a packet.
    func trailerLength(at wall: Int64, isLong: Bool) -> Int {
        guard let key = sendingKey(at: wall) else { return 0 }
        return key.algorithm.digestLength + (isLong ? LongSequence.length : 0)
    }

    // MARK: Signing

    /// A whole packet (RFC 2328 §D.4), if `long` is given that of RFC 7474 §3.
    func packet(
        _ kind: PacketKind, _ body: [UInt8], router: IPv4Address, area: IPv4Address, wall: Int64,
        sequence: UInt32, long: LongSequence? = nil
    ) -> [UInt8] {
        let length = OSPFProtocol.headerLength + body.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length + 72)
        bytes += [OSPFProtocol.version, kind.rawValue]
        bytes.append16(UInt16(truncatingIfNeeded: length))
        bytes.append32(router.rawValue)
        bytes.append32(area.rawValue)
        bytes.append16(0)
        bytes.append16(type(isLong: long != nil))
        let key = sendingKey(at: wall)
        if let key, long != nil {
            bytes += [0, 0, 0, UInt8(LongSequence.length + key.algorithm.digestLength)]
            bytes.append32(UInt32(key.id))
        } else if let key {
            bytes += [0, 0, key.id, UInt8(key.algorithm.digestLength)]
            bytes.append32(sequence)
        } else {
            bytes += [UInt8](repeating: 0, count: 8)
        }
        bytes += body
        if let key, let long {
            bytes.append32(UInt32(truncatingIfNeeded: long.number >> 32))
            bytes.append32(UInt32(truncatingIfNeeded: long.number))
            return bytes + key.digest(of: bytes, from: long.source.rawValue)
        }
        if let key { return bytes + key.digest(of: bytes) }
        bytes.set16(12, ~Checksum.fold(Checksum.sum(bytes.rawSpan)))
        if case .password(let word) = self {
            bytes.replaceSubrange(16..<24, with: Self.padded(word))
        }
        return bytes
    }

    /// A password as it stands in the header: 8 octets, zeros behind.
    private static func padded(_ word: [UInt8]) -> [UInt8] {
        let used = word.prefix(8)
        return used + [UInt8](repeating: 0, count: 8 - used.count)
    }

    // MARK: Checking

    /// Judges a packet whose header has been checked (RFC 2328 §D.5); the sequence number of one
    /// signed with a key.
    ///
    /// - Parameter source: The sender, where numbers are long and digests cover it.
    func check(
        _ packet: RawSpan, _ header: PacketHeader, wall: Int64, from source: IPv4Address? = nil
    ) throws(OSPFDrop) -> UInt64? {
        guard packet.be16(14) == type(isLong: source != nil) else { throw .authenticationType }
        switch self {
        case .none:
            try Self.checkSum(packet, header)
            return nil
        case .password(let word):
            try Self.checkSum(packet, header)
            guard packet.holds(secret: Self.padded(word), at: 16) else {
                throw .authenticationPassword
            }
            return nil
        case .keys(let keys):
            let more = source == nil ? 0 : LongSequence.length
            let id = source == nil ? UInt32(packet.byte(18)) : packet.be32(20)
            let length = Int(packet.byte(19))
            let found = keys.first {
                UInt32($0.id) == id && $0.algorithm.digestLength + more == length
                    && keys.accepts($0, at: wall)
            }
            guard let key = found else { throw .authenticationKey }
            guard packet.byteCount == header.length + length else {
                throw .authenticationMalformed
            }
            guard key.hasSigned(packet, header.length + more, from: source?.rawValue) else {
                throw .authenticationDigest
            }
            guard source != nil else { return UInt64(packet.be32(20)) }
            return UInt64(packet.be32(header.length)) << 32 | UInt64(packet.be32(header.length + 4))
        }
    }

    /// The sum leaves the password out (RFC 2328 §A.3.1).
    private static func checkSum(
        _ packet: RawSpan, _ header: PacketHeader
    ) throws(OSPFDrop) {
        guard header.length == packet.byteCount else { throw .length }
        let sum =
            Checksum.sum(packet.part(0, 16))
            + Checksum.sum(packet.part(24, header.length - 24))
        guard Checksum.fold(sum) == 0xffff else { throw .checksum }
    }
}
