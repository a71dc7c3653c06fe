import Configuration
import Forwarding
import Linux
import NAT
import Timing
import Wire

/// What the control thread looks at every second.
struct Sample: Sendable {
    let now: Instant
    private(set) var received: InlineArray<2, UInt64>
    private(set) var sent: InlineArray<2, UInt64>
    private(set) var sessions: Int
    private(set) var created: UInt64
    private(set) var closed: UInt64
    let conflicts: InlineArray<2, Int>
    let lastConflict: InlineArray<2, AddressConflict?>

    init(_ path: borrowing DataPath) {
        let lan = path.forwarder.counters[0]
        let wan = path.forwarder.counters[1]
        let conflicts = (path.forwarder.conflict(on: .lan), path.forwarder.conflict(on: .wan))
        now = path.now
        received = [lan.receivedBytes, wan.receivedBytes]
        sent = [lan.sentBytes, wan.sentBytes]
        sessions = path.forwarder.nat.sessionCount
        let statistics = path.forwarder.nat.statistics
        created = (0..<4).reduce(0) { $0 &+ statistics.created[$1] }
        closed = (0..<4).reduce(0) { $0 &+ statistics.closed[$1] }
        self.conflicts = [conflicts.0.count, conflicts.1.count]
        lastConflict = [conflicts.0.last, conflicts.1.last]
    }

    /// With what another worker did; conflicts are the first one's.
    func with(_ other: Sample) -> Sample {
        var sum = self
        for side in Side.allCases {
            sum.received[side.index] &+= other.received[side.index]
            sum.sent[side.index] &+= other.sent[side.index]
        }
        sum.sessions += other.sessions
        sum.created &+= other.created
        sum.closed &+= other.closed
        return sum
    }
}

/// Rates of the last second, from samples.
struct RateMeter {
    private var last: Sample?
    private var lastStatus = Instant.zero
    private var lastSummary: (now: Instant, created: UInt64, closed: UInt64)?
    /// Conflicts already told.
    var conflicts = InlineArray<2, Int>(repeating: 0)
    /// Bits a second received, by side.
    private(set) var received = InlineArray<2, UInt64>(repeating: 0)
    /// Bits a second sent, by side.
    private(set) var sent = InlineArray<2, UInt64>(repeating: 0)

    mutating func take(_ sample: Sample) {
        defer { last = sample }
        guard let last, sample.now > last.now else { return }
        let nanoseconds = UInt64(truncatingIfNeeded: (sample.now - last.now).nanoseconds)
        for side in Side.allCases {
            let i = side.index
            received[i] = Self.rate(sample.received[i] &- last.received[i], nanoseconds)
            sent[i] = Self.rate(sample.sent[i] &- last.sent[i], nanoseconds)
        }
    }

    private static func rate(_ bytes: UInt64, _ nanoseconds: UInt64) -> UInt64 {
        let (high, low) = bytes.multipliedFullWidth(by: 8_000_000_000)
        guard high < nanoseconds else { return .max }
        return nanoseconds.dividingFullWidth((high, low)).quotient
    }

    /// Whether the status line may be renewed: at most every 5 s.
    var isStatusDue: Bool { Clock.now() - lastStatus >= .seconds(5) }

    /// What became of sessions in the last minute; nil within it, or if nothing did.
    mutating func sessionsLine(_ sample: Sample) -> String? {
        let last = lastSummary ?? (sample.now, 0, 0)
        if lastSummary == nil { lastSummary = last }
        guard sample.now - last.now >= .seconds(60) else { return nil }
        lastSummary = (sample.now, sample.created, sample.closed)
        let (created, closed) = (sample.created &- last.created, sample.closed &- last.closed)
        guard created > 0 || closed > 0 else { return nil }
        return "\(created) sessions made, \(closed) ended, \(sample.sessions) open"
    }

    mutating func statusLine(sessions: Int) -> String {
        lastStatus = Clock.now()
        let megabits = received[Side.wan.index] / 1_000_000
        return "\(sessions) sessions, wan \(megabits) Mbit/s in"
    }
}

/// The machine's identity, from which hardware addresses are made.
enum MachineID {
    static func read() -> String {
        for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
            if let bytes = try? ConfigurationLoader.read(path, most: 64) {
                let text = String(decoding: bytes.prefix(32), as: UTF8.self)
                if text.utf8.count == 32 { return text }
            }
        }
        return ""
    }
}
