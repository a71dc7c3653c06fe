internal import NAT
internal import Wire

/// A port forward with the places it came from.
struct ForwardDraft {
    var forward: PortForward
    var portNode: Int
    var toNode: Int
    var addressNode: Int?
    var nameNode: Int?
}

extension Decoder {
    /// Each has a place in the lookup by port; more is a translation table, not a port forward.
    private static let mostForwards = 4096

    mutating func forwards(_ node: Int, _ path: String) -> [ForwardDraft] {
        guard let items = items(of: node, path, most: Self.mostForwards) else { return [] }
        var drafts: [ForwardDraft] = []
        var index = 0
        for item in items {
            if let draft = forward(item, Path(path, index: index)) { drafts.append(draft) }
            index += 1
        }
        return drafts
    }

    private mutating func forward(_ node: Int, _ path: Path) -> ForwardDraft? {
        guard let fields = fields(of: node, anchor: node, path: path, as: ForwardKey.self) else {
            return nil
        }
        let name = ruleName(fields[.name], fields.name(.name))
        let transports = transports(
            fields[.protocol], fields.name(.protocol), Self.transportWords, none: [.tcp])
        let address = address(fields[.address], fields.name(.address))
        let sources = list(of: fields[.from], fields.name(.from), most: 64) {
            $0.prefix($1, $2())
        }
        let hairpin = boolean(fields[.hairpin], fields.name(.hairpin)) ?? true
        let portNode = required(.port, of: fields, help: "write port: 8443")
        let toNode = required(.to, of: fields, help: "write to: ADDRESS or to: ADDRESS:PORT")
        let ports = ports(portNode, fields.name(.port))
        let target = toNode.flatMap { self.target($0, ports, fields.name(.to)) }
        guard let portNode, let toNode, let ports, let target, !transports.isEmpty else {
            return nil
        }
        let forward = PortForward(
            name: name ?? "", transports: transports, outsideAddress: address, ports: ports,
            insideAddress: target.address, insidePort: target.port ?? ports.lowerBound,
            sources: sources, hairpin: hairpin)
        return ForwardDraft(
            forward: forward, portNode: portNode, toNode: toNode, addressNode: fields[.address],
            nameNode: fields[.name])
    }

    /// `A`, `A:P` or `A:P-Q`; the port is nil if it is the outside one.
    private mutating func target(
        _ node: Int, _ outside: ClosedRange<UInt16>?, _ path: String
    ) -> (address: IPv4Address, port: UInt16?)? {
        guard isValue(node, path) else { return nil }
        let bytes = tree.bytes(node)
        let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        guard !Scalar.looksLikeIPv6(bytes), let address = Scalar.address(bytes[..<colon]) else {
            reportNotAddress(Scalar.looksLikeIPv6(bytes) ? bytes : bytes[..<colon], node, path)
            return nil
        }
        guard isUsable(address, node) else { return nil }
        guard colon < bytes.endIndex else { return (address, nil) }
        guard let ports = ports(bytes[(colon + 1)...], node, path) else { return nil }
        guard let outside else { return (address, ports.lowerBound) }
        if ports.count > 1, ports.count != outside.count {
            report(
                .rangeLengths, node,
                "\(path) has \(ports.count) ports, and the outside has \(outside.count)",
                help: "write '\(address):\(ports.lowerBound)'")
            return nil
        }
        guard Int(ports.lowerBound) + outside.count - 1 <= 65535 else {
            report(
                .rangeEnd, node,
                "\(path) starts at port \(ports.lowerBound) and \(outside.count) ports do not fit "
                    + "below 65536")
            return nil
        }
        return (address, ports.lowerBound)
    }

    // MARK: All together

