/// A word, operator or parenthesis of a filter's text, with its place.
struct FilterToken {
    enum Kind {
        case word, quoted, compare(FilterOperator), open, close, not, and, or
    }
    var kind: Kind
    var text: String
    var offset: Int
    var length: Int
}

extension FilterToken {
    /// Takes the text apart. Bytes that are not UTF-8 have become U+FFFD before.
    static func all(in text: String) throws(FilterError) -> [FilterToken] {
        let bytes = Array(text.utf8)
        guard bytes.count <= Filter.maximumLength else {
            throw FilterError(
                "the filter is longer than \(Filter.maximumLength) octets",
                offset: Filter.maximumLength, length: 0)
        }
        var tokens: [FilterToken] = []
        var at = 0
        while at < bytes.count {
            if isSpace(bytes[at]) {
                at += 1
                continue
            }
            let token = try next(in: bytes, at: at)
            tokens.append(token)
            at += token.length
        }
        return tokens
    }

    private static func next(
        in bytes: [UInt8], at start: Int
    ) throws(FilterError) -> FilterToken {
        if bytes[start] == UInt8(ascii: "\"") {
            guard let end = bytes[(start + 1)...].firstIndex(of: UInt8(ascii: "\"")) else {
                throw FilterError(
                    "a quotation mark is missing at the end", offset: start,
                    length: bytes.count - start)
            }
            return FilterToken(
                kind: .quoted, text: String(decoding: bytes[(start + 1)..<end], as: UTF8.self),
                offset: start, length: end + 1 - start)
        }
        // Two letters first, so that ">=" is not ">" and "=".
        for length in [2, 1] where start + length <= bytes.count {
            let text = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
            if let kind = symbol(text) {
                return FilterToken(kind: kind, text: text, offset: start, length: length)
            }
        }
        let end = bytes[start...].firstIndex { isSpace($0) || isSymbol($0) } ?? bytes.count
        // A lone "&" or "|" is a word of its own, and a wrong one.
        let length = max(1, end - start)
        let text = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
        return FilterToken(kind: kind(of: text), text: text, offset: start, length: length)
    }

    private static func symbol(_ text: String) -> Kind? {
        switch text {
        case "(": .open
        case ")": .close
        case "!": .not
        case "&&": .and
        case "||": .or
        case "=", "==", "!=", ">", ">=", "<", "<=": FilterOperator(text).map(Kind.compare)
        default: nil
        }
    }

    private static func kind(of word: String) -> Kind {
        switch word.lowercased() {
        case "not": .not
        case "and": .and
        case "or": .or
        case let word: FilterOperator(word).map(Kind.compare) ?? .word
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 32 || (9...13).contains(byte)
    }

    private static func isSymbol(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "!"), UInt8(ascii: "="),
            UInt8(ascii: ">"), UInt8(ascii: "<"), UInt8(ascii: "&"), UInt8(ascii: "|"),
            UInt8(ascii: "\""):
            true
        default: false
        }
    }
}
