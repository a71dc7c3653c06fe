public import Memory
public import Wire

/// The endpoints of a packet as a session sees them; the local one is inside or outside.
@frozen
public struct Flow: Hashable, Sendable {
    @usableFromInline var local: UInt32
    @usableFromInline var remote: UInt32
    @usableFromInline var localPort: UInt16
    @usableFromInline var remotePort: UInt16
    @usableFromInline var transport: UInt8
    @usableFromInline var direction: Direction

    /// A flow seen in `direction`: `local` is its inside (outbound) or outside (inbound) endpoint.
    @inlinable @inline(__always)
    public init(
        _ direction: Direction, transport: UInt8, local: UInt32, localPort: UInt16,
        remote: UInt32, remotePort: UInt16
    ) {
        self.direction = direction
        self.transport = transport
        self.local = local
        self.localPort = localPort
        self.remote = remote
        // A query has one identifier, not two ports.
        self.remotePort = transport == IPProtocol.icmp ? 0 : remotePort
    }

    /// The flow of a packet with ports that crosses in `direction`.
    @inlinable @inline(__always)
    public init(_ packet: Packet, _ direction: Direction) {
        if direction == .outbound {
            self.init(
                direction, transport: packet.proto, local: packet.source,
                localPort: packet.sourcePort, remote: packet.destination,
                remotePort: packet.destinationPort)
        } else {
            self.init(
                direction, transport: packet.proto, local: packet.destination,
                localPort: packet.destinationPort, remote: packet.source,
                remotePort: packet.sourcePort)
        }
    }

    @inlinable @inline(__always)
    func hash(_ key: HashKey) -> UInt32 {
        key.hash(
            UInt64(local) << 32 | UInt64(remote),
            UInt64(localPort) << 48 | UInt64(remotePort) << 32 | UInt64(transport) << 8
                | UInt64(direction.rawValue))
    }
}

/// What an inbound packet without a session may become.
@frozen
public enum Admission: Sendable {
    /// The mapping lets it in.
    case mapping(UInt32)
    /// A port forward lets it in.
    case forward(UInt32)
    /// A one-to-one entry lets it in.
    case oneToOne(UInt32)
}

extension NAT {
    /// The session of a flow, or nil. Expected O(1), bounded by `HashIndex.longestProbe`.
    @inlinable @inline(always)
    public func find(_ flow: Flow) -> UInt32? {
        let index = flows
        let found = index.find(flow.hash(key)) { entry in
            guard entry & 1 == UInt32(flow.direction.rawValue) else { return false }
            return matches(entry >> 1, flow)
        }
        guard let found else { return nil }
        return found >> 1
    }

    @inlinable @inline(always)
    func matches(_ number: UInt32, _ flow: Flow) -> Bool {
        let table = sessions
        let outbound = flow.direction == .outbound
        let local = outbound ? table[number].insideAddress : table[number].outsideAddress
        let port = outbound ? table[number].insidePort : table[number].outsidePort
        // All at once: what differs is seldom more than one in 64 of those that come here.
        let addresses = (table[number].remoteAddress ^ flow.remote) | (local ^ flow.local)
        let ports = (table[number].remotePort ^ flow.remotePort) | (port ^ flow.localPort)
        return addresses | UInt32(ports) | UInt32(table[number].transport ^ flow.transport) == 0
    }

    /// The session a packet belongs to. ICMP: only queries go out and only replies come in, but for
    /// hosts with an outside address of their own.
    @inlinable @inline(__always)
    public func find(_ packet: Packet, _ direction: Direction) -> UInt32? {
        guard packet.hasPorts else { return nil }
        if packet.proto == IPProtocol.icmp,
            ICMPType.isQuery(packet.icmpType) != (direction == .outbound)
        {
            return findOneToOne(packet, direction)
        }
        return find(Flow(packet, direction))
    }

    @usableFromInline
    func findOneToOne(_ packet: Packet, _ direction: Direction) -> UInt32? {
        guard !oneToOne.isEmpty, let number = find(Flow(packet, direction)),
            sessions[number].flags & SessionFlag.oneToOne != 0
        else { return nil }
        return number
    }

