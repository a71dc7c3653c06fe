import Memory
import Timing
import Wire

// The sessions that may give way to others, in the order in which they do (SECURITY S11).
//
// A host has a list for each class and end that began. A list is a ring: the one before the oldest
// is the newest. Its links lie in fields that a session of the class has no other use for, so that
// listing takes no memory, and costs time only when a session comes into a class or leaves it.

/// Sessions that may give way. What both ends use is in neither class, nor what fell idle.
enum SessionClass: UInt8, CaseIterable, Sendable {
    /// Only one end has sent.
    case embryonic = 0
    /// TCP that FINs of both ends or an accepted reset closed.
    case closed = 1

    var index: Int { Int(rawValue) }
    var flag: UInt8 { self == .embryonic ? SessionFlag.embryonic : SessionFlag.closed }
}

extension NAT {
    /// Counts a new session for its host, as its newest embryonic one.
    mutating func enlist(_ number: UInt32, _ direction: Direction) {
        hosts[mappings[members[number].mapping].host].add(1, direction)
        join(.embryonic, number)
        embryonicCount += 1
    }

    /// Both ends have sent, or the session ends: it is embryonic no more.
    mutating func hatch(_ number: UInt32) {
        guard sessions[number].flags & SessionFlag.embryonic != 0 else { return }
        leave(.embryonic, number)
        embryonicCount -= 1
    }

    /// The ends have closed a TCP session. What `Forwarding` decided for it is forgotten.
    mutating func close(_ number: UInt32) {
        let flags = sessions[number].flags
        guard flags & (SessionFlag.closed | SessionFlag.embryonic) == 0 else { return }
        join(.closed, number)
    }

    /// A closed session is used again, or ends.
    mutating func reopen(_ number: UInt32) {
        guard sessions[number].isClosed else { return }
        leave(.closed, number)
        sessions[number].neighbors = InlineArray(repeating: .max)
        sessions[number].epoch = 0
    }

    // MARK: Rings

    private mutating func join(_ kind: SessionClass, _ number: UInt32) {
        let host = mappings[members[number].mapping].host
        let direction = sessions[number].firstDirection
        let this = number + 1
        sessions[number].flags |= kind.flag
        let oldest = hosts[host].oldest[kind, direction]
        if oldest == 0 {
            sessions[number].links = Links(older: this, newer: this)
            hosts[host].oldest[kind, direction] = this
        } else {
            let newest = sessions[oldest - 1].links.older
            sessions[number].links = Links(older: newest, newer: oldest)
            sessions[newest - 1].links.newer = this
            sessions[oldest - 1].links.older = this
        }
        hosts[host].listed[kind.index] += 1
        if hosts[host].listed[kind.index] > hosts[heaviest[kind.index]].listed[kind.index] {
            heaviest[kind.index] = host
        }
    }

    private mutating func leave(_ kind: SessionClass, _ number: UInt32) {
        let host = mappings[members[number].mapping].host
        let direction = sessions[number].firstDirection
        let this = number + 1
        let links = sessions[number].links
        if links.newer == this {
            hosts[host].oldest[kind, direction] = 0
        } else {
            sessions[links.older - 1].links.newer = links.newer
            sessions[links.newer - 1].links.older = links.older
            if hosts[host].oldest[kind, direction] == this {
                hosts[host].oldest[kind, direction] = links.newer
            }
        }
        sessions[number].links = Links(older: 0, newer: 0)
        sessions[number].flags &= ~kind.flag
        hosts[host].listed[kind.index] -= 1
    }
}

/// Neighbours in a ring of sessions: record number + 1, or 0 in none.
struct Links {
    var older: UInt32
    var newer: UInt32
}

extension Session {
    /// Which end began.
    var firstDirection: Direction {
        flags & SessionFlag.startedInbound != 0 ? .inbound : .outbound
    }

    /// Whether it is of the class `closed`.
    var isClosed: Bool { flags & SessionFlag.closed != 0 }

    /// Of an embryonic session they are kept where the packets of the end that never sent would be
    /// counted; of a closed one where `Forwarding` would remember what it decided.
    var links: Links {
        get {
            guard !isClosed else {
                let older = UInt32(neighbors[0]) | UInt32(neighbors[1]) << 16
                return Links(older: older, newer: epoch)
            }
            let tally = firstDirection == .inbound ? outbound : inbound
            return Links(older: tally.lowPackets, newer: tally.lowOctets)
        }
        set {
            guard !isClosed else {
                neighbors[0] = UInt16(truncatingIfNeeded: newValue.older)
                neighbors[1] = UInt16(truncatingIfNeeded: newValue.older >> 16)
                epoch = newValue.newer
                return
            }
            var tally = Tally()
            tally.lowPackets = newValue.older
            tally.lowOctets = newValue.newer
            if firstDirection == .inbound { outbound = tally } else { inbound = tally }
        }
    }

    /// As it is to be shown: without links where counters are.
    var shown: Session {
        var copy = self
        if flags & SessionFlag.embryonic != 0 { copy.links = Links(older: 0, newer: 0) }
        return copy
    }
}

/// The oldest session of each class, by the end that began: record number + 1, or 0. Fixed layout,
/// 16 octets.
struct Oldest: BitwiseCopyable, Sendable {
    private var records = InlineArray<4, UInt32>(repeating: 0)

    subscript(kind: SessionClass, direction: Direction) -> UInt32 {
        get { records[kind.index * 2 + Int(direction.rawValue)] }
        set { records[kind.index * 2 + Int(direction.rawValue)] = newValue }
    }

    /// Whether one that `direction` began may give way.
    func hasAny(_ direction: Direction) -> Bool {
        SessionClass.allCases.contains { self[$0, direction] != 0 }
    }
}
