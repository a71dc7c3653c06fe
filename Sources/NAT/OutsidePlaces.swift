public import Wire

/// Outside addresses that endpoints may have, and their places: those that mappings get, in order,
/// then those that only port forwards name.
public struct OutsidePlaces: Sendable {
    /// Sorted by address.
    private let sorted: [(address: UInt32, place: Int)]

    /// Those of settings that translate to `pool`, of which no more than
    /// `NATSettings.mostAddresses` count.
    public init(_ settings: NATSettings, pool: [IPv4Address]) {
        let own = pool.prefix(NATSettings.mostAddresses)
        let all = own.map(\.rawValue) + settings.forwardedAddresses(besides: own)
        sorted = all.enumerated().map { (address: $1, place: $0) }
            .sorted { $0.address < $1.address }
    }

    /// The place of an address; nil if it is none of them. O(log n).
    public func place(of address: UInt32) -> Int? {
        if sorted.count == 1 { return sorted[0].address == address ? 0 : nil }
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].address == address { return sorted[middle].place }
            if sorted[middle].address < address { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
