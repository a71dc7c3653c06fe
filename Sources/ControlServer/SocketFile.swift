import Glibc

/// Why the server cannot listen.
public enum ControlServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `start` was called twice.
    case alreadyStarted
    /// Another process answers there.
    case inUse(path: String)
    /// There is a file of another kind at the path.
    case notASocket(path: String)
    /// A path must have 1 to 107 octets and none that is 0.
    case badPath(String)
    /// There is no group of this name.
    case noGroup(String)
    /// The system refused; `call` says what.
    case system(call: String, path: String, errno: Int32)

    /// One sentence.
    public var description: String {
        switch self {
        case .alreadyStarted: "the control server is running already"
        case .inUse(let path): "another process listens at \(path)"
        case .notASocket(let path): "\(path) exists and is not a socket"
        case .badPath(let path): "'\(path)' cannot be the path of a socket (1 to 107 octets)"
        case .noGroup(let name): "there is no group '\(name)'"
        case .system(let call, let path, let number):
            unsafe "cannot \(call) \(path): \(String(cString: strerror(number)))"
        }
    }
}

/// A socket file of our own making, and the descriptor that listens there.
struct SocketFile {
    let path: String
    let descriptor: Int32
    private let device: dev_t
    private let inode: ino_t

    /// Makes the file and listens. Nobody can connect before the permissions are right: the mode
    /// is given to the socket before it gets its name, and it listens last.
    init(path: String, mode: UInt16, group: String?) throws(ControlServerError) {
        try Self.removeStale(path)
        let number = try group.map(Self.number)
        func failed(_ call: String) -> ControlServerError {
            .system(call: call, path: path, errno: errno)
        }
        let kind =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw failed("make the socket") }
        var made = false
        do throws(ControlServerError) {
            guard fchmod(descriptor, 0) == 0 else { throw failed("set the mode of") }
            guard try unsafe Self.withAddress(path, { unsafe bind(descriptor, $0, $1) }) == 0
            else { throw failed("make") }
            made = true
            if let number, unsafe lchown(path, uid_t.max, number) != 0 {
                throw failed("set the group of")
            }
            guard unsafe chmod(path, mode_t(mode & 0o777)) == 0 else {
                throw failed("set the mode of")
            }
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else { throw failed("look at") }
            guard listen(descriptor, 64) == 0 else { throw failed("listen at") }
            self.path = path
            self.descriptor = descriptor
            device = status.st_dev
            inode = status.st_ino
        } catch {
            if made { unsafe _ = unlink(path) }
            close(descriptor)
            throw error
        }
    }

    /// Removes the file unless another has taken its place.
    func remove() {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode
        else { return }
        unsafe _ = unlink(path)
    }

    /// Makes a socket that was passed in fit for an event loop.
    static func prepare(_ descriptor: Int32) throws(ControlServerError) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0,
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
        else {
            throw .system(call: "use", path: "descriptor \(descriptor)", errno: errno)
        }
    }

    private static func number(_ group: String) throws(ControlServerError) -> gid_t {
        guard let number = Peers.groupNumber(group) else { throw .noGroup(group) }
        return number
    }

    private static func removeStale(_ path: String) throws(ControlServerError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw .system(call: "make a socket for", path: path, errno: errno) }
        defer { close(probe) }
        let result = try unsafe withAddress(path) { unsafe connect(probe, $0, $1) }
        // EAGAIN: somebody listens and has many clients.
        guard result != 0, errno == ECONNREFUSED else { throw .inUse(path: path) }
        guard unsafe unlink(path) == 0 else {
            throw .system(call: "replace", path: path, errno: errno)
        }
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(ControlServerError) -> Int32 {
        let bytes = Array(path.utf8)
        guard (1...107).contains(bytes.count), !bytes.contains(0) else { throw .badPath(path) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
