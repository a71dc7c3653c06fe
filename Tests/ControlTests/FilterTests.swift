import Control
import Testing
import Wire

private func row(
    _ transport: UInt8 = 6, inside: IPv4Address = IPv4Address(192, 168, 50, 101),
    insidePort: UInt16 = 40013, outside: IPv4Address = IPv4Address(203, 0, 113, 2),
    outsidePort: UInt16 = 50013, remote: IPv4Address = IPv4Address(198, 51, 100, 7),
    remotePort: UInt16 = 443, state: SessionState = .established
) -> SessionRow {
    var row = SessionRow(
        id: 1, transport: transport, state: state, inside: inside, insidePort: insidePort,
        outside: outside, outsidePort: outsidePort, remote: remote, remotePort: remotePort)
    row.ageSeconds = 600
    row.idleSeconds = 5
    row.packetsOut = 4
    row.packetsIn = 6
    row.bytesOut = 400
    row.bytesIn = 1100
    return row
}

@Suite struct FilterTests {
    @Test(
        "What matches the session 192.168.50.101:40013 > 203.0.113.2:50013 > 198.51.100.7:443",
        arguments: [
            ("", true), ("   ", true), ("proto tcp", true), ("proto 6", true), ("proto udp", false),
            ("PROTO TCP", true), ("state established", true), ("state new", false),
            ("host 192.168.50.101", true), ("host 203.0.113.2", true),
            ("host 198.51.100.7", true), ("host 198.51.100.8", false),
            ("net 192.168.0.0/16", true), ("net 10.0.0.0/8", false),
            ("inside 192.168.50.101", true), ("inside 203.0.113.2", false),
            ("outside 203.0.113.2", true), ("remote 198.51.100.7", true),
            ("src 192.168.50.101", true), ("dst 192.168.50.101", false),
            ("dst 198.51.100.7", true), ("src host 192.168.50.101", true),
            ("remote net 198.51.100.0/24", true), ("remote port 443", true),
            ("inside port 443", false), ("outside port 50013", true), ("port 50013", true),
            ("remote 198.51.100.7:443", true), ("remote 198.51.100.7:444", false),
            ("remote 198.51.100.8:443", false), ("remote :443", true),
            ("remote 198.51.100.0/24:400-500", true), ("sport 40013", true),
            ("dport 443", true), ("dport = :443", true), ("dport=443", true),
            ("dport != 443", false), ("dport ne 80", true), ("dport 1-442", false),
            ("dport > 442", true), ("dport > 443", false), ("dport gt 65535", false),
            ("dport >= 443", true), ("dport < 443", false), ("dport lt 444", true),
            ("dport < 0", false), ("dport <= 443", true), ("dport le 442", false),
            ("bytes > 1499", true), ("bytes > 1500", false), ("bytes = 1500", true),
            ("bytes >= 1k", true), ("bytes < 2M", true), ("packets eq 10", true),
            ("age >= 10m", true), ("age gt 10m", false), ("age = 9m60s", true),
            ("idle < 6", true), ("idle le 4s", false), ("not proto udp", true),
            ("! proto tcp", false), ("!proto udp", true), ("not not proto tcp", true),
            ("proto tcp and dport 443", true), ("proto tcp dport 443", true),
            ("proto tcp and dport 80", false), ("proto udp or dport 443", true),
            ("proto tcp && dport 80 || state established", true),
            // "and" binds tighter than "or".
            ("proto tcp or proto udp and dport 80", true),
            ("(proto tcp or proto udp) and dport 80", false),
            ("not (proto udp or dport 80)", true), ("not proto udp and dport 80", false),
            ("((((dport 443))))", true), ("rule none", true),
        ])
    func matches(_ text: String, _ expected: Bool) throws {
        #expect(try Filter(parsing: text).matches(row()) == expected)
    }

