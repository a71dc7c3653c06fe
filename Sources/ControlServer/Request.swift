import Control
import Wire

/// A request that makes sense.
enum Request: Sendable {
    case status, interfaces, sessionSummary, nat, neighbors, drops, version, rip, ripNeighbors
    case sessions(SessionQuery)
    case sessionCount(Filter)
    case watch(Filter)
    case mappings(SessionQuery)
    case kill(Filter)
    case routes(RouteQuery)
    case routeLookup(IPv4Address)
    case block(IPv4Address)
    case owner(IPv4Address, UInt16)
    case ripRoutes(limit: Int)
    case ospf, ospfNeighbors, ospfInterfaces, ospfRuns, bfd
    case ospfDatabase(type: String?, limit: Int)
    case flush(IPv4Address?)
    case reload(ReloadRequest)

    /// Whether it changes something.
    var changes: Bool {
        switch self {
        case .kill, .flush, .reload: true
        default: false
        }
    }

    private static let postPaths: Set = ["/v1/sessions/kill", "/v1/neighbors/flush", "/v1/reload"]
    private static let getPaths: Set = [
        "/v1/status", "/v1/interfaces", "/v1/sessions", "/v1/sessions/summary",
        "/v1/sessions/count", "/v1/sessions/watch", "/v1/nat", "/v1/nat/mappings",
        "/v1/nat/block", "/v1/nat/who", "/v1/routes",
        "/v1/routes/lookup", "/v1/neighbors",
        "/v1/drops", "/v1/version", "/v1/rip", "/v1/rip/neighbors", "/v1/rip/routes",
        "/v1/ospf", "/v1/ospf/neighbors", "/v1/ospf/interfaces", "/v1/ospf/database",
        "/v1/ospf/spf", "/v1/bfd",
    ]

    /// Largest number of rows that can be asked for.
    static let maximumLimit = 1 << 24

