import RIP
import Support
import Testing
import Timing
import Wire

@Suite("RIP: time", .rfc(2453, "3.8"))
struct TimeTests {
    let text = "20.0.0.0/8"

    /// When the metric of the route becomes `wanted`, in seconds from now.
    private func wait(_ bed: Bed, for wanted: UInt8?) -> Int64 {
        let start = bed.now
        while bed.metric(text) != wanted, bed.now - start < .seconds(1000) {
            bed.run(.milliseconds(250))
        }
        return (bed.now - start).wholeSeconds
    }

    @Test("180 s of silence, then 120 s as unreachable", .row("RIP-TMO-1", "RIP-TMO-2"))
    func timeout() {
        let bed = Bed()
        bed.hear(["20.0.0.0/8": 3])
        #expect((180...181).contains(wait(bed, for: 16)))
        #expect(bed.changes.last == .remove(prefix(text)))
        let said = bed.listen(.seconds(100)).filter { $0.interface == 1 }
            .compactMap { $0.entry(text)?.metric }
        #expect(said.suffix(3) == [16, 16, 16], "in updates")
        #expect(wait(bed, for: nil) <= 21)
        #expect(
            bed.events == [
                .neighborUp(interface: 0, ip("10.0.0.2")),
                .neighborDown(interface: 0, ip("10.0.0.2")),
            ])
    }

    @Test("Other periods", .row("RIP-TMO-1"))
    func periods() {
        let bed = Bed {
            $0.timers.timeout = .seconds(15)
            $0.timers.garbage = .seconds(10)
        }
        bed.hear(["20.0.0.0/8": 3])
        #expect((15...16).contains(wait(bed, for: 16)))
        #expect((9...11).contains(wait(bed, for: nil)))
    }

    @Test("16 from the gateway ends a route at once", .row("RIP-TMO-3"))
    func poisoned() {
        let bed = Bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.run(.seconds(6))
        bed.said = []
        bed.hear(["20.0.0.0/8": 16])
        #expect(bed.metric(text) == 16 && bed.changes.last == .remove(prefix(text)))
        let said = bed.listen(.milliseconds(1))
        #expect(said.first { $0.interface == 1 }?.entry(text)?.metric == 16)
        #expect((119...121).contains(wait(bed, for: nil)))
    }

    @Test("A good announcement revives a lost route", .row("RIP-TMO-4"))
    func revived() {
        let bed = Bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["20.0.0.0/8": 16])
        bed.run(.seconds(60))
        bed.hear(["20.0.0.0/8": 5], from: "10.1.0.2", on: 1)
        #expect(bed.metric(text) == 6 && bed.engine.lostCount == 0)
        bed.run(.seconds(119))
        #expect(bed.metric(text) == 6)
    }

    @Test("More 16s do not prolong the end", .row("RIP-TMO-5"))
    func notProlonged() {
        let bed = Bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["20.0.0.0/8": 16])
        for _ in 0..<11 {
            bed.run(.seconds(10))
            bed.hear(["20.0.0.0/8": 16])
        }
        #expect(wait(bed, for: nil) <= 11)
    }

    @Test("A link that goes down takes its routes and neighbours along")
    func linkDown() {
        let bed = Bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["21.0.0.0/8": 3], from: "10.1.0.2", on: 1)
        bed.setLink(0, isUp: false)
        #expect(bed.metric(text) == 16 && bed.metric("21.0.0.0/8") == 4)
        #expect(bed.events.last == .neighborDown(interface: 0, ip("10.0.0.2")))
        bed.hear(["20.0.0.0/8": 3])
        #expect(bed.drops(.interfaceOff) == 1 && bed.metric(text) == 16)
        _ = bed.listen(.seconds(1))
        #expect(bed.listen(.seconds(60)).allSatisfy { $0.interface == 1 })
        bed.setLink(0, isUp: true)
        #expect(bed.listen(.milliseconds(1)).contains { $0.isRequest && $0.interface == 0 })
    }

    @Test("Settings that are taken on take effect on what is known")
    func settings() {
        let bed = Bed()
        bed.hear(["20.0.0.0/8": 3, "21.0.0.0/8": 12])
        var settings = bed.engine.settings
        settings.interfaces[0]?.cost = 4
        bed.engine.apply(settings, at: bed.now, into: &bed.effects)
        #expect(bed.metric(text) == 7 && bed.metric("21.0.0.0/8") == 16)
        settings.interfaces[0]?.filterIn = []
        bed.engine.apply(settings, at: bed.now, into: &bed.effects)
        #expect(bed.metric(text) == 16)
        settings.interfaces[1] = nil
        bed.engine.apply(settings, at: bed.now, into: &bed.effects)
        _ = bed.listen(.milliseconds(1))
        #expect(bed.listen(.seconds(60)).allSatisfy { $0.interface == 0 })
    }
}

