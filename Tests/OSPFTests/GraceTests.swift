import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: graceful restart", .rfc(3623, "2"))
struct GraceTests {
    let peer = Peer("9.9.9.9", "10.0.0.9")
    let other = Peer("8.8.8.8", "10.1.0.8", on: 1)
    let network = prefix("20.0.0.0/8")

    func peerLSA(_ cost: UInt16 = 3, sequence: Int32 = OSPFProtocol.initialSequence) -> LSA {
        peer.routerLSA(
            [RouteTests.link("5.5.5.5", "10.0.0.9", 10), RouteTests.stub("20.0.0.0/8", cost)],
            sequence: sequence)
    }

    func grace(
        _ period: UInt32 = 120, address: String? = nil, age: UInt16 = 1,
        sequence: Int32 = OSPFProtocol.initialSequence
    ) -> LSA {
        peer.lsa(
            .opaqueLink, id: "3.0.0.0", sequence: sequence, age: age,
            body: Grace(period: period, address: address.map(ip)).body)
    }

    func links(_ bed: Bed) -> [UInt32] {
        (bed.ownRouter?.links).map { $0.filter { $0.kind != 3 }.map(\.id) } ?? []
    }

    func steps(_ bed: Bed) -> [OSPFGraceStep] {
        bed.events.compactMap { if case .helping(_, _, let step) = $0 { step } else { nil } }
    }

    /// Both peers full.
    func bed(_ edit: (inout OSPFSettings) -> Void = { _ in }) -> Bed {
        let bed = Bed(.pointToPoint, count: 2, edit)
        bed.befriend(peer, [peerLSA()])
        bed.befriend(
            other, [other.routerLSA([RouteTests.link("5.5.5.5", "10.1.0.8", 10)])])
        live(bed, .seconds(12), [peer, other])
        return bed
    }

    /// Lets time pass with these peers alive, who confirm what they hear.
    func live(_ bed: Bed, _ interval: Interval, _ peers: [Peer]) {
        let end = bed.now + interval
        while bed.now < end {
            for peer in peers { bed.hello(peer) }
            bed.run(min(.seconds(2), end - bed.now))
            for peer in peers {
                bed.acknowledge(
                    peer, bed.said.filter { $0.interface == peer.interface }.flatMap(\.lsas))
            }
        }
    }

    @Test("What is asked for reads as it was written", .rfc(3623, "A"), .row("OSPF-GR-2"))
    func octets() {
        for address in [nil, "10.0.0.9"] {
            let read = Grace(grace(77, address: address))
            #expect(read?.period == 77 && read?.reason == 1 && read?.address == address.map(ip))
        }
        let caught = Said(
            OSPFPacket(
                interface: 0, source: ip("198.51.100.9"), destination: ip("224.0.0.5"),
                bytes: Captures.frrGraceUpdate))
        #expect(caught.lsas.map { Grace($0) } == [Grace(period: 60, address: nil)])
        #expect(caught.lsas.first?.body.map { $0 } == Grace(period: 60, address: nil).body)
        let lsa = grace()
        for length in 20..<lsa.bytes.count {
            var cut = lsa
            cut.bytes.removeLast(lsa.bytes.count - length)
            let read = Grace(cut)
            #expect(read == nil || read?.period == 120, "\(length)")
        }
        #expect(Grace(peer.lsa(.opaqueLink, id: "4.0.0.0", body: lsa.body.map { $0 })) == nil)
        #expect(Grace(peer.lsa(.opaqueLink, id: "3.0.0.0", body: [0, 1, 255, 255])) == nil)
    }

    @Test("A neighbour that restarts stays", .rfc(3623, "3.1"), .row("OSPF-GR-2"))
    func helps() {
        let bed = bed()
        let before = bed.ownRouter
        bed.update(peer, grace())
        #expect(steps(bed) == [.began])
        live(bed, .seconds(100), [other])
        #expect(bed.table[network] != nil && bed.ownRouter?.bytes == before?.bytes)
        // It comes back and has forgotten everybody, then all is exchanged anew.
        bed.hello(peer, knows: false)
        #expect(bed.state(peer) == .initial && bed.table[network] != nil)
        bed.befriend(peer, [])
        #expect(bed.state(peer) == .full && bed.ownRouter?.bytes == before?.bytes)
        bed.update(peer, grace(age: OSPFProtocol.maxAge))
        bed.update(peer, peerLSA(sequence: OSPFProtocol.initialSequence + 1))
        live(bed, .seconds(20), [peer, other])
        #expect(steps(bed) == [.began, .finished])
        #expect(bed.table[network] != nil && links(bed) == links(before))
        let changes = bed.changes.count { if case .remove = $0 { true } else { false } }
        #expect(changes == 0, "its network was never lost")
        // From now on silence counts again.
        live(bed, .seconds(45), [other])
        #expect(bed.table[network] == nil)
    }

    func links(_ lsa: LSA?) -> [UInt32] {
        (lsa?.links).map { $0.filter { $0.kind != 3 }.map(\.id) } ?? []
    }

