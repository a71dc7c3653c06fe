import Support
import Timing
import Wire

@testable import OSPF

/// Routers with a virtual link between A and B, through area 1: a path by I, and a longer one by C.
/// D is in the backbone beside A; area 2 is B's own.
///
///     D --- A --- I --- B --- 20.0.0.3
///       0    \   1     / 2
///             +-- C --+
final class VirtualNet {
    enum Place: Int, CaseIterable { case a, i, b, c, d }

    /// Both ends, router and interface; the address is 10.n.0.router.
    static let wires: [(Place, Place, area: String, cost: UInt16)] = [
        (.d, .a, "0.0.0.0", 1), (.a, .i, "0.0.0.1", 2), (.i, .b, "0.0.0.1", 2),
        (.a, .c, "0.0.0.1", 5), (.c, .b, "0.0.0.1", 5),
    ]

    private final class Router {
        var engine: OSPFEngine
        var table: [IPv4Prefix: OSPFChange] = [:]
        var changes = 0
        var events: [OSPFEvent] = []
        init(_ engine: consuming OSPFEngine) { self.engine = engine }
    }

    private var routers: [Router] = []
    private var isUp = [Bool](repeating: true, count: wires.count)
    private var queue: [(at: Instant, OSPFPacket)] = []
    private(set) var now = Instant.zero + .seconds(1)
    private var effects = OSPFEffects()
    private let settings: [OSPFSettings]

    static func id(_ place: Place) -> IPv4Address { IPv4Address(UInt32(place.rawValue + 1)) }
    static func host(_ place: Place) -> IPv4Prefix { prefix("20.0.0.\(place.rawValue + 1)/32") }
    static func address(_ wire: Int, _ place: Place) -> IPv4Address {
        ip("10.\(wire).0.\(place.rawValue + 1)")
    }

    /// Wires are interfaces of their own numbers, the host is number 5, the virtual link 6.
    init(_ edit: (Place, inout OSPFSettings) -> Void = { _, _ in }) {
        settings = Place.allCases.map { place in
            var interfaces: [OSPFInterfaceSettings?] = Self.wires.enumerated().map { number, wire in
                guard wire.0 == place || wire.1 == place else { return nil }
                var own = OSPFInterfaceSettings(
                    address: InterfaceAddress(Self.address(number, place), length: 24),
                    area: ip(wire.area))
                own.network = .pointToPoint
                own.cost = wire.cost
                return own
            }
            let home = [.a, .d].contains(place) ? "0.0.0.0" : place == .b ? "0.0.0.2" : "0.0.0.1"
            var host = OSPFInterfaceSettings(
                address: InterfaceAddress(Self.host(place).address, length: 32), area: ip(home))
            host.network = .loopback
            interfaces.append(host)
            if place == .a || place == .b {
                let end = OSPFVirtualEnd(Self.id(place == .a ? .b : .a), through: ip("0.0.0.1"))
                interfaces.append(OSPFInterfaceSettings(end))
            }
            let areas = ["0.0.0.0", "0.0.0.1", "0.0.0.2"].filter { area in
                interfaces.contains { $0?.area == ip(area) }
            }
            var settings = OSPFSettings(
                router: Self.id(place), areas: areas.map { OSPFAreaSettings(ip($0)) },
                interfaces: interfaces)
            edit(place, &settings)
            return settings
        }
        for place in Place.allCases {
            routers.append(Router(fresh(place)))
            raise(place)
        }
    }

    private func fresh(_ place: Place) -> OSPFEngine {
        OSPFEngine(
            settings[place.rawValue], random: Random(seed: UInt64(place.rawValue)), wallSeconds: 0,
            at: now)
    }

    private func raise(_ place: Place) {
        for number in 0...Self.wires.count where number == Self.wires.count || isUp[number] {
            setInterface(place, number, true)
        }
    }

    private func setInterface(_ place: Place, _ number: Int, _ isUp: Bool) {
        guard settings[place.rawValue].interfaces[number] != nil else { return }
        routers[place.rawValue].engine.setInterface(number, isUp: isUp, at: now, into: &effects)
        carryOut(place)
    }

    func set(_ wire: Int, isUp: Bool) {
        self.isUp[wire] = isUp
        for place in [Self.wires[wire].0, Self.wires[wire].1] { setInterface(place, wire, isUp) }
    }

    /// Ends a router's process after its neighbours know, and begins another.
    func restart(_ place: Place) {
        let end = now + .seconds(60)
        routers[place.rawValue].engine.prepareRestart(
            lasting: .seconds(60), at: now, into: &effects)
        carryOut(place)
        run(.milliseconds(700))
        let memory = routers[place.rawValue].engine.memory(until: end)
        routers[place.rawValue].engine = fresh(place)
        routers[place.rawValue].engine.resume(memory, at: now, into: &effects)
        raise(place)
    }

