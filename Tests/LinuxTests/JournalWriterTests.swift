import Glibc
import Linux
import Support
import Synchronization
import Testing
import Timing

/// A clock that the test moves.
private final class TestClock: Sendable {
    private let nanoseconds = Atomic<Int64>(0)
    func now() -> Instant { Instant(nanoseconds: nanoseconds.load(ordering: .relaxed)) }
    func advance(milliseconds: Int64) {
        nanoseconds.add(milliseconds * 1_000_000, ordering: .relaxed)
    }
}

/// A pipe in the place of standard error.
private struct ErrorPipe: ~Copyable {
    let reader: Descriptor
    let writer: Descriptor

    init() throws {
        var pipes: [Int32] = [0, 0]
        try #require(unsafe pipe(&pipes) == 0)
        _ = fcntl(pipes[0], F_SETFL, O_NONBLOCK)
        reader = Descriptor(owning: pipes[0])
        writer = Descriptor(owning: pipes[1])
    }

    func readAll() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(reader.rawValue, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer.prefix(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

struct JournalWriterTests {
    private let clock = TestClock()

    /// A writer for the journal at `receiver`.
    private func writer(_ receiver: Receiver, _ pipe: borrowing ErrorPipe) -> JournalWriter {
        let stream = identity(of: pipe.writer.rawValue)
        let clock = clock
        return JournalWriter(
            identifier: "gatewayd", environment: { $0 == "JOURNAL_STREAM" ? stream : nil },
            socketPath: receiver.path, errorOutput: pipe.writer.rawValue, clock: { clock.now() })
    }

    /// A writer for lines.
    private func writer(_ pipe: borrowing ErrorPipe) -> JournalWriter {
        let clock = clock
        return JournalWriter(
            identifier: "gatewayd", environment: { _ in nil }, socketPath: "/nonexistent",
            errorOutput: pipe.writer.rawValue, clock: { clock.now() })
    }

    @Test func speaksTheNativeProtocol() throws {
        let receiver = try Receiver()
        let pipe = try ErrorPipe()
        let writer = writer(receiver, pipe)
        #expect(writer.writesToJournal)
        writer.write(
            priority: 4, message: "neighbour gone",
            fields: [
                ("GATEWAYD_EVENT", "neighbor.changed"), ("GATEWAYD_SIDE", "lan"), ("lower", "x"),
                ("_PID", "1"), ("A=B", "x"), ("9A", "x"), ("", "x"),
            ])
        #expect(
            receiver.receiveAll() == [
                "MESSAGE=neighbour gone\nPRIORITY=4\nSYSLOG_IDENTIFIER=gatewayd\n"
                    + "GATEWAYD_EVENT=neighbor.changed\nGATEWAYD_SIDE=lan\n"
            ])
        #expect(pipe.readAll() == "")
        #expect(writer.droppedCount == 0)
    }

    @Test(.row("S62")) func escapesControlCharacters() throws {
        let receiver = try Receiver()
        let pipe = try ErrorPipe()
        let text = "a\nPRIORITY=0\u{1b}[2J\u{9b}\u{7f}\r\0 \u{e4}\u{1f980}"
        let escaped = "a\\x0aPRIORITY=0\\x1b[2J\\x9b\\x7f\\x0d\\x00 \u{e4}\u{1f980}"
        writer(receiver, pipe).write(priority: 6, message: text, fields: [("F", text)])
        #expect(
            receiver.receiveAll() == [
                "MESSAGE=\(escaped)\nPRIORITY=6\nSYSLOG_IDENTIFIER=gatewayd\nF=\(escaped)\n"
            ])
        writer(pipe).write(priority: 6, message: text, fields: [("F", text)])
        #expect(pipe.readAll() == "info: \(escaped) F=\(escaped)\n")
    }

    @Test func sendsLongMessagesAsASealedFile() throws {
        let receiver = try Receiver()
        let pipe = try ErrorPipe()
        let long = String(repeating: "x", count: 1 << 20)
        writer(receiver, pipe).write(priority: 5, message: long)
        let (text, number) = try #require(receiver.receive())
        #expect(text == "")
        let file = Descriptor(owning: try #require(number))
        let expected = "MESSAGE=\(long)\nPRIORITY=5\nSYSLOG_IDENTIFIER=gatewayd\n"
        var bytes = [UInt8](repeating: 0, count: expected.utf8.count + 1)
        let count = unsafe pread(file.rawValue, &bytes, bytes.count, 0)
        #expect(count == expected.utf8.count)
        let isEqual = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self) == expected
        #expect(isEqual)
        #expect(fcntl(file.rawValue, 1034) == 15)  // F_GET_SEALS: seal, shrink, grow, write
    }

    @Test(.row("S62")) func limitsEachClass() throws {
        let receiver = try Receiver()
        let pipe = try ErrorPipe()
        let writer = writer(receiver, pipe)
        func flood(_ event: String, _ count: Int) -> [String] {
            // The receiver's queue is short, so it is emptied on the way.
            (0..<count).flatMap { _ in
                writer.write(priority: 4, message: "m", fields: [("GATEWAYD_EVENT", event)])
                return receiver.receiveAll()
            }
        }
        #expect(flood("a", 100).count == 20)
        #expect(flood("b", 7).count == 7)
        clock.advance(milliseconds: 1000)
        let later = flood("a", 100)
        #expect(later.count == 6)
        #expect(
            later.first == "MESSAGE=80 suppressed: a\nPRIORITY=5\nSYSLOG_IDENTIFIER=gatewayd\n"
                + "GATEWAYD_SUPPRESSED=80\n")
        #expect(later.dropFirst().allSatisfy { $0.hasPrefix("MESSAGE=m\n") })

        clock.advance(milliseconds: 1000)
        writer.writeSuppressed()
        writer.writeSuppressed()
        let told = receiver.receiveAll()
        #expect(told.count == 1)
        #expect(told.first?.hasPrefix("MESSAGE=95 suppressed: a\n") == true)
        #expect(writer.droppedCount == 0)
    }

