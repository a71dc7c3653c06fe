import Support
import Testing
import Wire

@Suite("Datagrams and segments joined into one super-packet")
struct FrameRunTests {
    static let flow = PacketBuilder("203.0.113.2", "198.51.100.7")

    /// A frame with its virtio-net header.
    static func frame(
        _ payload: [UInt8], _ flow: PacketBuilder = flow, ports: (UInt16, UInt16) = (4000, 53),
        change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var bytes =
            [UInt8](repeating: 0, count: VirtioNetHeader.length)
            + ethernet(
                to: MACAddress(0x02_00_00_00_00_02), from: MACAddress(0x02_00_00_00_00_01),
                flow.udp(ports.0, ports.1, payload))
        change(&bytes)
        return bytes
    }

    /// Joins as many frames as it can with the first; what comes out and how many are in it.
    static func join(
        _ frames: [[UInt8]], _ protocols: FrameRun.Protocols = [.udp, .tcp]
    ) -> (frame: [UInt8], count: Int)? {
        var memory = frames[0] + [UInt8](repeating: 0xee, count: 70_000)
        let begun = unsafe frames[0].withUnsafeBytes { unsafe FrameRun($0.bytes, protocols) }
        guard var run = begun else { return nil }
        withSpan(&memory) { (first: inout MutableRawSpan) in
            for next in frames.dropFirst() {
                let isTaken = unsafe next.withUnsafeBytes { bytes in
                    unsafe run.take(bytes.bytes, into: &first)
                }
                guard isTaken else { break }
            }
            run.finish(&first)
        }
        return (Array(memory.prefix(run.length)), run.count)
    }

    /// Checks the headers of a super-packet; its packet, and how much each segment carries.
    static func open(
        _ frame: [UInt8], type: UInt8, checksum: Int, headers: Int
    ) throws -> (packet: [UInt8], size: Int) {
        let header = try unsafe frame.withUnsafeBytes { try unsafe VirtioNetHeader($0.bytes) }
        try #require(header.flags == VirtioNetHeader.needsChecksum)
        try #require(header.segmentationType == type)
        try #require(header.checksumStart == 34 && Int(header.checksumOffset) == checksum)
        try #require(Int(header.headerLength) == 14 + headers)
        let packet = Array(frame[ip...])
        try #require(SlowChecksum.isIntact(Array(packet[..<20])))
        try #require(Int(packet[2]) << 8 | Int(packet[3]) == packet.count)
        let pseudo = SlowChecksum.pseudoHeader(of: packet, length: packet.count - 20)
        let field = 20 + checksum
        #expect(Int(packet[field]) << 8 | Int(packet[field + 1]) == Int(SlowChecksum.sum(pseudo)))
        return (packet, Int(header.segmentSize))
    }

    /// What a kernel makes of a super-packet: one frame a segment, checksums completed.
    static func segments(_ frame: [UInt8]) throws -> [[UInt8]] {
        let (packet, size) = try open(
            frame, type: VirtioNetHeader.udpSegments, checksum: 6, headers: 28)
        try #require(Int(packet[24]) << 8 | Int(packet[25]) == packet.count - 20)
        let payload = Array(packet[28...])
        return stride(from: 0, to: payload.count, by: size).map { start in
            let part = Array(payload[start..<min(start + size, payload.count)])
            var flow = flow
            flow.timeToLive = packet[8]
            flow.typeOfService = packet[1]
            return Self.frame(part, flow)
        }
    }

