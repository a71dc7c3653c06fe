internal import Glibc

/// Why a configuration file could not be read at all.
public enum ConfigurationFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// We may not read it.
    case unreadable(path: String)
    /// Anything else, in the system's words.
    case failed(path: String, reason: String)

    /// The exit status for it: 66, 77 or 74 (sysexits.h).
    public var exitCode: Int32 {
        switch self {
        case .missing: 66
        case .unreadable: 77
        case .failed: 74
        }
    }

    /// One sentence without a full stop.
    public var description: String {
        switch self {
        case .missing(let path): "\(Escaping.escaped(path)): no such file"
        case .unreadable(let path): "\(Escaping.escaped(path)): no permission to read it"
        case .failed(let path, let reason): "\(Escaping.escaped(path)): \(reason)"
        }
    }

    fileprivate init(path: String, code: Int32) {
        switch code {
        case ENOENT, ENOTDIR: self = .missing(path: path)
        case EACCES, EPERM: self = .unreadable(path: path)
        default:
            let reason = unsafe strerror(code).map { unsafe String(cString: $0) }
            self = .failed(path: path, reason: reason ?? "error \(code)")
        }
    }
}

extension ConfigurationChecks {
    /// Looks at the machine we run on.
    public static let system = ConfigurationChecks(
        namespaceExists: { namespace in
            let path = namespace.hasPrefix("/") ? namespace : "/run/netns/\(namespace)"
            return unsafe access(path, F_OK) == 0
        },
        readKey: { path in
            var facts = stat()
            guard unsafe stat(path, &facts) == 0,
                let bytes = try? ConfigurationLoader.read(path, most: 4096)
            else { return .missing }
            return facts.st_mode & 0o004 == 0 ? .key(bytes) : .open
        })
}

extension ConfigurationLoader {
    /// Reads the configuration file at `path`.
    public static func load(
        path: String, machineID: String, checks: ConfigurationChecks = .system
    ) throws(ConfigurationFileError) -> ConfigurationResult {
        // One byte more than is allowed tells a file of the largest size from a larger one.
        let bytes = try read(path, most: largestFile + 1)
        return parse(bytes, file: path, machineID: machineID, checks: checks)
    }

    /// The bytes of the file at `path`, but no more than `most`.
    public static func read(
        _ path: String, most: Int = largestFile
    ) throws(ConfigurationFileError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw ConfigurationFileError(path: path, code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        let chunk = 64 * 1024
        while bytes.count < most {
            var code: Int32 = 0
            let wanted = min(chunk, most - bytes.count)
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                repeat {
                    count = unsafe Glibc.read(descriptor, buffer.baseAddress, wanted)
                    code = count < 0 ? errno : 0
                } while code == EINTR
                count = max(0, count)
            }
            guard code == 0 else { throw ConfigurationFileError(path: path, code: code) }
            if piece.isEmpty { break }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }
}
