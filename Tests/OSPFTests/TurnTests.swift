import Support
import Testing
import Timing
import Wire

@testable import OSPF

@Suite("OSPF: neighbours that come up at once", .rfc(4222, "2"))
struct TurnTests {
    let peers = (0..<50).map { number in
        // We lead half of them.
        Peer("\(number % 2 == 0 ? 9 : 1).0.0.\(number + 1)", "10.0.0.\(100 + number)")
    }

    /// We speak for a network on which all of them are heard, one after the other.
    private func bed(_ edit: (inout OSPFSettings) -> Void = { _ in }) -> Bed {
        let bed = Bed(.broadcast, edit)
        bed.run(.seconds(41))
        for peer in peers { bed.hello(peer, first: "10.0.0.5") }
        return bed
    }

    private func states(_ bed: Bed) -> [OSPFNeighborState] { peers.map { bed.state($0) } }

    private func comingUp(_ bed: Bed) -> [Int] {
        states(bed).indices.filter { states(bed)[$0] >= .exStart && states(bed)[$0] < .full }
    }

    /// The end of an exchange that has begun.
    private func finish(_ bed: Bed, _ number: Int) {
        let peer = peers[number]
        if number % 2 == 0 {
            bed.describe(peer, [.initial, .more, .master], 100)
            bed.describe(peer, .master, 101)
        } else if let ours = bed.said.last(where: { $0.destination == peer.address })?.dd {
            bed.describe(peer, .more, ours.sequence)
            bed.describe(peer, [], ours.sequence &+ 1)
        }
    }

    @Test("No more than sixteen, first come, first served, and all in the end")
    func inTurn() {
        let bed = bed()
        #expect(comingUp(bed) == Array(0..<16))
        #expect(states(bed)[16...].allSatisfy { $0 == .twoWay })
        for number in peers.indices {
            finish(bed, number)
            #expect(bed.state(peers[number]) == .full)
            #expect(comingUp(bed) == Array(number + 1..<min(number + 17, peers.count)))
        }
        // Who is full and begins anew waits for nobody, and takes nobody's place.
        bed.describe(peers[7], .master, 500)
        #expect(comingUp(bed) == [7])
    }

    @Test("Who takes too long keeps nobody from coming up, nor does who leaves")
    func silent() {
        let bed = bed { $0.limits.exchanges = 2 }
        #expect(comingUp(bed) == [0, 1])
        bed.run(.milliseconds(4999))
        #expect(comingUp(bed) == [0, 1])
        bed.run(.milliseconds(2))
        #expect(comingUp(bed) == [0, 1, 2, 3])
        bed.hello(peers[3], knows: false)
        #expect(comingUp(bed) == [0, 1, 2, 4])
        // It waits at the end of the queue now.
        bed.hello(peers[3], first: "10.0.0.5")
        for number in [2, 4] { finish(bed, number) }
        #expect(comingUp(bed) == [0, 1, 5, 6] && bed.state(peers[3]) == .twoWay)
        // Late, but all the same.
        for number in [0, 1] { finish(bed, number) }
        #expect(bed.state(peers[0]) == .full && bed.state(peers[1]) == .full)
    }

    @Test("What a neighbour proposes meanwhile is answered when its turn comes", .row("OSPF-DD-1"))
    func proposal() {
        let bed = bed { $0.limits.exchanges = 1 }
        bed.describe(peers[2], [.initial, .more, .master], 77)
        #expect(bed.state(peers[2]) == .twoWay && bed.drops(.neighborState) == 0)
        for number in 0...1 { finish(bed, number) }
        let answers = bed.listen().filter { $0.destination == peers[2].address }.compactMap(\.dd)
        #expect(answers.map(\.sequence).last == 77 && answers.last?.flags == [])
        #expect(bed.state(peers[2]) == .exchange)
    }
}
