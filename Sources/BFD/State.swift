/// How far a session is (RFC 5880 §4.1); the raw value is the field in packets.
public enum BFDState: UInt8, Hashable, Sendable, CaseIterable {
    /// Somebody does not want the session.
    case adminDown
    /// The neighbour is not heard, or does not hear us.
    case down
    /// We hear the neighbour.
    case initial
    /// Both hear each other.
    case up

    /// As RFC 5880 writes it.
    public var name: String {
        switch self {
        case .adminDown: "AdminDown"
        case .down: "Down"
        case .initial: "Init"
        case .up: "Up"
        }
    }

    /// The table of RFC 5880 §6.8.6; nil where a packet changes nothing.
    ///
    /// - Parameter received: The state that the neighbour's packet tells.
    func next(on received: BFDState) -> BFDState? {
        switch (self, received) {
        case (.adminDown, _): nil
        case (.down, .adminDown): nil
        case (_, .adminDown): .down
        case (.down, .down): .initial
        case (.down, .initial), (.initial, .initial), (.initial, .up): .up
        case (.up, .down): .down
        default: nil
        }
    }
}

/// Why the last change of state was (RFC 5880 §4.1); the raw value is the field in packets.
public struct BFDDiagnostic: RawRepresentable, Hashable, Sendable {
    /// 0 to 31.
    public var rawValue: UInt8

    /// The diagnostic of this number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nothing has happened.
    public static let none = BFDDiagnostic(rawValue: 0)
    /// The neighbour was silent for the detection time.
    public static let timeExpired = BFDDiagnostic(rawValue: 1)
    /// The neighbour said so.
    public static let neighborSignaledDown = BFDDiagnostic(rawValue: 3)
    /// The session is not wanted any more.
    public static let administrativelyDown = BFDDiagnostic(rawValue: 7)

    /// What it means.
    public var name: String {
        switch rawValue {
        case 0: "none"
        case 1: "control detection time expired"
        case 2: "echo function failed"
        case 3: "neighbor signaled session down"
        case 4: "forwarding plane reset"
        case 5: "path down"
        case 6: "concatenated path down"
        case 7: "administratively down"
        case 8: "reverse concatenated path down"
        default: "code \(rawValue)"
        }
    }
}
