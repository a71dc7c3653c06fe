import Memory
public import Timing
public import Wire

extension NAT {
    /// Makes the session of an outbound packet, and its mapping if there is none yet.
    ///
    /// - Throws: the limit that was reached. Nothing has changed then.
    public mutating func admitOutbound(
        _ packet: Packet, at now: Instant
    ) throws(DropReason) -> UInt32 {
        let transport = try transport(of: packet)
        guard packet.hasPorts else { throw transport == .icmp ? .icmpType : .natNoSession }
        guard transport != .icmp || ICMPType.isQuery(packet.icmpType) else { throw .natNoSession }
        if transport == .tcp { try checkOpens(packet.flags) }
        let flow = Flow(packet, .outbound)
        let rule = policies.find(flow.local, transport)
        guard !policies[rule].isDenied else { throw .natDenied }
        try makeRoom(inside: flow.local, .outbound, at: now)
        let mapping =
            if transport == .other {
                try otherMapping(flow, rule, at: now)
            } else if let known = findMapping(flow, rule) {
                known
            } else {
                try makeMapping(flow, transport, rule, at: now)
            }
        return try makeSession(mapping, flow, transport, .outbound, at: now)
    }

    /// Makes the session of an inbound packet that `judge` admitted.
    public mutating func admitInbound(
        _ packet: Packet, _ admission: Admission, at now: Instant
    ) throws(DropReason) -> UInt32 {
        let transport = try transport(of: packet)
        if transport == .tcp { try checkOpens(packet.flags) }
        let inside = inside(of: admission, packet)
        let flow = Flow(
            .outbound, transport: packet.proto, local: inside.address, localPort: inside.port,
            remote: packet.source, remotePort: packet.sourcePort)
        // Two outside ports of one inside endpoint: its answers to one remote would be alike.
        guard find(flow) == nil else { throw .natFiltered }
        let rule = policies.find(inside.address, transport)
        guard !policies[rule].isDenied else { throw .natDenied }
        try makeRoom(inside: inside.address, .inbound, at: now)
        let mapping: UInt32
        switch admission {
        case .mapping(let known):
            // Making room may have ended what it hung by.
            guard mappings[known].isInUse else { throw .natTableFull }
            mapping = known
        case .forward(let number):
            mapping = try staticMapping(
                flow, rule, .forward(number), outside: packet.destination,
                port: packet.destinationPort, at: now)
        case .oneToOne(let number):
            mapping = try staticMapping(
                flow, rule, .oneToOne(number), outside: packet.destination,
                port: packet.destinationPort, at: now)
        }
        return try makeSession(mapping, flow, transport, .inbound, at: now)
    }

    /// Only a SYN alone begins a connection.
    private func checkOpens(_ flags: TCPFlags) throws(DropReason) {
        guard flags.intersection([.syn, .ack, .rst, .fin]) == .syn else { throw .natTCPNotSYN }
    }

    // MARK: Sessions

    private mutating func makeSession(
        _ mapping: UInt32, _ flow: Flow, _ transport: Transport, _ direction: Direction,
        at now: Instant
    ) throws(DropReason) -> UInt32 {
        let table = members
        guard let number = sessionPool.take({ table[$0].nextOfMapping }) else {
            if mappings[mapping].sessions == 0 { endMapping(mapping, at: now) }
            throw .natTableFull
        }
        // The place of the answers' entry is far from all else, so it is asked for first.
        let answers = Flow(
            .inbound, transport: flow.transport, local: mappings[mapping].outsideAddress,
            localPort: mappings[mapping].outsidePort, remote: flow.remote,
            remotePort: flow.remotePort
        ).hash(key)
        flows.expect(answers)
        // Of several workers each has numbers of its own.
        lastSerial &+= UInt32(share.count)
        fill(number, mapping, flow, transport, direction, at: now)
        let inserted = flows.insert(number << 1, hash: flow.hash(key))
        guard inserted, flows.insert(number << 1 | 1, hash: answers) else {
            if inserted { unindex(number << 1) }
            giveSession(number)
            if mappings[mapping].sessions == 0 { endMapping(mapping, at: now) }
            throw .natTableFull
        }
        let head = mappings[mapping].firstSession
        members[number].nextOfMapping = head
        if head != 0 { members[head - 1].previousOfMapping = number + 1 }
        mappings[mapping].firstSession = number + 1
        mappings[mapping].sessions += 1
        if mappings[mapping].sessions == 5, !mappings[mapping].hasPeers { indexPeers(mapping) }
        enlist(number, direction)
        wheel.set(number, deadline: TimerWheel.ticks(now) &+ dueTicks(number))
        statistics.created[transport.counter] &+= 1
        if log.isOn { record(sessions[number].shown, number, isEnd: false) }
        return number
    }

    private func fill(
        _ number: UInt32, _ mapping: UInt32, _ flow: Flow, _ transport: Transport,
        _ direction: Direction, at now: Instant
    ) {
        let outside = mappings[mapping].outsideAddress
        let port = mappings[mapping].outsidePort
        let address = Checksum.delta(old: flow.local, new: outside)
        let tick = TimerWheel.ticks(now)
        let phase =
            transport == .tcp
            ? (direction == .outbound ? SessionPhase.synOutbound : .synInbound) : .unreplied
        sessions[number] = Session(
            insideAddress: flow.local, outsideAddress: outside, remoteAddress: flow.remote,
            insidePort: flow.localPort, outsidePort: port, remotePort: flow.remotePort,
            transport: flow.transport, phase: phase.rawValue,
            flags: SessionFlag.inUse
                | (direction == .inbound ? SessionFlag.startedInbound : 0)
                | (mappings[mapping].isStatic == 2 ? SessionFlag.oneToOne : 0)
                | (refreshesInbound(mapping) ? SessionFlag.inboundRefreshes : 0),
            addressDelta: Checksum.fold(address), lastSeen: tick,
            neighbors: InlineArray(repeating: .max), epoch: 0,
            serial: lastSerial)
        members[number] = Membership(
            mapping: mapping, created: tick, nextOfMapping: 0, previousOfMapping: 0)
        if transport == .tcp { ends[number] = InlineArray(repeating: TCPEnd()) }
    }

