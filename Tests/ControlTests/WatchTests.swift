import Control
import Foundation
import Support
import Synchronization
import Testing

@testable import ControlServer

@Suite struct WatchTests {
    private static let made = SessionEventLine(
        isEnd: false, time: "2001-02-03T04:05:06Z", session: FakeBackend.rows[0],
        rule: "nas-https")
    private static let ended = SessionEventLine(
        isEnd: true, time: "2001-02-03T04:05:07Z", session: FakeBackend.rows[0], rule: nil)

    private func run(_ server: TestServer, _ words: String...) throws -> CommandResult {
        try gatewayctl(["--socket", server.path] + words)
    }

    private func eventually(_ condition: () -> Bool) -> Bool {
        for _ in 0..<500 {
            if condition() { return true }
            usleep(10_000)
        }
        return condition()
    }

    @Test("A line for each session made or ended", .row("C-10")) func lines() throws {
        let backend = FakeBackend()
        backend.willTell([[Self.made, Self.ended], [SessionEventLine(lost: 3, time: "now")]])
        let server = try TestServer(backend)
        let text = try run(server, "sessions", "watch", "--count", "3")
        #expect(
            text.output == """
                2001-02-03 04:05:06  created  tcp  192.168.50.101:40013  203.0.113.2:40013  \
                198.51.100.7:443  by nas-https
                2001-02-03 04:05:07  closed   tcp  192.168.50.101:40013  203.0.113.2:40013  \
                198.51.100.7:443  established  after 12m4s  out 98 kB  in 11 MB
                now  3 events were lost

                """)
        #expect(text.status == 0)
    }

    @Test("JSON lines are passed on as they came; conntrack's words are understood")
    func formats() throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        backend.willTell([[Self.made, Self.ended]])
        let json = try run(server, "sessions", "watch", "-c", "2", "-o", "json").lines
        #expect(json.count == 2)
        let line = try ControlJSON.decode(SessionEventLine.self, from: Array(json[0].utf8))
        // The name of what it is under travels, not its place.
        var expected = Self.made
        expected.session?.rule = -1
        #expect(line == expected)
        #expect(
            json[0].hasPrefix(
                #"{"event":"session.created","time":"2001-02-03T04:05:06Z","id":1,"#))
        #expect(json[0].contains(#""rule":"nas-https""#))
        backend.willTell([[Self.made, Self.ended]])
        let old = try run(server, "sessions", "watch", "-c", "2", "-o", "conntrack").lines
        #expect(old[0].hasPrefix("    [NEW] tcp      6 7439 ESTABLISHED src=192.168.50.101"))
        #expect(old[1].hasPrefix("[DESTROY] tcp "))
    }

    @Test func mistakes() throws {
        let server = try TestServer()
        let filter = try run(server, "sessions", "watch", "destport", "53")
        #expect(filter.status == 64 && filter.errors.contains("^^^^^^^^"))
        #expect(try run(server, "sessions", "watch", "-w", "1").status == 64)
        #expect(try run(server, "sessions", "watch", "-c", "0").status == 64)
        let typo = try run(server, "sessions", "wacth")
        #expect(typo.errors.contains("did you mean 'watch'?"))
        let busy = ControlError(status: 503, sentence: "busy", exitStatus: 75)
        let refused = try run(TestServer(FakeBackend(behavior: .fails(busy))), "sessions", "watch")
        #expect(refused.status == 75 && refused.errors == "gatewayctl: busy\n")
    }

    @Test("The command tells when the daemon ends") func end() throws {
        let backend = FakeBackend()
        backend.willTell([[Self.made]])
        let server = try TestServer(backend)
        let listening = server.server
        Thread.detachNewThread {
            while backend.watches.withLock({ $0.isEmpty }) { usleep(1000) }
            usleep(500_000)
            listening.stop()
        }
        let result = try run(server, "sessions", "watch")
        #expect(result.status == 75 && result.lines.count == 1)
    }

    @Test("Only so many clients watch, and those that go make room", .row("S60"))
    func count() throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        func watch() throws -> RawClient {
            let client = try RawClient(server.path)
            client.send("GET /v1/sessions/watch HTTP/1.1\r\nHost: gw\r\n\r\n")
            return client
        }
        var clients = try (0..<4).map { _ in try watch() }
        for client in clients {
            let head = String(decoding: client.receive(), as: UTF8.self)
            #expect(head.contains("200 OK") && head.contains("Gatewayd-Version"))
        }
        #expect(try Answered(watch().receive())?.status == 503)
        #expect(try server.request("GET", "/v1/version").status == 200)
        clients.removeLast()
        #expect(eventually { backend.watches.withLock { $0.contains { !$0.isOpen } } })
        let fifth = try watch()
        #expect(String(decoding: fifth.receive(), as: UTF8.self).contains("200 OK"))
        withExtendedLifetime(clients) {}
    }

    @Test("Who takes events too slowly is disconnected", .row("S60")) func slow() throws {
        let backend = FakeBackend()
        var limits = ControlLimits()
        limits.waitingEvents = 2000
        let server = try TestServer(backend, limits: limits)
        let client = try RawClient(server.path)
        client.send("GET /v1/sessions/watch HTTP/1.1\r\nHost: gw\r\n\r\n")
        #expect(eventually { backend.watches.withLock { $0.count == 1 } })
        let watch = try #require(backend.watches.withLock { $0.first })
        // More than fits into the sockets' buffers; each call returns at once.
        let start = ProcessInfo.processInfo.systemUptime
        var told = 0
        while watch.isOpen, told < 100_000 {
            watch.tell(Array(repeating: Self.made, count: 100))
            told += 100
        }
        #expect(!watch.isOpen && told < 20_000, "\(told)")
        #expect(ProcessInfo.processInfo.systemUptime - start < 5)
        #expect(eventually { (try? server.request("GET", "/v1/version").status) == 200 })
        let rest = client.receiveAll()
        #expect(rest.count < told * 500)
        watch.tell([Self.made])
        #expect(!watch.isOpen)
    }

    @Test("A client that takes nothing is closed after a time, few events though there are")
    func stuck() throws {
        let backend = FakeBackend()
        var limits = ControlLimits()
        limits.writeMilliseconds = 200
        limits.waitingEvents = 1_000_000
        let server = try TestServer(backend, limits: limits)
        let client = try RawClient(server.path)
        client.send("GET /v1/sessions/watch HTTP/1.1\r\nHost: gw\r\n\r\n")
        #expect(eventually { backend.watches.withLock { $0.count == 1 } })
        let watch = try #require(backend.watches.withLock { $0.first })
        watch.tell(Array(repeating: Self.made, count: 5000))
        #expect(eventually { !watch.isOpen })
        withExtendedLifetime(client) {}
    }
}
