import Glibc
import Lab
import Linux
import Testing
import Timing
import Wire

/// Two TAPs joined by a bridge, as a worker sees them.
private struct Pair: ~Copyable {
    let lab: Lab
    let lan: TapDevice
    let wan: TapDevice
    let mailbox: Mailbox<Int>
    var io: FrameIO
    var buffer = [UInt8](repeating: 0, count: FrameSlab.stride)

    init(usesRing: Bool = true) throws {
        let lab = try Lab()
        let lan = try lab.tap("lan0")
        let wan = try lab.tap("wan0")
        let mailbox = try Mailbox<Int>(capacity: 8)
        let io = try FrameIO(
            lan: lan.descriptor, wan: wan.descriptor, mailbox: mailbox.descriptor,
            usesRing: usesRing)
        // Without IPv6 the kernel sends no frames of its own.
        try run(
            "ip netns exec \(lab.name) sh -c "
                + "'for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done'")
        try lab.ip("link add br0 type bridge mcast_snooping 0")
        for link in ["lan0", "wan0"] { try lab.ip("link set \(link) master br0 up") }
        try lab.ip("link set br0 up")
        self.lab = lab
        self.lan = lan
        self.wan = wan
        self.mailbox = mailbox
        self.io = io
    }

    mutating func write(_ side: Side, _ bytes: [UInt8]) -> Int {
        unsafe bytes.withUnsafeBytes { unsafe io.write(side, $0) }
        return io.flush()
    }

    mutating func read(_ side: Side, room: Int = FrameSlab.stride) -> ReadResult {
        unsafe buffer.withUnsafeMutableBytes {
            unsafe io.read(side, into: .init(rebasing: $0[..<room]))
        }
    }

    mutating func wait(milliseconds: Int64) throws -> Ready {
        let now = Clock.now()
        return try io.wait(until: now + .milliseconds(milliseconds), now: now)
    }
}

@Suite(.asRoot)
struct FrameIOTests {
    @Test(arguments: [true, false])
    func carriesFramesBothWays(usesRing: Bool) throws {
        var pair = try Pair(usesRing: usesRing)
        for (from, to) in [(Side.lan, Side.wan), (.wan, .lan)] {
            let sent = frame(payload: (0..<200).map { UInt8($0) })
            #expect(pair.write(from, sent) == 1)
            #expect(try pair.wait(milliseconds: 2000) == .frames(to))
            #expect(pair.read(to) == .frame(byteCount: sent.count))
            #expect(Array(pair.buffer.prefix(sent.count)) == sent)
            #expect(pair.read(to) == .empty)
            #expect(try pair.wait(milliseconds: 0) == [])
            #expect(pair.io.writeFailures(from).total == 0)
        }
    }

    @Test func reportsAgainASideThatWasNotReadEmpty() throws {
        var pair = try Pair()
        for byte in 0..<3 { _ = pair.write(.lan, frame(payload: [UInt8(byte)])) }
        for byte in 0..<3 {
            #expect(try pair.wait(milliseconds: 2000) == .wan)
            #expect(pair.read(.wan) == .frame(byteCount: 25))
            #expect(pair.buffer[24] == UInt8(byte))
        }
        #expect(try pair.wait(milliseconds: 0) == [])
    }

    @Test(arguments: [true, false])
    func countsWhatTheKernelTook(usesRing: Bool) throws {
        var pair = try Pair(usesRing: usesRing)
        let good = frame(payload: [1])
        unsafe good.withUnsafeBytes { bytes in
            unsafe pair.io.write(.lan, bytes)
            unsafe pair.io.write(.wan, bytes)
        }
        #expect(pair.io.flush() == 2)
        #expect(pair.io.flush() == 0)
    }

    @Test func tellsATruncatedFrame() throws {
        var pair = try Pair()
        let sent = frame(payload: [UInt8](repeating: 7, count: 300))
        for (room, expected) in [
            (100, ReadResult.truncated), (sent.count, .truncated),
            (sent.count + 1, .frame(byteCount: sent.count)),
        ] {
            _ = pair.write(.lan, sent)
            #expect(try pair.wait(milliseconds: 2000) == .wan)
            #expect(pair.read(.wan, room: room) == expected)
        }
        #expect(pair.read(.wan) == .empty)
    }

    @Test(arguments: [true, false])
    func outlivesAnInterfaceThatIsDown(usesRing: Bool) throws {
        var pair = try Pair(usesRing: usesRing)
        try pair.lab.ip("link set lan0 down")
        #expect(pair.write(.lan, frame(payload: [1])) == 0)
        #expect(pair.io.writeFailures(.lan).down == 1)
        #expect(pair.io.writeFailures(.lan).total == 1)
        #expect(pair.io.writeFailures(.wan).total == 0)
        #expect(pair.read(.lan) == .empty)
        #expect(try pair.wait(milliseconds: 20) == [])

        try pair.lab.ip("link set lan0 up")
        #expect(pair.write(.lan, frame(payload: [2])) == 1)
        #expect(try pair.wait(milliseconds: 2000) == .wan)
        #expect(pair.read(.wan) == .frame(byteCount: 25))
        #expect(pair.buffer[24] == 2)
    }

    @Test(arguments: [true, false])
    func countsARefusedFrame(usesRing: Bool) throws {
        var pair = try Pair(usesRing: usesRing)
        #expect(pair.write(.wan, [UInt8](repeating: 0, count: VirtioNetHeader.length + 13)) == 0)
        #expect(pair.io.writeFailures(.wan).refused == 1)
        #expect(pair.io.writeFailures(.wan).total == 1)
    }

