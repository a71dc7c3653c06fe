import Forwarding
import Router
import Support
import Testing
import Timing
import Wire

extension Bench {
    /// Hands packets over as one batch: what waits is not taken up in between, and what leaves is
    /// not kept. What became of each.
    @discardableResult
    mutating func batch(_ packets: [[UInt8]], on side: Side) -> [Verdict] {
        var outbox = Outbox(capacity: 4 << 20, entries: 4096)
        var verdicts: [Verdict] = []
        for packet in packets {
            var bytes = Bench.frame(packet, on: side)
            var header = VirtioNetHeader()
            let moment = now
            verdicts.append(
                withSpan(&bytes) {
                    router.receive(&$0, &header, on: side, at: moment, into: &outbox)
                })
            outbox.removeAll()
        }
        return verdicts
    }

    /// All drops on a side.
    func allDrops(on side: Side) -> UInt64 {
        DropReason.allCases.reduce(0) { $0 + drops($1, on: side) }
    }

    /// Makes a host known, so that an answer to it need not wait for ARP.
    mutating func meet(_ host: String, on side: Side = .lan) {
        let own = side == .lan ? "192.168.50.1" : "203.0.113.2"
        send(PacketBuilder(host, own).echo(identifier: 1), on: side)
        _ = take()
    }

    /// Sends an ARP packet; the ARP packets that leave because of it.
    @discardableResult
    mutating func sendARP(
        _ operation: UInt16, on side: Side = .lan, from sender: String, hardware: MACAddress? = nil,
        to target: String, targetHardware: MACAddress = MACAddress(0),
        frameSource: MACAddress? = nil, destination: MACAddress = .broadcast
    ) -> [SentFrame] {
        let station = hardware ?? Bench.hardware(of: ip(sender))
        let packet = arp(
            operation, sender: station, ip(sender), target: targetHardware, ip(target))
        let before = sent.count
        send(
            frame: ethernet(
                to: destination, from: frameSource ?? station, type: 0x0806, packet),
            on: side)
        return Array(sent[before...])
    }

    /// ARP requests for an address among the frames kept.
    func requests(for address: String) -> [SentFrame] {
        sent.filter {
            $0.seen["arp.opcode"] == "1" && $0.seen["arp.dst.proto_ipv4"] == address
                && $0.seen["arp.src.proto_ipv4"] != address
        }
    }
}

/// The outside port of a translated packet.
func outsidePort(_ frame: SentFrame?) throws -> UInt16 {
    let seen = try #require(frame).seen
    let text = seen["udp.srcport"] ?? seen["tcp.srcport"] ?? seen["icmp.ident"]
    return try #require(text.flatMap { UInt16($0) })
}

/// A copy of a packet with octets replaced; its header checksum is made right unless told not to.
func changed(_ packet: [UInt8], _ changes: [Int: UInt8], fix: Bool = true) -> [UInt8] {
    var copy = packet
    for (offset, value) in changes { copy[offset] = value }
    guard fix else { return copy }
    copy[10] = 0
    copy[11] = 0
    let sum = SlowChecksum.checksum(Array(copy.prefix(max(20, Int(copy[0] & 15) * 4))))
    copy[10] = UInt8(sum >> 8)
    copy[11] = UInt8(sum & 255)
    return copy
}

/// Random octets that are the same in every run.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = Random(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}
