import Foundation
import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

/// GATEWAY_OSPF_HOSTILE=n sends n times as many packets; of a release build 1,563 sends 10^7 to
/// engines in some ten minutes, and 5,000 has 10^8 packets and LSAs parsed in five.
@Suite("OSPF: hostile packets")
struct HostileTests {
    static let times =
        ProcessInfo.processInfo.environment["GATEWAY_OSPF_HOSTILE"].flatMap(Int.init) ?? 1
    /// It leads exchanges, and with the other we do.
    let high = Peer("9.9.9.9", "10.0.0.9")
    let low = Peer("4.4.4.4", "10.0.0.9")
    let other = Peer("8.8.8.8", "10.1.0.8", on: 1)

    /// A packet that is mostly right: its sums and lengths are.
    func packet(_ random: inout Random, _ bed: Bed, _ peer: Peer) -> [UInt8] {
        let known = bed.engine.lsas
        let kind = PacketKind.allCases[random.below(5)]
        var body: [UInt8]
        switch kind {
        case .hello:
            body = Array(Captures.frrHello.dropFirst(24))
            if random.below(2) == 0 {
                body.replaceSubrange(4..<12, with: [0, 10, 2, 1, 0, 0, 0, 40])
            }
            if random.below(4) > 0 { body += octets(UInt32(0x0505_0505)) }
        case .databaseDescription:
            let dd = bed.said.last { $0.dd != nil }?.dd
            let near = (dd?.sequence ?? 100) &+ UInt32(random.below(3))
            let flags = DatabaseDescription.Flags(rawValue: UInt8(random.below(8)))
            let headers = (0..<random.below(4)).map { _ in lsa(&random, known).header }
            body =
                DatabaseDescription(
                    mtu: 1500, options: [.external, .opaque], flags: flags, sequence: near,
                    headers: headers
                ).bytes
        case .request:
            body = Request((0..<random.below(4)).map { _ in lsa(&random, known).header.name }).bytes
        case .update:
            body = Update.bytes((0..<random.below(5)).map { _ in lsa(&random, known) })
        case .acknowledgement:
            body =
                Acknowledgement((0..<random.below(5)).map { _ in lsa(&random, known).header }).bytes
        }
        if random.below(3) == 0, !body.isEmpty {
            for _ in 0...random.below(3) {
                body[random.below(body.count)] = UInt8(truncatingIfNeeded: random.next())
            }
        }
        if random.below(10) == 0 { body.removeLast(random.below(body.count + 1)) }
        return PacketAuthentication.none.packet(
            kind, body, router: random.below(9) > 0 ? peer.router : ip("5.5.5.4"),
            area: .unspecified, wall: 0, sequence: 0)
    }

