import Support
import Testing
import Wire

@Suite("Writing headers")
struct EncodeTests {
    @Test("ARP packets encode to the bytes they were read from", arguments: Golden.arp)
    func arp(golden: Golden) throws {
        let original = Array(golden.packet.prefix(ARPPacket.length))
        var reader = ByteReader(original.raw)
        let packet = try ARPPacket(from: &reader)
        #expect(reader.remaining == 0)
        var out = [UInt8](repeating: 0xee, count: 30)
        let count = withSpan(&out) { span in
            var writer = ByteWriter(span.from(0))
            packet.encode(to: &writer)
            return writer.count
        }
        #expect(count == 28)
        #expect(out == original + [0xee, 0xee])
        #expect(
            original
                == Support.arp(
                    packet.operation.rawValue, sender: packet.senderHardware, packet.senderAddress,
                    target: packet.targetHardware, packet.targetAddress))
    }

    @Test("ARP of other networks or with other opcodes is refused")
    func arpRefused() {
        func read(_ bytes: [UInt8]) throws(Malformed) -> ARPPacket {
            var reader = ByteReader(bytes.raw)
            return try ARPPacket(from: &reader)
        }
        let fine = Array(Golden.arp[0].packet.prefix(28))
        let wrong: [(Int, Malformed)] = [
            (0, .version), (1, .version), (2, .version), (3, .version), (4, .length), (5, .length),
            (6, .value), (7, .value),
        ]
        for (offset, expected) in wrong {
            for value in 0...UInt8.max where value != fine[offset] {
                var changed = fine
                changed[offset] = value
                if offset == 7, value == 1 || value == 2 { continue }
                #expect(throws: expected) { try read(changed) }
            }
        }
    }

    @Test("The header checksum is computed as the kernel does", arguments: Golden.ipv4)
    func headerChecksum(golden: Golden) throws {
        var packet = golden.packet
        packet[10] = 0xde
        packet[11] = 0xad
        try withSpan(&packet) { span in
            var view = try IPv4View(span.from(0))
            #expect(view.checksumIsValid == false)
            view.computeChecksum()
            #expect(view.checksumIsValid == true)
        }
        #expect(packet == golden.packet)
    }

    @Test("Setters change their field and no other")
    func ipv4Setters() throws {
        let golden = Golden.named("udp")
        var frame = golden.frame
        try withSpan(&frame) { span in
            var link = try EthernetView(span.from(0))
            link.destination = mac("02:00:00:00:00:99")
            link.source = mac("02:ff:fe:fd:fc:fb")
            _ = consume link
            var view = try IPv4View(span.from(14))
            view.source = ip("203.0.113.1")
            view.destination = ip("203.0.113.2")
            view.timeToLive = 7
            view.identification = 0xbeef
            view.fragmentField = 0
            view.computeChecksum()
        }
        let changes = Dissection(frame: golden.frame).changes(to: Dissection(frame: frame))
        #expect(
            changes.keys.sorted() == [
                "eth.dst", "eth.src", "ip.checksum", "ip.dst", "ip.flags.df", "ip.id", "ip.src",
                "ip.ttl",
            ])
        #expect(changes["eth.src"] == "02:00:00:00:00:0a -> 02:ff:fe:fd:fc:fb")
        #expect(changes["ip.ttl"] == "64 -> 7")
        #expect(changes["ip.id"]?.hasSuffix("-> 48879") == true)
        #expect(Dissection(frame: frame).problems == ["udp: bad checksum"])
    }

    @Test("Transport setters change their field and no other")
    func transportSetters() throws {
        var frame = Golden.named("udp").frame
        try withSpan(&frame) { span in
            var view = try UDPView(span.from(34))
            view.sourcePort = 0x1234
            view.destinationPort = 0x5678
            view.checksum = 0x9abc
        }
        let seen = Dissection(frame: Golden.named("udp").frame).changes(
            to: Dissection(frame: frame))
        #expect(seen.keys.sorted() == ["udp.checksum", "udp.dstport", "udp.srcport"])
        #expect(Array(frame[34..<38]) == bytes("1234 5678") && frame[40] == 0x9a)

        var echo = Golden.named("icmp-echo-request").frame
        try withSpan(&echo) { span in
            var view = try ICMPView(span.from(34))
            #expect(view.checksumIsValid == true)
            view.type = ICMPType.echoReply
            #expect(view.checksumIsValid == false)
            view.checksum = Checksum.update(
                view.checksum, by: Checksum.fold(Checksum.delta(old: 0x0800, new: 0)))
            #expect(view.checksumIsValid == true)
        }
        #expect(Dissection(frame: echo)["icmp.type"] == "0")
        #expect(Dissection(frame: echo).problems == [])
    }
}

@Suite("Virtio-net headers read from a TAP", .row("S40"))
struct VirtioTests {
    @Test("Fields and bytes both ways", arguments: Golden.offloaded)
    func roundTrip(golden: Golden) throws {
        let header = try VirtioNetHeader(golden.bytes.raw)
        let fields = [
            "vnet.flags": Int(header.flags), "vnet.gso_type": Int(header.segmentationType),
            "vnet.hdr_len": Int(header.headerLength), "vnet.gso_size": Int(header.segmentSize),
            "vnet.csum_start": Int(header.checksumStart),
            "vnet.csum_offset": Int(header.checksumOffset),
        ]
        for (name, value) in fields { #expect(golden.notes[name] == String(value), "\(name)") }
        var out = [UInt8](repeating: 0xee, count: 12)
        withSpan(&out) { header.write(to: &$0) }
        #expect(out == golden.bytes.prefix(10) + [0xee, 0xee])
        for count in 0..<VirtioNetHeader.length {
            #expect(throws: Malformed.truncated) {
                try VirtioNetHeader(Array(golden.bytes.prefix(count)).raw)
            }
        }
    }

    @Test("What a header announces is what the frame is")
    func meaning() throws {
        let segments = try VirtioNetHeader(Golden.named("vnet-udp-segments").bytes.raw)
        #expect(segments.flags == VirtioNetHeader.needsChecksum)
        #expect(segments.segmentationType == VirtioNetHeader.udpSegments)
        #expect(segments.segmentSize == 1000)
        let big = try VirtioNetHeader(Golden.named("vnet-tcp-super").bytes.raw)
        #expect(big.segmentationType & ~VirtioNetHeader.ecn == VirtioNetHeader.tcp4)
        #expect(big.segmentSize == 1460)
        #expect(Golden.named("vnet-tcp-super").frame.count > 1514)
        #expect(
            VirtioNetHeader() == (try VirtioNetHeader([UInt8](repeating: 0, count: 10).raw)))
    }

    @Test("A partial checksum follows a changed address", arguments: Golden.offloaded)
    func partial(golden: Golden) throws {
        var frame = golden.frame
        #expect(wireChecksumsFit(frame, partial: true))
        let field = golden.notes["ip.proto"] == "6" ? 34 + 16 : 34 + 6
        withSpan(&frame) { span in
            let old = span.be32(26)
            let new = ip("203.0.113.250").rawValue
            let delta = Checksum.fold(Checksum.delta(old: old, new: new))
            span.setBe32(26, new)
            span.setBe16(24, Checksum.update(span.be16(24), by: delta))
            span.setBe16(field, Checksum.updatePartial(span.be16(field), by: delta))
        }
        #expect(Dissection(frame: frame, partialChecksum: true).problems == [])
        #expect(wireChecksumsFit(frame, partial: true))
    }
}
