import Memory
public import Wire

// Who has what, for answers.
extension NAT {
    /// The inside endpoint that an outside one leads to now; nil if to none.
    public func owner(
        of outside: IPv4Address, port: UInt16, _ transport: Transport
    ) -> (address: IPv4Address, port: UInt16)? {
        if let own = oneToOne.find(outside: outside.rawValue) {
            return (IPv4Address(own.inside), port)
        }
        guard let pool = pools.index(of: outside.rawValue) else { return nil }
        switch pools[pool, transport].owner(of: port) {
        case .mapping(let number):
            return (IPv4Address(insideAddress(ofMapping: number)), mappings[number].insidePort)
        case .forward(let number):
            guard Int(number) < forwards.forwards.count else { return nil }
            let forward = forwards.forwards[Int(number)]
            return (
                forward.insideAddress,
                forward.insidePort &+ (port &- forward.ports.lowerBound)
            )
        case .nobody, .resting, .reserved: return nil
        }
    }

    /// What session `number` is under, as its place in `NATSettings.ruleNames`: a port forward, a
    /// one-to-one entry or a rule; nil for none.
    public func rule(of number: UInt32) -> Int? {
        let mapping = mappings[members[number].mapping]
        let forwards = settings.portForwards.count
        switch mapping.isStatic {
        case 1: return Int(mapping.forward)
        case 2: return forwards + Int(mapping.forward)
        default:
            guard mapping.rule > 0 else { return nil }
            return forwards + settings.oneToOne.count + Int(mapping.rule) - 1
        }
    }

    /// What the settings come to for the mapping of session `number`.
    public func policy(of number: UInt32) -> Policy {
        policies[mappings[members[number].mapping].rule]
    }
}

extension NATSettings {
    /// Names of the port forwards, then the one-to-one entries, then the rules; made up where the
    /// configuration has none.
    public var ruleNames: [String] {
        func names(_ given: [String], _ kind: String) -> [String] {
            given.enumerated().map { $1.isEmpty ? "\(kind)-\($0 + 1)" : $1 }
        }
        return names(portForwards.map(\.name), "forward")
            + names(oneToOne.map(\.name), "one-to-one") + names(rules.map(\.name), "rule")
    }
}
