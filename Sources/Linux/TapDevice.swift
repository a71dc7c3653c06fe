import CLinux
import Glibc
import Wire

/// A TAP device held open; closing it removes the interface unless it is persistent.
///
/// Frames are read and written with a `VirtioNetHeader` in front and no packet information.
/// The interface belongs to the network namespace in which the device was opened, until moved.
public struct TapDevice: ~Copyable, Sendable {
    private let file: Descriptor
    private let others: [OtherQueue]
    /// The interface's name as the kernel gave it.
    public let name: String
    /// The interface did not exist before it was opened.
    public let wasCreated: Bool
    /// The interface outlives its last descriptor.
    public private(set) var isPersistent: Bool
    /// What the kernel agreed to; nil where an inherited device was taken as it is.
    public private(set) var offload: TapOffload?

    /// A further queue of the interface.
    private final class OtherQueue: Sendable {
        let file: Descriptor
        init(_ file: consuming Descriptor) { self.file = file }
    }

    /// The open, non-blocking device, or its first queue.
    public var descriptor: Int32 { file.rawValue }

    /// All queues, each for one reader: what flows one way is put into the queue that the other
    /// direction of the flow is written by.
    public var descriptors: [Int32] { [descriptor] + others.map { $0.file.rawValue } }

    /// Opens the TAP `name` in the calling thread's network namespace, making it if needed.
    ///
    /// `name` has 1 to 15 octets; `%d` in it becomes the first free number. `queues` is 1 or more.
    /// Errors tell apart a missing device node, a missing capability, a device held by another
    /// process (which is named) and an interface that is no TAP with one queue, or with several.
    public init(name: String, offload: TapOffload, queues: Int = 1) throws(SystemError) {
        try self.init(name: name, offload: offload, queues: queues, node: "/dev/net/tun")
    }

    /// The same with another device node, for tests.
    package init(
        name: String, offload: TapOffload, queues: Int = 1, node: String
    ) throws(SystemError) {
        try Tun.check(name: name)
        let file = try Tun.open(node: node)
        let (attached, wasCreated) = try Tun.attach(
            file.rawValue, name: name, isShared: queues > 1)
        try Tun.setHeaderLength(file.rawValue, name: attached.name)
        let agreed = try Tun.setOffload(file.rawValue, offload, name: attached.name)
        let current = try Tun.interface(file.rawValue)
        var others: [OtherQueue] = []
        for _ in 1..<max(queues, 1) {
            let queue = try Tun.open(node: node)
            _ = try Tun.attach(queue.rawValue, name: current.name, isShared: true)
            others.append(OtherQueue(queue))
        }
        self.others = others
        self.name = current.name
        self.wasCreated = wasCreated
        self.isPersistent = current.flags & Tun.persistent != 0
        self.offload = agreed
        self.file = file
    }

    /// Takes over descriptors inherited from a predecessor, after checking that they still are a
    /// TAP with the framing used here. The descriptors are closed if they are not.
    ///
    /// - Parameters:
    ///   - descriptor: The device, or its first queue.
    ///   - further: Its other queues.
    /// - Throws: with code EBADFD when its interface was deleted in the meantime.
    public init(adopting descriptor: Int32, and further: [Int32] = []) throws(SystemError) {
        let file = Descriptor(owning: descriptor)
        others = further.map { OtherQueue(Descriptor(owning: $0)) }
        let current = try Tun.interface(descriptor)
        let isShared = !further.isEmpty
        try Tun.check(current, name: current.name, isShared: isShared)
        try Tun.setHeaderLength(descriptor, name: current.name)
        try Tun.adopt(descriptor, name: current.name)
        for queue in further {
            try Tun.check(Tun.interface(queue), name: current.name, isShared: true)
            try Tun.adopt(queue, name: current.name)
        }
        self.name = current.name
        self.wasCreated = false
        self.isPersistent = current.flags & Tun.persistent != 0
        self.offload = nil
        self.file = file
    }

