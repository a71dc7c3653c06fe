internal import CCrypto

/// How packets are authenticated by a key; the raw value is the word for it.
public enum SigningAlgorithm: String, Sendable, CaseIterable {
    /// MD5 of packet and key, for old neighbours.
    case keyedMD5 = "md5"
    case hmacSHA1 = "hmac-sha-1"
    case hmacSHA256 = "hmac-sha-256"
    case hmacSHA384 = "hmac-sha-384"
    case hmacSHA512 = "hmac-sha-512"

    /// Octets of the digest.
    public var digestLength: Int {
        switch self {
        case .keyedMD5: 16
        case .hmacSHA1: 20
        case .hmacSHA256: 32
        case .hmacSHA384: 48
        case .hmacSHA512: 64
        }
    }

    /// The digest of all of `packet` that comes before it.
    ///
    /// - Parameter source: The sender, where the digest covers it; it stands at the start of Apad,
    ///   and the number of the protocol, OSPFv2, behind the secret (RFC 7474 §5 and §6).
    func digest(of packet: [UInt8], secret: [UInt8], from source: UInt32? = nil) -> [UInt8] {
        switch self {
        case .keyedMD5:
            // 16 octets of secret follow (RFC 2082 §3.2.1, RFC 2328 §D.4.3).
            let key = Array(secret.prefix(16))
            return hash(packet + key + [UInt8](repeating: 0, count: 16 - key.count))
        default:
            // The digest field holds Apad while the digest is made, and a secret longer than the
            // digest is replaced by its hash (RFC 4822 §2.5, RFC 5709 §3.3).
            let apad: [UInt8] = [0x87, 0x8f, 0xe1, 0xf3]
            var whole = packet
            for _ in 0..<(digestLength / apad.count) { whole += apad }
            var secret = secret
            if let source {
                for index in 0..<4 {
                    whole[packet.count + index] = UInt8(
                        truncatingIfNeeded: source >> (24 - 8 * UInt32(index)))
                }
                secret += [0, 3]
            }
            let key = secret.count > digestLength ? hash(secret) : secret
            var result = [UInt8](repeating: 0, count: digestLength)
            var length = UInt32(0)
            _ = unsafe HMAC(
                function, key, Int32(key.count), whole, whole.count, &result, &length)
            return result
        }
    }

    /// The plain hash.
    private func hash(_ bytes: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: digestLength)
        var length = UInt32(0)
        _ = unsafe EVP_Digest(bytes, bytes.count, &result, &length, function, nil)
        return result
    }

    private var function: OpaquePointer? {
        switch self {
        case .keyedMD5: unsafe EVP_md5()
        case .hmacSHA1: unsafe EVP_sha1()
        case .hmacSHA256: unsafe EVP_sha256()
        case .hmacSHA384: unsafe EVP_sha384()
        case .hmacSHA512: unsafe EVP_sha512()
        }
    }
}
