import NAT
import Support
import Testing
import Wire

/// The state table of RFC 7857 §2 written out once more, by hand, and compared in full.
@Suite("TCP phases", .rfc(7857, "2"))
struct TCPPhaseTests {
    /// What a segment is for the table: RST is looked at first, then SYN, then FIN.
    enum Kind: CaseIterable {
        case data
        case finOut
        case finIn
        case synOut
        case synIn
        case reset
    }

    /// Columns: data, FIN from inside and from the remote, SYN from inside and from the remote,
    /// RST.
    static let table: [SessionPhase: [SessionPhase]] = [
        .synOutbound: [
            .synOutbound, .synOutbound, .synOutbound, .synOutbound, .established, .synOutbound,
        ],
        .synInbound: [
            .synInbound, .synInbound, .synInbound, .established, .synInbound, .synInbound,
        ],
        .established: [
            .established, .finOutbound, .finInbound, .established, .established, .transitory,
        ],
        .finOutbound: [
            .finOutbound, .finOutbound, .closing, .finOutbound, .finOutbound, .transitory,
        ],
        .finInbound: [
            .finInbound, .closing, .finInbound, .finInbound, .finInbound, .transitory,
        ],
        .closing: [.closing, .closing, .closing, .synOutbound, .synInbound, .closing],
        .transitory: [
            .established, .finOutbound, .finInbound, .synOutbound, .synInbound, .transitory,
        ],
    ]

    static func kind(_ flags: TCPFlags, _ direction: Direction) -> Kind {
        if flags.contains(.rst) { return .reset }
        if flags.contains(.syn) { return direction == .outbound ? .synOut : .synIn }
        if flags.contains(.fin) { return direction == .outbound ? .finOut : .finIn }
        return .data
    }

    @Test("Every phase, all 256 flag octets, both directions", .row("X-2"), .row("X-2.2"))
    func exhaustive() throws {
        for (phase, row) in Self.table {
            for octet in UInt8.min...UInt8.max {
                for direction in [Direction.outbound, .inbound] {
                    let flags = TCPFlags(rawValue: octet)
                    let kind = Self.kind(flags, direction)
                    let column = try #require(Kind.allCases.firstIndex(of: kind))
                    #expect(
                        phase.next(on: flags, direction) == row[column],
                        "\(phase), flags \(octet), \(direction)")
                }
            }
        }
        #expect(Self.table.count == 7)
    }

    @Test("One end alone never gets a session the established time", .row("X-2"), .row("T-2"))
    func oneEnd() {
        for direction in [Direction.outbound, .inbound] {
            var seen: Set<SessionPhase> = []
            var open: [SessionPhase] = [direction == .outbound ? .synOutbound : .synInbound]
            while let phase = open.popLast() {
                guard seen.insert(phase).inserted else { continue }
                for octet in UInt8.min...UInt8.max {
                    open.append(phase.next(on: TCPFlags(rawValue: octet), direction))
                }
            }
            #expect(!seen.contains { $0.isEstablished }, "\(direction): \(seen)")
        }
    }

    @Test("Simultaneous open is established by the second SYN", .row("T-2a"))
    func simultaneousOpen() {
        #expect(SessionPhase.synOutbound.next(on: .syn, .inbound) == .established)
        #expect(SessionPhase.synInbound.next(on: [.syn, .ack], .outbound) == .established)
    }

    @Test("Half closed counts as established, closing and opening do not", .row("T-5"))
    func times() {
        let long: Set<SessionPhase> = [.established, .finOutbound, .finInbound]
        for phase in SessionPhase.allCases {
            #expect(phase.isEstablished == long.contains(phase), "\(phase)")
        }
    }
}
