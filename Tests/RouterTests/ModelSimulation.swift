import NAT
import Timing
import Wire

/// An address and a port, or an identifier of ICMP.
struct Endpoint: Hashable, CustomStringConvertible {
    var address: String
    var port: UInt16
    var description: String { "\(address):\(port)" }
}

/// A packet as the model sees it.
struct ModelPacket {
    var transport: Transport
    var source: Endpoint
    var destination: Endpoint
    var flags: TCPFlags = []
    var sequence: UInt32 = 0
    var acknowledgement: UInt32 = 1
    var timeToLive: UInt8 = 64
    /// Its transport checksum is wrong.
    var isBad = false
    /// An ICMP reply rather than a query.
    var isReply = false
}

/// What the model says of a packet.
enum Prediction: Equatable {
    case drop
    /// It leaves by `side`. A source or destination port of nil is not known yet.
    case pass(Side, source: Endpoint?, destination: Endpoint)
}

/// Translation written as plainly as possible, from the RFCs, with nothing shared with `NAT`:
/// lists that are searched, no hashes, no wheel, no limits but those of the settings.
///
/// The only thing it cannot know is which outside port is drawn: it takes that from the first
/// packet, or is told it if none leaves.
struct NATModel {
    final class ModelMapping {
        let transport: Transport
        let inside: Endpoint
        /// What of the remote the mapping is for.
        let key: String
        /// Address and port; nil until seen.
        var outside: Endpoint?
        /// A session of it ended that its ends had not closed.
        var portRests = false
        let isStatic: Bool

        init(
            _ transport: Transport, _ inside: Endpoint, key: String, outside: Endpoint?,
            isStatic: Bool
        ) {
            self.transport = transport
            self.inside = inside
            self.key = key
            self.outside = outside
            self.isStatic = isStatic
        }
    }

    final class ModelSession {
        let mapping: ModelMapping
        var remote: Endpoint
        /// The mapping whose outside endpoint is the remote, if that is still to be seen.
        var via: ModelMapping?
        var phase: SessionPhase
        /// Whether the remote began.
        let isStranger: Bool
        var sentOutbound = false
        var sentInbound = false
        /// When its ends closed it: its place among all that were. nil if they did not.
        var closing: Int?
        /// Only the end that began has sent.
        var isEmbryonic: Bool { isStranger ? !sentOutbound : !sentInbound }
        /// The last packet that counts was not before and not after these.
        var earliest: Instant
        var latest: Instant
        /// What is known of TCP.
        var tcp = ModelTCP()

        init(
            _ mapping: ModelMapping, _ remote: Endpoint, _ phase: SessionPhase, isStranger: Bool,
            _ now: Instant
        ) {
            self.mapping = mapping
            self.remote = remote
            self.isStranger = isStranger
            self.phase = phase
            earliest = now
            latest = now
        }
    }

    let outsideAddress: String
    var settings: NATSettings
    var mappings: [ModelMapping] = []
    var sessions: [ModelSession] = []
    /// Dynamic outside endpoints that were given up, and when at the earliest.
    var freed: [(transport: Transport, endpoint: Endpoint, time: Instant)] = []
    /// The mapping of the last packet that passed, if its outside port is still to be seen.
    var unseen: ModelMapping?
    /// The inside hosts that have most of what may give way.
    var heaviest: [Weak: String] = [:]
    /// When a host may next give up a port for another, by address.
    var freeing: [String: Instant] = [:]
    /// Sessions ended to make room: in all, and for the packet in hand.
    var evicted: [Weak: Int] = [:]
    var ended = 0
    /// Sessions that their ends closed.
    var closings = 0
    /// Whether two inside hosts are with different workers: the half of a packet from one to the
    /// other that goes outwards is then done with before the other half is judged.
    var isApart: (String, String) -> Bool = { _, _ in false }

    // MARK: Packets

    mutating func outbound(_ packet: ModelPacket, at now: Instant) -> Prediction {
        // Of ICMP only queries go out (RFC 5508 §3.1).
        guard packet.timeToLive > 1, !packet.isReply,
            let session = outboundSession(packet, at: now)
        else { return .drop }
        guard track(session, packet, .outbound, now) else { return .drop }
        unseen = session.mapping.outside == nil ? session.mapping : nil
        return .pass(.wan, source: session.mapping.outside, destination: packet.destination)
    }

