import Memory
import Wire

/// The port pools of all outside addresses, three transports each.
struct PoolSet: ~Copyable {
    /// Most outside addresses; each costs up to 2 MiB once its ports are used.
    static let mostAddresses = 1024

    /// Outside addresses in order of preference.
    let addresses: [UInt32]
    /// Addresses and their place in `addresses`, sorted by address.
    private let sorted: [(address: UInt32, index: Int)]
    private let region: Region
    private var pools: [PortPool]

    init(addresses: [IPv4Address], ports: ClosedRange<UInt16>) {
        let values = addresses.prefix(Self.mostAddresses).map(\.rawValue)
        self.addresses = values
        sorted = values.enumerated().map { (address: $1, index: $0) }
            .sorted { $0.address < $1.address }
        var layout = RegionLayout()
        let layouts = (0..<values.count * 3).map { _ in PortPool.Layout(&layout) }
        let memory = Region(layout)
        pools = []
        pools.reserveCapacity(layouts.count)
        for (number, layout) in layouts.enumerated() {
            // ICMP identifiers are not ports: all of them but 0 may be given out.
            let range = number % 3 == Transport.icmp.index ? 1...65535 : ports
            pools.append(PortPool(memory, layout, range: range))
        }
        region = memory
    }

    /// The place of `address` among the outside addresses. O(log n).
    func index(of address: UInt32) -> Int? {
        if sorted.count == 1 { return sorted[0].address == address ? 0 : nil }
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].address == address { return sorted[middle].index }
            if sorted[middle].address < address { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    subscript(address: Int, transport: Transport) -> PortPool {
        _read { yield pools[address * 3 + transport.index] }
        _modify { yield &pools[address * 3 + transport.index] }
    }
}

/// The port forwards, ready to be asked by inside endpoint.
struct ForwardTable {
    private struct Entry {
        var inside: UInt32
        var forward: Int
    }

    let forwards: [PortForward]
    private let firstOutside: UInt32
    /// Sorted by inside address.
    private let entries: [Entry]

    init(_ settings: NATSettings, addresses: [IPv4Address]) {
        forwards = settings.mode == .none ? [] : settings.portForwards
        firstOutside = addresses.first?.rawValue ?? 0
        entries = forwards.enumerated()
            .map { Entry(inside: $1.insideAddress.rawValue, forward: $0) }
            .sorted { ($0.inside, $0.forward) < ($1.inside, $1.forward) }
    }

    /// The outside address a forward is for.
    func outside(of forward: PortForward) -> UInt32 {
        forward.outsideAddress?.rawValue ?? firstOutside
    }

    /// The forward that leads to this inside endpoint, and the outside port that does.
    func leading(
        to inside: UInt32, port: UInt16, transport: Transport
    ) -> (forward: Int, outsidePort: UInt16)? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].inside < inside { low = middle + 1 } else { high = middle }
        }
        while low < entries.count, entries[low].inside == inside {
            let forward = forwards[entries[low].forward]
            let offset = Int(port) - Int(forward.insidePort)
            if offset >= 0, offset < forward.ports.count, forward.transports.contains(transport) {
                let outside = Int(forward.ports.lowerBound) + offset
                return (entries[low].forward, UInt16(truncatingIfNeeded: outside))
            }
            low += 1
        }
        return nil
    }
}
