import Wire
import Words

/// Recursive descent over the words of a filter; the depth is bounded, so is the program.
struct FilterParser {
    private let tokens: [FilterToken]
    private let end: Int
    private var next = 0
    private var program: [FilterStep] = []
    private var rules: [Filter.RuleName] = []
    private var terms = 0

    init(_ text: String) throws(FilterError) {
        tokens = try FilterToken.all(in: text)
        end = text.utf8.count
    }

    mutating func parse() throws(FilterError) -> Filter {
        guard !tokens.isEmpty else { return .all }
        try parseAlternatives(depth: 0)
        if let token = peek() {
            throw error(at: token, "there is no '(' for this ')'")
        }
        return Filter(program: program, rules: rules)
    }

    private func peek() -> FilterToken? { next < tokens.count ? tokens[next] : nil }

    private func error(at token: FilterToken?, _ sentence: String) -> FilterError {
        FilterError(sentence, offset: token?.offset ?? end, length: token?.length ?? 0)
    }

    /// A word for a sentence: control characters and what is too long are left out.
    static func printable(_ bytes: some Collection<UInt8>) -> String {
        let shown = bytes.prefix(40).map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }
        return String(decoding: shown, as: UTF8.self) + (bytes.count > 40 ? "..." : "")
    }

    private func shown(_ token: FilterToken) -> String { Self.printable(token.text.utf8) }

    private mutating func parseAlternatives(depth: Int) throws(FilterError) {
        try parseAll(depth: depth)
        while case .or? = peek()?.kind {
            next += 1
            try parseAll(depth: depth)
            program.append(.or)
        }
    }

    private mutating func parseAll(depth: Int) throws(FilterError) {
        try parseOne(depth: depth)
        while let token = peek() {
            switch token.kind {
            case .or, .close: return
            case .and: next += 1
            default: break
            }
            try parseOne(depth: depth)
            program.append(.and)
        }
    }

    private mutating func parseOne(depth: Int) throws(FilterError) {
        guard let token = peek() else { throw missing("a condition") }
        guard depth < Filter.maximumDepth else {
            throw error(at: token, "more than \(Filter.maximumDepth) levels of '(' and 'not'")
        }
        switch token.kind {
        case .not:
            next += 1
            try parseOne(depth: depth + 1)
            program.append(.negate)
        case .open:
            next += 1
            try parseAlternatives(depth: depth + 1)
            guard case .close? = peek()?.kind else { throw error(at: token, "')' is missing") }
            next += 1
        case .word:
            next += 1
            try parseTerm(token)
        default:
            throw error(at: token, "a condition must stand before '\(shown(token))'")
        }
    }

    /// What is missing here: at the end, or before the word that stands here instead.
    private func missing(_ what: String) -> FilterError {
        let before = next > 0 ? " after '\(shown(tokens[next - 1]))'" : ""
        return error(at: peek(), "\(what) is missing\(before)")
    }

    /// The next token if it can be a value.
    private mutating func value(_ what: String) throws(FilterError) -> FilterToken {
        guard let token = peek() else { throw missing(what) }
        switch token.kind {
        case .word, .quoted:
            next += 1
            return token
        default: throw missing(what)
        }
    }

    private mutating func comparison() -> FilterOperator? {
        guard case .compare(let compare)? = peek()?.kind else { return nil }
        next += 1
        return compare
    }

    private mutating func emit(_ test: FilterTest, at token: FilterToken) throws(FilterError) {
        guard terms < Filter.maximumTerms else {
            throw error(at: token, "more than \(Filter.maximumTerms) conditions")
        }
        terms += 1
        program.append(.test(test))
    }
}

// MARK: - Conditions
extension FilterParser {
    private static let words = [
        "proto", "state", "rule", "host", "net", "port", "src", "dst", "inside", "outside",
        "remote", "sport", "dport", "bytes", "packets", "age", "idle", "not", "and", "or",
    ]

