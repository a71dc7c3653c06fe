import Wire

enum SessionKey: String, CodingKey {
    case id
    case transport = "protocol"
    case state, inside, insidePort, outside, outsidePort, remote, remotePort
    case ageSeconds, idleSeconds, expiresSeconds
    case packetsOut, bytesOut, packetsIn, bytesIn
    case rule
}

extension SessionRow: Codable {
    /// Writes the row; the rule is written as its index.
    public func encode(to encoder: any Encoder) throws {
        try encode(to: encoder, rule: rule < 0 ? nil : String(rule))
    }

    func encode(to encoder: any Encoder, rule name: String?) throws {
        var row = encoder.container(keyedBy: SessionKey.self)
        try row.encode(id, forKey: .id)
        try row.encode(transportName, forKey: .transport)
        try row.encode(state.name, forKey: .state)
        try row.encode(inside.description, forKey: .inside)
        try row.encode(insidePort, forKey: .insidePort)
        try row.encode(outside.description, forKey: .outside)
        try row.encode(outsidePort, forKey: .outsidePort)
        try row.encode(remote.description, forKey: .remote)
        try row.encode(remotePort, forKey: .remotePort)
        try row.encode(ageSeconds, forKey: .ageSeconds)
        try row.encode(idleSeconds, forKey: .idleSeconds)
        try row.encode(expiresSeconds, forKey: .expiresSeconds)
        try row.encode(packetsOut, forKey: .packetsOut)
        try row.encode(bytesOut, forKey: .bytesOut)
        try row.encode(packetsIn, forKey: .packetsIn)
        try row.encode(bytesIn, forKey: .bytesIn)
        try row.encode(name, forKey: .rule)
    }

    /// Reads what `encode(to:)` writes.
    public init(from decoder: any Decoder) throws {
        let row = try decoder.container(keyedBy: SessionKey.self)
        func address(_ key: SessionKey) throws -> IPv4Address {
            guard let address = IPv4Address(try row.decode(String.self, forKey: key)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: row, debugDescription: "not an IPv4 address")
            }
            return address
        }
        let name = try row.decode(String.self, forKey: .transport)
        guard let transport = IPProtocol.number(named: name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .transport, in: row, debugDescription: "not a protocol")
        }
        self.init(
            id: try row.decode(UInt32.self, forKey: .id), transport: transport,
            state: SessionState(name: try row.decode(String.self, forKey: .state)) ?? .none,
            inside: try address(.inside),
            insidePort: try row.decode(UInt16.self, forKey: .insidePort),
            outside: try address(.outside),
            outsidePort: try row.decode(UInt16.self, forKey: .outsidePort),
            remote: try address(.remote),
            remotePort: try row.decode(UInt16.self, forKey: .remotePort))
        ageSeconds = try row.decode(UInt32.self, forKey: .ageSeconds)
        idleSeconds = try row.decode(UInt32.self, forKey: .idleSeconds)
        expiresSeconds = try row.decode(UInt32.self, forKey: .expiresSeconds)
        packetsOut = try row.decode(UInt64.self, forKey: .packetsOut)
        bytesOut = try row.decode(UInt64.self, forKey: .bytesOut)
        packetsIn = try row.decode(UInt64.self, forKey: .packetsIn)
        bytesIn = try row.decode(UInt64.self, forKey: .bytesIn)
        rule = try row.decode(String?.self, forKey: .rule).flatMap { Int32($0) } ?? -1
    }
}

/// A row together with the name of its rule.
struct NamedSession: Codable {
    var row: SessionRow
    var rule: String?

    init(_ row: SessionRow, rules: [String]) {
        self.row = row
        let index = Int(row.rule)
        rule = index < 0 ? nil : index < rules.count ? rules[index] : String(index)
    }

    func encode(to encoder: any Encoder) throws { try row.encode(to: encoder, rule: rule) }

    init(from decoder: any Decoder) throws {
        row = try SessionRow(from: decoder)
        rule = try decoder.container(keyedBy: SessionKey.self).decode(String?.self, forKey: .rule)
    }
}

/// Sessions that match a filter.
public struct SessionsAnswer: ListAnswer {
    /// The name of this form of answer.
    public static let schemaName = "gatewayd.sessions/v1"

    /// `schemaName`.
    public var schema = Self.schemaName
    /// Name of the gateway.
    public var instance: String
    /// Sessions that match the filter.
    public var matched: Int
    /// Sessions in the table.
    public var total: Int
    /// Names of the port forwards; a row's `rule` is an index into it. Rows carry the name in JSON.
    public var rules: [String]
    /// At most as many as asked for.
    public var sessions: [SessionRow]

    /// Made of these fields.
    public init(
        instance: String, matched: Int, total: Int, rules: [String] = [], sessions: [SessionRow]
    ) {
        self.instance = instance
        self.matched = matched
        self.total = total
        self.rules = rules
        self.sessions = sessions
    }

    /// The list, under its own name in the document.
    public var rows: [SessionRow] {
        get { sessions }
        set { sessions = newValue }
    }

    /// The name of the rule of a row; nil if it has none.
    public func ruleName(of row: SessionRow) -> String? { NamedSession(row, rules: rules).rule }

    /// Appends the row at `index` of `rows` as JSON to `text`.
    public func appendRow(at index: Int, to text: inout [UInt8]) throws {
        try ControlJSON.append(NamedSession(sessions[index], rules: rules), to: &text)
    }

    private enum Key: String, CodingKey {
        case schema, instance, matched, total, sessions
    }

    /// Writes the document; rows carry the names of their rules.
    public func encode(to encoder: any Encoder) throws {
        var answer = encoder.container(keyedBy: Key.self)
        try answer.encode(schema, forKey: .schema)
        try answer.encode(instance, forKey: .instance)
        try answer.encode(matched, forKey: .matched)
        try answer.encode(total, forKey: .total)
        try answer.encode(
            sessions.map { NamedSession($0, rules: rules) }, forKey: .sessions)
    }

    /// Reads the document; `rules` holds the names that occur, in their order.
    public init(from decoder: any Decoder) throws {
        let answer = try decoder.container(keyedBy: Key.self)
        schema = try answer.decode(String.self, forKey: .schema)
        instance = try answer.decode(String.self, forKey: .instance)
        matched = try answer.decode(Int.self, forKey: .matched)
        total = try answer.decode(Int.self, forKey: .total)
        var rules: [String] = []
        var indices: [String: Int32] = [:]
        sessions = try answer.decode([NamedSession].self, forKey: .sessions).map { named in
            var row = named.row
            row.rule = -1
            if let rule = named.rule {
                row.rule = indices[rule] ?? Int32(truncatingIfNeeded: rules.count)
                if indices[rule] == nil {
                    indices[rule] = row.rule
                    rules.append(rule)
                }
            }
            return row
        }
        self.rules = rules
    }
}
