internal import Timing
internal import Wire

// Two databases become equal (RFC 2328 §10.6 to §10.9).
extension OSPFEngine {
    // MARK: Descriptions

    /// Proposes to lead an exchange (RFC 2328 §10.8).
    mutating func beginExchange(_ number: Int, _ index: Int) {
        let last = interfaces[number].neighbors[index].exchange.sequence
        let first = UInt32(truncatingIfNeeded: random.next())
        interfaces[number].neighbors[index].exchange.sequence = last == 0 ? first : last &+ 1
        interfaces[number].neighbors[index].exchange.isMaster = true
        describe(number, index, [.initial, .more, .master])
    }

    /// Notes what will be described: what is here, but nothing that is being flushed.
    mutating func summarize(_ number: Int, _ index: Int) {
        guard let own = settings.interfaces[number] else { return }
        let takesOpaque = interfaces[number].neighbors[index].takesOpaque
        var summary: [UInt32] = []
        for (slot, record) in database.records.enumerated() {
            guard let record, covers(record.scope, number) else { continue }
            if record.type.isOpaque, !takesOpaque { continue }
            let lsa = UInt32(truncatingIfNeeded: slot)
            if record.age(at: now) >= OSPFProtocol.maxAge {
                owe(lsa, number, index, own)
            } else {
                summary.append(lsa)
            }
        }
        interfaces[number].neighbors[index].exchange.summary = summary
        interfaces[number].neighbors[index].exchange.described = 0
    }

    /// Sends the next description, or the first, empty one.
    private mutating func describe(
        _ number: Int, _ index: Int, _ flags: DatabaseDescription.Flags
    ) {
        guard let own = settings.interfaces[number] else { return }
        var exchange = interfaces[number].neighbors[index].exchange
        var (flags, headers): (DatabaseDescription.Flags, [LSAHeader]) = (flags, [])
        if !flags.contains(.initial) {
            let most =
                (own.room(at: wall) - DatabaseDescription.fixedLength)
                / OSPFProtocol.lsaHeaderLength
            let part = exchange.summary[exchange.described...].prefix(most)
            exchange.described += part.count
            headers = part.compactMap { database.records[Int($0)]?.header(at: now) }
            if exchange.described < exchange.summary.count { flags.insert(.more) }
        }
        let options = settings.areas[interfaces[number].area].options
        exchange.sent = DatabaseDescription(
            mtu: own.network == .virtual ? 0 : own.mtu, options: options.union(.opaque),
            flags: flags,
            sequence: exchange.sequence, headers: headers)
        interfaces[number].neighbors[index].exchange = exchange
        repeatDescription(number, index)
    }

    /// Sends the last description, once more perhaps.
    private mutating func repeatDescription(_ number: Int, _ index: Int) {
        guard let own = settings.interfaces[number],
            let sent = interfaces[number].neighbors[index].exchange.sent
        else { return }
        let leads = interfaces[number].neighbors[index].exchange.isMaster
        interfaces[number].neighbors[index].exchange.retry =
            leads ? now + own.retransmitInterval : nil
        send(.databaseDescription, sent.bytes, to: destination(number, index), on: number)
    }

    mutating func receive(
        _ description: DatabaseDescription, _ number: Int, _ index: Int,
        _ own: OSPFInterfaceSettings
    ) throws(OSPFDrop) {
        guard description.mtu <= own.mtu || own.ignoresMTU || own.network == .virtual else {
            throw differ(.exchangeMTU, theirs: UInt32(description.mtu), ours: UInt32(own.mtu))
        }
        if interfaces[number].neighbors[index].state == .initial {
            handle(number, index, .twoWayReceived)
        }
        var bare = description
        bare.headers = []
        let exchange = interfaces[number].neighbors[index].exchange
        let isRepeated = exchange.received == bare
        switch interfaces[number].neighbors[index].state {
        // It waits for its turn to come up.
        case .twoWay where description.isProposal && wantsAdjacency(number, index):
            interfaces[number].neighbors[index].proposal = description
        case .down, .attempt, .initial, .twoWay: throw .neighborState
        case .exStart: try negotiate(description, bare, number, index)
        case .exchange where isRepeated, .loading where isRepeated, .full where isRepeated:
            if !exchange.isMaster { repeatDescription(number, index) }
            throw .exchangeDuplicate
        case .exchange:
            let expected = exchange.isMaster ? exchange.sequence : exchange.sequence &+ 1
            let isInOrder =
                description.flags.contains(.master) != exchange.isMaster
                && !description.flags.contains(.initial)
                && description.options == exchange.options && description.sequence == expected
            guard isInOrder else {
                handle(number, index, .seqNumberMismatch)
                throw .exchangeState
            }
            try accept(description, bare, number, index)
        case .loading, .full:
            handle(number, index, .seqNumberMismatch)
            throw .exchangeState
        }
    }

