internal import NAT
internal import Wire

/// A one-to-one entry with the places it came from.
struct OneToOneDraft {
    var entry: OneToOne
    var outsideNode: Int
    var insideNode: Int
    var nameNode: Int?
}

// One-to-one entries and blocks of ports.
extension Decoder {
    mutating func oneToOne(_ node: Int?, _ path: String) -> [OneToOneDraft] {
        guard let node, let items = items(of: node, path, most: 1024) else { return [] }
        var drafts: [OneToOneDraft] = []
        var index = 0
        for item in items {
            if let draft = oneToOne(item, Path(path, index: index)) { drafts.append(draft) }
            index += 1
        }
        return drafts
    }

    private mutating func oneToOne(_ node: Int, _ path: Path) -> OneToOneDraft? {
        guard let fields = fields(of: node, anchor: node, path: path, as: OneToOneKey.self) else {
            return nil
        }
        let name = ruleName(fields[.name], fields.name(.name))
        let sources = list(of: fields[.from], fields.name(.from), most: 64) {
            $0.prefix($1, $2())
        }
        let outsideNode = required(.outside, of: fields, help: "write outside: ADDRESS")
        let insideNode = required(.inside, of: fields, help: "write inside: ADDRESS")
        guard let outsideNode, let insideNode,
            let outside = addressOrPrefix(outsideNode, fields.name(.outside)),
            let inside = addressOrPrefix(insideNode, fields.name(.inside))
        else { return nil }
        guard outside.length == inside.length else {
            report(
                .unequalPrefixes, insideNode,
                "\(fields.name(.inside)) has \(Self.count(inside)), and the outside has "
                    + "\(Self.count(outside))",
                help: "write '\(IPv4Prefix(inside.address, length: Int(outside.length)))'")
            return nil
        }
        return OneToOneDraft(
            entry: OneToOne(
                name: name ?? "", outside: outside, inside: inside, sources: sources),
            outsideNode: outsideNode, insideNode: insideNode, nameNode: fields[.name])
    }

    private static func count(_ prefix: IPv4Prefix) -> String {
        let count = 1 << (32 - Int(prefix.length))
        return count == 1 ? "1 address" : "\(count) addresses"
    }

    private mutating func addressOrPrefix(_ node: Int, _ path: String) -> IPv4Prefix? {
        guard isValue(node, path) else { return nil }
        guard tree.bytes(node).contains(UInt8(ascii: "/")) else {
            return address(node, path).map { IPv4Prefix($0, length: 32) }
        }
        guard let prefix = prefix(node, path), isUsable(prefix.address, node) else { return nil }
        return prefix
    }

    // MARK: All together

    mutating func checkOneToOne(_ nat: NATDraft, _ sides: [SideDraft]) {
        let drafts = nat.oneToOne
        guard !drafts.isEmpty else { return }
        let outside = sides[nat.settings.outside.index]
        let inside = sides[nat.settings.outside.other.index]
        checkOverlaps(drafts.map { ($0.entry.outside, $0.outsideNode) })
        checkOverlaps(drafts.map { ($0.entry.inside, $0.insideNode) })
        for draft in drafts {
            checkTaken(draft.entry.outside, draft.outsideNode, sides, nat)
            checkTaken(draft.entry.inside, draft.insideNode, sides, nil)
            if inside.hasAllAddresses, !inside.connects(draft.entry.inside.address) {
                report(
                    .strangeInside, draft.insideNode,
                    "\(Self.text(draft.entry.inside)) is in no network of \(inside.side)",
                    help: "it is reached only if a route leads there")
            }
            if outside.hasAllAddresses, !outside.connects(draft.entry.outside.address) {
                report(
                    .strangeOutside, draft.outsideNode,
                    "\(Self.text(draft.entry.outside)) is not within a network of "
                        + "\(outside.side)",
                    help: "the routers there need a route to it by way of us")
            }
        }
        for forward in nat.forwards {
            guard let address = forward.forward.outsideAddress, let node = forward.addressNode,
                let other = drafts.first(where: { $0.entry.outside.contains(address) })
            else { continue }
            report(
                .forwardOfOneToOne, node,
                "\(address) belongs to \(Self.text(other.entry.inside)) with all its ports",
                help: "the one-to-one entry is at line \(tree.nodes[other.outsideNode].line)")
        }
    }

