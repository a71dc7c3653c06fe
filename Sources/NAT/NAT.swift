public import Memory
public import Timing
public import Wire

/// Translation of addresses and ports: mappings, the sessions that hang off them, and their timers.
///
/// All state lies in two regions as fixed-layout records that refer to each other by number.
/// Nothing is allocated after `init` but by `apply`. Addresses and ports are in host order.
public struct NAT: ~Copyable {
    /// What was asked for.
    public internal(set) var settings: NATSettings
    /// Counters for answers.
    public internal(set) var statistics = NATStatistics()

    let region: Region
    /// Those in use have their `inUse` flag set.
    @usableFromInline let sessions: FlatArray<Session>
    /// What either end of a TCP session sent and may send, by direction.
    @usableFromInline let ends: FlatArray<InlineArray<2, TCPEnd>>
    let members: FlatArray<Membership>
    let mappings: FlatArray<Mapping>
    let hosts: FlatArray<Host>
    var sessionPool: FreeList
    var mappingPool: FreeList
    var hostPool: FreeList
    /// Both directions of every session; the record number is session * 2 + direction.
    @usableFromInline var flows: HashIndex
    var mappingIndex: HashIndex
    var hostIndex: HashIndex
    /// Whom the hosts of mappings with many sessions have sent to, by mapping and remote address.
    let peers: FlatArray<Peer>
    var peerPool: FreeList
    var peerIndex: HashIndex
    var wheel: TimerWheel

    var pools: PoolSet
    /// Blocks of ports, if hosts have such.
    public internal(set) var blocks: BlockPlan?
    var oneToOne: OneToOneTable
    /// What the settings come to, asked once for each new session.
    var policies: PolicyTable
    /// Forwards by inside endpoint, for mappings that inside hosts start (consistent with REQ-1).
    var forwards: ForwardTable
    @usableFromInline let key: HashKey
    /// What of all hosts and ports is ours.
    let share: Share
    var random: Random
    /// Idle ticks by phase for each transport; filled from the settings.
    @usableFromInline var timeouts = InlineArray<9, UInt32>(repeating: 1)
    @usableFromInline var icmpTimeout: UInt32 = 1
    var otherTimeout: UInt32 = 1
    /// Idle ticks of some destination ports.
    var portTimeouts: [(match: PortTimeout, ticks: UInt32)] = []
    /// Whether TCP segments are checked against windows.
    @usableFromInline var checksTCP = true
    let pendingSYNs: FlatArray<PendingSYN>
    var bucket = TokenBucket()
    var embryonicCount = 0
    /// The host with most sessions of each class, as far as those that came into it tell.
    var heaviest = InlineArray<2, UInt32>(repeating: 0)
    /// Sessions ended to make room for the packet in hand.
    var endedForRoom = 0
    var lastSerial: UInt32 = 0
    var log: EventLog
    /// More sessions were due than the last `expire` ended.
    var hasBacklog = false
    /// Never set. The compiler passes a struct with an existential by its address; any other it
    /// copies whole, 845 octets, for each call of a method that only reads.
    private let passedByAddress: Any? = nil

    /// Tables for a worker's share of `whole.limits`, translating to `outsideAddresses`: at most
    /// 1,024, in order of use.
    public init(
        _ whole: NATSettings, outsideAddresses: [IPv4Address], share: Share = .whole,
        random: Random
    ) {
        var settings = whole
        settings.limits = share.part(of: whole.limits)
        let count = settings.mode == .none ? 16 : settings.limits.sessions
        let layout = StateLayout(sessions: count)
        let memory = Region(layout.region)
        sessions = memory.array(layout.sessions)
        ends = memory.array(layout.ends)
        members = memory.array(layout.members)
        mappings = memory.array(layout.mappings)
        hosts = memory.array(layout.hosts)
        sessionPool = FreeList(capacity: count)
        mappingPool = FreeList(capacity: count)
        hostPool = FreeList(capacity: count)
        flows = HashIndex(slots: memory.array(layout.flows))
        mappingIndex = HashIndex(slots: memory.array(layout.mappingIndex))
        hostIndex = HashIndex(slots: memory.array(layout.hostIndex))
        peers = memory.array(layout.peers)
        peerPool = FreeList(capacity: count)
        peerIndex = HashIndex(slots: memory.array(layout.peerIndex))
        wheel = TimerWheel(memory, layout.timers)
        pendingSYNs = memory.array(layout.pendingSYNs)
        log = EventLog(events: memory.array(layout.events))
        region = memory
        var source = random
        key = HashKey(source.next(), source.next())
        self.random = source
        self.settings = settings
        let addresses = settings.mode == .none ? [] : outsideAddresses
        pools = PoolSet(settings, addresses: addresses, share)
        self.share = share
        lastSerial = UInt32(share.index)
        blocks = pools.blocks
        oneToOne = OneToOneTable(settings)
        forwards = ForwardTable(settings, addresses: addresses)
        policies = PolicyTable(settings)
        prepare()
    }

