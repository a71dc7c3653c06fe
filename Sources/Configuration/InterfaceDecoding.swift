internal import Forwarding
internal import Wire

/// A value together with the node it came from.
struct Placed<T> {
    var value: T
    var node: Int
}

/// One side as far as it could be read.
struct SideDraft {
    var side: Side
    /// Where messages about the whole side point to; nil if the side is missing.
    var anchor: Int?
    var device: Placed<DeviceSettings>?
    var addresses: [Placed<InterfaceAddress>] = []
    /// Whether every address could be read, so that what depends on them can be judged.
    var hasAllAddresses = false
    var hardware: Placed<MACAddress>?
    var mtu = 1500
    var mtuNode: Int?
    var proxyARP: [IPv4Prefix] = []
    var neighbors: [StaticNeighbor] = []
    var probesAddresses = false
    var sendsErrors = true

    func connects(_ address: IPv4Address) -> Bool {
        addresses.contains { $0.value.prefix.contains(address) }
    }
}

extension Decoder {
    /// Longest name of a network interface, in bytes: IFNAMSIZ less the terminator.
    private static let longestTapName = 15

    mutating func interfaces(_ node: Int?) -> [SideDraft] {
        var drafts = Side.allCases.map { SideDraft(side: $0) }
        guard let node,
            let fields = fields(
                of: node, anchor: node - 1, path: Path("interfaces"), as: InterfacesKey.self)
        else { return drafts }
        for side in Side.allCases {
            let key: InterfacesKey = side == .lan ? .lan : .wan
            guard let value = required(key, of: fields) else { continue }
            drafts[side.index] = interface(value, side)
        }
        checkTogether(drafts)
        return drafts
    }

    private mutating func interface(_ node: Int, _ side: Side) -> SideDraft {
        var draft = SideDraft(side: side)
        draft.anchor = node - 1
        let path = Path("interfaces.\(side)")
        guard
            let fields = fields(of: node, anchor: node - 1, path: path, as: InterfaceKey.self)
        else { return draft }
        if let tap = required(.tap, of: fields, help: "write tap: tap-\(side)") {
            draft.device = device(tap, fields)
        }
        addresses(of: fields, &draft)
        draft.hardware = hardware(fields[.macaddress], fields.name(.macaddress))
            .map { Placed(value: $0, node: fields[.macaddress] ?? node) }
        draft.device?.value.hardware = draft.hardware?.value
        draft.mtuNode = fields[.mtu]
        draft.mtu = integer(fields[.mtu], in: 576...9216, fields.name(.mtu)) ?? draft.mtu
        draft.proxyARP = list(of: fields[.proxyARP], fields.name(.proxyARP), most: 1024) {
            $0.prefix($1, $2())
        }
        draft.probesAddresses =
            boolean(fields[.probeAddress], fields.name(.probeAddress)) ?? draft.probesAddresses
        draft.sendsErrors =
            boolean(fields[.icmpErrors], fields.name(.icmpErrors)) ?? draft.sendsErrors
        neighbors(of: fields, &draft)
        return draft
    }

    private mutating func addresses(of fields: Fields<InterfaceKey>, _ draft: inout SideDraft) {
        let help = "write addresses: [192.168.1.1/24]"
        guard let node = required(.addresses, of: fields, help: help) else { return }
        let path = fields.name(.addresses)
        guard let items = items(of: node, path, most: 64) else { return }
        draft.hasAllAddresses = true
        for (index, item) in items.enumerated() {
            guard let address = interfaceAddress(item, "\(path)[\(index)]") else {
                draft.hasAllAddresses = false
                continue
            }
            if draft.addresses.contains(where: { $0.value.address == address.address }) {
                report(.repeatedAddress, item, "\(address.address) is given twice in \(path)")
            }
            draft.addresses.append(Placed(value: address, node: item))
        }
        guard draft.addresses.isEmpty, draft.hasAllAddresses else { return }
        draft.hasAllAddresses = false
        report(.emptyList, node, "\(path) must hold at least one address", help: help)
    }

    private mutating func device(
        _ tapNode: Int, _ fields: Fields<InterfaceKey>
    ) -> Placed<DeviceSettings>? {
        let tap = tapName(tapNode, fields.name(.tap))
        var device = DeviceSettings(tap: tap ?? "")
        device.namespace = namespace(fields[.netns], fields.name(.netns))
        device.bridge = tapName(fields[.bridge], fields.name(.bridge))
        device.isPersistent = boolean(fields[.persist], fields.name(.persist)) ?? false
        device.transmitQueueLength =
            integer(fields[.queueLength], in: 64...1_000_000, fields.name(.queueLength))
            ?? device.transmitQueueLength
        offload(fields, &device)
        return tap == nil ? nil : Placed(value: device, node: tapNode)
    }

    private mutating func offload(
        _ parent: Fields<InterfaceKey>, _ device: inout DeviceSettings
    ) {
        guard let node = parent[.offload],
            let fields = fields(
                of: node, anchor: node - 1, path: Path(parent.name(.offload)), as: OffloadKey.self)
        else { return }
        let checksum = boolean(fields[.checksum], fields.name(.checksum))
        let segmentation = boolean(fields[.segmentation], fields.name(.segmentation))
        device.checksumOffload = checksum ?? true
        device.segmentationOffload = segmentation ?? device.checksumOffload
        if segmentation == true, checksum == false, let place = fields[.segmentation] {
            report(
                .offloadPair, place,
                "\(fields.name(.segmentation)) needs \(fields.name(.checksum)), which is false",
                help: "write checksum: true or segmentation: false")
        }
    }

