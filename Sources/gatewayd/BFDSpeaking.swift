import BFD
import Forwarding
import Linux
import Timing
import Wire

// BFD on the worker thread, beside the packet path whose working it proves: no work on routes, be
// it ever so long, delays a packet or a timer.
extension DataPath {
    /// Takes in a packet that came to BFD's port.
    mutating func hearBFD(_ packet: RoutingPacket, _ frame: RawSpan) {
        bfd.receive(
            frame.part(packet.payload.lowerBound, packet.payload.count),
            from: BFDPeer(interface: packet.side.index, packet.source),
            timeToLive: packet.timeToLive,
            at: now, into: &bfdEffects)
        sendBFD()
    }

    /// Works off timers, after what has come was taken in.
    mutating func tickBFD() {
        guard let due = bfd.nextDeadline, due <= now else { return }
        bfd.tick(at: now, into: &bfdEffects)
        sendBFD()
    }

    /// Makes these the sessions there are.
    mutating func applyBFD(_ wishes: [BFDWish]) {
        bfd.apply(wishes, at: now, into: &bfdEffects)
        sendBFD()
    }

    private mutating func sendBFD() {
        for datagram in bfdEffects.packets {
            // On a link that is down nobody waits for them.
            let side = datagram.peer.side
            guard forwarder.isUp(side) else { continue }
            forwarder.send(
                RoutingDatagram(
                    side: side, source: datagram.source, destination: datagram.peer.address,
                    transport: .udp(source: datagram.port, destination: BFDProtocol.port),
                    timeToLive: BFDProtocol.timeToLive, payload: datagram.packet.bytes),
                at: now, into: &outbox)
        }
        bfdEffects.packets.removeAll(keepingCapacity: true)
    }
}
