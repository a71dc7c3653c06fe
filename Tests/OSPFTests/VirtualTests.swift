import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: virtual links", .rfc(2328, "15"))
struct VirtualTests {
    let left = Peer("9.9.9.9", "10.0.0.9")
    let right = Peer("8.8.8.8", "10.1.0.8", on: 1)
    let far = Peer("7.7.7.7", "10.8.0.7", on: 1, to: "10.1.0.5")
    let network = prefix("20.0.0.0/8")
    static let area = "0.0.0.1"

    /// In area 1 a router between us and the other end, and what that says there.
    func transit(farFlags: RouterFlags = .border, cost: UInt16 = 4, sequence: Int32 = 1) -> [LSA] {
        let links = [
            RouteTests.link("5.5.5.5", "10.1.0.8", 10),
            RouteTests.link("7.7.7.7", "10.8.0.8", cost),
            RouteTests.link("6.6.6.6", "10.7.0.8", 1),
        ]
        let first = OSPFProtocol.initialSequence
        return [
            right.routerLSA(links, sequence: first + sequence),
            RouteTests.router(
                "7.7.7.7", [RouteTests.link("8.8.8.8", "10.8.0.7", 4)], flags: farFlags,
                sequence: first + sequence),
            RouteTests.router(
                "6.6.6.6", [RouteTests.link("8.8.8.8", "10.7.0.6", 1)], flags: .border),
        ]
    }

    /// What `maker` says of a network of other areas.
    func summary(_ text: String, by maker: String, cost: UInt32) -> LSA {
        LSATests.lsa(
            .summaryNetwork, id: "\(prefix(text).address)", router: maker,
            body: LSA.summaryBody(mask: prefix(text).mask, cost: cost))
    }

    /// Interface 1 and a neighbour in area 1, by which the other end of a virtual link is reached.
    func bed(
        _ lsas: [LSA]? = nil, _ edit: (inout OSPFSettings) -> Void = { _ in }
    ) -> Bed {
        let bed = Bed(.pointToPoint, count: 2) { settings in
            settings.areas.append(OSPFAreaSettings(ip(Self.area)))
            settings.interfaces[1]?.area = ip(Self.area)
            settings.interfaces.append(
                OSPFInterfaceSettings(OSPFVirtualEnd(ip("7.7.7.7"), through: ip(Self.area))))
            edit(&settings)
        }
        bed.befriend(right, lsas ?? transit(), area: Self.area)
        bed.run(.seconds(2))
        return bed
    }

    func state(_ bed: Bed) -> OSPFNeighborState? {
        bed.engine.neighbors.first { $0.interface == 2 }?.state
    }

    @Test(
        "It comes up with the way there, and its packets go to the other end alone",
        .rfc(2328, "16.1"), .row("OSPF-PKT-1", "OSPF-PKT-2", "OSPF-HEL-2", "OSPF-NSM-2"))
    func comesUp() {
        let bed = bed()
        #expect(bed.engine.interface(2)?.state == .pointToPoint)
        #expect(bed.engine.settings[2]?.cost == 14)
        bed.said = []
        let hello = bed.listen(.seconds(10)).first { $0.hello != nil && $0.gateway != nil }
        #expect(hello?.interface == 1 && hello?.source == ip("10.1.0.5"))
        #expect(hello?.destination == ip("10.8.0.7") && hello?.gateway == right.address)
        #expect(hello?.hello?.mask == 0 && hello.map { Array($0.bytes[8..<12]) } == [0, 0, 0, 0])
        // Its hellos are taken when they are for us, from it, and of the backbone.
        bed.hello(Peer("6.6.6.6", "10.7.0.6", on: 1, to: "10.1.0.5"))
        #expect(bed.drops(.area, on: 1) == 1, "no virtual link leads there")
        bed.hear(
            .hello,
            Hello(
                mask: 0, helloInterval: 10, options: .external, priority: 1, deadInterval: 40,
                designated: .unspecified, backup: .unspecified, neighbors: []
            ).bytes, from: far, to: OSPFProtocol.allRouters)
        #expect(bed.drops(.area, on: 1) == 2, "for all routers of the link")
        bed.hello(far, knows: false)
        #expect(state(bed) == .initial && bed.engine.neighbors.count == 2)
        bed.hello(far) { $0.mask = 0x1234_5678 }
        #expect(state(bed) == .exStart)
    }