    /// An LSA from the database, or one that is made up, with fields changed and a right checksum.
    func lsa(_ random: inout Random, _ known: [LSA]) -> LSA {
        let pool = random.below(2) == 0 && !known.isEmpty ? known : LSATests.samples
        let one = pool[random.below(pool.count)]
        var body = Array(one.body)
        for _ in 0..<random.below(4) where !body.isEmpty {
            body[random.below(body.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        let sequences: [Int32] = [
            one.header.sequence, one.header.sequence &+ 1, .max, .min + 1, .min, 0,
        ]
        let names: [IPv4Address] = [one.header.router, ip("5.5.5.5"), ip("9.9.9.9")]
        let id = random.below(3) == 0 ? ip("10.0.0.5") : names[random.below(3)]
        var result = LSA(
            one.type, id: id, router: names[random.below(3)],
            sequence: sequences[random.below(sequences.count)], options: .external, body: body)
        result.age = [0, 1, 1800, 3599, 3600, 3601, 65535][random.below(7)]
        return result
    }

    /// Reads a packet as the engine would; whether there was nothing wrong with it.
    private func isRead(_ packet: [UInt8]) -> Bool {
        let span = packet.raw
        do throws(OSPFDrop) {
            let header = try PacketHeader(span)
            let body = span.part(
                OSPFProtocol.headerLength, header.length - OSPFProtocol.headerLength)
            switch header.kind {
            case .hello: _ = try Hello(body)
            case .databaseDescription: _ = try DatabaseDescription(body)
            case .request: _ = try Request(body)
            case .acknowledgement: _ = try Acknowledgement(body)
            case .update:
                var update = try Update(body)
                while let part = update.take() { _ = LSA(try CheckedLSA(part)).content }
            }
            return true
        } catch {
            return false
        }
    }

    private func isRead(lsa bytes: [UInt8]) -> Bool {
        let span = bytes.raw
        do throws(OSPFDrop) {
            let checked = try CheckedLSA(span)
            _ = LSA(checked).content
            return true
        } catch {
            return false
        }
    }

    @Test("Parsers say what is wrong, or what is there", .row("S51"))
    func parsers() {
        var random = Random(seed: 5)
        var packets = [
            Captures.frrHello, Captures.frrDescription, Captures.birdDescription,
            Captures.birdRequest, Captures.frrUpdate, Captures.birdUpdate,
            Captures.frrAcknowledgement, Captures.birdNetworkUpdate,
        ]
        var lsas = LSATests.samples.map(\.bytes)
        let values: [UInt8] = [0, 1, 2, 3, 4, 0x7f, 0x80, 0xff]
        func spoil(_ bytes: inout [UInt8], _ random: inout Random) {
            for _ in 0...random.below(3) {
                let (place, draw) = (random.below(bytes.count), random.below(512))
                bytes[place] = draw < 256 ? UInt8(draw) : values[draw & 7]
            }
        }
        var (good, bad) = (0, 0)
        for _ in 0..<(10_000 * Self.times) {
            let number = random.below(packets.count)
            let whole = packets[number]
            spoil(&packets[number], &random)
            if random.below(8) == 0 { packets[number].removeLast(random.below(whole.count)) }
            if isRead(packets[number]) { good += 1 } else { bad += 1 }
            packets[number] = whole
        }
        // LSAs whose checksum is right whatever they say.
        for _ in 0..<(10_000 * Self.times) {
            let number = random.below(lsas.count)
            let whole = lsas[number]
            spoil(&lsas[number], &random)
            let spoilt = lsas[number]
            lsas[number].set16(16, Fletcher.checksum(spoilt.rawSpan))
            if isRead(lsa: lsas[number]) { good += 1 } else { bad += 1 }
            lsas[number] = whole
        }
        print("OSPF: \(good + bad) packets and LSAs parsed, \(good) were right")
        #expect(good > bad / 20 && bad > good / 20)
    }

    /// A side of a kind and with a priority that allow for this state, and a full neighbour beyond.
    private func bed(_ state: OSPFNeighborState, _ seed: UInt64) -> Bed {
        let bed = Bed(seed: seed) {
            $0.limits.lsas = 100
            $0.limits.neighbors = 4
            $0.interfaces[0]?.network = seed % 2 == 0 ? .pointToPoint : .broadcast
            if state == .attempt { $0.interfaces[0]?.network = .nonBroadcast }
            if state == .twoWay { $0.interfaces[0]?.network = .broadcast }
            $0.interfaces[0]?.named = [OSPFNamedNeighbor(high.address)]
            $0.interfaces[0]?.priority = state == .twoWay ? 0 : UInt8(seed & 3)
        }
        bed.run(.seconds(41))
        bed.befriend(other)
        return bed
    }

    /// Has a neighbour that is in another state begin anew and come as far as this.
    private func bring(_ bed: Bed, _ peer: Peer, to state: OSPFNeighborState, _ turn: Int) {
        guard bed.state(peer) != state else { return }
        if state <= .attempt {
            bed.engine.loseNeighbor(at: peer.address, on: 0, at: bed.now, into: &bed.effects)
            return bed.run(.seconds(0))
        }
        let isTwoWay = state == .twoWay
        let (priority, first) = isTwoWay ? (UInt8(0), "10.0.0.8") : (1, "10.0.0.9")
        bed.hello(peer, knows: false, priority: priority, first: first)
        if state >= .twoWay { bed.hello(peer, priority: priority, first: first) }
        guard state >= .exchange else { return }
        // Something that is not here yet.
        let name = "77.\(turn >> 8 & 255).\(turn & 255).0/24"
        let news = state == .loading ? [peer.external(name)] : []
        if peer.router > ip("5.5.5.5") {
            bed.describe(peer, [.initial, .more, .master], 100)
            if state >= .loading { bed.describe(peer, .master, 101, news) }
        } else if let ours = bed.said.last(where: { $0.interface == 0 && $0.kind == 2 })?.dd {
            bed.describe(peer, .more, ours.sequence)
            // As many as it takes until we have described everything.
            for step in 1...2 where state >= .loading && bed.state(peer) == .exchange {
                bed.describe(peer, [], ours.sequence &+ UInt32(step), step == 1 ? news : [])
            }
        }
    }

    @Test(
        "Nothing traps, grows without end or stops time", .row("S51"),
        arguments: OSPFNeighborState.allCases)
    func anything(state: OSPFNeighborState) {
        var random = Random(seed: UInt64(state.rawValue) + 77)
        // Who has not been heard is not known, not even where it is looked for.
        let known = state == .attempt ? .down : state
        var (sent, met, most) = (0, 0, 0)
        for round in 0..<(2 * Self.times) {
            let bed = bed(state, UInt64(round))
            let peer = round % 4 < 2 ? high : low
            for turn in 0..<400 {
                if turn % 16 == 0 { bed.hello(other) }
                bring(bed, peer, to: known, round * 400 + turn)
                sent += 1
                if bed.state(peer) == known, bed.state(other) == .full { met += 1 }
                let bytes = packet(&random, bed, peer)
                if bed.said.count > 50 { bed.said.removeFirst(40) }
                bed.hear(bytes, from: peer)
                if random.below(5) == 0 { bed.run(.milliseconds(Int64(random.below(3000)))) }
                most = max(most, bed.engine.lsaCount + bed.engine.neighbors.count)
            }
            // In peace again, everything of the other side is right in the end: it confirms what it
            // hears, without which nothing that was flushed would be said anew.
            bed.setLink(0, isUp: false)
            for _ in 0..<10 {
                let lsas = bed.listen(.seconds(6)).filter { $0.interface == 1 }.flatMap(\.lsas)
                bed.hello(other)
                bed.acknowledge(other, lsas)
            }
            bed.run(.seconds(3700), hearing: [other])
            #expect(bed.engine.neighbors.allSatisfy { $0.interface == 1 })
            #expect(bed.ownRouter?.header.isMaxAge == false)
        }
        print("OSPF: \(sent) hostile packets, \(met) of them from a neighbour in \(state)")
        #expect(met == sent)
        #expect(most <= 108)
    }
}
