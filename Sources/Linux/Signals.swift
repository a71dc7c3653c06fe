import CLinux
import Glibc

/// A signal that the daemon acts upon.
public enum Signal: Sendable {
    /// SIGTERM: end.
    case terminate
    /// SIGINT: end, asked for at a terminal.
    case interrupt
    /// SIGHUP: read the configuration again.
    case hangUp
    /// SIGUSR1: end, and a successor begins at once.
    case restart
}

/// Takes SIGTERM, SIGINT, SIGHUP and SIGUSR1 as readable events, and ignores SIGPIPE.
///
/// Make it on the first thread before any other starts, so that all inherit the blocked signals.
public struct Signals: ~Copyable, Sendable {
    private let file: Descriptor

    /// Readable while a signal waits.
    public var descriptor: Int32 { file.rawValue }

    /// Blocks the signals in the calling thread and opens the descriptor.
    public init() throws(SystemError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { unsafe sigaddset(&set, signal) }
        let code = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else {
            throw SystemError(call: "pthread_sigmask", code: code, subject: "signals")
        }
        let number = unsafe signalfd(-1, &set, CInt(SFD_NONBLOCK | SFD_CLOEXEC))
        guard number >= 0 else { throw SystemError.last("signalfd", "signals") }
        _ = signal(SIGPIPE, SIG_IGN)
        file = Descriptor(owning: number)
    }

    /// The next waiting signal; nil when there is none.
    public mutating func next() -> Signal? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while unsafe read(file.rawValue, &information, size) == size {
            switch Int32(information.ssi_signo) {
            case SIGTERM: return .terminate
            case SIGINT: return .interrupt
            case SIGHUP: return .hangUp
            case SIGUSR1: return .restart
            default: continue
            }
        }
        return nil
    }
}