    /// Judges an inbound packet that has no session, changing nothing (RFC 4787 §5).
    ///
    /// Throws why it is refused: no mapping or forward has the port, or the filter holds it off.
    public func judge(_ packet: Packet) throws(DropReason) -> Admission {
        let transport = try transport(of: packet)
        guard packet.hasPorts else { throw .natNoSession }
        if let entry = oneToOne.find(outside: packet.destination) {
            guard transport != .icmp || ICMPType.isQuery(packet.icmpType) else {
                throw .natNoSession
            }
            guard oneToOne.admits(entry.number, packet.source) else { throw .natForwardSource }
            return .oneToOne(entry.number)
        }
        // Without a port of its own there is no mapping to be reached by.
        guard transport != .other, transport != .icmp || ICMPType.isReply(packet.icmpType),
            let pool = pools.index(of: packet.destination)
        else { throw .natNoSession }
        switch pools[pool, transport].owner(of: packet.destinationPort) {
        case .mapping(let mapping):
            guard mappings[mapping].transport == packet.proto else { throw .natNoSession }
            guard admits(mapping, packet.source) else { throw .natFiltered }
            return .mapping(mapping)
        case .forward(let number):
            guard Int(number) < forwards.forwards.count,
                forwards.forwards[Int(number)].transports.contains(transport)
            else { throw .natNoSession }
            let sources = forwards.forwards[Int(number)].sources
            let source = IPv4Address(packet.source)
            guard sources.isEmpty || sources.contains(where: { $0.contains(source) }) else {
                throw .natForwardSource
            }
            return .forward(number)
        case .nobody, .resting, .reserved:
            throw .natNoSession
        }
    }

    /// Whether a packet from inside to an outside address could lead to an inside host.
    public func hasTarget(_ packet: Packet) -> Bool {
        if packet.isICMPError { return true }
        if packet.hasPorts, oneToOne.find(outside: packet.destination) != nil { return true }
        guard packet.hasPorts, let transport = Transport(rawValue: packet.proto) else {
            return false
        }
        // Only a host with an outside address of its own answers another's query.
        guard transport != .icmp || ICMPType.isReply(packet.icmpType),
            let pool = pools.index(of: packet.destination)
        else { return false }
        switch pools[pool, transport].owner(of: packet.destinationPort) {
        case .mapping, .forward: return true
        case .nobody, .resting, .reserved: return false
        }
    }

    /// Whether the port forward a packet from inside would use, if any, may be used from inside.
    public func allowsHairpin(_ packet: Packet) -> Bool {
        guard packet.hasPorts, let transport = Transport(rawValue: packet.proto),
            let pool = pools.index(of: packet.destination),
            case .forward(let number) = pools[pool, transport].owner(of: packet.destinationPort),
            Int(number) < forwards.forwards.count
        else { return true }
        return forwards.forwards[Int(number)].hairpin
    }

    /// The inside address of a session.
    public func insideAddress(of number: UInt32) -> UInt32 { sessions[number].insideAddress }

    /// The inside endpoint an admitted packet goes to.
    public func inside(of admission: Admission, _ packet: Packet) -> (address: UInt32, port: UInt16)
    {
        switch admission {
        case .mapping(let number):
            return (insideAddress(ofMapping: number), mappings[number].insidePort)
        case .forward(let number):
            let forward = forwards.forwards[Int(number)]
            let offset = packet.destinationPort &- forward.ports.lowerBound
            return (forward.insideAddress.rawValue, forward.insidePort &+ offset)
        case .oneToOne:
            let entry = oneToOne.find(outside: packet.destination)
            return (entry?.inside ?? 0, packet.destinationPort)
        }
    }

    /// Whether the filter lets `remote` in through `mapping` although it has no session.
    func admits(_ mapping: UInt32, _ remote: UInt32) -> Bool {
        switch policies[mappings[mapping].rule].filtering {
        case .endpointIndependent: true
        case .addressDependent: hasSent(mapping, to: remote)
        case .addressAndPortDependent: false
        }
    }

    /// Whether the owner of `mapping` started or answered a session of it with `remote`.
    private func hasSent(_ mapping: UInt32, to remote: UInt32) -> Bool {
        guard !mappings[mapping].hasPeers else { return peer(of: mapping, remote) != nil }
        var next = mappings[mapping].firstSession
        while next != 0 {
            let number = next - 1
            if sessions[number].remoteAddress == remote,
                sessions[number].flags & SessionFlag.sentOutbound != 0
            {
                return true
            }
            next = members[number].nextOfMapping
        }
        return false
    }

    /// The record of `remote` in a mapping whose peers are indexed.
    func peer(of mapping: UInt32, _ remote: UInt32) -> UInt32? {
        peerIndex.find(peerHash(mapping, remote)) {
            peers[$0].mapping == mapping && peers[$0].remote == remote
        }
    }

    func peerHash(_ mapping: UInt32, _ remote: UInt32) -> UInt32 {
        Self.peerHash(mapping, remote, key)
    }

    static func peerHash(_ mapping: UInt32, _ remote: UInt32, _ key: HashKey) -> UInt32 {
        key.hash(UInt64(mapping) << 32 | UInt64(remote), 2)
    }
}
