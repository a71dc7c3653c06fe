internal import BFD
internal import OSPF
internal import Routing
internal import Signing
internal import Timing
internal import Wire

extension Decoder {
    /// LSAs kept: as many as RIP keeps destinations.
    private static let mostLSAs = 131_072

    mutating func ospf(_ node: Int?, _ sides: [SideDraft]) -> OSPFConfiguration? {
        guard let node,
            let fields = fields(
                of: node, anchor: node - 1, path: Path("ospf"), as: OSPFSectionKey.self)
        else { return nil }
        var areas = ospfAreas(fields)
        var interfaces: [OSPFInterfaceSettings?] = [nil, nil]
        var bfd: [BFDTiming?] = [nil, nil]
        if let node = required(
            .interfaces, of: fields, help: "write interfaces: {wan: {area: 0}}")
        {
            let path = Path(fields.name(.interfaces))
            let found = self.fields(of: node, anchor: node - 1, path: path, as: InterfacesKey.self)
            for entry in found?.entries ?? [] {
                let side: Side = entry.key == .lan ? .lan : .wan
                let place = Path("\(path.text).\(side)")
                interfaces[side.index] = ospfInterface(
                    entry.value, place, sides[side.index], &areas, &bfd[side.index])
            }
            if let found, found.entries.isEmpty, !found.hasForeignWord {
                report(
                    .noInterfaceOfOSPF, node, "ospf.interfaces names neither lan nor wan",
                    help: "write interfaces: {wan: {area: 0}}")
            }
            let links = areas.filter(\.isUsed).flatMap(\.virtualLinks)
            if !links.isEmpty { Self.use(.unspecified, &areas) }
            interfaces += links
            checkAreas(areas, node)
        }
        let highest = sides.flatMap { $0.addresses.map(\.value.address) }.max()
        let router =
            address(fields[.routerID], fields.name(.routerID)) ?? highest ?? IPv4Address(1)
        if let links = fields[.areas], interfaces.contains(where: { $0?.virtual?.router == router })
        {
            report(
                .badVirtualLink, links, "a virtual link leads to \(router), which is our router-id")
        }
        var settings = OSPFSettings(
            router: router, areas: areas.filter(\.isUsed).map(\.settings), interfaces: interfaces)
        settings.isStubRouter = boolean(fields[.stubRouter], fields.name(.stubRouter)) ?? false
        settings.stubAtStart =
            duration(fields[.stubAtStart], in: 0...3_600_000, fields.name(.stubAtStart))
            ?? .seconds(0)
        let stubAtStop = duration(fields[.stubAtStop], in: 0...60_000, fields.name(.stubAtStop))
        settings.limits.lsas = Self.mostLSAs
        var ospf = OSPFConfiguration(settings)
        ospf.bfd = bfd
        ospf.stubAtStop = stubAtStop ?? .seconds(0)
        ospfRedistribution(fields, &ospf)
        ospfDefault(fields, &ospf)
        ospfGrace(fields, &ospf)
        return ospf
    }

    // MARK: Areas

    /// An area as it is put together.
    struct AreaDraft {
        var settings: OSPFAreaSettings
        /// Where its options are.
        var node: Int?
        /// Whether a side belongs to it.
        var isUsed = false
        /// Those that it carries.
        var virtualLinks: [OSPFInterfaceSettings] = []
    }

    /// Has an area among those with a side in them.
    private static func use(_ area: IPv4Address, _ areas: inout [AreaDraft]) {
        if let known = areas.firstIndex(where: { $0.settings.id == area }) {
            areas[known].isUsed = true
        } else {
            areas.append(AreaDraft(settings: OSPFAreaSettings(area), isUsed: true))
        }
    }

    /// An area's number, or its number written as an address.
    private mutating func areaID(_ node: Int?, _ path: @autoclosure () -> String) -> IPv4Address? {
        guard let node, isValue(node, path()) else { return nil }
        if let address = Scalar.address(tree.bytes(node)) { return address }
        if case .value(let number) = Scalar.integer(tree.bytes(node)),
            let value = UInt32(exactly: number)
        {
            return IPv4Address(value)
        }
        report(
            .badArea, node, "\(path()) \(tree.quoted(node)) is no area",
            help: "write a number as 0, or 0.0.0.0")
        return nil
    }

