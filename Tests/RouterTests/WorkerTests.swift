import Forwarding
import Memory
@testable import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// A gateway of several workers: whoever reads a frame, its owner takes it.
struct WorkerTests {
    /// Hosts of both of two workers, and which one each is with.
    static func hosts(_ bench: borrowing Bench) -> (ours: [String], theirs: [String]) {
        let share = bench.crew.share(0)
        let all = (10..<60).map { "192.168.50.\($0)" }
        return (
            all.filter { share.owner(of: ip($0).rawValue) == 0 },
            all.filter { share.owner(of: ip($0).rawValue) == 1 }
        )
    }

    @Test("Bands of ports are cut without gaps, and a port names its owner", .row("S-1"))
    func bands() {
        for range in [1024...65535, 30_000...30_999, 1...65535, 500...2000] as [ClosedRange<UInt16>]
        {
            for count in [1, 2, 3, 7, 16] {
                let shares = (0..<count).map { Share($0, of: count, key: HashKey(1, 2)) }
                let parts = shares.map { PortBands(range).part($0) }
                for port in stride(from: range.lowerBound, to: range.upperBound, by: 37) {
                    let owner = PortBands(range).owner(of: port, among: count)
                    let having = parts.indices.filter { index in
                        parts[index].low.contains(Int(port))
                            || parts[index].high.contains(Int(port))
                    }
                    #expect(having == [owner], "\(port) of \(range) among \(count)")
                    if having != [owner] { return }
                }
            }
        }
    }

