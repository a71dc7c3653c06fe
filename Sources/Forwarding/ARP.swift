import Memory
import NAT
public import Timing
public import Wire

// ARP: answers, learning, asking, defending (RFC 826, RFC 1122 §2.3.2, RFC 5227).
extension Forwarder {
    /// Takes an ARP packet: answers for our addresses, learns what may be learnt. Of several
    /// workers all learn and the first one answers.
    mutating func arp(
        _ frame: inout MutableRawSpan, _ side: Side, _ now: Instant, _ outbox: inout Outbox
    ) throws(DropReason) {
        guard let packet = Self.parse(frame.bytes) else { throw .arpMalformed }
        let sender = packet.senderAddress.rawValue
        guard packet.senderHardware.rawValue != 0, !packet.senderHardware.isGroup,
            packet.senderHardware.rawValue == frame.be48(6)
        else { throw .arpSender }
        if own.isOwn(sender, on: side) {
            if isProbing(sender, side) {
                giveWay(sender, packet, side, now)
            } else if share.index == 0 {
                defend(packet, side, now, &outbox)
            }
            throw .arpConflict
        }
        let isForUs = answersFor(packet, side)
        if sender == 0 {
            // A probe (RFC 5227 §1.1): whoever has the address answers, nobody learns.
            if isProbing(packet.targetAddress.rawValue, side) {
                giveWay(packet.targetAddress.rawValue, packet, side, now)
                throw .arpConflict
            }
            guard packet.operation == .request, isForUs else { throw .arpNotForUs }
            return try answer(packet, side, now, &outbox)
        }
        let known = neighbors.find(side, sender)
        guard known != nil || isNeighbor(sender, side) else { throw .arpSender }
        guard !isNoHost(sender), own.broadcastSide(of: sender) == nil else {
            throw .arpSender
        }
        if let known {
            try update(known, packet, isAnswer: packet.operation == .reply, now, &outbox)
        } else if packet.operation == .request, isForUs {
            learn(packet, side, now)
        } else if packet.operation == .reply {
            // Another worker may have asked.
            guard share.count > 1 else { throw .arpUnsolicited }
        } else {
            throw .arpNotForUs
        }
        guard packet.operation == .request else { return }
        guard isForUs else { return }
        try answer(packet, side, now, &outbox)
    }

    /// Whether a station with this address may be on this side.
    private func isNeighbor(_ address: UInt32, _ side: Side) -> Bool {
        if own.isConnected(address, on: side) { return true }
        return own.isUnnetworked(side) && fib.leads(fib.lookup(IPv4Address(address)), to: side)
    }

    private static func parse(_ bytes: RawSpan) -> ARPPacket? {
        guard bytes.byteCount >= EthernetView.headerLength + ARPPacket.length else { return nil }
        var reader = ByteReader(bytes.part(EthernetView.headerLength, ARPPacket.length))
        return try? ARPPacket(from: &reader)
    }

    /// Our own addresses of this side, the pool's on the outside, and prefixes to be proxy for.
    private func answersFor(_ packet: ARPPacket, _ side: Side) -> Bool {
        let target = packet.targetAddress
        if own.isOwn(target.rawValue, on: side) { return !isProbing(target.rawValue, side) }
        guard target != packet.senderAddress else { return false }
        if side == settings.nat.outside, nat.isOutside(target.rawValue) { return true }
        return settings[side].proxyARP.contains { prefix in
            // Never for the asker's own network: its hosts answer for themselves.
            prefix.contains(target) && !own.isConnected(target.rawValue, on: side)
        }
    }

    private mutating func answer(
        _ packet: ARPPacket, _ side: Side, _ now: Instant, _ outbox: inout Outbox
    ) throws(DropReason) {
        guard share.index == 0 else { return }
        let hardware = MACAddress(links[side.index].hardware)
        let reply = ARPPacket(
            .reply, senderHardware: hardware, senderAddress: packet.targetAddress,
            targetHardware: packet.senderHardware, targetAddress: packet.senderAddress)
        guard sendARP(reply, to: packet.senderHardware, on: side, &outbox) else {
            throw .outputFull
        }
    }

