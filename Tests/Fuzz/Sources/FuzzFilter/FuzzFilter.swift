import Control
import Wire

/// Any text as a filter of sessions, tried on a few of them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: input, as: UTF8.self)
    do throws(FilterError) {
        let filter = try Filter(parsing: text)
        let rows = sessions.map { filter.matches($0) }
        // The same text means the same.
        let again = try Filter(parsing: text)
        precondition(rows == sessions.map { again.matches($0) }, "two meanings")
        if filter.namesRules { _ = try filter.resolved(rules: ["web", "ssh"]) }
        return rows.count == .max ? -1 : 0
    } catch {
        precondition(
            error.offset >= 0 && error.length >= 0 && error.offset <= text.utf8.count,
            "an error outside the text")
        precondition(!error.sentence.isEmpty, "an error that says nothing")
        return 0
    }
}

private let sessions: [SessionRow] = [
    SessionRow(
        id: 1, transport: 6, state: .established, inside: IPv4Address(192, 168, 50, 101),
        insidePort: 40013, outside: IPv4Address(203, 0, 113, 2), outsidePort: 40013,
        remote: IPv4Address(198, 51, 100, 7), remotePort: 443),
    SessionRow(
        id: 2, transport: 17, state: .replied, inside: IPv4Address(192, 168, 50, 9),
        insidePort: 53, outside: IPv4Address(203, 0, 113, 2), outsidePort: 65_535,
        remote: IPv4Address(255, 255, 255, 255), remotePort: 53),
    SessionRow(
        id: 3, transport: 1, state: .unreplied, inside: IPv4Address(192, 168, 50, 9),
        insidePort: 0, outside: IPv4Address(203, 0, 113, 2), outsidePort: 1,
        remote: IPv4Address(198, 51, 100, 7), remotePort: 0),
]
