public import BFD
public import OSPF
public import Routing
public import Timing

/// OSPF as the configuration wants it. Interfaces have the numbers of `Side.index`.
public struct OSPFConfiguration: Hashable, Sendable {
    /// The protocol.
    public var settings: OSPFSettings
    /// Whose routes are announced as networks outside, and how.
    public var redistributed: [RouteSource: OSPFMetric] = [:]
    /// How a default route is announced; nil if it is not.
    public var defaultRoute: OSPFMetric?
    /// Whether that is done although there is no default route to be used.
    public var alwaysHasDefault = false
    /// How BFD watches the neighbours, by interface number; nil if it does not.
    public var bfd: [BFDTiming?] = [nil, nil]
    /// How long neighbours are asked to keep us while we restart; nil if they are not.
    public var gracePeriod: Interval? = .seconds(120)

    /// For how long others are asked not to send through us before we end.
    public var stubAtStop = Interval.seconds(0)

    /// OSPF with these settings that redistributes nothing.
    public init(_ settings: OSPFSettings) { self.settings = settings }
}

/// The metric of a network outside.
public struct OSPFMetric: Hashable, Sendable {
    /// 0 to 16,777,214.
    public var value: UInt32
    /// Whether it counts before all distances inside.
    public var isType2: Bool

    /// A metric of these fields.
    public init(_ value: UInt32, isType2: Bool = true) {
        self.value = value
        self.isType2 = isType2
    }

    /// `20 type 2`.
    public var name: String { "\(value) type \(isType2 ? 2 : 1)" }
}
