import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: database exchange", .rfc(2328, "10.6"))
struct ExchangeTests {
    let high = Peer("9.9.9.9", "10.0.0.9")
    let low = Peer("1.1.1.1", "10.0.0.1")

    @Test("The first description is empty, and sent again until answered", .row("OSPF-DD-1"))
    func first() {
        let bed = Bed(count: 1)
        bed.hello(high)
        let first = bed.listen().compactMap(\.dd)
        #expect(first.count == 1 && first[0].flags == [.initial, .more, .master])
        #expect(first[0].headers.isEmpty && first[0].mtu == 1500)
        #expect(first[0].options == [.external, .opaque])
        bed.hello(high)
        let again = bed.listen(.milliseconds(10_500)).compactMap(\.dd)
        #expect(again == [first[0], first[0]])
    }

    @Test(
        "The higher router id leads; the slave answers each at once",
        .row("OSPF-DD-1", "OSPF-DD-2", "OSPF-REQ-1"))
    func slave() {
        let bed = Bed(count: 1)
        bed.hello(high)
        _ = bed.listen()
        bed.describe(high, [.initial, .more, .master], 100)
        let answer = bed.listen().compactMap(\.dd)
        #expect(answer.count == 1 && answer[0].flags == [] && answer[0].sequence == 100)
        #expect(answer[0].headers.map(\.name) == [bed.ownRouter?.header.name])
        #expect(bed.state(high) == .exchange)
        // A repetition is answered in the same way, and nothing else happens.
        bed.describe(high, [.initial, .more, .master], 100)
        #expect(bed.listen().compactMap(\.dd) == answer && bed.drops(.exchangeDuplicate) == 1)
        let theirs = high.routerLSA()
        bed.describe(high, .master, 101, [theirs])
        #expect(bed.state(high) == .loading)
        let request = bed.listen().compactMap(\.request)
        #expect(request == [Request([theirs.header.name])])
        bed.describe(high, .master, 101)
        #expect(bed.listen().compactMap(\.dd).count == 1, "the last one is kept")
        bed.hello(high)
        #expect(bed.listen(.seconds(11)).compactMap(\.request) == request + request, "RxmtInterval")
        bed.update(high, theirs)
        #expect(bed.state(high) == .full)
        #expect(bed.listen(.seconds(8)).compactMap(\.request).isEmpty)
    }

    @Test("The master repeats what is not answered", .row("OSPF-DD-1", "OSPF-DD-2"))
    func master() {
        let bed = Bed(count: 1)
        bed.hello(low)
        let first = bed.listen().compactMap(\.dd)
        bed.describe(low, [.initial, .more, .master], 7)
        #expect(bed.state(low) == .exStart, "it has the lower id and may not lead")
        bed.describe(low, .more, first[0].sequence)
        #expect(bed.state(low) == .exchange)
        let second = bed.listen().compactMap(\.dd)
        #expect(second.count == 1 && second[0].flags == .master && second[0].headers.count == 1)
        #expect(second[0].sequence == first[0].sequence &+ 1)
        bed.describe(low, .more, first[0].sequence)
        #expect(bed.listen().isEmpty && bed.drops(.exchangeDuplicate) == 1, "dropped")
        #expect(bed.listen(.seconds(5)).compactMap(\.dd) == second, "RxmtInterval")
        bed.describe(low, .more, second[0].sequence)
        let third = bed.listen().compactMap(\.dd)
        #expect(third.first?.sequence == second[0].sequence &+ 1 && third.first?.headers == [])
        bed.describe(low, [], second[0].sequence &+ 1)
        #expect(bed.state(low) == .full)
    }

    @Test("A larger MTU is refused", .row("OSPF-DD-3"))
    func mtu() {
        for ignores in [false, true] {
            let bed = Bed { $0.interfaces[0]?.ignoresMTU = ignores }
            bed.hello(high)
            bed.describe(high, [.initial, .more, .master], 1, mtu: 9000)
            #expect(bed.state(high) == (ignores ? .exchange : .exStart))
            #expect(bed.drops(.exchangeMTU) == (ignores ? 0 : 1))
        }
    }

