import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

@Suite("Pools of addresses, one-to-one entries, forwards' addresses")
struct OutsideAddressTests {
    private static func range(_ text: String, _ last: String? = nil) -> ClosedRange<IPv4Address> {
        ip(text)...ip(last ?? text)
    }

    private static let entry = OneToOne(
        outside: prefix("203.0.113.64/30"), inside: prefix("192.168.50.64/30"))

    @Test("A pool of scattered addresses is used whole", .row("C-3", "C-2", "U-2"))
    func scattered() throws {
        var bench = Bench {
            $0.nat.mode = .pool
            $0.nat.pool = [
                Self.range("203.0.113.10", "203.0.113.12"), Self.range("203.0.113.77"),
                Self.range("203.0.113.200", "203.0.113.207"),
            ]
        }
        var all: Set<String> = []
        for host in 2..<250 {
            var own: Set<String> = []
            let inside = "192.168.50.\(host)"
            let sent = Send.out(&bench, inside)
            own.insert(try #require(sent).address)
            let syn = bench.send(PacketBuilder(inside, Send.remote).tcp(9, 80, .syn), on: .lan)
            own.insert(try #require(syn.last?.seen["ip.src"]))
            let ping = bench.send(PacketBuilder(inside, Send.remote).echo(identifier: 7), on: .lan)
            own.insert(try #require(ping.last?.seen["ip.src"]))
            #expect(own.count == 1, "\(inside) by three protocols: \(own)")
            all.formUnion(own)
        }
        let last = [10, 11, 12, 77] + Array(200...207)
        #expect(all == Set(last.map { "203.0.113.\($0)" }))
    }

    @Test("A full paired address refuses; softly, another is used", .row("X-4"))
    func pairing() {
        for isSoft in [false, true] {
            var bench = Bench {
                $0.nat.mode = .pool
                $0.nat.pool = [Self.range("203.0.113.10", "203.0.113.11")]
                $0.nat.ports = 5000...5099
                $0.nat.softPairing = isSoft
            }
            var seen: [String: Int] = [:]
            for port: UInt16 in 4000..<4250 {
                guard let sent = Send.out(&bench, "192.168.50.10", port) else { continue }
                seen[sent.address, default: 0] += 1
            }
            #expect(seen.values.sorted() == (isSoft ? [100, 100] : [100]))
            #expect(bench.drops(.natNoPort, on: .lan) == (isSoft ? 50 : 150))
        }
    }

    @Test("One-to-one: ports stay, both ways, for every transport", .row("X-12"))
    func oneToOne() {
        var bench = Bench { $0.nat.oneToOne = [Self.entry] }
        let out = Send.out(&bench, "192.168.50.66", 123)
        #expect(out?.address == "203.0.113.66" && out?.port == 123)
        let stranger = Send.back(&bench, "198.51.100.99", 9, to: 4711, at: "203.0.113.65")
        #expect(stranger == "192.168.50.65:4711")
        let remote = PacketBuilder("198.51.100.99", "203.0.113.64")
        let syn = bench.send(remote.tcp(99, 22, .syn), on: .wan)
        #expect(syn.last?.seen["ip.dst"] == "192.168.50.64")
        let ping = bench.send(remote.echo(identifier: 9), on: .wan)
        #expect(ping.last?.seen["ip.dst"] == "192.168.50.64" && ping.last?.side == .lan)
        let pong = bench.send(
            PacketBuilder("192.168.50.64", "198.51.100.99").echo(reply: true, identifier: 9),
            on: .lan)
        #expect(pong.last?.seen["ip.src"] == "203.0.113.64")
        #expect(pong.last?.seen["icmp.ident"] == "9" && pong.last?.side == .wan)
        #expect(pong.last?.seen.problems.isEmpty == true)
        let beside = Send.back(&bench, to: 4711, at: "203.0.113.68")
        let other = Send.out(&bench, "192.168.50.68", 123)
        #expect(beside == nil && other?.address == "203.0.113.2")
        // A reply that nobody asked for makes nothing.
        let before = bench.sessionCount
        let stray = bench.send(remote.echo(reply: true, identifier: 77), on: .wan)
        #expect(stray.isEmpty && bench.sessionCount == before)
    }

    @Test("One-to-one: pings from other inside hosts, and errors about them", .row("I-7", "X-12"))
    func hairpin() {
        var bench = Bench { $0.nat.oneToOne = [Self.entry] }
        let query = bench.send(
            PacketBuilder("192.168.50.10", "203.0.113.65").echo(identifier: 5), on: .lan)
        #expect(query.last?.seen["ip.dst"] == "192.168.50.65")
        #expect(query.last?.seen["ip.src"] == "203.0.113.2")
        let identifier = query.last?.seen["icmp.ident"].flatMap { UInt16($0) } ?? 0
        let reply = bench.send(
            PacketBuilder("192.168.50.65", "203.0.113.2")
                .echo(reply: true, identifier: identifier), on: .lan)
        #expect(reply.last?.seen["ip.dst"] == "192.168.50.10")
        #expect(reply.last?.seen["ip.src"] == "203.0.113.65")
        #expect(reply.last?.seen["icmp.ident"] == "5" && reply.last?.seen.problems.isEmpty == true)
        let datagram = bench.send(
            PacketBuilder("192.168.50.10", "203.0.113.65").udp(4000, 9), on: .lan)
        #expect(datagram.last?.seen["ip.dst"] == "192.168.50.65")
        let quoted = Array((datagram.last?.bytes ?? []).dropFirst(14))
        let error = bench.send(
            PacketBuilder("192.168.50.65", "203.0.113.2").icmpError(3, code: 3, about: quoted),
            on: .lan)
        #expect(error.last?.seen["ip.dst"] == "192.168.50.10")
        #expect(error.last?.seen["ip.src"] == "203.0.113.65")
        #expect(error.last?.seen.problems.isEmpty == true)
    }

    @Test("One-to-one: protocols without ports too, both ways", .row("X-12"))
    func otherProtocols() {
        var bench = Bench { $0.nat.oneToOne = [Self.entry] }
        let payload: [UInt8] = [0, 0, 8, 0, 1, 2, 3, 4]
        let inbound = bench.send(
            PacketBuilder(Send.remote, "203.0.113.65").packet(47, payload), on: .wan)
        #expect(inbound.last?.seen["ip.dst"] == "192.168.50.65" && inbound.last?.side == .lan)
        let outbound = bench.send(
            PacketBuilder("192.168.50.65", Send.remote).packet(47, payload), on: .lan)
        #expect(outbound.last?.seen["ip.src"] == "203.0.113.65")
        #expect(bench.sessionCount == 1)
    }

    @Test("One-to-one entries come, move and go at once", .row("S-5"))
    func reload() {
        var bench = Bench()
        let before = Send.out(&bench, "192.168.50.65")
        #expect(before?.address == "203.0.113.2")
        bench.apply { $0.nat.oneToOne = [Self.entry] }
        #expect(bench.sessionCount == 0, "the address of its own holds at once")
        let own = Send.out(&bench, "192.168.50.65")
        #expect(own?.address == "203.0.113.65" && own?.port == 4000)
        bench.apply {
            $0.nat.oneToOne.insert(
                OneToOne(
                    outside: prefix("203.0.113.70/32"), inside: prefix("192.168.50.10/32")), at: 0)
        }
        #expect(bench.sessionCount == 1, "an unchanged entry keeps its sessions")
        bench.apply {
            $0.nat.oneToOne = [
                OneToOne(outside: prefix("203.0.113.64/30"), inside: prefix("192.168.50.72/30"))
            ]
        }
        #expect(bench.sessionCount == 0)
        let moved = Send.back(&bench, to: 4000, at: "203.0.113.65")
        #expect(moved == "192.168.50.73:4000")
        bench.apply { $0.nat.oneToOne = [] }
        let gone = Send.back(&bench, to: 4000, at: "203.0.113.65")
        #expect(gone == nil && bench.sessionCount == 0)
    }

    @Test("A forward may name an address that nothing else is translated to", .row("C-3"))
    func forwardAddress() {
        var bench = Bench {
            $0.nat.portForwards = [
                PortForward(
                    transports: [.udp], outsideAddress: ip("203.0.113.9"), ports: 80...80,
                    insideAddress: ip("192.168.50.10"), insidePort: 80)
            ]
        }
        let reached = Send.back(&bench, to: 80, at: "203.0.113.9")
        #expect(reached == "192.168.50.10:80")
        for host in 20..<60 {
            let sent = Send.out(&bench, "192.168.50.\(host)")
            #expect(sent?.address == "203.0.113.2")
        }
    }
}

@Suite("Blocks of ports")
struct BlockTests {
    @Test("Both directions agree for every host and every port", .row("B-1"), .rfc(7422, "2"))
    func plan() throws {
        let settings = BlockSettings(
            inside: [prefix("10.0.0.0/25"), prefix("10.9.0.0/28")], size: 500)
        let outside = [ip("203.0.113.10"), ip("203.0.113.77")]
        let plan = try #require(BlockPlan(settings, outside: outside, ports: 1024...65535))
        #expect(plan.hosts == 144 && plan.blocksPerAddress == 129)
        var owned: [String: IPv4Address] = [:]
        for prefix in settings.inside {
            for number in 0..<UInt32(1) << (32 - UInt32(prefix.length)) {
                let host = IPv4Address(prefix.address.rawValue + number)
                let block = try #require(plan.block(of: host))
                #expect(block.ports.count == 500)
                for port in [block.ports.lowerBound, block.ports.upperBound] {
                    #expect(plan.host(of: block.address, port: port) == host)
                    #expect(owned.updateValue(host, forKey: "\(block.address):\(port)") == nil)
                }
            }
        }
        #expect(plan.block(of: ip("10.0.0.128")) == nil)
        #expect(plan.host(of: ip("203.0.113.11"), port: 2000) == nil)
        #expect(plan.host(of: ip("203.0.113.10"), port: 1023) == nil)
        #expect(plan.host(of: ip("203.0.113.77"), port: 65_535) == nil)
    }

    @Test("Blocks that do not fit are refused, and the largest that do are found", .row("B-1"))
    func ratio() {
        func size(_ inside: String, _ outside: Int, _ size: Int? = nil) -> Int? {
            let addresses = (0..<outside).map { IPv4Address(0xcb00_7100 + UInt32($0)) }
            let settings = BlockSettings(inside: [prefix(inside)], size: size)
            return BlockPlan(settings, outside: addresses, ports: 1024...65535)?.size
        }
        #expect(size("10.0.0.0/24", 1) == 252)
        #expect(size("10.0.0.0/30", 1) == 1024)
        #expect(size("10.0.0.0/24", 1, 252) == 252)
        #expect(size("10.0.0.0/24", 1, 253) == nil)
        #expect(size("10.0.0.0/19", 1) == nil)
        #expect(size("10.0.0.0/24", 0) == nil)
    }

    @Test("Hosts stay in their blocks, others get none", .row("B-1", "C-4", "X-9a"))
    func live() throws {
        var bench = Bench {
            $0.nat.blocks = BlockSettings(inside: [prefix("192.168.50.0/25")], size: 64)
        }
        let made = bench.router.forwarder.nat.blocks
        let plan = try #require(made)
        for host in [2, 10, 127] {
            let inside = ip("192.168.50.\(host)")
            let block = try #require(plan.block(of: inside))
            var seen: [UInt16] = []
            for port: UInt16 in 4000..<4070 {
                guard let sent = Send.out(&bench, "\(inside)", port) else { continue }
                #expect(sent.address == "\(block.address)" && block.ports.contains(sent.port))
                #expect(plan.host(of: ip(sent.address), port: sent.port) == inside)
                seen.append(sent.port)
            }
            #expect(Set(seen).count == 64 && seen != seen.sorted())
            let ping = bench.send(
                PacketBuilder(inside, ip(Send.remote)).echo(identifier: 5), on: .lan)
            let identifier = ping.last?.seen["icmp.ident"].flatMap { UInt16($0) }
            #expect(identifier.map(block.ports.contains) == true)
        }
        #expect(bench.drops(.natNoPort, on: .lan) == 18)
        let stranger = Send.out(&bench, "192.168.50.200")
        #expect(stranger == nil && bench.drops(.natNoBlock, on: .lan) == 1)
        // A block's ports need no rest (RFC 6888 REQ-8): only its host gets them again.
        bench.advance(.seconds(302))
        let again = (0..<64).compactMap { Send.out(&bench, "192.168.50.10", 5000 + $0) }
        #expect(again.count == 64)
        bench.apply { $0.nat.blocks?.size = 32 }
        let remade = bench.router.forwarder.nat.blocks
        let left = try #require(remade)
        let own = try #require(left.block(of: ip("192.168.50.10")))
        let kept = again.count { own.ports.contains($0.port) }
        #expect(bench.sessionCount == kept)
    }
}
