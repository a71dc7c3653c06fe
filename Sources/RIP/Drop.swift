/// Why a packet, or one entry of it, was not used. The name is the counter and the help entry.
public enum RIPDrop: UInt8, Error, CaseIterable, Sendable {
    // Whole packets
    case truncated, length, tooLong, version, command, mustBeZero
    case ownPacket, offLink, port, neighborRefused, neighborLimit, interfaceOff, busy
    case authenticationMissing, authenticationUnexpected, authenticationType
    case authenticationMalformed, authenticationPassword, authenticationKey
    case authenticationDigest, authenticationReplay
    // Entries
    case entryFamily, entryMetric, entryMask, entryDestination, entryOwn, entryDefault
    case entryFiltered, tableFull

    /// The stable dotted name.
    public var name: String { "rip." + text.name }
    /// One sentence: what it means.
    public var meaning: String { text.meaning }

    private var text: (name: String, meaning: String) {
        switch self {
        case .truncated: ("truncated", "The packet is shorter than its header.")
        case .length: ("length", "The packet does not consist of whole entries.")
        case .tooLong: ("too_long", "The packet has more than 25 entries.")
        case .version: ("version", "The version is 0, or 1 where only 2 is accepted or answered.")
        case .command: ("command", "The packet is neither request nor response.")
        case .mustBeZero: ("must_be_zero", "A version 1 packet uses fields it does not have.")
        case .ownPacket: ("own_packet", "The packet bears one of our own addresses.")
        case .offLink: ("off_link", "The sender is not on a network of this interface.")
        case .port: ("port", "A response came from another port than 520.")
        case .neighborRefused: ("neighbor", "The sender is not one of the neighbors configured.")
        case .neighborLimit: ("neighbor_limit", "There are as many neighbors as there may be.")
        case .interfaceOff: ("interface_off", "RIP is not configured on this interface.")
        case .busy: ("busy", "More requests wait for their answers than may.")
        default: authenticationText ?? entryText
        }
    }

    private var authenticationText: (name: String, meaning: String)? {
        switch self {
        case .authenticationMissing: ("auth_missing", "The packet is not authenticated.")
        case .authenticationUnexpected:
            ("auth_unexpected", "The packet is authenticated and no authentication is set.")
        case .authenticationType:
            ("auth_type", "The packet is authenticated in another way than configured.")
        case .authenticationMalformed:
            ("auth_malformed", "The authentication's lengths contradict the packet.")
        case .authenticationPassword: ("auth_password", "The password is wrong.")
        case .authenticationKey: ("auth_key", "No valid key has this number and algorithm.")
        case .authenticationDigest: ("auth_digest", "The digest does not fit: another key.")
        case .authenticationReplay:
            ("auth_replay", "The sequence number is lower than the last one: a replay.")
        default: nil
        }
    }

    private var entryText: (name: String, meaning: String) {
        switch self {
        case .entryFamily: ("entry_family", "The entry is not about IPv4.")
        case .entryMetric: ("entry_metric", "The entry's metric is not within 1 to 16.")
        case .entryMask: ("entry_mask", "The entry's mask has gaps, or the address exceeds it.")
        case .entryDestination:
            ("entry_destination", "The entry's destination is no network of hosts.")
        case .entryOwn: ("entry_own", "The entry is about a network we are connected to.")
        case .entryDefault: ("entry_default", "Default routes are not accepted here.")
        case .entryFiltered: ("entry_filtered", "A filter refuses the entry's destination.")
        default: ("table_full", "The table holds as many routes as it may.")
        }
    }
}
