public import Wire

/// An outside address, or a prefix of them, for inside hosts alone: ports stay as they are.
public struct OneToOne: Hashable, Sendable {
    /// Name in answers; unique within the configuration, maybe empty.
    public var name: String
    /// Outside addresses.
    public var outside: IPv4Prefix
    /// Inside hosts, in step; a prefix of the same length.
    public var inside: IPv4Prefix
    /// Remote prefixes that may begin; empty for all.
    public var sources: [IPv4Prefix]

    /// An entry of these fields.
    public init(
        name: String = "", outside: IPv4Prefix, inside: IPv4Prefix, sources: [IPv4Prefix] = []
    ) {
        self.name = name
        self.outside = outside
        self.inside = inside
        self.sources = sources
    }
}

/// The one-to-one entries, ready to be asked from both ends. O(log n).
public struct OneToOneTable: Sendable {
    private struct Entry: Sendable {
        var key: UInt32
        var other: UInt32
        var mask: UInt32
        var number: UInt32
    }

    private let byOutside: [Entry]
    private let byInside: [Entry]
    private let sources: [[IPv4Prefix]]

    /// The entries of settings that translate.
    public init(_ settings: NATSettings) {
        let entries = settings.mode == .none ? [] : settings.oneToOne
        sources = entries.map(\.sources)
        func sorted(_ key: (OneToOne) -> IPv4Prefix, _ other: (OneToOne) -> IPv4Prefix) -> [Entry] {
            entries.enumerated().map { number, entry in
                Entry(
                    key: key(entry).address.rawValue, other: other(entry).address.rawValue,
                    mask: entry.outside.mask, number: UInt32(number))
            }.sorted { $0.key < $1.key }
        }
        byOutside = sorted(\.outside, \.inside)
        byInside = sorted(\.inside, \.outside)
    }

    var isEmpty: Bool { byOutside.isEmpty }

    /// The entry of an outside address and the inside host it leads to.
    public func find(outside: UInt32) -> (number: UInt32, inside: UInt32)? {
        Self.find(outside, in: byOutside).map { ($0.number, $0.address) }
    }

    /// The entry of an inside host and its outside address.
    public func find(inside: UInt32) -> (number: UInt32, outside: UInt32)? {
        Self.find(inside, in: byInside).map { ($0.number, $0.address) }
    }

    /// Whether this remote may begin by entry `number`.
    func admits(_ number: UInt32, _ remote: UInt32) -> Bool {
        let sources = sources[Int(number)]
        return sources.isEmpty || sources.contains { $0.contains(IPv4Address(remote)) }
    }

    /// Prefixes do not overlap: only the last that begins at or below the address can hold it.
    private static func find(
        _ address: UInt32, in entries: [Entry]
    ) -> (number: UInt32, address: UInt32)? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, address & entries[low - 1].mask == entries[low - 1].key else { return nil }
        return (
            entries[low - 1].number, entries[low - 1].other | address & ~entries[low - 1].mask
        )
    }
}