    @discardableResult
    func sendARP(
        _ packet: ARPPacket, to hardware: MACAddress, on side: Side, _ outbox: inout Outbox
    ) -> Bool {
        let source = links[side.index].hardware
        return outbox.compose(side, length: EthernetView.headerLength + ARPPacket.length) { frame in
            frame.setBe48(0, hardware.rawValue)
            frame.setBe48(6, source)
            frame.setBe16(12, EtherType.arp)
            var writer = ByteWriter(frame.from(EthernetView.headerLength))
            packet.encode(to: &writer)
        }
    }

    // MARK: Learning

    /// A host asked for us: it is there, and will want an answer soon.
    private mutating func learn(_ packet: ARPPacket, _ side: Side, _ now: Instant) {
        guard
            let number = makeRoom(side, now)
                ? neighbors.insert(side, packet.senderAddress.rawValue, .reachable, at: now) : nil
        else { return }
        confirm(number, packet.senderHardware.rawValue, now)
    }

    /// A known neighbour was heard of.
    private mutating func update(
        _ number: UInt32, _ packet: ARPPacket, isAnswer: Bool, _ now: Instant,
        _ outbox: inout Outbox
    ) throws(DropReason) {
        let hardware = packet.senderHardware.rawValue
        let record = neighbors.records[number]
        switch record.state {
        case .permanent:
            if record.hardware != hardware { throw .arpConflict }
        case .incomplete, .failed, .stale, .probe:
            // RFC 826: whoever is known is updated by any packet; nothing confirmed is at stake.
            confirm(number, hardware, now)
        case .reachable:
            if record.hardware == hardware {
                neighbors.records[number].candidate = 0
                confirm(number, hardware, now)
            } else if record.candidate == 0 {
                // Two claim the address. Who was there is asked; if silent, the new one has it.
                neighbors.records[number].candidate = hardware
                neighbors.wheel.set(
                    number, deadline: TimerWheel.deadline(NeighborLimits.retry, after: now))
                request(number, to: MACAddress(record.hardware), &outbox)
                throw .arpConflict
            } else {
                throw .arpConflict
            }
        }
    }

    private mutating func confirm(_ number: UInt32, _ hardware: UInt64, _ now: Instant) {
        neighbors.records[number].hardware = hardware
        neighbors.records[number].confirmed = now
        neighbors.records[number].tries = 0
        neighbors.records[number].failures = 0
        neighbors.set(number, .reachable)
        neighbors.wheel.set(
            number, deadline: TimerWheel.deadline(NeighborLimits.reachable, after: now))
        ready.append(contentsOf: &neighbors.records[number].waiting, in: store)
    }

    // MARK: Asking

    /// The record of a next station; asked for if it is new or stale.
    mutating func findNeighbor(
        _ hop: Hop, at now: Instant, into outbox: inout Outbox
    ) throws(DropReason) -> UInt32 {
        if let known = neighbors.find(hop.side, hop.address) {
            neighbors.records[known].used = TimerWheel.ticks(now)
            switch neighbors.records[known].state {
            case .stale:
                neighbors.set(known, .probe)
                neighbors.records[known].tries = 0
                ask(known, now, &outbox)
            case .failed:
                guard TimerWheel.ticks(now) >= neighbors.records[known].holdUntil else {
                    throw .arpUnresolved
                }
                guard limits.requests.take(at: now) else { throw .arpRateLimit }
                neighbors.set(known, .incomplete)
                neighbors.records[known].tries = 0
                ask(known, now, &outbox)
            default: break
            }
            return known
        }
        guard limits.requests.take(at: now) else { throw .arpRateLimit }
        guard makeRoom(hop.side, now),
            let number = neighbors.insert(hop.side, hop.address, .incomplete, at: now)
        else { throw .arpTableFull }
        ask(number, now, isFirst: true, &outbox)
        return number
    }

    /// Frees a place on a full side: the neighbour that has been unresolved for longest goes.
    private mutating func makeRoom(_ side: Side, _ now: Instant) -> Bool {
        if neighbors.counts[side.index] < NeighborLimits.perSide { return true }
        guard let oldest = neighbors.oldestUnresolved(side) else { return false }
        forget(oldest, .arpUnresolved, now)
        return true
    }

    private mutating func forget(_ number: UInt32, _ reason: DropReason, _ now: Instant) {
        dropWaiting(number, reason, now)
        neighbors.remove(number)
        forgetDecisions()
    }

    private mutating func dropWaiting(_ number: UInt32, _ reason: DropReason, _ now: Instant) {
        while let held = neighbors.records[number].waiting.popFirst(in: store) {
            drop(reason, on: store[held].side, at: now)
            store.release(held)
        }
    }

