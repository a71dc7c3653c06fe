import Memory
import Wire

/// A SYN that was let through in the middle of a connection. It changes nothing by itself; an
/// answer that acknowledges it does.
struct PendingSYN: BitwiseCopyable {
    static var count: Int { 256 }

    /// Session record + 1.
    var session: UInt32
    var serial: UInt32
    var direction: UInt8
    /// The end that would begin with it.
    var end: TCPEnd
}

// Segments that are more than data within an open connection. Each function says whether the
// segment counts: one that does not passes, and leaves state and timers alone (SECURITY S01).
extension NAT {
    /// Judges a segment that carries SYN or RST, or none of the flags it needs, or comes before
    /// both ends are known, or is fragmented.
    @usableFromInline
    mutating func judge(
        _ number: UInt32, _ segment: TCPSegment, _ direction: Direction
    ) throws(DropReason) -> Bool {
        switch SessionPhase(rawValue: sessions[number].phase) {
        case .synOutbound:
            return try judgeOpening(number, segment, isAnswer: direction == .inbound)
        case .synInbound:
            return try judgeOpening(number, segment, isAnswer: direction == .outbound)
        default:
            break
        }
        let (sender, receiver) = ends(of: number, direction)
        // Of a connection that began untracked nothing is known.
        guard sender.isOpen, receiver.isOpen else { return true }
        if segment.flags.contains(.rst) { return try judgeReset(number, segment, direction) }
        if segment.flags.contains(.syn) { return try judgeSYN(number, segment, direction) }
        guard segment.flags.contains(.ack), sender.fits(segment, to: receiver) else {
            throw .natTCPWindow
        }
        var whole = segment
        if segment.isPiece {
            // How long all of it is will not be known: as long as it may be.
            let rest = sender.acknowledged &+ receiver.room &- segment.end
            if Int32(bitPattern: rest) > 0 { whole.end &+= min(rest, UInt32(UInt16.max)) }
        }
        learn(number, direction) { $0.send(whole, to: &$1) }
        return true
    }

    /// One SYN was seen, from the end that begins.
    private mutating func judgeOpening(
        _ number: UInt32, _ segment: TCPSegment, isAnswer: Bool
    ) throws(DropReason) -> Bool {
        let start: Direction =
            sessions[number].phase == SessionPhase.synOutbound.rawValue ? .outbound : .inbound
        let flags = segment.flags
        let (first, second) = ends(of: number, start)
        guard isAnswer else {
            // It may give up an older connection that the other end still believes in.
            if flags.contains(.rst) { return false }
            if flags.contains(.syn) {
                learn(number, start) { end, _ in end.begin(segment) }
                return true
            }
            guard first.isOpen else { return true }
            throw .natTCPWindow
        }
        guard first.isOpen else { return true }
        let isAnswered =
            flags.contains(.ack)
            && first.isAcknowledged(by: segment.acknowledgement, room: second.room)
        if flags.contains(.rst) {
            guard isAnswered else { throw .natTCPReset }
            return false
        }
        if flags.contains(.syn) {
            // An older SYN-ACK: the end that begins will reset it (RFC 9293 §3.5.1).
            if flags.contains(.ack), !isAnswered { return false }
            join(number, segment, start == .outbound ? .inbound : .outbound)
            return true
        }
        // A challenge, or data of an older connection: it is reset just so.
        guard flags.contains(.ack) else { throw .natTCPWindow }
        return false
    }

    /// The second SYN.
    private mutating func join(
        _ number: UInt32, _ syn: TCPSegment, _ direction: Direction
    ) {
        learn(number, direction) { sender, receiver in
            sender.open(syn)
            TCPEnd.settle(&sender, &receiver)
            if syn.flags.contains(.ack) { receiver.take(syn.acknowledgement) }
        }
    }

