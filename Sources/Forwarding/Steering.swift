import NAT
public import Wire

/// Which worker a frame is for, by what all workers know alike: the settings and a common key.
///
/// From inside it is the worker of the host that sent it; from outside that of the host an endpoint
/// always leads to, or the one that gives out the port. Nothing here looks at tables of sessions.
///
/// It cannot be copied, so that to ask it for each frame counts no references.
public struct Steering: ~Copyable, Sendable {
    /// Who takes a frame.
    @frozen
    public enum Owner: Hashable, Sendable {
        /// Whoever read it: there is no state to it.
        case any
        /// The first worker, from which all others overhear it.
        case all
        /// This one.
        case worker(Int)
    }

    /// Outside ports that always lead to one inside host.
    private struct Forward {
        var address: UInt32
        var transport: Int
        var ports: ClosedRange<UInt16>
        var owner: Int
    }

    private let share: Share
    private let outside: Side
    private let translates: Bool
    /// The gateway's own addresses and broadcasts.
    private let own: [UInt32]
    private let places: OutsidePlaces
    private let forwards: [Forward]
    private let oneToOne: OneToOneTable
    private let blocks: BlockPlan?
    private let ports: PortBands
    private let identifiers: PortBands

    /// What follows from settings, which translate to `pool`, for one of several workers.
    init(_ settings: ForwardingSettings, pool: [IPv4Address], _ share: Share) {
        let nat = settings.nat
        let pool = Array(pool.prefix(NATSettings.mostAddresses))
        self.share = share
        outside = nat.outside
        translates = nat.mode != .none
        own = settings.interfaces.flatMap(\.addresses).flatMap {
            [$0.address.rawValue] + ($0.prefix.broadcast.map { [$0.rawValue] } ?? [])
        }
        places = OutsidePlaces(nat, pool: pool)
        forwards = nat.portForwards.flatMap { forward in
            forward.transports.map { transport in
                Forward(
                    address: (forward.outsideAddress ?? pool.first)?.rawValue ?? 0,
                    transport: transport.index, ports: forward.ports,
                    owner: share.owner(of: forward.insideAddress.rawValue))
            }
        }
        oneToOne = OneToOneTable(nat)
        blocks = nat.blocks.flatMap { BlockPlan($0, outside: pool, ports: nat.ports) }
        ports = PortBands(nat.ports)
        identifiers = PortBands(1...65535)
    }

    /// Who takes a frame that came in on `side`.
    ///
    /// Pieces of datagrams go to one worker until the first of them is known; with `asWhole` a
    /// first piece is judged by its ports. What cannot be read anybody may drop.
    public func owner(of frame: RawSpan, on side: Side, asWhole: Bool = false) -> Owner {
        guard share.count > 1 else { return .any }
        guard frame.byteCount >= EthernetView.headerLength else { return .any }
        if frame.be16(12) == EtherType.arp { return .all }
        guard frame.be16(12) == EtherType.ipv4, frame.byteCount >= Packet.ip + 20 else {
            return .any
        }
        let ends = Ends(frame, at: Packet.ip)
        let isPiece = ends.isPiece && !asWhole
        if isForRouting(ends) { return .worker(0) }
        guard translates else {
            return isPiece && own.contains(ends.destination) ? .worker(0) : .any
        }
        if side == outside { return inbound(frame, ends, isPiece) }
        if let quote = ends.quote(frame) {
            return .worker(owner(ofHost: quote.destination, quote.proto))
        }
        if !isPiece, let place = place(of: ends.destination) {
            return endpoint(ends.destination, place, ends.proto, ends.destinationPort)
        }
        return .worker(owner(ofHost: ends.source, ends.proto))
    }

    /// The worker that the sessions of an inside host are with.
    func owner(ofHost host: UInt32, _ proto: UInt8) -> Int {
        // Without ports an answer does not tell whose it is.
        if Transport(proto: proto) == .other, oneToOne.find(inside: host) == nil { return 0 }
        return share.owner(of: host)
    }

