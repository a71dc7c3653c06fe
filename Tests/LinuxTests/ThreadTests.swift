import Glibc
import Linux
import Synchronization
import Testing
import Timing

struct WorkerThreadTests {
    private struct Cargo: ~Copyable {
        var number: Int
    }

    private func number(_ cargo: consuming Cargo?) -> Int? {
        if let cargo { cargo.number } else { nil }
    }

    @Test func runsUnderItsNameCutToFifteenOctets() throws {
        let name = Box(Mutex(""))
        try WorkerThread(name: "gwlx-abcdefghijklm") {
            let text = contents("/proc/thread-self/comm")
            name.value.withLock { $0 = text }
        }.join()
        #expect(name.value.withLock { $0 } == "gwlx-abcdefghij\n")
    }

    @Test func bindsToAProcessor() throws {
        let list = Box(Mutex(""))
        try WorkerThread(name: "gwlx-cpu", cpu: 0) {
            let text = threadStatus("Cpus_allowed_list")
            list.value.withLock { $0 = text }
        }.join()
        #expect(list.value.withLock { $0 } == "0")
    }

    @Test(arguments: [-1, 1023, 1024])
    func refusesAProcessorThatIsNotThere(cpu: Int) throws {
        let error = try #require(systemError { try WorkerThread(name: "gwlx-cpu", cpu: cpu) {} })
        #expect(error.code == EINVAL)
        #expect(error.description.contains("gwlx-cpu"))
        #expect(error.remedy?.contains("\(cpu)") == true)
    }

    @Test func blocksSignalsExceptThoseOfACrash() throws {
        let text = try onThread { threadStatus("SigBlk") }
        let mask = try #require(UInt64(text, radix: 16))
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM] {
            #expect(mask & 1 << UInt64(signal - 1) != 0, "signal \(signal)")
        }
        for signal in [SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP, SIGABRT] {
            #expect(mask & 1 << UInt64(signal - 1) == 0, "signal \(signal)")
        }
    }

    @Test func leavesTheMaskOfItsMaker() throws {
        let before = threadStatus("SigBlk")
        try WorkerThread(name: "gwlx-mask") {}.join()
        #expect(threadStatus("SigBlk") == before)
        #expect(!before.isEmpty)
    }

    @Test func becomesTheOwnerOfItsValue() throws {
        let seen = Box(Mutex(0))
        try WorkerThread(name: "gwlx-own", owning: Cargo(number: 7)) { cargo in
            var cargo = cargo
            cargo.number += 1
            let number = cargo.number
            seen.value.withLock { $0 = number }
        }.join()
        #expect(seen.value.withLock { $0 } == 8)
    }

    @Test func isJoinedAtTheEndOfItsLife() throws {
        let done = Box(Mutex(false))
        do {
            let thread = try WorkerThread(name: "gwlx-join") {
                usleep(50_000)
                done.value.withLock { $0 = true }
            }
            _ = thread
        }
        #expect(done.value.withLock { $0 })
    }

    @Test func handsOffOnce() {
        let handoff = Handoff(Cargo(number: 3))
        let first = number(handoff.take())
        let second = number(handoff.take())
        #expect(first == 3)
        #expect(second == nil)
    }
}

struct SignalsTests {
    @Test func takesSignalsAsEvents() throws {
        let seen = try onThread { () -> [String] in
            // As on a first thread: nothing blocked yet. Unblocked, each would end the process.
            var none = sigset_t()
            unsafe sigemptyset(&none)
            unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
            do {
                var signals = try Signals()
                var seen = [signals.next() == nil ? "none" : "some"]
                for signal in [SIGHUP, SIGTERM, SIGINT] {
                    pthread_kill(pthread_self(), signal)
                    var query = pollfd(
                        fd: signals.descriptor, events: Int16(POLLIN), revents: 0)
                    seen.append("\(unsafe poll(&query, 1, 0))")
                    seen.append(signals.next().map { "\($0)" } ?? "none")
                }
                return seen + [signals.next() == nil ? "none" : "some"]
            } catch { return ["\(error)"] }
        }
        #expect(seen == ["none", "1", "hangUp", "1", "terminate", "1", "interrupt", "none"])
    }

    @Test func ignoresBrokenPipes() throws {
        let ignored = try onThread { () -> String in
            do {
                _ = try Signals()
                return threadStatus("SigIgn")
            } catch { return "\(error)" }
        }
        let mask = try #require(UInt64(ignored, radix: 16))
        #expect(mask & 1 << UInt64(SIGPIPE - 1) != 0)
    }
}

struct ClockTests {
    @Test func isTheMonotonicClock() throws {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let before = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        let now = Linux.Clock.now()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let after = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        #expect((before...after).contains(now.nanoseconds))
    }

    @Test func tellsWallTime() {
        let before = Int64(time(nil))
        let now = Linux.Clock.wallSeconds()
        #expect((before...before + 60).contains(now))
    }

    @Test func keysDiffer() {
        let (a, b, c, d) = SystemRandom.key()
        let (e, f, g, h) = SystemRandom.key()
        #expect(Set([a, b, c, d, e, f, g, h]).count == 8)
        #expect(![a, b, c, d].contains(0))
    }
}

struct SystemErrorTests {
    @Test(
        arguments: [
            (EPERM, 77), (EACCES, 77), (ENOENT, 66), (ENODEV, 66), (EBUSY, 75), (EAGAIN, 75),
            (EEXIST, 73), (EIO, 74), (EINVAL, 70),
        ] as [(Int32, Int32)])
    func choosesTheExitStatus(code: Int32, status: Int32) {
        #expect(SystemError(call: "open", code: code, subject: "x").exitStatus == status)
    }

    @Test func isOneSentence() {
        let bare = SystemError(call: "open", code: ENOENT, subject: "/x")
        #expect(bare.description == "cannot open /x: No such file or directory")
        let full = SystemError(
            call: "ioctl", code: EBUSY, subject: "lan0", remedy: "stop it", action: "attach to",
            exitStatus: 1)
        #expect(full.description == "cannot attach to lan0: Device or resource busy; stop it")
        #expect(full.exitStatus == 1)
    }
}
