public import Wire

extension SessionPhase {
    /// The state table of RFC 7857 §2: the phase after a segment with `flags` in `direction`.
    ///
    /// Retransmissions change nothing. A SYN after both FINs or in the transitory phase starts
    /// anew.
    @inlinable
    public func next(on flags: TCPFlags, _ direction: Direction) -> SessionPhase {
        if flags.contains(.rst) { return afterReset }
        if flags.contains(.syn) { return afterSYN(direction) }
        if flags.contains(.fin) { return afterFIN(direction) }
        return self == .transitory ? .established : self
    }

    /// A reset never ends a session at once: it may be forged (RFC 7857 §2.2).
    ///
    /// While opening or closing nothing changes: data after the reset would else make an
    /// established session of one that only one end ever wanted, or that both have left.
    @usableFromInline
    var afterReset: SessionPhase {
        switch self {
        case .synOutbound, .synInbound, .closing: self
        default: .transitory
        }
    }

    @usableFromInline
    func afterSYN(_ direction: Direction) -> SessionPhase {
        switch (self, direction) {
        case (.synOutbound, .inbound), (.synInbound, .outbound): .established
        case (.closing, .outbound), (.transitory, .outbound): .synOutbound
        case (.closing, .inbound), (.transitory, .inbound): .synInbound
        default: self
        }
    }

    @usableFromInline
    func afterFIN(_ direction: Direction) -> SessionPhase {
        switch (self, direction) {
        case (.established, .outbound), (.transitory, .outbound): .finOutbound
        case (.established, .inbound), (.transitory, .inbound): .finInbound
        case (.finOutbound, .inbound), (.finInbound, .outbound): .closing
        default: self
        }
    }

    /// Whether the session is idle for the established rather than the transitory time.
    public var isEstablished: Bool {
        switch self {
        case .established, .finOutbound, .finInbound: true
        default: false
        }
    }
}