    @Test("No way, no link", .row("OSPF-SPF-1"))
    func noWay() {
        let none = bed(transit(farFlags: []))
        #expect(none.engine.interface(2)?.state == .down, "no border router")
        #expect(bed(transit(cost: 65_525)).engine.interface(2)?.state == .down, "65,535 is too far")
        #expect(bed(transit(cost: 65_524)).engine.interface(2)?.state == .pointToPoint)
        let bed = bed()
        bed.befriend(far)
        #expect(state(bed) == .full)
        bed.update(right, transit(farFlags: [], sequence: 3)[1], area: Self.area)
        bed.run(.seconds(2))
        #expect(bed.engine.interface(2)?.state == .down && state(bed) == nil)
        bed.update(right, transit(sequence: 4)[1], area: Self.area)
        bed.run(.seconds(2))
        #expect(bed.engine.interface(2)?.state == .pointToPoint)
        // Packets of it when there is no way are for nobody.
        let other = self.bed(transit(farFlags: []))
        other.hello(far)
        #expect(other.drops(.interfaceOff, on: 2) == 1)
    }

    @Test(
        "Descriptions have no MTU and nothing from outside", .rfc(2328, "10.8"),
        .row("OSPF-DD-3", "OSPF-XLSA-1"))
    func exchange() {
        let bed = bed(transit() + [right.external("30.0.0.0/8")])
        bed.hello(far)
        bed.said = []
        bed.describe(far, [.initial, .more, .master], 100, mtu: 9000)
        bed.describe(far, .master, 101, mtu: 9000)
        let said = bed.listen()
        let described = said.compactMap(\.dd)
        #expect(!described.isEmpty && described.allSatisfy { $0.mtu == 0 })
        let headers = described.flatMap(\.headers)
        #expect(headers.contains { $0.type == LSAType.router.rawValue })
        #expect(!headers.contains { $0.type == LSAType.external.rawValue })
        #expect(state(bed) == .full)
        // Nor does what is news outside take the link.
        bed.said = []
        bed.befriend(left, [left.routerLSA([RouteTests.link("5.5.5.5", "10.0.0.9", 10)])])
        bed.update(left, left.external("40.0.0.0/8"))
        let flooded = bed.listen(.seconds(1)).filter { $0.lsas.contains { $0.type == .external } }
        #expect(flooded.map(\.gateway) == [nil] && flooded.first?.interface == 1)
    }

