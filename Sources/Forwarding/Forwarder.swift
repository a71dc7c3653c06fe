import Memory
public import NAT
public import Timing
public import Wire

/// What became of a received frame.
@frozen
public enum Verdict: Sendable {
    /// It leaves, changed in place: its first `length` octets, with the header as changed.
    case forward(Side, length: Int)
    /// It went no further, and was counted.
    case drop(DropReason)
    /// It was for us, or waits, or left in other frames of the outbox.
    case consumed
    /// It is for a routing protocol, which reads it from the frame.
    case routing(RoutingPacket)
    /// This worker takes its first `length` octets, with the header as changed, further.
    case hand(Int, HandOver, length: Int)
    /// This worker, the first, took it or not, and all others are to overhear it as it is.
    case spread(isTaken: Bool)
}

/// What became of a packet that waited.
public enum Resumed: Hashable, Sendable {
    /// None could go on.
    case nothing
    /// It went on, or was dropped and counted.
    case done
    /// The last piece of it came: it is for a routing protocol, which reads it from the frame.
    case routing(RoutingPacket)
    /// It came in on this side; this worker takes its first `length` octets further, with this
    /// header.
    case hand(Side, Int, HandOver, VirtioNetHeader, length: Int)
}

/// The packet path: neighbours, routes, translation, counters. A plain value without clock, random
/// source, socket, thread or log; everything that leaves is a verdict or lies in the outbox.
public struct Forwarder: ~Copyable {
    /// What was asked for.
    public internal(set) var settings: ForwardingSettings
    /// Translation.
    public internal(set) var nat: NAT
    /// Routes; replaced as a whole between batches by `publish`.
    public private(set) var fib: FIB
    /// Who takes which frame, if there are several workers.
    public private(set) var steering: Steering
    /// Counters per side, by `Side.index`.
    public internal(set) var counters: InlineArray<2, SideCounters>

    let share: Share
    var neighbors: NeighborTable
    var store: PacketStore
    var fragments: FragmentTable
    /// Held packets that can go on, in order.
    var ready = HeldQueue()
    /// Counts changes that make remembered decisions stale: of routes, neighbours, settings. The
    /// top bit is always set.
    var epoch: UInt32 = 1 << 31
    var links: InlineArray<2, Link>
    var own: OwnAddresses
    var claims: [AddressClaim]
    var conflicts = InlineArray<2, ConflictRecord>(repeating: ConflictRecord())
    var limits: RateLimits
    var lateRefusals = LateRefusals()
    var random: Random
    var identifications: Identifications
    /// Never set. The compiler passes a struct with an existential by its address; any other it
    /// copies whole, 13 KiB, for each call of a method that only reads.
    private let passedByAddress: Any? = nil

    /// What a packet needs of a side, without going through arrays.
    struct Link {
        var hardware: UInt64
        var mtu: Int
        /// Nothing is sent while the device is down.
        var isUp = true
    }

    /// A gateway with these settings and no routes, or a worker's share of one.
    public init(_ settings: ForwardingSettings, share: Share = .whole, random: Random) {
        var source = random
        let natSource = Random(key: (source.next(), source.next(), source.next(), source.next()))
        self.settings = settings
        nat = NAT(
            settings.nat, outsideAddresses: Self.outsideAddresses(settings), share: share,
            random: natSource)
        self.share = share
        steering = Steering(settings, pool: Self.outsideAddresses(settings), share)
        fib = FIB()
        counters = InlineArray(repeating: SideCounters())
        neighbors = NeighborTable(key: HashKey(source.next(), source.next()))
        store = PacketStore(packets: 4096, blocks: 4096)
        fragments = FragmentTable(
            capacity: settings.nat.limits.fragments, key: HashKey(source.next(), source.next()))
        links = InlineArray { index in
            Link(
                hardware: settings.interfaces[index].hardware.rawValue,
                mtu: settings.interfaces[index].mtu)
        }
        own = OwnAddresses(settings)
        claims = []
        limits = RateLimits(key: HashKey(source.next(), source.next()), workers: share.count)
        identifications = Identifications(&source)
        self.random = source
    }

