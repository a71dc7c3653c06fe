/// One document of the interface. Its first keys are `schema` and `instance`.
public protocol Answer: Codable, Hashable, Sendable {
    /// The name of this form of answer, `gatewayd.NAME/v1`.
    static var schemaName: String { get }
    /// The name the document gives; another than `schemaName` if it is not understood.
    var schema: String { get }
    /// Name of the gateway.
    var instance: String { get }
}

/// A document that ends in a list, which may be long and is encoded row by row.
public protocol ListAnswer: Answer {
    /// What the list holds.
    associatedtype Row
    /// The list; the last key of the document.
    var rows: [Row] { get set }
    /// Appends the row at `index` of `rows` as JSON to `text`.
    func appendRow(at index: Int, to text: inout [UInt8]) throws
}

extension ListAnswer where Row: Encodable {
    /// Appends the row at `index` of `rows` as JSON to `text`.
    public func appendRow(at index: Int, to text: inout [UInt8]) throws {
        try ControlJSON.append(rows[index], to: &text)
    }
}

extension ListAnswer {
    /// The document as JSON up to and with the list's opening bracket; `]}` ends it.
    public func textBeforeRows() throws -> [UInt8] {
        var empty = self
        empty.rows = []
        var text = try ControlJSON.encode(empty)
        text.removeLast(2)
        return text
    }
}

/// What is answered instead of a document when something is wrong.
public struct ErrorAnswer: Codable, Hashable, Sendable, Error {
    /// Always `gatewayd.error/v1`.
    public var schema = "gatewayd.error/v1"
    /// One sentence for a person.
    public var error: String
    /// The status a command ends with (sysexits.h).
    public var code: Int32
    /// Where in the filter the word begins that is wrong, in octets; nil for other errors.
    public var offset: Int?
    /// The length of that word in octets.
    public var length: Int?

    /// Made of these fields.
    public init(error: String, code: Int32, offset: Int? = nil, length: Int? = nil) {
        self.error = error
        self.code = code
        self.offset = offset
        self.length = length
    }
}
