public import Timing
public import Wire

/// Why a router that is heard does not become a neighbour, or gets no further.
public struct OSPFFault: Hashable, Sendable {
    /// Number of the interface.
    public var interface: Int
    /// Who sent the packets.
    public var address: IPv4Address
    /// Why they were dropped.
    public var reason: OSPFDrop
    /// What it says, where both must say the same: an area, a mask, seconds, octets.
    public var theirs: UInt32
    /// What holds here.
    public var ours: UInt32
    /// When the last such packet came.
    public var heard: Instant
    /// Packets dropped for it.
    public var packets: UInt64

    /// What is wrong and what to change, in a sentence.
    public var explanation: String {
        let (its, own) = (IPv4Address(theirs), IPv4Address(ours))
        switch reason {
        case .area: return "it has this link in area \(its), we have it in area \(own)"
        case .helloMask: return "its netmask is \(its), ours \(own)"
        case .helloInterval: return "its hello-interval is \(theirs) s, ours \(ours) s"
        case .deadInterval: return "its dead-interval is \(theirs) s, ours \(ours) s"
        case .helloOptions:
            let (what, other) = (Self.areaKind(theirs), Self.areaKind(ours))
            return "it takes the area for a \(what) one, we for a \(other) one"
        case .exchangeMTU:
            return "its MTU is \(theirs), ours \(ours): make them equal, or set mtu-ignore"
        case .duplicateRouter: return "it has our router-id \(own): give one of the two another"
        case .authenticationType:
            return "it authenticates by \(Self.authentication(theirs)), we by "
                + Self.authentication(ours)
        case .authenticationKey: return "no key here has its number \(theirs) and algorithm"
        default: return reason.meaning
        }
    }

    private static func areaKind(_ options: UInt32) -> String {
        switch OSPFOptions(rawValue: UInt8(truncatingIfNeeded: options)) {
        case []: "stub"
        case .nssa: "not-so-stubby"
        default: "normal"
        }
    }

    private static func authentication(_ type: UInt32) -> String {
        switch type {
        case 0: "nothing"
        case 1: "password"
        case 2: "key"
        case 3: "key with extended-sequence"
        default: "type \(type)"
        }
    }
}

extension OSPFDrop {
    /// Whether the sender, or we, have to be configured otherwise.
    var isFault: Bool {
        switch self {
        case .area, .offLink, .duplicateRouter, .helloMask, .helloInterval, .deadInterval,
            .helloOptions, .helloRouter, .exchangeMTU, .authenticationType,
            .authenticationPassword, .authenticationKey, .authenticationDigest,
            .authenticationReplay:
            true
        default: false
        }
    }

    /// Whether it happens although nothing is wrong.
    var isHarmless: Bool {
        switch self {
        case .notDesignated, .exchangeDuplicate, .acknowledgementStale, .interfaceOff: true
        default: false
        }
    }
}

extension OSPFEngine {
    private static let mostFaults = 16
    private static let memory = Interval.seconds(300)

    /// What keeps routers from being neighbours: heard of in the last 5 minutes, at most 16.
    public var faults: [OSPFFault] { noted.filter { now - $0.heard < Self.memory } }

    /// A reason to be thrown that two values differ which must not.
    mutating func differ(_ reason: OSPFDrop, theirs: UInt32, ours: UInt32) -> OSPFDrop {
        difference = (theirs, ours)
        return reason
    }

    /// Keeps in mind why a packet was dropped; tells of what is new.
    mutating func note(_ reason: OSPFDrop, _ source: IPv4Address, on number: Int) {
        let (theirs, ours) = difference ?? (0, 0)
        difference = nil
        guard reason.isFault else { return }
        noted.removeAll { now - $0.heard >= Self.memory }
        let known = noted.firstIndex {
            $0.interface == number && $0.address == source && $0.reason == reason
                && $0.theirs == theirs && $0.ours == ours
        }
        if let known {
            noted[known].heard = now
            noted[known].packets &+= 1
            return
        }
        let fault = OSPFFault(
            interface: number, address: source, reason: reason, theirs: theirs, ours: ours,
            heard: now, packets: 1)
        if noted.count >= Self.mostFaults { noted.removeFirst() }
        noted.append(fault)
        out.events.append(.fault(fault))
    }

    /// Forgets what was wrong with a router that became a neighbour.
    mutating func forgive(_ address: IPv4Address, on number: Int) {
        noted.removeAll { $0.interface == number && $0.address == address }
    }
}