    init(isPost: Bool, target: String, body: [UInt8]) throws(ControlError) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts.first ?? "")
        guard Self.getPaths.contains(path) || Self.postPaths.contains(path) else {
            throw ControlError(
                status: 404, sentence: "this gateway has nothing at this path", exitStatus: 76)
        }
        guard isPost == Self.postPaths.contains(path) else {
            throw ControlError(
                status: 405, sentence: "\(path) wants \(isPost ? "GET" : "POST")", exitStatus: 76)
        }
        var query = try Query(parts.count > 1 ? parts[1] : "")
        self = isPost ? try Self.post(path, body) : try Self.get(path, &query)
        try query.finish()
    }

    private static func get(_ path: String, _ query: inout Query) throws(ControlError) -> Request {
        switch path {
        case "/v1/interfaces": return .interfaces
        case "/v1/sessions": return .sessions(try sessions(&query))
        case "/v1/sessions/watch": return .watch(try filter(query.take("filter") ?? ""))
        case "/v1/nat/mappings": return .mappings(try sessions(&query))
        case "/v1/sessions/summary": return .sessionSummary
        case "/v1/sessions/count": return .sessionCount(try filter(query.take("filter") ?? ""))
        case "/v1/nat": return .nat
        case "/v1/nat/block": return .block(try needed(&query, "address", address))
        case "/v1/nat/who":
            return .owner(
                try needed(&query, "address", address), try needed(&query, "port", port))
        case "/v1/routes":
            return .routes(
                RouteQuery(prefixes: try prefixes(query.take("prefix")), limit: try limit(&query)))
        case "/v1/routes/lookup":
            return .routeLookup(try needed(&query, "address", address))
        case "/v1/rip": return .rip
        case "/v1/bfd": return .bfd
        case "/v1/rip/neighbors": return .ripNeighbors
        case "/v1/rip/routes": return .ripRoutes(limit: try limit(&query))
        case "/v1/ospf": return .ospf
        case "/v1/ospf/neighbors": return .ospfNeighbors
        case "/v1/ospf/interfaces": return .ospfInterfaces
        case "/v1/ospf/spf": return .ospfRuns
        case "/v1/ospf/database":
            let type = query.take("type")
            guard type.map(ospfTypes.contains) ?? true else {
                throw .usage("type is one of \(ospfTypes.joined(separator: ", "))")
            }
            return .ospfDatabase(type: type, limit: try limit(&query))
        case "/v1/neighbors": return .neighbors
        case "/v1/drops": return .drops
        case "/v1/version": return .version
        default: return .status
        }
    }

    private static func post(_ path: String, _ body: [UInt8]) throws(ControlError) -> Request {
        switch path {
        case "/v1/sessions/kill":
            let text = try decode(KillRequest.self, body).filter
            guard text.utf8.contains(where: { $0 > 32 }) else {
                throw .usage("a filter must say which sessions to remove")
            }
            return .kill(try filter(text))
        case "/v1/neighbors/flush":
            guard let text = try decode(FlushRequest.self, body).address else {
                return .flush(nil)
            }
            return .flush(try address(text))
        default: return .reload(try decode(ReloadRequest.self, body))
        }
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ body: [UInt8]
    ) throws(ControlError) -> Value {
        do {
            return try ControlJSON.decode(type, from: body)
        } catch {
            throw .usage("the body is not the JSON that is wanted here")
        }
    }

    private static func sessions(_ query: inout Query) throws(ControlError) -> SessionQuery {
        SessionQuery(
            filter: try filter(query.take("filter") ?? ""), limit: try limit(&query),
            offset: try number(query.take("offset"), "offset") ?? 0)
    }

    private static func filter(_ text: String) throws(ControlError) -> Filter {
        do throws(FilterError) {
            return try Filter(parsing: text)
        } catch {
            throw ControlError(error)
        }
    }

    private static func limit(_ query: inout Query) throws(ControlError) -> Int {
        let text = query.take("limit")
        if text == "all" { return maximumLimit }
        return try number(text, "limit") ?? 1000
    }

    private static func number(_ text: String?, _ name: String) throws(ControlError) -> Int? {
        guard let text else { return nil }
        guard (1...8).contains(text.utf8.count),
            text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text),
            number <= maximumLimit
        else { throw .usage("'\(name)' must be a number of 0 to \(maximumLimit)") }
        return number
    }

    private static func address(_ text: String) throws(ControlError) -> IPv4Address {
        guard let address = IPv4Address(text) else {
            throw .usage("'\(Query.printable(text))' is not an IPv4 address")
        }
        return address
    }

    private static func port(_ text: String) throws(ControlError) -> UInt16 {
        guard let port = UInt16(text), port > 0 else {
            throw .usage("'\(Query.printable(text))' is not a port")
        }
        return port
    }

    /// A value that the query must have.
    private static func needed<Value>(
        _ query: inout Query, _ name: String,
        _ read: (String) throws(ControlError) -> Value
    ) throws(ControlError) -> Value {
        guard let text = query.take(name) else { throw .usage("the query lacks '\(name)'") }
        return try read(text)
    }

    private static func prefixes(_ text: String?) throws(ControlError) -> [IPv4Prefix] {
        guard let text else { return [] }
        var prefixes: [IPv4Prefix] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            if let address = IPv4Address(word) {
                prefixes.append(IPv4Prefix(address, length: 32))
            } else if let prefix = IPv4Prefix(word) {
                prefixes.append(prefix)
            } else if let loose = InterfaceAddress(word) {
                throw .usage("'\(word)' has bits set beyond the prefix; write '\(loose.prefix)'")
            } else {
                throw .usage("'\(Query.printable(String(word)))' is not an IPv4 prefix")
            }
        }
        return prefixes
    }
}

/// The part of a target after the question mark.
struct Query {
    private var values: [String: String] = [:]

    init(_ text: Substring) throws(ControlError) {
        guard !text.isEmpty else { return }
        for pair in text.split(separator: "&", omittingEmptySubsequences: false) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Self.decode(parts[0]),
                let value = Self.decode(parts[1])
            else { throw .usage("the query is not made of NAME=VALUE") }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .usage("'\(Self.printable(name))' is given twice")
            }
        }
    }

    mutating func take(_ name: String) -> String? { values.removeValue(forKey: name) }

    /// Nothing may be left that nobody wanted.
    func finish() throws(ControlError) {
        guard let name = values.keys.min() else { return }
        throw .usage("'\(Self.printable(name))' means nothing in this query")
    }

    /// Text for a sentence: short and without control characters.
    static func printable(_ text: String) -> String {
        let bytes = text.utf8.prefix(40).map {
            $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0
        }
        return String(decoding: bytes, as: UTF8.self) + (text.utf8.count > 40 ? "..." : "")
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(32)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexDigit),
                    let low = rest.popFirst().flatMap(hexDigit)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
