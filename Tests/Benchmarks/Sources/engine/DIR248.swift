import Forwarding
import Wire

/// DIR-24-8 (Gupta, Lin, McKeown 1998): an entry for each of 2^24 upper parts, 256 more where they
/// do not suffice. An entry is a group and above it the length of its prefix.
struct DIR248 {
    private static let isExtended: UInt32 = 1 << 31
    private static let groupMask: UInt32 = 1 << 18 - 1
    private var upper = [UInt32](repeating: 0, count: 1 << 24)
    private var lower: [UInt32] = []

    var byteCount: Int { (upper.count + lower.count) * 4 }

    init(_ routes: [FIBRoute]) {
        for route in routes.sorted(by: { $0.prefix.length < $1.prefix.length }) {
            set(route.prefix, route.group)
        }
    }

    @inline(__always)
    func lookup(_ address: UInt32) -> UInt32 {
        var entry = upper[Int(address >> 8)]
        if entry & Self.isExtended != 0 {
            entry = lower[Int((entry ^ Self.isExtended) << 8 | address & 255)]
        }
        return entry & Self.groupMask
    }

    /// Sets a route that is there, or one whose prefix holds none that is.
    mutating func set(_ prefix: IPv4Prefix, _ group: UInt32) {
        let length = UInt32(prefix.length)
        let entry = length << 18 | group
        let first = prefix.address.rawValue
        guard prefix.length > 24 else {
            for place in Int(first >> 8)..<Int(first >> 8) + 1 << (24 - Int(prefix.length)) {
                let old = upper[place]
                if old & Self.isExtended == 0 {
                    if old >> 18 <= length { upper[place] = entry }
                } else {
                    let block = Int(old ^ Self.isExtended) << 8
                    for place in block..<block + 256 where lower[place] >> 18 <= length {
                        lower[place] = entry
                    }
                }
            }
            return
        }
        let place = Int(first >> 8)
        if upper[place] & Self.isExtended == 0 {
            let block = lower.count >> 8
            lower += [UInt32](repeating: upper[place], count: 256)
            upper[place] = UInt32(block) | Self.isExtended
        }
        let block = Int((upper[place] ^ Self.isExtended) << 8 | first & 255)
        for place in block..<block + 1 << (32 - Int(prefix.length))
        where lower[place] >> 18 <= length { lower[place] = entry }
    }
}
