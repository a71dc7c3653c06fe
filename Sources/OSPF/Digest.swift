internal import CCrypto

/// How packets are authenticated by a key (RFC 2328 §D.3 and RFC 5709).
public enum OSPFAlgorithm: UInt8, Sendable, CaseIterable {
    /// MD5 of packet and key, for old neighbours.
    case keyedMD5
    case hmacSHA1
    case hmacSHA256
    case hmacSHA384
    case hmacSHA512

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

    /// The digest of `packet`, whose own digest field the caller has filled as the algorithm wants.
    func digest(_ packet: [UInt8], secret: [UInt8]) -> [UInt8] {
        switch self {
        case .keyedMD5:
            // The secret stands where the digest will (RFC 2328 §D.4.3): 16 octets.
            let key = Array(secret.prefix(16))
            return hash(packet + key + [UInt8](repeating: 0, count: 16 - key.count))
        default:
            // A secret longer than the digest is replaced by its hash (RFC 5709 §3.3).
            let key = secret.count > digestLength ? hash(secret) : secret
            var result = [UInt8](repeating: 0, count: digestLength)
            var length = UInt32(0)
            _ = unsafe HMAC(
                function, key, Int32(key.count), packet, packet.count, &result, &length)
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
