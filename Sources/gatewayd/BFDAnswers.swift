import BFD
import Control
import Timing
import Wire

// What the worker knows of BFD, for people.
extension Backend {
    func bfd(_ done: @escaping ControlDone<BFDAnswer>) {
        let instance = instance
        ask(
            done, { BFDCopy($0) },
            then: { daemon, copy in
                BFDAnswer(
                    instance: instance, drops: copy.drops,
                    sessions: copy.rows.map { row in
                        BFDSessionStatus(row, of: daemon.watchers(of: row.peer), at: copy.now)
                    })
            })
    }
}

/// What the worker copies for it.
private struct BFDCopy: Sendable {
    let now: Instant
    let rows: [BFDSessionRow]
    let drops: [BFDDropCount]

    init(_ path: borrowing DataPath) {
        now = path.now
        rows = path.bfd.rows
        var drops: [BFDDropCount] = []
        for side in Side.allCases {
            for reason in BFDDrop.allCases {
                let count = path.bfd.drops(reason, on: side.index)
                guard count > 0 else { continue }
                drops.append(
                    BFDDropCount(
                        side: side.description, reason: reason.name, count: count,
                        meaning: reason.meaning))
            }
        }
        self.drops = drops
    }
}

extension BFDSessionStatus {
    fileprivate init(_ row: BFDSessionRow, of users: [String], at now: Instant) {
        func microseconds(_ interval: Interval) -> UInt64 {
            UInt64(clamping: interval.nanoseconds / 1000)
        }
        self.init(
            address: row.peer.address.description, side: row.peer.side.description,
            state: row.state.name, neighborState: row.neighborState.name,
            sinceSeconds: UInt64(max((now - row.since).wholeSeconds, 0)), ups: row.ups,
            users: users, transmitMicroseconds: row.transmit.map(microseconds),
            receiveMicroseconds: microseconds(row.receive),
            detectionMicroseconds: row.detection.map(microseconds),
            multiplier: row.multiplier, neighborMultiplier: row.neighborMultiplier,
            diagnostic: row.diagnostic.name, neighborDiagnostic: row.neighborDiagnostic.name,
            discriminator: row.mine, neighborDiscriminator: row.theirs,
            received: row.packetsIn, sent: row.packetsOut)
    }
}
