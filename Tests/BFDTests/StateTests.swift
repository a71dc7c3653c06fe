import Support
import Testing

@testable import BFD

@Suite("BFD: the table of states", .rfc(5880, "6.8.6"))
struct StateTests {
    /// Every state and every state received; nil where nothing changes. From the figure in
    /// RFC 5880 §6.2 and the text of §6.8.6.
    static let table: [(BFDState, BFDState, BFDState?)] = [
        (.adminDown, .adminDown, nil), (.adminDown, .down, nil),
        (.adminDown, .initial, nil), (.adminDown, .up, nil),
        (.down, .adminDown, nil), (.down, .down, .initial),
        (.down, .initial, .up), (.down, .up, nil),
        (.initial, .adminDown, .down), (.initial, .down, nil),
        (.initial, .initial, .up), (.initial, .up, .up),
        (.up, .adminDown, .down), (.up, .down, .down),
        (.up, .initial, nil), (.up, .up, nil),
    ]

    @Test("Every state with every state received")
    func all() {
        #expect(Self.table.count == BFDState.allCases.count * BFDState.allCases.count)
        for (state, received, wanted) in Self.table {
            #expect(state.next(on: received) == wanted, "\(state) hears \(received)")
        }
    }

    @Test("A session does what the table says", arguments: 0..<table.count)
    func session(number: Int) throws {
        let (state, received, wanted) = Self.table[number]
        let bed = Bed()
        bed.wish(a: Bed.timing(50, 50))
        let mine = try #require(bed.row).mine
        func hear(_ told: BFDState) {
            let packet = BFDPacket(
                told, multiplier: 3, mine: 7, yours: mine, desiredTransmit: 50_000,
                requiredReceive: 50_000)
            bed.hear(packet.bytes)
        }
        switch state {
        case .adminDown:
            bed.wish(a: nil)
            hear(received)
            // It is not for people any more, and what comes is dropped.
            #expect(bed.row == nil && bed.a.sessionCount == 1)
            #expect(bed.a.drops(.unwanted, on: 0) == 1)
            return
        case .down: break
        case .initial: hear(.down)
        case .up:
            hear(.down)
            hear(.initial)
        }
        #expect(bed.row?.state == state)
        let (events, packets) = (bed.eventsOfA.count, bed.sentByA.count)
        hear(received)
        #expect(bed.row?.state == wanted ?? state)
        #expect(bed.row?.neighborState == received)
        guard let wanted else {
            #expect(bed.eventsOfA.count == events && bed.sentByA.count == packets)
            return
        }
        let why = wanted == .down ? BFDDiagnostic.neighborSignaledDown : .none
        #expect(
            bed.eventsOfA.last?.event
                == .state(Bed.peerOfA, from: state, to: wanted, why, neighbor: received))
        // The neighbour learns it at once, not at the next interval.
        #expect(bed.sentByA.last?.packet.state == wanted)
        #expect(bed.sentByA.last?.packet.diagnostic == why)
        #expect(bed.sentByA.last?.moment == bed.now)
    }
}
