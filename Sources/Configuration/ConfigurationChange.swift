internal import Forwarding
internal import NAT
internal import RIP
internal import Routing
internal import Signing
internal import Timing
internal import Wire

/// One difference between two configurations.
public struct ConfigurationChange: Hashable, Sendable {
    /// What happened to the setting.
    public enum Kind: String, Sendable {
        case added, removed, changed

        var sign: String {
            switch self {
            case .added: "+"
            case .removed: "-"
            case .changed: "~"
            }
        }
    }

    /// When the new value counts.
    public enum Effect: String, Sendable {
        /// At once.
        case live
        /// For sessions that start from now on.
        case newSessions
        /// Only when the daemon starts again.
        case restart

        var text: String {
            switch self {
            case .live: ""
            case .newSessions: "new sessions only"
            case .restart: "needs a restart"
            }
        }
    }

    /// `nat.timeouts.udp`, `routes[10.9.0.0/16 via 203.0.113.9]`.
    public var path: String
    /// What happened to the setting.
    public var kind: Kind
    /// The old value as a configuration writes it; nil if there was none.
    public var old: String?
    /// The new value as a configuration writes it; nil if there is none.
    public var new: String?
    /// When the new value counts.
    public var effect: Effect

    /// One line: sign, path, values, and the effect if it is not at once.
    public var rendered: String {
        let value: String
        switch kind {
        case .added: value = new ?? ""
        case .removed: value = old ?? ""
        case .changed: value = "\(old ?? "") -> \(new ?? "")"
        }
        let left = "\(kind.sign) \(Self.padded(path, to: 33))"
        var line = value.isEmpty && effect == .live ? left : left + " " + value
        if effect != .live { line = Self.padded(line, to: 53) + " " + effect.text }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// One line for each change, indented by two spaces.
    public static func render(_ changes: [ConfigurationChange]) -> String {
        changes.map { "  \($0.rendered)\n" }.joined()
    }

    private static func padded(_ text: String, to width: Int) -> String {
        let missing = width - text.unicodeScalars.count
        return missing > 0 ? text + String(repeating: " ", count: missing) : text
    }
}

/// What differs between two configurations, in the order of the file's sections.
public func differences(
    from old: GatewayConfiguration, to new: GatewayConfiguration
) -> [ConfigurationChange] {
    var changes = compare(old.settings, new.settings)
    changes += compare(
        routes(in: old, except: Set(new.routes)) + old.watches,
        routes(in: new, except: Set(old.routes)) + new.watches)
    return changes
}

/// One setting with its value as a configuration writes it.
private struct Setting {
    var path: String
    /// Nil if the setting has no value.
    var text: String?
    var effect: ConfigurationChange.Effect

