public import Memory
public import Timing
public import Wire

extension NAT {
    /// Judges a packet of a session, counts it, moves the state and refreshes the timer.
    ///
    /// - Parameter isIntact: false for a TCP segment with control bits whose checksum is wrong: it
    ///   passes as it is and changes nothing (SECURITY S41).
    /// - Throws: why a TCP segment does not belong to the connection. Nothing has changed then.
    @inlinable @inline(always)
    public mutating func track(
        _ number: UInt32, _ packet: Packet, _ frame: inout MutableRawSpan,
        _ direction: Direction, isIntact: Bool = true, at now: Instant
    ) throws(DropReason) {
        var counts = isIntact
        if packet.proto == IPProtocol.tcp, isIntact, checksTCP, packet.isFirst {
            counts = try follow(number, packet, &frame, direction)
        }
        // Named once: what is written to a record could else be the place of the table itself.
        let table = sessions
        let known =
            direction == .outbound ? SessionFlag.sentOutbound : SessionFlag.sentInbound
        if table[number].flags & known == 0 {
            // A reset alone answers nothing and holds nothing (RFC 7857 §7). Until an end has
            // sent, the counter of its packets is none.
            guard counts, !packet.flags.contains(.rst) else { return }
            meet(number, direction)
        }
        let octets = UInt32(truncatingIfNeeded: packet.totalLength)
        if direction == .outbound {
            table[number].outbound.add(octets)
        } else {
            table[number].inbound.add(octets)
        }
        guard counts else { return }
        let refreshing = SessionFlag.sentOutbound | SessionFlag.inboundRefreshes
        if direction == .outbound || table[number].flags & refreshing != 0 {
            table[number].lastSeen = TimerWheel.ticks(now)
        }
        if packet.proto == IPProtocol.tcp {
            let phase = table[number].phase
            let control: TCPFlags = [.syn, .fin, .rst]
            if phase == SessionPhase.transitory.rawValue
                || !packet.flags.isDisjoint(with: control)
            {
                advance(number, packet.flags, direction)
            }
        }
    }

    /// Checks a TCP segment against what both ends sent before; false if it passes but does not
    /// count. Data of an open connection is judged here, everything else in TCPJudgement.swift.
    @inlinable @inline(always)
    mutating func follow(
        _ number: UInt32, _ packet: Packet, _ frame: inout MutableRawSpan,
        _ direction: Direction
    ) throws(DropReason) -> Bool {
        var segment = TCPSegment(packet, &frame)
        let table = ends
        let sender = Int(direction.rawValue)
        let receiver = sender ^ 1
        let bothOpen =
            table[number][sender].state & table[number][receiver].state
            & TCPEndState.open
        let decisive: TCPFlags = [.syn, .rst, .ack]
        guard bothOpen != 0, segment.flags.intersection(decisive) == .ack, !segment.isPiece
        else {
            if segment.flags.contains(.syn) {
                segment.readScale(&frame, packet.transport..<packet.frameLength)
            }
            return try judge(number, segment, direction)
        }
        var other = table[number][receiver]
        guard table[number][sender].fits(segment, to: other) else {
            throw .natTCPWindow
        }
        table[number][sender].send(segment, to: &other)
        table[number][receiver] = other
        return true
    }

    /// The first packet of one end: it holds the mapping, or the flow is answered.
    @usableFromInline
    mutating func meet(_ number: UInt32, _ direction: Direction) {
        if direction != sessions[number].firstDirection { hatch(number) }
        if direction == .outbound {
            hold(number)
            sessions[number].flags |= SessionFlag.sentOutbound
        } else {
            sessions[number].flags |= SessionFlag.sentInbound
        }
        let both = SessionFlag.sentOutbound | SessionFlag.sentInbound
        if sessions[number].transport != IPProtocol.tcp, sessions[number].flags & both == both {
            setPhase(of: number, .replied)
        }
    }

