import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// What a router does besides translation, on frames through the whole gateway.
struct RouterBehaviourTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    @Test(.row("F-3"), .row("F-12"), .row("F-13"), arguments: [0, 1] as [UInt8])
    func timeToLiveIsJudgedBeforeAnythingChanges(ttl: UInt8) throws {
        var bench = Bench()
        let query = Self.host.with { $0.timeToLive = ttl }.udp(40_000, 53, [1, 2, 3])
        let error = try #require(bench.send(query, on: .lan).last)
        #expect(error.seen.problems == [])
        #expect(error.side == .lan)
        #expect(error.seen["icmp.type"] == "11")
        #expect(error.seen["ip.src"] == "192.168.50.1")
        #expect(error.seen["ip.dst"] == "192.168.50.10")
        #expect(Array(error.bytes[42...]) == query)
        #expect(bench.sessionCount == 0)
        #expect(bench.drops(.ttlExpired, on: .lan) == 1)
    }

    @Test(.row("F-17"), .row("F-19"), arguments: [0, 56, 1472, 20_000, 65_507])
    func gatewayAnswersPings(size: Int) throws {
        var bench = Bench()
        let data = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let ping = PacketBuilder("192.168.50.10", "192.168.50.1")
            .with {
                $0.fragmentField = 0; $0.identification = 9; $0.timeToLive = 1
            }
            .echo(identifier: 3, sequence: 4, data)
        for piece in size > 1472 ? fragments(of: ping, size: 1480) : [ping] {
            bench.send(piece, on: .lan)
        }
        let replies = bench.take()
        let joined = replies.sorted {
            Int($0.seen["ip.frag_offset"] ?? "") ?? 0 < Int($1.seen["ip.frag_offset"] ?? "") ?? 0
        }.flatMap { $0.bytes[34...] }
        #expect(replies.count == max((size + 8 + 1479) / 1480, 1))
        #expect(
            replies.allSatisfy { $0.bytes.count <= 1514 && $0.seen["ip.src"] == "192.168.50.1" })
        #expect(Array(joined.dropFirst(8)) == data)
        #expect(joined[0] == 0)
        #expect(SlowChecksum.isIntact(Array(joined)))
    }

    @Test(.row("P-1"), .row("U-13"), .row("F-25"))
    func tooBigWithDFIsReported() throws {
        var bench = Bench { $0[.wan].mtu = 1300 }
        let big = Self.host.udp(40_000, 53, Array(repeating: 1, count: 1400))
        let error = try #require(bench.send(big, on: .lan).last)
        #expect(error.seen["icmp.type"] == "3")
        #expect(error.seen["icmp.code"] == "4")
        #expect(error.seen["icmp.mtu"] == "1300")
        #expect(error.seen["quoted.ip.src"] == "192.168.50.10")
        #expect(error.seen.problems == [])
        #expect(error.bytes.count == 14 + 576)
    }

    @Test(.row("F-18"), .row("U-13a"), .row("D-8"), arguments: [68, 576, 1300, 1499])
    func tooBigWithoutDFIsCut(mtu: Int) throws {
        var bench = Bench { $0[.wan].mtu = mtu }
        let data = (0..<1400).map { UInt8(truncatingIfNeeded: $0) }
        let big = Self.host.with {
            $0.fragmentField = 0; $0.identification = 5
        }
        .udp(40_000, 53, data)
        bench.send(big, on: .lan)
        let pieces = bench.take()
        var expected = 0
        for piece in pieces {
            #expect(piece.seen["ip.frag_offset"] == String(expected / 8))
            #expect(piece.bytes.count - 14 <= mtu)
            #expect(piece.seen["ip.id"] == pieces[0].seen["ip.id"])
            #expect(piece.seen["ip.flags.mf"] == (piece == pieces.last ? "0" : "1"))
            expected += piece.bytes.count - 34
        }
        #expect(Array(pieces.flatMap { $0.bytes[34...] }.dropFirst(8)) == data)
        #expect(pieces.allSatisfy { !$0.seen.problems.contains { $0.hasPrefix("ip") } })
    }

    @Test(.row("F-14"))
    func noRouteIsReported() throws {
        var bench = Bench(routes: [])
        let error = try #require(bench.send(Self.host.udp(1, 2), on: .lan).last)
        #expect(error.seen["icmp.type"] == "3")
        #expect(error.seen["icmp.code"] == "0")
        #expect(bench.drops(.routeNone, on: .lan) == 1)
    }

    @Test(.row("A-4"), .row("A-6"), .row("F-14"))
    func deadNeighbourIsReportedAfterThreeTries() throws {
        var bench = Bench()
        // The LAN host has to be known, or the error would wait for it.
        bench.send(PacketBuilder("192.168.50.10", "192.168.50.1").echo(identifier: 1), on: .lan)
        bench.answersARP = false
        let query = Self.host.udp(1, 2, [5])
        bench.send(query, on: .lan)
        let sent = bench.advance(.seconds(4))
        let requests = bench.sent.filter {
            $0.side == .wan && $0.seen["arp.dst.proto_ipv4"] == "203.0.113.1"
        }
        #expect(requests.count == 3)
        let error = try #require(sent.last { $0.seen["icmp.type"] == "3" })
        #expect(error.seen["icmp.code"] == "1")
        #expect(Array(error.bytes[42...]) == query)
        #expect(bench.drops(.arpUnresolved, on: .lan) == 1)
    }

    @Test(.row("M-1"), .row("M-2"), .row("M-3"), .row("M-5"), .row("M-8"))
    func martiansAreDroppedSilently() {
        for source in ["0.1.2.3", "127.0.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1"] {
            for side in Side.allCases {
                var bench = Bench()
                let to = side == .lan ? "198.51.100.7" : "203.0.113.2"
                let sent = bench.send(PacketBuilder(source, to).udp(1, 2), on: side)
                #expect(sent.isEmpty, "\(source) from \(side)")
                #expect(bench.drops(.martianSource, on: side) == 1, "\(source) from \(side)")
            }
        }
        for destination in ["0.1.2.3", "127.0.0.1", "169.254.1.1", "240.0.0.1"] {
            var bench = Bench()
            #expect(
                bench.send(PacketBuilder("192.168.50.10", destination).udp(1, 2), on: .lan).isEmpty)
            #expect(bench.drops(.martianDestination, on: .lan) == 1)
        }
        var bench = Bench()
        bench.send(PacketBuilder("192.168.50.1", "198.51.100.7").udp(1, 2), on: .lan)
        #expect(bench.drops(.sourceOwnAddress, on: .lan) == 1)
        bench.send(PacketBuilder("192.168.50.10", "203.0.113.2").udp(1, 2), on: .wan)
        #expect(bench.drops(.sourceReversePath, on: .wan) == 1)
        bench.send(PacketBuilder("198.18.0.5", "198.51.100.7").udp(1, 2), on: .lan)
        #expect(bench.drops(.sourceReversePath, on: .lan) == 1)
    }

    @Test(.row("F-23"), .row("S42"))
    func sourceRouteIsDroppedAndOthersPass() {
        var bench = Bench()
        let loose = Self.host.with { $0.options = [131, 7, 4, 1, 2, 3, 4] }
        bench.send(loose.udp(1, 2), on: .lan)
        #expect(bench.drops(.ipv4SourceRoute, on: .lan) == 1)
        let record = Self.host.with { $0.options = [7, 7, 4, 0, 0, 0, 0] }
        bench.send(record.udp(1, 2), on: .lan)
        #expect(bench.take().last?.seen["ip.options"] == "07 07 04 00 00 00 00 00")
        let broken = Self.host.with { $0.options = [7, 1, 4, 0] }
        bench.send(broken.udp(1, 2), on: .lan)
        #expect(bench.drops(.ipv4Options, on: .lan) == 1)
    }

    @Test func superPacketsStayWhole() throws {
        var bench = Bench()
        bench.connect(Self.host, 5000, 80)
        let data = [UInt8](repeating: 3, count: 60_000)
        let big = Self.host.tcp(5000, 80, .ack, data, checksum: .partial)
        var header = VirtioNetHeader()
        header.flags = VirtioNetHeader.needsChecksum
        header.segmentationType = VirtioNetHeader.tcp4
        header.segmentSize = 1448
        header.checksumStart = 34
        header.checksumOffset = 16
        header.headerLength = 9999
        let out = try #require(bench.send(big, on: .lan, header: header).last)
        #expect(out.seen.problems == [])
        #expect(out.seen.payload == data)
        var expected = header
        expected.headerLength = 54
        #expect(out.header == expected)
        header.checksumStart = 36
        bench.send(big, on: .lan, header: header)
        #expect(bench.drops(.offloadChecksum, on: .lan) == 1)
    }
}