    private mutating func ospfAreas(_ fields: Fields<OSPFSectionKey>) -> [AreaDraft] {
        guard let node = fields[.areas], !tree.isNull(node) else { return [] }
        let path = fields.name(.areas)
        guard tree.kind(node) == .mapping else {
            report(.notMapping, node, "\(path) must be a mapping (key: value)")
            return []
        }
        var areas: [AreaDraft] = []
        var pending: Int?
        for child in tree.children(node) {
            guard let key = pending else {
                pending = child
                continue
            }
            pending = nil
            guard areas.count < 64 else {
                report(.tooMany, key, "\(path) has more than 64 entries")
                break
            }
            guard let id = areaID(key, path) else { continue }
            guard !areas.contains(where: { $0.settings.id == id }) else {
                report(.badArea, key, "\(path) has area \(id) twice")
                continue
            }
            if let area = ospfArea(child, id, Path("\(path).\(id)"), key: key) {
                areas.append(area)
            }
        }
        return areas
    }

    private mutating func ospfArea(
        _ node: Int, _ id: IPv4Address, _ path: Path, key: Int
    ) -> AreaDraft? {
        guard let fields = fields(of: node, anchor: key, path: path, as: OSPFAreaKey.self) else {
            return nil
        }
        var area = OSPFAreaSettings(id)
        let most = Int(OSPFProtocol.infinity) - 1
        let cost = UInt32(
            integer(fields[.defaultCost], in: 0...most, fields.name(.defaultCost)) ?? 1)
        area.kind =
            choice(
                fields[.type],
                [
                    ("normal", .normal), ("stub", .stub(cost: cost, isTotally: false)),
                    ("totally-stub", .stub(cost: cost, isTotally: true)),
                    ("nssa", .nssa(cost: cost, isTotally: false)),
                    ("totally-nssa", .nssa(cost: cost, isTotally: true)),
                ], fields.name(.type)) ?? .normal
        if id == .unspecified, area.kind != .normal, let type = fields[.type] {
            report(.stubBackbone, type, "area 0 joins all others and cannot be a stub area")
        } else if area.kind == .normal, let node = fields[.defaultCost] {
            report(.stubBackbone, node, "\(fields.name(.defaultCost)) is for stub areas")
        }
        let isNSSA = if case .nssa = area.kind { true } else { false }
        if let node = fields[.externalRanges], !isNSSA {
            report(
                .stubBackbone, node,
                "\(fields.name(.externalRanges)) is for areas of type nssa or totally-nssa")
        }
        area.externalRanges = list(
            of: fields[.externalRanges], fields.name(.externalRanges), most: 256
        ) {
            $0.prefix($1, $2()).map { OSPFRange($0) }
        }
        area.ranges = list(of: fields[.ranges], fields.name(.ranges), most: 256) {
            $0.prefix($1, $2()).map { OSPFRange($0) }
        }
        let links = virtualLinks(fields, area)
        return AreaDraft(settings: area, node: key, virtualLinks: links)
    }

    /// Areas must be joined by the backbone; one without a side does nothing.
    private mutating func checkAreas(_ areas: [AreaDraft], _ node: Int) {
        let used = areas.filter(\.isUsed).map(\.settings.id)
        if used.count > 1, !used.contains(.unspecified) {
            let names = used.map(\.description).joined(separator: " and ")
            report(
                .noBackbone, node, "areas \(names) have no backbone between them",
                help: "put one side into area 0, or both into one area")
        }
        for area in areas where !area.isUsed {
            if let node = area.node {
                report(
                    .unusedArea, node,
                    "no side is in area \(area.settings.id), so its options do nothing")
            }
        }
    }

    // MARK: Interfaces

