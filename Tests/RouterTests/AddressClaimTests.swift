import Forwarding
import Router
import Support
import Testing
import Timing
import Wire

/// The gateway's own addresses: probing, announcing, defending (RFC 5227; rows ).
struct AddressClaimTests {
    /// A gateway that probes, not started, and where its frames go.
    struct Start: ~Copyable {
        var router: Router
        var outbox = Outbox(capacity: 1 << 20, entries: 1024)
        var now = Instant(nanoseconds: 1_000_000_000_000)
        /// Moment in milliseconds since the start, side, sender and target of each ARP packet.
        var log: [(Int64, Side, String, String)] = []
        var isReady: Bool { router.forwarder.isReady }
        private let begin = Instant(nanoseconds: 1_000_000_000_000)

        init(seed: UInt64) {
            var settings = Bench.settings
            settings[.lan].probesAddresses = true
            settings[.wan].probesAddresses = true
            router = Router(settings, routes: Bench.routes, random: Random(seed: seed))
            router.start(at: now, into: &outbox)
            note()
        }

        mutating func note() {
            for index in 0..<outbox.count {
                guard case .own(let offset) = outbox[index].place else { continue }
                let frame = unsafe outbox.withOwn(offset, length: outbox[index].length) {
                    unsafe Array($0.dropFirst(VirtioNetHeader.length))
                }
                let seen = Dissection(frame: frame)
                guard seen["arp.opcode"] != nil else { continue }
                log.append(
                    (
                        (now - begin).wholeMilliseconds, outbox[index].side,
                        seen["arp.src.proto_ipv4"] ?? "", seen["arp.dst.proto_ipv4"] ?? ""
                    ))
            }
            outbox.removeAll()
        }

        mutating func advance(_ interval: Interval) {
            let end = now + interval
            while now < end {
                now += .milliseconds(50)
                router.tick(at: now, into: &outbox)
                note()
            }
        }

        mutating func receive(_ operation: UInt16, sender: String, target: String, on side: Side) {
            let station = mac("02:00:00:00:00:99")
            var frame = ethernet(
                to: .broadcast, from: station, type: 0x0806,
                arp(operation, sender: station, ip(sender), ip(target)))
            var header = VirtioNetHeader()
            let moment = now
            _ = withSpan(&frame) {
                router.receive(&$0, &header, on: side, at: moment, into: &outbox)
            }
            note()
        }
    }

    @Test(.row("A-9"), .row("A-10"), arguments: 1...10 as ClosedRange<UInt64>)
    func addressesAreProbedThenAnnounced(seed: UInt64) {
        var start = Start(seed: seed)
        #expect(start.isReady == false)
        start.advance(.seconds(12))
        #expect(start.isReady == true)
        for (side, address) in [(Side.lan, "192.168.50.1"), (.wan, "203.0.113.2")] {
            let mine = start.log.filter { $0.1 == side }
            let probes = mine.filter { $0.2 == "0.0.0.0" }.map(\.0)
            let announcements = mine.filter { $0.2 == address }.map(\.0)
            #expect(mine.allSatisfy { $0.3 == address })
            #expect(probes.count == 3)
            #expect(announcements.count == 2)
            #expect((0...1050).contains(probes[0]))
            #expect((1000...2050).contains(probes[1] - probes[0]))
            #expect((1000...2050).contains(probes[2] - probes[1]))
            #expect((2000...2050).contains(announcements[0] - probes[2]))
            #expect((2000...2050).contains(announcements[1] - announcements[0]))
        }
    }

    @Test(
        .row("A-9"),
        arguments: [
            (1, "192.168.50.1", "192.168.50.1"), (2, "192.168.50.1", "192.168.50.1"),
            (1, "192.168.50.1", "192.168.50.20"), (1, "0.0.0.0", "192.168.50.1"),
        ] as [(UInt16, String, String)])
    func anAddressInUseIsNotTaken(operation: UInt16, sender: String, target: String) throws {
        var start = Start(seed: 3)
        start.advance(.milliseconds(1500))
        start.log = []
        start.receive(operation, sender: sender, target: target, on: .lan)
        // Not answered, not defended; who has it is known.
        #expect(start.log.isEmpty)
        let conflict = start.router.forwarder.conflict(on: .lan)
        #expect(conflict.count == 1)
        #expect(conflict.last?.hardware == mac("02:00:00:00:00:99"))
        #expect(conflict.last?.address == ip("192.168.50.1"))
        start.advance(.seconds(9))
        #expect(start.isReady == false)
        #expect(start.log.allSatisfy { $0.1 == .wan })
        // Asked again after a while; the other is gone.
        start.advance(.seconds(12))
        #expect(start.isReady == true)
    }

