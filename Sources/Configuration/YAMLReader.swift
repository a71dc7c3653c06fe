internal import CYAML

/// Drives libyaml's event parser. All of the module's dealings with C memory are in this file.
///
/// libyaml composes no documents and resolves no types here, so neither aliases nor YAML 1.1's
/// `no`, `012` and `1:30` can surprise anybody.
enum YAMLReader {
    /// Reads UTF-8 text that `TextCheck` has passed, from `start` on, into `builder`.
    /// Returns whether the text was read to its end.
    static func read(_ bytes: [UInt8], from start: Int, into builder: inout YAMLTreeBuilder) -> Bool
    {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let parser = unsafe YAMLParser(UnsafeBufferPointer(rebasing: buffer[start...]))
            else { return false }
            var isRunning = true
            while isRunning {
                switch parser.step(&builder) {
                case .more: continue
                case .finished: isRunning = false
                case .stopped: return false
                }
            }
            return true
        }
    }
}

/// Owns a libyaml parser over bytes that outlive it.
@safe
private struct YAMLParser: ~Copyable {
    enum Step {
        case more
        case finished
        case stopped
    }

    /// On the heap because the parser holds a pointer to itself.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeBufferPointer<UInt8>

    init?(_ input: UnsafeBufferPointer<UInt8>) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            return nil
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
        unsafe self.parser = unsafe parser
        unsafe self.input = unsafe input
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    func step(_ builder: inout YAMLTreeBuilder) -> Step {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else {
            reportFailure(&builder)
            return .stopped
        }
        defer { unsafe yaml_event_delete(&event) }
        if unsafe event.type == YAML_STREAM_END_EVENT { return .finished }
        return unsafe deliver(event, to: &builder) ? .more : .stopped
    }

    private func deliver(_ event: yaml_event_t, to builder: inout YAMLTreeBuilder) -> Bool {
        let mark = unsafe Self.mark(event.start_mark, event.end_mark)
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT:
            let tags = unsafe event.data.document_start.tag_directives
            return unsafe builder.startDocument(mark, tagDirectives: tags.start != tags.end)
        case YAML_ALIAS_EVENT:
            return builder.alias(mark)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            unsafe builder.properties(
                mark, anchored: scalar.anchor != nil, tagged: scalar.tag != nil)
            let start = builder.tree.text.count
            unsafe builder.tree.text.append(
                contentsOf: UnsafeBufferPointer(start: scalar.value, count: scalar.length))
            return unsafe builder.scalar(
                mark, textStart: start, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT:
            let sequence = unsafe event.data.sequence_start
            unsafe builder.properties(
                mark, anchored: sequence.anchor != nil, tagged: sequence.tag != nil)
            return builder.start(.sequence, mark.withoutLength)
        case YAML_MAPPING_START_EVENT:
            let mapping = unsafe event.data.mapping_start
            unsafe builder.properties(
                mark, anchored: mapping.anchor != nil, tagged: mapping.tag != nil)
            return builder.start(.mapping, mark.withoutLength)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            builder.end()
            return true
        default:
            return true
        }
    }

    private func reportFailure(_ builder: inout YAMLTreeBuilder) {
        let problem = unsafe Self.text(parser.pointee.problem) ?? "it cannot be read"
        let place = unsafe parser.pointee.problem_mark
        var help = unsafe Self.text(parser.pointee.context)
        if let context = help, context.hasSuffix(" mapping") || context.hasSuffix(" sequence") {
            help = unsafe "\(context) that starts at line \(parser.pointee.context_mark.line + 1)"
        }
        if isTab(at: place) { help = "YAML is indented with spaces, never with tabs" }
        let mark = Self.mark(place, place)
        builder.problems.add(.notYAML, mark, "not valid YAML: \(problem)", help: help)
    }

    /// Whether the character at `mark`, whose index counts characters, is a tab.
    private func isTab(at mark: yaml_mark_t) -> Bool {
        var left = mark.index
        for index in unsafe 0..<input.count {
            let byte = unsafe input[index]
            guard byte & 0xc0 != 0x80 else { continue }
            if left == 0 { return byte == 9 }
            left -= 1
        }
        return false
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    private static func mark(_ start: yaml_mark_t, _ end: yaml_mark_t) -> YAMLTreeBuilder.Mark {
        let width = Int(clamping: end.column) - Int(clamping: start.column)
        let length = end.line == start.line ? width : 1
        return YAMLTreeBuilder.Mark(
            line: Int(clamping: start.line) + 1, column: Int(clamping: start.column) + 1,
            length: max(1, length))
    }
}

extension YAMLTreeBuilder.Mark {
    fileprivate var withoutLength: YAMLTreeBuilder.Mark {
        YAMLTreeBuilder.Mark(line: line, column: column, length: 1)
    }
}
