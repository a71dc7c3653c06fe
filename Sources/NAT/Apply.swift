import Memory
public import Timing
public import Wire

extension NAT {
    /// Takes on new settings; sessions that they still allow go on, the others end at once.
    ///
    /// Mode, outside side and table sizes stay as they were made. O(sessions).
    public mutating func apply(
        _ new: NATSettings, outsideAddresses: [IPv4Address], at now: Instant
    ) {
        guard settings.mode != .none else { return }
        let samePools = pools.fits(new, addresses: outsideAddresses)
        if samePools { freeForwardPorts() }
        let old = settings
        settings = new
        settings.mode = old.mode
        settings.outside = old.outside
        settings.limits = share.part(of: new.limits)
        settings.limits.sessions = old.limits.sessions
        if !samePools { pools = PoolSet(settings, addresses: outsideAddresses, share) }
        blocks = pools.blocks
        oneToOne = OneToOneTable(settings)
        forwards = ForwardTable(settings, addresses: outsideAddresses)
        policies = PolicyTable(settings)
        prepare()
        if !samePools { assignHosts() }
        for number in 0..<mappingPool.highest where mappings[number].isInUse {
            rejudge(number, keepsPort: samePools, at: now)
        }
        for number in 0..<sessionPool.highest where isInUse(number) {
            if isAllowed(number) {
                refreshTimeout(number, at: now)
                // What was not followed all the time is not known.
                if new.tcpTracking != old.tcpTracking,
                    sessions[number].transport == IPProtocol.tcp
                {
                    ends[number] = InlineArray(repeating: TCPEnd())
                }
            } else {
                kill(number, at: now)
            }
        }
    }

    private mutating func freeForwardPorts() {
        for forward in forwards.forwards {
            guard let address = pools.index(of: forwards.outside(of: forward)) else { continue }
            for transport in forward.transports {
                for port in forward.ports { pools[address, transport].unreserve(port) }
            }
        }
    }

    /// Gives every host a place in the new pools; one that keeps a mapping keeps its address later.
    private mutating func assignHosts() {
        for number in 0..<mappingPool.highest where mappings[number].isInUse {
            let host = mappings[number].host
            hosts[host].pool = poolChoice(hosts[host].address)
        }
    }

    /// Whether a session of a mapping that stays may be, by exceptions, filters and sources.
    private func isAllowed(_ number: UInt32) -> Bool {
        let session = sessions[number]
        let mapping = mappings[members[number].mapping]
        let isExcluded = settings.exclude.contains {
            $0.matches(session.remoteAddress, port: session.remotePort, proto: session.transport)
        }
        guard !isExcluded else { return false }
        guard session.flags & SessionFlag.startedInbound != 0 else { return true }
        switch mapping.isStatic {
        case 1:
            let sources = forwards.forwards[Int(mapping.forward)].sources
            return sources.isEmpty
                || sources.contains { $0.contains(IPv4Address(session.remoteAddress)) }
        case 2: return oneToOne.admits(UInt32(mapping.forward), session.remoteAddress)
        default:
            // The host answered it, so that every filter would let it in.
            guard session.flags & SessionFlag.sentOutbound == 0 else { return true }
            return admits(members[number].mapping, session.remoteAddress)
        }
    }

