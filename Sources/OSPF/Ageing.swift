internal import Timing
internal import Wire

// LSAs grow old (RFC 2328 §14): ours are renewed in time, all others flushed at MaxAge.
extension OSPFEngine {
    /// Sets the timer of an LSA: for its renewal, its end, or the next look at its checksum.
    mutating func wake(_ number: UInt32) {
        let record = database[number]
        let age = record.age(at: now)
        let check = (age / OSPFProtocol.checkAge + 1) * OSPFProtocol.checkAge
        var next = min(check, OSPFProtocol.maxAge)
        if record.isOwn, age < OSPFProtocol.refreshAge { next = min(next, OSPFProtocol.refreshAge) }
        database.wake(number, atAge: next, now: now)
    }

    /// Works off the timers up to a tick.
    mutating func ageDatabase(_ tick: UInt32) {
        while let number = database.popExpired(at: tick) {
            guard let record = database.records[Int(number)], !record.isFlushed else { continue }
            let age = record.age(at: now)
            if age >= OSPFProtocol.maxAge {
                flush(number)
                continue
            }
            if !Fletcher.isRight(record.lsa.bytes.rawSpan) {
                let header = record.lsa.header
                out.events.append(
                    .corrupt(type: header.type, id: header.id, router: header.router))
                discard(number)
                continue
            }
            if record.isOwn, age >= OSPFProtocol.refreshAge { renew(number) }
            wake(number)
        }
    }

    /// Asks for a newer instance of an LSA of ours, or its end.
    mutating func renew(_ number: UInt32) {
        database.update(number) { $0.isStale = true }
        stale.append(number)
    }

    /// Makes an LSA as old as can be and has everyone forget it (RFC 2328 §14.1).
    mutating func flush(_ number: UInt32) {
        database.update(number) { $0.isStale = false }
        mayRemove = true
        guard !database[number].isFlushed else { return }
        let sequence = database[number].lsa.header.sequence
        if database[number].isOwn, sequence < 0 { lastFlushed = max(lastFlushed, sequence) }
        release(number)
        database.update(number) { $0.lsa.age = OSPFProtocol.maxAge }
        database.stopTimer(number)
        wantRoutes(for: number)
        doubtGrace(database.lsa(number), database[number].scope)
        flushed.append(number)
        flood(number, from: nil)
    }

    /// Forgets flushed LSAs that everyone has confirmed (RFC 2328 §14); whether one of them leaves
    /// room for an instance that begins anew.
    mutating func removeFlushed() -> Bool {
        guard mayRemove else { return false }
        mayRemove = false
        let isBusy = interfaces.contains { $0.neighbors.contains(where: \.isExchanging) }
        guard !isBusy else { return false }
        var isAny = false
        let waiting = flushed
        flushed = []
        for number in waiting {
            guard let record = database.records[Int(number)], record.isFlushed else { continue }
            // One that we still want is outbid by its number, when it is time for that.
            guard record.waiting == 0, !record.isOwn || !record.isStale else {
                flushed.append(number)
                continue
            }
            if record.isOwn {
                revisit(record)
            } else {
                overtaken.note(record.lsa.header, record.scope, at: now)
            }
            discard(number)
            isAny = true
        }
        return isAny
    }

    private mutating func discard(_ number: UInt32) {
        release(number)
        wantRoutes(for: number)
        database.remove(number)
    }
}
