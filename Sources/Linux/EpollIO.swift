import CLinux
public import Glibc
public import Timing
public import Wire

/// Frame I/O by epoll, read(2) and write(2): one system call a frame and one a wait.
///
/// Level triggered, so a side that was not read until `.empty` is reported by the next wait without
/// bookkeeping here. Nothing is allocated after `init`.
public struct EpollIO: FrameIO, ~Copyable {
    @usableFromInline let lan: Int32
    @usableFromInline let wan: Int32
    private let poller: Descriptor
    private var hasPreciseWait = true
    @usableFromInline var lanFailures = WriteFailures()
    @usableFromInline var wanFailures = WriteFailures()
    @usableFromInline var taken = 0

    /// Watches the two TAPs and a mailbox. The descriptors stay the caller's, must be non-blocking,
    /// and must outlive this value.
    public init(lan: Int32, wan: Int32, mailbox: Int32?) throws(SystemError) {
        let number = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard number >= 0 else { throw SystemError.last("epoll_create1", "an epoll instance") }
        let poller = Descriptor(owning: number)
        try Self.watch(poller.rawValue, lan, as: .lan)
        try Self.watch(poller.rawValue, wan, as: .wan)
        if let mailbox { try Self.watch(poller.rawValue, mailbox, as: .mailbox) }
        self.lan = lan
        self.wan = wan
        self.poller = poller
    }

    private static func watch(
        _ poller: Int32, _ descriptor: Int32, as ready: Ready
    ) throws(SystemError) {
        var event = unsafe epoll_event()
        unsafe event.events = EPOLLIN.rawValue
        unsafe event.data.u32 = UInt32(ready.rawValue)
        guard unsafe epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw SystemError.last("epoll_ctl", "descriptor \(descriptor)", action: "watch")
        }
    }

    /// Waits in one system call; see `FrameIO.wait`.
    public mutating func wait(until deadline: Instant?) throws(SystemError) -> Ready {
        var timeout: Interval?
        if let deadline {
            timeout = max(deadline - Clock.now(), Interval(nanoseconds: 0))
        }
        return try unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 3) {
            (events) throws(SystemError) -> Ready in
            let count = unsafe pollOnce(events, timeout)
            guard count >= 0 else {
                if errno == EINTR { return [] }
                throw SystemError.last("epoll_wait", "the TAPs", action: "wait for")
            }
            var ready: Ready = []
            for index in 0..<Int(count) {
                unsafe ready.formUnion(Self.ready(events[index]))
            }
            return ready
        }
    }

    private mutating func pollOnce(
        _ events: UnsafeMutableBufferPointer<epoll_event>, _ timeout: Interval?
    ) -> CInt {
        guard let timeout else {
            return unsafe epoll_wait(poller.rawValue, events.baseAddress, 3, -1)
        }
        if timeout.nanoseconds == 0 {
            return unsafe epoll_wait(poller.rawValue, events.baseAddress, 3, 0)
        }
        if hasPreciseWait {
            var span = timespec(
                tv_sec: Int(timeout.wholeSeconds),
                tv_nsec: Int(timeout.nanoseconds % 1_000_000_000))
            let count = unsafe epoll_pwait2(poller.rawValue, events.baseAddress, 3, &span, nil)
            // Kernels before 5.11 lack it, and a seccomp filter may refuse it.
            guard count < 0, errno == ENOSYS || errno == EPERM else { return count }
            hasPreciseWait = false
        }
        let milliseconds = min((timeout.nanoseconds &+ 999_999) / 1_000_000, 3_600_000)
        return unsafe epoll_wait(
            poller.rawValue, events.baseAddress, 3, CInt(truncatingIfNeeded: milliseconds))
    }

    private static func ready(_ event: epoll_event) -> Ready {
        let source = unsafe Ready(rawValue: UInt8(truncatingIfNeeded: event.data.u32))
        let bits = unsafe event.events
        var ready: Ready = []
        if bits & EPOLLIN.rawValue != 0 { ready.insert(source) }
        if bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
            if source == .lan { ready.insert(.lanFailed) }
            if source == .wan { ready.insert(.wanFailed) }
        }
        return ready
    }

    /// Reads one frame; see `FrameIO.read`.
    @inlinable
    public mutating func read(
        _ side: Side, into buffer: UnsafeMutableRawBufferPointer
    ) -> ReadResult {
        let file = side == .lan ? lan : wan
        let count = unsafe Glibc.read(file, buffer.baseAddress, buffer.count)
        if count >= 0 { return count < buffer.count ? .frame(byteCount: count) : .truncated }
        switch errno {
        case EAGAIN, EINTR, ENOBUFS, ENOMEM: return .empty
        case EIO: return .down
        default: return .gone
        }
    }

    /// Writes one frame at once; see `FrameIO.write`.
    @inlinable
    public mutating func write(_ side: Side, _ bytes: UnsafeRawBufferPointer) {
        let file = side == .lan ? lan : wan
        if unsafe Glibc.write(file, bytes.baseAddress, bytes.count) >= 0 {
            taken &+= 1
        } else {
            let code = errno
            if side == .lan { lanFailures.count(code) } else { wanFailures.count(code) }
        }
    }

    /// Frames taken since the last flush; nothing is ever queued.
    @inlinable
    @discardableResult
    public mutating func flush() -> Int {
        let count = taken
        taken = 0
        return count
    }

    /// The failures so far; see `FrameIO.writeFailures`.
    public func writeFailures(_ side: Side) -> WriteFailures {
        side == .lan ? lanFailures : wanFailures
    }
}