    private mutating func ospfInterface(
        _ node: Int, _ path: Path, _ side: SideDraft, _ areas: inout [AreaDraft],
        _ bfd: inout BFDTiming?
    ) -> OSPFInterfaceSettings? {
        guard
            let fields = fields(of: node, anchor: node - 1, path: path, as: OSPFInterfaceKey.self),
            let place = required(.area, of: fields, help: "write area: 0"),
            let area = areaID(place, fields.name(.area))
        else { return nil }
        Self.use(area, &areas)
        guard let address = side.addresses.first?.value else { return nil }
        var own = OSPFInterfaceSettings(address: address, area: area)
        own.mtu = UInt16(clamping: side.mtu)
        own.cost = UInt16(integer(fields[.cost], in: 1...65535, fields.name(.cost)) ?? 10)
        own.network =
            choice(
                fields[.networkType],
                [
                    ("broadcast", .broadcast), ("point-to-point", .pointToPoint),
                    ("point-to-multipoint", .pointToMultipoint), ("non-broadcast", .nonBroadcast),
                ],
                fields.name(.networkType)) ?? .broadcast
        own.priority = UInt8(integer(fields[.priority], in: 0...255, fields.name(.priority)) ?? 1)
        own.isPassive = boolean(fields[.passive], fields.name(.passive)) ?? false
        own.hidesNetwork = boolean(fields[.hidesNetwork], fields.name(.hidesNetwork)) ?? false
        own.ignoresMTU = boolean(fields[.mtuIgnore], fields.name(.mtuIgnore)) ?? false
        bfd = self.bfd(fields[.bfd], fields.name(.bfd))
        ospfIntervals(fields, &own)
        ospfNeighbors(fields, node, &own)
        ospfKeys(fields, &own)
        return own
    }

    /// Routers that have to be named, where nothing is sent to all.
    private mutating func ospfNeighbors(
        _ fields: Fields<OSPFInterfaceKey>, _ node: Int, _ own: inout OSPFInterfaceSettings
    ) {
        let place = own.address.prefix
        own.named = list(of: fields[.neighbors], fields.name(.neighbors), most: 64) {
            decoder, item, path -> OSPFNamedNeighbor? in
            var (node, priority): (Int?, Int) = (item, 1)
            if decoder.tree.kind(item) != .scalar {
                guard
                    let fields = decoder.fields(
                        of: item, anchor: item, path: Path(path()), as: OSPFNeighborKey.self)
                else { return nil }
                node = decoder.required(.address, of: fields, help: "write {address: 192.0.2.2}")
                priority =
                    decoder.integer(fields[.priority], in: 0...255, fields.name(.priority)) ?? 1
            }
            guard let node, let address = decoder.address(node, path()) else { return nil }
            guard place.contains(address) else {
                decoder.report(
                    .badNeighborOfOSPF, node, "\(path()) \(address) is not on the network \(place)")
                return nil
            }
            return OSPFNamedNeighbor(address, isEligible: priority > 0)
        }
        if let found = duration(
            fields[.pollInterval], in: 1000...65_535_000, fields.name(.pollInterval))
        {
            own.pollInterval = found
        }
        switch own.network {
        case .pointToMultipoint: break
        case .nonBroadcast:
            guard fields[.neighbors] == nil else { break }
            report(
                .badNeighborOfOSPF, fields[.networkType] ?? node,
                "a non-broadcast network has to have neighbors",
                help: "write neighbors: [ADDRESS, ...]")
        case .broadcast, .pointToPoint, .loopback, .virtual:
            if let other = fields[.neighbors] ?? fields[.pollInterval] {
                report(
                    .badNeighborOfOSPF, other,
                    "neighbors are named on non-broadcast and point-to-multipoint networks only")
            }
        }
    }

    mutating func ospfKeys<Key: OSPFLinkKey>(
        _ fields: Fields<Key>, _ own: inout OSPFInterfaceSettings
    ) {
        if let node = fields[.authentication] {
            own.authentication =
                authentication(node, Path(fields.name(.authentication)), longest: 8)
                ?? PacketAuthentication.none
        }
        own.hasLongSequence = boolean(fields[.longSequence], fields.name(.longSequence)) ?? false
        guard own.hasLongSequence, let node = fields[.longSequence] else { return }
        if case .keys(let keys) = own.authentication,
            keys.allSatisfy({ $0.algorithm != .keyedMD5 })
        {
            return
        }
        report(.badKey, node, "\(fields.name(.longSequence)) needs authentication by hmac-sha keys")
    }

