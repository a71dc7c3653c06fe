/// A span of time in nanoseconds.
@frozen
public struct Interval: Hashable, Comparable, Sendable {
    /// Length in nanoseconds.
    public var nanoseconds: Int64

    /// A span of `nanoseconds`.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// A span of whole seconds.
    @inlinable
    public static func seconds(_ count: Int64) -> Interval {
        Interval(nanoseconds: count &* 1_000_000_000)
    }

    /// A span of milliseconds.
    @inlinable
    public static func milliseconds(_ count: Int64) -> Interval {
        Interval(nanoseconds: count &* 1_000_000)
    }

    /// Whole seconds, rounded down.
    public var wholeSeconds: Int64 { nanoseconds / 1_000_000_000 }
    /// Whole milliseconds, rounded down.
    public var wholeMilliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Orders by value.
    @inlinable
    public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
    /// Sum of two spans.
    @inlinable
    public static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds &+ b.nanoseconds)
    }
    /// A span repeated.
    @inlinable
    public static func * (a: Interval, b: Int64) -> Interval {
        Interval(nanoseconds: a.nanoseconds &* b)
    }
}

/// A moment on the monotonic clock, in nanoseconds since an arbitrary start.
@frozen
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the start of the clock.
    public var nanoseconds: Int64

    /// The moment `nanoseconds` after the start of the clock.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The start of the clock.
    public static var zero: Instant { Instant(nanoseconds: 0) }

    /// Orders by value.
    @inlinable
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    /// The moment a span later.
    @inlinable
    public static func + (a: Instant, b: Interval) -> Instant {
        Instant(nanoseconds: a.nanoseconds &+ b.nanoseconds)
    }
    /// The span from `b` to `a`.
    @inlinable
    public static func - (a: Instant, b: Instant) -> Interval {
        Interval(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
    /// Moves the moment a span later.
    @inlinable
    public static func += (a: inout Instant, b: Interval) { a = a + b }
}
