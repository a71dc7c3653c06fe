import ArgumentParser
import Control

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Show what the configuration file changes, and apply it.")
    @Flag(help: "Apply without asking.") var yes = false
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let client = Client(path: try Instances.socket(options))
        if yes { return try finish(ask(client, apply: true)) }
        let trial = try ask(client, apply: false)
        if trial.0.refused != nil || trial.0.errors > 0 || trial.0.changes.isEmpty {
            return try finish(trial)
        }
        show(trial.0)
        guard let agreed = Console.confirm("Apply? [y/N] ") else {
            throw Failure(
                sentence: "nothing was applied: there is nobody to ask; say --yes",
                status: Status.usage)
        }
        guard agreed else {
            throw Failure(sentence: "nothing was applied", status: Status.no)
        }
        let answer = try ask(client, apply: true)
        guard answer.0.applied else { return try finish(answer) }
        Console.write("applied in \(answer.0.durationMilliseconds) ms\n")
    }

    private func ask(_ client: Client, apply: Bool) throws -> (ReloadAnswer, [UInt8]) {
        try client.post(ReloadAnswer.self, "/v1/reload", ReloadRequest(apply: apply))
    }

    /// Shows the last answer and ends with the status it deserves.
    private func finish(_ answer: (ReloadAnswer, [UInt8])) throws {
        let (reload, _) = answer
        if options.format == .json || options.format == .ndjson {
            report(answer, options) { _ in "" }
        } else {
            show(reload)
        }
        if reload.errors > 0 {
            throw Failure(
                sentence: reload.refused ?? "\(reload.path) is wrong; nothing was changed",
                status: Status.configuration)
        }
        if let refused = reload.refused { throw Failure(sentence: refused, status: Status.no) }
        guard options.format != .json, options.format != .ndjson, !options.quiet else { return }
        if reload.applied {
            Console.write("applied in \(reload.durationMilliseconds) ms\n")
        } else if reload.changes.isEmpty {
            Console.write("nothing to change\n")
        }
    }

    private func show(_ reload: ReloadAnswer) {
        if !reload.diagnostics.isEmpty { Console.complain(reload.diagnostics.printable) }
        var page = Page(options)
        if !reload.changes.isEmpty {
            page.note(
                "\(reload.instance): \(reload.path) against the running configuration".printable)
        }
        var table = Table("", "", "", "")
        for change in reload.changes {
            let (sign, style): (String, Style) =
                switch change.kind {
                case "added": ("+", .good)
                case "removed": ("-", .bad)
                default: ("~", .warning)
                }
            let values = [change.old, change.new].compactMap(\.self).joined(separator: " -> ")
            table.add(
                Cell("  \(sign)", style), Cell(change.path), Cell(values), Cell(change.effect))
        }
        table.titles = table.titles.map { _ in "" }
        let lines = table.lines(page)
        for line in page.hasHeader ? Array(lines.dropFirst()) : lines { page.add(line) }
        Console.write(page.text)
    }
}
