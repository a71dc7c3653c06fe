import Support
import Testing
import Wire

@testable import OSPF

@Suite("OSPF: LSAs", .rfc(2328, "A.4"))
struct LSATests {
    /// The LSAs of a captured update.
    static func lsas(_ packet: [UInt8]) throws(OSPFDrop) -> [LSA] {
        var update = try Update(packet.raw.part(24, packet.count - 24))
        var result: [LSA] = []
        while let part = update.take() { result.append(LSA(try CheckedLSA(part))) }
        return result
    }

    static func lsa(
        _ type: LSAType, id: String = "1.2.3.4", router: String = "1.2.3.4",
        sequence: Int32 = OSPFProtocol.initialSequence, body: [UInt8]
    ) -> LSA {
        LSA(
            type, id: ip(id), router: ip(router), sequence: sequence, options: .external,
            body: body)
    }

    /// One of each type.
    static let samples: [LSA] = [
        lsa(
            .router,
            body: LSA.routerBody(
                [.border, .boundary],
                [
                    RouterLink(.pointToPoint, id: 0x0101_0101, data: 0x0a00_0001, cost: 10),
                    RouterLink(.stub, id: 0x0a00_0000, data: 0xffff_ff00, cost: 10),
                ])),
        lsa(.network, body: LSA.networkBody(prefix("1.2.3.0/24"), [ip("1.1.1.1"), ip("2.2.2.2")])),
        lsa(.summaryNetwork, body: LSA.summaryBody(mask: 0xffff_0000, cost: 77)),
        lsa(.summaryRouter, body: LSA.summaryBody(mask: 0, cost: 1)),
        lsa(.external, body: LSA.externalBody(OSPFExternal(prefix("1.2.3.0/24")))),
        lsa(.nssa, body: LSA.externalBody(OSPFExternal(prefix("1.2.3.0/24"), isType2: false))),
        lsa(.opaqueLink, body: []), lsa(.opaqueArea, body: [1, 2, 3, 4]),
        lsa(.opaqueSystem, body: [UInt8](repeating: 7, count: 100)),
    ]

    static func accepts(_ bytes: [UInt8]) -> OSPFDrop? {
        do throws(OSPFDrop) {
            _ = try CheckedLSA(bytes.raw)
            return nil
        } catch {
            return error
        }
    }

    /// With the length and checksum put right.
    static func mended(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        result.set16(18, UInt16(bytes.count))
        result.set16(16, Fletcher.checksum(result.raw))
        return result
    }

    @Test("FRR's and BIRD's checksums are ours", .row("OSPF-CHK-1"))
    func checksum() throws {
        for packet in [Captures.frrUpdate, Captures.birdUpdate, Captures.birdNetworkUpdate] {
            for lsa in try Self.lsas(packet) {
                #expect(Fletcher.checksum(lsa.bytes.raw) == lsa.header.checksum)
                for age: UInt16 in [0, 77, 3600] {
                    var older = lsa
                    older.age = age
                    #expect(Self.accepts(older.bytes) == nil, "the age is not in the sum")
                }
            }
        }
        for lsa in Self.samples {
            #expect(Self.accepts(lsa.bytes) == nil && lsa.header.checksum != 0)
            var zero = lsa.bytes
            zero.set16(16, 0)
            #expect(Self.accepts(zero) == .lsaChecksum)
        }
    }

    @Test("No bit but those of the age may differ", .row("OSPF-CHK-1", "OSPF-FLD-1", "S51"))
    func bits() {
        for lsa in Self.samples {
            for bit in 16..<(lsa.bytes.count * 8) {
                var changed = lsa.bytes
                changed[bit / 8] ^= 1 << (bit % 8)
                // The length is checked against what is at hand before anything else.
                if bit / 8 == 18 || bit / 8 == 19 { continue }
                #expect(Self.accepts(changed) == .lsaChecksum, "\(lsa.type), bit \(bit)")
            }
        }
    }

    @Test("A body of another length than its type needs is refused", .row("OSPF-FLD-1", "S51"))
    func lengths() {
        for lsa in Self.samples {
            for length in 20...(lsa.bytes.count + 24) {
                let padding = [UInt8](repeating: 0, count: max(length - lsa.bytes.count, 0))
                let bytes = Self.mended(Array(lsa.bytes.prefix(length)) + padding)
                let body = length - 20
                let isWhole: Bool
                switch lsa.type {
                case .router: isWhole = length == lsa.bytes.count
                case .network, .summaryNetwork, .summaryRouter:
                    isWhole = body >= 8 && body % 4 == 0
                case .external, .nssa: isWhole = body >= 16 && (body - 4) % 12 == 0
                default: isWhole = body % 4 == 0
                }
                #expect((Self.accepts(bytes) == nil) == isWhole, "\(lsa.type), \(length) octets")
            }
        }
    }

