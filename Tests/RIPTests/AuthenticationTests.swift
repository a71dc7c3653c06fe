import RIP
import Signing
import Support
import Testing
import Timing
import Wire

@Suite("RIP: authentication", .rfc(4822))
struct AuthenticationTests {
    static let secret = Array("secret".utf8)

    static func keys(_ algorithm: SigningAlgorithm, id: UInt8 = 7) -> PacketAuthentication {
        .keys([SigningKey(id: id, algorithm, secret: secret)])
    }

    static func bed(_ authentication: PacketAuthentication, wall: Int64 = 1_800_000_000) -> Bed {
        Bed(wall: wall) {
            $0.interfaces[0]?.authentication = authentication
            $0.interfaces[1]?.authentication = authentication
        }
    }

    static let captures: [(String, [UInt8], PacketAuthentication, UInt8)] = [
        ("FRR plain", Captures.frrPlain, .none, 4),
        ("FRR password", Captures.frrPassword, .password(secret), 4),
        ("FRR MD5", Captures.frrMD5, keys(.keyedMD5), 4),
        ("BIRD plain", Captures.birdPlain, .none, 2),
        ("BIRD password", Captures.birdPassword, .password(secret), 2),
        ("BIRD SHA-1", Captures.birdSHA1, keys(.hmacSHA1), 2),
        ("BIRD SHA-256", Captures.birdSHA256, keys(.hmacSHA256), 2),
        ("BIRD SHA-384", Captures.birdSHA384, keys(.hmacSHA384), 2),
        ("BIRD SHA-512", Captures.birdSHA512, keys(.hmacSHA512), 2),
        ("BIRD MD5", Captures.birdMD5, keys(.keyedMD5), 2),
    ]

    @Test(
        "What FRR and BIRD send is understood and no bit may differ",
        .row("RIP-AUTH-1", "RIP-AUTH-4", "RIP-AUTH-5", "RIP-AUTH-7"), arguments: captures.indices)
    func captured(index: Int) {
        let (name, bytes, authentication, metric) = Self.captures[index]
        let bed = Self.bed(authentication)
        bed.hear(bytes, "10.0.0.2")
        #expect(bed.metric("172.31.1.0/24") == metric, "\(name)")
        #expect(bed.metric("172.31.2.128/25") == metric, "\(name)")
        guard authentication != .none else { return }
        for bit in 0..<(bytes.count * 8) {
            // A password protects nothing but itself.
            if case .password = authentication, !(32..<192).contains(bit) { continue }
            let bed = Self.bed(authentication)
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            bed.hear(changed, "10.0.0.2")
            #expect(bed.engine.routeCount == 0, "\(name), bit \(bit)")
        }
    }

