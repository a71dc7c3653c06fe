public import Timing

/// A wire with faults; every fault is drawn from a seeded source, so that a run can be repeated.
public struct Link: Sendable {
    /// Time every frame takes.
    public var latency = Interval.milliseconds(5)
    /// Most time a frame takes beyond that; frames overtake each other by it.
    public var jitter = Interval(nanoseconds: 0)
    /// Frames of 10,000 that are lost.
    public var loss = 0
    /// Frames of 10,000 that arrive twice.
    public var duplication = 0
    /// Frames of 10,000 that arrive with a bit flipped.
    public var corruption = 0
    /// Frames of 10,000 that arrive cut off.
    public var truncation = 0

    /// A wire without faults.
    public init() {}

    /// A wire with all of them.
    public static var bad: Link {
        var link = Link()
        link.jitter = .milliseconds(40)
        link.loss = 300
        link.duplication = 300
        link.corruption = 300
        link.truncation = 200
        return link
    }

    /// What arrives of a frame, and after what time.
    func carry(_ frame: [UInt8], _ random: inout Random) -> [(delay: Interval, frame: [UInt8])] {
        if random.below(10_000) < loss { return [] }
        let copies = random.below(10_000) < duplication ? 2 : 1
        return (0..<copies).map { _ in
            var arriving = frame
            if random.below(10_000) < corruption, !frame.isEmpty {
                arriving[random.below(frame.count)] ^= 1 << UInt8(random.below(8))
            }
            if random.below(10_000) < truncation {
                arriving.removeLast(random.below(frame.count + 1))
            }
            let extra = jitter.nanoseconds > 0 ? random.below(Int(jitter.nanoseconds)) : 0
            return (latency + Interval(nanoseconds: Int64(extra)), arriving)
        }
    }
}
