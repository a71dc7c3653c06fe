import BFD
import Forwarding
import Linux
import NAT
import Timing
import Wire

/// What the worker thread owns besides its buffers: the packet path and what waits to leave.
struct DataPath: ~Copyable {
    var forwarder: Forwarder
    var outbox: Outbox
    var bfd: BFDEngine
    /// What BFD has to tell the control thread.
    var bfdEffects = BFDEffects()
    /// The other workers.
    var peers = Peers.none
    /// The moment of the present turn of the loop.
    var now: Instant
    /// What packets may be joined for the device of a side.
    var joins: InlineArray<2, FrameRun.Protocols> = [[], []]
    /// How long to look for more frames before sleeping.
    var busyPoll = Interval.seconds(0)
    /// Why frames are written one by one; nil while io_uring writes them.
    var ringFailure: SystemError?
    /// Frames the devices did not take, by side.
    var failures = InlineArray<2, WriteFailures>(repeating: WriteFailures())
    /// Frames that did not fit a device's queue to us, by side.
    var queueDrops = InlineArray<2, UInt64>(repeating: 0)

    /// Counts what the kernel dropped, by how many it says there were since the start; nil where it
    /// says nothing.
    mutating func note(queueDrops totals: [UInt64?]) {
        for side in Side.allCases {
            let known = queueDrops[side.index]
            guard let total = totals[side.index], total > known else { continue }
            queueDrops[side.index] = total
            forwarder.count(.deviceQueueFull, on: side, at: now, times: total - known)
        }
    }
}

/// Something another thread wants done on the worker thread, in slices that do not hold packets up.
struct WorkerJob: Sendable {
    /// Works from `cursor` on, 0 at first; the cursor to go on from in the next turn, or nil when
    /// done.
    let slice: @Sendable (_ path: inout DataPath, _ cursor: UInt32) -> UInt32?

    init(_ slice: @escaping @Sendable (inout DataPath, UInt32) -> UInt32?) { self.slice = slice }

    /// A job of one slice.
    static func once(_ body: @escaping @Sendable (inout DataPath) -> Void) -> WorkerJob {
        WorkerJob { path, _ in
            body(&path)
            return nil
        }
    }
}

/// What the worker tells the control thread.
enum WorkerEvent: Sendable {
    /// The first packet can pass.
    case ready
    /// The device of a side is gone; nothing can be forwarded any more.
    case deviceGone(Side)
    /// Sessions were made and ended, and more than could be told.
    case sessions([SessionEvent], lost: Int)
    /// Sessions of BFD are in other states.
    case bfd([BFDEvent])
    /// The loop ended with an error.
    case failed(SystemError)
}