    mutating func inbound(_ packet: ModelPacket, at now: Instant) -> Prediction {
        guard packet.timeToLive > 1, let session = inboundSession(packet, at: now) else {
            return .drop
        }
        guard track(session, packet, .inbound, now) else { return .drop }
        return .pass(.lan, source: packet.source, destination: session.mapping.inside)
    }

    /// From one inside host to another by an outside endpoint.
    mutating func hairpin(_ packet: ModelPacket, at now: Instant) -> Prediction {
        guard packet.timeToLive > 1, settings.hairpin else { return .drop }
        let forward = forward(at: packet.destination.port, packet.transport)
        let owner = owner(packet.transport, packet.destination)
        guard let target = forward?.insideAddress.description ?? owner?.inside.address,
            forward?.hairpin != false
        else { return .drop }
        let isApart = isApart(packet.source.address, target)
        guard let first = outboundSession(packet, at: now),
            !isApart || track(first, packet, .outbound, now)
        else { return .drop }
        var turned = packet
        // A port not known yet can only meet a filter that does not ask for it.
        turned.source = first.mapping.outside ?? Endpoint(address: outsideAddress, port: 0)
        let second = inboundSession(turned, at: now)
        if first.mapping.outside == nil { second?.via = first.mapping }
        guard let second, sessions.contains(where: { $0 === first }),
            isApart || track(first, packet, .outbound, now),
            track(second, turned, .inbound, now)
        else { return .drop }
        unseen = first.mapping.outside == nil ? first.mapping : nil
        return .pass(
            .lan, source: first.mapping.outside, destination: second.mapping.inside)
    }

    /// The session an error is about, which quotes a packet from `source` to `destination`.
    func quoted(
        _ transport: Transport, outside: Endpoint, remote: Endpoint
    ) -> ModelSession? {
        sessions.first {
            $0.mapping.transport == transport && $0.mapping.outside == outside
                && $0.remote == remote
        }
    }

    // MARK: Sessions

    private mutating func outboundSession(_ packet: ModelPacket, at now: Instant) -> ModelSession? {
        let known = sessions.first {
            $0.mapping.transport == packet.transport && $0.mapping.inside == packet.source
                && $0.remote == packet.destination
        }
        if let known { return known }
        guard mayStart(packet), makeRoom(packet.source.address, isStranger: false, now),
            let mapping = mapping(for: packet, now)
        else { return nil }
        let session = ModelSession(
            mapping, packet.destination, packet.transport == .tcp ? .synOutbound : .unreplied,
            isStranger: false, now)
        add(session)
        return session
    }

    private mutating func inboundSession(_ packet: ModelPacket, at now: Instant) -> ModelSession? {
        let known = quoted(packet.transport, outside: packet.destination, remote: packet.source)
        if let known { return known }
        let inside: Endpoint
        let forward = forward(at: packet.destination.port, packet.transport)
        let owner = owner(packet.transport, packet.destination)
        if let forward {
            let from = IPv4Address(packet.source.address) ?? IPv4Address(0)
            guard forward.sources.isEmpty || forward.sources.contains(where: { $0.contains(from) })
            else { return nil }
            inside = target(of: forward, packet.destination)
        } else if let owner {
            guard admits(owner, packet.source) else { return nil }
            inside = owner.inside
        } else {
            return nil
        }
        // Another outside port of the same inside endpoint already leads to this remote.
        let isTaken = sessions.contains {
            $0.mapping.transport == packet.transport && $0.mapping.inside == inside
                && $0.remote == packet.source
        }
        guard mayStart(packet), !isTaken, makeRoom(inside.address, isStranger: true, now),
            let mapping = forward.map({
                staticMapping($0, packet.destination, packet.transport)
            }) ?? mappings.first(where: { $0 === owner })
        else { return nil }
        let session = ModelSession(
            mapping, packet.source, packet.transport == .tcp ? .synInbound : .unreplied,
            isStranger: true, now)
        add(session)
        return session
    }

