internal import Memory
internal import Timing
internal import Wire

/// How far LSAs are flooded: an area, a link, or the whole autonomous system.
enum Scope: Hashable {
    case system
    /// Number of the area.
    case area(Int)
    /// Number of the interface.
    case link(Int)

    var rawValue: UInt32 {
        switch self {
        case .system: 0
        case .area(let number): UInt32(truncatingIfNeeded: number) << 1 | 1
        case .link(let number): UInt32(truncatingIfNeeded: number) << 1 | 1 << 31
        }
    }

    init(rawValue: UInt32) {
        let number = Int(rawValue & 0x7fff_ffff) >> 1
        self = rawValue == 0 ? .system : rawValue >> 31 == 1 ? .link(number) : .area(number)
    }
}

/// The link state databases of all areas (RFC 2328 §12): LSAs by number, with room for so many.
struct Database: ~Copyable {
    /// An LSA and what we know of it: 40 octets, for there may be very many.
    struct Record {
        /// As when it came, or flushed.
        var lsa: LSA
        var isFlooded: Bool
        /// Whether it is ours to make.
        var isOwn: Bool
        /// Whether a newer instance of it has to be made, or it has to be flushed.
        var isStale = false
        /// Instances made in a row without a quiet time.
        var hurried: UInt8 = 0
        /// Of the last calculation of summaries that wanted it.
        var mark: UInt16 = 0
        /// Retransmission lists it is on.
        var waiting: Int16 = 0
        private var pauseMilliseconds: UInt16 = 0
        private let scopeNumber: UInt32
        /// When it came, or was made.
        let installed: Instant
        /// When the next instance may be made.
        var nextOrigination = Instant.zero

        init(lsa: LSA, scope: Scope, installed: Instant, isFlooded: Bool, isOwn: Bool) {
            self.lsa = lsa
            scopeNumber = scope.rawValue
            self.installed = installed
            (self.isFlooded, self.isOwn) = (isFlooded, isOwn)
        }

        var scope: Scope { Scope(rawValue: scopeNumber) }

        /// The pause after `nextOrigination`, in milliseconds.
        var pause: Interval {
            get { .milliseconds(Int64(pauseMilliseconds)) }
            set { pauseMilliseconds = UInt16(clamping: newValue.nanoseconds / 1_000_000) }
        }

        /// When its age was 0, unless it is flushed.
        var born: Instant { installed + .seconds(-Int64(lsa.age)) }

        var type: LSAType { lsa.type }

        func age(at now: Instant) -> UInt16 {
            if lsa.age >= OSPFProtocol.maxAge { return OSPFProtocol.maxAge }
            let seconds = max((now - born).wholeSeconds, 0)
            return UInt16(clamping: min(seconds, Int64(OSPFProtocol.maxAge)))
        }

        func header(at now: Instant) -> LSAHeader {
            var header = lsa.header
            header.age = age(at: now)
            return header
        }

        /// Whether it was flushed and only waits for acknowledgements.
        var isFlushed: Bool { lsa.age >= OSPFProtocol.maxAge }
    }

    private let region: Region
    private let key: HashKey
    private var index: HashIndex
    private var pool: IndexPool
    private var wheel: TimerWheel
    /// By number; nil where none is.
    private(set) var records: [Record?] = []
    /// What does not change of a record, by number, to look through many of them.
    private var kinds: [UInt32] = []
    /// Numbers of which the content may be another.
    private var changed = NumberSet()

    /// Type and scope in 4 octets, of fewer than 2^22 areas and interfaces; 0 where no record is.
    private static func kind(_ type: LSAType, _ scope: Scope) -> UInt32 {
        let raw = scope.rawValue
        return raw & 1 << 31 | (raw << 9) >> 1 | UInt32(type.rawValue)
    }

    init(capacity: Int, key: HashKey) {
        var layout = RegionLayout()
        let slots = layout.reserve(UInt32.self, count: HashIndex.slotCount(for: capacity))
        let free = layout.reserve(UInt32.self, count: capacity)
        let timers = TimerWheel.Layout(&layout, records: capacity, slots: 4096)
        let region = Region(layout)
        index = HashIndex(slots: region.array(slots))
        pool = IndexPool(next: region.array(free))
        wheel = TimerWheel(region, timers)
        self.region = region
        self.key = key
    }

    /// LSAs held.
    var count: Int { pool.used }
    /// Octets of all of them.
    private(set) var octets = 0

    /// The LSA of a number that is in use.
    subscript(number: UInt32) -> Record {
        _read {
            guard let record = records[Int(number)] else { preconditionFailure() }
            yield record
        }
    }

    /// The LSA of a number that is in use.
    func lsa(_ number: UInt32) -> LSA {
        guard let lsa = records[Int(number)]?.lsa else { preconditionFailure() }
        return lsa
    }

