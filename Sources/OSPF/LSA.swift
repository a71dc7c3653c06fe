public import Wire

/// The kinds of LSA that are understood or at least carried (RFC 2328 §A.4, RFC 3101, RFC 5250).
public enum LSAType: UInt8, Hashable, Sendable, CaseIterable {
    case router = 1
    case network
    case summaryNetwork
    case summaryRouter
    case external
    case nssa = 7
    case opaqueLink = 9
    case opaqueArea
    case opaqueSystem

    var isOpaque: Bool { rawValue >= 9 }
    /// Whether it is flooded to the whole autonomous system.
    var isSystemWide: Bool { self == .external || self == .opaqueSystem }
}

/// What tells LSAs apart (RFC 2328 §12.1).
struct LSAName: Hashable {
    /// As in a request; may be no type at all.
    var type: UInt32
    var id: IPv4Address
    var router: IPv4Address
}

/// The first 20 octets of an LSA (RFC 2328 §A.4.1); what they say may be anything.
public struct LSAHeader: Hashable, Sendable {
    /// Seconds since it was made; no more than 3600 of what is right.
    public var age: UInt16
    /// What its maker can do.
    public var options: OSPFOptions
    /// An `LSAType`, if it is known.
    public var type: UInt8
    /// Which piece of the routing domain it describes.
    public var id: IPv4Address
    /// The router that made it.
    public var router: IPv4Address
    /// Grows with every instance.
    public var sequence: Int32
    /// Of all but the age (RFC 905 annex B).
    public var checksum: UInt16
    /// Octets, header included.
    public var length: UInt16

    /// The header at `offset` of a packet; traps if it does not lie there whole.
    init(_ packet: RawSpan, at offset: Int) {
        age = packet.be16(offset)
        options = OSPFOptions(rawValue: packet.byte(offset + 2))
        type = packet.byte(offset + 3)
        id = IPv4Address(packet.be32(offset + 4))
        router = IPv4Address(packet.be32(offset + 8))
        sequence = Int32(bitPattern: packet.be32(offset + 12))
        checksum = packet.be16(offset + 16)
        length = packet.be16(offset + 18)
    }

    /// The headers that fill a packet from `start` on.
    static func list(_ body: RawSpan, from start: Int) throws(OSPFDrop) -> [LSAHeader] {
        guard (body.byteCount - start) % OSPFProtocol.lsaHeaderLength == 0 else {
            throw .bodyLength
        }
        return stride(from: start, to: body.byteCount, by: OSPFProtocol.lsaHeaderLength).map {
            LSAHeader(body, at: $0)
        }
    }

    func write(to bytes: inout [UInt8]) {
        bytes.append16(age)
        bytes += [options.rawValue, type]
        bytes.append32(id.rawValue)
        bytes.append32(router.rawValue)
        bytes.append32(UInt32(bitPattern: sequence))
        bytes.append16(checksum)
        bytes.append16(length)
    }

    var name: LSAName { LSAName(type: UInt32(type), id: id, router: router) }

    /// Whether it is to be removed everywhere.
    public var isMaxAge: Bool { age >= OSPFProtocol.maxAge }

    /// How two instances of one LSA relate.
    enum Recency { case newer, same, older }

    /// Whether this instance is newer than `other` (RFC 2328 §13.1).
    func recency(than other: LSAHeader) -> Recency {
        func order<T: Comparable>(_ a: T, _ b: T) -> Recency? {
            a == b ? nil : a > b ? .newer : .older
        }
        if let result = order(sequence, other.sequence) { return result }
        if let result = order(checksum, other.checksum) { return result }
        if isMaxAge != other.isMaxAge { return isMaxAge ? .newer : .older }
        if abs(Int(age) - Int(other.age)) > OSPFProtocol.maxAgeDifference {
            return age < other.age ? .newer : .older
        }
        return .same
    }
}

/// The octets of one LSA that have passed every check there is on a single LSA.
struct CheckedLSA: ~Escapable {
    let bytes: RawSpan
    let header: LSAHeader
    let type: LSAType