    @Test(.row("A-9"))
    func nobodyIsAnsweredBeforeTheEnd() {
        var start = Start(seed: 3)
        start.advance(.seconds(2))
        start.log = []
        start.receive(1, sender: "192.168.50.10", target: "192.168.50.1", on: .lan)
        #expect(start.log.isEmpty)
        start.advance(.seconds(10))
        start.log = []
        start.receive(1, sender: "192.168.50.10", target: "192.168.50.1", on: .lan)
        #expect(start.log.count == 1)
    }

    @Test(.row("A-11"), .row("S30"))
    func addressesAreDefendedNowAndThen() {
        var bench = Bench()
        bench.advance(.seconds(5))
        _ = bench.take()
        var defended: [Int] = []
        for second in 0..<300 {
            let sent = bench.sendARP(
                second % 2 == 0 ? 1 : 2, from: "192.168.50.1", hardware: mac("02:00:00:00:00:66"),
                to: "192.168.50.20")
            if sent.contains(where: { $0.seen["arp.src.proto_ipv4"] == "192.168.50.1" }) {
                defended.append(second)
            }
            bench.advance(.seconds(1))
        }
        // Once at once, then in 10 s; after ten conflicts once in a minute.
        #expect(defended == [0, 60, 120, 180, 240])
        #expect(bench.drops(.arpConflict, on: .lan) == 300)
        let conflict = bench.router.forwarder.conflict(on: .lan)
        #expect(conflict.count == 300)
        #expect(conflict.last?.address == ip("192.168.50.1"))
        let learnt = bench.router.forwarder.neighbor(at: ip("192.168.50.1"), on: .lan)?.state
        #expect(learnt == nil)

        var rare = Bench()
        var times = 0
        for _ in 0..<5 {
            let sent = rare.sendARP(
                2, from: "192.168.50.1", hardware: mac("02:00:00:00:00:66"), to: "192.168.50.20")
            times += sent.count
            rare.advance(.seconds(4))
            _ = rare.take()
        }
        #expect(times == 2)
    }

    @Test(.row("A-12"))
    func probesOfOthersForOurAddressAreAnswered() throws {
        var bench = Bench()
        let sent = bench.sendARP(
            1, from: "0.0.0.0", hardware: mac("02:00:00:00:00:66"), to: "192.168.50.1")
        let reply = try #require(sent.first)
        #expect(reply.seen["arp.opcode"] == "2")
        #expect(reply.seen["arp.src.proto_ipv4"] == "192.168.50.1")
        #expect(reply.seen["eth.dst"] == "02:00:00:00:00:66")
        #expect(bench.router.forwarder.neighborCount == 0)
        #expect(bench.sendARP(1, from: "0.0.0.0", to: "192.168.50.20").isEmpty)
        #expect(bench.sendARP(2, from: "0.0.0.0", to: "192.168.50.1").isEmpty)
    }

    @Test(.row("A-14"))
    func addressesAreAnnouncedAfterAChange() {
        var bench = Bench()
        bench.advance(.seconds(10))
        func announcements(_ frames: [SentFrame], _ address: String) -> Int {
            frames.filter {
                $0.seen["arp.src.proto_ipv4"] == address && $0.seen["arp.dst.proto_ipv4"] == address
            }.count
        }
        var before = bench.sent.count
        bench.setLink(.lan, isUp: false)
        bench.setLink(.lan, isUp: true)
        bench.advance(.seconds(10))
        #expect(announcements(Array(bench.sent[before...]), "192.168.50.1") == 3)
        before = bench.sent.count
        bench.apply { $0[.lan].hardware = mac("02:00:00:00:00:77") }
        bench.advance(.seconds(10))
        let sent = Array(bench.sent[before...])
        #expect(announcements(sent, "192.168.50.1") == 3)
        #expect(sent.allSatisfy { $0.seen["arp.src.hw_mac"] == "02:00:00:00:00:77" })
        before = bench.sent.count
        bench.apply { $0[.lan].addresses.append(address("192.168.51.1/24")) }
        bench.advance(.seconds(10))
        #expect(announcements(Array(bench.sent[before...]), "192.168.51.1") == 2)
    }
}