    @Test(.row("S62")) func limitsAMinuteOfFlood() throws {
        let receiver = try Receiver()
        let pipe = try ErrorPipe()
        let writer = writer(receiver, pipe)
        var count = 0
        for _ in 0..<6000 {
            clock.advance(milliseconds: 10)
            writer.write(priority: 4, message: "m")
            count += receiver.receiveAll().filter { $0.hasPrefix("MESSAGE=m\n") }.count
        }
        // 20 at the first message, and 5 in each of the 59.99 seconds up to the last.
        #expect(count == 319)
    }

    @Test(.row("S62")) func boundsTheNumberOfClasses() throws {
        let pipe = try ErrorPipe()
        let writer = writer(pipe)
        var lines = 0
        for number in 0..<1000 {
            writer.write(
                priority: 4, message: "m", fields: [("GATEWAYD_EVENT", "event \(number)")])
            lines += pipe.readAll().split(separator: "\n").count
        }
        #expect(lines == 256 + 20)
    }

    @Test(.row("S62")) func dropsWhenTheJournalIsStopped() throws {
        let receiver = try Receiver()
        let pipe = try ErrorPipe()
        let writer = writer(receiver, pipe)
        var written: UInt64 = 0
        while writer.droppedCount == 0, written < 100_000 {
            clock.advance(milliseconds: 1000)
            writer.write(priority: 4, message: "m")
            written += 1
        }
        #expect(writer.droppedCount == 1)
        #expect(UInt64(receiver.receiveAll().count) == written - 1)
    }

    @Test(.row("S62")) func dropsWhenThePipeIsFull() throws {
        let pipe = try ErrorPipe()
        let writer = writer(pipe)
        #expect(!writer.writesToJournal)
        let message = String(repeating: "\u{e4}", count: 4000)
        var written = 0
        while writer.droppedCount == 0, written < 1000 {
            clock.advance(milliseconds: 1000)
            writer.write(priority: 3, message: message)
            written += 1
        }
        #expect(writer.droppedCount == 1)
        let lines = pipe.readAll().split(separator: "\n")
        #expect(lines.count == written - 1)
        #expect(lines.count > 5)
        for line in lines {
            #expect(line.hasPrefix("error: \u{e4}"))
            #expect(line.hasSuffix("\u{e4}..."))
            #expect(line.utf8.count <= 4094)
        }
        clock.advance(milliseconds: 1000)
        writer.write(priority: 3, message: "again")
        #expect(pipe.readAll() == "error: again\n")
    }

    @Test func takesAnotherJournalStreamForNone() throws {
        let pipe = try ErrorPipe()
        let clock = clock
        let writer = JournalWriter(
            identifier: "x", environment: { $0 == "JOURNAL_STREAM" ? "1:1" : nil },
            socketPath: "/run/systemd/journal/socket", errorOutput: pipe.writer.rawValue,
            clock: { clock.now() })
        #expect(!writer.writesToJournal)
        writer.write(priority: 9, message: "hello", fields: [("K", "v")])
        #expect(pipe.readAll() == "debug: hello K=v\n")
    }

    @Test func isSafeFromManyThreads() throws {
        let pipe = try ErrorPipe()
        let clock = clock
        let writer = writer(pipe)
        func start(_ number: Int) throws -> WorkerThread {
            try WorkerThread(name: "gwlx-log\(number)") {
                for _ in 0..<100 {
                    clock.advance(milliseconds: 1000)
                    writer.write(priority: 6, message: "from \(number)")
                }
            }
        }
        let first = try start(1)
        let second = try start(2)
        first.join()
        second.join()
        let lines = pipe.readAll().split(separator: "\n")
        #expect(lines.filter { $0 == "info: from 1" }.count == 100)
        #expect(lines.filter { $0 == "info: from 2" }.count == 100)
        #expect(lines.count == 200)
    }
}
