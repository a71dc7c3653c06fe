import Signing
import Support
import Timing
import Wire

@testable import OSPF

/// A packet as a test reads it.
struct Said: CustomStringConvertible {
    var interface: Int
    var source: IPv4Address
    var destination: IPv4Address
    var gateway: IPv4Address?
    var kind: UInt8
    var bytes: [UInt8]
    /// Between header and digest.
    var body: [UInt8]

    init(_ packet: OSPFPacket) {
        interface = packet.interface
        source = packet.source
        destination = packet.destination
        gateway = packet.gateway
        bytes = packet.bytes
        kind = bytes[1]
        body = Array(bytes[24..<(Int(bytes[2]) << 8 | Int(bytes[3]))])
    }

    var hello: Hello? { kind == 1 ? try? Hello(body.raw) : nil }
    var dd: DatabaseDescription? {
        kind == 2 ? try? DatabaseDescription(body.raw) : nil
    }
    var request: Request? { kind == 3 ? try? Request(body.raw) : nil }
    var acknowledgement: Acknowledgement? { kind == 5 ? try? Acknowledgement(body.raw) : nil }
    var lsas: [LSA] {
        guard kind == 4, var update = try? Update(body.raw) else { return [] }
        var result: [LSA] = []
        while let part = update.take() {
            if let checked = try? CheckedLSA(part) { result.append(LSA(checked)) }
        }
        return result
    }

    var description: String { "kind \(kind) on \(interface) to \(destination): \(hex(body))" }
}

/// A router that says what a test wants it to.
struct Peer {
    var router: IPv4Address
    var address: IPv4Address
    var interface: Int
    var options: OSPFOptions = [.external, .opaque]
    /// Where its packets go.
    var target: IPv4Address

    init(
        _ router: String, _ address: String, on interface: Int = 0, to target: String = "224.0.0.5"
    ) {
        self.router = ip(router)
        self.address = ip(address)
        self.interface = interface
        self.target = ip(target)
    }

    /// An LSA of its own.
    func lsa(
        _ type: LSAType, id: String? = nil, sequence: Int32 = OSPFProtocol.initialSequence,
        age: UInt16 = 1, body: [UInt8]
    ) -> LSA {
        var lsa = LSA(
            type, id: id.map(ip) ?? router, router: router, sequence: sequence,
            options: .external, body: body)
        lsa.age = age
        return lsa
    }

    /// A router-LSA with these links.
    func routerLSA(
        _ links: [RouterLink] = [], flags: RouterFlags = [],
        sequence: Int32 = OSPFProtocol.initialSequence, age: UInt16 = 1
    ) -> LSA {
        lsa(.router, sequence: sequence, age: age, body: LSA.routerBody(flags, links))
    }

    /// An AS-external-LSA.
    func external(
        _ text: String, metric: UInt32 = 20, isType2: Bool = true,
        sequence: Int32 = OSPFProtocol.initialSequence, age: UInt16 = 1,
        forwarding: String = "0.0.0.0"
    ) -> LSA {
        let route = OSPFExternal(
            prefix(text), metric: metric, isType2: isType2, forwarding: ip(forwarding))
        return lsa(
            .external, id: "\(route.prefix.address)", sequence: sequence, age: age,
            body: LSA.externalBody(route))
    }
}

/// Router 5.5.5.5 with a clock: 10.0.0.5/24 on interface 0, 10.1.0.5/24 on interface 1, …
final class Bed {
    var engine: OSPFEngine
    var now: Instant
    var effects = OSPFEffects()
    /// Everything said since it was last looked at.
    var said: [Said] = []
    var changes: [OSPFChange] = []
    var events: [OSPFEvent] = []
    /// What the routing table would hold.
    var table: [IPv4Prefix: OSPFChange] = [:]

    /// - Parameter network: Of every interface.
    init(
        _ network: OSPFNetwork = .pointToPoint, count: Int = 2, seed: UInt64 = 1,
        isUp: Bool = true, _ edit: (inout OSPFSettings) -> Void = { _ in }
    ) {
        var settings = OSPFSettings(
            router: ip("5.5.5.5"), areas: [OSPFAreaSettings(.unspecified)],
            interfaces: (0..<count).map { number in
                var own = OSPFInterfaceSettings(
                    address: InterfaceAddress(ip("10.\(number).0.5"), length: 24),
                    area: .unspecified)
                own.network = network
                return own
            })
        edit(&settings)
        now = .zero + .seconds(100)
        engine = OSPFEngine(
            settings, random: Random(seed: seed), wallSeconds: 1_800_000_000, at: now)
        if isUp { for number in 0..<count { setLink(number, isUp: true) } }
    }

    func setLink(_ number: Int, isUp: Bool) {
        engine.setInterface(number, isUp: isUp, at: now, into: &effects)
        settle()
    }

