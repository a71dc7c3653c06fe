import Glibc

/// A datagram socket to one local address, which never waits and never raises SIGPIPE.
struct LocalDatagram: ~Copyable, Sendable {
    private let socket: Descriptor
    private let address: [UInt8]

    /// A socket to `path`; a leading `@` means the abstract name space. Nil when the path is
    /// neither absolute nor abstract, is too long, or no socket can be made.
    init?(path: String) {
        guard let address = Self.address(of: path) else { return nil }
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = Glibc.socket(AF_UNIX, kind, 0)
        guard number >= 0 else { return nil }
        socket = Descriptor(owning: number)
        self.address = address
    }

    /// `struct sockaddr_un` for a path or abstract name (unix(7)).
    static func address(of path: String) -> [UInt8]? {
        var name = Array(path.utf8)
        guard name.count > 1, name.count < 108, !name.contains(0) else { return nil }
        switch name[0] {
        case UInt8(ascii: "/"): name.append(0)
        case UInt8(ascii: "@"): name[0] = 0
        default: return nil
        }
        let family = UInt16(AF_UNIX)
        return [UInt8(truncatingIfNeeded: family), UInt8(truncatingIfNeeded: family >> 8)] + name
    }

    /// Sends one datagram, with descriptors if any (at most 16); returns 0 or an errno value.
    func send(_ payload: [UInt8], descriptors: [Int32] = []) -> Int32 {
        // One cmsghdr (length, SOL_SOCKET, SCM_RIGHTS), then the descriptors (cmsg(3)).
        let headerSize = MemoryLayout<cmsghdr>.size
        let controlLength = headerSize + descriptors.count * MemoryLayout<Int32>.size
        var control = [UInt64](repeating: 0, count: (controlLength + 7) / 8)
        unsafe control.withUnsafeMutableBytes { bytes in
            guard !descriptors.isEmpty else { return }
            unsafe bytes.storeBytes(of: controlLength, as: Int.self)
            unsafe bytes.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
            unsafe bytes.storeBytes(
                of: Int32(SCM_RIGHTS), toByteOffset: 12, as: Int32.self)
            for (index, descriptor) in descriptors.enumerated() {
                unsafe bytes.storeBytes(
                    of: descriptor, toByteOffset: headerSize + index * 4, as: Int32.self)
            }
        }
        return unsafe address.withUnsafeBytes { address in
            unsafe payload.withUnsafeBytes { payload in
                unsafe control.withUnsafeMutableBytes { control in
                    unsafe send(address, payload, descriptors.isEmpty ? nil : control)
                }
            }
        }
    }

    private func send(
        _ address: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer,
        _ control: UnsafeMutableRawBufferPointer?
    ) -> Int32 {
        var vector = unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress),
            iov_len: payload.count)
        return unsafe withUnsafeMutablePointer(to: &vector) { vector in
            var message = unsafe msghdr()
            unsafe message.msg_name = UnsafeMutableRawPointer(mutating: address.baseAddress)
            unsafe message.msg_namelen = socklen_t(address.count)
            unsafe message.msg_iov = vector
            unsafe message.msg_iovlen = 1
            if let control = unsafe control {
                unsafe message.msg_control = control.baseAddress
                unsafe message.msg_controllen = control.count
            }
            let flags = CInt(MSG_DONTWAIT | MSG_NOSIGNAL)
            return unsafe sendmsg(socket.rawValue, &message, flags) >= 0 ? 0 : errno
        }
    }
}
