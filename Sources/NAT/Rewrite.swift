public import Memory
public import Wire

extension NAT {
    /// Rewrites addresses, port and checksums as session `number` prepared it, and takes one off
    /// the TTL. A later fragment has no transport header: only its addresses change.
    @inlinable @inline(always)
    public func rewrite(
        _ number: UInt32, _ packet: Packet, _ direction: Direction, _ frame: inout MutableRawSpan,
        decrementTTL: Bool = true
    ) {
        let outbound = direction == .outbound
        let table = sessions
        // The opposite change is the complement.
        let address =
            outbound ? table[number].addressDelta : ~table[number].addressDelta
        frame.setBe32(
            Packet.ip &+ (outbound ? 12 : 16),
            outbound ? table[number].outsideAddress : table[number].insideAddress)
        var header = UInt32(~frame.be16(Packet.ip &+ 10)) &+ UInt32(address)
        if decrementTTL {
            frame.setByte(Packet.ip &+ 8, packet.timeToLive &- 1)
            header &+= 0xfeff  // ~m + m' of a word that shrinks by 0x0100
        }
        frame.setBe16(Packet.ip &+ 10, ~Checksum.fold(header))
        guard packet.isFirst else { return }

        let port = outbound ? table[number].outsidePort : table[number].insidePort
        let full = table[number].fullDelta(of: packet.proto, direction)
        let start = packet.transport
        switch packet.proto {
        case IPProtocol.tcp:
            frame.setBe16(start &+ (outbound ? 0 : 2), port)
            Self.patch(&frame, start &+ 16, packet.hasPartialChecksum, address, full)
        case IPProtocol.udp:
            frame.setBe16(start &+ (outbound ? 0 : 2), port)
            let old = frame.be16(start &+ 6)
            if packet.hasPartialChecksum {
                frame.setBe16(start &+ 6, Checksum.updatePartial(old, by: address))
            } else if old != 0 {
                // 0 means none: a sum of 0 is sent as its other form (RFC 768).
                let sum = Checksum.update(old, by: full)
                frame.setBe16(start &+ 6, sum == 0 ? 0xffff : sum)
            }
        case IPProtocol.icmp:
            frame.setBe16(start &+ 4, port)
            frame.setBe16(start &+ 2, Checksum.update(frame.be16(start &+ 2), by: full))
        default:
            rewriteOther(packet.proto, at: start, outbound: outbound, port: port, full, &frame)
        }
    }

    @inlinable @inline(__always)
    static func patch(
        _ frame: inout MutableRawSpan, _ offset: Int, _ isPartial: Bool, _ address: UInt16,
        _ full: UInt16
    ) {
        let old = frame.be16(offset)
        frame.setBe16(
            offset,
            isPartial ? Checksum.updatePartial(old, by: address) : Checksum.update(old, by: full))
    }
}

extension Session {
    /// Checksum change of addresses and port together. That of ICMP has no pseudo header.
    @inlinable @inline(__always)
    func fullDelta(of proto: UInt8, _ direction: Direction) -> UInt16 {
        let ports = UInt32(~insidePort) &+ UInt32(outsidePort)
        let change = proto == IPProtocol.icmp ? ports : ports &+ UInt32(addressDelta)
        let full = Checksum.fold(change)
        return direction == .outbound ? full : ~full
    }
}
