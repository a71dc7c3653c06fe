import CLinux
public import Glibc
public import Timing
public import Wire

/// How a worker gets frames from its two TAPs and gives frames to them.
///
/// Reads go one system call a frame until a side is empty, writes leave in one io_uring_enter(2)
/// for a whole batch, or by write(2) where io_uring is missing or forbidden. The wait is epoll's,
/// level triggered: a side that was not read until `.empty` is reported again. One thread uses it,
/// the one that made it. Frames have a `VirtioNetHeader` in front. Nothing is allocated after
/// `init`.
public struct FrameIO: ~Copyable {
    @usableFromInline let lan: Int32
    @usableFromInline let wan: Int32
    private let poller: Descriptor
    private let timer: Descriptor
    /// When the timer goes off; nil when it will not.
    private var alarm: Instant?
    private var ring: WriteRing?
    private var usesRing: Bool
    /// Why frames are written one by one; nil while io_uring writes them.
    public private(set) var ringFailure: SystemError?
    private var tally = WriteTally()

    /// Watches the two TAPs and a mailbox. The descriptors stay the caller's, must be non-blocking,
    /// and must outlive this value.
    public init(
        lan: Int32, wan: Int32, mailbox: Int32?, usesRing: Bool = true
    ) throws(SystemError) {
        let number = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard number >= 0 else { throw SystemError.last("epoll_create1", "an epoll instance") }
        let poller = Descriptor(owning: number)
        try Self.watch(poller.rawValue, lan, as: .lan)
        try Self.watch(poller.rawValue, wan, as: .wan)
        if let mailbox { try Self.watch(poller.rawValue, mailbox, as: .mailbox) }
        let clock = timerfd_create(CLOCK_MONOTONIC, CInt(O_NONBLOCK | O_CLOEXEC))
        guard clock >= 0 else { throw SystemError.last("timerfd_create", "a timer") }
        let timer = Descriptor(owning: clock)
        try Self.watch(poller.rawValue, clock, as: .timer)
        self.lan = lan
        self.wan = wan
        self.poller = poller
        self.timer = timer
        self.usesRing = usesRing
        guard usesRing else { return }
        do throws(SystemError) {
            ring = try WriteRing(lan: lan, wan: wan)
        } catch {
            self.usesRing = false
            ringFailure = error
        }
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

    /// Waits until a side or the mailbox has something or `deadline` passed; nil waits for ever.
    ///
    /// A deadline not after `now` only looks. The set is empty when the deadline passed, and once
    /// at a deadline given before. For `busy` it looks again and again before it sleeps: to be
    /// woken takes longer than most packets take to come.
    public mutating func wait(
        until deadline: Instant?, now: Instant, busy: Interval = .seconds(0)
    ) throws(SystemError) -> Ready {
        if let deadline, deadline <= now { return try look(andWait: false) }
        if busy > .seconds(0) {
            let end = min(now + busy, deadline ?? now + busy)
            repeat {
                let ready = try look(andWait: false)
                if !ready.isEmpty { return ready }
                // Whoever answers may need this very core.
                sched_yield()
            } while Clock.now() < end
        }
        if let deadline { try setAlarm(deadline) }
        return try look(andWait: true)
    }

    private mutating func look(andWait: Bool) throws(SystemError) -> Ready {
        try unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 4) {
            (events) throws(SystemError) -> Ready in
            var count: CInt = 0
            repeat {
                count = unsafe epoll_wait(
                    poller.rawValue, events.baseAddress, 4, andWait ? -1 : 0)
                // The kernel's end of a ring interrupts, too, a while after the ring was given up.
            } while count < 0 && errno == EINTR
            guard count >= 0 else {
                throw SystemError.last("epoll_wait", "the TAPs", action: "wait for")
            }
            var ready: Ready = []
            for index in 0..<Int(count) {
                unsafe ready.formUnion(Self.ready(events[index]))
            }
            if ready.remove(.timer) != nil { stopAlarm() }
            return ready
        }
    }

    /// The timer is only ever set to an earlier time: to program it for every wait costs more than
    /// to wake up once too often.
    private mutating func setAlarm(_ deadline: Instant) throws(SystemError) {
        if let alarm, alarm <= deadline { return }
        var setting = itimerspec()
        setting.it_value = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
            tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        guard
            unsafe timerfd_settime(timer.rawValue, CInt(TFD_TIMER_ABSTIME), &setting, nil) == 0
        else { throw SystemError.last("timerfd_settime", "the timer", action: "set") }
        alarm = deadline
    }

    private mutating func stopAlarm() {
        var expirations: UInt64 = 0
        _ = unsafe Glibc.read(timer.rawValue, &expirations, MemoryLayout<UInt64>.size)
        alarm = nil
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

    /// Reads one frame of `side` without waiting; `buffer` should exceed the longest frame.
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

    /// Writes one frame to `side`, at once or at the next `flush`: `bytes` must stay valid and
    /// unchanged until then. What the kernel does not take is in `writeFailures`, as `frames` of
    /// them: a super-packet may hold several.
    public mutating func write(
        _ side: Side, _ bytes: UnsafeRawBufferPointer, frames: Int = 1
    ) {
        if usesRing {
            if unsafe ring?.queue(side, bytes, frames: frames) == true { return }
            submit()
            if usesRing, unsafe ring?.queue(side, bytes, frames: frames) == true { return }
        }
        let count = unsafe Glibc.write(side == .lan ? lan : wan, bytes.baseAddress, bytes.count)
        tally.note(side, count >= 0 ? 0 : -errno, frames: frames)
    }

    private mutating func submit() {
        do throws(SystemError) {
            try ring?.submit(into: &tally)
        } catch {
            usesRing = false
            ringFailure = error
        }
    }

    /// Writes everything queued. Returns how many frames the kernel has taken since the last flush.
    @discardableResult
    public mutating func flush() -> Int {
        if usesRing { submit() }
        let count = tally.taken
        tally.taken = 0
        return count
    }

    /// The frames written to `side` that the kernel did not take, since the start.
    public func writeFailures(_ side: Side) -> WriteFailures {
        tally.failures[Int(side.rawValue)]
    }
}
