import CNetlink
public import Wire

/// Reads and changes network interfaces of one namespace, that of the thread which opened it.
public struct NetlinkSocket: ~Copyable {
    private let socket: SocketHandle

    /// Connects in the calling thread's network namespace.
    public init() throws(NetlinkError) {
        let socket = try SocketHandle()
        try socket.connect()
        self.socket = socket
    }

    /// The interface called `name`; nil when there is none.
    public func link(named name: String) throws(NetlinkError) -> LinkInfo? {
        guard let link = try find(name, action: "read interface \(name)") else { return nil }
        return link.info
    }

    /// Changes what is given and nothing else.
    ///
    /// `mtu` is in octets without the Ethernet header, `transmitQueueLength` in frames. All changes
    /// go in one request, which the kernel works off in its own order.
    public func configure(
        link name: String, mtu: Int? = nil, hardware: MACAddress? = nil,
        transmitQueueLength: Int? = nil, up: Bool? = nil
    ) throws(NetlinkError) {
        let action = "configure interface \(name)"
        let link = try require(name, action: action)
        let change = try LinkHandle()
        var wishes: [String] = []
        if let mtu {
            unsafe rtnl_link_set_mtu(change.raw, try Self.number(mtu, "mtu", name, action))
            wishes.append("mtu \(mtu)")
        }
        if let transmitQueueLength {
            let length = try Self.number(
                transmitQueueLength, "transmit queue length", name, action)
            unsafe rtnl_link_set_txqlen(change.raw, length)
            wishes.append("transmit queue length \(transmitQueueLength)")
        }
        if let hardware {
            let address = try AddressHandle(hardware)
            unsafe rtnl_link_set_addr(change.raw, address.raw)
            wishes.append("address \(hardware)")
        }
        if let up {
            // libnl sets ifi_change to just this flag.
            let flag: UInt32 = LinkInfo.Flags.up.rawValue
            if up {
                unsafe rtnl_link_set_flags(change.raw, flag)
            } else {
                unsafe rtnl_link_unset_flags(change.raw, flag)
            }
        }
        let list = wishes.joined(separator: ", ")
        let remedy = wishes.isEmpty ? nil : "check whether the interface can take \(list)"
        try apply(change, to: link, name, action: action) { _ in (nil, remedy) }
    }

    /// Moves the interface into the namespace open as `descriptor`, where it arrives switched off,
    /// without master and without addresses. Go on with a socket opened there.
    public func move(
        link name: String, toNamespaceDescriptor descriptor: Int32
    ) throws(NetlinkError) {
        let action = "move interface \(name) into another namespace"
        let link = try require(name, action: action)
        let change = try LinkHandle()
        unsafe rtnl_link_set_ns_fd(change.raw, descriptor)
        try apply(change, to: link, name, action: action) { code in
            switch code {
            case NLE_EXIST:
                (
                    "an interface of that name exists there",
                    "choose another name or remove the one there (ip link delete \(name))"
                )
            case NLE_INVAL, NLE_BAD_SOCK:
                (nil, "give the descriptor of an open network namespace")
            default: (nil, nil)
            }
        }
    }

    /// Makes the interface a port of an existing bridge.
    public func attach(link name: String, toBridge bridge: String) throws(NetlinkError) {
        let action = "attach interface \(name) to bridge \(bridge)"
        let link = try require(name, action: action)
        guard let target = try find(bridge, action: action), let info = target.info else {
            throw NetlinkError(
                "rtnl_link_get_kernel", NLE_NODEV, interface: bridge, action: action,
                reason: "there is no interface \(bridge)",
                remedy: "create it with: ip link add \(bridge) type bridge")
        }
        guard info.kind == "bridge" else {
            throw NetlinkError(
                "rtnl_link_get_type", NLE_INVAL, interface: bridge, action: action,
                reason: "\(bridge) is no bridge",
                remedy: "create one with: ip link add NAME type bridge")
        }
        let change = try LinkHandle()
        unsafe rtnl_link_set_master(change.raw, info.index)
        try apply(change, to: link, name, action: action) { _ in (nil, nil) }
    }

    /// Deletes the interface.
    public func delete(link name: String) throws(NetlinkError) {
        let action = "delete interface \(name)"
        let link = try require(name, action: action)
        let code = unsafe rtnl_link_delete(socket.raw, link.raw)
        guard code >= 0 else {
            throw NetlinkError("rtnl_link_delete", code, interface: name, action: action)
        }
    }

    private func find(
        _ name: String, action: String
    ) throws(NetlinkError) -> LinkHandle? {
        var raw: OpaquePointer?
        let code = unsafe rtnl_link_get_kernel(socket.raw, 0, name, &raw)
        if let raw = unsafe raw, code >= 0 { return unsafe LinkHandle(owning: raw) }
        if code == -NLE_NODEV || code == -NLE_OBJ_NOTFOUND { return nil }
        throw NetlinkError("rtnl_link_get_kernel", code, interface: name, action: action)
    }

    private func require(_ name: String, action: String) throws(NetlinkError) -> LinkHandle {
        if let link = try find(name, action: action) { return link }
        throw NetlinkError(
            "rtnl_link_get_kernel", NLE_NODEV, interface: name, action: action,
            reason: "there is no such interface in this namespace",
            remedy: "list the interfaces with: ip link")
    }

    private func apply(
        _ change: borrowing LinkHandle, to link: borrowing LinkHandle, _ name: String,
        action: String, help: (Int32) -> (reason: String?, remedy: String?)
    ) throws(NetlinkError) {
        let code = unsafe rtnl_link_change(socket.raw, link.raw, change.raw, 0)
        guard code < 0 else { return }
        let (reason, remedy) = help(-code)
        throw NetlinkError(
            "rtnl_link_change", code, interface: name, action: action, reason: reason,
            remedy: remedy)
    }

    private static func number(
        _ value: Int, _ what: String, _ name: String, _ action: String
    ) throws(NetlinkError) -> UInt32 {
        if let number = UInt32(exactly: value), number <= Int32.max { return number }
        throw NetlinkError(
            "rtnl_link_change", NLE_RANGE, interface: name, action: action,
            reason: "\(what) \(value) is out of range", remedy: "use 0 to \(Int32.max)")
    }
}