    /// - Parameter bytes: As long as the header says, see `Update`.
    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) throws(OSPFDrop) {
        let header = LSAHeader(bytes, at: 0)
        guard Fletcher.isRight(bytes) else { throw .lsaChecksum }
        guard let type = LSAType(rawValue: header.type) else { throw .lsaType }
        guard header.age <= OSPFProtocol.maxAge, header.sequence != Int32.min else {
            throw .lsaValue
        }
        guard LSABody.isWhole(bytes, type) else { throw .lsaLength }
        // RFC 2328 §12.1.4; believing another id poisons tables (CVE-2013-0149).
        guard type != .router || header.id == header.router else { throw .lsaRouter }
        self.bytes = bytes
        self.header = header
        self.type = type
    }
}

/// One LSA. It comes from a `CheckedLSA` or is made here, so its body is as long as its type needs.
public struct LSA: Hashable, Sendable {
    /// Header and body, in network order.
    public internal(set) var bytes: [UInt8]
    /// What kind it is.
    public let type: LSAType

    init(_ checked: borrowing CheckedLSA) {
        type = checked.type
        bytes = []
        bytes.reserveCapacity(checked.bytes.byteCount)
        for index in 0..<checked.bytes.byteCount { bytes.append(checked.bytes.byte(index)) }
    }

    /// A new LSA of age 0.
    init(
        _ type: LSAType, id: IPv4Address, router: IPv4Address, sequence: Int32,
        options: OSPFOptions, body: [UInt8]
    ) {
        self.type = type
        bytes = []
        let length = OSPFProtocol.lsaHeaderLength + body.count
        bytes.reserveCapacity(length)
        bytes += [0, 0, options.rawValue, type.rawValue]
        bytes.append32(id.rawValue)
        bytes.append32(router.rawValue)
        bytes.append32(UInt32(bitPattern: sequence))
        bytes.append16(0)
        bytes.append16(UInt16(truncatingIfNeeded: length))
        bytes += body
        bytes.set16(16, Fletcher.checksum(bytes.rawSpan))
    }

    /// The header.
    public var header: LSAHeader { LSAHeader(bytes.rawSpan, at: 0) }

    /// The age, which no checksum covers.
    var age: UInt16 {
        get { bytes.be16(0) }
        set { bytes.set16(0, newValue) }
    }

    /// Everything behind the header.
    var body: ArraySlice<UInt8> { bytes[OSPFProtocol.lsaHeaderLength...] }

    /// Whether routes may differ from those of an older instance (RFC 2328 §13.2).
    func differs(from old: LSA) -> Bool {
        bytes[2] != old.bytes[2] || (age >= OSPFProtocol.maxAge) != (old.age >= OSPFProtocol.maxAge)
            || bytes.count != old.bytes.count || body != old.body
    }
}

/// The checksum of an LSA: Fletcher's, over all but the age (RFC 2328 §12.1.7).
enum Fletcher {
    /// Where the checksum lies, counted from where the sum starts.
    private static let place = 14
    private static let start = 2

    private static func sums(_ bytes: RawSpan, isBlank: Bool) -> (Int, Int) {
        var (first, second) = (0, 0)
        for index in start..<bytes.byteCount {
            let isChecksum = index == start + place || index == start + place + 1
            if !(isBlank && isChecksum) { first += Int(bytes.byte(index)) }
            second += first
        }
        return (first % 255, second % 255)
    }

    /// Whether the checksum fits; 0 never does.
    static func isRight(_ bytes: RawSpan) -> Bool {
        bytes.be16(start + place) != 0 && sums(bytes, isBlank: false) == (0, 0)
    }

    /// The checksum of an LSA, whatever stands in its place.
    static func checksum(_ bytes: RawSpan) -> UInt16 {
        let (first, second) = sums(bytes, isBlank: true)
        var x = ((bytes.byteCount - start - place - 1) * first - second) % 255
        if x <= 0 { x += 255 }
        var y = 510 - first - x
        if y > 255 { y -= 255 }
        return UInt16(truncatingIfNeeded: x << 8 | y)
    }
}
