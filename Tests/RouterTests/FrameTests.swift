import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// What frames and headers must be like, and what happens to every field on the way.
struct FrameTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    @Test(.row("F-1"))
    func brokenHeadersAreDroppedSilently() {
        let good = Self.host.udp(1, 2, [1, 2, 3, 4])
        let cases: [([UInt8], DropReason)] = [
            (Array(good.prefix(19)), .ipv4Truncated),
            (changed(good, [10: 0xde], fix: false), .ipv4Checksum),
            (changed(good, [0: 0x55]), .ipv4Header),
            (changed(good, [0: 0x65]), .ipv4Header),
            (changed(good, [0: 0x44]), .ipv4Header),
            (changed(good, [0: 0x40]), .ipv4Header),
            (changed(good, [3: 19]), .ipv4Header),
            (changed(good, [0: 0x46, 3: 23]), .ipv4Header),
            (changed(good, [3: 33]), .ipv4Truncated),
            (changed(good, [2: 0xff, 3: 0xff]), .ipv4Truncated),
            (Array(good.dropLast()), .ipv4Truncated),
            ([], .ipv4Truncated),
        ]
        var bench = Bench()
        for (packet, reason) in cases {
            let before = bench.drops(reason, on: .lan)
            let frame = ethernet(
                to: Bench.hardware(.lan), from: Bench.hardware(of: ip("192.168.50.10")), packet)
            bench.send(frame: frame, on: .lan)
            #expect(bench.drops(reason, on: .lan) == before + 1, "\(reason.name)")
        }
        #expect(bench.sent.isEmpty)
    }

    @Test(.row("F-1"))
    func brokenTransportHeadersAreDropped() {
        let cases: [([UInt8], DropReason)] = [
            (Self.host.packet(17, [0, 1, 0, 2, 0, 8, 0]), .udpMalformed),
            (Self.host.udp(1, 2, [], length: 7), .udpMalformed),
            (Self.host.udp(1, 2, [1], length: 10), .udpMalformed),
            (Self.host.packet(6, Array(repeating: 0, count: 19)), .tcpMalformed),
            (changed(Self.host.tcp(1, 2, .syn), [32: 0x40], fix: false), .tcpMalformed),
            (changed(Self.host.tcp(1, 2, .syn), [32: 0x60], fix: false), .tcpMalformed),
            (Self.host.packet(1, [8, 0, 0, 0, 0, 0, 0]), .icmpMalformed),
            (Self.host.udp(1, 2, [1], checksum: .wrong), .udpChecksum),
            (Self.host.tcp(1, 2, .syn, checksum: .wrong), .tcpChecksum),
            (Self.host.echo(identifier: 1, checksum: .wrong), .icmpChecksum),
        ]
        var bench = Bench()
        for (packet, reason) in cases {
            let before = bench.drops(reason, on: .lan)
            #expect(bench.send(packet, on: .lan).isEmpty)
            #expect(bench.drops(reason, on: .lan) == before + 1, "\(reason.name)")
        }
        #expect(bench.sessionCount == 0)
    }

    @Test(.row("F-2"), .row("S32"))
    func paddingIsNotForwarded() throws {
        var bench = Bench()
        let packet = Self.host.udp(1, 2)
        let frame = ethernet(
            to: Bench.hardware(.lan), from: Bench.hardware(of: ip("192.168.50.10")),
            packet + noise(18))
        let out = try #require(bench.send(frame: frame, on: .lan).first)
        #expect(out.bytes.count == 14 + packet.count)
        #expect(bench.router.forwarder.nat.session(0).bytesOut == UInt64(packet.count))
    }

    @Test(.row("S32"), .row("A-15"))
    func everyLengthOfEveryTypeIsHandled() {
        var bench = Bench()
        let types: [UInt16] = [0x0800, 0x0806, 0x8100, 0x88a8, 0x86dd, 0, 46, 0x88cc, 0xffff]
        var frames: UInt64 = 0
        let good = Self.host.udp(1, 2, noise(40))
        let request = arp(
            1, sender: mac("02:00:00:00:00:99"), ip("192.168.50.10"), ip("192.168.50.1"))
        for type in types {
            for length in 0...100 {
                for payload in [
                    noise(100, seed: UInt64(length)), good + noise(18), request + noise(72),
                ] {
                    let frame = ethernet(
                        to: Bench.hardware(.lan), from: mac("02:00:00:00:00:99"), type: type,
                        payload)
                    bench.send(frame: Array(frame.prefix(length)), on: .lan)
                    frames += 1
                }
            }
        }
        // The whole request 14 + 28 octets on, the whole packet 14 + 68 on; all else is dropped.
        let replies = bench.sent.filter { $0.seen["arp.opcode"] == "2" }
        #expect(replies.count == 100 - 42 + 1)
        let packets = bench.take()
        #expect(packets.count == 100 - 82 + 1)
        #expect(packets.allSatisfy { $0.seen.problems == [] && $0.bytes.count == 82 })
        let passed = UInt64(replies.count + packets.count)
        #expect(bench.allDrops(on: .lan) == frames - passed)
    }

    @Test(.row("S32"))
    func framesForOthersAndFromGroupsAreDropped() {
        var bench = Bench()
        let packet = Self.host.udp(1, 2)
        bench.send(frame: Bench.frame(packet, on: .lan, to: mac("02:00:00:00:00:77")), on: .lan)
        bench.send(frame: Bench.frame(packet, on: .lan, from: .broadcast), on: .lan)
        bench.send(frame: Bench.frame(packet, on: .lan, from: mac("01:00:5e:00:00:01")), on: .lan)
        bench.send(frame: Bench.frame(packet, on: .lan, from: Bench.hardware(.lan)), on: .lan)
        #expect(bench.sent.isEmpty)
        #expect(bench.drops(.frameNotForUs, on: .lan) == 1)
        #expect(bench.drops(.frameSource, on: .lan) == 3)
    }

    @Test(.row("S17"), .row("F-5"))
    func everyHeaderWordGivesTheRightChecksum() {
        var bench = Bench()
        bench.send(Self.host.udp(4000, 53), on: .lan)
        let original = Bench.frame(Self.host.udp(4000, 53), on: .lan)
        var outbox = Outbox(capacity: 4096, entries: 4)
        var wrong = 0
        // The sum of everything in the header but the word that varies and the checksum.
        let rest = SlowChecksum.sum(changed(Array(original[14..<34]), [10: 0, 11: 0], fix: false))
        for word in 0...UInt16.max {
            let (sum, carry) = rest.addingReportingOverflow(word)
            let checksum = ~(carry ? sum + 1 : sum)
            // Both forms of zero are right in a received header (RFC 1624 §3).
            for form in checksum == 0 ? [0, 0xffff] as [UInt16] : [checksum] {
                var frame = original
                frame[18] = UInt8(word >> 8)
                frame[19] = UInt8(word & 255)
                frame[24] = UInt8(form >> 8)
                frame[25] = UInt8(form & 255)
                var header = VirtioNetHeader()
                let now = bench.now
                let verdict = withSpan(&frame) {
                    bench.router.receive(&$0, &header, on: .lan, at: now, into: &outbox)
                }
                guard case .forward = verdict, frame[22] == 63,
                    frame[18] == UInt8(word >> 8), frame[19] == UInt8(word & 255),
                    SlowChecksum.isIntact(Array(frame[14..<34]))
                else {
                    wrong += 1
                    continue
                }
            }
        }
        #expect(wrong == 0)
    }

    @Test(.row("S17"), .row("F-3"), .row("F-4"))
    func everyTimeToLiveLosesOne() {
        var bench = Bench { $0.nat.mode = .none }
        bench.meet("192.168.50.10")
        for ttl in 0...255 as ClosedRange<UInt8> {
            let packet = Self.host.with { $0.timeToLive = ttl }.udp(1, 2)
            let out = bench.send(packet, on: .lan)
            if ttl > 1 {
                #expect(out.first?.seen["ip.ttl"] == String(ttl - 1))
                #expect(out.first?.seen.problems == [])
            } else {
                #expect(out.allSatisfy { $0.seen["icmp.type"] == "11" && $0.side == .lan })
            }
        }
    }

    @Test(.row("F-5"), .row("S41"))
    func wrongChecksumsStayWrong() throws {
        var bench = Bench()
        bench.send(Self.host.udp(4000, 53), on: .lan)
        bench.connect(Self.host, 4000, 80)
        bench.send(Self.host.echo(identifier: 4), on: .lan)
        _ = bench.take()
        let data = noise(33)
        let packets = [
            Self.host.udp(4000, 53, data, checksum: .wrong),
            Self.host.tcp(4000, 80, .ack, data, checksum: .wrong),
            Self.host.echo(identifier: 4, data, checksum: .wrong),
        ]
        for packet in packets {
            let out = try #require(bench.send(packet, on: .lan).first)
            #expect(out.seen.problems.count == 1)
            #expect(out.seen.payload == data)
        }
    }

    @Test(.row("S41"), arguments: [TCPFlags.syn, .rst, [.fin, .ack], [.syn, .ack]])
    func controlBitsWithAWrongChecksumChangeNothing(flags: TCPFlags) throws {
        for side in Side.allCases {
            var bench = Bench()
            let port = bench.connect(Self.host, 4000, 80)
            bench.send(Self.host.tcp(4000, 80, .ack), on: .lan)
            bench.advance(.seconds(100))
            _ = bench.take()
            let server = PacketBuilder(Self.host.destination, ip("203.0.113.2"))
            func segment(_ sum: ChecksumField) -> [UInt8] {
                side == .lan
                    ? Self.host.tcp(4000, 80, flags, checksum: sum)
                    : server.tcp(80, port, flags, checksum: sum)
            }
            func left() -> UInt32 { bench.router.forwarder.nat.secondsLeft(0, at: bench.now) }
            let before = left()
            let bad = try #require(bench.send(segment(.wrong), on: side).first)
            #expect(bad.seen.problems.count == 1, "it is passed on as it came")
            #expect(bench.phase(0) == .established && left() == before)
            guard flags == .rst || flags.contains(.fin) else { continue }
            bench.send(segment(.correct), on: side)
            #expect(bench.phase(0) != .established, "the same one intact does")
        }
    }

    @Test(.row("S41"), arguments: Side.allCases)
    func aWrongChecksumOpensNothing(side: Side) {
        var bench = Bench {
            $0.nat.portForwards = [
                PortForward(
                    name: "web", transports: [.tcp, .udp], ports: 80...80,
                    insideAddress: Self.host.source, insidePort: 80)
            ]
        }
        let path = side == .lan ? Self.host : PacketBuilder("198.51.100.7", "203.0.113.2")
        for packet in [
            path.tcp(4000, 80, .syn, checksum: .wrong), path.udp(4000, 80, checksum: .wrong),
        ] {
            let out = bench.send(packet, on: side)
            #expect(out.isEmpty && bench.sessionCount == 0 && bench.mappingCount == 0)
        }
        bench.send(path.tcp(4000, 80, .syn), on: side)
        #expect(bench.sessionCount == 1)
    }

    @Test(.row("F-6"))
    func noUDPChecksumStaysNoneAndZeroIsSentAsOnes() throws {
        var bench = Bench()
        let out = try #require(
            bench.send(Self.host.udp(4000, 53, [1], checksum: .zero), on: .lan).first)
        #expect(out.seen["udp.checksum"] == "0")
        // One payload word that makes the sum after translation come out as zero.
        let probe = try #require(bench.send(Self.host.udp(4000, 53, [0, 0]), on: .lan).first)
        let sum = try #require(UInt16(probe.seen["udp.checksum"] ?? ""))
        let data = [UInt8(sum >> 8), UInt8(sum & 255)]
        let ones = try #require(bench.send(Self.host.udp(4000, 53, data), on: .lan).first)
        #expect(ones.seen["udp.checksum"] == "65535")
        #expect(ones.seen.problems == [])
    }

    @Test(.row("F-24"))
    func classOfServiceIsKept() throws {
        var bench = Bench()
        for service in [0, 1, 2, 3, 0xb8, 0xff] as [UInt8] {
            let packet = Self.host.with { $0.typeOfService = service }.udp(4000, 53)
            let out = try #require(bench.send(packet, on: .lan).first)
            #expect(out.seen["ip.dsfield"] == String(service))
        }
    }

    @Test(.row("F-23"), .row("S42"))
    func optionsPassAsTheyAreOrAreDropped() {
        var bench = Bench()
        bench.send(Self.host.udp(1, 2), on: .lan)
        for kind in 0...255 as ClosedRange<UInt8> where kind != 1 {
            for length in [0, 1, 2, 3, 4, 8, 38, 39, 40, 41, 255] as [UInt8] {
                var options = [UInt8](repeating: 1, count: 40)
                options[1] = kind
                options[2] = length
                let before = (
                    bench.drops(.ipv4SourceRoute, on: .lan), bench.drops(.ipv4Options, on: .lan)
                )
                let out = bench.send(Self.host.with { $0.options = options }.udp(1, 2), on: .lan)
                let isBroken = kind != 0 && (length < 2 || length > 39)
                let isSourceRoute = !isBroken && (kind == 131 || kind == 137)
                #expect(
                    bench.drops(.ipv4SourceRoute, on: .lan) == before.0 + (isSourceRoute ? 1 : 0))
                #expect(bench.drops(.ipv4Options, on: .lan) == before.1 + (isBroken ? 1 : 0))
                #expect(out.count == (isBroken || isSourceRoute ? 0 : 1))
                guard let packet = out.first else { continue }
                #expect(Array(packet.bytes[34..<74]) == options)
                #expect(packet.seen.problems == [])
            }
        }
    }
}
