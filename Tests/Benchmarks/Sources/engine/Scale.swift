import Glibc
import NAT
import Support
import Timing
import Wire

extension Engine {
    /// A million sessions made, found and ended, and what they take in memory.
    static func scale() {
        print("\n| sessions | a mapping | make ns | find ns | end ns | octets each |")
        print("|---|---|---|---|---|---|")
        for sharing in [1, 2, 4, 8] { scale(1 << 20, sharing) }
        let (session, mapping) = (MemoryLayout<Session>.stride, MemoryLayout<Mapping>.stride)
        let timer = MemoryLayout<TimerWheel.Node>.stride
        print("\nOctets of a session record: \(session); mapping: \(mapping); timer: \(timer).")
    }

    /// One row: `count` sessions, of which `sharing` at a time have one mapping.
    private static func scale(_ count: Int, _ sharing: Int) {
        var settings = NATSettings()
        settings.mode = .pool
        settings.limits.sessions = count
        settings.limits.sessionsPerHost = count
        settings.limits.portsPerHost = count
        // Hosts have an address by chance: more than the 17 that would do.
        let addresses = (0..<40).map { IPv4Address(203, 0, 113, UInt8(10 + $0)) }
        var now = Instant(nanoseconds: 1_000_000_000_000)
        var nat = NAT(settings, outsideAddresses: addresses, random: Random(seed: 1))
        var frame = Bench.frame(
            PacketBuilder("10.0.0.1", "198.18.0.1").udp(1, 4000, [1, 2, 3, 4]), on: .lan)
        let parsed = withSpan(&frame) { try? Packet(&$0, VirtioNetHeader()) }
        guard var packet = parsed else { fatalError("no packet") }
        let before = residentOctets()
        var making = Best()
        making.run(steps: count) {
            withSpan(&frame) { span in
                for flow in 0..<count {
                    aim(&packet, flow, sharing)
                    guard let number = try? nat.admitOutbound(packet, at: now),
                        (try? nat.track(number, packet, &span, .outbound, at: now)) != nil,
                        (try? nat.track(number, packet, &span, .inbound, at: now)) != nil
                    else { fatalError("refused \(flow)") }
                }
            }
        }
        let octets = Double(residentOctets() - before) / Double(count)
        var finding = Best()
        finding.run(steps: packets) {
            var found = 0
            forEachFlow(of: count) {
                aim(&packet, $0, sharing)
                if nat.find(packet, .outbound) != nil { found += 1 }
            }
            precondition(found == packets)
        }
        now += .seconds(700)
        var ending = Best()
        ending.run(steps: count) { while nat.expire(at: now) {} }
        precondition(nat.sessionCount == 0)
        print(
            "| \(count) | \(sharing) | \(making.nanoseconds.text()) | \(finding.nanoseconds.text())"
                + " | \(ending.nanoseconds.text()) | \(octets.text()) |")
    }

    /// Makes the packet one of a flow: 1,024 hosts, ever more ports, `sharing` remotes.
    private static func aim(_ packet: inout Packet, _ flow: Int, _ sharing: Int) {
        let endpoint = flow / sharing
        packet.source = 0x0a00_0001 + UInt32(endpoint % 1024)
        packet.sourcePort = UInt16(20_000 + endpoint / 1024)
        packet.destination = 0xc612_0001 + UInt32(flow % sharing)
    }

    /// Resident memory of this process.
    static func residentOctets() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 200)
        let count = fread(&line, 1, line.count, file)
        let fields = String(decoding: line[..<count], as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096
    }
}