    /// Sends the next request and sets the timer for its answer. A broadcast that would be one too
    /// many in this second is put off, but counts, so that a scan can not keep its entries.
    private mutating func ask(
        _ number: UInt32, _ now: Instant, isFirst: Bool = false, _ outbox: inout Outbox
    ) {
        let record = neighbors.records[number]
        let isUnicast = record.state == .probe && record.tries < NeighborLimits.tries
        neighbors.records[number].tries &+= 1
        if isUnicast || isFirst || limits.requests.take(at: now) {
            request(number, to: isUnicast ? MACAddress(record.hardware) : .broadcast, &outbox)
        }
        neighbors.wheel.set(
            number, deadline: TimerWheel.deadline(NeighborLimits.retry, after: now))
    }

    private func request(_ number: UInt32, to hardware: MACAddress, _ outbox: inout Outbox) {
        let record = neighbors.records[number]
        let packet = ARPPacket(
            .request, senderHardware: MACAddress(links[record.side.index].hardware),
            senderAddress: own.source(on: record.side, to: record.address),
            targetHardware: MACAddress(0), targetAddress: IPv4Address(record.address))
        sendARP(packet, to: hardware, on: record.side, &outbox)
    }

    // MARK: Waiting

    /// Keeps a packet until its neighbour is known; the oldest goes when too many wait.
    mutating func wait(
        for number: UInt32, _ bytes: RawSpan, _ header: VirtioNetHeader, _ side: Side,
        as kind: HandOver = .received, isOwn: Bool = false, at now: Instant
    ) throws(DropReason) {
        let neighbor = isOwn ? neighbors.records[number].address : nil
        guard mayWait, let held = store.hold(bytes, header, side, as: kind, ownTo: neighbor)
        else { throw .arpQueueFull }
        enqueue(held, for: number, at: now)
    }

    /// Whether fewer packets than the limit wait for neighbours, over all of them.
    var mayWait: Bool {
        store.count - fragments.heldPieces - Int(ready.count) < NeighborLimits.queuedInAll
    }

    mutating func enqueue(_ held: UInt32, for number: UInt32, at now: Instant) {
        neighbors.records[number].waiting.append(held, in: store)
        while neighbors.records[number].waiting.count > NeighborLimits.queuedPackets
            || (neighbors.records[number].waiting.bytes > NeighborLimits.queuedBytes
                && neighbors.records[number].waiting.count > 1)
        {
            guard let oldest = neighbors.records[number].waiting.popFirst(in: store) else { return }
            drop(.arpQueueFull, on: store[oldest].side, at: now)
            store.release(oldest)
        }
    }

    // MARK: Timers

    mutating func neighborTimers(at now: Instant, into outbox: inout Outbox) {
        for _ in 0..<256 {
            guard let number = neighbors.wheel.popExpired(at: TimerWheel.ticks(now)) else { return }
            let record = neighbors.records[number]
            switch record.state {
            case .reachable where record.candidate != 0:
                // Who had the address before did not answer.
                neighbors.records[number].candidate = 0
                confirm(number, record.candidate, now)
            case .reachable:
                neighbors.set(number, .stale)
                neighbors.wheel.set(
                    number, deadline: TimerWheel.deadline(NeighborLimits.forget, after: now))
            case .stale, .failed:
                forget(number, .arpUnresolved, now)
            case .incomplete:
                if record.tries < NeighborLimits.tries {
                    ask(number, now, &outbox)
                } else {
                    fail(number, now, &outbox)
                }
            case .probe:
                if record.tries < NeighborLimits.tries * 2 {
                    ask(number, now, &outbox)
                } else {
                    fail(number, now, &outbox)
                }
            case .permanent: break
            }
        }
    }

