import NAT
import Timing
import Wire

// Other settings, and ports that are seen.
extension NATModel {
    /// Takes on other forwards, behaviours or times.
    mutating func apply(_ new: NATSettings, at now: Instant) {
        settings = new
        for mapping in mappings {
            let forward = forward(of: mapping)
            let stays = mapping.isStatic ? forward != nil : !isForwarded(mapping)
            guard !stays else { continue }
            sessions.removeAll { $0.mapping === mapping }
            mappings.removeAll { $0 === mapping }
            forgetHost(mapping.inside.address)
        }
        // A port that a forward takes does not go on resting behind it.
        freed = freed.filter { forward(at: $0.endpoint.port, $0.transport) == nil }
        // What a stranger began and nobody answered is judged by the new filter.
        let refused = sessions.filter {
            !$0.mapping.isStatic && $0.isStranger && !$0.sentOutbound
                && !admits($0.mapping, $0.remote)
        }
        for session in refused where sessions.contains(where: { $0 === session }) {
            end(session, at: now)
        }
    }

    private func isForwarded(_ mapping: ModelMapping) -> Bool {
        guard let outside = mapping.outside else { return false }
        return settings.portForwards.contains {
            $0.transports.contains(mapping.transport) && $0.ports.contains(outside.port)
        }
    }

    private func forward(of mapping: ModelMapping) -> PortForward? {
        guard let outside = mapping.outside else { return nil }
        return settings.portForwards.first {
            $0.transports.contains(mapping.transport) && $0.ports.contains(outside.port)
                && $0.insideAddress.description == mapping.inside.address
                && $0.insidePort &+ (outside.port - $0.ports.lowerBound) == mapping.inside.port
        }
    }

    /// The outside port of a new mapping was seen: it must belong to nobody and have rested.
    mutating func learn(_ outside: Endpoint, of mapping: ModelMapping, at now: Instant) -> String? {
        let isTaken = mappings.contains {
            $0 !== mapping && $0.transport == mapping.transport && $0.outside == outside
        }
        mapping.outside = outside
        for session in sessions where session.via === mapping {
            session.remote = outside
            session.via = nil
        }
        if isTaken { return "\(outside) belongs to another mapping" }
        if isForwarded(mapping) { return "\(outside) belongs to a forward" }
        let early = freed.contains {
            $0.transport == mapping.transport && $0.endpoint == outside
                && now - $0.time < settings.timeouts.portRest
        }
        return early ? "\(outside) did not rest" : nil
    }
}
