import Memory
import NAT
public import Timing
public import Wire

/// One of our addresses on its way into use and the defence of it (RFC 5227).
struct AddressClaim {
    enum Stage: Equatable {
        /// Probes still to send, then the wait for objections.
        case probing(left: Int)
        case waiting
        case announcing(left: Int)
        case held
    }

    let address: UInt32
    let side: Side
    var stage: Stage
    var next: Instant
}

/// Something a person should hear about: another station uses one of our addresses.
public struct AddressConflict: Hashable, Sendable {
    /// Our address.
    public var address: IPv4Address
    /// The other station.
    public var hardware: MACAddress
    /// Where it is.
    public var side: Side
}

extension Forwarder {
    private static var announceInterval: Interval { .seconds(2) }
    private static var probeInterval: Interval { .seconds(1) }
    private static var defendInterval: Interval { .seconds(10) }

    /// Begins to use the addresses of all sides: announces them (RFC 5227 §2.3), after probing for
    /// another owner where the settings ask for it (§2.1). Call once.
    public mutating func start(at now: Instant, into outbox: inout Outbox) {
        for side in Side.allCases {
            installStaticNeighbors(side, at: now)
            for address in settings[side].addresses { claim(address, on: side, at: now) }
        }
        claimTimers(at: now, into: &outbox)
    }

    /// Begins to use an address, after probing for another owner where that is asked for. Of
    /// several workers the first speaks for all.
    mutating func claim(_ address: InterfaceAddress, on side: Side, at now: Instant) {
        guard share.index == 0 else { return }
        let probes = settings[side].probesAddresses
        let delay = probes ? Int64(random.below(1_000_000_000)) : 0
        claims.append(
            AddressClaim(
                address: address.address.rawValue, side: side,
                stage: probes ? .probing(left: 3) : .announcing(left: 2),
                next: now + Interval(nanoseconds: delay)))
    }

    /// Tells everybody on a side where our addresses are now, three times: the device is up again
    /// or has another hardware address.
    mutating func announceAll(on side: Side, at now: Instant, into outbox: inout Outbox) {
        guard share.index == 0 else { return }
        for address in settings[side].addresses where !isProbing(address.address.rawValue, side) {
            claims.removeAll { $0.side == side && $0.address == address.address.rawValue }
            claims.append(
                AddressClaim(
                    address: address.address.rawValue, side: side, stage: .announcing(left: 3),
                    next: now))
        }
        claimTimers(at: now, into: &outbox)
    }

    /// Whether it is not yet known that nobody else has this address.
    func isProbing(_ address: UInt32, _ side: Side) -> Bool {
        claims.contains { claim in
            guard claim.address == address, claim.side == side else { return false }
            switch claim.stage {
            case .probing, .waiting: return true
            case .announcing, .held: return false
            }
        }
    }

    /// Another station has, or wants, an address we were about to use: we do not, and ask again
    /// later (RFC 5227 §2.1.1).
    mutating func giveWay(_ address: UInt32, _ packet: ARPPacket, _ side: Side, _ now: Instant) {
        note(IPv4Address(address), packet, side)
        for index in claims.indices
        where claims[index].address == address && claims[index].side == side {
            claims[index].stage = .probing(left: 3)
            claims[index].next = now + conflictInterval(side)
        }
    }

    private mutating func note(_ address: IPv4Address, _ packet: ARPPacket, _ side: Side) {
        conflicts[side.index].count &+= 1
        conflicts[side.index].last = AddressConflict(
            address: address, hardware: packet.senderHardware, side: side)
    }

    private func conflictInterval(_ side: Side) -> Interval {
        conflicts[side.index].count > 10 ? .seconds(60) : Self.defendInterval
    }

    /// Whether every address is in use: nothing is probed any more.
    public var isReady: Bool {
        !claims.contains { claim in
            switch claim.stage {
            case .probing, .waiting: true
            case .announcing, .held: false
            }
        }
    }

    mutating func claimTimers(at now: Instant, into outbox: inout Outbox) {
        guard !claims.isEmpty else { return }
        for index in claims.indices where claims[index].next <= now {
            let claim = claims[index]
            switch claim.stage {
            case .probing(let left):
                let probe = ARPPacket(
                    .request, senderHardware: MACAddress(links[claim.side.index].hardware),
                    senderAddress: .unspecified, targetHardware: MACAddress(0),
                    targetAddress: IPv4Address(claim.address))
                sendARP(probe, to: .broadcast, on: claim.side, &outbox)
                claims[index].stage = left > 1 ? .probing(left: left - 1) : .waiting
                claims[index].next =
                    now
                    + (left > 1
                        ? Self.probeInterval
                            + Interval(nanoseconds: Int64(random.below(1_000_000_000)))
                        : Self.announceInterval)
            case .waiting:
                announce(IPv4Address(claim.address), on: claim.side, into: &outbox)
                claims[index].stage = .announcing(left: 1)
                claims[index].next = now + Self.announceInterval
            case .announcing(let left):
                announce(IPv4Address(claim.address), on: claim.side, into: &outbox)
                claims[index].stage = left > 1 ? .announcing(left: left - 1) : .held
                claims[index].next = now + Self.announceInterval
            case .held: break
            }
        }
        claims.removeAll { $0.stage == .held }
    }

    /// Tells everybody on a side where one of our addresses is (RFC 5227 §3).
    func announce(_ address: IPv4Address, on side: Side, into outbox: inout Outbox) {
        let hardware = MACAddress(links[side.index].hardware)
        let packet = ARPPacket(
            .request, senderHardware: hardware, senderAddress: address,
            targetHardware: MACAddress(0), targetAddress: address)
        sendARP(packet, to: .broadcast, on: side, &outbox)
    }

    /// Another station uses our address: defend it, at most once in 10 s, once in a minute after
    /// ten conflicts (RFC 5227 §2.4 c).
    mutating func defend(
        _ packet: ARPPacket, _ side: Side, _ now: Instant, _ outbox: inout Outbox
    ) {
        note(packet.senderAddress, packet, side)
        let interval = conflictInterval(side)
        if let last = conflicts[side.index].defended, now - last < interval { return }
        conflicts[side.index].defended = now
        announce(packet.senderAddress, on: side, into: &outbox)
    }

    /// Conflicts seen on a side, and the last of them.
    public func conflict(on side: Side) -> (count: Int, last: AddressConflict?) {
        (conflicts[side.index].count, conflicts[side.index].last)
    }
}

/// What a side knows of stations that use our addresses.
struct ConflictRecord {
    var count = 0
    var last: AddressConflict?
    var defended: Instant?
}
