import NAT
import Wire

// Which source and destination addresses may pass (RFC 1812 §5.3.7, RFC 6890, RFC 3704).
extension Forwarder {
    /// Refuses sources that cannot be, that are ours, or that have no way back on this side.
    func checkSource(_ packet: Packet, _ side: Side) throws(DropReason) {
        let source = packet.source
        guard !isNoHost(source) else { throw .martianSource }
        guard own.side(of: source) == nil, !nat.isOutside(source) else { throw .sourceOwnAddress }
        guard own.broadcastSide(of: source) == nil else { throw .martianSource }
        if settings.policy.dropsDocumentation, Self.isDocumentation(source) {
            throw .martianSource
        }
        let isOutside = side == settings.nat.outside
        if settings.policy.isStrict {
            guard !Self.isReserved(source), !(isOutside && Self.isPrivate(source)) else {
                throw .martianSource
            }
        }
        let group = fib.lookup(IPv4Address(source))
        guard fib.action(of: group) == .forward else {
            // Loose on the outside and in a plain router: any way back will do.
            throw .sourceReversePath
        }
        if !fib.leads(group, to: side) {
            // Strict inside; outside only what belongs inside is refused.
            if !isOutside || own.isConnected(source, on: side.other) { throw .sourceReversePath }
        }
    }

    /// Refuses destinations that no packet may have, and frames for all of a packet for one.
    func checkDestination(_ packet: Packet, _ side: Side, isGroup: Bool) throws(DropReason) {
        let destination = packet.destination
        if destination == IPv4Address.limitedBroadcast.rawValue { throw .broadcastLimited }
        if IPv4Address(destination).isMulticast { throw .multicastNotJoined }
        if let broadcast = own.broadcastSide(of: destination) {
            guard settings.policy.forwardsDirectedBroadcast, broadcast != side else {
                throw .broadcastDirected
            }
        }
        guard !isGroup else { throw .ipv4LinkBroadcast }
        guard !isNoHost(destination) else { throw .martianDestination }
        if settings.policy.dropsDocumentation, Self.isDocumentation(destination),
            own.side(of: destination) == nil
        {
            throw .martianDestination
        }
        if settings.policy.isStrict, Self.isReserved(destination) { throw .martianDestination }
        guard packet.source != packet.destination else { throw .martianSource }
    }

    /// 0/8, 127/8, 169.254/16, 224/4 and, unless the policy says otherwise, 240/4: never a host's
    /// address beyond its link.
    func isNoHost(_ address: UInt32) -> Bool {
        let first = address >> 24
        if first >= 240, settings.policy.forwardsClassE {
            return address == IPv4Address.limitedBroadcast.rawValue
        }
        return first == 0 || first == 127 || first >= 224 || address >> 16 == 0xa9fe
    }

    /// 192.0.2/24, 198.51.100/24 and 203.0.113/24 (RFC 5737).
    static func isDocumentation(_ address: UInt32) -> Bool {
        let network = address >> 8
        return network == 0xc0_0002 || network == 0xc6_3364 || network == 0xcb_0071
    }

    /// Private, shared and benchmark space (RFC 1918, RFC 6598, RFC 2544).
    static func isPrivate(_ address: UInt32) -> Bool {
        address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8
            || address >> 22 == 0x191 || address >> 17 == 0x6309
    }

    /// 192.0.0/24 and 192.88.99/24.
    static func isReserved(_ address: UInt32) -> Bool {
        address >> 8 == 0xc0_0000 || address >> 8 == 0xc0_5863
    }
}
