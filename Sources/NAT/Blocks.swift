public import Wire

/// Ports of its own for each inside host, computed rather than logged (RFC 7422).
public struct BlockSettings: Hashable, Sendable {
    /// Inside hosts that have a block, in this order; no other is translated.
    public var inside: [IPv4Prefix]
    /// Ports of a block, at least 16; nil for as many as fit, at most 1,024.
    public var size: Int?

    /// Blocks of `size` ports for the hosts of `inside`.
    public init(inside: [IPv4Prefix] = [], size: Int? = nil) {
        self.inside = inside
        self.size = size
    }
}

/// Which outside address and ports each inside host has, and the other way round.
///
/// Hosts are numbered in the order of the prefixes; each outside address serves as many of them as
/// it has whole blocks, in order (RFC 7422 §2, sequential).
public struct BlockPlan: Hashable, Sendable {
    /// Smallest block.
    public static let smallest = PortPool.smallestBlock
    private static let usualMost = 1024

    private let inside: [IPv4Prefix]
    private let outside: [IPv4Address]
    private let firstPort: Int
    /// Ports of a block.
    public let size: Int
    /// Blocks of one outside address.
    public let blocksPerAddress: Int
    /// Inside addresses that have a block.
    public let hosts: Int

    /// A plan for these addresses and ports; nil when not every inside address gets a block.
    public init?(
        _ settings: BlockSettings, outside: [IPv4Address], ports: ClosedRange<UInt16>
    ) {
        inside = settings.inside
        self.outside = outside
        firstPort = Int(ports.lowerBound)
        hosts = settings.inside.reduce(0) { $0 + 1 << (32 - Int($1.length)) }
        guard hosts > 0, !outside.isEmpty else { return nil }
        let share = (hosts + outside.count - 1) / outside.count
        size = settings.size ?? min(ports.count / share & ~1, Self.usualMost)
        guard size >= Self.smallest else { return nil }
        blocksPerAddress = ports.count / size
        guard blocksPerAddress >= share else { return nil }
    }

    /// The outside address of an inside host and its ports; nil if it has no block.
    public func block(
        of host: IPv4Address
    ) -> (address: IPv4Address, ports: ClosedRange<UInt16>)? {
        guard let place = place(of: host.rawValue) else { return nil }
        let first = firstPort + place.block * size
        return (
            outside[place.address],
            UInt16(truncatingIfNeeded: first)...UInt16(truncatingIfNeeded: first + size - 1)
        )
    }

    /// The inside host that an outside port belongs to; nil if to none.
    public func host(of address: IPv4Address, port: UInt16) -> IPv4Address? {
        outside.firstIndex(of: address).flatMap { host(ofAddress: $0, port: port) }
    }

    /// As above, by the place of the address among the outside ones. O(prefixes).
    public func host(ofAddress number: Int, port: UInt16) -> IPv4Address? {
        guard Int(port) >= firstPort else { return nil }
        let block = (Int(port) - firstPort) / size
        guard block < blocksPerAddress else { return nil }
        var left = number * blocksPerAddress + block
        for prefix in inside {
            let count = 1 << (32 - Int(prefix.length))
            if left < count {
                return IPv4Address(
                    prefix.address.rawValue + UInt32(truncatingIfNeeded: left))
            }
            left -= count
        }
        return nil
    }

    /// The number of a host's outside address, and of its block there. O(prefixes).
    func place(of host: UInt32) -> (address: Int, block: Int)? {
        var before = 0
        for prefix in inside {
            if prefix.contains(IPv4Address(host)) {
                let number = before + Int(host - prefix.address.rawValue)
                return (number / blocksPerAddress, number % blocksPerAddress)
            }
            before += 1 << (32 - Int(prefix.length))
        }
        return nil
    }
}
