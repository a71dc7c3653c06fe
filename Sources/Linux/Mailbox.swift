import CLinux
import Glibc
import Synchronization

/// A bounded queue from any thread to one consumer that waits on a descriptor.
///
/// Messages of one producer arrive in order. The consumer never waits: when a producer holds the
/// lock it gets nothing now, and the descriptor stays readable. A write wakes the consumer once
/// for each time the queue stops being empty.
public final class Mailbox<Message: Sendable>: Sendable {
    private let queue: Mutex<[Message]>
    private let wakeUp: Descriptor
    /// Most messages it holds.
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
        var storage: [Message] = []
        storage.reserveCapacity(capacity)
        queue = Mutex(storage)
    }

    /// Appends a message and wakes the consumer if it was idle; false when the mailbox is full.
    public func post(_ message: Message) -> Bool {
        let countAfter = queue.withLock { queue in
            guard queue.count < capacity else { return 0 }
            queue.append(message)
            return queue.count
        }
        if countAfter == 1 {
            var one: UInt64 = 1
            _ = unsafe write(wakeUp.rawValue, &one, MemoryLayout<UInt64>.size)
        }
        return countAfter > 0
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
            if !queue.isEmpty { swap(&queue, &batch) }
        }
        return drained != nil
    }
}
