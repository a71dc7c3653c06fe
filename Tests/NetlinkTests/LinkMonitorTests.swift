import Glibc
import Lab
import Linux
import Netlink
import Testing

@Suite(.asRoot)
struct LinkMonitorTests {
    /// The events up to the first that `isLast` accepts; fails after two seconds.
    private func events(
        _ monitor: inout LinkMonitor, until isLast: (LinkEvent) -> Bool
    ) throws -> [LinkEvent] {
        var all: [LinkEvent] = []
        while all.last.map(isLast) != true {
            var query = pollfd(fd: monitor.descriptor, events: Int16(POLLIN), revents: 0)
            try #require(unsafe poll(&query, 1, 2000) == 1, "no event; so far: \(all)")
            for event in try monitor.nextEvents() {
                all.append(event)
                if isLast(event) { break }
            }
        }
        return all
    }

    private func isUp(_ event: LinkEvent, _ up: Bool) -> Bool {
        guard case .changed(let link) = event else { return false }
        return link.name == "lan0" && link.flags.contains(.up) == up
    }

    @Test func tellsUpDownAndRemoved() throws {
        let lab = try Lab()
        var monitor = try lab.perform { try LinkMonitor() }
        #expect(try monitor.nextEvents() == [])

        let tap = try lab.tap("lan0")
        let created = try events(&monitor) { isUp($0, false) }
        #expect(!created.isEmpty)
        try lab.ip("link set lan0 up mtu 1402")
        let up = try events(&monitor) { isUp($0, true) }
        guard case .changed(let link) = up.last else { return #expect(Bool(false)) }
        #expect(link.mtu == 1402)
        try lab.ip("link set lan0 down")
        #expect(try !events(&monitor) { isUp($0, false) }.isEmpty)
        try lab.ip("link delete lan0")
        let removed = LinkEvent.removed(name: "lan0", index: link.index)
        #expect(try events(&monitor) { $0 == removed }.last == removed)
        #expect(try monitor.nextEvents() == [])
        #expect(tap.wasCreated == true)
    }

    @Test func seesTheCarrierGoWithTheLastDescriptor() throws {
        let lab = try Lab()
        var monitor = try lab.perform { try LinkMonitor() }
        do {
            var tap = try lab.tap("lan0")
            try tap.setPersistent(true)
            try lab.ip("link set lan0 up")
            _ = try events(&monitor) { event in
                guard case .changed(let link) = event else { return false }
                return link.flags.isSuperset(of: [.up, .carrier, .running])
            }
        }
        let lost = try events(&monitor) { event in
            guard case .changed(let link) = event else { return false }
            return link.flags.contains(.up) && !link.flags.contains(.lowerUp)
        }
        #expect(!lost.isEmpty)
    }

    @Test func leavingABridgeIsNoRemoval() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        try lab.ip("link add br0 type bridge")
        try lab.ip("link set lan0 up master br0")
        var monitor = try lab.perform { try LinkMonitor() }
        try lab.ip("link set lan0 nomaster")
        // A mark at the end of everything the change caused.
        try lab.ip("link set lan0 mtu 1333")
        let all = try events(&monitor) { event in
            guard case .changed(let link) = event else { return false }
            return link.mtu == 1333
        }
        let removals = all.filter { if case .removed = $0 { true } else { false } }
        #expect(removals == [])
        #expect(tap.wasCreated == true)
    }

    @Test func movingAwayIsARemoval() throws {
        let lab = try Lab()
        let other = try Lab()
        let tap = try lab.tap("lan0")
        var monitor = try lab.perform { try LinkMonitor() }
        let target = try NetworkNamespace(named: other.name)
        try lab.netlink().move(link: "lan0", toNamespaceDescriptor: target.descriptor)
        let all = try events(&monitor) { if case .removed = $0 { true } else { false } }
        guard case .removed("lan0", _) = all.last else { return #expect(Bool(false)) }
        #expect(tap.wasCreated == true)
    }

    @Test func tellsOfLostEventsAndGoesOn() throws {
        let lab = try Lab()
        let tap = try lab.tap("lan0")
        var monitor = try lab.perform { try LinkMonitor(receiveBufferBytes: 2048) }
        let netlink = try lab.netlink()
        for round in 0..<50 { try netlink.configure(link: "lan0", mtu: 1000 + round) }
        let lost = try events(&monitor) { $0 == .overrun }
        #expect(lost.last == .overrun)
        while try !monitor.nextEvents().isEmpty {}

        try netlink.configure(link: "lan0", mtu: 1499)
        let next = try events(&monitor) { event in
            guard case .changed(let link) = event else { return false }
            return link.mtu == 1499
        }
        #expect(!next.contains(.overrun))
        #expect(tap.wasCreated == true)
    }
}
