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
        try makeRoom(inside: flow.local, .outbound, at: now)
        let mapping =
            if transport == .other { try makeOtherMapping(flow, at: now) } else {
                if let known = findMapping(flow) {
                    known
                } else {
                    try makeMapping(flow, transport, at: now)
                }
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
        try makeRoom(inside: inside.address, .inbound, at: now)
        let mapping: UInt32
        switch admission {
        case .mapping(let known):
            // Making room may have ended what it hung by.
            guard mappings[known].inUse != 0 else { throw .natTableFull }
            mapping = known
        case .forward(let number):
            mapping = try forwardMapping(
                flow, number, outside: packet.destination, port: packet.destinationPort, at: now)
        }
        return try makeSession(mapping, flow, transport, .inbound, at: now)
    }

    /// Only a SYN alone begins a connection.
    private func checkOpens(_ flags: TCPFlags) throws(DropReason) {
        guard flags.intersection([.syn, .ack, .rst, .fin]) == .syn else { throw .natTCPNotSYN }
    }

    // MARK: Mappings

    private func mappingKey(_ flow: Flow) -> (remote: UInt32, port: UInt16) {
        switch settings.mapping {
        case .endpointIndependent: (0, 0)
        case .addressDependent: (flow.remote, 0)
        case .addressAndPortDependent: (flow.remote, flow.remotePort)
        }
    }

    private func mappingHash(
        inside: UInt32, port: UInt16, _ transport: UInt8, remote: UInt32, remotePort: UInt16,
        isStatic: Bool
    ) -> UInt32 {
        key.hash(
            UInt64(inside) << 32 | UInt64(remote),
            UInt64(port) << 48 | UInt64(remotePort) << 32 | UInt64(transport) << 8
                | (isStatic ? 4 : 3))
    }

    /// The mapping an outbound flow uses: that of a port forward to its endpoint, or a dynamic one.
    private func findMapping(_ flow: Flow) -> UInt32? {
        let key = mappingKey(flow)
        let hash = mappingHash(
            inside: flow.local, port: flow.localPort, flow.transport, remote: key.remote,
            remotePort: key.port, isStatic: false)
        return mappingIndex.find(hash) { number in
            let mapping = mappings[number]
            return mapping.isStatic == 0 && mapping.insideAddress == flow.local
                && mapping.insidePort == flow.localPort && mapping.transport == flow.transport
                && mapping.remoteAddress == key.remote && mapping.remotePort == key.port
        }
    }

    private mutating func makeMapping(
        _ flow: Flow, _ transport: Transport, at now: Instant
    ) throws(DropReason) -> UInt32 {
        if let leading = forwards.leading(
            to: flow.local, port: flow.localPort, transport: transport)
        {
            let outside = forwards.outside(of: forwards.forwards[leading.forward])
            return try forwardMapping(
                flow, UInt32(leading.forward), outside: outside, port: leading.outsidePort,
                at: now)
        }
        guard !pools.addresses.isEmpty else { throw .natNoPort }
        try makePortRoom(inside: flow.local, at: now)
        guard let number = mappingPool.take() else { throw .natTableFull }
        guard let host = takeHost(flow.local) else {
            mappingPool.give(number)
            throw .natTableFull
        }
        let address = Int(hosts[host].pool)
        guard
            let port = pools[address, transport].take(
                for: flow.localPort, mapping: number, preserve: settings.preservePort, at: now,
                rest: settings.timeouts.portRest, random: &random)
        else {
            giveHost(host)
            mappingPool.give(number)
            throw .natNoPort
        }
        let key = mappingKey(flow)
        try place(
            number, flow, host: host, outside: pools.addresses[address], port: port,
            remote: key.remote, remotePort: key.port, forward: nil, at: now)
        return number
    }

    /// The mapping of a port forward; one for each inside and outside endpoint.
    private mutating func forwardMapping(
        _ flow: Flow, _ forward: UInt32, outside: UInt32, port: UInt16, at now: Instant
    ) throws(DropReason) -> UInt32 {
        let hash = mappingHash(
            inside: flow.local, port: flow.localPort, flow.transport, remote: outside,
            remotePort: port, isStatic: true)
        let known = mappingIndex.find(hash) { number in
            let mapping = mappings[number]
            return mapping.isStatic != 0 && mapping.insideAddress == flow.local
                && mapping.insidePort == flow.localPort && mapping.transport == flow.transport
                && mapping.outsideAddress == outside && mapping.outsidePort == port
        }
        if let known { return known }
        guard let number = mappingPool.take() else { throw .natTableFull }
        guard let host = takeHost(flow.local) else {
            mappingPool.give(number)
            throw .natTableFull
        }
        try place(
            number, flow, host: host, outside: outside, port: port, remote: 0, remotePort: 0,
            forward: forward, at: now)
        return number
    }

    /// Fills in a mapping record and indexes it.
    mutating func place(
        _ number: UInt32, _ flow: Flow, host: UInt32, outside: UInt32, port: UInt16,
        remote: UInt32, remotePort: UInt16, forward: UInt32?, at now: Instant
    ) throws(DropReason) {
        let hash = mappingHash(
            inside: flow.local, port: flow.localPort, flow.transport,
            remote: forward == nil ? remote : outside,
            remotePort: forward == nil ? remotePort : port, isStatic: forward != nil)
        mappings[number] = Mapping(
            insideAddress: flow.local, outsideAddress: outside, remoteAddress: remote,
            insidePort: flow.localPort, outsidePort: port, remotePort: remotePort,
            transport: flow.transport, isStatic: forward == nil ? 0 : 1, forward: forward ?? 0,
            host: host, firstSession: 0, sessions: 0, holders: 0,
            created: TimerWheel.ticks(now), hash: hash, inUse: 1)
        if forward == nil { hosts[host].ports += 1 }
        guard mappingIndex.insert(number, hash: hash) else {
            endMapping(number, indexed: false, at: now)
            throw .natTableFull
        }
    }

    /// Removes a mapping without sessions; its port rests.
    func poolIndex(of mapping: UInt32) -> Int? {
        pools.index(of: mappings[mapping].outsideAddress)
    }

    mutating func endMapping(_ number: UInt32, indexed: Bool = true, at now: Instant) {
        let mapping = mappings[number]
        if indexed { mappingIndex.remove(number, hash: mapping.hash) }
        if mapping.isStatic == 0 { hosts[mapping.host].ports -= 1 }
        if mapping.isStatic == 0, let transport = Transport(rawValue: mapping.transport),
            let pool = poolIndex(of: number),
            pools[pool, transport].owner(of: mapping.outsidePort) == .mapping(number)
        {
            pools[pool, transport].give(mapping.outsidePort, at: now)
        }
        giveHost(mapping.host)
        mappings[number].inUse = 0
        mappingPool.give(number)
    }

    // MARK: Hosts

    private func hostHash(_ address: UInt32) -> UInt32 { key.hash(UInt64(address), 5) }

    func findHost(_ address: UInt32) -> UInt32? {
        hostIndex.find(hostHash(address)) { hosts[$0].address == address }
    }

    /// The host's record with one mapping more; a new host gets an outside address by its own.
    mutating func takeHost(_ address: UInt32) -> UInt32? {
        if let known = findHost(address) {
            hosts[known].mappings += 1
            return known
        }
        guard let number = hostPool.take() else { return nil }
        let hash = hostHash(address)
        guard hostIndex.insert(number, hash: hash) else {
            hostPool.give(number)
            return nil
        }
        hosts[number] = Host(address: address, pool: poolChoice(hash), hash: hash)
        return number
    }

    /// The same host gets the same address for as long as the pool stays (RFC 4787 REQ-2).
    func poolChoice(_ hash: UInt32) -> UInt32 {
        pools.addresses.isEmpty ? 0 : hash % UInt32(pools.addresses.count)
    }

    mutating func giveHost(_ number: UInt32) {
        hosts[number].mappings -= 1
        guard hosts[number].mappings == 0 else { return }
        hostIndex.remove(number, hash: hosts[number].hash)
        hostPool.give(number)
    }

    // MARK: Sessions

    private mutating func makeSession(
        _ mapping: UInt32, _ flow: Flow, _ transport: Transport, _ direction: Direction,
        at now: Instant
    ) throws(DropReason) -> UInt32 {
        guard let number = sessionPool.take() else {
            if mappings[mapping].sessions == 0 { endMapping(mapping, at: now) }
            throw .natTableFull
        }
        lastSerial &+= 1
        fill(number, mapping, flow, transport, direction, at: now)
        let inserted = flows.insert(number << 1, hash: outboundFlow(number).hash(key))
        guard inserted, flows.insert(number << 1 | 1, hash: inboundFlow(number).hash(key)) else {
            if inserted { flows.remove(number << 1, hash: outboundFlow(number).hash(key)) }
            sessions[number].flags = 0
            sessionPool.give(number)
            if mappings[mapping].sessions == 0 { endMapping(mapping, at: now) }
            throw .natTableFull
        }
        let head = mappings[mapping].firstSession
        sessions[number].nextOfMapping = head
        if head != 0 { sessions[head - 1].previousOfMapping = number + 1 }
        mappings[mapping].firstSession = number + 1
        mappings[mapping].sessions += 1
        enlist(number, direction)
        wheel.set(number, deadline: TimerWheel.ticks(now) &+ dueTicks(number))
        statistics.created[transport.counter] &+= 1
        if log.isOn { log.add(sessions[number].shown, isEnd: false) }
        return number
    }

    private func fill(
        _ number: UInt32, _ mapping: UInt32, _ flow: Flow, _ transport: Transport,
        _ direction: Direction, at now: Instant
    ) {
        let outside = mappings[mapping].outsideAddress
        let port = mappings[mapping].outsidePort
        let address = Checksum.delta(old: flow.local, new: outside)
        let ports = Checksum.delta(old: UInt32(flow.localPort), new: UInt32(port))
        let tick = TimerWheel.ticks(now)
        let phase =
            transport == .tcp
            ? (direction == .outbound ? SessionPhase.synOutbound : .synInbound) : .unreplied
        sessions[number] = Session(
            insideAddress: flow.local, outsideAddress: outside, remoteAddress: flow.remote,
            insidePort: flow.localPort, outsidePort: port, remotePort: flow.remotePort,
            transport: flow.transport, phase: phase.rawValue,
            addressDelta: Checksum.fold(address),
            // An ICMP checksum has no pseudo header.
            fullDelta: transport == .icmp
                ? Checksum.fold(ports) : Checksum.fold(address &+ ports),
            lastSeen: tick, neighbors: InlineArray(repeating: .max), epoch: 0,
            flags: SessionFlag.inUse
                | (direction == .inbound ? SessionFlag.startedInbound : 0)
                | (mappings[mapping].isStatic != 0 ? SessionFlag.inboundRefreshes : 0),
            ends: InlineArray(repeating: TCPEnd()),
            packetsOut: 0, bytesOut: 0, packetsIn: 0, bytesIn: 0, mapping: mapping,
            timeout: timeout(phase, transport), created: tick, nextOfMapping: 0,
            previousOfMapping: 0, nextOfPeer: 0, previousOfPeer: 0, serial: lastSerial)
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
        let mapping = sessions[number].mapping
        detach(number)
        if mappings[mapping].holders == 0, mappings[mapping].isStatic == 0 {
            while mappings[mapping].firstSession != 0 {
                detach(mappings[mapping].firstSession - 1)
            }
        }
        if mappings[mapping].sessions == 0 { endMapping(mapping, at: now) }
    }

    /// Takes a session out of every table.
    private mutating func detach(_ number: UInt32) {
        hatch(number)
        let session = sessions[number]
        let mapping = session.mapping
        if log.isOn { log.add(session, isEnd: true) }
        flows.remove(number << 1, hash: outboundFlow(number).hash(key))
        flows.remove(number << 1 | 1, hash: inboundFlow(number).hash(key))
        wheel.cancel(number)
        if session.flags & SessionFlag.sentOutbound != 0 {
            unlinkPeer(number)
            mappings[mapping].holders -= 1
        }
        let next = session.nextOfMapping
        let previous = session.previousOfMapping
        if previous != 0 {
            sessions[previous - 1].nextOfMapping = next
        } else {
            mappings[mapping].firstSession = next
        }
        if next != 0 { sessions[next - 1].previousOfMapping = previous }
        mappings[mapping].sessions -= 1
        hosts[mappings[mapping].host].add(-1, session.firstDirection)
        sessions[number].flags = 0
        sessionPool.give(number)
        statistics.closed[Transport(proto: session.transport).counter] &+= 1
    }

    // MARK: Peers

    /// From now on the inside host has sent to this remote: the filter knows it, and the mapping is
    /// held.
    mutating func hold(_ number: UInt32) {
        let mapping = sessions[number].mapping
        mappings[mapping].holders += 1
        let hash = peerHash(mapping, sessions[number].remoteAddress)
        if let known = peer(of: mapping, sessions[number].remoteAddress) {
            let next = sessions[known].nextOfPeer
            sessions[number].nextOfPeer = next
            sessions[number].previousOfPeer = known + 1
            if next != 0 { sessions[next - 1].previousOfPeer = number + 1 }
            sessions[known].nextOfPeer = number + 1
        } else {
            // Without room in the index the filter is stricter than it need be, never laxer.
            _ = peerIndex.insert(number, hash: hash)
        }
    }

    private mutating func unlinkPeer(_ number: UInt32) {
        let session = sessions[number]
        let next = session.nextOfPeer
        if session.previousOfPeer != 0 {
            sessions[session.previousOfPeer - 1].nextOfPeer = next
            if next != 0 { sessions[next - 1].previousOfPeer = session.previousOfPeer }
            return
        }
        let hash = peerHash(session.mapping, session.remoteAddress)
        peerIndex.remove(number, hash: hash)
        if next != 0 {
            sessions[next - 1].previousOfPeer = 0
            _ = peerIndex.insert(next - 1, hash: hash)
        }
    }
}
