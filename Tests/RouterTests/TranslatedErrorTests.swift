import Forwarding
import NAT
import Router
import Support
import Testing
import Timing
import Wire

/// ICMP errors that cross the translation: restored exactly, or refused.
struct TranslatedErrorTests {
    static let host = PacketBuilder("192.168.50.10", "198.51.100.7")
    static let far = PacketBuilder("203.0.113.1", "203.0.113.2")

    static func queries() -> [[UInt8]] {
        let data = noise(40)
        return [
            host.udp(4000, 53, data), host.tcp(4000, 80, .syn, data),
            host.echo(identifier: 7, data),
        ]
    }

    /// Sends a query and gives what left, without its Ethernet header.
    static func out(_ bench: inout Bench, _ query: [UInt8]) throws -> [UInt8] {
        Array(try #require(bench.send(query, on: .lan).first).bytes.dropFirst(14))
    }

    @Test(
        .row("I-4"), .row("I-10a"), .row("P-2"),
        arguments: [
            (3, 0, 0), (3, 1, 0), (3, 3, 0), (3, 4, 1300), (3, 4, 0), (3, 4, 40), (3, 4, 65_535),
            (3, 13, 0), (11, 0, 0), (11, 1, 0), (12, 0, 0x0500_0000),
        ] as [(UInt8, UInt8, UInt32)])
    func errorsFromOutsideAreRestored(error: (UInt8, UInt8, UInt32)) throws {
        var bench = Bench()
        for query in Self.queries() {
            let sent = try Self.out(&bench, query)
            let packet = Self.far.icmpError(error.0, code: error.1, rest: error.2, about: sent)
            let back = try #require(bench.send(packet, on: .wan).first)
            #expect(back.seen.problems == [])
            #expect(back.seen["icmp.type"] == String(error.0))
            #expect(back.seen["icmp.code"] == String(error.1))
            #expect(back.seen["icmp.mtu"] == String(error.2 & 0xffff))
            #expect(back.seen["ip.src"] == "203.0.113.1")
            #expect(back.seen["ip.dst"] == "192.168.50.10")
            // One hop on, the quote is what the host sent.
            #expect(Array(back.bytes[42...]) == changed(query, [8: 63]))
            // Nothing was learnt of the MTU: full packets go on (SECURITY S05).
            let big = Self.host.udp(4000, 53, Array(repeating: 1, count: 1472))
            #expect(bench.send(big, on: .lan).last?.side == .wan)
        }
    }

    @Test(.row("I-4"), .row("D-1"))
    func theIdentificationIsRestoredInTheQuote() throws {
        var bench = Bench()
        for query in Self.queries() {
            // Not atomic, so that it gets an identification of ours.
            let cuttable = changed(query, [4: 0x12, 5: 0x34, 6: 0])
            let sent = try Self.out(&bench, cuttable)
            #expect(sent[4..<6] != [0x12, 0x34])
            let error = Self.far.icmpError(11, code: 0, about: sent)
            let back = try #require(bench.send(error, on: .wan).first)
            #expect(back.seen.problems == [])
            #expect(Array(back.bytes[42...]) == changed(cuttable, [8: 63]))
            // One that no packet of this session left with stays as it is.
            let other = changed(sent, [4: sent[4] ^ 0x55])
            let forged = Self.far.icmpError(11, code: 0, about: other)
            let passed = try #require(bench.send(forged, on: .wan).first)
            #expect(passed.seen.problems == [])
            #expect(Array(passed.bytes[46..<48]) == Array(other[4..<6]))
        }
    }

    @Test(.row("I-5"), .row("I-10a"))
    func errorsFromInsideCarryTheOutsideAddress() throws {
        for query in Self.queries() {
            var bench = Bench()
            let sent = try Self.out(&bench, query)
            let port = try outsidePort(bench.take().last)
            let answer: [UInt8]
            let server = PacketBuilder("198.51.100.7", "203.0.113.2")
            switch sent[9] {
            case 17: answer = server.udp(53, port, noise(9))
            case 6: answer = server.tcp(80, port, [.syn, .ack])
            default: answer = server.echo(reply: true, identifier: port, noise(9))
            }
            let inside = try #require(bench.send(answer, on: .wan).first)
            // By the host itself, and by a router in front of it.
            for sender in ["192.168.50.10", "192.168.50.77"] {
                let error = PacketBuilder(sender, "198.51.100.7")
                    .icmpError(11, code: 1, about: Array(inside.bytes.dropFirst(14)))
                let out = try #require(bench.send(error, on: .lan).first)
                #expect(out.seen.problems == [])
                #expect(out.side == .wan)
                #expect(out.seen["ip.src"] == "203.0.113.2")
                #expect(Array(out.bytes[42...]) == changed(answer, [8: 63]))
            }
            let unknown = Self.host.icmpError(3, code: 3, about: server.udp(1, 2))
            #expect(bench.send(unknown, on: .lan).isEmpty)
            #expect(bench.drops(.natErrorUnmatched, on: .lan) == 1)
        }
    }

    @Test(.row("I-3"), .row("I-3a"), .row("I-10c"), .row("S04"), .row("S03"))
    func forgedErrorsAreDropped() throws {
        for query in Self.queries() {
            var bench = Bench()
            let sent = try Self.out(&bench, query)
            let expiry = bench.router.forwarder.nat.secondsLeft(0, at: bench.now)
            bench.advance(.seconds(10))
            _ = bench.take()
            let forged: [([UInt8], DropReason)] = [
                (Self.far.icmpError(3, code: 1, about: sent, checksum: .wrong), .icmpChecksum),
                (
                    Self.far.icmpError(3, code: 1, about: changed(sent, [10: 1], fix: false)),
                    .icmpChecksum
                ),
                (Self.far.icmpError(3, code: 1, about: sent, limit: 27), .icmpMalformed),
                (Self.far.icmpError(3, code: 1, about: []), .icmpMalformed),
                (Self.far.icmpError(3, code: 1, about: changed(sent, [0: 0x55])), .icmpMalformed),
                (
                    Self.far.icmpError(3, code: 1, about: changed(sent, [0: 0x4f]), limit: 60),
                    .icmpMalformed
                ),
                // Another source, destination, port, protocol; a later piece.
                (
                    Self.far.icmpError(3, code: 1, about: changed(sent, [15: 9])),
                    .natErrorUnmatched
                ),
                (
                    Self.far.icmpError(3, code: 1, about: changed(sent, [19: 99])),
                    .natErrorUnmatched
                ),
                (
                    Self.far.icmpError(
                        3, code: 1,
                        about: changed(sent, sent[9] == 1 ? [24: sent[24] ^ 1] : [20: sent[20] ^ 1])
                    ),
                    .natErrorUnmatched
                ),
                (Self.far.icmpError(3, code: 1, about: changed(sent, [9: 47])), .natErrorUnmatched),
                (Self.far.icmpError(3, code: 1, about: changed(sent, [7: 1])), .natErrorUnmatched),
                // What the inside host never sent: the answer's direction.
                (
                    Self.far.icmpError(
                        3, code: 1,
                        about: changed(
                            sent,
                            [
                                12: sent[16], 13: sent[17], 14: sent[18], 15: sent[19],
                                16: sent[12],
                                17: sent[13], 18: sent[14], 19: sent[15],
                            ])),
                    .natErrorUnmatched
                ),
                (Self.far.icmpError(5, code: 1, about: sent), .icmpType),
                (Self.far.icmpError(4, code: 0, about: sent), .icmpType),
            ]
            for (packet, reason) in forged {
                let before = bench.drops(reason, on: .wan)
                #expect(bench.send(packet, on: .wan).isEmpty)
                #expect(bench.drops(reason, on: .wan) == before + 1, "\(reason.name)")
            }
            #expect(bench.sent.isEmpty)
            #expect(bench.sessionCount == 1)
            #expect(bench.router.forwarder.nat.secondsLeft(0, at: bench.now) <= expiry - 10)
        }
    }

    @Test(.row("S04"), .row("I-10b"), .row("I-10c"), .row("I-11"))
    func otherMessagesAreNotForwardedNorAnswered() {
        var bench = Bench()
        let types = [5, 6, 9, 10, 15, 16, 17, 18, 30, 40] as [UInt8]
        for type in types {
            bench.send(Self.far.icmp(type, noise(40)), on: .wan)
            bench.send(Self.host.icmp(type, noise(40)), on: .lan)
            let toUs = PacketBuilder("192.168.50.10", "192.168.50.1")
            bench.send(toUs.icmp(type, noise(40)), on: .lan)
        }
        #expect(bench.take().isEmpty)
        #expect(bench.sessionCount == 0)
        #expect(bench.allDrops(on: .lan) == UInt64(types.count * 2))
        #expect(bench.allDrops(on: .wan) == UInt64(types.count))
    }

    @Test(.row("I-10b"), .row("I-1"), .row("I-1a"))
    func timestampsPassButAreNotAnswered() throws {
        var bench = Bench()
        let query = Self.host.icmp(13, rest: 0x0007_0001, noise(12))
        let idents = try [Self.host, PacketBuilder("192.168.50.10", "198.51.100.8")].map {
            try Self.out(&bench, $0.icmp(13, rest: 0x0007_0001, noise(12)))[24..<26]
        }
        // One identifier, whoever is asked.
        #expect(Array(idents[0]) == Array(idents[1]))
        var reply = PacketBuilder("198.51.100.7", "203.0.113.2").icmp(14, noise(12))
        reply.replaceSubrange(24..<28, with: [UInt8](idents[0]) + [0, 1])
        reply.replaceSubrange(22..<24, with: [0, 0])
        reply.replaceSubrange(
            22..<24, with: octets(SlowChecksum.checksum(Array(reply.dropFirst(20)))))
        let back = try #require(bench.send(reply, on: .wan).first)
        #expect(back.seen.problems == [])
        #expect(Array(back.bytes[38..<40]) == Array(query[24..<26]))
        let toUs = PacketBuilder("192.168.50.10", "192.168.50.1").icmp(13, noise(12))
        #expect(bench.send(toUs, on: .lan).isEmpty)
        #expect(bench.drops(.icmpType, on: .lan) == 1)
    }

    @Test(.row("U-12"), .row("U-12a"), .row("I-6"), .row("T-10"))
    func noErrorOfAnyTypeOrSenderEndsAnything() throws {
        for query in Self.queries() {
            var bench = Bench()
            let sent = try Self.out(&bench, query)
            let left = bench.router.forwarder.nat.secondsLeft(0, at: bench.now)
            var passed = 0
            for type in UInt8.min...UInt8.max {
                for code in 0...15 as ClosedRange<UInt8> {
                    // By any router on the way, not only the one that was asked.
                    let sender = PacketBuilder("9.9.\(type).\(code)", "203.0.113.2")
                    let error = sender.icmpError(type, code: code, about: sent)
                    passed += bench.send(error, on: .wan).filter { $0.side == .lan }.count
                }
            }
            #expect(passed == 3 * 16)
            #expect(bench.sessionCount == 1)
            #expect(bench.router.forwarder.nat.secondsLeft(0, at: bench.now) == left)
            #expect(Array(try Self.out(&bench, query)) == sent)
        }
    }

    @Test(.row("S05"), .row("I-4"))
    func nothingIsLearntFromErrorsAboutOurOwnAnswers() throws {
        // An attacker lowers a path's MTU in a forged error, then looks how large answers are.
        var bench = Bench()
        let ping = PacketBuilder("198.51.100.7", "203.0.113.2").echo(identifier: 5, noise(1300))
        let reply = try #require(bench.send(ping, on: .wan).last)
        for mtu in [68, 552, 600] as [UInt32] {
            let about = Array(reply.bytes.dropFirst(14))
            bench.send(Self.far.icmpError(3, code: 4, rest: mtu, about: about), on: .wan)
            #expect(bench.send(ping, on: .wan).map(\.bytes.count) == [reply.bytes.count])
        }
        #expect(bench.drops(.natErrorUnmatched, on: .wan) == 3)
    }

    @Test(.row("I-3b"))
    func optionsInTheQuoteAreWalkedOver() throws {
        var bench = Bench()
        for words in 6...15 {
            let options = [UInt8](repeating: 1, count: words * 4 - 20)
            let query = Self.host.with { $0.options = options }.udp(4000, 53, noise(9))
            let sent = try Self.out(&bench, query)
            let back = try #require(
                bench.send(Self.far.icmpError(3, code: 3, about: sent), on: .wan).first)
            #expect(back.seen.problems == [])
            #expect(Array(back.bytes[42...]) == changed(query, [8: 63]))
        }
    }

