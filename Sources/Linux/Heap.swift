import CLinux

/// The allocator of the process.
public enum Heap {
    /// Has every block of 256 KiB and more go back to the system as soon as it is free.
    ///
    /// glibc raises that limit to the size of what was freed, 32 MiB at most: tables that grow, and
    /// what many routes need on their way, would leave holes that stay (mallopt(3)).
    public static func returnLargeBlocks() {
        let mmapThreshold: Int32 = -3
        _ = mallopt(mmapThreshold, 256 << 10)
    }
}
