internal import Wire

/// One who may speak for a network: a neighbour that hears us, or ourselves.
struct Candidate: Hashable {
    var router: IPv4Address
    var address: IPv4Address
    var priority: UInt8
    /// Whom it takes for Designated Router.
    var designated: IPv4Address
    /// Whom it takes for Backup Designated Router.
    var backup: IPv4Address

    var saysDesignated: Bool { designated == address }
    var saysBackup: Bool { backup == address }
}

/// Who speaks for a network (RFC 2328 §9.4).
struct Election: Hashable {
    /// The address of the Designated Router; 0.0.0.0 for none.
    var designated: IPv4Address
    /// The address of the Backup Designated Router; 0.0.0.0 for none.
    var backup: IPv4Address

    /// The outcome for us and our neighbours.
    init(_ own: Candidate, _ neighbors: [Candidate]) {
        var own = own
        self.init(among: [own] + neighbors)
        let isNew =
            (designated == own.address) != own.saysDesignated
            || (backup == own.address) != own.saysBackup
        // Step 4: who enters or leaves office votes once more, so that nobody holds both.
        guard isNew else { return }
        own.designated = designated
        own.backup = backup
        self.init(among: [own] + neighbors)
    }

    /// Steps 2 and 3.
    private init(among all: [Candidate]) {
        let eligible = all.filter { $0.priority > 0 }
        func best(_ candidates: [Candidate]) -> Candidate? {
            candidates.max { ($0.priority, $0.router) < ($1.priority, $1.router) }
        }
        let others = eligible.filter { !$0.saysDesignated }
        let second = best(others.filter(\.saysBackup)) ?? best(others)
        let first = best(eligible.filter(\.saysDesignated)) ?? second
        designated = first?.address ?? .unspecified
        backup = second?.address ?? .unspecified
    }
}
