import Support

/// Any octets as a frame through all views of `Wire`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    // The value is used, or the optimiser would drop the readings.
    return exerciseViews(input) == 0x5eed_5eed_5eed_5eed ? -1 : 0
}