    private mutating func tapName(_ node: Int?, _ path: @autoclosure () -> String) -> String? {
        guard let node, isValue(node, path()) else { return nil }
        let bytes = tree.bytes(node)
        guard bytes.count <= Self.longestTapName else {
            report(
                .badTapName, node,
                "\(path()) \(tree.quoted(node)) is longer than \(Self.longestTapName) bytes")
            return nil
        }
        // What dev_valid_name of Linux refuses, and what would need quoting in a shell.
        let isGood = bytes.allSatisfy(Self.isSimpleNameByte)
        guard isGood, !bytes.isEmpty, !bytes.elementsEqual(".".utf8),
            !bytes.elementsEqual("..".utf8)
        else {
            report(
                .badTapName, node,
                "\(path()) \(tree.quoted(node)) must be letters, digits, '-', '_' and '.'")
            return nil
        }
        return tree.string(node)
    }

    private mutating func namespace(_ node: Int?, _ path: @autoclosure () -> String) -> String? {
        guard let node, isValue(node, path()) else { return nil }
        let bytes = tree.bytes(node)
        let isPath = bytes.first == UInt8(ascii: "/")
        let isText = bytes.allSatisfy { $0 > 0x20 && $0 != 0x7f }
        let isDots = bytes.elementsEqual(".".utf8) || bytes.elementsEqual("..".utf8)
        let isName = (1...255).contains(bytes.count) && bytes.allSatisfy(Self.isSimpleNameByte)
        guard isPath ? isText && bytes.count <= 4095 : isName && !isDots
        else {
            report(
                .badNamespace, node,
                "\(path()) \(tree.quoted(node)) must be a name under /run/netns or a whole path")
            return nil
        }
        let namespace = tree.string(node)
        if !checks.namespaceExists(namespace) {
            report(
                .noNamespace, node, "network namespace \(tree.quoted(node)) does not exist",
                help: isPath ? nil : "ip netns add \(namespace)")
        }
        return namespace
    }

    private mutating func neighbors(of parent: Fields<InterfaceKey>, _ draft: inout SideDraft) {
        guard let node = parent[.neighbors],
            let items = items(of: node, parent.name(.neighbors), most: 4096)
        else { return }
        var seen: Set<IPv4Address> = []
        for (index, item) in items.enumerated() {
            let path = Path(parent.name(.neighbors), index: index)
            guard
                let fields = fields(of: item, anchor: item, path: path, as: NeighborKey.self)
            else { continue }
            let addressNode = required(.address, of: fields)
            let hardwareNode = required(.macaddress, of: fields)
            let address = address(addressNode, fields.name(.address))
            let hardware = hardware(hardwareNode, fields.name(.macaddress))
            guard let address, let hardware, let addressNode else { continue }
            if !seen.insert(address).inserted {
                report(
                    .repeatedAddress, addressNode,
                    "\(address) is given twice in \(parent.name(.neighbors))")
            }
            if draft.hasAllAddresses, !draft.connects(address) {
                report(
                    .strangeNeighbor, addressNode,
                    "\(address) is in no network of \(draft.side), so nothing is sent to it"
                )
            }
            draft.neighbors.append(StaticNeighbor(address: address, hardware: hardware))
        }
    }

    // MARK: Both sides together

    private mutating func checkTogether(_ drafts: [SideDraft]) {
        guard let lan = drafts.first, let wan = drafts.last else { return }
        if let first = lan.device, let second = wan.device, first.value.tap == second.value.tap {
            let (earlier, later) = inOrder(first.node, second.node)
            report(
                .sameTap, later, "both sides have the TAP '\(first.value.tap)'",
                help: "the other one is at line \(tree.nodes[earlier].line)")
        }
        if let first = lan.hardware, let second = wan.hardware, first.value == second.value {
            let (earlier, later) = inOrder(first.node, second.node)
            report(
                .sameHardware, later, "both sides have the MAC address \(first.value)",
                help: "the other one is at line \(tree.nodes[earlier].line)")
        }
        for first in lan.addresses {
            for second in wan.addresses
            where first.value.prefix.overlaps(second.value.prefix) {
                let (earlier, later) = inOrder(first.node, second.node)
                report(
                    .overlap, later,
                    "the networks of lan and wan overlap: \(first.value.prefix) and "
                        + "\(second.value.prefix)",
                    help: "the other one is at line \(tree.nodes[earlier].line)")
            }
        }
        if lan.mtu > wan.mtu, let place = lan.mtuNode ?? wan.mtuNode {
            report(
                .differentMTU, place,
                "packets from lan with DF over \(wan.mtu) bytes get ICMP Fragmentation Needed",
                help: "mss-clamp: auto spares TCP from this")
        }
    }

    private func inOrder(_ a: Int, _ b: Int) -> (Int, Int) { a < b ? (a, b) : (b, a) }
}
