import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// GRE, ESP, SCTP, DCCP, UDP-Lite and protocols nobody knows, through the translation (row C-1).
struct OtherProtocolTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")
    static let server = PacketBuilder("198.51.100.7", "203.0.113.2")

    /// The transport part of a protocol from one port to another, its checksum right for `path`.
    static func packet(
        _ proto: UInt8, _ path: PacketBuilder, _ source: UInt16, _ destination: UInt16,
        _ data: [UInt8], coverage: UInt16 = 0
    ) -> [UInt8] {
        let ports: [UInt8] = octets(source) + octets(destination)
        var part: [UInt8]
        var covered = Int(coverage)
        switch proto {
        case 136:
            part = ports + octets(coverage) + [0, 0] + data
        case 33:
            // A request of 16 octets with a short sequence number; the coverage is in words.
            part = ports + [4, UInt8(coverage), 0, 0]
            part += octets(UInt64(7)) + data
            if coverage != 0 { covered = 16 + (covered - 1) * 4 }
        case 132: return path.packet(132, ports + data)
        default: return path.packet(proto, data)
        }
        if coverage == 0 { covered = part.count }
        covered = min(covered, part.count)
        var pseudo: [UInt8] = octets(path.source.rawValue) + octets(path.destination.rawValue)
        pseudo += [0, proto] + octets(UInt16(part.count))
        let sum = SlowChecksum.checksum(pseudo + Array(part.prefix(covered)))
        part.replaceSubrange(6..<8, with: octets(sum == 0 && proto == 136 ? 0xffff : sum))
        return path.packet(proto, part)
    }

    @Test(
        .row("C-1"), .row("S-2"), .row("S-3"),
        arguments: [0, 4, 41, 47, 50, 94, 132, 253, 255] as [UInt8])
    func whatHasNoPortsGoesByAddress(proto: UInt8) throws {
        var bench = Bench()
        for data in [noise(60), noise(1200), noise(12)] {
            let query = Self.packet(proto, Self.host, 5000, 80, data)
            let out = try #require(bench.send(query, on: .lan).first)
            #expect(out.side == .wan)
            #expect(out.seen["ip.src"] == "203.0.113.2")
            // All but the source and TTL is as it was: SCTP keeps its ports and its CRC32c.
            #expect(Array(out.bytes[34...]) == Array(query[20...]))
            let answer = Self.packet(proto, Self.server, 80, 5000, data)
            let back = try #require(bench.send(answer, on: .wan).first)
            #expect(back.seen["ip.dst"] == "192.168.50.10")
            #expect(Array(back.bytes[34...]) == Array(answer[20...]))
        }
        #expect(bench.sessionCount == 1)
        // From nobody else, to nobody else.
        let stranger = PacketBuilder("198.51.100.8", "203.0.113.2")
        bench.send(Self.packet(proto, stranger, 80, 5000, noise(60)), on: .wan)
        if proto == 132 { bench.send(Self.packet(132, Self.server, 80, 5001, noise(60)), on: .wan) }
        #expect(bench.take().count == 6)
        #expect(bench.phase(0) == .replied)
        bench.advance(.seconds(599))
        #expect(bench.sessionCount == 1)
        bench.advance(.seconds(2))
        #expect(bench.sessionCount == 0)
        #expect(bench.mappingCount == 0)
        bench.send(Self.packet(proto, Self.server, 80, 5000, noise(60)), on: .wan)
        #expect(bench.take().isEmpty)
    }

    @Test(.row("C-1"), .row("S-1"), arguments: [47, 50, 132, 253] as [UInt8])
    func aSecondHostIsToldThatThePeerIsTaken(proto: UInt8) throws {
        var bench = Bench()
        let other = PacketBuilder("192.168.50.11", "198.51.100.7")
        bench.send(Self.packet(proto, Self.host, 5000, 80, noise(60)), on: .lan)
        bench.meet("192.168.50.11")
        _ = bench.take()
        let error = try #require(
            bench.send(Self.packet(proto, other, 5000, 80, noise(60)), on: .lan).first)
        #expect(error.seen["icmp.type"] == "3")
        #expect(error.seen["icmp.code"] == "1")
        #expect(bench.drops(.natPeerTaken, on: .lan) == 1)
        #expect(bench.sessionCount == 1)
        #expect(bench.mappingCount == 1)
        // With another remote it is free, and SCTP from another port.
        let far = PacketBuilder("192.168.50.11", "198.51.100.8")
        #expect(
            bench.send(Self.packet(proto, far, 5000, 80, noise(60)), on: .lan).first?.side == .wan)
        if proto == 132 {
            let packet = Self.packet(132, other, 5001, 80, noise(60))
            #expect(bench.send(packet, on: .lan).first?.side == .wan)
        }
        bench.advance(.seconds(601))
        _ = bench.take()
        // Free again when the first has gone.
        #expect(
            bench.send(Self.packet(proto, other, 5000, 80, noise(60)), on: .lan).first?.side == .wan
        )
    }

    @Test(
        .row("C-1"), .row("S-3"), .row("F-5"), .rfc(3828), .rfc(5597),
        arguments: [(136, 0), (136, 8), (136, 20), (33, 0), (33, 1), (33, 3)] as [(UInt8, UInt16)])
    func udpLiteAndDCCPGetPorts(proto: UInt8, coverage: UInt16) throws {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        var ports: [UInt16] = []
        for source in ["192.168.50.10", "192.168.50.11"] {
            for (number, to) in ["198.51.100.7", "198.51.100.8"].enumerated() {
                let path = PacketBuilder(source, to)
                let data = noise(40 + number)
                let query = Self.packet(proto, path, 5000, 80, data, coverage: coverage)
                let out = try #require(bench.send(query, on: .lan).first)
                let port = UInt16(out.bytes[34]) << 8 | UInt16(out.bytes[35])
                // As if the outside endpoint had sent it.
                let same = PacketBuilder("203.0.113.2", to).with { $0.timeToLive = 63 }
                #expect(
                    Array(out.bytes[14...])
                        == Self.packet(proto, same, port, 80, data, coverage: coverage))
                let answer = PacketBuilder(to, "203.0.113.2")
                let back = try #require(
                    bench.send(
                        Self.packet(proto, answer, 80, port, data, coverage: coverage), on: .wan
                    ).first)
                let restored = PacketBuilder(to, source).with { $0.timeToLive = 63 }
                #expect(
                    Array(back.bytes[14...])
                        == Self.packet(proto, restored, 80, 5000, data, coverage: coverage))
                ports.append(port)
            }
        }
        // Endpoint-independent, and never shared.
        #expect(ports[0] == ports[1] && ports[2] == ports[3] && ports[0] != ports[2])
        // A mapping is of one protocol: UDP and TCP to the port find nothing.
        let stranger = PacketBuilder("198.51.100.9", "203.0.113.2")
        _ = bench.take()
        bench.send(stranger.udp(1, ports[0]), on: .wan)
        bench.send(stranger.tcp(1, ports[0], .syn), on: .wan)
        #expect(bench.take().isEmpty)
        let inbound = Self.packet(proto, stranger, 80, ports[0], noise(40), coverage: coverage)
        #expect(bench.send(inbound, on: .wan).first?.side == .lan)
        bench.advance(.seconds(proto == 33 ? 7400 : 299))
        #expect(bench.sessionCount >= 4)
        bench.advance(.seconds(proto == 33 ? 100 : 10))
        #expect(bench.sessionCount == 0)
    }

    @Test(.row("S41"), .row("F-1"))
    func brokenOnesMakeNoSession() {
        var bench = Bench()
        let lite = Self.packet(136, Self.host, 1, 2, noise(20))
        let dccp = Self.packet(33, Self.host, 1, 2, noise(20))
        let cases: [([UInt8], DropReason)] = [
            (Self.host.packet(136, noise(7)), .transportMalformed),
            (Self.host.packet(132, noise(11)), .transportMalformed),
            (Self.host.packet(33, noise(11)), .transportMalformed),
            (changed(lite, [25: 7]), .transportMalformed),
            (changed(lite, [25: 99]), .transportMalformed),
            (changed(dccp, [24: 2]), .transportMalformed),
            (changed(dccp, [24: 200]), .transportMalformed),
            (changed(lite, [26: 0, 27: 0]), .transportChecksum),
            (changed(lite, [40: lite[40] ^ 1]), .transportChecksum),
            (changed(dccp, [40: dccp[40] ^ 1]), .transportChecksum),
            (Self.host.packet(51, noise(24)), .natAuthenticated),
            (Self.host.packet(89, noise(24)), .natProtocol),
        ]
        for (packet, reason) in cases {
            let before = bench.drops(reason, on: .lan)
            let out = bench.send(packet, on: .lan).filter { $0.side == .wan }
            #expect(out.isEmpty)
            #expect(bench.drops(reason, on: .lan) == before + 1, "\(reason.name)")
        }
        #expect(bench.sessionCount == 0)
    }

    @Test(.row("S08"))
    func whatTheGatewayItselfSpeaksStaysItsOwn() {
        var bench = Bench()
        bench.send(Self.host.packet(89, noise(44)), on: .lan)
        _ = bench.take()
        bench.send(Self.server.packet(89, noise(44)), on: .wan)
        #expect(bench.take().isEmpty)
        #expect(bench.drops(.localNoListener, on: .wan) + bench.drops(.natProtocol, on: .wan) == 1)
    }

    @Test(.row("C-4"), .row("C-11"))
    func theyCountInTheLimitsOfTheirHost() {
        var bench = Bench { $0.nat.limits.sessionsPerHost = 3 }
        for proto in [47, 50, 132, 253, 136] as [UInt8] {
            bench.send(Self.packet(proto, Self.host, 1, 2, noise(30)), on: .lan)
            bench.send(Self.packet(proto, Self.server, 2, 1, noise(30)), on: .wan)
        }
        #expect(bench.sessionCount == 3)
        #expect(bench.drops(.natHostLimit, on: .lan) == 2)
    }

    @Test(.row("S-6"))
    func switchedOffTheyEndAtOnce() {
        var bench = Bench()
        for proto in [47, 132, 136, 33, 253] as [UInt8] {
            bench.send(Self.packet(proto, Self.host, 5000, 80, noise(60)), on: .lan)
        }
        bench.send(Self.host.udp(1, 2), on: .lan)
        #expect(bench.take().count == 6)
        #expect(bench.sessionCount == 6)
        bench.apply { $0.nat.timeouts.other = .seconds(5) }
        #expect(bench.sessionCount == 6)
        bench.apply { $0.nat.otherProtocols = false }
        #expect(bench.sessionCount == 1)
        bench.send(Self.server.packet(47, noise(60)), on: .wan)
        bench.send(Self.packet(47, Self.host, 0, 0, noise(60)), on: .lan)
        #expect(bench.take().allSatisfy { $0.side == .lan && $0.seen["icmp.code"] == "13" })
        #expect(bench.drops(.natProtocol, on: .lan) == 1)
    }

    @Test(.row("U-14"), .row("D-9"), arguments: [47, 50, 132, 136, 33, 253] as [UInt8])
    func theirPiecesFollow(proto: UInt8) {
        for isReversed in [false, true] {
            var bench = Bench()
            let path = Self.host.with {
                $0.fragmentField = 0; $0.identification = 9
            }
            let whole = Self.packet(proto, path, 5000, 80, noise(3000))
            let pieces = fragments(of: whole, size: 1480)
            for piece in isReversed ? pieces.reversed() : pieces { bench.send(piece, on: .lan) }
            let out = bench.take()
            #expect(out.count == pieces.count && out.allSatisfy { $0.side == .wan })
            let data = FragmentTests.joined(out) ?? []
            // Ports and checksum of those that have such may differ.
            #expect(Array(data.dropFirst(8)) == Array(whole.dropFirst(28)))
            #expect(bench.sessionCount == 1)
        }
    }

    @Test(.row("I-4"), .row("I-5"), .row("C-1"), arguments: [47, 50, 132, 136, 33, 253] as [UInt8])
    func errorsAboutThemAreTranslated(proto: UInt8) throws {
        var bench = Bench()
        let query = Self.packet(proto, Self.host, 5000, 80, noise(60))
        let out = try #require(bench.send(query, on: .lan).first)
        let sent = Array(out.bytes[14...])
        let far = PacketBuilder("203.0.113.1", "203.0.113.2")
        for limit in [28, 548] {
            let error = far.icmpError(3, code: 2, about: sent, limit: limit)
            let back = try #require(bench.send(error, on: .wan).first)
            #expect(back.seen["ip.dst"] == "192.168.50.10")
            #expect(back.seen["icmp.code"] == "2")
            #expect(Array(back.bytes[42...]) == Array(changed(query, [8: 63]).prefix(limit)))
            #expect(SlowChecksum.checksum(Array(back.bytes[34...])) == 0)
        }
        let port = UInt16(sent[20]) << 8 | UInt16(sent[21])
        let answer = Self.packet(proto, Self.server, 80, port, noise(60))
        let inside = Array(try #require(bench.send(answer, on: .wan).first).bytes[14...])
        let error = Self.host.icmpError(3, code: 3, about: inside)
        let told = try #require(bench.send(error, on: .lan).first)
        #expect(told.seen["ip.src"] == "203.0.113.2")
        #expect(Array(told.bytes[42...]) == changed(answer, [8: 63]))
        // One about nothing we know.
        let unknown = far.icmpError(3, code: 2, about: changed(sent, [19: 9]))
        #expect(bench.send(unknown, on: .wan).isEmpty)
        #expect(bench.drops(.natErrorUnmatched, on: .wan) == 1)
    }

    @Test(.row("S40"))
    func aTunnelledChecksumIsFilledIn() throws {
        var bench = Bench()
        let inner = PacketBuilder("10.0.0.1", "10.0.0.2")
        let whole: [UInt8] = [0, 0, 8, 0] + inner.tcp(1, 2, .ack, noise(31))
        let partial: [UInt8] = [0, 0, 8, 0] + inner.tcp(1, 2, .ack, noise(31), checksum: .partial)
        var header = VirtioNetHeader()
        header.flags = VirtioNetHeader.needsChecksum
        header.checksumStart = 34 + 24
        header.checksumOffset = 16
        let out = try #require(
            bench.send(Self.host.packet(47, partial), on: .lan, header: header).first)
        #expect(Array(out.bytes[34...]) == whole)
        #expect(out.header == VirtioNetHeader())
        // Not outside of the packet, and never in front of the payload.
        for start in [0, 14, 33, 34 + partial.count - 17, 65_535] as [Int] {
            header.checksumStart = UInt16(start)
            bench.send(Self.host.packet(47, partial), on: .lan, header: header)
        }
        #expect(bench.drops(.offloadChecksum, on: .lan) == 5)
    }
}
