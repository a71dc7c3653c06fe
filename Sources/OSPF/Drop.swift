/// Why a packet, or one LSA of it, was not used. The name is the counter and the help entry.
public enum OSPFDrop: UInt8, Error, CaseIterable, Sendable {
    // Whole packets
    case truncated, version, kind, length, checksum, bodyLength
    case interfaceOff, ownPacket, offLink, notDesignated, area, duplicateRouter
    case authenticationType, authenticationPassword, authenticationKey
    case authenticationMalformed, authenticationDigest, authenticationReplay
    // Hello
    case helloMask, helloInterval, deadInterval, helloOptions, helloRouter, neighborLimit
    // Between neighbours
    case neighborUnknown, neighborState, exchangeMTU, exchangeDuplicate, exchangeState
    case requestUnknown, acknowledgementStale
    // Single LSAs
    case lsaChecksum, lsaType, lsaLength, lsaValue, lsaRouter, lsaScope, lsaEarly, lsaFlushed
    case lsaMaxSequence, databaseFull

    /// The stable dotted name.
    public var name: String { "ospf." + text.name }
    /// One sentence: what it means.
    public var meaning: String { text.meaning }

    private var text: (name: String, meaning: String) {
        switch self {
        case .truncated: ("truncated", "The packet is shorter than its header.")
        case .version: ("version", "The packet is not of version 2.")
        case .kind: ("kind", "The packet is of no known kind.")
        case .length: ("length", "The packet is not as long as its header says.")
        case .checksum: ("checksum", "The packet's checksum is wrong.")
        case .bodyLength: ("body_length", "The body contradicts its own lengths and counts.")
        case .interfaceOff: ("interface_off", "OSPF does not listen on this interface.")
        case .ownPacket: ("own_packet", "The packet bears our own address.")
        case .offLink: ("off_link", "The sender is not on the network of this interface.")
        case .notDesignated:
            ("not_designated", "It is for Designated Routers, and we are none here.")
        case .area: ("area", "The sender has this link in another area.")
        case .duplicateRouter: ("duplicate_router", "Another router has our router id.")
        default: authenticationText ?? neighborText ?? lsaText
        }
    }

    private var authenticationText: (name: String, meaning: String)? {
        switch self {
        case .authenticationType:
            ("auth_type", "The packet is authenticated in another way than configured.")
        case .authenticationPassword: ("auth_password", "The password is wrong.")
        case .authenticationKey: ("auth_key", "No valid key has this number and algorithm.")
        case .authenticationMalformed:
            ("auth_malformed", "The packet is not as long as header and digest.")
        case .authenticationDigest: ("auth_digest", "The digest does not fit: another key.")
        case .authenticationReplay:
            ("auth_replay", "The sequence number is lower than the last one: a replay.")
        default: nil
        }
    }

    private var neighborText: (name: String, meaning: String)? {
        switch self {
        case .helloMask: ("hello_mask", "The sender has another netmask on this link.")
        case .helloInterval: ("hello_interval", "The sender has another hello interval.")
        case .deadInterval: ("dead_interval", "The sender has another dead interval.")
        case .helloOptions: ("hello_options", "The sender takes the area for another kind.")
        case .helloRouter: ("hello_router", "The sender has no usable router id.")
        case .neighborLimit: ("neighbor_limit", "There are as many neighbors as there may be.")
        case .neighborUnknown: ("neighbor", "The sender has not said hello.")
        case .neighborState: ("neighbor_state", "It is too early for this packet.")
        case .exchangeMTU: ("mtu", "The sender's MTU is larger than ours.")
        case .exchangeDuplicate: ("exchange_duplicate", "The description came before.")
        case .exchangeState: ("exchange_state", "The description does not fit the exchange.")
        case .requestUnknown: ("request_unknown", "Something was asked for that is not here.")
        case .acknowledgementStale:
            ("acknowledgement", "Something was acknowledged that was not sent.")
        default: nil
        }
    }

    private var lsaText: (name: String, meaning: String) {
        switch self {
        case .lsaChecksum: ("lsa_checksum", "The checksum of an LSA is wrong.")
        case .lsaType: ("lsa_type", "An LSA is of no known type.")
        case .lsaLength: ("lsa_length", "An LSA contradicts its own lengths and counts.")
        case .lsaValue: ("lsa_value", "An LSA has an impossible age or sequence number.")
        case .lsaRouter: ("lsa_router", "A router-LSA is about another router than its maker.")
        case .lsaScope: ("lsa_scope", "An LSA does not belong into this area.")
        case .lsaEarly: ("lsa_early", "An LSA came within a second of the one before.")
        case .lsaFlushed: ("lsa_flushed", "An LSA was flushed less than half a minute ago.")
        case .lsaMaxSequence: ("lsa_max_sequence", "An LSA is older than one being wrapped.")
        default: ("database_full", "The database holds as many LSAs as it may.")
        }
    }
}
