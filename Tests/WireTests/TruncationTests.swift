import Support
import Testing
import Wire

@Suite("Cut-off and contradicting packets")
struct TruncationTests {
    @Test("Every truncation says so", .row("F-1", "S32"), arguments: Golden.all)
    func frames(golden: Golden) throws {
        let frame = golden.frame
        let isARP = golden.notes["arp.opcode"] != nil
        let whole = isARP ? 42 : 14 + (Int(golden.notes["ip.len"] ?? "") ?? 0)
        for count in 0..<min(whole, 200) {
            #expect(throws: Malformed.truncated, "\(count)") {
                try wireFields(Array(frame.prefix(count)))
            }
        }
        #expect(try wireFields(Array(frame.prefix(whole))) == wireFields(frame))
    }

    @Test("Padding after the total length changes nothing", .row("F-2"), arguments: Golden.ipv4)
    func padding(golden: Golden) throws {
        let padded = golden.frame + [UInt8](repeating: 0xa5, count: 40)
        #expect(try wireFields(padded) == wireFields(golden.frame))
        #expect(wireChecksumsFit(padded, partial: golden.isOffloaded))
    }

    @Test("Transport headers are checked against the total length", .row("S32", "S42"))
    func transport() {
        let path = PacketBuilder("192.0.2.10", "198.51.100.7")
        for count in 0..<60 {
            let part = [UInt8](repeating: 0, count: count)
            for proto in [IPProtocol.icmp, IPProtocol.tcp, IPProtocol.udp] {
                let frame = ethernet(
                    to: mac("02:00:00:00:00:01"), from: mac("02:00:00:00:00:0a"),
                    path.packet(proto, part))
                let least = proto == IPProtocol.tcp ? 20 : 8
                switch (count >= least, proto) {
                case (false, _): #expect(throws: Malformed.truncated) { try wireFields(frame) }
                case (true, IPProtocol.icmp): #expect(throws: Never.self) { try wireFields(frame) }
                default: #expect(throws: Malformed.length) { try wireFields(frame) }
                }
            }
        }
    }

    @Test("Header length and total length of every value", .row("F-1"), .rfc(1812, "5.2.2"))
    func lengths() {
        let payload = [UInt8](repeating: 0, count: 60)
        for first in 0...UInt8.max {
            for total in 0...90 {
                var packet = PacketBuilder("192.0.2.10", "198.51.100.7").packet(99, payload)
                packet[0] = first
                packet[3] = UInt8(total)
                let header = Int(first & 15) * 4
                let expected: Malformed? =
                    if first >> 4 != 4 { .version } else if header < 20 || total < header {
                        .length
                    } else if total > packet.count { .truncated } else { nil }
                #expect(malformed(&packet) == expected)
            }
        }
    }

    private func malformed(_ packet: inout [UInt8]) -> Malformed? {
        withSpan(&packet) { span in
            do throws(Malformed) {
                _ = try IPv4View(span.from(0))
                return nil
            } catch {
                return error
            }
        }
    }

    @Test("UDP lengths of every value, whole and in a first fragment", .rfc(768))
    func udpLengths() {
        var datagram = bytes("0fa0 1388 0000 0000 01 02 03 04")
        for length in 0...UInt16.max {
            datagram.replaceSubrange(4..<6, with: [UInt8(length >> 8), UInt8(length & 255)])
            let whole = withSpan(&datagram) { (try? UDPView($0.from(0))) != nil }
            let fragment = withSpan(&datagram) { (try? UDPView($0.from(0), isWhole: false)) != nil }
            if whole != (8...12).contains(length) || fragment != (length >= 8) {
                Issue.record("length \(length): whole \(whole), fragment \(fragment)")
            }
        }
    }

    @Test("TCP data offsets of every value", .row("S42"))
    func tcpOffsets() {
        for offset in 0..<UInt8(16) {
            for count in 0...64 {
                var segment = [UInt8](repeating: 1, count: count)
                if count > 12 { segment[12] = offset << 4 }
                let fits = withSpan(&segment) { (try? TCPView($0.from(0)))?.headerLength }
                let expected = count >= 20 && offset >= 5 && Int(offset) * 4 <= count
                #expect(fits == (expected ? Int(offset) * 4 : nil))
            }
        }
    }
}
