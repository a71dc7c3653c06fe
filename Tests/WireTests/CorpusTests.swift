import Support
import Testing

@Suite("Fuzzing corpus", .row("S32", "S63"))
struct CorpusTests {
    @Test("The committed corpus and all captures keep the views' promises")
    func replay() {
        let corpus = fuzzCorpus("FuzzFrame")
        #expect(corpus.count >= 50)
        for input in corpus + Golden.all.map(\.frame) {
            let first = exerciseViews(input)
            let again = exerciseViews(input)
            #expect(first == again)
        }
    }
}
