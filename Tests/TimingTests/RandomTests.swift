import Testing
import Timing

/// The block function as RFC 8439 §2.3 writes it down, with any counter and nonce.
private func chacha20Block(key: [UInt8], counter: UInt32, nonce: [UInt8]) -> [UInt8] {
    func words(_ bytes: [UInt8]) -> [UInt32] {
        var words = [UInt32](repeating: 0, count: bytes.count / 4)
        for (i, octet) in bytes.enumerated() { words[i / 4] |= UInt32(octet) << UInt32(i % 4 * 8) }
        return words
    }
    let start = words(Array("expand 32-byte k".utf8)) + words(key) + [counter] + words(nonce)
    var x = start
    func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
        for (sum, addend, target, bits) in [
            (a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7),
        ] as [(Int, Int, Int, UInt32)] {
            x[sum] = x[sum] &+ x[addend]
            let mixed = x[target] ^ x[sum]
            x[target] = mixed << bits | mixed >> (32 - bits)
        }
    }
    for _ in 0..<10 {
        for column in 0..<4 { quarter(column, 4 + column, 8 + column, 12 + column) }
        for i in 0..<4 { quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4) }
    }
    return zip(x, start).flatMap { mixed, original in
        let sum = mixed &+ original
        return (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(8 * $0)) }
    }
}

private func bytes(_ hex: String) -> [UInt8] {
    hex.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
}

private func generator(key: [UInt8]) -> Random {
    var words: [UInt64] = [0, 0, 0, 0]
    for (i, octet) in key.enumerated() { words[i / 8] |= UInt64(octet) << UInt64(i % 8 * 8) }
    return Random(key: (words[0], words[1], words[2], words[3]))
}

/// The next 64 octets of the stream.
private func block(_ random: inout Random) -> [UInt8] {
    (0..<8).flatMap { _ in
        let word = random.next()
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
}

@Suite struct RandomTests {
    @Test("The test's own block function agrees with RFC 8439 §2.3.2")
    func referenceVector() {
        let output = chacha20Block(
            key: (0..<32).map { UInt8($0) }, counter: 1,
            nonce: bytes("00 00 00 09 00 00 00 4a 00 00 00 00"))
        #expect(
            output
                == bytes(
                    """
                    10 f1 e7 e4 d1 3b 59 15 50 0f dd 1f a3 20 71 c4
                    c7 d1 f4 c7 33 c0 68 03 04 22 aa 9a c3 d4 6c 4e
                    d2 82 64 46 07 9f aa 09 14 c2 d7 05 d9 8b 02 a2
                    b5 12 9c d1 de 16 4e b9 cb d0 83 e8 a2 50 3c 4e
                    """))
    }

    @Test("RFC 8439 A.1 vectors 1 and 2: key zero, counters 0 and 1")
    func zeroKey() {
        var random = Random(key: (0, 0, 0, 0))
        #expect(
            block(&random)
                == bytes(
                    """
                    76 b8 e0 ad a0 f1 3d 90 40 5d 6a e5 53 86 bd 28
                    bd d2 19 b8 a0 8d ed 1a a8 36 ef cc 8b 77 0d c7
                    da 41 59 7c 51 57 48 8d 77 24 e0 3f b8 d8 4a 37
                    6a 43 b8 f4 15 18 a1 1c c3 87 b6 69 b2 ee 65 86
                    """))
        #expect(
            block(&random)
                == bytes(
                    """
                    9f 07 e7 be 55 51 38 7a 98 ba 97 7c 73 2d 08 0d
                    cb 0f 29 a0 48 e3 65 69 12 c6 53 3e 32 ee 7a ed
                    29 b7 21 76 9c e6 4e 43 d5 71 33 b0 74 d8 39 d5
                    31 ed 1f 28 51 0a fb 45 ac e1 0a 1f 4b 79 4d 6f
                    """))
    }

    @Test("RFC 8439 A.1 vector 3: last octet of the key 1, counter 1")
    func lastKeyOctet() {
        var random = generator(key: [UInt8](repeating: 0, count: 31) + [1])
        _ = block(&random)
        #expect(
            block(&random)
                == bytes(
                    """
                    3a eb 52 24 ec f8 49 92 9b 9d 82 8d b1 ce d4 dd
                    83 20 25 e8 01 8b 81 60 b8 22 84 f3 c9 49 aa 5a
                    8e ca 00 bb b4 a7 3b da d1 92 b5 c4 2f 73 f2 fd
                    4e 27 36 44 c8 b3 61 25 a6 4a dd eb 00 6c 13 a0
                    """))
    }

    @Test("Any key gives the blocks of a zero nonce from counter 0 on", arguments: 0..<8)
    func anyKey(seed: UInt64) {
        var seeds = Random(seed: seed)
        let key = (0..<32).map { _ in UInt8(truncatingIfNeeded: seeds.next()) }
        var random = generator(key: key)
        for counter in 0..<5 as Range<UInt32> {
            let nonce = [UInt8](repeating: 0, count: 12)
            #expect(block(&random) == chacha20Block(key: key, counter: counter, nonce: nonce))
        }
    }

    @Test("A seed repeats its stream, another seed has another")
    func seeds() {
        var (a, b, c) = (Random(seed: 1), Random(seed: 1), Random(seed: 2))
        let first = block(&a)
        #expect(first == block(&b))
        #expect(first != block(&c))
    }

    @Test("below(_:) stays in range and is even", arguments: [1, 2, 3, 7, 1000])
    func below(bound: Int) {
        var random = Random(seed: 42)
        var counts = [Int](repeating: 0, count: bound)
        let each = 20_000 / bound
        for _ in 0..<(each * bound) {
            let number = random.below(bound)
            guard (0..<bound).contains(number) else {
                Issue.record("\(number) is out of range")
                return
            }
            counts[number] += 1
        }
        // Chi squared: its mean is bound - 1, its standard deviation the root of twice that.
        let chi = counts.reduce(0.0) { sum, count in
            let off = Double(count - each)
            return sum + off * off / Double(each)
        }
        let freedom = Double(bound - 1)
        #expect(abs(chi - freedom) <= 5 * (2 * freedom).squareRoot())
    }

    @Test("below(_:) of the largest bound")
    func belowLargest() {
        var random = Random(seed: 1)
        for _ in 0..<1000 { #expect(random.below(.max) >= 0) }
    }
}
