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
        let name = name(
            fields[.name], fields.name(.name),
            rule: "1 to 32 letters, digits, '-', '_' and '.'", where: Self.isSimpleName)
        let transports = transports(fields[.protocol], fields.name(.protocol))
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

    private static let transportWords: [(String, Transport)] = [("tcp", .tcp), ("udp", .udp)]

    /// One word or a list; TCP if there is none, empty if nothing could be read.
    private mutating func transports(_ node: Int?, _ path: String) -> [Transport] {
        guard let node else { return [.tcp] }
        if tree.kind(node) == .scalar {
            return choice(node, Self.transportWords, path).map { [$0] } ?? []
        }
        let found = list(of: node, path, most: 8) {
            $0.choice($1, Self.transportWords, $2())
        }
        if found.isEmpty, tree.kind(node) == .sequence, tree.nodes[node].end == node + 1 {
            report(.emptyList, node, "\(path) must hold tcp, udp or both")
        }
        return [Transport.tcp, .udp].filter(found.contains)
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
        guard !nat.forwards.isEmpty else { return }
        if nat.settings.mode == .none, let node = nat.forwardsNode {
            report(
                .forwardsWithoutNAT, node - 1, "nat.port-forwards needs a nat.mode other than none",
                help: "remove them or write mode: masquerade")
        }
        checkNames(nat.forwards)
        checkPorts(nat, sides)
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

    private mutating func checkNames(_ forwards: [ForwardDraft]) {
        var seen: [String: Int] = [:]
        for draft in forwards {
            guard let node = draft.nameNode, !draft.forward.name.isEmpty else { continue }
            if let first = seen[draft.forward.name] {
                report(
                    .sameForwardName, node, "two port forwards are named '\(draft.forward.name)'",
                    help: "the other one is at line \(tree.nodes[first].line)")
            } else {
                seen[draft.forward.name] = node
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
