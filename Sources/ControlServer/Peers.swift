import Glibc
import NIOCore

/// Who may look and who may change. Root and the daemon's own user may do both.
public struct ControlRights: Sendable {
    /// Members may look and change; nil for nobody.
    public var group: String?
    /// Members may look; nil for nobody.
    public var readOnlyGroup: String?

    /// Rights of the members of these groups.
    public init(group: String? = nil, readOnlyGroup: String? = nil) {
        self.group = group
        self.readOnlyGroup = readOnlyGroup
    }

    enum Access: Comparable {
        case none, look, change
    }

    func access(of peer: PeerCredentials, memberships: Set<UInt32>, peers: Peers) -> Access {
        if peer.user == 0 || peer.user == geteuid() { return .change }
        func isMember(_ name: String?) -> Bool {
            guard let name, let number = peers.group(name) else { return false }
            return memberships.contains(number)
        }
        if isMember(group) { return .change }
        return isMember(readOnlyGroup) ? .look : .none
    }
}

/// `struct ucred`, which the kernel fills in for SO_PEERCRED (unix(7)).
struct PeerCredentials: Hashable, Sendable {
    var process: Int32
    var user: UInt32
    var group: UInt32
}

/// How peers and groups are looked up; replaced in tests.
struct Peers: Sendable {
    var credentials: @Sendable (any Channel) -> EventLoopFuture<PeerCredentials>
    /// Groups besides the primary one; asked on the channel's event loop.
    var memberships: @Sendable (any Channel) -> Set<UInt32>
    var group: @Sendable (String) -> UInt32?

    static let system = Peers(
        credentials: { channel in
            guard let options = channel as? any SocketOptionProvider else {
                return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
            }
            return options.unsafeGetSocketOption(
                level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
                name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        },
        memberships: { supplementaryGroups(of: $0) }, group: { groupNumber($0) })

    /// The groups the peer had when it connected (SO_PEERGROUPS, unix(7)); empty if there are more
    /// than 1,024 or none can be told.
    static func supplementaryGroups(of channel: any Channel) -> Set<UInt32> {
        let found = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { handle in
            var groups = [gid_t](repeating: 0, count: 1024)
            var bytes = socklen_t(groups.count * MemoryLayout<gid_t>.size)
            let result = unsafe getsockopt(handle, SOL_SOCKET, peerGroups, &groups, &bytes)
            guard result == 0 else { return Set<UInt32>() }
            return Set(groups.prefix(Int(bytes) / MemoryLayout<gid_t>.size))
        }
        return found ?? []
    }

    /// SO_PEERGROUPS of asm-generic/socket.h, which glibc's headers of Debian 12 lack.
    private static let peerGroups: Int32 = 59

    /// The number of the group of this name.
    static func groupNumber(_ name: String) -> UInt32? {
        var text = [CChar](repeating: 0, count: 64 << 10)
        return unsafe text.withUnsafeMutableBufferPointer { text in
            guard let start = text.baseAddress else { return nil }
            var record = unsafe Glibc.group()
            var found: UnsafeMutablePointer<Glibc.group>?
            let result = unsafe getgrnam_r(
                name, &record, start, text.count, &found)
            guard result == 0, unsafe found != nil else { return nil }
            return unsafe record.gr_gid
        }
    }
}