    private mutating func parseTerm(_ token: FilterToken) throws(FilterError) {
        let word = token.text.lowercased()
        switch word {
        case "proto": try parseTransport(token)
        case "state": try parseState(token)
        case "rule": try parseRule(token)
        case "host", "net", "port": try parseEnd(.any, kind: word, token)
        case "src", "inside": try parseDirection(.inside, token)
        case "dst", "remote": try parseDirection(.remote, token)
        case "outside": try parseDirection(.outside, token)
        case "sport": try parsePort(.inside, token)
        case "dport": try parsePort(.remote, token)
        default:
            guard let metric = FilterMetric(rawValue: word) else { throw unknown(token) }
            try parseMetric(metric, token)
        }
    }

    private func unknown(_ token: FilterToken) -> FilterError {
        let word = token.text.lowercased()
        let hint: String
        if IPProtocol.number(named: word) != nil, Int(word) == nil {
            hint = "; write 'proto \(word)'"
        } else if word == "side" || word == "drop" {
            return error(at: token, "'\(word)' selects packets, not sessions")
        } else if IPv4Address(word) != nil {
            hint = "; write 'host \(word)'"
        } else if IPv4Prefix(word) != nil {
            hint = "; write 'net \(word)'"
        } else if let near = Spelling.suggestion(for: word, among: Self.words) {
            hint = "; did you mean '\(near)'?"
        } else {
            hint = ""
        }
        return error(at: token, "unknown word '\(shown(token))'\(hint)")
    }

    private mutating func parseTransport(_ token: FilterToken) throws(FilterError) {
        _ = comparison()
        let name = try value("a protocol")
        guard let number = IPProtocol.number(named: name.text.lowercased()) else {
            let near = Spelling.suggestion(
                for: name.text.lowercased(), among: IPProtocol.knownNames)
            throw error(
                at: name,
                "unknown protocol '\(shown(name))'"
                    + (near.map { "; did you mean '\($0)'?" }
                        ?? "; use tcp, udp, icmp or a number of 0 to 255"))
        }
        try emit(.transport(number), at: token)
    }

    private mutating func parseState(_ token: FilterToken) throws(FilterError) {
        let name = try value("a state")
        guard let state = SessionState(name: name.text.lowercased()) else {
            let names = SessionState.allCases.map(\.name)
            let near = Spelling.suggestion(for: name.text.lowercased(), among: names)
            throw error(
                at: name,
                "unknown state '\(shown(name))'"
                    + (near.map { "; did you mean '\($0)'?" }
                        ?? "; use one of \(names.joined(separator: ", "))"))
        }
        try emit(.state(state), at: token)
    }

    private mutating func parseRule(_ token: FilterToken) throws(FilterError) {
        let name = try value("the name of a port forward")
        try emit(.rule(rules.count), at: token)
        rules.append(Filter.RuleName(name: name.text, offset: name.offset))
    }

    private mutating func parseDirection(
        _ ends: FilterEnds, _ token: FilterToken
    ) throws(FilterError) {
        guard let word = peek(), case .word = word.kind else {
            throw missing("an address, 'host', 'net' or 'port'")
        }
        let kind = word.text.lowercased()
        if kind == "host" || kind == "net" || kind == "port" {
            next += 1
            return try parseEnd(ends, kind: kind, token)
        }
        next += 1
        try parseAddressAndPort(ends, word, token)
    }

    /// `ADDR[/LEN][:PORT]`
    private mutating func parseAddressAndPort(
        _ ends: FilterEnds, _ word: FilterToken, _ token: FilterToken
    ) throws(FilterError) {
        let parts = word.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first else { throw unknown(word) }
        if !first.isEmpty || parts.count == 1 {
            try emit(.address(ends, try address(first, word)), at: token)
        }
        guard parts.count == 2 else { return }
        let (low, high) = try ports(parts[1], word)
        try emit(.port(ends, low, high), at: token)
        if !first.isEmpty { program.append(.and) }
    }

    private mutating func parseEnd(
        _ ends: FilterEnds, kind: String, _ token: FilterToken
    ) throws(FilterError) {
        if kind == "port" { return try parsePort(ends, token) }
        let word = try value(kind == "host" ? "an address" : "a network, as in 10.0.0.0/8,")
        let prefix = try address(Substring(word.text), word)
        if kind == "host", word.text.utf8.contains(UInt8(ascii: "/")) {
            throw error(at: word, "'\(shown(word))' is a network; write 'net \(shown(word))'")
        }
        try emit(.address(ends, prefix), at: token)
    }