    @Test("Taken apart again they are what they were", arguments: [1, 2, 5, 64], [1, 18, 1472])
    func roundTrip(count: Int, size: Int) throws {
        guard count * size < 65_000 else { return }
        let frames = (0..<count).map { number in
            Self.frame((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) })
        }
        let joined = try #require(Self.join(frames))
        #expect(joined.count == count)
        if count == 1 {
            #expect(joined.frame == frames[0])
        } else {
            #expect(try Self.segments(joined.frame) == frames)
        }
    }

    @Test("A shorter datagram is the last of its run")
    func shorter() throws {
        let long = Self.frame([1, 2, 3, 4])
        let short = Self.frame([5])
        let joined = try #require(Self.join([long, long, short, long]))
        #expect(joined.count == 3)
        #expect(try Self.segments(joined.frame) == [long, long, short])
        #expect(Self.join([short, long])?.count == 1)
    }

    @Test("A run has at most 64 datagrams and 65,535 octets")
    func bounds() throws {
        let small = Self.frame([1, 2])
        #expect(Self.join([[UInt8]](repeating: small, count: 70))?.count == 64)
        let large = Self.frame([UInt8](repeating: 1, count: 9000))
        #expect(Self.join([[UInt8]](repeating: large, count: 10))?.count == 7)
    }

    @Test("Partial checksums are as good as right ones")
    func partial() throws {
        let full = Self.frame([1, 2, 3])
        let partial = Self.frame([4, 5, 6]) { bytes in
            bytes[0] = 1
            bytes[6] = 34
            bytes[8] = 6
            // Not the checksum of anything: the kernel writes it.
            bytes[VirtioNetHeader.length + 14 + 26] ^= 0x55
        }
        let joined = try #require(Self.join([full, partial, partial]))
        #expect(
            try Self.segments(joined.frame) == [
                full, Self.frame([4, 5, 6]), Self.frame([4, 5, 6]),
            ])
        #expect(Self.join([partial, full])?.count == 2)
    }

    static let ip = VirtioNetHeader.length + 14
    static let others: [(String, [UInt8])] = [
        ("another source port", frame([1, 2], ports: (4001, 53))),
        ("another destination port", frame([1, 2], ports: (4000, 54))),
        ("another destination", frame([1, 2], PacketBuilder("203.0.113.2", "198.51.100.8"))),
        ("another TTL", frame([1, 2], flow.with { $0.timeToLive = 63 })),
        ("another DS field", frame([1, 2], flow.with { $0.typeOfService = 0xb8 })),
        ("no DF", frame([1, 2], flow.with { $0.fragmentField = 0 })),
        ("a fragment", frame([1, 2], flow.with { $0.fragmentField = 0x2000 })),
        ("options", frame([1, 2], flow.with { $0.options = [1, 1, 1, 0] })),
        (
            "no checksum",
            frame([1, 2]) {
                $0[ip + 26] = 0; $0[ip + 27] = 0
            }
        ),
        ("a wrong checksum", frame([1, 2]) { $0[ip + 27] ^= 1 }),
        ("a wrong payload", frame([1, 2]) { $0[ip + 28] ^= 1 }),
        ("octets after the packet", frame([1, 2]) { $0 += [0, 0] }),
        ("a super-packet", frame([1, 2]) { $0[1] = VirtioNetHeader.udpSegments }),
        ("another Ethernet destination", frame([1, 2]) { $0[VirtioNetHeader.length] ^= 2 }),
        ("another protocol", frame([1, 2]) { $0[ip + 9] = 6 }),
        ("no payload", frame([])),
    ]

    @Test("What differs is not joined, on either side", arguments: others)
    func differs(name: String, other: [UInt8]) {
        let plain = Self.frame([1, 2])
        #expect(Self.join([plain, plain])?.count == 2)
        #expect(Self.join([plain, other])?.count == 1, "\(name)")
        #expect(Self.join([other, plain])?.count ?? 1 == 1, "\(name)")
        let joined = Self.join([plain, other])
        #expect(joined?.frame == plain)
    }
}

// Segments of TCP.
extension FrameRunTests {
    /// A segment with a timestamp, after its virtio-net header.
    static func segment(
        _ sequence: UInt32, _ payload: [UInt8], _ flags: TCPFlags = .ack,
        acknowledgement: UInt32 = 7, window: UInt16 = 500, time: UInt8 = 1,
        flow: PacketBuilder = flow
    ) -> [UInt8] {
        [UInt8](repeating: 0, count: VirtioNetHeader.length)
            + ethernet(
                to: MACAddress(0x02_00_00_00_00_02), from: MACAddress(0x02_00_00_00_00_01),
                flow.tcp(
                    4000, 80, flags, sequence: sequence, acknowledgement: acknowledgement,
                    window: window, options: [1, 1, 8, 10, 0, 0, 0, time, 0, 0, 0, 2], payload))
    }

