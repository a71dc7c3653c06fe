import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: hellos", .rfc(2328, "10.5"))
struct HelloTests {
    @Test("Who is busy says hello and takes nobody for silent", .rfc(4222, "2"))
    func inTouch() {
        let bed = Bed()
        let peer = Peer("9.9.9.9", "10.0.0.9")
        bed.befriend(peer)
        bed.run(.seconds(3), hearing: [peer])
        bed.said = []
        var effects = OSPFEffects()
        let late = bed.now + .seconds(100)
        bed.engine.keepInTouch(at: late, into: &effects)
        #expect(effects.packets.map { Said($0).kind } == [1, 1] && effects.events.isEmpty)
        bed.engine.keepInTouch(at: late, into: &effects)
        #expect(effects.packets.count == 2, "once")
        // What was heard meanwhile counts from when it was heard.
        bed.hello(peer)
        bed.run(.seconds(39))
        #expect(bed.state(peer) == .full)
        bed.run(.seconds(2))
        #expect(bed.state(peer) != .full)
    }

    let peer = Peer("9.9.9.9", "10.0.0.9")

    @Test("A hello each HelloInterval says who was heard", .row("OSPF-HEL-1", "OSPF-PKT-1"))
    func sent() {
        let bed = Bed(.broadcast, count: 1)
        let first = bed.listen()
        #expect(first.count == 1 && first[0].destination == OSPFProtocol.allRouters)
        let empty = Hello(
            mask: 0xffff_ff00, helloInterval: 10, options: .external, priority: 1,
            deadInterval: 40, designated: .unspecified, backup: .unspecified, neighbors: [])
        #expect(first[0].hello == empty)
        #expect(bed.listen(.seconds(30)).compactMap(\.hello).count == 3)
        bed.hello(peer, knows: false)
        #expect(bed.listen().first?.hello?.neighbors == [peer.router], "at once to a newcomer")
        bed.run(.seconds(41))
        bed.said = []
        #expect(bed.listen(.seconds(10)).last?.hello?.neighbors == [])
    }

    @Test(
        "A hello that does not fit the link makes no neighbour",
        .row("OSPF-HEL-2", "OSPF-HEL-3", "OSPF-PKT-2"))
    func mismatch() {
        func refused(_ edit: (inout Hello) -> Void) -> [OSPFDrop] {
            let bed = Bed(.broadcast)
            bed.hello(peer, edit)
            #expect(bed.engine.neighbors.isEmpty)
            return OSPFDrop.allCases.filter { bed.drops($0) > 0 }
        }
        #expect(refused { $0.mask = 0xffff_0000 } == [.helloMask])
        #expect(refused { $0.helloInterval = 11 } == [.helloInterval])
        #expect(refused { $0.deadInterval = 41 } == [.deadInterval])
        #expect(refused { $0.options = [] } == [.helloOptions])
        let bed = Bed(.pointToPoint)
        bed.hello(peer) { $0.mask = 0 }
        #expect(bed.engine.neighbors.count == 1, "no matter on point-to-point links")
        let stub = Bed { $0.areas[0].kind = .stub(cost: 1, isTotally: false) }
        stub.hello(peer)
        #expect(stub.drops(.helloOptions) == 1)
    }

    @Test("Packets that are not for us or not from here", .row("OSPF-PKT-2", "OSPF-PKT-3"))
    func header() {
        let bed = Bed(.broadcast)
        bed.hello(Peer("9.9.9.9", "10.7.0.9"))
        bed.hello(Peer("9.9.9.9", "10.0.0.5"))
        bed.hello(Peer("5.5.5.5", "10.0.0.9"))
        bed.hello(Peer("0.0.0.0", "10.0.0.9"))
        bed.hello(peer, area: "0.0.0.1")
        #expect(bed.drops(.offLink) == 1 && bed.drops(.ownPacket) == 1 && bed.drops(.area) == 1)
        #expect(bed.drops(.duplicateRouter) == 1 && bed.drops(.helloRouter) == 1)
        let fault = bed.engine.faults.first { $0.reason == .duplicateRouter }
        #expect(fault?.address == ip("10.0.0.9") && fault?.packets == 1)
        #expect(bed.engine.neighbors.isEmpty)
        let link = Bed(.pointToPoint)
        link.hello(Peer("9.9.9.9", "10.7.0.9"))
        #expect(link.engine.neighbors.count == 1, "on point-to-point links any address will do")
    }