    mutating func checkForwards(_ nat: NATDraft, _ sides: [SideDraft]) {
        if nat.settings.mode == .none {
            let lists = [
                ("port-forwards", nat.forwardsNode, nat.forwards.isEmpty),
                ("one-to-one", nat.oneToOneNode, nat.oneToOne.isEmpty),
            ]
            for (key, node, isEmpty) in lists where !isEmpty {
                guard let node else { continue }
                report(
                    .forwardsWithoutNAT, node - 1, "nat.\(key) needs a nat.mode other than none",
                    help: "remove them or write mode: masquerade")
            }
        }
        checkNames(nat)
        checkOneToOne(nat, sides)
        guard !nat.forwards.isEmpty else { return }
        checkPorts(nat, sides)
        checkOwn(nat, sides)
        let outside = sides[nat.settings.outside.index]
        let inside = sides[nat.settings.outside.other.index]
        for draft in nat.forwards {
            let target = draft.forward.insideAddress
            if inside.hasAllAddresses, !inside.connects(target) {
                report(
                    .strangeInside, draft.toNode,
                    "\(target) is in no network of \(inside.side)",
                    help: "it is reached only if a route leads there")
            }
            guard let address = draft.forward.outsideAddress, let node = draft.addressNode,
                outside.hasAllAddresses, !isOwn(address, [outside]),
                !nat.settings.pool.contains(where: { $0.contains(address) })
            else { continue }
            report(
                .strangeOutside, node,
                "\(address) is neither an address of \(outside.side) nor in nat.pool",
                help: "the routers there need a route to it by way of us")
        }
    }

    /// Names are looked up in answers and filters, whatever they are of.
    private mutating func checkNames(_ nat: NATDraft) {
        var seen: [String: (node: Int, kind: String)] = [:]
        let named =
            nat.forwards.map { ($0.forward.name, $0.nameNode, "port forwards") }
            + nat.oneToOne.map { ($0.entry.name, $0.nameNode, "one-to-one entries") }
            + nat.rules.map { ($0.rule.name, $0.nameNode, "rules") }
        for (name, node, kind) in named {
            guard let node, !name.isEmpty else { continue }
            if let first = seen[name] {
                report(
                    .sameForwardName, node,
                    "two \(first.kind == kind ? kind : "entries of nat") are named '\(name)'",
                    help: "the other one is at line \(tree.nodes[first.node].line)")
            } else {
                seen[name] = (node, kind)
            }
        }
    }

    /// Ports the gateway itself listens on outside: a forward would take what is meant for it.
    private static let ownPorts: [(Transport, UInt16, String)] = [
        (.udp, 520, "RIP"), (.udp, 3784, "BFD"),
    ]

    private mutating func checkOwn(_ nat: NATDraft, _ sides: [SideDraft]) {
        let outside = sides[nat.settings.outside.index]
        for draft in nat.forwards {
            let forward = draft.forward
            if isOwn(forward.insideAddress, sides) {
                report(
                    .ownTarget, draft.toNode,
                    "\(forward.insideAddress) is the gateway itself, not an inside host")
            }
            guard forward.outsideAddress.map({ isOwn($0, [outside]) }) ?? true else { continue }
            for (transport, port, use) in Self.ownPorts
            where forward.transports.contains(transport) && forward.ports.contains(port) {
                report(
                    .ownPort, draft.portNode,
                    "\(transport.name) \(port) of the gateway is for its own use: \(use)",
                    help: "leave it out of the forward")
            }
        }
    }

    private struct Claim {
        var address: UInt32
        var transport: Transport
        var ports: ClosedRange<UInt16>
        var index: Int

        var order: (UInt32, UInt8, UInt16, Int) {
            (address, transport.rawValue, ports.lowerBound, index)
        }
    }

    /// Sorted by port, only the claim that reaches furthest so far can overlap the next one.
    private mutating func checkPorts(_ nat: NATDraft, _ sides: [SideDraft]) {
        let first = sides[nat.settings.outside.index].addresses.first?.value.address
        var claims: [Claim] = []
        for (index, draft) in nat.forwards.enumerated() {
            let address = draft.forward.outsideAddress ?? first ?? .unspecified
            for transport in draft.forward.transports {
                claims.append(
                    Claim(
                        address: address.rawValue, transport: transport, ports: draft.forward.ports,
                        index: index))
            }
        }
        claims.sort { $0.order < $1.order }
        var furthest: Claim?
        for claim in claims {
            if let other = furthest, other.address == claim.address,
                other.transport == claim.transport
            {
                if other.ports.overlaps(claim.ports) { reportClash(other, claim, nat.forwards) }
                if claim.ports.upperBound > other.ports.upperBound { furthest = claim }
            } else {
                furthest = claim
            }
        }
    }

    private mutating func reportClash(_ a: Claim, _ b: Claim, _ forwards: [ForwardDraft]) {
        let common = a.ports.clamped(to: b.ports)
        let first = forwards[min(a.index, b.index)].portNode
        let second = forwards[max(a.index, b.index)].portNode
        report(
            .sameForward, second,
            "two port forwards for \(a.transport.name) \(Wording.ports(common))",
            help: "the other one is at line \(tree.nodes[first].line)")
    }
}