    @Test(.row("I-3c"))
    func aShortOrWrongQuoteIsStillGood() throws {
        var bench = Bench()
        for query in Self.queries() {
            let sent = try Self.out(&bench, query)
            let short = Self.far.icmpError(11, code: 0, about: sent, limit: 28)
            let back = try #require(bench.send(short, on: .wan).first)
            #expect(back.seen.problems == [])
            #expect(Array(back.bytes[42...]) == Array(changed(query, [8: 63]).prefix(28)))
            var wrong = sent
            wrong[wrong.count - 1] ^= 0xff
            let other = try #require(
                bench.send(Self.far.icmpError(11, code: 0, about: wrong), on: .wan).first)
            #expect(other.seen.problems == [])
        }
    }

    @Test(.row("I-3d"))
    func extensionsAreKept() throws {
        var bench = Bench()
        for query in Self.queries() {
            let sent = try Self.out(&bench, query)
            let quote = sent + [UInt8](repeating: 0, count: 128 - sent.count)
            let labels = bytes("20 00 de ad  00 08 01 01  00 01 01 ff")
            // The length of the quote in words of 32 bits is the second octet of the second word.
            let error = Self.far.icmp(11, rest: 32 << 16, quote + labels)
            let back = try #require(bench.send(error, on: .wan).first)
            #expect(back.seen.problems == [])
            #expect(Array(back.bytes.suffix(12)) == labels)
            #expect(back.bytes[39] == 32)
            #expect(Array(back.bytes[42..<(42 + query.count)]) == changed(query, [8: 63]))
        }
    }

    @Test(.row("P-4"), .row("F-18"))
    func errorsTooBigForTheWayInAreCutOrDropped() throws {
        for field in [0, 0x4000] as [UInt16] {
            var bench = Bench { $0[.lan].mtu = 600 }
            let sent = try Self.out(&bench, Self.host.udp(4000, 53, noise(1400)))
            let error = Self.far.with { $0.fragmentField = field }
                .icmpError(11, code: 0, about: sent, limit: 1400)
            let back = bench.send(error, on: .wan)
            #expect(back.count == (field == 0 ? 3 : 0))
            #expect(back.allSatisfy { $0.bytes.count <= 614 && $0.side == .lan })
            #expect(bench.drops(.mtuExceeded, on: .wan) == (field == 0 ? 0 : 1))
        }
    }
}
