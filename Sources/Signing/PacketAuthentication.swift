/// How packets on an interface are authenticated.
public enum PacketAuthentication: Hashable, Sendable {
    /// Not at all; authenticated packets are dropped.
    case none
    /// By a password in the clear: up to 16 octets in RIP (RFC 2453 §4.1), 8 in OSPF
    /// (RFC 2328 §D.4.2).
    case password([UInt8])
    /// By one of several keys.
    case keys([SigningKey])

    /// The kind, and the numbers of keys; never a secret.
    public var name: String {
        switch self {
        case .none: "none"
        case .password: "text"
        case .keys(let keys):
            keys.map { "\($0.algorithm.rawValue) key \($0.id)" }.joined(separator: ", ")
        }
    }
}