    @Test("Patience ends", .rfc(3623, "3.2"), .row("OSPF-GR-2"))
    func expires() {
        let bed = bed()
        bed.update(peer, grace(60, age: 10))
        live(bed, .seconds(48), [other])
        #expect(bed.table[network] != nil)
        live(bed, .seconds(4), [other])
        #expect(bed.table[network] == nil && steps(bed) == [.began, .expired])
        #expect(links(bed) == [ip("8.8.8.8").rawValue])
        #expect(bed.engine.neighbors.count == 1)
    }

    @Test("Nobody is kept who should hear of a change", .rfc(3623, "3.2"), .row("OSPF-GR-2"))
    func changes() {
        let bed = bed()
        bed.update(peer, grace())
        let refreshed = other.routerLSA(
            [RouteTests.link("5.5.5.5", "10.1.0.8", 10)],
            sequence: OSPFProtocol.initialSequence + 1)
        bed.update(other, refreshed)
        #expect(steps(bed) == [.began], "a renewed LSA is no change")
        live(bed, .seconds(50), [other])
        #expect(bed.table[network] != nil)
        bed.update(other, other.external("30.0.0.0/8"))
        live(bed, .seconds(2), [other])
        #expect(steps(bed) == [.began, .topology])
        #expect(bed.table[network] == nil && links(bed) == [ip("8.8.8.8").rawValue])
    }

    @Test("Who is not kept", .rfc(3623, "3.1"), .row("OSPF-GR-2"))
    func refused() {
        let proud = bed { $0.helpsRestarts = false }
        proud.update(peer, grace())
        #expect(steps(proud) == [])
        live(proud, .seconds(45), [other])
        #expect(proud.table[network] == nil)
        let late = bed()
        late.update(peer, grace(60, age: 60))
        #expect(steps(late) == [], "its time is over")
        let behind = bed()
        behind.run(.milliseconds(1))
        behind.update(other, other.external("30.0.0.0/8"))
        behind.update(peer, grace())
        #expect(steps(behind) == [], "it has not confirmed a change")
        let stranger = Bed(.pointToPoint, count: 2)
        stranger.hello(peer)
        stranger.update(peer, grace())
        #expect(steps(stranger) == [])
    }

    @Test("On a network it keeps its office", .rfc(3623, "3.1"), .row("OSPF-GR-2", "OSPF-ISM-3"))
    func office() {
        let bed = Bed(.broadcast, count: 1)
        bed.run(.seconds(41))
        #expect(bed.engine.interface(0)?.state == .designated)
        let bed2 = Bed(.broadcast, count: 1)
        bed2.hello(peer, first: "10.0.0.9")
        let link = RouterLink(.transit, id: 0x0a00_0009, data: 0x0a00_0009, cost: 10)
        let networkLSA = peer.lsa(
            .network, id: "10.0.0.9",
            body: LSA.networkBody(prefix("10.0.0.0/24"), [ip("9.9.9.9"), ip("5.5.5.5")]))
        bed2.befriend(
            peer, [peer.routerLSA([link, RouteTests.stub("20.0.0.0/8", 3)]), networkLSA],
            first: "10.0.0.9")
        for _ in 0..<5 {
            bed2.hello(peer, first: "10.0.0.9", second: "10.0.0.5")
            bed2.run(.seconds(5))
            bed2.acknowledge(peer, bed2.said.flatMap(\.lsas))
        }
        #expect(bed2.table[network] != nil)
        bed2.update(peer, grace(address: "10.0.0.9"))
        #expect(steps(bed2) == [.began])
        bed2.run(.seconds(60))
        bed2.hello(peer, knows: false)
        bed2.run(.seconds(1))
        #expect(bed2.engine.interface(0)?.designated == ip("10.0.0.9"))
        #expect(bed2.table[network] != nil)
        bed2.run(.seconds(100))
        #expect(bed2.engine.interface(0)?.designated == ip("10.0.0.5"), "its time is over")
        #expect(bed2.table[network] == nil)
    }

    // MARK: We restart

    /// A gateway before its restart, and what is kept of it.
    func before() -> (Bed, OSPFMemory) {
        let bed = bed()
        bed.engine.originate(OSPFExternal(prefix("40.0.0.0/8")), at: bed.now, into: &bed.effects)
        live(bed, .seconds(5), [peer, other])
        return (bed, bed.engine.memory(until: bed.now + .seconds(120)))
    }

    /// The successor: `bed` with the memory, its links up, nobody heard yet.
    func successor(_ memory: OSPFMemory, at now: Instant) -> Bed {
        let bed = Bed(.pointToPoint, count: 2, isUp: false)
        bed.now = now
        bed.engine.resume(memory, at: now, into: &bed.effects)
        for number in 0..<2 { bed.setLink(number, isUp: true) }
        return bed
    }

    func ends(_ bed: Bed) -> [OSPFGraceStep] {
        bed.events.compactMap { if case .restarting(let step) = $0 { step } else { nil } }
    }

