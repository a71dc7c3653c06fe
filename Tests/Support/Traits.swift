public import Testing

/// The place in a standard that a test proves.
public struct RFCTrait: TestTrait, SuiteTrait {
    /// Number of the RFC.
    public let number: Int
    /// Section, for example "5.3.1"; nil for the whole document.
    public let section: String?
    /// Whether the tests in a suite inherit it.
    public var isRecursive: Bool { true }
    /// How a report names it.
    public var comments: [Comment] {
        ["RFC \(number)" + (section.map { " §\($0)" } ?? "")].map { Comment(rawValue: $0) }
    }
}

/// The requirement in the conformance lists that a test proves.
public struct RowTrait: TestTrait, SuiteTrait {
    /// Ids as in `Tests/TidyTests/requirements.txt`.
    public let ids: [String]
    /// Whether the tests in a suite inherit it.
    public var isRecursive: Bool { true }
    /// How a report names it.
    public var comments: [Comment] { ids.map { Comment(rawValue: $0) } }
}

extension Trait where Self == RFCTrait {
    /// Marks a test as proving a section of an RFC.
    public static func rfc(_ number: Int, _ section: String? = nil) -> RFCTrait {
        RFCTrait(number: number, section: section)
    }
}

extension Trait where Self == RowTrait {
    /// Marks a test as proving requirements by their ids; literal strings, which a test checks.
    public static func row(_ ids: String...) -> RowTrait { RowTrait(ids: ids) }
}
