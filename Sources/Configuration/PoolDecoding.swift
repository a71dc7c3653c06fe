internal import NAT
internal import Wire

extension Decoder {
    /// Outside addresses in all: each has port tables of its own.
    private static let mostPoolAddresses = NATSettings.mostAddresses

    mutating func pool(
        _ parent: Fields<NATKey>, _ settings: inout NATSettings, _ sides: [SideDraft]
    ) {
        let help = "write pool: {addresses: [203.0.113.16-203.0.113.19]}"
        guard let node = parent[.pool] else {
            if settings.mode == .pool, let mode = parent[.mode] {
                report(.noPool, mode, "nat.mode: pool needs nat.pool.addresses", help: help)
            }
            return
        }
        guard
            let fields = fields(
                of: node, anchor: node - 1, path: Path(parent.name(.pool)), as: PoolKey.self)
        else { return }
        settings.ports = ports(fields[.ports], fields.name(.ports)) ?? settings.ports
        settings.softPairing =
            choice(
                fields[.pairing], [("strict", false), ("soft", true)], fields.name(.pairing))
            ?? settings.softPairing
        guard let list = fields[.addresses] else {
            if settings.mode == .pool {
                report(.noPool, node - 1, "nat.mode: pool needs nat.pool.addresses", help: help)
            }
            return
        }
        let path = fields.name(.addresses)
        guard let items = items(of: list, path, most: 256) else { return }
        var isEmpty = true
        var total = 0
        for (index, item) in items.enumerated() {
            isEmpty = false
            guard let range = poolRange(item, "\(path)[\(index)]") else { continue }
            total += Int(range.upperBound.rawValue - range.lowerBound.rawValue) + 1
            guard total <= Self.mostPoolAddresses else {
                report(
                    .poolTooLarge, item,
                    "\(path) holds more than \(Self.mostPoolAddresses) addresses")
                return
            }
            checkPool(range, item, settings, sides)
            settings.pool.append(range)
        }
        if isEmpty {
            report(.emptyList, list, "\(path) must hold at least one address", help: help)
        } else if settings.mode != .pool {
            report(
                .poolNotUsed, list, "\(path) is not used with nat.mode: \(settings.mode.rawValue)",
                help: "write mode: pool")
        }
    }

    /// `A`, `A-B` or `A/LENGTH` with all its addresses.
    private mutating func poolRange(
        _ node: Int, _ path: @autoclosure () -> String
    ) -> ClosedRange<IPv4Address>? {
        guard tree.kind(node) == .scalar, tree.bytes(node).contains(UInt8(ascii: "/")) else {
            return addressRange(node, path())
        }
        guard let prefix = prefix(node, path()), isUsable(prefix.address, node) else {
            return nil
        }
        return prefix.address...IPv4Address(prefix.address.rawValue | ~prefix.mask)
    }

    private mutating func checkPool(
        _ range: ClosedRange<IPv4Address>, _ node: Int, _ settings: NATSettings,
        _ sides: [SideDraft]
    ) {
        let shown = Wording.addresses(range)
        if let other = settings.pool.first(where: { $0.overlaps(range) }) {
            report(
                .poolInUse, node, "\(shown) overlaps \(Wording.addresses(other)) of the same pool")
            return
        }
        for side in sides {
            for own in side.addresses {
                if let taken = Self.taken(own.value, range) {
                    let verb = range.lowerBound == range.upperBound ? "is" : "contains"
                    report(
                        .poolInUse, node, "\(shown) \(verb) \(taken) of \(side.side)",
                        help: "leave it out of the pool")
                    return
                }
            }
        }
        let outside = sides[settings.outside.index]
        guard settings.mode == .pool, outside.hasAllAddresses else { return }
        let isConnected = outside.addresses.contains {
            $0.value.prefix.contains(range.lowerBound) && $0.value.prefix.contains(range.upperBound)
        }
        if !isConnected {
            report(
                .poolRouting, node, "\(shown) is not within a network of \(settings.outside)",
                help: "the routers there need a route to it by way of us")
        }
    }

    /// What of an interface's own words lies in the range.
    private static func taken(
        _ own: InterfaceAddress, _ range: ClosedRange<IPv4Address>
    ) -> String? {
        if range.contains(own.address) { return "the address \(own.address)" }
        guard own.prefix.length < 31, let broadcast = own.prefix.broadcast else { return nil }
        if range.contains(own.prefix.address) { return "the network address of \(own.prefix)" }
        return range.contains(broadcast) ? "the broadcast address of \(own.prefix)" : nil
    }

    /// Reports pool addresses that are next hops of routes.
    mutating func checkPoolAgainst(
        _ gateways: [IPv4Address], _ nat: NATDraft, _ root: Fields<TopKey>
    ) {
        guard let natNode = root[.nat], nat.settings.mode == .pool else { return }
        for gateway in gateways {
            guard let range = nat.settings.pool.first(where: { $0.contains(gateway) }) else {
                continue
            }
            report(
                .poolInUse, natNode - 1,
                "\(Wording.addresses(range)) of nat.pool contains the next hop \(gateway)",
                help: "leave it out of the pool")
            return
        }
    }
}
