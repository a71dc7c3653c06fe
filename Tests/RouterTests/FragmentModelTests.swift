import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// Fragments against a reassembler that keeps every octet and thinks of nothing else.
struct FragmentModelTests {
    /// What a datagram has met, octet by octet.
    struct Oracle {
        struct Piece: Hashable {
            var start: Int
            var end: Int
            var isLast: Bool
        }

        enum Outcome: Equatable {
            case dead
            case copy
            case waits
            /// These leave, in this order.
            case leave([Piece])
        }

        var known: Set<Piece> = []
        var covered: Set<Int> = []
        var end: Int?
        var waiting: [Piece] = []
        var isDead = false
        var hasFirst = false

        var isWhole: Bool { end.map { covered == Set(0..<$0) } ?? false }

        mutating func take(_ piece: Piece) -> Outcome {
            if isDead { return .dead }
            let place = Set(piece.start..<piece.end)
            let isCopy = known.contains {
                $0.start == piece.start && $0.end == piece.end
            }
            isDead =
                piece.isLast && (end ?? piece.end) != piece.end
                || piece.isLast && covered.contains { $0 >= piece.end }
                || piece.end > end ?? .max
                || !isCopy && !covered.isDisjoint(with: place)
            guard !isDead else {
                waiting = []
                return .dead
            }
            if piece.isLast { end = piece.end }
            known.insert(piece)
            covered.formUnion(place)
            if hasFirst { return .leave([piece]) }
            if piece.start == 0 {
                hasFirst = true
                defer { waiting = [] }
                return .leave([piece] + waiting)
            }
            guard !isCopy else { return .copy }
            waiting.append(piece)
            return .waits
        }
    }

    /// A shuffled datagram with copies, holes, overlaps and second ends here and there.
    static func stream(_ length: Int, _ random: inout Random) -> [Oracle.Piece] {
        var pieces: [Oracle.Piece] = []
        var start = 0
        while start < length {
            let end = min(start + 8 * (1 + random.below(6)), length)
            pieces.append(Oracle.Piece(start: start, end: end, isLast: end == length))
            start = end
        }
        for _ in 0..<random.below(3) { pieces.append(pieces[random.below(pieces.count)]) }
        if random.below(3) == 0 {
            let start = 8 * random.below(length / 8)
            let end = start + 8 * (1 + random.below(4))
            let isLast = start > 0 && random.below(3) == 0
            pieces.append(Oracle.Piece(start: start, end: end, isLast: isLast))
        }
        if random.below(4) == 0 { pieces.remove(at: random.below(pieces.count)) }
        for index in pieces.indices.reversed() {
            pieces.swapAt(index, random.below(index + 1))
        }
        return pieces
    }

    static func packet(_ piece: Oracle.Piece, _ id: UInt16, _ whole: [UInt8]) -> [UInt8] {
        let payload = Array(whole.dropFirst(20)) + noise(64)
        let path = PacketBuilder(
            IPv4Address(whole[12..<16].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }),
            IPv4Address(whole[16..<20].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
        return path.with {
            $0.identification = id
            $0.fragmentField = UInt16(piece.start / 8) | (piece.isLast ? 0 : 0x2000)
        }.packet(whole[9], Array(payload[piece.start..<piece.end]))
    }

    @Test(
        .row("D-2"), .row("D-3"), .row("D-4"), .row("D-9"), .row("S20"), .row("U-14"),
        arguments: 1...6 as ClosedRange<UInt64>)
    func piecesFollowAsTheOracleSays(seed: UInt64) {
        var random = Random(seed: seed)
        var bench = Bench(seed: seed)
        var deaths = 0
        for round in 0..<40 as Range<UInt16> {
            // Several datagrams of three hosts, mixed.
            var open: [(whole: [UInt8], left: [Oracle.Piece], oracle: Oracle)] = []
            for number in 0..<6 {
                let host = PacketBuilder("192.168.50.\(10 + number % 3)", "198.51.100.7")
                let data = noise(100 + random.below(200), seed: random.next())
                let whole = host.udp(4000, 53, data)
                open.append((whole, Self.stream(whole.count - 20, &random), Oracle()))
            }
            while let index = open.indices.filter({ !open[$0].left.isEmpty }).randomElement(
                using: &random)
            {
                let piece = open[index].left.removeLast()
                let before = bench.drops(.fragmentDuplicate, on: .lan)
                let id = round * 8 + UInt16(index / 3)
                bench.send(Self.packet(piece, id, open[index].whole), on: .lan)
                let out = bench.take().map { frame in
                    let start = (Int(frame.seen["ip.frag_offset"] ?? "") ?? -1) * 8
                    return Oracle.Piece(
                        start: start, end: start + frame.bytes.count - 34,
                        isLast: frame.bytes[20] & 0x20 == 0)
                }
                let outcome = open[index].oracle.take(piece)
                switch outcome {
                case .leave(let pieces): #expect(out == pieces)
                default: #expect(out.isEmpty, "\(outcome)")
                }
                let copies = bench.drops(.fragmentDuplicate, on: .lan) - before
                #expect(copies == (outcome == .copy ? 1 : 0))
                if outcome == .dead { deaths += 1 }
                // What is whole is forgotten; a late copy begins anew.
                if open[index].oracle.isWhole, open[index].oracle.hasFirst,
                    open[index].oracle.isDead == false
                {
                    open[index].oracle = Oracle()
                }
            }
            bench.advance(.seconds(61))
        }
        #expect(deaths > 20)
    }

    @Test(
        .row("D-2"), .row("D-3"), .row("F-19"), .row("S20"), arguments: 1...6 as ClosedRange<UInt64>
    )
    func theGatewayPutsTogetherWhatTheOracleDoes(seed: UInt64) {
        var random = Random(seed: seed)
        var bench = Bench(seed: seed)
        bench.meet("192.168.50.10")
        var answers = 0
        for round in 0..<80 as Range<UInt16> {
            let data = noise(100 + random.below(200), seed: random.next())
            let ping = PacketBuilder("192.168.50.10", "192.168.50.1")
                .echo(identifier: 3, data)
            var oracle = Oracle()
            for piece in Self.stream(ping.count - 20, &random) {
                let out = bench.send(Self.packet(piece, round, ping), on: .lan)
                _ = oracle.take(piece)
                let isWhole = oracle.isWhole && !oracle.isDead
                #expect(out.count == (isWhole ? 1 : 0))
                if isWhole {
                    #expect(out.first?.seen.problems == [])
                    // An overlong last piece brings noise that is not of the data.
                    let kept = oracle.end.map { min($0 - 8, data.count) } ?? 0
                    #expect(
                        out.first.map { Array($0.bytes[42..<(42 + kept)]) }
                            == Array(data.prefix(kept)))
                    answers += 1
                    oracle = Oracle()
                }
            }
            _ = bench.take()
            bench.advance(.seconds(61))
            _ = bench.take()
        }
        #expect(answers > 20)
    }
}
