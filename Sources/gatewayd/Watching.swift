import Configuration
import Control
import Forwarding
import Linux
import NAT
import Timing

/// Clients that watch sessions.
struct SessionWatchers {
    private var all: [(filter: Filter, watch: any SessionWatch)] = []

    var isEmpty: Bool { all.isEmpty }

    mutating func add(_ filter: Filter, _ watch: any SessionWatch) { all.append((filter, watch)) }

    /// Forgets those that have gone.
    mutating func prune() { all.removeAll { !$0.watch.isOpen } }

    /// Tells each of the events its filter lets through; `rules` names what sessions are under.
    func tell(_ events: [SessionEvent], lost: Int, rules: [String]) {
        guard !all.isEmpty else { return }
        let now = Clock.now()
        let time = Timestamp.text(Clock.wallSeconds())
        let rows = events.map {
            SessionRow($0.session, created: $0.created, rule: $0.rule, at: now)
        }
        for (filter, watch) in all {
            // A name that a reload took away matches nothing any more.
            guard let filter = try? filter.resolved(rules: rules) else { continue }
            var lines = zip(events, rows).filter { filter.matches($1) }.map { event, row in
                SessionEventLine(
                    isEnd: event.isEnd, time: time, session: row,
                    rule: event.rule.flatMap { $0 < rules.count ? rules[$0] : nil })
            }
            if lost > 0 { lines.append(SessionEventLine(lost: lost, time: time)) }
            if !lines.isEmpty { watch.tell(lines) }
        }
    }
}

extension Daemon {
    /// What sessions can be under, in order.
    var ruleNames: [String] { configuration.forwarding.nat.ruleNames }

    /// Whether anybody wants to hear of sessions that are made and end.
    var recordsSessions: Bool {
        configuration.log.natSessions == .all || !watchers.isEmpty
    }

    /// Lets a client watch; the stream begins when events are recorded.
    func watch(_ filter: Filter, _ watch: any SessionWatch) {
        watchers.add(filter, watch)
        let head = SessionEventsHead(instance: configuration.name)
        let left = Sum(boxes.all.count)
        post(nil) { path in
            path.forwarder.recordSessions(true)
            left.change { left in
                left -= 1
                if left == 0 { watch.begin(head) }
            }
        }
    }

    /// Ends the record when the last watcher has gone.
    func forgetWatchers() {
        guard !watchers.isEmpty else { return }
        watchers.prune()
        if !recordsSessions { post(nil) { $0.forwarder.recordSessions(false) } }
    }
}
