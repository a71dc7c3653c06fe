import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// The maximum segment size of connections through the gateway.
struct SegmentSizeTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")

    @Test(.row("P-3"), arguments: [NATSettings.Mode.masquerade, .none], [false, true])
    func sizeIsLoweredInBothDirections(mode: NATSettings.Mode, partial: Bool) throws {
        var bench = Bench {
            $0.nat.mode = mode; $0[.wan].mtu = 1300
        }
        var inside: UInt16 = 5000
        for (offered, expected) in [
            (1460, 1260), (65_535, 1260), (1261, 1260), (1260, 1260),
            (536, 536), (0, 0),
        ] {
            var header = VirtioNetHeader()
            if partial {
                header.flags = VirtioNetHeader.needsChecksum
                header.checksumStart = 34
                header.checksumOffset = 16
            }
            let option = [2, 4, UInt8(offered >> 8), UInt8(offered & 255)]
            // At an even place, and at an odd one behind a single octet.
            for options in [option + [3, 3, 7, 4, 2], [1] + option + [4, 2]] {
                inside += 1
                let syn = Self.host.tcp(
                    inside, 80, .syn, options: options, checksum: partial ? .partial : .correct)
                let out = try #require(bench.send(syn, on: .lan, header: header).last)
                #expect(out.side == .wan)
                #expect(out.seen.problems == [])
                #expect(out.seen["tcp.options.mss_val"] == String(expected))
                #expect(out.seen["tcp.option.4"] == "")
                let port = mode == .none ? inside : try outsidePort(out)
                let to = mode == .none ? "192.168.50.10" : "203.0.113.2"
                let answer = PacketBuilder("198.51.100.7", to).tcp(
                    80, port, [.syn, .ack], options: options,
                    checksum: partial ? .partial : .correct)
                let back = try #require(bench.send(answer, on: .wan, header: header).last)
                #expect(back.side == .lan)
                #expect(back.seen.problems == [])
                #expect(back.seen["tcp.options.mss_val"] == String(expected))
            }
        }
    }

    @Test(.row("P-3"))
    func whatHasNoSizeIsLeftAlone() throws {
        var bench = Bench { $0[.wan].mtu = 1300 }
        let syn = Self.host.tcp(5000, 80, .syn, options: [3, 3, 7])
        let out = try #require(bench.send(syn, on: .lan).last)
        #expect(out.seen["tcp.options.mss_val"] == nil)
        #expect(out.seen.problems == [])
        // Of later segments the option is not read, nor one of a strange length.
        bench.connect(Self.host, 5000, 80)
        let later = Self.host.tcp(5000, 80, .ack, options: [2, 4, 5, 180])
        let second = try #require(bench.send(later, on: .lan).last)
        #expect(second.seen["tcp.options.mss_val"] == "1460")
        for options in [[2, 3, 5], [2, 6, 5, 180, 1, 1], [2, 0, 5, 180], [2, 255, 5, 180], [2]]
            as [[UInt8]]
        {
            let odd = Self.host.tcp(5001, 80, .syn, options: options)
            let third = try #require(bench.send(odd, on: .lan).last)
            #expect(Array(third.bytes.dropFirst(54)) == Array(odd.dropFirst(40)))
        }
    }

    @Test(
        .row("P-3"),
        arguments: [
            (SegmentClamp.off, 1460), (.limit(1000), 1000), (.limit(9000), 1460),
            (.automatic, 1360),
        ])
    func clampIsChosen(clamp: SegmentClamp, expected: Int) throws {
        var bench = Bench {
            $0.segmentClamp = clamp; $0[.lan].mtu = 1400
        }
        let syn = Self.host.tcp(5000, 80, .syn, options: [2, 4, 5, 180])
        let out = try #require(bench.send(syn, on: .lan).last)
        #expect(out.seen["tcp.options.mss_val"] == String(expected))
    }
}