    /// Derives what packets need from the settings.
    mutating func prepare() {
        let times = settings.timeouts
        for phase in SessionPhase.allCases {
            let time =
                switch phase {
                case .unreplied: times.udpUnreplied
                case .replied: times.udp
                case .synOutbound, .synInbound: times.tcpOpening
                default: phase.isEstablished ? times.tcpEstablished : times.tcpTransitory
                }
            // One tick more: a packet is seen somewhere within a tick, and no timer may run early.
            timeouts[Int(phase.rawValue)] = TimerWheel.ticks(time) + 1
        }
        icmpTimeout = TimerWheel.ticks(times.icmp) + 1
        otherTimeout = TimerWheel.ticks(times.other) + 1
        portTimeouts = times.ports.map { ($0, TimerWheel.ticks($0.time) + 1) }
        checksTCP = settings.tcpTracking == .strict
        bucket.rate = settings.limits.newSessionsPerSecond
        // A host that was given RIP's or BFD's port would hear our neighbours (SECURITY S08).
        for address in pools.addresses.indices {
            for port: UInt16 in [520, 3784] {
                _ = pools[address, .udp].reserve(port, forward: nil)
            }
        }
        for (number, forward) in settings.portForwards.enumerated() {
            guard let address = pools.index(of: forwards.outside(of: forward)) else { continue }
            for transport in forward.transports {
                for port in forward.ports {
                    _ = pools[address, transport].reserve(port, forward: UInt32(number))
                }
            }
        }
    }

    /// Sessions there are.
    public var sessionCount: Int { sessionPool.used }
    /// Mappings there are.
    public var mappingCount: Int { mappingPool.used }
    /// Sessions there is room for.
    public var sessionCapacity: Int { sessionPool.capacity }
    /// Record numbers below this one may be in use.
    public var sessionLimit: UInt32 { sessionPool.highest }

    /// Whether session record `number` is in use.
    public func isInUse(_ number: UInt32) -> Bool {
        Int(number) < sessions.count && sessions[number].flags & SessionFlag.inUse != 0
    }

    /// A copy of session record `number`, for answers.
    public func session(_ number: UInt32) -> Session { sessions[number].shown }

    /// The neighbour record decided on for a session in `epoch`, or nil.
    @inlinable @inline(__always)
    public func neighbor(of number: UInt32, _ direction: Direction, epoch: UInt32) -> UInt32? {
        let neighbor = sessions[number].neighbors[Int(direction.rawValue)]
        guard sessions[number].epoch == epoch, neighbor != .max else { return nil }
        return UInt32(neighbor)
    }

    /// Tells two sessions apart that had the same record.
    public func serial(_ number: UInt32) -> UInt32 { sessions[number].serial }

    /// Remembers the neighbour record decided on for a session in `epoch`, which has its top bit
    /// set; one above 65,534 it does not, nor any for a session that its ends closed.
    public func setNeighbor(
        of number: UInt32, _ direction: Direction, _ neighbor: UInt32, epoch: UInt32
    ) {
        guard !sessions[number].isClosed else { return }
        if sessions[number].epoch != epoch {
            sessions[number].epoch = epoch
            sessions[number].neighbors = InlineArray(repeating: .max)
        }
        sessions[number].neighbors[Int(direction.rawValue)] = UInt16(clamping: neighbor)
    }

