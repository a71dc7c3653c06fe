import Control

/// Lays compact JSON out for a person: a field a line. The text is taken as it is, so that fields
/// this program does not know are shown too.
func laidOut(_ text: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var depth = 0
    var inString = false
    var escaped = false
    func newline() { out += ("\n" + String(repeating: "  ", count: depth)).utf8 }
    for (index, byte) in text.enumerated() {
        if inString {
            out.append(byte)
            if escaped {
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: "\"") {
                inString = false
            }
            continue
        }
        switch byte {
        case UInt8(ascii: "\""):
            inString = true
            out.append(byte)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            out.append(byte)
            let next = index + 1 < text.count ? text[index + 1] : 0
            if next == UInt8(ascii: "}") || next == UInt8(ascii: "]") { continue }
            depth += 1
            newline()
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            let last = index > 0 ? text[index - 1] : 0
            if last != UInt8(ascii: "{"), last != UInt8(ascii: "[") {
                depth = max(0, depth - 1)
                newline()
            }
            out.append(byte)
        case UInt8(ascii: ","):
            out.append(byte)
            newline()
        case UInt8(ascii: ":"): out += ": ".utf8
        default: out.append(byte)
        }
    }
    return out
}

/// The rows of a list, one a line.
func linesOfRows(_ list: some ListAnswer) throws -> [UInt8] {
    var out: [UInt8] = []
    for index in list.rows.indices {
        try list.appendRow(at: index, to: &out)
        out.append(UInt8(ascii: "\n"))
    }
    return out
}
