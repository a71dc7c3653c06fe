import Control
import Glibc
import Words

/// Finds the control socket of the gateway that is meant.
enum Instances {
    /// Where each gateway has a directory with its socket; another one in tests.
    static var directory: String {
        environment("GATEWAYD_RUNTIME_DIRECTORY") ?? "/run/gatewayd"
    }

    static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The path of the socket: of `--socket`, `-i`, `$GATEWAYD_INSTANCE`, or the only one there is.
    static func socket(_ options: GlobalOptions) throws -> String {
        if let path = options.socket { return path }
        if let name = options.instance ?? environment("GATEWAYD_INSTANCE") {
            guard isName(name) else {
                throw Failure(
                    sentence: "'\(name)' cannot be the name of a gateway", status: Status.usage)
            }
            return try named(name)
        }
        let found = try names()
        if found.count == 1 { return path(of: found[0]) }
        let running = found.filter { answers(path(of: $0)) }
        switch running.count {
        case 0 where found.isEmpty:
            throw Failure(
                sentence: "gatewayd is not running: there is no control socket in \(directory)",
                status: Status.unavailable, detail: ["start it with: systemctl start gatewayd@NAME"]
            )
        case 0: return path(of: found[0])
        case 1: return path(of: running[0])
        default:
            throw Failure(
                sentence: "\(running.count) gateways are running: "
                    + "\(running.joined(separator: ", ")); say which with -i NAME",
                status: Status.usage)
        }
    }

    private static func named(_ name: String) throws -> String {
        let path = path(of: name)
        let found = try names()
        guard !found.contains(name) else { return path }
        let near = Spelling.suggestion(for: name, among: found)
        throw Failure(
            sentence: "gateway '\(name)' is not running"
                + (near.map { "; did you mean '\($0)'?" }
                    ?? (found.isEmpty ? "" : "; there is \(found.joined(separator: ", "))")),
            status: Status.unavailable)
    }

    private static func path(of name: String) -> String { "\(directory)/\(name)/control.sock" }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
            && !name.utf8.contains(0)
    }

    /// Gateways that have a socket, by name.
    private static func names() throws -> [String] {
        guard let stream = unsafe opendir(directory) else {
            guard errno != EACCES else {
                throw Failure(
                    sentence: "no permission for \(directory): your user is not in group gatewayd",
                    status: Status.noPermission)
            }
            return []
        }
        defer { unsafe _ = closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard isName(name) else { continue }
            // A directory that is closed to us may well have a socket; connecting will tell.
            if unsafe access(path(of: name), F_OK) == 0 || errno == EACCES { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether somebody listens there; also true if we may not know.
    private static func answers(_ path: String) -> Bool {
        let probe = Glibc.socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { return true }
        defer { close(probe) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count <= 107 else { return false }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result == 0 || errno != ECONNREFUSED && errno != ENOENT
    }
}
