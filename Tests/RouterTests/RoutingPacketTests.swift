import Forwarding
import Support
import Testing
import Timing
import Wire

/// Packets of routing protocols on their way in and out of the packet path.
struct RoutingPacketTests {
    static func bench() -> Bench {
        Bench {
            $0.interfaces[1].speaksRIP = true
            $0.interfaces[1].speaksOSPF = true
            $0.interfaces[1].speaksBFD = true
        }
    }

    /// The source and payload handed over; nil if the packet took another way.
    static func handed(_ bench: borrowing Bench) -> (IPv4Address, UInt16, Range<Int>)? {
        guard case .routing(let packet) = bench.verdict else { return nil }
        guard case .udp(let port, 520) = packet.transport else { return nil }
        return (packet.source, port, packet.payload)
    }

    @Test(.row("RIP-PKT-3"), arguments: ["224.0.0.9", "203.0.113.2", "203.0.113.255"])
    func whatIsForRIPIsHandedOver(destination: String) throws {
        var bench = Self.bench()
        let packet = PacketBuilder("203.0.113.9", destination)
            .with { $0.timeToLive = 1 }.udp(520, 520, [2, 2, 0, 0])
        let group = ip(destination).isMulticast ? MACAddress(multicast: ip(destination)) : nil
        let isAll = destination.hasSuffix("255")
        let hardware = group ?? (isAll ? .broadcast : Bench.hardware(.wan))
        #expect(bench.send(frame: Bench.frame(packet, on: .wan, to: hardware), on: .wan).isEmpty)
        let handed = Self.handed(bench)
        let (source, port, payload) = try #require(handed)
        #expect(source == ip("203.0.113.9") && port == 520 && payload == 42..<46)
    }

    @Test func whatIsNotForRIPIsNot() {
        let good = PacketBuilder("203.0.113.9", "224.0.0.9")
        var bench = Self.bench()
        bench.send(good.udp(520, 521, [2]), on: .wan)
        var isOther = Self.handed(bench) == nil
        #expect(isOther && bench.drops(.multicastNotJoined, on: .wan) == 1)
        bench.send(good.udp(520, 520, [2], checksum: .wrong), on: .wan)
        isOther = Self.handed(bench) == nil
        #expect(isOther && bench.drops(.udpChecksum, on: .wan) == 1)
        let inside = PacketBuilder("192.168.50.9", "224.0.0.9")
        bench.send(inside.udp(520, 520, [2]), on: .lan)
        isOther = Self.handed(bench) == nil
        #expect(isOther && bench.drops(.multicastNotJoined, on: .lan) == 1)
        bench.send(PacketBuilder("192.168.50.9", "203.0.113.77").udp(520, 520, [2]), on: .lan)
        isOther = Self.handed(bench) == nil
        #expect(isOther, "to others it is forwarded like anything else")
    }

    @Test("Of a packet longer than any of RIP only so much is kept", .row("S50"))
    func longPacketIsCutShort() throws {
        var bench = Self.bench()
        let payload = [UInt8](repeating: 2, count: 1450)
        let packet = PacketBuilder("203.0.113.9", "203.0.113.2").udp(520, 520, payload)
        bench.send(packet, on: .wan)
        let handed = Self.handed(bench)
        #expect(try #require(handed).2 == 42..<1442)
    }

    @Test(.row("RIP-PKT-3"))
    func oursGoOutByMulticastWithATTLOfOne() throws {
        var bench = Self.bench()
        let payload: [UInt8] = [1, 2, 3, 4, 5]
        let datagram = RoutingDatagram(
            side: .wan, source: ip("203.0.113.2"), destination: ip("224.0.0.9"),
            transport: .udp(source: 520, destination: 520), payload: payload)
        let first = bench.send(datagram).first
        let sent = try #require(first)
        #expect(sent.side == .wan && sent.seen.problems.isEmpty)
        #expect(sent.seen["eth.dst"] == "01:00:5e:00:00:09" && sent.seen["ip.ttl"] == "1")
        #expect(sent.seen["ip.src"] == "203.0.113.2" && sent.seen["ip.dst"] == "224.0.0.9")
        #expect(sent.seen["udp.srcport"] == "520" && sent.seen["udp.dstport"] == "520")
        #expect(Array(sent.bytes.suffix(5)) == payload)
    }