    private static func text(_ prefix: IPv4Prefix) -> String {
        prefix.length == 32 ? "\(prefix.address)" : "\(prefix)"
    }

    /// Sorted by address, only neighbours can overlap.
    private mutating func checkOverlaps(_ prefixes: [(prefix: IPv4Prefix, node: Int)]) {
        let sorted = prefixes.sorted {
            ($0.prefix.address, $0.prefix.length, $0.node)
                < ($1.prefix.address, $1.prefix.length, $1.node)
        }
        guard var widest = sorted.first else { return }
        for one in sorted.dropFirst() {
            guard widest.prefix.contains(one.prefix.address) else {
                widest = one
                continue
            }
            let (first, second) = widest.node < one.node ? (widest, one) : (one, widest)
            report(
                .oneToOneInUse, second.node,
                "\(Self.text(second.prefix)) overlaps \(Self.text(first.prefix)) of line "
                    + "\(tree.nodes[first.node].line)")
        }
    }

    private mutating func checkTaken(
        _ prefix: IPv4Prefix, _ node: Int, _ sides: [SideDraft], _ nat: NATDraft?
    ) {
        let last = prefix.address.rawValue | ~prefix.mask
        let range = prefix.address...IPv4Address(last)
        if let nat, nat.settings.mode == .pool,
            let pool = nat.settings.pool.first(where: { $0.overlaps(range) })
        {
            report(
                .oneToOneInUse, node,
                "\(Self.text(prefix)) overlaps \(Wording.addresses(pool)) of nat.pool",
                help: "leave it out of the pool")
            return
        }
        for side in sides {
            for own in side.addresses where range.contains(own.value.address) {
                let verb = range.lowerBound == range.upperBound ? "is" : "contains"
                report(
                    .oneToOneInUse, node,
                    "\(Self.text(prefix)) \(verb) the address \(own.value.address) of "
                        + "\(side.side)")
                return
            }
        }
    }

    // MARK: Blocks of ports

    mutating func blocks(_ node: Int?, _ path: String) -> BlockSettings? {
        guard let node,
            let fields = fields(of: node, anchor: node - 1, path: Path(path), as: BlockKey.self)
        else { return nil }
        var blocks = BlockSettings()
        blocks.inside = list(of: fields[.inside], fields.name(.inside), most: 256) {
            $0.prefix($1, $2())
        }
        blocks.size = integer(
            fields[.size], in: BlockPlan.smallest...32_768, fields.name(.size))
        return blocks
    }

    /// Fills in whom blocks are for, and how large they are; reports those that do not fit.
    mutating func planBlocks(_ nat: inout NATDraft, _ sides: [SideDraft]) {
        guard var blocks = nat.settings.blocks, let node = nat.blocksNode,
            nat.settings.mode != .none
        else { return }
        let outside = sides[nat.settings.outside.index]
        let inside = sides[nat.settings.outside.other.index]
        guard outside.hasAllAddresses, inside.hasAllAddresses else { return }
        if blocks.inside.isEmpty {
            var seen: Set<IPv4Prefix> = []
            blocks.inside = inside.addresses.map(\.value.prefix).filter { seen.insert($0).inserted }
        }
        let addresses =
            nat.settings.mode == .pool
            ? nat.settings.pool.flatMap { range in
                (range.lowerBound.rawValue...range.upperBound.rawValue).map { IPv4Address($0) }
            } : outside.addresses.prefix(1).map(\.value.address)
        let ports = nat.settings.ports
        if let plan = BlockPlan(blocks, outside: addresses, ports: ports) {
            blocks.size = plan.size
            nat.settings.blocks = blocks
            return
        }
        guard !addresses.isEmpty else { return }
        let hosts = blocks.inside.reduce(0) { $0 + 1 << (32 - Int($1.length)) }
        let size = blocks.size ?? BlockPlan.smallest
        let room = addresses.count * (ports.count / size)
        var free = blocks
        free.size = nil
        let fitting = BlockPlan(free, outside: addresses, ports: ports)?.size
        report(
            .blocksTooLarge, node,
            "nat.blocks: \(hosts) inside addresses, and there is room for \(room) blocks of "
                + "\(size) ports",
            help: fitting.map { "write size: \($0), or add addresses to nat.pool" }
                ?? "add addresses to nat.pool, or write inside: with fewer hosts")
    }
}