    func announce(_ text: String, by place: Place) {
        routers[place.rawValue].engine.originate(
            OSPFExternal(prefix(text)), at: now, into: &effects)
        carryOut(place)
    }

    func apply(_ settings: OSPFSettings, to place: Place) {
        routers[place.rawValue].engine.apply(settings, at: now, into: &effects)
        carryOut(place)
    }

    private func carryOut(_ place: Place) {
        let router = routers[place.rawValue]
        router.changes += effects.changes.count
        router.events += effects.events
        for change in effects.changes {
            switch change {
            case .set(let prefix, _, _, _), .discard(let prefix): router.table[prefix] = change
            case .remove(let prefix): router.table[prefix] = nil
            }
        }
        queue += effects.packets.map { (now + .milliseconds(1), $0) }
        effects.removeAll()
    }

    /// Where a packet arrives: at the other end of its wire, or by the router there at its target.
    private func arrival(_ packet: OSPFPacket) -> (Place, Int)? {
        let wire = packet.interface
        guard isUp[wire] else { return nil }
        let (one, other) = (Self.wires[wire].0, Self.wires[wire].1)
        let next = Self.address(wire, one) == packet.source ? other : one
        guard let gateway = packet.gateway, gateway != packet.destination else {
            let isHere = packet.destination.isMulticast
            return isHere || packet.destination == Self.address(wire, next) ? (next, wire) : nil
        }
        guard gateway == Self.address(wire, next) else { return nil }
        for (number, last) in Self.wires.enumerated() where isUp[number] {
            for place in [last.0, last.1] where Self.address(number, place) == packet.destination {
                return (place, number)
            }
        }
        return nil
    }

    func run(_ interval: Interval) {
        let end = now + interval
        for _ in 0..<1_000_000 {
            let next = Place.allCases.compactMap { routers[$0.rawValue].engine.nextDeadline }.min()
            let first = queue.first?.at ?? end
            let moment = min(next ?? end, first)
            guard moment < end else { break }
            now = max(now, moment)
            if first <= now {
                let (_, packet) = queue.removeFirst()
                guard let (place, interface) = arrival(packet) else { continue }
                routers[place.rawValue].engine.receive(
                    packet.bytes.raw, from: packet.source, to: packet.destination, on: interface,
                    at: now, into: &effects)
                carryOut(place)
                continue
            }
            for place in Place.allCases {
                let due = routers[place.rawValue].engine.nextDeadline
                guard let due, due <= now else { continue }
                routers[place.rawValue].engine.tick(at: now, into: &effects)
                carryOut(place)
            }
        }
        now = end
    }

    // MARK: Questions

    func settings(_ place: Place) -> OSPFSettings { settings[place.rawValue] }
    func changes(_ place: Place) -> Int { routers[place.rawValue].changes }
    func events(_ place: Place) -> [OSPFEvent] { routers[place.rawValue].events }

    /// Kind, metric and the routers behind the ways.
    func route(_ place: Place, _ prefix: IPv4Prefix) -> String? {
        guard case .set(_, let kind, let metric, let ways)? = routers[place.rawValue].table[prefix]
        else { return nil }
        let names = ways.map { way in
            let wire = Self.wires[way.interface]
            return "\(wire.0 == place ? wire.1 : wire.0)"
        }
        return "\(kind) \(metric) \(names.joined(separator: "+"))"
    }

    func virtual(_ place: Place) -> OSPFNeighborState? {
        routers[place.rawValue].engine.neighbors.first { $0.interface == 6 }?.state
    }

    /// The router-LSA of a router in an area, as a router knows it.
    func router(_ place: Place, in area: String, at other: Place) -> LSA? {
        let engine = routers[other.rawValue].engine.lsaRows(
            of: { $0 == .router }, limit: 100, at: now)
        let sequence = engine.rows.first {
            $0.area == ip(area) && $0.header.router == Self.id(place)
        }?.header.sequence
        return routers[other.rawValue].engine.lsas.first {
            $0.type == .router && $0.header.router == Self.id(place)
                && $0.header.sequence == sequence
        }
    }

    /// What a router has of the LSAs of another, by area and type.
    func kinds(_ place: Place, in area: String?) -> Set<UInt8> {
        Set(
            routers[place.rawValue].engine.headers(ofArea: area.map(ip), at: now).map(\.type))
    }
}
