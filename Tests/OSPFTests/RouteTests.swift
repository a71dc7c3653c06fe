import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: routes", .rfc(2328, "16"))
struct RouteTests {
    let left = Peer("9.9.9.9", "10.0.0.9")
    let right = Peer("8.8.8.8", "10.1.0.8", on: 1)

    static func link(_ router: String, _ own: String, _ cost: UInt16) -> RouterLink {
        RouterLink(.pointToPoint, id: ip(router).rawValue, data: ip(own).rawValue, cost: cost)
    }

    static func stub(_ text: String, _ cost: UInt16) -> RouterLink {
        let prefix = prefix(text)
        return RouterLink(.stub, id: prefix.address.rawValue, data: prefix.mask, cost: cost)
    }

    /// A router further off.
    static func router(
        _ id: String, _ links: [RouterLink], flags: RouterFlags = [],
        sequence: Int32 = OSPFProtocol.initialSequence
    ) -> LSA {
        LSATests.lsa(
            .router, id: id, router: id, sequence: sequence, body: LSA.routerBody(flags, links))
    }

    /// The peers' own LSAs, with links to us and these.
    func leftLSA(_ links: [RouterLink] = [], flags: RouterFlags = []) -> LSA {
        left.routerLSA([Self.link("5.5.5.5", "10.0.0.9", 10)] + links, flags: flags)
    }

    func rightLSA(_ links: [RouterLink] = [], flags: RouterFlags = []) -> LSA {
        right.routerLSA([Self.link("5.5.5.5", "10.1.0.8", 10)] + links, flags: flags)
    }

    /// Both peers full, and these LSAs.
    func bed(
        _ lsas: [LSA], rightArea: String = "0.0.0.0", _ more: [LSA] = [],
        _ edit: (inout OSPFSettings) -> Void = { _ in }
    ) -> Bed {
        let bed = Bed(.pointToPoint, count: 2) { settings in
            if rightArea != "0.0.0.0" {
                settings.areas.append(OSPFAreaSettings(ip(rightArea)))
                settings.interfaces[1]?.area = ip(rightArea)
            }
            edit(&settings)
        }
        bed.befriend(left, lsas)
        var right = right
        if let area = bed.engine.settings.areas.last, !area.takesExternals {
            right.options = area.options
        }
        bed.befriend(right, more, area: rightArea)
        bed.run(.seconds(12))
        return bed
    }

    func way(_ peer: Peer) -> OSPFWay { OSPFWay(interface: peer.interface, gateway: peer.address) }

