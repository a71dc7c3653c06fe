import Control
import ControlServer
import Glibc

/// Any octets as what a client of the control socket sends, to the real server over a real socket.
///
/// Whatever comes, the answer is HTTP or nothing, it ends, and the next client is served.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let sent = unsafe UnsafeRawBufferPointer(start: start, count: count)
    let answer = unsafe exchange(sent)
    let greeting = Array("HTTP/1.".utf8)
    precondition(
        answer.isEmpty || answer.starts(with: greeting),
        "not HTTP: \(String(decoding: answer.prefix(80), as: UTF8.self))")
    unsafe turns += 1
    guard unsafe turns % 256 == 0 else { return 0 }
    let good = Array("GET /v1/version HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n".utf8)
    let version = unsafe good.withUnsafeBytes { unsafe exchange($0) }
    precondition(version.starts(with: Array("HTTP/1.1 200".utf8)), "no answer to a good request")
    return 0
}

/// Starts the server before the first input, so that what it keeps is not taken for a leak.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>, _ words: UnsafeMutableRawPointer
) -> CInt {
    server.path.isEmpty ? 1 : 0
}

nonisolated(unsafe) private var turns = 0

private let server: (running: ControlServer, path: String) = {
    let path = "/tmp/fuzz-request.\(getpid()).sock"
    let server = ControlServer(
        socket: .path(path, mode: 0o600, group: nil), rights: ControlRights(),
        backend: FakeBackend(), version: "0.1.0")
    do { try server.start() } catch { fatalError("\(error)") }
    atexit { unsafe unlink("/tmp/fuzz-request.\(getpid()).sock") }
    return (server, path)
}()

/// Sends the octets, says that nothing follows, and reads what comes until the end.
private func exchange(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let path = server.path
    let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    precondition(client >= 0, "socket: \(errno)")
    defer { close(client) }
    // The server gives a silent client five seconds; an answer must not take longer.
    var limit = timeval(tv_sec: 8, tv_usec: 0)
    unsafe setsockopt(
        client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) {
        unsafe $0.copyBytes(from: Array(path.utf8))
    }
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    precondition(connected == 0, "connect: \(errno)")
    var offset = 0
    while offset < bytes.count {
        let sent = unsafe send(
            client, bytes.baseAddress.map { unsafe $0 + offset }, bytes.count - offset,
            Int32(MSG_NOSIGNAL))
        guard sent > 0 else { break }
        offset += sent
    }
    shutdown(client, Int32(SHUT_WR))
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while answer.count < 16 << 20 {
        let count = unsafe recv(client, &buffer, buffer.count, 0)
        if count == 0 { break }
        // A server that closes with octets unread resets the connection.
        precondition(count > 0 || errno == ECONNRESET, "no end of the answer: \(errno)")
        guard count > 0 else { break }
        answer.append(contentsOf: buffer.prefix(count))
    }
    return answer
}
