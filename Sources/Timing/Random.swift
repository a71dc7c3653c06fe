/// A stream of random numbers nobody can predict from earlier ones: ChaCha20 (RFC 8439 §2.3).
///
/// Seeded from the kernel in the daemon and from a number in tests, so that a run can be repeated.
public struct Random: RandomNumberGenerator, Sendable {
    private var state: InlineArray<16, UInt32>
    private var block: InlineArray<16, UInt32>
    private var used = 16

    /// A generator from 256 bits of key.
    public init(key: (UInt64, UInt64, UInt64, UInt64)) {
        state = InlineArray(repeating: 0)
        block = InlineArray(repeating: 0)
        let constants: InlineArray<4, UInt32> = [
            0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574,
        ]
        for i in 0..<4 { state[i] = constants[i] }
        let words: InlineArray<4, UInt64> = [key.0, key.1, key.2, key.3]
        for i in 0..<4 {
            state[4 + 2 * i] = UInt32(truncatingIfNeeded: words[i])
            state[5 + 2 * i] = UInt32(truncatingIfNeeded: words[i] >> 32)
        }
    }

    /// A generator for a test, from a small seed.
    public init(seed: UInt64) { self.init(key: (seed, 0, 0, 0)) }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        if used >= 16 {
            refill()
            used = 0
        }
        let low = block[used]
        let high = block[used + 1]
        used += 2
        return UInt64(high) << 32 | UInt64(low)
    }

    /// A number in 0..<bound without bias worth mentioning (below 2^-32). `bound` must be above 0.
    public mutating func below(_ bound: Int) -> Int {
        let product = UInt64(truncatingIfNeeded: bound).multipliedFullWidth(by: next())
        return Int(truncatingIfNeeded: product.high)
    }

    /// RFC 8439 §2.3.1: ten double rounds, then the input added.
    private mutating func refill() {
        var x = state
        for _ in 0..<10 {
            Self.quarter(&x, 0, 4, 8, 12)
            Self.quarter(&x, 1, 5, 9, 13)
            Self.quarter(&x, 2, 6, 10, 14)
            Self.quarter(&x, 3, 7, 11, 15)
            Self.quarter(&x, 0, 5, 10, 15)
            Self.quarter(&x, 1, 6, 11, 12)
            Self.quarter(&x, 2, 7, 8, 13)
            Self.quarter(&x, 3, 4, 9, 14)
        }
        for i in 0..<16 { block[i] = x[i] &+ state[i] }
        state[12] = state[12] &+ 1
        if state[12] == 0 { state[13] = state[13] &+ 1 }
    }

    /// RFC 8439 §2.1.
    @inline(__always)
    private static func quarter(
        _ x: inout InlineArray<16, UInt32>, _ a: Int, _ b: Int, _ c: Int, _ d: Int
    ) {
        x[a] = x[a] &+ x[b]
        x[d] = rotate(x[d] ^ x[a], 16)
        x[c] = x[c] &+ x[d]
        x[b] = rotate(x[b] ^ x[c], 12)
        x[a] = x[a] &+ x[b]
        x[d] = rotate(x[d] ^ x[a], 8)
        x[c] = x[c] &+ x[d]
        x[b] = rotate(x[b] ^ x[c], 7)
    }

    @inline(__always)
    private static func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 {
        value << bits | value >> (32 - bits)
    }
}
