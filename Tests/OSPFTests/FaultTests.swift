import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: what keeps routers from being neighbours is said")
struct FaultTests {
    let peer = Peer("9.9.9.9", "10.0.0.9")

    /// What is said of the peer after some packets of its.
    static func said(_ bed: Bed) -> [String] { bed.engine.faults.map(\.explanation) }

    @Test("Both sides of what differs", .row("OSPF-HEL-2", "OSPF-PKT-2", "OSPF-DD-3"))
    func values() {
        let bed = Bed(.broadcast)
        bed.hello(peer) { $0.mask = 0xffff_0000 }
        bed.hello(peer) { $0.helloInterval = 5 }
        bed.hello(peer) { $0.deadInterval = 20 }
        bed.hello(peer) { $0.options = [] }
        bed.hello(peer, area: "0.0.0.1")
        bed.hello(Peer("5.5.5.5", "10.0.0.8"))
        bed.hello(Peer("9.9.9.9", "192.0.2.9"))
        bed.hello(peer)
        bed.describe(peer, [.initial, .more, .master], 7, mtu: 9000)
        #expect(
            Self.said(bed) == [
                "its netmask is 255.255.0.0, ours 255.255.255.0",
                "its hello-interval is 5 s, ours 10 s", "its dead-interval is 20 s, ours 40 s",
                "it takes the area for a stub one, we for a normal one",
                "it has this link in area 0.0.0.1, we have it in area 0.0.0.0",
                "it has our router-id 5.5.5.5: give one of the two another",
                "The sender is not on the network of this interface.",
                "its MTU is 9000, ours 1500: make them equal, or set mtu-ignore",
            ])
    }

    @Test("Authentication", .row("OSPF-AUT-1"))
    func authentication() {
        let bed = Bed(.broadcast) {
            $0.interfaces[0]?.authentication = AuthenticationTests.keys(.hmacSHA256)
        }
        bed.hello(peer)
        let wrong: [PacketAuthentication] = [
            .password([1]), AuthenticationTests.keys(.hmacSHA256, id: 9),
            .keys([SigningKey(id: 7, .hmacSHA256, secret: [1])]),
        ]
        for other in wrong {
            let bytes = other.packet(
                .hello, [], router: peer.router, area: .unspecified, wall: 0, sequence: 1)
            bed.hear(bytes, from: peer)
        }
        #expect(
            Self.said(bed) == [
                "it authenticates by nothing, we by key",
                "it authenticates by password, we by key",
                "no key here has its number 9 and algorithm",
                "The digest does not fit: another key.",
            ])
    }

    @Test("Said once, counted always, forgotten when over", .row("OSPF-PKT-3"))
    func memory() {
        let bed = Bed(.broadcast)
        for _ in 0..<3 { bed.hello(peer) { $0.helloInterval = 5 } }
        let told = bed.events.count { if case .fault = $0 { true } else { false } }
        #expect(told == 1 && bed.engine.faults.map(\.packets) == [3])
        bed.run(.seconds(301))
        #expect(bed.engine.faults.isEmpty)
        for number in 0..<40 {
            bed.hello(Peer("9.9.9.9", "10.0.0.\(100 + number)"), area: "0.0.0.1")
        }
        #expect(bed.engine.faults.count == 16)
        let link = Bed(.pointToPoint)
        let one = Peer("9.9.9.9", "10.0.0.9")
        link.hello(one) { $0.helloInterval = 5 }
        link.befriend(one)
        #expect(link.engine.neighbors.first?.state == .full && link.engine.faults.isEmpty)
    }

    @Test("What belongs to the protocol is nobody's fault", .row("OSPF-PKT-4"))
    func harmless() {
        let bed = Bed(.broadcast) { $0.interfaces[0]?.priority = 0 }
        bed.hello(peer, first: "10.0.0.9")
        bed.hear(.update, [0, 0, 0, 0], from: peer, to: OSPFProtocol.allDesignated)
        #expect(bed.drops(.notDesignated) == 1 && bed.engine.neighbors[0].badPackets == 0)
    }

    @Test("With another router id everybody forgets what we said", .row("OSPF-AGE-1"))
    func newIdentity() {
        let bed = Bed()
        bed.befriend(peer)
        var other = bed.engine.settings
        other.router = ip("6.6.6.6")
        bed.engine.apply(other, at: bed.now, into: &bed.effects)
        let flushed = bed.effects.packets.filter { $0.bytes[1] == PacketKind.update.rawValue }
        #expect(flushed.contains { $0.bytes[28] == 0x0e && $0.bytes[29] == 0x10 })
    }

    @Test("The last hello knows nobody", .row("OSPF-NSM-4"))
    func farewell() {
        let bed = Bed(.broadcast)
        bed.hello(peer, first: "10.0.0.9")
        bed.engine.stop(at: bed.now, into: &bed.effects)
        let last = bed.effects.packets.last { $0.interface == 0 }
        #expect(last?.bytes[1] == PacketKind.hello.rawValue)
        #expect(last?.bytes.count == 44, "no neighbour in it")
        #expect(last?.bytes[31] == 0, "nor does it want an office")
    }

    @Test("What the database holds can be read")
    func contents() {
        let bed = Bed()
        bed.befriend(peer)
        bed.run(.seconds(3))
        bed.engine.originate(
            OSPFExternal(prefix("192.0.2.0/24"), metric: 7, tag: 3), at: bed.now,
            into: &bed.effects)
        let (rows, total) = bed.engine.lsaRows(of: { _ in true }, limit: 10, at: bed.now)
        #expect(total == 2 && rows.map(\.header.type) == [1, 5] && rows.allSatisfy(\.isOwn))
        guard case .router(false, _, let links) = rows[0].content else {
            Issue.record("no router-LSA")
            return
        }
        #expect(links.map(\.kind).contains(.pointToPoint) && rows[0].area == .unspecified)
        #expect(
            rows[1].content
                == .external(OSPFExternal(prefix("192.0.2.0/24"), metric: 7, tag: 3)))
        #expect(bed.engine.lsaRows(of: { $0 == .external }, limit: 0, at: bed.now).total == 1)
    }
}
