import CLinux
import Glibc
import Synchronization

/// A bounded queue from any thread to one consumer that waits on a descriptor.
///
/// Messages of one producer arrive in order. The consumer never waits: when a producer holds the
/// lock it gets nothing now, and the descriptor stays readable. A write wakes the consumer once
/// for each time the queue stops being empty.
public final class Mailbox<Message: Sendable>: Sendable {
    private struct Queue {
        var messages: [Message] = []
        /// Places taken.
        var used = 0
    }

    private let queue: Mutex<Queue>
    private let wakeUp: Descriptor
    /// Most places of messages it holds.
    public let capacity: Int

    /// Readable while messages wait: for `FrameIO`.
    public var descriptor: Int32 { wakeUp.rawValue }

    /// An empty mailbox for up to `capacity` messages, at least 1.
    public init(capacity: Int) throws(SystemError) {
        precondition(capacity > 0)
        let number = eventfd(0, CInt(EFD_NONBLOCK | EFD_CLOEXEC))
        guard number >= 0 else { throw SystemError.last("eventfd", "a mailbox", action: "create") }
        wakeUp = Descriptor(owning: number)
        self.capacity = capacity
        var empty = Queue()
        empty.messages.reserveCapacity(capacity)
        queue = Mutex(empty)
    }

    /// Appends a message and wakes the consumer if it was idle; false when the mailbox is full.
    ///
    /// - Parameters:
    ///   - places: At least 1; more for a message that needs more memory than others.
    ///   - room: Places that this message leaves to others.
    public func post(_ message: Message, places: Int = 1, leaving room: Int = 0) -> Bool {
        let countAfter = queue.withLock { queue in
            guard places + room <= capacity - queue.used else { return 0 }
            queue.messages.append(message)
            queue.used += places
            return queue.messages.count
        }
        if countAfter == 1 { wake() }
        return countAfter > 0
    }

    /// Wakes the consumer without a message.
    public func wake() {
        var one: UInt64 = 1
        _ = unsafe write(wakeUp.rawValue, &one, MemoryLayout<UInt64>.size)
    }

    /// An empty array with room for a full mailbox, for `drain`.
    public func makeBatch() -> [Message] {
        var batch: [Message] = []
        batch.reserveCapacity(capacity)
        return batch
    }

    /// Replaces the contents of `batch`, which the consumer keeps, by all waiting messages.
    ///
    /// Does not allocate if `batch` came from `makeBatch`. Returns false if a producer was at work:
    /// the batch is then empty and the descriptor is or becomes readable.
    @discardableResult
    public func drain(into batch: inout [Message]) -> Bool {
        batch.removeAll(keepingCapacity: true)
        let drained: Void? = queue.withLockIfAvailable { queue in
            // Cleared before the exchange and under the lock: a later message writes again.
            var count: UInt64 = 0
            _ = unsafe read(wakeUp.rawValue, &count, MemoryLayout<UInt64>.size)
            if !queue.messages.isEmpty { swap(&queue.messages, &batch) }
            queue.used = 0
        }
        return drained != nil
    }
}