    @Test(
        "What router-LSAs say of it", .rfc(2328, "12.4.1"), .row("OSPF-RLSA-1"))
    func routerLSA() throws {
        let bed = bed()
        func own(_ area: String) throws -> LSA {
            let rows = bed.engine.lsaRows(of: { $0 == .router }, limit: 99, at: bed.now).rows
            let sequence = rows.first { $0.isOwn && $0.area == ip(area) }?.header.sequence
            return try #require(
                bed.engine.lsas.first {
                    $0.type == .router && $0.header.router == ip("5.5.5.5")
                        && $0.header.sequence == sequence
                        && ($0.links.contains {
                            $0.data == ~0 << 8
                                && $0.id == ip(area == Self.area ? "10.1.0.0" : "10.0.0.0").rawValue
                        })
                })
        }
        #expect(try own(Self.area).routerFlags == .border)
        bed.befriend(far)
        bed.run(.seconds(6))
        #expect(try own(Self.area).routerFlags == [.border, .virtual])
        let backbone = try own("0.0.0.0")
        #expect(backbone.routerFlags == .border)
        let link = RouterLink(.virtual, id: 0x0707_0707, data: ip("10.1.0.5").rawValue, cost: 14)
        #expect(backbone.links.filter { $0.kind == 4 } == [link])
        // The way becomes longer, and the link with it.
        bed.update(right, transit(cost: 6, sequence: 3)[0], area: Self.area)
        bed.run(.seconds(6))
        #expect(try own("0.0.0.0").links.filter { $0.kind == 4 }.map(\.cost) == [16])
    }

    // MARK: Routes

    /// The virtual link is full, and the other end says these in the backbone.
    func joined(_ links: [RouterLink], onlyLink: Bool = false, _ more: [LSA] = []) -> Bed {
        let bed = bed { if onlyLink { $0.interfaces[0] = nil } }
        let back = RouterLink(.virtual, id: 0x0505_0505, data: far.address.rawValue, cost: 4)
        bed.befriend(far, [far.routerLSA([back] + links, flags: .border)] + more)
        bed.run(.seconds(3))
        return bed
    }

    @Test(
        "Packets take what is said in the area between", .rfc(2328, "16.3"),
        .row("OSPF-SPF-6", "OSPF-SPF-1"))
    func transitSummaries() {
        let way = OSPFWay(interface: 1, gateway: right.address)
        let bed = joined([RouteTests.stub("20.0.0.0/8", 100)])
        #expect(bed.table[network] == nil, "routers between do not know where to send them")
        bed.update(right, summary("20.0.0.0/8", by: "7.7.7.7", cost: 100), area: Self.area)
        bed.run(.seconds(2))
        #expect(bed.table[network] == .set(network, .intraArea, metric: 114, ways: [way]))
        // Another border router of the area is nearer.
        bed.update(right, summary("20.0.0.0/8", by: "6.6.6.6", cost: 50), area: Self.area)
        bed.run(.seconds(2))
        #expect(bed.table[network] == .set(network, .intraArea, metric: 61, ways: [way]))
        // What the backbone does not know is not taken from the area between.
        bed.update(right, summary("21.0.0.0/8", by: "7.7.7.7", cost: 1), area: Self.area)
        bed.run(.seconds(2))
        #expect(bed.table[prefix("21.0.0.0/8")] == nil)
    }

    @Test("With the link its routes go", .row("OSPF-NSM-5"))
    func ends() {
        let bed = joined(
            [RouteTests.stub("20.0.0.0/8", 100)], onlyLink: true,
            [summary("22.0.0.0/8", by: "7.7.7.7", cost: 5)])
        bed.update(
            right, summary("20.0.0.0/8", by: "7.7.7.7", cost: 100),
            summary("22.0.0.0/8", by: "7.7.7.7", cost: 5), area: Self.area)
        bed.run(.seconds(2))
        #expect(bed.table.keys.contains(network))
        #expect(bed.engine.routes.first { $0.prefix == prefix("22.0.0.0/8") }?.metric == 19)
        bed.run(.seconds(45), hearing: [right], area: Self.area)
        #expect(state(bed) == nil && bed.engine.interface(2)?.state == .pointToPoint)
        let way = OSPFWay(interface: 1, gateway: right.address)
        #expect(bed.table[network] == .set(network, .interArea, metric: 114, ways: [way]))
        #expect(!bed.engine.roles.isBorder, "without the backbone others are believed")
    }

    // MARK: Whole routers

    @Test(
        "A cut-off area reaches the backbone, and all the way round",
        .row("OSPF-SLSA-1", "OSPF-SPF-4", "OSPF-SPF-6"))
    func cutOff() throws {
        let net = VirtualNet()
        net.announce("30.0.0.0/8", by: .d)
        net.run(.seconds(30))
        #expect(net.virtual(.a) == .full && net.virtual(.b) == .full)
        #expect(net.route(.d, VirtualNet.host(.b)) == "interArea 5 a")
        #expect(net.route(.a, VirtualNet.host(.b)) == "interArea 4 i")
        #expect(net.route(.i, VirtualNet.host(.b)) == "interArea 2 b")
        #expect(net.route(.b, VirtualNet.host(.d)) == "intraArea 5 i")
        #expect(net.route(.i, VirtualNet.host(.d)) == "interArea 3 a")
        #expect(net.route(.b, prefix("30.0.0.0/8")) == "externalType2 20 i")
        #expect(net.router(.a, in: "0.0.0.1", at: .i)?.routerFlags == [.border, .virtual])
        #expect(net.kinds(.i, in: "0.0.0.1").contains(LSAType.summaryRouter.rawValue))
        // The other way through area 1 is longer; the link stays and goes by it.
        let before = net.events(.b).count
        net.set(2, isUp: false)
        net.run(.seconds(10))
        #expect(net.virtual(.a) == .full && net.virtual(.b) == .full)
        #expect(net.route(.b, VirtualNet.host(.d)) == "intraArea 11 c")
        #expect(net.route(.d, VirtualNet.host(.b)) == "interArea 11 a")
        let lost = net.events(.b)[before...].contains {
            if case .neighbor(6, _, from: .full, _) = $0 { true } else { false }
        }
        #expect(!lost)
        // Without any way the area is cut off, and with one it is not.
        net.set(4, isUp: false)
        net.run(.seconds(10))
        #expect(net.virtual(.a) == nil && net.virtual(.b) == nil)
        #expect(net.route(.d, VirtualNet.host(.b)) == nil)
        #expect(net.route(.b, VirtualNet.host(.d)) == nil)
        net.set(2, isUp: true)
        net.run(.seconds(20))
        #expect(net.route(.d, VirtualNet.host(.b)) == "interArea 5 a")
        #expect(net.route(.b, VirtualNet.host(.d)) == "intraArea 5 i")
    }

    @Test("Ranges of the backbone are not for the area between", .rfc(2328, "12.4.3"))
    func ranges() {
        let net = VirtualNet { place, settings in
            if place == .a { settings.areas[0].ranges = [OSPFRange(prefix("20.0.0.0/24"))] }
        }
        net.run(.seconds(30))
        #expect(net.route(.i, VirtualNet.host(.d)) == "interArea 3 a")
        #expect(net.route(.i, prefix("20.0.0.0/24")) == nil)
        #expect(net.route(.b, VirtualNet.host(.d)) == "intraArea 5 i")
    }

    @Test("Another key is refused, the same taken", .row("OSPF-AUT-1"))
    func keys() {
        func net(_ second: String) -> VirtualNet {
            VirtualNet { place, settings in
                guard place == .a || place == .b else { return }
                settings.interfaces[6]?.authentication = .keys([
                    SigningKey(
                        id: 7, .hmacSHA256, secret: Array((place == .a ? "one" : second).utf8))
                ])
            }
        }
        let good = net("one")
        good.run(.seconds(20))
        #expect(good.virtual(.a) == .full)
        let bad = net("two")
        bad.run(.seconds(20))
        #expect(bad.virtual(.a) == nil && bad.route(.d, VirtualNet.host(.b)) == nil)
    }

    @Test("A reload takes the link away, and brings it back")
    func reload() {
        let net = VirtualNet()
        net.run(.seconds(30))
        let all = net.settings(.b)
        var less = all
        less.interfaces.removeLast()
        net.apply(less, to: .b)
        net.run(.seconds(50))
        #expect(net.route(.d, VirtualNet.host(.b)) == nil && net.virtual(.a) == nil)
        net.apply(all, to: .b)
        net.run(.seconds(30))
        #expect(net.route(.d, VirtualNet.host(.b)) == "interArea 5 a")
        #expect(net.virtual(.b) == .full)
    }

    @Test(
        "A restart at one end changes no route", .rfc(3623, "2.2"), .row("OSPF-GR-1", "OSPF-GR-2"))
    func restart() {
        let net = VirtualNet()
        net.run(.seconds(30))
        let before = VirtualNet.Place.allCases.map { net.changes($0) }
        net.restart(.b)
        net.run(.seconds(50))
        #expect(net.events(.b).contains(.restarting(.finished)))
        #expect(net.virtual(.b) == .full)
        for place in VirtualNet.Place.allCases where place != .b {
            #expect(net.changes(place) == before[place.rawValue], "\(place)")
        }
        #expect(net.route(.b, VirtualNet.host(.d)) == "intraArea 5 i")
    }
}