    /// The addresses translated to: the outside interface's first, or the pool.
    static func outsideAddresses(_ settings: ForwardingSettings) -> [IPv4Address] {
        switch settings.nat.mode {
        case .none: []
        case .masquerade: settings[settings.nat.outside].addresses.prefix(1).map(\.address)
        case .pool:
            settings.nat.pool.flatMap { range in
                (range.lowerBound.rawValue...range.upperBound.rawValue).lazy
                    .prefix(1024).map { IPv4Address($0) }
            }
        }
    }

    /// Takes on new routes; what was decided under the old ones is decided anew.
    ///
    /// - Returns: The old routes or what is left of the patch, to be freed off the packet path.
    public mutating func publish(_ update: consuming FIBUpdate) -> FIBUpdate {
        forgetDecisions()
        switch consume update {
        case .table(var table):
            swap(&fib, &table)
            return .table(table)
        case .patch(let patch):
            fib.apply(patch)
            return .patch(patch)
        }
    }

    /// Takes on new settings. Interfaces keep their neighbours; sessions that remain allowed go on.
    public mutating func apply(
        _ new: ForwardingSettings, at now: Instant, into outbox: inout Outbox
    ) {
        let old = settings
        settings = new
        settings.nat.mode = old.nat.mode
        settings.nat.outside = old.nat.outside
        for side in Side.allCases {
            links[side.index].hardware = new[side].hardware.rawValue
            links[side.index].mtu = new[side].mtu
        }
        own = OwnAddresses(settings)
        steering = Steering(settings, pool: Self.outsideAddresses(settings), share)
        nat.apply(new.nat, outsideAddresses: Self.outsideAddresses(settings), at: now)
        for side in Side.allCases { installStaticNeighbors(side, at: now) }
        for side in Side.allCases {
            claims.removeAll { $0.side == side && !own.isOwn($0.address, on: side) }
            if new[side].hardware != old[side].hardware {
                announceAll(on: side, at: now, into: &outbox)
            }
            for address in new[side].addresses where !old[side].addresses.contains(address) {
                claim(address, on: side, at: now)
            }
        }
        claimTimers(at: now, into: &outbox)
        forgetDecisions()
    }

    /// Every remembered decision is stale from now on.
    mutating func forgetDecisions() {
        epoch = (epoch &+ 1) | 1 << 31
    }

    /// The device of a side came up or went down.
    public mutating func setLink(
        _ side: Side, isUp: Bool, at now: Instant, into outbox: inout Outbox
    ) {
        guard links[side.index].isUp != isUp else { return }
        links[side.index].isUp = isUp
        if isUp { announceAll(on: side, at: now, into: &outbox) }
        forgetDecisions()
    }

    /// Counts a drop on `side`.
    mutating func drop(_ reason: DropReason, on side: Side, at now: Instant) {
        counters[side.index].drop(reason, at: now)
    }

    /// Counts drops the packet path did not see itself: those of the devices.
    public mutating func count(
        _ reason: DropReason, on side: Side, at now: Instant, times: UInt64 = 1
    ) {
        guard times > 0 else { return }
        counters[side.index].drop(reason, at: now)
        counters[side.index].drops[Int(reason.rawValue)] &+= times - 1
    }

    /// Counts a frame of `bytes` octets as it came, if another worker takes it through the gateway.
    @inline(__always)
    public mutating func countReceived(_ bytes: Int, on side: Side) {
        counters[side.index].receivedPackets &+= 1
        counters[side.index].receivedBytes &+= UInt64(truncatingIfNeeded: bytes)
    }

    /// Counts a frame of `bytes` octets handed to the device of `side`.
    public mutating func countSent(_ bytes: Int, on side: Side) {
        counters[side.index].sentPackets &+= 1
        counters[side.index].sentBytes &+= UInt64(truncatingIfNeeded: bytes)
    }

    /// Which of several workers this is, from 0 on.
    public var index: Int { share.index }

    /// Whether the device of `side` is up.
    public func isUp(_ side: Side) -> Bool { links[side.index].isUp }

    /// The neighbour at `address` on `side`, if it is known.
    public func neighbor(at address: IPv4Address, on side: Side) -> Neighbor? {
        neighbors.find(side, address.rawValue).map { neighbors.records[$0] }
    }

