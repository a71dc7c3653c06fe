import Control
import Foundation
import Testing
import Wire

@Suite struct JSONTests {
    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try ControlJSON.encode(value), as: UTF8.self)
    }

    @Test("The keys of a list of sessions do not change within v1")
    func sessions() throws {
        let answer = SessionsAnswer(
            instance: "home", matched: 1, total: 3, rules: ["nas-https"],
            sessions: [FakeBackend.rows[0]])
        let expected =
            #"{"schema":"gatewayd.sessions/v1","instance":"home","matched":1,"total":3,"#
            + #""sessions":[{"id":1,"protocol":"tcp","state":"established","#
            + #""inside":"192.168.50.101","inside_port":40013,"outside":"203.0.113.2","#
            + #""outside_port":40013,"remote":"198.51.100.7","remote_port":443,"#
            + #""age_seconds":724,"idle_seconds":1,"expires_seconds":7439,"packets_out":1204,"#
            + #""bytes_out":98304,"packets_in":8120,"bytes_in":11000000,"rule":"nas-https"}]}"#
        #expect(try text(answer) == expected)
        #expect(
            try ControlJSON.decode(SessionsAnswer.self, from: Array(expected.utf8)) == answer)
        var parts = String(decoding: try answer.textBeforeRows(), as: UTF8.self)
        var row: [UInt8] = []
        try answer.appendRow(at: 0, to: &row)
        parts += String(decoding: row, as: UTF8.self) + "]}"
        #expect(parts == expected)
    }

    @Test("A row alone carries the index of its rule")
    func row() throws {
        let all = FakeBackend.rows
        #expect(try text(all[0]).hasSuffix(#""rule":"0"}"#))
        #expect(try text(all[1]).hasSuffix(#""rule":null}"#))
        for row in all {
            #expect(try ControlJSON.decode(SessionRow.self, from: ControlJSON.encode(row)) == row)
        }
    }

    @Test("Keys of a status are snake_case, in the order of the fields")
    func status() throws {
        var found: StatusAnswer?
        let box = Box<StatusAnswer>()
        FakeBackend().status { if case .success(let value) = $0 { box.set(value) } }
        found = box.value
        let answer = try #require(found)
        let json = try text(answer)
        #expect(json.hasPrefix(#"{"schema":"gatewayd.status/v1","instance":"home","state":"#))
        for key in [
            #""uptime_seconds":11520"#, #""rx_bits_per_second":9100000"#, #""ports_in_use":125"#,
            #""by_source":[{"source":"connected","count":2}"#, #""top_reason":"nat.no_session""#,
            #""last_seen_seconds":4"#, #""session_limit":65536"#, #""pid":4711"#,
        ] {
            #expect(json.contains(key), "\(key) is missing in \(json)")
        }
        #expect(try ControlJSON.decode(StatusAnswer.self, from: Array(json.utf8)) == answer)
    }

    @Test("Every document starts with its schema and says what Foundation reads from it")
    func foundationAgrees() throws {
        let list = RoutesAnswer(
            instance: "a\"b\\c\n\u{1}\u{7f}é😀", matched: 1, total: 1, routes: FakeBackend.routes)
        let json = try text(list)
        #expect(
            json.hasPrefix(#"{"schema":"gatewayd.routes/v1","instance":"a\"b\\c\n\u0001\u007f"#))
        let read = try #require(
            JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(read["instance"] as? String == list.instance)
        #expect(try ControlJSON.decode(RoutesAnswer.self, from: Array(json.utf8)) == list)
    }

    @Test func numbersAtTheirBounds() throws {
        #expect(try text([UInt64.max]) == "[18446744073709551615]")
        #expect(try text([Int64.min]) == "[-9223372036854775808]")
        #expect(try text([1.5]) == "[1.5]")
        #expect(throws: EncodingError.self) { try ControlJSON.encode([Double.nan]) }
        #expect(try text([String?.none, "x"]) == #"[null,"x"]"#)
    }

    @Test func unknownKeysAreIgnored() throws {
        let json = #"{"schema":"gatewayd.kill/v1","instance":"a","count":3,"later":[1,{"x":2}]}"#
        #expect(try ControlJSON.decode(KillAnswer.self, from: Array(json.utf8)).count == 3)
    }

    @Test func routeQueries() throws {
        func asks(_ wanted: String, _ route: String) throws -> Bool {
            let prefix = try #require(IPv4Prefix(wanted))
            return RouteQuery(prefixes: [prefix]).matches(try #require(IPv4Prefix(route)))
        }
        #expect(try asks("10.0.0.0/8", "10.1.0.0/16"))
        #expect(try asks("10.0.0.0/8", "10.0.0.0/8"))
        #expect(try !asks("10.0.0.0/8", "0.0.0.0/0"))
        #expect(try !asks("10.0.0.0/8", "11.0.0.0/16"))
        #expect(try asks("10.1.2.3/32", "0.0.0.0/0"))
        #expect(try !asks("10.1.2.3/32", "10.2.0.0/16"))
        #expect(RouteQuery().matches(IPv4Prefix(IPv4Address(1, 2, 3, 4), length: 32)))
    }
}