    /// The numbers of LSAs of a type that are not being flushed.
    func numbers(of type: LSAType, in scope: Scope? = nil) -> [UInt32] {
        var result: [UInt32] = []
        let mask: UInt32 = scope == nil ? 0xff : ~0
        let wanted = Self.kind(type, scope ?? .system)
        for (number, kind) in kinds.enumerated() where kind & mask == wanted {
            let number = UInt32(truncatingIfNeeded: number)
            if lsa(number).age < OSPFProtocol.maxAge { result.append(number) }
        }
        return result
    }

    /// Changes what is known of an LSA.
    mutating func update(_ number: UInt32, _ change: (inout Record) -> Void) {
        guard var record = records[Int(number)].take() else { return }
        change(&record)
        records[Int(number)] = record
    }

    private static func hash(
        _ scope: Scope, _ type: UInt8, _ id: IPv4Address, _ router: IPv4Address, _ key: HashKey
    ) -> UInt32 {
        key.hash(
            UInt64(id.rawValue) << 32 | UInt64(router.rawValue),
            UInt64(scope.rawValue) << 8 | UInt64(type))
    }

    private static func hash(_ record: Record?, _ key: HashKey) -> UInt32 {
        guard let record else { return 0 }
        let bytes = record.lsa.bytes
        return hash(
            record.scope, bytes[3], IPv4Address(bytes.be32(4)), IPv4Address(bytes.be32(8)), key)
    }

    func find(
        _ scope: Scope, _ type: LSAType, _ id: IPv4Address, _ router: IPv4Address
    ) -> UInt32? {
        index.find(Self.hash(scope, type.rawValue, id, router, key)) { number in
            guard let record = records[Int(number)] else { return false }
            let bytes = record.lsa.bytes
            return record.scope == scope && bytes[3] == type.rawValue
                && bytes.be32(4) == id.rawValue && bytes.be32(8) == router.rawValue
        }
    }

    /// Adds a record of an LSA that is not there; nil if there is no room.
    mutating func add(_ record: Record) -> UInt32? {
        guard let number = pool.take() else { return nil }
        guard index.insert(number, hash: Self.hash(record, key)) else {
            pool.give(number)
            return nil
        }
        let kind = Self.kind(record.type, record.scope)
        if Int(number) == records.count {
            records.append(record)
            kinds.append(kind)
        } else {
            records[Int(number)] = record
            kinds[Int(number)] = kind
        }
        octets += record.lsa.bytes.count
        return number
    }

    /// Puts another instance in the place of one that is there.
    mutating func replace(_ number: UInt32, with record: Record) {
        octets += record.lsa.bytes.count - lsa(number).bytes.count
        records[Int(number)] = record
    }

    /// Forgets an LSA.
    mutating func remove(_ number: UInt32) {
        wheel.cancel(number)
        octets -= lsa(number).bytes.count
        let hash = Self.hash(records[Int(number)], key)
        index.remove(number, hash: hash) { [records, key] in Self.hash(records[Int($0)], key) }
        records[Int(number)] = nil
        kinds[Int(number)] = 0
        pool.give(number)
    }

    // MARK: Changes

    /// Notes that an LSA came, changed or goes.
    mutating func note(_ number: UInt32) { _ = changed.insert(number) }

    /// The numbers that were noted.
    mutating func takeChanged() -> [UInt32] {
        defer { changed = NumberSet() }
        return changed.numbers
    }

    // MARK: Timers

    var hasTimers: Bool { wheel.count > 0 }

    /// Wakes for an LSA when it is `age` seconds old.
    mutating func wake(_ number: UInt32, atAge age: UInt16, now: Instant) {
        guard let record = records[Int(number)] else { return }
        let moment = record.born + .seconds(Int64(age))
        wheel.set(number, deadline: TimerWheel.deadline(max(moment, now) - now, after: now))
    }

    mutating func stopTimer(_ number: UInt32) { wheel.cancel(number) }

    mutating func popExpired(at tick: UInt32) -> UInt32? { wheel.popExpired(at: tick) }
}

/// A set of numbers of LSAs, in order.
struct NumberSet {
    private var words: [UInt64] = []
    private(set) var count = 0

    func contains(_ number: UInt32) -> Bool {
        let word = Int(number >> 6)
        return word < words.count && words[word] >> UInt64(number & 63) & 1 == 1
    }

    /// False if it was there.
    mutating func insert(_ number: UInt32) -> Bool {
        guard !contains(number) else { return false }
        let word = Int(number >> 6)
        while words.count <= word { words.append(0) }
        words[word] |= 1 << UInt64(number & 63)
        count += 1
        return true
    }

    /// False if it was not there.
    mutating func remove(_ number: UInt32) -> Bool {
        guard contains(number) else { return false }
        words[Int(number >> 6)] &= ~(1 << UInt64(number & 63))
        count -= 1
        return true
    }

    /// All numbers, ascending.
    var numbers: [UInt32] {
        var result: [UInt32] = []
        for (word, bits) in words.enumerated() {
            var rest = bits
            while rest != 0 {
                result.append(UInt32(word) << 6 | UInt32(rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return result
    }
}
