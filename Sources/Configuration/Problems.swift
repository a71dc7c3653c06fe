/// The diagnostics of one file as they are found.
struct Problems {
    /// More are counted but not kept: nobody reads them, and a bad file of 16 MiB has millions.
    static let most = 100

    let file: String
    private(set) var list: [Diagnostic] = []
    private(set) var errors = 0
    private(set) var warnings = 0

    /// Whether further ones are only counted.
    var isFull: Bool { list.count >= Self.most }

    init(file: String) { self.file = file }

    mutating func add(
        _ code: Code, _ mark: YAMLTreeBuilder.Mark, _ message: String, help: String? = nil
    ) {
        switch code.severity {
        case .error: errors += 1
        case .warning: warnings += 1
        case .note: break
        }
        guard !isFull else { return }
        list.append(
            Diagnostic(
                file: file, line: max(1, mark.line), column: max(1, mark.column),
                length: max(1, mark.length), severity: code.severity, code: code.rawValue,
                message: message, help: help))
    }

    /// The diagnostics in file order.
    func inFileOrder() -> [Diagnostic] {
        // The standard sort is stable, so several about one place stay in the order found.
        list.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    }
}