    @Test(arguments: Side.allCases)
    func tellsADeletedInterface(side: Side) throws {
        var pair = try Pair()
        try pair.lab.ip("link delete \(side)0")
        #expect(try pair.wait(milliseconds: 2000).contains(.failed(side)))
        #expect(try !pair.wait(milliseconds: 0).contains(.failed(side.other)))
        #expect(pair.read(side) == .gone)
        #expect(pair.write(side, frame(payload: [1])) == 0)
        #expect(pair.io.writeFailures(side).gone == 1)
        #expect(pair.read(side.other) == .empty)
    }

    @Test func wakesForTheMailbox() throws {
        var pair = try Pair()
        let mailbox = pair.mailbox
        let thread = try WorkerThread(name: "gwlx-post") {
            usleep(20_000)
            _ = mailbox.post(1)
        }
        #expect(try pair.io.wait(until: nil, now: Clock.now()) == .mailbox)
        thread.join()
        var batch: [Int] = []
        pair.mailbox.drain(into: &batch)
        #expect(batch == [1])
        #expect(try pair.wait(milliseconds: 0) == [])
    }

    @Test func waitsUntilTheDeadlineAndNotLess() throws {
        var pair = try Pair()
        for microseconds in [300, 20_000] as [Int64] {
            let now = Clock.now()
            let deadline = now + Interval(nanoseconds: microseconds * 1000)
            #expect(try pair.io.wait(until: deadline, now: now) == [])
            #expect(Clock.now() >= deadline)
            #expect(Clock.now() < deadline + .seconds(5))
        }
        let start = Clock.now()
        #expect(try pair.io.wait(until: .zero, now: start) == [])
        #expect(Clock.now() < start + .seconds(1))
    }

    @Test func waitsOnAfterASignal() throws {
        // One that is handled and not blocked: no other interrupts.
        signal(SIGUSR2) { _ in }
        let seen = try onThread { () -> String in
            var signals = sigset_t()
            unsafe sigemptyset(&signals)
            unsafe sigaddset(&signals, SIGUSR2)
            unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            let waiting = pthread_self()
            do {
                var pair = try Pair()
                let thread = try WorkerThread(name: "gwlx-signal") {
                    for _ in 0..<5 {
                        usleep(10_000)
                        pthread_kill(waiting, SIGUSR2)
                    }
                }
                let now = Clock.now()
                let deadline = now + .milliseconds(200)
                let ready = try pair.io.wait(until: deadline, now: now)
                let isDue = Clock.now() >= deadline
                thread.join()
                return "\(ready.isEmpty) \(isDue)"
            } catch { return "\(error)" }
        }
        #expect(seen == "true true")
    }

    @Test func looksOutBusilyBeforeItSleeps() throws {
        var pair = try Pair()
        func spent(busy: Interval) throws -> Int64 {
            let (began, now) = (processorTime(), Clock.now())
            let deadline = now + .milliseconds(60)
            #expect(try pair.io.wait(until: deadline, now: now, busy: busy) == [])
            #expect(Clock.now() >= deadline)
            return processorTime() - began
        }
        #expect(try spent(busy: .seconds(0)) < 1_000_000)
        // It lets others run: on a busy machine one try may get little of the processor.
        #expect(try (0..<20).contains { _ in try spent(busy: .milliseconds(40)) > 1_000_000 })
        _ = pair.mailbox.post(1)
        let now = Clock.now()
        #expect(try pair.io.wait(until: nil, now: now, busy: .milliseconds(40)) == .mailbox)
    }

    /// Nanoseconds this thread has worked.
    private func processorTime() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    @Test func aDeadlineGivenBeforeEndsALaterWaitOnce() throws {
        var pair = try Pair()
        let start = Clock.now()
        _ = pair.mailbox.post(1)
        #expect(try pair.io.wait(until: start + .milliseconds(300), now: start) == .mailbox)
        var batch: [Int] = []
        pair.mailbox.drain(into: &batch)
        let late = start + .milliseconds(600)
        #expect(try pair.io.wait(until: late, now: Clock.now()) == [])
        #expect(Clock.now() >= start + .milliseconds(300))
        #expect(try pair.io.wait(until: late, now: Clock.now()) == [])
        #expect(Clock.now() >= late)
        #expect(Clock.now() < late + .seconds(5))
    }

    @Test(arguments: [true, false])
    func writesABatchLargerThanTheRingInOrder(usesRing: Bool) throws {
        var pair = try Pair(usesRing: usesRing)
        #expect(pair.io.ringFailure == nil)
        let frames = (0..<600).map { frame(payload: [UInt8($0 % 251), UInt8($0 / 251)]) }
        for bytes in frames { unsafe bytes.withUnsafeBytes { unsafe pair.io.write(.lan, $0) } }
        #expect(pair.io.flush() == frames.count)
        for bytes in frames {
            #expect(pair.read(.wan) == .frame(byteCount: bytes.count))
            #expect(Array(pair.buffer.prefix(bytes.count)) == bytes)
        }
        #expect(pair.read(.wan) == .empty)
    }

    @Test func refusesADescriptorThatIsNotOpen() throws {
        let error = try #require(
            systemError { try FrameIO(lan: 9999, wan: 9998, mailbox: nil) })
        #expect(error.description == "cannot watch descriptor 9999: Bad file descriptor")
    }
}
