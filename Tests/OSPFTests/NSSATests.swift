import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: not-so-stubby areas", .rfc(3101, "2"))
struct NSSATests {
    /// In the backbone, and in area 1.
    let left = Peer("9.9.9.9", "10.0.0.9")
    let right = Peer("8.8.8.8", "10.1.0.8", on: 1)
    let area = "0.0.0.1"

    /// A type 7 of the peer in area 1.
    func type7(
        _ text: String, _ metric: UInt32 = 20, isType2: Bool = true, by forwarding: String,
        options: OSPFOptions = .nssa, maker: Peer? = nil,
        sequence: Int32 = OSPFProtocol.initialSequence
    ) -> LSA {
        let route = OSPFExternal(
            prefix(text), metric: metric, isType2: isType2, tag: 77, forwarding: ip(forwarding))
        var lsa = LSA(
            .nssa, id: route.prefix.address, router: (maker ?? right).router, sequence: sequence,
            options: options, body: LSA.externalBody(route))
        lsa.age = 1
        return lsa
    }

    func rightLSA(_ links: [RouterLink] = [], flags: RouterFlags = .boundary) -> LSA {
        right.routerLSA(
            [RouteTests.link("5.5.5.5", "10.1.0.8", 10), RouteTests.stub("50.0.0.0/8", 4)] + links,
            flags: flags)
    }

    /// Interface 0 in the backbone with `left`, interface 1 in area 1 with `right`.
    func bed(
        _ lsas: [LSA] = [], _ more: [LSA], isTotally: Bool = false,
        _ edit: (inout OSPFSettings) -> Void = { _ in }
    ) -> Bed {
        let bed = Bed(.pointToPoint, count: 2) {
            $0.areas.append(OSPFAreaSettings(ip(area)))
            $0.areas[1].kind = .nssa(cost: 9, isTotally: isTotally)
            $0.interfaces[1]?.area = ip(area)
            edit(&$0)
        }
        let home = left.routerLSA([RouteTests.link("5.5.5.5", "10.0.0.9", 10)])
        bed.befriend(left, lsas.isEmpty ? [home] : lsas)
        var right = right
        right.options = .nssa
        bed.befriend(right, more, area: area)
        live(bed, .seconds(12))
        return bed
    }

    /// Lets time pass with both peers alive, who confirm what they hear.
    func live(_ bed: Bed, _ interval: Interval) {
        var right = right
        right.options = .nssa
        let end = bed.now + interval
        while bed.now < end {
            bed.hello(left)
            bed.hello(right, area: area)
            bed.run(min(.seconds(2), end - bed.now))
            bed.acknowledge(left, bed.said.filter { $0.interface == 0 }.flatMap(\.lsas))
            bed.acknowledge(
                right, bed.said.filter { $0.interface == 1 }.flatMap(\.lsas), area: area)
        }
    }

    /// What we say of networks outside, in an area or to all: prefix, cost, type, P bit.
    func said(_ bed: Bed, _ type: LSAType) -> [String] {
        bed.engine.lsas.filter {
            $0.type == type && $0.header.router == ip("5.5.5.5") && !$0.header.isMaxAge
        }.map {
            let prefix = $0.prefix.map { "\($0)" } ?? "?"
            let propagated = $0.header.options.contains(.nssa) ? " P" : ""
            return
                "\(prefix) \($0.cost) type \($0.isType2 ? 2 : 1) by \($0.forwarding)\(propagated)"
        }.sorted()
    }

