import Memory
import Wire

/// The port pools of all outside addresses, three transports each.
struct PoolSet: ~Copyable {
    /// Outside addresses that mappings get, in order.
    let addresses: [UInt32]
    /// Outside addresses that only port forwards name.
    let forwarded: [UInt32]
    /// Blocks of ports, if hosts have such.
    let blocks: BlockPlan?
    private let ports: ClosedRange<UInt16>
    private let places: OutsidePlaces
    private let region: Region
    private var pools: [PortPool]

    init(_ settings: NATSettings, addresses: [IPv4Address], _ share: Share) {
        let own = addresses.prefix(NATSettings.mostAddresses)
        self.addresses = own.map(\.rawValue)
        forwarded = settings.forwardedAddresses(besides: own)
        let blocks = settings.blocks.flatMap {
            BlockPlan($0, outside: Array(own), ports: settings.ports)
        }
        self.blocks = blocks
        ports = settings.ports
        places = OutsidePlaces(settings, pool: addresses)
        var layout = RegionLayout()
        let count = self.addresses.count + forwarded.count
        let layouts = (0..<count * 3).map { _ in PortPool.Layout(&layout) }
        let memory = Region(layout)
        pools = []
        pools.reserveCapacity(layouts.count)
        for (number, layout) in layouts.enumerated() {
            // ICMP identifiers are not ports: all but 0 may be given out, if none is anyone's own.
            let isFree = number % 3 == Transport.icmp.index && blocks == nil
            pools.append(
                PortPool(
                    memory, layout, range: isFree ? 1...65535 : ports,
                    blockSize: blocks?.size, share: share))
        }
        region = memory
    }

    /// Whether pools for these settings would be the same.
    func fits(_ settings: NATSettings, addresses: [IPv4Address]) -> Bool {
        let own = addresses.prefix(NATSettings.mostAddresses)
        return own.map(\.rawValue) == self.addresses && settings.ports == ports
            && settings.forwardedAddresses(besides: own) == forwarded
            && settings.blocks.flatMap {
                BlockPlan($0, outside: Array(own), ports: settings.ports)
            } == blocks
    }

    /// The place of `address` among the outside addresses. O(log n).
    func index(of address: UInt32) -> Int? { places.place(of: address) }

    /// The pool that a dynamic mapping's outside endpoint is of; nil if it may no longer have it.
    func place(of mapping: Mapping, from inside: UInt32) -> Int? {
        guard let place = index(of: mapping.outsideAddress), place < addresses.count else {
            return nil
        }
        guard let blocks else { return place }
        guard let block = blocks.block(of: IPv4Address(inside)),
            block.address.rawValue == mapping.outsideAddress,
            block.ports.contains(mapping.outsidePort)
        else { return nil }
        return place
    }

    subscript(address: Int, transport: Transport) -> PortPool {
        _read { yield pools[address * 3 + transport.index] }
        _modify { yield &pools[address * 3 + transport.index] }
    }
}

extension NATSettings {
    /// Most rules that are heeded.
    public static let mostRules = 64
    /// Most outside addresses mappings get; each costs up to 1.2 MiB once its ports are
    /// used.
    public static let mostAddresses = 4096

    /// Outside addresses of port forwards that are not among `own`, each once.
    func forwardedAddresses(besides own: ArraySlice<IPv4Address>) -> [UInt32] {
        let named = Set(portForwards.compactMap(\.outsideAddress)).subtracting(own)
        return mode == .none ? [] : named.map(\.rawValue).sorted()
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
