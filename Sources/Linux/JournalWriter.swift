import CLinux
import Glibc
import Synchronization
package import Timing

/// Writes log messages to the journal, or to standard error where that is not the journal.
///
/// It never waits: what cannot be taken at once is dropped and counted. Control characters are
/// escaped. Each class of message may speak 20 times at once and 5 times a second, then one line
/// says how many were held back. Any thread may use it.
public final class JournalWriter: Sendable {
    private struct State {
        var limiter = RateLimiter()
        var dropped: UInt64 = 0
        /// The last line was cut off by a full pipe.
        var isTorn = false
    }

    private let identifier: String
    private let journal: LocalDatagram?
    private let errorOutput: Int32
    private let clock: @Sendable () -> Instant
    private let state = Mutex(State())

    /// Messages that neither the journal nor standard error took at once.
    public var droppedCount: UInt64 { state.withLock { $0.dropped } }

    /// Whether messages go to the journal.
    public var writesToJournal: Bool { journal != nil }

    /// A writer under the name `identifier` (SYSLOG_IDENTIFIER). It speaks the native protocol if
    /// `$JOURNAL_STREAM` says that standard error is the journal.
    public convenience init(identifier: String) {
        self.init(
            identifier: identifier, environment: Environment.process,
            socketPath: "/run/systemd/journal/socket", errorOutput: 2, clock: Clock.now)
    }

    /// A writer with another environment, socket, output and clock, for tests.
    package init(
        identifier: String, environment: (String) -> String?, socketPath: String,
        errorOutput: Int32, clock: @escaping @Sendable () -> Instant
    ) {
        self.identifier = identifier
        self.errorOutput = errorOutput
        self.clock = clock
        var status = stat()
        if let stream = environment("JOURNAL_STREAM"), unsafe fstat(errorOutput, &status) == 0,
            stream == "\(status.st_dev):\(status.st_ino)"
        {
            journal = LocalDatagram(path: socketPath)
        } else {
            journal = nil
        }
    }

    /// Writes a message of syslog `priority` (0 emergency to 7 debug) with journal fields.
    ///
    /// Its class for the rate limit is the field `GATEWAYD_EVENT`, or else its priority. Fields
    /// whose names the journal would refuse are left out. Without `isLimited` there is no limit.
    public func write(
        priority: Int, message: String, fields: [(String, String)] = [], isLimited: Bool = true
    ) {
        guard isLimited else {
            state.withLock { emit(priority, message, fields, &$0) }
            return
        }
        let kind = fields.first { $0.0 == "GATEWAYD_EVENT" }?.1 ?? "priority \(priority)"
        state.withLock { state in
            let (passes, suppressed) = state.limiter.admit(kind, at: clock())
            guard passes else { return }
            if suppressed > 0 { emitSuppressed(suppressed, kind, &state) }
            emit(priority, message, fields, &state)
        }
    }

    /// Tells of messages held back in classes that have been quiet since; call it now and then.
    public func writeSuppressed() {
        state.withLock { state in
            for (kind, count) in state.limiter.takeSuppressed(at: clock()) {
                emitSuppressed(count, kind, &state)
            }
        }
    }

    private func emitSuppressed(_ count: UInt64, _ kind: String, _ state: inout State) {
        emit(5, "\(count) suppressed: \(kind)", [("GATEWAYD_SUPPRESSED", String(count))], &state)
    }

    private func emit(
        _ priority: Int, _ message: String, _ fields: [(String, String)], _ state: inout State
    ) {
        let priority = min(max(priority, 0), 7)
        let isTaken: Bool
        if journal != nil {
            isTaken = sendToJournal(
                JournalMessage.native(
                    identifier: identifier, priority: priority, message: message, fields: fields))
        } else {
            isTaken = writeLine(
                JournalMessage.line(priority: priority, message: message, fields: fields), &state)
        }
        if !isTaken { state.dropped &+= 1 }
    }

    /// Sends the datagram, or a sealed memory file that holds it if it is too long.
    private func sendToJournal(_ bytes: [UInt8]) -> Bool {
        switch journal?.send(bytes) {
        case 0: return true
        case EMSGSIZE, ENOBUFS:
            guard let file = Self.sealedFile(bytes) else { return false }
            return journal?.send([], descriptors: [file.rawValue]) == 0
        default: return false
        }
    }

    private static func sealedFile(_ bytes: [UInt8]) -> Descriptor? {
        // MFD_CLOEXEC | MFD_ALLOW_SEALING (linux/memfd.h)
        let number = unsafe memfd_create("journal", 1 | 2)
        guard number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        guard unsafe Glibc.write(number, bytes, bytes.count) == bytes.count else { return nil }
        // F_ADD_SEALS: SEAL, SHRINK, GROW and WRITE, without which journald takes it from nobody.
        guard fcntl(number, 1033, 1 | 2 | 4 | 8) == 0 else { return nil }
        return file
    }

    /// Writes the line if the descriptor takes it without waiting.
    ///
    /// O_NONBLOCK would change the description for every other process on that terminal, so the
    /// descriptor is asked first; a pipe that is writable has room for a line.
    private func writeLine(_ line: [UInt8], _ state: inout State) -> Bool {
        var query = pollfd(fd: errorOutput, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&query, 1, 0) == 1, query.revents & Int16(POLLOUT) != 0 else {
            return false
        }
        let bytes = state.isTorn ? [UInt8(ascii: "\n")] + line : line
        var count = unsafe Glibc.send(
            errorOutput, bytes, bytes.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
        if count < 0, errno == ENOTSOCK {
            count = unsafe Glibc.write(errorOutput, bytes, bytes.count)
        }
        if count > 0 { state.isTorn = count < bytes.count }
        return count == bytes.count
    }
}