    /// Ends a mapping the new settings do not allow; gives the others their port.
    private mutating func rejudge(_ number: UInt32, keepsPort: Bool, at now: Instant) {
        let mapping = mappings[number]
        let transport = Transport(proto: mapping.transport)
        let inside = insideAddress(ofMapping: number)
        mappings[number].rule = policies.find(inside, transport)
        let own = oneToOne.find(inside: inside)
        if policies[mappings[number].rule].isDenied {
            // Whatever it is, it ends.
        } else if transport.counter == Transport.other.counter, !settings.otherProtocols {
            // UDP-Lite and DCCP go with the others.
        } else if mapping.isStatic == 2 {
            if let own, own.outside == mapping.outsideAddress {
                mappings[number].forward = UInt16(truncatingIfNeeded: own.number)
                return
            }
        } else if mapping.isStatic != 0 {
            if let forward = forward(of: mapping, from: inside, transport) {
                mappings[number].forward = UInt16(truncatingIfNeeded: forward)
                return
            }
        } else if transport == .other {
            if own == nil, pools.index(of: mapping.outsideAddress) != nil { return }
        } else if own == nil, let pool = pools.place(of: mapping, from: inside) {
            if pools[pool, transport].owner(of: mapping.outsidePort) == .mapping(number)
                || (!keepsPort && pools[pool, transport].take(mapping.outsidePort, for: number))
            {
                // The host goes on with the address it has.
                hosts[mapping.host].pool = UInt32(pool)
                return
            }
        }
        while mappings[number].isInUse, mappings[number].firstSession != 0 {
            kill(mappings[number].firstSession - 1, at: now)
        }
    }

    /// The forward that still makes a static mapping what it is.
    private func forward(
        of mapping: Mapping, from inside: UInt32, _ transport: Transport
    ) -> UInt32? {
        for (number, forward) in forwards.forwards.enumerated() {
            guard forward.transports.contains(transport),
                forward.ports.contains(mapping.outsidePort),
                forwards.outside(of: forward) == mapping.outsideAddress,
                forward.insideAddress.rawValue == inside,
                forward.insidePort &+ (mapping.outsidePort &- forward.ports.lowerBound)
                    == mapping.insidePort
            else { continue }
            return UInt32(number)
        }
        return nil
    }

    private mutating func refreshTimeout(_ number: UInt32, at now: Instant) {
        if refreshesInbound(members[number].mapping) {
            sessions[number].flags |= SessionFlag.inboundRefreshes
        } else {
            sessions[number].flags &= ~SessionFlag.inboundRefreshes
        }
        wheel.set(number, deadline: sessions[number].lastSeen &+ dueTicks(number))
    }

    /// Ports of one outside address and transport.
    public struct PoolUse: Sendable {
        /// Outside address.
        public let address: IPv4Address
        /// Transport.
        public let transport: Transport
        /// Given to mappings.
        public private(set) var used: Int
        /// Freed lately.
        public private(set) var resting: Int
        /// That may be given out.
        public private(set) var total: Int
        /// Whether each worker has the whole range: its hosts have blocks of it.
        let isWhole: Bool

        /// Adds that of another worker.
        public mutating func add(_ other: PoolUse) {
            used += other.used
            resting += other.resting
            if !isWhole { total += other.total }
        }
    }

    /// How far the pools are used, by address and transport.
    public func poolUse() -> [PoolUse] {
        pools.addresses.indices.flatMap { index in
            Transport.pooled.map { transport in
                let pool = pools[index, transport]
                return PoolUse(
                    address: IPv4Address(pools.addresses[index]), transport: transport,
                    used: pool.used, resting: pool.resting, total: pool.total,
                    isWhole: blocks != nil)
            }
        }
    }

    /// What one inside host has.
    public struct HostUse: Sendable {
        /// Sessions it began.
        public let sessions: Int
        /// Sessions that remotes began.
        public let strangers: Int
        /// Outside ports and identifiers from the pool.
        public let ports: Int
    }

    /// What the inside host at `address` has; nil if it has nothing.
    public func use(of address: IPv4Address) -> HostUse? {
        guard let host = findHost(address.rawValue) else { return nil }
        return HostUse(
            sessions: Int(hosts[host].own), strangers: Int(hosts[host].strangers),
            ports: Int(hosts[host].ports))
    }

    /// The port forward a session came by, as its number in the settings; nil for none.
    public func forward(of number: UInt32) -> Int? {
        let mapping = mappings[members[number].mapping]
        return mapping.isStatic == 1 ? Int(mapping.forward) : nil
    }
}
