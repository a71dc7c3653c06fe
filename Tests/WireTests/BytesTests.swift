import Support
import Testing
import Timing
import Wire

@Suite("Bytes, readers, writers and frame buffers")
struct BytesTests {
    @Test("A reader advances, stops at the end and leaves the rest on failure")
    func reader() throws {
        let octets = bytes("01 0203 04050607 08090a0b0c0d0e0f 10 11")
        var reader = ByteReader(octets.raw)
        #expect(try reader.read(UInt8.self) == 1)
        #expect(try reader.read(UInt16.self) == 0x0203)
        #expect(try reader.read(UInt32.self) == 0x0405_0607)
        #expect(try reader.read(UInt64.self) == 0x0809_0a0b_0c0d_0e0f)
        #expect(reader.remaining == 2)
        #expect(truncated { () throws(Malformed) in _ = try reader.read(UInt32.self) })
        #expect(truncated { () throws(Malformed) in _ = try reader.take(3) })
        #expect(truncated { () throws(Malformed) in _ = try reader.take(-1) })
        #expect(reader.remaining == 2)
        let taken = try reader.take(2)
        #expect(taken.be16(0) == 0x1011)
        #expect(reader.remaining == 0)
        #expect(truncated { () throws(Malformed) in _ = try reader.read(UInt8.self) })
        let none = try reader.take(0)
        #expect(none.byteCount == 0)
    }

    private func truncated(_ body: () throws(Malformed) -> Void) -> Bool {
        do throws(Malformed) {
            try body()
            return false
        } catch {
            return error == .truncated
        }
    }

    @Test("A writer is the mirror of a reader")
    func writer() {
        var out = [UInt8](repeating: 0xee, count: 12)
        let more = bytes("aa bb")
        let none: [UInt8] = []
        let count = withSpan(&out) { span in
            var writer = ByteWriter(span.from(0))
            writer.write(UInt8(1))
            writer.write(UInt16(0x0203))
            writer.write(UInt32(0x0405_0607))
            writer.write(more.raw)
            writer.write(none.raw)
            return writer.count
        }
        #expect(count == 9)
        #expect(out == bytes("01 0203 04050607 aabb eeeeee"))
    }

    @Test("Numbers at any offset, both ways")
    func numbers() {
        var octets = [UInt8](repeating: 0, count: 16)
        for offset in 0...8 {
            withSpan(&octets) { span in
                span.setByte(offset, 0xa1)
                span.setBe16(offset + 1, 0xb2c3)
                #expect(span.byte(offset) == 0xa1)
                #expect(span.be16(offset + 1) == 0xb2c3)
                span.setBe48(offset, 0x0102_0304_0506)
                #expect(span.be48(offset) == 0x0102_0304_0506)
                #expect(span.be32(offset + 2) == 0x0304_0506)
                span.setBe32(offset, 0xdead_beef)
            }
            #expect(octets.raw.be32(offset) == 0xdead_beef)
            #expect(octets.raw.be16(offset + 4) == 0x0506)
            #expect(octets.raw.byte(offset) == 0xde)
        }
    }

    @Test("Copying")
    func copy() {
        var octets = [UInt8](repeating: 0, count: 6)
        let source = bytes("010203")
        let none: [UInt8] = []
        withSpan(&octets) { span in
            span.copy(source.raw, to: 0)
            span.copy(source.raw, to: 3)
            span.copy(none.raw, to: 6)
        }
        #expect(octets == source + source)
    }

    @Test("Whatever leaves the bytes traps", .row("S63"))
    func traps() async {
        await #expect(processExitsWith: .failure) {
            let octets = bytes("01 02 03")
            print(octets.raw.be32(0))
        }
        await #expect(processExitsWith: .failure) {
            let octets = bytes("01 02 03")
            print(octets.raw.byte(3))
        }
        await #expect(processExitsWith: .failure) {
            let octets = bytes("01 02 03")
            print(octets.raw.byte(-1))
        }
        await #expect(processExitsWith: .failure) {
            let octets = bytes("01 02 03")
            print(octets.raw.part(2, 2).byteCount)
        }
        await #expect(processExitsWith: .failure) {
            var octets = bytes("01 02 03")
            let source = bytes("01 02")
            withSpan(&octets) { $0.copy(source.raw, to: 2) }
        }
        await #expect(processExitsWith: .failure) {
            var octets = bytes("01 02 03")
            withSpan(&octets) { span in
                var writer = ByteWriter(span.from(0))
                writer.write(UInt32(1))
            }
        }
    }
}

