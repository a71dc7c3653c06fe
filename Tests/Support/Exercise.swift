import Foundation
import Wire

/// The committed fuzzing corpus of a target, `Tests/Fuzz/Corpus/NAME`, for tests to replay.
public func fuzzCorpus(_ name: String) -> [[UInt8]] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fuzz/Corpus/\(name)")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.sorted().compactMap {
        (try? Data(contentsOf: folder.appendingPathComponent($0))).map([UInt8].init)
    }
}

/// Feeds octets to every view of `Wire` and stops the program where one breaks its promise.
///
/// The result depends on all that was read, so that no reading is optimised away.
public func exerciseViews(_ input: [UInt8]) -> UInt64 {
    var digest: UInt64 = 0
    if let header = try? VirtioNetHeader(input.raw) { digest = exercise(header, input) }
    digest ^= exerciseARP(input)
    digest ^= exerciseOptions(input)
    var copy = input
    return withSpan(&copy) { span in
        if let frame = try? EthernetView(span.from(0)) {
            digest ^= frame.destination.rawValue ^ frame.source.rawValue ^ UInt64(frame.etherType)
        }
        if span.byteCount >= EthernetView.headerLength {
            var packet = span.from(EthernetView.headerLength)
            digest ^= exerciseIPv4(&packet)
        }
        digest ^= exerciseUDP(&span) ^ exerciseICMP(&span) ^ exerciseTCP(&span)
        return digest
    }
}

private func exercise(_ header: VirtioNetHeader, _ input: [UInt8]) -> UInt64 {
    var out = [UInt8](repeating: 0, count: VirtioNetHeader.length)
    withSpan(&out) { header.write(to: &$0) }
    precondition(out == Array(input.prefix(VirtioNetHeader.length)), "header written differently")
    return UInt64(header.checksumStart) &+ UInt64(header.checksumOffset)
}

private func exerciseARP(_ input: [UInt8]) -> UInt64 {
    var reader = ByteReader(input.raw)
    guard let packet = try? ARPPacket(from: &reader) else { return 0 }
    var out = [UInt8](repeating: 0, count: ARPPacket.length)
    withSpan(&out) { span in
        var writer = ByteWriter(span.from(0))
        packet.encode(to: &writer)
    }
    precondition(out == Array(input.prefix(ARPPacket.length)), "packet written differently")
    return packet.senderHardware.rawValue
}

private func exerciseOptions(_ input: [UInt8]) -> UInt64 {
    guard input.count >= 20 else { return 0 }
    switch IPv4Options.inspect(input.raw.part(0, min(input.count, 60))) {
    case .pass: return 1
    case .sourceRoute: return 2
    case .malformed(let pointer):
        precondition(pointer >= 20 && pointer < 60, "pointer outside of the options")
        return UInt64(pointer)
    }
}

private func exerciseIPv4(_ span: inout MutableRawSpan) -> UInt64 {
    guard var packet = try? IPv4View(span.from(0)) else { return 0 }
    let (header, total) = (packet.headerLength, packet.totalLength)
    precondition(header >= 20 && header <= 60 && header <= total, "lengths contradict")
    let wasValid = packet.checksumIsValid
    let digest = UInt64(packet.source.rawValue) << 32 | UInt64(packet.destination.rawValue)
    // One hop and a translation: intact stays intact, wrong stays wrong.
    let before = UInt32(packet.timeToLive) << 8
    let source = packet.source
    packet.timeToLive = packet.timeToLive &- 1
    packet.source = IPv4Address(203, 0, 113, 1)
    let delta = Checksum.fold(
        Checksum.delta(old: before, new: UInt32(packet.timeToLive) << 8)
            &+ Checksum.delta(old: source.rawValue, new: packet.source.rawValue))
    packet.headerChecksum = Checksum.update(packet.headerChecksum, by: delta)
    precondition(packet.checksumIsValid == wasValid, "a checksum was repaired or broken")
    packet.computeChecksum()
    precondition(packet.checksumIsValid, "a computed checksum is wrong")
    let proto = packet.proto
    _ = consume packet
    guard header < total else { return digest }
    var segment = span._mutatingExtracting(header..<total)
    switch proto {
    case IPProtocol.udp: return digest ^ exerciseUDP(&segment)
    case IPProtocol.tcp: return digest ^ exerciseTCP(&segment)
    case IPProtocol.icmp: return digest ^ exerciseICMP(&segment)
    default: return digest
    }
}

private func exerciseUDP(_ span: inout MutableRawSpan) -> UInt64 {
    let count = span.byteCount
    guard let datagram = try? UDPView(span.from(0)) else { return 0 }
    precondition(datagram.length >= 8 && datagram.length <= count, "length outside of the bytes")
    return UInt64(datagram.sourcePort) << 16 | UInt64(datagram.checksum)
}

private func exerciseICMP(_ span: inout MutableRawSpan) -> UInt64 {
    guard let message = try? ICMPView(span.from(0)) else { return 0 }
    let kinds = ICMPType.isError(message.type) ? 1 : ICMPType.isQuery(message.type) ? 2 : 3
    return UInt64(message.identifier) << 16 | UInt64(kinds) | (message.checksumIsValid ? 256 : 0)
}

private func exerciseTCP(_ span: inout MutableRawSpan) -> UInt64 {
    let count = span.byteCount
    guard (try? TCPView(span.from(0))) != nil else { return 0 }
    let before = Checksum.fold(Checksum.sum(span.bytes))
    guard var segment = try? TCPView(span.from(0)) else { return 0 }
    precondition(segment.headerLength >= 20 && segment.headerLength <= count, "header outside")
    for kind in UInt8.min...UInt8.max {
        guard let found = segment.option(kind) else { continue }
        precondition(found.offset >= 22 && found.offset + found.length <= segment.headerLength)
    }
    let changed = segment.clampSegmentSize(to: 536, partialChecksum: false)
    let digest = UInt64(segment.sequence) ^ UInt64(segment.flags.rawValue)
    _ = consume segment
    let after = Checksum.fold(Checksum.sum(span.bytes))
    precondition(before % 0xffff == after % 0xffff, "clamping changed the sum")
    return changed ? ~digest : digest
}
