import NAT
import Support
import Testing
import Wire

/// What is kept of a TCP connection.
@Suite("TCP window")
struct TCPWindowTests {
    @Test("A session record fills two cache lines", .row("S-8"))
    func layout() {
        #expect(MemoryLayout<Session>.size == 128)
        #expect(MemoryLayout<TCPEnd>.size == 12)
    }
}
