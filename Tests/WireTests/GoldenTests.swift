import Support
import Testing
import Wire

@Suite("Packets captured from a kernel")
struct GoldenTests {
    @Test("All captures are there")
    func captures() {
        #expect(Golden.all.count >= 25)
        #expect(Golden.arp.count == 3)
        #expect(Golden.offloaded.count == 4)
    }

    @Test("The views read what tshark reads", arguments: Golden.all)
    func views(golden: Golden) throws {
        let seen = try wireFields(golden.frame)
        #expect(seen.count >= 8)
        for (name, value) in seen { #expect(golden.notes[name] == value, "\(name)") }
    }

    @Test("The tests' own reader sees every field tshark sees", arguments: Golden.all)
    func dissection(golden: Golden) {
        let seen = Dissection(frame: golden.frame, partialChecksum: golden.isOffloaded)
        #expect(seen.problems == [])
        for (name, value) in golden.notes where !name.hasPrefix("vnet.") {
            #expect(seen[name] == value, "\(name)")
        }
    }

    @Test(
        "Checksums fit, and any one flipped bit under them is seen", .row("F-1"),
        arguments: Golden.ipv4)
    func bitFlips(golden: Golden) throws {
        let frame = golden.frame
        #expect(wireChecksumsFit(frame, partial: golden.isOffloaded))
        let view = try wireFields(frame)
        let header = Int(try #require(view["ip.hdr_len"])) ?? 0
        let covered =
            golden.isOffloaded || golden.name.hasPrefix("fragment")
                || golden.name == "udp-no-checksum" ? 14 + header : frame.count
        for bit in 0..<(min(frame.count, 600) * 8) {
            var flipped = frame
            flipped[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            _ = try? wireFields(flipped)
            if bit / 8 >= 14, bit / 8 < covered {
                #expect(!wireChecksumsFit(flipped), "bit \(bit)")
            }
        }
    }
}
