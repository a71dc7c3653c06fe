import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

/// Packets that crashed other routers or took them over, by the number of the report. Each comes
/// from a full neighbour, with a good LSA behind it in the same update where there is one.
@Suite("OSPF: attacks with a number", .row("S51"))
struct AttackTests {
    let peer = Peer("9.9.9.9", "10.0.0.9")

    /// Hears an update of these LSAs, raw, then a good one; what the attack was counted as.
    func attack(_ lsas: [UInt8]..., count: Int? = nil) -> (Bed, isWhole: Bool) {
        let bed = Bed()
        bed.befriend(peer)
        let good = peer.external("1.0.0.0/8")
        var body: [UInt8] = []
        body.append32(UInt32(count ?? lsas.count + 1))
        bed.hear(.update, body + lsas.flatMap(\.self) + good.bytes, from: peer)
        return (bed, bed.lsa(.external, "1.0.0.0", "9.9.9.9") != nil)
    }

    func isUnharmed(_ bed: Bed) -> Bool {
        bed.hello(peer)
        bed.run(.seconds(5))
        return bed.state(peer) == .full && bed.ownRouter != nil
    }

    @Test("CVE-2013-0149: a router-LSA in the name of one router, about another")
    func forgedRouter() {
        let forged = LSATests.lsa(.router, id: "7.7.7.7", router: "5.5.5.5", body: [0, 0, 0, 0])
        let (bed, isWhole) = attack(forged.bytes)
        #expect(isWhole && bed.drops(.lsaRouter) == 1 && isUnharmed(bed))
        #expect(bed.lsa(.router, "7.7.7.7", "5.5.5.5") == nil)
    }

    @Test("CVE-2017-3224: the largest sequence number, with the larger checksum")
    func largestSequence() {
        var bodies: [LSA] = []
        for cost: UInt8 in 1...40 {
            let link = RouterLink(.stub, id: 0x0101_0100, data: ~255, cost: UInt16(cost))
            bodies.append(
                LSATests.lsa(
                    .router, id: "5.5.5.5", router: "5.5.5.5", sequence: .max,
                    body: LSA.routerBody([], [link])))
        }
        let sorted = bodies.sorted { $0.header.checksum < $1.header.checksum }
        let (bed, isWhole) = attack(sorted[0].bytes, sorted[39].bytes)
        #expect(isWhole)
        for _ in 0..<4 {
            bed.hello(peer)
            bed.run(.seconds(5))
            bed.acknowledge(peer, bed.said.flatMap(\.lsas))
        }
        #expect(bed.ownRouter.map { !$0.links.contains { $0.id == 0x0101_0100 } } == true)
        #expect(bed.ownRouter?.header.sequence == OSPFProtocol.initialSequence)
        #expect(bed.state(peer) == .full)
    }

    @Test("CVE-2012-0250: a network-LSA shorter than its own header says, or than any is")
    func shortNetwork() {
        let network = LSATests.lsa(
            .network, id: "10.0.0.9", router: "9.9.9.9",
            body: LSA.networkBody(prefix("10.0.0.0/24"), [ip("9.9.9.9"), ip("5.5.5.5")]))
        for length in [20, 22, 24] {
            let short = LSATests.mended(Array(network.bytes.prefix(length)))
            let (bed, isWhole) = attack(short)
            #expect(isWhole && bed.drops(.lsaLength) == 1 && isUnharmed(bed), "\(length) octets")
        }
        var lying = network.bytes
        lying[18] = 0xff
        let (bed, isWhole) = attack(lying)
        #expect(!isWhole && bed.drops(.bodyLength) == 1 && isUnharmed(bed))
        lying[18] = 0
        lying[19] = 19
        #expect(attack(lying).0.drops(.bodyLength) == 1, "an LSA without an end")
    }

    @Test("CVE-2012-0249: an update that ends before the LSA it promises")
    func shortUpdate() {
        let (bed, isWhole) = attack(count: 2)
        #expect(!isWhole && bed.drops(.bodyLength) == 1 && isUnharmed(bed))
        bed.hear(.update, [0xff, 0xff, 0xff, 0xff], from: peer)
        bed.hear(.update, [0, 0, 0], from: peer)
        #expect(bed.drops(.bodyLength) == 3 && isUnharmed(bed))
    }

    @Test("CVE-2011-3325: a hello too short, and packets of no kind")
    func shortHello() {
        let (bed, _) = attack()
        for length in 0..<20 {
            bed.hear(.hello, [UInt8](repeating: 0, count: length), from: peer)
        }
        #expect(bed.drops(.bodyLength) == 20)
        let good = PacketAuthentication.none.packet(
            .hello, [], router: peer.router, area: .unspecified, wall: 0, sequence: 0)
        for kind: UInt8 in [0, 6, 10, 255] {
            var bytes = good
            bytes[1] = kind
            bytes.set16(12, 0)
            bytes.set16(12, ~Checksum.fold(Checksum.sum(bytes.rawSpan)))
            bed.hear(bytes, from: peer)
        }
        #expect(bed.drops(.kind) == 4 && isUnharmed(bed))
    }

    @Test("CVE-2011-3326: LSAs of types nobody knows")
    func unknownType() {
        let strange = [0, 6, 8, 12, 128, 255].map { type -> [UInt8] in
            var bytes = peer.external("2.0.0.0/8").bytes
            bytes[3] = UInt8(type)
            return LSATests.mended(bytes)
        }
        let (bed, isWhole) = attack(
            strange[0], strange[1], strange[2], strange[3], strange[4], strange[5])
        #expect(isWhole && bed.drops(.lsaType) == 6 && isUnharmed(bed))
    }

    @Test(
        "CVE-2026-28532, CVE-2025-61099 to 61107, CVE-2024-27913: opaque LSAs whose TLVs lie",
        arguments: [1, 3, 4, 7, 8])
    func opaque(kind: UInt8) {
        // The contents are carried and not read: lengths that wrap, that end nowhere, none at all.
        let bodies: [[UInt8]] = [
            [], [0, 1, 0xff, 0xff], [0, 1, 0xff, 0xfd, 0, 0, 0, 0], [0, 2, 0, 0, 0, 2, 0, 0],
            [0, 1, 0, 3, 1, 2, 3, 0], [0xff, 0xff, 0, 4, 0, 1, 0, 1],
            (0..<64).flatMap { _ in [0, 2, 0xff, 0xfc] },
        ]
        let types: [LSAType] = [.opaqueLink, .opaqueArea, .opaqueSystem]
        for type in types {
            for (number, body) in bodies.enumerated() {
                let id = "\(kind).0.0.\(number)"
                let lsa = LSATests.lsa(type, id: id, router: "9.9.9.9", body: body)
                let (bed, isWhole) = attack(lsa.bytes)
                #expect(isWhole && isUnharmed(bed), "\(type) \(hex(body))")
            }
        }
    }

    @Test("Descriptions and requests of LSAs that are none")
    func exchange() {
        let (bed, _) = attack()
        var forged = peer.external("3.0.0.0/8")
        forged.bytes[3] = 77
        let description = DatabaseDescription(
            mtu: 1500, options: peer.options, flags: [], sequence: 7, headers: [forged.header])
        bed.hear(.databaseDescription, description.bytes, from: peer)
        #expect(bed.state(peer) == .exStart, "the exchange begins anew")
        bed.befriend(peer)
        bed.hear(.request, [0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 0], from: peer)
        #expect(bed.drops(.requestUnknown) == 1 && bed.state(peer) == .exStart)
        bed.befriend(peer)
        #expect(isUnharmed(bed))
    }
}
