import Foundation
import RIP
import Support
import Testing
import Timing

/// GATEWAY_RIP_WORLD=full runs 200 routers and 1,000 link events, for a release build.
@Suite("RIP: convergence")
struct ConvergenceTests {
    private static let isFull =
        ProcessInfo.processInfo.environment["GATEWAY_RIP_WORLD"] == "full"

    @Test(
        "Whatever happens, the tables become those of Bellman and Ford",
        .row("RIP-IN-5", "RIP-TMO-1"), arguments: [false, true])
    func random(isLoopFree: Bool) {
        let (count, disturbances) = Self.isFull ? (200, 1000) : (16, 40)
        let began = ContinuousClock.now
        let world = World(routers: count, extra: count * 3 / 4, seed: 1, isLoopFree: isLoopFree)
        world.loss = 50
        world.run(.seconds(300))
        #expect(world.differences() == [])
        var source = Random(seed: 2)
        for _ in 0..<disturbances {
            world.toggle(source.below(world.linkCount))
            world.run(.milliseconds(Int64(source.below(10_000))))
        }
        // Quiet: a route that is gone times out, is forgotten, and updates get lost in between.
        world.run(.seconds(600))
        world.loss = 0
        world.run(.seconds(100))
        #expect(world.badWays == 0)
        #expect(world.differences() == [])
        let hours = Double(world.now.nanoseconds) / 3.6e12
        let wall = ContinuousClock.now - began
        print(
            """
            RIP \(isLoopFree ? "loop-free" : "plain"), \(count) routers, \(disturbances) link \
            events: \(world.tally.loops) transient loops, \(world.tally.holes) losses of \
            \(world.tally.holeTime.wholeSeconds) s in all, \(world.tally.packets) packets, \
            \(hours) virtual hours in \(wall)
            """)
    }
}
