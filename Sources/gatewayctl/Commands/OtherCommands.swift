import ArgumentParser
import Control

struct NeighborsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors", abstract: "The ARP table; flush [ADDR].",
        subcommands: [NeighborsList.self, NeighborsFlush.self],
        defaultSubcommand: NeighborsList.self, aliases: ["arp"])
}

struct NeighborsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "ARP entries; the word may be left out.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<NeighborsAnswer>("/v1/neighbors", options) { answer, page in
            var table = Table("ADDRESS", "HARDWARE", "SIDE", "STATE", "AGE")
            if page.isWide { table.titles.append("QUEUED") }
            for row in answer.neighbors {
                var cells = [
                    Cell(row.address), Cell(row.hardware ?? "-"), Cell(row.side, .side(row.side)),
                    Cell(row.state, Self.style(of: row.state)),
                    Cell(Units.duration(row.ageSeconds)),
                ]
                if page.isWide { cells.append(Cell("\(row.queuedPackets)")) }
                table.rows.append(cells)
            }
            page.add(table)
            page.note(Units.count(answer.neighbors.count, "neighbour", "neighbours"))
        }.run()
    }

    private static func style(of state: String) -> Style {
        switch state {
        case "reachable", "static": .good
        case "incomplete": .bad
        default: .warning
        }
    }
}

struct NeighborsFlush: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush", abstract: "Forget one ARP entry, or all that were learnt.")
    @Argument(help: "An IPv4 address.") var address: String?
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let client = Client(path: try Instances.socket(options))
        let answer = try client.post(
            FlushAnswer.self, "/v1/neighbors/flush", FlushRequest(address: address))
        report(answer, options) {
            "\(Units.count($0.count, "neighbour", "neighbours")) forgotten"
        }
    }
}

struct DropsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drops", abstract: "Why packets were dropped, and what to do.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<DropsAnswer>("/v1/drops", options) { answer, page in
            var table =
                page.isBrief
                ? Table("", "", "")
                : Table("REASON", "SIDE", "PACKETS", "LAST", "MEANS, AND WHAT TO DO")
            table.wrapsLast = true
            for row in answer.drops {
                let reason = Cell(row.reason)
                let side = Cell(row.side ?? "-", .side(row.side))
                let packets = Cell("\(row.packets)")
                if page.isBrief {
                    table.add(reason, side, packets)
                } else {
                    table.add(
                        reason, side, packets,
                        Cell(row.lastSeconds.map { Units.duration($0) } ?? "-"),
                        Cell("\(row.meaning) \(row.advice)"))
                }
            }
            page.add(table)
            if answer.drops.isEmpty { page.note("nothing was dropped") }
        }.run()
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Version of this program and of the gateway.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        do {
            try Look<VersionAnswer>("/v1/version", options) { answer, page in
                page.add("gatewayctl \(programVersion)")
                page.add("gatewayd \(answer.version) (\(answer.instance))".printable)
            }.run()
        } catch let failure as Failure
            where failure.status == Status.unavailable && options.format == .table
        {
            Console.write("gatewayctl \(programVersion)\n")
            if !options.quiet { Console.complain(failure.sentence.printable) }
        }
    }
}

struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Check a configuration file, touch nothing.")
    @Argument(help: "The file; /etc/gatewayd/NAME.yaml of -i NAME if none is given.")
    var file: String?
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let name = options.instance ?? Instances.environment("GATEWAYD_INSTANCE")
        guard let path = file ?? name.map({ "/etc/gatewayd/\($0).yaml" }) else {
            throw Failure(
                sentence: "which file? Give its path, or the gateway's name with -i NAME",
                status: Status.usage)
        }
        let (text, status) = checkConfiguration(path: path)
        Console.write(text.printable)
        if status != 0 { throw ExitCode(status) }
    }
}