    @Test("What does not fit the exchange starts it anew", .row("OSPF-DD-4", "OSPF-NSM-3"))
    func mismatch() {
        typealias Flags = DatabaseDescription.Flags
        func restarts(_ act: (Bed) -> Void) -> Bool {
            let bed = Bed()
            bed.hello(high)
            bed.describe(high, [.initial, .more, .master], 100)
            act(bed)
            return bed.state(high) == .exStart && bed.drops(.exchangeState) == 1
        }
        #expect(restarts { $0.describe(high, .master, 102) }, "sequence")
        #expect(restarts { $0.describe(high, [], 101) }, "master and slave")
        #expect(restarts { $0.describe(high, [.master, .initial], 101) }, "the first bit")
        #expect(
            restarts {
                var other = high
                other.options = .external
                $0.describe(other, .master, 101)
            }, "options")
        #expect(
            restarts {
                $0.describe(high, .master, 101)
                $0.describe(high, .master, 102)
            }, "more when all was said")
        #expect(!restarts { $0.describe(high, .master, 101) })
        let type7 = high.lsa(.nssa, body: LSA.externalBody(OSPFExternal(prefix("1.0.0.0/8"))))
        #expect(restarts { $0.describe(high, .master, 101, [type7]) }, "a type 7 in a normal area")
    }

    @Test(
        "An external has no business in a stub area", .row("OSPF-DD-4", "OSPF-STB-1", "OSPF-FLD-1"))
    func stub() {
        let bed = Bed {
            $0.areas[0].kind = .stub(cost: 1, isTotally: false)
            $0.areas[0].id = ip("0.0.0.1")
            for number in 0..<2 { $0.interfaces[number]?.area = ip("0.0.0.1") }
        }
        var peer = high
        peer.options = []
        bed.hello(peer, area: "0.0.0.1")
        bed.describe(peer, [.initial, .more, .master], 100, area: "0.0.0.1")
        bed.describe(peer, .master, 101, [peer.external("1.0.0.0/8")], area: "0.0.0.1")
        #expect(bed.state(peer) == .exStart && bed.drops(.exchangeState) == 1)
        bed.befriend(peer, area: "0.0.0.1")
        bed.update(peer, peer.external("1.0.0.0/8"), area: "0.0.0.1")
        #expect(bed.drops(.lsaScope) == 1 && bed.lsa(.external, "1.0.0.0", "9.9.9.9") == nil)
        #expect(bed.ownRouter?.header.options == [])
    }

    @Test("Nothing is asked for that is here, newer or not", .row("OSPF-REQ-1"))
    func known() {
        let bed = Bed()
        let theirs = high.routerLSA(sequence: 5)
        bed.befriend(high, [theirs])
        let other = Peer("8.8.8.8", "10.1.0.8", on: 1)
        bed.hello(other)
        bed.describe(other, [.initial, .more, .master], 100)
        bed.describe(other, .master, 101, [theirs, high.routerLSA(sequence: 4)])
        #expect(bed.state(other) == .full)
    }

    @Test("An LSA that is not here is a bad request", .row("OSPF-REQ-1", "OSPF-NSM-3"))
    func badRequest() {
        let bed = Bed()
        bed.befriend(high)
        bed.hear(
            .request, Request([LSAName(type: 1, id: ip("5.5.5.5"), router: ip("5.5.5.5"))]).bytes,
            from: high)
        #expect(bed.listen().flatMap(\.lsas).map(\.header.router) == [ip("5.5.5.5")])
        #expect(bed.state(high) == .full)
        for name in [
            LSAName(type: 1, id: ip("6.6.6.6"), router: ip("6.6.6.6")),
            LSAName(type: 6, id: ip("5.5.5.5"), router: ip("5.5.5.5")),
            LSAName(type: 0x101, id: ip("5.5.5.5"), router: ip("5.5.5.5")),
        ] {
            bed.hear(.request, Request([name]).bytes, from: high)
            #expect(bed.state(high) == .exStart, "\(name)")
            bed.befriend(high)
            #expect(bed.state(high) == .full)
        }
        #expect(bed.drops(.requestUnknown) == 3)
    }

    @Test("Packets that come too early", .row("OSPF-NSM-1"))
    func early() {
        let bed = Bed()
        bed.update(high, high.routerLSA())
        #expect(bed.drops(.neighborUnknown) == 1)
        bed.hello(high)
        bed.update(high, high.routerLSA())
        bed.hear(.request, [], from: high)
        bed.acknowledge(high, [])
        #expect(bed.drops(.neighborState) == 3 && bed.engine.lsas.count == 1)
        bed.hello(high, knows: false)
        #expect(bed.state(high) == .initial)
        bed.describe(high, [.initial, .more, .master], 100)
        #expect(bed.state(high) == .exchange, "who describes has heard us")
    }

    @Test(
        "A large database takes several descriptions, requests and updates",
        .row("OSPF-DD-1", "OSPF-REQ-1"))
    func large() {
        let bed = Bed(count: 1)
        for number in 0..<500 {
            bed.engine.originate(
                OSPFExternal(IPv4Prefix(IPv4Address(20 << 24 | UInt32(number) << 8), length: 24)),
                at: bed.now, into: &bed.effects)
        }
        bed.hello(high)
        bed.describe(high, [.initial, .more, .master], 100)
        var headers: [LSAHeader] = []
        for sequence: UInt32 in 101...110 {
            for dd in bed.listen().compactMap(\.dd) where dd.sequence == sequence - 1 {
                headers += dd.headers
                #expect(dd.headers.count <= 72)
            }
            bed.describe(high, [.master, .more], sequence)
        }
        #expect(headers.count == 501)
        let theirs = (0..<300).map { high.external("30.\($0 / 256).\($0 % 256).0/24") }
        for (number, start) in stride(from: 0, to: 300, by: 60).enumerated() {
            bed.describe(
                high, number == 4 ? .master : [.master, .more], 111 + UInt32(number),
                Array(theirs[start..<(start + 60)]))
        }
        var rounds = 0
        while bed.state(high) != .full, rounds < 20 {
            rounds += 1
            for request in bed.listen().compactMap(\.request) {
                for name in request.keys {
                    let lsa = theirs.first { $0.header.name == name }
                    if let lsa { bed.hear(.update, Update.bytes([lsa]), from: high) }
                }
            }
        }
        #expect(bed.state(high) == .full && bed.engine.lsas.count == 801)
        #expect(bed.said.allSatisfy { $0.bytes.count <= 1480 })
    }
}