    @Test(
        "Hellos and descriptions say what kind of area it is", .rfc(3101, "2.4"),
        .row("OSPF-NSS-1", "OSPF-HEL-3"))
    func options() {
        let bed = bed([], [rightLSA()])
        #expect(bed.state(right) == .full)
        let hellos = bed.said.compactMap { said in said.hello.map { (said.interface, $0.options) } }
        #expect(hellos.contains { $0 == (1, .nssa) } && hellos.contains { $0 == (0, .external) })
        var other = Peer("7.7.7.7", "10.1.0.7", on: 1)
        for (options, theirs) in [(OSPFOptions.external, "normal"), ([], "stub")] {
            other.options = options
            bed.hello(other, area: area)
            #expect(
                bed.engine.faults.last?.explanation
                    == "it takes the area for a \(theirs) one, we for a not-so-stubby one")
        }
        other.options = [.external, .nssa]
        bed.hello(other, area: area)
        #expect(bed.drops(.helloOptions, on: 1) == 3)
    }

    @Test("Type 7 stays in its area, types 4 and 5 stay out", .row("OSPF-NSS-1", "OSPF-FLD-1"))
    func scope() {
        let home = left.routerLSA(
            [RouteTests.link("5.5.5.5", "10.0.0.9", 10)], flags: .boundary)
        let bed = bed([home, left.external("70.0.0.0/8")], [rightLSA()])
        bed.said = []
        bed.update(right, type7("60.0.0.0/8", by: "50.1.1.1", options: []), area: area)
        live(bed, .seconds(3))
        #expect(bed.lsa(.nssa, "60.0.0.0", "8.8.8.8") != nil)
        let flooded = bed.said.flatMap { said in said.lsas.map { (said.interface, $0.type) } }
        #expect(!flooded.contains { $0 == (0, .nssa) })
        let inside = bed.engine.headers(ofArea: ip(area), at: bed.now).map(\.type)
        #expect(!inside.contains(LSAType.summaryRouter.rawValue), "no type 4")
        bed.update(right, right.external("80.0.0.0/8"), area: area)
        #expect(bed.drops(.lsaScope, on: 1) == 1)
        bed.update(left, type7("61.0.0.0/8", by: "50.1.1.1", maker: left))
        #expect(bed.drops(.lsaScope, on: 0) == 1)
    }

    @Test(
        "In the area we announce with P bit and an address of ours", .rfc(3101, "2.3"),
        .row("OSPF-NSS-1"))
    func announced() {
        let bed = bed([], [rightLSA()])
        bed.engine.originate(
            OSPFExternal(prefix("30.0.0.0/8"), metric: 5), at: bed.now, into: &bed.effects)
        live(bed, .seconds(2))
        let withDefault = ["0.0.0.0/0 9 type 2 by 0.0.0.0", "30.0.0.0/8 5 type 2 by 0.0.0.0"]
        #expect(said(bed, .nssa) == withDefault, "a border router's need no translation")
        #expect(said(bed, .external) == ["30.0.0.0/8 5 type 2 by 0.0.0.0"])
        // Without the backbone we are inside, and another has to translate.
        bed.setLink(0, isUp: false)
        live(bed, .seconds(6))
        #expect(said(bed, .nssa) == ["30.0.0.0/8 5 type 2 by 10.1.0.5 P"])
        #expect(bed.ownRouter?.routerFlags == .boundary)
        bed.engine.withdraw(prefix("30.0.0.0/8"), at: bed.now, into: &bed.effects)
        live(bed, .seconds(6))
        #expect(said(bed, .nssa) == [] && said(bed, .external) == [])
    }

    @Test("A border router gives the area a default route", .rfc(3101, "2.7"), .row("OSPF-NSS-1"))
    func byDefault() {
        let usual = bed([], [rightLSA()])
        #expect(said(usual, .nssa) == ["0.0.0.0/0 9 type 2 by 0.0.0.0"])
        let summary = usual.lsa(.summaryNetwork, "10.0.0.0")
        #expect(summary != nil && summary?.header.options == [])
        let flags = usual.engine.lsas.filter {
            $0.header.router == ip("5.5.5.5") && $0.type == .router
        }
        #expect(flags.map(\.routerFlags) == [[.border, .boundary], [.border, .boundary]])
        let totally = bed([], [rightLSA()], isTotally: true)
        #expect(said(totally, .nssa) == [])
        #expect(totally.lsa(.summaryNetwork, "0.0.0.0")?.cost == 9)
        #expect(totally.lsa(.summaryNetwork, "10.0.0.0") == nil)
    }

    @Test("Routes by type 7", .rfc(3101, "2.5"), .row("OSPF-NSS-1", "OSPF-SPF-5"))
    func routes() {
        let others = [
            type7("60.0.0.0/8", 7, by: "50.1.1.1"),
            type7("61.0.0.0/8", 7, isType2: false, by: "0.0.0.0", options: []),
            type7("62.0.0.0/8", by: "10.0.0.9"),
            type7("0.0.0.0/0", by: "0.0.0.0", options: []),
            type7("63.0.0.0/8", OSPFProtocol.infinity, by: "50.1.1.1"),
            type7("50.0.0.0/8", 1, by: "50.1.1.1"),
        ]
        let bed = bed([], [rightLSA()] + others)
        let way = [OSPFWay(interface: 1, gateway: right.address)]
        func route(_ text: String) -> OSPFChange? { bed.table[prefix(text)] }
        #expect(
            route("60.0.0.0/8")
                == .set(prefix("60.0.0.0/8"), .externalType2, metric: 7, ways: way))
        #expect(
            route("61.0.0.0/8")
                == .set(prefix("61.0.0.0/8"), .externalType1, metric: 17, ways: way))
        #expect(route("62.0.0.0/8") == nil, "the address is not in the area")
        #expect(route("0.0.0.0/0") == nil, "a border router takes no other's default")
        #expect(route("63.0.0.0/8") == nil)
        #expect(
            route("50.0.0.0/8")
                == .set(prefix("50.0.0.0/8"), .intraArea, metric: 14, ways: way))
        bed.setLink(0, isUp: false)
        live(bed, .seconds(6))
        #expect(
            route("0.0.0.0/0")
                == .set(prefix("0.0.0.0/0"), .externalType2, metric: 20, ways: way),
            "inside we do")
    }

    @Test("A translator tells the others", .rfc(3101, "3.2"), .row("OSPF-NSS-1"))
    func translation() {
        let first = type7("60.0.0.0/8", 7, by: "50.1.1.1")
        let bed = bed(
            [],
            [
                rightLSA(), first, type7("61.0.0.0/8", by: "50.1.1.1", options: []),
                type7("62.0.0.0/8", by: "0.0.0.0"), type7("50.0.0.0/8", by: "50.1.1.1"),
                type7("64.1.0.0/16", 3, by: "50.1.1.1"), type7("64.2.0.0/16", 8, by: "50.1.1.1"),
                type7("65.1.0.0/16", 3, isType2: false, by: "50.1.1.1"),
                type7("66.1.0.0/16", 3, by: "50.1.1.1"),
            ]
        ) {
            $0.areas[1].externalRanges = [
                OSPFRange(prefix("64.0.0.0/8")), OSPFRange(prefix("65.0.0.0/8")),
                OSPFRange(prefix("66.0.0.0/8"), isAdvertised: false),
            ]
        }
        #expect(
            said(bed, .external) == [
                "60.0.0.0/8 7 type 2 by 50.1.1.1", "64.0.0.0/8 9 type 2 by 0.0.0.0",
                "65.0.0.0/8 17 type 1 by 0.0.0.0",
            ])
        #expect(bed.lsa(.external, "60.0.0.0")?.tag == 77)
        #expect(bed.engine.areaRows[1].isTranslator && bed.engine.roles.isBoundary)
        // What is gone in the area is gone everywhere.
        var last = first
        last.age = OSPFProtocol.maxAge
        bed.update(right, last, area: area)
        live(bed, .seconds(6))
        #expect(said(bed, .external).count == 2)
        // What we announce ourselves is not translated as well.
        bed.engine.originate(
            OSPFExternal(prefix("64.0.0.0/8"), metric: 1), at: bed.now, into: &bed.effects)
        live(bed, .seconds(6))
        #expect(said(bed, .external)[0] == "64.0.0.0/8 1 type 2 by 0.0.0.0")
    }

    @Test("One border router translates", .rfc(3101, "3.1"), .row("OSPF-NSS-1"))
    func election() {
        /// Another border router, seen in both areas; its id decides.
        func translates(_ id: String, _ flags: RouterFlags, inBackbone: Bool = true) -> Bool {
            let inside = RouteTests.router(
                id, [RouteTests.link("8.8.8.8", "10.9.0.3", 1)], flags: flags)
            let outside = RouteTests.router(
                id, [RouteTests.link("9.9.9.9", "10.8.0.3", 1)],
                flags: flags.subtracting(.translator))
            let home = left.routerLSA(
                [RouteTests.link("5.5.5.5", "10.0.0.9", 10), RouteTests.link(id, "10.8.0.9", 1)])
            let bed = bed(
                inBackbone ? [home, outside] : [home],
                [
                    rightLSA([RouteTests.link(id, "10.9.0.8", 1)]), inside,
                    type7("60.0.0.0/8", by: "50.1.1.1"),
                ])
            live(bed, .seconds(60))
            #expect(bed.engine.areaRows[1].isTranslator == !said(bed, .external).isEmpty)
            return bed.engine.areaRows[1].isTranslator
        }
        #expect(translates("4.4.4.4", [.border, .boundary]))
        #expect(!translates("6.6.6.6", [.border, .boundary]))
        #expect(translates("6.6.6.6", [.border, .boundary], inBackbone: false))
        #expect(!translates("4.4.4.4", [.border, .boundary, .translator]))
    }

    @Test("Who is supplanted goes on for a while", .rfc(3101, "3.1"), .row("OSPF-NSS-1"))
    func stability() {
        let home = left.routerLSA(
            [RouteTests.link("5.5.5.5", "10.0.0.9", 10), RouteTests.link("6.6.6.6", "10.8.0.9", 1)])
        let outside = RouteTests.router(
            "6.6.6.6", [RouteTests.link("9.9.9.9", "10.8.0.3", 1)], flags: [.border, .boundary])
        let bed = bed(
            [home, outside],
            [
                rightLSA([RouteTests.link("6.6.6.6", "10.9.0.8", 1)]),
                type7("60.0.0.0/8", by: "50.1.1.1"),
            ])
        #expect(said(bed, .external).count == 1)
        let inside = RouteTests.router(
            "6.6.6.6", [RouteTests.link("8.8.8.8", "10.9.0.3", 1)], flags: [.border, .boundary])
        bed.update(right, inside, area: area)
        live(bed, .seconds(38))
        #expect(said(bed, .external).count == 1, "until the other has taken over")
        live(bed, .seconds(6))
        #expect(said(bed, .external).isEmpty && !bed.engine.areaRows[1].isTranslator)
    }
}
