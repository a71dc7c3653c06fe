import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: LSAs of our own and the age of all", .rfc(2328, "12.4"))
struct DatabaseTests {
    let peer = Peer("9.9.9.9", "10.0.0.9")

    /// Keeps a full neighbour on interface 0 alive and confirms all it hears.
    func run(_ bed: Bed, _ seconds: Int64) -> [LSA] {
        var heard: [LSA] = []
        for _ in 0..<seconds {
            bed.hello(peer)
            let lsas = bed.listen(.seconds(1)).filter { $0.interface == 0 }.flatMap(\.lsas)
            bed.acknowledge(peer, lsas)
            heard += lsas
        }
        return heard
    }

    @Test("A router-LSA tells links to full neighbours only", .row("OSPF-RLSA-1"))
    func router() {
        let bed = Bed {
            $0.interfaces[1]?.cost = 77
        }
        func links() -> [RouterLink] { bed.ownRouter.map { Array($0.links) } ?? [] }
        let stubs = [
            RouterLink(.stub, id: 0x0a00_0000, data: 0xffff_ff00, cost: 10),
            RouterLink(.stub, id: 0x0a01_0000, data: 0xffff_ff00, cost: 77),
        ]
        bed.run(.seconds(2))
        #expect(links() == stubs)
        bed.hello(peer)
        bed.run(.seconds(2))
        #expect(links() == stubs, "it is not full yet")
        bed.befriend(peer)
        bed.run(.seconds(3))
        #expect(
            links() == [
                RouterLink(.pointToPoint, id: 0x0909_0909, data: 0x0a00_0005, cost: 10), stubs[0],
                stubs[1],
            ])
        #expect(bed.ownRouter?.routerFlags == [] && bed.ownRouter?.header.options == .external)
        bed.engine.originate(OSPFExternal(prefix("1.0.0.0/8")), at: bed.now, into: &bed.effects)
        bed.run(.seconds(10))
        #expect(bed.ownRouter?.routerFlags == .boundary)
        bed.setLink(1, isUp: false)
        bed.run(.seconds(10))
        #expect(links().count == 2)
    }

    @Test(
        "A network-LSA is the Designated Router's, with a full neighbour",
        .row("OSPF-NLSA-1", "OSPF-RLSA-1"))
    func network() {
        let bed = Bed(.broadcast, count: 1) { $0.interfaces[0]?.priority = 9 }
        bed.run(.seconds(41))
        #expect(bed.engine.interface(0)?.state == .designated)
        #expect(bed.lsa(.network, "10.0.0.5") == nil)
        #expect(bed.ownRouter.map { Array($0.links).map(\.kind) } == [3])
        bed.befriend(peer, first: "10.0.0.5")
        bed.run(.seconds(3))
        let lsa = bed.lsa(.network, "10.0.0.5")
        #expect(lsa?.prefix == prefix("10.0.0.0/24") && lsa?.attachedCount == 2)
        #expect(lsa.map { [$0.attached(0), $0.attached(1)] } == [0x0505_0505, 0x0909_0909])
        #expect(
            bed.ownRouter.map { Array($0.links) } == [
                RouterLink(.transit, id: 0x0a00_0005, data: 0x0a00_0005, cost: 10)
            ])
        bed.hello(peer, knows: false)
        bed.run(.milliseconds(10))
        #expect(bed.lsa(.network, "10.0.0.5").map(\.header.isMaxAge) ?? true, "flushed")
        #expect(bed.ownRouter?.links.map(\.kind) == [3] || bed.engine.nextDeadline != nil)
    }

    @Test(
        "Instances keep their distance, the first comes at once", .row("OSPF-ORI-1", "OSPF-ORI-1b"))
    func throttle() {
        for isStrict in [false, true] {
            let bed = Bed(count: 3) {
                if isStrict { $0.timers.shortestOrigination = .seconds(5) }
            }
            bed.befriend(peer)
            _ = run(bed, 30)
            var moments: [Instant] = []
            for step in 0..<600 {
                if step % 3 == 0 { bed.setLink(2, isUp: step % 2 == 0) }
                let said = bed.listen(.milliseconds(100)).filter { $0.interface == 0 }
                bed.acknowledge(peer, said.flatMap(\.lsas))
                if step % 50 == 0 { bed.hello(peer) }
                if said.flatMap(\.lsas).contains(where: { $0.type == .router }) {
                    moments.append(bed.now)
                }
            }
            let gaps = zip(moments, moments.dropFirst()).map { $1 - $0 }
            #expect(moments[0] - .zero < .seconds(100 + 120), "at once")
            let shortest = isStrict ? Interval.milliseconds(4900) : .milliseconds(1100)
            #expect(gaps.allSatisfy { $0 >= shortest }, "\(gaps.map(\.wholeMilliseconds))")
            #expect((gaps.max() ?? .seconds(0)) >= .milliseconds(4900))
            #expect(moments.count >= 10)
        }
    }

    @Test("Ours are renewed every LSRefreshTime", .row("OSPF-AGE-2"))
    func refresh() {
        let bed = Bed()
        bed.befriend(peer)
        _ = run(bed, 10)
        let before = bed.ownRouter?.header.sequence ?? 0
        let heard = run(bed, 1810)
        #expect(heard.map(\.header.sequence) == [before + 1])
        #expect(bed.ownRouter?.header.sequence == before + 1 && (heard.first?.age ?? 9) <= 2)
    }

    @Test(
        "LSAs of others are flushed at MaxAge and gone once acknowledged",
        .row("OSPF-AGE-1", "OSPF-FLD-7"))
    func maxAge() {
        let bed = Bed()
        let other = LSATests.lsa(.router, id: "3.3.3.3", router: "3.3.3.3", body: [0, 0, 0, 0])
        var old = other
        old.age = 3500
        bed.befriend(peer, [old])
        _ = run(bed, 99)
        #expect(bed.lsa(.router, "3.3.3.3", "3.3.3.3") != nil)
        bed.hello(peer)
        let flushed = bed.listen(.seconds(2)).flatMap(\.lsas).filter {
            $0.header.router == ip("3.3.3.3")
        }
        #expect(flushed.map(\.header.age) == [3600])
        #expect(bed.lsa(.router, "3.3.3.3", "3.3.3.3") != nil, "not acknowledged")
        bed.acknowledge(peer, flushed)
        #expect(bed.lsa(.router, "3.3.3.3", "3.3.3.3") == nil)
    }

    @Test("While databases are exchanged nothing is forgotten", .row("OSPF-AGE-1", "OSPF-DD-5"))
    func exchanging() {
        let bed = Bed()
        bed.befriend(peer, [peer.external("1.0.0.0/8")])
        bed.run(.seconds(2))
        let other = Peer("8.8.8.8", "10.1.0.8", on: 1)
        bed.update(peer, peer.external("1.0.0.0/8", age: 3600))
        bed.hello(other)
        bed.describe(other, [.initial, .more, .master], 100)
        #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9") == nil, "nobody was exchanging")
        bed.update(peer, peer.external("2.0.0.0/8"))
        bed.run(.seconds(2))
        bed.said = []
        bed.update(peer, peer.external("2.0.0.0/8", age: 3600))
        let lsas = bed.listen().filter { $0.interface == 1 }.flatMap(\.lsas)
        bed.acknowledge(other, lsas)
        #expect(bed.lsa(.external, "2.0.0.0", "9.9.9.9")?.header.isMaxAge == true)
        // Restarted, the exchange leaves it out of the list and floods it.
        bed.describe(other, [], 7)
        #expect(bed.state(other) == .exStart)
        bed.said = []
        bed.describe(other, [.initial, .more, .master], 200)
        bed.describe(other, .master, 201)
        let named = bed.said.compactMap(\.dd).flatMap(\.headers)
        #expect(!named.contains { $0.isMaxAge })
    }

    @Test("An older instance after a flush is taken up anew", .row("OSPF-AGE-1"))
    func afterFlush() {
        let bed = Bed()
        let sequence = OSPFProtocol.initialSequence
        bed.befriend(peer, [peer.external("1.0.0.0/8", sequence: sequence + 9)])
        bed.run(.seconds(2))
        bed.update(peer, peer.external("1.0.0.0/8", sequence: sequence + 9, age: 3600))
        #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9") == nil)
        let again = peer.external("1.0.0.0/8", sequence: sequence)
        bed.said = []
        bed.update(peer, again)
        #expect(bed.listen().isEmpty, "it may be a copy that was late; if not it comes again")
        bed.run(.seconds(1))
        bed.update(peer, again)
        #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9")?.header.sequence == sequence)
    }

    @Test("What was flushed and is said again is newer than it was", .row("OSPF-FLD-6"))
    func again() {
        let bed = Bed()
        let prefix = prefix("70.0.0.0/8")
        bed.befriend(peer)
        var sequences: [Int32] = []
        for _ in 0..<2 {
            bed.run(.seconds(6), hearing: [peer])
            bed.engine.originate(OSPFExternal(prefix), at: bed.now, into: &bed.effects)
            let said = bed.listen().flatMap(\.lsas)
            sequences += said.filter { $0.type == .external }.map(\.header.sequence)
            bed.acknowledge(peer, said)
            bed.run(.seconds(6), hearing: [peer])
            bed.engine.withdraw(prefix, at: bed.now, into: &bed.effects)
            bed.acknowledge(peer, bed.listen().flatMap(\.lsas))
            #expect(bed.lsa(.external, "70.0.0.0") == nil)
            bed.said = []
        }
        let first = OSPFProtocol.initialSequence
        #expect(sequences == [first, first + 1], "a late acknowledgement must not fit both")
    }

    @Test("An LSA that decays in memory is found", .row("OSPF-AGE-1"))
    func decay() {
        let bed = Bed()
        bed.befriend(peer, [peer.external("1.0.0.0/8")])
        let found = bed.engine.database.find(.system, .external, ip("1.0.0.0"), peer.router)
        if let found { bed.engine.database.update(found) { $0.lsa.bytes[30] ^= 1 } }
        _ = run(bed, 310)
        #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9") == nil)
        #expect(bed.events.contains { if case .corrupt = $0 { true } else { false } })
    }

    @Test("A newer instance of ours is outbid", .row("OSPF-SELF-1", "S51"))
    func fightBack() {
        let bed = Bed()
        bed.befriend(peer)
        _ = run(bed, 10)
        let own = bed.ownRouter
        let forged = LSATests.lsa(
            .router, id: "5.5.5.5", router: "5.5.5.5", sequence: 1000, body: [0, 0, 0, 0])
        bed.update(peer, forged)
        let heard = run(bed, 6).filter { $0.header.router == ip("5.5.5.5") }
        #expect(heard.last?.header.sequence == 1001)
        #expect(heard.last?.body == own?.body)
        #expect(bed.ownRouter?.header.sequence == 1001)
    }

    @Test("What others flush of ours is outbid too, when its time has come", .row("OSPF-SELF-1"))
    func outbidFlushed() throws {
        let bed = Bed()
        bed.befriend(peer)
        let own = try #require(bed.ownRouter)
        // Of a former life, a moment after we have said something.
        var old = LSA(
            .router, id: ip("5.5.5.5"), router: ip("5.5.5.5"),
            sequence: own.header.sequence + 7, options: .external, body: Array(own.body))
        old.age = OSPFProtocol.maxAge
        bed.update(peer, old)
        for _ in 0..<6 {
            bed.run(.seconds(1))
            bed.hello(peer)
            bed.acknowledge(peer, bed.said.flatMap(\.lsas))
        }
        #expect(bed.ownRouter?.header.sequence == own.header.sequence + 8)
        #expect(bed.ownRouter?.header.isMaxAge == false)
    }

    @Test("LSAs we do not want any more are flushed", .row("OSPF-SELF-1", "OSPF-SELF-2"))
    func unwanted() {
        let bed = Bed(.pointToPoint)
        bed.befriend(peer)
        _ = run(bed, 10)
        func flushes(_ lsa: LSA) -> Bool {
            bed.update(peer, lsa)
            return run(bed, 8).contains { $0.header.name == lsa.header.name && $0.header.isMaxAge }
        }
        let external = LSA.externalBody(OSPFExternal(prefix("1.0.0.0/8")))
        let network = LSA.networkBody(prefix("10.0.0.0/24"), [ip("5.5.5.5")])
        #expect(flushes(LSATests.lsa(.external, id: "1.0.0.0", router: "5.5.5.5", body: external)))
        #expect(flushes(LSATests.lsa(.network, id: "10.0.0.5", router: "5.5.5.5", body: network)))
        #expect(
            flushes(LSATests.lsa(.network, id: "10.0.0.5", router: "4.4.4.4", body: network)),
            "of ours under a former router id")
        #expect(
            flushes(
                LSATests.lsa(
                    .summaryNetwork, id: "1.0.0.0", router: "5.5.5.5",
                    body: LSA.summaryBody(mask: 0xff00_0000, cost: 1))))
        #expect(!flushes(LSATests.lsa(.network, id: "10.0.0.6", router: "4.4.4.4", body: network)))
    }

    @Test("At MaxSequenceNumber an LSA is flushed and begins anew", .row("OSPF-AGE-3", "S51"))
    func wrap() {
        // The largest sequence number with a larger checksum: CVE-2017-3224.
        let bed = Bed()
        bed.befriend(peer)
        _ = run(bed, 10)
        let own = bed.ownRouter
        let forged = LSATests.lsa(
            .router, id: "5.5.5.5", router: "5.5.5.5", sequence: .max, body: [0, 0, 0, 0])
        bed.update(peer, forged)
        let heard = run(bed, 8).filter { $0.header.router == ip("5.5.5.5") }
        #expect(heard.contains { $0.header.sequence == .max && $0.header.isMaxAge })
        #expect(heard.last?.header.sequence == OSPFProtocol.initialSequence)
        #expect(heard.last?.body == own?.body && !(heard.last?.header.isMaxAge ?? true))
    }

    @Test("Everything of ours is taken back at the end", .row("OSPF-AGE-1"))
    func stop() {
        let bed = Bed()
        bed.engine.originate(OSPFExternal(prefix("1.0.0.0/8")), at: bed.now, into: &bed.effects)
        bed.befriend(peer)
        _ = run(bed, 10)
        bed.engine.stop(at: bed.now, into: &bed.effects)
        let lsas = bed.listen().filter { $0.interface == 0 }.flatMap(\.lsas)
        #expect(Set(lsas.map(\.type)) == [.router, .external])
        #expect(lsas.allSatisfy { $0.header.isMaxAge })
    }

    @Test("Externals, and networks that differ by their masks alone", .row("OSPF-XLSA-1"))
    func externals() {
        let bed = Bed()
        for (text, metric) in [("10.9.0.0/16", 7), ("10.9.0.0/24", 8), ("10.9.0.0/32", 9)] {
            bed.engine.originate(
                OSPFExternal(prefix(text), metric: UInt32(metric), isType2: metric != 8, tag: 77),
                at: bed.now, into: &bed.effects)
        }
        bed.run(.seconds(10))
        func kept() -> [String] {
            bed.engine.lsas.filter { $0.type == .external && !$0.header.isMaxAge }.map {
                let network = $0.prefix.map { "\($0)" } ?? ""
                return "\($0.header.id) \(network) \($0.cost) \($0.isType2) \($0.tag)"
            }.sorted()
        }
        #expect(kept() == ["10.9.0.0 10.9.0.0/16 7 true 77", "10.9.0.255 10.9.0.0/24 8 false 77"])
        bed.engine.withdraw(prefix("10.9.0.0/16"), at: bed.now, into: &bed.effects)
        bed.run(.seconds(10))
        #expect(kept().first == "10.9.0.0 10.9.0.0/24 8 false 77")
    }

    @Test("New settings take their place", .row("OSPF-RLSA-1"))
    func apply() {
        let bed = Bed()
        bed.befriend(peer)
        var settings = bed.engine.settings
        settings.interfaces[1]?.authentication = .password(Array("other".utf8))
        bed.engine.apply(settings, at: bed.now, into: &bed.effects)
        #expect(bed.state(peer) == .full, "another key parts no neighbours")
        settings.interfaces[1]?.authentication = PacketAuthentication.none
        settings.interfaces[1]?.cost = 99
        bed.engine.apply(settings, at: bed.now, into: &bed.effects)
        bed.run(.seconds(6))
        #expect(bed.state(peer) == .full)
        #expect(bed.ownRouter?.links.contains { $0.cost == 99 } == true)
        settings.router = ip("6.6.6.6")
        bed.engine.apply(settings, at: bed.now, into: &bed.effects)
        bed.run(.seconds(1))
        #expect(bed.engine.neighbors.isEmpty && bed.lsa(.router, "6.6.6.6", "6.6.6.6") != nil)
        #expect(bed.engine.lsas.count == 1)
    }

    @Test("A stub router is no way through", .row("OSPF-STR-1"))
    func stubRouter() {
        let bed = Bed { $0.isStubRouter = true }
        bed.befriend(peer)
        bed.run(.seconds(3))
        #expect(bed.ownRouter?.links.map(\.cost) == [0xffff, 10, 10])
    }

    @Test("After the start for a while", .rfc(6987, "2"), .row("OSPF-STR-1"))
    func stubAtStart() {
        let bed = Bed { $0.stubAtStart = .seconds(30) }
        bed.befriend(peer)
        bed.run(.seconds(3))
        #expect(bed.ownRouter?.links.map(\.cost) == [0xffff, 10, 10])
        let isStub = bed.engine.isStubRouter
        bed.hello(peer)
        bed.run(.seconds(28))
        #expect(bed.ownRouter?.links.map(\.cost) == [10, 10, 10])
        let isStubLater = bed.engine.isStubRouter
        #expect(isStub && !isStubLater)
    }

    @Test("Before the end", .rfc(6987, "2"), .row("OSPF-STR-1"))
    func stubAtStop() {
        let bed = Bed()
        bed.befriend(peer)
        bed.run(.seconds(12))
        #expect(bed.ownRouter?.links.map(\.cost) == [10, 10, 10])
        bed.said = []
        bed.engine.retire(at: bed.now, into: &bed.effects)
        let said = bed.listen().flatMap(\.lsas)
        #expect(said.first?.links.map(\.cost) == [0xffff, 10, 10], "at once")
        let isStub = bed.engine.isStubRouter
        #expect(isStub)
    }

    @Test("Networks that only lead on are not told of", .rfc(6860, "2"))
    func hidden() {
        let bed = Bed { $0.interfaces[0]?.hidesNetwork = true }
        bed.run(.seconds(3))
        let before = bed.ownRouter.map { Array($0.links) }
        #expect(before?.map(\.kind) == [3, 3], "it leads nowhere yet")
        bed.befriend(peer)
        bed.run(.seconds(3))
        let links = bed.ownRouter.map { Array($0.links) }
        #expect(links?.map(\.kind) == [1, 3] && links?.last?.id == 0x0a01_0000)
        let network = Bed(.broadcast, count: 1) {
            $0.interfaces[0]?.hidesNetwork = true
            $0.interfaces[0]?.priority = 9
        }
        network.run(.seconds(41))
        network.befriend(peer, first: "10.0.0.5")
        network.run(.seconds(3))
        #expect(network.lsa(.network, "10.0.0.5")?.prefix == prefix("10.0.0.5/32"))
    }
}
