internal import Memory

/// The numbers of networks by `RouteTable.key`: 6 octets each, for there may be very many.
struct PrefixIndex: ~Copyable {
    private let region: Region
    private var index: HashIndex
    let capacity: Int
    let key: HashKey

    init(capacity: Int, _ key: HashKey) {
        var layout = RegionLayout()
        let slots = layout.reserve(UInt32.self, count: HashIndex.slotCount(for: capacity))
        let region = Region(layout)
        index = HashIndex(slots: region.array(slots))
        self.region = region
        self.capacity = capacity
        self.key = key
    }

    func find(_ prefix: UInt64, where isIt: (UInt32) -> Bool) -> UInt32? {
        index.find(key.hash(prefix, 0), where: isIt)
    }

    /// False if it is full.
    mutating func insert(_ number: UInt32, _ prefix: UInt64) -> Bool {
        index.count < capacity && index.insert(number, hash: key.hash(prefix, 0))
    }

    mutating func remove(_ number: UInt32, _ prefix: UInt64, prefixOf: (UInt32) -> UInt64) {
        let key = key
        index.remove(number, hash: key.hash(prefix, 0)) { key.hash(prefixOf($0), 0) }
    }
}