    @Test(
        "Ours are the same octets", .row("RIP-AUTH-1", "RIP-AUTH-4", "RIP-AUTH-5"),
        arguments: captures.indices)
    func written(index: Int) {
        let (name, bytes, authentication, metric) = Self.captures[index]
        // FRR counts from 1, which no clock says.
        guard name != "FRR MD5" else { return }
        let sequence = bytes[12..<16].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let isKeyed = if case .keys = authentication { true } else { false }
        let bed = Self.bed(authentication, wall: isKeyed ? sequence : 0)
        let order =
            name.hasPrefix("FRR")
            ? ["172.31.1.0/24", "172.31.2.128/25"] : ["172.31.2.128/25", "172.31.1.0/24"]
        for text in order {
            let local = RIPLocalRoute(prefix(text), metric: metric - 1)
            bed.engine.originate(local, at: bed.now, into: &bed.effects)
        }
        var ours = bed.listen().first { $0.interface == 0 }?.bytes ?? []
        // BIRD counts the trailer's head in the length of an MD5 digest.
        if name == "BIRD MD5" { #expect(bytes[11] == 20 && ours[11] == 16) }
        if name == "BIRD MD5" { ours = Array(ours.prefix(68)) }
        if name == "BIRD MD5" { ours[11] = 20 }
        #expect(hex(ours) == hex(bytes.prefix(ours.count)), "\(name)")
    }

    @Test("Authentication is the first entry or none", .row("RIP-AUTH-2"))
    func onlyFirst() {
        let bed = Self.bed(.password(Self.secret))
        let plain = packet(2, [route("20.0.0.0/8", 1)])
        let entry = Captures.frrPassword[4..<24]
        bed.hear(plain + entry, "10.0.0.2")
        #expect(bed.drops(.authenticationMissing) == 1 && bed.engine.routeCount == 0)
        let open = Self.bed(.none)
        open.hear(plain + entry, "10.0.0.2")
        #expect(open.drops(.entryFamily) == 1 && open.metric("20.0.0.0/8") == 2)
    }

    @Test("Both ends agree or nothing passes", .row("RIP-AUTH-3", "S50"))
    func agreement() {
        let plain = packet(2, [route("20.0.0.0/8", 1)])
        let all: [(PacketAuthentication, [UInt8], RIPDrop)] = [
            (.password(Self.secret), plain, .authenticationMissing),
            (Self.keys(.hmacSHA1), plain, .authenticationMissing),
            (.none, Captures.frrPassword, .authenticationUnexpected),
            (.none, Captures.birdSHA1, .authenticationUnexpected),
            (.password(Self.secret), Captures.birdSHA1, .authenticationType),
            (Self.keys(.hmacSHA1), Captures.frrPassword, .authenticationType),
            (.password(Array("other".utf8)), Captures.frrPassword, .authenticationPassword),
        ]
        for (authentication, bytes, reason) in all {
            let bed = Self.bed(authentication)
            bed.hear(bytes, "10.0.0.2")
            #expect(bed.drops(reason) == 1 && bed.engine.routeCount == 0, "\(reason)")
            bed.hear(packet(1, [.everything]), "10.0.0.2")
            let isOpen = authentication == .none
            #expect(bed.listen(.milliseconds(1)).isEmpty, "nothing to tell, or no right to ask")
            #expect(bed.drops(reason) == (reason == .authenticationMissing ? 2 : 1) || isOpen)
        }
    }

    @Test("Version 1 cannot be authenticated", .row("RIP-AUTH-3"))
    func version1() {
        let bed = Bed {
            $0.interfaces[0]?.versions = .both
            $0.interfaces[0]?.authentication = .password(Self.secret)
        }
        bed.hear(packet(2, [], version: 1), "10.0.0.2")
        #expect(bed.drops(.authenticationMissing) == 1)
    }

    @Test("Numbers that fall are replays", .row("RIP-AUTH-6", "S50"), .rfc(4822, "3.2"))
    func replay() {
        let sender = Self.bed(Self.keys(.hmacSHA256))
        sender.originate("20.0.0.0/8")
        let old = sender.listen().first { $0.interface == 0 }?.bytes ?? []
        let new = sender.listen(.seconds(36)).first { $0.interface == 0 }?.bytes ?? []
        let bed = Self.bed(Self.keys(.hmacSHA256))
        bed.hear(new, "10.0.0.2")
        bed.hear(old, "10.0.0.2")
        #expect(bed.drops(.authenticationReplay) == 1)
        bed.hear(new, "10.0.0.2")
        bed.hear(old, "10.0.0.3")
        #expect(bed.drops(.authenticationReplay) == 1, "the same again, and another neighbour")
        bed.run(.seconds(179))
        bed.hear(old, "10.0.0.2")
        #expect(bed.drops(.authenticationReplay) == 2)
        bed.run(.seconds(10))
        bed.hear(old, "10.0.0.2")
        #expect(bed.drops(.authenticationReplay) == 2, "its routes have timed out")
        #expect(bed.metric("20.0.0.0/8") == 2)
    }

    @Test("Keys have numbers", .row("RIP-AUTH-7"))
    func keyNumbers() {
        let bed = Self.bed(Self.keys(.hmacSHA1, id: 8))
        bed.hear(Captures.birdSHA1, "10.0.0.2")
        #expect(bed.drops(.authenticationKey) == 1)
        let other = Self.bed(.keys([SigningKey(id: 7, .hmacSHA1, secret: [1, 2, 3])]))
        other.hear(Captures.birdSHA1, "10.0.0.2")
        #expect(other.drops(.authenticationDigest) == 1)
        var short = Captures.birdSHA1
        short[9] = 255
        other.hear(short, "10.0.0.2")
        other.hear(Array(Captures.birdSHA1.dropLast()), "10.0.0.2")
        #expect(other.drops(.authenticationMalformed) == 2)
    }

    @Test("Numbers follow the clock over a restart", .row("RIP-AUTH-8"))
    func restart() {
        func sequence(wall: Int64, after: Int64) -> Int64 {
            let bed = Self.bed(Self.keys(.keyedMD5), wall: wall)
            bed.run(.seconds(after))
            bed.said = []
            bed.originate("20.0.0.0/8")
            let bytes = bed.listen().first?.bytes ?? []
            return bytes[12..<16].reduce(0) { $0 << 8 | Int64($1) }
        }
        #expect(sequence(wall: 1_800_000_000, after: 100) >= 1_800_000_100)
        #expect(sequence(wall: 1_800_000_101, after: 6) > sequence(wall: 1_800_000_000, after: 100))
    }

    @Test("A clock set back does not lower them", .row("RIP-AUTH-8"))
    func setBack() {
        let bed = Self.bed(Self.keys(.keyedMD5))
        bed.engine.setWall(5, at: bed.now)
        bed.originate("20.0.0.0/8")
        let bytes = bed.listen().first?.bytes ?? []
        #expect(bytes[12..<16].reduce(0) { $0 << 8 | Int64($1) } >= 1_800_000_000)
    }

    @Test("Keys follow each other, the last one for ever", .row("RIP-AUTH-9"))
    func lifetimes() {
        let (a, b) = (
            SigningKey(id: 1, .hmacSHA1, secret: [1], sending: 0..<1000, accepting: 0..<1100),
            SigningKey(id: 2, .hmacSHA256, secret: [2], sending: 900..<2000, accepting: 800..<2100)
        )
        func sent(at wall: Int64) -> [UInt8] {
            let bed = Self.bed(.keys([a, b]), wall: wall)
            bed.originate("20.0.0.0/8")
            return bed.listen().first { $0.interface == 0 }?.bytes ?? []
        }
        func hears(_ bytes: [UInt8], at wall: Int64) -> Bool {
            let bed = Self.bed(.keys([a, b]), wall: wall)
            bed.hear(bytes, "10.0.0.2")
            return bed.engine.routeCount == 1
        }
        let (first, second) = (sent(at: 500), sent(at: 950))
        #expect(first[10] == 1 && second[10] == 2)
        #expect(hears(first, at: 500) && hears(first, at: 1050) && hears(second, at: 850))
        #expect(!hears(second, at: 700) && !hears(first, at: 1200))
        let late = sent(at: 9000)
        #expect(late[10] == 2 && hears(late, at: 9000) && !hears(first, at: 9000))
    }

    @Test("Packets keep within 504 octets and a trailer", .row("RIP-AUTH-1", "RIP-AUTH-10"))
    func sizes() {
        let all: [(PacketAuthentication, Int, Int)] = [
            (.password(Self.secret), 24, 504), (Self.keys(.keyedMD5), 23, 504),
            (Self.keys(.hmacSHA512), 23, 552),
        ]
        for (authentication, routes, octets) in all {
            let bed = Self.bed(authentication)
            for number in 0..<60 {
                let local = RIPLocalRoute(prefix("20.0.\(number).0/24"))
                bed.engine.originate(local, at: bed.now, into: &bed.effects)
            }
            let said = bed.listen().filter { $0.interface == 0 }
            #expect(said.first?.bytes.count == octets)
            let hearer = Self.bed(authentication)
            for packet in said { hearer.hear(packet.bytes, "10.0.0.2") }
            #expect(hearer.engine.routeCount == 60)
            #expect(said.count == (60 + routes - 1) / routes)
        }
    }

    @Test("Published digests", .row("RIP-AUTH-4", "RIP-AUTH-5"))
    func vectors() {
        // A secret longer than the digest is hashed first, unlike in plain HMAC (RFC 4822 §2.5).
        let long = [UInt8](repeating: 0xaa, count: 40)
        let one = Self.bed(.keys([SigningKey(id: 7, .hmacSHA1, secret: long)]))
        one.originate("20.0.0.0/8")
        let bytes = one.listen().first { $0.interface == 0 }?.bytes ?? []
        // SHA-1 of 40 octets 0xaa.
        let hashed = Support.bytes("582d ffeb 129b 9c6e 1e0e e1ac aeb0 08b6 8d5e 502f")
        let other = Self.bed(.keys([SigningKey(id: 7, .hmacSHA1, secret: hashed)]))
        other.hear(bytes, "10.0.0.2")
        #expect(other.metric("20.0.0.0/8") == 2)
    }
}
