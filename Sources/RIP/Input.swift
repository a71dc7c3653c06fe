internal import Memory
public import Timing
internal import Wire

// What is taken in. A bad packet is dropped whole, of a bad entry only itself.
extension RIPEngine {
    /// Takes a packet that came to port 520 in on an interface (RFC 2453 §3.9).
    ///
    /// - Parameters:
    ///   - packet: The UDP payload.
    ///   - sender: Who sent it.
    public mutating func receive(
        _ packet: RawSpan, from sender: RIPEndpoint, on interface: Int, at now: Instant,
        into effects: inout RIPEffects
    ) {
        interfaces[interface].packetsIn &+= 1
        do throws(RIPDrop) {
            try take(packet, sender, interface, now, &effects)
        } catch {
            count(error, on: interface)
            if let index = neighbor(at: sender.address, on: interface) {
                neighbors[index].badPackets &+= 1
            }
        }
    }

    private mutating func take(
        _ packet: RawSpan, _ sender: RIPEndpoint, _ interface: Int, _ now: Instant,
        _ effects: inout RIPEffects
    ) throws(RIPDrop) {
        guard let own = settings.interfaces[interface], interfaces[interface].isUp else {
            throw .interfaceOff
        }
        guard !own.isOwn(sender.address) else { throw .ownPacket }
        guard own.isOnLink(sender.address) else { throw .offLink }
        guard own.neighbors.isEmpty || own.neighbors.contains(sender.address) else {
            throw .neighborRefused
        }
        guard packet.byteCount >= RIPProtocol.headerLength else { throw .truncated }
        let version = packet.byte(1)
        guard version > 1 || version == 1 && own.versions == .both else { throw .version }
        if version == 1, packet.be16(2) != 0 { throw .mustBeZero }
        guard let command = RIPCommand(rawValue: packet.byte(0)) else { throw .command }
        let known = try own.authentication.check(packet, version: version, wall: wall(now))
        guard known.entries.count % RIPProtocol.entryLength == 0 else { throw .length }
        let most = RIPProtocol.headerLength + RIPProtocol.mostEntries * RIPProtocol.entryLength
        guard known.entries.upperBound <= most else { throw .tooLong }
        switch command {
        case .request:
            // Version 1 is never sent, so that nobody misreads a subnet (RFC 2453 §5.1).
            guard version > 1 else { throw .version }
            try answer(packet, known.entries, sender, interface)
        case .response:
            guard sender.port == RIPProtocol.port else { throw .port }
            let number = try meet(sender.address, interface, version, known, now, &effects)
            for offset in stride(
                from: known.entries.lowerBound, to: known.entries.upperBound,
                by: RIPProtocol.entryLength)
            {
                do throws(RIPDrop) {
                    let entry = RIPEntry(packet, at: offset)
                    if version == 1, !entry.isVersion1 { throw .mustBeZero }
                    let heard = try settings.judge(entry, from: sender.address, own)
                    try relax(
                        heard, from: UInt16(truncatingIfNeeded: number), on: interface, at: now,
                        into: &effects)
                } catch {
                    count(error, on: interface)
                    neighbors[number].badRoutes &+= 1
                }
            }
        }
    }

    // MARK: Neighbours

    func neighbor(at address: IPv4Address, on interface: Int) -> Int? {
        neighbors.firstIndex { $0.address == address && $0.interface == interface }
    }

    /// The neighbour's number, its sequence number judged: once it has been silent for as long as
    /// its routes live, it may begin anew (RFC 4822 §3.2).
    private mutating func meet(
        _ address: IPv4Address, _ interface: Int, _ version: UInt8, _ known: Authenticated,
        _ now: Instant, _ effects: inout RIPEffects
    ) throws(RIPDrop) -> Int {
        guard let index = neighbor(at: address, on: interface) else {
            let fresh = Neighbor(
                interface: interface, address: address, heard: now, version: version,
                sequence: known.sequence)
            let number = neighbors.firstIndex { !$0.isUp } ?? neighbors.count
            guard number < settings.limits.neighbors else { throw .neighborLimit }
            if number == neighbors.count {
                neighbors.append(fresh)
            } else {
                neighbors[number] = fresh
            }
            welcome(address, interface, &effects)
            return number
        }
        if let last = neighbors[index].sequence, let sequence = known.sequence, sequence < last,
            now - neighbors[index].heard <= settings.timers.timeout
        {
            throw .authenticationReplay
        }
        neighbors[index].sequence = known.sequence
        neighbors[index].heard = now
        neighbors[index].version = version
        if !neighbors[index].isUp {
            neighbors[index].isUp = true
            welcome(address, interface, &effects)
        }
        return index
    }

