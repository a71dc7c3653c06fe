public import Wire

/// What is wrong with a request, for the HTTP answer and for the exit status of the command.
public struct ControlError: Error, Hashable, Sendable {
    /// HTTP status, 400 to 599.
    public var status: Int
    /// One sentence for a person.
    public var sentence: String
    /// The status a command ends with (sysexits.h).
    public var exitStatus: Int32
    /// Where in the filter the word begins that is wrong, in octets; nil for other errors.
    public var offset: Int?
    /// The length of that word in octets.
    public var length: Int?

    /// Made of these fields.
    public init(
        status: Int, sentence: String, exitStatus: Int32, offset: Int? = nil, length: Int? = nil
    ) {
        self.status = status
        self.sentence = sentence
        self.exitStatus = exitStatus
        self.offset = offset
        self.length = length
    }

    /// A wrong filter: 400 and wrong usage.
    public init(_ error: FilterError) {
        self.init(
            status: 400, sentence: error.sentence, exitStatus: 64, offset: error.offset,
            length: error.length)
    }

    /// A request that makes no sense: 400 and wrong usage.
    public static func usage(_ sentence: String) -> ControlError {
        ControlError(status: 400, sentence: sentence, exitStatus: 64)
    }

    /// The document that tells it.
    public var answer: ErrorAnswer {
        ErrorAnswer(error: sentence, code: exitStatus, offset: offset, length: length)
    }
}

/// Which sessions are asked for.
public struct SessionQuery: Sendable {
    /// Sessions must match it. Names of rules are not resolved yet: see `Filter.resolved`.
    public var filter: Filter
    /// Largest number of rows; 0 if only the counts are wanted.
    public var limit: Int
    /// How many matching rows to leave out first.
    public var offset: Int

    /// Made of these fields.
    public init(filter: Filter = .all, limit: Int = 1000, offset: Int = 0) {
        self.filter = filter
        self.limit = limit
        self.offset = offset
    }
}

/// Which routes are asked for.
public struct RouteQuery: Hashable, Sendable {
    /// Routes must match one of them; empty for all.
    public var prefixes: [IPv4Prefix]
    /// Largest number of rows.
    public var limit: Int

    /// Made of these fields.
    public init(prefixes: [IPv4Prefix] = [], limit: Int = 1000) {
        self.prefixes = prefixes
        self.limit = limit
    }

    /// Whether a route to `prefix` is asked for: it lies within one of the query's prefixes, or it
    /// holds a single address asked for.
    public func matches(_ prefix: IPv4Prefix) -> Bool {
        prefixes.isEmpty
            || prefixes.contains { wanted in
                wanted.length == 32
                    ? prefix.contains(wanted.address)
                    : prefix.length >= wanted.length && wanted.contains(prefix.address)
            }
    }
}

/// What a reload is to do.
public struct ReloadRequest: Codable, Hashable, Sendable {
    /// Whether to apply the file; otherwise only the differences are told.
    public var apply: Bool

    /// A reload that applies the file or does not.
    public init(apply: Bool) { self.apply = apply }
}

/// Which sessions to remove.
public struct KillRequest: Codable, Hashable, Sendable {
    /// Text of a filter; not empty.
    public var filter: String

    /// Sessions that match `filter`.
    public init(filter: String) { self.filter = filter }
}

/// Which ARP entries to remove.
public struct FlushRequest: Codable, Hashable, Sendable {
    /// One address; nil for all entries that were learnt.
    public var address: String?

    /// The entry of `address`, or all of them.
    public init(address: String? = nil) { self.address = address }
}

/// Where an answer goes; called once, from any thread.
public typealias ControlDone<Value> = @Sendable (Result<Value, ControlError>) -> Void