    /// Agrees who leads: the one with the higher router id.
    mutating func negotiate(
        _ description: DatabaseDescription, _ bare: DatabaseDescription, _ number: Int,
        _ index: Int
    ) throws(OSPFDrop) {
        let isHigher = interfaces[number].neighbors[index].router > settings.router
        let exchange = interfaces[number].neighbors[index].exchange
        if isHigher, description.isProposal {
            interfaces[number].neighbors[index].exchange.isMaster = false
            interfaces[number].neighbors[index].exchange.sequence = description.sequence
        } else if isHigher || !description.flags.isDisjoint(with: [.initial, .master])
            || description.sequence != exchange.sequence
        {
            throw .exchangeState
        }
        interfaces[number].neighbors[index].exchange.options = description.options
        handle(number, index, .negotiationDone)
        try accept(description, bare, number, index)
    }

    /// Takes in what the neighbour describes, and goes on describing.
    private mutating func accept(
        _ description: DatabaseDescription, _ bare: DatabaseDescription, _ number: Int,
        _ index: Int
    ) throws(OSPFDrop) {
        for header in description.headers {
            guard let type = LSAType(rawValue: header.type), let scope = scope(type, number) else {
                handle(number, index, .seqNumberMismatch)
                throw .exchangeState
            }
            let known = database.find(scope, type, header.id, header.router)
            let own = known.map { database[$0].header(at: now) }
            if own.map({ header.recency(than: $0) == .newer }) ?? true {
                guard interfaces[number].neighbors[index].requests.count < settings.limits.lsas
                else {
                    count(.databaseFull, on: number)
                    continue
                }
                interfaces[number].neighbors[index].requests.insert(header)
            }
        }
        let exchange = interfaces[number].neighbors[index].exchange
        interfaces[number].neighbors[index].exchange.received = bare
        let hasMore = description.flags.contains(.more)
        if exchange.isMaster {
            let isDone = !hasMore && exchange.sent?.flags.contains(.more) == false
            if isDone {
                interfaces[number].neighbors[index].exchange.retry = nil
                handle(number, index, .exchangeDone)
            } else {
                interfaces[number].neighbors[index].exchange.sequence &+= 1
                describe(number, index, .master)
            }
        } else {
            interfaces[number].neighbors[index].exchange.sequence = description.sequence
            describe(number, index, [])
            let sent = interfaces[number].neighbors[index].exchange.sent
            if !hasMore, sent?.flags.contains(.more) == false {
                handle(number, index, .exchangeDone)
            }
        }
        ask(number, index)
    }

    // MARK: Requests

    /// Asks for the next LSAs once all that were asked for have come.
    mutating func ask(_ number: Int, _ index: Int) {
        guard interfaces[number].neighbors[index].isExchanging,
            interfaces[number].neighbors[index].requests.isAnswered
        else { return }
        repeatRequest(number, index)
    }

    private mutating func repeatRequest(_ number: Int, _ index: Int) {
        guard let own = settings.interfaces[number] else { return }
        interfaces[number].neighbors[index].requests.retry = nil
        let most = own.room(at: wall) / Request.entryLength
        let batch = interfaces[number].neighbors[index].requests.batch(most)
        guard !batch.isEmpty else { return }
        interfaces[number].neighbors[index].requests.retry = now + own.retransmitInterval
        send(.request, Request(batch).bytes, to: destination(number, index), on: number)
    }

    /// Answers a request (RFC 2328 §10.7).
    mutating func receive(
        _ request: Request, _ number: Int, _ index: Int
    ) throws(OSPFDrop) {
        guard interfaces[number].neighbors[index].state >= .exchange else {
            throw .neighborState
        }
        var wanted: [UInt32] = []
        for name in request.keys {
            guard let type = UInt8(exactly: name.type).flatMap(LSAType.init(rawValue:)),
                let scope = scope(type, number),
                let found = database.find(scope, type, name.id, name.router)
            else {
                handle(number, index, .badLSReq)
                throw .requestUnknown
            }
            wanted.append(found)
        }
        sendUpdates(wanted, to: destination(number, index), on: number)
    }

    /// Everything asked for has come.
    mutating func finishLoading() -> Bool {
        var isAny = false
        for number in interfaces.indices {
            for index in interfaces[number].neighbors.indices
            where interfaces[number].neighbors[index].state == .loading
                && interfaces[number].neighbors[index].requests.isEmpty
            {
                handle(number, index, .loadingDone)
                isAny = true
            }
        }
        return isAny
    }

    // MARK: Silence

    /// Sends once more what was not answered in time (RFC 2328 §10.8, §10.9 and §13.6).
    mutating func retransmit(_ number: Int, _ index: Int, _ own: OSPFInterfaceSettings) {
        if let due = interfaces[number].neighbors[index].exchange.retry, due <= now {
            repeatDescription(number, index)
        }
        if let due = interfaces[number].neighbors[index].requests.retry, due <= now {
            repeatRequest(number, index)
        }
        if let due = interfaces[number].neighbors[index].retransmission.nextDue, due <= now {
            resend(number, index, own)
        }
    }
}
