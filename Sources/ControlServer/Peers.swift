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

    func access(of peer: PeerCredentials, peers: Peers) -> Access {
        if peer.user == 0 || peer.user == geteuid() { return .change }
        let memberships = peers.memberships(peer)
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
    var memberships: @Sendable (PeerCredentials) -> Set<UInt32>
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
        memberships: { groups(of: $0) }, group: { groupNumber($0) })

    /// The group of the process, and the groups its user has in the databases of users and groups.
    static func groups(of peer: PeerCredentials) -> Set<UInt32> {
        var text = [CChar](repeating: 0, count: 16 << 10)
        // The record points into the text, so the text must not move meanwhile.
        return unsafe text.withUnsafeMutableBufferPointer { text in
            guard let start = text.baseAddress else { return [peer.group] }
            var record = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>?
            let result = unsafe getpwuid_r(
                peer.user, &record, start, text.count, &found)
            guard result == 0, unsafe found != nil else { return [peer.group] }
            var groups = [gid_t](repeating: 0, count: 1024)
            var count = Int32(groups.count)
            guard unsafe getgrouplist(record.pw_name, peer.group, &groups, &count) >= 0 else {
                return [peer.group]
            }
            return unsafe Set(groups.prefix(Int(count)) + [peer.group, record.pw_gid])
        }
    }

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
