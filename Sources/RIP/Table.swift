internal import Memory
internal import Timing
internal import Wire

/// A network we know of, and what we say of it.
struct Destination: BitwiseCopyable {
    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        static let inUse = Flags(rawValue: 1)
        /// The route change flag (RFC 2453 §3.6).
        static let changed = Flags(rawValue: 2)
        /// It comes from ourselves.
        static let local = Flags(rawValue: 4)
        /// It was lost and only ways that surely lead away from us are taken.
        static let held = Flags(rawValue: 8)
        /// The routing table has a route of ours.
        static let given = Flags(rawValue: 16)
    }

    var address: UInt32
    var length: UInt8
    var flags: Flags
    /// What we announce: 1 to 16.
    var metric: UInt8
    /// The least we have announced since it was last given up; more than any metric at first.
    var feasible: UInt8
    var tag: UInt16
    /// Metric of a route of ours.
    var localMetric: UInt8
    /// Interface of a route of ours + 1; 0 for none.
    var localInterface: UInt8
    /// Next hop of a route of ours; 0 for ourselves.
    var localGateway: UInt32
    /// The first announcement + 1; 0 for none.
    var first: UInt32
    /// The announcement in use + 1; 0 for none.
    var best: UInt32
    /// The tick in which it is forgotten.
    var garbage: UInt32

    var prefix: IPv4Prefix { IPv4Prefix(IPv4Address(address), length: Int(length)) }
    var isLocal: Bool { flags.contains(.local) }
    var isReachable: Bool { metric < RIPProtocol.infinity }
    /// Whether it was lost a short time ago and the neighbours know.
    var isLossTold: Bool { !isReachable && flags.contains(.held) && !flags.contains(.changed) }
}

/// What one neighbour last said of one destination.
struct Announcement: BitwiseCopyable {
    var destination: UInt32
    /// The next announcement of the destination + 1; 0 for none.
    var next: UInt32
    /// The router to hand packets to: the neighbour, or whom it named.
    var gateway: UInt32
    var neighbor: UInt16
    var tag: UInt16
    /// As the neighbour said: 1 to 15.
    var metric: UInt8
    /// With the cost of the interface: 2 to 16.
    var distance: UInt8
    var interface: UInt8
    var flags: Flags

    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        /// Among the ways in use.
        static let used = Flags(rawValue: 1)
        /// Not confirmed since the loss of the destination was told.
        static let stale = Flags(rawValue: 2)
    }

    var isUsed: Bool { flags.contains(.used) }
}

/// All destinations and announcements, in one block of memory that never grows.
struct Table: ~Copyable {
    private let region: Region
    let destinations: FlatArray<Destination>
    let announcements: FlatArray<Announcement>
    private var index: HashIndex
    private var freeDestinations: IndexPool
    private var freeAnnouncements: IndexPool
    /// Timers of announcements, and above them those of destinations.
    var wheel: TimerWheel
    private let key: HashKey

    init(routes: Int, key: HashKey) {
        self.key = key
        let most = routes * 2
        var layout = RegionLayout()
        let destinations = layout.reserve(Destination.self, count: routes)
        let announcements = layout.reserve(Announcement.self, count: most)
        let slots = layout.reserve(UInt32.self, count: HashIndex.slotCount(for: routes))
        let free = layout.reserve(UInt32.self, count: routes)
        let freeMore = layout.reserve(UInt32.self, count: most)
        let timers = TimerWheel.Layout(&layout, records: most + routes, slots: 1024)
        let region = Region(layout)
        self.destinations = region.array(destinations)
        self.announcements = region.array(announcements)
        index = HashIndex(slots: region.array(slots))
        freeDestinations = IndexPool(next: region.array(free))
        freeAnnouncements = IndexPool(next: region.array(freeMore))
        wheel = TimerWheel(region, timers)
        self.region = region
    }

    /// Destinations known.
    var count: Int { freeDestinations.used }
    /// Announcements kept.
    var announcementCount: Int { freeAnnouncements.used }
    /// Destination numbers from here on were never in use.
    var limit: UInt32 { freeDestinations.highest }

    private func hash(_ prefix: IPv4Prefix) -> UInt32 { Self.hash(prefix, key) }

    private static func hash(_ prefix: IPv4Prefix, _ key: HashKey) -> UInt32 {
        key.hash(UInt64(prefix.address.rawValue), UInt64(prefix.length))
    }

    func find(_ prefix: IPv4Prefix) -> UInt32? {
        index.find(hash(prefix)) { record in
            destinations[record].address == prefix.address.rawValue
                && destinations[record].length == prefix.length
        }
    }

    /// The destination, made if it is not there; nil if there is no room.
    mutating func findOrMake(_ prefix: IPv4Prefix) -> UInt32? {
        if let known = find(prefix) { return known }
        guard let number = freeDestinations.take() else { return nil }
        guard index.insert(number, hash: hash(prefix)) else {
            freeDestinations.give(number)
            return nil
        }
        destinations[number] = Destination(
            address: prefix.address.rawValue, length: prefix.length, flags: .inUse,
            metric: RIPProtocol.infinity, feasible: RIPEngine.unlimited, tag: 0, localMetric: 0,
            localInterface: 0, localGateway: 0, first: 0, best: 0, garbage: 0)
        return number
    }

    /// Forgets a destination without announcements.
    mutating func remove(_ number: UInt32) {
        stopTimer(of: number)
        let destinations = destinations
        let key = key
        index.remove(number, hash: hash(destinations[number].prefix)) {
            Self.hash(destinations[$0].prefix, key)
        }
        destinations[number].flags = []
        freeDestinations.give(number)
    }

    // MARK: Announcements

    /// What `neighbor` said of destination `number`.
    func announcement(of neighbor: UInt16, about number: UInt32) -> UInt32? {
        var next = destinations[number].first
        while next != 0 {
            if announcements[next - 1].neighbor == neighbor { return next - 1 }
            next = announcements[next - 1].next
        }
        return nil
    }

    /// Keeps an announcement; nil if there is no room.
    mutating func add(_ announcement: Announcement) -> UInt32? {
        guard let number = freeAnnouncements.take() else { return nil }
        announcements[number] = announcement
        let destination = announcement.destination
        announcements[number].next = destinations[destination].first
        destinations[destination].first = number + 1
        return number
    }

    /// Forgets an announcement.
    mutating func remove(announcement number: UInt32) {
        wheel.cancel(number)
        let destination = announcements[number].destination
        if destinations[destination].best == number + 1 { destinations[destination].best = 0 }
        let after = announcements[number].next
        if destinations[destination].first == number + 1 {
            destinations[destination].first = after
        } else {
            var before = destinations[destination].first - 1
            while announcements[before].next != number + 1 {
                before = announcements[before].next - 1
            }
            announcements[before].next = after
        }
        freeAnnouncements.give(number)
    }

    // MARK: Timers

    /// Restarts the timeout of an announcement.
    mutating func restart(_ announcement: UInt32, deadline: UInt32) {
        wheel.set(announcement, deadline: deadline)
    }

    mutating func setTimer(of destination: UInt32, deadline: UInt32) {
        wheel.set(destination + UInt32(announcements.count), deadline: deadline)
    }

    mutating func stopTimer(of destination: UInt32) {
        wheel.cancel(destination + UInt32(announcements.count))
    }
}
