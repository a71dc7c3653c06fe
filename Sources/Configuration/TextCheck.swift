/// Checks that a file is UTF-8 text without control characters, so that what follows need not.
enum TextCheck {
    struct Failure {
        var mark: YAMLTreeBuilder.Mark
        var message: String
        var help: String?
    }

    /// Bytes of a byte order mark at the start, which are skipped.
    static func start(of bytes: [UInt8]) -> Int { bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }

    /// The first thing wrong; nil if the text is good.
    static func failure(in bytes: [UInt8]) -> Failure? {
        var index = start(of: bytes)
        var line = 1
        var lineStart = index
        while index < bytes.count {
            let byte = bytes[index]
            if byte >= 0x20 && byte < 0x7f || byte == 9 {
                index += 1
            } else if byte == 10 || byte == 13 {
                index += byte == 13 && index + 1 < bytes.count && bytes[index + 1] == 10 ? 2 : 1
                line += 1
                lineStart = index
            } else if let length = length(of: bytes[index...]) {
                index += length
            } else {
                return failure(in: bytes, at: index, line: line, lineStart: lineStart)
            }
        }
        return nil
    }

    private static func failure(
        in bytes: [UInt8], at index: Int, line: Int, lineStart: Int
    ) -> Failure {
        let column = bytes[lineStart..<index].count { $0 & 0xc0 != 0x80 } + 1
        let mark = YAMLTreeBuilder.Mark(line: line, column: column, length: 1)
        let byte = bytes[index]
        let hex = (byte < 16 ? "0x0" : "0x") + String(byte, radix: 16)
        let isUTF16 = bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff])
        if isUTF16 || index == 1 && bytes[1] == 0 {
            return Failure(mark: mark, message: "the file is not UTF-8", help: "save it as UTF-8")
        }
        if byte < 0x80 {
            return Failure(mark: mark, message: "control byte \(hex) is not allowed", help: nil)
        }
        let message =
            isControl(bytes[index...])
            ? "a control character is not allowed" : "byte \(hex) is not UTF-8"
        return Failure(mark: mark, message: message, help: "save the file as UTF-8 text")
    }

    /// Bytes of the character at the start; nil if malformed (RFC 3629 §4) or not allowed.
    private static func length(of bytes: ArraySlice<UInt8>) -> Int? {
        guard let length = wellFormedLength(bytes), !isControl(bytes) else { return nil }
        return length
    }

    /// C1 controls, the line and paragraph separators (lines would be counted differently from
    /// editors) and the byte order mark.
    private static func isControl(_ bytes: ArraySlice<UInt8>) -> Bool {
        let start = bytes.prefix(3)
        if let last = start.dropFirst().first, start.first == 0xc2 { return last < 0xa0 }
        return start.elementsEqual([0xe2, 0x80, 0xa8]) || start.elementsEqual([0xe2, 0x80, 0xa9])
            || start.elementsEqual([0xef, 0xbb, 0xbf]) || start.elementsEqual([0xef, 0xbf, 0xbe])
            || start.elementsEqual([0xef, 0xbf, 0xbf])
    }

    private static func wellFormedLength(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = bytes.first else { return nil }
        let second: ClosedRange<UInt8>
        let length: Int
        switch first {
        case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        default: return nil
        }
        let rest = bytes.dropFirst().prefix(length - 1)
        guard rest.count == length - 1, let next = rest.first, second.contains(next),
            rest.dropFirst().allSatisfy({ $0 & 0xc0 == 0x80 })
        else { return nil }
        return length
    }
}
