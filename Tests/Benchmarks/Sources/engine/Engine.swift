import Allocations
import Forwarding
import Glibc
import Support
import Timing
import Wire

/// What the packet path costs in memory, without devices: `engine [flows …] [part …]`.
///
/// Flows are by default 1, 1,000, 64,000 and 1,000,000; parts are `packets`, `flows`, `checksums`,
/// `routes`, `scale` and `workers`, by default all. Ends with failure if an established or dropped
/// packet allocates. `engine count KIND PACKETS` is for `Tests/Benchmarks/instructions`.
@main
struct Engine {
    static let runs = 5
    static let packets = 1_000_000

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "count" { count(Array(arguments.dropFirst())) }
        let sizes = arguments.compactMap { Int($0) }
        let parts = arguments.filter { Int($0) == nil }
        func isWanted(_ part: String) -> Bool { parts.isEmpty || parts.contains(part) }
        var allocations = 0
        if isWanted("packets") {
            print("| flows | out ns | in ns | out packets/s | dropped ns | allocations |")
            print("|---|---|---|---|---|---|")
            for flows in sizes.isEmpty ? [1, 1000, 64_000, 1_000_000] : sizes {
                allocations += established(flows)
            }
        }
        print("\n| what | ns | a second |\n|---|---|---|")
        if isWanted("flows") { for count in [5000, 50_000, 200_000, 1_000_000] { flows(count) } }
        if isWanted("checksums") { checksums() }
        if isWanted("routes") { routes() }
        if isWanted("scale") { scale() }
        if isWanted("workers") { workers() }
        guard countsAllocations() == 1, allocations == 0 else {
            print("\nFAILED: the packet path allocates")
            exit(1)
        }
    }

    /// One row: packets of established flows in random order, both ways, and dropped ones.
    static func established(_ flows: Int) -> Int {
        var traffic = Traffic(flows: flows)
        traffic.open()
        var results: [Best] = []
        for side in Side.allCases {
            var copying = Best()
            var whole = Best()
            for _ in 0..<runs {
                copying.run(steps: packets) {
                    forEachFlow(of: flows) { traffic.copy($0, side) }
                }
                whole.run(steps: packets) {
                    var forwarded = 0
                    forEachFlow(of: flows) { if traffic.take($0, side) { forwarded += 1 } }
                    precondition(forwarded == packets)
                }
            }
            whole.nanoseconds -= copying.nanoseconds
            results.append(whole)
        }
        var dropped = Best()
        for _ in 0..<runs {
            dropped.run(steps: packets) {
                traffic.copy(0, .lan)
                traffic.spoil()
                for _ in 0..<packets where traffic.receive(.lan) { fatalError("forwarded") }
            }
        }
        results.append(dropped)
        let allocations = results.reduce(0) { $0 + $1.allocations }
        print(
            "| \(flows) | \(results[0].nanoseconds.text()) | \(results[1].nanoseconds.text())"
                + " | \((1e9 / results[0].nanoseconds).text(0)) | \(dropped.nanoseconds.text())"
                + " | \(allocations) |")
        return allocations
    }

    /// Numbers below `count` in an order that no prefetcher follows.
    @inline(__always)
    static func forEachFlow(of count: Int, _ body: (Int) -> Void) {
        var state: UInt64 = 1
        for _ in 0..<packets {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            body(Int((state >> 32) &* UInt64(count) >> 32))
        }
    }

    static func row(_ name: String, _ best: Best) {
        print("| \(name) | \(best.nanoseconds.text()) | \((1e9 / best.nanoseconds).text(0)) |")
    }

    /// New flows and their end.
    static func flows(_ count: Int) {
        var opening = Best()
        var ending = Best()
        for _ in 0..<runs {
            var traffic = Traffic(flows: count)
            opening.run(steps: count) {
                for flow in 0..<count where !traffic.take(flow, .lan) { fatalError("refused") }
            }
            ending.run(steps: count) { _ = traffic.expire() }
        }
        row("new flow, \(count) of them", opening)
        row("end of a flow", ending)
    }

    static func checksums() {
        for length in [40, 1480] {
            let bytes = [UInt8](repeating: 0xa5, count: length)
            var best = Best()
            var sum: UInt64 = 0
            for _ in 0..<runs {
                best.run(steps: packets) {
                    for _ in 0..<packets { sum &+= Checksum.sum(bytes.span.bytes) &+ (sum & 1) }
                }
            }
            precondition(sum > 0)
            row("checksum of \(length) octets", best)
        }
    }
}
