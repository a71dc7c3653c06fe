import CLinux
import Glibc
import Lab
import Linux
import Testing

@Suite(.asRoot)
struct TapDeviceTests {
    @Test func opensANewInterfaceAndRemovesItWhenClosed() throws {
        let lab = try Lab()
        do {
            let tap = try lab.tap("lan0")
            #expect(tap.name == "lan0")
            #expect(tap.wasCreated == true)
            #expect(tap.isPersistent == false)
            #expect(fcntl(tap.descriptor, F_GETFD) == FD_CLOEXEC)
            #expect(fcntl(tap.descriptor, F_GETFL) & O_NONBLOCK != 0)
            #expect(try lab.ip("-d link show lan0").contains("tun type tap pi off vnet_hdr on"))
        }
        let isRemoved = eventually { (try? lab.ip("link show lan0")) == nil }
        #expect(isRemoved)
    }

    @Test func numbersATemplate() throws {
        let lab = try Lab()
        let first = try lab.tap("gw%d")
        let second = try lab.tap("gw%d")
        #expect(first.name == "gw0")
        #expect(second.name == "gw1")
    }

    @Test func keepsAPersistentInterface() throws {
        let lab = try Lab()
        do {
            var tap = try lab.tap("lan0")
            try tap.setPersistent(true)
            #expect(tap.isPersistent == true)
            try lab.ip("link set lan0 up")
            #expect(try lab.ip("link show lan0").contains("LOWER_UP"))
        }
        // Down to no holder: while there is one, the second opening would be refused.
        let isFree = try eventually { try !lab.ip("link show lan0").contains("LOWER_UP") }
        #expect(isFree)
        do {
            var tap = try lab.tap("lan0")
            #expect(tap.wasCreated == false)
            #expect(tap.isPersistent == true)
            try tap.setPersistent(false)
        }
        let isRemoved = eventually { (try? lab.ip("link show lan0")) == nil }
        #expect(isRemoved)
    }

