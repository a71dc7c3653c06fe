public import Wire

/// What a router that restarts asks its neighbours for, as an opaque LSA of a link (RFC 3623 §A).
struct Grace: Hashable {
    /// Opaque type 3, number 0.
    static let id = IPv4Address(3, 0, 0, 0)
    /// Seconds, counted from when the LSA was made.
    var period: UInt32
    /// 1 for a restart of the software.
    var reason: UInt8 = 1
    /// Of the router on the link; nil on point-to-point links.
    var address: IPv4Address?

    init(period: UInt32, address: IPv4Address?) {
        self.period = period
        self.address = address
    }

    /// What an LSA says; nil if it is no such one, or not whole.
    init?(_ lsa: LSA) {
        guard lsa.type == .opaqueLink, lsa.bytes.be32(4) >> 24 == 3 else { return nil }
        var period: UInt32?
        var offset = OSPFProtocol.lsaHeaderLength
        while offset + 4 <= lsa.bytes.count {
            let (kind, length) = (lsa.bytes.be16(offset), Int(lsa.bytes.be16(offset + 2)))
            guard offset + 4 + length <= lsa.bytes.count else { return nil }
            switch (kind, length) {
            case (1, 4): period = lsa.bytes.be32(offset + 4)
            case (2, 1): reason = lsa.bytes[offset + 4]
            case (3, 4): address = IPv4Address(lsa.bytes.be32(offset + 4))
            default: break
            }
            offset += 4 + (length + 3) / 4 * 4
        }
        guard let period else { return nil }
        self.period = period
    }

    var body: [UInt8] {
        var bytes: [UInt8] = [0, 1, 0, 4]
        bytes.append32(period)
        bytes += [0, 2, 0, 1, reason, 0, 0, 0]
        if let address {
            bytes += [0, 3, 0, 4]
            bytes.append32(address.rawValue)
        }
        return bytes
    }
}

/// What happens to the time in which a router restarts.
public enum OSPFGraceStep: String, Hashable, Sendable {
    case began
    /// All adjacencies are back.
    case finished
    case expired
    /// Something else changed, so that waiting could do harm.
    case topology
}

/// What is kept of a router over its restart: whom it was linked with, and its routes.
public struct OSPFMemory: Hashable, Sendable {
    /// The router id.
    public var router: IPv4Address
    /// When the neighbours' patience ends, by the monotonic clock.
    public var endNanoseconds: Int64
    /// Full neighbours, by interface.
    public var neighbors: [Neighbor] = []
    /// Routes as they were given out.
    public var routes: [OSPFChange] = []

    /// A full neighbour.
    public struct Neighbor: Hashable, Sendable {
        /// Number of the interface.
        public var interface: Int
        /// Its router id.
        public var router: IPv4Address
    }

    init(router: IPv4Address, endNanoseconds: Int64) {
        self.router = router
        self.endNanoseconds = endNanoseconds
    }
}

// As octets, for whoever keeps it over the restart.
extension OSPFMemory {
    private static let version: UInt32 = 0x6f73_7001

    /// To be read by `init(_:)` of the same version of the gateway.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append32(Self.version)
        bytes.append32(router.rawValue)
        bytes.append32(UInt32(truncatingIfNeeded: endNanoseconds >> 32))
        bytes.append32(UInt32(truncatingIfNeeded: endNanoseconds))
        bytes.append32(UInt32(truncatingIfNeeded: neighbors.count))
        for neighbor in neighbors {
            bytes.append32(UInt32(truncatingIfNeeded: neighbor.interface))
            bytes.append32(neighbor.router.rawValue)
        }
        for route in routes {
            switch route {
            case .set(let prefix, let kind, let metric, let ways):
                bytes.append32(prefix.address.rawValue)
                bytes += [UInt8(prefix.length), kind.rawValue]
                bytes.append16(UInt16(truncatingIfNeeded: ways.count))
                bytes.append32(metric)
                for way in ways {
                    bytes.append32(UInt32(truncatingIfNeeded: way.interface))
                    bytes.append32(way.gateway?.rawValue ?? 0)
                }
            case .discard(let prefix):
                bytes.append32(prefix.address.rawValue)
                bytes += [UInt8(prefix.length), UInt8.max, 0, 0]
                bytes.append32(0)
            case .remove: break
            }
        }
        return bytes
    }

    /// What the octets of another version say is nothing; nor is what is not whole.
    ///
    /// - Parameter interfaces: How many there are that packets can leave by.
    public init?(_ bytes: [UInt8], interfaces: Int) {
        guard bytes.count >= 20, bytes.count % 4 == 0, bytes.be32(0) == Self.version else {
            return nil
        }
        router = IPv4Address(bytes.be32(4))
        endNanoseconds = Int64(bytes.be32(8)) << 32 | Int64(bytes.be32(12))
        var offset = 20
        let count = Int(bytes.be32(16))
        guard count <= (bytes.count - offset) / 8 else { return nil }
        for _ in 0..<count {
            let number = Int(bytes.be32(offset))
            neighbors.append(
                Neighbor(interface: number, router: IPv4Address(bytes.be32(offset + 4))))
            offset += 8
        }
        while offset + 12 <= bytes.count {
            let length = Int(bytes[offset + 4])
            let ways = Int(bytes.be16(offset + 6))
            guard length <= 32, offset + 12 + 8 * ways <= bytes.count else { return nil }
            let prefix = IPv4Prefix(IPv4Address(bytes.be32(offset)), length: length)
            let metric = bytes.be32(offset + 8)
            let kind = OSPFRouteKind(rawValue: bytes[offset + 5])
            offset += 12
            var list: [OSPFWay] = []
            for _ in 0..<ways {
                let number = Int(bytes.be32(offset))
                guard number < interfaces else { return nil }
                let gateway = bytes.be32(offset + 4)
                list.append(
                    OSPFWay(
                        interface: number, gateway: gateway == 0 ? nil : IPv4Address(gateway)))
                offset += 8
            }
            routes.append(
                kind.map { .set(prefix, $0, metric: metric, ways: list) } ?? .discard(prefix))
        }
        guard offset == bytes.count else { return nil }
    }
}
