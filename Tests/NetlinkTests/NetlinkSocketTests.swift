import CLinux
import Glibc
import Lab
import Linux
import Netlink
import Synchronization
import Testing
import Wire

@Suite(.asRoot)
struct NetlinkSocketTests {
    @Test func readsALink() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let netlink = try lab.netlink()
        try lab.ip("link set lan0 mtu 1400 txqueuelen 77 address 02:00:00:00:12:34")
        let before = try #require(try netlink.link(named: "lan0"))
        #expect(before.name == "lan0")
        #expect(before.mtu == 1400)
        #expect(before.transmitQueueLength == 77)
        #expect(before.hardware == MACAddress("02:00:00:00:12:34"))
        #expect(before.kind == "tun")
        #expect(before.master == nil)
        #expect(before.flags.isDisjoint(with: [.up, .running, .lowerUp]))
        #expect(try lab.ip("-o link show lan0").hasPrefix("\(before.index): lan0:"))

        try lab.ip("link set lan0 up")
        let after = try #require(try netlink.link(named: "lan0"))
        #expect(after.flags.isSuperset(of: [.up, .running, .lowerUp, .carrier]))
        #expect(try netlink.link(named: "nothere") == nil)
        #expect(tap.wasCreated == true)
    }

    @Test func seesALostCarrier() throws {
        let lab = try Lab()
        let netlink = try lab.netlink()
        do {
            var tap = try lab.tap("lan0")
            try tap.setPersistent(true)
            try netlink.configure(link: "lan0", up: true)
        }
        let isLost = try eventually {
            let link = try #require(try netlink.link(named: "lan0"))
            return link.flags.contains(.up)
                && link.flags.isDisjoint(with: [.carrier, .lowerUp, .running])
        }
        #expect(isLost)
    }

    @Test func configuresAllAtOnce() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let netlink = try lab.netlink()
        let address = try #require(MACAddress("02:aa:bb:cc:dd:ee"))
        try netlink.configure(
            link: "lan0", mtu: 9000, hardware: address, transmitQueueLength: 10_000, up: true)
        let link = try #require(try netlink.link(named: "lan0"))
        #expect(link.mtu == 9000)
        #expect(link.hardware == address)
        #expect(link.transmitQueueLength == 10_000)
        #expect(link.flags.contains(.up))
        let text = try lab.ip("link show lan0")
        #expect(text.contains("mtu 9000"))
        #expect(text.contains("qlen 10000"))
        #expect(text.contains("link/ether 02:aa:bb:cc:dd:ee"))
        #expect(tap.wasCreated == true)
    }

    @Test func changesOnlyWhatIsAsked() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let netlink = try lab.netlink()
        try lab.ip("link set lan0 arp off allmulticast on mtu 1300 txqueuelen 55")
        let start = try #require(try netlink.link(named: "lan0"))
        let noARP = LinkInfo.Flags(rawValue: 0x80)
        let allMulticast = LinkInfo.Flags(rawValue: 0x200)
        #expect(start.flags.isSuperset(of: [noARP, allMulticast]))

        try netlink.configure(link: "lan0", up: true)
        let up = try #require(try netlink.link(named: "lan0"))
        #expect(up.flags.isSuperset(of: [.up, noARP, allMulticast]))
        #expect(up.mtu == 1300)
        #expect(up.transmitQueueLength == 55)
        #expect(up.hardware == start.hardware)

        try netlink.configure(link: "lan0", mtu: 1280)
        let narrow = try #require(try netlink.link(named: "lan0"))
        #expect(narrow.flags == up.flags)
        #expect(narrow.mtu == 1280)
        #expect(narrow.transmitQueueLength == 55)

        try netlink.configure(link: "lan0", up: false)
        let down = try #require(try netlink.link(named: "lan0"))
        #expect(!down.flags.contains(.up))
        #expect(down.flags.isSuperset(of: [noARP, allMulticast]))
        #expect(tap.wasCreated == true)
    }

    @Test func explainsAnImpossibleSetting() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let netlink = try lab.netlink()
        let error = try #require(
            netlinkError { try netlink.configure(link: "lan0", mtu: 1_000_000) })
        #expect(error.call == "rtnl_link_change")
        #expect(error.interface == "lan0")
        #expect(error.exitStatus == 78)
        #expect(error.description.hasPrefix("cannot configure interface lan0: "))
        #expect(
            error.description.hasSuffix(
                " (rtnl_link_change); check whether the interface can take mtu 1000000"))
        let negative = try #require(netlinkError { try netlink.configure(link: "lan0", mtu: -1) })
        #expect(
            negative.description == "cannot configure interface lan0: mtu -1 is out of range "
                + "(rtnl_link_change); use 0 to 2147483647")
        #expect(tap.wasCreated == true)
    }

    @Test func explainsAMissingInterface() throws {
        let lab = try Lab()
        let netlink = try lab.netlink()
        let expected =
            "there is no such interface in this namespace (rtnl_link_get_kernel); "
            + "list the interfaces with: ip link"
        let configure = netlinkError { try netlink.configure(link: "x0", up: true) }
        #expect(configure?.description == "cannot configure interface x0: " + expected)
        #expect(configure?.exitStatus == 66)
        let delete = netlinkError { try netlink.delete(link: "x0") }
        #expect(delete?.description == "cannot delete interface x0: " + expected)
        let move = netlinkError { try netlink.move(link: "x0", toNamespaceDescriptor: 0) }
        #expect(move?.description == "cannot move interface x0 into another namespace: " + expected)
    }

    @Test func explainsAMissingCapability() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let box = Box(Mutex<NetlinkError?>(nil))
        let name = lab.name
        try WorkerThread(name: "gwlx-caps") {
            let error = netlinkError {
                try NetworkNamespace(named: name).enter()
                let netlink = try NetlinkSocket()
                dropCapabilities()
                try netlink.configure(link: "lan0", up: true)
            }
            box.value.withLock { $0 = error }
        }.join()
        let error = try #require(box.value.withLock { $0 })
        #expect(error.exitStatus == 77)
        #expect(error.description.hasPrefix("cannot configure interface lan0: "))
        #expect(error.description.hasSuffix("; run as root or with CAP_NET_ADMIN"))
        #expect(tap.wasCreated == true)
    }

    @Test func movesAnInterface() throws {
        let here = try Lab()
        let there = try Lab()
        let tap = try here.tap("lan0")
        let netlink = try here.netlink()
        let target = try NetworkNamespace(named: there.name)
        try netlink.move(link: "lan0", toNamespaceDescriptor: target.descriptor)
        #expect(try netlink.link(named: "lan0") == nil)
        let remote = try there.netlink()
        try remote.configure(link: "lan0", up: true)
        #expect(try remote.link(named: "lan0")?.flags.contains(.up) == true)
        // The descriptor still is the device's.
        #expect(try tap.currentName() == "lan0")
    }

    @Test func explainsANameThatIsTakenThere() throws {
        let here = try Lab()
        let there = try Lab()
        let tap = try here.tap("lan0")
        try there.ip("link add lan0 type bridge")
        let netlink = try here.netlink()
        let target = try NetworkNamespace(named: there.name)
        let error = try #require(
            netlinkError {
                try netlink.move(link: "lan0", toNamespaceDescriptor: target.descriptor)
            })
        #expect(
            error.description == "cannot move interface lan0 into another namespace: an interface "
                + "of that name exists there (rtnl_link_change); "
                + "choose another name or remove the one there (ip link delete lan0)")
        #expect(error.exitStatus == 73)
        #expect(try netlink.link(named: "lan0") != nil)
        #expect(tap.wasCreated == true)
    }

    @Test func explainsADescriptorThatIsNoNamespace() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let netlink = try lab.netlink()
        let error = try #require(
            netlinkError {
                try netlink.move(link: "lan0", toNamespaceDescriptor: tap.descriptor)
            })
        #expect(error.interface == "lan0")
        #expect(error.remedy == "give the descriptor of an open network namespace")
    }

    @Test func attachesToABridge() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        try lab.ip("link add br0 type bridge")
        let netlink = try lab.netlink()
        try netlink.attach(link: "lan0", toBridge: "br0")
        let bridge = try #require(try netlink.link(named: "br0"))
        #expect(bridge.kind == "bridge")
        #expect(try netlink.link(named: "lan0")?.master == bridge.index)
        #expect(try lab.ip("link show lan0").contains("master br0"))
        #expect(tap.wasCreated == true)
    }

    @Test func explainsAMissingBridge() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let netlink = try lab.netlink()
        let missing = try #require(
            netlinkError { try netlink.attach(link: "lan0", toBridge: "br7") })
        #expect(
            missing.description == "cannot attach interface lan0 to bridge br7: there is no "
                + "interface br7 (rtnl_link_get_kernel); "
                + "create it with: ip link add br7 type bridge")
        #expect(missing.exitStatus == 66)
        let wrong = try #require(
            netlinkError { try netlink.attach(link: "lan0", toBridge: "lo") })
        #expect(wrong.description.contains("lo is no bridge"))
        #expect(tap.wasCreated == true)
    }

    @Test func deletesAnInterface() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        let netlink = try lab.netlink()
        try netlink.delete(link: "lan0")
        #expect(try netlink.link(named: "lan0") == nil)
        #expect(throws: SystemError.self) { try tap.currentName() }
    }
}

/// Shares a mutex with a closure.
final class Box<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: consuming Mutex<Value>) { self.value = value }
}

@_silgen_name("capset")
private func capset(_ header: UnsafeMutablePointer<UInt32>, _ data: UnsafePointer<UInt32>) -> CInt

/// Gives up every capability of the calling thread, for good.
private func dropCapabilities() {
    var header: [UInt32] = [0x2008_0522, 0]  // _LINUX_CAPABILITY_VERSION_3, this thread
    let none = [UInt32](repeating: 0, count: 6)
    _ = unsafe capset(&header, none)
}
