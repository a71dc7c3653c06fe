import BFD
import Support
import Testing
import Timing

@Suite("BFD: packets", .rfc(5880, "4.1"))
struct PacketTests {
    @Test("What FRR and BIRD sent reads as they meant it")
    func golden() throws {
        let first = try BFDPacket(Captures.frrDown)
        #expect(first.state == .down && first.flags.isEmpty && first.multiplier == 3)
        #expect(first.mine == 0xdf36_4d5e && first.yours == 0)
        #expect(first.desiredTransmit == 1_000_000 && first.requiredReceive == 1_000_000)
        #expect(first.requiredEcho == 50_000)
        #expect(try BFDPacket(Captures.frrInit).state == .initial)
        let poll = try BFDPacket(Captures.birdUpPoll)
        #expect(poll.state == .up && poll.flags == .poll && poll.yours == 0xdf36_4d5e)
        #expect(poll.desiredTransmit == 80_000 && poll.requiredReceive == 70_000)
        #expect(try BFDPacket(Captures.birdUpFinal).flags == .final)
        let expired = try BFDPacket(Captures.frrExpired)
        #expect(expired.diagnostic == .timeExpired && expired.state == .down)
    }

    @Test("What is read is written with the same octets", arguments: Captures.all)
    func bothWays(bytes: [UInt8]) throws {
        #expect(try BFDPacket(bytes).bytes == bytes)
    }

    @Test("Whoever counts on it finds the usual numbers", .rfc(5881, "4"))
    func numbers() {
        #expect(BFDProtocol.port == 3784 && BFDProtocol.timeToLive == 255)
        #expect(BFDProtocol.sourcePorts == 49152...65535)
    }

    @Test("Each bad field has its name", .rfc(5880, "6.8.6"))
    func refusals() {
        func refusal(_ at: Int, _ value: UInt8, of bytes: [UInt8] = Captures.frrUp) -> BFDDrop? {
            var bytes = bytes
            bytes[at] = value
            do throws(BFDDrop) {
                _ = try BFDPacket(bytes)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal(0, 0x20) == nil)
        for version: UInt8 in [0, 2, 3, 7] { #expect(refusal(0, version << 5) == .version) }
        #expect(refusal(1, 0xc1) == .multipoint)
        #expect(refusal(2, 0) == .multiplier)
        for length: UInt8 in [0, 23, 25, 255] { #expect(refusal(3, length) == .length) }
        // With authentication there are two octets more.
        #expect(refusal(1, 0xc4) == .length)
        #expect(refusal(3, 25, of: Captures.frrUp + [0]) == nil)
        var nobody = Captures.frrUp
        nobody.replaceSubrange(4..<8, with: [0, 0, 0, 0])
        #expect(refusal(0, 0x20, of: nobody) == .discriminatorMissing)
        for state: UInt8 in [2, 3] {
            #expect(refusal(1, state << 6, of: Captures.frrDown) == .stateWithout)
        }
        for state: UInt8 in [0, 1] {
            #expect(refusal(1, state << 6, of: Captures.frrDown) == nil)
        }
        for count in 0..<24 {
            #expect(throws: BFDDrop.truncated) {
                try BFDPacket(Array(Captures.frrUp.prefix(count)))
            }
        }
    }

    @Test("Names are all different and say what they mean")
    func names() {
        #expect(Set(BFDDrop.allCases.map(\.name)).count == BFDDrop.allCases.count)
        #expect(BFDDrop.allCases.allSatisfy { $0.name.hasPrefix("bfd.") })
        #expect(BFDDrop.allCases.allSatisfy { $0.meaning.hasSuffix(".") })
    }
}
