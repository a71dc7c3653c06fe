import Foundation
import Testing

/// The files of the package as text.
enum Tree {
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .standardizedFileURL

    /// Paths from the root of all files under `folders` with one of the endings, sorted.
    static func files(under folders: String..., endings: [String] = ["swift"]) -> [SourceFile] {
        folders.flatMap { folder -> [SourceFile] in
            let base = root.appendingPathComponent(folder)
            let found = FileManager.default.enumerator(
                at: base, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
            return (found?.allObjects ?? []).compactMap { $0 as? URL }
                .filter { endings.contains($0.pathExtension) }
                .map { String($0.standardizedFileURL.path.dropFirst(root.path.count + 1)) }
                .sorted().compactMap(SourceFile.init)
        }
    }

    static let sources = files(under: "Sources")
    static let swift =
        files(under: "Sources", "Tests")
        + [SourceFile("Package.swift")]
        .compactMap { $0 }
    static let text = files(
        under: "Sources", "Tests",
        endings: ["swift", "h", "c", "modulemap", "py", "sh", "md", "yaml", "yml", "json"])

    /// The first word of every line of a list beside the tests, comments left out.
    static func list(_ name: String) -> Set<String> {
        let lines = SourceFile("Tests/TidyTests/\(name)")?.lines ?? []
        return Set(
            lines.filter { !$0.hasPrefix("#") }.compactMap {
                $0.split(separator: " ").first.map(String.init)
            })
    }
}

/// One file, its lines and what to say about them.
struct SourceFile: Sendable, CustomTestStringConvertible {
    let path: String
    let lines: [String]

    init?(_ path: String) {
        let url = Tree.root.appendingPathComponent(path)
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
        self.path = path
        lines = text.components(separatedBy: "\n")
    }

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
    }

    var testDescription: String { path }

    /// The folder under `Sources` or `Tests`.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    /// Records a finding at a line, counted from 0.
    func complain(_ line: Int, _ what: String) {
        Issue.record(
            "\(path):\(line + 1): \(what)",
            sourceLocation: SourceLocation(
                fileID: "\(target)/\(path.split(separator: "/").last ?? "")",
                filePath: Tree.root.appendingPathComponent(path).path, line: line + 1, column: 1))
    }

    /// A line without its comment and with empty string literals; enough for well-formed sources.
    static func code(_ line: String) -> String {
        var result = ""
        var isText = false
        var previous: Character = " "
        for character in line {
            if character == "\"", previous != "\\" { isText.toggle() }
            if !isText, character == "/", previous == "/" { return String(result.dropLast()) }
            if !isText || character == "\"" { result.append(character) }
            previous = character
        }
        return result
    }
}
