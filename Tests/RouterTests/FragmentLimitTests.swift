import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// How long pieces wait and how many, and who goes when there is no room (rows D-6, D-7, S20).
struct FragmentLimitTests {
    static func pieces(
        _ id: UInt16, from source: String = "192.168.50.10", to destination: String, _ count: Int
    ) -> [[UInt8]] {
        let path = PacketBuilder(source, destination).with {
            $0.fragmentField = 0; $0.identification = id
        }
        return fragments(of: path.echo(identifier: 9, noise(count)), size: 256)
    }

    @Test(.row("D-6"))
    func unfinishedDatagramsAreForgotten() {
        var bench = Bench()
        bench.send(FragmentTests.piece(1, 104, 104, more: true), on: .lan)
        bench.send(FragmentTests.piece(2, 0, 104, more: true), on: .lan)
        #expect(bench.take().count == 1)
        bench.advance(.seconds(29))
        #expect(bench.drops(.fragmentTimeout, on: .lan) == 0)
        bench.advance(.seconds(2))
        #expect(bench.drops(.fragmentTimeout, on: .lan) == 1)
        // We are no host of theirs: nobody is told.
        #expect(bench.take().isEmpty)
        // The same identification begins anew.
        let whole = FragmentTests.host.with {
            $0.fragmentField = 0; $0.identification = 1
        }
        .udp(4000, 53, noise(500))
        for piece in fragments(of: whole, size: 256) { bench.send(piece, on: .lan) }
        #expect(bench.take().count == 2)
    }

    @Test(.row("D-6"), arguments: [Side.lan, .wan])
    func theGatewayWaitsAMinuteAndTellsTheSender(side: Side) throws {
        let source = side == .lan ? "192.168.50.10" : "203.0.113.9"
        let own = side == .lan ? "192.168.50.1" : "203.0.113.2"
        var bench = Bench { $0.nat.timeouts.fragment = .seconds(5) }
        bench.meet(source, on: side)
        let pings = (1...2).map { Self.pieces(UInt16($0), from: source, to: own, 900) }
        // Of one datagram the first piece is there, of the other only later ones.
        for piece in pings[0][..<3].reversed() { bench.send(piece, on: side) }
        for piece in pings[1][1...] { bench.send(piece, on: side) }
        bench.advance(.seconds(59))
        #expect(bench.take().isEmpty)
        // Before its first piece nobody knows for whom a datagram to an outside address is.
        #expect(bench.drops(.fragmentTimeout, on: side) == (side == .lan ? 0 : 3))
        bench.advance(.seconds(2))
        let told = bench.take()
        #expect(told.count == 1)
        let error = try #require(told.first)
        #expect(error.seen.problems == [])
        #expect(error.side == side)
        #expect(error.seen["icmp.type"] == "11")
        #expect(error.seen["icmp.code"] == "1")
        #expect(error.seen["ip.src"] == own)
        #expect(error.seen["ip.dst"] == source)
        #expect(Array(error.bytes[42...]) == pings[0][0])
        #expect(bench.drops(.fragmentTimeout, on: side) == 6)
    }

    @Test(.row("D-6"), .row("F-19"))
    func aPieceInTimeIsInTime() {
        var bench = Bench { $0.nat.timeouts.fragment = .seconds(5) }
        bench.meet("192.168.50.10")
        let ping = Self.pieces(1, to: "192.168.50.1", 900)
        for piece in ping.dropLast() { bench.send(piece, on: .lan) }
        bench.advance(.seconds(59))
        bench.send(ping[ping.count - 1], on: .lan)
        #expect(bench.take().first?.seen["icmp.type"] == "0")
        bench.advance(.seconds(70))
        #expect(bench.take().isEmpty)
        #expect(bench.allDrops(on: .lan) == 0)
    }

    @Test(.row("D-7"), .row("S20"))
    func piecesOfADatagramAreLimited() {
        var bench = Bench()
        for number in 1...80 {
            bench.send(FragmentTests.piece(1, number * 8, 8, more: true), on: .lan)
        }
        // The 65th ends it, those held go with it, and what still comes.
        #expect(bench.drops(.fragmentLimit, on: .lan) == 80)
        bench.send(FragmentTests.piece(1, 0, 8, more: true), on: .lan)
        #expect(bench.take().isEmpty)
    }

