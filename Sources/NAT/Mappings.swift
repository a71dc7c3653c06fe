import Memory
import Timing
public import Wire

// Mappings and the inside hosts they belong to.
extension NAT {
    /// What of the remote a mapping under this rule is for.
    private func mappingKey(_ flow: Flow, _ rule: UInt8) -> (remote: UInt32, port: UInt16) {
        switch policies[rule].mapping {
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

    /// The hash of the dynamic mapping an outbound flow uses.
    func mappingHash(_ flow: Flow, _ rule: UInt8) -> UInt32 {
        let key = mappingKey(flow, rule)
        return mappingHash(
            inside: flow.local, port: flow.localPort, flow.transport, remote: key.remote,
            remotePort: key.port, isStatic: false)
    }

    /// Asks memory for where the mapping of an outbound packet is: all that `admitOutbound` does
    /// waits for it.
    public func expectMapping(of packet: Packet) {
        mappingIndex.expect(mappingHash(Flow(packet, .outbound), 0))
    }

    func insideAddress(ofMapping number: UInt32) -> UInt32 { hosts[mappings[number].host].address }

    /// The hash a mapping is indexed by.
    private func mappingHash(of number: UInt32) -> UInt32 {
        let isStatic = mappings[number].isStatic != 0
        return mappingHash(
            inside: insideAddress(ofMapping: number), port: mappings[number].insidePort,
            mappings[number].transport,
            remote: isStatic ? mappings[number].outsideAddress : mappings[number].remoteAddress,
            remotePort: isStatic ? mappings[number].outsidePort : mappings[number].remotePort,
            isStatic: isStatic)
    }

    /// What a mapping is for.
    enum Kind {
        case dynamic
        case forward(UInt32)
        case oneToOne(UInt32)

        var raw: (isStatic: UInt8, number: UInt16) {
            switch self {
            case .dynamic: (0, 0)
            case .forward(let number): (1, UInt16(truncatingIfNeeded: number))
            case .oneToOne(let number): (2, UInt16(truncatingIfNeeded: number))
            }
        }
    }

    /// The dynamic mapping an outbound flow uses.
    func findMapping(_ flow: Flow, _ rule: UInt8) -> UInt32? {
        let key = mappingKey(flow, rule)
        return mappingIndex.find(mappingHash(flow, rule)) { number in
            let mapping = mappings[number]
            return mapping.isStatic == 0 && mapping.insidePort == flow.localPort
                && hosts[mapping.host].address == flow.local
                && mapping.transport == flow.transport && mapping.remoteAddress == key.remote
                && mapping.remotePort == key.port
        }
    }

    mutating func makeMapping(
        _ flow: Flow, _ transport: Transport, _ rule: UInt8, at now: Instant
    ) throws(DropReason) -> UInt32 {
        if let own = oneToOne.find(inside: flow.local) {
            return try staticMapping(
                flow, rule, .oneToOne(own.number), outside: own.outside, port: flow.localPort,
                at: now)
        }
        if let leading = forwards.leading(
            to: flow.local, port: flow.localPort, transport: transport)
        {
            let outside = forwards.outside(of: forwards.forwards[leading.forward])
            return try staticMapping(
                flow, rule, .forward(UInt32(leading.forward)), outside: outside,
                port: leading.outsidePort, at: now)
        }
        guard !pools.addresses.isEmpty else { throw .natNoPort }
        try makePortRoom(inside: flow.local, at: now)
        guard let number = takeMapping() else { throw .natTableFull }
        guard let host = takeHost(flow.local) else {
            giveMapping(number)
            throw .natTableFull
        }
        let outside: (address: Int, port: UInt16)
        do throws(DropReason) {
            outside = try takePort(flow, transport, rule, host: host, mapping: number, at: now)
        } catch {
            giveHost(host)
            giveMapping(number)
            throw error
        }
        let key = mappingKey(flow, rule)
        try place(
            number, flow, rule, .dynamic, host: host, outside: pools.addresses[outside.address],
            port: outside.port, remote: key.remote, remotePort: key.port, at: now)
        return number
    }

    /// Other outside addresses tried for a host whose own has no free port, if it may use them.
    private static var mostOthers: Int { 8 }

    /// A port of the host's outside address, or of its block.
    private mutating func takePort(
        _ flow: Flow, _ transport: Transport, _ rule: UInt8, host: UInt32, mapping: UInt32,
        at now: Instant
    ) throws(DropReason) -> (address: Int, port: UInt16) {
        let choice = policies[rule].ports
        let rest = settings.timeouts.portRest
        var address = Int(hosts[host].pool)
        var block = 0
        if settings.blocks != nil {
            guard let own = blocks?.place(of: flow.local) else { throw .natNoBlock }
            (address, block) = own
        }
        var others = settings.softPairing && settings.blocks == nil ? Self.mostOthers : 0
        others = min(others, pools.addresses.count - 1)
        while true {
            if let port = pools[address, transport].take(
                for: flow.localPort, mapping: mapping, choice, block: block, at: now, rest: rest,
                random: &random)
            {
                return (address, port)
            }
            guard others > 0 else { throw .natNoPort }
            others -= 1
            address = (address + 1) % pools.addresses.count
        }
    }

    /// The mapping of a port forward or one-to-one entry; one for each inside and outside endpoint.
    mutating func staticMapping(
        _ flow: Flow, _ rule: UInt8, _ kind: Kind, outside: UInt32, port: UInt16,
        at now: Instant
    ) throws(DropReason) -> UInt32 {
        let hash = mappingHash(
            inside: flow.local, port: flow.localPort, flow.transport, remote: outside,
            remotePort: port, isStatic: true)
        let known = mappingIndex.find(hash) { number in
            let mapping = mappings[number]
            return mapping.isStatic != 0 && mapping.insidePort == flow.localPort
                && hosts[mapping.host].address == flow.local
                && mapping.transport == flow.transport && mapping.outsideAddress == outside
                && mapping.outsidePort == port
        }
        if let known { return known }
        guard let number = takeMapping() else { throw .natTableFull }
        guard let host = takeHost(flow.local) else {
            giveMapping(number)
            throw .natTableFull
        }
        try place(
            number, flow, rule, kind, host: host, outside: outside, port: port, remote: outside,
            remotePort: port, at: now)
        return number
    }

    /// Fills in a mapping record and indexes it under what of the remote, or outside, it is for.
    mutating func place(
        _ number: UInt32, _ flow: Flow, _ rule: UInt8, _ kind: Kind, host: UInt32,
        outside: UInt32, port: UInt16, remote: UInt32, remotePort: UInt16, at now: Instant
    ) throws(DropReason) {
        let (isStatic, source) = kind.raw
        let hash = mappingHash(
            inside: flow.local, port: flow.localPort, flow.transport, remote: remote,
            remotePort: remotePort, isStatic: isStatic != 0)
        mappings[number] = Mapping(
            outsideAddress: outside, remoteAddress: isStatic == 0 ? remote : 0,
            insidePort: flow.localPort, outsidePort: port,
            remotePort: isStatic == 0 ? remotePort : 0,
            transport: flow.transport, isStatic: isStatic, forward: source, rule: rule,
            flags: MappingFlag.inUse, host: host, firstSession: 0,
            sessions: 0, holders: 0, created: TimerWheel.ticks(now))
        if isStatic == 0 { hosts[host].ports += 1 }
        guard mappingIndex.insert(number, hash: hash) else {
            endMapping(number, indexed: false, at: now)
            throw .natTableFull
        }
    }

    func poolIndex(of mapping: UInt32) -> Int? {
        pools.index(of: mappings[mapping].outsideAddress)
    }

    /// Removes a mapping without sessions; its port rests.
    mutating func endMapping(_ number: UInt32, indexed: Bool = true, at now: Instant) {
        let mapping = mappings[number]
        if indexed {
            var index = mappingIndex
            index.remove(number, hash: mappingHash(of: number)) { mappingHash(of: $0) }
            mappingIndex = index
        }
        if mapping.isStatic == 0 { hosts[mapping.host].ports -= 1 }
        if mapping.isStatic == 0, let transport = Transport(rawValue: mapping.transport),
            let pool = poolIndex(of: number),
            pools[pool, transport].owner(of: mapping.outsidePort) == .mapping(number)
        {
            // Nobody waits for more from a connection that both ends closed (RFC 6888 REQ-8).
            pools[pool, transport].give(
                mapping.outsidePort, rests: mapping.flags & MappingFlag.portRests != 0, at: now)
        }
        giveHost(mapping.host)
        mappings[number].flags = 0
        giveMapping(number)
    }

    mutating func takeMapping() -> UInt32? {
        let table = mappings
        return mappingPool.take { table[$0].firstSession }
    }

    mutating func giveMapping(_ number: UInt32) {
        mappings[number].firstSession = mappingPool.give(number)
    }

    // MARK: Hosts

    private static func hostHash(_ address: UInt32, _ key: HashKey) -> UInt32 {
        key.hash(UInt64(address), 5)
    }

    func findHost(_ address: UInt32) -> UInt32? {
        hostIndex.find(Self.hostHash(address, key)) { hosts[$0].address == address }
    }

    /// The host's record with one mapping more; a new host gets an outside address by its own.
    mutating func takeHost(_ address: UInt32) -> UInt32? {
        if let known = findHost(address) {
            hosts[known].mappings += 1
            return known
        }
        let table = hosts
        guard let number = hostPool.take({ table[$0].mappings }) else { return nil }
        guard hostIndex.insert(number, hash: Self.hostHash(address, key)) else {
            hosts[number].mappings = hostPool.give(number)
            return nil
        }
        hosts[number] = Host(address: address, pool: poolChoice(address))
        return number
    }

    /// The same host gets the same address for as long as the pool stays (RFC 4787 REQ-2).
    func poolChoice(_ host: UInt32) -> UInt32 {
        if let own = blocks?.place(of: host) { return UInt32(own.address) }
        let count = UInt32(pools.addresses.count)
        // Of several workers two may have sessions of one host: all choose alike.
        let spread =
            share.count == 1
            ? Self.hostHash(host, key) : UInt32(truncatingIfNeeded: share.spread(host))
        return count == 0 ? 0 : spread % count
    }

    mutating func giveHost(_ number: UInt32) {
        hosts[number].mappings -= 1
        guard hosts[number].mappings == 0 else { return }
        let table = hosts
        let key = key
        hostIndex.remove(number, hash: Self.hostHash(hosts[number].address, key)) {
            Self.hostHash(table[$0].address, key)
        }
        hosts[number].mappings = hostPool.give(number)
    }
}
