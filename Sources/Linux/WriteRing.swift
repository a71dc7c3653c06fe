import CUring
import Glibc
import Wire

/// Writes frames in batches: one io_uring_enter(2) for all that leaves after a batch of packets.
///
/// Frames are written in the order they were queued. Used by the thread that made it alone.
/// The TAPs are not registered with the ring: a ring is torn down some time after its process
/// ended, and would hold the interfaces until then.
@safe
struct WriteRing: ~Copyable {
    /// Frames that one system call can carry.
    static let depth = 256

    private let ring: UnsafeMutablePointer<io_uring>
    private let lan: Int32
    private let wan: Int32
    private var queued = 0

    /// A ring for frames to the two TAPs. Throws where io_uring is missing or forbidden.
    init(lan: Int32, wan: Int32) throws(SystemError) {
        unsafe ring = .allocate(capacity: 1)
        unsafe ring.initialize(to: io_uring())
        let flags = UInt32(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
        var code = unsafe io_uring_queue_init(UInt32(Self.depth), ring, flags)
        // Kernels before 6.1 do not know these flags.
        if code == -EINVAL { code = unsafe io_uring_queue_init(UInt32(Self.depth), ring, 0) }
        guard code == 0 else {
            unsafe ring.deallocate()
            throw SystemError(
                call: "io_uring_setup", code: -code, subject: "a ring for writes",
                action: "create")
        }
        self.lan = lan
        self.wan = wan
    }

    deinit {
        unsafe io_uring_queue_exit(ring)
        unsafe ring.deallocate()
    }

    /// Queues one frame, which counts as `frames`; false when the queue is full. Its bytes must
    /// stay until `submit`.
    mutating func queue(
        _ side: Side, _ bytes: UnsafeRawBufferPointer, frames: Int
    ) -> Bool {
        guard queued < Self.depth, let entry = unsafe io_uring_get_sqe(ring) else { return false }
        let file = side == .lan ? lan : wan
        unsafe io_uring_prep_write(entry, file, bytes.baseAddress, UInt32(bytes.count), 0)
        unsafe entry.pointee.user_data =
            UInt64(frames) << 1 | UInt64(side.rawValue)
        queued += 1
        return true
    }

    /// Writes what is queued and waits until the kernel has dealt with all of it.
    ///
    /// Throws when the ring does not work any more; the frames without an answer are counted as
    /// refused.
    mutating func submit(into tally: inout WriteTally) throws(SystemError) {
        var left = queued
        queued = 0
        var tries = 0
        while left > 0 {
            let code = unsafe io_uring_submit_and_wait(ring, UInt32(left))
            while left > 0, let result = takeCompletion() {
                tally.note(result.side, result.code, frames: result.frames)
                left -= 1
            }
            tries += 1
            let isTransient = code >= 0 || code == -EINTR || code == -EAGAIN || code == -EBUSY
            guard isTransient, tries < 1000 else {
                tally.note(.wan, -EINVAL, frames: left)
                throw SystemError(
                    call: "io_uring_enter", code: -code, subject: "the frames of a batch",
                    action: "write")
            }
        }
    }

    private func takeCompletion() -> (side: Side, code: Int32, frames: Int)? {
        var completion: UnsafeMutablePointer<io_uring_cqe>?
        guard unsafe io_uring_peek_cqe(ring, &completion) == 0, let entry = unsafe completion
        else { return nil }
        let data = unsafe entry.pointee.user_data
        let code = unsafe entry.pointee.res
        unsafe io_uring_cqe_seen(ring, entry)
        return (data & 1 == 0 ? .lan : .wan, code, Int(data >> 1))
    }
}

/// What became of the frames written.
struct WriteTally {
    /// Frames the kernel took.
    var taken = 0
    /// Those it did not take, by side.
    var failures = InlineArray<2, WriteFailures>(repeating: WriteFailures())

    /// Counts frames by the octets written or the negative errno value.
    mutating func note(_ side: Side, _ code: Int32, frames: Int) {
        if code >= 0 {
            taken &+= frames
        } else {
            failures[Int(side.rawValue)].count(-code, frames: UInt64(frames))
        }
    }
}
