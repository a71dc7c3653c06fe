import CLinux
import Glibc
public import Timing

/// The clocks of the machine.
public enum Clock {
    /// The moment now by CLOCK_MONOTONIC, which no step of the wall clock moves.
    public static func now() -> Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// Seconds since 1970 by the wall clock, for display only.
    public static func wallSeconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }
}

/// The kernel's random source.
public enum SystemRandom {
    /// A fresh 256-bit key from getrandom(2); ends the process where the kernel has none.
    public static func key() -> (UInt64, UInt64, UInt64, UInt64) {
        var words: [4 of UInt64] = [0, 0, 0, 0]
        let size = 4 * MemoryLayout<UInt64>.size
        var count = 0
        repeat {
            count = unsafe withUnsafeMutableBytes(of: &words) { buffer in
                unsafe getrandom(buffer.baseAddress, size, 0)
            }
        } while count < 0 && errno == EINTR
        // Up to 256 bytes come whole once the pool is ready (getrandom(2)).
        guard count == size else { fatalError("cannot read random numbers from the kernel") }
        return (words[0], words[1], words[2], words[3])
    }
}
