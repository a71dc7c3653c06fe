import Glibc
import Linux
import Testing
import Timing

struct ServiceManagerTests {
    private func manager(_ receiver: Receiver) -> ServiceManager {
        let variables = ["NOTIFY_SOCKET": receiver.path]
        return ServiceManager { variables[$0] }
    }

    @Test func speaksTheProtocol() throws {
        let receiver = try Receiver()
        let manager = manager(receiver)
        let results = [
            manager.ready(), manager.ready(status: "126 sessions"), manager.status("a\nREADY=1"),
            manager.reloading(at: Instant(nanoseconds: 1_234_567_899)), manager.stopping(),
            manager.watchdog(), manager.removeStored(name: "tap-lan"),
            manager.stopping(in: .seconds(5), status: "soon"),
        ]
        #expect(results == [Bool](repeating: true, count: 8))
        #expect(
            receiver.receiveAll() == [
                "READY=1", "READY=1\nSTATUS=126 sessions", "STATUS=a\\x0aREADY=1",
                "RELOADING=1\nMONOTONIC_USEC=1234567", "STOPPING=1", "WATCHDOG=1",
                "FDSTOREREMOVE=1\nFDNAME=tap-lan",
                "STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000\nSTATUS=soon",
            ])
    }

    @Test("The first thread speaks for all, as long as all are alive")
    func watchdogOfSeveral() throws {
        let receiver = try Receiver()
        let variables = ["NOTIFY_SOCKET": receiver.path, "WATCHDOG_USEC": "3000000"]
        let begin = Instant(nanoseconds: 5_000_000_000)
        var dogs = Watchdog.all(2, ServiceManager { variables[$0] }, at: begin).compactMap { $0 }
        try #require(dogs.count == 2)
        for second in 0..<10 {
            let now = begin + .seconds(Int64(second))
            // The other one stands still from the fifth second on.
            if second < 5 { #expect(dogs[1].isAlive(at: now) == now + .seconds(1)) }
            #expect(dogs[0].isAlive(at: now) == now + .seconds(1))
            #expect(dogs[0].isAlive(at: now + .milliseconds(999)) == now + .seconds(1))
            #expect(receiver.receiveAll() == (second <= 6 ? ["WATCHDOG=1"] : []))
        }
        #expect(Watchdog.all(3, ServiceManager { _ in nil }, at: begin).allSatisfy { $0 == nil })
    }

    @Test func knowsAbstractSockets() throws {
        let receiver = try Receiver(abstract: "gwlx-notify-\(getpid())")
        let sent = manager(receiver).watchdog()
        #expect(sent)
        #expect(receiver.receiveAll() == ["WATCHDOG=1"])
    }

    @Test func storesADescriptor() throws {
        let receiver = try Receiver()
        var pipes: [Int32] = [0, 0]
        try #require(unsafe pipe(&pipes) == 0)
        let reader = Descriptor(owning: pipes[0])
        let writer = Descriptor(owning: pipes[1])
        let sent = manager(receiver).store(descriptor: reader.rawValue, name: "tap-wan")
        #expect(sent)
        let (text, number) = try #require(receiver.receive())
        #expect(text == "FDSTORE=1\nFDNAME=tap-wan\nFDPOLL=0")
        let copy = Descriptor(owning: try #require(number))
        let isCopy = copy.rawValue != reader.rawValue
        #expect(isCopy)
        #expect(identity(of: copy.rawValue) == identity(of: reader.rawValue))
        #expect(unsafe write(writer.rawValue, "x", 1) == 1)
        var byte: UInt8 = 0
        #expect(unsafe read(copy.rawValue, &byte, 1) == 1)
        #expect(byte == UInt8(ascii: "x"))
    }

    @Test(arguments: ["", "a:b", "a\nFDSTORE=1", "a b", String(repeating: "a", count: 256)])
    func refusesBadNamesOfDescriptors(name: String) throws {
        let receiver = try Receiver()
        let manager = manager(receiver)
        let results = [manager.store(descriptor: 0, name: name), manager.removeStored(name: name)]
        #expect(results == [false, false])
        #expect(receiver.receiveAll() == [])
    }

    @Test(arguments: [nil, "", "relative", "/", String(repeating: "/x", count: 60)])
    func isSilentWithoutAUsableSocket(path: String?) {
        let manager = ServiceManager { $0 == "NOTIFY_SOCKET" ? path : nil }
        let sent = manager.ready()
        #expect(!sent)
    }

    @Test(.timeLimit(.minutes(1)))
    func neverWaitsForASlowManager() throws {
        let receiver = try Receiver()
        let manager = manager(receiver)
        var sent = 0
        while manager.watchdog() { sent += 1 }
        #expect(sent > 0)
        #expect(receiver.receiveAll().count == sent)
        let after = manager.watchdog()
        #expect(after)
    }

    @Test(
        arguments: [
            ("10000000", nil, 10_000_000_000), ("1", "self", 1000), ("10", "1", nil),
            ("0", nil, nil), ("x", nil, nil), (nil, nil, nil), ("-5", nil, nil),
            ("9223372036854775807", nil, nil),
        ] as [(String?, String?, Int64?)])
    func readsTheWatchdogInterval(microseconds: String?, pid: String?, nanoseconds: Int64?) {
        var variables: [String: String] = [:]
        variables["WATCHDOG_USEC"] = microseconds
        variables["WATCHDOG_PID"] = pid == "self" ? "\(getpid())" : pid
        let manager = ServiceManager { variables[$0] }
        #expect(manager.watchdogInterval?.nanoseconds == nanoseconds)
    }
}

struct ListenDescriptorsTests {
    /// Two descriptors in a row at a place of their own.
    private func open(at first: Int32) -> [Int32] {
        (0..<2).map { dup2(0, first + $0) }
    }

    private func take(
        _ variables: [String: String], first: Int32
    ) -> [ListenDescriptors.Entry] {
        var variables = variables
        if variables["LISTEN_PID"] == "self" { variables["LISTEN_PID"] = "\(getpid())" }
        let fixed = variables
        return ListenDescriptors(environment: { fixed[$0] }, first: first).entries
    }

    @Test func givesNamedDescriptorsCloseOnExec() throws {
        let first: Int32 = 700
        #expect(open(at: first) == [700, 701])
        #expect(fcntl(first, F_GETFD) == 0)
        let variables = [
            "LISTEN_PID": "\(getpid())", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "control:tap-lan",
        ]
        let descriptors = ListenDescriptors(environment: { variables[$0] }, first: first)
        #expect(descriptors["control"] == 700)
        #expect(descriptors["tap-lan"] == 701)
        #expect(descriptors["other"] == nil)
        #expect(fcntl(700, F_GETFD) == FD_CLOEXEC)
        #expect(fcntl(701, F_GETFD) == FD_CLOEXEC)
        for number in first..<first + 2 { close(number) }
    }

    @Test func namesTheUnnamedAndSkipsTheClosed() {
        let first: Int32 = 710
        #expect(open(at: first) == [710, 711])
        let entries = take(
            ["LISTEN_PID": "self", "LISTEN_FDS": "3", "LISTEN_FDNAMES": ":b"], first: first)
        #expect(entries.map(\.name) == ["unknown", "b"])
        #expect(entries.map(\.descriptor) == [710, 711])
        for number in first..<first + 2 { close(number) }
    }

    @Test(
        arguments: [
            ["LISTEN_PID": "1", "LISTEN_FDS": "2"], ["LISTEN_FDS": "2"], ["LISTEN_PID": "self"],
            ["LISTEN_PID": "self", "LISTEN_FDS": "-1"],
            ["LISTEN_PID": "self", "LISTEN_FDS": "1025"],
            ["LISTEN_PID": "self", "LISTEN_FDS": "2x"],
        ])
    func takesNothingThatIsNotMeantForIt(variables: [String: String]) {
        #expect(take(variables, first: 0).isEmpty)
        #expect(fcntl(0, F_GETFD) == 0)
    }

    @Test func removesItsVariables() {
        unsafe setenv("LISTEN_PID", "1", 1)
        unsafe setenv("LISTEN_FDS", "1", 1)
        unsafe setenv("LISTEN_FDNAMES", "x", 1)
        #expect(ListenDescriptors.take().entries.isEmpty)
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
            let isSet = unsafe getenv(name) != nil
            #expect(!isSet, "\(name)")
        }
    }
}
