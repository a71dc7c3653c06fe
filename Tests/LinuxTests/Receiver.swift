import Glibc
import Linux
import Testing

/// A datagram socket in a directory of its own, in the place of the service manager or journal.
final class Receiver: Sendable {
    private let socket: Descriptor
    private let directory: String?
    /// The path or, with `@`, abstract name.
    let path: String

    /// Binds `abstract`, or else a path.
    init(abstract: String? = nil) throws {
        let number = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        socket = Descriptor(owning: number)
        if let abstract {
            directory = nil
            path = "@" + abstract
        } else {
            var template = Array(("/tmp/gwlx-" + String(repeating: "X", count: 6)).utf8CString)
            try #require(unsafe mkdtemp(&template) != nil)
            let made = String(decoding: template.dropLast().map { UInt8($0) }, as: UTF8.self)
            directory = made
            path = made + "/socket"
        }
        var address = sockaddr_un()
        address.sun_family = UInt16(AF_UNIX)
        let text = path.utf8.map { $0 == UInt8(ascii: "@") ? 0 : $0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: text) }
        let length = socklen_t(2 + text.count)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(number, $0, length)
            }
        }
        try #require(result == 0)
    }

    deinit {
        guard let directory else { return }
        _ = unsafe unlink(path)
        _ = unsafe rmdir(directory)
    }

    /// The next datagram and the descriptor that came with it; nil when there is none.
    func receive() -> (text: String, descriptor: Int32?)? {
        var payload = [UInt8](repeating: 0, count: 65_536)
        var control = [UInt64](repeating: 0, count: 8)
        var message = unsafe msghdr()
        let count = unsafe payload.withUnsafeMutableBytes { payload in
            unsafe control.withUnsafeMutableBytes { control in
                var vector = unsafe iovec(iov_base: payload.baseAddress, iov_len: payload.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = control.count
                    return unsafe recvmsg(socket.rawValue, &message, CInt(MSG_DONTWAIT))
                }
            }
        }
        guard count >= 0 else { return nil }
        // A cmsghdr is 16 octets: length, SOL_SOCKET, SCM_RIGHTS; one descriptor follows.
        var descriptor: Int32?
        let length = unsafe message.msg_controllen
        if length > 0 {
            guard control[0] == 20, control[1] == 1 << 32 | 1 else {
                Issue.record("unexpected control message \(control)")
                return nil
            }
            descriptor = Int32(truncatingIfNeeded: control[2])
        }
        return (String(decoding: payload.prefix(count), as: UTF8.self), descriptor)
    }

    /// The texts of all waiting datagrams.
    func receiveAll() -> [String] {
        var texts: [String] = []
        while let (text, _) = receive() { texts.append(text) }
        return texts
    }
}

/// The device and inode behind a descriptor.
func identity(of descriptor: Int32) -> String? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    return "\(status.st_dev):\(status.st_ino)"
}
