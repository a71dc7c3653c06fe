internal import Memory
public import Timing
public import Wire

/// A router heard, for people.
public struct RIPNeighborRow: Hashable, Sendable {
    /// Number of the interface.
    public var interface: Int
    /// Its address.
    public var address: IPv4Address
    /// Whether it was heard within the time its routes live.
    public var isUp: Bool
    /// When it was heard last.
    public var heard: Instant
    /// The version it speaks.
    public var version: UInt8
    /// Packets of its that were dropped.
    public var badPackets: UInt64
    /// Entries of its that were not used.
    public var badRoutes: UInt64
    /// Routes of its that are kept.
    public var routes: Int
}

/// A destination, for people.
public struct RIPRouteRow: Hashable, Sendable {
    /// The destinations.
    public var prefix: IPv4Prefix
    /// 1 to 16.
    public var metric: UInt8
    /// The route tag.
    public var tag: UInt16
    /// Whether it comes from ourselves.
    public var isLocal: Bool
    /// What neighbours say of it, those in use first.
    public var heard: [Way]

    /// What one neighbour says.
    public struct Way: Hashable, Sendable {
        /// The interface and the router to hand packets to.
        public var way: RIPWay
        /// Who said so.
        public var neighbor: IPv4Address
        /// With the interface's cost.
        public var metric: UInt8
        /// Whether packets go this way.
        public var isUsed: Bool
    }
}

// Questions; nothing changes by them.
extension RIPEngine {
    /// Destinations known.
    public var routeCount: Int { table.count }
    /// Announcements kept.
    public var announcementCount: Int { table.announcementCount }
    /// Destinations announced as unreachable.
    public var lostCount: Int { lost }

    /// Drops on an interface since the start.
    public func drops(_ reason: RIPDrop, on interface: Int) -> UInt64 {
        interfaces[interface].drops[Int(reason.rawValue)]
    }

    /// Packets received and sent on an interface since the start.
    public func packets(on interface: Int) -> (received: UInt64, sent: UInt64) {
        (interfaces[interface].packetsIn, interfaces[interface].packetsOut)
    }

    /// Whether an interface's link is up.
    public func isUp(_ interface: Int) -> Bool { interfaces[interface].isUp }

    /// When the whole table is sent next on an interface; nil if nothing is sent there.
    public func nextUpdate(on interface: Int) -> Instant? {
        speaks(interface) ? interfaces[interface].nextUpdate : nil
    }

    /// Every router heard. O(announcements).
    public var neighborRows: [RIPNeighborRow] {
        var routes = [Int](repeating: 0, count: neighbors.count)
        for number in 0..<table.limit where table.destinations[number].flags.contains(.inUse) {
            var next = table.destinations[number].first
            while next != 0 {
                routes[Int(table.announcements[next - 1].neighbor)] += 1
                next = table.announcements[next - 1].next
            }
        }
        return neighbors.indices.map { index in
            let neighbor = neighbors[index]
            return RIPNeighborRow(
                interface: neighbor.interface, address: neighbor.address, isUp: neighbor.isUp,
                heard: neighbor.heard, version: neighbor.version,
                badPackets: neighbor.badPackets, badRoutes: neighbor.badRoutes,
                routes: routes[index])
        }
    }

    /// At most `limit` destinations by prefix. O(n log n).
    public func routeRows(limit: Int = .max) -> [RIPRouteRow] {
        let destinations = table.destinations
        let numbers = (0..<table.limit).filter { destinations[$0].flags.contains(.inUse) }
        let sorted = numbers.sorted { destinations[$0].prefix < destinations[$1].prefix }
        return sorted.prefix(limit).map { row($0) }
    }

    /// What is known of exactly this destination.
    public func route(to prefix: IPv4Prefix) -> RIPRouteRow? {
        guard let number = table.find(prefix) else { return nil }
        return row(number)
    }

    private func row(_ number: UInt32) -> RIPRouteRow {
        let entry = table.destinations[number]
        var heard: [RIPRouteRow.Way] = []
        var next = entry.first
        while next != 0 {
            let announcement = table.announcements[next - 1]
            next = announcement.next
            heard.append(
                RIPRouteRow.Way(
                    way: RIPWay(
                        interface: Int(announcement.interface),
                        gateway: IPv4Address(announcement.gateway)),
                    neighbor: neighbors[Int(announcement.neighbor)].address,
                    metric: announcement.distance, isUsed: announcement.isUsed))
        }
        heard.sort {
            ($0.isUsed ? 0 : 1, $0.metric, $0.neighbor) < (
                $1.isUsed ? 0 : 1, $1.metric, $1.neighbor
            )
        }
        return RIPRouteRow(
            prefix: entry.prefix, metric: entry.metric, tag: entry.tag, isLocal: entry.isLocal,
            heard: heard)
    }
}
