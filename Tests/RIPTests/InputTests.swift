import RIP
import Support
import Testing
import Timing
import Wire

@Suite("RIP: what is taken in", .rfc(2453, "3.9"))
struct InputTests {
    @Test("Versions", .row("RIP-PKT-2"))
    func versions() {
        let bed = Bed { $0.interfaces[1]?.versions = .both }
        let entry = route("172.16.0.0/16", 3)
        bed.hear(packet(2, [entry], version: 0), "10.0.0.2")
        bed.hear(packet(2, [entry], version: 1), "10.0.0.2")
        #expect(bed.drops(.version) == 2 && bed.metric("172.16.0.0/16") == nil)
        bed.hear(packet(2, [entry], version: 1), "10.1.0.2", on: 1)
        #expect(bed.drops(.mustBeZero, on: 1) == 1, "a mask is no field of version 1")
        bed.hear([2, 1, 0, 9] + packet(2, [entry]).dropFirst(4), "10.1.0.2", on: 1)
        #expect(bed.drops(.mustBeZero, on: 1) == 2)
        var odd = packet(2, [entry], version: 7)
        odd[2] = 0xab
        bed.hear(odd, "10.0.0.2")
        #expect(bed.metric("172.16.0.0/16") == 4, "later versions and unused fields are read")
    }

    @Test("Version 1 has no masks", .row("RIP-CMP-1"), .rfc(2453, "3.7"))
    func version1() {
        let bed = Bed { $0.interfaces[0]?.versions = .both }
        func plain(_ address: String) -> RIPEntry {
            var entry = RIPEntry(IPv4Prefix(ip(address), length: 32), metric: 1)
            entry.mask = 0
            return entry
        }
        let sent = ["20.0.0.0", "172.20.0.0", "192.0.3.0", "10.7.5.0", "20.1.0.0"].map(plain)
        bed.hear(packet(2, sent, version: 1), "10.0.0.2")
        for text in [
            "20.0.0.0/8", "172.20.0.0/16", "192.0.3.0/24", "10.7.5.0/24", "20.1.0.0/32",
        ] {
            #expect(bed.metric(text) == 2, "\(text)")
        }
    }

    @Test(
        "Version 1 is never sent, not even to who asks in it", .row("RIP-CMP-2"), .rfc(2453, "5.1"))
    func nothingToMisread() {
        let bed = Bed { $0.interfaces[0]?.versions = .both }
        for text in ["20.0.0.0/7", "20.1.2.0/24", "172.20.0.0/16"] { bed.originate(text) }
        let before = bed.listen(.seconds(40))
        bed.hear(packet(1, [.everything], version: 1), "10.0.0.2")
        #expect(bed.listen(.milliseconds(100)).isEmpty && bed.drops(.version) == 1)
        bed.hear(packet(1, [.everything]), "10.0.0.2")
        let said = before + bed.listen(.milliseconds(100))
        #expect(said.contains { $0.entry("20.0.0.0/7") != nil })
        #expect(said.allSatisfy { $0.bytes[1] == 2 })
    }

    @Test("Responses come from port 520 of a neighbour on the link", .row("RIP-IN-1", "S50"))
    func senders() {
        let bed = Bed { $0.interfaces[1]?.neighbors = [ip("10.1.0.9")] }
        let bytes = packet(2, [route("172.16.0.0/16", 3)])
        bed.hear(bytes, "10.0.0.2", port: 521)
        bed.hear(bytes, "10.9.0.2")
        bed.hear(bytes, "10.0.0.255")
        bed.hear(bytes, "10.0.0.0")
        bed.hear(bytes, "10.0.0.1")
        bed.hear(bytes, "10.1.0.2", on: 1)
        #expect(bed.drops(.port) == 1 && bed.drops(.offLink) == 3 && bed.drops(.ownPacket) == 1)
        #expect(bed.drops(.neighborRefused, on: 1) == 1)
        #expect(bed.engine.routeCount == 0 && bed.changes.isEmpty)
        bed.hear(bytes, "10.1.0.9", on: 1)
        #expect(bed.metric("172.16.0.0/16") == 4)
    }

    @Test("The cost is added and 16 is the end", .row("RIP-IN-2", "RIP-IN-4"))
    func metrics() {
        let bed = Bed { $0.interfaces[1]?.cost = 5 }
        bed.hear(["20.0.0.0/8": 1, "21.0.0.0/8": 14, "22.0.0.0/8": 15, "23.0.0.0/8": 16])
        #expect(bed.metric("20.0.0.0/8") == 2 && bed.metric("21.0.0.0/8") == 15)
        #expect(bed.metric("22.0.0.0/8") == nil && bed.metric("23.0.0.0/8") == nil)
        bed.hear(["24.0.0.0/8": 10, "25.0.0.0/8": 11], from: "10.1.0.2", on: 1)
        #expect(bed.metric("24.0.0.0/8") == 15 && bed.metric("25.0.0.0/8") == nil)
    }

