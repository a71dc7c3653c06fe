internal import Memory
internal import Timing
internal import Wire

/// Something to say that may take many packets.
struct OutputJob {
    enum Content {
        /// All destinations.
        case table
        /// These destinations, as they are when their turn comes.
        case changed([UInt32])
        /// These entries as they are.
        case entries([RIPEntry])
    }

    var interface: Int
    var destination: RIPEndpoint
    var command = RIPCommand.response
    var content: Content
    /// What comes next.
    var cursor = 0
}

// What is said, and how fast: a neighbour's socket holds less than a large table makes, and what is
// lost once is lost in every update, so packets go out in small bursts.
extension RIPEngine {
    // MARK: Occasions

    /// Sends the whole table by an interface, unless that is under way.
    mutating func sayAll(on number: Int) {
        let isUnderWay = jobs.contains { job in
            if case .table = job.content, job.interface == number {
                return job.destination.address == RIPProtocol.group
            }
            return false
        }
        if !isUnderWay { say(.table, on: number) }
    }

    /// Asks the routers of an interface for all they know.
    mutating func askEverything(on number: Int) {
        say(.entries([.everything]), .request, on: number)
    }

    /// Sends by multicast, or by unicast to the neighbours configured, or both.
    private mutating func say(
        _ content: OutputJob.Content, _ command: RIPCommand = .response, on number: Int
    ) {
        guard let own = settings.interfaces[number] else { return }
        var targets = own.neighbors
        if !own.isPassive { targets.append(RIPProtocol.group) }
        for target in targets {
            jobs.append(
                OutputJob(
                    interface: number, destination: RIPEndpoint(target), command: command,
                    content: content))
        }
    }

    /// Sends what has changed, at once after a quiet time, else when the pause ends, which is
    /// random (RFC 2453 §3.10.1).
    mutating func triggerUpdate(at now: Instant) {
        guard !changed.isEmpty, pauseUntil <= now else { return }
        let numbers = changed.filter { table.destinations[$0].flags.contains(.changed) }
        for number in changed {
            table.destinations[number].flags.remove(.changed)
            tellLoss(of: number, at: now)
        }
        changed.removeAll(keepingCapacity: true)
        guard !numbers.isEmpty else { return }
        for number in interfaces.indices where speaks(number) {
            say(.changed(numbers), on: number)
        }
        if numbers.contains(where: { table.destinations[$0].isLossTold }) {
            asks = 0
            nextAsk = now
        }
        let (shortest, longest) = (settings.timers.shortestPause, settings.timers.longestPause)
        let spread = random.below(max(Int(longest.nanoseconds - shortest.nanoseconds), 1))
        pauseUntil = now + shortest + Interval(nanoseconds: Int64(spread))
    }

    /// Asks all neighbours when the loss of something was told: at once, and again in growing
    /// intervals, since they may have to ask theirs. A request for everything, since BIRD answers
    /// no other, and since its answer heeds split horizon.
    mutating func ask(at now: Instant) {
        guard let due = nextAsk, due <= now else { return }
        nextAsk = nil
        guard lost > 0 else { return }
        for number in interfaces.indices where speaks(number) { askEverything(on: number) }
        asks += 1
        let hold = settings.timers.hold.nanoseconds
        let sixths: [Int64] = [1, 3, 8]
        if asks <= sixths.count {
            nextAsk = now + Interval(nanoseconds: hold * sixths[asks - 1] / 6)
        }
    }

    /// Tells an interface's neighbours that what `new` settings deny is unreachable by us.
    mutating func withdrawDenied(_ number: Int, _ new: RIPInterfaceSettings?) {
        guard speaks(number), let old = settings.interfaces[number] else { return }
        var entries: [RIPEntry] = []
        for destination in 0..<table.limit {
            let entry = table.destinations[destination]
            guard entry.flags.contains(.inUse), old.announces(entry.prefix),
                new?.announces(entry.prefix) != true
            else { continue }
            entries.append(
                RIPEntry(entry.prefix, metric: RIPProtocol.infinity, tag: entry.tag))
        }
        if !entries.isEmpty { say(.entries(entries), on: number) }
    }

