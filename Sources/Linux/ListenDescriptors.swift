import Glibc

/// Descriptors handed over by the service manager: sockets it listens on, and those it stored
/// (sd_listen_fds(3)).
public struct ListenDescriptors: Sendable {
    /// One inherited descriptor; whoever uses it owns it.
    public struct Entry: Hashable, Sendable {
        /// FDNAME or FileDescriptorName; `unknown` where the manager gave none.
        public let name: String
        /// The open descriptor, close-on-exec.
        public let descriptor: Int32
    }

    /// All of them, in the manager's order; names may repeat.
    public let entries: [Entry]

    /// The first descriptor called `name`.
    public subscript(name: String) -> Int32? {
        entries.first { $0.name == name }?.descriptor
    }

    /// Takes the descriptors meant for this process and removes the variables that name them, so
    /// a second call finds none. Call it once, before other threads start.
    public static func take() -> ListenDescriptors {
        defer { Environment.unset(["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) }
        return ListenDescriptors(environment: Environment.process, first: 3)
    }

    /// The same from another environment and first descriptor, for tests.
    package init(environment: (String) -> String?, first: Int32) {
        guard environment("LISTEN_PID") == String(getpid()),
            let text = environment("LISTEN_FDS"), let count = Int32(text),
            (1...1024).contains(count)
        else {
            entries = []
            return
        }
        let names = (environment("LISTEN_FDNAMES") ?? "").split(
            separator: ":", omittingEmptySubsequences: false)
        entries = (0..<count).compactMap { index -> Entry? in
            let descriptor = first + index
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { return nil }
            let name = Int(index) < names.count ? String(names[Int(index)]) : ""
            return Entry(name: name.isEmpty ? "unknown" : name, descriptor: descriptor)
        }
    }
}