    @Test(.row("D-7"), .row("S20"))
    func aSourceLosesItsOwnOldest() {
        var bench = Bench()
        // One piece each; the first of them comes when it is 17 datagrams old, the rest in time.
        let whole = (1...40 as ClosedRange<UInt16>).map { id in
            FragmentTests.host.with {
                $0.fragmentField = 0; $0.identification = id
            }.udp(4000, 53, noise(500))
        }.map { fragments(of: $0, size: 256) }
        for pieces in whole { bench.send(pieces[1], on: .lan) }
        #expect(bench.drops(.fragmentLimit, on: .lan) == 24)
        #expect(bench.take().isEmpty)
        for pieces in whole[24...] { bench.send(pieces[0], on: .lan) }
        #expect(bench.take().count == 32)
        // Another host has places of its own.
        for pieces in whole[..<16] { bench.send(pieces[1], on: .lan) }
        let other = PacketBuilder("192.168.50.11", "198.51.100.7")
            .with {
                $0.fragmentField = 0; $0.identification = 1
            }.udp(1, 2, noise(500))
        for piece in fragments(of: other, size: 256).reversed() { bench.send(piece, on: .lan) }
        #expect(bench.take().count == 2)
        #expect(bench.drops(.fragmentLimit, on: .lan) == 24)
    }

    @Test(.row("D-7"), .row("S20"), .row("U-14a"))
    func whenAllIsFullTheGreediestLoses() {
        var bench = Bench { $0.nat.limits.fragments = 64 }
        func piece(_ source: String, _ id: UInt16) -> [UInt8] {
            FragmentTests.piece(
                id, 104, 104, more: true, path: PacketBuilder(source, "198.51.100.7"))
        }
        // A modest host has two, five greedy ones would have 16 each.
        for id in 1...2 as ClosedRange<UInt16> { bench.send(piece("192.168.50.9", id), on: .lan) }
        for id in 1...400 as ClosedRange<UInt16> {
            bench.send(piece("192.168.50.\(20 + id % 5)", id), on: .lan)
        }
        for id in 1...2 as ClosedRange<UInt16> {
            let first = FragmentTests.piece(
                id, 0, 104, more: true, path: PacketBuilder("192.168.50.9", "198.51.100.7"))
            bench.send(first, on: .lan)
        }
        #expect(bench.take().count == 4)
    }

    @Test(.row("S20"), .row("D-7"), .row("U-14a"))
    func aFloodOfUnfinishedDatagramsHarmsNobody() {
        var bench = Bench()
        bench.send(FragmentTests.host.udp(4000, 53), on: .lan)
        _ = bench.take()
        let data = noise(1480)
        var random = Random(seed: 5)
        for step in 0..<60 {
            var flood: [[UInt8]] = []
            for _ in 0..<100 {
                let source = IPv4Address(ip("192.168.50.20").rawValue + UInt32(random.below(200)))
                let path = PacketBuilder(source, ip("198.51.100.7")).with {
                    $0.identification = UInt16(truncatingIfNeeded: random.next())
                    $0.fragmentField = 0x2000 | UInt16(185 * (1 + random.below(40)))
                }
                flood.append(path.packet(17, data))
            }
            bench.batch(flood, on: .lan)
            if step % 6 == 0 { bench.advance(.seconds(1)) }
            // Established, new, waiting for a neighbour: all as ever.
            bench.send(FragmentTests.host.udp(4000, 53), on: .lan)
            bench.send(FragmentTests.host.udp(UInt16(5000 + step), 53), on: .lan)
            bench.send(PacketBuilder("192.168.50.10", "203.0.113.\(20 + step)").udp(1, 2), on: .lan)
            #expect(bench.take().count == 3)
            // So do fragmented datagrams, in order and not, from sources among those forged.
            for source in ["192.168.50.10", "192.168.50.30"] {
                let whole = PacketBuilder(source, "198.51.100.7").with {
                    $0.fragmentField = 0; $0.identification = UInt16(step)
                }.udp(4000, 53, noise(3000))
                let pieces = fragments(of: whole, size: 1480)
                for piece in step % 2 == 0 ? pieces : pieces.reversed() {
                    bench.send(piece, on: .lan)
                }
                #expect(bench.take().count == 3)
            }
        }
        #expect(bench.drops(.fragmentLimit, on: .lan) > 1000)
        #expect(bench.drops(.arpQueueFull, on: .lan) == 0)
        bench.advance(.seconds(40))
        let whole = FragmentTests.host.with { $0.fragmentField = 0 }.udp(4000, 53, noise(3000))
        for piece in fragments(of: whole, size: 1480).reversed() { bench.send(piece, on: .lan) }
        #expect(bench.take().count == 3)
    }

}