    // MARK: Packets

    /// Sends a burst if one is due: a packet of each job in turn.
    mutating func send(at now: Instant, into effects: inout RIPEffects) {
        guard !jobs.isEmpty, nextBurst <= now else { return }
        var left = settings.limits.burst
        while left > 0, !jobs.isEmpty {
            var job = jobs.removeFirst()
            if sendPacket(of: &job, at: now, into: &effects) { left -= 1 }
            if !isDone(job) { jobs.append(job) }
        }
        nextBurst = now + settings.limits.burstPeriod
    }

    /// Sends all there is to send, at once.
    mutating func flush(at now: Instant, into effects: inout RIPEffects) {
        while !jobs.isEmpty {
            nextBurst = now
            send(at: now, into: &effects)
        }
    }

    private func isDone(_ job: OutputJob) -> Bool {
        switch job.content {
        case .table: job.cursor >= Int(table.limit)
        case .changed(let numbers): job.cursor >= numbers.count
        case .entries(let entries): job.cursor >= entries.count
        }
    }

    /// One packet of a job; false if it has nothing more to say.
    private mutating func sendPacket(
        of job: inout OutputJob, at now: Instant, into effects: inout RIPEffects
    ) -> Bool {
        guard let own = settings.interfaces[job.interface], interfaces[job.interface].isUp else {
            job.content = .entries([])
            return false
        }
        var builder = PacketBuilder(job.command, signature(on: job.interface, at: now))
        while !builder.isFull, !isDone(job) {
            let entry: RIPEntry?
            switch job.content {
            case .table: entry = self.entry(UInt32(job.cursor), own, on: job.interface)
            case .changed(let numbers):
                entry = self.entry(numbers[job.cursor], own, on: job.interface)
            case .entries(let entries): entry = entries[job.cursor]
            }
            if let entry { builder.append(entry) }
            job.cursor += 1
        }
        guard !builder.isEmpty else { return false }
        interfaces[job.interface].packetsOut &+= 1
        effects.packets.append(
            RIPPacket(
                interface: job.interface, source: own.source(to: job.destination.address),
                destination: job.destination, bytes: builder.finish()))
        return true
    }

    /// How a destination is told on an interface; nil if it is not (RFC 2453 §3.4.3 and §3.10.3).
    private func entry(
        _ number: UInt32, _ own: RIPInterfaceSettings, on interface: Int
    ) -> RIPEntry? {
        let known = table.destinations[number]
        guard known.flags.contains(.inUse), own.announces(known.prefix) else { return nil }
        var entry = RIPEntry(known.prefix, metric: known.metric, tag: known.tag)
        guard known.isReachable else { return entry }
        if known.isLocal {
            guard Int(known.localInterface) == interface + 1 else { return entry }
            let gateway = IPv4Address(known.localGateway)
            // Who is on the network knows it.
            guard gateway != .unspecified else { return nil }
            if own.isOnLink(gateway) { entry.nextHop = gateway }
            return entry
        }
        guard let gateway = gateway(of: number, on: interface) else { return entry }
        switch own.splitHorizon {
        case .off:
            if own.isOnLink(gateway) { entry.nextHop = gateway }
        case .simple: return nil
        case .poisonReverse: entry.metric = UInt32(RIPProtocol.infinity)
        }
        return entry
    }

    /// A router in use for a destination on this interface.
    private func gateway(of number: UInt32, on interface: Int) -> IPv4Address? {
        var next = table.destinations[number].first
        while next != 0 {
            let announcement = table.announcements[next - 1]
            if announcement.isUsed, Int(announcement.interface) == interface {
                return IPv4Address(announcement.gateway)
            }
            next = announcement.next
        }
        return nil
    }
}
