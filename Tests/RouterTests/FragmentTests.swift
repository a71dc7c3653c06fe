import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// Fragmented datagrams through the translation and to the gateway (rows D, S20, S07).
struct FragmentTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    /// A piece of a UDP datagram by place and length in octets of its IP payload.
    static func piece(
        _ id: UInt16, _ from: Int, _ count: Int, more: Bool, of data: [UInt8]? = nil,
        path: PacketBuilder = host
    ) -> [UInt8] {
        let whole = data ?? Array(path.udp(4000, 53, noise(2000)).dropFirst(20))
        let field = UInt16(from / 8) | (more ? 0x2000 : 0)
        return path.with {
            $0.identification = id; $0.fragmentField = field
        }
        .packet(17, Array(whole[from..<(from + count)]))
    }

    /// The payload of a datagram put together from its pieces, each place exactly once.
    static func joined(_ frames: [SentFrame]) -> [UInt8]? {
        let pieces = frames.compactMap { frame -> (Int, [UInt8])? in
            guard let offset = frame.seen["ip.frag_offset"].flatMap({ Int($0) }) else { return nil }
            return (offset * 8, Array(frame.bytes.dropFirst(34)))
        }.sorted { $0.0 < $1.0 }
        var result: [UInt8] = []
        for (offset, part) in pieces {
            guard offset == result.count else { return nil }
            result += part
        }
        return result
    }

    static func permutations(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(count - 1).flatMap { rest in
            (0...rest.count).map { Array(rest[..<$0]) + [count - 1] + Array(rest[$0...]) }
        }
    }

    @Test(.row("D-2"), .row("D-9"), .row("U-14"))
    func piecesComeInAnyOrder() {
        var bench = Bench()
        let data = noise(1200)
        for (number, order) in Self.permutations(5).enumerated() {
            let whole = Self.host.with {
                $0.fragmentField = 0; $0.identification = UInt16(number)
            }
            .udp(4000, 53, data)
            let pieces = fragments(of: whole, size: 256)
            for index in order { bench.send(pieces[index], on: .lan) }
            let out = bench.take()
            #expect(out.count == 5)
            #expect(Self.joined(out).map { Array($0.dropFirst(8)) } == data)
            #expect(Set(out.map { $0.seen["ip.id"] }).count == 1)
            #expect(out.allSatisfy { $0.seen["ip.src"] == "203.0.113.2" })
        }
        #expect(bench.sessionCount == 1)
        bench.advance(.seconds(40))
        #expect(bench.allDrops(on: .lan) == 0)
    }

    @Test(.row("D-2"), .row("D-7"))
    func copiesDoNotMatter() {
        var bench = Bench()
        let whole = Self.host.with {
            $0.fragmentField = 0; $0.identification = 3
        }
        .udp(4000, 53, noise(1200))
        let pieces = fragments(of: whole, size: 256)
        for piece in pieces.reversed() {
            for _ in 0..<40 { bench.send(piece, on: .lan) }
        }
        // What waited for the first piece left once.
        let out = bench.take()
        let later = out.filter { $0.seen["ip.frag_offset"] != "0" }
        #expect(Set(later.map(\.bytes)).count == 4)
        #expect(later.count == 4)
        #expect(bench.drops(.fragmentDuplicate, on: .lan) == 4 * 39)
    }

    @Test(.row("F-19"), .row("D-2"), .row("S20"))
    func copiesOfPiecesForTheGatewayDoNotMatter() {
        var bench = Bench()
        bench.meet("192.168.50.10")
        let ping = PacketBuilder("192.168.50.10", "192.168.50.1")
            .with {
                $0.fragmentField = 0; $0.identification = 3
            }
            .echo(identifier: 9, noise(3000))
        let pieces = fragments(of: ping, size: 1480)
        // In one batch, so that nothing is taken up in between.
        for _ in 0..<3 { bench.batch(pieces + pieces + pieces.reversed(), on: .lan) }
        bench.send(Self.host.udp(1, 2), on: .lan)
        let replies = bench.take().filter { $0.side == .lan }
        #expect(Self.joined(replies).map { Array($0.dropFirst(8)) } == noise(3000))
        for _ in 0..<5 {
            bench.send(ping.count > 0 ? pieces[0] : [], on: .lan)
            for piece in pieces.reversed() { bench.send(piece, on: .lan) }
            bench.advance(.seconds(40))
            #expect(bench.take().count == 3)
        }
    }

    /// The eight kinds of overlap of the OpenBSD regression tests, against 0-103 and 200-303.
    static let overlaps: [(String, Int, Int)] = [
        ("head", 0, 56), ("tail", 56, 48), ("inside", 24, 48), ("covers", 0, 152),
        ("crosses the end", 72, 64), ("crosses the start of the next", 152, 80),
        ("covers the gap", 96, 112), ("covers all", 0, 304),
    ]

    @Test(.row("D-3"), .row("S20"), arguments: [true, false])
    func overlapsKillTheDatagram(firstIsThere: Bool) {
        var bench = Bench()
        bench.send(Self.host.udp(4000, 53), on: .lan)
        _ = bench.take()
        for (number, (name, from, count)) in Self.overlaps.enumerated() {
            // Without the first piece everything waits: shift by one piece.
            let shift = firstIsThere ? 0 : 80
            let id = UInt16(100 + number)
            let start = [(0, 104), (200, 104)]
            for (place, length) in start {
                bench.send(Self.piece(id, shift + place, length, more: true), on: .lan)
            }
            _ = bench.take()
            let before = bench.drops(.fragmentOverlap, on: .lan)
            bench.send(Self.piece(id, shift + from, count, more: true), on: .lan)
            // What waited for the first piece is counted with it.
            let killed = before + (firstIsThere ? 1 : 3)
            #expect(bench.drops(.fragmentOverlap, on: .lan) == killed, "\(name)")
            // Whatever still comes of it goes the same way.
            bench.send(Self.piece(id, 400, 104, more: true), on: .lan)
            bench.send(Self.piece(id, 1000, 40, more: false), on: .lan)
            bench.send(Self.piece(id, 0, 80, more: true), on: .lan)
            #expect(bench.drops(.fragmentOverlap, on: .lan) == killed + 3, "\(name)")
            #expect(bench.take().isEmpty, "\(name)")
        }
        bench.advance(.seconds(40))
        #expect(bench.take().isEmpty)
        #expect(bench.drops(.fragmentTimeout, on: .lan) == 0)
    }

    @Test(.row("D-3"), .row("D-4"), .row("S20"))
    func twoEndsKillTheDatagram() {
        var bench = Bench()
        for (id, from) in [(1, 800), (2, 200)] as [(UInt16, Int)] {
            bench.send(Self.piece(id, 0, 104, more: true), on: .lan)
            bench.send(Self.piece(id, 400, 50, more: false), on: .lan)
            _ = bench.take()
            bench.send(Self.piece(id, from, 50, more: false), on: .lan)
            bench.send(Self.piece(id, 104, 96, more: true), on: .lan)
            #expect(bench.take().isEmpty)
        }
        #expect(bench.drops(.fragmentOverlap, on: .lan) == 4)
        // Behind the end.
        bench.send(Self.piece(3, 400, 50, more: false), on: .lan)
        bench.send(Self.piece(3, 800, 104, more: true), on: .lan)
        #expect(bench.drops(.fragmentOverlap, on: .lan) == 6)
    }

    @Test(.row("D-4"), .row("D-5"), .row("S20"))
    func impossiblePiecesAreDropped() {
        var bench = Bench()
        let data = noise(100)
        func raw(_ proto: UInt8, _ field: UInt16, _ payload: [UInt8]) -> [UInt8] {
            Self.host.with {
                $0.fragmentField = field; $0.identification = 7
            }.packet(proto, payload)
        }
        let tcp = Array(Self.host.tcp(1, 2, .syn, options: noise(12)).dropFirst(20))
        let cases: [([UInt8], DropReason)] = [
            (raw(17, 0x1fff, data), .fragmentMalformed),
            (raw(17, 0x1ff8, data), .fragmentMalformed),
            (raw(17, 0x2001, Array(data.prefix(15))), .fragmentMalformed),
            (
                raw(17, 0x2000, Array(Self.host.udp(1, 2, noise(9)).dropFirst(20))),
                .fragmentMalformed
            ),
            (raw(17, 0x2001, []), .fragmentMalformed),
            (raw(17, 0x0001, []), .fragmentMalformed),
            (raw(6, 0x2001, Array(data.prefix(16))), .fragmentTiny),
            (raw(6, 0x2000, Array(tcp.prefix(8))), .fragmentTiny),
            (raw(6, 0x2000, Array(tcp.prefix(16))), .fragmentTiny),
            (raw(6, 0x2000, Array(tcp.prefix(24))), .fragmentTiny),
            (raw(17, 0x2000, []), .fragmentTiny),
            (raw(1, 0x2000, []), .fragmentTiny),
        ]
        for (packet, reason) in cases {
            let before = bench.drops(reason, on: .lan)
            bench.send(packet, on: .lan)
            #expect(bench.drops(reason, on: .lan) == before + 1, "\(reason.name)")
        }
        #expect(bench.sent.filter(\.isInternet).isEmpty)
        #expect(bench.sessionCount == 0)
    }

    @Test(.row("D-9"), .row("S20"))
    func whatTheFirstPieceMayNotTheOthersMayNot() {
        var bench = Bench()
        let stranger = PacketBuilder("198.51.100.7", "203.0.113.2")
        for (id, firstLast) in [(1, false), (2, true)] as [(UInt16, Bool)] {
            var pieces = [
                Self.piece(id, 0, 104, more: true, path: stranger),
                Self.piece(id, 104, 104, more: true, path: stranger),
                Self.piece(id, 208, 100, more: false, path: stranger),
            ]
            if firstLast { pieces.reverse() }
            for piece in pieces { bench.send(piece, on: .wan) }
        }
        #expect(bench.sent.isEmpty)
        // Nothing waits for its time to run out: the rest is refused for the same reason.
        #expect(bench.drops(.natNoSession, on: .wan) == 6)
        bench.advance(.seconds(40))
        #expect(bench.drops(.fragmentTimeout, on: .wan) == 0)
    }

    @Test(.row("D-8"))
    func piecesKeepTheirSizesAndTheirBits() {
        for mode in [NATSettings.Mode.masquerade, .none] {
            var bench = Bench { $0.nat.mode = mode }
            let whole = Self.host.with {
                $0.fragmentField = 0; $0.identification = 9
            }
            .udp(4000, 53, noise(2000))
            var pieces = fragments(of: whole, size: 728)
            // DF on pieces is odd but allowed (RFC 6864 §4.1).
            pieces = pieces.map { changed($0, [6: $0[6] | 0x40]) }
            for piece in pieces { bench.send(piece, on: .lan) }
            let out = bench.take()
            #expect(out.map { $0.bytes.count } == pieces.map { $0.count + 14 })
            #expect(out.allSatisfy { $0.seen["ip.flags.df"] == "1" })
            #expect(Self.joined(out).map { Array($0.dropFirst(8)) } == noise(2000))
        }
    }

    @Test(.row("F-18"), .row("D-8"))
    func piecesAreCutAgainInPlace() {
        for mode in [NATSettings.Mode.masquerade, .none] {
            var bench = Bench {
                $0.nat.mode = mode; $0[.wan].mtu = 576
            }
            let options: [UInt8] = [0x94, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 1]
            let data = noise(3000)
            let path = Self.host.with {
                $0.options = options; $0.identification = 4
            }
            let transport = Array(Self.host.udp(4000, 53, data).dropFirst(20))
            for from in stride(from: 0, to: transport.count, by: 1400) {
                let part = Array(transport[from..<min(from + 1400, transport.count)])
                let more: UInt16 = from + 1400 < transport.count ? 0x2000 : 0
                let piece = path.with { $0.fragmentField = UInt16(from / 8) | more }
                bench.send(piece.packet(17, part), on: .lan)
            }
            let out = bench.take()
            var result: [UInt8] = []
            for frame in out.sorted(by: {
                Int($0.seen["ip.frag_offset"] ?? "") ?? 0 < Int($1.seen["ip.frag_offset"] ?? "")
                    ?? 0
            }) {
                let length = Int(frame.seen["ip.hdr_len"] ?? "") ?? 0
                #expect(Int(frame.seen["ip.frag_offset"] ?? "") == result.count / 8)
                #expect(frame.bytes.count <= 14 + 576)
                #expect(frame.seen.problems.allSatisfy { !$0.hasPrefix("ip") })
                result += frame.bytes.dropFirst(14 + length)
            }
            #expect(Array(result.dropFirst(8)) == data)
            #expect(Set(out.map { $0.seen["ip.id"] }).count == 1)
            // Router alert is copied to every piece, record route stays in the first of each.
            #expect(out.allSatisfy { $0.seen["ip.options"]?.hasPrefix("94 04 00 00") == true })
            #expect(out.filter { $0.seen["ip.options"]?.contains("07 07 04") == true }.count == 3)
        }
    }

    @Test(.row("U-14"), .row("U-9"), arguments: [false, true])
    func piecesTurnAroundWithTheirFirstOne(reversed: Bool) throws {
        var bench = Bench { $0.nat.filtering = .endpointIndependent }
        let other = PacketBuilder("192.168.50.11", "198.51.100.7")
        let port = try outsidePort(bench.send(other.udp(6000, 53), on: .lan).first)
        let whole = PacketBuilder("192.168.50.10", "203.0.113.2")
            .with {
                $0.fragmentField = 0; $0.identification = 77
            }.udp(4000, port, noise(4000))
        let pieces = fragments(of: whole, size: 1480)
        _ = bench.take()
        for piece in reversed ? pieces.reversed() : pieces { bench.send(piece, on: .lan) }
        let out = bench.take()
        #expect(out.count == 3)
        #expect(Self.joined(out).map { Array($0.dropFirst(8)) } == noise(4000))
        #expect(
            out.allSatisfy {
                $0.side == .lan && $0.seen["ip.src"] == "203.0.113.2"
                    && $0.seen["ip.dst"] == "192.168.50.11" && $0.seen["ip.ttl"] == "63"
            })
        #expect(bench.allDrops(on: .lan) == 0)
    }

    @Test(.row("D-1"), .row("S07"), .row("X-10"))
    func twoHostsWithOneIdentificationAreNotMixed() throws {
        var bench = Bench()
        var seen: Set<String> = []
        for round in 0..<50 as Range<UInt8> {
            let datas = [noise(3000, seed: 1), noise(3000, seed: 2)]
            let pieces = zip(["192.168.50.10", "192.168.50.11"], datas).map { source, data in
                fragments(
                    of: PacketBuilder(source, "198.51.100.7")
                        .with {
                            $0.fragmentField = 0; $0.identification = 7
                        }
                        .udp(4000, 53, data + [round]), size: 1480)
            }
            for (one, two) in zip(pieces[0], pieces[1]) {
                bench.send(one, on: .lan)
                bench.send(two, on: .lan)
            }
            let out = bench.take()
            let groups = Dictionary(grouping: out) { $0.seen["ip.id"] ?? "" }
            #expect(groups.count == 2)
            #expect(
                Set(groups.values.compactMap { Self.joined($0) }.map { Array($0.dropFirst(8)) })
                    == Set(datas.map { $0 + [round] }))
            seen.formUnion(groups.keys)
        }
        #expect(seen.count == 100)
    }

    @Test(.row("D-1"), .row("S07"))
    func whatMayBeCutGetsAnIdentificationThatDoesNotRepeat() throws {
        var bench = Bench()
        bench.send(Self.host.udp(4000, 53), on: .lan)
        _ = bench.take()
        var order: [Int] = []
        for _ in 0..<2000 {
            let packet = Self.host.with {
                $0.fragmentField = 0; $0.identification = 7
            }.udp(4000, 53)
            let out = try #require(bench.send(packet, on: .lan).first)
            _ = bench.take()
            order.append(try #require(Int(out.seen["ip.id"] ?? "")))
            #expect(out.seen.problems == [])
        }
        #expect(Set(order).count == 2000)
        // No order in them: as many steps up as down, and none of one.
        let steps = zip(order, order.dropFirst()).map { ($1 - $0 + 65_536) % 65_536 }
        #expect((850...1150).contains(steps.filter { $0 < 32_768 }.count))
        #expect(steps.filter { $0 < 16 }.count < 5)
        // Atomic packets keep theirs, and so does what comes in.
        let atomic = Self.host.with { $0.identification = 7 }.udp(4000, 53)
        let out = try #require(bench.send(atomic, on: .lan).first)
        #expect(out.seen["ip.id"] == "7")
        let answer = PacketBuilder("198.51.100.7", "203.0.113.2")
            .with {
                $0.fragmentField = 0; $0.identification = 9
            }.udp(53, try outsidePort(out))
        #expect(bench.send(answer, on: .wan).first?.seen["ip.id"] == "9")
    }

    @Test(.row("S07"))
    func whatTheGatewayMakesTellsNothing() throws {
        var bench = Bench()
        var seen: Set<String> = []
        for size in [0, 400, 548, 549, 1400, 1400, 1400] {
            let ping = PacketBuilder("192.168.50.10", "192.168.50.1")
                .with {
                    $0.fragmentField = 0; $0.identification = 4242
                }
                .echo(identifier: 3, noise(size))
            let reply = try #require(bench.send(ping, on: .lan).first)
            #expect(reply.seen.problems == [])
            if size <= 548 {
                #expect(reply.seen["ip.flags.df"] == "1")
                #expect(reply.seen["ip.id"] == "0")
            } else {
                #expect(reply.seen["ip.flags.df"] == "0")
                seen.insert(reply.seen["ip.id"] ?? "")
            }
        }
        #expect(seen.count == 4)
        #expect(!seen.contains("4242"))
    }
}