    /// The record number of the mapping of session `number`.
    public func mappingNumber(of number: UInt32) -> UInt32 { members[number].mapping }

    /// When session `number` was made, in ticks.
    public func created(_ number: UInt32) -> UInt32 { members[number].created }

    /// The mapping of session `number`.
    public func mapping(of number: UInt32) -> Mapping { mappings[members[number].mapping] }

    /// Whether `address` is one we translate to. O(log n).
    @inline(__always)
    public func isOutside(_ address: UInt32) -> Bool {
        pools.index(of: address) != nil || oneToOne.find(outside: address) != nil
    }
}

/// Where the tables lie in their region, for a given number of sessions.
struct StateLayout {
    var region = RegionLayout()
    let sessions: Extent<Session>
    let ends: Extent<InlineArray<2, TCPEnd>>
    let members: Extent<Membership>
    let mappings: Extent<Mapping>
    let hosts: Extent<Host>
    let flows: Extent<UInt32>
    let mappingIndex: Extent<UInt32>
    let hostIndex: Extent<UInt32>
    let peers: Extent<Peer>
    let peerIndex: Extent<UInt32>
    let timers: TimerWheel.Layout
    let pendingSYNs: Extent<PendingSYN>
    let events: Extent<SessionEvent>

    init(sessions count: Int) {
        sessions = region.reserve(count: count)
        ends = region.reserve(count: count)
        members = region.reserve(count: count)
        mappings = region.reserve(count: count)
        hosts = region.reserve(count: count)
        flows = region.reserve(count: HashIndex.slotCount(for: count * 2))
        mappingIndex = region.reserve(count: HashIndex.slotCount(for: count))
        hostIndex = region.reserve(count: HashIndex.slotCount(for: count))
        peers = region.reserve(count: count)
        peerIndex = region.reserve(count: HashIndex.slotCount(for: count))
        timers = TimerWheel.Layout(&region, records: count, slots: 8192, keepsDeadlines: false)
        pendingSYNs = region.reserve(count: PendingSYN.count)
        events = region.reserve(count: EventLog.capacity)
    }
}

/// Counters of a NAT since its start.
public struct NATStatistics: Sendable {
    /// Sessions made, by `Transport.counter`.
    public var created = InlineArray<4, UInt64>(repeating: 0)
    /// Sessions ended, by `Transport.counter`.
    public var closed = InlineArray<4, UInt64>(repeating: 0)
    /// Why they ended, by `Transport.counter`; strangers that went with their mapping are in none.
    public var ends = InlineArray<4, SessionEnds>(repeating: SessionEnds())

    /// Adds those of another worker.
    public mutating func add(_ other: NATStatistics) {
        for kind in created.indices {
            created[kind] &+= other.created[kind]
            closed[kind] &+= other.closed[kind]
            ends[kind].expired &+= other.ends[kind].expired
            ends[kind].evicted &+= other.ends[kind].evicted
            ends[kind].yielded &+= other.ends[kind].yielded
            ends[kind].killed &+= other.ends[kind].killed
        }
    }
}

/// Why sessions ended.
public struct SessionEnds: Sendable {
    /// Their timer ran out.
    public var expired: UInt64 = 0
    /// Embryonic ones that made room.
    public var evicted: UInt64 = 0
    /// Ones closed by their ends that made room.
    public var yielded: UInt64 = 0
    /// On request, or because a rule went away.
    public var killed: UInt64 = 0
}

/// Bounds a rate: a bucket that holds one second's worth.
struct TokenBucket {
    /// Events a second; nil for no bound.
    var rate: Int?
    private var tokens: Int64 = 0
    private var last = Instant.zero

    /// Takes one event out of the bucket; false when it is empty.
    mutating func take(at now: Instant) -> Bool {
        guard let rate else { return true }
        let unit: Int64 = 1_000_000_000
        let passed = min(max((now - last).nanoseconds, 0), unit)
        last = now
        // Tokens are counted in billionths of an event.
        tokens = min(tokens + passed * Int64(rate), unit * Int64(rate))
        guard tokens >= unit else { return false }
        tokens -= unit
        return true
    }
}
