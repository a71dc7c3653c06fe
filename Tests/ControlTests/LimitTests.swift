import Control
import Foundation
import Glibc
import Testing

@testable import ControlServer

@Suite struct LimitTests {
    private func quick() -> ControlLimits {
        var limits = ControlLimits()
        limits.requestMilliseconds = 300
        limits.answerMilliseconds = 300
        limits.writeMilliseconds = 300
        limits.lingerMilliseconds = 100
        return limits
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ProcessInfo.processInfo.systemUptime
        try body()
        return ProcessInfo.processInfo.systemUptime - start
    }

    @Test(
        "Heads of 8 KiB are read, longer ones are not, however they are sent",
        arguments: [
            8192, 8193, 100_000,
        ])
    func headers(_ size: Int) throws {
        let server = try TestServer()
        let start = "GET /v1/version HTTP/1.1\r\nConnection: close\r\nX: "
        let fill = String(repeating: "x", count: size - start.utf8.count - 4)
        for parts in [[start + fill + "\r\n\r\n"], [start, fill, "\r\n\r\n"]] {
            let client = try RawClient(server.path)
            for part in parts { client.send(part) }
            let answer = try #require(Answered(client.receiveAll()))
            #expect(answer.status == (size <= 8192 ? 200 : 431))
            #expect(answer.headers["gatewayd-version"] == "0.1.0")
        }
    }

    @Test("Many short headers and a long request line are bounded too")
    func otherHeads() throws {
        let server = try TestServer()
        let many = (0..<2000).map { "A\($0): b\r\n" }.joined()
        #expect(try server.request("GET", "/v1/version", headers: many).status == 431)
        let long = "/v1/version?" + String(repeating: "a", count: 9000)
        #expect(try server.request("GET", long).status == 431)
    }