    @Test("A bad entry is skipped, the others are used", .row("RIP-IN-3", "RIP-IN-9", "S50"))
    func entries() {
        let bed = Bed {
            $0.connected = [prefix("10.0.0.0/24"), prefix("10.1.0.0/24")]
            $0.interfaces[0]?.filterIn = [prefix("0.0.0.0/0")]
            $0.interfaces[1]?.filterIn = [prefix("20.0.0.0/8")]
        }
        var family = route("30.0.0.0/8", 1)
        family.family = 7
        var zero = route("30.0.0.0/8", 1)
        zero.metric = 0
        var large = zero
        large.metric = 17
        var gaps = route("30.0.0.0/8", 1)
        gaps.mask = 0xff00_ff00
        var hostBits = route("30.0.0.0/8", 1)
        hostBits.address = ip("30.0.0.1")
        bed.hear(
            packet(
                2,
                [
                    family, zero, large, gaps, hostBits, route("0.1.0.0/16", 1),
                    route("127.0.0.0/8", 1), route("224.0.0.0/4", 1), route("240.0.0.0/8", 1),
                    route("10.0.0.0/24", 1), route("10.1.0.128/25", 1), route("0.0.0.0/0", 1),
                    route("31.0.0.0/8", 1),
                ]), "10.0.0.2")
        #expect(bed.engine.routeCount == 1 && bed.metric("31.0.0.0/8") == 2)
        #expect(bed.drops(.entryFamily) == 1 && bed.drops(.entryMetric) == 2)
        #expect(bed.drops(.entryMask) == 2 && bed.drops(.entryDestination) == 4)
        #expect(bed.drops(.entryOwn) == 2 && bed.drops(.entryDefault) == 1)
        bed.hear(["20.1.0.0/16": 1, "21.1.0.0/16": 1], from: "10.1.0.2", on: 1)
        #expect(bed.drops(.entryFiltered, on: 1) == 1 && bed.engine.routeCount == 2)
        #expect(bed.engine.neighborRows.first?.badRoutes == 12)
    }

    @Test("A default route is taken where it is allowed", .row("S50"))
    func defaultRoute() {
        let bed = Bed { $0.interfaces[0]?.acceptsDefault = true }
        bed.hear(["0.0.0.0/0": 1])
        #expect(bed.metric("0.0.0.0/0") == 2)
    }

