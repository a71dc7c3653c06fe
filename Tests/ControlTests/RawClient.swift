import Foundation
import Glibc
import Testing

@testable import ControlServer

/// A client that may send anything.
final class RawClient: Sendable {
    let descriptor: Int32

    init(_ path: String, timeout seconds: Int = 10) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe _ = setsockopt(
                descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: Array(path.utf8))
        }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0, "connect: \(errno)")
    }

    deinit { close(descriptor) }

    /// Sends all of it; false if the server has closed.
    @discardableResult
    func send(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Up to `count` octets; empty at the end or after the time-out.
    func receive(_ count: Int = 65536) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = unsafe bytes.withUnsafeMutableBytes {
            unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
        }
        return got > 0 ? Array(bytes.prefix(got)) : []
    }

    /// Everything until the server closes.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let part = receive()
            if part.isEmpty { return all }
            all += part
        }
    }

    /// One answer on a connection that may stay open.
    func receiveAnswer() throws -> Answered {
        var all: [UInt8] = []
        while true {
            if let answer = Answered(all), answer.isWhole { return answer }
            let part = receive()
            if part.isEmpty { return try #require(Answered(all), "no answer") }
            all += part
        }
    }
}

/// An HTTP answer taken apart.
struct Answered {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]
    var isWhole: Bool

    init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        self.status = status
        headers = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let rest = Array(bytes.dropFirst(text[..<end.upperBound].utf8.count))
        if headers["transfer-encoding"] == "chunked" {
            (body, isWhole) = Self.joined(rest)
        } else {
            body = rest
            isWhole = headers["content-length"].flatMap { Int($0) } == rest.count
        }
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    private static func joined(_ bytes: [UInt8]) -> ([UInt8], Bool) {
        var body: [UInt8] = []
        var at = 0
        while let end = bytes[at...].firstIndex(of: 13) {
            let size = String(decoding: bytes[at..<end], as: UTF8.self)
            guard let count = Int(size, radix: 16), end + 4 + count <= bytes.count else { break }
            if count == 0 { return (body, true) }
            body += bytes[(end + 2)..<(end + 2 + count)]
            at = end + 4 + count
        }
        return (body, false)
    }
}

/// A server with a socket file of its own, in a directory of its own.
final class TestServer {
    let server: ControlServer
    let directory: String
    let path: String

    init(
        _ backend: FakeBackend = FakeBackend(), limits: ControlLimits = ControlLimits(),
        rights: ControlRights = ControlRights(), peers: Peers = .system, version: String = "0.1.0",
        instance: String = "home"
    ) throws {
        directory = "/tmp/ctl-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: "\(directory)/\(instance)", withIntermediateDirectories: true)
        path = "\(directory)/\(instance)/control.sock"
        server = ControlServer(
            socket: .path(path, mode: 0o660, group: nil), rights: rights, backend: backend,
            version: version, limits: limits, peers: peers)
        try server.start()
    }

    deinit {
        server.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// One request on a connection of its own.
    func request(
        _ method: String, _ target: String, body: String? = nil, headers: String = ""
    ) throws -> Answered {
        let client = try RawClient(path)
        var text = "\(method) \(target) HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\(headers)"
        if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
        client.send(text + "\r\n" + (body ?? ""))
        return try #require(Answered(client.receiveAll()), "no answer")
    }
}