/// What the interface asks of the daemon.
///
/// Methods are called on the thread of the interface and must not block. Each calls `done` once,
/// from any thread; what comes later than the deadline is thrown away.
public protocol ControlBackend: Sendable {
    /// Everything that fits one screen.
    func status(_ done: @escaping ControlDone<StatusAnswer>)
    /// Both sides with their counters.
    func interfaces(_ done: @escaping ControlDone<InterfacesAnswer>)
    /// Sessions that match, at most `query.limit` of them, and how many there are.
    func sessions(_ query: SessionQuery, _ done: @escaping ControlDone<SessionsAnswer>)
    /// Sessions counted by protocol and state.
    func sessionSummary(_ done: @escaping ControlDone<SessionsSummaryAnswer>)
    /// Tells `watch` of sessions that match as they are made and end, as long as it is open.
    func watchSessions(_ filter: Filter, _ watch: any SessionWatch)
    /// Removes the sessions that match.
    func killSessions(_ filter: Filter, _ done: @escaping ControlDone<KillAnswer>)
    /// The outside ports that belong to an inside host.
    func block(of host: IPv4Address, _ done: @escaping ControlDone<BlockAnswer>)
    /// The inside host that an outside port belongs to.
    func owner(
        of outside: IPv4Address, port: UInt16, _ done: @escaping ControlDone<OwnerAnswer>)
    /// The translator in detail.
    func nat(_ done: @escaping ControlDone<NATAnswer>)
    /// Mappings with a session that matches, at most `query.limit` of them.
    func mappings(_ query: SessionQuery, _ done: @escaping ControlDone<MappingsAnswer>)
    /// Routes that match, at most `query.limit` of them.
    func routes(_ query: RouteQuery, _ done: @escaping ControlDone<RoutesAnswer>)
    /// Where packets to `address` go.
    func routeLookup(_ address: IPv4Address, _ done: @escaping ControlDone<RouteLookupAnswer>)
    /// RIP as a whole.
    func rip(_ done: @escaping ControlDone<RIPStatusAnswer>)
    /// The routers heard by RIP.
    func ripNeighbors(_ done: @escaping ControlDone<RIPNeighborsAnswer>)
    /// What RIP knows, at most `limit` destinations.
    func ripRoutes(limit: Int, _ done: @escaping ControlDone<RIPRoutesAnswer>)
    /// OSPF as a whole.
    func ospf(_ done: @escaping ControlDone<OSPFStatusAnswer>)
    /// The routers heard by OSPF.
    func ospfNeighbors(_ done: @escaping ControlDone<OSPFNeighborsAnswer>)
    /// OSPF on every side.
    func ospfInterfaces(_ done: @escaping ControlDone<OSPFInterfacesAnswer>)
    /// At most `limit` LSAs of a type of `ospfTypes`, or of all.
    func ospfDatabase(
        type: String?, limit: Int, _ done: @escaping ControlDone<OSPFDatabaseAnswer>)
    /// The last calculations of routes.
    func ospfRuns(_ done: @escaping ControlDone<OSPFRunsAnswer>)
    /// The neighbours that BFD watches.
    func bfd(_ done: @escaping ControlDone<BFDAnswer>)
    /// The ARP table.
    func neighbors(_ done: @escaping ControlDone<NeighborsAnswer>)
    /// Removes one ARP entry, or all that were learnt.
    func flushNeighbors(_ address: IPv4Address?, _ done: @escaping ControlDone<FlushAnswer>)
    /// Why packets were dropped.
    func drops(_ done: @escaping ControlDone<DropsAnswer>)
    /// What the daemon is.
    func version(_ done: @escaping ControlDone<VersionAnswer>)
    /// Compares the configuration file with the configuration in use, and applies it if asked to.
    func reload(_ request: ReloadRequest, _ done: @escaping ControlDone<ReloadAnswer>)
}

/// What a reason for drops means and what to do, one sentence each; nil if there is no such reason.
public func dropReasonHelp(_ name: String) -> (meaning: String, advice: String)? {
    DropReason(name: name).map { ($0.meaning, $0.advice) }
}

/// The dotted names of all reasons for drops.
public var dropReasonNames: [String] { DropReason.allCases.map(\.name) }

/// The words for types of LSAs.
public let ospfTypes = [
    "router", "network", "summary", "asbr-summary", "external", "nssa-external", "opaque",
]
