import ArgumentParser
import Control

struct BFDCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bfd", abstract: "BFD: the neighbors that are watched.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<BFDAnswer>("/v1/bfd", options) { answer, page in
            guard !answer.sessions.isEmpty else { return page.note("BFD watches nobody") }
            var table = Table(
                "NEIGHBOR", "SIDE", "STATE", "SINCE", "FOR", "SENDS", "HEARS", "DETECTS IN",
                "RECEIVED", "SENT", "LAST DOWN")
            for row in answer.sessions {
                table.add(
                    Cell(row.address), Cell(row.side, Style.side(row.side)), Cell(row.state),
                    Cell(Units.duration(row.sinceSeconds)),
                    Cell(row.users.joined(separator: ", ")),
                    Cell(row.transmitMicroseconds.map(Self.span) ?? "-"),
                    Cell(Self.span(row.receiveMicroseconds)),
                    Cell(row.detectionMicroseconds.map(Self.span) ?? "-"),
                    Cell("\(row.received)"), Cell("\(row.sent)"), Cell(row.diagnostic))
            }
            page.add(table)
            for drop in answer.drops {
                page.add("\(drop.side): \(drop.count) \(drop.reason): \(drop.meaning)")
            }
        }.run()
    }

    /// `50ms`, `1s`, `0.5ms`
    private static func span(_ microseconds: UInt64) -> String {
        guard microseconds % 1_000_000 != 0 || microseconds == 0 else {
            return Units.duration(microseconds / 1_000_000)
        }
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1000)
        return rest == 0 ? "\(whole)ms" : "\(whole).\(rest / 100)ms"
    }
}
