import FoundationEssentials

/// JSON as the interface speaks it: compact, keys in the order of the fields, in snake_case.
///
/// Foundation's encoder either sorts keys or gives them in no order; documents of ours start with
/// `schema` and `instance`, so encoding is done here and decoding by Foundation.
public enum ControlJSON {
    /// The value as compact JSON.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot write, and what the value throws.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        var text: [UInt8] = []
        try append(value, to: &text)
        return text
    }

    /// Appends the value as compact JSON.
    ///
    /// - Throws: As `encode`.
    public static func append(_ value: some Encodable, to text: inout [UInt8]) throws {
        let node = JSONNode()
        try value.encode(to: JSONNodeEncoder(node: node, codingPath: []))
        node.write(to: &text)
    }

    /// The value of this JSON text; keys it does not know are ignored.
    ///
    /// - Throws: `DecodingError` if the text is no JSON or lacks a field.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from text: some Sequence<UInt8>
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(text))
    }
}

/// A value that is being encoded. Containers are filled in place, so they may be interleaved.
final class JSONNode {
    enum Content {
        case null
        case bool(Bool)
        case signed(Int64)
        case unsigned(UInt64)
        case text(String)
        case number(String)
        case array([JSONNode])
        case object([(key: String, node: JSONNode)])
    }
    var content = Content.null

    func write(to out: inout [UInt8]) {
        switch content {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .signed(let value): out += String(value).utf8
        case .unsigned(let value): out += String(value).utf8
        case .number(let value): out += value.utf8
        case .text(let value): Self.write(value, to: &out)
        case .array(let nodes):
            out.append(UInt8(ascii: "["))
            for (index, node) in nodes.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                node.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.writeKey(member.key, to: &out)
                out.append(UInt8(ascii: ":"))
                member.node.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    /// Names of fields are ASCII letters and digits; an upper-case letter begins a word.
    private static func writeKey(_ key: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in key.utf8 {
            if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") {
                out.append(UInt8(ascii: "_"))
                out.append(byte | 0x20)
            } else {
                out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func write(_ text: String, to out: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(byte)
            case UInt8(ascii: "\n"): out += "\\n".utf8
            case UInt8(ascii: "\r"): out += "\\r".utf8
            case UInt8(ascii: "\t"): out += "\\t".utf8
            case 0..<0x20, 0x7f:
                out += "\\u00".utf8
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
