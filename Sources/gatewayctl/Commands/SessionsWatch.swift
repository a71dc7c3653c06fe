import ArgumentParser
import Control
import Synchronization

struct SessionsWatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "A line for every session that is made or ends.")
    @Option(name: [.customShort("c"), .long], help: "End after so many lines.") var count: Int?
    @Argument(help: "Which sessions.") var filter: [String] = []
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count wants a number from 1 on") }
        if options.watch != nil {
            throw ValidationError("sessions watch goes on by itself and takes no --watch")
        }
    }

    func run() throws {
        let filter = FilterText(filter)
        let client = Client(path: try Instances.socket(options))
        let place = target(
            "/v1/sessions/watch", ("filter", filter.text.isEmpty ? nil : filter.text))
        let (options, count) = (options, count)
        let shown = Mutex(0)
        try filter.pointing {
            try client.stream(SessionEventsHead.self, place) { bytes in
                guard let line = try? ControlJSON.decode(SessionEventLine.self, from: bytes) else {
                    return true
                }
                Console.write(Self.text(line, bytes, options))
                let number = shown.withLock { shown in
                    shown += 1
                    return shown
                }
                return number != count
            }
        }
    }

    private static func text(
        _ line: SessionEventLine, _ json: ArraySlice<UInt8>, _ options: GlobalOptions
    ) -> [UInt8] {
        switch options.format {
        case .json, .ndjson: return Array(json) + "\n".utf8
        case .conntrack:
            guard let row = line.session else { return [] }
            let word = line.event == "session.closed" ? "[DESTROY] " : "    [NEW] "
            return Array((word + conntrackLine(row) + "\n").utf8)
        default:
            var page = Page(options)
            page.add(words(line, page))
            return Array(page.text.utf8)
        }
    }

    private static func words(_ line: SessionEventLine, _ page: Page) -> String {
        let time = LocalTime.text(of: line.time)
        guard let row = line.session else {
            return page.styled("\(time)  \(line.lost ?? 0) events were lost", .warning)
        }
        let isEnd = line.event == "session.closed"
        var text = "\(time)  "
        text += isEnd ? page.styled("closed ", .dim) : page.styled("created", .good)
        text += "  \(row.transportName)  \(row.inside):\(row.insidePort)  "
        text += "\(row.outside):\(row.outsidePort)  \(row.remote)"
        if row.transport != 1 { text += ":\(row.remotePort)" }
        if isEnd {
            text += "  \(row.state.name)  after \(Units.duration(UInt64(row.ageSeconds)))"
            text += "  out \(Units.bytes(row.bytesOut))  in \(Units.bytes(row.bytesIn))"
        }
        if let rule = line.rule { text += "  by \(rule)" }
        return text.printable
    }
}
