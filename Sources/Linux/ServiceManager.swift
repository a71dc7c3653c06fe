import Glibc
public import Timing

/// Tells the service manager how the daemon is (sd_notify(3)), without libsystemd.
///
/// Every method but `settle` sends one datagram, never waits, and does nothing without
/// `$NOTIFY_SOCKET`; the results are false when nothing was sent. Any thread may use it.
public final class ServiceManager: Sendable {
    private let socket: LocalDatagram?
    /// How often at least `watchdog` must be called; nil when nobody watches.
    public let watchdogInterval: Interval?

    /// The service manager of this process's environment.
    public convenience init() { self.init(environment: Environment.process) }

    /// The service manager of another environment, for tests.
    package init(environment: (String) -> String?) {
        if let path = environment("NOTIFY_SOCKET") {
            socket = LocalDatagram(path: path)
        } else {
            socket = nil
        }
        watchdogInterval = Self.watchdogInterval(environment)
    }

    private static func watchdogInterval(_ environment: (String) -> String?) -> Interval? {
        guard let text = environment("WATCHDOG_USEC"), let microseconds = Int64(text),
            microseconds > 0, microseconds < Int64.max / 1000
        else { return nil }
        if let pid = environment("WATCHDOG_PID"), pid != String(getpid()) { return nil }
        return Interval(nanoseconds: microseconds * 1000)
    }

    /// The daemon is ready, or ready again after `reloading`.
    @discardableResult
    public func ready(status: String? = nil) -> Bool { send("READY=1", status) }

    /// One sentence for `systemctl status`.
    @discardableResult
    public func status(_ text: String) -> Bool { send(nil, text) }

    /// The configuration is being read again; `now` is the monotonic time, which newer systemd
    /// demands.
    @discardableResult
    public func reloading(at now: Instant) -> Bool {
        send("RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)", nil)
    }

    /// The daemon is about to end.
    @discardableResult
    public func stopping(status: String? = nil) -> Bool { send("STOPPING=1", status) }

    /// The daemon ends on its own after `period`; it is not to be killed before that and 10 s more.
    @discardableResult
    public func stopping(in period: Interval, status: String? = nil) -> Bool {
        let patience = period + .seconds(10)
        return send(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=\(patience.nanoseconds / 1000)", status)
    }

    /// The thread that calls this is alive.
    @discardableResult
    public func watchdog() -> Bool { send("WATCHDOG=1", nil) }

    /// Keeps a copy of `descriptor` in the service manager under `name` over a restart.
    ///
    /// `name` has 1 to 255 printable ASCII characters without `:`. The manager does not poll it:
    /// a TAP gives no sign there of its death.
    @discardableResult
    public func store(descriptor: Int32, name: String) -> Bool {
        guard Self.isStoreName(name) else { return false }
        return send("FDSTORE=1\nFDNAME=\(name)\nFDPOLL=0", nil, [descriptor])
    }

    /// Forgets all descriptors stored under `name`.
    @discardableResult
    public func removeStored(name: String) -> Bool {
        guard Self.isStoreName(name) else { return false }
        return send("FDSTOREREMOVE=1\nFDNAME=\(name)", nil)
    }

    /// Waits until the service manager has taken up all that was said before, `most` at most.
    public func settle(most: Interval = .seconds(2)) {
        var ends: [Int32] = [0, 0]
        guard socket != nil, unsafe pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { _ = close(ends[0]) }
        let isSaid = send("BARRIER=1", nil, [ends[1]])
        _ = close(ends[1])
        guard isSaid else { return }
        // It closes the other end.
        var file = pollfd(fd: ends[0], events: 0, revents: 0)
        _ = unsafe poll(&file, 1, Int32(clamping: most.wholeMilliseconds))
    }

    private static func isStoreName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count)
            && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") }
    }

    private func send(_ state: String?, _ status: String?, _ descriptors: [Int32] = []) -> Bool {
        var lines: [String] = []
        if let state { lines.append(state) }
        if let status {
            // A line break would begin another assignment.
            lines.append("STATUS=" + String(decoding: ControlBytes.escaped(status), as: UTF8.self))
        }
        let payload = Array(lines.joined(separator: "\n").utf8)
        return socket?.send(payload, descriptors: descriptors) == 0
    }
}
