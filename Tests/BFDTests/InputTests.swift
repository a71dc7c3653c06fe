import BFD
import Support
import Testing
import Timing
import Wire

@Suite("BFD: what is taken in")
struct InputTests {
    /// A bed whose session is up, and a packet that belongs to it.
    private func up() throws -> (Bed, BFDPacket) {
        let bed = Bed()
        bed.meet(Bed.timing(50, 50), Bed.timing(50, 50))
        let row = try #require(bed.row)
        let packet = BFDPacket(
            .up, multiplier: 3, mine: row.theirs, yours: row.mine, desiredTransmit: 50_000,
            requiredReceive: 50_000)
        return (bed, packet)
    }

    @Test("Packets from beyond the link are dropped", .rfc(5881, "5"), arguments: [0, 1, 64, 254])
    func timeToLive(value: UInt8) throws {
        let (bed, packet) = try up()
        let before = bed.row?.packetsIn
        bed.hear(packet.bytes, timeToLive: value)
        #expect(bed.a.drops(.timeToLive, on: 0) == 1 && bed.row?.packetsIn == before)
        bed.hear(packet.bytes)
        #expect(bed.row?.packetsIn == before.map { $0 + 1 })
    }

    @Test("A packet belongs to one session or none", .rfc(5880, "6.3"), .rfc(5881, "3"))
    func belonging() throws {
        let (bed, packet) = try up()
        func drops(_ reason: BFDDrop, on interface: Int = 0) -> UInt64 {
            bed.a.drops(reason, on: interface)
        }
        bed.hear(packet.bytes, from: ip("10.0.0.3"))
        #expect(drops(.otherAddress) == 1)
        bed.hear(packet.bytes, interface: 1)
        #expect(drops(.otherInterface, on: 1) == 1)
        var other = packet
        other.yours = ~packet.yours
        bed.hear(other.bytes)
        #expect(drops(.discriminatorUnknown) == 1)
        var first = packet
        (first.yours, first.state) = (0, .down)
        bed.hear(first.bytes, from: ip("10.0.0.3"))
        #expect(drops(.noSession) == 1)
        bed.hear(first.bytes, interface: 1)
        #expect(drops(.noSession, on: 1) == 1)
        #expect(bed.row?.state == .up, "none of them has done anything")
        // The neighbour that began anew is known by its address.
        bed.hear(first.bytes)
        #expect(bed.row?.state == .down)
    }

    @Test("Authenticated packets are refused by name", .rfc(5880, "6.7"))
    func authentication() throws {
        let (bed, packet) = try up()
        var bytes = packet.bytes + [1, 4, 1, 0x78]
        bytes[1] |= 4
        bytes[3] = 28
        bed.hear(bytes)
        #expect(bed.a.drops(.authentication, on: 0) == 1)
    }

    @Test("Numbers and ports differ from session to session and by chance", .rfc(5881, "4"))
    func numbers() {
        var numbers: Set<UInt32> = []
        for seed: UInt64 in 1...20 {
            var engine = BFDEngine(interfaces: 1, limit: 8, random: Random(seed: seed))
            var effects = BFDEffects()
            let wishes = (1...8).map { number in
                BFDWish(
                    BFDPeer(interface: 0, IPv4Address(10, 0, 0, UInt8(number))),
                    source: ip("10.0.0.100"))
            }
            engine.apply(wishes, at: .zero, into: &effects)
            engine.tick(at: .zero, into: &effects)
            let ports = effects.packets.map(\.port)
            #expect(Set(ports).count == 8 && ports.allSatisfy { $0 >= 49152 })
            numbers.formUnion(effects.packets.map(\.packet.mine))
            #expect(!numbers.contains(0))
        }
        #expect(numbers.count == 160)
    }

    @Test("There are no more sessions than there may be", .row("S52"))
    func limit() {
        var engine = BFDEngine(interfaces: 1, limit: 4, random: Random(seed: 1))
        var effects = BFDEffects()
        let wishes = (1...6).map { number in
            BFDWish(
                BFDPeer(interface: 0, IPv4Address(10, 0, 0, UInt8(number))),
                source: ip("10.0.0.100"))
        }
        engine.apply(wishes, at: .zero, into: &effects)
        #expect(engine.sessionCount == 4)
        #expect(effects.events == [.full(wishes[4].peer), .full(wishes[5].peer)])
    }

    @Test("What FRR and BIRD say brings a session up", arguments: [false, true])
    func peers(isBIRD: Bool) throws {
        let bed = Bed()
        bed.wish(a: Bed.timing(50, 50))
        let mine = try #require(bed.row).mine
        func addressed(_ bytes: [UInt8]) -> [UInt8] {
            Array(bytes[..<8]) + octets(mine) + Array(bytes[12...])
        }
        bed.hear(isBIRD ? Captures.birdDown : Captures.frrDown)
        #expect(bed.row?.state == .initial)
        bed.hear(addressed(isBIRD ? Captures.birdUpPoll : Captures.frrUpPoll))
        #expect(bed.row?.state == .up)
        #expect(bed.sentByA.last?.packet.flags == .final)
        // BIRD sends each 80 ms and takes one in 70, FRR each 60 ms and takes one in 50.
        #expect(bed.row?.transmit == .milliseconds(isBIRD ? 70 : 50))
        #expect(bed.row?.detection == .milliseconds(isBIRD ? 320 : 180))
        bed.hear(addressed(isBIRD ? Captures.birdUpFinal : Captures.frrUp))
        bed.hear(Captures.frrExpired)
        #expect(bed.row?.neighborDiagnostic == .timeExpired && bed.row?.state == .down)
    }
}
