/// The first line of a stream of session events.
public struct SessionEventsHead: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.session-events/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String

    /// The head for a gateway of this name.
    public init(instance: String) { self.instance = instance }
}

/// One further line: a session was made or ended, or events were lost.
public struct SessionEventLine: Codable, Hashable, Sendable {
    /// `session.created`, `session.closed` or `events.lost`.
    public var event: String
    /// When it was noted, as RFC 3339 writes it.
    public var time: String
    /// The session as it was at that moment; nil for lost events.
    public var session: SessionRow?
    /// Name of the port forward that made it; nil for none.
    public var rule: String?
    /// How many events were lost; nil for others.
    public var lost: Int?

    /// A session that was made or ended.
    public init(isEnd: Bool, time: String, session: SessionRow, rule: String?) {
        event = isEnd ? "session.closed" : "session.created"
        self.time = time
        self.session = session
        self.rule = rule
    }

    /// Events there was no room for.
    public init(lost: Int, time: String) {
        event = "events.lost"
        self.time = time
        self.lost = lost
    }

    private enum Key: String, CodingKey { case event, time, lost, rule }

    /// Writes the line; the fields of the session stand beside those of the event.
    public func encode(to encoder: any Encoder) throws {
        var line = encoder.container(keyedBy: Key.self)
        try line.encode(event, forKey: .event)
        try line.encode(time, forKey: .time)
        if let lost { try line.encode(lost, forKey: .lost) }
        try session?.encode(to: encoder, rule: rule)
    }

    /// Reads what `encode(to:)` writes.
    public init(from decoder: any Decoder) throws {
        let line = try decoder.container(keyedBy: Key.self)
        event = try line.decode(String.self, forKey: .event)
        time = try line.decode(String.self, forKey: .time)
        lost = try line.decodeIfPresent(Int.self, forKey: .lost)
        rule = try line.decodeIfPresent(String.self, forKey: .rule)
        session = event.hasPrefix("session.") ? try SessionRow(from: decoder) : nil
    }
}

/// A client that watches sessions. Methods return at once and may be called from any thread.
public protocol SessionWatch: AnyObject, Sendable {
    /// Whether it still listens; once false it stays so.
    var isOpen: Bool { get }
    /// Begins the stream: called once, before any line.
    func begin(_ head: SessionEventsHead)
    /// Refuses it instead.
    func refuse(_ error: ControlError)
    /// Sends lines on. Who takes them too slowly is disconnected.
    func tell(_ lines: [SessionEventLine])
}
