import CNetlink
import Glibc

/// What happened to an interface.
public enum LinkEvent: Hashable, Sendable {
    /// It is new or has changed; this is its state now.
    case changed(LinkInfo)
    /// It was deleted or moved to another namespace.
    case removed(name: String, index: Int32)
    /// Events were lost because too many came at once: read the interfaces again.
    case overrun
}

/// Tells of changes to the interfaces of one namespace, that of the thread which opened it.
public struct LinkMonitor: ~Copyable {
    private let socket: SocketHandle

    /// Readable while events wait.
    public var descriptor: Int32 { unsafe nl_socket_get_fd(socket.raw) }

    /// Subscribes to link events, with room for `receiveBufferBytes` of them.
    public init(receiveBufferBytes: Int32 = 1 << 20) throws(NetlinkError) {
        let socket = try SocketHandle()
        unsafe nl_socket_disable_seq_check(socket.raw)
        unsafe nl_socket_enable_msg_peek(socket.raw)
        try socket.connect()
        try socket.check(
            unsafe nl_socket_set_buffer_size(socket.raw, receiveBufferBytes, 0),
            "nl_socket_set_buffer_size")
        try socket.check(unsafe nl_socket_set_nonblocking(socket.raw), "nl_socket_set_nonblocking")
        try socket.check(
            unsafe nl_socket_add_membership(socket.raw, Int32(RTNLGRP_LINK.rawValue)),
            "nl_socket_add_membership")
        self.socket = socket
    }

    /// The events that wait, oldest first, at most about 256; empty when there are none. Never
    /// waits.
    public mutating func nextEvents() throws(NetlinkError) -> [LinkEvent] {
        var events: [LinkEvent] = []
        while events.count < 256 {
            var sender = sockaddr_nl()
            var buffer: UnsafeMutablePointer<UInt8>?
            let count = unsafe nl_recv(socket.raw, &sender, &buffer, nil)
            if count == 0 || count == -NLE_AGAIN { break }
            // libnl's word for ENOBUFS. The kernel's queue is intact and goes on afterwards.
            if count == -NLE_NOMEM {
                events.append(.overrun)
                break
            }
            guard count > 0 else {
                throw NetlinkError(
                    "nl_recv", count, interface: "netlink", action: "read interface events")
            }
            defer { unsafe free(buffer) }
            // Anyone may send to the socket; only the kernel has number 0.
            guard sender.nl_pid == 0, let buffer = unsafe buffer else { continue }
            unsafe Self.parse(UnsafeMutableRawPointer(buffer), count, into: &events)
        }
        return events
    }

    private static func parse(
        _ buffer: UnsafeMutableRawPointer, _ count: Int32, into events: inout [LinkEvent]
    ) {
        var remaining = count
        var header: UnsafeMutablePointer<nlmsghdr>? = unsafe buffer.assumingMemoryBound(
            to: nlmsghdr.self)
        while let message = unsafe header, unsafe nlmsg_ok(message, remaining) != 0 {
            let kind = unsafe Int32(message.pointee.nlmsg_type)
            if kind == RTM_NEWLINK || kind == RTM_DELLINK,
                let info = unsafe link(in: message)
            {
                if kind == RTM_NEWLINK {
                    events.append(.changed(info))
                } else {
                    events.append(.removed(name: info.name, index: info.index))
                }
            }
            unsafe header = unsafe nlmsg_next(message, &remaining)
        }
    }

    /// Takes the link out of the callback of `nl_msg_parse`.
    private final class Parsed {
        var info: LinkInfo?
    }

    /// The link of one message; nil when it is none, or speaks of a bridge's port: the bridge
    /// reports a port's end as RTM_DELLINK of family AF_BRIDGE, though the interface lives on.
    private static func link(in message: UnsafeMutablePointer<nlmsghdr>) -> LinkInfo? {
        guard let copy = unsafe nlmsg_convert(message) else { return nil }
        defer { unsafe nlmsg_free(copy) }
        // nl_msg_parse looks the parser up by the protocol, which a copied message does not know.
        unsafe nlmsg_set_proto(copy, NETLINK_ROUTE)
        let parsed = Parsed()
        let code = unsafe nl_msg_parse(
            copy,
            { @Sendable object, context in
                guard let object = unsafe object, let context = unsafe context else { return }
                let parsed = unsafe Unmanaged<Parsed>.fromOpaque(context).takeUnretainedValue()
                if unsafe rtnl_link_get_family(object) != AF_BRIDGE {
                    parsed.info = unsafe LinkInfo(object)
                }
            }, Unmanaged.passUnretained(parsed).toOpaque())
        return code >= 0 ? parsed.info : nil
    }
}
