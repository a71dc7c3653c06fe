/// Something to tell about a configuration file, with its place in the file.
public struct Diagnostic: Hashable, Sendable {
    /// How much it matters.
    public enum Severity: String, Sendable {
        /// The file cannot be used.
        case error
        /// The file can be used but probably does not do what was meant.
        case warning
        /// Good to know.
        case note
    }

    /// The file's name as given.
    public var file: String
    /// Line, from 1.
    public var line: Int
    /// Column in characters, from 1.
    public var column: Int
    /// Characters to underline, at least 1.
    public var length: Int
    /// How much it matters.
    public var severity: Severity
    /// `E011`, `W024`: never changes its meaning.
    public var code: String
    /// One sentence that names the setting.
    public var message: String
    /// What to write instead.
    public var help: String?

    /// A diagnostic of these fields.
    public init(
        file: String, line: Int, column: Int, length: Int = 1, severity: Severity = .error,
        code: String, message: String, help: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.severity = severity
        self.code = code
        self.message = message
        self.help = help
    }

    /// The text with the source line and carets, each line ended by a newline.
    ///
    /// `source` is the whole file. Control bytes and what could reorder text are escaped.
    public func render(source: [UInt8]) -> String {
        var lines = SourceLines(source)
        return render(excerpt: lines.excerpt(line: line, column: column, length: length))
    }

    func render(excerpt: Excerpt) -> String {
        let number = String(line)
        let margin = String(repeating: " ", count: number.utf8.count)
        var text = "\(Escaping.escaped(file)):\(line):\(column): \(severity.rawValue)[\(code)]: "
        text += message + "\n"
        text += " \(number) | \(excerpt.text)".trimmingTrailingSpaces() + "\n"
        text += " \(margin) | \(excerpt.carets)\n"
        if let help { text += " \(margin) = help: \(help)\n" }
        return text
    }
}

extension String {
    fileprivate func trimmingTrailingSpaces() -> String {
        var copy = self
        while copy.utf8.last == UInt8(ascii: " ") { copy.removeLast() }
        return copy
    }
}

/// Makes foreign text safe to show on a terminal.
enum Escaping {
    /// Most characters of a value quoted in a message.
    static let longestQuote = 60

    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars { append(scalar, to: &result) }
        return result
    }

    /// The text in single quotes, escaped and cut off after `longestQuote` characters.
    static func quoted(_ bytes: ArraySlice<UInt8>) -> String {
        // A character has at most four bytes, so nothing shown is lost here.
        let text = String(decoding: bytes.prefix(4 * longestQuote + 4), as: UTF8.self)
        var result = "'"
        var count = 0
        for scalar in text.unicodeScalars {
            if count == longestQuote {
                result += "…"
                break
            }
            append(scalar, to: &result)
            count += 1
        }
        return result + "'"
    }

    /// Appends a character; control characters and those that reorder text come out as escapes.
    /// Returns how many columns were added.
    @discardableResult
    static func append(_ scalar: Unicode.Scalar, to text: inout String) -> Int {
        switch scalar.value {
        case 0x09:
            text += "\\t"
            return 2
        case 0..<0x20, 0x7f:
            let hex = String(scalar.value, radix: 16)
            text += "\\x" + (hex.utf8.count < 2 ? "0" : "") + hex
            return 4
        case 0x80..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff,
            0xfff9...0xfffb, 0xe0000...0xe0fff:
            let escape = "\\u{" + String(scalar.value, radix: 16) + "}"
            text += escape
            return escape.utf8.count
        default:
            text.unicodeScalars.append(scalar)
            return 1
        }
    }
}
