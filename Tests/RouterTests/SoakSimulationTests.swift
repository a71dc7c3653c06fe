import Forwarding
import Foundation
import NAT
import Router
import Simulation
import Support
import Testing
import Timing
import Wire

/// Whole networks on bad wires: whatever happens, the invariants hold.
@Suite("Soak simulation")
struct SoakSimulationTests {
    /// More seeds with `GATEWAY_SEEDS`, one of them again with `GATEWAY_SEED`.
    static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let one = environment["GATEWAY_SEED"].flatMap({ UInt64($0) }) { return [one] }
        let count = environment["GATEWAY_SEEDS"].flatMap { UInt64($0) } ?? 6
        return Array(1...max(count, 1))
    }

    static let inside = (10..<16).map { "192.168.50.\($0)" }
    static let outside = ["198.51.100.7", "198.51.100.8", "192.0.2.33", "203.0.113.1"]

    /// A packet as some host or stranger would send it.
    static func packet(
        _ random: inout Random, _ network: inout Network
    ) -> (packet: [[UInt8]], side: Side) {
        let identification = network.nextIdentification()
        let fromInside = random.below(4) != 0
        let host = inside[random.below(inside.count)]
        let remote = outside[random.below(outside.count)]
        let target = random.below(12) == 0 ? "203.0.113.2" : remote
        let path =
            (fromInside
            ? PacketBuilder(host, target) : PacketBuilder(remote, "203.0.113.2"))
            .with {
                $0.identification = identification
                $0.timeToLive = random.below(20) == 0 ? UInt8(random.below(3)) : 64
            }
        let side: Side = fromInside ? .lan : .wan
        let source = UInt16(1000 + random.below(8) * 100)
        let port =
            fromInside
            ? UInt16(random.below(2) == 0 ? 53 : 80)
            : UInt16(truncatingIfNeeded: random.next())
        let payload: [UInt8] = [Station.question] + (0..<random.below(40)).map { UInt8($0) }
        switch random.below(10) {
        case 0...3: return ([path.udp(source, port, payload)], side)
        case 4: return ([path.tcp(source, port, .syn)], side)
        case 5: return ([path.tcp(source, port, .ack, payload)], side)
        case 6:
            let flags: [TCPFlags] = [[.fin, .ack], .rst, [.rst, .ack], [.syn, .ack]]
            return ([path.tcp(source, port, flags[random.below(4)], payload)], side)
        case 7: return ([path.echo(reply: !fromInside, identifier: source, payload)], side)
        case 8 where target != "203.0.113.2" || !fromInside:
            let large = path.with { $0.fragmentField = 0 }
                .udp(source, port, Array(repeating: 7, count: 1500 + random.below(3000)))
            var pieces = fragments(of: large, size: 1480)
            if random.below(2) == 0 { pieces.shuffle(using: &random) }
            if random.below(4) == 0 { pieces.removeLast() }
            return (pieces, side)
        default:
            let about = path.reversed().udp(port, source, payload)
            return ([path.icmpError(3, code: 1, about: about)], side)
        }
    }

    @Test(
        "Invariants hold on bad wires", .row("S-1", "S-2", "S03", "S41"),
        arguments: seeds.map { ($0, 1) } + seeds.prefix(3).map { ($0, 2 + Int($0 % 2)) })
    func badWires(seed: UInt64, workers: Int) {
        var random = Random(seed: seed)
        let filters = Behavior.allCases
        var network = Network(seed: seed, workers: workers) {
            $0.nat.mapping = filters[Int(seed) % 3]
            $0.nat.filtering = filters[Int(seed / 3) % 3]
            $0.nat.limits.sessions = seed % 2 == 0 ? 64 : 4096
            $0.nat.ports = 30_000...30_000 + (seed % 4 == 0 ? 20 : 2000)
            $0.nat.portForwards = [
                PortForward(
                    name: "web", transports: [.tcp, .udp], ports: 8000...8063,
                    insideAddress: ip("192.168.50.10"), insidePort: 1000)
            ]
        }
        network.links = [.bad, .bad]
        for host in Self.inside { network.add(Station(host, on: .lan)) }
        var invariants = Invariants()
        var problems: [String] = []
        for _ in 0..<700 where problems.isEmpty {
            let (packets, side) = Self.packet(&random, &network)
            for packet in packets { network.send(packet, on: side) }
            let pause = random.below(60) == 0 ? 90_000_000_000 : 30_000_000
            let end = network.now + Interval(nanoseconds: Int64(random.below(pause)))
            while problems.isEmpty, let seen = network.step(until: end) {
                problems = invariants.violations(seen, network.tables)
            }
        }
        let end = network.now + .seconds(120)
        while problems.isEmpty, let seen = network.step(until: end) {
            problems = invariants.violations(seen, network.tables)
        }
        let drops = network.drops
        let accounted = invariants.passed + drops + network.takenARP
        if problems.isEmpty, network.arrivals != accounted {
            problems = [
                "\(network.arrivals) in, \(invariants.passed) out, \(drops) dropped,"
                    + " \(network.takenARP) ARP"
            ]
        }
        if !problems.isEmpty {
            let file = network.capture.save(named: "soak-\(seed)")
            Issue.record(
                """
                GATEWAY_SEED=\(seed), \(workers) workers: \(problems.joined(separator: "\n")) \
                in \(file)
                """
            )
        }
        #expect(network.arrivals > 500)
    }
}