    /// The worker of the outside endpoint that an error from inside quotes as the sender.
    func owner(ofQuoteIn frame: RawSpan) -> Owner {
        guard let quote = Ends(frame, at: Packet.ip).quote(frame) else { return .any }
        return owner(ofSender: quote)
    }

    private func inbound(_ frame: RawSpan, _ ends: Ends, _ isPiece: Bool) -> Owner {
        if let entry = oneToOne.find(outside: ends.destination) {
            return .worker(share.owner(of: entry.inside))
        }
        if isPiece { return .worker(0) }
        guard let place = place(of: ends.destination) else { return .any }
        if let quote = ends.quote(frame) { return owner(ofSender: quote) }
        return endpoint(ends.destination, place, ends.proto, ends.destinationPort)
    }

    private func owner(ofSender quote: Ends) -> Owner {
        guard let place = place(of: quote.source) else { return .any }
        return endpoint(quote.source, place, quote.proto, quote.sourcePort)
    }

    /// The worker of an outside endpoint.
    private func endpoint(
        _ address: UInt32, _ place: Int, _ proto: UInt8, _ port: UInt16
    ) -> Owner {
        if let entry = oneToOne.find(outside: address) {
            return .worker(share.owner(of: entry.inside))
        }
        let transport = Transport(proto: proto)
        if transport == .other { return .worker(0) }
        for index in forwards.indices
        where forwards[index].address == address
            && forwards[index].transport == transport.index
            && forwards[index].ports.contains(port)
        {
            return .worker(forwards[index].owner)
        }
        if let blocks {
            return .worker(
                blocks.host(ofAddress: place, port: port).map { share.owner(of: $0.rawValue) } ?? 0)
        }
        let bands = transport == .icmp ? identifiers : ports
        return .worker(bands.owner(of: port, among: share.count))
    }

    /// The place of an address in the pool, or one beyond it for a one-to-one entry's; nil if it is
    /// none we translate to. O(log n).
    private func place(of address: UInt32) -> Int? {
        places.place(of: address) ?? oneToOne.find(outside: address).map { _ in .max }
    }

    /// Routing protocols and all groups are the first worker's.
    private func isForRouting(_ ends: Ends) -> Bool {
        if ends.proto == IPProtocol.ospf || ends.proto == IPProtocol.igmp { return true }
        if ends.destination >> 28 == 14 || ends.destination == .max { return true }
        guard ends.proto == IPProtocol.udp, !ends.isPiece,
            ends.destinationPort == 520 || ends.destinationPort == RoutingPacket.portOfBFD
        else { return false }
        return own.contains(ends.destination)
    }
}

/// What steering needs of an IPv4 header and the ports behind it; ports that are not there are 0.
private struct Ends {
    let source: UInt32
    let destination: UInt32
    let proto: UInt8
    let isPiece: Bool
    private(set) var sourcePort: UInt16 = 0
    private(set) var destinationPort: UInt16 = 0
    private let transport: Int
    private let isFirst: Bool

    /// Reads the header at `start`, which must lie in the frame with its first 20 octets.
    init(_ frame: RawSpan, at start: Int) {
        proto = frame.byte(start + 9)
        source = frame.be32(start + 12)
        destination = frame.be32(start + 16)
        let field = frame.be16(start + 6)
        isPiece = field & (FragmentField.moreFragments | FragmentField.offsetMask) != 0
        isFirst = field & FragmentField.offsetMask == 0
        transport = start + Int(frame.byte(start) & 15) * 4
        guard isFirst, transport + 8 <= frame.byteCount else { return }
        if proto == IPProtocol.icmp {
            sourcePort = frame.be16(transport + 4)
            destinationPort = sourcePort
        } else if IPProtocol.hasPorts(proto) {
            sourcePort = frame.be16(transport)
            destinationPort = frame.be16(transport + 2)
        }
    }

    /// What a whole ICMP error quotes.
    func quote(_ frame: RawSpan) -> Ends? {
        let start = transport + 8
        guard proto == IPProtocol.icmp, !isPiece, start + 20 <= frame.byteCount,
            ICMPType.isError(frame.byte(transport))
        else { return nil }
        return Ends(frame, at: start)
    }
}