    @Test(
        "Hosts of different workers reach each other, and errors pass", .row("U-9", "U-9a", "I-7"))
    func hairpin() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var bench = Bench(seed: seed, workers: 2) { $0.nat.filtering = .endpointIndependent }
            let (ours, theirs) = Self.hosts(bench)
            for (first, second) in [(ours[0], theirs[0]), (theirs[1], ours[1])] {
                bench.send(PacketBuilder(second, "198.51.100.7").udp(6000, 53), on: .lan)
                let port = try outsidePort(bench.take().last)
                let hello = PacketBuilder(first, "203.0.113.2").udp(40_000, port, [1])
                let out = try #require(bench.send(hello, on: .lan).last)
                #expect(out.side == .lan && out.seen.problems == [])
                #expect(out.seen["ip.src"] == "203.0.113.2" && out.seen["ip.dst"] == second)
                #expect(out.seen["udp.dstport"] == "6000" && out.seen["ip.ttl"] == "63")
                let answer = PacketBuilder(second, "203.0.113.2")
                    .udp(6000, try outsidePort(out), [2])
                let back = try #require(bench.send(answer, on: .lan).last)
                #expect(back.seen["ip.dst"] == first && back.seen["udp.dstport"] == "40000")
                #expect(back.seen["udp.srcport"] == "\(port)" && back.seen.problems == [])
                let error = PacketBuilder(second, "203.0.113.2")
                    .icmpError(3, code: 3, about: Array(out.bytes.dropFirst(14)))
                let told = try #require(bench.send(error, on: .lan).last)
                #expect(told.seen.problems == [] && told.seen["ip.ttl"] == "63")
                #expect(told.seen["ip.dst"] == first && told.seen["ip.src"] == "203.0.113.2")
                #expect(told.seen["quoted.ip.src"] == first)
                #expect(told.seen["quoted.udp.srcport"] == "40000")
            }
            #expect(bench.allDrops(on: .lan) == 0)
        }
    }

    @Test("Where nobody is, the sender hears so and nothing is kept", .row("U-9"))
    func hairpinToNobody() {
        for port in stride(from: 1100 as UInt16, to: 65_000, by: 6000) {
            var bench = Bench(seed: UInt64(port), workers: 3)
            let packet = PacketBuilder("192.168.50.10", "203.0.113.2").udp(4000, port, [1])
            let out = bench.send(packet, on: .lan)
            #expect(out.last?.seen["icmp.type"] == "3" && out.last?.seen["icmp.code"] == "3")
            #expect(bench.sessionCount == 0 && bench.drops(.localNoListener, on: .lan) == 1)
        }
    }

    @Test("What does not fit another worker's host is told to the sender", .row("U-13"))
    func hairpinTooBig() throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            var bench = Bench(seed: seed, workers: 2) {
                $0.nat.filtering = .endpointIndependent
                $0[.lan].mtu = 1000
            }
            let (ours, theirs) = Self.hosts(bench)
            bench.send(PacketBuilder(theirs[0], "198.51.100.7").udp(6000, 53), on: .lan)
            let port = try outsidePort(bench.take().last)
            let large = PacketBuilder(ours[0], "203.0.113.2").udp(40_000, port, noise(1100))
            let out = try #require(bench.send(large, on: .lan).last)
            #expect(out.seen["icmp.type"] == "3" && out.seen["icmp.code"] == "4")
            #expect(out.seen["ip.dst"] == ours[0] && out.seen["quoted.ip.src"] == ours[0])
        }
    }

    @Test("Pieces in any order reach the owner of the first", .row("D-2", "D-9", "U-14"))
    func fragments() throws {
        var bench = Bench(workers: 3) { $0.nat.filtering = .endpointIndependent }
        for host in 10..<20 {
            let inside = PacketBuilder("192.168.50.\(host)", "198.51.100.7")
            bench.send(inside.udp(4000, 53, [1]), on: .lan)
            let port = try outsidePort(bench.take().last)
            let data = noise(1200)
            for (number, order) in FragmentTests.permutations(4).enumerated() {
                let whole = PacketBuilder("198.51.100.7", "203.0.113.2").with {
                    $0.fragmentField = 0
                    $0.identification = UInt16(host * 100 + number)
                }.udp(53, port, data)
                let pieces = Support.fragments(of: whole, size: 320)
                for index in order { bench.send(pieces[index], on: .wan) }
                let out = bench.take()
                #expect(out.count == 4 && out.allSatisfy { $0.side == .lan })
                #expect(FragmentTests.joined(out).map { Array($0.dropFirst(8)) } == data)
                #expect(out.allSatisfy { $0.seen["ip.dst"] == "192.168.50.\(host)" })
            }
        }
        bench.advance(.seconds(40))
        #expect(bench.allDrops(on: .wan) == 0)
    }

    @Test("Pieces go from host to host of different workers", .row("U-14", "U-9"))
    func hairpinFragments() throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            var bench = Bench(seed: seed, workers: 2) { $0.nat.filtering = .endpointIndependent }
            let (ours, theirs) = Self.hosts(bench)
            for (first, second) in [(ours[0], theirs[0]), (theirs[1], ours[1])] {
                bench.send(PacketBuilder(second, "198.51.100.7").udp(6000, 53), on: .lan)
                let port = try outsidePort(bench.take().last)
                let data = noise(1000)
                for (number, order) in FragmentTests.permutations(3).enumerated() {
                    let whole = PacketBuilder(first, "203.0.113.2").with {
                        $0.fragmentField = 0
                        $0.identification = UInt16(number + 1)
                    }.udp(40_000, port, data)
                    let pieces = Support.fragments(of: whole, size: 400)
                    for index in order { bench.send(pieces[index], on: .lan) }
                    let out = bench.take()
                    #expect(out.count == 3 && out.allSatisfy { $0.seen["ip.dst"] == second })
                    #expect(FragmentTests.joined(out).map { Array($0.dropFirst(8)) } == data)
                    #expect(Set(out.map { $0.seen["ip.id"] }).count == 1)
                }
            }
            #expect(bench.allDrops(on: .lan) == 0)
        }
    }

    @Test("Large pings to the outside address are answered by whoever has them", .row("D-2"))
    func localFragments() {
        var bench = Bench(workers: 3)
        for identifier in stride(from: 1 as UInt16, to: 60_000, by: 5000) {
            let ping = PacketBuilder("198.51.100.7", "203.0.113.2").with {
                $0.fragmentField = 0
                $0.identification = identifier
            }.echo(identifier: identifier, noise(1200))
            for piece in Support.fragments(of: ping, size: 512).reversed() {
                bench.send(piece, on: .wan)
            }
            let out = bench.take()
            #expect(out.first?.seen["icmp.type"] == "0" && out.first?.seen["ip.len"] == "1228")
        }
    }

    @Test("One answers and announces, all learn", .row("A-1", "A-12", "A-10"))
    func arp() {
        var bench = Bench(workers: 3)
        let answers = bench.sendARP(1, from: "192.168.50.10", to: "192.168.50.1")
        #expect(answers.count == 1)
        var known = bench.router.forwarder.neighborCount
        bench.crew.forEach { known += $0.forwarder.neighborCount }
        #expect(known == 3)
        bench.setLink(.lan, isUp: false)
        let before = bench.sent.count
        bench.setLink(.lan, isUp: true)
        #expect(bench.sent.count == before + 1)
        // Counted once, whoever read it.
        bench.sendARP(1, from: "192.168.50.98", to: "192.168.50.99")
        #expect(bench.drops(.arpNotForUs, on: .lan) == 1)
    }

    @Test("Answers find static hosts and protocols without ports", .row("C-1", "X-7"))
    func otherOwners() throws {
        var bench = Bench(workers: 3) {
            $0.nat.oneToOne = [
                OneToOne(outside: prefix("203.0.113.64/28"), inside: prefix("192.168.50.64/28"))
            ]
            $0.nat.portForwards = (10..<20).map {
                PortForward(
                    ports: 8000 + UInt16($0)...8000 + UInt16($0),
                    insideAddress: ip("192.168.50.\($0)"), insidePort: 80)
            }
        }
        for host in 10..<20 {
            let stranger = PacketBuilder("198.51.100.\(host)", "203.0.113.2")
            let call = stranger.tcp(1234, 8000 + UInt16(host), .syn)
            #expect(bench.send(call, on: .wan).last?.seen["ip.dst"] == "192.168.50.\(host)")
            let remote = "198.51.100.\(100 + host)"
            let tunnel = PacketBuilder("192.168.50.\(host)", remote).packet(47, noise(20))
            #expect(bench.send(tunnel, on: .lan).last?.seen["ip.src"] == "203.0.113.2")
            let reply = PacketBuilder(remote, "203.0.113.2").packet(47, noise(20))
            #expect(bench.send(reply, on: .wan).last?.seen["ip.dst"] == "192.168.50.\(host)")
        }
        for host in 65..<75 {
            let path = PacketBuilder("192.168.50.\(host)", "198.51.100.7")
            for packet in [path.udp(4000, 53, [1]), path.packet(47, noise(20))] {
                let out = try #require(bench.send(packet, on: .lan).last)
                #expect(out.seen["ip.src"] == "203.0.113.\(host)")
            }
            let back = PacketBuilder("198.51.100.7", "203.0.113.\(host)")
            for packet in [back.udp(53, 4000, [1]), back.packet(47, noise(20))] {
                let out = try #require(bench.send(packet, on: .wan).last)
                #expect(out.seen["ip.dst"] == "192.168.50.\(host)")
            }
        }
        #expect(bench.allDrops(on: .wan) == 0 && bench.allDrops(on: .lan) == 0)
    }

    @Test("Blocks stay whole", .row("B-1"))
    func blocks() throws {
        var bench = Bench(workers: 3) {
            $0.nat.blocks = BlockSettings(inside: [prefix("192.168.50.0/25")], size: 64)
        }
        for host in 10..<30 {
            let path = PacketBuilder("192.168.50.\(host)", "198.51.100.7")
            let port = try outsidePort(bench.send(path.udp(4000, 53, [1]), on: .lan).last)
            let own = try #require(
                bench.router.forwarder.nat.blocks?.block(of: ip("192.168.50.\(host)")))
            #expect(own.ports.contains(port))
            let back = PacketBuilder("198.51.100.7", "203.0.113.2").udp(53, port, [1])
            #expect(bench.send(back, on: .wan).last?.seen["ip.dst"] == "192.168.50.\(host)")
        }
    }

    @Test("Routing protocols and groups are the first worker's", .row("S-4"))
    func routing() {
        let bench = Bench(workers: 4)
        func owner(_ packet: [UInt8], on side: Side) -> Steering.Owner {
            bench.router.forwarder.steering.owner(
                of: Bench.frame(packet, on: side).raw, on: side)
        }
        for side in Side.allCases {
            let own = side == .lan ? "192.168.50.1" : "203.0.113.2"
            let source = side == .lan ? "192.168.50.77" : "203.0.113.1"
            #expect(owner(PacketBuilder(source, own).udp(520, 520), on: side) == .worker(0))
            #expect(owner(PacketBuilder(source, own).udp(49_152, 3784), on: side) == .worker(0))
            #expect(owner(PacketBuilder(source, own).packet(89, noise(40)), on: side) == .worker(0))
            #expect(owner(PacketBuilder(source, "224.0.0.9").udp(520, 520), on: side) == .worker(0))
        }
        let limits = bench.router.forwarder.nat.settings.limits
        #expect(limits.sessions == 65_536 / 4 && limits.sessionsPerHost == 4096)
    }
}
