import RIP
import Signing
import Timing
import Wire

/// Plays packets to one speaker of RIP, which lives on from packet to packet, and stops the program
/// where a promise does not hold: what it knows is bounded and true to what it said it learned.
///
/// It is 10.N.0.1/24 on interface N: plain and by the RFC, plain and loop-free, with a password,
/// with a key. The first two octets of an input say where the packet comes from and what passes
/// before it; the rest is its payload.
public struct RIPExercise: ~Copyable {
    private static let most = 64
    private var engine: RIPEngine
    private var effects = RIPEffects()
    private var now = Instant.zero + .seconds(100)
    /// What the routing table would hold.
    private var routes: Set<IPv4Prefix> = []
    /// Packets heard.
    private var count = 0
    /// Changes of routes that came of them.
    public private(set) var changes = 0

    /// A speaker whose four interfaces are up.
    public init() {
        var settings = RIPSettings(
            interfaces: (0..<4).map { number in
                let address = IPv4Address(10, UInt8(number), 0, 1)
                var own = RIPInterfaceSettings(
                    addresses: [InterfaceAddress(address, length: 24)])
                own.isLoopFree = number != 0
                own.versions = number == 0 ? .both : .version2
                own.acceptsDefault = number == 1
                return own
            })
        settings.interfaces[2]?.authentication = .password(Array("secret".utf8))
        settings.interfaces[3]?.authentication = .keys([
            SigningKey(id: 7, .keyedMD5, secret: Array("secret".utf8))
        ])
        settings.connected = [IPv4Prefix(IPv4Address(10, 0, 0, 0), length: 24)]
        settings.limits.routes = Self.most
        settings.limits.neighbors = 8
        settings.limits.jobs = 8
        engine = RIPEngine(
            settings, random: Random(seed: 1), wallSeconds: 1_800_000_000, at: now)
        for number in 0..<4 { engine.setInterface(number, isUp: true, at: now, into: &effects) }
        settle()
    }

    /// Hears one packet.
    public mutating func take(_ input: borrowing RawSpan) {
        guard input.byteCount >= 2 else { return }
        if now > Self.end { startAgain() }
        let from = unsafe input.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
        let before = unsafe input.unsafeLoad(fromByteOffset: 1, as: UInt8.self)
        let interface = Int(from & 3)
        pass(before, interface)
        let sender = IPv4Address(10, UInt8(interface), from >> 7, from >> 2 & 15)
        let port = from & 0x40 == 0 ? RIPProtocol.port : 521
        engine.receive(
            input.extracting(droppingFirst: 2), from: RIPEndpoint(sender, port: port),
            on: interface, at: now, into: &effects)
        settle()
    }

    /// Timers count 34 years of running, which many packets would exceed.
    private static let end = Instant.zero + .seconds(365 * 86_400)

    private mutating func startAgain() {
        let (count, changes) = (count, changes)
        self = RIPExercise()
        self.count += count
        self.changes += changes
    }

    /// Time, and what else happens to a router.
    private mutating func pass(_ event: UInt8, _ interface: Int) {
        let steps: [Int64] = [0, 0, 10, 200, 1500, 31_000, 181_000, 301_000]
        now = now + .milliseconds(steps[Int(event & 7)])
        if let due = engine.nextDeadline, due <= now { engine.tick(at: now, into: &effects) }
        switch event >> 3 {
        case 0:
            for isUp in [false, true] {
                engine.setInterface(interface, isUp: isUp, at: now, into: &effects)
            }
        case 1:
            let prefix = IPv4Prefix(IPv4Address(172, 16, event, 0), length: 24)
            engine.originate(RIPLocalRoute(prefix, metric: 1), at: now, into: &effects)
        case 2:
            let prefix = IPv4Prefix(IPv4Address(172, 16, event - 8, 0), length: 24)
            engine.withdraw(prefix, at: now, into: &effects)
        default: break
        }
    }

    /// What must hold after every packet.
    private mutating func settle() {
        changes += effects.changes.count
        for change in effects.changes {
            switch change {
            case .set(let prefix, let metric, let ways):
                precondition((2...15).contains(metric) && !ways.isEmpty && ways.count <= 16)
                for way in ways {
                    let network = IPv4Prefix(
                        IPv4Address(10, UInt8(way.interface), 0, 0), length: 24)
                    precondition(network.contains(way.gateway), "a way off the link")
                }
                routes.insert(prefix)
            case .remove(let prefix):
                precondition(routes.remove(prefix) != nil, "taken back without being given")
            }
        }
        precondition(engine.routeCount <= Self.most && routes.count <= engine.routeCount)
        if count % 256 == 0 { precondition(engine.neighborRows.count <= 8) }
        count &+= 1
        precondition(effects.packets.allSatisfy { $0.bytes.count <= 4 + 25 * 20 + 68 })
        effects.removeAll()
    }
}
