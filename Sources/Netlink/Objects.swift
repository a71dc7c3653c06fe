import CNetlink
import Wire

/// Owns a socket of libnl.
@safe
struct SocketHandle: ~Copyable {
    let raw: OpaquePointer

    /// A socket that is not connected yet.
    init() throws(NetlinkError) {
        guard let raw = unsafe nl_socket_alloc() else {
            throw NetlinkError(
                "nl_socket_alloc", NLE_NOMEM, interface: "netlink", action: "open netlink")
        }
        unsafe self.raw = unsafe raw
    }

    deinit { unsafe nl_socket_free(raw) }

    /// Connects to the routing family of the calling thread's network namespace.
    func connect() throws(NetlinkError) {
        try check(unsafe nl_connect(raw, NETLINK_ROUTE), "nl_connect")
    }

    /// Throws for a negative result of a call on the socket.
    func check(_ code: Int32, _ call: String) throws(NetlinkError) {
        guard code < 0 else { return }
        throw NetlinkError(call, code, interface: "netlink", action: "open netlink")
    }
}

/// Owns a reference to a link object of libnl.
@safe
struct LinkHandle: ~Copyable {
    let raw: OpaquePointer

    /// An empty link, to hold the attributes of a change.
    init() throws(NetlinkError) {
        guard let raw = unsafe rtnl_link_alloc() else {
            throw NetlinkError(
                "rtnl_link_alloc", NLE_NOMEM, interface: "netlink", action: "make a request")
        }
        unsafe self.raw = unsafe raw
    }

    /// Takes over a reference.
    init(owning raw: OpaquePointer) { unsafe self.raw = unsafe raw }

    deinit { unsafe rtnl_link_put(raw) }

    /// The link's state as a value; nil when it has no name.
    var info: LinkInfo? { unsafe LinkInfo(raw) }
}

/// Owns an address object of libnl.
@safe
struct AddressHandle: ~Copyable {
    let raw: OpaquePointer

    /// A hardware address.
    init(_ address: MACAddress) throws(NetlinkError) {
        let octets = (0..<6).map { index in
            UInt8(truncatingIfNeeded: address.rawValue >> UInt64(40 - 8 * index))
        }
        guard let raw = unsafe nl_addr_build(AF_LLC, octets, 6) else {
            throw NetlinkError(
                "nl_addr_build", NLE_NOMEM, interface: "netlink", action: "make a request")
        }
        unsafe self.raw = unsafe raw
    }

    deinit { unsafe nl_addr_put(raw) }
}
