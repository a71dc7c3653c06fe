import Signing
import Support
import Testing
import Wire

@testable import OSPF

@Suite("OSPF: packets", .rfc(2328, "A.3"))
struct PacketTests {
    static let all: [(name: String, bytes: [UInt8])] = [
        ("FRR hello", Captures.frrHello), ("BIRD hello", Captures.birdHello),
        ("FRR description", Captures.frrDescription),
        ("BIRD description", Captures.birdDescription),
        ("FRR request", Captures.frrRequest), ("BIRD request", Captures.birdRequest),
        ("FRR update", Captures.frrUpdate), ("BIRD update", Captures.birdUpdate),
        ("BIRD network", Captures.birdNetworkUpdate),
        ("FRR acknowledgement", Captures.frrAcknowledgement),
        ("BIRD acknowledgement", Captures.birdAcknowledgement),
    ]

    /// Reads a packet and writes what was understood.
    static func rewritten(_ packet: [UInt8]) throws(OSPFDrop) -> [UInt8] {
        let header = try PacketHeader(packet.raw)
        _ = try PacketAuthentication.none.check(packet.raw, header, wall: 0)
        let body = packet.raw.part(24, header.length - 24)
        var bytes: [UInt8]
        switch header.kind {
        case .hello: bytes = try Hello(body).bytes
        case .databaseDescription: bytes = try DatabaseDescription(body).bytes
        case .request: bytes = try Request(body).bytes
        case .acknowledgement: bytes = try Acknowledgement(body).bytes
        case .update:
            var update = try Update(body)
            var lsas: [LSA] = []
            while let part = update.take() { lsas.append(LSA(try CheckedLSA(part))) }
            bytes = Update.bytes(lsas)
        }
        return PacketAuthentication.none.packet(
            header.kind, bytes, router: header.router, area: header.area, wall: 0, sequence: 0)
    }

    @Test("What FRR and BIRD send is understood, and ours are the same octets", .row("OSPF-PKT-2"))
    func captured() throws {
        for (name, bytes) in Self.all {
            #expect(hex(try Self.rewritten(bytes)) == hex(bytes), "\(name)")
        }
    }

    @Test(
        "No packet is understood that was cut or of which a bit is wrong", .row("OSPF-PKT-2", "S51")
    )
    func damaged() {
        for (name, bytes) in Self.all {
            for length in bytes.indices {
                #expect(throws: OSPFDrop.self, "\(name), \(length) octets") {
                    try Self.rewritten(Array(bytes.prefix(length)))
                }
            }
            for bit in 0..<(bytes.count * 8) {
                // With null authentication, the field for it holds nothing (RFC 2328 §D.1).
                if (16..<24).contains(bit / 8) { continue }
                var changed = bytes
                changed[bit / 8] ^= 1 << (bit % 8)
                #expect(throws: OSPFDrop.self, "\(name), bit \(bit)") {
                    try Self.rewritten(changed)
                }
            }
        }
    }

    @Test("Bodies whose lengths lie are refused, sums or no sums", .row("S51"))
    func lies() {
        for (name, bytes) in Self.all {
            let body = Array(bytes.dropFirst(24))
            for length in body.indices {
                let cut = Array(body.prefix(length))
                let isWhole: Bool
                switch bytes[1] {
                case 1: isWhole = length >= 20 && length % 4 == 0
                case 2: isWhole = length >= 8 && (length - 8) % 20 == 0
                case 3: isWhole = length % 12 == 0
                case 4: isWhole = false
                default: isWhole = length % 20 == 0
                }
                #expect(Self.isAccepted(bytes[1], cut) == isWhole, "\(name), \(length)")
            }
        }
        // More LSAs than there are, and none of many.
        var body = Array(Captures.frrUpdate.dropFirst(24))
        for count: UInt8 in [0, 2, 4, 255] {
            body[3] = count
            #expect(!Self.isAccepted(4, body), "\(count)")
        }
        body[0] = 255
        #expect(!Self.isAccepted(4, body))
        #expect(Self.isAccepted(4, [0, 0, 0, 0]))
    }

    static func isAccepted(_ kind: UInt8, _ body: [UInt8]) -> Bool {
        do {
            switch kind {
            case 1: _ = try Hello(body.raw)
            case 2: _ = try DatabaseDescription(body.raw)
            case 3: _ = try Request(body.raw)
            case 4: _ = try Update(body.raw)
            default: _ = try Acknowledgement(body.raw)
            }
            return true
        } catch {
            return false
        }
    }

    @Test("The fields of a hello are where they belong", .row("OSPF-HEL-1"))
    func hello() throws {
        let body = Array(Captures.frrHello.dropFirst(24))
        let hello = try Hello(body.raw)
        #expect(
            hello
                == Hello(
                    mask: 0xffff_ff00, helloInterval: 1, options: .external, priority: 1,
                    deadInterval: 4, designated: ip("10.9.0.2"), backup: hello.backup,
                    neighbors: [ip("2.2.2.2")]))
    }

    @Test("Every drop has its own name and a sentence")
    func drops() {
        let names = OSPFDrop.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(OSPFDrop.allCases.allSatisfy { $0.meaning.hasSuffix(".") })
    }
}

@Suite("OSPF: authentication")
struct AuthenticationTests {
    static let secret = Array("secret".utf8)

    static func keys(_ algorithm: SigningAlgorithm, id: UInt8 = 7) -> PacketAuthentication {
        .keys([SigningKey(id: id, algorithm, secret: secret)])
    }

