public import BFD
public import RIP
public import Routing

/// RIP as the configuration wants it. Interfaces have the numbers of `Side.index`.
public struct RIPConfiguration: Hashable, Sendable {
    /// The protocol.
    public var settings: RIPSettings
    /// Whose routes are announced besides the networks of the interfaces that speak RIP.
    public var redistributed: Set<RouteSource> = []
    /// Whether a default route is announced, whatever routes there are.
    public var originatesDefault = false
    /// The metric of redistributed routes, 1 to 15.
    public var defaultMetric: UInt8 = 1
    /// How BFD watches the neighbours, by interface number; nil if it does not.
    public var bfd: [BFDTiming?] = [nil, nil]

    /// RIP with these settings that redistributes nothing.
    public init(_ settings: RIPSettings) { self.settings = settings }
}
