import Timing

/// Settings that make the translator behave as a well-known kind, for people who test programs.
public enum NATPreset: String, Sendable, CaseIterable {
    /// As the RFCs recommend.
    case rfc
    /// RFC 3489 "full cone": anyone may send to a mapping.
    case fullCone = "full-cone"
    /// RFC 3489 "restricted cone": addresses the host has sent to may.
    case restrictedCone = "restricted-cone"
    /// RFC 3489 "port restricted cone": endpoints the host has sent to may.
    case portRestrictedCone = "port-restricted-cone"
    /// RFC 3489 "symmetric": a mapping for each remote endpoint.
    case symmetric
    /// A Linux masquerade rule without port collisions: ports kept, no hairpin, its times.
    case linuxMasquerade = "linux-masquerade"
    /// A shared provider gateway: blocks of ports and short times.
    case carrier

    /// The settings it begins with.
    public var settings: NATSettings {
        var settings = NATSettings()
        settings.preset = self
        switch self {
        case .rfc: break
        case .fullCone: settings.filtering = .endpointIndependent
        case .restrictedCone: settings.filtering = .addressDependent
        case .portRestrictedCone: settings.filtering = .addressAndPortDependent
        case .symmetric:
            settings.mapping = .addressAndPortDependent
            settings.filtering = .addressAndPortDependent
        case .linuxMasquerade:
            settings.filtering = .addressAndPortDependent
            settings.preservePort = true
            settings.hairpin = false
            settings.timeouts.tcpEstablished = .seconds(5 * 86_400)
            settings.timeouts.tcpTransitory = .seconds(120)
            settings.timeouts.udp = .seconds(120)
            settings.timeouts.udpUnreplied = .seconds(30)
            settings.timeouts.icmp = .seconds(30)
        case .carrier:
            settings.filtering = .endpointIndependent
            settings.blocks = BlockSettings()
            settings.timeouts.tcpEstablished = .seconds(1800)
            settings.timeouts.tcpTransitory = .seconds(60)
            settings.timeouts.udp = .seconds(60)
            settings.timeouts.udpUnreplied = .seconds(30)
            settings.timeouts.icmp = .seconds(30)
        }
        return settings
    }
}

/// What a mapping and a filtering behaviour together are called (RFC 4787 §3, after RFC 3489).
public func behaviorClass(mapping: Behavior, filtering: Behavior) -> String {
    switch (mapping, filtering) {
    case (.endpointIndependent, .endpointIndependent): "full cone"
    case (.endpointIndependent, .addressDependent): "restricted cone"
    case (.endpointIndependent, .addressAndPortDependent): "port restricted cone"
    case (.addressAndPortDependent, .addressAndPortDependent): "symmetric"
    default: "no common name"
    }
}
