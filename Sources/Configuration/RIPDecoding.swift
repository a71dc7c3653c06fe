internal import BFD
internal import RIP
internal import Routing
internal import Signing
internal import Timing
internal import Wire

extension Decoder {
    mutating func rip(_ node: Int?, _ sides: [SideDraft]) -> RIPConfiguration? {
        guard let node,
            let fields = fields(
                of: node, anchor: node - 1, path: Path("rip"), as: RIPSectionKey.self)
        else { return nil }
        var settings = RIPSettings(interfaces: [nil, nil])
        var bfd: [BFDTiming?] = [nil, nil]
        settings.connected = sides.flatMap { $0.addresses.map(\.value.prefix) }
        if let node = required(.interfaces, of: fields, help: "write interfaces: {wan: {}}") {
            let path = Path(fields.name(.interfaces))
            let found = self.fields(
                of: node, anchor: node - 1, path: path, as: InterfacesKey.self)
            for entry in found?.entries ?? [] {
                let side: Side = entry.key == .lan ? .lan : .wan
                settings.interfaces[side.index] = ripInterface(
                    entry.value, Path("\(path.text).\(side)"), sides[side.index],
                    &bfd[side.index])
            }
            if let found, found.entries.isEmpty, !found.hasForeignWord {
                report(
                    .noInterfaceOfRIP, node, "rip.interfaces names neither lan nor wan",
                    help: "write interfaces: {wan: {}}")
            }
        }
        ripNeighbors(fields, &settings)
        ripTimers(fields, &settings)
        var rip = RIPConfiguration(settings)
        rip.bfd = bfd
        rip.redistributed = Set(
            list(of: fields[.redistribute], fields.name(.redistribute), most: 3) {
                let sources = [RouteSource.connected, .static, .ospf]
                return $0.choice($1, sources.map { ($0.name, $0) }, $2())
            })
        rip.originatesDefault =
            boolean(fields[.defaultOriginate], fields.name(.defaultOriginate)) ?? false
        rip.defaultMetric = UInt8(
            integer(fields[.defaultMetric], in: 1...15, fields.name(.defaultMetric)) ?? 1)
        return rip
    }

    private mutating func ripInterface(
        _ node: Int, _ path: Path, _ side: SideDraft, _ bfd: inout BFDTiming?
    ) -> RIPInterfaceSettings? {
        guard
            let fields = fields(of: node, anchor: node - 1, path: path, as: RIPInterfaceKey.self)
        else { return nil }
        var own = RIPInterfaceSettings(addresses: side.addresses.map(\.value))
        own.isPassive = boolean(fields[.passive], fields.name(.passive)) ?? false
        own.cost = UInt8(integer(fields[.cost], in: 1...15, fields.name(.cost)) ?? 1)
        own.splitHorizon =
            choice(
                fields[.splitHorizon], SplitHorizon.allCases.map { ($0.rawValue, $0) },
                fields.name(.splitHorizon)) ?? own.splitHorizon
        own.acceptsDefault =
            boolean(fields[.acceptDefault], fields.name(.acceptDefault)) ?? own.acceptsDefault
        own.isLoopFree = boolean(fields[.loopFree], fields.name(.loopFree)) ?? own.isLoopFree
        if boolean(fields[.receiveVersion1], fields.name(.receiveVersion1)) == true {
            own.versions = .both
        }
        bfd = self.bfd(fields[.bfd], fields.name(.bfd))
        own.filterIn = filter(fields[.filterIn], fields.name(.filterIn))
        own.filterOut = filter(fields[.filterOut], fields.name(.filterOut))
        if let node = fields[.authentication] {
            own.authentication =
                authentication(node, Path(fields.name(.authentication)), longest: 16)
                ?? PacketAuthentication.none
        }
        return own
    }

    private mutating func filter(_ node: Int?, _ path: String) -> [IPv4Prefix]? {
        guard let node else { return nil }
        return list(of: node, path, most: 1000) { $0.prefix($1, $2()) }
    }

    private mutating func ripNeighbors(
        _ fields: Fields<RIPSectionKey>, _ settings: inout RIPSettings
    ) {
        guard let node = fields[.neighbors],
            let items = items(of: node, fields.name(.neighbors), most: 256)
        else { return }
        for item in items {
            guard let address = address(item, fields.name(.neighbors)) else { continue }
            let number = settings.interfaces.firstIndex {
                $0?.addresses.contains { $0.prefix.contains(address) } == true
            }
            guard let number else {
                report(
                    .strangeNeighborOfRIP, item,
                    "the neighbor \(address) is on no network of an interface that speaks RIP")
                continue
            }
            settings.interfaces[number]?.neighbors.append(address)
        }
    }

    private mutating func ripTimers(_ parent: Fields<RIPSectionKey>, _ settings: inout RIPSettings)
    {
        guard let node = parent[.timers],
            let fields = fields(
                of: node, anchor: node - 1, path: Path(parent.name(.timers)), as: RIPTimerKey.self)
        else { return }
        let day = 86_400_000
        for entry in fields.entries {
            guard let value = duration(entry.value, in: 1000...day, fields.name(entry.key)) else {
                continue
            }
            switch entry.key {
            case .update: settings.timers.update = value
            case .timeout: settings.timers.timeout = value
            case .garbage: settings.timers.garbage = value
            }
        }
        if settings.timers.timeout <= settings.timers.update {
            report(
                .shortTimeoutOfRIP, node,
                "rip.timers.timeout is \(Wording.duration(settings.timers.timeout)) and must be "
                    + "more than update, \(Wording.duration(settings.timers.update))")
        }
    }
}
