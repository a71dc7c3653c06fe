import Signing
import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: sequence numbers of 64 bits", .rfc(7474, "2"), .row("OSPF-AUT-5"))
struct LongSequenceTests {
    let source = ip("10.0.0.5")
    static let start = UInt64(1_800_000_000) << 32
    static let body: [UInt8] = [
        0xff, 0xff, 0xff, 0, 0, 10, 2, 1, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0,
    ]

    /// Digests that Python's hmac made: the secret and 0003; the packet, the number
    /// 6b49d200 00000001, 0a000005 and 878fe1f3 again and again.
    static let vectors: [(SigningAlgorithm, String, String)] = [
        (
            .hmacSHA1, "secret",
            "cd7a15c62c475e6f9125a831b773101576412186"
        ),
        (
            .hmacSHA256, "secret",
            "8d441891bd297a9a2f9df4028eab266f9e0d91ecb37571d4e6bf6a565118413a"
        ),
        (
            .hmacSHA256, "a secret that is longer than its digest",
            "1425c50708568dbd31ce3c63c8139ad7193670af22fec80890eef49613cea8b5"
        ),
        (
            .hmacSHA384, "secret",
            "f9345b60476dafb1eb9ca3cca7cf8d1d74f25ca87932ccc59dc8c38ac42c56b1"
                + "5d937fa68811b5507e4c26944fe216e6"
        ),
        (
            .hmacSHA512, "secret",
            "666193419a2779dc832bff69efd4904f40d47c49003d87fb75cc30bc788c5dcf"
                + "494d3a6dbeb0780cb89d9435764076d2fc2b6623132cdfcb1fd59fc979436d37"
        ),
    ]

    static func keys(_ secret: String = "secret") -> PacketAuthentication {
        .keys([SigningKey(id: 7, .hmacSHA256, secret: Array(secret.utf8))])
    }

    func packet(
        _ kind: PacketKind = .hello, _ body: [UInt8] = Self.body, number: UInt64,
        from peer: Peer? = nil, _ keys: PacketAuthentication = Self.keys()
    ) -> [UInt8] {
        keys.packet(
            kind, body, router: peer?.router ?? ip("5.5.5.5"), area: .unspecified, wall: 0,
            sequence: 0, long: LongSequence(number: number, source: peer?.address ?? source))
    }

    func judge(
        _ bytes: [UInt8], from source: IPv4Address, _ keys: PacketAuthentication = Self.keys()
    ) -> Result<UInt64?, OSPFDrop> {
        do throws(OSPFDrop) {
            return .success(
                try keys.check(bytes.raw, PacketHeader(bytes.raw), wall: 0, from: source))
        } catch {
            return .failure(error)
        }
    }

    @Test("Packets are what another program makes of them", .rfc(7474, "5"))
    func known() {
        for (algorithm, secret, digest) in Self.vectors {
            let keys = PacketAuthentication.keys([
                SigningKey(id: 7, algorithm, secret: Array(secret.utf8))
            ])
            let bytes = packet(number: Self.start + 1, keys)
            let length = 8 + algorithm.digestLength
            #expect(bytes.count == 44 + length && bytes[2] == 0 && bytes[3] == 44)
            #expect(Array(bytes[12..<24]) == [0, 0, 0, 3, 0, 0, 0, UInt8(length), 0, 0, 0, 7])
            #expect(hex(bytes[44..<52]) == "6b 49 d2 00 00 00 00 01")
            #expect(hex(bytes[52...]).replacing(" ", with: "") == digest, "\(algorithm)")
            #expect(judge(bytes, from: source, keys) == .success(Self.start + 1))
        }
    }

