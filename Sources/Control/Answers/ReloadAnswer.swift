/// What a reload changed, or would change.
public struct ReloadAnswer: Answer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.reload/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// The file read.
    public var path: String
    /// Whether the new configuration is in use.
    public var applied: Bool
    /// In the order of the file.
    public var changes: [ConfigurationChange]
    /// Errors and warnings as text; empty without any.
    public var diagnostics: String
    /// Number of errors in it.
    public var errors: Int
    /// Why it cannot be applied; nil if it can.
    public var refused: String?
    /// What it took.
    public var durationMilliseconds: UInt64

    /// Made of these fields.
    public init(
        instance: String, path: String, applied: Bool, changes: [ConfigurationChange],
        diagnostics: String, errors: Int, refused: String? = nil, durationMilliseconds: UInt64 = 0
    ) {
        self.instance = instance
        self.path = path
        self.applied = applied
        self.changes = changes
        self.diagnostics = diagnostics
        self.errors = errors
        self.refused = refused
        self.durationMilliseconds = durationMilliseconds
    }
}

/// One difference between two configurations.
public struct ConfigurationChange: Codable, Hashable, Sendable {
    /// Dotted path of the key.
    public var path: String
    /// `added`, `removed` or `changed`.
    public var kind: String
    /// The value in use; nil if added.
    public var old: String?
    /// The value in the file; nil if removed.
    public var new: String?
    /// What it does to traffic: `live`, `new sessions only`, ...
    public var effect: String

    /// Made of these fields.
    public init(
        path: String, kind: String, old: String? = nil, new: String? = nil, effect: String
    ) {
        self.path = path
        self.kind = kind
        self.old = old
        self.new = new
        self.effect = effect
    }
}
