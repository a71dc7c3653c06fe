import Foundation
import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

/// GATEWAY_OSPF_HOSTILE=n sends n times as many packets.
@Suite("OSPF: hostile packets")
struct HostileTests {
    static let times =
        ProcessInfo.processInfo.environment["GATEWAY_OSPF_HOSTILE"].flatMap(Int.init) ?? 1
    let peer = Peer("9.9.9.9", "10.0.0.9")
    let other = Peer("1.1.1.1", "10.1.0.1", on: 1)

    /// A packet that is mostly right: its sums and lengths are.
    func packet(_ random: inout Random, _ bed: Bed) -> [UInt8] {
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
            let headers = (0..<random.below(4)).map { _ in lsa(&random, bed).header }
            body =
                DatabaseDescription(
                    mtu: 1500, options: [.external, .opaque], flags: flags, sequence: near,
                    headers: headers
                ).bytes
        case .request:
            body = Request((0..<random.below(4)).map { _ in lsa(&random, bed).header.name }).bytes
        case .update:
            body = Update.bytes((0..<random.below(5)).map { _ in lsa(&random, bed) })
        case .acknowledgement:
            body =
                Acknowledgement((0..<random.below(5)).map { _ in lsa(&random, bed).header }).bytes
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
    func lsa(_ random: inout Random, _ bed: Bed) -> LSA {
        let known = bed.engine.lsas
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

    /// Has the peer come as far as this.
    private func bed(_ state: OSPFNeighborState, _ seed: UInt64) -> Bed {
        let bed = Bed(seed: seed) {
            $0.limits.lsas = 100
            $0.limits.neighbors = 4
            $0.interfaces[0]?.network = seed % 2 == 0 ? .pointToPoint : .broadcast
            if state == .attempt { $0.interfaces[0]?.network = .nonBroadcast }
            if state == .twoWay { $0.interfaces[0]?.network = .broadcast }
            $0.interfaces[0]?.named = [OSPFNamedNeighbor(peer.address)]
            $0.interfaces[0]?.priority = state == .twoWay ? 0 : UInt8(seed & 3)
        }
        bed.run(.seconds(41))
        switch state {
        case .down, .attempt: break
        case .initial: bed.hello(peer, knows: false)
        case .twoWay: bed.hello(peer, priority: 0, first: "10.0.0.8")
        case .exStart, .exchange, .loading, .full: bed.hello(peer, first: "10.0.0.9")
        }
        if state >= .exchange { bed.describe(peer, [.initial, .more, .master], 100) }
        if state >= .loading { bed.describe(peer, .master, 101, [peer.routerLSA()]) }
        if state >= .full { bed.update(peer, peer.routerLSA()) }
        return bed
    }

    @Test(
        "Nothing traps, grows without end or stops time", .row("S51"),
        arguments: OSPFNeighborState.allCases)
    func anything(state: OSPFNeighborState) {
        var random = Random(seed: UInt64(state.rawValue) + 77)
        var heard: [OSPFNeighborState: Int] = [:]
        for round in 0..<(2 * Self.times) {
            let bed = bed(state, UInt64(round))
            #expect(bed.state(peer) == state || state == .attempt)
            bed.befriend(other)
            for _ in 0..<400 {
                heard[bed.state(peer), default: 0] += 1
                let bytes = packet(&random, bed)
                if bed.said.count > 50 { bed.said.removeFirst(40) }
                bed.hear(bytes, from: peer)
                if random.below(5) == 0 { bed.run(.milliseconds(Int64(random.below(3000)))) }
                #expect(bed.engine.lsas.count <= 100 && bed.engine.neighbors.count <= 8)
            }
            // In peace again, everything of the other side is right in the end.
            bed.setLink(0, isUp: false)
            bed.run(.seconds(3700), hearing: [other])
            #expect(bed.engine.neighbors.allSatisfy { $0.interface == 1 })
            #expect(bed.ownRouter?.header.isMaxAge == false)
        }
        let counts = OSPFNeighborState.allCases.map { "\($0) \(heard[$0] ?? 0)" }
        print("OSPF: packets to an engine, first in \(state): \(counts.joined(separator: ", "))")
    }
}
