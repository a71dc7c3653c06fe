import Glibc

/// The environment variables of this process.
enum Environment {
    /// The value of a variable; nil when unset.
    static func process(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Removes variables, so that no child takes them for its own.
    static func unset(_ names: [String]) {
        for name in names { _ = unsafe unsetenv(name) }
    }
}

/// Makes text from outside safe for logs and terminals.
enum ControlBytes {
    /// The UTF-8 of `text` with C0 and C1 control characters and DEL written as `\xNN`.
    static func escaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            let value = scalar.value
            if value < 0x20 || (0x7f...0x9f).contains(value) {
                let digits = String(value, radix: 16)
                bytes.append(contentsOf: (value < 16 ? "\\x0" : "\\x").utf8)
                bytes.append(contentsOf: digits.utf8)
            } else {
                bytes.append(contentsOf: scalar.utf8)
            }
        }
        return bytes
    }
}