    /// A reset of an open connection: only the exact one counts (RFC 5961 §3.2).
    ///
    /// After a FIN the ends answer each other's last segments, so that less exact ones are seen.
    private mutating func judgeReset(
        _ number: UInt32, _ segment: TCPSegment, _ direction: Direction
    ) throws(DropReason) -> Bool {
        let (sender, receiver) = ends(of: number, direction)
        if sender.expects(segment.sequence) { return true }
        if segment.flags.contains(.ack),
            let pending = pendingSYN(number, direction.opposite),
            pending.isAcknowledged(by: segment.acknowledgement, room: 0)
        {
            return true
        }
        let isEnding = sessions[number].phase >= SessionPhase.finOutbound.rawValue
        if sender.isInWindow(segment.sequence, of: receiver) {
            // The receiver may challenge it and so get the exact one.
            return isEnding && sessions[number].phase != SessionPhase.transitory.rawValue
        }
        guard isEnding, sender.isRepeat(segment.sequence, to: receiver) else {
            throw .natTCPReset
        }
        return false
    }

    /// A SYN of an open connection: a copy of the one that began it, or of a new connection between
    /// the same ports, of which one end knows and the other may not.
    private mutating func judgeSYN(
        _ number: UInt32, _ syn: TCPSegment, _ direction: Direction
    ) throws(DropReason) -> Bool {
        let (sender, receiver) = ends(of: number, direction)
        let phase = sessions[number].phase
        let isReset = phase == SessionPhase.transitory.rawValue
        let isOver = isReset || phase == SessionPhase.closing.rawValue
        if syn.flags.contains(.ack) {
            if let pending = pendingSYN(number, direction.opposite),
                pending.isAcknowledged(by: syn.acknowledgement, room: 0),
                // Late copies of the two that began the connection do not begin it anew.
                !receiver.isRepeat(pending.acknowledged, to: sender)
                    || !sender.isRepeat(syn.sequence, to: receiver)
            {
                renew(number, pending, syn, direction)
                return true
            }
            // Again after the end, it opens nothing.
            if !isOver, !sender.isAcknowledged,
                receiver.isAcknowledged(by: syn.acknowledgement, room: sender.room)
            {
                join(number, syn, direction)
                return true
            }
        } else {
            if phase == SessionPhase.closing.rawValue || (isReset && direction == .outbound) {
                ends[number] = InlineArray(repeating: TCPEnd())
                learn(number, direction) { end, _ in end.begin(syn) }
                return true
            }
            if isReset || sender.isCaller {
                // The receiver challenges it, answers it anew or resets it (RFC 5961 §4).
                setPendingSYN(number, syn, direction)
                return false
            }
            if !sender.isAcknowledged {
                join(number, syn, direction)
                return true
            }
        }
        guard sender.isRepeat(syn.sequence, to: receiver) else { throw .natTCPSYN }
        return false
    }

    /// A SYN-ACK to a SYN in the middle of a connection: both ends have begun anew.
    private mutating func renew(
        _ number: UInt32, _ pending: TCPEnd, _ syn: TCPSegment, _ direction: Direction
    ) {
        ends[number] = InlineArray(repeating: TCPEnd())
        ends[number][Int(direction.opposite.rawValue)] = pending
        pendingSYNs[Self.place(number)].session = 0
        join(number, syn, direction)
        setPhase(of: number, .established)
    }

    // MARK: Records

    private func ends(
        of number: UInt32, _ direction: Direction
    ) -> (sender: TCPEnd, receiver: TCPEnd) {
        let ends = self.ends[number]
        return (ends[Int(direction.rawValue)], ends[Int(direction.rawValue ^ 1)])
    }

    private func learn(
        _ number: UInt32, _ direction: Direction,
        _ body: (inout TCPEnd, inout TCPEnd) -> Void
    ) {
        var (sender, receiver) = ends(of: number, direction)
        body(&sender, &receiver)
        ends[number][Int(direction.rawValue)] = sender
        ends[number][Int(direction.rawValue ^ 1)] = receiver
    }

    private static func place(_ number: UInt32) -> Int { Int(number) & (PendingSYN.count - 1) }

    private func pendingSYN(_ number: UInt32, _ direction: Direction) -> TCPEnd? {
        let pending = pendingSYNs[Self.place(number)]
        guard pending.session == number + 1, pending.serial == sessions[number].serial,
            pending.direction == direction.rawValue
        else { return nil }
        return pending.end
    }

    private func setPendingSYN(_ number: UInt32, _ syn: TCPSegment, _ direction: Direction) {
        var end = TCPEnd()
        end.begin(syn)
        pendingSYNs[Self.place(number)] = PendingSYN(
            session: number + 1, serial: sessions[number].serial,
            direction: direction.rawValue, end: end)
    }
}