    static let all: [(String, [UInt8], PacketAuthentication)] = [
        ("FRR password", Captures.frrHelloPassword, .password(secret)),
        ("BIRD password", Captures.birdDescriptionPassword, .password(secret)),
        ("FRR MD5", Captures.frrHelloMD5, keys(.keyedMD5)),
        ("FRR MD5", Captures.frrDescriptionMD5, keys(.keyedMD5)),
        ("BIRD MD5", Captures.birdHelloMD5, keys(.keyedMD5)),
        ("BIRD SHA-1", Captures.birdHelloSHA1, keys(.hmacSHA1)),
        ("BIRD SHA-1", Captures.birdDescriptionSHA1, keys(.hmacSHA1)),
        ("BIRD SHA-256", Captures.birdHelloSHA256, keys(.hmacSHA256)),
        ("BIRD SHA-256", Captures.birdDescriptionSHA256, keys(.hmacSHA256)),
        ("BIRD SHA-384", Captures.birdHelloSHA384, keys(.hmacSHA384)),
        ("BIRD SHA-384", Captures.birdDescriptionSHA384, keys(.hmacSHA384)),
        ("BIRD SHA-512", Captures.birdHelloSHA512, keys(.hmacSHA512)),
        ("BIRD SHA-512", Captures.birdDescriptionSHA512, keys(.hmacSHA512)),
    ]

    static func check(_ packet: [UInt8], _ own: PacketAuthentication) throws(OSPFDrop) -> UInt32? {
        let header = try PacketHeader(packet.raw)
        return try own.check(packet.raw, header, wall: 1_800_000_000)
            .map { UInt32(truncatingIfNeeded: $0) }
    }

    @Test(
        "What FRR and BIRD sign is accepted, no bit may differ, and ours are the same octets",
        .rfc(2328, "D.4"), .rfc(5709, "3.3"), .row("OSPF-AUT-1", "OSPF-AUT-4"),
        arguments: all.indices)
    func captured(index: Int) throws {
        let (name, bytes, own) = Self.all[index]
        let sequence = try Self.check(bytes, own)
        let isKeyed = if case .keys = own { true } else { false }
        #expect((sequence != nil) == isKeyed)
        let header = try PacketHeader(bytes.raw)
        let again = own.packet(
            header.kind, Array(bytes[24..<header.length]), router: header.router,
            area: header.area, wall: 0, sequence: sequence ?? 0)
        #expect(hex(again) == hex(bytes), "\(name)")
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: OSPFDrop.self, "\(name), bit \(bit)") { try Self.check(changed, own) }
        }
        for length in bytes.indices {
            #expect(throws: OSPFDrop.self, "\(name), \(length) octets") {
                try Self.check(Array(bytes.prefix(length)), own)
            }
        }
    }

    @Test("Both ends agree or nothing passes", .row("OSPF-AUT-1", "OSPF-PKT-2"))
    func agreement() {
        let cases: [(PacketAuthentication, [UInt8], OSPFDrop)] = [
            (.none, Captures.frrHelloPassword, .authenticationType),
            (.none, Captures.birdHelloSHA1, .authenticationType),
            (.password(Self.secret), Captures.frrHello, .authenticationType),
            (.password(Array("other".utf8)), Captures.frrHelloPassword, .authenticationPassword),
            (Self.keys(.hmacSHA1), Captures.frrHello, .authenticationType),
            (Self.keys(.hmacSHA1), Captures.birdHelloSHA256, .authenticationKey),
            (Self.keys(.hmacSHA1, id: 8), Captures.birdHelloSHA1, .authenticationKey),
            (.keys([]), Captures.birdHelloSHA1, .authenticationKey),
            (
                .keys([SigningKey(id: 7, .hmacSHA1, secret: [1])]), Captures.birdHelloSHA1,
                .authenticationDigest
            ),
        ]
        for (own, bytes, reason) in cases {
            #expect(throws: reason) { try Self.check(bytes, own) }
        }
    }

    @Test("Several keys are accepted, and packets are signed with the youngest", .row("OSPF-AUT-3"))
    func rollover() throws {
        let old = SigningKey(id: 1, .keyedMD5, secret: [1], sending: 0..<100, accepting: 0..<120)
        let young = SigningKey(
            id: 2, .hmacSHA256, secret: [2], sending: 90..<200, accepting: 80..<200)
        let own = PacketAuthentication.keys([old, young])
        func signed(_ wall: Int64) -> UInt8 {
            own.packet(
                .hello, [], router: ip("1.1.1.1"), area: .unspecified, wall: wall, sequence: 1)[18]
        }
        #expect([50, 89, 90, 99, 150, 500].map { signed($0) } == [1, 1, 2, 2, 2, 2])
        func accepted(_ key: SigningKey, _ wall: Int64) -> Bool {
            let bytes = PacketAuthentication.keys([key]).packet(
                .hello, [], router: ip("1.1.1.1"), area: .unspecified, wall: wall, sequence: 1)
            guard let header = try? PacketHeader(bytes.raw) else { return false }
            return (try? own.check(bytes.raw, header, wall: wall)) != nil
        }
        #expect([50, 119, 120].map { accepted(old, $0) } == [true, true, false])
        // The last key never expires silently.
        #expect([79, 80, 199, 500].map { accepted(young, $0) } == [false, true, true, true])
    }
}