@Suite("Frame buffers")
struct FrameSlabTests {
    @Test("Slots hold the largest frame and do not overlap")
    func slots() {
        #expect(FrameSlab.stride > VirtioNetHeader.length + FrameSlab.largestFrame)
        #expect(FrameSlab.stride % 64 == 0)
        #expect(FrameSlab.stride & (FrameSlab.stride - 1) != 0)
        var slab = FrameSlab(count: 4)
        for index in 0..<4 {
            var slot = slab.slot(index, length: FrameSlab.stride)
            for offset in 0..<slot.byteCount { slot.setByte(offset, UInt8(index + 1)) }
        }
        for index in 0..<4 {
            let slot = slab.slot(index, length: FrameSlab.stride)
            var foreign = 0
            for offset in 0..<slot.byteCount where slot.byte(offset) != UInt8(index + 1) {
                foreign += 1
            }
            #expect(foreign == 0)
        }
    }

    @Test("A system call sees the same bytes as the pipeline")
    func sameBytes() {
        var slab = FrameSlab(count: 2)
        let size = unsafe slab.withSlot(1) { buffer in
            unsafe buffer[0] = 0x5a
            return buffer.count
        }
        #expect(size == FrameSlab.stride)
        let slot = slab.slot(1, length: 60)
        #expect(slot.byteCount == 60)
        #expect(slot.byte(0) == 0x5a)
        #expect(slab.slot(0, length: 0).byteCount == 0)
    }

    @Test("No slot beyond the last, no length beyond the slot", .row("S63"))
    func traps() async {
        await #expect(processExitsWith: .failure) {
            var slab = FrameSlab(count: 2)
            _ = slab.slot(2, length: 1).byteCount
        }
        await #expect(processExitsWith: .failure) {
            var slab = FrameSlab(count: 2)
            _ = slab.slot(1, length: FrameSlab.stride + 1).byteCount
        }
    }
}

@Suite("The tests' own tools")
struct SupportTests {
    @Test("Hexadecimal text")
    func hexText() {
        #expect(bytes("45 00 # version, length\n 0a0B") == [0x45, 0, 10, 11])
        #expect(hex([0, 255, 16]) == "00 ff 10")
    }

    @Test("Fragments reassemble to the packet and are sound")
    func fragmentation() {
        let packet = PacketBuilder("192.0.2.10", "198.51.100.7").udp(
            1, 2, [UInt8](repeating: 7, count: 100))
        let parts = fragments(of: packet, size: 48)
        #expect(parts.count == 3)
        #expect(parts.flatMap { $0.dropFirst(20) } == Array(packet.dropFirst(20)))
        #expect(parts.allSatisfy { Dissection(packet: $0).problems.isEmpty })
        #expect(parts.map { Dissection(packet: $0)["ip.frag_offset"] } == ["0", "6", "12"])
        #expect(parts.map { Dissection(packet: $0)["ip.flags.mf"] } == ["1", "1", "0"])
    }

    @Test("A pcap file holds its frames with nanosecond times")
    func pcap() {
        var file = PcapWriter()
        file.add([1, 2, 3], at: Instant(nanoseconds: 2_000_000_005))
        let header = "4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000"
        #expect(file.bytes == bytes(header + "02000000 05000000 03000000 03000000 010203"))
    }

    @Test("Errors quote, and what is wrong is named")
    func errors() {
        let path = PacketBuilder("192.0.2.10", "198.51.100.7")
        let query = path.udp(4000, 53, [1, 2, 3])
        let error = path.reversed().icmpError(3, code: 4, rest: 1400, about: query, limit: 28)
        let seen = Dissection(packet: error)
        #expect(seen.problems == [])
        #expect(seen["quoted.udp.dstport"] == "53" && seen["icmp.mtu"] == "1400")
        #expect(Dissection(packet: path.udp(1, 2, checksum: .zero)).problems == [])
        #expect(
            Dissection(packet: path.udp(1, 2, checksum: .wrong)).problems == ["udp: bad checksum"])
        #expect(Dissection(packet: path.tcp(1, 2, .syn, checksum: .partial)).problems.count == 1)
        let bad = path.with { $0.headerChecksum = .wrong }
        #expect(Dissection(packet: bad.echo(identifier: 1)).problems == ["ip: bad checksum"])
    }
}
