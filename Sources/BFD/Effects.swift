public import Wire

/// A control packet to send to port 3784 with a TTL of 255.
public struct BFDDatagram: Hashable, Sendable {
    /// To whom, and by which interface.
    public var peer: BFDPeer
    /// Our address there.
    public var source: IPv4Address
    /// The UDP port to send from.
    public var port: UInt16
    /// The packet.
    public var packet: BFDPacket
}

/// Something that others depend on, and worth a line in the log.
public enum BFDEvent: Hashable, Sendable {
    /// A session is in another state, and why.
    case state(BFDPeer, from: BFDState, to: BFDState, BFDDiagnostic, neighbor: BFDState)
    /// There are as many sessions as there may be, so this one is not made.
    case full(BFDPeer)
}

/// What follows from an event; the caller empties it.
public struct BFDEffects: Sendable {
    /// Packets to send, in order.
    public var packets: [BFDDatagram] = []
    /// Changes of sessions, in order.
    public var events: [BFDEvent] = []

    /// Nothing.
    public init() {}

    /// Makes one change of all that a session went through, for a caller that cannot pass them on
    /// now: a neighbour may cause any number.
    public mutating func joinEvents() {
        var places: [BFDPeer: Int] = [:]
        var joined: [BFDEvent] = []
        for event in events {
            switch event {
            case .full: if !joined.contains(event) { joined.append(event) }
            case .state(let peer, _, let to, let why, let neighbor):
                if let place = places[peer], case .state(_, let from, _, _, _) = joined[place] {
                    joined[place] = .state(peer, from: from, to: to, why, neighbor: neighbor)
                } else {
                    places[peer] = joined.count
                    joined.append(event)
                }
            }
        }
        events = joined
    }
}
