internal import Wire

/// Asks for LSAs (RFC 2328 §A.3.4).
struct Request: Hashable {
    /// Type, link state id and advertising router of each.
    var keys: [LSAName]

    /// Octets for one LSA.
    static let entryLength = 12

    init(_ keys: [LSAName]) { self.keys = keys }

    init(_ body: RawSpan) throws(OSPFDrop) {
        guard body.byteCount % Self.entryLength == 0 else { throw .bodyLength }
        keys = stride(from: 0, to: body.byteCount, by: Self.entryLength).map {
            LSAName(
                type: body.be32($0), id: IPv4Address(body.be32($0 + 4)),
                router: IPv4Address(body.be32($0 + 8)))
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for key in keys {
            bytes.append32(key.type)
            bytes.append32(key.id.rawValue)
            bytes.append32(key.router.rawValue)
        }
        return bytes
    }
}
