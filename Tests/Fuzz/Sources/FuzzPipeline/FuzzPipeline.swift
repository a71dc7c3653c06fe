import Support

/// A script of frames and moments through a whole gateway with translation.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    // The value is used, or the optimiser would drop the work.
    return PipelineExercise.run(input) == .max ? -1 : 0
}
