internal import Wire

/// A key shared with neighbours (RFC 2328 §D.3). Lifetimes are in seconds since 1970.
public struct OSPFKey: Hashable, Sendable {
    /// The number that tells keys apart in packets.
    public var id: UInt8
    /// What is done with the secret.
    public var algorithm: OSPFAlgorithm
    /// The secret, at least one octet; MD5 uses the first 16.
    public var secret: [UInt8]
    /// When packets are signed with it.
    public var sending: Range<Int64>
    /// When packets signed with it are accepted.
    public var accepting: Range<Int64>

    /// A key of these fields; by default valid for ever.
    public init(
        id: UInt8, _ algorithm: OSPFAlgorithm, secret: [UInt8],
        sending: Range<Int64> = 0..<Int64.max, accepting: Range<Int64> = 0..<Int64.max
    ) {
        self.id = id
        self.algorithm = algorithm
        self.secret = secret
        self.sending = sending
        self.accepting = accepting
    }
}

/// How packets on an interface are authenticated (RFC 2328 §D).
public enum OSPFAuthentication: Hashable, Sendable {
    /// Not at all; authenticated packets are dropped.
    case none
    /// By a password in the clear, up to 8 octets.
    case password([UInt8])
    /// By one of several keys.
    case keys([OSPFKey])

    /// AuType as it stands in packets.
    var type: UInt16 {
        switch self {
        case .none: 0
        case .password: 1
        case .keys: 2
        }
    }

    /// The key to sign with: of those valid, the one that began last. When every one has expired,
    /// the one that did so last goes on being used, so that routing does not end silently.
    func sendingKey(at wall: Int64) -> OSPFKey? {
        guard case .keys(let keys) = self else { return nil }
        let valid = keys.filter { $0.sending.contains(wall) }
        return valid.max { $0.sending.lowerBound < $1.sending.lowerBound }
            ?? keys.max { $0.sending.upperBound < $1.sending.upperBound }
    }

    /// Whether a key is accepted: within its time, or the last one of all.
    private static func accepts(_ key: OSPFKey, of keys: [OSPFKey], at wall: Int64) -> Bool {
        if key.accepting.contains(wall) { return true }
        guard wall >= key.accepting.upperBound else { return false }
        return keys.allSatisfy { $0.accepting.upperBound <= key.accepting.upperBound }
    }

    /// Octets that follow a packet.
    func trailerLength(at wall: Int64) -> Int {
        sendingKey(at: wall)?.algorithm.digestLength ?? 0
    }

    // MARK: Signing

    /// A whole packet (RFC 2328 §D.4).
    func packet(
        _ kind: PacketKind, _ body: [UInt8], router: IPv4Address, area: IPv4Address, wall: Int64,
        sequence: UInt32
    ) -> [UInt8] {
        let length = OSPFProtocol.headerLength + body.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length + 64)
        bytes += [OSPFProtocol.version, kind.rawValue]
        bytes.append16(UInt16(truncatingIfNeeded: length))
        bytes.append32(router.rawValue)
        bytes.append32(area.rawValue)
        bytes.append16(0)
        bytes.append16(type)
        let key = sendingKey(at: wall)
        if let key {
            bytes += [0, 0, key.id, UInt8(key.algorithm.digestLength)]
            bytes.append32(sequence)
        } else {
            bytes += [UInt8](repeating: 0, count: 8)
        }
        bytes += body
        if let key { return bytes + Self.digest(of: bytes, by: key) }
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

    /// The digest of a packet (RFC 2328 §D.4.3, RFC 5709 §3.3).
    private static func digest(of packet: [UInt8], by key: OSPFKey) -> [UInt8] {
        guard key.algorithm != .keyedMD5 else {
            return key.algorithm.digest(packet, secret: key.secret)
        }
        let apad: [UInt8] = [0x87, 0x8f, 0xe1, 0xf3]
        var whole = packet
        for _ in 0..<(key.algorithm.digestLength / apad.count) { whole += apad }
        return key.algorithm.digest(whole, secret: key.secret)
    }

    // MARK: Checking

    /// Judges a packet whose header has been checked (RFC 2328 §D.5); the sequence number of one
    /// signed with a key.
    func check(
        _ packet: RawSpan, _ header: PacketHeader, wall: Int64
    ) throws(OSPFDrop) -> UInt32? {
        guard packet.be16(14) == type else { throw .authenticationType }
        switch self {
        case .none:
            try Self.checkSum(packet, header)
            return nil
        case .password(let word):
            try Self.checkSum(packet, header)
            guard Self.isEqual(Self.padded(word), packet, at: 16) else {
                throw .authenticationPassword
            }
            return nil
        case .keys(let keys):
            let (id, length) = (packet.byte(18), Int(packet.byte(19)))
            let found = keys.first {
                $0.id == id && $0.algorithm.digestLength == length
                    && Self.accepts($0, of: keys, at: wall)
            }
            guard let key = found else { throw .authenticationKey }
            guard packet.byteCount == header.length + length else {
                throw .authenticationMalformed
            }
            let digest = Self.digest(of: Self.copy(packet, header.length), by: key)
            guard Self.isEqual(digest, packet, at: header.length) else {
                throw .authenticationDigest
            }
            return packet.be32(20)
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

    /// Whether two digests are the same, in a time that does not tell where they differ.
    private static func isEqual(_ a: [UInt8], _ packet: RawSpan, at offset: Int) -> Bool {
        var difference: UInt8 = 0
        for index in a.indices { difference |= a[index] ^ packet.byte(offset + index) }
        return difference == 0
    }

    private static func copy(_ packet: RawSpan, _ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 64)
        for index in 0..<count { bytes.append(packet.byte(index)) }
        return bytes
    }
}
