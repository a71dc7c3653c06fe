public import Forwarding
public import NAT
public import Routing
public import Timing
public import Wire

/// A whole gateway as one value: routes and packet path, one clock argument, effects out.
///
/// `gatewayd` runs the two halves on threads of their own; the simulation and the tests run them
/// here, by the same code.
public struct Router: ~Copyable {
    /// The packet path.
    public var forwarder: Forwarder
    /// What decides where packets go.
    public private(set) var control: ControlPlane

    /// A gateway, or a worker's share of one, with these settings and static routes; nothing is
    /// sent before `start`.
    public init(
        _ settings: ForwardingSettings, routes: [Route] = [], share: Share = .whole, random: Random
    ) {
        forwarder = Forwarder(settings, share: share, random: random)
        control = ControlPlane()
        if let table = control.configure(settings, routes: routes) {
            _ = forwarder.publish(table)
        }
    }

    /// Begins to use the addresses.
    public mutating func start(at now: Instant, into outbox: inout Outbox) {
        forwarder.start(at: now, into: &outbox)
    }

    /// Takes on new settings and static routes.
    public mutating func apply(
        _ settings: ForwardingSettings, routes: [Route], at now: Instant,
        into outbox: inout Outbox
    ) {
        if let table = control.configure(settings, routes: routes) {
            _ = forwarder.publish(table)
        }
        forwarder.apply(settings, at: now, into: &outbox)
    }

    /// A side came up or went down.
    public mutating func setLink(
        _ side: Side, isUp: Bool, at now: Instant, into outbox: inout Outbox
    ) {
        if !isUp, let patch = control.failover(from: side) { _ = forwarder.publish(patch) }
        if let table = control.setLink(side, isUp: isUp) { _ = forwarder.publish(table) }
        forwarder.setLink(side, isUp: isUp, at: now, into: &outbox)
    }

    /// Takes a frame that came in on `side`; see `Forwarder.receive`.
    public mutating func receive(
        _ frame: inout MutableRawSpan, _ header: inout VirtioNetHeader, on side: Side,
        at now: Instant, into outbox: inout Outbox
    ) -> Verdict {
        forwarder.receive(&frame, &header, on: side, at: now, into: &outbox)
    }

    /// Works off timers; call at `nextDeadline` or later.
    public mutating func tick(at now: Instant, into outbox: inout Outbox) {
        forwarder.tick(at: now, into: &outbox)
    }

    /// When `tick` has something to do next; nil for never.
    public func nextDeadline(at now: Instant) -> Instant? { forwarder.nextDeadline(at: now) }
}