    @Test(arguments: [(false, false), (true, false), (true, true), (false, true)])
    func setsOffloads(checksum: Bool, segmentation: Bool) throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0", TapOffload(checksum: checksum, segmentation: segmentation))
        let features = try run("ip netns exec \(lab.name) ethtool -k lan0")
        let both = checksum && segmentation
        func has(_ feature: String, _ on: Bool) -> Bool {
            features.contains("\(feature): \(on ? "on" : "off")")
        }
        #expect(has("tx-checksumming", checksum))
        #expect(has("tx-tcp-segmentation", both))
        #expect(has("tx-tcp6-segmentation", both))
        #expect(has("tx-tcp-ecn-segmentation", both))
        #expect(tap.offload?.checksum == checksum)
        #expect(tap.offload?.segmentation == both)
        let datagrams = tap.offload?.datagramSegmentation == true
        #expect(has("tx-udp-segmentation", datagrams))
        #expect(both || !datagrams)
    }

    @Test func changesOffloadsLater() throws {
        let lab = try Lab()
        var tap = try lab.tap("lan0", TapOffload(checksum: true, segmentation: true))
        try tap.setOffload(.none)
        #expect(tap.offload?.checksum == false)
        let features = try run("ip netns exec \(lab.name) ethtool -k lan0")
        #expect(features.contains("tx-checksumming: off"))
    }

    @Test func namesTheHolderOfABusyInterface() throws {
        let lab = try Lab()
        let name = "gwlxbusy\(getpid() % 100_000)"
        let first = try lab.tap(name)
        let error = try #require(systemError { try lab.tap(name) })
        #expect(error.code == EBUSY)
        #expect(error.call == "TUNSETIFF")
        #expect(error.exitStatus == 75)
        let text = error.description
        #expect(text.hasPrefix("cannot open TAP \(name): in use by pid \(getpid()) ("))
        #expect(text.hasSuffix("); stop that process or choose another name"))
        #expect(first.wasCreated == true)
    }

    @Test func saysThatTheNodeIsMissing() throws {
        let error = try #require(
            systemError { try TapDevice(name: "x", offload: .none, node: "/dev/net/gwlx-none") })
        #expect(
            error.description == "cannot open /dev/net/gwlx-none: No such file or directory; "
                + "load the tun module (modprobe tun) or create the node")
        #expect(error.exitStatus == 66)
        #expect(error.code == ENOENT)
    }

    @Test func saysThatACapabilityIsMissing() throws {
        let error = try onThread {
            dropCapabilities()
            return systemError { try TapDevice(name: "gwlxperm", offload: .none) }
        }
        #expect(
            error?.description == "cannot open TAP gwlxperm: Operation not permitted; "
                + "run as root or with CAP_NET_ADMIN")
        #expect(error?.exitStatus == 77)
    }

    @Test(
        arguments: [
            "link add lan0 type bridge", "tuntap add lan0 mode tap multi_queue",
            "tuntap add lan0 mode tun",
        ])
    func refusesAnInterfaceOfAnotherKind(command: String) throws {
        let lab = try Lab()
        try lab.ip(command)
        let error = try #require(systemError { try lab.tap("lan0") })
        #expect(error.code == EINVAL)
        #expect(
            error.description
                == "cannot open TAP lan0: an interface of that name exists and is no single-queue "
                + "TAP; choose another name or remove it (ip link delete lan0)")
        #expect(error.exitStatus == 73)
    }

    @Test(arguments: ["", ".", "..", "a b", "a/b", "a:b", "sixteenoctets_16", "l\u{e4}n"])
    func refusesBadNames(name: String) throws {
        let error = try #require(systemError { try TapDevice(name: name, offload: .none) })
        #expect(error.code == EINVAL)
        #expect(error.exitStatus == 78)
        #expect(error.description.contains("\"\(name)\""))
    }

    @Test func acceptsTheLongestName() throws {
        let lab = try Lab()
        #expect(try lab.tap("fifteenoctets15").name == "fifteenoctets15")
    }

    @Test func adoptsAnInheritedDescriptor() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let copy = dup(tap.descriptor)
        let adopted = try TapDevice(adopting: copy)
        #expect(adopted.name == "lan0")
        #expect(adopted.descriptor == copy)
        #expect(adopted.wasCreated == false)
        #expect(adopted.offload == nil)
        #expect(fcntl(copy, F_GETFD) == FD_CLOEXEC)
    }

    @Test func followsARenamedInterface() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        try lab.ip("link set lan0 name other0")
        #expect(try tap.currentName() == "other0")
    }

    @Test func refusesADeadDescriptor() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        try lab.ip("link delete lan0")
        let copy = dup(tap.descriptor)
        let error = try #require(systemError { try TapDevice(adopting: copy) })
        #expect(error.code == EBADFD)
        #expect(error.exitStatus == 66)
        #expect(error.description.hasSuffix("; its interface was deleted"))
    }

    @Test func refusesADescriptorThatIsNoTap() throws {
        let null = unsafe Glibc.open("/dev/null", O_RDWR)
        let error = try #require(systemError { try TapDevice(adopting: null) })
        #expect(error.description.hasSuffix("; it is no TAP"))
    }

    @Test func refusesATapWithOtherFraming() throws {
        let lab = try Lab()
        let file = try lab.perform { try open(asPlainTap: "lan0") }
        let error = try #require(systemError { try TapDevice(adopting: file) })
        #expect(
            error.description == "cannot adopt TAP lan0: the inherited descriptor has another "
                + "framing; remove it from the service manager's store and restart")
    }

    /// A TAP without virtio-net header.
    private func open(asPlainTap name: String) throws -> Int32 {
        let file = unsafe Glibc.open("/dev/net/tun", O_RDWR)
        var request = Array(name.utf8) + [UInt8](repeating: 0, count: 40 - name.utf8.count)
        request[16] = 0x02  // IFF_TAP
        request[17] = 0x10  // IFF_NO_PI
        try #require(unsafe ioctl(file, 0x4004_54ca, &request) == 0)
        return file
    }
}
