import Foundation
import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

/// GATEWAY_OSPF_SPEED=1 measures; meant for a release build with testing enabled.
@Suite("OSPF: many networks outside")
struct ScaleTests {
    static let count = SpeedTests.isOn ? 100_000 : 2000
    let peer = Peer("9.9.9.9", "10.0.0.9")
    let other = Peer("8.8.8.8", "10.1.0.8", on: 1)

    /// Updates with externals of all, each as long as fits.
    func packets(_ sequence: Int32, age: UInt16, count: Int = Self.count) -> [[UInt8]] {
        let lsas = (0..<count).map { number in
            let prefix = IPv4Prefix(
                IPv4Address(0x2000_0000 + UInt32(number) << 8), length: 24)
            return peer.lsa(
                .external, id: "\(prefix.address)", sequence: sequence, age: age,
                body: LSA.externalBody(OSPFExternal(prefix)))
        }
        return stride(from: 0, to: lsas.count, by: 38).map { start in
            PacketAuthentication.none.packet(
                .update, Update.bytes(Array(lsas[start..<min(start + 38, lsas.count)])),
                router: peer.router, area: .unspecified, wall: 0, sequence: 0)
        }
    }

    /// Octets of memory this process has.
    static func used() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 4096 }
            ?? 0
    }

    /// Has a bed hear packets, two a millisecond, and all that follows until it is quiet; the time
    /// all takes, the longest step of it, and changes of routes.
    func hear(
        _ packets: [[UInt8]], _ bed: Bed, _ said: (OSPFPacket) -> Void = { _ in }
    ) -> (all: Duration, longest: Duration, changes: Int) {
        var (all, longest, changes) = (Duration.zero, Duration.zero, 0)
        var effects = OSPFEffects()
        func step(_ work: (inout OSPFEffects) -> Void) {
            let began = ContinuousClock.now
            work(&effects)
            let took = ContinuousClock.now - began
            all += took
            longest = max(longest, took)
            changes += effects.changes.count
            for packet in effects.packets { said(packet) }
            effects = OSPFEffects()
        }
        func pass(until end: Instant) {
            while let due = bed.engine.nextDeadline, due <= end {
                bed.now = max(due, bed.now)
                step { bed.engine.tick(at: bed.now, into: &$0) }
            }
            bed.now = end
        }
        for packet in packets {
            step {
                bed.engine.receive(
                    packet.raw, from: peer.address, to: OSPFProtocol.allRouters, on: 0,
                    at: bed.now, into: &$0)
            }
            pass(until: bed.now + Interval(nanoseconds: 500_000))
        }
        pass(until: bed.now + .seconds(4))
        return (all, longest, changes)
    }

    @Test(
        "100,000 of them are added and withdrawn over a standing adjacency",
        .row("OSPF-SPF-5", "OSPF-FLD-6"))
    func externals() {
        let bed = Bed { $0.limits.lsas = Self.count + 100 }
        let flags: RouterFlags = .boundary
        bed.befriend(
            peer, [peer.routerLSA([RouteTests.link("5.5.5.5", "10.0.0.9", 10)], flags: flags)])
        bed.run(.seconds(12))
        let first = OSPFProtocol.initialSequence
        let news = packets(first, age: 1)
        let before = Self.used()
        let added = hear(news, bed)
        let each = Double(Self.used() - before) / Double(Self.count)
        #expect(added.changes == Self.count && bed.engine.lsaCount == Self.count + 2)
        bed.hello(peer)
        let again = hear(packets(first + 1, age: 1), bed)
        #expect(again.changes == 0, "nothing but the sequence number is new")
        bed.hello(peer)
        let gone = hear(packets(first + 1, age: OSPFProtocol.maxAge), bed)
        #expect(gone.changes == Self.count && bed.engine.lsaCount == 2)
        print(
            "OSPF: \(Self.count) externals: added in \(added.all), longest step "
                + "\(added.longest), \(each) octets each; renewed in \(again.all); withdrawn in "
                + "\(gone.all), longest step \(gone.longest)")
        if SpeedTests.isOn {
            #expect(added.all < .seconds(1.5) && gone.all < .seconds(1.5) && each < 220)
        }
    }

    @Test("What there is one of for every LSA and network is small", .row("S51"))
    func sizes() {
        #expect(MemoryLayout<Database.Record?>.stride == 40)
        #expect(MemoryLayout<RouteTable.Entry>.stride == 32)
        #expect(MemoryLayout<RouteTable.Claim>.stride == 28)
    }

    @Test("A flood goes on in bursts, and all of it", .rfc(4222, "2"), .row("OSPF-FLD-6"))
    func pace() {
        let bed = Bed { $0.limits.floodBurst = 8 }
        bed.befriend(peer, [peer.routerLSA()])
        bed.befriend(other, [other.routerLSA()])
        bed.run(.seconds(12), hearing: [peer, other])
        var heard: [IPv4Address] = []
        var bursts: [Instant: Int] = [:]
        var effects = OSPFEffects()
        func take() {
            for packet in effects.packets where packet.interface == 1 && packet.bytes[1] == 4 {
                heard += Said(packet).lsas.map(\.header.id)
                bursts[bed.now, default: 0] += 1
            }
            effects.removeAll()
        }
        // All in one moment, and news of a link last.
        let news = packets(OSPFProtocol.initialSequence, age: 1, count: 2000)
        for packet in news {
            bed.engine.receive(
                packet.raw, from: peer.address, to: OSPFProtocol.allRouters, on: 0, at: bed.now,
                into: &effects)
            take()
        }
        bed.engine.receive(
            PacketAuthentication.none.packet(
                .update,
                Update.bytes([peer.routerLSA(sequence: OSPFProtocol.initialSequence + 1)]),
                router: peer.router, area: .unspecified, wall: 0, sequence: 0
            ).raw, from: peer.address, to: OSPFProtocol.allRouters, on: 0, at: bed.now,
            into: &effects)
        let end = bed.now + .seconds(2)
        while let due = bed.engine.nextDeadline, due <= end {
            bed.now = max(due, bed.now)
            bed.engine.tick(at: bed.now, into: &effects)
            take()
        }
        #expect(heard.count == 2001 && Set(heard).count == 2001)
        #expect(bursts.count > 5 && bursts.values.allSatisfy { $0 <= 9 }, "\(bursts)")
        let place = heard.firstIndex(of: peer.router) ?? heard.count
        #expect(place > 200 && place < 700, "\(place)")
    }
}