    @Test("A neighbour that others find out of reach is gone at once", .rfc(5882, "4.2.1"))
    func outOfReach() {
        let bed = Bed(.broadcast)
        bed.hello(peer)
        #expect(bed.engine.neighbors.count == 1)
        bed.engine.loseNeighbor(at: ip("10.0.0.8"), on: 0, at: bed.now, into: &bed.effects)
        #expect(bed.engine.neighbors.count == 1)
        bed.engine.loseNeighbor(at: peer.address, on: 0, at: bed.now, into: &bed.effects)
        #expect(bed.engine.neighbors.isEmpty)
        let isTold = bed.effects.events.contains {
            if case .neighbor(0, peer.router, _, .down) = $0 { true } else { false }
        }
        #expect(isTold)
    }

    @Test("Only Designated Routers listen to 224.0.0.6", .row("OSPF-PKT-4"))
    func group() {
        let bed = Bed(.broadcast)
        bed.hear(.update, [0, 0, 0, 0], from: peer, to: OSPFProtocol.allDesignated)
        #expect(bed.drops(.notDesignated) == 1)
        bed.run(.seconds(41))
        bed.hear(.update, [0, 0, 0, 0], from: peer, to: OSPFProtocol.allDesignated)
        #expect(bed.drops(.notDesignated) == 1 && bed.drops(.neighborUnknown) == 1)
    }

    @Test("Waiting lasts RouterDeadInterval", .row("OSPF-ISM-2"))
    func waiting() {
        let bed = Bed(.broadcast, count: 1)
        bed.run(.milliseconds(39_990))
        #expect(bed.engine.interface(0)?.state == .waiting)
        bed.run(.milliseconds(20))
        #expect(bed.engine.interface(0)?.state == .designated)
        #expect(bed.engine.interface(0)?.designated == ip("10.0.0.5"))
    }

    @Test("Waiting ends when a Backup is seen", .row("OSPF-ISM-2", "OSPF-ISM-3"))
    func backupSeen() {
        let bed = Bed(.broadcast, count: 1)
        bed.hello(peer)
        #expect(bed.engine.interface(0)?.state == .waiting)
        bed.hello(peer, first: "10.0.0.9", second: "10.0.0.8")
        #expect(bed.engine.interface(0)?.state == .waiting, "there is a Backup, somebody else")
        bed.hello(peer, first: "10.0.0.9")
        #expect(bed.engine.interface(0)?.state == .backup, "a Designated Router without a Backup")
        #expect(bed.state(peer) == .exStart)
        let other = Bed(.broadcast, count: 1)
        other.hello(peer, second: "10.0.0.9")
        #expect(other.engine.interface(0)?.state == .neither, "who follows is elected at once")
    }

    @Test("Adjacencies are made with Designated Routers only", .row("OSPF-NSM-2", "OSPF-ISM-3"))
    func adjacency() {
        let bed = Bed(.broadcast, count: 1) { $0.interfaces[0]?.priority = 0 }
        let (second, third) = (Peer("8.8.8.8", "10.0.0.8"), Peer("7.7.7.7", "10.0.0.7"))
        for _ in 0..<2 {
            for one in [peer, second, third] {
                bed.hello(one, first: "10.0.0.9", second: "10.0.0.8")
            }
        }
        #expect(bed.engine.interface(0)?.state == .neither)
        #expect(bed.state(peer) == .exStart && bed.state(second) == .exStart)
        #expect(bed.state(third) == .twoWay)
        // The Designated Router is gone: the Backup follows, and a new Backup is elected.
        bed.run(.seconds(39))
        for one in [second, third] { bed.hello(one, first: "10.0.0.8", second: "10.0.0.7") }
        bed.run(.seconds(2))
        #expect(bed.engine.interface(0)?.designated == ip("10.0.0.8"))
        #expect(bed.state(peer) == .down && bed.state(third) == .exStart)
        let link = Bed(.pointToPoint)
        link.hello(peer)
        #expect(link.state(peer) == .exStart, "always on point-to-point links")
    }