    /// Asks for other offloads, for example on an adopted device; queued frames keep theirs.
    public mutating func setOffload(_ wanted: TapOffload) throws(SystemError) {
        offload = try Tun.setOffload(descriptor, wanted, name: name)
    }

    /// Makes the interface outlive its last descriptor, or not.
    public mutating func setPersistent(_ persistent: Bool) throws(SystemError) {
        guard ioctl(descriptor, Tun.setPersist, CInt(persistent ? 1 : 0)) == 0 else {
            throw SystemError.last("TUNSETPERSIST", name, action: "change persistence of TAP")
        }
        isPersistent = persistent
    }

    /// The interface's name now, read from the kernel; throws EBADFD when it was deleted.
    public func currentName() throws(SystemError) -> String {
        try Tun.interface(descriptor).name
    }
}

/// The ioctls of the TUN driver (linux/if_tun.h; its function-like macros do not reach Swift).
enum Tun {
    static let setInterface: UInt = 0x4004_54ca  // TUNSETIFF
    static let setPersist: UInt = 0x4004_54cb  // TUNSETPERSIST
    static let setOffloads: UInt = 0x4004_54d0  // TUNSETOFFLOAD
    static let getInterface: UInt = 0x8004_54d2  // TUNGETIFF
    static let setHeaderSize: UInt = 0x4004_54d8  // TUNSETVNETHDRSZ

    static let tap: UInt16 = 0x0002
    static let multiQueue: UInt16 = 0x0100
    static let persistent: UInt16 = 0x0800
    static let noPacketInformation: UInt16 = 0x1000
    static let virtioHeader: UInt16 = 0x4000
    static let exclusive: UInt16 = 0x8000

    /// Octets of an interface name with its terminating zero (IFNAMSIZ).
    static let nameSize = 16

    static func check(name: String) throws(SystemError) {
        let bytes = name.utf8
        guard (1..<nameSize).contains(bytes.count), name != ".", name != "..",
            !bytes.contains(where: { $0 <= 32 || $0 == 47 || $0 == 58 || $0 >= 127 })
        else {
            throw SystemError(
                call: "TUNSETIFF", code: EINVAL, subject: "\"\(name)\"",
                remedy: "use 1 to 15 printable ASCII characters without space, '/' and ':'",
                action: "create TAP", reason: "not an interface name", exitStatus: 78)
        }
    }

    static func open(node: String) throws(SystemError) -> Descriptor {
        let number = unsafe Glibc.open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else {
            let code = errno
            let remedy: String? =
                switch code {
                case ENOENT, ENXIO, ENODEV:
                    "load the tun module (modprobe tun) or create the node"
                case EACCES, EPERM:
                    "allow access to it (file mode, DeviceAllow=\(node) rw)"
                default: nil
                }
            throw SystemError(call: "open", code: code, subject: node, remedy: remedy)
        }
        return Descriptor(owning: number)
    }

    /// Attaches to the interface, and tells without a race whether that made it: IFF_TUN_EXCL
    /// refuses an existing one before looking at anything else (drivers/net/tun.c, tun_set_iff).
    static func attach(
        _ file: Int32, name: String, isShared: Bool
    ) throws(SystemError) -> (Interface, Bool) {
        let form = tap | noPacketInformation | virtioHeader | (isShared ? multiQueue : 0)
        var request = Interface(name: name, flags: form | exclusive)
        if request.perform(setInterface, on: file) { return (request, true) }
        var code = errno
        if code == EBUSY {
            request = Interface(name: name, flags: form)
            if request.perform(setInterface, on: file) { return (request, false) }
            code = errno
        }
        throw attachError(code, name: name, isShared: isShared)
    }

    /// Refuses an inherited queue with another framing than ours, or of another interface.
    static func check(
        _ current: Interface, name: String, isShared: Bool
    ) throws(SystemError) {
        let form = tap | noPacketInformation | virtioHeader
        guard current.flags & (form | multiQueue) == form | (isShared ? multiQueue : 0),
            current.name == name
        else {
            throw SystemError(
                call: "TUNGETIFF", code: EINVAL, subject: current.name,
                remedy: "remove it from the service manager's store and restart",
                action: "adopt TAP", reason: "the inherited descriptor has another framing")
        }
    }

