import Glibc
import Linux
import Synchronization
import Testing

struct MailboxTests {
    @Test func keepsOrderAndRefusesWhenFull() throws {
        let mailbox = try Mailbox<Int>(capacity: 3)
        let accepted = (1...5).map { mailbox.post($0) }
        #expect(accepted == [true, true, true, false, false])
        var batch = mailbox.makeBatch()
        #expect(mailbox.drain(into: &batch))
        #expect(batch == [1, 2, 3])
        let again = mailbox.post(6)
        #expect(again)
        #expect(mailbox.drain(into: &batch))
        #expect(batch == [6])
        #expect(mailbox.drain(into: &batch))
        #expect(batch == [])
    }

    @Test func largeMessagesTakeMorePlaces() throws {
        let mailbox = try Mailbox<Int>(capacity: 4)
        var batch = mailbox.makeBatch()
        for _ in 0..<2 {
            let accepted = [(1, 2), (2, 3), (3, 2), (4, 1)].map { mailbox.post($0, places: $1) }
            #expect(accepted == [true, false, true, false])
            mailbox.drain(into: &batch)
            #expect(batch == [1, 3])
        }
    }

    @Test func someMessagesLeaveRoomToOthers() throws {
        let mailbox = try Mailbox<Int>(capacity: 4)
        let accepted = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 0), (6, 0)].map {
            mailbox.post($0, leaving: $1)
        }
        #expect(accepted == [true, true, true, false, true, false])
    }

    @Test func wakesOncePerIdlePeriod() throws {
        let mailbox = try Mailbox<Int>(capacity: 8)
        var batch = mailbox.makeBatch()
        #expect(!isReadable(mailbox.descriptor))
        for value in 0..<4 { _ = mailbox.post(value) }
        #expect(isReadable(mailbox.descriptor))
        var writes: UInt64 = 0
        #expect(unsafe read(mailbox.descriptor, &writes, 8) == 8)
        #expect(writes == 1)
        mailbox.drain(into: &batch)
        #expect(batch == [0, 1, 2, 3])

        _ = mailbox.post(4)
        #expect(isReadable(mailbox.descriptor))
        mailbox.drain(into: &batch)
        #expect(!isReadable(mailbox.descriptor))
    }

    @Test func reusesItsTwoArrays() throws {
        let mailbox = try Mailbox<Int>(capacity: 16)
        var batch = mailbox.makeBatch()
        var places: Set<Int> = []
        for round in 0..<10 {
            for value in 0..<16 { _ = mailbox.post(value) }
            mailbox.drain(into: &batch)
            #expect(batch.count == 16, "round \(round)")
            _ = unsafe batch.withUnsafeBufferPointer {
                places.insert(Int(bitPattern: $0.baseAddress))
            }
        }
        #expect(places.count == 2)
    }

    @Test(.timeLimit(.minutes(1)))
    func carriesEverythingAcrossThreads() throws {
        let mailbox = try Mailbox<[Int]>(capacity: 64)
        let count = 5000
        var producers: [Producer] = []
        for number in 0..<3 {
            producers.append(try Producer(mailbox, number, count))
        }
        var next = [0, 0, 0]
        var batch = mailbox.makeBatch()
        while next.contains(where: { $0 < count }) {
            // Only the descriptor says when to look: a lost wake-up fails here.
            var query = pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)
            try #require(unsafe poll(&query, 1, 5000) == 1, "lost wake-up at \(next)")
            mailbox.drain(into: &batch)
            for message in batch {
                try #require(next[message[0]] == message[1])
                next[message[0]] += 1
            }
        }
        #expect(next == [count, count, count])
        #expect(producers.count == 3)
    }

    /// A thread that posts numbered messages, again and again while the mailbox is full, until
    /// all are posted or nobody keeps it.
    private final class Producer {
        private let thread: WorkerThread
        private let isWanted = Box(Mutex(true))

        init(_ mailbox: Mailbox<[Int]>, _ number: Int, _ count: Int) throws {
            let isWanted = isWanted
            thread = try WorkerThread(name: "gwlx-post\(number)") {
                for index in 0..<count {
                    while !mailbox.post([number, index]) {
                        guard isWanted.value.withLock({ $0 }) else { return }
                        sched_yield()
                    }
                }
            }
        }

        deinit { isWanted.value.withLock { $0 = false } }
    }

    private func isReadable(_ descriptor: Int32) -> Bool {
        var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&query, 1, 0) == 1
    }
}
