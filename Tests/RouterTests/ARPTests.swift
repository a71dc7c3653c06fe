import Forwarding
import NAT
import Router
import Routing
import Support
import Testing
import Timing
import Wire

/// ARP: answering, learning, asking, waiting (conformance rows ).
struct ARPTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    static func state(_ bench: borrowing Bench, _ address: String, _ side: Side = .lan)
        -> NeighborState?
    {
        bench.router.forwarder.neighbor(at: ip(address), on: side)?.state
    }

    static func hardware(_ bench: borrowing Bench, _ address: String) -> MACAddress? {
        bench.router.forwarder.neighbor(at: ip(address), on: .lan).map { MACAddress($0.hardware) }
    }

    @Test(.row("A-1"))
    func requestIsAnsweredByUnicastAndTeachesTheSender() throws {
        var bench = Bench()
        let sent = bench.sendARP(1, from: "192.168.50.10", to: "192.168.50.1")
        let reply = try #require(sent.first)
        #expect(sent.count == 1)
        #expect(reply.side == .lan)
        let station = Bench.hardware(of: ip("192.168.50.10")).description
        let expected = [
            "eth.dst": station, "eth.src": Bench.hardware(.lan).description, "arp.opcode": "2",
            "arp.src.hw_mac": Bench.hardware(.lan).description,
            "arp.src.proto_ipv4": "192.168.50.1", "arp.dst.hw_mac": station,
            "arp.dst.proto_ipv4": "192.168.50.10",
        ]
        for (name, value) in expected { #expect(reply.seen[name] == value) }
        #expect(Self.state(bench, "192.168.50.10") == .reachable)
    }

    @Test(.row("A-1"), .row("A-15"))
    func malformedPacketsAreCounted() {
        var bench = Bench()
        let good = arp(1, sender: mac("02:00:00:00:00:99"), ip("192.168.50.10"), ip("192.168.50.1"))
        // Hardware type, protocol type, both sizes, opcodes.
        for (offset, value) in [(1, 6), (2, 0x86), (4, 8), (5, 16), (7, 0), (7, 3), (7, 9), (6, 1)]
        {
            let packet = changed(good, [offset: UInt8(value)], fix: false)
            let frame = ethernet(
                to: .broadcast, from: mac("02:00:00:00:00:99"), type: 0x0806, packet)
            bench.send(frame: frame, on: .lan)
        }
        let short = ethernet(
            to: .broadcast, from: mac("02:00:00:00:00:99"), type: 0x0806, Array(good.dropLast()))
        bench.send(frame: short, on: .lan)
        #expect(bench.drops(.arpMalformed, on: .lan) == 9)
        let tagged = ethernet(
            to: .broadcast, from: mac("02:00:00:00:00:99"), type: 0x8100, [0, 5, 8, 6] + good)
        bench.send(frame: tagged, on: .lan)
        #expect(bench.drops(.frameVLAN, on: .lan) == 1)
        #expect(bench.sent.isEmpty)
        #expect(bench.router.forwarder.neighborCount == 0)
        // What follows the packet is padding.
        let long = ethernet(
            to: .broadcast, from: mac("02:00:00:00:00:99"), type: 0x0806, good + noise(1400))
        bench.send(frame: long, on: .lan)
        #expect(bench.sent.count == 1)
    }

    @Test(.row("A-2"), .row("A-13"), .row("S30"))
    func onlyOwnAndProxiedAddressesAreAnswered() {
        var bench = Bench {
            $0[.lan].proxyARP = [prefix("10.7.0.0/16"), prefix("192.168.50.0/24")]
            $0.nat.mode = .pool
            $0.nat.pool = [ip("203.0.113.16")...ip("203.0.113.18")]
        }
        for target in [
            "203.0.113.2", "192.168.50.20", "192.168.50.0", "0.0.0.0", "10.8.0.1",
            "203.0.113.16", "192.168.50.255", "255.255.255.255",
        ] {
            #expect(bench.sendARP(1, from: "192.168.50.10", to: target).isEmpty, "\(target)")
        }
        #expect(bench.sendARP(1, from: "192.168.50.10", to: "10.7.1.1").count == 1)
        for target in ["203.0.113.16", "203.0.113.18", "203.0.113.2"] {
            #expect(bench.sendARP(1, on: .wan, from: "203.0.113.9", to: target).count == 1)
        }
        for target in ["203.0.113.19", "192.168.50.1", "10.7.1.1"] {
            #expect(bench.sendARP(1, on: .wan, from: "203.0.113.9", to: target).isEmpty)
        }
    }

    @Test(.row("A-7"), .row("A-8"), .row("S30"))
    func badSendersAreNotBelieved() {
        var bench = Bench()
        let group = mac("01:00:5e:00:00:01")
        let station = mac("02:00:00:00:00:99")
        for hardware in [group, .broadcast, MACAddress(0)] {
            bench.sendARP(
                1, from: "192.168.50.10", hardware: hardware, to: "192.168.50.1",
                frameSource: station)
        }
        // Not from whom the frame is, out of the network, broadcast, no host.
        bench.sendARP(
            1, from: "192.168.50.10", hardware: station, to: "192.168.50.1",
            frameSource: mac("02:00:00:00:00:98"))
        for sender in ["10.0.0.1", "192.168.50.255", "224.0.0.1", "127.0.0.1", "255.255.255.255"] {
            bench.sendARP(1, from: sender, hardware: station, to: "192.168.50.1")
        }
        #expect(bench.drops(.arpSender, on: .lan) == 9)
        #expect(bench.sent.isEmpty)
        #expect(bench.router.forwarder.neighborCount == 0)
    }

    @Test(.row("A-8"), .row("S30"))
    func unsolicitedRepliesMakeNoEntries() {
        var bench = Bench()
        bench.sendARP(
            2, from: "192.168.50.10", to: "192.168.50.1", destination: Bench.hardware(.lan))
        bench.sendARP(2, from: "192.168.50.10", to: "192.168.50.10")
        #expect(bench.drops(.arpUnsolicited, on: .lan) == 2)
        // Nor do requests for others, nor gratuitous ones.
        bench.sendARP(1, from: "192.168.50.10", to: "192.168.50.20")
        bench.sendARP(1, from: "192.168.50.10", to: "192.168.50.10")
        #expect(bench.drops(.arpNotForUs, on: .lan) == 2)
        #expect(bench.router.forwarder.neighborCount == 0)
    }

    @Test(.row("A-8"), .row("S30"), arguments: [1, 2] as [UInt16])
    func aForgedSenderDoesNotTakeALiveEntry(operation: UInt16) {
        var bench = Bench()
        bench.meet("192.168.50.10")
        let right = Bench.hardware(of: ip("192.168.50.10"))
        let forged = mac("02:00:00:00:00:66")
        bench.answersARP = false
        let asked = bench.sendARP(
            operation, from: "192.168.50.10", hardware: forged, to: "192.168.50.1",
            destination: Bench.hardware(.lan))
        // The one who was there is asked, by unicast and only once in a second.
        #expect(bench.drops(.arpConflict, on: .lan) == 1)
        #expect(asked.filter { $0.seen["arp.opcode"] == "1" }.count == 1)
        #expect(asked.first?.seen["eth.dst"] == right.description)
        for _ in 0..<20 {
            let more = bench.sendARP(
                operation, from: "192.168.50.10", hardware: forged, to: "192.168.50.1",
                destination: Bench.hardware(.lan))
            #expect(more.isEmpty)
        }
        #expect(Self.hardware(bench, "192.168.50.10") == right)
        // It answers: nothing changes.
        bench.sendARP(2, from: "192.168.50.10", to: "192.168.50.1")
        bench.advance(.seconds(3))
        #expect(Self.hardware(bench, "192.168.50.10") == right)
    }

    @Test(.row("A-3"), .row("A-8"))
    func aStationWithAnotherCardIsTakenOnSoon() {
        var bench = Bench()
        bench.meet("192.168.50.10")
        bench.answersARP = false
        let new = mac("02:00:00:00:00:66")
        // Gratuitous, from the new card; the old one is silent.
        bench.sendARP(1, from: "192.168.50.10", hardware: new, to: "192.168.50.10")
        bench.advance(.seconds(2))
        #expect(Self.hardware(bench, "192.168.50.10") == new)
    }

    @Test(.row("A-3"))
    func whomAPredecessorKnewIsUsedAtOnceAndAsked() {
        var bench = Bench()
        bench.answersARP = false
        let (host, card) = (ip("192.168.50.10"), mac("02:00:00:00:00:66"))
        bench.router.forwarder.recallNeighbor(.lan, host, card, at: bench.now)
        let ping = PacketBuilder("192.168.50.10", "192.168.50.1").echo(identifier: 1)
        let sent = bench.send(ping, on: .lan)
        #expect(sent.first?.seen["eth.dst"] == card.description)
        #expect(Self.state(bench, "192.168.50.10") == .probe)
        #expect(bench.requests(for: "192.168.50.10").count == 1)
        // Who is known already is not changed, and nobody has no address.
        bench.router.forwarder.recallNeighbor(.lan, host, mac("02:00:00:00:00:77"), at: bench.now)
        bench.router.forwarder.recallNeighbor(
            .lan, ip("192.168.50.11"), MACAddress(0), at: bench.now)
        #expect(Self.hardware(bench, "192.168.50.10") == card)
        #expect(bench.router.forwarder.neighborCount == 1)
    }

    @Test(.row("A-3"))
    func entriesGrowStaleAndAreProbedByUnicastThenBroadcast() throws {
        var bench = Bench()
        bench.meet("192.168.50.10")
        bench.advance(.seconds(59))
        #expect(Self.state(bench, "192.168.50.10") == .reachable)
        bench.advance(.seconds(2))
        #expect(Self.state(bench, "192.168.50.10") == .stale)
        #expect(bench.requests(for: "192.168.50.10").isEmpty)
        // The next use asks, and does not wait.
        bench.answersARP = false
        let ping = PacketBuilder("192.168.50.10", "192.168.50.1").echo(identifier: 1)
        #expect(bench.send(ping, on: .lan).count == 1)
        #expect(Self.state(bench, "192.168.50.10") == .probe)
        bench.advance(.seconds(8))
        let requests = bench.requests(for: "192.168.50.10").map { $0.seen["eth.dst"] ?? "" }
        let station = Bench.hardware(of: ip("192.168.50.10")).description
        let all = "ff:ff:ff:ff:ff:ff"
        #expect(requests == [station, station, station, all, all, all])
        #expect(Self.state(bench, "192.168.50.10") == .failed)
        // Found with another card within 5 s.
        var other = Bench()
        other.meet("192.168.50.10")
        other.advance(.seconds(61))
        other.answersARP = false
        other.send(ping, on: .lan)
        other.advance(.milliseconds(4500))
        #expect(other.requests(for: "192.168.50.10").last?.seen["eth.dst"] == all)
        let new = mac("02:00:00:00:00:66")
        other.sendARP(2, from: "192.168.50.10", hardware: new, to: "192.168.50.1")
        #expect(Self.hardware(other, "192.168.50.10") == new)
    }

    @Test(.row("A-4"))
    func deadNeighbourIsLeftAloneForLongerEachTime() {
        var bench = Bench()
        bench.answersARP = false
        var moments: [Int64] = []
        let start = bench.now
        for _ in 0..<900 {
            bench.send(Self.host.udp(1, 2), on: .lan)
            if !bench.requests(for: "203.0.113.1").isEmpty {
                moments.append((bench.now - start).wholeMilliseconds)
            }
            _ = bench.take()
            bench.advance(.milliseconds(250))
            if !bench.requests(for: "203.0.113.1").isEmpty {
                moments.append((bench.now - start).wholeMilliseconds)
            }
            _ = bench.take()
        }
        // Three tries a second apart; then nothing for 20, 40, 60, 60 s.
        #expect(
            Array(moments.prefix(12)) == [
                0, 1000, 2000, 23_000, 24_000, 25_000, 66_000, 67_000, 68_000, 129_000, 130_000,
                131_000,
            ])
        #expect(moments.count <= 15)
    }

    @Test(.row("A-5"), .row("A-6"), .row("S31"))
    func waitingPacketsLeaveInOrderAndTheOldestGoesFirst() throws {
        var bench = Bench()
        bench.answersARP = false
        for number in 0..<20 as Range<UInt8> {
            bench.send(Self.host.udp(4000, 53, [number]), on: .lan)
        }
        #expect(bench.take().isEmpty)
        #expect(bench.drops(.arpQueueFull, on: .lan) == 4)
        let gateway = "203.0.113.1"
        let before = bench.sent.count
        bench.sendARP(
            2, on: .wan, from: gateway, to: "203.0.113.2", destination: Bench.hardware(.wan))
        let out = bench.sent[before...].filter(\.isInternet)
        #expect(out.compactMap { $0.seen.payload.first } == Array(4..<20))
        #expect(out.allSatisfy { $0.seen.problems == [] && $0.side == .wan })
    }

    @Test(.row("A-5"))
    func waitingPacketsOfANeighbourHoldAtMost64KiB() {
        var bench = Bench {
            $0[.lan].mtu = 9000; $0[.wan].mtu = 9000
        }
        bench.answersARP = false
        for number in 0..<12 as Range<UInt8> {
            bench.send(Self.host.udp(4000, 53, [number] + noise(8000)), on: .lan)
        }
        #expect(bench.drops(.arpQueueFull, on: .lan) == 4)
        // A packet of its own may be as large as packets are.
        var header = VirtioNetHeader()
        header.flags = VirtioNetHeader.needsChecksum
        header.segmentationType = VirtioNetHeader.tcp4
        header.segmentSize = 1448
        header.checksumStart = 34
        header.checksumOffset = 16
        let big = Self.host.tcp(1, 2, .syn, noise(65_000), checksum: .partial)
        bench.send(big, on: .lan, header: header)
        #expect(bench.drops(.arpQueueFull, on: .lan) == 12)
        let before = bench.sent.count
        bench.sendARP(
            2, on: .wan, from: "203.0.113.1", to: "203.0.113.2", destination: Bench.hardware(.wan))
        let out = bench.sent[before...].filter(\.isInternet)
        #expect(out.count == 1)
        #expect(out.first?.bytes.count == big.count + 14)
        #expect(out.first?.header.segmentSize == 1448)
    }

    @Test(.row("A-5"), .row("S31"))
    func aScanLeavesKnownHostsAlone() {
        var bench = Bench {
            $0.nat.mode = .none; $0[.wan].addresses = [address("10.9.0.1/16")]
        }
        bench.apply(routes: []) { _ in }
        bench.meet("192.168.50.10")
        bench.sendARP(1, on: .wan, from: "10.9.1.1", to: "10.9.0.1")
        bench.answersARP = false
        var asked = 0
        for step in 0..<200 as Range<UInt32> {
            _ = bench.take()
            for number in 0..<20 as Range<UInt32> {
                let target = IPv4Address(ip("10.9.2.0").rawValue + step * 20 + number)
                bench.send(PacketBuilder(ip("192.168.50.10"), target).udp(1, 2, noise(9)), on: .lan)
            }
            asked += bench.sent.filter { $0.side == .wan && $0.seen["arp.opcode"] == "1" }.count
            // A known host goes on being served.
            let out = bench.send(PacketBuilder("192.168.50.10", "10.9.1.1").udp(1, 2), on: .lan)
            #expect(out.filter { $0.side == .wan }.count == 1)
            if step % 10 == 9 { bench.advance(.milliseconds(250)) }
            #expect(bench.router.forwarder.neighborCount <= 2048)
        }
        // 100 a second, as many in a burst, and three tries each.
        #expect(asked <= 600)
        #expect(bench.drops(.arpRateLimit, on: .lan) > 3000)
        let waiting = bench.router.forwarder.neighborList().reduce(0) { $0 + $1.queued }
        #expect(waiting <= 256)
    }

    @Test(.row("A-5"))
    func atMost256PacketsWaitInAll() {
        var bench = Bench()
        bench.meet("192.168.50.10")
        bench.answersARP = false
        for round in 0..<20 {
            for number in 20..<45 {
                let target = PacketBuilder("192.168.50.10", "203.0.113.\(number)")
                bench.send(target.udp(1, 2, [UInt8(round)]), on: .lan)
            }
        }
        let waiting = bench.router.forwarder.neighborList().reduce(0) { $0 + $1.queued }
        #expect(waiting == 256)
        #expect(bench.drops(.arpQueueFull, on: .lan) == 500 - 256)
        bench.advance(.seconds(5))
        #expect(bench.router.forwarder.neighborList().reduce(0) { $0 + $1.queued } == 0)
    }

    @Test(.row("A-8"), .row("S30"))
    func fixedEntriesAreNeverLearntAnew() throws {
        var bench = Bench {
            $0[.lan].neighbors = [
                StaticNeighbor(address: ip("192.168.50.10"), hardware: mac("02:00:00:00:00:aa"))
            ]
        }
        bench.sendARP(
            1, from: "192.168.50.10", hardware: mac("02:00:00:00:00:66"), to: "192.168.50.1")
        #expect(bench.drops(.arpConflict, on: .lan) == 1)
        #expect(Self.hardware(bench, "192.168.50.10") == mac("02:00:00:00:00:aa"))
        let ping = PacketBuilder("192.168.50.10", "192.168.50.1").echo(identifier: 1)
        let frame = Bench.frame(ping, on: .lan, from: mac("02:00:00:00:00:aa"))
        #expect(bench.send(frame: frame, on: .lan).first?.seen["eth.dst"] == "02:00:00:00:00:aa")
        bench.advance(.seconds(700))
        #expect(Self.state(bench, "192.168.50.10") == .permanent)
    }
}