    mutating func ospfIntervals<Key: OSPFLinkKey>(
        _ fields: Fields<Key>, _ own: inout OSPFInterfaceSettings
    ) {
        let most = 65_535_000
        func isWhole(_ interval: Interval) -> Bool { interval.wholeMilliseconds % 1000 == 0 }
        func read(_ key: Key, from least: Int, _ whole: Bool) -> Interval? {
            guard let node = fields[key],
                let value = duration(node, in: least...most, fields.name(key))
            else { return nil }
            guard isWhole(value) || !whole && value < .seconds(1) else {
                report(
                    .badIntervalOfOSPF, node,
                    "\(fields.name(key)) must be whole seconds"
                        + (whole ? "" : ", or less than one"))
                return nil
            }
            return value
        }
        own.helloInterval = read(.helloInterval, from: 50, false) ?? own.helloInterval
        own.deadInterval = read(.deadInterval, from: 1000, true) ?? own.helloInterval * 4
        own.retransmitInterval = read(.retransmitInterval, from: 1000, true) ?? .seconds(5)
        own.transmitDelay =
            read(.transmitDelay, from: 1000, true).map { UInt16(clamping: $0.wholeSeconds) } ?? 1
        if own.deadInterval < .seconds(1) { own.deadInterval = .seconds(1) }
        guard let node = fields[.deadInterval] ?? fields[.helloInterval] else { return }
        let (hello, dead) = (own.helloInterval, own.deadInterval)
        let pair =
            "\(fields.name(.deadInterval)) is \(Wording.duration(dead)) and hello-interval "
            + Wording.duration(hello)
        if dead <= hello {
            report(.badIntervalOfOSPF, node, pair + ": every neighbor would be lost between hellos")
        } else if dead < hello * 3 {
            report(
                .shortDeadInterval, node, pair + ": a lost hello or two lose the neighbor",
                help: "write four times the hello-interval")
        }
    }

    private mutating func ospfGrace(
        _ fields: Fields<OSPFSectionKey>, _ ospf: inout OSPFConfiguration
    ) {
        guard let node = fields[.gracefulRestart] else { return }
        let path = Path(fields.name(.gracefulRestart))
        guard
            let fields = self.fields(of: node, anchor: node - 1, path: path, as: OSPFGraceKey.self)
        else { return }
        let period = duration(fields[.period], in: 5000...1_800_000, fields.name(.period))
        let isEnabled = boolean(fields[.enabled], fields.name(.enabled)) ?? true
        ospf.gracePeriod = isEnabled ? period ?? .seconds(120) : nil
        ospf.settings.helpsRestarts = boolean(fields[.helper], fields.name(.helper)) ?? true
    }

    // MARK: Networks outside

    private mutating func ospfMetric(
        _ metric: Int?, _ type: Int?, _ path: Path, usually value: Int
    ) -> OSPFMetric {
        let most = Int(OSPFProtocol.infinity) - 1
        let number = integer(metric, in: 0...most, path.key("metric")) ?? value
        let isType2 = choice(type, [("1", false), ("2", true)], path.key("metric-type")) ?? true
        return OSPFMetric(UInt32(number), isType2: isType2)
    }

    private mutating func ospfRedistribution(
        _ fields: Fields<OSPFSectionKey>, _ ospf: inout OSPFConfiguration
    ) {
        let sources = [RouteSource.connected, .static, .rip].map { ($0.name, $0) }
        let path = fields.name(.redistribute)
        let found = list(of: fields[.redistribute], path, most: 3) {
            decoder, item, path -> (RouteSource, OSPFMetric, Int)? in
            guard decoder.tree.kind(item) != .scalar else {
                return decoder.choice(item, sources, path()).map { ($0, OSPFMetric(20), item) }
            }
            let place = Path(path())
            guard
                let fields = decoder.fields(
                    of: item, anchor: item, path: place, as: OSPFExternalKey.self),
                let from = decoder.required(.from, of: fields, help: "write {from: static}"),
                let source = decoder.choice(from, sources, fields.name(.from))
            else { return nil }
            let metric = decoder.ospfMetric(
                fields[.metric], fields[.metricType], place, usually: 20)
            return (source, metric, from)
        }
        for (source, metric, node) in found {
            if ospf.redistributed.updateValue(metric, forKey: source) != nil {
                report(.repeatedSource, node, "\(path) names \(source.name) twice")
            }
        }
    }

    private mutating func ospfDefault(
        _ fields: Fields<OSPFSectionKey>, _ ospf: inout OSPFConfiguration
    ) {
        guard let node = fields[.defaultOriginate] else { return }
        let path = Path(fields.name(.defaultOriginate))
        guard
            let fields = self.fields(
                of: node, anchor: node - 1, path: path, as: OSPFDefaultKey.self)
        else { return }
        ospf.alwaysHasDefault = boolean(fields[.always], fields.name(.always)) ?? false
        ospf.defaultRoute = ospfMetric(
            fields[.metric], fields[.metricType], path, usually: 10)
    }
}
