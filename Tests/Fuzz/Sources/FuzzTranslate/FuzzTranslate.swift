import Support

/// A packet out through the translation and its mirror image back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    // The value is used, or the optimiser would drop the work.
    return exerciseTranslation(input) == .max ? -1 : 0
}
