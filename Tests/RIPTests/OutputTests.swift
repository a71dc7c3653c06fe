import RIP
import Support
import Testing
import Timing
import Wire

@Suite("RIP: what is said", .rfc(2453, "3.10"))
struct OutputTests {
    @Test("At most 25 entries a packet", .row("RIP-PKT-1", "RIP-REQ-1"), .rfc(2453, "4"))
    func size() {
        let bed = Bed()
        for number in 0..<200 { bed.originate("20.0.\(number).0/24") }
        _ = bed.listen(.seconds(1))
        bed.hear(packet(1, [.everything]), "10.0.0.2")
        let said = bed.listen(.milliseconds(9))
        #expect(said.map(\.entries.count) == [Int](repeating: 25, count: 8))
        #expect(said.allSatisfy { $0.bytes.count == 504 && $0.bytes[1] == 2 })
        #expect(said.allSatisfy { $0.destination == RIPEndpoint(ip("10.0.0.2")) })
    }

    @Test("Updates go to 224.0.0.9, port 520, from our address", .row("RIP-PKT-3"))
    func group() {
        let bed = Bed()
        bed.originate("20.0.0.0/8")
        bed.run(.milliseconds(10))
        #expect(
            bed.said.map(\.destination) == [
                RIPEndpoint(ip("224.0.0.9")), RIPEndpoint(ip("224.0.0.9")),
            ])
        #expect(bed.said.map(\.interface) == [0, 1])
    }

    @Test("A request from another port is answered there", .row("RIP-REQ-2"))
    func otherPort() {
        let bed = Bed()
        bed.originate("20.0.0.0/8")
        _ = bed.listen()
        bed.hear(packet(1, [.everything]), "10.0.0.2", port: 5555)
        #expect(bed.listen().map(\.destination) == [RIPEndpoint(ip("10.0.0.2"), port: 5555)])
    }

    @Test(
        "An answer heeds split horizon, one about single networks does not",
        .row("RIP-REQ-1", "RIP-REQ-3"), .rfc(2453, "3.9.1"))
    func specific() {
        let bed = Bed { $0.interfaces[0]?.splitHorizon = .simple }
        bed.hear(["20.0.0.0/8": 3])
        _ = bed.listen()
        bed.hear(packet(1, [.everything]), "10.0.0.2")
        #expect(bed.listen().isEmpty)
        var other = route("22.0.0.0/8", 5)
        other.family = 9
        bed.hear(packet(1, [route("20.0.0.0/8", 1), route("21.0.0.0/8", 1), other]), "10.0.0.2")
        let said = bed.listen()
        #expect(said.count == 1 && said.first?.entries.map(\.metric) == [4, 16, 16])
        #expect(said.first?.entries.last?.family == 9, "entries come back in their places")
    }

    @Test("A request without entries is not answered", .row("RIP-REQ-4"))
    func emptyRequest() {
        let bed = Bed()
        bed.originate("20.0.0.0/8")
        _ = bed.listen()
        bed.hear(packet(1, []), "10.0.0.2")
        #expect(bed.listen().isEmpty)
    }

    @Test("An interface that comes up asks and tells at once", .row("RIP-REQ-5"))
    func comingUp() {
        let bed = Bed(isUp: false)
        bed.originate("20.0.0.0/8")
        bed.setLink(1, isUp: true)
        let said = bed.listen(.milliseconds(1))
        #expect(said.allSatisfy { $0.interface == 1 })
        #expect(said.filter(\.isRequest).map(\.entries) == [[.everything]])
        #expect(said.filter { !$0.isRequest }.first?.entry("20.0.0.0/8")?.metric == 1)
    }

    @Test("A router that appears is told everything at once", .row("RIP-REQ-5"))
    func newNeighbor() {
        let bed = Bed()
        bed.originate("20.0.0.0/8")
        _ = bed.listen(.seconds(8))
        bed.hear(["30.0.0.0/8": 1])
        let said = bed.listen(.milliseconds(1)).filter { $0.interface == 0 }
        #expect(said.contains { $0.entry("20.0.0.0/8")?.metric == 1 })
    }

    @Test("The whole table every 30 s, not in step", .row("RIP-UPD-1", "RIP-UPD-2"))
    func periods() {
        let bed = Bed(1)
        bed.originate("20.0.0.0/8")
        _ = bed.listen(.seconds(5))
        var moments: [Instant] = []
        while moments.count < 200 {
            bed.run(bed.engine.nextDeadline.map { $0 - bed.now } ?? .seconds(1))
            if !bed.said.isEmpty { moments.append(bed.now) }
            bed.said = []
        }
        let gaps = zip(moments.dropFirst(), moments).map { ($0 - $1).wholeMilliseconds }
        #expect(gaps.allSatisfy { (25_000...35_011).contains($0) }, "\(gaps)")
        #expect((29_000...31_000).contains(gaps.reduce(0, +) / Int64(gaps.count)))
        #expect(Set(gaps).count > 150, "random offsets")
    }

    @Test(
        "A change is told at once, the next after a pause of 1 to 5 s",
        .row("RIP-TRG-1", "RIP-TRG-2"), .rfc(2453, "3.10.1"))
    func triggered() {
        var pauses: Set<Int64> = []
        for seed: UInt64 in 1...40 {
            let bed = Bed(1, seed: seed)
            for number in 0..<9 { bed.originate("30.\(number).0.0/16") }
            _ = bed.listen(.seconds(6))
            let start = bed.now
            bed.originate("20.0.0.0/8")
            let first = bed.listen(.milliseconds(1))
            #expect(first.count == 1 && first.first?.entries.count == 1, "only what changed")
            bed.originate("21.0.0.0/8")
            bed.originate("22.0.0.0/8")
            while bed.said.isEmpty { bed.run(.milliseconds(100)) }
            #expect(bed.said.count == 1)
            #expect(bed.said.first?.entry("21.0.0.0/8") != nil)
            #expect(bed.said.first?.entry("22.0.0.0/8") != nil)
            pauses.insert((bed.now - start).wholeMilliseconds / 100)
        }
        #expect(pauses.allSatisfy { (10...51).contains($0) } && pauses.count > 10, "\(pauses)")
    }

    @Test("A lost connected network is told within 5 s", .row("RIP-TRG-1"))
    func lostNetwork() {
        let bed = Bed()
        bed.originate("20.0.0.0/8")
        bed.run(.seconds(3))
        bed.said = []
        bed.engine.withdraw(prefix("20.0.0.0/8"), at: bed.now, into: &bed.effects)
        let said = bed.listen(.seconds(5))
        for number in 0...1 {
            #expect(
                said.contains {
                    $0.interface == number && $0.entry("20.0.0.0/8")?.metric == 16
                })
        }
    }

    @Test(
        "Split horizon", .row("RIP-SH-1", "RIP-SH-2"), .rfc(2453, "3.4.3"),
        arguments: SplitHorizon.allCases)
    func splitHorizon(mode: SplitHorizon) {
        let bed = Bed { $0.interfaces[0]?.splitHorizon = mode }
        bed.hear(packet(2, [route("20.0.0.0/8", 3, via: "10.0.0.8")]), "10.0.0.2")
        let said = bed.listen(.seconds(36))
        let back = said.filter { $0.interface == 0 }.compactMap { $0.entry("20.0.0.0/8") }
        let on = said.filter { $0.interface == 1 }.compactMap { $0.entry("20.0.0.0/8") }
        #expect(on.count >= 2 && on.allSatisfy { $0.metric == 4 })
        #expect(on.allSatisfy { $0.nextHop == .unspecified })
        switch mode {
        case .off:
            #expect(!back.isEmpty && back.allSatisfy { $0.metric == 4 })
            #expect(back.allSatisfy { $0.nextHop == ip("10.0.0.8") }, "without a detour by us")
        case .simple: #expect(back.isEmpty)
        case .poisonReverse: #expect(!back.isEmpty && back.allSatisfy { $0.metric == 16 })
        }
    }

    @Test("A static route names its router to those who share the link")
    func staticNextHop() {
        let bed = Bed()
        let local = RIPLocalRoute(
            prefix("20.0.0.0/8"), metric: 2, tag: 9, interface: 0, gateway: ip("10.0.0.9"))
        bed.engine.originate(local, at: bed.now, into: &bed.effects)
        let network = RIPLocalRoute(prefix("10.0.0.0/24"), interface: 0)
        bed.engine.originate(network, at: bed.now, into: &bed.effects)
        let said = bed.listen(.seconds(1))
        let on = said.first { $0.interface == 0 }?.entry("20.0.0.0/8")
        #expect(on?.nextHop == ip("10.0.0.9") && on?.metric == 2 && on?.tag == 9)
        #expect(said.first { $0.interface == 0 }?.entry("10.0.0.0/24") == nil)
        let other = said.first { $0.interface == 1 }
        #expect(other?.entry("20.0.0.0/8")?.nextHop == .unspecified)
        #expect(other?.entry("10.0.0.0/24")?.metric == 1)
    }

    @Test("Passive interfaces listen, neighbours are spoken to by unicast", .row("RIP-NBR-1"))
    func passive() {
        let bed = Bed(3) {
            $0.interfaces[0]?.isPassive = true
            $0.interfaces[1]?.isPassive = true
            $0.interfaces[1]?.neighbors = [ip("10.1.0.5"), ip("10.1.0.6")]
        }
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(packet(1, [.everything]), "10.0.0.2")
        let said = bed.listen(.seconds(40))
        #expect(bed.metric("20.0.0.0/8") == 4)
        #expect(!said.contains { $0.interface == 0 })
        let targets = said.filter { $0.interface == 1 }.map(\.destination.address)
        #expect(Set(targets) == [ip("10.1.0.5"), ip("10.1.0.6")])
        #expect(said.contains { $0.destination.address == ip("224.0.0.9") && $0.interface == 2 })
    }

    @Test("A long table goes out in small bursts", .row("RIP-OUT-1"))
    func pacing() {
        let bed = Bed(1)
        for number in 0..<10_000 {
            let local = RIPLocalRoute(
                IPv4Prefix(IPv4Address(20 << 24 | UInt32(number) << 8), length: 24))
            bed.engine.originate(local, at: bed.now, into: &bed.effects)
        }
        let start = bed.now
        var entries = 0
        while entries < 10_000, bed.now < start + .seconds(10) {
            guard let next = bed.engine.nextDeadline else { break }
            let last = bed.now
            bed.run(next - bed.now)
            #expect(bed.said.count <= 10)
            #expect(bed.said.isEmpty || last == start || bed.now - last >= .milliseconds(10))
            entries += bed.said.reduce(0) { $0 + $1.entries.count }
            bed.said = []
        }
        #expect(entries == 10_000)
        #expect(bed.now - start <= .milliseconds(500), "\((bed.now - start).wholeMilliseconds) ms")
    }

    @Test("A burst of 10,000 routes is taken in whole", .row("RIP-OUT-2"))
    func burst() {
        let bed = Bed()
        for number in 0..<400 {
            bed.hear(
                packet(
                    2,
                    (0..<25).map {
                        RIPEntry(
                            IPv4Prefix(
                                IPv4Address(20 << 24 | UInt32(number * 25 + $0) << 8), length: 24),
                            metric: 1)
                    }), "10.0.0.2")
        }
        #expect(bed.engine.routeCount == 10_000 && bed.changes.count == 10_000)
        var told: Set<IPv4Address> = []
        for said in bed.listen(.seconds(8)) where said.interface == 1 {
            told.formUnion(said.entries.map(\.address))
        }
        #expect(told.count == 10_000)
    }

    @Test("What a filter denies from now on is told as unreachable", .row("RIP-OUT-3"))
    func deniedNow() {
        let bed = Bed()
        bed.originate("20.0.0.0/8")
        bed.originate("21.0.0.0/8")
        _ = bed.listen(.seconds(6))
        var settings = bed.engine.settings
        settings.interfaces[0]?.filterOut = [prefix("21.0.0.0/8")]
        bed.engine.apply(settings, at: bed.now, into: &bed.effects)
        let said = bed.listen(.milliseconds(10))
        #expect(said.count == 1 && said.first?.interface == 0)
        #expect(said.first?.entries == [route("20.0.0.0/8", 16)])
        let later = bed.listen(.seconds(40)).filter { $0.interface == 0 }
        #expect(!later.isEmpty && later.allSatisfy { $0.entry("20.0.0.0/8") == nil })
    }

    @Test("The end is told", .row("RIP-OUT-3"))
    func end() {
        let bed = Bed()
        bed.originate("20.0.0.0/8")
        _ = bed.listen(.seconds(6))
        bed.engine.stop(at: bed.now, into: &bed.effects)
        let said = bed.listen(.milliseconds(1))
        #expect(said.map(\.interface) == [0, 1])
        #expect(said.allSatisfy { $0.entries == [route("20.0.0.0/8", 16)] })
    }
}