    /// A router that appears is told everything now: FRR's own first request is not authenticated.
    private mutating func welcome(
        _ address: IPv4Address, _ interface: Int, _ effects: inout RIPEffects
    ) {
        effects.events.append(.neighborUp(interface: interface, address))
        if speaks(interface) { sayAll(on: interface) }
    }

    // MARK: Requests

    /// A request for everything is answered like an update, one for single networks as asked,
    /// without split horizon (RFC 2453 §3.9.1).
    private mutating func answer(
        _ packet: RawSpan, _ range: Range<Int>, _ sender: RIPEndpoint, _ interface: Int
    ) throws(RIPDrop) {
        guard let own = settings.interfaces[interface], speaks(interface), !range.isEmpty else {
            return
        }
        guard jobs.count < settings.limits.jobs else { throw .busy }
        var job = OutputJob(interface: interface, destination: sender, content: .table)
        let first = RIPEntry(packet, at: range.lowerBound)
        let infinity = UInt32(RIPProtocol.infinity)
        if first.family == 0, first.metric == infinity, range.count == RIPProtocol.entryLength {
            jobs.append(job)
            return
        }
        var entries: [RIPEntry] = []
        for offset in stride(
            from: range.lowerBound, to: range.upperBound, by: RIPProtocol.entryLength)
        {
            var entry = RIPEntry(packet, at: offset)
            entry.metric = infinity
            if entry.family == RIPProtocol.internetFamily, let prefix = entry.prefix,
                own.announces(prefix), let number = table.find(prefix)
            {
                entry.metric = UInt32(table.destinations[number].metric)
                entry.tag = table.destinations[number].tag
            }
            entries.append(entry)
        }
        job.content = .entries(entries)
        jobs.append(job)
    }
}

extension RIPSettings {
    /// What a good entry says; throws why it is none (RFC 2453 §3.9.2).
    func judge(
        _ entry: RIPEntry, from sender: IPv4Address, _ own: RIPInterfaceSettings
    ) throws(RIPDrop) -> RIPEngine.Heard {
        guard entry.family == RIPProtocol.internetFamily else { throw .entryFamily }
        guard (1...UInt32(RIPProtocol.infinity)).contains(entry.metric) else {
            throw .entryMetric
        }
        guard let prefix = own.prefix(of: entry) else { throw .entryMask }
        try check(prefix, own)
        // A next hop that is no router of this link is none (RFC 2453 §4.4).
        let isGood = own.isOnLink(entry.nextHop) && !own.isOwn(entry.nextHop)
        return RIPEngine.Heard(
            prefix: prefix, metric: UInt8(truncatingIfNeeded: entry.metric), tag: entry.tag,
            gateway: isGood ? entry.nextHop : sender)
    }

    /// Whether a destination may be learned (SECURITY S50).
    func check(_ prefix: IPv4Prefix, _ own: RIPInterfaceSettings) throws(RIPDrop) {
        if prefix.length == 0 {
            guard own.acceptsDefault else { throw .entryDefault }
        } else {
            let top = prefix.address.rawValue >> 24
            guard top != 0, top != 127, top < 224 else { throw .entryDestination }
        }
        let isOwn = connected.contains {
            $0.length <= prefix.length && $0.contains(prefix.address)
        }
        guard !isOwn else { throw .entryOwn }
        guard own.accepts(prefix) else { throw .entryFiltered }
    }
}

extension RIPInterfaceSettings {
    /// The destination of an entry. One without a mask has that of the interface if it lies in the
    /// same network, else that of its class, or is a host (RFC 2453 §3.7 and §4.3).
    func prefix(of entry: RIPEntry) -> IPv4Prefix? {
        guard entry.mask == 0, entry.address != .unspecified else { return entry.prefix }
        let address = entry.address.rawValue
        let length = address >> 31 == 0 ? 8 : address >> 30 == 2 ? 16 : 24
        let network = IPv4Prefix(entry.address, length: length)
        let sibling = addresses.first {
            Int($0.prefix.length) > length && network.contains($0.address)
        }
        let prefix = IPv4Prefix(entry.address, length: Int(sibling?.prefix.length ?? UInt8(length)))
        return prefix.address == entry.address ? prefix : IPv4Prefix(entry.address, length: 32)
    }
}
