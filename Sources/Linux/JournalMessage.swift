/// One log message in the forms that the journal and a terminal take.
enum JournalMessage {
    /// The native journal protocol: `KEY=value` lines. Values hold no line breaks once escaped,
    /// so the form for binary values is never needed. Fields with unfit names are left out.
    static func native(
        identifier: String, priority: Int, message: String, fields: [(String, String)]
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        append("MESSAGE", message, to: &bytes)
        append("PRIORITY", String(priority), to: &bytes)
        append("SYSLOG_IDENTIFIER", identifier, to: &bytes)
        for (name, value) in fields where isFieldName(name) {
            append(name, value, to: &bytes)
        }
        return bytes
    }

    /// One line for a terminal or file: level, message, fields; cut to `lineLimit` octets.
    static func line(priority: Int, message: String, fields: [(String, String)]) -> [UInt8] {
        var bytes = Array("\(level(priority)): ".utf8)
        bytes.append(contentsOf: ControlBytes.escaped(message))
        for (name, value) in fields where isFieldName(name) {
            bytes.append(UInt8(ascii: " "))
            append(name, value, to: &bytes)
            bytes.removeLast()
        }
        if bytes.count > lineLimit - 1 {
            bytes.removeSubrange((lineLimit - 4)...)
            // Not in the middle of a character: off with its continuation octets and its first.
            while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
            if let last = bytes.last, last >= 0xc0 { bytes.removeLast() }
            bytes.append(contentsOf: "...".utf8)
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// Most octets of a line, its end included: with one more in front, a pipe takes it whole
    /// (PIPE_BUF).
    static let lineLimit = 4095

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "="))
        bytes.append(contentsOf: ControlBytes.escaped(value))
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Upper case, digits and `_`, at most 64, not beginning with `_` or a digit (systemd's rule).
    private static func isFieldName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (65...90).contains(first), name.utf8.count <= 64 else {
            return false
        }
        return name.utf8.allSatisfy {
            (65...90).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_")
        }
    }

    private static func level(_ priority: Int) -> String {
        switch priority {
        case ...2: "critical"
        case 3: "error"
        case 4: "warning"
        case 5: "notice"
        case 6: "info"
        default: "debug"
        }
    }
}
