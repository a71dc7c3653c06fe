import Allocations
import Glibc

/// Nanoseconds of processor time this thread has used: others on the machine disturb it less.
func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The best of some runs.
struct Best {
    /// Nanoseconds a step.
    var nanoseconds = Double.infinity
    /// Allocations in the run that had most.
    var allocations = 0

    /// Runs `body`, which does `steps` steps, and keeps the time if it is the best so far.
    mutating func run(steps: Int, _ body: () -> Void) {
        let before = allocationsOfThisThread()
        let start = engine.nanoseconds()
        body()
        let time = engine.nanoseconds() - start
        allocations = max(allocations, Int(allocationsOfThisThread() - before))
        nanoseconds = min(nanoseconds, Double(time) / Double(steps))
    }
}

extension Double {
    /// With some digits after the point.
    func text(_ digits: Int = 1) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int((self * scale).rounded())
        guard digits > 0 else { return "\(whole)" }
        let rest = "\(whole % Int(scale))"
        return "\(whole / Int(scale))."
            + String(repeating: "0", count: digits - rest.count) + rest
    }
}