    @Test(.row("RIP-NBR-1"))
    func oursToANeighbourWaitForItsHardwareAddress() throws {
        var bench = Self.bench()
        let datagram = RoutingDatagram(
            side: .wan, source: ip("203.0.113.2"), destination: ip("203.0.113.9"),
            transport: .udp(source: 520, destination: 5555), payload: [7])
        let first = bench.send(datagram).first
        let sent = try #require(first)
        #expect(sent.seen["eth.dst"] == Bench.hardware(of: ip("203.0.113.9")).description)
        #expect(sent.seen["udp.dstport"] == "5555" && sent.seen.problems.isEmpty)
        #expect(bench.send(datagram).count == 1)
        bench.setLink(.wan, isUp: false)
        #expect(bench.send(datagram).isEmpty && bench.drops(.deviceDown, on: .wan) == 1)
    }

    @Test("What is for a router further off goes to the next one", .row("OSPF-PKT-1"))
    func oursToARouterFurtherOff() throws {
        var bench = Self.bench()
        let datagram = RoutingDatagram(
            side: .wan, source: ip("203.0.113.2"), destination: ip("198.51.100.7"),
            transport: .ospf, timeToLive: 255, nextHop: ip("203.0.113.9"), payload: [7])
        // The first waits until the next one is known. The routes say another way.
        for _ in 0..<2 {
            let sent = try #require(bench.send(datagram).first)
            #expect(sent.seen["eth.dst"] == Bench.hardware(of: ip("203.0.113.9")).description)
            #expect(sent.seen["ip.dst"] == "198.51.100.7" && sent.seen["ip.ttl"] == "255")
        }
    }

    @Test("What is for BFD is handed over with its TTL, and only what is sent to us")
    func whatIsForBFDIsHandedOver() throws {
        var bench = Self.bench()
        let payload = [UInt8](repeating: 7, count: 24)
        for destination in ["203.0.113.2", "203.0.113.255", "224.0.0.9"] {
            let packet = PacketBuilder("203.0.113.9", destination)
                .with { $0.timeToLive = 254 }.udp(40000, 3784, payload)
            let toAll = destination.hasSuffix("255") ? MACAddress.broadcast : nil
            let group =
                ip(destination).isMulticast ? MACAddress(multicast: ip(destination)) : toAll
            let frame = Bench.frame(packet, on: .wan, to: group ?? Bench.hardware(.wan))
            #expect(bench.send(frame: frame, on: .wan).isEmpty)
            guard case .routing(let handed) = bench.verdict else {
                #expect(destination != "203.0.113.2")
                continue
            }
            #expect(destination == "203.0.113.2" && handed.timeToLive == 254)
            #expect(handed.transport == .udp(source: 40000, destination: 3784))
            #expect(handed.payload == 42..<66)
        }
        // Where BFD is not spoken it is a datagram like any other.
        let inside = PacketBuilder("192.168.50.9", "192.168.50.1").udp(40000, 3784, payload)
        bench.send(inside, on: .lan)
        #expect(bench.drops(.localNoListener, on: .lan) == 1)
    }

    @Test("Ours of BFD leave with a TTL of 255", .rfc(5881, "5"))
    func oursOfBFD() throws {
        var bench = Self.bench()
        let datagram = RoutingDatagram(
            side: .wan, source: ip("203.0.113.2"), destination: ip("203.0.113.9"),
            transport: .udp(source: 50000, destination: 3784), timeToLive: 255,
            payload: [UInt8](repeating: 7, count: 24))
        let first = bench.send(datagram).first
        let sent = try #require(first)
        #expect(sent.seen["ip.ttl"] == "255" && sent.seen["udp.dstport"] == "3784")
        #expect(sent.seen.problems.isEmpty)
    }

    @Test(
        "OSPF's groups and our own address are OSPF's where it is spoken",
        .row("OSPF-PKT-1", "OSPF-PKT-4"), arguments: ["224.0.0.5", "224.0.0.6", "203.0.113.2"])
    func whatIsForOSPFIsHandedOver(destination: String) throws {
        var bench = Self.bench()
        let packet = PacketBuilder("203.0.113.9", destination)
            .with { $0.timeToLive = 1 }.packet(89, [2, 1, 0, 4])
        let group = ip(destination).isMulticast ? MACAddress(multicast: ip(destination)) : nil
        let frame = Bench.frame(packet, on: .wan, to: group ?? Bench.hardware(.wan))
        #expect(bench.send(frame: frame, on: .wan).isEmpty)
        guard case .routing(let handed) = bench.verdict else {
            Issue.record("took another way")
            return
        }
        #expect(handed.transport == .ospf && handed.source == ip("203.0.113.9"))
        #expect(handed.destination == ip(destination) && handed.payload == 34..<38)
    }

