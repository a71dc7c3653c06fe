public import Timing
internal import Wire

// What is taken in (RFC 5880 §6.8.6). Nothing is allocated for a packet that is dropped.
extension BFDEngine {
    /// Takes a packet that came to port 3784.
    ///
    /// - Parameters:
    ///   - bytes: The UDP payload.
    ///   - sender: Who sent it, and on which interface.
    ///   - timeToLive: That of its IP header.
    public mutating func receive(
        _ bytes: RawSpan, from sender: BFDPeer, timeToLive: UInt8, at now: Instant,
        into effects: inout BFDEffects
    ) {
        do throws(BFDDrop) {
            guard timeToLive == BFDProtocol.timeToLive else { throw .timeToLive }
            let packet = try BFDPacket(bytes)
            take(packet, try session(of: packet, sender), at: now, &effects)
        } catch {
            count(error, on: sender.interface)
        }
    }

    /// The session that a packet belongs to.
    private func session(
        of packet: BFDPacket, _ sender: BFDPeer
    ) throws(BFDDrop) -> Int {
        let found =
            packet.yours == 0
            ? session(with: sender) : session(discriminator: packet.yours)
        guard let found else {
            throw packet.yours == 0 ? .noSession : .discriminatorUnknown
        }
        let peer = sessions[found].wish.peer
        guard peer.interface == sender.interface else { throw .otherInterface }
        guard peer.address == sender.address else { throw .otherAddress }
        guard !packet.flags.contains(.authenticated) else { throw .authentication }
        guard sessions[found].isWanted else { throw .unwanted }
        return found
    }

    private mutating func take(
        _ packet: BFDPacket, _ index: Int, at now: Instant, _ effects: inout BFDEffects
    ) {
        let before = sessions[index].transmitInterval
        sessions[index].packetsIn &+= 1
        sessions[index].theirs = packet.mine
        sessions[index].neighborState = packet.state
        sessions[index].neighborDiagnostic = packet.diagnostic
        sessions[index].neighborWantsDemand = packet.flags.contains(.demand)
        sessions[index].neighborTransmit = Interval(microseconds: packet.desiredTransmit)
        sessions[index].neighborReceive = Interval(microseconds: packet.requiredReceive)
        sessions[index].neighborMultiplier = packet.multiplier
        if packet.flags.contains(.final) { sessions[index].endPoll() }
        if let next = sessions[index].state.next(on: packet.state) {
            enter(
                index, next, next == .down ? .neighborSignaledDown : .none, at: now, &effects)
        }
        // What it now wants to hear more often, it hears soon.
        let interval = sessions[index].transmitInterval
        if interval != before {
            let due = interval.map {
                now + jittered($0, sessions[index].wish.timing.multiplier)
            }
            let next = sessions[index].nextSend
            sessions[index].nextSend = due.map { min($0, next ?? $0) }
        }
        if packet.flags.contains(.poll) { put(index, isFinal: true, &effects) }
        sessions[index].detectAt = now + sessions[index].detectionTime
        sessions[index].isForgiven = false
        expect(sessions[index].nextDeadline)
    }
}
