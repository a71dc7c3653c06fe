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
}
