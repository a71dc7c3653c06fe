import Synchronization
public import Timing

/// Tells the service manager that all threads are alive: the first does, if it has heard of all
/// others lately. Each thread has a copy of its own.
public struct Watchdog: Sendable {
    /// When each was last alive.
    private final class Signs: Sendable {
        let times: Mutex<[Instant]>
        init(_ times: [Instant]) { self.times = Mutex(times) }
    }

    private let signs: Signs
    private let index: Int
    private let service: ServiceManager
    private let pause: Interval
    private var next: Instant

    private init(
        _ signs: Signs, _ index: Int, _ service: ServiceManager, _ pause: Interval, _ now: Instant
    ) {
        (self.signs, self.index, self.service) = (signs, index, service)
        (self.pause, next) = (pause, now)
    }

    /// One for each of `count` threads, all alive at `now`; nil if nobody watches.
    public static func all(
        _ count: Int, _ service: ServiceManager, at now: Instant
    ) -> [Watchdog?] {
        guard let interval = service.watchdogInterval else {
            return Array(repeating: nil, count: count)
        }
        let signs = Signs(Array(repeating: now, count: count))
        let pause = Interval(nanoseconds: interval.nanoseconds / 3)
        return (0..<count).map { Watchdog(signs, $0, service, pause, now) }
    }

    /// The thread is alive; when it is to say so again: three times in the service manager's time.
    public mutating func isAlive(at now: Instant) -> Instant {
        guard next <= now else { return next }
        next = now + pause
        let oldest = signs.times.withLock { times in
            times[index] = now
            return times.min() ?? now
        }
        if index == 0, now - oldest <= pause + pause { service.watchdog() }
        return next
    }
}