    private func address(
        _ text: Substring, _ word: FilterToken
    ) throws(FilterError) -> IPv4Prefix {
        if let address = IPv4Address(text) { return IPv4Prefix(address, length: 32) }
        if let prefix = IPv4Prefix(text) { return prefix }
        if let loose = InterfaceAddress(text) {
            throw error(
                at: word,
                "'\(shown(word))' has bits set beyond the prefix; write '\(loose.prefix)'")
        }
        throw error(at: word, "'\(shown(word))' is not an IPv4 address or network")
    }

    private mutating func parsePort(
        _ ends: FilterEnds, _ token: FilterToken
    ) throws(FilterError) {
        let compare = comparison() ?? .equal
        let word = try value("a port")
        let text = word.text.hasPrefix(":") ? word.text.dropFirst() : Substring(word.text)
        let (low, high) = try ports(text, word)
        switch compare {
        case .equal: try emit(.port(ends, low, high), at: token)
        case .unequal:
            try emit(.port(ends, low, high), at: token)
            program.append(.negate)
        case .greater: try emit(.port(ends, high + 1, 65535), at: token)
        case .greaterOrEqual: try emit(.port(ends, low, 65535), at: token)
        case .less:
            // Ports below 0 do not exist: 1 to 0 is no port at all.
            try emit(low == 0 ? .port(ends, 1, 0) : .port(ends, 0, low - 1), at: token)
        case .lessOrEqual: try emit(.port(ends, 0, high), at: token)
        }
    }

    private func ports(
        _ text: Substring, _ word: FilterToken
    ) throws(FilterError) -> (UInt32, UInt32) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        func number(_ part: Substring?) -> UInt32? {
            guard let part, part.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
            return UInt16(part).map(UInt32.init)
        }
        guard let low = number(parts.first), let high = parts.count < 2 ? low : number(parts[1])
        else {
            throw error(at: word, "'\(shown(word))' is not a port of 0 to 65535 or a range")
        }
        guard low <= high else {
            throw error(at: word, "the range '\(shown(word))' is empty; write \(high)-\(low)")
        }
        return (low, high)
    }

    private mutating func parseMetric(
        _ metric: FilterMetric, _ token: FilterToken
    ) throws(FilterError) {
        guard let compare = comparison() else {
            throw missing("a comparison such as '>' or 'gt'")
        }
        let isTime = metric == .age || metric == .idle
        let word = try value(isTime ? "a time" : "a number")
        let units: [(String, UInt64)] =
            isTime
            ? [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
            : [("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000)]
        guard let number = Self.number(word.text, units: units, several: isTime) else {
            throw error(
                at: word,
                isTime
                    ? "'\(shown(word))' is not a time; write 30s, 5m or 2h4m"
                    : "'\(shown(word))' is not a number; write 1500, 10k or 2M")
        }
        try emit(.metric(metric, compare, number), at: token)
    }

    /// Digits with a unit, once or (times) several times; a bare number has the unit 1.
    private static func number(
        _ text: String, units: [(String, UInt64)], several: Bool
    ) -> UInt64? {
        var sum: UInt64 = 0
        var digits: UInt64?
        var groups = 0
        for byte in text.utf8 {
            if (48...57).contains(byte) {
                let (tens, over) = (digits ?? 0).multipliedReportingOverflow(by: 10)
                let (value, carry) = tens.addingReportingOverflow(UInt64(byte - 48))
                guard !over, !carry, several || groups == 0 else { return nil }
                digits = value
                continue
            }
            let letter = String(decoding: [byte], as: UTF8.self)
            guard let value = digits, let unit = units.first(where: { $0.0 == letter })?.1
            else { return nil }
            let (part, over) = value.multipliedReportingOverflow(by: unit)
            let (total, carry) = sum.addingReportingOverflow(part)
            guard !over, !carry else { return nil }
            sum = total
            digits = nil
            groups += 1
        }
        guard let digits else { return groups > 0 ? sum : nil }
        return groups == 0 ? digits : nil
    }
}
