import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

@testable import Memory

@Suite("Rewrite and hash")
struct RewriteTests {
    /// Every value a checksum field can have, there and back: the packet is what it was. In a debug
    /// build, which takes its time, every thirteenth and those around 0.
    @Test(
        "Translated twice is the original", .row("S-3", "F-5", "F-6"),
        arguments: [IPProtocol.udp, IPProtocol.tcp])
    func twice(proto: UInt8) throws {
        var bench = Bench()
        let host = PacketBuilder("192.168.50.10", "198.51.100.7")
        let isUDP = proto == IPProtocol.udp
        let first = isUDP ? host.udp(4000, 53, [0, 0]) : host.tcp(4000, 53, .syn, [0, 0])
        bench.send(first, on: .lan)
        #expect(bench.sessionCount == 1)
        let field = 34 + (isUDP ? 6 : 16)
        let frame = Bench.frame(first, on: .lan)
        let base = ~(UInt16(frame[field]) << 8 | UInt16(frame[field + 1]))
        var wrong = 0
        var unsound = 0
        for word in Self.words(around: ~base) {
            var original = frame
            Self.set(&original, original.count - 2, word)
            let sum = UInt32(base) + UInt32(word)
            let checksum = ~UInt16(truncatingIfNeeded: (sum & 0xffff) + (sum >> 16))
            Self.set(&original, field, isUDP && checksum == 0 ? 0xffff : checksum)
            var turned = original
            try Self.rewrite(&turned, .outbound, bench)
            if word % 251 == 0, !Dissection(frame: turned).problems.isEmpty { unsound += 1 }
            Self.swapEnds(&turned)
            try Self.rewrite(&turned, .inbound, bench)
            Self.swapEnds(&turned)
            if turned != original { wrong += 1 }
        }
        #expect(wrong == 0 && unsound == 0)
    }

    private static func words(around middle: UInt16) -> [UInt16] {
        #if DEBUG
            let near = (0..<8).flatMap { [middle &+ $0, middle &- $0] }
            return near + stride(from: 0, through: UInt16.max, by: 13)
        #else
            return Array(0...UInt16.max)
        #endif
    }

    private static func set(_ frame: inout [UInt8], _ offset: Int, _ value: UInt16) {
        frame[offset] = UInt8(value >> 8)
        frame[offset + 1] = UInt8(value & 255)
    }

    /// Source and destination change places; no checksum changes.
    private static func swapEnds(_ frame: inout [UInt8]) {
        for offset in 26..<30 { frame.swapAt(offset, offset + 4) }
        for offset in 34..<36 { frame.swapAt(offset, offset + 2) }
    }

    private static func rewrite(
        _ frame: inout [UInt8], _ direction: Direction, _ bench: borrowing Bench
    ) throws(DropReason) {
        try withSpan(&frame) { span throws(DropReason) in
            let packet = try Packet(&span, VirtioNetHeader())
            bench.router.forwarder.nat.rewrite(
                0, packet, direction, &span, decrementTTL: false)
        }
    }

    /// Places that each record is away from where its hash wants it, in all; nil if one was
    /// refused.
    private static func probes(_ tuples: [(UInt64, UInt64)]) -> Int? {
        var layout = RegionLayout()
        let extent = layout.reserve(
            UInt32.self, count: HashIndex.slotCount(for: tuples.count))
        let region = Region(layout)
        let slots: FlatArray<UInt32> = region.array(extent)
        var index = HashIndex(slots: slots)
        var random = Random(seed: 77)
        let key = HashKey(random.next(), random.next())
        for (number, tuple) in tuples.enumerated() {
            guard index.insert(UInt32(number), hash: key.hash(tuple.0, tuple.1)) else { return nil }
        }
        // What a lookup of each would go through.
        return tuples.indices.reduce(0) { sum, number in
            var looked = 0
            let hash = key.hash(tuples[number].0, tuples[number].1)
            let home = Int((UInt64(hash) * UInt64(slots.count)) >> 32)
            while slots[(home + looked) % slots.count] & (1 << 26 - 1) != UInt32(number + 1) {
                looked += 1
            }
            return sum + looked
        }
    }

    @Test("Chosen tuples cost no more than random ones", .row("S12"))
    func flooding() throws {
        let count = 100_000
        var random = Random(seed: 6)
        let randomProbes = Self.probes((0..<count).map { _ in (random.next(), random.next()) })
        let usual = try #require(randomProbes)
        let addresses: UInt64 = 0xc0a8_320a_c633_6407
        let tcp: UInt64 = 6 << 8
        let numbers = (0..<count).map { UInt64($0) }
        let chosen: [(name: String, tuples: [(UInt64, UInt64)])] = [
            // Without a key, 0 times anything is 0: one chain.
            ("zero", numbers.map { (0, $0) }),
            ("zero below", numbers.map { ($0, 0) }),
            ("ports", numbers.map { (addresses, $0 << 32 | tcp) }),
            ("high bits", numbers.map { ($0 << 40, 17 << 8) }),
            ("equal halves", numbers.map { ($0 << 32 | $0, 6 << 8) }),
            ("inverse", numbers.map { ($0, ~$0) }),
            ("powers", numbers.map { (1 << UInt64($0 % 64), UInt64($0 / 64) << 48) }),
        ]
        for (name, tuples) in chosen {
            let cost = Self.probes(tuples)
            #expect(cost.map { $0 < usual * 3 } == true, "\(name): \(cost ?? -1), usual \(usual)")
        }
    }
}
