internal import OSPF
internal import Routing
internal import Signing
internal import Timing
internal import Wire

extension OSPFConfiguration {
    /// Every setting with its value as a configuration writes it; nil for none.
    var list: [(path: String, text: String?)] {
        var list: [(path: String, text: String?)] = [
            ("ospf.router-id", "\(settings.router)"),
            ("ospf.stub-router", "\(settings.isStubRouter)"),
        ]
        for area in settings.areas { list += area.list("ospf.areas.\(area.id).") }
        for side in Side.allCases {
            if let own = settings.interfaces[side.index] {
                list += own.list("ospf.interfaces.\(side).")
                list.append(("ospf.interfaces.\(side).bfd", bfd[side.index]?.listed))
            }
        }
        let sources = redistributed.sorted { $0.key.rawValue < $1.key.rawValue }
        list += sources.map { ("ospf.redistribute[\($0.key.name)]", $0.value.name) }
        let whether = alwaysHasDefault ? ", always" : ""
        list.append(("ospf.default-originate", defaultRoute.map { $0.name + whether }))
        return list
    }
}

extension OSPFAreaSettings {
    fileprivate func list(_ path: String) -> [(path: String, text: String?)] {
        let kind: (String, String?) =
            switch kind {
            case .normal: ("normal", nil)
            case .stub(let cost, let isTotally): (isTotally ? "totally-stub" : "stub", "\(cost)")
            }
        let ranges = ranges.map(\.prefix.description)
        return [
            (path + "type", kind.0), (path + "default-cost", kind.1),
            (path + "ranges", ranges.isEmpty ? nil : Wording.list(ranges)),
        ]
    }
}

extension OSPFInterfaceSettings {
    fileprivate func list(_ path: String) -> [(path: String, text: String?)] {
        [
            (path + "area", "\(area)"), (path + "cost", "\(cost)"),
            (path + "network-type", network.rawValue), (path + "priority", "\(priority)"),
            (path + "passive", "\(isPassive)"), (path + "mtu-ignore", "\(ignoresMTU)"),
            (path + "hello-interval", Wording.duration(helloInterval)),
            (path + "dead-interval", Wording.duration(deadInterval)),
            (path + "retransmit-interval", Wording.duration(retransmitInterval)),
            (path + "transmit-delay", "\(transmitDelay)s"),
            (path + "authentication", authentication.listed),
        ]
    }
}
