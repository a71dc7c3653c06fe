import BFD
import Configuration
import Forwarding
import Linux
import Logging
import Router
import Routing
import Timing
import Wire

/// What the control thread knows of the neighbours that BFD watches.
struct NeighborWatch {
    /// How each is watched.
    var wanted: [BFDPeer: BFDTiming] = [:]
    /// Those heard: up, or down by their own wish (RFC 5882 §3.2).
    var heard: Set<BFDPeer> = []
}

extension BFDPeer {
    var side: Side { Side.allCases[interface] }

    init(_ hop: NextHop, _ gateway: IPv4Address) {
        self.init(interface: hop.side.index, gateway)
    }
}

// Who is watched, and what follows when one is not heard any more.
extension Daemon {
    /// Next hops that static routes may not use now.
    var silentHops: Set<NextHop> {
        Set(
            configuration.watched.keys.filter { hop in
                hop.gateway.map { !watch.heard.contains(BFDPeer(hop, $0)) } ?? false
            })
    }

    /// Who wants a neighbour to be watched, for people.
    func watchers(of peer: BFDPeer) -> [String] {
        let hop = NextHop(side: peer.side, gateway: peer.address)
        let routes = configuration.watched[hop] == nil ? [] : [RouteSource.static.name]
        return routes
            + speakers.filter { $0.watched[peer] != nil }.map(\.source.name)
    }

    /// Tells the worker who is to be watched, if that is not what it knows.
    func watchNeighbors() {
        var wanted: [BFDPeer: BFDTiming] = [:]
        func add(_ peer: BFDPeer, _ timing: BFDTiming) {
            // One session serves all who want it (RFC 5882 §4.4).
            wanted[peer] = wanted[peer]?.joined(with: timing) ?? timing
        }
        for (hop, timing) in configuration.watched {
            if let gateway = hop.gateway { add(BFDPeer(hop, gateway), timing) }
        }
        for speaker in speakers {
            for (peer, timing) in speaker.watched { add(peer, timing) }
        }
        guard wanted != watch.wanted else { return }
        watch.wanted = wanted
        watch.heard.formIntersection(wanted.keys)
        let wishes = wanted.sorted { $0.key < $1.key }.map { peer, timing in
            BFDWish(peer, source: source(to: peer), timing)
        }
        post(first: { $0.applyBFD(wishes) })
    }

    /// Our address on the neighbour's network.
    private func source(to peer: BFDPeer) -> IPv4Address {
        let own = configuration.forwarding[peer.side].addresses
        let fitting = own.first { $0.prefix.contains(peer.address) }
        return (fitting ?? own.first)?.address ?? .unspecified
    }

    /// Hears what has become of sessions.
    func hear(_ events: [BFDEvent]) {
        let now = Clock.now()
        for event in events {
            switch event {
            case .full(let peer):
                log.error(
                    "bfd: there are too many sessions to watch \(peer.address)",
                    metadata: ["event": "bfd.full", "side": "\(peer.side)"])
            case .state(let peer, let from, let to, let why, let neighbor):
                write(peer, from, to, why)
                if to == .up, watch.wanted[peer] != nil {
                    watch.heard.insert(peer)
                } else if from == .up, neighbor != .adminDown {
                    lose(peer, at: now)
                }
            }
        }
        control.setSilent(silentHops)
        let latest = control.takeLatest()
        for speaker in speakers { speaker.hear(latest, at: now) }
        carryOutRouting()
    }

    /// A neighbour is out of reach: packets leave by other ways now, then routes are chosen anew.
    private func lose(_ peer: BFDPeer, at now: Instant) {
        watch.heard.remove(peer)
        let hop = NextHop(side: peer.side, gateway: peer.address)
        if let patch = control.failover(from: hop) { post(patch) }
        for speaker in speakers where speaker.watched[peer] != nil {
            speaker.lose(peer, at: now)
        }
    }

    private func write(
        _ peer: BFDPeer, _ from: BFDState, _ to: BFDState, _ why: BFDDiagnostic
    ) {
        let isNews = from == .up || to == .up
        let reason = why == .none ? "" : ": \(why.name)"
        log.log(
            level: isNews ? .notice : .debug,
            "bfd: \(peer.address) on \(peer.side) is \(to.name), was \(from.name)\(reason)",
            metadata: ["event": "bfd.session", "side": "\(peer.side)"])
    }
}
