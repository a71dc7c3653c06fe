internal import Signing
internal import Wire

/// What is written into a packet to authenticate it.
enum Signature {
    case none
    case password([UInt8])
    case key(SigningKey, sequence: UInt32)

    init(_ authentication: PacketAuthentication, wall: Int64, sequence: UInt32) {
        switch authentication {
        case .none: self = .none
        case .password(let word): self = .password(word)
        case .keys(let keys):
            let key = keys.sending(at: wall)
            self = key.map { .key($0, sequence: sequence) } ?? .none
        }
    }

    /// Routes that fit a packet of 504 octets, an MD5 trailer included.
    var mostRoutes: Int {
        switch self {
        case .none: RIPProtocol.mostEntries
        case .password: RIPProtocol.mostEntries - 1
        case .key: RIPProtocol.mostEntries - 2
        }
    }

    /// Writes the first entry; a length that is not known yet is filled in later.
    func begin(_ bytes: inout [UInt8]) {
        switch self {
        case .none: return
        case .password(let word):
            bytes.append16(RIPProtocol.authenticationFamily)
            bytes.append16(Trailer.passwordType)
            bytes += Trailer.padded(word)
        case .key(let key, let sequence):
            bytes.append16(RIPProtocol.authenticationFamily)
            bytes.append16(Trailer.keyType)
            bytes.append16(0)
            bytes += [key.id, UInt8(key.algorithm.digestLength)]
            bytes.append32(sequence)
            bytes.append32(0)
            bytes.append32(0)
        }
    }

    /// Appends the digest (RFC 4822 §2.5).
    func finish(_ bytes: inout [UInt8]) {
        guard case .key(let key, _) = self else { return }
        bytes[8] = UInt8(truncatingIfNeeded: bytes.count >> 8)
        bytes[9] = UInt8(truncatingIfNeeded: bytes.count)
        bytes.append16(RIPProtocol.authenticationFamily)
        bytes.append16(Trailer.dataType)
        bytes += key.digest(of: bytes)
    }
}

/// The octets of cryptographic authentication.
enum Trailer {
    static let passwordType: UInt16 = 2
    static let keyType: UInt16 = 3
    static let dataType: UInt16 = 1
    /// Octets before the digest.
    static let headerLength = 4

    /// A password as it stands in the entry: 16 octets, zeros behind.
    static func padded(_ word: [UInt8]) -> [UInt8] {
        let used = word.prefix(16)
        return used + [UInt8](repeating: 0, count: 16 - used.count)
    }
}

/// What a packet's authentication came to.
struct Authenticated {
    /// Where the routes lie.
    var entries: Range<Int>
    /// The sequence number, of a packet signed with a key.
    var sequence: UInt32?
}

extension PacketAuthentication {
    /// Judges a packet of at least a header whose version is known (RFC 2453 §4.1, RFC 4822 §3).
    func check(
        _ packet: RawSpan, version: UInt8, wall: Int64
    ) throws(RIPDrop) -> Authenticated {
        let first = RIPProtocol.headerLength
        let second = first + RIPProtocol.entryLength
        let isMarked =
            version > 1 && packet.byteCount >= second
            && packet.be16(first) == RIPProtocol.authenticationFamily
        let type = isMarked ? packet.be16(first + 2) : 0
        switch self {
        case .none:
            guard !isMarked else { throw .authenticationUnexpected }
            return Authenticated(entries: first..<packet.byteCount)
        case .password(let word):
            guard isMarked else { throw .authenticationMissing }
            guard type == Trailer.passwordType else { throw .authenticationType }
            guard packet.holds(secret: Trailer.padded(word), at: first + 4) else {
                throw .authenticationPassword
            }
            return Authenticated(entries: second..<packet.byteCount)
        case .keys(let keys):
            guard isMarked else { throw .authenticationMissing }
            guard type == Trailer.keyType else { throw .authenticationType }
            return try check(packet, keys, wall: wall, from: second)
        }
    }

    private func check(
        _ packet: RawSpan, _ keys: [SigningKey], wall: Int64, from start: Int
    ) throws(RIPDrop) -> Authenticated {
        let end = Int(packet.be16(8))
        let id = packet.byte(10)
        let length = Int(packet.byte(11))
        // BIRD counts the trailer's head in the length of an MD5 digest.
        let found = keys.first {
            let own = $0.algorithm.digestLength
            return $0.id == id && keys.accepts($0, at: wall)
                && (own == length || $0.algorithm == .keyedMD5 && own + 4 == length)
        }
        guard let key = found else { throw .authenticationKey }
        let needed = end + Trailer.headerLength + key.algorithm.digestLength
        guard end >= start, needed <= packet.byteCount,
            packet.be16(end) == RIPProtocol.authenticationFamily,
            packet.be16(end + 2) == Trailer.dataType
        else { throw .authenticationMalformed }
        guard key.hasSigned(packet, end + Trailer.headerLength) else {
            throw .authenticationDigest
        }
        return Authenticated(entries: start..<end, sequence: packet.be32(12))
    }
}
