import Support
import Testing
import Wire

@testable import OSPF

@Suite("OSPF: the tables of the RFC")
struct MachineTests {
    /// One letter a state, in order; a dot for an event that changes nothing.
    static let neighborLetters: [Character: OSPFNeighborState] = [
        "D": .down, "A": .attempt, "I": .initial, "2": .twoWay, "S": .exStart, "E": .exchange,
        "L": .loading, "F": .full,
    ]

    /// Event, whether an adjacency is wanted, whether nothing is left to ask for (nil: whichever),
    /// and what becomes of each state.
    static let neighborTable: [(NeighborEvent, Bool?, Bool?, String)] = [
        (.helloReceived, nil, nil, "II......"),
        (.start, nil, nil, "A......."),
        (.twoWayReceived, true, nil, "..S....."),
        (.twoWayReceived, false, nil, "..2....."),
        (.negotiationDone, nil, nil, "....E..."),
        (.exchangeDone, nil, true, ".....F.."),
        (.exchangeDone, nil, false, ".....L.."),
        (.badLSReq, nil, nil, ".....SSS"),
        (.loadingDone, nil, nil, "......F."),
        (.adjOK, true, nil, "...S...."),
        (.adjOK, false, nil, "....2222"),
        (.seqNumberMismatch, nil, nil, ".....SSS"),
        (.oneWayReceived, nil, nil, "...IIIII"),
        (.killNbr, nil, nil, "DDDDDDDD"),
        (.inactivityTimer, nil, nil, "DDDDDDDD"),
        (.llDown, nil, nil, "DDDDDDDD"),
    ]

    @Test(
        "Every neighbour state and every event", .rfc(2328, "10.3"),
        .row("OSPF-NSM-1", "OSPF-NSM-3", "OSPF-NSM-4"))
    func neighbors() {
        var seen: Set<NeighborEvent> = []
        for (event, wanted, loaded, line) in Self.neighborTable {
            seen.insert(event)
            #expect(line.count == OSPFNeighborState.allCases.count)
            for (state, letter) in zip(OSPFNeighborState.allCases, line) {
                for isWanted in [true, false] where wanted == nil || wanted == isWanted {
                    for isLoaded in [true, false] where loaded == nil || loaded == isLoaded {
                        let next = state.next(on: event, isWanted: isWanted, isLoaded: isLoaded)
                        #expect(
                            next == Self.neighborLetters[letter],
                            "\(state) on \(event), \(isWanted), \(isLoaded)")
                    }
                }
            }
        }
        #expect(seen.count == NeighborEvent.allCases.count)
    }

    static let interfaceLetters: [Character: InterfaceStep] = [
        "D": .to(.down), "L": .to(.loopback), "W": .to(.waiting), "P": .to(.pointToPoint),
        "N": .to(.neither), "?": .elect,
    ]

    /// Event, whether the link is point-to-point, whether we are eligible, and what becomes of
    /// down, loopback, waiting, point-to-point, neither, backup, designated.
    static let interfaceTable: [(InterfaceEvent, Bool?, Bool?, String)] = [
        (.interfaceUp, true, nil, "P......"),
        (.interfaceUp, false, true, "W......"),
        (.interfaceUp, false, false, "N......"),
        (.waitTimer, nil, nil, "..?...."),
        (.backupSeen, nil, nil, "..?...."),
        (.neighborChange, nil, nil, "....???"),
        (.loopInd, nil, nil, "LLLLLLL"),
        (.unloopInd, nil, nil, ".D....."),
        (.interfaceDown, nil, nil, "DDDDDDD"),
    ]

    @Test("Every interface state and every event", .rfc(2328, "9.3"), .row("OSPF-ISM-1"))
    func interfaces() {
        var seen: Set<InterfaceEvent> = []
        for (event, pointToPoint, eligible, line) in Self.interfaceTable {
            seen.insert(event)
            #expect(line.count == OSPFInterfaceState.allCases.count)
            for (state, letter) in zip(OSPFInterfaceState.allCases, line) {
                for isP2P in [true, false] where pointToPoint == nil || pointToPoint == isP2P {
                    for isEligible in [true, false] where eligible == nil || eligible == isEligible
                    {
                        let next = state.next(
                            on: event, isPointToPoint: isP2P, isEligible: isEligible)
                        #expect(next == Self.interfaceLetters[letter], "\(state) on \(event)")
                    }
                }
            }
        }
        #expect(seen.count == InterfaceEvent.allCases.count)
    }
}

@Suite("OSPF: election", .rfc(2328, "9.4"))
struct ElectionTests {
    /// Router n.n.n.n at 10.0.0.n; offices are said by the last octet of an address.
    static func one(
        _ number: UInt8, priority: UInt8 = 1, first: UInt8 = 0, second: UInt8 = 0
    ) -> Candidate {
        func address(_ last: UInt8) -> IPv4Address {
            last == 0 ? .unspecified : IPv4Address(10, 0, 0, last)
        }
        return Candidate(
            router: IPv4Address(number, number, number, number), address: address(number),
            priority: priority, designated: address(first), backup: address(second))
    }

    /// The last octets of who holds which office.
    static func elect(_ own: Candidate, _ others: Candidate...) -> [UInt32] {
        let result = Election(own, others)
        return [result.designated.rawValue & 255, result.backup.rawValue & 255]
    }

    @Test("Priority, then router id", .row("OSPF-ISM-3"))
    func order() {
        #expect(Self.elect(Self.one(1)) == [1, 0])
        #expect(Self.elect(Self.one(1), Self.one(2)) == [2, 2], "the other has not said so yet")
        #expect(Self.elect(Self.one(2), Self.one(1)) == [2, 1])
        #expect(Self.elect(Self.one(3), Self.one(1), Self.one(2)) == [3, 2])
        #expect(Self.elect(Self.one(1, priority: 9), Self.one(3), Self.one(2)) == [1, 3])
    }

    @Test("Priority 0 never", .row("OSPF-ISM-3"))
    func ineligible() {
        #expect(Self.elect(Self.one(1, priority: 0)) == [0, 0])
        #expect(Self.elect(Self.one(9, priority: 0), Self.one(1)) == [1, 1])
        #expect(Self.elect(Self.one(1), Self.one(9, priority: 0, first: 9)) == [1, 0])
    }

    @Test("Who holds an office keeps it", .row("OSPF-ISM-3"))
    func stable() {
        #expect(
            Self.elect(Self.one(9), Self.one(1, first: 1), Self.one(2, first: 1, second: 2))
                == [1, 2])
        #expect(Self.elect(Self.one(9), Self.one(1, first: 1)) == [1, 9], "an office is free")
    }

    @Test("The Backup takes over, and another takes its place", .row("OSPF-ISM-3"))
    func succession() {
        let own = Self.one(2, first: 3, second: 2)
        #expect(Self.elect(own, Self.one(1, first: 3, second: 2)) == [2, 1])
    }

    @Test("Of two who say so after a partition one gives way", .row("OSPF-ISM-3"))
    func merge() {
        #expect(Self.elect(Self.one(1, first: 1), Self.one(2, first: 2)) == [2, 1])
        #expect(
            Self.elect(
                Self.one(1, first: 1, second: 3), Self.one(3, first: 1, second: 3),
                Self.one(2, first: 2)) == [2, 3])
    }
}
