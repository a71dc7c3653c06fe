import Support

// One speaker for all inputs, so that it is in every state a neighbour can bring it into. A find
// needs the inputs before it too: FUZZ_SEED brings them again.
nonisolated(unsafe) private var exercise = RIPExercise()

/// One packet to a speaker of RIP, and what passes before it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe UnsafeRawBufferPointer(start: start, count: count)
    unsafe exercise.take(input.bytes)
    return 0
}
