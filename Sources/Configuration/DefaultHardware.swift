public import Wire

extension DeviceSettings {
    /// The hardware address of a side that configures none: locally administered, unicast, and the
    /// same on every start of the instance `name` on this machine.
    ///
    /// machine-id(5) asks not to show the id to others, so it goes through a keyed hash.
    public static func defaultHardware(machineID: String, name: String, side: Side) -> MACAddress {
        var hash = SipHash(key: (0x6761_7465_7761_7964, 0x6d61_6361_6464_7231))
        hash.absorb(machineID.utf8)
        hash.absorb(0)
        hash.absorb(name.utf8)
        hash.absorb(0)
        hash.absorb(side.rawValue)
        let bits = hash.finish() & 0xffff_ffff_ffff
        return MACAddress(bits & ~0x0300_0000_0000 | 0x0200_0000_0000)
    }
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012). `Hasher` differs from one process to the next.
struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var tail: UInt64 = 0
    private var count = 0

    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { absorb(byte) }
    }

    mutating func absorb(_ byte: UInt8) {
        tail |= UInt64(byte) << UInt64(8 * (count & 7))
        count += 1
        if count & 7 == 0 { compress() }
    }

    mutating func finish() -> UInt64 {
        tail |= UInt64(count & 0xff) << 56
        compress()
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func compress() {
        v3 ^= tail
        round()
        round()
        v0 ^= tail
        tail = 0
    }

    private mutating func round() {
        func rotate(_ x: UInt64, _ n: UInt64) -> UInt64 { x << n | x >> (64 - n) }
        v0 &+= v1
        v1 = rotate(v1, 13) ^ v0
        v0 = rotate(v0, 32)
        v2 &+= v3
        v3 = rotate(v3, 16) ^ v2
        v0 &+= v3
        v3 = rotate(v3, 21) ^ v0
        v2 &+= v1
        v1 = rotate(v1, 17) ^ v2
        v2 = rotate(v2, 32)
    }
}
