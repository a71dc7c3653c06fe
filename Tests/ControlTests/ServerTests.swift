import Control
import Foundation
import Glibc
import Testing

@testable import ControlServer

@Suite struct ServerTests {
    @Test(
        "Each path answers with its schema",
        arguments: [
            ("GET", "/v1/status", "", "status"), ("GET", "/v1/interfaces", "", "interfaces"),
            ("GET", "/v1/sessions", "", "sessions"),
            ("GET", "/v1/sessions?filter=proto+tcp&limit=5&offset=0", "", "sessions"),
            ("GET", "/v1/sessions/summary", "", "sessions-summary"),
            ("GET", "/v1/sessions/count?filter=proto%20tcp", "", "count"),
            ("GET", "/v1/nat", "", "nat"), ("GET", "/v1/routes?prefix=10.0.0.0/8", "", "routes"),
            ("GET", "/v1/routes/lookup?address=10.30.4.5", "", "route-lookup"),
            ("GET", "/v1/neighbors", "", "neighbors"), ("GET", "/v1/drops", "", "drops"),
            ("GET", "/v1/version", "", "version"),
            ("POST", "/v1/sessions/kill", #"{"filter":"proto tcp"}"#, "kill"),
            ("POST", "/v1/neighbors/flush", "{}", "flush"),
            ("POST", "/v1/reload", #"{"apply":true}"#, "reload"),
        ])
    func paths(_ method: String, _ target: String, _ body: String, _ schema: String) throws {
        let server = try TestServer()
        let answer = try server.request(method, target, body: method == "POST" ? body : nil)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.headers["content-type"] == "application/json")
        #expect(answer.headers["gatewayd-version"] == "0.1.0")
        #expect(answer.isWhole)
        let start = #"{"schema":"gatewayd.\#(schema)/v1","instance":"home","#
        #expect(answer.text.hasPrefix(start), "\(answer.text)")
        #expect((try? JSONSerialization.jsonObject(with: Data(answer.body))) != nil)
    }

    @Test("Queries reach the backend")
    func queries() throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        func sessions(_ query: String) throws -> SessionsAnswer {
            let answer = try server.request("GET", "/v1/sessions?\(query)")
            return try ControlJSON.decode(SessionsAnswer.self, from: answer.body)
        }
        let one = try sessions("filter=dport+53")
        #expect(one.matched == 1 && one.total == 3 && one.sessions.map(\.id) == [2])
        #expect(try sessions("limit=1&offset=1").sessions.map(\.id) == [2])
        #expect(try sessions("limit=0").sessions.isEmpty)
        #expect(try sessions("limit=all").sessions.count == 3)
        let ruled = try sessions("filter=rule+nas-https")
        #expect(ruled.sessions.map { ruled.ruleName(of: $0) } == ["nas-https"])
        let count = try server.request("GET", "/v1/sessions/count?filter=proto+icmp")
        #expect(count.text.hasSuffix(#""matched":1,"total":3}"#), "\(count.text)")
        let routes = try server.request("GET", "/v1/routes?prefix=10.30.4.5,192.168.0.0/16")
        #expect(routes.text.contains(#""matched":3"#), "\(routes.text)")
        _ = try server.request("POST", "/v1/neighbors/flush", body: #"{"address":"10.0.0.1"}"#)
        _ = try server.request("POST", "/v1/neighbors/flush", body: #"{"address":null}"#)
        _ = try server.request("POST", "/v1/reload", body: #"{"apply":false}"#)
        #expect(backend.called == ["flush 10.0.0.1", "flush all", "reload false"])
    }

    @Test(
        "Requests that make no sense are told so",
        arguments: [
            ("GET", "/", "", 404, 76, "nothing at this path"),
            ("GET", "/v1/sessionz", "", 404, 76, "nothing at this path"),
            ("GET", "/v1/reload", "", 405, 76, "wants POST"),
            ("POST", "/v1/status", "", 405, 76, "wants GET"),
            ("PUT", "/v1/status", "", 405, 76, "only GET and POST"),
            ("DELETE", "/v1/sessions", "", 405, 76, "only GET and POST"),
            ("GET", "/v1/status?x=1", "", 400, 64, "'x' means nothing"),
            ("GET", "/v1/sessions?limit=-1", "", 400, 64, "'limit' must be a number"),
            ("GET", "/v1/sessions?limit=99999999999999999999", "", 400, 64, "'limit' must be"),
            ("GET", "/v1/sessions?limit=1&limit=2", "", 400, 64, "'limit' is given twice"),
            ("GET", "/v1/sessions?limit", "", 400, 64, "NAME=VALUE"),
            ("GET", "/v1/sessions?filter=%zz", "", 400, 64, "NAME=VALUE"),
            ("GET", "/v1/sessions?filter=%ff", "", 400, 64, "NAME=VALUE"),
            ("GET", "/v1/sessions?filter=destport+53", "", 400, 64, "unknown word 'destport'"),
            ("GET", "/v1/sessions?filter=rule+nas-htps", "", 400, 64, "did you mean 'nas-https'?"),
            ("GET", "/v1/routes?prefix=10.1.0.0/8", "", 400, 64, "write '10.0.0.0/8'"),
            ("GET", "/v1/routes?prefix=x", "", 400, 64, "not an IPv4 prefix"),
            ("GET", "/v1/routes/lookup", "", 400, 64, "lacks 'address'"),
            ("GET", "/v1/routes/lookup?address=1", "", 400, 64, "not an IPv4 address"),
            ("POST", "/v1/sessions/kill", "{", 400, 64, "not the JSON"),
            ("POST", "/v1/sessions/kill", #"{"filter":" "}"#, 400, 64, "must say which"),
            ("POST", "/v1/sessions/kill", #"{"filter":"x"}"#, 400, 64, "unknown word 'x'"),
            ("POST", "/v1/neighbors/flush", #"{"address":"x"}"#, 400, 64, "not an IPv4 address"),
            ("POST", "/v1/reload", "{}", 400, 64, "not the JSON"),
            (
                "POST", "/v1/reload", String(repeating: "[", count: 60_000), 400, 64, "not the JSON"
            ),
        ])
    func refusals(
        _ method: String, _ target: String, _ body: String, _ status: Int, _ code: Int,
        _ sentence: String
    ) throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        let answer = try server.request(method, target, body: body.isEmpty ? nil : body)
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.headers["gatewayd-version"] == "0.1.0")
        let error = try ControlJSON.decode(ErrorAnswer.self, from: answer.body)
        #expect(error.error.contains(sentence), "\(error.error)")
        #expect(error.code == Int32(code))
        #expect(backend.called.isEmpty)
    }

    @Test("An error in a filter says where")
    func place() throws {
        let server = try TestServer()
        let answer = try server.request("GET", "/v1/sessions?filter=proto+tcp+destport+1")
        let error = try ControlJSON.decode(ErrorAnswer.self, from: answer.body)
        #expect(error.offset == 10 && error.length == 8)
    }

    @Test("Several requests, one after the other, on one connection")
    func keepAlive() throws {
        let server = try TestServer()
        let client = try RawClient(server.path)
        for target in ["/v1/version", "/v1/sessions", "/v1/nonsense", "/v1/version"] {
            client.send("GET \(target) HTTP/1.1\r\nHost: gw\r\n\r\n")
            let answer = try client.receiveAnswer()
            #expect(answer.status == (target == "/v1/nonsense" ? 404 : 200))
            #expect(answer.headers["connection"] == nil)
        }
    }

    @Test("A second request before the first answer is not answered")
    func pipelining() throws {
        let server = try TestServer()
        let client = try RawClient(server.path)
        let request = "GET /v1/version HTTP/1.1\r\nHost: gw\r\n\r\n"
        client.send(request + request + request)
        let all = String(decoding: client.receiveAll(), as: UTF8.self)
        #expect(all.components(separatedBy: "HTTP/1.1 200").count == 2, "\(all)")
    }

    @Test("A client of HTTP/1.0 is answered")
    func oldClient() throws {
        let server = try TestServer()
        let old = try RawClient(server.path)
        old.send("GET /v1/sessions HTTP/1.0\r\n\r\n")
        let answer = try #require(Answered(old.receiveAll()))
        #expect(answer.status == 200 && answer.headers["transfer-encoding"] == nil)
        #expect(answer.text.hasSuffix("}]}"))
    }

    @Test("A client that closed its sending side does not hold a place once it is answered")
    func halfClosed() throws {
        var limits = ControlLimits()
        limits.lingerMilliseconds = 60_000
        let server = try TestServer(limits: limits)
        var clients: [RawClient] = []
        for _ in 0..<100 {
            let client = try RawClient(server.path)
            clients.append(client)
            client.send("GET /v1/version HTTP/1.1\r\nHost: gw\r\n\r\n")
            shutdown(client.descriptor, Int32(SHUT_WR))
            #expect(Answered(client.receiveAll())?.status == 200)
        }
    }

    @Test("What the backend says is wrong is passed on; a second answer is not")
    func backendErrors() throws {
        let error = ControlError(status: 503, sentence: "starting", exitStatus: 75)
        let failing = try TestServer(FakeBackend(behavior: .fails(error)))
        let answer = try failing.request("GET", "/v1/status")
        #expect(answer.status == 503)
        #expect(
            answer.text == #"{"schema":"gatewayd.error/v1","error":"starting","code":75}"#)
        let twice = try TestServer(FakeBackend(behavior: .answersTwice))
        let all = try twice.request("GET", "/v1/version")
        #expect(all.isWhole && !all.text.contains("HTTP/1.1"))
    }

    @Test("A table of 65,536 sessions comes whole, and others are answered meanwhile")
    func largeTable() throws {
        let rows = (0..<65_536).map { index in
            var row = FakeBackend.rows[0]
            row.id = UInt32(index)
            return row
        }
        let server = try TestServer(FakeBackend(rows: rows))
        let large = try RawClient(server.path)
        large.send("GET /v1/sessions?limit=all HTTP/1.1\r\nConnection: close\r\n\r\n")
        let result = Box<[UInt8]>()
        let done = DispatchSemaphore(value: 0)
        let reader = Thread {
            result.set(large.receiveAll())
            done.signal()
        }
        reader.start()
        var slowest = 0.0
        var asked = 0
        while done.wait(timeout: .now()) == .timedOut {
            let start = ProcessInfo.processInfo.systemUptime
            #expect(try server.request("GET", "/v1/version").status == 200)
            slowest = max(slowest, ProcessInfo.processInfo.systemUptime - start)
            asked += 1
        }
        #expect(asked > 3)
        // 5 ms a turn; the rest is for a busy machine.
        #expect(slowest < 0.5, "\(slowest) s")
        let bytes = try #require(result.value)
        let answer = try #require(Answered(bytes))
        #expect(answer.isWhole)
        let read = try ControlJSON.decode(SessionsAnswer.self, from: answer.body)
        #expect(read.sessions.count == 65_536 && read.sessions.last?.id == 65_535)
    }
}

@Suite struct SocketFileTests {
    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test("The file has its mode and goes away")
    func file() throws {
        let server = try TestServer()
        #expect(mode(server.path) == 0o660)
        server.server.stop()
        #expect(!FileManager.default.fileExists(atPath: server.path))
        // It can be started again.
        try server.server.start()
        #expect(try server.request("GET", "/v1/version").status == 200)
        #expect(throws: ControlServerError.alreadyStarted) { try server.server.start() }
    }

    private func server(_ path: String, group: String? = nil) -> ControlServer {
        ControlServer(
            socket: .path(path, mode: 0o600, group: group), rights: ControlRights(),
            backend: FakeBackend(), version: "1")
    }

    @Test("A live socket is refused, a dead one replaced, another file left alone")
    func stale() throws {
        let first = try TestServer()
        #expect(throws: ControlServerError.inUse(path: first.path)) {
            try server(first.path).start()
        }
        #expect(try first.request("GET", "/v1/version").status == 200)
        let dead = first.directory + "/dead.sock"
        let made = try SocketFile(path: dead, mode: 0o600, group: nil)
        close(made.descriptor)
        #expect(FileManager.default.fileExists(atPath: dead))
        let second = server(dead)
        try second.start()
        #expect(Answered(try ask(dead))?.status == 200)
        second.stop()
        let file = first.directory + "/file"
        #expect(FileManager.default.createFile(atPath: file, contents: Data("x".utf8)))
        #expect(throws: ControlServerError.notASocket(path: file)) { try server(file).start() }
        #expect(FileManager.default.contents(atPath: file) == Data("x".utf8))
    }

    private func ask(_ path: String) throws -> [UInt8] {
        let client = try RawClient(path)
        client.send("GET /v1/version HTTP/1.1\r\nConnection: close\r\n\r\n")
        return client.receiveAll()
    }

    @Test("Paths and groups that cannot be are refused and leave nothing behind")
    func badPaths() throws {
        let long = "/tmp/" + String(repeating: "x", count: 103)
        #expect(throws: ControlServerError.badPath(long)) { try server(long).start() }
        #expect(throws: ControlServerError.badPath("")) { try server("").start() }
        let path = "/tmp/ctl-\(getpid())-group.sock"
        #expect(throws: ControlServerError.noGroup("no-such-group")) {
            try server(path, group: "no-such-group").start()
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(throws: ControlServerError.self) { try server("/nowhere/x.sock").start() }
    }

    @Test("A file that took the place of ours is left alone")
    func replaced() throws {
        let test = try TestServer()
        unsafe _ = unlink(test.path)
        #expect(FileManager.default.createFile(atPath: test.path, contents: nil))
        test.server.stop()
        #expect(FileManager.default.fileExists(atPath: test.path))
    }

    @Test("A socket that was passed in is served, and its file stays")
    func descriptor() throws {
        let path = "/tmp/ctl-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        let made = try SocketFile(path: path, mode: 0o600, group: nil)
        defer { unsafe _ = unlink(path) }
        let server = ControlServer(
            socket: .descriptor(made.descriptor), rights: ControlRights(), backend: FakeBackend(),
            version: "1")
        try server.start()
        #expect(Answered(try ask(path))?.status == 200)
        server.stop()
        #expect(FileManager.default.fileExists(atPath: path))
    }
}
