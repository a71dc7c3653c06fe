/// How far an interface is (RFC 2328 §9.1).
public enum OSPFInterfaceState: UInt8, Hashable, Sendable, CaseIterable {
    case down
    case loopback
    /// Listens who is Designated Router before it takes part in an election.
    case waiting
    case pointToPoint
    case neither
    case backup
    case designated
}

/// What happens to an interface (RFC 2328 §9.2).
enum InterfaceEvent: UInt8, CaseIterable {
    case interfaceUp
    case waitTimer
    case backupSeen
    case neighborChange
    case loopInd
    case unloopInd
    case interfaceDown
}

/// What an interface does upon an event.
enum InterfaceStep: Hashable {
    /// Goes to a state.
    case to(OSPFInterfaceState)
    /// Holds an election, which says the state.
    case elect
}

extension OSPFInterfaceState {
    /// The table of RFC 2328 §9.3; nil where an event means nothing.
    func next(
        on event: InterfaceEvent, isPointToPoint: Bool, isEligible: Bool
    ) -> InterfaceStep? {
        switch (self, event) {
        case (_, .interfaceDown): .to(.down)
        case (_, .loopInd): .to(.loopback)
        case (.loopback, .unloopInd): .to(.down)
        case (.down, .interfaceUp):
            .to(isPointToPoint ? .pointToPoint : isEligible ? .waiting : .neither)
        case (.waiting, .backupSeen), (.waiting, .waitTimer): .elect
        case (.neither, .neighborChange), (.backup, .neighborChange): .elect
        case (.designated, .neighborChange): .elect
        default: nil
        }
    }
}