    init(_ path: String, _ text: String?, _ effect: ConfigurationChange.Effect = .live) {
        self.path = path
        self.text = text
        self.effect = effect
    }
}

private func compare(_ old: [Setting], _ new: [Setting]) -> [ConfigurationChange] {
    let before = Dictionary(old.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    let after = Dictionary(new.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    var changes: [ConfigurationChange] = []
    for setting in new {
        let was = before[setting.path]?.text
        guard was != setting.text else { continue }
        let kind: ConfigurationChange.Kind =
            was == nil ? .added : setting.text == nil ? .removed : .changed
        changes.append(
            ConfigurationChange(
                path: setting.path, kind: kind, old: was, new: setting.text,
                effect: setting.effect))
    }
    for setting in old where after[setting.path] == nil && setting.text != nil {
        changes.append(
            ConfigurationChange(
                path: setting.path, kind: .removed, old: setting.text, new: nil,
                effect: setting.effect))
    }
    return changes
}

private func routes(
    in configuration: GatewayConfiguration, except known: Set<Route>
) -> [Setting] {
    var seen: Set<String> = []
    return configuration.routes.flatMap { route in
        (known.contains(route) ? [] : route.settings).map { setting in
            // The same way may stand there twice with different distances.
            seen.insert(setting.path).inserted
                ? setting : Setting("\(setting.path) \(setting.text ?? "")", "")
        }
    }
}

extension Route {
    /// One setting a way, since the file has one entry a way.
    fileprivate var settings: [Setting] {
        let to = Wording.destination(prefix)
        let weights = [
            distance == RouteSource.static.defaultDistance ? nil : "distance \(distance)",
            metric == 0 ? nil : "metric \(metric)",
        ]
        let text = weights.compactMap { $0 }.joined(separator: " ")
        func setting(_ way: String) -> Setting { Setting("routes[\(to) \(way)]", text) }
        switch action {
        case .forward(let ways):
            return ways.map { way in
                setting(way.gateway.map { "via \($0)" } ?? "interface \(way.side)")
            }
        case .blackhole: return [setting("blackhole")]
        case .unreachable: return [setting("unreachable")]
        case .prohibit: return [setting("prohibit")]
        }
    }
}

extension GatewayConfiguration {
    /// What BFD watches for static routes.
    fileprivate var watches: [Setting] {
        watched.sorted { $0.key < $1.key }.map { hop, timing in
            Setting("routes[via \(hop.gateway?.description ?? "")].bfd", timing.listed)
        }
    }

    /// Everything but the routes.
    fileprivate var settings: [Setting] {
        var list = [Setting("name", name, .restart)]
        for side in Side.allCases {
            let path = "interfaces.\(side)."
            list += devices[side.index].settings(path)
            list += forwarding[side].settings(path)
        }
        list += forwarding.nat.settings
        list.append(Setting("nat.mss-clamp", forwarding.segmentClamp.text))
        list += forwarding.nat.portForwards.map(\.setting)
        list += rip?.list ?? []
        list += (ospf?.list ?? []).map { Setting($0.path, $0.text) }
        let policy = forwarding.policy
        list += [
            Setting(
                "forwarding.documentation-prefixes", policy.dropsDocumentation ? "drop" : "allow"),
            Setting("forwarding.bogons", policy.isStrict ? "strict" : "allow"),
            Setting("forwarding.class-e", policy.forwardsClassE ? "allow" : "drop"),
            Setting("forwarding.directed-broadcast", "\(policy.forwardsDirectedBroadcast)"),
            Setting("forwarding.busy-poll", Wording.duration(busyPoll)),
            Setting("forwarding.workers", "\(workers)", .restart),
            Setting("log.level", log.level.rawValue),
            Setting("log.nat-sessions", log.natSessions.rawValue),
            Setting("control.socket", control.socket, .restart),
            Setting("control.group", control.group, .restart),
            Setting("control.read-only-group", control.readOnlyGroup, .restart),
            Setting("control.mode", "\"0\(String(control.mode, radix: 8))\"", .restart),
        ]
        return list
    }
}

extension DeviceSettings {
    fileprivate func settings(_ path: String) -> [Setting] {
        [
            Setting(path + "tap", tap, .restart),
            Setting(path + "netns", namespace, .restart),
            Setting(path + "bridge", bridge, .restart),
            Setting(path + "offload.checksum", "\(checksumOffload)", .restart),
            Setting(path + "offload.segmentation", "\(segmentationOffload)", .restart),
            Setting(path + "persist", "\(isPersistent)", .restart),
            Setting(path + "queue-length", "\(transmitQueueLength)", .restart),
        ]
    }
}

extension InterfaceSettings {
    fileprivate func settings(_ path: String) -> [Setting] {
        let prefixes = proxyARP.map(\.description)
        return [
            Setting(path + "macaddress", "\(hardware)", .restart),
            Setting(path + "addresses", Wording.list(addresses.map(\.description))),
            Setting(path + "mtu", "\(mtu)"),
            Setting(path + "proxy-arp", prefixes.isEmpty ? nil : Wording.list(prefixes)),
            Setting(path + "probe-address", "\(probesAddresses)"),
            Setting(path + "icmp-errors", "\(sendsErrors)"),
        ]
            + neighbors.map { Setting("\(path)neighbors[\($0.address)]", "\($0.hardware)") }
    }
}

extension SegmentClamp {
    fileprivate var text: String {
        switch self {
        case .automatic: "auto"
        case .off: "off"
        case .limit(let octets): "\(octets)"
        }
    }
}

extension NATSettings {
    fileprivate var settings: [Setting] {
        let pools = pool.map(Wording.addresses)
        let excluded = exclude.map(\.text)
        return [
            Setting("nat.preset", preset.rawValue),
            Setting("nat.mode", mode.rawValue, .restart),
            Setting("nat.outside", "\(outside)", .restart),
            Setting("nat.pool.addresses", pools.isEmpty ? nil : Wording.list(pools), .newSessions),
            // Spelled as a range even for one port.
            Setting(
                "nat.pool.ports", "\(ports.lowerBound)-\(ports.upperBound)", .newSessions),
            Setting("nat.mapping", mapping.name, .newSessions),
            Setting("nat.pool.pairing", softPairing ? "soft" : "strict"),
            Setting("nat.blocks", blocks?.text),
            Setting("nat.filtering", filtering.name),
            Setting("nat.hairpin", "\(hairpin)"),
            Setting("nat.other-protocols", "\(otherProtocols)"),
            Setting("nat.preserve-port", "\(preservePort)", .newSessions),
            Setting("nat.preserve-parity", "\(preserveParity)", .newSessions),
            Setting("nat.inbound-refresh", "\(inboundRefresh)"),
            Setting("nat.tcp-tracking", tcpTracking.rawValue),
            Setting("nat.unsolicited-syn", rejectsLateSYN ? "reject-late" : "drop"),
            Setting("nat.exclude", excluded.isEmpty ? nil : Wording.list(excluded)),
        ] + timeouts.settings + limits.settings + rules.enumerated().map { $1.setting($0) }
            + oneToOne.map(\.setting)
    }
}

private func kinds(_ transports: [Transport]) -> String {
    transports.map(\.name).joined(separator: ",")
}

extension NATException {
    fileprivate var text: String {
        var words = [destination.description]
        if !transports.isEmpty { words.append(kinds(transports)) }
        if let ports { words.append(Wording.ports(ports)) }
        return words.joined(separator: " ")
    }
}

extension BlockSettings {
    fileprivate var text: String {
        "\(size.map { "\($0) ports" } ?? "") for \(Wording.list(inside.map(\.description)))"
    }
}

extension NATRule {
    /// The order of rules counts, so one without a name is known by its place.
    fileprivate func setting(_ index: Int) -> Setting {
        let hosts = inside.isEmpty ? nil : "from " + Wording.list(inside.map(\.description))
        let words = [
            hosts, transports.isEmpty ? nil : kinds(transports), isDenied ? "deny" : nil,
            mapping.map { "mapping \($0.name)" }, filtering.map { "filtering \($0.name)" },
            preservePort.map { "preserve-port \($0)" },
            preserveParity.map { "preserve-parity \($0)" },
            inboundRefresh.map { "inbound-refresh \($0)" },
        ].compactMap { $0 }
        let text = words.isEmpty ? "everything" : words.joined(separator: " ")
        return Setting("nat.rules[\(name.isEmpty ? "\(index)" : name)]", text)
    }
}

extension OneToOne {
    fileprivate var setting: Setting {
        var text = "\(outside) <-> \(inside)"
        if !sources.isEmpty { text += " from \(Wording.list(sources.map(\.description)))" }
        return Setting("nat.one-to-one[\(name.isEmpty ? "\(outside)" : name)]", text)
    }
}

extension NATTimeouts {
    fileprivate var settings: [Setting] {
        let path = "nat.timeouts."
        func setting(
            _ name: String, _ value: Interval,
            _ effect: ConfigurationChange.Effect = .newSessions
        ) -> Setting {
            Setting(path + name, Wording.duration(value), effect)
        }
        return [
            setting("tcp-established", tcpEstablished),
            setting("tcp-opening", tcpOpening),
            setting("tcp-transitory", tcpTransitory),
            setting("udp", udp),
            setting("udp-unreplied", udpUnreplied),
            setting("icmp", icmp),
            setting("other", other),
            setting("fragment", fragment, .live),
            setting("port-rest", portRest, .live),
        ]
            + ports.map {
                setting("ports[\(kinds($0.transports)) \(Wording.ports($0.ports))]", $0.time)
            }
    }
}

extension NATLimits {
    fileprivate var settings: [Setting] {
        [
            Setting("nat.limits.sessions", "\(sessions)", .restart),
            Setting("nat.limits.sessions-per-host", "\(sessionsPerHost)"),
            Setting("nat.limits.ports-per-host", "\(portsPerHost)"),
            Setting(
                "nat.limits.new-sessions-per-second", newSessionsPerSecond.map { "\($0)" }),
            Setting(
                "nat.limits.new-sessions-per-second-per-host",
                newSessionsPerSecondPerHost.map { "\($0)" }),
            Setting("nat.limits.fragments", "\(fragments)", .restart),
        ]
    }
}

extension PortForward {
    /// Named after the forward, or after what it claims if it has no name.
    fileprivate var setting: Setting {
        let kinds = kinds(transports)
        let outside = outsideAddress.map { " \($0):" } ?? " "
        let claim = "\(kinds)\(outside)\(Wording.ports(ports))"
        var text = "\(claim) -> \(insideAddress)"
        if insidePort != ports.lowerBound { text += ":\(insidePort)" }
        if !sources.isEmpty { text += " from \(Wording.list(sources.map(\.description)))" }
        if !hairpin { text += " hairpin false" }
        return Setting("nat.port-forwards[\(name.isEmpty ? claim : name)]", text)
    }
}

extension RIPConfiguration {
    fileprivate var list: [Setting] {
        let timers = settings.timers
        var list = [
            Setting("rip.timers.update", Wording.duration(timers.update)),
            Setting("rip.timers.timeout", Wording.duration(timers.timeout)),
            Setting("rip.timers.garbage", Wording.duration(timers.garbage)),
            Setting(
                "rip.redistribute",
                redistributed.isEmpty
                    ? nil : Wording.list(redistributed.map(\.name).sorted())),
            Setting("rip.default-originate", "\(originatesDefault)"),
            Setting("rip.default-metric", "\(defaultMetric)"),
        ]
        for side in Side.allCases {
            if let own = settings.interfaces[side.index] {
                list += own.settings("rip.interfaces.\(side).")
                list.append(Setting("rip.interfaces.\(side).bfd", bfd[side.index]?.listed))
            }
        }
        return list
    }
}

extension RIPInterfaceSettings {
    fileprivate func settings(_ path: String) -> [Setting] {
        let neighbors = neighbors.map(\.description)
        func filter(_ list: [IPv4Prefix]?) -> String? {
            list.map { Wording.list($0.map(\.description)) }
        }
        return [
            Setting(path + "passive", "\(isPassive)"),
            Setting(path + "cost", "\(cost)"),
            Setting(path + "split-horizon", splitHorizon.rawValue),
            Setting(path + "authentication", authentication.listed),
            Setting(path + "neighbors", neighbors.isEmpty ? nil : Wording.list(neighbors)),
            Setting(path + "accept-default", "\(acceptsDefault)"),
            Setting(path + "filter-in", filter(filterIn)),
            Setting(path + "filter-out", filter(filterOut)),
            Setting(path + "receive-version-1", "\(versions == .both)"),
            Setting(path + "loop-free", "\(isLoopFree)"),
        ]
    }
}
