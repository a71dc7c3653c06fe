import ArgumentParser
import Control
import Words

struct InterfacesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interfaces", abstract: "The two sides: counters, offload, MTU.",
        aliases: ["if"])
    @Argument(help: "One side: lan, wan or the name of its TAP.") var name: String?
    @OptionGroup var options: GlobalOptions

    func run() throws {
        guard let name else {
            return try Look<InterfacesAnswer>("/v1/interfaces", options) { Self.show($0, &$1) }
                .run()
        }
        try Look<InterfacesAnswer>("/v1/interfaces", options) { answer, page in
            let found = answer.interfaces.filter { $0.name == name || $0.device == name }
            guard !found.isEmpty else {
                let names = answer.interfaces.flatMap { [$0.name, $0.device] }
                let near = Spelling.suggestion(for: name, among: names)
                throw Failure(
                    sentence: "there is no interface '\(name)'"
                        + (near.map { "; did you mean '\($0)'?" }
                            ?? "; there is \(names.joined(separator: ", "))"),
                    status: Status.usage)
            }
            for row in found { Self.detail(row, &page) }
        }.run()
    }

    private static func show(_ answer: InterfacesAnswer, _ page: inout Page) {
        var table =
            page.isWide
            ? Table(
                "SIDE", "DEVICE", "STATE", "ADDRESSES", "MTU", "HARDWARE", "OFFLOAD", "IN PKT",
                "IN", "IN RATE", "OUT PKT", "OUT", "OUT RATE", "DROPPED", "I/O", "NAMESPACE")
            : Table("SIDE", "DEVICE", "STATE", "ADDRESSES", "MTU", "IN", "OUT", "DROPPED")
        for row in answer.interfaces {
            let side = Cell(row.name, .side(row.name))
            let state = Cell(row.up ? "up" : "down", row.up ? .good : .bad)
            let addresses = Cell(row.addresses.joined(separator: ","))
            let traffic = row.traffic
            let drops = Cell("\(row.rxDrops &+ row.txDrops)")
            if page.isBrief {
                table.add(side, Cell(row.device), state, addresses)
            } else if page.isWide {
                table.add(
                    side, Cell(row.device), state, addresses, Cell("\(row.mtu)"),
                    Cell(row.hardware), Cell(offload(row)), Cell("\(traffic.rxPackets)"),
                    Cell(Units.bytes(traffic.rxBytes)), Cell(Units.rate(traffic.rxBitsPerSecond)),
                    Cell("\(traffic.txPackets)"), Cell(Units.bytes(traffic.txBytes)),
                    Cell(Units.rate(traffic.txBitsPerSecond)), drops,
                    Cell(row.io), Cell(row.namespace ?? "-"))
            } else {
                table.add(
                    side, Cell(row.device), state, addresses, Cell("\(row.mtu)"),
                    Cell(Units.rate(traffic.rxBitsPerSecond)),
                    Cell(Units.rate(traffic.txBitsPerSecond)), drops)
            }
        }
        page.add(table)
    }

    private static func offload(_ row: InterfaceRow) -> String {
        let names = [
            row.checksumOffload ? "checksum" : nil, row.segmentationOffload ? "segmentation" : nil,
        ].compactMap(\.self)
        return names.isEmpty ? "off" : names.joined(separator: ",")
    }

    private static func detail(_ row: InterfaceRow, _ page: inout Page) {
        let traffic = row.traffic
        page.add(
            page.styled(row.name.printable, .side(row.name)) + "  \(row.device), "
                + (row.up ? "up" : "down"))
        page.add("  addresses  \(row.addresses.joined(separator: ", "))".printable)
        page.add("  hardware   \(row.hardware), MTU \(row.mtu), offload \(offload(row))".printable)
        page.add("  i/o        \(row.io)\(row.ioReason.map { " (\($0))" } ?? "")".printable)
        if let namespace = row.namespace { page.add("  namespace  \(namespace)".printable) }
        page.add(
            "  in         \(Units.rate(traffic.rxBitsPerSecond)), \(traffic.rxPackets) packets, "
                + "\(Units.bytes(traffic.rxBytes)), \(row.rxDrops) dropped")
        page.add(
            "  out        \(Units.rate(traffic.txBitsPerSecond)), \(traffic.txPackets) packets, "
                + "\(Units.bytes(traffic.txBytes)), \(row.txDrops) not sent")
    }
}