    @Test("Nothing of it may differ, the sender's address neither", .rfc(7474, "3"))
    func refused() {
        let bytes = packet(number: 5)
        #expect(judge(bytes, from: ip("10.0.0.6")) == .failure(.authenticationDigest))
        for index in [20, 43, 47, 51, 60] {
            var bent = bytes
            bent[index] ^= 1
            let reason: OSPFDrop = index == 20 ? .authenticationKey : .authenticationDigest
            #expect(judge(bent, from: source) == .failure(reason), "octet \(index)")
        }
        #expect(judge(bytes + [0], from: source) == .failure(.authenticationMalformed))
        #expect(
            judge(Array(bytes.dropLast()), from: source) == .failure(.authenticationMalformed))
        #expect(judge(bytes, from: source, Self.keys("other")) == .failure(.authenticationDigest))
        let short = Self.keys().packet(
            .hello, Self.body, router: source, area: .unspecified, wall: 0, sequence: 5)
        #expect(judge(short, from: source) == .failure(.authenticationType))
    }

    // MARK: The engine

    func bed() -> Bed {
        Bed(.pointToPoint, count: 1) {
            $0.interfaces[0]?.authentication = Self.keys()
            $0.interfaces[0]?.hasLongSequence = true
        }
    }

    @Test("Numbers rise with each packet, and from one start to the next")
    func rising() throws {
        let bed = bed()
        bed.run(.seconds(30))
        let numbers = try bed.said.map { said in
            try #require(try judge(said.bytes, from: source).get())
        }
        #expect(
            numbers.count >= 3 && numbers == (1...UInt64(numbers.count)).map { Self.start + $0 })
        // A second later another process begins above all of them.
        var effects = OSPFEffects()
        var next = OSPFEngine(
            bed.engine.settings, random: Random(seed: 1), wallSeconds: 1_800_000_001, at: bed.now)
        next.setInterface(0, isUp: true, at: bed.now, into: &effects)
        next.tick(at: bed.now, into: &effects)
        let first = try #require(effects.packets.first)
        let number = try #require(try judge(first.bytes, from: source).get())
        #expect(number == Self.start + 1 << 32 + 1)
    }

    @Test("A number that is not greater is a replay, for each kind of packet and for ever")
    func replay() {
        let bed = bed()
        let peer = Peer("9.9.9.9", "10.0.0.9")
        func hello(_ number: UInt64) {
            let hello = Hello(
                mask: 0xffff_ff00, helloInterval: 10, options: .external, priority: 1,
                deadInterval: 40, designated: .unspecified, backup: .unspecified,
                neighbors: [ip("5.5.5.5")])
            bed.hear(packet(.hello, hello.bytes, number: number, from: peer), from: peer)
        }
        hello(1 << 32 | 5)
        #expect(bed.state(peer) == .exStart)
        hello(1 << 32 | 5)
        hello(1 << 32 | 4)
        hello(9)
        #expect(bed.drops(.authenticationReplay) == 3)
        // Another kind of packet has numbers of its own.
        let description = DatabaseDescription(
            mtu: 1500, options: peer.options, flags: [.initial, .more, .master], sequence: 1,
            headers: [])
        bed.hear(
            packet(.databaseDescription, description.bytes, number: 1 << 32 | 2, from: peer),
            from: peer)
        #expect(bed.state(peer) == .exchange && bed.drops(.authenticationReplay) == 3)
        hello(2 << 32)
        // When the neighbour is gone what it said before is still no news.
        bed.run(.seconds(50))
        #expect(bed.state(peer) == .down)
        hello(1 << 32 | 99)
        #expect(bed.state(peer) == .down && bed.drops(.authenticationReplay) == 4)
        hello(2 << 32 | 1)
        #expect(bed.state(peer) == .exStart)
        // Another sender cannot use it.
        let other = Peer("9.9.9.9", "10.0.0.8")
        bed.hear(packet(number: 3 << 32, from: peer), from: other)
        #expect(bed.drops(.authenticationDigest) == 1)
    }

    @Test("Only so many senders are kept in mind", .row("S51"))
    func senders() {
        let bed = bed()
        bed.engine.settings.limits.senders = 2
        for number in 1...3 as ClosedRange<UInt32> {
            let peer = Peer("9.9.9.\(number)", "10.0.0.9")
            bed.hear(packet(number: 1, from: peer), from: peer)
        }
        #expect(bed.drops(.neighborLimit) == 1)
    }
}
