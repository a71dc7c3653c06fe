import Memory

/// A session that was made or ended, for a log of them.
public struct SessionEvent: BitwiseCopyable, Sendable {
    /// The session as it was at that moment.
    public var session: Session
    /// When it was made, in ticks.
    public var created: UInt32
    /// What it is under, as its place in `NATSettings.ruleNames`; nil for nothing.
    public var rule: Int?
    /// Whether it ended.
    public var isEnd: Bool
}

/// The last events nobody has taken yet; those that come when it is full are only counted.
struct EventLog: Sendable {
    static let capacity = 1024

    let events: FlatArray<SessionEvent>
    var isOn = false
    private(set) var count = 0
    private(set) var lost = 0

    init(events: FlatArray<SessionEvent>) { self.events = events }

    mutating func add(_ session: Session, created: UInt32, rule: Int?, isEnd: Bool) {
        guard count < events.count else {
            lost += 1
            return
        }
        events[count] = SessionEvent(
            session: session, created: created, rule: rule, isEnd: isEnd)
        count += 1
    }

    /// Events that were taken reached nobody.
    mutating func lose(_ count: Int) {
        if isOn { lost += count }
    }

    mutating func clear() {
        count = 0
        lost = 0
    }
}

extension NAT {
    /// Whether sessions made and ended are kept for `takeEvents`.
    public var recordsEvents: Bool {
        get { log.isOn }
        set {
            log.isOn = newValue
            if !newValue { log.clear() }
        }
    }

    /// Whether there are events to take, or to tell that some were lost.
    public var hasEvents: Bool { log.count > 0 || log.lost > 0 }

    /// The events since the last call, oldest first, and how many there was no room for.
    public mutating func takeEvents() -> (events: [SessionEvent], lost: Int) {
        defer { log.clear() }
        return ((0..<log.count).map { log.events[$0] }, log.lost)
    }

    /// Counts events that were taken, but could not be told, as lost: `takeEvents` says so next.
    public mutating func loseEvents(_ count: Int) { log.lose(count) }
}
