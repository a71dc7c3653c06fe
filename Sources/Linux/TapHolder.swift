import Glibc

/// Finds who holds a TAP, for the error message of a busy one.
enum TapHolder {
    /// The processes with a TUN descriptor of the interface `name`, as `pid 12 (qemu)`; empty where
    /// /proc does not let us see them. Equal names in other namespaces are included.
    static func all(of name: String) -> [String] {
        entries(of: "/proc").compactMap { entry -> String? in
            guard let pid = Int32(entry) else { return nil }
            guard holds(pid, name) else { return nil }
            let command = contents("/proc/\(pid)/comm").prefix { $0 != "\n" }
            return command.isEmpty ? "pid \(pid)" : "pid \(pid) (\(command))"
        }
    }

    /// Whether one of the process's descriptors says `iff:` and the name (tun_chr_show_fdinfo).
    private static func holds(_ pid: Int32, _ name: String) -> Bool {
        let directory = "/proc/\(pid)/fdinfo"
        return entries(of: directory).contains { entry in
            contents("\(directory)/\(entry)").split(separator: "\n").contains { line in
                line.hasPrefix("iff:") && line.dropFirst(4).drop { $0 == "\t" || $0 == " " } == name
            }
        }
    }

    private static func entries(of directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// The first 4 KiB of a small file; empty when it cannot be read.
    private static func contents(_ path: String) -> String {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return "" }
        let file = Descriptor(owning: number)
        return unsafe String(unsafeUninitializedCapacity: 4096) { buffer in
            max(0, unsafe read(file.rawValue, buffer.baseAddress, 4096))
        }
    }
}