    /// Hears raw octets.
    func hear(
        _ bytes: [UInt8], from peer: Peer, to destination: IPv4Address? = nil
    ) {
        engine.receive(
            bytes.raw, from: peer.address, to: destination ?? peer.target, on: peer.interface,
            at: now,
            into: &effects)
        settle()
    }

    /// Hears a packet without authentication.
    func hear(
        _ kind: PacketKind, _ body: [UInt8], from peer: Peer, area: String = "0.0.0.0",
        to destination: IPv4Address? = nil
    ) {
        let bytes = PacketAuthentication.none.packet(
            kind, body, router: peer.router, area: ip(area), wall: 0, sequence: 0)
        hear(bytes, from: peer, to: destination)
    }

    /// Hears a hello.
    func hello(
        _ peer: Peer, knows: Bool = true, priority: UInt8 = 1, first: String = "0.0.0.0",
        second: String = "0.0.0.0", area: String = "0.0.0.0",
        _ edit: (inout Hello) -> Void = { _ in }
    ) {
        var hello = Hello(
            mask: 0xffff_ff00, helloInterval: 10,
            options: peer.options.intersection([.external, .nssa]), priority: priority,
            deadInterval: 40, designated: ip(first), backup: ip(second),
            neighbors: knows ? [ip("5.5.5.5")] : [])
        edit(&hello)
        hear(.hello, hello.bytes, from: peer, area: area)
    }

    /// Hears a description.
    func describe(
        _ peer: Peer, _ flags: DatabaseDescription.Flags, _ sequence: UInt32, _ lsas: [LSA] = [],
        mtu: UInt16 = 1500, area: String = "0.0.0.0"
    ) {
        let description = DatabaseDescription(
            mtu: mtu, options: peer.options, flags: flags, sequence: sequence,
            headers: lsas.map(\.header))
        hear(.databaseDescription, description.bytes, from: peer, area: area)
    }

    /// Hears LSAs.
    func update(_ peer: Peer, _ lsas: LSA..., area: String = "0.0.0.0") {
        hear(.update, Update.bytes(lsas), from: peer, area: area)
    }

    func acknowledge(_ peer: Peer, _ lsas: [LSA], area: String = "0.0.0.0") {
        hear(.acknowledgement, Acknowledgement(lsas.map(\.header)).bytes, from: peer, area: area)
    }

    /// Makes a peer with a higher router id than ours a full neighbour with these LSAs; everything
    /// of ours is acknowledged.
    func befriend(_ peer: Peer, _ lsas: [LSA] = [], area: String = "0.0.0.0", first: String? = nil)
    {
        hello(peer, first: first ?? "0.0.0.0", area: area)
        describe(peer, [.initial, .more, .master], 100, area: area)
        describe(peer, .master, 101, lsas, area: area)
        if !lsas.isEmpty { hear(.update, Update.bytes(lsas), from: peer, area: area) }
        for _ in 0..<3 {
            run(.milliseconds(1))
            acknowledge(
                peer, said.filter { $0.interface == peer.interface }.flatMap(\.lsas), area: area)
        }
        said = []
    }

    /// Lets time pass, timers running when they are due.
    func run(_ interval: Interval) {
        settle()
        let end = now + interval
        var rounds = 0
        while let next = engine.nextDeadline, next <= end {
            now = max(next, now)
            engine.tick(at: now, into: &effects)
            settle()
            rounds += 1
            precondition(rounds < 1_000_000, "the engine does not let time pass")
        }
        now = end
    }

    /// As `run`, hellos of these peers keeping them alive.
    func run(_ interval: Interval, hearing peers: [Peer], area: String = "0.0.0.0") {
        let end = now + interval
        while now < end {
            for peer in peers { hello(peer, area: area) }
            run(min(.seconds(10), end - now))
        }
    }

    /// What was said since the last look, in `interval` from now.
    func listen(_ interval: Interval = .milliseconds(1)) -> [Said] {
        run(interval)
        defer { said = [] }
        return said
    }

    private func settle() {
        said += effects.packets.map(Said.init)
        changes += effects.changes
        events += effects.events
        for change in effects.changes {
            switch change {
            case .set(let prefix, _, _, _), .discard(let prefix): table[prefix] = change
            case .remove(let prefix): table[prefix] = nil
            }
        }
        effects.removeAll()
    }

    func state(_ peer: Peer) -> OSPFNeighborState {
        engine.neighbors.first { $0.router == peer.router && $0.interface == peer.interface }?.state
            ?? .down
    }

    func drops(_ reason: OSPFDrop, on interface: Int = 0) -> UInt64 {
        engine.drops(reason, on: interface)
    }

    /// The LSA in the database.
    func lsa(_ type: LSAType, _ id: String, _ router: String = "5.5.5.5") -> LSA? {
        engine.lsas.first {
            $0.type == type && $0.header.id == ip(id) && $0.header.router == ip(router)
        }
    }

    var ownRouter: LSA? { lsa(.router, "5.5.5.5") }
}
