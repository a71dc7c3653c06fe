internal import BFD
internal import Routing
internal import Wire

/// What the routes of one file share while they are read.
struct RouteContext {
    var sides: [SideDraft]
    /// The inside if addresses are translated, where a default route is odd.
    var inside: Side?
    /// Whether next hops can be judged: all addresses of both sides are known.
    var knowsNetworks: Bool { sides.allSatisfy(\.hasAllAddresses) }
}

extension Decoder {
    /// 100,000 routes are wanted; ten times as many are more than the largest file holds in the
    /// usual form, so this bounds a broken generator and stands in the schema.
    static let mostRoutes = 1_000_000

    private struct RouteID: Hashable {
        var prefix: IPv4Prefix
        var distance: UInt8
        var metric: UInt32
    }

    private enum Kind {
        case unicast, blackhole, unreachable, prohibit

        static let words: [(String, Kind)] = [
            ("unicast", .unicast), ("blackhole", .blackhole), ("unreachable", .unreachable),
            ("prohibit", .prohibit),
        ]
    }

    /// - Parameter watched: Receives the next hops that BFD is to watch.
    mutating func routes(
        _ node: Int?, _ context: RouteContext, _ watched: inout [NextHop: BFDTiming]
    ) -> [Route] {
        guard let node,
            let items = items(of: node, "routes", most: Self.mostRoutes)
        else { return [] }
        var routes: [Route] = []
        var known: [RouteID: Int] = [:]
        let estimate = (Int(tree.nodes[node].end) - node) / 5
        routes.reserveCapacity(estimate)
        known.reserveCapacity(estimate)
        var index = 0
        for item in items {
            defer { index += 1 }
            let path = Path("routes", index: index)
            guard let route = route(item, path, context, &watched) else { continue }
            let id = RouteID(prefix: route.prefix, distance: route.distance, metric: route.metric)
            if let first = known[id] {
                merge(route, into: &routes[first], at: item)
            } else {
                known[id] = routes.count
                routes.append(route)
            }
        }
        return routes
    }

    /// Routes that differ only in the next hop are one route with several ways.
    private mutating func merge(_ route: Route, into first: inout Route, at node: Int) {
        guard case .forward(let more) = route.action, case .forward(let ways) = first.action,
            let way = more.first, !ways.contains(way)
        else {
            report(
                .repeatedRoute, node,
                "a route to \(Wording.destination(route.prefix)) with this distance and metric "
                    + "is given twice",
                help: "give one of them another distance or remove it")
            return
        }
        guard ways.count < Route.mostNextHops else {
            report(
                .tooManyWays, node,
                "\(Wording.destination(route.prefix)) has more than \(Route.mostNextHops) next hops"
            )
            return
        }
        first.action = .forward((ways + [way]).sorted())
    }

    private mutating func route(
        _ node: Int, _ path: Path, _ context: RouteContext,
        _ watched: inout [NextHop: BFDTiming]
    ) -> Route? {
        guard let fields = fields(of: node, anchor: node, path: path, as: RouteKey.self) else {
            return nil
        }
        let toNode = required(.to, of: fields, help: "write to: default or to: 10.0.0.0/8")
        let prefix = toNode.flatMap { destination($0, fields.name(.to)) }
        let kind = choice(fields[.type], Kind.words, fields.name(.type)) ?? .unicast
        let distance = integer(fields[.distance], in: 1...255, fields.name(.distance)) ?? 1
        let metric = integer(fields[.metric], in: 0...4_294_967_295, fields.name(.metric)) ?? 0
        if distance == 255, let place = fields[.distance] {
            report(.unusedDistance, place, "a route of distance 255 is never used")
        }
        let action: RouteAction?
        switch kind {
        case .unicast: action = nextHop(fields, context).map { .forward([$0]) }
        case .blackhole: action = silent(.blackhole, "blackhole", fields)
        case .unreachable: action = silent(.unreachable, "unreachable", fields)
        case .prohibit: action = silent(.prohibit, "prohibit", fields)
        }
        guard let prefix, let action else { return nil }
        watch(action, fields, &watched)
        if prefix.length == 0, let toNode, case .forward(let ways) = action,
            let side = ways.first?.side, side == context.inside
        {
            report(
                .insideDefault, toNode,
                "the default route leads to \(side), the inside of the translation",
                help: "set nat.outside, or nat.mode: none for a plain router")
        }
        return Route(
            prefix, source: .static, distance: UInt8(truncatingIfNeeded: distance),
            metric: UInt32(truncatingIfNeeded: metric), action: action)
    }