    private func mayStart(_ packet: ModelPacket) -> Bool {
        guard !packet.isBad else { return false }
        return packet.transport != .tcp
            || packet.flags.intersection([.syn, .ack, .rst, .fin]) == .syn
    }

    /// RFC 4787 §5.
    func admits(_ mapping: ModelMapping, _ remote: Endpoint) -> Bool {
        switch settings.filtering {
        case .endpointIndependent: true
        case .addressDependent:
            sessions.contains {
                $0.mapping === mapping && $0.sentOutbound && $0.remote.address == remote.address
            }
        case .addressAndPortDependent: false
        }
    }

    /// Whether a session has an outside endpoint for its remote that is of no mapping any more.
    func hasRemoteNobodyHas(_ transport: Transport) -> Bool {
        sessions.contains {
            $0.mapping.transport == transport && $0.remote.address == outsideAddress
                && owner(transport, $0.remote) == nil
                && forward(at: $0.remote.port, transport) == nil
        }
    }

    // MARK: Mappings

    private func owner(_ transport: Transport, _ outside: Endpoint) -> ModelMapping? {
        mappings.first {
            !$0.isStatic && $0.transport == transport && $0.outside == outside
        }
    }

    /// RFC 4787 §4.1.
    private mutating func mapping(for packet: ModelPacket, _ now: Instant) -> ModelMapping? {
        let key =
            switch settings.mapping {
            case .endpointIndependent: ""
            case .addressDependent: packet.destination.address
            case .addressAndPortDependent:
                packet.transport == .icmp
                    ? packet.destination.address + ":0" : packet.destination.description
            }
        let known = mappings.first {
            !$0.isStatic && $0.transport == packet.transport && $0.inside == packet.source
                && $0.key == key
        }
        if let known { return known }
        for forward in settings.portForwards where forward.transports.contains(packet.transport) {
            for (offset, port) in forward.ports.enumerated() {
                let leadsTo = Endpoint(
                    address: forward.insideAddress.description,
                    port: forward.insidePort &+ UInt16(offset))
                if leadsTo == packet.source {
                    return staticMapping(
                        forward, Endpoint(address: outsideAddress, port: port), packet.transport)
                }
            }
        }
        guard makePortRoom(packet.source.address, now) else { return nil }
        let new = ModelMapping(
            packet.transport, packet.source, key: key, outside: nil, isStatic: false)
        mappings.append(new)
        return new
    }

    func forward(at port: UInt16, _ transport: Transport) -> PortForward? {
        settings.portForwards.first {
            $0.transports.contains(transport) && $0.ports.contains(port)
        }
    }

    private func target(of forward: PortForward, _ outside: Endpoint) -> Endpoint {
        Endpoint(
            address: forward.insideAddress.description,
            port: forward.insidePort &+ (outside.port - forward.ports.lowerBound))
    }

    private mutating func staticMapping(
        _ forward: PortForward, _ outside: Endpoint, _ transport: Transport
    ) -> ModelMapping {
        let inside = target(of: forward, outside)
        let known = mappings.first {
            $0.isStatic && $0.transport == transport && $0.inside == inside
                && $0.outside == outside
        }
        if let known { return known }
        let new = ModelMapping(transport, inside, key: "", outside: outside, isStatic: true)
        mappings.append(new)
        return new
    }
}

// Time and change.
extension NATModel {
    /// RFC 7857 §2 for TCP; otherwise whether both ends were heard. False if it is not of the
    /// connection.
    private mutating func track(
        _ session: ModelSession, _ packet: ModelPacket, _ direction: Direction, _ now: Instant
    ) -> Bool {
        let isTCP = packet.transport == .tcp
        let before = session.phase
        let isFirst = direction == .outbound ? !session.sentOutbound : !session.sentInbound
        if isTCP {
            if packet.isBad, !packet.flags.isDisjoint(with: [.syn, .fin, .rst]) { return true }
            switch session.tcp.judge(packet, direction, &session.phase) {
            case .counts: break
            case .passes: return true
            case .refused: return false
            }
            if isFirst, packet.flags.contains(.rst) { return true }
        }
        // A stranger alone keeps nothing alive, unless a forward invited it.
        if direction == .outbound || session.sentOutbound || session.mapping.isStatic {
            session.earliest = now
            session.latest = now
        }
        if direction == .outbound {
            session.sentOutbound = true
        } else {
            session.sentInbound = true
        }
        if isTCP {
            session.phase = Self.next(session.phase, packet.flags, direction == .outbound)
            let isClosed = session.phase == .closing || session.phase == .transitory
            if !isClosed { session.closing = nil }
            if isClosed, session.phase != before { close(session) }
        } else if session.sentOutbound, session.sentInbound {
            session.phase = .replied
        }
        return true
    }

