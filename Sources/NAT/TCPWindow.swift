public import Wire

/// The numbers of one TCP segment, or of the first fragment of one.
@frozen
public struct TCPSegment: Sendable {
    /// Its first sequence number.
    @usableFromInline var sequence: UInt32
    /// One past its last sequence number, SYN and FIN counted.
    public var end: UInt32
    /// Its acknowledgement number, which counts if `flags` has ACK.
    public var acknowledgement: UInt32
    /// Its window as sent, not scaled.
    @usableFromInline var window: UInt16
    /// Its control bits.
    public var flags: TCPFlags
    /// The window scale it offers; `noScale` for none. Read of segments with SYN only.
    @usableFromInline var scale = Self.noScale
    /// It is the first piece of a longer one, whose end is not known.
    @usableFromInline var isPiece: Bool

    @usableFromInline static var noScale: UInt8 { 15 }

    /// Reads the header of a packet of TCP that is no later fragment.
    ///
    /// The end of a super-packet is that of its last segment.
    @inlinable @inline(always)
    public init(_ packet: Packet, _ frame: inout MutableRawSpan) {
        flags = packet.flags
        sequence = frame.be32(packet.transport &+ 4)
        acknowledgement = frame.be32(packet.transport &+ 8)
        window = frame.be16(packet.transport &+ 14)
        isPiece = packet.isFragment
        let octets =
            packet.frameLength &- packet.transport &- Int(packet.transportHeaderLength)
        // FIN is bit 0, SYN bit 1.
        let bits = flags.rawValue
        end =
            sequence &+ UInt32(truncatingIfNeeded: octets) &+ UInt32(bits & 1)
            &+ UInt32(bits >> 1 & 1)
    }

    /// Reads the option a SYN offers its window scale with (RFC 7323 §2.2).
    @usableFromInline
    mutating func readScale(_ frame: inout MutableRawSpan, _ transport: Range<Int>) {
        guard let tcp = try? TCPView(frame.window(transport.lowerBound, transport.count)),
            let scale = tcp.windowScale
        else { return }
        self.scale = min(scale, 14)
    }
}

/// What is known of one end of a TCP connection. Fixed layout, 12 octets.
@frozen
public struct TCPEnd: BitwiseCopyable, Sendable {
    /// One past the highest sequence number it sent.
    @usableFromInline var end: UInt32 = 0
    /// The highest of its numbers that the other end acknowledged; that of its SYN until then.
    @usableFromInline var acknowledged: UInt32 = 0
    /// The largest window it advertised, in units of its scale.
    @usableFromInline var window: UInt16 = 0
    /// Its window scale as far as it is in force: 0 unless both ends offered one.
    @usableFromInline var scale: UInt8 = 0
    /// Bits of `TCPEndState`, and in the upper four the scale it offered.
    @usableFromInline var state: UInt8 = 0

    init() {}

    /// Its SYN was seen.
    @usableFromInline var isOpen: Bool { state & TCPEndState.open != 0 }
    /// Something of it, at least its SYN, was acknowledged.
    @usableFromInline var isAcknowledged: Bool { state & TCPEndState.acknowledged != 0 }
    /// It sent the first SYN.
    var isCaller: Bool { state & TCPEndState.caller != 0 }
    /// Octets it takes at most.
    @inlinable @inline(__always) var room: UInt32 { UInt32(window) << UInt32(scale & 15) }
}

@usableFromInline
enum TCPEndState {
    @usableFromInline static var open: UInt8 { 1 }
    @usableFromInline static var acknowledged: UInt8 { 2 }
    static var caller: UInt8 { 4 }
}

// The window checks of van Rooij, "Real Stateful TCP Packet Filtering in IP Filter", with one
// change: the highest number a sender may use is taken to be the highest one acknowledged and the
// largest window ever seen, which is never less than the highest sum of both, and keeps what a
// reset is judged by.
extension TCPEnd {
    /// How much older than a whole window a segment may be: a retransmission after all
    /// acknowledgements were lost, or the length of a fragmented segment, which is not known.
    @inlinable static var slack: UInt32 { 66_000 }

