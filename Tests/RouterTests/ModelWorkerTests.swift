import NAT
import Simulation
import Support
import Testing

/// As the reference model, with a gateway of several workers.
@Suite("Reference model and several workers")
struct ModelWorkerTests {
    @Test(
        "Several workers do what one does, but for the port that is drawn",
        .row("U-1", "U-3", "U-6", "U-8", "U-9", "T-1", "I-4", "I-5", "X-2", "X-7", "S-1", "S-2"),
        arguments: ModelSimulationTests.runs.enumerated().filter { $0.offset % 2 == 0 }.map {
            ($1.seed, $1.mapping, $1.filtering, 2 + $0 / 2 % 2)
        }
    )
    func agrees(run: (seed: UInt64, mapping: Behavior, filtering: Behavior, workers: Int)) {
        var bed = ModelRun(seed: run.seed, run.mapping, run.filtering, workers: run.workers)
        for _ in 0..<300 where bed.problem == nil { bed.step() }
        if let problem = bed.problem {
            let file = bed.capture.save(named: "workers-\(run.seed)")
            Issue.record("\(run): \(problem) in \(file)")
        }
        #expect(bed.passed > 30 && bed.dropped > 15 && bed.handedOver > 50)
    }
}
