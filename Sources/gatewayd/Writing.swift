import Forwarding
import Linux
import Wire

// What leaves after a batch of packets.
extension Worker {
    /// Writes everything that leaves, in order; packets of one flow in one write where they follow
    /// each other and the device takes them apart again.
    func drain(
        _ path: inout DataPath, _ io: inout FrameIO, _ slab: inout FrameSlab
    ) {
        if path.forwarder.hasReady { resume(&path, &slab) }
        path.peers.publish()
        guard path.outbox.count > 0 else { return }
        var run: Run?
        for index in 0..<path.outbox.count {
            let entry = path.outbox[index]
            path.forwarder.countSent(entry.length - VirtioNetHeader.length, on: entry.side)
            switch entry.place {
            case .slot(let slot):
                if run?.take(entry, slot, &slab) == true { continue }
                Self.write(&run, &io, &slab)
                run = Run(entry, slot, &slab, path.joins[entry.side.index])
                if run == nil { Self.write(entry, slot, &io, &slab) }
            case .own(let offset):
                Self.write(&run, &io, &slab)
                unsafe path.outbox.withOwn(offset, length: entry.length) { buffer in
                    unsafe io.write(entry.side, buffer)
                }
            }
        }
        Self.write(&run, &io, &slab)
        io.flush()
        path.ringFailure = io.ringFailure
        path.outbox.removeAll()
        for side in Side.allCases { Self.note(io.writeFailures(side), side, &path) }
    }

    /// Packets that leave in one write: they gather in the slot of the first.
    private struct Run {
        let side: Side
        let slot: Int
        var packets: FrameRun

        init?(
            _ entry: Outbox.Entry, _ slot: Int, _ slab: inout FrameSlab,
            _ protocols: FrameRun.Protocols
        ) {
            let frame = slab.slot(slot, length: entry.length)
            guard let packets = FrameRun(frame.bytes, protocols) else { return nil }
            side = entry.side
            self.slot = slot
            self.packets = packets
        }

        mutating func take(_ entry: Outbox.Entry, _ slot: Int, _ slab: inout FrameSlab) -> Bool {
            guard entry.side == side else { return false }
            return slab.withSlots(self.slot, slot, length: entry.length) { first, next in
                packets.take(next, into: &first)
            }
        }
    }

    private static func write(_ run: inout Run?, _ io: inout FrameIO, _ slab: inout FrameSlab) {
        guard let finished = run else { return }
        run = nil
        let length = finished.packets.length
        var frame = slab.slot(finished.slot, length: length)
        finished.packets.finish(&frame)
        unsafe slab.withSlot(finished.slot) { buffer in
            unsafe io.write(
                finished.side, UnsafeRawBufferPointer(rebasing: buffer[..<length]),
                frames: finished.packets.count)
        }
    }

    private static func write(
        _ entry: Outbox.Entry, _ slot: Int, _ io: inout FrameIO, _ slab: inout FrameSlab
    ) {
        unsafe slab.withSlot(slot) { buffer in
            unsafe io.write(
                entry.side, UnsafeRawBufferPointer(rebasing: buffer[..<entry.length]))
        }
    }
}
