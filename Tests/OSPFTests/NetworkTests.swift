import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: networks without broadcasts", .rfc(2328, "9.5.1"))
struct NetworkTests {
    let first = Peer("9.9.9.9", "10.0.0.9")
    let second = Peer("8.8.8.8", "10.0.0.8")

    func addresses(_ said: [Said], kind: UInt8 = 1) -> [String] {
        Set(said.filter { $0.kind == kind }.map { "\($0.destination)" }).sorted()
    }

    // MARK: Point-to-multipoint

    @Test(
        "Each pair is a link, we are a host", .rfc(2328, "12.4.1"),
        .row("OSPF-RLSA-1", "OSPF-NSM-2"))
    func pairs() {
        let bed = Bed(.pointToMultipoint, count: 1)
        #expect(bed.engine.interface(0)?.state == .pointToPoint, "no election")
        bed.befriend(first, [first.routerLSA([RouteTests.link("5.5.5.5", "10.0.0.9", 10)])])
        bed.befriend(
            second,
            [
                second.routerLSA([
                    RouteTests.link("5.5.5.5", "10.0.0.8", 10), RouteTests.stub("20.0.0.0/8", 3),
                ])
            ])
        bed.run(.seconds(3))
        let links = bed.ownRouter.map { Array($0.links) }
        #expect(
            links == [
                RouterLink(.pointToPoint, id: 0x0909_0909, data: 0x0a00_0005, cost: 10),
                RouterLink(.pointToPoint, id: 0x0808_0808, data: 0x0a00_0005, cost: 10),
                RouterLink(.stub, id: 0x0a00_0005, data: ~0, cost: 0),
            ])
        let target = prefix("20.0.0.0/8")
        let way = OSPFWay(interface: 0, gateway: second.address)
        #expect(bed.table[target] == .set(target, .intraArea, metric: 13, ways: [way]))
        // Not on our network, whatever its router id: it is another link.
        bed.hello(Peer("7.7.7.7", "10.9.0.7"))
        #expect(bed.drops(.offLink) == 1)
        bed.hello(first) { $0.mask = 0xffff_0000 }
        #expect(bed.drops(.helloMask) == 1)
    }

    @Test("LSAs go to each neighbour, hellos to all", .rfc(2328, "13.3"), .row("OSPF-FLD-6"))
    func unicast() {
        let bed = Bed(.pointToMultipoint, count: 1)
        bed.befriend(first, [first.routerLSA()])
        bed.befriend(second, [second.routerLSA()])
        bed.said = []
        let news = first.external("30.0.0.0/8")
        bed.update(first, news)
        let said = bed.listen(.seconds(1))
        #expect(addresses(said, kind: 4) == ["10.0.0.8", "10.0.0.9"])
        bed.update(second, second.routerLSA(sequence: OSPFProtocol.initialSequence + 1))
        bed.hear(
            .acknowledgement, Acknowledgement([news.header]).bytes, from: second)
        #expect(addresses(bed.listen(.seconds(12))) == ["224.0.0.5"])
        // Named ones get hellos of their own.
        let named = Bed(.pointToMultipoint, count: 1) {
            $0.interfaces[0]?.named = [OSPFNamedNeighbor(ip("10.0.0.9"))]
        }
        #expect(addresses(named.listen()) == ["10.0.0.9"])
    }

    // MARK: Non-broadcast

    func nonBroadcast(priority: UInt8 = 1) -> Bed {
        Bed(.nonBroadcast, count: 1) {
            $0.interfaces[0]?.priority = priority
            $0.interfaces[0]?.named = [
                OSPFNamedNeighbor(ip("10.0.0.9")),
                OSPFNamedNeighbor(ip("10.0.0.8"), isEligible: false),
                OSPFNamedNeighbor(ip("10.0.0.7")),
            ]
        }
    }

    @Test(
        "Eligible ones greet eligible ones, the Designated Router all",
        .row("OSPF-HEL-1", "OSPF-ISM-3"))
    func eligible() {
        let bed = nonBroadcast()
        #expect(bed.engine.interface(0)?.state == .waiting)
        #expect(addresses(bed.listen()) == ["10.0.0.7", "10.0.0.9"])
        bed.run(.seconds(41))
        #expect(bed.engine.interface(0)?.state == .designated)
        bed.said = []
        bed.hello(second, priority: 0)
        #expect(addresses(bed.listen()) == ["10.0.0.8"], "the newcomer; others are asleep")
        #expect(bed.state(second) == .exStart)
        // Silent ones are looked for now and then.
        var polls = 0
        for _ in 0..<30 {
            bed.hello(second, priority: 0, first: "10.0.0.5")
            polls += bed.listen(.seconds(10)).count {
                $0.kind == 1 && $0.destination == ip("10.0.0.9")
            }
        }
        #expect(polls == 2 || polls == 3, "\(polls) in 300 s")
    }

    @Test("Others greet the Designated Routers, and who greets them", .row("OSPF-HEL-1"))
    func ineligible() {
        let bed = nonBroadcast(priority: 0)
        #expect(bed.engine.interface(0)?.state == .neither)
        #expect(addresses(bed.listen(.seconds(30))) == [])
        bed.hello(first, knows: false)
        #expect(addresses(bed.listen(.milliseconds(1))) == ["10.0.0.9"], "an answer")
        bed.hello(first, first: "10.0.0.9")
        bed.run(.milliseconds(1))
        #expect(bed.engine.interface(0)?.designated == first.address)
        #expect(bed.state(first) == .exStart)
        bed.said = []
        bed.hello(second, priority: 0)
        #expect(addresses(bed.listen(.seconds(12))) == ["10.0.0.9"])
        #expect(bed.state(second) == .twoWay)
    }

    @Test("The end is told to each", .row("OSPF-NSM-4"))
    func farewell() {
        let bed = nonBroadcast()
        bed.hello(first)
        bed.run(.milliseconds(1))
        bed.engine.stop(at: bed.now, into: &bed.effects)
        let last = bed.effects.packets.map(Said.init).filter { $0.hello?.neighbors == [] }
        #expect(addresses(last) == ["10.0.0.9"])
    }
}
