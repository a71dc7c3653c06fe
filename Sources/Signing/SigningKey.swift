internal import Wire

/// A key that routers share to sign packets of RIP (RFC 4822 §2.2) or OSPF (RFC 2328 §D.3).
/// Lifetimes are in seconds since 1970.
public struct SigningKey: Hashable, Sendable {
    /// The number that tells keys apart in packets.
    public var id: UInt8
    /// What is done with the secret.
    public var algorithm: SigningAlgorithm
    /// The secret, at least one octet; MD5 uses the first 16.
    public var secret: [UInt8]
    /// When packets are signed with it.
    public var sending: Range<Int64>
    /// When packets signed with it are accepted.
    public var accepting: Range<Int64>

    /// A key of these fields; by default valid for ever.
    public init(
        id: UInt8, _ algorithm: SigningAlgorithm, secret: [UInt8],
        sending: Range<Int64> = 0..<Int64.max, accepting: Range<Int64> = 0..<Int64.max
    ) {
        self.id = id
        self.algorithm = algorithm
        self.secret = secret
        self.sending = sending
        self.accepting = accepting
    }

    /// The digest that follows a packet; it covers the sender's address if that is given, as
    /// OSPFv2's with long sequence numbers does (RFC 7474 §5).
    public func digest(of packet: [UInt8], from source: UInt32? = nil) -> [UInt8] {
        algorithm.digest(of: packet, secret: secret, from: source)
    }

    /// Whether the digest of the first `count` octets follows them, as `digest` makes it.
    public func hasSigned(_ packet: RawSpan, _ count: Int, from source: UInt32? = nil) -> Bool {
        guard count >= 0, packet.byteCount - count >= algorithm.digestLength else { return false }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for index in 0..<count { bytes.append(packet.byte(index)) }
        return packet.holds(secret: digest(of: bytes, from: source), at: count)
    }
}

extension [SigningKey] {
    /// The key to sign with: of those valid, the one that began last. When every one has expired,
    /// the one that did so last goes on being used, so that routing does not end silently
    /// (RFC 4822 §5.2).
    public func sending(at wall: Int64) -> SigningKey? {
        let valid = filter { $0.sending.contains(wall) }
        return valid.max { $0.sending.lowerBound < $1.sending.lowerBound }
            ?? self.max { $0.sending.upperBound < $1.sending.upperBound }
    }

    /// Whether one of these keys is accepted: within its time, or the last one of all.
    public func accepts(_ key: SigningKey, at wall: Int64) -> Bool {
        if key.accepting.contains(wall) { return true }
        guard wall >= key.accepting.upperBound else { return false }
        return allSatisfy { $0.accepting.upperBound <= key.accepting.upperBound }
    }
}

extension RawSpan {
    /// Whether a password or digest stands at `offset`, where there is room for it, in a time that
    /// does not tell where it differs.
    public func holds(secret: [UInt8], at offset: Int) -> Bool {
        var difference: UInt8 = 0
        for index in secret.indices { difference |= secret[index] ^ byte(offset + index) }
        return difference == 0
    }
}
