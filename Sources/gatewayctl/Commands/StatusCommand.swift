import ArgumentParser
import Control

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "One screen: sides, NAT, routes, drops.")
    @OptionGroup var options: GlobalOptions

    func run() throws {
        try Look<StatusAnswer>("/v1/status", options) { status, page in
            if page.isBrief { Self.showBrief(status, &page) } else { Self.show(status, &page) }
        }.run()
    }

    private static func showBrief(_ status: StatusAnswer, _ page: inout Page) {
        var table = Table("", "", "", "", "", "")
        table.add(
            Cell(status.instance), Cell(status.state, style(of: status.state)),
            Cell("up \(Units.duration(status.uptimeSeconds))"),
            Cell(
                status.sides.map { "\($0.name) \($0.up ? "up" : "down")" }
                    .joined(separator: ", ")),
            Cell("\(status.nat.sessions) of \(status.nat.sessionLimit) sessions"),
            Cell("\(status.drops.total) dropped"))
        page.add(table)
    }

    private static func style(of state: String) -> Style {
        switch state {
        case "running": .good
        case "degraded", "starting", "stopping": .warning
        default: .bad
        }
    }

    private static func show(_ status: StatusAnswer, _ page: inout Page) {
        let left = "\(status.instance) is \(status.state)".printable
        let right =
            "gatewayd \(status.version), up "
            + Units.duration(status.uptimeSeconds, separator: " ")
        let gap = String(repeating: " ", count: max(2, 57 - left.unicodeScalars.count))
        page.add(page.styled("●", style(of: status.state)) + " " + left + gap + right.printable)
        func fact(_ title: String, _ text: String, _ style: Style = .plain) {
            let gap = String(repeating: " ", count: max(1, 10 - title.unicodeScalars.count))
            page.add("  " + page.styled(title.printable, style) + gap + text.printable)
        }
        let config = status.config
        fact(
            "config",
            "\(config.path), applied \(LocalTime.text(of: config.applied)), "
                + (config.warnings == 0
                    ? "no warnings" : Units.count(config.warnings, "warning", "warnings")))
        for line in sides(status.sides) { fact(line.name, line.text, .side(line.name)) }
        if let hop = status.nextHop { fact("next hop", sentence(about: hop)) }
        let nat = status.nat
        fact(
            "nat",
            nat.mode == "off"
                ? "off"
                : "\(nat.mode), \(nat.sessions) of \(nat.sessionLimit) sessions, "
                    + "\(nat.portsInUse) of \(nat.portsTotal) ports")
        let sources = status.routes.bySource.filter { $0.count > 0 }
            .map { "\($0.count) \($0.source)" }
        fact(
            "routes",
            "\(status.routes.total)"
                + (sources.isEmpty ? "" : ": \(sources.joined(separator: ", "))"))
        fact("arp", Units.count(status.neighbors, "neighbour", "neighbours"))
        var dropped = "\(Units.count(status.drops.total, "packet", "packets")) since start"
        if let reason = status.drops.topReason {
            dropped += ", most: \(reason) \(status.drops.topPackets)     (gatewayctl drops)"
        }
        fact("dropped", dropped)
        if page.isWide {
            fact(
                "i/o",
                "\(status.forwarding.io), "
                    + "\(Units.count(status.forwarding.workers, "worker", "workers")), "
                    + "process \(status.pid)")
        }
    }

    private static func sides(_ sides: [SideStatus]) -> [(name: String, text: String)] {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.unicodeScalars.count))
        }
        func aligned(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.unicodeScalars.count)) + text
        }
        let addresses = sides.map { $0.addresses.joined(separator: " ") }
        let devices = sides.map(\.device.unicodeScalars.count).max() ?? 0
        let width = addresses.map(\.unicodeScalars.count).max() ?? 0
        let rates = sides.flatMap { [$0.traffic.rxBitsPerSecond, $0.traffic.txBitsPerSecond] }
        let rate = rates.map { Units.rate($0).unicodeScalars.count }.max() ?? 0
        return zip(sides, addresses).map { side, addresses in
            let traffic =
                side.up
                ? "in \(aligned(Units.rate(side.traffic.rxBitsPerSecond), rate))   "
                    + "out \(aligned(Units.rate(side.traffic.txBitsPerSecond), rate))" : "down"
            return (
                side.name,
                padded(side.device, devices) + "  " + padded(addresses, width)
                    + "  MTU \(side.mtu)   " + traffic
            )
        }
    }

    private static func sentence(about hop: NextHopStatus) -> String {
        guard let hardware = hop.hardware else {
            return "\(hop.address) does not answer ARP on \(hop.side)"
        }
        let seen = hop.lastSeenSeconds.map { ", \(Units.duration($0)) ago" } ?? ""
        return "\(hop.address) answers ARP (\(hardware)\(seen))"
    }
}
