internal import Timing
internal import Wire

// LSAs go from neighbour to neighbour until each has confirmed them (RFC 2328 §13).
extension OSPFEngine {
    // MARK: Scopes

    /// How far an LSA that came by an interface goes; nil if it has no business there.
    func scope(_ type: LSAType, _ number: Int) -> Scope? {
        let area = interfaces[number].area
        switch type {
        case .router, .network, .summaryNetwork, .summaryRouter, .opaqueArea: return .area(area)
        case .external, .opaqueSystem: return settings.areas[area].takesExternals ? .system : nil
        case .opaqueLink: return .link(number)
        case .nssa: return settings.areas[area].isNSSA ? .area(area) : nil
        }
    }

    /// Whether an LSA is flooded by an interface. What goes everywhere takes no virtual link: it
    /// passes the area between in any case (RFC 2328 §13.3).
    func covers(_ scope: Scope, _ number: Int) -> Bool {
        switch scope {
        case .system:
            !isVirtual(number) && settings.areas[interfaces[number].area].takesExternals
        case .area(let area): interfaces[number].area == area
        case .link(let link): link == number
        }
    }

    private var isAnyExchanging: Bool {
        interfaces.contains { $0.neighbors.contains(where: \.isExchanging) }
    }

    // MARK: Receiving

    mutating func receiveUpdate(
        _ body: RawSpan, _ number: Int, _ index: Int
    ) throws(OSPFDrop) {
        guard interfaces[number].neighbors[index].state >= .exchange else {
            throw .neighborState
        }
        var update = try Update(body)
        var acknowledgements: [LSAHeader] = []
        while let part = update.take(), interfaces[number].neighbors[index].state >= .exchange {
            do throws(OSPFDrop) {
                let checked = try CheckedLSA(part)
                if try receive(checked, number, index) { acknowledgements.append(checked.header) }
            } catch {
                count(error, on: number)
            }
        }
        acknowledge(acknowledgements, to: destination(number, index), on: number)
        ask(number, index)
    }

    /// Steps 2 to 8 of RFC 2328 §13; true if the LSA is to be acknowledged at once.
    private mutating func receive(
        _ checked: borrowing CheckedLSA, _ number: Int, _ index: Int
    ) throws(OSPFDrop) -> Bool {
        let header = checked.header
        guard let scope = scope(checked.type, number) else { throw .lsaScope }
        let known = database.find(scope, checked.type, header.id, header.router)
        if header.isMaxAge, known == nil, !isAnyExchanging {
            overtaken.note(header, scope, at: now)
            return true
        }
        if known == nil, interfaces[number].neighbors[index].requests[header.name] == nil {
            try checkFlushed(checked, scope, number, index)
        }
        let own = known.map { database[$0].header(at: now) }
        let recency = own.map { header.recency(than: $0) } ?? .newer
        if recency == .newer {
            try takeIn(checked, scope, known, number, index)
            return false
        }
        guard let known else { return false }
        if interfaces[number].neighbors[index].requests[header.name] != nil {
            handle(number, index, .badLSReq)
            throw .exchangeState
        }
        guard recency == .same else {
            try sendBack(known, number, index)
            return false
        }
        // The neighbour has it from us, or from someone we both hear (RFC 2328 §13.5).
        guard interfaces[number].neighbors[index].retransmission.remove(known) else { return true }
        acknowledged(known)
        let isFromFirst =
            interfaces[number].neighbors[index].address == interfaces[number].designated
        if interfaces[number].state == .backup, isFromFirst { delay(header, number) }
        return false
    }

    /// Drops what was flushed already. Whoever still says it hears of that, as if the flush were in
    /// the database yet (step 8).
    private mutating func checkFlushed(
        _ checked: borrowing CheckedLSA, _ scope: Scope, _ number: Int, _ index: Int
    ) throws(OSPFDrop) {
        let pause = settings.timers.shortestArrival
        switch overtaken.judge(checked.header, scope, shortestArrival: pause, at: now) {
        case .taken: return
        case .early: throw .lsaEarly
        case .flushed:
            var lsa = LSA(checked)
            lsa.age = OSPFProtocol.maxAge
            send(.update, Update.bytes([lsa]), to: destination(number, index), on: number)
            throw .lsaFlushed
        }
    }