    @Test("Counts in a router-LSA that lie are refused", .row("S51"))
    func counts() {
        let good = Self.samples[0].bytes
        for (offset, value) in [(23, 1), (23, 3), (22, 255), (33, 1), (33, 255)] {
            var bad = good
            bad[offset] = UInt8(value)
            #expect(Self.accepts(Self.mended(bad)) == .lsaLength, "\(offset) = \(value)")
        }
        // Links with metrics of a type of service are stepped over.
        var more = good
        more[33] = 1
        more.insert(contentsOf: [8, 0, 0, 9], at: 36)
        #expect(Self.accepts(Self.mended(more)) == nil)
        let bytes = Self.mended(more)
        if let checked = try? CheckedLSA(bytes.raw) {
            #expect(LSA(checked).links.map(\.kind) == [1, 3])
        }
    }

    @Test("Values no router makes are refused by name", .row("OSPF-FLD-1", "S51"))
    func values() {
        func changed(_ offset: Int, _ value: UInt8, of index: Int = 0) -> OSPFDrop? {
            var bytes = Self.samples[index].bytes
            bytes[offset] = value
            return Self.accepts(Self.mended(bytes))
        }
        #expect(changed(11, 9) == .lsaRouter, "advertising router and link state id: CVE-2013-0149")
        #expect(changed(11, 9, of: 1) == nil)
        for type: UInt8 in [0, 6, 8, 12, 255] { #expect(changed(3, type) == .lsaType) }
        #expect(changed(0, 0x0e) == nil && changed(0, 0x0f) == .lsaValue, "3584 and 3840 s")
        var reserved = Self.samples[0].bytes
        reserved.replaceSubrange(12..<16, with: [0x80, 0, 0, 0])
        #expect(Self.accepts(Self.mended(reserved)) == .lsaValue)
    }

    @Test("Which of two instances is newer", .rfc(2328, "13.1"), .row("OSPF-FLD-3"))
    func recency() {
        func header(_ sequence: Int32, _ checksum: UInt16, _ age: UInt16) -> LSAHeader {
            var header = Self.samples[0].header
            (header.sequence, header.checksum, header.age) = (sequence, checksum, age)
            return header
        }
        let order: [(LSAHeader, LSAHeader, LSAHeader.Recency)] = [
            (header(2, 1, 3600), header(1, 9, 0), .newer),
            (header(-1, 1, 0), header(1, 1, 0), .older),
            (header(.max, 0, 0), header(.min + 1, 9, 0), .newer),
            (header(1, 2, 0), header(1, 1, 3600), .newer),
            (header(1, 0x8000, 0), header(1, 0x7fff, 0), .newer),
            (header(1, 1, 3600), header(1, 1, 3599), .newer),
            (header(1, 1, 3600), header(1, 1, 3600), .same),
            (header(1, 1, 0), header(1, 1, 900), .same),
            (header(1, 1, 0), header(1, 1, 901), .newer),
            (header(1, 1, 2000), header(1, 1, 1000), .older),
        ]
        let opposite: [LSAHeader.Recency: LSAHeader.Recency] = [
            .newer: .older, .older: .newer, .same: .same,
        ]
        for (a, b, expected) in order {
            #expect(a.recency(than: b) == expected)
            #expect(b.recency(than: a) == opposite[expected])
        }
    }

    @Test("What the bodies say", .rfc(2328, "A.4.2"))
    func bodies() throws {
        let frr = try Self.lsas(Captures.frrUpdate)
        #expect(frr.map(\.type) == [.router, .summaryNetwork, .external])
        #expect(frr[0].routerFlags == [.border, .boundary])
        #expect(
            Array(frr[0].links) == [
                RouterLink(.stub, id: 0x0a09_0000, data: 0xffff_ff00, cost: 10)
            ])
        #expect(frr[1].prefix == prefix("10.9.1.0/24") && frr[1].cost == 10)
        #expect(frr[2].prefix == prefix("172.31.1.0/24") && frr[2].cost == 30 && !frr[2].isType2)
        let bird = try Self.lsas(Captures.birdUpdate)
        #expect(bird[1].header.id == ip("10.9.2.255") && bird[1].prefix == prefix("10.9.2.0/24"))
        #expect(bird[2].isType2 && bird[2].cost == 10_000)
        #expect(bird[2].forwarding == .unspecified && bird[2].tag == 0)
        let network = try #require(try Self.lsas(Captures.birdNetworkUpdate).first)
        #expect(network.attachedCount == 2 && network.attached(1) == 0x0101_0101)
        #expect(network.prefix == prefix("10.9.0.0/24"))
    }
}
