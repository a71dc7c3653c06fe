import NAT
import Timing
import Wire

// Who goes first when there is no more room (SECURITY S10, S11).
extension NATModel {
    /// What may give way, and how it is told from the rest.
    enum Weak {
        case closed
        case embryonic

        func includes(_ session: ModelSession) -> Bool {
            self == .closed ? session.closing != nil : session.isEmbryonic
        }
    }

    /// What of a host may give way, oldest first.
    private func weak(_ kind: Weak, of host: String) -> [ModelSession] {
        let found = sessions.filter { kind.includes($0) && $0.mapping.inside.address == host }
        return kind == .embryonic
            ? found : found.sorted { ($0.closing ?? 0) < ($1.closing ?? 0) }
    }

    mutating func add(_ session: ModelSession) {
        sessions.append(session)
        weigh(.embryonic, session)
    }

    /// Its ends have closed a session, after all that were closed before.
    mutating func close(_ session: ModelSession) {
        closings += 1
        session.closing = closings
        weigh(.closed, session)
    }

    private mutating func weigh(_ kind: Weak, _ session: ModelSession) {
        let host = session.mapping.inside.address
        let most = weak(kind, of: heaviest[kind, default: ""]).count
        if weak(kind, of: host).count > most { heaviest[kind] = host }
    }

    /// A host is known for as long as it has mappings.
    mutating func forgetHost(_ host: String) {
        if !mappings.contains(where: { $0.inside.address == host }) { freeing[host] = nil }
    }

    mutating func makeRoom(_ host: String, isStranger: Bool, _ now: Instant) -> Bool {
        ended = 0
        let known = sessions.count {
            $0.mapping.inside.address == host && $0.isStranger == isStranger
        }
        if known >= settings.limits.sessionsPerHost {
            guard
                evict(.closed, of: host, isStranger, isOwn: true, now)
                    || evict(.embryonic, of: host, isStranger, isOwn: true, now)
            else { return false }
        }
        // The newcomer is embryonic itself: such a one has to go for it if they are many.
        if sessions.count(where: \.isEmbryonic) >= max(settings.limits.sessions / 4, 1) {
            return clear(.embryonic, for: host, isStranger, now)
        }
        if sessions.count < settings.limits.sessions { return true }
        return clear(.closed, for: host, isStranger, now)
            || clear(.embryonic, for: host, isStranger, now)
    }

    mutating func makePortRoom(_ host: String, _ now: Instant) -> Bool {
        func isFull() -> Bool {
            mappings.count { !$0.isStatic && $0.inside.address == host }
                >= settings.limits.portsPerHost
        }
        while isFull() {
            if ended == 2 { return false }
            if evict(.closed, of: host, false, isOwn: true, now) { continue }
            guard let next = weak(.embryonic, of: host).first(where: { !$0.isStranger }),
                !next.mapping.isStatic, isLastHolder(next),
                evict(.embryonic, of: host, false, isOwn: true, now)
            else { return false }
        }
        return true
    }

    /// Whether its mapping ends with a session, if it is a dynamic one.
    private func isLastHolder(_ session: ModelSession) -> Bool {
        let others = sessions.filter { $0 !== session && $0.mapping === session.mapping }
        return others.isEmpty || !others.contains(where: \.sentOutbound)
    }

    /// Ends one anywhere, so that there is room in the table.
    private mutating func clear(
        _ kind: Weak, for host: String, _ isStranger: Bool, _ now: Instant
    ) -> Bool {
        let own = weak(kind, of: host).count
        let leader = heaviest[kind, default: ""]
        let isOwn = (kind == .closed && own > 0) || own >= weak(kind, of: leader).count
        let victim = isOwn ? host : leader
        return evict(kind, of: victim, isStranger, isOwn: isOwn, now)
            || evict(kind, of: victim, !isStranger, isOwn: isOwn, now)
    }

    private mutating func evict(
        _ kind: Weak, of host: String, _ isStranger: Bool, isOwn: Bool, _ now: Instant
    ) -> Bool {
        guard let oldest = weak(kind, of: host).first(where: { $0.isStranger == isStranger })
        else { return false }
        let mapping = oldest.mapping
        let isAlone = !sessions.contains { $0 !== oldest && $0.mapping === mapping }
        let isFreeAtOnce = kind == .closed && isAlone && !mapping.portRests
        if isOwn, !mapping.isStatic, isLastHolder(oldest), !isFreeAtOnce {
            let rest = settings.timeouts.portRest
            let step = Interval(
                nanoseconds: rest.nanoseconds / Int64(settings.limits.portsPerHost))
            let next = max(freeing[host] ?? .zero, now) + step
            guard next - now <= rest else { return false }
            freeing[host] = next
        }
        ended += 1
        evicted[kind, default: 0] += 1
        end(oldest, at: now)
        return true
    }
}