    /// Switches the record of sessions made and ended on or off.
    public mutating func recordSessions(_ isOn: Bool) { nat.recordsEvents = isOn }

    /// The sessions made and ended since the last call, and how many more there were.
    public mutating func takeSessionEvents() -> (events: [SessionEvent], lost: Int) {
        nat.takeEvents()
    }

    /// Counts session events that were taken, but could not be told, as lost.
    public mutating func loseSessionEvents(_ count: Int) { nat.loseEvents(count) }

    /// Neighbours known.
    public var neighborCount: Int { neighbors.pool.used }

    /// Where packets go that no other route is for: the next station of the default route.
    public var defaultHop: (side: Side, address: IPv4Address)? {
        // No connected or more specific route holds this address of class E.
        let group = fib.lookup(IPv4Address(255, 255, 255, 254))
        guard fib.action(of: group) == .forward else { return nil }
        let next = fib.nextHop(in: group, flowHash: 0)
        return next.isConnected ? nil : (next.side, IPv4Address(next.gateway))
    }

    /// Ends a session by request.
    public mutating func kill(session number: UInt32, at now: Instant) {
        nat.kill(number, at: now)
    }

    /// When `tick` has to be called next.
    public func nextDeadline(at now: Instant) -> Instant? {
        var next = nat.nextDeadline(at: now)
        let pending = [
            neighbors.wheel.count > 0, fragments.count > 0, !claims.isEmpty, lateRefusals.count > 0,
        ]
        if pending.contains(true) {
            let tick = Instant(
                nanoseconds: (Int64(TimerWheel.ticks(now)) + 1) * TimerWheel.tick.nanoseconds)
            next = min(next ?? tick, tick)
        }
        return next
    }

    /// Works off timers: sessions, neighbours, fragments, announcements.
    public mutating func tick(at now: Instant, into outbox: inout Outbox) {
        _ = nat.expire(at: now)
        neighborTimers(at: now, into: &outbox)
        fragmentTimers(at: now, into: &outbox)
        claimTimers(at: now, into: &outbox)
        refuseLate(at: now, into: &outbox)
    }
}

/// The gateway's own addresses and the broadcast addresses of its networks.
struct OwnAddresses {
    private struct Entry {
        let address: UInt32
        /// That of its network, above all addresses if there is none.
        let broadcast: UInt64
        let side: Side
    }

    private let sides: [[InterfaceAddress]]
    /// Those of all sides, for what is asked about every packet of the long way.
    private let entries: [Entry]

    init(_ settings: ForwardingSettings) {
        sides = settings.interfaces.map(\.addresses)
        entries = Side.allCases.flatMap { side in
            settings[side].addresses.map { own in
                Entry(
                    address: own.address.rawValue,
                    broadcast: own.prefix.broadcast.map { UInt64($0.rawValue) } ?? .max,
                    side: side)
            }
        }
    }

    /// The side an own address belongs to. O(own addresses).
    func side(of address: UInt32) -> Side? {
        for own in entries where own.address == address { return own.side }
        return nil
    }

    func isOwn(_ address: UInt32, on side: Side) -> Bool {
        for own in entries where own.address == address && own.side == side { return true }
        return false
    }

    /// The side whose network's broadcast address this is.
    func broadcastSide(of address: UInt32) -> Side? {
        for own in entries where own.broadcast == UInt64(address) { return own.side }
        return nil
    }

    /// Whether `address` lies in a network that is connected to `side`.
    func isConnected(_ address: UInt32, on side: Side) -> Bool {
        for own in sides[side.index] where own.prefix.contains(IPv4Address(address)) {
            return true
        }
        return false
    }

    /// Whether the side has no network at all, only addresses of its own (/32): its routers are
    /// reached by routes that say so.
    func isUnnetworked(_ side: Side) -> Bool {
        sides[side.index].allSatisfy { $0.prefix.length == 32 }
    }

    /// The own address to speak from on `side` to `destination`: of the same network if there is
    /// one.
    func source(on side: Side, to destination: UInt32) -> IPv4Address {
        for own in sides[side.index] where own.prefix.contains(IPv4Address(destination)) {
            return own.address
        }
        return sides[side.index].first?.address ?? .unspecified
    }
}