    @Test("Bodies have Content-Length of at most 64 KiB")
    func bodies() throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        func kill(_ size: Int) throws -> Int {
            let start = #"{"filter":"proto tcp","x":""#
            let fill = String(repeating: "x", count: size - start.utf8.count - 2)
            return try server.request("POST", "/v1/sessions/kill", body: start + fill + "\"}")
                .status
        }
        #expect(try kill(65536) == 200)
        #expect(try kill(65537) == 413)
        #expect(backend.called.count == 1)
        let chunked = try server.request(
            "POST", "/v1/reload", headers: "Transfer-Encoding: chunked\r\n")
        #expect(chunked.status == 411)
        #expect(try server.request("GET", "/v1/status", body: "x").status == 400)
        let client = try RawClient(server.path)
        client.send("POST /v1/reload HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n")
        #expect(Answered(client.receiveAll())?.status == 413)
        #expect(backend.called.count == 1)
    }

    @Test(
        "What is not HTTP is told so and closed",
        arguments: [
            "\u{16}\u{3}\u{1}hello\r\n\r\n", "GET\r\n\r\n", "GET /v1/status HTTP/3.7\r\n\r\n",
            "GET /v1/status HTTP/1.1\r\nA b\r\n\r\n",
            "POST /v1/reload HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST /v1/reload HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
    func nonsense(_ text: String) throws {
        let server = try TestServer()
        let client = try RawClient(server.path)
        client.send(text)
        let answer = try #require(Answered(client.receiveAll()))
        #expect([400, 405, 505].contains(answer.status), "\(answer.status)")
        #expect(try ControlJSON.decode(ErrorAnswer.self, from: answer.body).error.count > 10)
        #expect(try server.request("GET", "/v1/version").status == 200)
    }

    @Test("Random bytes never stop the server")
    func randomBytes() throws {
        let server = try TestServer(limits: quick())
        for round in 0..<150 {
            let client = try RawClient(server.path)
            let noise = String(
                decoding: (0..<200).map { _ in UInt8.random(in: 0 ... .max) }, as: UTF8.self)
            client.send(round % 2 == 0 ? noise : "GET /v1/sessions?" + noise + "\r\n\r\n")
        }
        // Some of them are still waited for.
        usleep(600_000)
        #expect(try server.request("GET", "/v1/version").status == 200)
    }

    @Test(
        "Silent clients, half requests and half bodies are closed in time",
        arguments: [
            ("", nil), ("GET /v1/sta", 408), ("GET /v1/status HTTP/1.1\r\nHost: gw\r\n", 408),
            ("POST /v1/reload HTTP/1.1\r\nContent-Length: 10\r\n\r\n{", 408),
        ] as [(String, Int?)])
    func halfMessages(_ text: String, _ status: Int?) throws {
        let server = try TestServer(limits: quick())
        let client = try RawClient(server.path)
        client.send(text)
        var all: [UInt8] = []
        let time = seconds { all = client.receiveAll() }
        #expect(Answered(all)?.status == status)
        #expect(time > 0.2 && time < 2, "\(time) s")
    }

    @Test("A client that sends an octet now and then does not win time")
    func slowWriter() throws {
        let server = try TestServer(limits: quick())
        let client = try RawClient(server.path)
        let time = seconds {
            for _ in 0..<100 {
                guard client.send("G") else { return }
                usleep(50_000)
            }
        }
        #expect(time < 2.5, "\(time) s")
    }

    @Test("A backend that says nothing is given up, and the next client is served")
    func silentBackend() throws {
        let server = try TestServer(FakeBackend(behavior: .staysSilent), limits: quick())
        for _ in 0..<20 {
            let client = try RawClient(server.path)
            client.send("GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n")
            if Bool.random() { continue }
            let answer = try #require(Answered(client.receiveAll()))
            #expect(answer.status == 504)
            #expect(try ControlJSON.decode(ErrorAnswer.self, from: answer.body).code == 75)
        }
    }

    @Test("A client that does not read is closed, and the server keeps little for it")
    func slowReader() throws {
        let rows = (0..<65_536).map { _ in FakeBackend.rows[0] }
        let server = try TestServer(FakeBackend(rows: rows), limits: quick())
        let client = try RawClient(server.path)
        client.send("GET /v1/sessions?limit=all HTTP/1.1\r\n\r\n")
        usleep(1_500_000)
        let all = client.receiveAll()
        #expect(all.count > 10_000)
        #expect(all.count < 2 << 20, "\(all.count) octets were waiting")
        #expect(Answered(all)?.isWhole == false)
    }

    @Test("A client that reads too slowly is closed after the longest time for an answer")
    func trickle() throws {
        var limits = quick()
        limits.wholeAnswerMilliseconds = 700
        let rows = (0..<65_536).map { _ in FakeBackend.rows[0] }
        let server = try TestServer(FakeBackend(rows: rows), limits: limits)
        let client = try RawClient(server.path)
        client.send("GET /v1/sessions?limit=all HTTP/1.1\r\n\r\n")
        var got = 0
        let time = seconds {
            while true {
                let part = client.receive(128 << 10)
                if part.isEmpty { return }
                got += part.count
                usleep(100_000)
            }
        }
        #expect(time < 3, "\(time) s")
        #expect(got < 12 << 20)
    }

    @Test("The seventeenth client is told so, and has a place when another goes")
    func connections() throws {
        let server = try TestServer()
        var clients: [RawClient] = []
        for _ in 0..<16 {
            let client = try RawClient(server.path)
            client.send("GET /v1/version HTTP/1.1\r\n\r\n")
            #expect(try client.receiveAnswer().status == 200)
            clients.append(client)
        }
        let extra = try RawClient(server.path)
        let answer = try #require(Answered(extra.receiveAll()))
        #expect(answer.status == 503 && answer.headers["gatewayd-version"] == "0.1.0")
        #expect(try ControlJSON.decode(ErrorAnswer.self, from: answer.body).code == 75)
        clients.removeLast()
        usleep(200_000)
        #expect(try server.request("GET", "/v1/version").status == 200)
    }

    @Test("A thousand clients do no harm")
    func thousandClients() throws {
        let server = try TestServer(limits: quick())
        func descriptors() -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
        }
        let before = descriptors()
        var refused = 0
        for index in 0..<1000 {
            let client = try RawClient(server.path)
            if index % 3 == 0 { client.send("GET /v1/") }
            if index % 50 == 0, Answered(client.receiveAll())?.status == 503 { refused += 1 }
        }
        var clients: [RawClient] = []
        for _ in 0..<100 { clients.append(try RawClient(server.path)) }
        usleep(800_000)
        clients = []
        usleep(300_000)
        #expect(try server.request("GET", "/v1/version").status == 200)
        // Other tests open files too.
        #expect(descriptors() < before + 100)
    }
}
