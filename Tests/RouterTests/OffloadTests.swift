import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// Offload metadata: believed only where the packet says the same (SECURITY S40, row P-4).
struct OffloadTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    static func header(
        _ type: UInt8, size: UInt16 = 0, start: UInt16 = 34, offset: UInt16, flags: UInt8 = 1,
        length: UInt16 = 0
    ) -> VirtioNetHeader {
        var header = VirtioNetHeader()
        header.flags = flags
        header.segmentationType = type
        header.segmentSize = size
        header.checksumStart = start
        header.checksumOffset = offset
        header.headerLength = length
        return header
    }

    /// A bench whose sessions for ports 4000 exist.
    static func bench(mtu: Int = 1500) -> Bench {
        var bench = Bench { $0[.wan].mtu = mtu }
        bench.send(host.udp(4000, 53), on: .lan)
        bench.connect(host, 4000, 80)
        _ = bench.take()
        return bench
    }

    @Test(.row("S40"), arguments: [0, 1, 20, 1480, 30_000, 65_400])
    func hostileMetadataIsRefusedOrMadeRight(payload: Int) {
        var bench = Self.bench()
        let data = noise(payload)
        let packets: [([UInt8], UInt8, UInt16)] = [
            (Self.host.tcp(4000, 80, .ack, data, checksum: .partial), 6, 16),
            (Self.host.udp(4000, 53, data, checksum: .partial), 17, 6),
            (Self.host.echo(identifier: 4, data), 1, 2),
            (Self.host.packet(47, data), 47, 0),
        ]
        var passed = 0
        for (packet, proto, field) in packets {
            for flags in [0, 1, 2, 3, 4, 255] as [UInt8] {
                for type in [0, 1, 2, 3, 4, 5, 6, 0x7f, 0x80, 0x81, 0x83, 0x85, 0xff] as [UInt8] {
                    for size in [0, 1, 8, 87, 88, 536, 1448, 1460, 1461, 9000, 65_535] as [UInt16] {
                        for (start, offset) in [
                            (34, field), (33, field), (0, 0), (34, 0), (65_535, 6),
                        ]
                            as [(UInt16, UInt16)]
                        {
                            let header = Self.header(
                                type, size: size, start: start, offset: offset, flags: flags,
                                length: size &* 7)
                            let out = bench.send(packet, on: .lan, header: header)
                            _ = bench.take()
                            #expect(out.count <= 128)
                            for frame in out where frame.side == .wan {
                                passed += 1
                                Self.check(frame, proto, header)
                            }
                        }
                    }
                }
            }
        }
        #expect(passed > 10)
    }

    /// Whatever leaves carries metadata that the packet itself bears out.
    static func check(_ frame: SentFrame, _ proto: UInt8, _ asked: VirtioNetHeader) {
        let header = frame.header
        guard header != VirtioNetHeader() else {
            #expect(frame.bytes.count <= 1514)
            return
        }
        #expect(header.flags == 1)
        #expect(header.checksumStart == 34)
        #expect(header.checksumOffset == (proto == 6 ? 16 : 6))
        guard header.segmentationType != 0 else {
            #expect(frame.bytes.count <= 1514)
            #expect(header.segmentSize == 0)
            return
        }
        #expect(header.segmentationType & 0x7f == (proto == 6 ? 1 : 5))
        #expect(header.segmentSize <= asked.segmentSize && header.segmentSize > 0)
        let headers = proto == 6 ? 54 : 42
        #expect(Int(header.headerLength) == headers)
        #expect(headers + Int(header.segmentSize) <= 1514)
        let segments =
            (frame.bytes.count - headers + Int(header.segmentSize) - 1)
            / Int(header.segmentSize)
        #expect((2...128).contains(segments))
    }

    @Test(.row("S40"))
    func eachReasonForRefusal() {
        var bench = Self.bench()
        let tcp = Self.host.tcp(4000, 80, .ack, noise(5000), checksum: .partial)
        let udp = Self.host.udp(4000, 53, noise(5000), checksum: .partial)
        let ping = Self.host.echo(identifier: 4, noise(50))
        let cases: [([UInt8], VirtioNetHeader, DropReason)] = [
            (tcp, Self.header(1, size: 1448, offset: 16, flags: 0), .offloadSegmentation),
            (tcp, Self.header(5, size: 1448, offset: 16), .offloadSegmentation),
            (tcp, Self.header(3, size: 1448, offset: 16), .offloadSegmentation),
            (tcp, Self.header(4, size: 1448, offset: 16), .offloadSegmentation),
            (tcp, Self.header(0x80, size: 1448, offset: 16), .mtuExceeded),
            (tcp, Self.header(1, size: 87, offset: 16), .offloadSegmentation),
            (tcp, Self.header(1, size: 0, offset: 16), .offloadSegmentation),
            (tcp, Self.header(1, size: 1448, start: 35, offset: 16), .offloadChecksum),
            (tcp, Self.header(1, size: 1448, offset: 6), .offloadChecksum),
            (udp, Self.header(1, size: 1448, offset: 6), .offloadSegmentation),
            (udp, Self.header(3, size: 1448, offset: 6), .offloadSegmentation),
            (udp, Self.header(5, size: 0, offset: 6), .offloadSegmentation),
            (udp, Self.header(5, size: 39, offset: 6), .offloadSegmentation),
            (udp, Self.header(5, size: 1448, offset: 16), .offloadChecksum),
            (ping, Self.header(0, offset: 2), .offloadChecksum),
            (
                Self.host.with { $0.fragmentField = 0x2000 }.udp(4000, 53, noise(64)),
                Self.header(0, offset: 6), .offloadChecksum
            ),
        ]
        for (packet, header, reason) in cases {
            let before = bench.drops(reason, on: .lan)
            let out = bench.send(packet, on: .lan, header: header)
            #expect(out.allSatisfy { $0.side == .lan })
            #expect(bench.drops(reason, on: .lan) == before + 1, "\(reason.name) \(header)")
        }
        // ARP asks for nothing.
        let request = ethernet(
            to: .broadcast, from: mac("02:00:00:00:00:99"), type: 0x0806,
            arp(1, sender: mac("02:00:00:00:00:99"), ip("192.168.50.99"), ip("192.168.50.1")))
        let before = bench.drops(.offloadChecksum, on: .lan)
        bench.send(frame: request, on: .lan, header: Self.header(0, offset: 6))
        #expect(bench.drops(.offloadChecksum, on: .lan) == before + 1)
    }

    @Test(.row("P-4"), .row("S40"))
    func dontFragmentIsAboutTheSegment() throws {
        var bench = Self.bench(mtu: 1300)
        let data = noise(20_000)
        let packet = Self.host.tcp(4000, 80, .ack, data, checksum: .partial)
        let fits = bench.send(packet, on: .lan, header: Self.header(1, size: 1260, offset: 16))
        #expect(fits.first?.header.segmentSize == 1260)
        #expect(fits.first?.seen.problems == [])
        let tooBig = bench.send(packet, on: .lan, header: Self.header(1, size: 1261, offset: 16))
        #expect(tooBig.first?.seen["icmp.code"] == "4")
        #expect(tooBig.first?.seen["icmp.mtu"] == "1300")
        #expect(tooBig.count == 1)
        #expect(bench.drops(.mtuSegments, on: .lan) == 1)
    }

    @Test(.row("P-4"), .row("S40"))
    func streamWithoutDFGetsSmallerSegments() throws {
        var bench = Self.bench(mtu: 1300)
        let data = noise(20_000)
        let packet = Self.host.with { $0.fragmentField = 0 }
            .tcp(
                4000, 80, .ack, options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], data,
                checksum: .partial)
        let out = try #require(
            bench.send(packet, on: .lan, header: Self.header(0x81, size: 1448, offset: 16)).first)
        #expect(out.header.segmentSize == 1300 - 52)
        #expect(out.header.segmentationType == 0x81)
        #expect(out.header.headerLength == 66)
        #expect(out.seen.problems == [])
        #expect(out.seen.payload == data)
    }

    @Test(.row("P-4"), .row("S40"), .row("F-18"), arguments: [1300, 1473, 3000, 8000])
    func datagramsOfASuperPacketAreCutEach(size: Int) throws {
        var bench = Self.bench(mtu: 1300)
        let data = noise(9000)
        let packet = Self.host.with { $0.fragmentField = 0 }
            .udp(4000, 53, data, checksum: .partial)
        let header = Self.header(5, size: UInt16(size), offset: 6)
        let out = bench.send(packet, on: .lan, header: header)
        #expect(out.allSatisfy { $0.bytes.count <= 1314 && $0.header == VirtioNetHeader() })
        let datagrams = Dictionary(grouping: out) { $0.seen["ip.id"] ?? "" }
        #expect(datagrams.count == (9000 + size - 1) / size)
        var all: [UInt8] = []
        for frame in out where frame.seen["ip.frag_offset"] == "0" {
            let pieces = datagrams[frame.seen["ip.id"] ?? ""] ?? []
            let whole = try #require(FragmentTests.joined(pieces))
            let path = PacketBuilder("203.0.113.2", "198.51.100.7")
            let part = Array(whole.dropFirst(8))
            let expected = path.udp(try outsidePort(frame), 53, part)
            #expect(Array(expected.dropFirst(20)) == whole)
            all += part
        }
        #expect(all == data)
    }

    @Test(.row("S40"), .row("F-18"))
    func whatWouldBecomeTooManyIsDropped() {
        var bench = Self.bench(mtu: 576)
        let udp = Self.host.with { $0.fragmentField = 0 }
            .udp(4000, 53, noise(65_000), checksum: .partial)
        #expect(bench.send(udp, on: .lan, header: Self.header(5, size: 600, offset: 6)).isEmpty)
        #expect(bench.drops(.mtuSegments, on: .lan) == 1)
        #expect(bench.send(udp, on: .lan, header: Self.header(0, offset: 6)).count == 118)
    }

    @Test(.row("P-4"))
    func partialChecksumIsCompletedWhenCut() throws {
        var bench = Self.bench(mtu: 600)
        for (packet, offset) in [
            (
                Self.host.with { $0.fragmentField = 0 }.udp(
                    4000, 53, noise(1400), checksum: .partial), 6
            ),
            (
                Self.host.with { $0.fragmentField = 0 }
                    .tcp(4000, 80, .ack, noise(1400), checksum: .partial), 16
            ),
        ] {
            let header = Self.header(0, offset: UInt16(offset))
            let out = bench.send(packet, on: .lan, header: header)
            #expect(out.count == 3)
            let whole = try #require(FragmentTests.joined(out))
            let path = PacketBuilder("203.0.113.2", "198.51.100.7")
            let seen = Dissection(packet: path.packet(offset == 6 ? 17 : 6, whole))
            #expect(seen.problems == [])
        }
    }
}
