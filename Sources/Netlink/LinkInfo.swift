import CNetlink
public import Wire

/// The state of a network interface at one moment.
public struct LinkInfo: Hashable, Sendable {
    /// The interface's number, 1 and up, unique in its namespace.
    public let index: Int32
    /// Its name, up to 15 octets.
    public let name: String
    /// What the kernel says of it.
    public let flags: Flags
    /// Largest packet in octets, without the Ethernet header.
    public let mtu: Int
    /// Its Ethernet address; nil where it has none.
    public let hardware: MACAddress?
    /// Most frames waiting to be read from a TAP.
    public let transmitQueueLength: Int
    /// Frames that it should have sent and dropped since it was made: for a TAP, those that did not
    /// fit the queue.
    public let transmitDrops: UInt64
    /// The index of the bridge or bond it is part of.
    public let master: Int32?
    /// The driver's word for it: `tun`, `bridge`, `veth`; nil where it gives none.
    public let kind: String?

    /// Properties that come and go.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// IFF_ flags of linux/if.h, with the carrier as bit 31.
        public let rawValue: UInt32

        /// The set with these bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Someone switched it on (IFF_UP).
        public static let up = Flags(rawValue: 0x1)
        /// It works (IFF_RUNNING): on, with carrier, and not dormant.
        public static let running = Flags(rawValue: 0x40)
        /// The layer below is up (IFF_LOWER_UP).
        public static let lowerUp = Flags(rawValue: 0x1_0000)
        /// It has carrier: for a TAP, some process holds it open.
        public static let carrier = Flags(rawValue: 0x8000_0000)
    }

    /// The value of libnl's object; nil when that has no name.
    init?(_ link: OpaquePointer) {
        guard let name = unsafe rtnl_link_get_name(link) else { return nil }
        self.name = unsafe String(cString: name)
        index = unsafe rtnl_link_get_ifindex(link)
        let carrier = unsafe rtnl_link_get_carrier(link) != 0 ? Flags.carrier.rawValue : 0
        flags = unsafe Flags(rawValue: rtnl_link_get_flags(link) & 0x7fff_ffff | carrier)
        mtu = unsafe Int(rtnl_link_get_mtu(link))
        transmitQueueLength = unsafe Int(rtnl_link_get_txqlen(link))
        transmitDrops = unsafe rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED)
        let above = unsafe rtnl_link_get_master(link)
        master = above > 0 ? above : nil
        if let kind = unsafe rtnl_link_get_type(link) {
            self.kind = unsafe String(cString: kind)
        } else {
            kind = nil
        }
        hardware = unsafe Self.hardware(rtnl_link_get_addr(link))
    }

    private static func hardware(_ address: OpaquePointer?) -> MACAddress? {
        guard let address = unsafe address, unsafe nl_addr_get_len(address) == 6,
            let octets = unsafe nl_addr_get_binary_addr(address)
        else { return nil }
        var value: UInt64 = 0
        for index in 0..<6 {
            value = unsafe value << 8 | UInt64(octets.load(fromByteOffset: index, as: UInt8.self))
        }
        return MACAddress(value)
    }
}
