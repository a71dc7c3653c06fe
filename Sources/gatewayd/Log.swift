import Linux
import Logging

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