    /// Step 5: a newer instance.
    private mutating func takeIn(
        _ checked: borrowing CheckedLSA, _ scope: Scope, _ known: UInt32?, _ number: Int,
        _ index: Int
    ) throws(OSPFDrop) {
        if let known, database[known].isFlooded,
            now - database[known].installed < settings.timers.shortestArrival
        {
            throw .lsaEarly
        }
        let more = Int(checked.header.length) - (known.map { database.lsa($0).bytes.count } ?? 0)
        guard more <= 0 || database.octets + more <= settings.limits.octets else {
            throw .databaseFull
        }
        // What was asked for does not count as flooded: the next instance may follow at once.
        let isAsked = interfaces[number].neighbors[index].requests[checked.header.name] != nil
        guard let lsa = install(LSA(checked), scope, known, isFlooded: !isAsked) else {
            throw .databaseFull
        }
        // Somebody says for us what we may not say any more (RFC 2328 §13.4).
        if database[lsa].isOwn { renew(lsa) }
        if checked.type == .opaqueLink { hearGrace(lsa, on: number) }
        guard !flood(lsa, from: (number, index)) else { return }
        let isFromFirst =
            interfaces[number].neighbors[index].address == interfaces[number].designated
        if interfaces[number].state != .backup || isFromFirst { delay(checked.header, number) }
    }

    /// Step 8: the neighbour learns of the newer instance that we have.
    private mutating func sendBack(
        _ known: UInt32, _ number: Int, _ index: Int
    ) throws(OSPFDrop) {
        let record = database[known]
        let header = record.lsa.header
        if header.isMaxAge, header.sequence == OSPFProtocol.maxSequence {
            throw .lsaMaxSequence
        }
        guard sentBack.mayGo(known, every: settings.timers.shortestArrival, at: now) else { return }
        sendUpdates([known], to: destination(number, index), on: number)
    }

    // MARK: Installing

    /// Puts an LSA into the database (RFC 2328 §13.2); nil if there is no room.
    mutating func install(
        _ lsa: LSA, _ scope: Scope, _ known: UInt32?, isFlooded: Bool
    ) -> UInt32? {
        var record = Database.Record(
            lsa: lsa, scope: scope, installed: now, isFlooded: isFlooded, isOwn: isOwn(lsa))
        var (isNews, wasFlushed) = (true, false)
        let result: UInt32?
        if let known {
            let old = database[known]
            isNews = lsa.differs(from: old.lsa)
            wasFlushed = old.isFlushed
            record.nextOrigination = old.nextOrigination
            record.pause = old.pause
            record.hurried = old.hurried
            record.mark = old.mark
            release(known)
            database.replace(known, with: record)
            result = known
        } else {
            result = database.add(record)
        }
        guard let number = result else { return nil }
        sentBack.forget(number)
        if isNews {
            wantRoutes(for: number)
            doubtGrace(lsa, scope)
        }
        if record.isFlushed {
            database.stopTimer(number)
            if !wasFlushed { flushed.append(number) }
            mayRemove = true
        } else {
            wake(number)
        }
        return number
    }

    private func isOwn(_ lsa: LSA) -> Bool {
        let header = lsa.header
        return header.router == settings.router
            || lsa.type == .network
                && settings.interfaces.contains { $0?.address.address == header.id }
    }

    /// Takes an LSA from all retransmission lists.
    mutating func release(_ lsa: UInt32) {
        guard database[lsa].waiting > 0 else { return }
        for number in interfaces.indices {
            for index in interfaces[number].neighbors.indices {
                _ = interfaces[number].neighbors[index].retransmission.remove(lsa)
            }
        }
        database.update(lsa) { $0.waiting = 0 }
        mayRemove = true
    }