    private static func next(
        _ phase: SessionPhase, _ flags: TCPFlags, _ isOut: Bool
    ) -> SessionPhase {
        let isOpen = [.established, .finOutbound, .finInbound, .transitory].contains(phase)
        if flags.contains(.rst) { return isOpen ? .transitory : phase }
        if flags.contains(.syn) {
            if phase == .synOutbound, !isOut { return .established }
            if phase == .synInbound, isOut { return .established }
            if phase == .closing || phase == .transitory {
                return isOut ? .synOutbound : .synInbound
            }
            return phase
        }
        if flags.contains(.fin) {
            if phase == .finOutbound { return isOut ? phase : .closing }
            if phase == .finInbound { return isOut ? .closing : phase }
            return isOpen ? (isOut ? .finOutbound : .finInbound) : phase
        }
        return phase == .transitory ? .established : phase
    }

    private func timeout(_ session: ModelSession) -> Interval {
        if session.mapping.transport == .icmp { return settings.timeouts.icmp }
        switch session.phase {
        case .unreplied: return settings.timeouts.udpUnreplied
        case .replied: return settings.timeouts.udp
        case .established, .finOutbound, .finInbound: return settings.timeouts.tcpEstablished
        case .synOutbound, .synInbound: return settings.timeouts.tcpOpening
        default: return settings.timeouts.tcpTransitory
        }
    }

    /// The least it may be while the table is more than 60 % full.
    private func leastTimeout(_ session: ModelSession) -> Interval {
        let time = timeout(session)
        guard !session.phase.isEstablished, session.phase != .replied else { return time }
        switch session.mapping.transport {
        case .udp: return min(time, .seconds(120))
        case .tcp: return min(time, .seconds(240))
        default: return min(time, .seconds(60))
        }
    }

    /// A timer runs up to two ticks late, and is looked at every tick.
    private static var slack: Interval { .milliseconds(750) }

    /// Whether it cannot be told if some session is still there.
    func isUncertain(at now: Instant) -> Bool {
        sessions.contains {
            let time = timeout($0)
            return now >= $0.earliest + leastTimeout($0) && now < $0.latest + time + Self.slack
        }
    }

    /// Ends what has been idle for too long, in order.
    mutating func expire(at now: Instant) {
        while let next = sessions.filter({ now >= $0.latest + timeout($0) + Self.slack })
            .min(by: { $0.earliest + timeout($0) < $1.earliest + timeout($1) })
        {
            let time = timeout(next)
            let least = leastTimeout(next)
            if next.phase.isEstablished {
                next.phase = .transitory
                next.earliest += time
                next.latest += time + Self.slack
            } else {
                end(next, at: next.earliest + least)
            }
        }
    }

    mutating func end(_ session: ModelSession, at time: Instant) {
        let mapping = session.mapping
        sessions.removeAll { $0 === session }
        let isHeld = sessions.contains { $0.mapping === mapping && $0.sentOutbound }
        var ended = [session]
        if !mapping.isStatic, !isHeld {
            ended += sessions.filter { $0.mapping === mapping }
            sessions.removeAll { $0.mapping === mapping }
        }
        if ended.contains(where: { $0.closing == nil }) { mapping.portRests = true }
        guard !sessions.contains(where: { $0.mapping === mapping }) else { return }
        mappings.removeAll { $0 === mapping }
        forgetHost(mapping.inside.address)
        if !mapping.isStatic, mapping.portRests, let outside = mapping.outside {
            freed.append((mapping.transport, outside, time))
        }
    }
}
