import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: flooding", .rfc(2328, "13"))
struct FloodingTests {
    let left = Peer("9.9.9.9", "10.0.0.9")
    let right = Peer("8.8.8.8", "10.1.0.8", on: 1)

    /// Two point-to-point neighbours, both full.
    func pair(_ edit: (inout OSPFSettings) -> Void = { _ in }) -> Bed {
        let bed = Bed(.pointToPoint, count: 2, edit)
        bed.befriend(left)
        bed.befriend(right)
        bed.acknowledge(left, bed.said.filter { $0.interface == 0 }.flatMap(\.lsas))
        bed.run(.seconds(3))
        bed.acknowledge(left, bed.said.filter { $0.interface == 0 }.flatMap(\.lsas))
        bed.acknowledge(right, bed.said.filter { $0.interface == 1 }.flatMap(\.lsas))
        bed.said = []
        return bed
    }

    @Test(
        "A newer LSA goes on to the others and is acknowledged later",
        .row("OSPF-FLD-2", "OSPF-FLD-6", "OSPF-FLD-7", "OSPF-ACK-1"))
    func newer() {
        let bed = pair()
        let lsa = left.external("1.0.0.0/8", age: 100)
        bed.update(left, lsa)
        let said = bed.listen()
        #expect(said.map(\.interface) == [1] && said[0].destination == OSPFProtocol.allRouters)
        var older = lsa
        older.age = 101
        #expect(said[0].lsas == [older], "InfTransDelay added")
        let later = bed.listen(.seconds(1))
        #expect(later.count == 1 && later[0].interface == 0)
        #expect(later[0].acknowledgement == Acknowledgement([lsa.header]))
        #expect(later[0].destination == OSPFProtocol.allRouters)
    }