    private mutating func acknowledged(_ lsa: UInt32) {
        database.update(lsa) { $0.waiting -= 1 }
        if database[lsa].waiting == 0, database[lsa].isFlushed { mayRemove = true }
    }

    // MARK: Flooding

    /// Sends an LSA to all who do not have it (RFC 2328 §13.3); whether also where it came from.
    @discardableResult
    mutating func flood(_ lsa: UInt32, from sender: (number: Int, index: Int)?) -> Bool {
        let record = database[lsa]
        let header = record.header(at: now)
        var isBack = false
        for number in interfaces.indices where covers(record.scope, number) {
            guard let own = settings.interfaces[number] else { continue }
            var isAny = false
            for index in interfaces[number].neighbors.indices
            where interfaces[number].neighbors[index].state >= .exchange {
                if record.type.isOpaque, !interfaces[number].neighbors[index].takesOpaque {
                    continue
                }
                if let wanted = interfaces[number].neighbors[index].requests[header.name] {
                    let recency = header.recency(than: wanted)
                    if recency == .older { continue }
                    interfaces[number].neighbors[index].requests.remove(header.name)
                    if recency == .same { continue }
                }
                if let sender, sender == (number, index) { continue }
                owe(lsa, number, index, own)
                isAny = true
            }
            guard isAny else { continue }
            if let sender, sender.number == number {
                let interface = interfaces[number]
                let address = interface.neighbors[sender.index].address
                // The Designated Router's own flooding reaches everyone here.
                if address == interface.designated || address == interface.backup { continue }
                if interface.state == .backup { continue }
                isBack = true
            }
            // While networks outside wait for their turn, news of links goes before them.
            let isBurst =
                interfaces[number].floodingLeft <= 0 && interfaces[number].floodingAt > now
            let isWaiting = isBurst && !record.type.isSystemWide
            let end = interfaces[number].flooding.count
            interfaces[number].flooding.insert(lsa, at: isWaiting ? 0 : end)
        }
        return isBack
    }

    /// Puts an LSA on a neighbour's retransmission list.
    mutating func owe(
        _ lsa: UInt32, _ number: Int, _ index: Int, _ own: OSPFInterfaceSettings
    ) {
        let isNew = interfaces[number].neighbors[index].retransmission.insert(
            lsa, pause: own.retransmitInterval, at: now)
        if isNew {
            database.update(lsa) { $0.waiting += 1 }
        }
    }

    /// Sends what is to be flooded, at once but for a burst that neighbours might lose: the rest of
    /// it follows burst by burst (RFC 4222 §2).
    mutating func sendFlooding() {
        for number in interfaces.indices where !interfaces[number].flooding.isEmpty {
            guard let own = settings.interfaces[number] else { continue }
            if interfaces[number].floodingAt <= now {
                interfaces[number].floodingLeft = settings.limits.floodBurst * own.room(at: wall)
                interfaces[number].floodingAt = now + floodPause(number)
            }
            var count = 0
            for lsa in interfaces[number].flooding {
                guard interfaces[number].floodingLeft > 0 else { break }
                let length = database.records[Int(lsa)]?.lsa.bytes.count ?? 0
                interfaces[number].floodingLeft -= length
                count += 1
            }
            let part = Array(interfaces[number].flooding.prefix(count))
            interfaces[number].flooding.removeFirst(count)
            for target in destinations(number) { sendUpdates(part, to: target, on: number) }
        }
    }

    /// From one burst to the next: longer, the more of what was sent the slowest neighbour has not
    /// confirmed (RFC 4222 §2).
    private func floodPause(_ number: Int) -> Interval {
        let interface = interfaces[number]
        let owed = interface.neighbors.map(\.retransmission.count).max() ?? 0
        let unconfirmed = max(owed - interface.flooding.count, 0)
        let times = min(max(unconfirmed / settings.limits.unconfirmed, 1), 16)
        return settings.limits.floodPeriod * Int64(times)
    }

