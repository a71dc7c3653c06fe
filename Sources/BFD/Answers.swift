public import Timing

/// A session, for people.
public struct BFDSessionRow: Hashable, Sendable {
    /// With whom.
    public var peer: BFDPeer
    /// Our state.
    public var state: BFDState
    /// The state that the neighbour told last.
    public var neighborState: BFDState
    /// Our number of the session.
    public var mine: UInt32
    /// The neighbour's number of it; 0 if not known.
    public var theirs: UInt32
    /// From one packet of ours to the next, before jitter; nil if none is sent.
    public var transmit: Interval?
    /// From one packet of the neighbour's to the next, before jitter.
    public var receive: Interval
    /// How long the neighbour may be silent; nil before it was heard.
    public var detection: Interval?
    /// Packets of ours that may be missing.
    public var multiplier: UInt8
    /// Packets of the neighbour's that may be missing; 0 before it was heard.
    public var neighborMultiplier: UInt8
    /// Why the session went down last.
    public var diagnostic: BFDDiagnostic
    /// What the neighbour said last.
    public var neighborDiagnostic: BFDDiagnostic
    /// When it came up or went down last.
    public var since: Instant
    /// Times that it came up.
    public var ups: UInt64
    /// Packets of the neighbour's that were used.
    public var packetsIn: UInt64
    /// Packets sent.
    public var packetsOut: UInt64
}

// Questions; nothing changes by them.
extension BFDEngine {
    /// Sessions that are wanted, by neighbour.
    public var rows: [BFDSessionRow] {
        sessions.filter(\.isWanted).map { session in
            BFDSessionRow(
                peer: session.wish.peer, state: session.state,
                neighborState: session.neighborState, mine: session.mine,
                theirs: session.theirs, transmit: session.transmitInterval,
                receive: max(session.receiveInUse, session.neighborTransmit),
                detection: session.detectAt == nil ? nil : session.detectionTime,
                multiplier: session.wish.timing.multiplier,
                neighborMultiplier: session.neighborMultiplier,
                diagnostic: session.lastDiagnostic,
                neighborDiagnostic: session.neighborDiagnostic, since: session.since,
                ups: session.ups, packetsIn: session.packetsIn, packetsOut: session.packetsOut)
        }.sorted { $0.peer < $1.peer }
    }

    /// Sessions, those included that are being given up.
    public var sessionCount: Int { sessions.count }
}