    /// Whether a segment with ACK that `self` sent to `other` belongs to the connection: neither
    /// its data nor what it acknowledges is too old or ahead of what was allowed or sent.
    @inlinable @inline(__always)
    func fits(_ segment: TCPSegment, to other: TCPEnd) -> Bool {
        let tooOld = segment.end &- (end &- other.room &- Self.slack)
        // One octet more: a closed window is probed (RFC 9293 §3.8.6.1), and more may follow that.
        let tooFar = acknowledged &+ other.room &+ 1 &- segment.sequence
        let oldAnswer = segment.acknowledgement &- (other.end &- room &- Self.slack)
        let earlyAnswer = other.end &- segment.acknowledgement
        // Each is negative, as a difference of sequence numbers, if its name is true.
        return Int32(bitPattern: tooOld | tooFar | oldAnswer | earlyAnswer) >= 0
    }

    /// Learns from a segment that was found to fit.
    @inlinable @inline(__always)
    mutating func send(_ segment: TCPSegment, to other: inout TCPEnd) {
        if Int32(bitPattern: segment.end &- end) > 0 { end = segment.end }
        if segment.window > window { window = segment.window }
        other.take(segment.acknowledgement)
    }

    /// Its data up to `number` was acknowledged.
    @inlinable @inline(__always)
    mutating func take(_ number: UInt32) {
        guard Int32(bitPattern: number &- acknowledged) > 0 else { return }
        acknowledged = number
        state |= TCPEndState.acknowledged
    }

    /// Begins with a SYN. The same SYN again takes nothing back: either copy may be answered.
    mutating func open(_ syn: TCPSegment) {
        if isOpen, !isAcknowledged, acknowledged == syn.sequence {
            if Int32(bitPattern: syn.end &- end) > 0 { end = syn.end }
            window = max(window, units(of: syn.window))
            if offered == TCPSegment.noScale { offered = syn.scale }
            return
        }
        let called = state & TCPEndState.caller
        self = TCPEnd()
        end = syn.end
        acknowledged = syn.sequence
        window = syn.window
        state = TCPEndState.open | called
        offered = syn.scale
    }

    /// Begins with the first SYN of a connection.
    mutating func begin(_ syn: TCPSegment) {
        open(syn)
        state |= TCPEndState.caller
    }

    private var offered: UInt8 {
        get { state >> 4 }
        set { state = state & 15 | newValue << 4 }
    }

    /// After both SYNs: window scales are in force if both ends offered one (RFC 7323 §2.2), though
    /// not for the windows of the SYNs themselves.
    static func settle(_ a: inout TCPEnd, _ b: inout TCPEnd) {
        guard a.offered != TCPSegment.noScale, b.offered != TCPSegment.noScale else { return }
        a.putScaleInForce()
        b.putScaleInForce()
    }

    private mutating func putScaleInForce() {
        guard scale == 0, offered != 0 else { return }
        scale = offered
        window = units(of: window)
    }

    /// The window of a SYN, which never is scaled, in units of the scale in force, rounded up.
    private func units(of window: UInt16) -> UInt16 {
        let most: UInt32 = 1 << UInt32(scale) - 1
        return UInt16(truncatingIfNeeded: (UInt32(window) + most) >> UInt32(scale))
    }

    /// Whether `number` acknowledges something of this end that is not older than `room` and more;
    /// at least its SYN.
    func isAcknowledged(by number: UInt32, room: UInt32) -> Bool {
        let age = end &- number
        return isAcknowledged ? age <= room &+ Self.slack : age < end &- acknowledged
    }

    /// Whether the other end expects a segment of this one to begin with `number`, as far as can
    /// be told: either all that was sent before has come, or only what was acknowledged.
    func expects(_ number: UInt32) -> Bool { number == end || number == acknowledged }

    /// Whether a segment beginning with `number` lies in the window of `other`.
    func isInWindow(_ number: UInt32, of other: TCPEnd) -> Bool {
        number &- acknowledged <= other.room
    }

    /// Whether `number` was sent before, not too long ago.
    func isRepeat(_ number: UInt32, to other: TCPEnd) -> Bool {
        end &- number &- 1 < other.room &+ Self.slack
    }

    /// Whether a segment beginning with `number` may be on its way (RFC 5927 §4.1).
    func isInFlight(_ number: UInt32) -> Bool {
        !isOpen || number &- acknowledged <= end &- acknowledged
    }
}
