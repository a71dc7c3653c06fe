import NAT
import Timing
import Wire

// Who goes first when there is no more room (SECURITY S10, S11).
extension NATModel {
    private func sessions(of host: String) -> [ModelSession] {
        sessions.filter { $0.mapping.inside.address == host }
    }

    private func embryonic(of host: String) -> Int {
        sessions(of: host).count(where: \.isEmbryonic)
    }

    mutating func add(_ session: ModelSession) {
        let host = session.mapping.inside.address
        sessions.append(session)
        if embryonic(of: host) > embryonic(of: heaviest) { heaviest = host }
    }

    /// A host is known for as long as it has mappings.
    mutating func forgetHost(_ host: String) {
        if !mappings.contains(where: { $0.inside.address == host }) { freeing[host] = nil }
    }

    mutating func makeRoom(_ host: String, isStranger: Bool, _ now: Instant) -> Bool {
        let known = sessions(of: host).count { $0.isStranger == isStranger }
        if known >= settings.limits.sessionsPerHost {
            guard evict(host, isStranger: isStranger, isOwn: true, now) else { return false }
        }
        let most = max(settings.limits.sessions / 4, 1)
        guard
            sessions.count(where: \.isEmbryonic) >= most
                || sessions.count >= settings.limits.sessions
        else { return true }
        let isOwn = embryonic(of: host) >= embryonic(of: heaviest)
        let victim = isOwn ? host : heaviest
        return evict(victim, isStranger: isStranger, isOwn: isOwn, now)
            || evict(victim, isStranger: !isStranger, isOwn: isOwn, now)
    }

    mutating func makePortRoom(_ host: String, _ now: Instant) -> Bool {
        func isFull() -> Bool {
            mappings.count { !$0.isStatic && $0.inside.address == host }
                >= settings.limits.portsPerHost
        }
        guard isFull() else { return true }
        return evict(host, isStranger: false, isOwn: true, now) && !isFull()
    }

    private mutating func evict(
        _ host: String, isStranger: Bool, isOwn: Bool, _ now: Instant
    ) -> Bool {
        let oldest = sessions.first {
            $0.isEmbryonic && $0.isStranger == isStranger && $0.mapping.inside.address == host
        }
        guard let oldest else { return false }
        let others = sessions.filter { $0 !== oldest && $0.mapping === oldest.mapping }
        let goes = others.isEmpty || !others.contains(where: \.sentOutbound)
        if isOwn, goes, !oldest.mapping.isStatic {
            let rest = settings.timeouts.portRest
            let step = Interval(
                nanoseconds: rest.nanoseconds / Int64(settings.limits.portsPerHost))
            let next = max(freeing[host] ?? .zero, now) + step
            guard next - now <= rest else { return false }
            freeing[host] = next
        }
        evicted += 1
        end(oldest, at: now)
        return true
    }
}
