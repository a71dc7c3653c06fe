public import Forwarding
public import Routing
public import Wire

/// What decides where packets go: connected and static routes now, routing engines beside them
/// later.
///
/// Lives on the control thread. Every change gives a forwarding table, or a patch to the last one,
/// to be published to the packet path.
public struct ControlPlane: Sendable {
    /// Every route known.
    public private(set) var rib: RIB
    private var builder = FIBBuilder()
    private var changes: [RIBChange] = []
    /// Whether what was handed out last is not what routes say now.
    private var isStale = false
    private var latest: [RIBChange] = []

    /// No routes yet.
    public init(routeLimit: Int = 1_000_000) { rib = RIB(limit: routeLimit) }

    /// Takes on interface addresses and static routes; the table to publish, or nil if nothing
    /// changed.
    ///
    /// - Parameter silent: Next hops that static routes are not to use for now.
    public mutating func configure(
        _ settings: ForwardingSettings, routes: [Route], silent: Set<NextHop> = []
    ) -> FIBUpdate? {
        rib.setSilent(silent, into: &changes)
        let connected = Side.allCases.flatMap { side in
            RIB.connected(settings[side].addresses, on: side)
        }
        rib.replaceAll(of: .connected, with: connected, into: &changes)
        rib.replaceAll(of: .static, with: routes, into: &changes)
        takeIn()
        return table()
    }

    /// What to publish at once when a side went down, before `setLink` works through the routes:
    /// equal ways by the other side take over. Nil if there are none.
    public mutating func failover(from side: Side) -> FIBUpdate? {
        rib.isUp(side) ? builder.failover { $0.side == side } : nil
    }

    /// The same when a next hop is found out of reach, whoever has routes by it: those who know
    /// better have them back with the next `table`.
    public mutating func failover(from hop: NextHop) -> FIBUpdate? {
        guard let update = builder.failover(where: { $0 == hop }) else { return nil }
        isStale = true
        return update
    }

    /// Names the next hops that static routes are not to use. Packets follow with the next `table`.
    public mutating func setSilent(_ hops: Set<NextHop>) {
        rib.setSilent(hops, into: &changes)
        takeIn()
    }

    /// A side came up or went down: routes by it come into or go out of use.
    public mutating func setLink(_ side: Side, isUp: Bool) -> FIBUpdate? {
        rib.setSide(side, isUp: isUp, into: &changes)
        takeIn()
        return table()
    }

    /// A routing protocol says something else of these destinations: routes, and prefixes that it
    /// has none to any more. Packets follow with the next `table`.
    public mutating func learn(
        _ routes: [Route], withdrawn: [IPv4Prefix], from source: RouteSource
    ) {
        for prefix in withdrawn { rib.withdraw(prefix, source: source, into: &changes) }
        for route in routes { rib.announce(route, into: &changes) }
        takeIn()
    }

    /// What to publish; nil if packets are handled by the last one as they should be.
    public mutating func table() -> FIBUpdate? {
        defer { isStale = false }
        return isStale ? builder.update() : nil
    }

    /// What the last call changed in the routes in use, for protocols that announce them; once.
    public mutating func takeLatest() -> [RIBChange] {
        defer { latest = [] }
        return latest
    }

    private mutating func takeIn() {
        if builder.apply(changes) { isStale = true }
        latest = changes
        changes = []
    }
}
