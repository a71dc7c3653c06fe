internal import Wire

/// The LSAs of an update (RFC 2328 §A.3.5). The lengths of all of them are checked before the first
/// is seen; what is inside them is not.
struct Update: ~Escapable {
    private let body: RawSpan
    private var next = 4
    /// LSAs not seen yet.
    private(set) var count: Int

    @_lifetime(copy body)
    init(_ body: RawSpan) throws(OSPFDrop) {
        guard body.byteCount >= 4 else { throw .bodyLength }
        let count = body.be32(0)
        var offset = 4
        var left = count
        while left > 0 {
            guard body.byteCount - offset >= OSPFProtocol.lsaHeaderLength else {
                throw .bodyLength
            }
            let length = Int(body.be16(offset + 18))
            guard length >= OSPFProtocol.lsaHeaderLength, length <= body.byteCount - offset
            else { throw .bodyLength }
            offset += length
            left -= 1
        }
        guard offset == body.byteCount else { throw .bodyLength }
        self.body = body
        self.count = Int(count)
    }

    /// The octets of the next LSA; nil after the last.
    @_lifetime(copy self)
    mutating func take() -> RawSpan? {
        guard count > 0 else { return nil }
        let length = Int(body.be16(next + 18))
        let part = body.part(next, length)
        next += length
        count -= 1
        return part
    }

    /// The body of an update that holds these LSAs.
    static func bytes(_ lsas: [LSA]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append32(UInt32(truncatingIfNeeded: lsas.count))
        for lsa in lsas { bytes += lsa.bytes }
        return bytes
    }
}

/// Confirms LSAs (RFC 2328 §A.3.6).
struct Acknowledgement: Hashable {
    var headers: [LSAHeader]

    init(_ headers: [LSAHeader]) { self.headers = headers }

    init(_ body: RawSpan) throws(OSPFDrop) { headers = try LSAHeader.list(body, from: 0) }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for header in headers { header.write(to: &bytes) }
        return bytes
    }
}