    /// A TCP segment that may change the phase.
    @usableFromInline
    mutating func advance(_ number: UInt32, _ flags: TCPFlags, _ direction: Direction) {
        guard let phase = SessionPhase(rawValue: sessions[number].phase) else { return }
        let next = phase.next(on: flags, direction)
        if next != phase { setPhase(of: number, next) }
    }

    /// Moves a session on. A timer set later than the idle time of the new phase asks for is set
    /// anew; one set earlier finds out when it runs.
    mutating func setPhase(of number: UInt32, _ phase: SessionPhase) {
        let before = timeout(of: number)
        sessions[number].phase = phase.rawValue
        if phase == .closing || phase == .transitory { close(number) } else { reopen(number) }
        if timeout(of: number) < before {
            wheel.set(number, deadline: sessions[number].lastSeen &+ dueTicks(number))
        }
    }

    /// Idle ticks a session in this phase to this destination port may live.
    func timeout(_ phase: SessionPhase, _ transport: Transport, port: UInt16) -> UInt32 {
        if !portTimeouts.isEmpty, transport == .udp || phase.isEstablished {
            for entry in portTimeouts
            where entry.match.ports.contains(port) && entry.match.transports.contains(transport) {
                return entry.ticks
            }
        }
        switch transport {
        case .tcp, .udp, .udpLite: return timeouts[Int(phase.rawValue)]
        case .icmp: return icmpTimeout
        case .other: return otherTimeout
        case .dccp:
            // As TCP, but known only by who has sent (RFC 5597 REQ-5).
            let like = phase == .replied ? SessionPhase.established : .transitory
            return timeouts[Int(like.rawValue)]
        }
    }

    func timeout(of number: UInt32) -> UInt32 {
        guard let phase = SessionPhase(rawValue: sessions[number].phase) else { return 1 }
        // The port that the end which began sent to.
        let isInbound = sessions[number].flags & SessionFlag.startedInbound != 0
        let port = isInbound ? sessions[number].outsidePort : sessions[number].remotePort
        return timeout(phase, Transport(proto: sessions[number].transport), port: port)
    }

    /// Seconds until session `number` ends if nothing more is heard.
    public func secondsLeft(_ number: UInt32, at now: Instant) -> UInt32 {
        let end = sessions[number].lastSeen &+ dueTicks(number)
        let tick = TimerWheel.ticks(now)
        return end > tick ? (end - tick) / 4 : 0
    }

    /// Ends at most `most` sessions that are idle for longer than they may. True if more wait.
    public mutating func expire(at now: Instant, most: Int = 256) -> Bool {
        let tick = TimerWheel.ticks(now)
        for _ in 0..<most {
            guard let number = wheel.popExpired(at: tick) else {
                hasBacklog = false
                return false
            }
            let deadline = sessions[number].lastSeen &+ dueTicks(number)
            if deadline > tick {
                wheel.set(number, deadline: deadline)
            } else if let phase = SessionPhase(rawValue: sessions[number].phase),
                phase.isEstablished
            {
                // RFC 7857 §2: idle too long, but not forgotten for another transitory time. No
                // end closed it, so that it does not give way either.
                sessions[number].phase = SessionPhase.transitory.rawValue
                sessions[number].lastSeen = tick
                wheel.set(number, deadline: tick &+ dueTicks(number))
            } else {
                let transport = Transport(proto: sessions[number].transport).counter
                statistics.ends[transport].expired &+= 1
                end(number, at: now)
            }
        }
        hasBacklog = true
        return true
    }

    /// When `expire` has to be called next: at once if it left some, nil without sessions.
    public func nextDeadline(at now: Instant) -> Instant? {
        guard wheel.count > 0 else { return nil }
        if hasBacklog { return now }
        let tick = Int64(TimerWheel.ticks(now)) + 1
        return Instant(nanoseconds: tick * TimerWheel.tick.nanoseconds)
    }

    /// Ends a session on request.
    public mutating func kill(_ number: UInt32, at now: Instant) {
        guard isInUse(number) else { return }
        let transport = Transport(proto: sessions[number].transport).counter
        statistics.ends[transport].killed &+= 1
        end(number, at: now)
    }
}