    @Test("Precedence agrees with a reference on all assignments of three conditions")
    func truthTable() throws {
        let filters: [(String, (Bool, Bool, Bool) -> Bool)] = [
            ("proto tcp and dport 443 or state replied", { $0 && $1 || $2 }),
            ("proto tcp or dport 443 and state replied", { $0 || $1 && $2 }),
            ("not proto tcp or dport 443 state replied", { !$0 || $1 && $2 }),
            ("not (proto tcp or dport 443) or state replied", { !($0 || $1) || $2 }),
            ("proto tcp and not dport 443 and not state replied", { $0 && !$1 && !$2 }),
        ]
        for (text, expected) in filters {
            let filter = try Filter(parsing: text)
            for bits in 0..<8 {
                let (a, b, c) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)
                let row = row(
                    a ? 6 : 17, remotePort: b ? 443 : 80, state: c ? .replied : .established)
                #expect(filter.matches(row) == expected(a, b, c), "\(text) of \(a) \(b) \(c)")
            }
        }
    }

    @Test("ICMP has no ports, whatever its identifier is")
    func icmp() throws {
        let ping = row(1, insidePort: 53, outsidePort: 53, remotePort: 53)
        #expect(try !Filter(parsing: "port 53").matches(ping))
        #expect(try Filter(parsing: "port != 53").matches(ping))
    }

    @Test("Counters that overflow together count as the largest number")
    func overflow() throws {
        var row = row()
        row.bytesIn = .max
        #expect(try Filter(parsing: "bytes > 1T").matches(row))
    }

    @Test(
        "Errors point at the word",
        arguments: [
            ("destport 53", "unknown word 'destport'", 0, 8),
            ("proto tcp and dprot 53", "unknown word 'dprot'; did you mean 'dport'?", 14, 5),
            ("proto tpc", "unknown protocol 'tpc'; did you mean 'tcp'?", 6, 3),
            ("state establishd", "did you mean 'established'?", 6, 10),
            ("proto", "a protocol is missing after 'proto'", 5, 0),
            ("proto tcp and", "a condition is missing after 'and'", 13, 0),
            ("proto tcp or or", "a condition must stand before 'or'", 13, 2),
            ("(proto tcp", "')' is missing", 0, 1), ("proto tcp)", "no '(' for this ')'", 9, 1),
            ("host 1.2.3", "not an IPv4 address", 5, 5),
            ("host 10.0.0.0/8", "write 'net 10.0.0.0/8'", 5, 10),
            ("net 10.1.0.0/8", "write '10.0.0.0/8'", 4, 10),
            ("192.168.1.1", "write 'host 192.168.1.1'", 0, 11), ("tcp", "write 'proto tcp'", 0, 3),
            ("dport 65536", "not a port", 6, 5), ("dport 9-8", "write 8-9", 6, 3),
            ("dport +5", "not a port", 6, 2), ("bytes 5", "a comparison", 6, 1),
            ("bytes > 5x", "is not a number", 8, 2), ("bytes > 1k5", "is not a number", 8, 3),
            ("bytes > 99999999999999999999", "is not a number", 8, 20),
            ("age > 5x", "is not a time", 6, 2), ("drop ttl", "selects packets", 0, 4),
            ("rule \"a", "quotation mark", 5, 2), ("proto tcp & dport 1", "'&'", 10, 1),
            ("rule", "the name of a port forward is missing", 4, 0),
        ])
    func errors(_ text: String, _ part: String, _ offset: Int, _ length: Int) {
        do {
            _ = try Filter(parsing: text)
            Issue.record("'\(text)' was accepted")
        } catch {
            #expect(error.sentence.contains(part), "\(error.sentence)")
            #expect(error.offset == offset && error.length == length, "\(error)")
        }
    }

    @Test func rulesHaveNames() throws {
        var forwarded = row()
        forwarded.rule = 1
        let filter = try Filter(parsing: "rule nas or rule \"my web\"")
        #expect(filter.namesRules)
        #expect(!filter.matches(forwarded))
        let resolved = try filter.resolved(rules: ["nas", "my web"])
        #expect(resolved.matches(forwarded))
        #expect(!resolved.matches(row()))
        do {
            _ = try Filter(parsing: "proto tcp rule naz").resolved(rules: ["nas"])
            Issue.record("an unknown rule was accepted")
        } catch {
            #expect(error.sentence == "there is no port forward 'naz'; did you mean 'nas'?")
            #expect(error.offset == 15)
        }
    }

    @Test func boundsHold() throws {
        let terms = Array(repeating: "dport 443", count: 64)
        #expect(try Filter(parsing: terms.joined(separator: " and ")).matches(row()))
        // The whole stack of results is used.
        let nested = "dport 80 or (" + Array(repeating: "dport 80 or (", count: 30).joined()
        let deep = nested + "dport 443" + String(repeating: ")", count: 31)
        #expect(try Filter(parsing: deep).matches(row()))
        let bad = [
            (terms + ["dport 443"]).joined(separator: " "),
            String(repeating: "(", count: 33) + "dport 443" + String(repeating: ")", count: 33),
            String(repeating: "not ", count: 33) + "dport 443",
            String(repeating: " ", count: 4097), String(repeating: "(", count: 4096),
        ]
        for text in bad {
            #expect(throws: FilterError.self) { try Filter(parsing: text) }
        }
    }

    @Test("Random words and random bytes are parsed or refused, and what is parsed can be asked")
    func randomTexts() {
        let words = [
            "proto", "tcp", "17", "state", "new", "rule", "x", "host", "1.2.3.4", "net",
            "10.0.0.0/8", "port", "53", "1-9", "src", "dst", "inside", "outside", "remote",
            "1.2.3.4:5", "sport", "dport", "bytes", "packets", "age", "idle", ">", "<=", "!=",
            "5m", "10k", "not", "!", "and", "or", "(", ")", "\"", "&&", "||", "=", ":", "-",
        ]
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(state: seed)
        var accepted = 0
        for round in 0..<100_000 {
            let text: String
            if round % 2 == 0 {
                let count = Int.random(in: 0...12, using: &random)
                text = (0..<count).map { _ in words.randomElement(using: &random) ?? "" }
                    .joined(separator: Bool.random(using: &random) ? " " : "")
            } else {
                let count = Int.random(in: 0...40, using: &random)
                let bytes = (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
                text = String(decoding: bytes, as: UTF8.self)
            }
            do {
                let filter = try Filter(parsing: text)
                accepted += 1
                _ = filter.matches(row())
            } catch {
                let end = error.offset + error.length
                if error.offset < 0 || end > text.utf8.count {
                    Issue.record("\(error) lies outside of '\(text)', seed \(seed)")
                }
                if error.sentence.utf8.contains(where: { $0 < 0x20 }) {
                    Issue.record("control characters in '\(error.sentence)'")
                }
            }
        }
        #expect(accepted > 1000)
    }
}

/// Steele, Lea and Flood's generator: fast, and the same numbers for the same seed.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite struct EditDistanceTests {
}