    @Test("An LSA that comes too soon after the last is dropped", .row("OSPF-FLD-2"))
    func early() {
        let bed = pair()
        bed.update(left, left.external("1.0.0.0/8"))
        bed.run(.milliseconds(990))
        bed.update(left, left.external("1.0.0.0/8", sequence: OSPFProtocol.initialSequence + 1))
        #expect(bed.drops(.lsaEarly) == 1)
        bed.run(.milliseconds(10))
        bed.update(left, left.external("1.0.0.0/8", sequence: OSPFProtocol.initialSequence + 1))
        #expect(bed.drops(.lsaEarly) == 1)
        #expect(
            bed.lsa(.external, "1.0.0.0", "9.9.9.9")?.header.sequence
                == OSPFProtocol.initialSequence + 1)
    }

    @Test(
        "The same LSA again is acknowledged at once, or is an acknowledgement itself",
        .row("OSPF-FLD-4", "OSPF-ACK-1"))
    func same() {
        let bed = pair()
        let lsa = left.external("1.0.0.0/8")
        bed.update(left, lsa)
        bed.run(.seconds(1))
        bed.said = []
        bed.update(right, lsa)
        #expect(bed.listen().isEmpty, "it was on its list: implied")
        #expect(bed.engine.neighbors.allSatisfy { $0.retransmissions == 0 })
        bed.update(left, lsa)
        let said = bed.listen()
        #expect(said.count == 1 && said[0].acknowledgement == Acknowledgement([lsa.header]))
        #expect(said[0].interface == 0, "a duplicate, so our acknowledgement was lost")
    }

    @Test("An older LSA is answered with ours, not too often", .row("OSPF-FLD-5"))
    func older() {
        let bed = pair()
        let sequence = OSPFProtocol.initialSequence
        bed.update(left, left.external("1.0.0.0/8", sequence: sequence + 5))
        bed.acknowledge(right, bed.listen().flatMap(\.lsas))
        bed.run(.seconds(2))
        bed.said = []
        bed.update(right, left.external("1.0.0.0/8", sequence: sequence + 4))
        bed.update(right, left.external("1.0.0.0/8", sequence: sequence + 4))
        let said = bed.listen()
        #expect(said.count == 1 && said[0].interface == 1)
        #expect(said[0].lsas.map(\.header.sequence) == [sequence + 5])
        bed.run(.seconds(1))
        bed.update(right, left.external("1.0.0.0/8", sequence: sequence + 4))
        #expect(bed.listen().count == 1)
    }

    @Test("An LSA being wrapped is not answered", .row("OSPF-FLD-5", "OSPF-AGE-3"))
    func wrapping() {
        let bed = pair()
        bed.update(left, left.external("1.0.0.0/8", sequence: .max))
        bed.run(.seconds(2))
        bed.update(left, left.external("1.0.0.0/8", sequence: .max, age: 3600))
        bed.said = []
        bed.update(right, left.external("1.0.0.0/8", sequence: .max - 1))
        #expect(bed.listen().isEmpty && bed.drops(.lsaMaxSequence, on: 1) == 1)
    }

    @Test("Unknown LSAs at MaxAge are only acknowledged", .row("OSPF-FLD-1"))
    func maxAge() {
        let bed = pair()
        let lsa = left.external("1.0.0.0/8", age: 3600)
        bed.update(left, lsa)
        let said = bed.listen()
        #expect(said.count == 1 && said[0].acknowledgement == Acknowledgement([lsa.header]))
        #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9") == nil)
    }

    @Test("An LSA that its own flush overtook is not taken for a second", .row("OSPF-FLD-1"))
    func overtaken() {
        let bed = pair()
        let first = OSPFProtocol.initialSequence
        func isTaken(_ sequence: Int32) -> Bool {
            let lsa = left.external("1.0.0.0/8", sequence: sequence)
            bed.said = []
            bed.update(left, lsa)
            let isKnown = bed.lsa(.external, "1.0.0.0", "9.9.9.9") != nil
            let said = bed.listen().compactMap(\.acknowledgement)
            #expect(isKnown || said.isEmpty, "if it is another one it has to come again")
            return isKnown
        }
        bed.update(left, left.external("1.0.0.0/8", sequence: first + 1, age: 3600))
        #expect(!isTaken(first + 1) && !isTaken(first))
        bed.run(.milliseconds(1001))
        #expect(isTaken(first), "a second later it is another one")
        let other = pair()
        other.update(left, left.external("1.0.0.0/8", sequence: first, age: 3600))
        other.update(left, left.external("1.0.0.0/8", sequence: first + 1))
        #expect(other.lsa(.external, "1.0.0.0", "9.9.9.9") != nil, "a newer one is")
        // What was known and flushed is gone when it is confirmed; a copy was still on its way.
        other.acknowledge(right, other.listen(.seconds(1)).flatMap(\.lsas))
        other.update(left, left.external("1.0.0.0/8", sequence: first + 1, age: 3600))
        other.acknowledge(right, other.listen().flatMap(\.lsas))
        #expect(other.lsa(.external, "1.0.0.0", "9.9.9.9") == nil)
        other.update(left, left.external("1.0.0.0/8", sequence: first + 1))
        #expect(other.lsa(.external, "1.0.0.0", "9.9.9.9") == nil)
        #expect(other.drops(.lsaFlushed) == 1)
    }

    @Test("Who repeats an LSA that was flushed hears of that", .row("OSPF-FLD-1", "OSPF-FLD-6"))
    func repeated() {
        let bed = pair()
        let lsa = left.external("1.0.0.0/8", age: 100)
        let flush = left.external("1.0.0.0/8", age: 3600)
        func answer() -> [LSA] {
            bed.said = []
            bed.update(left, lsa)
            #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9") == nil)
            return bed.listen().flatMap(\.lsas)
        }
        bed.update(left, flush)
        bed.run(.seconds(5))
        #expect(answer() == [flush])
        #expect(bed.drops(.lsaFlushed) == 1 && bed.drops(.lsaEarly) == 0)
        #expect(answer() == [] && bed.drops(.lsaEarly) == 1, "not again within MinLSArrival")
        bed.run(.seconds(5))
        #expect(answer() == [flush])
        bed.run(.seconds(20))
        bed.update(left, lsa)
        #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9") != nil, "that was long ago")
        let other = pair()
        other.update(left, flush)
        other.run(.seconds(5))
        other.update(left, left.external("1.0.0.0/8", age: 4))
        #expect(other.lsa(.external, "1.0.0.0", "9.9.9.9") != nil, "made after the flush")
    }

    @Test("However many flushes there were, half a minute later there is room", .row("S51"))
    func manyOvertaken() {
        var (overtaken, now) = (Overtaken(), Instant.zero + .seconds(1))
        var header = left.external("1.0.0.0/8", age: 3600).header
        func isTaken(_ number: UInt32) -> Bool {
            var header = left.external("1.0.0.0/8").header
            header.id = IPv4Address(number)
            return overtaken.judge(header, .system, shortestArrival: .seconds(1), at: now) == .taken
        }
        func note(_ numbers: Range<UInt32>) {
            for number in numbers {
                header.id = IPv4Address(number)
                overtaken.note(header, .system, at: now)
            }
        }
        note(0..<20_000)
        #expect(overtaken.count == Overtaken.most && !isTaken(0) && isTaken(19_999))
        now = now + Overtaken.span
        note(19_999..<20_000)
        #expect(!isTaken(19_999) && isTaken(0), "that is past")
        #expect(overtaken.count == Overtaken.most + 1)
        now = now + Overtaken.span
        note(0..<1)
        #expect(overtaken.count == 2)
    }

    @Test("What is wrong with one LSA does not matter to the next", .row("OSPF-FLD-1", "S51"))
    func bad() {
        let bed = pair()
        let good = left.external("1.0.0.0/8")
        var wrong = left.external("2.0.0.0/8").bytes
        wrong[25] ^= 1
        var unknown = LSATests.mended(left.external("3.0.0.0/8").bytes)
        unknown[3] = 8
        unknown = LSATests.mended(unknown)
        let forged = LSATests.lsa(.router, id: "6.6.6.6", router: "7.7.7.7", body: [0, 0, 0, 0])
        let body: [UInt8] = [0, 0, 0, 4] + wrong + unknown + forged.bytes + good.bytes
        bed.hear(.update, body, from: left)
        #expect(bed.drops(.lsaChecksum) == 1 && bed.drops(.lsaType) == 1)
        #expect(bed.drops(.lsaRouter) == 1)
        #expect(bed.lsa(.external, "1.0.0.0", "9.9.9.9") != nil)
        #expect(
            bed.listen(.seconds(1)).compactMap(\.acknowledgement) == [
                Acknowledgement([good.header])
            ])
    }

    @Test("What is not acknowledged is sent again, to the neighbour alone", .row("OSPF-RXM-1"))
    func retransmission() {
        let bed = pair()
        bed.update(left, left.external("1.0.0.0/8"))
        #expect(bed.listen().count == 1)
        bed.hello(right)
        bed.hello(left)
        #expect(bed.listen(.milliseconds(4900)).filter { $0.kind == 4 }.isEmpty)
        let again = bed.listen(.milliseconds(200)).filter { $0.kind == 4 }
        #expect(again.count == 1 && again[0].destination == right.address)
        #expect(again[0].lsas.first?.header.age == 7, "it has grown older")
        bed.acknowledge(right, again[0].lsas)
        bed.hello(right)
        #expect(bed.listen(.seconds(20)).filter { $0.kind == 4 }.isEmpty)
    }

    @Test(
        "The more often an LSA was sent again, the longer until it is once more", .rfc(4222, "2"),
        .row("OSPF-RXM-1"))
    func backOff() {
        let bed = pair()
        var sequence = OSPFProtocol.initialSequence
        /// Seconds after the news at which it is sent to the right; it is silent but for hellos.
        func moments(_ seconds: Int) -> [Int] {
            bed.said = []
            bed.update(left, left.external("1.0.0.0/8", sequence: sequence))
            var result: [Int] = []
            for second in 0..<seconds {
                bed.hello(left)
                bed.hello(right)
                let said = bed.listen(.seconds(1)).filter { $0.interface == 1 && $0.kind == 4 }
                if said.contains(where: { !$0.lsas.isEmpty }) { result.append(second) }
            }
            sequence += 1
            return result
        }
        #expect(moments(120) == [0, 4, 14, 34, 74, 114])
        #expect(moments(20) == [0, 4, 14], "another instance is new")
        #expect(bed.engine.neighbors.first { $0.interface == 1 }?.retransmissions == 1)
    }

    @Test("A neighbour that confirms late slows a flood down", .rfc(4222, "2"))
    func congestion() {
        /// How long until 4,000 LSAs have gone on to a neighbour that confirms them or not.
        func time(isPrompt: Bool) -> Interval {
            let bed = pair {
                $0.limits.floodBurst = 2
                $0.limits.unconfirmed = 200
            }
            bed.said = []
            for start in stride(from: 0, to: 4000, by: 40) {
                let lsas = (start..<start + 40).map {
                    left.external("20.\($0 / 256).\($0 % 256).0/24")
                }
                bed.hear(.update, Update.bytes(lsas), from: left)
            }
            let began = bed.now
            var heard = 0
            while heard < 4000, bed.now < began + .seconds(9) {
                let said = bed.listen(.milliseconds(1)).filter { $0.interface == 1 }
                let lsas = said.flatMap(\.lsas)
                heard += lsas.count
                if isPrompt { bed.acknowledge(right, lsas) }
            }
            return bed.now - began
        }
        let (fast, slow) = (time(isPrompt: true), time(isPrompt: false))
        #expect(fast < .milliseconds(700), "\(fast)")
        #expect(slow > .seconds(4) && slow < .milliseconds(4900), "\(slow)")
    }

    @Test("An acknowledgement of another instance is none", .row("OSPF-RXM-1"))
    func staleAcknowledgement() {
        let bed = pair()
        let sequence = OSPFProtocol.initialSequence
        bed.update(left, left.external("1.0.0.0/8", sequence: sequence + 1))
        bed.acknowledge(right, [left.external("1.0.0.0/8", sequence: sequence)])
        #expect(bed.drops(.acknowledgementStale, on: 1) == 1)
        #expect(bed.engine.neighbors.first { $0.interface == 1 }?.retransmissions == 1)
    }

    @Test("Twenty thousand lost LSAs come in within ten seconds", .row("OSPF-RXM-2"))
    func window() {
        let bed = pair { $0.limits.lsas = 30_000 }
        var batch: [LSA] = []
        for number in 0..<20_000 {
            batch.append(left.external("20.\(number / 256).\(number % 256).0/24"))
            if batch.count == 40 {
                bed.hear(.update, Update.bytes(batch), from: left)
                batch = []
            }
        }
        bed.run(.seconds(1))
        bed.said = []
        var count = 0
        for _ in 0..<90 {
            bed.run(.milliseconds(100))
            let lsas = bed.said.filter { $0.kind == 4 && $0.interface == 1 }.flatMap(\.lsas)
            bed.said = []
            count += lsas.count
            bed.hello(right)
            bed.acknowledge(right, lsas)
        }
        #expect(count == 20_000, "\(count)")
        #expect(bed.engine.neighbors.first { $0.interface == 1 }?.retransmissions == 0)
    }

    @Test(
        "On a network others flood, the Designated Router floods back",
        .row("OSPF-FLD-6", "OSPF-PKT-1"))
    func network() {
        // 9.9.9.9 is Designated Router; we are neither.
        let bed = Bed(.broadcast, count: 1) { $0.interfaces[0]?.priority = 0 }
        let second = Peer("8.8.8.8", "10.0.0.8")
        for _ in 0..<2 {
            for one in [left, second] { bed.hello(one, first: "10.0.0.9", second: "10.0.0.8") }
        }
        for one in [left, second] {
            bed.describe(one, [.initial, .more, .master], 100)
            bed.describe(one, .master, 101)
        }
        #expect(bed.state(left) == .full && bed.state(second) == .full)
        let own = bed.listen(.seconds(2)).filter { $0.kind == 4 }
        #expect(own.first?.destination == OSPFProtocol.allDesignated)
        bed.acknowledge(left, own.flatMap(\.lsas))
        bed.acknowledge(second, own.flatMap(\.lsas))
        bed.run(.seconds(2))
        bed.said = []
        bed.update(left, left.external("1.0.0.0/8"))
        #expect(bed.listen().isEmpty, "from the Designated Router: all have it")
        let later = bed.listen(.seconds(1))
        #expect(later.count == 1 && later[0].kind == 5)
        #expect(later[0].destination == OSPFProtocol.allDesignated)

        // We are Designated Router.
        let first = Bed(.broadcast, count: 1) { $0.interfaces[0]?.priority = 9 }
        first.run(.seconds(41))
        for one in [left, second] {
            first.hello(one, first: "10.0.0.5")
            first.describe(one, [.initial, .more, .master], 100)
            first.describe(one, .master, 101)
        }
        first.run(.seconds(3))
        first.said = []
        first.update(left, left.external("2.0.0.0/8"))
        #expect(first.listen().isEmpty, "nor from the Backup")
        first.run(.seconds(2))
        first.said = []
        first.update(second, second.external("1.0.0.0/8"))
        let said = first.listen()
        #expect(said.map(\.kind) == [4] && said[0].destination == OSPFProtocol.allRouters)
        #expect(
            first.listen(.seconds(1)).filter { $0.kind == 5 }.isEmpty,
            "flooding back acknowledges")
    }

    @Test(
        "The Backup keeps quiet unless the Designated Router speaks",
        .row("OSPF-FLD-6", "OSPF-ACK-1"))
    func backup() {
        let bed = Bed(.broadcast, count: 1)
        let other = Peer("2.2.2.2", "10.0.0.2")
        bed.hello(left, first: "10.0.0.9")
        bed.hello(left, first: "10.0.0.9", second: "10.0.0.5")
        bed.hello(other, first: "10.0.0.9", second: "10.0.0.5")
        #expect(bed.engine.interface(0)?.state == .backup)
        bed.describe(left, [.initial, .more, .master], 100)
        bed.describe(left, .master, 101)
        let dd = bed.said.compactMap(\.dd).last { $0.flags.contains(.initial) }
        bed.describe(other, .more, dd?.sequence ?? 0)
        bed.describe(other, [], (dd?.sequence ?? 0) &+ 1)
        #expect(bed.state(left) == .full && bed.state(other) == .full)
        bed.run(.seconds(3))
        bed.said = []
        bed.update(other, other.external("1.0.0.0/8"))
        #expect(bed.listen(.seconds(1)).isEmpty)
        bed.update(left, left.external("2.0.0.0/8"))
        #expect(bed.listen(.seconds(1)).map(\.kind) == [5])
    }

    @Test("Opaque LSAs go to those who take them, within their scope", .row("OSPF-OPQ-1"))
    func opaque() {
        var dull = right
        dull.options = .external
        let bed = Bed(count: 3)
        let third = Peer("7.7.7.7", "10.2.0.7", on: 2)
        bed.befriend(left)
        bed.befriend(dull)
        bed.befriend(third)
        bed.run(.seconds(3))
        bed.said = []
        for type in [LSAType.opaqueArea, .opaqueSystem] {
            bed.update(left, left.lsa(type, id: "1.0.0.1", body: [1, 2, 3, 4]))
            #expect(Set(bed.listen().filter { $0.kind == 4 }.map(\.interface)) == [2])
        }
        bed.update(left, left.lsa(.opaqueLink, id: "1.0.0.1", body: []))
        #expect(bed.listen().filter { $0.kind == 4 }.isEmpty)
        #expect(bed.engine.lsas.filter { $0.type.isOpaque }.count == 3)
    }

    @Test("A full database takes no more, and neighbours stay", .row("S51"))
    func full() {
        let bed = pair { $0.limits.lsas = 10 }
        for number in 1..<40 {
            bed.update(left, left.external("\(number).0.0.0/8"))
        }
        #expect(bed.engine.lsas.count == 10 && bed.drops(.databaseFull) > 0)
        #expect(bed.state(left) == .full)
    }

    @Test("So does one that is full of octets, but what is no longer than before")
    func fullOfOctets() {
        let bed = pair { $0.limits.octets = 1000 }
        for number in 1..<40 {
            bed.update(left, left.external("\(number).0.0.0/8"))
        }
        let count = bed.engine.lsas.count
        #expect((20...28).contains(count) && bed.drops(.databaseFull) > 0)
        #expect(bed.state(left) == .full)
        bed.run(.seconds(2))
        let dropped = bed.drops(.databaseFull)
        bed.update(
            left, left.external("1.0.0.0/8", sequence: OSPFProtocol.initialSequence + 1))
        #expect(bed.drops(.databaseFull) == dropped && bed.engine.lsas.count == count)
    }

    @Test("What was asked for may be followed by the next instance at once", .row("OSPF-FLD-2"))
    func afterRequest() {
        let bed = Bed()
        bed.befriend(left, [left.routerLSA()])
        bed.update(left, left.routerLSA(sequence: OSPFProtocol.initialSequence + 1))
        #expect(bed.drops(.lsaEarly) == 0)
        bed.update(left, left.routerLSA(sequence: OSPFProtocol.initialSequence + 2))
        #expect(bed.drops(.lsaEarly) == 1, "but then not")
    }

    @Test("LSAs still wanted are taken from whoever has them", .row("OSPF-FLD-6"))
    func requested() {
        let bed = Bed()
        bed.befriend(left)
        bed.hello(right)
        bed.describe(right, [.initial, .more, .master], 100)
        let lsa = left.external("1.0.0.0/8")
        bed.describe(right, .master, 101, [lsa])
        #expect(bed.state(right) == .loading)
        bed.update(left, lsa)
        #expect(bed.state(right) == .full, "the neighbour who was asked has it already")
        #expect(bed.engine.neighbors.first { $0.router == right.router }?.requests == 0)
    }

    @Test(
        "An answer older than what was described starts the exchange anew",
        .row("OSPF-FLD-6", "OSPF-NSM-3"))
    func olderThanDescribed() {
        let bed = Bed()
        let sequence = OSPFProtocol.initialSequence
        bed.befriend(left, [right.external("1.0.0.0/8", sequence: sequence + 1)])
        bed.hello(right)
        bed.describe(right, [.initial, .more, .master], 100)
        bed.describe(right, .master, 101, [right.external("1.0.0.0/8", sequence: sequence + 2)])
        bed.run(.seconds(2))
        bed.update(right, right.external("1.0.0.0/8", sequence: sequence + 1))
        #expect(bed.state(right) == .exStart)
    }
}
