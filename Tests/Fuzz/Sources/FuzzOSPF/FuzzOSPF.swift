import OSPF
import Support
import Timing
import Wire

// One speaker for all inputs, so that it is in every state a neighbour can bring it into. A find
// needs the inputs before it too: FUZZ_SEED brings them again.
nonisolated(unsafe) private var exercise = OSPFExercise()

/// One packet to a speaker of OSPF, and what passes before it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    unsafe exercise.take(input)
    return 0
}

/// Plays packets to one speaker of OSPF, which lives on from packet to packet, and stops the
/// program where a promise does not hold.
///
/// The first two octets of an input say on which side the packet comes, what the neighbour there
/// has said before, and how much time passes; then follows a packet as it is, or the kind and the
/// body of one whose header and sums are put right.
private struct OSPFExercise: ~Copyable {
    private static let most = 200
    private static let own = IPv4Address(5, 5, 5, 5)
    private var engine: OSPFEngine
    private var effects = OSPFEffects()
    private var now = Instant.zero + .seconds(100)
    private var routes: Set<IPv4Prefix> = []
    /// The sequence number of the last description on each side.
    private var sequences: [UInt32] = [0, 0]

    init() {
        var settings = OSPFSettings(
            router: Self.own, areas: [OSPFAreaSettings(.unspecified)],
            interfaces: (UInt8(0)..<2).map { side in
                var one = OSPFInterfaceSettings(
                    address: InterfaceAddress(IPv4Address(10, 0, side, 5), length: 24),
                    area: .unspecified)
                one.network = side == 0 ? .pointToPoint : .broadcast
                return one
            })
        settings.limits.lsas = Self.most
        settings.limits.neighbors = 4
        engine = OSPFEngine(
            settings, random: Random(seed: 1), wallSeconds: 1_800_000_000, at: now)
        for side in 0..<2 { engine.setInterface(side, isUp: true, at: now, into: &effects) }
        settle()
    }

    mutating func take(_ input: [UInt8]) {
        guard input.count >= 3 else { return }
        let (from, before) = (input[0], input[1])
        // An instant counts 292 years.
        if now > Instant.zero + .seconds(365 * 86_400) { self = OSPFExercise() }
        let side = Int(from & 1)
        // It leads exchanges, or we do.
        let router = from & 2 == 0 ? IPv4Address(9, 9, 9, 9) : IPv4Address(4, 4, 4, 4)
        pass(before)
        bring(from >> 4 & 7, router, side)
        let rest = Array(input[2...])
        hear(from & 8 == 0 ? Self.packet(rest[0] % 5 + 1, Array(rest[1...]), router) : rest, side)
        precondition(engine.neighbors.count <= 8)
    }

    /// Time, in steps of timers, or a link that goes and returns.
    private mutating func pass(_ event: UInt8) {
        let steps: [Int64] = [0, 0, 0, 1, 100, 1000, 5000, 40_000]
        let isLong = event >= 0xfc
        let end = now + .milliseconds(isLong ? 3_600_000 : steps[Int(event & 7)])
        for _ in 0..<100_000 {
            guard let due = engine.nextDeadline, due <= end else { break }
            now = max(now, due)
            engine.tick(at: now, into: &effects)
            settle()
        }
        precondition(engine.nextDeadline.map { $0 > end } ?? true, "time stands still")
        now = end
        guard event & 0xf0 == 0 else { return }
        for isUp in [false, true] {
            engine.setInterface(Int(event >> 3 & 1), isUp: isUp, at: now, into: &effects)
            settle()
        }
    }

    /// What leads to 2-Way, ExStart, Exchange and Full, if it comes after what was before.
    private mutating func bring(_ steps: UInt8, _ router: IPv4Address, _ side: Int) {
        let hello: [UInt8] =
            [255, 255, 255, 0, 0, 10, 2, 1, 0, 0, 0, 40, 10, 0, 1, 9, 0, 0, 0, 0, 5, 5, 5, 5]
        if steps >= 1 { hear(Self.packet(1, hello, router), side) }
        if steps >= 2, router > Self.own {
            hear(Self.packet(2, Self.description(7, 100), router), side)
            if steps >= 3 { hear(Self.packet(2, Self.description(1, 101), router), side) }
        } else if steps >= 2 {
            let flags: [UInt8] = steps >= 3 ? [2, 0, 0, 0] : [2]
            for one in flags {
                hear(Self.packet(2, Self.description(one, sequences[side]), router), side)
            }
        }
    }

    private static func description(_ flags: UInt8, _ sequence: UInt32) -> [UInt8] {
        [0x05, 0xdc, 0x42, flags] + octets(sequence)
    }

    private static func octets(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private mutating func hear(_ packet: [UInt8], _ side: Int) {
        engine.receive(
            packet.raw, from: IPv4Address(10, 0, UInt8(side), 9),
            to: OSPFProtocol.allRouters, on: side, at: now, into: &effects)
        settle()
    }

    // MARK: Sums

    /// A packet with a right header, and of an update right LSAs as far as their lengths are.
    private static func packet(_ kind: UInt8, _ body: [UInt8], _ router: IPv4Address) -> [UInt8] {
        var body = body
        var place = 4
        while kind == 4, place + 20 <= body.count {
            let length = Int(body[place + 18]) << 8 | Int(body[place + 19])
            guard length >= 20, place + length <= body.count else { break }
            seal(&body, place..<place + length)
            place += length
        }
        let length = UInt32(24 + body.count)
        var bytes = octets(2 << 24 | UInt32(kind) << 16 | length & 0xffff) + octets(router.rawValue)
        bytes += [UInt8](repeating: 0, count: 16) + body
        let sum = ~Checksum.fold(Checksum.sum(bytes.raw))
        (bytes[12], bytes[13]) = (UInt8(sum >> 8), UInt8(sum & 0xff))
        return bytes
    }

    /// Fletcher's checksum over all but the age.
    private static func seal(_ bytes: inout [UInt8], _ lsa: Range<Int>) {
        let place = lsa.lowerBound + 16
        (bytes[place], bytes[place + 1]) = (0, 0)
        var (first, second) = (0, 0)
        for octet in bytes[lsa].dropFirst(2) {
            first += Int(octet)
            second += first
        }
        let x = ((lsa.upperBound - place - 1) * (first % 255) - second % 255) % 255
        let high = x <= 0 ? x + 255 : x
        let low = 510 - first % 255 - high
        bytes[place] = UInt8(high)
        bytes[place + 1] = UInt8(low > 255 ? low - 255 : low)
    }

    // MARK: Promises

    /// What must hold after every packet.
    private mutating func settle() {
        precondition(engine.lsaCount <= Self.most)
        for packet in effects.packets {
            let bytes = packet.bytes
            precondition(bytes.count >= 24 && bytes.count <= 65_515 && bytes[0] == 2)
            precondition(Int(bytes[2]) << 8 | Int(bytes[3]) == bytes.count, "a wrong length")
            precondition(Checksum.fold(Checksum.sum(bytes.raw)) == 0xffff, "a wrong sum")
            if bytes[1] == 2, bytes.count >= 32 {
                sequences[packet.interface] = bytes[28..<32].reduce(0) { $0 << 8 | UInt32($1) }
            }
        }
        for change in effects.changes {
            switch change {
            case .set(let prefix, _, _, _), .discard(let prefix): routes.insert(prefix)
            case .remove(let prefix):
                precondition(routes.remove(prefix) != nil, "a route that was not given is taken")
            }
        }
        effects.removeAll()
    }
}
