/// What a text means; shown by colour where there is colour, never by colour alone.
enum Style {
    case plain, good, warning, bad, lan, wan, dim

    var code: String? {
        switch self {
        case .plain: nil
        case .good: "32"
        case .warning: "33"
        case .bad: "31"
        case .lan: "34"
        case .wan: "38;5;208"
        case .dim: "2"
        }
    }

    static func side(_ name: String?) -> Style {
        switch name {
        case "lan": .lan
        case "wan": .wan
        default: .plain
        }
    }
}

struct Cell: ExpressibleByStringInterpolation {
    var text: String
    var style = Style.plain

    init(_ text: String, _ style: Style = .plain) {
        self.text = text.printable
        self.style = style
    }

    init(stringLiteral value: String) { self.init(value) }
}

/// Rows under titles, columns two spaces apart.
struct Table {
    var titles: [String]
    var rows: [[Cell]] = []
    /// Whether the last column is broken into lines on a terminal that is too narrow.
    var wrapsLast = false

    init(_ titles: String...) { self.titles = titles }

    mutating func add(_ cells: Cell...) { rows.append(cells) }

    func lines(_ page: Page) -> [String] {
        var widths = titles.map { page.hasHeader ? $0.unicodeScalars.count : 0 }
        for row in rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], cell.text.unicodeScalars.count)
            }
        }
        var lines = page.hasHeader ? [line(titles.map { Cell($0) }, widths, page)] : []
        let indent = widths.dropLast().reduce(0) { $0 + $1 + 2 }
        for row in rows {
            guard wrapsLast, let width = page.width, width > indent + 24, let last = row.last else {
                lines.append(line(row, widths, page))
                continue
            }
            let parts = Self.wrapped(last.text, to: width - indent)
            lines.append(line(row.dropLast() + [Cell(parts.first ?? "")], widths, page))
            lines += parts.dropFirst().map { String(repeating: " ", count: indent) + $0 }
        }
        return lines
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ page: Page) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            line += page.styled(cell.text, cell.style)
            if column + 1 < cells.count {
                let padding = widths[column] - cell.text.unicodeScalars.count
                line += String(repeating: " ", count: padding + 2)
            }
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.unicodeScalars.count + 1 + word.unicodeScalars.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " " + word
        }
        return lines + [line]
    }
}

/// The lines of one look, and how they are to be written.
struct Page {
    let format: GlobalOptions.Format
    let hasColor: Bool
    let hasHeader: Bool
    let isQuiet: Bool
    let width: Int?
    private(set) var lines: [String] = []

    init(_ options: GlobalOptions) {
        format = options.format
        hasColor = Console.hasColor(options.color)
        hasHeader = !options.noHeader && options.format != .brief
        isQuiet = options.quiet
        width = Console.width
    }

    var isWide: Bool { format == .wide }
    var isBrief: Bool { format == .brief }

    mutating func add(_ line: String) { lines.append(line) }
    mutating func add(_ table: Table) { lines += table.lines(self) }

    /// A line that is no data.
    mutating func note(_ line: String) {
        if !isQuiet, !isBrief, hasHeader { lines.append(styled(line, .dim)) }
    }

    func styled(_ text: String, _ style: Style) -> String {
        guard hasColor, let code = style.code else { return text }
        return "\u{1b}[\(code)m\(text)\u{1b}[0m"
    }

    var text: String { lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n" }
}
