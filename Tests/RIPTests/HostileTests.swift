import Foundation
import Support
import Testing
import Timing

/// GATEWAY_RIP_HOSTILE=n sends n packets.
@Suite("RIP: hostile packets")
struct HostileTests {
    static let count =
        ProcessInfo.processInfo.environment["GATEWAY_RIP_HOSTILE"].flatMap(Int.init) ?? 20_000

    @Test("Nothing traps, and what is known stays bounded and true", .row("S50", "S52"))
    func anything() {
        let seeds = fuzzCorpus("FuzzRIP")
        var random = Random(seed: 50)
        var exercise = RIPExercise()
        var input: [UInt8] = []
        for _ in 0..<Self.count {
            // Parts of two captures, of FRR or BIRD or found by fuzzing, with octets changed.
            let first = seeds[random.below(seeds.count)]
            let second = seeds[random.below(seeds.count)]
            input.removeAll(keepingCapacity: true)
            input += first.prefix(random.below(4) == 0 ? random.below(first.count + 1) : 600)
            input += second.suffix(random.below(4) == 0 ? random.below(second.count + 1) : 0)
            for _ in 0..<random.below(5) where !input.isEmpty {
                input[random.below(input.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            exercise.take(input.raw)
        }
        #expect(exercise.changes > Self.count / 20)
    }
}
