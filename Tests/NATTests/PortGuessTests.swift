import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// Whether ports can be foretold, and which are never given out.
@Suite("Ports nobody can guess")
struct PortGuessTests {
    /// The outside ports of new flows of ten hosts, in order.
    private static func ports(seed: UInt64, count: Int) -> [Int] {
        var bench = Bench(seed: seed)
        for flow in 0..<count {
            let host = PacketBuilder("192.168.50.\(10 + flow % 10)", "198.51.100.7")
            bench.send(host.udp(UInt16(2000 + flow / 10), 53), on: .lan)
        }
        return (0..<UInt32(count)).map { Int(bench.router.forwarder.nat.session($0).outsidePort) }
    }

    @Test("Even over the pool, and without a pattern", .row("S02", "X-9a", "C-15", "R-2"))
    func even() {
        let count = 10_000
        let ports = Self.ports(seed: 1, count: count)
        #expect(Set(ports).count == count)
        var buckets = [Double](repeating: 0, count: 63)
        for port in ports { buckets[(port - 1024) / 1024] += 1 }
        let wanted = Double(count) / 63
        let chiSquare = buckets.reduce(0) { $0 + ($1 - wanted) * ($1 - wanted) / wanted }
        // 62 degrees of freedom: mean 62, deviation 11.
        #expect(chiSquare > 20 && chiSquare < 115, "\(chiSquare)")
        // The correlation of each port with the one after it has a deviation of 0.01.
        let mean = Double(ports.reduce(0, +)) / Double(count)
        let parts = ports.map { Double($0) - mean }
        let variance = parts.reduce(0) { $0 + $1 * $1 }
        for lag in [1, 2, 10] {
            let shifted = zip(parts, parts.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(shifted / variance) < 0.05, "\(lag)")
        }
    }

    @Test("Others after a restart", .row("S02", "X-9a"))
    func restart() {
        let first = Self.ports(seed: 1, count: 500)
        let second = Self.ports(seed: 2, count: 500)
        #expect(zip(first, second).count { $0 == $1 } < 5)
    }

    @Test(
        "The gateway's own ports are never given out", .row("S08", "R-1"), arguments: [false, true])
    func ownPorts(preserve: Bool) {
        var bench = Bench { $0.nat.preservePort = preserve }
        for host in 10..<13 {
            for port: UInt16 in 300..<1000 {
                bench.send(
                    PacketBuilder("192.168.50.\(host)", "198.51.100.7").udp(port, 53), on: .lan)
            }
        }
        let ports = (0..<UInt32(2100)).map { bench.router.forwarder.nat.session($0).outsidePort }
        #expect(bench.sessionCount == 2100 && !ports.contains(520))
        #expect(ports.count { $0 < 1024 } == 1022, "all the others of the well-known ports are")
        let answer = bench.send(
            PacketBuilder("198.51.100.7", "203.0.113.2").udp(520, 520), on: .wan)
        #expect(answer.isEmpty)
    }
}