    @Test("Where OSPF is not spoken, or to others, it is a packet like any other")
    func whatIsNotForOSPFIsNot() {
        var bench = Self.bench()
        let inside = PacketBuilder("192.168.50.9", "224.0.0.5")
        bench.send(inside.packet(89, [2, 1]), on: .lan)
        #expect(bench.drops(.multicastNotJoined, on: .lan) == 1)
        let other = PacketBuilder("203.0.113.9", "224.0.0.7")
        bench.send(other.packet(89, [2, 1]), on: .wan)
        #expect(bench.drops(.multicastNotJoined, on: .wan) == 1)
    }

    @Test(
        "Packets of OSPF longer than the MTU go out and come in as fragments",
        .rfc(2328, "A.1"), arguments: ["224.0.0.5", "203.0.113.9"])
    func longOnes(destination: String) throws {
        let payload = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
        var bench = Self.bench()
        let datagram = RoutingDatagram(
            side: .wan, source: ip("203.0.113.2"), destination: ip(destination),
            transport: .ospf, payload: payload)
        let sent = bench.send(datagram)
        #expect(sent.count == 14 && sent.allSatisfy { $0.bytes.count <= 1514 })
        #expect(Set(sent.map { $0.seen["ip.id"] }).count == 1)
        #expect(sent.allSatisfy { $0.seen.problems.isEmpty && $0.seen["ip.ttl"] == "1" })
        let body = sent.reduce(into: [UInt8]()) { $0 += $1.bytes.dropFirst(34) }
        #expect(body == payload)
        // The same pieces the other way, out of order, as if a neighbour had sent them.
        let group = ip(destination).isMulticast
        let target = group ? destination : "203.0.113.2"
        var pieces = sent.map { frame in
            PacketBuilder("203.0.113.9", target).with {
                $0.timeToLive = 1
                $0.identification = 77
                $0.fragmentField = UInt16(frame.bytes[20]) << 8 | UInt16(frame.bytes[21])
            }.packet(89, Array(frame.bytes.dropFirst(34)))
        }
        pieces.swapAt(0, 5)
        let hardware = group ? MACAddress(multicast: ip(destination)) : Bench.hardware(.wan)
        for piece in pieces {
            #expect(bench.routing.isEmpty)
            bench.send(frame: Bench.frame(piece, on: .wan, to: hardware), on: .wan)
        }
        #expect(bench.routing == payload)
        bench.send(frame: Bench.frame(pieces[3], on: .wan, to: hardware), on: .wan)
        _ = bench.advance(.seconds(61))
        #expect(bench.drops(.fragmentTimeout, on: .wan) == 1, "one piece alone waits in vain")
    }

    @Test(.row("OSPF-PKT-1"))
    func oursOfOSPFHaveATTLOfOneAndThePrecedenceOfNetworkControl() throws {
        var bench = Self.bench()
        let datagram = RoutingDatagram(
            side: .wan, source: ip("203.0.113.2"), destination: ip("224.0.0.5"), transport: .ospf,
            payload: [2, 1, 0, 4])
        let first = bench.send(datagram).first
        let sent = try #require(first)
        #expect(sent.seen["eth.dst"] == "01:00:5e:00:00:05" && sent.seen["ip.ttl"] == "1")
        #expect(sent.seen["ip.proto"] == "89" && sent.bytes[15] == 0xc0)
        #expect(Array(sent.bytes.dropFirst(34)) == [2, 1, 0, 4] && sent.seen.problems.isEmpty)
        var other = datagram
        other.transport = .udp(source: 520, destination: 520)
        other.payload = [UInt8](repeating: 0, count: 1473)
        #expect(bench.send(other).isEmpty && bench.drops(.mtuExceeded, on: .wan) == 1)
        other.transport = .ospf
        other.payload = [UInt8](repeating: 0, count: 65_516)
        #expect(bench.send(other).isEmpty && bench.drops(.mtuExceeded, on: .wan) == 2)
    }
}