    @Test("What is kept reads as it was written", .row("OSPF-GR-1"))
    func memory() {
        let (_, memory) = before()
        #expect(memory.neighbors.map(\.router) == [peer.router, other.router])
        #expect(
            memory.routes.contains { if case .set(network, _, _, _) = $0 { true } else { false } })
        let bytes = memory.bytes
        #expect(OSPFMemory(bytes, interfaces: 2) == memory)
        #expect(OSPFMemory(bytes, interfaces: 0) == nil, "a way by no interface there is")
        for length in 0..<bytes.count { _ = OSPFMemory(Array(bytes[..<length]), interfaces: 2) }
        for index in bytes.indices {
            var bent = bytes
            bent[index] ^= 0xff
            _ = OSPFMemory(bent, interfaces: 2)
        }
    }

    @Test("We ask before we restart", .rfc(3623, "2.1"), .row("OSPF-GR-1"))
    func asks() {
        let bed = bed()
        bed.said = []
        bed.engine.prepareRestart(lasting: .seconds(100), at: bed.now, into: &bed.effects)
        let wasKnown = bed.engine.isGraceKnown
        let said = bed.listen()
        for peer in [peer, other] {
            let lsas = said.filter { $0.interface == peer.interface }.flatMap(\.lsas)
            #expect(lsas.map { Grace($0)?.period } == [100])
            bed.acknowledge(peer, lsas)
        }
        let isKnown = bed.engine.isGraceKnown
        #expect(isKnown && !wasKnown)
    }

    @Test("After a restart we say nothing until all are back", .rfc(3623, "2.2"), .row("OSPF-GR-1"))
    func comesBack() {
        let (old, memory) = before()
        let lsas = old.engine.lsas
        let bed = successor(memory, at: old.now + .seconds(1))
        #expect(bed.table[network] != nil, "routes at once")
        bed.engine.originate(OSPFExternal(prefix("40.0.0.0/8")), at: bed.now, into: &bed.effects)
        bed.run(.milliseconds(10))
        let ask = LSA(
            .opaqueLink, id: Grace.id, router: ip("5.5.5.5"),
            sequence: OSPFProtocol.initialSequence, options: [],
            body: Grace(period: 120, address: nil).body)
        for (peer, extra) in [(peer, [ask]), (other, [])] {
            #expect(ends(bed) == [.began])
            #expect(!bed.said.contains { !$0.lsas.isEmpty }, "not a word")
            bed.hello(peer)
            bed.describe(peer, [.initial, .more, .master], 700)
            bed.describe(peer, .master, 701, lsas + extra)
            bed.hear(.update, Update.bytes(lsas + extra), from: peer)
            bed.run(.milliseconds(10))
        }
        #expect(bed.state(peer) == .full && bed.state(other) == .full)
        #expect(ends(bed) == [.began, .finished])
        let own = bed.said.flatMap(\.lsas).filter { $0.header.router == ip("5.5.5.5") }
        let sequence = lsas.first { $0.type == .router && $0.header.router == ip("5.5.5.5") }
        let router = own.first { $0.type == .router }
        #expect(router?.header.sequence == sequence.map { $0.header.sequence + 1 })
        #expect(links(router) == links(sequence))
        #expect(own.contains { $0.type == .external && !$0.header.isMaxAge })
        let here = bed.said.filter { $0.interface == 0 }.flatMap(\.lsas)
        let told = here.lastIndex { $0.type == .router && $0.header.router == ip("5.5.5.5") }
        let end = here.firstIndex { $0.type == .opaqueLink && $0.header.isMaxAge }
        #expect(told.map { told in end.map { told < $0 } == true } == true, "first what we are")
        let changes = bed.changes.count { if case .remove = $0 { true } else { false } }
        #expect(changes == 0 && bed.table == old.table)
    }

    @Test("Patience ends for us as well", .rfc(3623, "2.2"), .row("OSPF-GR-1"))
    func givesUp() {
        let (old, memory) = before()
        let bed = successor(memory, at: old.now + .seconds(1))
        bed.run(.seconds(110))
        #expect(ends(bed) == [.began] && bed.table[network] != nil)
        bed.run(.seconds(20))
        #expect(ends(bed) == [.began, .expired] && bed.table[network] == nil)
        #expect(bed.ownRouter != nil)
        // Nor is it begun when it is too late, or for another router.
        #expect(ends(successor(memory, at: old.now + .seconds(130))) == [])
        var foreign = memory
        foreign.router = ip("5.5.5.6")
        #expect(ends(successor(foreign, at: old.now)) == [])
    }

    @Test("A neighbour that forgot us ends it", .rfc(3623, "2.2"), .row("OSPF-GR-1"))
    func forgotten() {
        let (old, memory) = before()
        let bed = successor(memory, at: old.now + .seconds(1))
        bed.hello(peer)
        bed.describe(peer, [.initial, .more, .master], 700)
        let alone = peer.routerLSA(
            [RouteTests.stub("20.0.0.0/8", 3)], sequence: OSPFProtocol.initialSequence + 5)
        bed.describe(peer, .master, 701, [alone])
        bed.update(peer, alone)
        bed.run(.milliseconds(10))
        #expect(ends(bed) == [.began, .topology])
        #expect(bed.said.flatMap(\.lsas).contains { $0.type == .router })
    }
}
