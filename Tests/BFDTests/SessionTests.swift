import BFD
import Support
import Testing
import Timing
import Wire

@Suite("BFD: sessions")
struct SessionTests {
    @Test("Two that want each other are up at once", .rfc(5880, "6.2"))
    func handshake() {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        #expect(bed.isUp)
        #expect(bed.eventsOfA.count <= 2 && (bed.row?.ups ?? 0) == 1)
        let took = bed.moment(of: .up).map { $0 - (.zero + .seconds(100)) }
        #expect(took.map { $0 < .milliseconds(10) } ?? false)
        #expect(bed.row?.theirs == bed.rowOfB?.mine && bed.row?.mine == bed.rowOfB?.theirs)
    }

    @Test("Not more than one packet a second leaves before the session is up", .rfc(5880, "6.8.3"))
    func slow() {
        let bed = Bed()
        bed.wish(a: Bed.timing(50, 50))
        bed.run(.seconds(60))
        #expect((60...81).contains(bed.sentByA.count))
        #expect(
            bed.sentByA.allSatisfy {
                $0.packet.desiredTransmit == 1_000_000 && $0.packet.state == .down
                    && $0.packet.yours == 0 && $0.packet.flags.isEmpty
            })
        for (first, second) in zip(bed.sentByA, bed.sentByA.dropFirst()) {
            let gap = second.moment - first.moment
            #expect((Interval.milliseconds(750)...Interval.milliseconds(1000)).contains(gap))
        }
    }

    @Test("Each takes the slower of what it wishes and what the other takes", .rfc(5880, "6.8.2"))
    func negotiation() {
        let bed = Bed()
        bed.meet(Bed.timing(50, 40), Bed.timing(30, 200, 5))
        #expect(bed.row?.transmit == .milliseconds(200))
        #expect(bed.rowOfB?.transmit == .milliseconds(40))
        // What the other is told by its multiplier and the slower of both (RFC 5880 §6.8.4).
        #expect(bed.row?.detection == .milliseconds(200))
        #expect(bed.rowOfB?.detection == .milliseconds(600))
    }

    @Test(
        "Intervals are shortened by chance, by a quarter at most", .rfc(5880, "6.8.7"),
        arguments: [1, 3] as [UInt8])
    func jitter(multiplier: UInt8) {
        let bed = Bed()
        bed.meet(Bed.timing(100, 100, multiplier), Bed.timing(100, 100))
        bed.sentByA = []
        bed.run(.seconds(100))
        let gaps = zip(bed.sentByA, bed.sentByA.dropFirst()).map { $1.moment - $0.moment }
        let longest = Interval.milliseconds(multiplier == 1 ? 90 : 100)
        #expect(gaps.count > 1000)
        #expect(gaps.allSatisfy { $0 >= .milliseconds(75) && $0 <= longest })
        #expect((gaps.max() ?? .seconds(0)) > longest + .milliseconds(-2))
        #expect((gaps.min() ?? .seconds(1)) < .milliseconds(77))
    }

    @Test("Silence ends it after the detection time, to the millisecond", .rfc(5880, "6.8.4"))
    func detection() throws {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        bed.eventsOfA = []
        bed.passesToA = false
        let last = try #require(bed.sentByB.last).moment + .milliseconds(1)
        bed.run(.seconds(1))
        let down = try #require(bed.moment(of: .down))
        #expect(down - last == .milliseconds(150))
        #expect(bed.row?.diagnostic == .timeExpired && bed.row?.theirs == 0)
        // It tells so at once, and the other, which hears it, is down one way later.
        let told = bed.sentByA.first { $0.packet.state == .down && $0.moment >= down }
        #expect(told?.moment == down && told?.packet.diagnostic == .timeExpired)
        #expect(bed.rowOfB?.state != .up)
        #expect(bed.rowOfB?.diagnostic == .neighborSignaledDown)
        // When packets pass again, so does everything else.
        bed.passesToA = true
        bed.run(.seconds(3))
        #expect(bed.isUp && bed.row?.ups == 2)
        #expect(bed.row?.diagnostic == .timeExpired, "why it was down stays to be seen")
    }

    @Test("Two packets missing of three do no harm")
    func loss() {
        let bed = Bed(seed: 5)
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        for _ in 0..<100 {
            bed.lost = 2
            bed.run(.milliseconds(200))
            #expect(bed.lost == 0)
        }
        #expect(bed.isUp && bed.row?.ups == 1)
    }

    @Test("A moment in which we did not run is no silence of the neighbour's")
    func late() throws {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        let row = try #require(bed.row)
        // 400 ms without a turn, then the timer is looked at before the packets that wait.
        bed.now = bed.now + .milliseconds(400)
        var effects = BFDEffects()
        bed.a.tick(at: bed.now, into: &effects)
        #expect(effects.events.isEmpty && bed.row?.state == .up)
        let packet = BFDPacket(
            .up, multiplier: 3, mine: row.theirs, yours: row.mine, desiredTransmit: 50_000,
            requiredReceive: 50_000)
        bed.hear(packet.bytes)
        #expect(bed.row?.state == .up)
        // If nothing waits, it is down 10 ms later.
        bed.now = bed.now + .milliseconds(400)
        bed.a.tick(at: bed.now, into: &effects)
        bed.a.tick(at: bed.now + .milliseconds(11), into: &effects)
        #expect(bed.row?.state == .down)
    }

    @Test("A change of speed is confirmed before it counts", .rfc(5880, "6.5"), .rfc(5880, "6.8.3"))
    func poll() throws {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        #expect(bed.sentByA.contains { $0.packet.flags == .poll })
        #expect(bed.sentByA.last?.packet.flags == [], "the poll of the beginning has ended")
        // Slower, while the answer is missing: the old pace goes on, and every packet polls.
        bed.passesToA = false
        bed.sentByA = []
        bed.wish(a: Bed.timing(100, 100))
        bed.run(.milliseconds(40))
        let polls = bed.sentByA
        #expect(!polls.isEmpty && polls.allSatisfy { $0.packet.flags == .poll })
        #expect(polls.allSatisfy { $0.packet.desiredTransmit == 100_000 })
        #expect(bed.row?.transmit == .milliseconds(50))
        #expect(bed.sentByB.contains { $0.packet.flags == .final && $0.moment > polls[0].moment })
        bed.passesToA = true
        bed.run(.milliseconds(100))
        #expect(bed.isUp && bed.row?.transmit == .milliseconds(100))
        #expect(bed.sentByA.last?.packet.flags == [])
        // To expect less counts at once, to expect more when the neighbour knows.
        bed.wish(a: Bed.timing(100, 30))
        #expect(bed.row?.receive == .milliseconds(100))
        bed.run(.milliseconds(300))
        #expect(bed.row?.receive == .milliseconds(50) && bed.isUp && bed.row?.ups == 1)
    }

    @Test("A poll is answered at once, and no packet is both", .rfc(5880, "6.5"))
    func final() throws {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        let row = try #require(bed.row)
        bed.sentByA = []
        var packet = BFDPacket(
            .up, multiplier: 3, mine: row.theirs, yours: row.mine, desiredTransmit: 50_000,
            requiredReceive: 50_000)
        packet.flags = .poll
        bed.wish(a: Bed.timing(60, 60))
        bed.hear(packet.bytes)
        #expect(bed.sentByA.last?.moment == bed.now)
        #expect(bed.sentByA.last?.packet.flags == .final)
        #expect(bed.sentByA.allSatisfy { $0.packet.flags != [.poll, .final] })
        // A second change during a poll is polled for on its own.
        bed.wish(a: Bed.timing(70, 70))
        packet.flags = .final
        bed.hear(packet.bytes)
        #expect(bed.row?.transmit == .milliseconds(50))
        bed.hear(packet.bytes)
        #expect(bed.row?.transmit == .milliseconds(70))
    }

    @Test("A neighbour that wants no packets, or only polls, gets no others", .rfc(5880, "6.8.7"))
    func quiet() throws {
        for isDemand in [false, true] {
            let bed = Bed()
            bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
            let row = try #require(bed.row)
            bed.passesToA = false
            var packet = BFDPacket(
                .up, multiplier: 100, mine: row.theirs, yours: row.mine, desiredTransmit: 50_000,
                requiredReceive: isDemand ? 50_000 : 0)
            if isDemand { packet.flags = .demand }
            bed.hear(packet.bytes)
            bed.sentByA = []
            bed.run(.seconds(1))
            #expect(bed.sentByA.isEmpty && bed.row?.transmit == nil)
            packet.flags.insert(.poll)
            bed.hear(packet.bytes)
            #expect(bed.sentByA.map(\.packet.flags) == [.final])
            // As soon as it wants them again it gets them.
            packet.flags = []
            packet.requiredReceive = 50_000
            bed.hear(packet.bytes)
            bed.run(.milliseconds(51))
            #expect(bed.sentByA.count >= 2 && bed.row?.state == .up)
        }
    }

    @Test("Neither demand mode nor echo packets are asked for", .rfc(5880, "6.6"))
    func modest() {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        bed.run(.seconds(1))
        let flags: BFDPacket.Flags = [.demand, .authenticated, .multipoint, .independent]
        #expect(bed.sentByA.allSatisfy { $0.packet.flags.isDisjoint(with: flags) })
        #expect(bed.sentByA.allSatisfy { $0.packet.requiredEcho == 0 })
        #expect(bed.row?.neighborState == .up && bed.row?.multiplier == 3)
    }

    @Test("One that is not wanted any more says so, and is forgotten", .rfc(5880, "6.8.16"))
    func farewell() {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        bed.eventsOfB = []
        bed.wish(a: nil)
        #expect(bed.sentByA.last?.packet.state == .adminDown)
        #expect(bed.sentByA.last?.packet.diagnostic == .administrativelyDown)
        bed.run(.milliseconds(2))
        #expect(
            bed.eventsOfB.map(\.event) == [
                .state(
                    Bed.peerOfB, from: .up, to: .down, .neighborSignaledDown,
                    neighbor: .adminDown)
            ])
        #expect(bed.row == nil && bed.a.sessionCount == 1)
        bed.sentByA = []
        bed.run(.seconds(3))
        #expect((2...4).contains(bed.sentByA.count) && bed.a.sessionCount == 0)
        // Wanted again while it says farewell, it begins anew.
        bed.wish(a: Bed.timing(50, 50))
        bed.run(.seconds(3))
        bed.wish(a: nil)
        bed.run(.milliseconds(100))
        bed.wish(a: Bed.timing(50, 50))
        bed.run(.seconds(3))
        #expect(bed.isUp)
    }

    @Test("Where packets pass one way only, the end of the session goes that way too")
    func oneWay() {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        bed.passesToA = false
        bed.run(.milliseconds(150))
        #expect(bed.row?.state == .down)
        bed.wish(a: nil)
        bed.run(.milliseconds(2))
        #expect(bed.sentByA.allSatisfy { $0.packet.state != .adminDown })
        #expect(bed.rowOfB?.state != .up && bed.rowOfB?.neighborState == .down)
    }

    @Test("Changes that nobody could hear yet become one for each neighbour")
    func joined() {
        let (one, two) = (Bed.peerOfA, Bed.peerOfB)
        var effects = BFDEffects()
        for _ in 0..<1000 {
            effects.events += [
                .state(one, from: .up, to: .down, .timeExpired, neighbor: .up),
                .full(two),
                .state(one, from: .down, to: .initial, .none, neighbor: .down),
            ]
        }
        effects.events.append(.state(two, from: .initial, to: .up, .none, neighbor: .up))
        effects.joinEvents()
        #expect(
            effects.events == [
                .state(one, from: .up, to: .initial, .none, neighbor: .down), .full(two),
                .state(two, from: .initial, to: .up, .none, neighbor: .up),
            ])
    }
}