    private mutating func record(_ session: Session, _ number: UInt32, isEnd: Bool) {
        log.add(session, created: created(number), rule: rule(of: number), isEnd: isEnd)
    }

    /// Whether strangers' packets refresh this mapping: those of static ones have no timer.
    func refreshesInbound(_ mapping: UInt32) -> Bool {
        mappings[mapping].isStatic != 0 || policies[mappings[mapping].rule].inboundRefresh
    }

    private mutating func giveSession(_ number: UInt32) {
        sessions[number].flags = 0
        members[number].nextOfMapping = sessionPool.give(number)
    }

    /// The hash of an entry of `flows`.
    private func flowHash(_ entry: UInt32) -> UInt32 {
        (entry & 1 == 0 ? outboundFlow(entry >> 1) : inboundFlow(entry >> 1)).hash(key)
    }

    private mutating func unindex(_ entry: UInt32) {
        var index = flows
        index.remove(entry, hash: flowHash(entry)) { flowHash($0) }
        flows = index
    }

    func outboundFlow(_ number: UInt32) -> Flow {
        Flow(
            .outbound, transport: sessions[number].transport,
            local: sessions[number].insideAddress, localPort: sessions[number].insidePort,
            remote: sessions[number].remoteAddress, remotePort: sessions[number].remotePort)
    }

    func inboundFlow(_ number: UInt32) -> Flow {
        Flow(
            .inbound, transport: sessions[number].transport,
            local: sessions[number].outsideAddress, localPort: sessions[number].outsidePort,
            remote: sessions[number].remoteAddress, remotePort: sessions[number].remotePort)
    }

    /// Ends a session, and its mapping with the last one that held it.
    ///
    /// Strangers the filter let in do not hold a mapping: they go with it (RFC 4787 REQ-6).
    mutating func end(_ number: UInt32, at now: Instant) {
        let mapping = members[number].mapping
        detach(number)
        if mappings[mapping].holders == 0, !refreshesInbound(mapping) {
            while mappings[mapping].firstSession != 0 {
                detach(mappings[mapping].firstSession - 1)
            }
        }
        if mappings[mapping].sessions == 0 { endMapping(mapping, at: now) }
    }

    /// Takes a session out of every table.
    private mutating func detach(_ number: UInt32) {
        let wasClosed = sessions[number].isClosed
        hatch(number)
        reopen(number)
        let session = sessions[number]
        let member = members[number]
        let mapping = member.mapping
        if !wasClosed { mappings[mapping].flags |= MappingFlag.portRests }
        if log.isOn { record(session, number, isEnd: true) }
        unindex(number << 1)
        unindex(number << 1 | 1)
        wheel.cancel(number)
        if session.flags & SessionFlag.sentOutbound != 0 {
            if mappings[mapping].hasPeers { removePeer(mapping, session.remoteAddress) }
            mappings[mapping].holders -= 1
        }
        let next = member.nextOfMapping
        let previous = member.previousOfMapping
        if previous != 0 {
            members[previous - 1].nextOfMapping = next
        } else {
            mappings[mapping].firstSession = next
        }
        if next != 0 { members[next - 1].previousOfMapping = previous }
        mappings[mapping].sessions -= 1
        hosts[mappings[mapping].host].add(-1, session.firstDirection)
        giveSession(number)
        statistics.closed[Transport(proto: session.transport).counter] &+= 1
    }

    // MARK: Peers

    /// From now on the inside host has sent to this remote: the filter knows it, and the mapping is
    /// held.
    mutating func hold(_ number: UInt32) {
        let mapping = members[number].mapping
        mappings[mapping].holders += 1
        if mappings[mapping].hasPeers { addPeer(mapping, sessions[number].remoteAddress) }
    }

    /// From the fifth session on the peers of a mapping are looked up, not walked through.
    private mutating func indexPeers(_ mapping: UInt32) {
        mappings[mapping].flags |= MappingFlag.hasPeers
        var next = mappings[mapping].firstSession
        while next != 0 {
            if sessions[next - 1].flags & SessionFlag.sentOutbound != 0 {
                addPeer(mapping, sessions[next - 1].remoteAddress)
            }
            next = members[next - 1].nextOfMapping
        }
    }

    private mutating func addPeer(_ mapping: UInt32, _ remote: UInt32) {
        if let known = peer(of: mapping, remote) {
            peers[known].sessions += 1
            return
        }
        let table = peers
        guard let number = peerPool.take({ table[$0].sessions }) else { return }
        peers[number] = Peer(mapping: mapping, remote: remote, sessions: 1)
        // Without room in the index the filter is stricter than it need be, never laxer.
        if !peerIndex.insert(number, hash: peerHash(mapping, remote)) { givePeer(number) }
    }

    private mutating func removePeer(_ mapping: UInt32, _ remote: UInt32) {
        guard let known = peer(of: mapping, remote) else { return }
        peers[known].sessions -= 1
        guard peers[known].sessions == 0 else { return }
        let table = peers
        let key = key
        peerIndex.remove(known, hash: peerHash(mapping, remote)) {
            Self.peerHash(table[$0].mapping, table[$0].remote, key)
        }
        givePeer(known)
    }

    private mutating func givePeer(_ number: UInt32) {
        peers[number].sessions = peerPool.give(number)
    }
}
