import Linux
import Logging
import NAT
import Wire

/// Log messages go to the journal or to standard error, never slower than they come.
struct JournalLogHandler: LogHandler {
    let writer: JournalWriter
    let instance: String
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = [("GATEWAYD_INSTANCE", instance)]
        for (key, value) in event.metadata ?? [:] {
            fields.append(("GATEWAYD_" + key.uppercased(), value.description))
        }
        writer.write(
            priority: Self.priority(event.level), message: event.message.description,
            fields: fields)
    }

    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// One line for every session made and ended, where the configuration asks for it. Not limited by
/// rate: a log with gaps would be of no use to whoever must keep one.
struct SessionLog {
    let writer: JournalWriter
    let instance: String

    func write(_ event: SessionEvent) {
        let session = event.session
        let transport = IPProtocol.name(of: session.transport)
        let inside = Self.endpoint(session.insideAddress, session.insidePort)
        let outside = Self.endpoint(session.outsideAddress, session.outsidePort)
        let remote = Self.endpoint(session.remoteAddress, session.remotePort)
        let packets =
            event.isEnd ? ", \(session.packetsOut) packets out, \(session.packetsIn) in" : ""
        let name = event.isEnd ? "session.closed" : "session.created"
        writer.write(
            priority: 6, message: "\(name) \(transport) \(inside) \(outside) \(remote)\(packets)",
            fields: [
                ("GATEWAYD_INSTANCE", instance), ("GATEWAYD_EVENT", name),
                ("GATEWAYD_PROTO", transport), ("GATEWAYD_INSIDE", inside),
                ("GATEWAYD_OUTSIDE", outside), ("GATEWAYD_REMOTE", remote),
            ], isLimited: false)
    }

    private static func endpoint(_ address: UInt32, _ port: UInt16) -> String {
        "\(IPv4Address(address)):\(port)"
    }
}
