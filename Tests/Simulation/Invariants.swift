public import NAT
public import Support
public import Wire

/// What the tables of a gateway hold, all workers taken together.
public struct Tables {
    /// Their sessions.
    public private(set) var sessions: [Session] = []
    /// How many they say there are.
    public private(set) var sessionCount = 0
    /// Sessions there is room for.
    public private(set) var sessionCapacity = 0
    /// Mappings they say there are.
    public private(set) var mappingCount = 0

    init(_ nat: borrowing NAT) { add(nat) }

    mutating func add(_ nat: borrowing NAT) {
        for number in 0..<nat.sessionLimit where nat.isInUse(number) {
            sessions.append(nat.session(number))
        }
        sessionCount += nat.sessionCount
        sessionCapacity += nat.sessionCapacity
        mappingCount += nat.mappingCount
    }
}

/// What must hold after everything that happens, whatever the traffic (SECURITY §4).
///
/// Packets are recognized by their identification, which must be unique in a run; the gateway's own
/// have 0.
public struct Invariants {
    private let inside: IPv4Prefix
    private let mtu = 1500
    private var timeToLive: [String: Int] = [:]
    private var damaged: Set<String> = []
    private var sessions = 0
    private var mappings = 0
    /// Frames of hosts that the gateway passed on, and answers it gave to pings.
    public private(set) var passed = 0

    /// Rules for a gateway whose inside network is `inside`.
    public init(inside: IPv4Prefix = prefix("192.168.50.0/24")) { self.inside = inside }

    /// What is wrong after `seen`; empty if nothing is.
    public mutating func violations(
        _ seen: Observation, _ router: Tables
    ) -> [String] {
        var found = tables(router)
        if let arrived = seen.arrived {
            found += note(arrived.frame, router)
        }
        for frame in seen.sent where frame.isInternet { found += check(frame, router) }
        sessions = router.sessionCount
        mappings = router.mappingCount
        return found
    }

    /// S-1: no outside endpoint belongs to two inside endpoints. Tables keep to their capacity.
    private func tables(_ nat: Tables) -> [String] {
        var owners: [[UInt32]: [UInt32]] = [:]
        var flows: Set<[UInt32]> = []
        var found: [String] = []
        var count = 0
        for session in nat.sessions {
            count += 1
            let transport = UInt32(session.transport)
            let outside = [transport, session.outsideAddress, UInt32(session.outsidePort)]
            let owner = [session.insideAddress, UInt32(session.insidePort)]
            if let other = owners.updateValue(owner, forKey: outside), other != owner {
                found.append("outside \(outside) belongs to \(owner) and \(other)")
            }
            let remote = [session.remoteAddress, UInt32(session.remotePort)]
            if !flows.insert([transport] + owner + remote).inserted {
                found.append("two sessions of \(owner) to \(remote)")
            }
        }
        if count != nat.sessionCount { found.append("\(count) sessions, not \(nat.sessionCount)") }
        if nat.sessionCount > nat.sessionCapacity { found.append("too many sessions") }
        if nat.mappingCount > nat.sessionCount { found.append("mappings without sessions") }
        if nat.sessionCount > 0, nat.mappingCount == 0 { found.append("no mapping for sessions") }
        return found
    }

    /// A frame came: what must be true of it on its way out is kept. Damaged ones make no state.
    private mutating func note(_ frame: [UInt8], _ nat: Tables) -> [String] {
        let seen = Dissection(frame: frame)
        if let identification = seen["ip.id"], let time = seen["ip.ttl"].flatMap({ Int($0) }) {
            if seen.problems.isEmpty {
                timeToLive[identification] = time
            } else {
                damaged.insert(identification)
            }
        }
        if !seen.problems.isEmpty, nat.sessionCount > sessions || nat.mappingCount > mappings {
            return ["state from a frame with \(seen.problems): \(hex(frame))"]
        }
        return []
    }

    private mutating func check(_ frame: SentFrame, _ nat: Tables) -> [String] {
        let seen = frame.seen
        var found: [String] = []
        func complain(_ what: String) { found.append("\(what): \(hex(frame.bytes))") }
        let identification = seen["ip.id"] ?? ""
        if !seen.problems.isEmpty, !damaged.contains(identification) {
            complain("leaves with \(seen.problems)")
        }
        if Int(seen["ip.len"] ?? "") ?? 0 > mtu { complain("larger than the MTU") }
        if frame.side == .wan {
            for field in ["ip.src", "ip.dst", "quoted.ip.src", "quoted.ip.dst"] {
                if let text = seen[field], inside.contains(ip(text)) {
                    complain("\(field) of the inside on the outside")
                }
            }
        }
        let isEchoReply = seen["icmp.type"] == "0" && seen["ip.ttl"] == "64"
        guard identification != "0" || isEchoReply else { return found }
        passed += 1
        let isDamaged = damaged.contains(identification)
        if !isEchoReply, !isDamaged, let before = timeToLive[identification],
            seen["ip.ttl"] != "\(before - 1)"
        {
            complain("TTL \(before) became \(seen["ip.ttl"] ?? "nothing")")
        }
        if frame.side == .lan, !isEchoReply, !hasSession(seen, nat) {
            complain("delivered without a session")
        }
        return found
    }

    /// Whether some session leads to where the packet goes.
    private func hasSession(_ seen: Dissection, _ nat: Tables) -> Bool {
        if ["3", "11", "12"].contains(seen["icmp.type"]) { return true }
        let port = seen["udp.dstport"] ?? seen["tcp.dstport"] ?? seen["icmp.ident"]
        for session in nat.sessions {
            if IPv4Address(session.insideAddress).description == seen["ip.dst"],
                IPv4Address(session.remoteAddress).description == seen["ip.src"],
                port == nil || port == "\(session.insidePort)"
            {
                return true
            }
        }
        return false
    }
}