    /// What a kernel makes of a super-packet of TCP.
    static func streamSegments(_ frame: [UInt8]) throws -> [[UInt8]] {
        let (packet, size) = try open(frame, type: VirtioNetHeader.tcp4, checksum: 16, headers: 52)
        let payload = Array(packet[52...])
        let first = packet[24..<28].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let flags = TCPFlags(rawValue: packet[33])
        return stride(from: 0, to: payload.count, by: size).map { start in
            let end = min(start + size, payload.count)
            return segment(
                first &+ UInt32(start), Array(payload[start..<end]),
                end == payload.count ? flags : flags.subtracting(.psh))
        }
    }

    @Test("Segments taken apart again are what they were", arguments: [2, 3, 44])
    func stream(count: Int) throws {
        // The numbers pass their end on the way.
        let start = UInt32.max - 2000
        let frames = (0..<count).map { number in
            let isLast = number == count - 1
            let payload = (0..<(isLast ? 100 : 1448)).map {
                UInt8(truncatingIfNeeded: $0 &+ number)
            }
            return Self.segment(
                start &+ UInt32(number * 1448), payload, isLast ? [.ack, .psh] : .ack)
        }
        let joined = try #require(Self.join(frames))
        #expect(joined.count == count)
        #expect(try Self.streamSegments(joined.frame) == frames)
        #expect(Self.join(frames, .udp) == nil)
    }

    @Test("A push ends a run, and begins none")
    func push() throws {
        let frames = [
            Self.segment(1, [1, 2]), Self.segment(3, [3, 4], [.ack, .psh]),
            Self.segment(5, [5, 6]),
        ]
        let joined = try #require(Self.join(frames))
        #expect(joined.count == 2)
        #expect(try Self.streamSegments(joined.frame) == Array(frames.prefix(2)))
        #expect(Self.join([frames[1], frames[2]]) == nil)
    }

    /// One bit is another, and the checksum is left to the kernel.
    static func bent(_ frame: [UInt8], _ place: Int) -> [UInt8] {
        var frame = frame
        frame[0] = VirtioNetHeader.needsChecksum
        frame[place] ^= 1
        return frame
    }

    static let otherSegments: [(String, [UInt8])] = [
        ("a gap", segment(4, [3, 4])),
        ("sent again", segment(1, [1, 2])),
        ("longer", segment(3, [3, 4, 5])),
        ("another acknowledgement", segment(3, [3, 4], acknowledgement: 8)),
        ("another window", segment(3, [3, 4], window: 501)),
        ("another timestamp", segment(3, [3, 4], time: 2)),
        ("the end", segment(3, [3, 4], [.ack, .fin])),
        ("a reset", segment(3, [3, 4], [.ack, .rst])),
        ("urgent", segment(3, [3, 4], [.ack, TCPFlags(rawValue: 0x20)])),
        ("the window was cut", segment(3, [3, 4], [.ack, TCPFlags(rawValue: 0x80)])),
        ("congestion echoed", segment(3, [3, 4], [.ack, TCPFlags(rawValue: 0x40)])),
        ("a reserved bit", bent(segment(3, [3, 4]), ip + 32)),
        ("an urgent pointer that does not count", bent(segment(3, [3, 4]), ip + 39)),
        ("no acknowledgement", segment(3, [3, 4], TCPFlags())),
        ("nothing in it", segment(3, [])),
        ("congestion experienced", segment(3, [3, 4], flow: flow.with { $0.typeOfService = 3 })),
        ("a datagram", frame([3, 4])),
        ("a wrong checksum", segment(3, [3, 5]).enumerated().map { $0 == ip + 53 ? 4 : $1 }),
        ("a header that lies", segment(3, [3, 4]).enumerated().map { $0 == ip + 32 ? 0xf0 : $1 }),
    ]

    @Test("Segments that differ are not joined", arguments: otherSegments)
    func streamDiffers(name: String, other: [UInt8]) {
        let first = Self.segment(1, [1, 2])
        #expect(Self.join([first, Self.segment(3, [3, 4])])?.count == 2)
        let joined = Self.join([first, other])
        #expect(joined?.count == 1, "\(name)")
        #expect(joined?.frame == first)
    }
}
