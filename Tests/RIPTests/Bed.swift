import RIP
import Support
import Timing
import Wire

/// A packet as a test reads it.
struct Said: Equatable, CustomStringConvertible {
    var interface: Int
    var destination: RIPEndpoint
    var command: UInt8
    var entries: [RIPEntry]
    var bytes: [UInt8]

    init(_ packet: RIPPacket) {
        interface = packet.interface
        destination = packet.destination
        command = packet.bytes[0]
        bytes = packet.bytes
        entries = stride(from: 4, through: packet.bytes.count - 20, by: 20).map { start in
            Self.entry(Array(packet.bytes[start..<(start + 20)]))
        }
    }

    private static func entry(_ bytes: [UInt8]) -> RIPEntry {
        func word(_ at: Int) -> UInt32 {
            bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        var entry = RIPEntry.everything
        entry.family = UInt16(word(0) >> 16)
        entry.tag = UInt16(word(0) & 0xffff)
        entry.address = IPv4Address(word(4))
        entry.mask = word(8)
        entry.nextHop = IPv4Address(word(12))
        entry.metric = word(16)
        return entry
    }

    var isRequest: Bool { command == 1 }

    /// What is said of a destination.
    func entry(_ text: String) -> RIPEntry? {
        entries.first { $0.address == prefix(text).address && $0.mask == prefix(text).mask }
    }

    var description: String {
        let list = entries.map { "\($0.address)/\($0.mask.nonzeroBitCount)=\($0.metric)" }
        return "\(command) on \(interface) to \(destination.address): \(list)"
    }
}

/// A speaker with a clock: 10.0.0.1/24 on interface 0, 10.1.0.1/24 on interface 1, …
final class Bed {
    var engine: RIPEngine
    var now: Instant
    var effects = RIPEffects()
    /// Everything said since it was last looked at.
    var said: [Said] = []
    var changes: [RIPChange] = []
    var events: [RIPEvent] = []

    init(
        _ count: Int = 2, seed: UInt64 = 1, wall: Int64 = 1_800_000_000, isUp: Bool = true,
        _ edit: (inout RIPSettings) -> Void = { _ in }
    ) {
        var settings = Self.settings(count)
        edit(&settings)
        now = .zero + .seconds(100)
        engine = RIPEngine(settings, random: Random(seed: seed), wallSeconds: wall, at: now)
        if isUp {
            for number in 0..<count { setLink(number, isUp: true) }
            run(.milliseconds(20))
            said = []
        }
    }

    /// Interfaces without loop-free mode: the protocol as the RFC has it.
    static func settings(_ count: Int = 2) -> RIPSettings {
        RIPSettings(
            interfaces: (0..<count).map { number in
                let address = InterfaceAddress(ip("10.\(number).0.1"), length: 24)
                var own = RIPInterfaceSettings(addresses: [address])
                own.isLoopFree = false
                return own
            })
    }

    func setLink(_ number: Int, isUp: Bool) {
        engine.setInterface(number, isUp: isUp, at: now, into: &effects)
        settle()
    }

    /// Announces a network of our own.
    func originate(_ text: String, metric: UInt8 = 1, tag: UInt16 = 0) {
        engine.originate(
            RIPLocalRoute(prefix(text), metric: metric, tag: tag), at: now, into: &effects)
        settle()
    }

    /// Hears raw octets.
    func hear(_ bytes: [UInt8], _ address: String, port: UInt16 = 520, on interface: Int = 0) {
        unsafe engine.receive(
            bytes.span.bytes, from: RIPEndpoint(ip(address), port: port), on: interface, at: now,
            into: &effects)
        settle()
    }

    /// Hears a response of `prefix: metric` pairs.
    func hear(
        _ routes: KeyValuePairs<String, UInt8>, from address: String = "10.0.0.2",
        on interface: Int = 0
    ) {
        hear(
            packet(2, routes.map { RIPEntry(prefix($0.key), metric: $0.value) }), address,
            on: interface)
    }

    /// Lets time pass, timers running when they are due.
    func run(_ interval: Interval) {
        settle()
        let end = now + interval
        while let next = engine.nextDeadline, next <= end {
            now = max(next, now)
            engine.tick(at: now, into: &effects)
            settle()
        }
        now = end
    }

    /// What was said since the last look, in `interval` from now.
    func listen(_ interval: Interval = .milliseconds(100)) -> [Said] {
        run(interval)
        defer { said = [] }
        return said
    }

    private func settle() {
        said += effects.packets.map(Said.init)
        changes += effects.changes
        events += effects.events
        effects.removeAll()
    }

    /// The metric known for a destination; nil if none is.
    func metric(_ text: String) -> UInt8? { engine.route(to: prefix(text))?.metric }

    /// The routers packets go to.
    func gateways(_ text: String) -> [String] {
        (engine.route(to: prefix(text))?.heard ?? []).filter(\.isUsed)
            .map { "\($0.way.gateway)" }
    }

    func drops(_ reason: RIPDrop, on interface: Int = 0) -> UInt64 {
        engine.drops(reason, on: interface)
    }
}

/// A packet of version 2 without authentication.
func packet(_ command: UInt8, _ entries: [RIPEntry], version: UInt8 = 2) -> [UInt8] {
    var bytes: [UInt8] = [command, version, 0, 0]
    for entry in entries {
        bytes += big(entry.family) + big(entry.tag) + big(entry.address.rawValue)
        bytes += big(entry.mask) + big(entry.nextHop.rawValue) + big(entry.metric)
    }
    return bytes
}

func big<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<(T.bitWidth / 8)).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

func route(_ text: String, _ metric: UInt8, tag: UInt16 = 0, via: String = "0.0.0.0") -> RIPEntry {
    RIPEntry(prefix(text), metric: metric, tag: tag, nextHop: ip(via))
}