    @Test("A link counts only if it points back", .rfc(2328, "16.1"), .row("OSPF-SPF-1"))
    func twoWay() {
        let far = Self.router("3.3.3.3", [Self.stub("30.0.0.0/8", 1)])
        let bed = bed(
            [
                leftLSA([Self.link("3.3.3.3", "10.9.0.9", 5), Self.stub("20.0.0.0/8", 7)]), far,
            ], [rightLSA()])
        #expect(
            bed.table[prefix("20.0.0.0/8")]
                == .set(prefix("20.0.0.0/8"), .intraArea, metric: 17, ways: [way(left)]))
        #expect(bed.table[prefix("30.0.0.0/8")] == nil)
        let back = Self.router(
            "3.3.3.3", [Self.link("9.9.9.9", "10.9.0.3", 99), Self.stub("30.0.0.0/8", 1)],
            sequence: OSPFProtocol.initialSequence + 1)
        bed.update(left, back)
        bed.run(.milliseconds(100))
        #expect(
            bed.table[prefix("30.0.0.0/8")]
                == .set(prefix("30.0.0.0/8"), .intraArea, metric: 16, ways: [way(left)]))
        #expect(bed.table[prefix("10.0.0.0/24")] == nil, "our own networks are no news")
    }

    @Test("Equally short ways are all kept", .row("OSPF-SPF-1"))
    func equal() {
        let far = Self.router(
            "3.3.3.3",
            [
                Self.link("9.9.9.9", "10.9.0.3", 1), Self.link("8.8.8.8", "10.8.0.3", 1),
                Self.stub("30.0.0.0/8", 1),
            ])
        for cost: UInt16 in [5, 6] {
            let bed = bed(
                [leftLSA([Self.link("3.3.3.3", "10.9.0.9", 5)]), far],
                [rightLSA([Self.link("3.3.3.3", "10.8.0.8", cost)])])
            let ways = cost == 5 ? [way(left), way(right)] : [way(left)]
            #expect(
                bed.table[prefix("30.0.0.0/8")]
                    == .set(prefix("30.0.0.0/8"), .intraArea, metric: 16, ways: ways))
        }
        let one = bed(
            [leftLSA([Self.link("3.3.3.3", "10.9.0.9", 5)]), far],
            [rightLSA([Self.link("3.3.3.3", "10.8.0.8", 5)])]
        ) { $0.limits.ways = 1 }
        #expect(
            one.table[prefix("30.0.0.0/8")]
                == .set(prefix("30.0.0.0/8"), .intraArea, metric: 16, ways: [way(left)]))
    }

    @Test("Networks are vertices of cost 0 towards their routers", .row("OSPF-SPF-1", "OSPF-SPF-2"))
    func networks() {
        let transit = RouterLink(.transit, id: 0x0a32_0009, data: 0x0a32_0009, cost: 5)
        let other = RouterLink(.transit, id: 0x0a32_0009, data: 0x0a32_0003, cost: 50)
        let network = left.lsa(
            .network, id: "10.50.0.9",
            body: LSA.networkBody(prefix("10.50.0.0/24"), [ip("9.9.9.9"), ip("3.3.3.3")]))
        let far = Self.router("3.3.3.3", [other, Self.stub("30.0.0.0/8", 1)])
        let hidden = left.lsa(
            .network, id: "10.50.0.9",
            body: LSA.networkBody(prefix("10.50.0.9/32"), [ip("9.9.9.9"), ip("3.3.3.3")]))
        let dark = self.bed([leftLSA([transit]), hidden, far], [rightLSA()])
        #expect(dark.table[prefix("10.50.0.9/32")] == nil, "a hidden network (RFC 6860 §3)")
        #expect(dark.table[prefix("30.0.0.0/8")] != nil)
        let bed = bed([leftLSA([transit]), network, far], [rightLSA()])
        #expect(
            bed.table[prefix("10.50.0.0/24")]
                == .set(prefix("10.50.0.0/24"), .intraArea, metric: 15, ways: [way(left)]))
        #expect(
            bed.table[prefix("30.0.0.0/8")]
                == .set(prefix("30.0.0.0/8"), .intraArea, metric: 16, ways: [way(left)]))
    }

    @Test(
        "The next hop on a network of ours is the router's address there", .rfc(2328, "16.1.1"),
        .row("OSPF-SPF-1"))
    func onLink() {
        let bed = Bed(.broadcast, count: 1) { $0.interfaces[0]?.priority = 9 }
        bed.run(.seconds(41))
        let own = RouterLink(.transit, id: 0x0a00_0005, data: 0x0a00_0009, cost: 10)
        bed.befriend(left, [left.routerLSA([own, Self.stub("20.0.0.0/8", 1)])], first: "10.0.0.5")
        bed.run(.seconds(12))
        #expect(
            bed.table[prefix("20.0.0.0/8")]
                == .set(prefix("20.0.0.0/8"), .intraArea, metric: 11, ways: [way(left)]))
    }

    @Test(
        "Intra-area, inter-area, type 1, type 2", .rfc(2328, "11"), .row("OSPF-SPF-3", "OSPF-SPF-2")
    )
    func preference() {
        let target = prefix("30.0.0.0/8")
        let summary = left.lsa(
            .summaryNetwork, id: "30.0.0.0", body: LSA.summaryBody(mask: 0xff00_0000, cost: 500))
        var type1 = right.external("30.0.0.0/8", metric: 400, isType2: false)
        let type2 = left.external("30.0.0.0/8", metric: 1)
        let flags: RouterFlags = [.border, .boundary]
        func found(_ lsas: [LSA], _ stub: [RouterLink] = []) -> OSPFChange? {
            bed([leftLSA(stub, flags: flags)] + lsas, [rightLSA(flags: flags), type1]).table[target]
        }
        #expect(
            found([summary, type2], [Self.stub("30.0.0.0/8", 600)])
                == .set(target, .intraArea, metric: 610, ways: [way(left)]))
        #expect(
            found([summary, type2]) == .set(target, .interArea, metric: 510, ways: [way(left)]))
        #expect(found([type2]) == .set(target, .externalType1, metric: 410, ways: [way(right)]))
        type1 = right.external("30.0.0.0/8", metric: 0xff_ffff, isType2: false)
        #expect(
            found([type2]) == .set(target, .externalType2, metric: 1, ways: [way(left)]),
            "LSInfinity is no route")
        type1 = right.external("30.0.0.0/8", metric: 1)
        #expect(
            found([type2])
                == .set(target, .externalType2, metric: 1, ways: [way(left), way(right)]))
        type1 = right.external("30.0.0.0/8", metric: 2)
        #expect(found([type2]) == .set(target, .externalType2, metric: 1, ways: [way(left)]))
    }

    @Test("Of equal metrics of type 2 the closer router", .row("OSPF-SPF-3"))
    func closer() {
        let target = prefix("30.0.0.0/8")
        let bed = bed(
            [leftLSA(flags: .boundary), left.external("30.0.0.0/8", metric: 1)],
            [rightLSA(flags: .boundary), right.external("30.0.0.0/8", metric: 1)]
        ) { $0.interfaces[0]?.cost = 11 }
        #expect(
            bed.table[target] == .set(target, .externalType2, metric: 1, ways: [way(right)]))
        bed.setLink(1, isUp: false)
        bed.hello(left)
        bed.run(.seconds(5))
        #expect(bed.table[target] == .set(target, .externalType2, metric: 1, ways: [way(left)]))
    }

    @Test("A forwarding address has to be reached inside", .rfc(2328, "16.4"), .row("OSPF-SPF-5"))
    func forwarding() {
        func found(_ address: String) -> OSPFChange? {
            bed(
                [
                    leftLSA([Self.stub("20.0.0.0/8", 3)], flags: .boundary),
                    left.external("30.0.0.0/8", metric: 1, isType2: false, forwarding: address),
                    left.external("40.0.0.0/8", metric: 1),
                ], [rightLSA()]
            ).table[prefix("30.0.0.0/8")]
        }
        let target = prefix("30.0.0.0/8")
        #expect(
            found("20.1.1.1") == .set(target, .externalType1, metric: 14, ways: [way(left)]))
        #expect(found("40.1.1.1") == nil, "an external route does not count")
        #expect(found("50.1.1.1") == nil)
        #expect(
            found("10.1.0.77")
                == .set(
                    target, .externalType1, metric: 11,
                    ways: [OSPFWay(interface: 1, gateway: ip("10.1.0.77"))]), "on a link of ours")
    }

    @Test(
        "A router at the edge is reached within a non-backbone area first", .rfc(2328, "16.4.1"),
        .row("OSPF-SPF-4"))
    func edge() {
        let target = prefix("30.0.0.0/8")
        func far(_ back: RouterLink) -> LSA { Self.router("3.3.3.3", [back], flags: .boundary) }
        let external = LSATests.lsa(
            .external, id: "30.0.0.0", router: "3.3.3.3",
            body: LSA.externalBody(OSPFExternal(target)))
        let bed = bed(
            [
                leftLSA([Self.link("3.3.3.3", "10.9.0.9", 1)]),
                far(Self.link("9.9.9.9", "10.9.0.3", 1)), external,
            ], rightArea: "0.0.0.1",
            [
                rightLSA([Self.link("3.3.3.3", "10.8.0.8", 100)]),
                far(Self.link("8.8.8.8", "10.8.0.3", 100)),
            ])
        #expect(bed.table[target] == .set(target, .externalType2, metric: 20, ways: [way(right)]))
    }

    func summaries(_ bed: Bed, _ area: String) -> [String] {
        let names = bed.engine.headers(ofArea: ip(area), at: bed.now)
            .filter { $0.router == ip("5.5.5.5") && (3...4).contains($0.type) && !$0.isMaxAge }
        return names.compactMap { header in
            bed.engine.lsas.first {
                $0.header.name == header.name && $0.header.checksum == header.checksum
            }
        }.map {
            $0.type == .summaryRouter
                ? "\($0.header.id) \($0.cost)" : "\($0.prefix.map { "\($0)" } ?? "") \($0.cost)"
        }
        .sorted()
    }

    @Test(
        "A border router tells each area of the others", .rfc(2328, "12.4.3"),
        .row("OSPF-SLSA-1", "OSPF-RLSA-1"))
    func border() {
        let lsas = [
            leftLSA([Self.stub("20.0.0.0/8", 3)], flags: [.border, .boundary]),
            left.lsa(
                .summaryNetwork, id: "60.0.0.0", body: LSA.summaryBody(mask: 0xff00_0000, cost: 5)),
            left.external("70.0.0.0/8"),
        ]
        let bed = bed(
            lsas, rightArea: "0.0.0.1", [rightLSA([Self.stub("30.0.0.0/8", 4)], flags: .boundary)])
        #expect(bed.ownRouter?.routerFlags == .border)
        #expect(summaries(bed, "0.0.0.0") == ["10.1.0.0/24 10", "30.0.0.0/8 14", "8.8.8.8 10"])
        #expect(
            summaries(bed, "0.0.0.1")
                == ["10.0.0.0/24 10", "20.0.0.0/8 13", "60.0.0.0/8 15", "9.9.9.9 10"])
        // Out of the backbone we are no border router, and take everything back.
        bed.setLink(0, isUp: false)
        bed.hello(right, area: "0.0.0.1")
        bed.run(.seconds(12))
        #expect(summaries(bed, "0.0.0.1") == [] && summaries(bed, "0.0.0.0") == [])
        #expect(bed.ownRouter?.routerFlags == [])
    }

    @Test(
        "A border router believes the backbone's summaries alone", .rfc(2328, "16.2"),
        .row("OSPF-SPF-6"))
    func backboneOnly() {
        let summary = right.lsa(
            .summaryNetwork, id: "60.0.0.0", body: LSA.summaryBody(mask: 0xff00_0000, cost: 5))
        let bed = bed(
            [leftLSA(flags: .border)], rightArea: "0.0.0.1", [rightLSA(flags: .border), summary])
        #expect(bed.table[prefix("60.0.0.0/8")] == nil)
        bed.setLink(0, isUp: false)
        bed.hello(right, area: "0.0.0.1")
        bed.run(.seconds(12))
        #expect(
            bed.table[prefix("60.0.0.0/8")]
                == .set(prefix("60.0.0.0/8"), .interArea, metric: 15, ways: [way(right)]))
    }

    @Test(
        "Ranges stand for their networks", .rfc(2328, "12.4.3"), .row("OSPF-SLSA-1", "OSPF-SPF-7"))
    func ranges() {
        let echo = left.lsa(
            .summaryNetwork, id: "30.0.0.0", body: LSA.summaryBody(mask: 0xff00_0000, cost: 1))
        let bed = bed(
            [leftLSA(flags: .border), echo], rightArea: "0.0.0.1",
            [
                rightLSA([
                    Self.stub("30.1.0.0/16", 4), Self.stub("30.2.0.0/16", 40),
                    Self.stub("50.1.0.0/16", 1),
                ])
            ]
        ) {
            $0.areas[1].ranges = [
                OSPFRange(prefix("30.0.0.0/8")),
                OSPFRange(prefix("50.0.0.0/8"), isAdvertised: false),
                OSPFRange(prefix("60.0.0.0/8")),
            ]
        }
        #expect(summaries(bed, "0.0.0.0") == ["10.1.0.0/24 10", "30.0.0.0/8 50"])
        #expect(bed.table[prefix("30.0.0.0/8")] == .discard(prefix("30.0.0.0/8")))
        #expect(bed.table[prefix("60.0.0.0/8")] == nil, "it is empty")
        #expect(bed.table[prefix("30.1.0.0/16")] != nil && bed.table[prefix("50.1.0.0/16")] != nil)
    }

    @Test(
        "A stub area has a default route", .row("OSPF-STB-1", "OSPF-SLSA-1"),
        arguments: [false, true])
    func stub(isTotally: Bool) {
        let bed = bed(
            [leftLSA([Self.stub("20.0.0.0/8", 3)], flags: .boundary), left.external("70.0.0.0/8")],
            rightArea: "0.0.0.1", []
        ) { $0.areas[1].kind = .stub(cost: 9, isTotally: isTotally) }
        #expect(bed.state(right) == .full)
        let all = ["0.0.0.0/0 9"] + (isTotally ? [] : ["10.0.0.0/24 10", "20.0.0.0/8 13"])
        #expect(summaries(bed, "0.0.0.1") == all)
        #expect(
            !bed.said.contains { $0.interface == 1 && $0.lsas.contains { $0.type == .external } })
        #expect(bed.engine.headers(ofArea: nil, at: bed.now).count == 1)
    }

    @Test("The first calculation comes at once, more of them with pauses", .row("OSPF-SPF-1"))
    func pauses() {
        let bed = bed([leftLSA()], [rightLSA()])
        bed.hello(left)
        bed.hello(right)
        bed.run(.seconds(10))
        bed.update(
            left,
            left.routerLSA(
                [Self.link("5.5.5.5", "10.0.0.9", 10), Self.stub("20.0.0.0/8", 3)],
                sequence: OSPFProtocol.initialSequence + 1))
        #expect(bed.table[prefix("20.0.0.0/8")] != nil, "in the same event")
        let before = bed.engine.treeRuns
        for number in 0..<100 {
            bed.update(right, right.external("30.\(number).0.0/16"))
            bed.run(.milliseconds(10))
        }
        #expect(bed.engine.treeRuns == before, "externals need no tree")
        let calculations = bed.events.count { if case .calculated = $0 { true } else { false } }
        #expect(calculations < 25, "\(calculations)")
    }
}
