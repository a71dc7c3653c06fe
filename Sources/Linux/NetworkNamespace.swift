import CLinux
import Glibc

/// A network namespace held open.
public struct NetworkNamespace: ~Copyable, Sendable {
    private let file: Descriptor
    /// The name or path it was opened by.
    public let name: String

    /// The open namespace file, as RTM_SETLINK wants it.
    public var descriptor: Int32 { file.rawValue }

    /// Opens /run/netns/`name`, or the absolute path `name`.
    ///
    /// Throws ENOENT with the remedy `ip netns add NAME`, and EINVAL for a file that is no network
    /// namespace, such as the empty file left behind by a deleted one.
    public init(named name: String) throws(SystemError) {
        let isPath = name.hasPrefix("/")
        guard isPath || (!name.isEmpty && name != "." && name != ".." && !name.contains("/")) else {
            throw Self.error(
                "open", EINVAL, "\"\(name)\"", "give a name or an absolute path", exitStatus: 78)
        }
        let path = isPath ? name : "/run/netns/\(name)"
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else {
            let code = errno
            let missing = isPath ? "create it first" : "create it with: ip netns add \(name)"
            let remedy = code == ENOENT ? missing : "check the rights of \(path)"
            throw Self.error("open", code, name, remedy)
        }
        let file = Descriptor(owning: number)
        guard ioctl(number, Self.getKind, CInt(0)) == Self.networkKind else {
            let remedy =
                isPath
                ? "name a file such as /proc/PID/ns/net"
                : "create it again: ip netns delete \(name) && ip netns add \(name)"
            throw Self.error(
                "NS_GET_NSTYPE", EINVAL, name, remedy, reason: "\(path) is no network namespace",
                exitStatus: 66)
        }
        self.name = name
        self.file = file
    }

    private init(_ file: consuming Descriptor, name: String) {
        self.file = file
        self.name = name
    }

    /// The namespace the calling thread is in.
    public static func current() throws(SystemError) -> NetworkNamespace {
        let path = "/proc/thread-self/ns/net"
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError.last("open", path) }
        return NetworkNamespace(Descriptor(owning: number), name: path)
    }

    /// Moves the calling thread, and no other, into the namespace.
    public func enter() throws(SystemError) {
        guard setns(descriptor, Self.networkKind) == 0 else {
            let code = errno
            let remedy = code == EPERM ? "run as root or with CAP_SYS_ADMIN" : nil
            throw SystemError(
                call: "setns", code: code, subject: name, remedy: remedy,
                action: "enter network namespace")
        }
    }

    /// Runs `body` with the calling thread in the namespace, and puts the thread back, also when
    /// `body` throws.
    ///
    /// Throws what `body` throws, or a `SystemError` where the thread may not change namespace.
    public func perform<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
        let previous = try NetworkNamespace.current()
        try enter()
        let result: Result
        do {
            result = try body()
        } catch {
            try previous.enter()
            throw error
        }
        try previous.enter()
        return result
    }

    private static let getKind: UInt = 0xb703  // NS_GET_NSTYPE, linux/nsfs.h
    private static let networkKind: CInt = 0x4000_0000  // CLONE_NEWNET, linux/sched.h

    private static func error(
        _ call: String, _ code: Int32, _ name: String, _ remedy: String, reason: String? = nil,
        exitStatus: Int32? = nil
    ) -> SystemError {
        SystemError(
            call: call, code: code, subject: name, remedy: remedy,
            action: "open network namespace", reason: reason, exitStatus: exitStatus)
    }
}
