import Support
import Testing
import Wire

@Suite("The short reading of plain packets")
struct PlainPacketTests {
    static let path = PacketBuilder("192.168.50.10", "198.51.100.7")

    static func frame(_ packet: [UInt8]) -> [UInt8] {
        ethernet(
            to: MACAddress(0x02_00_00_00_00_02), from: MACAddress(0x02_00_00_00_00_01), packet)
    }

    static func partial(_ offset: UInt16) -> VirtioNetHeader {
        var header = VirtioNetHeader()
        header.flags = VirtioNetHeader.needsChecksum
        header.checksumStart = 34
        header.checksumOffset = offset
        return header
    }

    /// Frames that most packets are like.
    static let plain: [(String, [UInt8], VirtioNetHeader)] = [
        ("no data", frame(path.udp(4000, 53, [])), VirtioNetHeader()),
        ("padding", frame(path.udp(4000, 53, [1])) + [0, 0, 0], VirtioNetHeader()),
        ("data", frame(path.tcp(4000, 80, [.ack, .psh], [1, 2, 3])), VirtioNetHeader()),
        (
            "options", frame(path.tcp(4000, 80, .ack, options: [1, 1, 1, 0], [1])),
            VirtioNetHeader()
        ),
        ("UDP to be summed", frame(path.udp(4000, 53, [1, 2])), partial(6)),
        ("TCP to be summed", frame(path.tcp(4000, 80, .ack, [1, 2])), partial(16)),
    ]

    /// Both readings of a frame.
    static func read(
        _ frame: [UInt8], _ header: VirtioNetHeader
    ) -> (short: Packet?, long: Packet?) {
        var (one, other) = (frame, frame)
        var (short, long): (Packet?, Packet?)
        withSpan(&one) { (bytes: inout MutableRawSpan) in
            short = Packet(plain: &bytes, header)
        }
        withSpan(&other) { (bytes: inout MutableRawSpan) in
            long = try? Packet(&bytes, header)
        }
        return (short, long)
    }

    /// What the short way promises of what it takes.
    static func isPlain(_ packet: Packet, _ frame: [UInt8]) -> Bool {
        let isKnown = [IPProtocol.tcp, IPProtocol.udp].contains(packet.proto)
        return isKnown && frame[12] == 8 && frame[13] == 0 && packet.headerLength == 20
            && !packet.isFragment && packet.timeToLive > 1 && packet.segmentation == .none
            && packet.flags.isDisjoint(with: [.syn, .fin, .rst])
    }

    @Test(
        "It takes what is plain and nothing else, and says what the long one says", arguments: plain
    )
    func alike(name: String, frame: [UInt8], header: VirtioNetHeader) {
        #expect(Self.read(frame, header).short != nil, "\(name)")
        func check(_ frame: [UInt8], _ header: VirtioNetHeader, _ what: String) {
            let (short, long) = Self.read(frame, header)
            if let short {
                #expect(long.map { "\($0)" } == "\(short)", "\(name): \(what)")
            } else {
                // Of super-packets it leaves those of one segment to the long way, too.
                let isSuper = header.segmentationType != 0
                #expect(isSuper || long.map { Self.isPlain($0, frame) } != true, "\(name): \(what)")
            }
            if let short { #expect(Self.isPlain(short, frame), "\(name): \(what)") }
        }
        for length in 0...frame.count { check(Array(frame[..<length]), header, "cut to \(length)") }
        for place in 12..<min(frame.count, 54) {
            for bit in 0..<8 {
                var bent = frame
                bent[place] ^= 1 << UInt8(bit)
                check(bent, header, "bit \(bit) of \(place)")
                guard place < 34 else { continue }
                (bent[24], bent[25]) = (0, 0)
                let sum = SlowChecksum.sum(Array(bent[14..<34]))
                (bent[24], bent[25]) = (UInt8(~sum >> 8 & 0xff), UInt8(~sum & 0xff))
                check(bent, header, "bit \(bit) of \(place), and a right checksum")
            }
        }
        for flags in 0..<4 as Range<UInt8> {
            for type in [0, 1, 3, 4, 5, 0x80, 0x81] as [UInt8] {
                for (start, offset) in [(34, 6), (34, 16), (33, 6), (34, 0), (0, 0)] {
                    var other = header
                    (other.flags, other.segmentationType) = (flags, type)
                    (other.checksumStart, other.checksumOffset) = (UInt16(start), UInt16(offset))
                    other.segmentSize = 1000
                    check(frame, other, "\(other)")
                }
            }
        }
    }
}
