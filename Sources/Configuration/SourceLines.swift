/// A piece of a source line and the carets below it.
struct Excerpt {
    var text: String
    var carets: String
}

/// Finds lines of a file; asking in ascending order reads the file once.
struct SourceLines {
    /// A longer line is shown in part: a file may be one line of 16 MiB.
    static let longestLine = 120
    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    private let source: [UInt8]
    private var line = 1
    private var start: Int

    init(_ source: [UInt8]) {
        self.source = source
        start = source.starts(with: Self.byteOrderMark) ? 3 : 0
    }

    /// The bytes of line `wanted` (from 1) without its end; empty past the end of the file.
    mutating func bytes(line wanted: Int) -> ArraySlice<UInt8> {
        if wanted < line { self = SourceLines(source) }
        while line < wanted {
            guard let end = lineEnd(from: start) else { return [] }
            start = end + 1
            if source[end] == 13, start < source.count, source[start] == 10 { start += 1 }
            line += 1
        }
        return source[start..<(lineEnd(from: start) ?? source.count)]
    }

    private func lineEnd(from start: Int) -> Int? {
        var index = start
        while index < source.count {
            if source[index] == 10 || source[index] == 13 { return index }
            index += 1
        }
        return nil
    }

    mutating func excerpt(line: Int, column: Int, length: Int) -> Excerpt {
        let bytes = bytes(line: line)
        let first = column > Self.longestLine - 20 ? column - 40 : 1
        let rest = Self.dropCharacters(first - 1, of: bytes)
        // A character has at most four bytes; one more tells whether the line goes on.
        let text = String(decoding: rest.prefix(4 * Self.longestLine + 4), as: UTF8.self)
        var shown = first > 1 ? "…" : ""
        var position = first > 1 ? 1 : 0
        var caretStart: Int?
        var caretEnd = 0
        var number = first
        for scalar in text.unicodeScalars {
            if number == first + Self.longestLine {
                shown += "…"
                break
            }
            if number == column { caretStart = position }
            if scalar == "\t" {
                shown += " "
                position += 1
            } else {
                position += Escaping.append(scalar, to: &shown)
            }
            if number >= column, number < column + max(length, 1) { caretEnd = position }
            number += 1
        }
        let from = caretStart ?? position
        return Excerpt(
            text: shown,
            carets: String(repeating: " ", count: from)
                + String(repeating: "^", count: max(1, caretEnd - from)))
    }

    private static func dropCharacters(
        _ count: Int, of bytes: ArraySlice<UInt8>
    ) -> ArraySlice<UInt8> {
        var left = count
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] & 0xc0 != 0x80 {
                if left == 0 { break }
                left -= 1
            }
            index += 1
        }
        return bytes[index...]
    }
}