    /// All static routes by a next hop come and go together, so one of them asks for all.
    private mutating func watch(
        _ action: RouteAction, _ fields: Fields<RouteKey>, _ watched: inout [NextHop: BFDTiming]
    ) {
        guard let node = fields[.bfd], let timing = bfd(node, fields.name(.bfd)) else { return }
        guard case .forward(let ways) = action, let way = ways.first, way.gateway != nil else {
            report(
                .nobodyToHear, node, "\(fields.name(.bfd)) needs a next hop to hear",
                help: "write via: ADDRESS, or remove bfd")
            return
        }
        watched[way] = watched[way]?.joined(with: timing) ?? timing
    }

    private mutating func destination(
        _ node: Int, _ path: @autoclosure () -> String
    ) -> IPv4Prefix? {
        if tree.bytes(node).elementsEqual("default".utf8) {
            return IPv4Prefix(.unspecified, length: 0)
        }
        guard let prefix = prefix(node, path()) else { return nil }
        let top = prefix.address.rawValue >> 24
        guard prefix.length == 0 || top != 127 && top < 224 else {
            let what = top == 127 ? "loopback" : top < 240 ? "multicast" : "reserved"
            report(
                .unusableAddress, node, "\(prefix) is \(what) space and cannot be used here")
            return nil
        }
        return prefix
    }

    private mutating func silent(
        _ action: RouteAction, _ word: String, _ fields: Fields<RouteKey>
    ) -> RouteAction? {
        for key in [RouteKey.via, .interface, .onLink] {
            guard let node = fields[key] else { continue }
            report(
                .nextHopNotUsed, node, "\(fields.name(key)) is not used with type: \(word)",
                help: "remove it or the type")
            return nil
        }
        return action
    }

    private mutating func nextHop(
        _ fields: Fields<RouteKey>, _ context: RouteContext
    ) -> NextHop? {
        let side = side(fields[.interface], fields.name(.interface))
        let isOnLink = boolean(fields[.onLink], fields.name(.onLink)) ?? false
        guard let node = fields[.via] else {
            if let side { return NextHop(side: side) }
            if fields[.interface] == nil, !fields.isExplained(.via) {
                report(
                    .noNextHop, fields.anchor, "\(fields.path.subject) needs 'via' or 'interface'",
                    help: "write via: ADDRESS, or type: blackhole to drop the packets")
            }
            return nil
        }
        guard let gateway = address(node, fields.name(.via)) else { return nil }
        if isOwn(gateway, context.sides) {
            report(.ownNextHop, node, "the next hop \(gateway) is our own address")
            return nil
        }
        if isOnLink {
            if side == nil, fields[.interface] == nil {
                report(
                    .onLinkSide, fields[.onLink] ?? node,
                    "\(fields.name(.onLink)) needs 'interface'",
                    help: "write interface: lan or interface: wan")
            }
            return side.map { NextHop(side: $0, gateway: gateway) }
        }
        return connected(gateway, side, node, fields, context)
    }

    /// The next hop on the side whose network holds it.
    private mutating func connected(
        _ gateway: IPv4Address, _ side: Side?, _ node: Int, _ fields: Fields<RouteKey>,
        _ context: RouteContext
    ) -> NextHop? {
        guard let found = context.sides.first(where: { $0.connects(gateway) }) else {
            if context.knowsNetworks {
                report(
                    .unreachableNextHop, node,
                    "the next hop \(gateway) is in no network of lan or wan",
                    help: "on-link: true with interface: lan or wan, if it is there all the same")
            }
            return nil
        }
        if let side, side != found.side {
            report(
                .otherSide, fields[.interface] ?? node,
                "the next hop \(gateway) is on \(found.side), not on \(side)",
                help: "remove 'interface'")
            return nil
        }
        return NextHop(side: found.side, gateway: gateway)
    }

    func isOwn(_ address: IPv4Address, _ sides: [SideDraft]) -> Bool {
        for side in sides {
            for own in side.addresses where own.value.address == address { return true }
        }
        return false
    }
}
