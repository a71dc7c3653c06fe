internal import Timing

// Not too many adjacencies come up at once (RFC 4222 §2 (5)): who would be one too many stays in
// 2-Way until another is full, or gone, or has had its time.
extension OSPFEngine {
    /// How long a neighbour that comes up may keep others waiting.
    private static var patience: Interval { .seconds(5) }

    /// Whether a neighbour may begin an exchange now, or has begun one.
    mutating func hasTurn(_ number: Int, _ index: Int) -> Bool {
        if interfaces[number].neighbors[index].state >= .exStart { return true }
        let isFree = turns().taken < settings.limits.exchanges
        if !isFree { isAnyWaiting = true }
        return isFree
    }

    /// How many neighbours come up, and when the first of them has had its time.
    private func turns() -> (taken: Int, end: Instant?) {
        var (taken, first) = (0, Instant?.none)
        for number in interfaces.indices {
            for index in interfaces[number].neighbors.indices {
                let state = interfaces[number].neighbors[index].state
                let end = interfaces[number].neighbors[index].since + Self.patience
                guard state >= .exStart, state < .full, end > now else { continue }
                taken += 1
                first = min(first ?? end, end)
            }
        }
        return (taken, first)
    }

    /// Who has waited longest.
    private func firstWaiting() -> (number: Int, index: Int)? {
        var first: (number: Int, index: Int, since: Instant)?
        for number in interfaces.indices {
            for index in interfaces[number].neighbors.indices
            where interfaces[number].neighbors[index].state == .twoWay
                && wantsAdjacency(number, index)
            {
                let since = interfaces[number].neighbors[index].since
                if first.map({ since < $0.since }) ?? true { first = (number, index, since) }
            }
        }
        return first.map { ($0.number, $0.index) }
    }

    /// Has those begin who wait for their turn, first come, first served.
    mutating func giveTurns() -> Bool {
        var isAny = false
        turnAt = nil
        while isAnyWaiting {
            guard let (number, index) = firstWaiting() else {
                isAnyWaiting = false
                break
            }
            let (taken, end) = turns()
            guard taken < settings.limits.exchanges else {
                turnAt = end
                break
            }
            let proposal = interfaces[number].neighbors[index].proposal
            handle(number, index, .adjOK)
            if let proposal { try? negotiate(proposal, proposal, number, index) }
            isAny = true
        }
        return isAny
    }
}