@Suite("RIP: loop-free mode")
struct LoopFreeTests {
    private func bed() -> Bed {
        Bed { settings in
            for number in 0...1 { settings.interfaces[number]?.isLoopFree = true }
        }
    }
    let text = "20.0.0.0/8"

    @Test("A second best that leads away from us is taken at once")
    func second() {
        let bed = bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["20.0.0.0/8": 3], from: "10.1.0.2", on: 1)
        bed.hear(["20.0.0.0/8": 1], from: "10.0.0.3")
        #expect(bed.metric(text) == 2 && bed.gateways(text) == ["10.0.0.3"])
        bed.hear(["20.0.0.0/8": 2], from: "10.1.0.3", on: 1)
        bed.hear(["20.0.0.0/8": 1], from: "10.1.0.4", on: 1)
        #expect(bed.gateways(text) == ["10.0.0.3", "10.1.0.4"])
        bed.hear(["20.0.0.0/8": 16], from: "10.0.0.3")
        #expect(bed.metric(text) == 2 && bed.gateways(text) == ["10.1.0.4"])
    }

    /// A router that lost a network at distance 4, and told so and asked; interface 1 is left.
    private func bereft(_ metric: UInt8) -> Bed {
        let bed = bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["20.0.0.0/8": metric], from: "10.1.0.2", on: 1)
        bed.run(.seconds(6))
        bed.said = []
        bed.setLink(0, isUp: false)
        #expect(bed.metric(text) == 16 && bed.engine.announcementCount == 1)
        let said = bed.listen(.milliseconds(20))
        #expect(said.first?.entry(text)?.metric == 16, "first the loss is told")
        #expect(said.dropFirst().first?.isRequest == true, "then others are asked")
        #expect(bed.metric(text) == 16)
        return bed
    }

    @Test("An equal or slightly longer way is taken when the neighbour answers", arguments: [4, 5])
    func answered(metric: UInt8) {
        let bed = bereft(metric)
        bed.hear(["20.0.0.0/8": metric], from: "10.1.0.2", on: 1)
        #expect(bed.gateways(text) == ["10.1.0.2"])
        let ways = [RIPWay(interface: 1, gateway: ip("10.1.0.2"))]
        #expect(bed.changes.last == .set(prefix(text), metric: metric + 1, ways: ways))
    }

    @Test("One that may lead back waits until the news has spread")
    func held() {
        let bed = bereft(6)
        bed.hear(["20.0.0.0/8": 6], from: "10.1.0.2", on: 1)
        bed.run(.milliseconds(1200))
        #expect(bed.metric(text) == 16)
        bed.run(.milliseconds(600))
        #expect(bed.metric(text) == 7 && bed.gateways(text) == ["10.1.0.2"])
    }

    @Test("Who gives no answer after the loss is believed when it speaks again")
    func silent() {
        let bed = bereft(4)
        bed.run(.seconds(3))
        #expect(bed.metric(text) == 16 && bed.engine.announcementCount == 0)
        bed.hear(["20.0.0.0/8": 9], from: "10.1.0.2", on: 1)
        #expect(bed.metric(text) == 10)
    }

    @Test("The pause begins when the loss is told, not before")
    func untold() {
        let bed = bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["20.0.0.0/8": 4], from: "10.1.0.2", on: 1)
        bed.run(.seconds(6))
        bed.hear(["21.0.0.0/8": 3])
        bed.run(.milliseconds(10))
        bed.said = []
        bed.hear(["20.0.0.0/8": 16])
        bed.hear(["20.0.0.0/8": 4], from: "10.1.0.2", on: 1)
        while bed.said.isEmpty {
            #expect(bed.metric(text) == 16, "it may not know yet")
            bed.run(.milliseconds(100))
        }
        bed.hear(["20.0.0.0/8": 4], from: "10.1.0.2", on: 1)
        #expect(bed.metric(text) == 5)
    }

    @Test("The gateway is believed when its way grows; others wait", .row("RIP-IN-5"))
    func grown() {
        let bed = bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.hear(["20.0.0.0/8": 4], from: "10.1.0.2", on: 1)
        bed.hear(["20.0.0.0/8": 9])
        #expect(bed.metric(text) == 10 && bed.gateways(text) == ["10.0.0.2"])
        bed.run(.seconds(2))
        #expect(bed.metric(text) == 5 && bed.gateways(text) == ["10.1.0.2"])
    }

    @Test("What is lost for good is asked for only so often, and forgotten")
    func forgotten() {
        let bed = bed()
        bed.hear(["20.0.0.0/8": 3])
        bed.run(.seconds(6))
        bed.said = []
        bed.hear(["20.0.0.0/8": 16])
        let said = bed.listen(.seconds(118))
        #expect(said.filter { $0.isRequest && $0.interface == 1 }.count == 4)
        #expect(bed.metric(text) == 16)
        bed.run(.seconds(4))
        #expect(bed.metric(text) == nil && bed.engine.routeCount == 0)
    }
}
