import Support
import Testing
import Wire

@Suite("Internet checksums")
struct ChecksumTests {
    /// Equal as one's complement numbers: 0 and 0xffff are the same.
    func same(_ a: UInt16, _ b: UInt16) -> Bool { a == b || (a % 0xffff == 0 && b % 0xffff == 0) }

    func sum(_ bytes: [UInt8]) -> UInt16 { Checksum.fold(Checksum.sum(bytes.raw)) }

    func noise(_ count: Int, _ random: inout SystemRandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test("The example of the RFC", .rfc(1071, "3"))
    func example() {
        let words = bytes("00 01 f2 03 f4 f5 f6 f7")
        #expect(SlowChecksum.sum(words) == 0xddf2)
        #expect(sum(words) == 0xddf2)
        #expect(SlowChecksum.checksum(words) == 0x220d)
    }

    @Test("Sums equal the slow sum for every length, alignment and for extreme bytes")
    func sums() {
        var random = SystemRandomNumberGenerator()
        for count in 0...200 {
            for octets in [noise(count, &random), Array(repeating: 0xff, count: count)] {
                #expect(sum(octets) == SlowChecksum.sum(octets), "\(hex(octets))")
            }
            #expect(sum([UInt8](repeating: 0, count: count)) == 0)
            let shifted = noise(count + 3, &random)
            let part = Checksum.fold(Checksum.sum(shifted.raw.part(3, count)))
            #expect(part == SlowChecksum.sum(Array(shifted.dropFirst(3))))
        }
        for count in [1499, 1500, 65_534, 65_535, 65_553] {
            for octets in [noise(count, &random), Array(repeating: 0xff, count: count)] {
                #expect(sum(octets) == SlowChecksum.sum(octets))
            }
        }
    }

    @Test("Sums of parts add up")
    func parts() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let octets = noise(Int.random(in: 0...300, using: &random), &random)
            let cut = Int.random(in: 0...octets.count, using: &random) & ~1
            let both =
                Checksum.sum(octets.raw.part(0, cut))
                &+ Checksum.sum(octets.raw.part(cut, octets.count - cut))
            #expect(Checksum.fold(both) == SlowChecksum.sum(octets))
        }
    }

    @Test("Folding is exact at the borders of its carries")
    func fold() {
        for high: UInt64 in [0, 1, 0xfffe, 0xffff, 0x1_0000, 0xffff_fffe, 0xffff_ffff] {
            for low: UInt64 in [0, 1, 0xffff, 0x1_0000, 0xffff_0000, 0xffff_fffe, 0xffff_ffff] {
                let value = high << 32 | low
                let folded = Checksum.fold(value)
                #expect(UInt64(folded) % 0xffff == value % 0xffff)
                #expect((folded == 0) == (value == 0))
            }
        }
    }

    @Test("Pseudo headers", arguments: Golden.ipv4)
    func pseudoHeader(golden: Golden) {
        let packet = golden.packet
        let words = SlowChecksum.pseudoHeader(of: packet, length: 1234)
        let value = Checksum.pseudoHeader(
            source: packet.raw.be32(12), destination: packet.raw.be32(16),
            proto: packet[9], length: 1234)
        #expect(Checksum.fold(value) == SlowChecksum.sum(words))
    }

    /// Changes of a word: TTL steps, the borders 0 and 0xffff, nothing at all.
    static let changes: [(UInt16, UInt16)] = [
        (0x4011, 0x3f11), (0x0101, 0x0001), (0, 0xffff), (0xffff, 0), (0, 0), (0xffff, 0xffff),
        (0x5555, 0x5554), (1, 0xfffe), (0x8000, 0x7fff),
    ]

    @Test(
        "Every checksum updated for a word equals the full sum", .row("F-5", "S17"),
        .rfc(1624, "3"), arguments: changes)
    func incremental(old: UInt16, new: UInt16) {
        let delta = Checksum.fold(Checksum.delta(old: UInt32(old), new: UInt32(new)))
        for checksum in 0...UInt16.max {
            // The sum of all other words is what makes `checksum` right for `old`.
            let others = (0xffff - Int(checksum) + 0xffff - Int(old)) % 0xffff
            let sum = (others + Int(new)) % 0xffff
            let full = sum == 0 ? 0 : UInt16(0xffff - sum)  // a sum of ones, not of nothing
            let updated = Checksum.update(checksum, by: delta)
            // 0xffff is never right in a header; only one that came in so may go out so.
            if checksum == 0xffff ? !same(updated, full) : updated != full {
                Issue.record("\(checksum): \(updated), not \(full)")
            }
            let udp = Checksum.updateUDP(checksum, by: delta)
            if checksum == 0 ? udp != 0 : (udp == 0 || !same(udp, full)) {
                Issue.record("\(checksum): UDP \(udp), not \(full)")
            }
            let partial = Checksum.updatePartial(~checksum, by: delta)
            if !same(partial, ~full) { Issue.record("\(checksum): partial \(partial)") }
        }
    }

    @Test(
        "A header with any identification survives forwarding and translation", .row("F-5", "S17"))
    func headers() throws {
        let before = PacketBuilder("192.0.2.10", "255.255.255.255")
        let after = ip("0.0.0.0")
        var header = Array(before.packet(17, []).prefix(20))
        for identification in 0...UInt16.max {
            header[4] = UInt8(identification >> 8)
            header[5] = UInt8(identification & 255)
            header[8] = 64
            header.replaceSubrange(16..<20, with: [255, 255, 255, 255])
            let intact = identification % 3 != 0
            withSpan(&header) { span in
                guard var view = try? IPv4View(span.from(0)) else { return }
                view.computeChecksum()
                if !intact { view.headerChecksum ^= 1 << (identification % 16) }
                let old = view.destination
                view.destination = after
                view.timeToLive = 63
                let delta = Checksum.fold(
                    Checksum.delta(old: old.rawValue, new: after.rawValue)
                        &+ Checksum.delta(old: 64 << 8, new: 63 << 8))
                view.headerChecksum = Checksum.update(view.headerChecksum, by: delta)
                if view.checksumIsValid != intact { Issue.record("\(identification)") }
            }
            if SlowChecksum.isIntact(header) != intact { Issue.record("\(identification)") }
        }
    }

    @Test("Any port or address change keeps right what was right", .row("F-5", "S41"))
    func transport() throws {
        var random = SystemRandomNumberGenerator()
        for round in 0..<2000 {
            let source = IPv4Address(UInt32.random(in: 0...UInt32.max, using: &random))
            let path = PacketBuilder(source, ip("198.51.100.7"))
            let old = UInt16.random(in: 0...UInt16.max, using: &random)
            let new = round % 5 == 0 ? ~old : UInt16.random(in: 0...UInt16.max, using: &random)
            let payload = noise(round % 70, &random)
            let intact = round % 4 != 0
            var packet =
                round % 2 == 0
                ? path.udp(old, 53, payload, checksum: intact ? .correct : .wrong)
                : path.tcp(old, 80, .ack, payload, checksum: intact ? .correct : .wrong)
            let field = round % 2 == 0 ? 26 : 36
            withSpan(&packet) { span in
                let outside = ip("203.0.113.9").rawValue
                let address = Checksum.delta(old: span.be32(12), new: outside)
                let port = Checksum.delta(old: UInt32(old), new: UInt32(new))
                span.setBe32(12, outside)
                span.setBe16(20, new)
                span.setBe16(10, Checksum.update(span.be16(10), by: Checksum.fold(address)))
                let delta = Checksum.fold(address &+ port)
                let checksum = span.be16(field)
                span.setBe16(
                    field,
                    round % 2 == 0
                        ? Checksum.updateUDP(checksum, by: delta)
                        : Checksum.update(checksum, by: delta))
            }
            #expect(Dissection(packet: packet).problems.isEmpty == intact, "\(hex(packet))")
        }
    }

    @Test("UDP: a computed zero is sent as ones, none stays none", .row("F-6"), .rfc(768))
    func udpZero() {
        // The payload is chosen so that the right checksum is 0, which goes out as 0xffff.
        let path = PacketBuilder("192.0.2.10", "198.51.100.7")
        let plain = path.udp(4000, 53, [0, 0])
        let special = path.udp(4000, 53, Array(plain[26..<28]))
        #expect(Array(special[26..<28]) == [0xff, 0xff])
        #expect(Dissection(packet: special).problems == [])
        for new in 0...UInt16.max {
            let delta = Checksum.fold(Checksum.delta(old: 4000, new: UInt32(new)))
            #expect(Checksum.updateUDP(0, by: delta) == 0)
            #expect(Checksum.updateUDP(0xffff, by: delta) != 0)
        }
    }
}
