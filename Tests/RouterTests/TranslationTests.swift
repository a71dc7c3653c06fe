import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// Translation through the whole gateway, on frames.
struct TranslationTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    @Test(.row("U-1"), .row("F-3"), .row("A-5"), .row("A-6"))
    func datagramGoesOutAndItsAnswerComesBack() throws {
        var bench = Bench()
        let query = Self.host.udp(40_000, 53, Array("question".utf8))
        bench.send(query, on: .lan)
        let out = try #require(bench.take().first)
        #expect(out.side == .wan)
        #expect(out.seen.problems == [])
        #expect(out.seen["ip.src"] == "203.0.113.2")
        #expect(out.seen["ip.ttl"] == "63")
        #expect(out.seen["udp.dstport"] == "53")
        #expect(out.seen.payload == Array("question".utf8))
        #expect(out.seen["eth.dst"] == Bench.hardware(of: ip("203.0.113.1")).description)
        #expect(out.seen["eth.src"] == Bench.hardware(.wan).description)
        let port = try #require(UInt16(out.seen["udp.srcport"] ?? ""))

        let answer = PacketBuilder("198.51.100.7", "203.0.113.2").udp(53, port, [1, 2, 3])
        bench.send(answer, on: .wan)
        let back = try #require(bench.take().first)
        #expect(back.side == .lan)
        #expect(back.seen.problems == [])
        #expect(back.seen["ip.dst"] == "192.168.50.10")
        #expect(back.seen["udp.dstport"] == "40000")
        #expect(back.seen["udp.srcport"] == "53")
        #expect(back.seen.payload == [1, 2, 3])
    }

    @Test(.row("U-1"), .row("U-3"))
    func mappingIsEndpointIndependentAndNotShared() throws {
        var bench = Bench()
        bench.send(Self.host.udp(40_000, 53), on: .lan)
        bench.send(PacketBuilder("192.168.50.10", "198.51.100.8").udp(40_000, 99), on: .lan)
        bench.send(PacketBuilder("192.168.50.11", "198.51.100.7").udp(40_000, 53), on: .lan)
        let ports = bench.take().map { $0.seen["udp.srcport"] }
        #expect(ports.count == 3)
        #expect(ports[0] == ports[1])
        #expect(ports[0] != ports[2])
    }

    @Test(arguments: Behavior.allCases)
    func filterLetsInWhatItSays(behavior: Behavior) throws {
        var bench = Bench { $0.nat.filtering = behavior }
        bench.send(Self.host.udp(40_000, 53), on: .lan)
        let sent = try #require(bench.take().first)
        let port = try #require(UInt16(sent.seen["udp.srcport"] ?? ""))
        let samePort = PacketBuilder("198.51.100.7", "203.0.113.2").udp(53, port)
        let otherPort = PacketBuilder("198.51.100.7", "203.0.113.2").udp(54, port)
        let otherHost = PacketBuilder("198.51.100.8", "203.0.113.2").udp(53, port)
        #expect(bench.send(samePort, on: .wan).count == 1)
        #expect(
            bench.send(otherPort, on: .wan).count
                == (behavior == .addressAndPortDependent ? 0 : 1))
        #expect(
            bench.send(otherHost, on: .wan).count == (behavior == .endpointIndependent ? 1 : 0))
    }

    @Test(.row("T-2"))
    func connectionOpensAndCloses() throws {
        var bench = Bench()
        bench.send(Self.host.tcp(5000, 80, .syn, options: [2, 4, 5, 180]), on: .lan)
        let syn = try #require(bench.take().first)
        #expect(syn.seen.problems == [])
        let port = try #require(UInt16(syn.seen["tcp.srcport"] ?? ""))
        let server = PacketBuilder("198.51.100.7", "203.0.113.2")
        bench.send(server.tcp(80, port, [.syn, .ack]), on: .wan)
        bench.send(Self.host.tcp(5000, 80, .ack), on: .lan)
        #expect(bench.phase(0) == .established)
        bench.send(Self.host.tcp(5000, 80, [.fin, .ack]), on: .lan)
        bench.send(server.tcp(80, port, .ack, Array(repeating: 7, count: 1000)), on: .wan)
        #expect(bench.phase(0) == .finOutbound)
        bench.send(server.tcp(80, port, [.fin, .ack]), on: .wan)
        #expect(bench.phase(0) == .closing)
        #expect(bench.take().allSatisfy { $0.seen.problems == [] })
        bench.advance(.seconds(241))
        #expect(bench.sessionCount == 0)
        #expect(bench.mappingCount == 0)
    }

    @Test(.row("I-1"))
    func pingGoesThroughWithBothIdentifiersKept() throws {
        var bench = Bench()
        bench.send(Self.host.echo(identifier: 7, [1, 2, 3, 4]), on: .lan)
        bench.send(PacketBuilder("192.168.50.11", "198.51.100.7").echo(identifier: 7), on: .lan)
        let out = bench.take()
        #expect(out.count == 2)
        #expect(out.allSatisfy { $0.seen.problems == [] && $0.seen["ip.src"] == "203.0.113.2" })
        #expect(out[0].seen["icmp.ident"] != out[1].seen["icmp.ident"])
        let ident = try #require(UInt16(out[0].seen["icmp.ident"] ?? ""))
        let reply = PacketBuilder("198.51.100.7", "203.0.113.2")
            .echo(reply: true, identifier: ident, [1, 2, 3, 4])
        let back = try #require(bench.send(reply, on: .wan).first)
        #expect(back.seen.problems == [])
        #expect(back.seen["ip.dst"] == "192.168.50.10")
        #expect(back.seen["icmp.ident"] == "7")
    }

    @Test(.row("I-2"), .row("I-2a"), arguments: [60, 90])
    func queriesWaitForTheirReplyAsLongAsConfigured(seconds: Int64) throws {
        var bench = Bench { if seconds != 60 { $0.nat.timeouts.icmp = .seconds(seconds) } }
        let ident = try outsidePort(bench.send(Self.host.echo(identifier: 7), on: .lan).first)
        bench.advance(.seconds(seconds - 1))
        let reply = PacketBuilder("198.51.100.7", "203.0.113.2").echo(
            reply: true, identifier: ident)
        #expect(bench.send(reply, on: .wan).first?.side == .lan)
        bench.advance(.seconds(seconds + 1))
        #expect(bench.send(reply, on: .wan).isEmpty)
        #expect(bench.sessionCount == 0)
    }

    @Test(.row("I-4"), .row("I-3d"), .row("I-6"), .row("U-12"))
    func errorFromOutsideReachesTheInsideHost() throws {
        var bench = Bench()
        let query = Self.host.udp(40_000, 53, Array(repeating: 9, count: 30))
        let out = try #require(bench.send(query, on: .lan).last)
        let expiry = bench.router.forwarder.nat.secondsLeft(0, at: bench.now)
        bench.advance(.seconds(10))
        let router = PacketBuilder("203.0.113.1", "203.0.113.2")
        let error = router.icmpError(3, code: 1, about: Array(out.bytes.dropFirst(14)))
        let back = try #require(bench.send(error, on: .wan).first)
        #expect(back.seen.problems == [])
        #expect(back.side == .lan)
        #expect(back.seen["ip.src"] == "203.0.113.1")
        #expect(back.seen["ip.dst"] == "192.168.50.10")
        #expect(back.seen["quoted.ip.src"] == "192.168.50.10")
        #expect(back.seen["quoted.udp.srcport"] == "40000")
        // The inside host finds its own packet: only the TTL and its checksum differ.
        var quote = Array(back.bytes[42...])
        quote[8] = 64
        quote.replaceSubrange(10..<12, with: query[10..<12])
        #expect(quote == query)
        let left = bench.router.forwarder.nat.secondsLeft(0, at: bench.now)
        #expect(left <= expiry - 10)
        #expect(bench.sessionCount == 1)
    }

    @Test(.row("U-9"), .row("U-9a"), .row("I-7"))
    func hairpinCarriesTheOutsideSource() throws {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        bench.send(PacketBuilder("192.168.50.11", "198.51.100.7").udp(6000, 53), on: .lan)
        let other = try #require(bench.take().first?.seen["udp.srcport"].flatMap { UInt16($0) })
        let hello = PacketBuilder("192.168.50.10", "203.0.113.2").udp(40_000, other, [1])
        let out = try #require(bench.send(hello, on: .lan).last)
        #expect(out.side == .lan)
        #expect(out.seen.problems == [])
        #expect(out.seen["ip.src"] == "203.0.113.2")
        #expect(out.seen["ip.dst"] == "192.168.50.11")
        #expect(out.seen["udp.dstport"] == "6000")
        #expect(out.seen["ip.ttl"] == "63")
        // An error about it finds its way back the same way.
        let error = PacketBuilder("192.168.50.11", "203.0.113.2")
            .icmpError(3, code: 3, about: Array(out.bytes.dropFirst(14)))
        let back = try #require(bench.send(error, on: .lan).last)
        #expect(back.seen.problems == [])
        #expect(back.seen["ip.dst"] == "192.168.50.10")
        #expect(back.seen["ip.src"] == "203.0.113.2")
        #expect(back.seen["quoted.ip.src"] == "192.168.50.10")
        #expect(back.seen["quoted.udp.srcport"] == "40000")
    }

    @Test func portForwardLeadsInside() throws {
        var bench = Bench {
            $0.nat.portForwards = [
                PortForward(
                    name: "web", ports: 8080...8081, insideAddress: ip("192.168.50.10"),
                    insidePort: 80)
            ]
        }
        let stranger = PacketBuilder("198.51.100.99", "203.0.113.2")
        let out = try #require(bench.send(stranger.tcp(1234, 8081, .syn), on: .wan).last)
        #expect(out.side == .lan)
        #expect(out.seen.problems == [])
        #expect(out.seen["ip.dst"] == "192.168.50.10")
        #expect(out.seen["tcp.dstport"] == "81")
        let answer = PacketBuilder("192.168.50.10", "198.51.100.99").tcp(81, 1234, [.syn, .ack])
        let back = try #require(bench.send(answer, on: .lan).last)
        #expect(back.seen["ip.src"] == "203.0.113.2")
        #expect(back.seen["tcp.srcport"] == "8081")
        #expect(back.seen.problems == [])
        bench.send(stranger.tcp(1234, 8082, .syn), on: .wan)
        #expect(bench.drops(.natNoSession, on: .wan) == 1)
    }

    @Test(.row("U-14"), .row("D-9"), .row("D-2"))
    func fragmentsFollowTheirFirstPieceInAnyOrder() throws {
        for reversed in [false, true] {
            var bench = Bench()
            let payload = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
            let whole = Self.host.with {
                $0.fragmentField = 0; $0.identification = 77
            }
            .udp(40_000, 9, payload)
            let pieces = fragments(of: whole, size: 1480)
            for piece in reversed ? pieces.reversed() : pieces { bench.send(piece, on: .lan) }
            let out = bench.take()
            #expect(out.count == pieces.count)
            #expect(out.allSatisfy { $0.seen["ip.src"] == "203.0.113.2" && $0.side == .wan })
            let joined = out.sorted {
                Int($0.seen["ip.frag_offset"] ?? "") ?? 0 < Int($1.seen["ip.frag_offset"] ?? "")
                    ?? 0
            }.flatMap { $0.bytes[34...] }
            #expect(Array(joined.dropFirst(8)) == payload)
            let waiting = bench.router.forwarder.hasReady
            #expect(!waiting)
            bench.advance(.seconds(20))
            #expect(bench.drops(.fragmentTimeout, on: .lan) == 0)
        }
    }
}
