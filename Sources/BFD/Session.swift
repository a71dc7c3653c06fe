internal import Timing
internal import Wire

/// One session: the variables of RFC 5880 §6.8.1 and its timers.
struct Session {
    var wish: BFDWish
    /// Whether it is still wanted; if not, it only tells so for a while.
    var isWanted = true
    /// When it is forgotten.
    var end: Instant?
    /// The UDP port packets are sent from.
    let port: UInt16

    var state = BFDState.down
    var neighborState = BFDState.down
    /// Our number of the session.
    let mine: UInt32
    /// The neighbour's; 0 if not known.
    var theirs: UInt32 = 0
    var diagnostic = BFDDiagnostic.none
    /// Why it went down last, and what the neighbour said of that.
    var lastDiagnostic = BFDDiagnostic.none
    var neighborDiagnostic = BFDDiagnostic.none

    /// What our packets tell: DesiredMinTxInterval and RequiredMinRxInterval.
    var transmit = BFDProtocol.slow
    var receive: Interval
    /// What holds until the neighbour has confirmed these (RFC 5880 §6.8.3).
    var transmitInUse = BFDProtocol.slow
    var receiveInUse: Interval
    /// Whether a Poll Sequence is under way, and whether another one follows it.
    var isPolling = false
    var pollsAgain = false

    // What the neighbour's last packet said.
    var neighborTransmit = BFDProtocol.slow
    var neighborReceive = Interval(microseconds: 1)
    var neighborMultiplier: UInt8 = 0
    var neighborWantsDemand = false

    var nextSend: Instant?
    /// When the neighbour is given up; nil before its first packet.
    var detectAt: Instant?
    /// Whether a deadline that we were late for has been put off.
    var isForgiven = false
    /// When it came up or went down last.
    var since: Instant
    /// Times that it came up.
    var ups: UInt64 = 0
    var packetsIn: UInt64 = 0
    var packetsOut: UInt64 = 0

    init(_ wish: BFDWish, discriminator: UInt32, port: UInt16, at now: Instant) {
        self.wish = wish
        mine = discriminator
        self.port = port
        receive = wish.timing.receive
        receiveInUse = receive
        since = now
        nextSend = now
    }

    /// From one packet to the next before jitter; nil if none is to be sent (RFC 5880 §6.8.7).
    var transmitInterval: Interval? {
        if neighborReceive.nanoseconds == 0 { return nil }
        // The neighbour knows without being told again.
        let isQuiet = neighborWantsDemand && state == .up && neighborState == .up && !isPolling
        return isQuiet ? nil : max(transmitInUse, neighborReceive)
    }

    /// How long the neighbour may be silent (RFC 5880 §6.8.4).
    var detectionTime: Interval {
        max(receiveInUse, neighborTransmit) * Int64(neighborMultiplier)
    }

    var nextDeadline: Instant? {
        let deadlines = [nextSend, detectAt, end].compactMap { $0 }
        return deadlines.min()
    }

    /// Sets what our packets tell, and does so by a Poll Sequence where the neighbour has to know
    /// before it holds (RFC 5880 §6.8.3).
    mutating func setIntervals(transmit new: Interval, receive newReceive: Interval) {
        guard new != transmit || newReceive != receive else { return }
        if state != .up || new < transmitInUse { transmitInUse = new }
        if state != .up || newReceive > receiveInUse { receiveInUse = newReceive }
        transmit = new
        receive = newReceive
        pollsAgain = isPolling
        isPolling = true
    }

    /// The neighbour answered a poll.
    mutating func endPoll() {
        guard isPolling else { return }
        guard !pollsAgain else {
            pollsAgain = false
            return
        }
        isPolling = false
        transmitInUse = transmit
        receiveInUse = receive
    }

    /// Forgets what is known of the neighbour, when it was silent too long (RFC 5880 §6.8.1).
    mutating func forgetNeighbor() {
        theirs = 0
        neighborReceive = Interval(microseconds: 1)
        neighborWantsDemand = false
        detectAt = nil
        (isPolling, pollsAgain) = (false, false)
        transmitInUse = transmit
        receiveInUse = receive
    }

    /// The packet to send now.
    func packet(isFinal: Bool) -> BFDPacket {
        var packet = BFDPacket(
            state, multiplier: wish.timing.multiplier, mine: mine, yours: theirs,
            desiredTransmit: transmit.microseconds, requiredReceive: receive.microseconds)
        packet.diagnostic = diagnostic
        // No packet is both (RFC 5880 §6.5).
        packet.flags = isFinal ? .final : isPolling && theirs != 0 ? .poll : []
        return packet
    }
}
