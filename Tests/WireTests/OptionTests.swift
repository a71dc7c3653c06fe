import Support
import Testing
import Wire

@Suite("TCP options")
struct TCPOptionTests {
    let path = PacketBuilder("192.0.2.10", "198.51.100.7")

    /// Finds an option in a header with these option octets.
    func find(_ kind: UInt8, in options: [UInt8]) throws -> [Int]? {
        var packet = path.tcp(4000, 80, .syn, options: options)
        return try withSpan(&packet) { span in
            let view = try TCPView(span.from(20))
            return view.option(kind).map { [$0.offset, $0.length] }
        }
    }

    @Test("Found behind others, at its first place")
    func find() throws {
        let options = bytes("01 04 02 02 04 05 b4 02 04 00 01 03 03 07")
        #expect(try find(2, in: options) == [25, 2])
        #expect(try find(4, in: options) == [23, 0])
        #expect(try find(3, in: options) == [33, 1])
        #expect(try find(8, in: options) == nil)
        #expect(try find(2, in: bytes("00 02 04 05 b4")) == nil, "behind the end of options")
        #expect(try find(1, in: options) == nil)
    }

    @Test("Malformed lengths end the search", .row("S42"))
    func malformed() throws {
        for length in UInt8(0)...255 {
            let options = [8, length] + bytes("01 01 02 04 05 b4 01 01 01 01")
            let jump = 22 + Int(length) - 2
            let found = try find(2, in: options)
            switch length {
            case 0, 1: #expect(found == nil)
            case 2, 3, 4: #expect(found == [26, 2])
            case let n where n > 12: #expect(found == nil, "\(jump) lies behind the header")
            default: break
            }
        }
        #expect(try find(2, in: bytes("01 01 01 02")) == nil, "no room for a length")
        #expect(try find(2, in: bytes("01 01 02 03")) == nil, "no room for the value")
        #expect(try find(2, in: bytes("01 01 02 02")) == [24, 0])
    }

    @Test("Any option octets are walked without a trap", .row("S63"))
    func noise() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            let options = (0..<40).map { _ in UInt8.random(in: 0...12, using: &random) }
            var packet = path.tcp(4000, 80, .syn, options: options)
            try withSpan(&packet) { span in
                var view = try TCPView(span.from(20))
                for kind in UInt8(0)...12 {
                    guard let found = view.option(kind) else { continue }
                    #expect(found.offset >= 22 && found.offset + found.length <= view.headerLength)
                }
                _ = view.clampSegmentSize(to: 1, partialChecksum: false)
            }
            #expect(Dissection(packet: packet).problems.filter { $0.contains("checksum") } == [])
        }
    }

    @Test("Clamping corrects the checksum at even and odd offsets", arguments: 0...3)
    func clamp(shift: Int) throws {
        var random = SystemRandomNumberGenerator()
        let pads = [UInt8](repeating: 1, count: shift)
        for round in 0..<2000 {
            let old = UInt16.random(in: 0...UInt16.max, using: &random)
            let limit =
                round % 7 == 0 ? old &- 1 : UInt16.random(in: 0...UInt16.max, using: &random)
            let options = pads + [2, 4, UInt8(old >> 8), UInt8(old & 255)]
            let intact = round % 3 != 0
            let before = path.tcp(
                4000, 80, .syn, options: options, checksum: intact ? .correct : .wrong)
            var after = before
            let changed = try withSpan(&after) { span in
                var view = try TCPView(span.from(20))
                let changed = view.clampSegmentSize(to: limit, partialChecksum: false)
                #expect(view.maximumSegmentSize == min(old, limit))
                return changed
            }
            #expect(changed == (limit < old))
            #expect(changed || before == after)
            let seen = Dissection(packet: after)
            #expect(seen["tcp.options.mss_val"] == String(min(old, limit)))
            #expect(seen.problems.isEmpty == intact, "\(old) \(limit)")
        }
    }

    @Test("A partial checksum does not cover the option")
    func clampPartial() throws {
        var packet = path.tcp(
            4000, 80, .syn, options: bytes("02 04 05 b4"), checksum: .partial)
        let checksum = Array(packet[36..<38])
        let changed = try withSpan(&packet) { span in
            var view = try TCPView(span.from(20))
            return view.clampSegmentSize(to: 1400, partialChecksum: true)
        }
        #expect(changed && Array(packet[36..<38]) == checksum)
        #expect(Dissection(packet: packet, partialChecksum: true).problems == [])
        #expect(Dissection(packet: packet)["tcp.options.mss_val"] == "1400")
    }

    @Test("A segment size option of another length is left alone")
    func odd() throws {
        for options in ["02 03 ff 00", "02 02 00 00", "02 06 ff ff ff ff", "02 05 ff ff ff 00"] {
            let before = path.tcp(4000, 80, .syn, options: bytes(options))
            var after = before
            let changed = try withSpan(&after) { span in
                var view = try TCPView(span.from(20))
                #expect(view.maximumSegmentSize == nil)
                return view.clampSegmentSize(to: 100, partialChecksum: false)
            }
            #expect(!changed && before == after)
        }
    }
}

