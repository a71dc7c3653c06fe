/// How far the conversation with a neighbour is (RFC 2328 §10.1).
public enum OSPFNeighborState: UInt8, Hashable, Sendable, CaseIterable, Comparable {
    case down
    case attempt
    case initial
    case twoWay
    case exStart
    case exchange
    case loading
    case full

    /// Orders by how far it is.
    public static func < (a: OSPFNeighborState, b: OSPFNeighborState) -> Bool {
        a.rawValue < b.rawValue
    }
}

/// What happens to a neighbour (RFC 2328 §10.2).
enum NeighborEvent: UInt8, CaseIterable {
    case helloReceived
    case start
    case twoWayReceived
    case negotiationDone
    case exchangeDone
    case badLSReq
    case loadingDone
    case adjOK
    case seqNumberMismatch
    case oneWayReceived
    case killNbr
    case inactivityTimer
    case llDown
}

extension OSPFNeighborState {
    /// The table of RFC 2328 §10.3; nil where an event changes nothing.
    ///
    /// - Parameters:
    ///   - isWanted: Whether an adjacency is to be (RFC 2328 §10.4).
    ///   - isLoaded: Whether nothing is left to be asked for.
    func next(
        on event: NeighborEvent, isWanted: Bool, isLoaded: Bool
    ) -> OSPFNeighborState? {
        switch (event, self) {
        case (.killNbr, _), (.llDown, _), (.inactivityTimer, _): .down
        case (.start, .down): .attempt
        case (.helloReceived, .down), (.helloReceived, .attempt): .initial
        case (.twoWayReceived, .initial): isWanted ? .exStart : .twoWay
        case (.negotiationDone, .exStart): .exchange
        case (.exchangeDone, .exchange): isLoaded ? .full : .loading
        case (.loadingDone, .loading): .full
        case (.adjOK, .twoWay): isWanted ? .exStart : nil
        case (.adjOK, .exStart...): isWanted ? nil : .twoWay
        case (.seqNumberMismatch, .exchange...), (.badLSReq, .exchange...): .exStart
        case (.oneWayReceived, .twoWay...): .initial
        default: nil
        }
    }
}

private func ~= (
    range: PartialRangeFrom<OSPFNeighborState>, state: OSPFNeighborState
) -> Bool { range.lowerBound <= state }
