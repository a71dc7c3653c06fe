import CLinux

/// The allocator of the process.
public enum Heap {
    /// Has every block of 256 KiB and more go back to the system as soon as it is free, and all
    /// threads use one heap; before there are any.
    ///
    /// glibc raises that limit to the size of what was freed, 32 MiB at most: tables that grow, and
    /// what many routes need on their way, would leave holes that stay. So would packets that one
    /// thread hands to another in a heap of its own (mallopt(3)).
    public static func shareAndReturn() {
        let (mmapThreshold, mostHeaps): (Int32, Int32) = (-3, -8)
        _ = mallopt(mmapThreshold, 256 << 10)
        _ = mallopt(mostHeaps, 1)
    }
}
