import Wire
import Words

/// What is wrong with the text of a filter, and where.
public struct FilterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence, with a suggestion if there is one.
    public var sentence: String
    /// Where the word begins, in octets.
    public var offset: Int
    /// Its length in octets; 0 at the end of the text.
    public var length: Int

    /// Made of these fields.
    public init(_ sentence: String, offset: Int, length: Int) {
        self.sentence = sentence
        self.offset = offset
        self.length = length
    }

    /// The sentence.
    public var description: String { sentence }
}

/// A condition on sessions, compiled from its text.
///
///     filter  := term { ("and" | "or") term }   juxtaposition means and; "and" binds tighter
///                                               than "or"; "not" or "!" before a term; ( )
///     term    := "proto" (tcp|udp|icmp|gre|...|NUMBER) | "state" NAME | "rule" NAME
///              | [dir] ("host"|"net"|"port") VALUE | dir ADDR[/LEN][:PORT]
///              | ("sport"|"dport") [op] PORT[-PORT]
///              | ("bytes"|"packets"|"age"|"idle") op VALUE
///     dir     := src | dst | inside | outside | remote
///     op      := = != > >= < <= | eq ne gt ge lt le
///
/// `src` is the inside host and `dst` the remote one. Bytes and packets count both directions.
/// ICMP has no ports: a condition on ports never holds for it.
public struct Filter: Sendable {
    /// Longest text in octets.
    public static let maximumLength = 4096
    /// Largest number of conditions.
    public static let maximumTerms = 64
    /// Deepest nesting of parentheses and negations.
    public static let maximumDepth = 32

    /// The filter that every session matches.
    public static let all = Filter(program: [], rules: [])

    /// In reverse Polish order; empty for a filter that always matches.
    var program: [FilterStep]
    /// Names of rules with where they stand; `FilterTest.rule` is an index into `ruleIndices`.
    var rules: [RuleName]
    var ruleIndices: [Int32]

    struct RuleName: Hashable, Sendable {
        var name: String
        var offset: Int
    }

    init(program: [FilterStep], rules: [RuleName]) {
        self.program = program
        self.rules = rules
        ruleIndices = rules.map { $0.name == "none" ? -1 : Int32.min }
    }

    /// Compiles the text; empty text matches every session.
    ///
    /// - Throws: `FilterError` that points at the first word that makes no sense.
    public init(parsing text: String) throws(FilterError) {
        var parser = try FilterParser(text)
        self = try parser.parse()
    }

    /// Whether the filter names rules, so that `resolved` is needed before `matches`.
    public var namesRules: Bool { !rules.isEmpty }

    /// The filter with the indices of the rules it names. Until then only `rule none` can match.
    ///
    /// - Parameter names: Names of the port forwards; an index into it is a row's `rule`.
    /// - Throws: `FilterError` for a name that is not there.
    public func resolved(rules names: [String]) throws(FilterError) -> Filter {
        var filter = self
        for (slot, rule) in rules.enumerated() where rule.name != "none" {
            guard let index = names.firstIndex(of: rule.name) else {
                let shown = FilterParser.printable(Array(rule.name.utf8))
                let near = Spelling.suggestion(for: rule.name, among: names)
                throw FilterError(
                    "there is no port forward '\(shown)'"
                        + (near.map { "; did you mean '\($0)'?" } ?? ""),
                    offset: rule.offset, length: rule.name.utf8.count)
            }
            filter.ruleIndices[slot] = Int32(truncatingIfNeeded: index)
        }
        return filter
    }

    /// Whether the session matches. Allocates nothing.
    public func matches(_ row: SessionRow) -> Bool {
        guard !program.isEmpty else { return true }
        // The results so far, the last in bit 0: at most one bit a term.
        var stack: UInt64 = 0
        for step in program {
            switch step {
            case .test(let test):
                stack = stack << 1 | (test.matches(row, rules: ruleIndices) ? 1 : 0)
            case .negate: stack ^= 1
            case .and: stack = stack >> 1 & (stack | ~1)
            case .or: stack = stack >> 1 | stack & 1
            }
        }
        return stack & 1 == 1
    }
}

/// One step of a compiled filter.
enum FilterStep: Hashable, Sendable {
    case test(FilterTest)
    case negate, and, or
}

/// Which ends of a session a test looks at.
struct FilterEnds: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let inside = FilterEnds(rawValue: 1)
    static let outside = FilterEnds(rawValue: 2)
    static let remote = FilterEnds(rawValue: 4)
    static let any: FilterEnds = [.inside, .outside, .remote]
}

enum FilterMetric: String, Hashable, Sendable, CaseIterable {
    case bytes, packets, age, idle
}

enum FilterOperator: Hashable, Sendable {
    case equal, unequal, greater, greaterOrEqual, less, lessOrEqual

    init?(_ text: some StringProtocol) {
        switch text {
        case "=", "eq", "==": self = .equal
        case "!=", "ne": self = .unequal
        case ">", "gt": self = .greater
        case ">=", "ge": self = .greaterOrEqual
        case "<", "lt": self = .less
        case "<=", "le": self = .lessOrEqual
        default: return nil
        }
    }

    func holds(_ a: UInt64, _ b: UInt64) -> Bool {
        switch self {
        case .equal: a == b
        case .unequal: a != b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        case .less: a < b
        case .lessOrEqual: a <= b
        }
    }
}

/// One condition.
enum FilterTest: Hashable, Sendable {
    case transport(UInt8)
    case state(SessionState)
    /// An index into the filter's rules.
    case rule(Int)
    case address(FilterEnds, IPv4Prefix)
    /// Ports from the first to the last; none if the first is larger.
    case port(FilterEnds, UInt32, UInt32)
    case metric(FilterMetric, FilterOperator, UInt64)

    func matches(_ row: SessionRow, rules: [Int32]) -> Bool {
        switch self {
        case .transport(let number): return row.transport == number
        case .state(let state): return row.state == state
        case .rule(let slot): return slot < rules.count && rules[slot] == row.rule
        case .address(let ends, let prefix):
            return ends.contains(.inside) && prefix.contains(row.inside)
                || ends.contains(.outside) && prefix.contains(row.outside)
                || ends.contains(.remote) && prefix.contains(row.remote)
        case .port(let ends, let first, let last):
            func fits(_ port: UInt16) -> Bool { first <= port && port <= last }
            guard row.transport != 1 else { return false }
            return ends.contains(.inside) && fits(row.insidePort)
                || ends.contains(.outside) && fits(row.outsidePort)
                || ends.contains(.remote) && fits(row.remotePort)
        case .metric(let metric, let compare, let value):
            return compare.holds(Self.value(metric, of: row), value)
        }
    }

    private static func value(_ metric: FilterMetric, of row: SessionRow) -> UInt64 {
        switch metric {
        case .bytes: sum(row.bytesIn, row.bytesOut)
        case .packets: sum(row.packetsIn, row.packetsOut)
        case .age: UInt64(row.ageSeconds)
        case .idle: UInt64(row.idleSeconds)
        }
    }

    private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : sum
    }
}