    /// Has an inherited queue never wait and end with this process.
    static func adopt(_ file: Int32, name: String) throws(SystemError) {
        let status = fcntl(file, F_GETFL)
        guard status >= 0, fcntl(file, F_SETFL, status | O_NONBLOCK) == 0,
            fcntl(file, F_SETFD, FD_CLOEXEC) == 0
        else { throw SystemError.last("fcntl", name, action: "adopt TAP") }
    }

    private static func attachError(
        _ code: Int32, name: String, isShared: Bool
    ) -> SystemError {
        var remedy: String?
        var reason: String?
        var status: Int32?
        switch code {
        case EPERM:
            remedy = "run as root or with CAP_NET_ADMIN"
        case EBUSY:
            let holders = TapHolder.all(of: name)
            reason =
                holders.isEmpty
                ? "in use by another process" : "in use by " + holders.joined(separator: ", ")
            remedy = "stop that process or choose another name"
        case EINVAL:
            let kind = isShared ? "TAP with several queues" : "single-queue TAP"
            reason = "an interface of that name exists and is no \(kind)"
            remedy = "choose another name or remove it (ip link delete \(name))"
            status = 73
        default: break
        }
        return SystemError(
            call: "TUNSETIFF", code: code, subject: name, remedy: remedy, action: "open TAP",
            reason: reason, exitStatus: status)
    }

    static func setHeaderLength(_ file: Int32, name: String) throws(SystemError) {
        var length = CInt(VirtioNetHeader.length)
        guard unsafe ioctl(file, setHeaderSize, &length) == 0 else {
            throw SystemError.last("TUNSETVNETHDRSZ", name, action: "set header length of TAP")
        }
    }

    /// Sets the offloads and returns what the kernel agreed to.
    static func setOffload(
        _ file: Int32, _ wanted: TapOffload, name: String
    ) throws(SystemError) -> TapOffload {
        if ioctl(file, setOffloads, CInt(wanted.flags)) == 0 { return wanted }
        let reduced = wanted.withoutDatagrams
        if errno == EINVAL, reduced != wanted, ioctl(file, setOffloads, CInt(reduced.flags)) == 0 {
            return reduced
        }
        throw SystemError.last("TUNSETOFFLOAD", name, action: "set offloads of TAP")
    }

    static func interface(_ file: Int32) throws(SystemError) -> Interface {
        var request = Interface(name: "", flags: 0)
        guard request.perform(getInterface, on: file) else {
            let code = errno
            let remedy = code == EBADFD ? "its interface was deleted" : "it is no TAP"
            throw SystemError(
                call: "TUNGETIFF", code: code, subject: "descriptor \(file)", remedy: remedy,
                action: "use", exitStatus: 66)
        }
        return request
    }

    /// The part of `struct ifreq` that the driver uses: a name and flags in 40 octets.
    struct Interface {
        private(set) var name: String
        private(set) var flags: UInt16

        init(name: String, flags: UInt16) {
            self.name = name
            self.flags = flags
        }

        /// Runs the ioctl with this request and takes over its answer; false leaves `errno`.
        mutating func perform(_ request: UInt, on file: Int32) -> Bool {
            var bytes = [UInt8](repeating: 0, count: 40)
            for (index, byte) in name.utf8.prefix(nameSize - 1).enumerated() {
                bytes[index] = byte
            }
            bytes[nameSize] = UInt8(truncatingIfNeeded: flags)
            bytes[nameSize + 1] = UInt8(truncatingIfNeeded: flags >> 8)
            guard unsafe ioctl(file, request, &bytes) == 0 else { return false }
            name = String(decoding: bytes[..<nameSize].prefix { $0 != 0 }, as: UTF8.self)
            flags = UInt16(bytes[nameSize]) | UInt16(bytes[nameSize + 1]) << 8
            return true
        }
    }
}