    @Test("The gateway is believed, others must be better", .row("RIP-IN-5"))
    func gateways() {
        let bed = Bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["20.0.0.0/8": 4], from: "10.1.0.2", on: 1)
        #expect(bed.metric("20.0.0.0/8") == 4 && bed.gateways("20.0.0.0/8") == ["10.0.0.2"])
        bed.hear(["20.0.0.0/8": 7])
        #expect(bed.metric("20.0.0.0/8") == 8)
        bed.hear(["20.0.0.0/8": 4], from: "10.1.0.2", on: 1)
        #expect(bed.metric("20.0.0.0/8") == 5 && bed.gateways("20.0.0.0/8") == ["10.1.0.2"])
        let way = RIPWay(interface: 1, gateway: ip("10.1.0.2"))
        #expect(bed.changes.last == .set(prefix("20.0.0.0/8"), metric: 5, ways: [way]))
    }

    @Test("The gateway's word restarts the timeout", .row("RIP-IN-5"))
    func confirmation() {
        let bed = Bed()
        for _ in 0..<6 {
            bed.hear(["20.0.0.0/8": 3])
            bed.run(.seconds(170))
            #expect(bed.metric("20.0.0.0/8") == 4)
        }
    }

    @Test("An equal way replaces one that is half expired", .row("RIP-IN-6"))
    func halfExpired() {
        let bed = Bed { $0.limits.ways = 1 }
        bed.hear(["20.0.0.0/8": 3])
        bed.run(.seconds(80))
        bed.hear(["20.0.0.0/8": 3], from: "10.1.0.2", on: 1)
        #expect(bed.gateways("20.0.0.0/8") == ["10.0.0.2"])
        bed.run(.seconds(15))
        bed.hear(["20.0.0.0/8": 3], from: "10.1.0.2", on: 1)
        #expect(bed.gateways("20.0.0.0/8") == ["10.1.0.2"])
    }

    @Test("Equal ways are used together, up to the limit", .row("RIP-IN-6"))
    func equalWays() {
        let bed = Bed { $0.limits.ways = 2 }
        for neighbor in 2...4 { bed.hear(["20.0.0.0/8": 3], from: "10.0.0.\(neighbor)") }
        #expect(bed.gateways("20.0.0.0/8").count == 2)
        bed.hear(["20.0.0.0/8": 16])
        #expect(bed.gateways("20.0.0.0/8").count == 1 && bed.metric("20.0.0.0/8") == 4)
    }

    @Test("The next hop is used if it is on the link", .row("RIP-IN-7"), .rfc(2453, "4.4"))
    func nextHop() {
        let bed = Bed()
        bed.hear(
            packet(
                2,
                [
                    route("20.0.0.0/8", 1), route("21.0.0.0/8", 1, via: "10.0.0.7"),
                    route("22.0.0.0/8", 1, via: "10.5.0.7"),
                    route("23.0.0.0/8", 1, via: "10.0.0.1"),
                ]), "10.0.0.2")
        #expect(bed.gateways("20.0.0.0/8") == ["10.0.0.2"])
        #expect(bed.gateways("21.0.0.0/8") == ["10.0.0.7"])
        #expect(bed.gateways("22.0.0.0/8") == ["10.0.0.2"])
        #expect(bed.gateways("23.0.0.0/8") == ["10.0.0.2"], "not by way of ourselves")
    }

    @Test("Route tags are carried along", .row("RIP-IN-8"))
    func tags() {
        let bed = Bed()
        bed.hear(packet(2, [route("20.0.0.0/8", 1, tag: 77)]), "10.0.0.2")
        #expect(bed.listen().first { $0.interface == 1 }?.entry("20.0.0.0/8")?.tag == 77)
        bed.hear(packet(2, [route("20.0.0.0/8", 1, tag: 78)]), "10.0.0.2")
        let said = bed.listen(.seconds(6))
        #expect(said.first { $0.interface == 1 }?.entry("20.0.0.0/8")?.tag == 78)
    }

    @Test("Short and strange packets do no harm", .row("RIP-IN-10", "S50"))
    func broken() {
        let bed = Bed()
        let good = packet(2, (0..<25).map { route("20.\($0).0.0/16", 1) })
        for count in 0..<good.count where (count - 4) % 20 != 0 {
            bed.hear(Array(good.prefix(count)), "10.0.0.2")
        }
        #expect(bed.drops(.truncated) == 4 && bed.drops(.length) == 475)
        bed.hear(good + [0], "10.0.0.2")
        bed.hear(packet(2, (0..<26).map { route("20.\($0).0.0/16", 1) }), "10.0.0.2")
        #expect(bed.drops(.length) == 476 && bed.drops(.tooLong) == 1)
        for command: UInt8 in [0, 3, 4, 5, 9, 10, 255] {
            bed.hear(packet(command, [route("20.0.0.0/8", 1)]), "10.0.0.2")
        }
        #expect(bed.drops(.command) == 7 && bed.engine.routeCount == 0)
        bed.hear(good, "10.0.0.2")
        #expect(bed.engine.routeCount == 25)
    }

    @Test("Any octets whatever do no harm", .row("RIP-IN-10"))
    func noise() {
        let bed = Bed { $0.limits.routes = 64 }
        var random = Random(seed: 7)
        for round in 0..<3000 {
            var bytes = packet(
                UInt8(random.below(3)),
                (0..<random.below(27)).map { _ in
                    RIPEntry(
                        IPv4Prefix(
                            IPv4Address(UInt32(truncatingIfNeeded: random.next())),
                            length: random.below(33)), metric: UInt8(random.below(18)))
                })
            for _ in 0..<random.below(4) where !bytes.isEmpty {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            bed.hear(
                Array(bytes.prefix(random.below(600))), "10.0.0.\(2 + random.below(9))",
                on: round & 1)
            if round % 50 == 0 { bed.run(.seconds(Int64(random.below(90)))) }
        }
        #expect(bed.engine.routeCount <= 64)
        bed.run(.seconds(400))
        #expect(bed.engine.routeCount == 0 && bed.engine.announcementCount == 0)
    }

    @Test("A full table refuses newcomers and keeps what it has", .row("S50"))
    func tableFull() {
        let bed = Bed { $0.limits.routes = 20 }
        bed.hear(packet(2, (0..<25).map { route("20.\($0).0.0/16", 1) }), "10.0.0.2")
        #expect(bed.engine.routeCount == 20 && bed.drops(.tableFull) == 5)
        bed.hear(["20.0.0.0/16": 16])
        #expect(bed.metric("20.0.0.0/16") == 16 && bed.metric("20.1.0.0/16") == 2)
    }

    @Test("There are only so many neighbours", .row("S50"))
    func neighborLimit() {
        let bed = Bed { $0.limits.neighbors = 2 }
        for neighbor in 2...4 { bed.hear(["20.0.0.0/8": 3], from: "10.0.0.\(neighbor)") }
        #expect(bed.drops(.neighborLimit) == 1 && bed.engine.neighborRows.count == 2)
        #expect(bed.events.count == 2)
    }
}
