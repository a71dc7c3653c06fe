import Glibc
public import Wire

/// What `FrameIO.wait` woke up for; empty when the deadline passed.
@frozen
public struct Ready: OptionSet, Sendable {
    /// One bit for each member.
    public let rawValue: UInt8

    /// The set with these bits.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The LAN's TAP has frames.
    @inlinable public static var lan: Ready { Ready(rawValue: 1) }
    /// The WAN's TAP has frames.
    @inlinable public static var wan: Ready { Ready(rawValue: 2) }
    /// The mailbox has messages.
    @inlinable public static var mailbox: Ready { Ready(rawValue: 4) }
    /// The LAN's interface was deleted. Stays set: stop using this I/O.
    @inlinable public static var lanFailed: Ready { Ready(rawValue: 8) }
    /// The WAN's interface was deleted. Stays set: stop using this I/O.
    @inlinable public static var wanFailed: Ready { Ready(rawValue: 16) }
    /// The timer of `FrameIO` went off, which keeps that to itself.
    static var timer: Ready { Ready(rawValue: 32) }

    /// The member that says that `side` has frames.
    @inlinable
    public static func frames(_ side: Side) -> Ready { side == .lan ? .lan : .wan }

    /// The member that says that the interface of `side` was deleted.
    @inlinable
    public static func failed(_ side: Side) -> Ready { side == .lan ? .lanFailed : .wanFailed }
}

/// What came of reading one frame.
@frozen
public enum ReadResult: Hashable, Sendable {
    /// A frame of this many octets, its virtio-net header included.
    case frame(byteCount: Int)
    /// Nothing is there now (EAGAIN); so also while the interface is down.
    case empty
    /// The interface is down (EIO): transient.
    case down
    /// The interface or the descriptor is no more (EBADFD and whatever else is not transient).
    case gone
    /// The frame filled the whole buffer, and may have been longer: drop it.
    case truncated
}

/// Frames that the kernel did not take, by cause.
@frozen
public struct WriteFailures: Hashable, Sendable {
    /// The interface was down (EIO): transient.
    public var down: UInt64 = 0
    /// The kernel had no room (EAGAIN, ENOBUFS, ENOMEM): transient.
    public var busy: UInt64 = 0
    /// The kernel found fault with the frame (EINVAL and others).
    public var refused: UInt64 = 0
    /// The interface was deleted (EBADFD).
    public var gone: UInt64 = 0

    /// None yet.
    @inlinable
    public init() {}

    /// Counts frames refused with the errno value `code`.
    public mutating func count(_ code: Int32, frames: UInt64 = 1) {
        switch code {
        case EIO: down &+= frames
        case EAGAIN, ENOBUFS, ENOMEM, EINTR: busy &+= frames
        case EBADFD, EBADF: gone &+= frames
        default: refused &+= frames
        }
    }

    /// The sum of all causes.
    @inlinable public var total: UInt64 { down &+ busy &+ refused &+ gone }
}
