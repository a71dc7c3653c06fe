/// Why a packet was not used. The name is the counter and the help entry.
public enum BFDDrop: UInt8, Error, CaseIterable, Sendable {
    case timeToLive, truncated, version, length, multiplier, multipoint
    case discriminatorMissing, stateWithout, discriminatorUnknown, noSession
    case otherInterface, otherAddress, authentication, unwanted

    /// The stable dotted name.
    public var name: String { "bfd." + text.name }
    /// One sentence: what it means.
    public var meaning: String { text.meaning }

    private var text: (name: String, meaning: String) {
        switch self {
        case .timeToLive:
            ("ttl", "The TTL is not 255: the packet may come from beyond the link.")
        case .truncated: ("truncated", "The packet is shorter than 24 octets.")
        case .version: ("version", "The version is not 1.")
        case .length: ("length", "The length contradicts the packet.")
        case .multiplier: ("multiplier", "The detection multiplier is 0.")
        case .multipoint: ("multipoint", "The multipoint bit is set.")
        case .discriminatorMissing: ("discriminator", "The sender's discriminator is 0.")
        case .stateWithout:
            ("state", "The packet claims to know our session and does not name it.")
        case .discriminatorUnknown:
            ("discriminator_unknown", "No session here has the discriminator it names.")
        case .noSession: ("no_session", "There is no session with this neighbor.")
        case .otherInterface: ("interface", "The session is with a neighbor of another side.")
        case .otherAddress: ("address", "The session is with another neighbor.")
        case .authentication: ("authentication", "The packet is authenticated; we never do that.")
        case .unwanted: ("unwanted", "The session was given up here.")
        }
    }
}
