import Timing

/// A token bucket for each class of message: 5 a second, 20 at once (SECURITY S62).
///
/// Holds at most 256 classes; all beyond share one bucket.
struct RateLimiter {
    private struct Bucket {
        /// Nanoseconds of credit; a message costs `cost`.
        var credit: Int64
        var updated: Instant
        var suppressed: UInt64 = 0
    }

    private static let cost: Int64 = 200_000_000
    private static let burst: Int64 = 20 * cost
    private static let classLimit = 256
    private static let overflow = "others"

    private var buckets: [String: Bucket] = [:]

    /// Whether a message of `kind` may pass, and if so how many were held back since the last one.
    mutating func admit(_ kind: String, at now: Instant) -> (passes: Bool, suppressed: UInt64) {
        let known = buckets[kind] != nil || buckets.count < Self.classLimit
        let key = known ? kind : Self.overflow
        var bucket = buckets[key] ?? Bucket(credit: Self.burst, updated: now)
        defer { buckets[key] = bucket }
        Self.refill(&bucket, at: now)
        guard bucket.credit >= Self.cost else {
            bucket.suppressed &+= 1
            return (false, 0)
        }
        bucket.credit -= Self.cost
        defer { bucket.suppressed = 0 }
        return (true, bucket.suppressed)
    }

    /// The classes that held messages back and may speak again, with the number held back, each
    /// told once.
    mutating func takeSuppressed(at now: Instant) -> [(kind: String, count: UInt64)] {
        var result: [(kind: String, count: UInt64)] = []
        for kind in buckets.keys.sorted() {
            guard var bucket = buckets[kind], bucket.suppressed > 0 else { continue }
            Self.refill(&bucket, at: now)
            if bucket.credit >= Self.cost {
                bucket.credit -= Self.cost
                result.append((kind, bucket.suppressed))
                bucket.suppressed = 0
            }
            buckets[kind] = bucket
        }
        return result
    }

    private static func refill(_ bucket: inout Bucket, at now: Instant) {
        let elapsed = max(0, (now - bucket.updated).nanoseconds)
        bucket.credit = min(burst, bucket.credit + min(elapsed, burst))
        bucket.updated = now
    }
}
