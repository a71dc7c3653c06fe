import NAT
import Wire

/// A TCP connection as the model follows it: every packet carries 7 octets and a window of 65,535,
/// and no scale is ever offered.
struct ModelTCP {
    enum Judgement {
        case refused
        /// It passes and changes nothing.
        case passes
        case counts
    }

    struct End {
        var end: UInt32
        /// The first number, until something was acknowledged.
        var acknowledged: UInt32
        var isAcknowledged = false

        init(_ syn: ModelPacket) {
            acknowledged = syn.sequence
            end = syn.sequence &+ ModelTCP.length(syn)
        }

        mutating func acknowledge(_ number: UInt32) {
            guard ModelTCP.distance(number, acknowledged) > 0 else { return }
            acknowledged = number
            isAcknowledged = true
        }

        func isAnswered(by packet: ModelPacket) -> Bool {
            guard packet.flags.contains(.ack) else { return false }
            let age = ModelTCP.distance(end, packet.acknowledgement)
            let most =
                isAcknowledged
                ? ModelTCP.old : ModelTCP.distance(end, acknowledged) - 1
            return (0...most).contains(age)
        }
    }

    fileprivate static let window = 65_535
    fileprivate static let old = window + 66_000

    private var ends: [Direction: End] = [:]
    private var start: Direction?
    private var pending: (direction: Direction, end: End)?

    fileprivate static func length(_ packet: ModelPacket) -> UInt32 {
        7 + (packet.flags.contains(.syn) ? 1 : 0) + (packet.flags.contains(.fin) ? 1 : 0)
    }

    fileprivate static func distance(_ a: UInt32, _ b: UInt32) -> Int {
        Int(Int32(bitPattern: a &- b))
    }

    func isInFlight(_ number: UInt32, _ direction: Direction) -> Bool {
        guard let end = ends[direction] else { return true }
        return Self.distance(number, end.acknowledged) >= 0
            && Self.distance(number, end.end) <= 0
    }

    mutating func judge(
        _ packet: ModelPacket, _ direction: Direction, _ phase: inout SessionPhase
    ) -> Judgement {
        if phase == .synOutbound { return opening(packet, direction, from: .outbound) }
        if phase == .synInbound { return opening(packet, direction, from: .inbound) }
        guard let sender = ends[direction], let receiver = ends[direction.opposite] else {
            return .counts
        }
        if packet.flags.contains(.rst) { return reset(packet, direction, sender, phase) }
        if packet.flags.contains(.syn) {
            return packet.flags.contains(.ack)
                ? answer(packet, direction, sender, receiver, &phase)
                : again(packet, direction, sender, phase)
        }
        let isFit =
            Self.distance(packet.sequence &+ Self.length(packet), sender.end) >= -Self.old
            && Self.distance(packet.sequence, sender.acknowledged) <= Self.window + 1
            && (-Self.old...0).contains(Self.distance(packet.acknowledgement, receiver.end))
        guard packet.flags.contains(.ack), isFit else { return .refused }
        let end = packet.sequence &+ Self.length(packet)
        if Self.distance(end, sender.end) > 0 { ends[direction]?.end = end }
        ends[direction.opposite]?.acknowledge(packet.acknowledgement)
        return .counts
    }

    /// Only one end has sent its SYN.
    private mutating func opening(
        _ packet: ModelPacket, _ direction: Direction, from: Direction
    ) -> Judgement {
        if direction == from {
            if packet.flags.contains(.rst) { return .passes }
            guard packet.flags.contains(.syn) else { return .refused }
            if start == nil { start = from }
            open(packet, direction)
            return .counts
        }
        let isAnswer = ends[from]?.isAnswered(by: packet) ?? false
        if packet.flags.contains(.rst) { return isAnswer ? .passes : .refused }
        if packet.flags.contains(.syn) {
            if packet.flags.contains(.ack), !isAnswer { return .passes }
            open(packet, direction)
            if isAnswer { ends[from]?.acknowledge(packet.acknowledgement) }
            return .counts
        }
        return packet.flags.contains(.ack) ? .passes : .refused
    }

    /// The same SYN again takes nothing back.
    private mutating func open(_ syn: ModelPacket, _ direction: Direction) {
        if let known = ends[direction], !known.isAcknowledged,
            known.acknowledged == syn.sequence
        {
            let end = syn.sequence &+ Self.length(syn)
            if Self.distance(end, known.end) > 0 { ends[direction]?.end = end }
        } else {
            ends[direction] = End(syn)
        }
    }

    private func isRepeat(_ number: UInt32, _ sender: End) -> Bool {
        (1...Self.old).contains(Self.distance(sender.end, number))
    }

    private func reset(
        _ packet: ModelPacket, _ direction: Direction, _ sender: End, _ phase: SessionPhase
    ) -> Judgement {
        if packet.sequence == sender.end || packet.sequence == sender.acknowledged {
            return .counts
        }
        if let pending, pending.direction != direction, pending.end.isAnswered(by: packet) {
            return .counts
        }
        let isClosing = [.finOutbound, .finInbound, .closing].contains(phase)
        let distance = Self.distance(packet.sequence, sender.acknowledged)
        if (0...Self.window).contains(distance) { return isClosing ? .counts : .passes }
        let isEnding = isClosing || phase == .transitory
        return isEnding && isRepeat(packet.sequence, sender) ? .passes : .refused
    }

    /// A SYN-ACK between ends that both have sent a SYN.
    private mutating func answer(
        _ packet: ModelPacket, _ direction: Direction, _ sender: End, _ receiver: End,
        _ phase: inout SessionPhase
    ) -> Judgement {
        if let pending, pending.direction != direction, pending.end.isAnswered(by: packet),
            !isRepeat(pending.end.acknowledged, receiver) || !isRepeat(packet.sequence, sender)
        {
            ends = [pending.direction: pending.end, direction: End(packet)]
            ends[pending.direction]?.acknowledge(packet.acknowledgement)
            start = pending.direction
            self.pending = nil
            phase = .established
            return .counts
        }
        let isOver = phase == .closing || phase == .transitory
        if !isOver, !sender.isAcknowledged, receiver.isAnswered(by: packet) {
            open(packet, direction)
            ends[direction.opposite]?.acknowledge(packet.acknowledgement)
            return .counts
        }
        return isRepeat(packet.sequence, sender) ? .passes : .refused
    }

    /// A SYN alone between ends that both have sent one.
    private mutating func again(
        _ packet: ModelPacket, _ direction: Direction, _ sender: End, _ phase: SessionPhase
    ) -> Judgement {
        if phase == .closing || (phase == .transitory && direction == .outbound) {
            ends = [direction: End(packet)]
            start = direction
            return .counts
        }
        if phase == .transitory || direction == start {
            pending = (direction, End(packet))
            return .passes
        }
        if !sender.isAcknowledged {
            open(packet, direction)
            return .counts
        }
        return isRepeat(packet.sequence, sender) ? .passes : .refused
    }
}
