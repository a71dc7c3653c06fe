import Configuration

/// Any octets as a configuration file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    let result = ConfigurationLoader.parse(
        input, file: "/etc/gatewayd/fuzz.yaml", machineID: "0123456789abcdef0123456789abcdef")
    precondition((result.configuration == nil) == (result.errors > 0), "neither one nor the other")
    precondition(
        result.diagnostics.count >= min(result.errors, 1), "an error that nobody is told of")
    // Every diagnostic can be shown, with the lines it points at.
    return result.render().utf8.count == .max ? -1 : 0
}
