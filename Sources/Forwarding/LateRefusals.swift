import Memory
import NAT
import Timing
import Wire

/// SYNs from outside that nobody asked for, kept until they may be refused (RFC 5382 REQ-4): the
/// other end of a simultaneous open may still be about to call. First in, first out.
struct LateRefusals {
    /// How long nothing is said: 6 s at least, and a tick.
    static var delay: Interval { .milliseconds(6250) }

    struct Entry: BitwiseCopyable {
        var flow: Flow
        /// Where the start of the packet is kept.
        var held: UInt32
        var due: Instant
    }

    private var entries = InlineArray<64, Entry?>(repeating: nil)
    private var first = 0
    private(set) var count = 0

    func contains(_ flow: Flow) -> Bool {
        for offset in 0..<count where entries[(first + offset) & 63]?.flow == flow { return true }
        return false
    }

    var isFull: Bool { count == entries.count }

    mutating func append(_ entry: Entry) {
        entries[(first + count) & 63] = entry
        count += 1
    }

    mutating func popDue(at now: Instant) -> Entry? {
        guard count > 0, let entry = entries[first], entry.due <= now else { return nil }
        entries[first] = nil
        first = (first + 1) & 63
        count -= 1
        return entry
    }
}

extension Forwarder {
    /// Octets of a packet that a refusal quotes: its longest header and 8 more.
    private static var quoted: Int { Packet.ip + 68 }

    /// Keeps a SYN from outside that met `reason`, if it is one to be refused later. When too many
    /// wait, it never is.
    mutating func refuseLater(
        _ packet: Packet, _ reason: DropReason, _ frame: inout MutableRawSpan, _ path: Path
    ) {
        guard settings.nat.rejectsLateSYN, path.side == settings.nat.outside,
            reason == .natNoSession || reason == .natFiltered,
            packet.proto == IPProtocol.tcp, !packet.isFragment,
            packet.flags.intersection([.syn, .ack, .rst, .fin]) == .syn
        else { return }
        let flow = Flow(packet, .inbound)
        guard !lateRefusals.isFull, !lateRefusals.contains(flow),
            packet.transportChecksumIsValid(&frame)
        else { return }
        let start = frame.bytes.part(0, min(packet.frameLength, Self.quoted))
        guard let held = store.hold(start, VirtioNetHeader(), path.side) else { return }
        lateRefusals.append(
            LateRefusals.Entry(flow: flow, held: held, due: path.now + LateRefusals.delay))
    }

    /// Refuses what nobody inside called meanwhile.
    mutating func refuseLate(at now: Instant, into outbox: inout Outbox) {
        while let entry = lateRefusals.popDue(at: now) {
            if nat.find(entry.flow) == nil {
                report(.unreachable(UnreachableCode.port), aboutHeld: entry.held, now, &outbox)
            }
            store.release(entry.held)
        }
    }
}