@Suite("IPv4 options", .row("F-23", "S42"), .rfc(791, "3.1"))
struct IPv4OptionTests {
    func inspect(_ options: [UInt8]) -> IPv4Options.Verdict {
        let path = PacketBuilder("192.0.2.10", "198.51.100.7").with { $0.options = options }
        let packet = path.packet(1, [])
        return IPv4Options.inspect(packet.raw)
    }

    @Test("Options as ping sends them pass")
    func captured() {
        let named = ["option-record-route", "option-record-route-reply", "option-timestamp"]
        for packet in named.map({ Golden.named($0).packet }) {
            let header = Int(packet[0] & 15) * 4
            #expect(header > 20)
            #expect(IPv4Options.inspect(packet.raw.part(0, header)) == .pass)
        }
    }

    @Test("Every kind with every length, in a header of 60 octets")
    func kinds() {
        for kind in UInt8(0)...255 {
            for length in UInt8(0)...255 {
                let options = [kind, length] + [UInt8](repeating: 1, count: 38)
                let expected: IPv4Options.Verdict =
                    switch kind {
                    case 0: .pass
                    case 1: length <= 1 ? .pass : nopFollowed(by: length)
                    case _ where length < 2 || length > 40: .malformed(pointer: 21)
                    case 131, 137: .sourceRoute
                    default: .pass
                    }
                if inspect(options) != expected {
                    Issue.record("kind \(kind), length \(length): \(inspect(options))")
                }
            }
        }
    }

    /// Behind a no-operation the second octet is a kind itself, of length 1.
    private func nopFollowed(by kind: UInt8) -> IPv4Options.Verdict { .malformed(pointer: 22) }

    @Test("An option of 40 octets fills the header, one more does not fit")
    func full() {
        let rest = [UInt8](repeating: 0, count: 38)
        #expect(inspect([7, 40] + rest) == .pass)
        #expect(inspect([7, 41] + rest) == .malformed(pointer: 21))
        #expect(inspect([131, 40] + rest) == .sourceRoute)
        #expect(inspect([]) == .pass)
    }

    @Test("A kind in the last octet has no length")
    func last() {
        #expect(inspect([1, 1, 1, 7]) == .malformed(pointer: 23))
        #expect(inspect([1, 1, 1, 1]) == .pass)
        #expect(inspect([7, 3, 0, 131]) == .malformed(pointer: 23))
        #expect(inspect([1, 137, 3, 4]) == .sourceRoute)
        #expect(inspect([0, 131, 3, 4]) == .pass, "behind the end of options")
    }

    @Test("Any octets end without a trap", .row("S63"))
    func noise() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let words = Int.random(in: 0...10, using: &random)
            _ = inspect((0..<(words * 4)).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }
}