    @Test(
        "Silence of RouterDeadInterval, a hello without us, a link that is lost",
        .row("OSPF-NSM-4", "OSPF-NSM-5"))
    func lost() {
        let bed = Bed()
        bed.befriend(peer)
        #expect(bed.state(peer) == .full)
        bed.run(.seconds(3))
        #expect(bed.ownRouter?.links.contains { $0.kind == 1 } == true)
        bed.run(.milliseconds(36_900))
        #expect(bed.state(peer) == .full)
        bed.run(.seconds(2))
        #expect(bed.engine.neighbors.isEmpty)
        #expect(bed.ownRouter?.links.contains { $0.kind == 1 } == false, "the LSA is made anew")
        bed.run(.seconds(10))
        bed.befriend(peer)
        bed.hello(peer, knows: false)
        #expect(bed.state(peer) == .initial)
        bed.befriend(peer)
        #expect(bed.state(peer) == .full)
        bed.setLink(0, isUp: false)
        #expect(bed.engine.neighbors.isEmpty && bed.engine.interface(0)?.state == .down)
    }

    @Test("No more neighbours than there may be", .row("S51"))
    func limit() {
        let bed = Bed(.broadcast) { $0.limits.neighbors = 3 }
        for number in 10..<20 { bed.hello(Peer("9.9.9.\(number)", "10.0.0.\(number)")) }
        #expect(bed.engine.neighbors.count == 3 && bed.drops(.neighborLimit) == 7)
        bed.run(.seconds(41))
        bed.hello(peer)
        #expect(bed.engine.neighbors.count == 1)
    }

    @Test("A passive interface is announced and silent", .row("OSPF-RLSA-1"))
    func passive() {
        let bed = Bed(.broadcast, count: 2) {
            $0.interfaces[0]?.isPassive = true
            $0.interfaces[1]?.network = .loopback
        }
        #expect(bed.listen(.seconds(60)).isEmpty)
        bed.hello(peer)
        #expect(bed.drops(.interfaceOff) == 1)
        #expect(
            bed.ownRouter.map { Array($0.links) } == [
                RouterLink(.stub, id: 0x0a00_0000, data: 0xffff_ff00, cost: 10),
                RouterLink(.stub, id: 0x0a01_0005, data: 0xffff_ffff, cost: 0),
            ])
    }

    @Test("Sequence numbers do not fall until the neighbour is gone", .row("OSPF-AUT-2"))
    func replay() {
        let own = AuthenticationTests.keys(.hmacSHA256)
        let bed = Bed { $0.interfaces[0]?.authentication = own }
        func hello(_ sequence: UInt32) {
            let hello = Hello(
                mask: 0, helloInterval: 10, options: .external, priority: 1, deadInterval: 40,
                designated: .unspecified, backup: .unspecified, neighbors: [ip("5.5.5.5")])
            bed.hear(
                own.packet(
                    .hello, hello.bytes, router: peer.router, area: .unspecified, wall: 0,
                    sequence: sequence), from: peer)
        }
        hello(100)
        hello(100)
        hello(101)
        #expect(bed.drops(.authenticationReplay) == 0 && bed.engine.neighbors.count == 1)
        hello(100)
        #expect(bed.drops(.authenticationReplay) == 1)
        bed.run(.seconds(41))
        hello(1)
        #expect(bed.drops(.authenticationReplay) == 1 && bed.engine.neighbors.count == 1)
        // Ours follow the clock.
        let sequences = bed.listen(.seconds(30)).filter { $0.interface == 0 }
            .map { $0.bytes.be32(20) }
        #expect(sequences == sequences.sorted() && (sequences.first ?? 0) >= 1_800_000_000)
    }
}
