public import Timing
public import Wire

/// A neighbour, for people.
public struct OSPFNeighborRow: Hashable, Sendable {
    /// Number of the interface.
    public var interface: Int
    /// Its router id.
    public var router: IPv4Address
    /// Its address.
    public var address: IPv4Address
    /// How far the conversation is.
    public var state: OSPFNeighborState
    /// To become Designated Router.
    public var priority: UInt8
    /// When it is gone if nothing more is heard.
    public var deadline: Instant
    /// LSAs to be asked for.
    public var requests: Int
    /// LSAs it has not acknowledged.
    public var retransmissions: Int
    /// Packets of its that were dropped.
    public var badPackets: UInt64
}

/// An interface, for people.
public struct OSPFInterfaceRow: Hashable, Sendable {
    /// How far it is.
    public var state: OSPFInterfaceState
    /// Its area.
    public var area: IPv4Address
    /// The address of the Designated Router; 0.0.0.0 for none.
    public var designated: IPv4Address
    /// The address of the Backup Designated Router; 0.0.0.0 for none.
    public var backup: IPv4Address
    /// Packets received since the start.
    public var packetsIn: UInt64
    /// Packets sent since the start.
    public var packetsOut: UInt64
}

/// A route, for people.
public struct OSPFRouteRow: Hashable, Sendable {
    /// The destinations.
    public var prefix: IPv4Prefix
    /// Where they are.
    public var kind: OSPFRouteKind
    /// Of an external of type 2 its own metric.
    public var metric: UInt32
    /// Where packets go.
    public var ways: [OSPFWay]
    /// Whether the routing table has it from us; it knows our own networks anyway.
    public var isGiven: Bool
}

/// An area, for people.
public struct OSPFAreaRow: Hashable, Sendable {
    /// Its number.
    public var id: IPv4Address
    /// What it knows.
    public var kind: OSPFAreaKind
    /// Whether we tell the others of networks outside that are announced in it.
    public var isTranslator: Bool
    /// Whether a link of ours in it is up.
    public var isActive: Bool
    /// Routers and networks reached within it.
    public var nodes: Int
    /// LSAs of this area alone.
    public var lsas: Int
}

// Questions; nothing changes by them.
extension OSPFEngine {
    /// LSAs held.
    public var lsaCount: Int { database.count }

    /// Drops on an interface since the start.
    public func drops(_ reason: OSPFDrop, on interface: Int) -> UInt64 {
        interfaces[interface].drops[Int(reason.rawValue)]
    }

    /// What is known of an interface; nil where OSPF is not spoken.
    public func interface(_ number: Int) -> OSPFInterfaceRow? {
        guard let own = settings.interfaces[number] else { return nil }
        let interface = interfaces[number]
        return OSPFInterfaceRow(
            state: interface.state, area: own.area, designated: interface.designated,
            backup: interface.backup, packetsIn: interface.packetsIn,
            packetsOut: interface.packetsOut)
    }

    /// All neighbours.
    public var neighbors: [OSPFNeighborRow] {
        interfaces.indices.flatMap { number in
            interfaces[number].neighbors.map {
                OSPFNeighborRow(
                    interface: number, router: $0.router, address: $0.address, state: $0.state,
                    priority: $0.priority, deadline: $0.deadline, requests: $0.requests.count,
                    retransmissions: $0.retransmission.count, badPackets: $0.badPackets)
            }
        }
    }

    /// When the next hello leaves by an interface; nil if none does.
    public func nextHello(on interface: Int) -> Instant? { interfaces[interface].nextHello }

    /// What is known of the areas.
    public var areaRows: [OSPFAreaRow] {
        areas.indices.map { number in
            OSPFAreaRow(
                id: settings.areas[number].id, kind: settings.areas[number].kind,
                isTranslator: areas[number].isTranslator, isActive: areas[number].isActive,
                nodes: areas[number].tree.reached,
                lsas: database.records.count { $0?.scope == .area(number) })
        }
    }

    /// Whether others shall not send through us.
    public var isStubRouter: Bool { settings.isStubRouter || stubUntil != nil || isRetiring }

    /// Whether we join areas, and whether we announce networks outside.
    public var roles: (isBorder: Bool, isBoundary: Bool) { (isBorder, isBoundary) }

    /// Headers of the LSAs of an area, or of those of the whole system, with their ages now.
    public func headers(ofArea area: IPv4Address?, at now: Instant) -> [LSAHeader] {
        let scope = area.map { Scope.area(settings.number(of: $0)) } ?? .system
        return database.records.compactMap { $0 }.filter { $0.scope == scope }
            .map { $0.header(at: max(now, self.now)) }
    }

    /// All LSAs as they came.
    public var lsas: [LSA] { database.records.compactMap { $0?.lsa } }

    /// All routes, by prefix.
    public var routes: [OSPFRouteRow] {
        found.map {
            OSPFRouteRow(
                prefix: $0.prefix, kind: $0.kind, metric: $0.cost, ways: $0.ways,
                isGiven: $0.isGiven)
        }
    }
}
