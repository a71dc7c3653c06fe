import CLinux
import Glibc
import Synchronization

/// Carries a noncopyable value to another thread exactly once.
public final class Handoff<Value: ~Copyable>: Sendable {
    private let slot: Mutex<Value?>

    /// Takes the value in.
    public init(_ value: consuming sending Value) { slot = Mutex(value) }

    /// Gives the value out, the first time; nil from then on.
    public func take() -> sending Value? {
        slot.withLock { slot in
            let value = slot.take()
            return value
        }
    }
}

/// A named thread that runs one function; joined by `join` or at the end of its value's life.
///
/// Signals other than those of a crash are blocked in it, so that they go to the signal descriptor.
public struct WorkerThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// Starts `body` on a thread called `name` (cut to 15 octets), on processor `cpu` if given.
    public init(
        name: String, cpu: Int? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        thread = try Self.start(Entry(name: name, body: body), cpu: cpu)
    }

    /// Starts `body` on a thread of its own, which becomes the only owner of `value`.
    public init<Value: ~Copyable>(
        name: String, cpu: Int? = nil, owning value: consuming sending Value,
        _ body: @escaping @Sendable (consuming Value) -> Void
    ) throws(SystemError) {
        let handoff = Handoff(value)
        try self.init(name: name, cpu: cpu) {
            if let value = handoff.take() { body(value) }
        }
    }

    deinit { pthread_join(thread, nil) }

    /// Waits until the thread's function has returned.
    public consuming func join() {}

    /// What the new thread is handed.
    private final class Entry: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static func start(_ entry: Entry, cpu: Int?) throws(SystemError) -> pthread_t {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        if let cpu { try bind(&attributes, to: cpu, entry.name) }

        // The thread inherits the mask, so no signal can reach it before it has blocked them.
        var blocked = sigset_t()
        unsafe sigfillset(&blocked)
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] {
            unsafe sigdelset(&blocked, signal)
        }
        var previous = sigset_t()
        unsafe pthread_sigmask(SIG_SETMASK, &blocked, &previous)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }

        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(entry)
        let code = unsafe pthread_create(
            &thread, &attributes,
            { @Sendable context in
                guard let context = unsafe context else { return nil }
                let entry = unsafe Unmanaged<Entry>.fromOpaque(context).takeRetainedValue()
                unsafe pthread_setname_np(pthread_self(), String(entry.name.prefix(15)))
                entry.body()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            unsafe context.release()
            throw SystemError(
                call: "pthread_create", code: code, subject: entry.name,
                remedy: cpu.map { "processor \($0) may not be available to this service" },
                action: "start thread")
        }
        return thread
    }

    /// Sets the only processor the thread may run on, in a mask of 1,024.
    private static func bind(
        _ attributes: inout pthread_attr_t, to cpu: Int, _ name: String
    ) throws(SystemError) {
        var code = EINVAL
        if (0..<1024).contains(cpu) {
            var mask = [UInt64](repeating: 0, count: 16)
            mask[cpu / 64] = 1 << UInt64(cpu % 64)
            code = unsafe pthread_attr_setaffinity_np(&attributes, 128, mask)
        }
        guard code == 0 else {
            throw SystemError(
                call: "pthread_attr_setaffinity_np", code: code, subject: name,
                remedy: "choose another processor than \(cpu)", action: "bind thread")
        }
    }
}