    /// Sends LSAs, as many to a packet as fit, each a little older than it is here.
    mutating func sendUpdates(_ numbers: [UInt32], to target: IPv4Address, on number: Int) {
        guard let own = settings.interfaces[number] else { return }
        let room = own.room(at: wall) - 4
        var (lsas, used): ([LSA], Int) = ([], 0)
        var seen = NumberSet()
        for slot in numbers {
            guard let record = database.records[Int(slot)], seen.insert(slot) else { continue }
            var lsa = record.lsa
            lsa.age = min(record.age(at: now) + own.transmitDelay, OSPFProtocol.maxAge)
            if used + lsa.bytes.count > room, !lsas.isEmpty {
                send(.update, Update.bytes(lsas), to: target, on: number)
                (lsas, used) = ([], 0)
            }
            lsas.append(lsa)
            used += lsa.bytes.count
        }
        if !lsas.isEmpty { send(.update, Update.bytes(lsas), to: target, on: number) }
    }

    /// Sends again what was not acknowledged, a burst at a time (RFC 2328 §13.6).
    mutating func resend(_ number: Int, _ index: Int, _ own: OSPFInterfaceSettings) {
        let room = own.room(at: wall)
        var (lsas, left): ([UInt32], Int) = ([], settings.limits.burst * room)
        while left > 0,
            let lsa = interfaces[number].neighbors[index].retransmission.takeDue(
                pause: own.retransmitInterval, at: now)
        {
            left -= database[lsa].lsa.bytes.count
            lsas.append(lsa)
        }
        interfaces[number].neighbors[index].retransmission.notBefore =
            now + settings.limits.burstPeriod
        sendUpdates(lsas, to: interfaces[number].neighbors[index].address, on: number)
    }

    // MARK: Acknowledging

    /// Acknowledgements that need not wait for more.
    private static var company: Int { 64 }

    /// Acknowledges together with others, later (RFC 2328 §13.5).
    private mutating func delay(_ header: LSAHeader, _ number: Int) {
        interfaces[number].acknowledgements.append(header)
        if interfaces[number].acknowledgements.count >= Self.company {
            sendAcknowledgements(number)
        } else if interfaces[number].acknowledgeAt == nil {
            interfaces[number].acknowledgeAt = now + settings.timers.acknowledgementDelay
        }
    }

    mutating func sendAcknowledgements(_ number: Int) {
        for target in destinations(number) {
            acknowledge(interfaces[number].acknowledgements, to: target, on: number)
        }
        interfaces[number].acknowledgements = []
        interfaces[number].acknowledgeAt = nil
    }

    private mutating func acknowledge(
        _ headers: [LSAHeader], to target: IPv4Address, on number: Int
    ) {
        guard let own = settings.interfaces[number] else { return }
        let most = max(own.room(at: wall) / OSPFProtocol.lsaHeaderLength, 1)
        for start in stride(from: 0, to: headers.count, by: most) {
            let part = Array(headers[start..<min(start + most, headers.count)])
            send(.acknowledgement, Acknowledgement(part).bytes, to: target, on: number)
        }
    }

    /// Takes acknowledgements (RFC 2328 §13.7).
    mutating func receive(
        _ packet: Acknowledgement, _ number: Int, _ index: Int
    ) throws(OSPFDrop) {
        guard interfaces[number].neighbors[index].state >= .exchange else {
            throw .neighborState
        }
        var isStale = false
        for header in packet.headers {
            guard let type = LSAType(rawValue: header.type), let scope = scope(type, number),
                let lsa = database.find(scope, type, header.id, header.router),
                interfaces[number].neighbors[index].retransmission.contains(lsa)
            else { continue }
            guard header.recency(than: database[lsa].header(at: now)) == .same else {
                isStale = true
                continue
            }
            _ = interfaces[number].neighbors[index].retransmission.remove(lsa)
            acknowledged(lsa)
        }
        if isStale { throw .acknowledgementStale }
    }
}
