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
            ("ospf.stub-router-at-start", Wording.duration(settings.stubAtStart)),
            ("ospf.stub-router-at-stop", Wording.duration(stubAtStop)),
            ("ospf.graceful-restart.period", gracePeriod.map(Wording.duration)),
            ("ospf.graceful-restart.helper", "\(settings.helpsRestarts)"),
        ]
        for area in settings.areas { list += area.list("ospf.areas.\(area.id).") }
        for link in settings.interfaces.compactMap({ $0 }) {
            guard let end = link.virtual else { continue }
            list += link.linkList("ospf.areas.\(end.transit).virtual-links[\(end.router)].")
        }
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
        let cost: UInt32? =
            switch kind {
            case .normal: nil
            case .stub(let cost, _), .nssa(let cost, _): cost
            }
        func text(_ ranges: [OSPFRange]) -> String? {
            ranges.isEmpty ? nil : Wording.list(ranges.map(\.prefix.description))
        }
        return [
            (path + "type", kind.name), (path + "default-cost", cost.map { "\($0)" }),
            (path + "ranges", text(ranges)), (path + "external-ranges", text(externalRanges)),
        ]
    }
}

extension OSPFInterfaceSettings {
    private static func text(_ neighbor: OSPFNamedNeighbor) -> String {
        neighbor.address.description + (neighbor.isEligible ? "" : " priority 0")
    }

    fileprivate func list(_ path: String) -> [(path: String, text: String?)] {
        [
            (path + "area", "\(area)"), (path + "cost", "\(cost)"),
            (path + "network-type", network.rawValue), (path + "priority", "\(priority)"),
            (path + "prefix-suppression", "\(hidesNetwork)"),
            (path + "neighbors", named.isEmpty ? nil : Wording.list(named.map(Self.text))),
            (path + "poll-interval", named.isEmpty ? nil : Wording.duration(pollInterval)),
            (path + "passive", "\(isPassive)"), (path + "mtu-ignore", "\(ignoresMTU)"),
        ] + linkList(path)
    }

    /// What both ends of a link have to agree on.
    fileprivate func linkList(_ path: String) -> [(path: String, text: String?)] {
        [
            (path + "hello-interval", Wording.duration(helloInterval)),
            (path + "dead-interval", Wording.duration(deadInterval)),
            (path + "retransmit-interval", Wording.duration(retransmitInterval)),
            (path + "transmit-delay", "\(transmitDelay)s"),
            (path + "authentication", authentication.listed),
            (path + "extended-sequence", "\(hasLongSequence)"),
        ]
    }
}
