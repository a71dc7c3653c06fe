import Support
import Testing
import Timing

/// The committed finds of the fuzz targets, and a little noise, replayed.
struct CorpusTests {
    @Test(.row("S63"))
    func scriptsThroughTheGatewayKeepEveryPromise() {
        var sent = 0
        for input in fuzzCorpus("FuzzPipeline").prefix(60) { sent += PipelineExercise.run(input) }
        for seed in 1...10 as ClosedRange<UInt64> {
            sent += PipelineExercise.run(noise(2000, seed: seed))
        }
        #expect(sent > 0)
    }

    @Test(.row("S-3"))
    func whatGoesOutAndComesBackIsTheSame() {
        var passed = 0
        for input in fuzzCorpus("FuzzTranslate").prefix(200) {
            passed += exerciseTranslation(input)
        }
        for seed in 1...200 as ClosedRange<UInt64> {
            passed += exerciseTranslation(noise(40 + Int(seed), seed: seed))
        }
        #expect(passed > 0)
    }
}