    /// No answer: the packets that waited are dropped, the first of them with an error (RFC 1812
    /// §3.3.2: host unreachable only now), and nobody asks again before a hold-down is over.
    private mutating func fail(_ number: UInt32, _ now: Instant, _ outbox: inout Outbox) {
        if let held = neighbors.records[number].waiting.popFirst(in: store) {
            if store[held].neighbor == nil {
                report(.unreachable(UnreachableCode.host), aboutHeld: held, now, &outbox)
            }
            drop(.arpUnresolved, on: store[held].side, at: now)
            store.release(held)
        }
        dropWaiting(number, .arpUnresolved, now)
        let failures = min(neighbors.records[number].failures, 3)
        neighbors.records[number].failures = failures + 1
        neighbors.records[number].hardware = 0
        neighbors.set(number, .failed)
        let longest = NeighborLimits.longestHoldDown
        let hold = min(NeighborLimits.holdDown * (1 << Int64(failures)), longest)
        neighbors.records[number].holdUntil = TimerWheel.deadline(hold, after: now)
        // Kept for longer, so that the next failure is known to be one in a row.
        neighbors.wheel.set(number, deadline: TimerWheel.deadline(hold + longest, after: now))
        forgetDecisions()
    }

    /// Sends an error about a packet that is kept.
    mutating func report(
        _ kind: ErrorKind, aboutHeld held: UInt32, _ now: Instant, _ outbox: inout Outbox
    ) {
        let record = store[held]
        // Only the start of the packet is needed for the quote; no more than that is copied.
        let count = min(Int(record.length), scratchLength)
        var storage = InlineArray<640, UInt8>(repeating: 0)
        var span = storage.mutableSpan
        var frame = unsafe span.mutableBytes
        store.copy(held, from: 0, count: count, to: &frame, at: 0)
        var bytes = frame.window(0, count)
        guard let packet = try? Packet(quoting: &bytes) else { return }
        var path = Path(side: record.side, now: now)
        path.kind = record.kind
        error(kind, about: packet, &bytes, path, &outbox)
    }

    private var scratchLength: Int { 640 }

    // MARK: For answers and the configuration

    /// Puts the fixed entries of a side into the table; those not configured any more go.
    mutating func installStaticNeighbors(_ side: Side, at now: Instant) {
        let wanted = settings[side].neighbors
        for number in 0..<neighbors.pool.highest {
            let record = neighbors.records[number]
            guard neighbors.find(record.side, record.address) == number, record.side == side,
                record.state == .permanent,
                !wanted.contains(where: { $0.address.rawValue == record.address })
            else { continue }
            forget(number, .arpUnresolved, now)
        }
        for entry in wanted { install(entry.address.rawValue, entry.hardware, side, now) }
        guard settings.policy.forwardsDirectedBroadcast else { return }
        for address in settings[side].addresses {
            guard let broadcast = address.prefix.broadcast else { continue }
            install(broadcast.rawValue, .broadcast, side, now)
        }
    }

    private mutating func install(
        _ address: UInt32, _ hardware: MACAddress, _ side: Side, _ now: Instant
    ) {
        guard
            let number = neighbors.find(side, address)
                ?? neighbors.insert(side, address, .permanent, at: now)
        else { return }
        neighbors.set(number, .permanent)
        neighbors.records[number].hardware = hardware.rawValue
        neighbors.wheel.cancel(number)
        ready.append(contentsOf: &neighbors.records[number].waiting, in: store)
    }

    /// The neighbours known, in no order.
    public func neighborList() -> [Neighbor] {
        (0..<neighbors.pool.highest).compactMap { number in
            let record = neighbors.records[number]
            return neighbors.find(record.side, record.address) == number ? record : nil
        }
    }

    /// Takes over a neighbour that a predecessor knew: packets go there at once, and the first one
    /// has it asked whether it is still there.
    public mutating func recallNeighbor(
        _ side: Side, _ address: IPv4Address, _ hardware: MACAddress, at now: Instant
    ) {
        guard hardware.rawValue != 0, neighbors.find(side, address.rawValue) == nil,
            neighbors.counts[side.index] < NeighborLimits.perSide,
            let number = neighbors.insert(side, address.rawValue, .stale, at: now)
        else { return }
        neighbors.records[number].hardware = hardware.rawValue
        neighbors.wheel.set(
            number, deadline: TimerWheel.deadline(NeighborLimits.forget, after: now))
    }

    /// Forgets one neighbour, or all that are not fixed, and returns them.
    public mutating func flushNeighbors(_ address: IPv4Address?, at now: Instant) -> [Neighbor] {
        var forgotten: [Neighbor] = []
        for number in 0..<neighbors.pool.highest {
            let record = neighbors.records[number]
            guard neighbors.find(record.side, record.address) == number,
                record.state != .permanent, address == nil || address?.rawValue == record.address
            else { continue }
            forget(number, .arpUnresolved, now)
            forgotten.append(record)
        }
        return forgotten
    }
}
