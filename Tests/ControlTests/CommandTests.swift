import Control
import Foundation
import Glibc
import Support
import Testing

@testable import ControlServer

func makeSocket(_ path: String) throws -> Int32 {
    let file = try SocketFile(path: path, mode: 0o666, group: nil)
    let flags = fcntl(file.descriptor, F_GETFL)
    try #require(fcntl(file.descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0)
    return file.descriptor
}

private func run(_ server: TestServer, _ words: String...) throws -> CommandResult {
    try gatewayctl(words + ["--socket", server.path])
}

@Suite struct CommandTests {
    @Test func status() throws {
        let result = try run(TestServer(), "status")
        let expected = """
            ● home is running                                          gatewayd 0.1.0, up 3h 12m
              config    /etc/gatewayd/home.yaml, applied 2001-02-03 04:05:06, no warnings
              lan       tap-lan  192.168.50.1/24  MTU 1500   in  9.1 Mbit/s   out 73.0 Mbit/s
              wan       tap-wan  203.0.113.2/24   MTU 1500   in  9.1 Mbit/s   out 73.0 Mbit/s
              next hop  203.0.113.1 answers ARP (02:00:5e:00:53:01, 4s ago)
              nat       masquerade, 126 of 65536 sessions, 125 of 129024 ports
              routes    3: 2 connected, 1 static
              arp       5 neighbours
              dropped   56 packets since start, most: nat.no_session 41     (gatewayctl drops)

            """
        #expect(result.output == expected)
        #expect(result.status == 0 && result.errors.isEmpty)
    }

    @Test func sessions() throws {
        let server = try TestServer()
        let plain = try run(server, "sessions", "inside", "192.168.50.101", "and", "proto", "tcp")
        #expect(
            plain.output == """
                PROTO  INSIDE                OUTSIDE            REMOTE            STATE        \
                EXPIRES  OUT    IN
                tcp    192.168.50.101:40013  203.0.113.2:40013  198.51.100.7:443  established  \
                2h3m     98 kB  11 MB
                1 of 3 sessions match

                """)
        let wide = try run(server, "sess", "proto tcp", "-o", "wide", "--no-header")
        #expect(
            wide.output == """
                tcp  192.168.50.101:40013  203.0.113.2:40013  198.51.100.7:443  established  \
                12m4s  1s  2h3m  1204  98 kB  8120  11 MB  nas-https

                """)
        let limited = try run(server, "sessions", "--limit", "1")
        #expect(limited.lines.last == "3 of 3 sessions match; 1 are listed (--limit N, --all)")
        #expect(try run(server, "sessions", "-q", "--all").lines.count == 4)
        let all = try run(server, "sessions", "-o", "conntrack", "dport 53")
        #expect(
            all.output == "udp      17 27 src=192.168.50.101 dst=198.51.100.53 sport=40001 "
                + "dport=53 packets=1 bytes=68 src=198.51.100.53 dst=203.0.113.2 sport=53 "
                + "dport=40001 packets=1 bytes=120 [ASSURED] mark=0 use=1\n")
        let lines = try run(server, "sessions", "-o", "conntrack").lines
        #expect(lines[0].hasPrefix("tcp      6 7439 ESTABLISHED src=192.168.50.101 "))
        #expect(lines[2].contains("type=8 code=0 id=53 packets=0 bytes=0 [UNREPLIED] src="))
    }

    @Test func sessionVerbs() throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        #expect(try run(server, "sessions", "count").output == "3\n")
        #expect(try run(server, "sessions", "-o", "table", "count", "proto", "udp").output == "1\n")
        let kill = try run(server, "sessions", "kill", "proto", "tcp")
        #expect(kill.output == "1 session removed\n" && kill.status == 0)
        #expect(try run(server, "sessions", "kill").status == 64)
        #expect(backend.called == ["kill"])
        let json = try run(server, "sessions", "kill", "proto tcp", "--json")
        #expect(json.output == #"{"schema":"gatewayd.kill/v1","instance":"home","count":1}"# + "\n")
        let summary = try run(server, "sessions", "--summary", "--no-header").lines
        #expect(
            summary == [
                "tcp  92  established 83, transitory 9  created 5120  closed 5028 (fin 4800)"
            ])
        let note = try run(server, "sessions", "--summary").lines.last
        #expect(note == "limit 65536, refused 3 (host_limit 3)")
        // The shell takes the quotation marks of a name away; they are put back.
        let named = try TestServer(FakeBackend(rules: ["my web"]))
        let web = try run(named, "sessions", "rule", "my web", "-q", "-o", "wide", "--no-header")
        #expect(web.lines.count == 1 && web.output.hasSuffix("my web\n"), "\(web)")
    }

    @Test func filterErrorsPointAtTheWord() throws {
        let result = try run(TestServer(), "sessions", "proto", "tcp", "and", "destport", "53")
        #expect(result.status == 64 && result.output.isEmpty)
        #expect(
            result.errors == """
                gatewayctl: unknown word 'destport'
                  proto tcp and destport 53
                                ^^^^^^^^

                """)
    }

    @Test func routes() throws {
        let server = try TestServer()
        #expect(
            try run(server, "routes").output == """
                PREFIX           VIA                  SOURCE     COST      AGE
                0.0.0.0/0        wan via 203.0.113.1  static     [1/0]     -
                10.30.0.0/16     wan via 203.0.113.9  ospf       [110/20]  4m
                192.168.50.0/24  lan                  connected  [0/0]     -
                3 of 3 routes match

                """)
        #expect(try run(server, "ro", "10.0.0.0/8", "--no-header").lines.count == 1)
        #expect(try run(server, "routes", "10.1.0.0/8").status == 64)
        #expect(
            try run(server, "routes", "get", "10.30.4.5").output == """
                10.30.4.5 -> wan, next hop 10.0.12.2 (02:00:5e:00:53:02), MTU 9000
                  by 10.30.0.0/16 ospf [110/20], learned 4m ago from 10.255.0.2
                  also known: 0.0.0.0/0 static [1/0] via 203.0.113.1 (shorter prefix)

                """)
        #expect(try run(server, "routes", "get", "10.30.4").status == 64)
    }

    @Test func rip() throws {
        let server = try TestServer()
        let status = try run(server, "rip").output
        #expect(status.contains("wan   up    1     poison-reverse  md5 key 7"))
        #expect(status.contains("wan: 3 rip.auth_key: No such key."))
        #expect(status.contains("4 routes, 1 of them unreachable, 3 announcements kept"))
        let neighbors = try run(server, "rip", "neighbors", "--no-header").output
        #expect(neighbors.hasPrefix("203.0.113.9  wan  up  7s ago  2  3  0  1"), "\(neighbors)")
        let routes = try run(server, "rip", "routes").output
        #expect(routes.contains("10.40.0.0/16  3       *203.0.113.9 wan [3]  77"), "\(routes)")
        #expect(try run(server, "rip", "rutes").status == 64)
        #expect(try run(server, "rip", "routes", "-o", "json").output.contains("\"tag\":77"))
    }

    @Test func bfd() throws {
        let server = try TestServer()
        let output = try run(server, "bfd").output
        let row = "203.0.113.9  wan   Up     1m15s  static, ospf  50ms   1s     1.5ms"
        #expect(output.contains(row), "\(output)")
        #expect(output.contains("120       130   control detection time expired"), "\(output)")
        #expect(output.contains("wan: 2 bfd.ttl: Too far."))
        let json = try run(server, "bfd", "-o", "json").output
        #expect(json.contains("\"detection_microseconds\":1500"), "\(json)")
    }

    @Test func ospf() throws {
        let server = try TestServer()
        let status = try run(server, "ospf").output
        #expect(status.contains("wan   Backup  0.0.0.0  10    1 of 2  120       130"), "\(status)")
        #expect(status.contains("wan: 4 ospf.area: Another area."))
        #expect(status.contains("router 203.0.113.2 (area border router, AS boundary router)"))
        let fault = "203.0.113.8 wan: it has this link in area 0.0.0.1, we have it in area 0.0.0.0"
        let neighbors = try run(server, "ospf", "neighbors", "--no-header").output
        #expect(neighbors.contains("9.9.9.9  203.0.113.9  wan  Full  DR  1  37s"), "\(neighbors)")
        #expect(status.contains(fault) && neighbors.contains(fault), "\(neighbors)")
        let interfaces = try run(server, "ospf", "interfaces", "--no-header").output
        #expect(interfaces.contains("203.0.113.9  203.0.113.2  250ms  40s  1500  md5 key 7"))
        let database = try run(server, "ospf", "database").output
        #expect(database.contains("network   203.0.113.9  9.9.9.9"), "\(database)")
        #expect(database.contains("203.0.113.2 *") && database.contains("4 of 4 LSAs"))
        let routers = try run(server, "ospf", "database", "router").output
        #expect(routers.contains("area-border, network of 203.0.113.9 cost 10"), "\(routers)")
        #expect(try run(server, "ospf", "database", "rooter").status == 64)
        #expect(try run(server, "ospf", "spf").output.contains("314 µs"))
        let json = try run(server, "ospf", "database", "external", "-o", "json").output
        #expect(json.contains("\"prefix\":\"10.40.0.0/16\""), "\(json)")
        #expect(try run(server, "ospf", "neighbours").status == 64)
    }

    @Test func topology() throws {
        let server = try TestServer()
        #expect(
            try run(server, "topology").output == """
                203.0.113.2 (this gateway, area-border)
                  203.0.113.0/24 cost 10
                  10.1.0.0/16 cost 10
                9.9.9.9
                  203.0.113.0/24 cost 10
                  10.40.0.0/16 outside

                """)
        let drawing = try run(server, "topology", "--as", "dot").output
        #expect(drawing.hasPrefix("graph ospf {\n"))
        #expect(drawing.contains("\"9.9.9.9\" -- \"203.0.113.0/24\" [label=10]"))
        // From left to right: this gateway, its networks, who else is there.
        let picture = try run(server, "topology", "--as", "svg").lines
        #expect(picture.first?.contains("viewBox=\"0 0 690 120\"") == true, "\(picture)")
        #expect(picture.last == "</svg>")
        let places = picture.filter { $0.hasPrefix("<text") && !$0.contains("gray") }
        #expect(
            places == [
                "<text x=\"95\" y=\"40\">203.0.113.2</text>",
                "<text x=\"325\" y=\"40\">10.1.0.0/16</text>",
                "<text x=\"325\" y=\"88\">203.0.113.0/24</text>",
                "<text x=\"555\" y=\"40\">9.9.9.9</text>",
            ])
        #expect(picture.filter { $0.hasPrefix("<line") }.count == 3)
        #expect(picture.filter { $0.contains("lightblue") }.count == 1)
    }

    @Test func interfaces() throws {
        let server = try TestServer()
        #expect(
            try run(server, "if").output == """
                SIDE  DEVICE   STATE  ADDRESSES        MTU   IN          OUT          DROPPED
                lan   tap-lan  up     192.168.50.1/24  1500  9.1 Mbit/s  73.0 Mbit/s  3
                wan   tap-wan  down   203.0.113.2/24   1400  9.1 Mbit/s  73.0 Mbit/s  1

                """)
        let one = try run(server, "interfaces", "wan")
        #expect(one.lines.first == "wan  tap-wan, down" && one.output.contains("namespace  blue"))
        let none = try run(server, "interfaces", "wam")
        #expect(none.status == 64)
        #expect(none.errors.contains("there is no interface 'wam'; did you mean 'wan'?"))
        let brief = try run(server, "interfaces", "-o", "brief").lines
        #expect(brief.first == "lan  tap-lan  up    192.168.50.1/24")
    }

    @Test func natNeighborsDropsVersion() throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        let forwards = try run(server, "nat", "port-forwards").lines
        #expect(
            forwards.last == "nas-https  tcp    203.0.113.2:8443  192.168.50.10:443  anywhere  "
                + "on       2")
        let block = try run(server, "nat", "block", "192.168.50.101")
        #expect(block.output == "192.168.50.101 has 203.0.113.2:26000-26251\n")
        let none = try run(server, "nat", "block", "192.168.50.9")
        #expect(none.status == 1 && none.errors.contains("no block of ports"))
        #expect(
            try run(server, "nat", "who", "203.0.113.2:26007").output == """
                203.0.113.2:26007 is in the block of 192.168.50.101
                tcp 203.0.113.2:26007 leads to 192.168.50.101:40013

                """)
        for wrong in ["203.0.113.2", "203.0.113.2:0", "203.0.113.2:x"] {
            #expect(try run(server, "nat", "who", wrong).status == 64, "\(wrong)")
        }
        let neighbors = try run(server, "arp").lines
        #expect(neighbors[1] == "192.168.50.101  02:00:5e:20:00:10  lan   reachable  12s")
        #expect(try run(server, "neighbors", "flush").output == "5 neighbours forgotten\n")
        #expect(
            try run(server, "neighbors", "flush", "10.0.0.1").output == "1 neighbour forgotten\n")
        #expect(backend.called == ["flush all", "flush 10.0.0.1"])
        #expect(
            try run(server, "drops").output == """
                REASON          SIDE  PACKETS  LAST  MEANS, AND WHAT TO DO
                nat.no_session  wan   41       2s    No session. Normal noise.

                """)
        #expect(
            try run(server, "version").output == "gatewayctl 0.1.0\ngatewayd 9.9.9 (home)\n")
    }

    @Test("Behaviour, limits, pools, hosts, forwards and timers on one page", .row("C-10"))
    func nat() throws {
        let server = try TestServer()
        #expect(
            try run(server, "nat").output == """
                masquerade, mapping endpoint-independent, filtering address-dependent, hairpin on
                behaves as symmetric, preset symmetric
                80 mappings, 126 of 65536 sessions, at most 4096 of one host, 200 new a second

                POOL         PROTO  IN USE  RESTING  TOTAL
                203.0.113.2  tcp    92      4        64512

                HOST            SESSIONS  LIMIT  MAPPINGS  LIMIT
                192.168.50.101  71        4096   64        2048

                FORWARD    PROTO  OUTSIDE           TO                 FROM      HAIRPIN  SESSIONS
                nas-https  tcp    203.0.113.2:8443  192.168.50.10:443  anywhere  on       2

                RULE    FROM               PROTO  ACTION  MAPPING               FILTERING
                guests  192.168.50.128/25  udp    deny    endpoint-independent  address-dependent

                TIMEOUT  AFTER
                udp      5m

                """)
        #expect(try run(server, "nat", "-o", "brief").lines.count == 3)
    }

    @Test("Mappings with their sessions", .row("C-10")) func mappings() throws {
        let server = try TestServer()
        #expect(
            try run(server, "nat", "mappings").output == """
                PROTO  INSIDE                OUTSIDE            SESSIONS  AGE    EXPIRES  \
                RULE       TALKS TO
                tcp    192.168.50.101:40013  203.0.113.2:40013  2         12m4s  2h3m     \
                nas-https  198.51.100.7:443 established, and 1 more
                1 of 80 mappings match

                """)
        let wide = try run(server, "nat", "mappings", "proto", "tcp", "-o", "wide", "--no-header")
        #expect(wide.lines.count == 2 && wide.output.hasSuffix("198.51.100.53:53 replied\n"))
        #expect(try run(server, "nat", "mappings", "destport", "1").status == 64)
        #expect(try run(server, "nat", "mappings", "--limit", "0", "-q").lines.count == 1)
        #expect(try run(server, "nat", "maping").errors.contains("did you mean 'mappings'?"))
    }

    @Test(
        "JSON is passed on as it came",
        arguments: [
            (["status"], "/v1/status"), (["interfaces"], "/v1/interfaces"),
            (["sessions"], "/v1/sessions"), (["sessions", "count"], "/v1/sessions/count"),
            (["sessions", "--summary"], "/v1/sessions/summary"), (["nat"], "/v1/nat"),
            (["nat", "block", "192.168.50.101"], "/v1/nat/block?address=192.168.50.101"),
            (["nat", "who", "203.0.113.2:7"], "/v1/nat/who?address=203.0.113.2&port=7"),
            (["nat", "mappings"], "/v1/nat/mappings"),
            (["routes"], "/v1/routes"),
            (["routes", "get", "10.30.4.5"], "/v1/routes/lookup?address=10.30.4.5"),
            (["neighbors"], "/v1/neighbors"), (["drops"], "/v1/drops"),
            (["version"], "/v1/version"),
        ])
    func json(_ words: [String], _ target: String) throws {
        let server = try TestServer()
        let expected = try server.request("GET", target).text + "\n"
        for option in [["-o", "json"], ["--json"], ["--output=json"]] {
            let result = try gatewayctl(option + ["--socket", server.path] + words)
            #expect(result.output == expected && result.status == 0, "\(result.errors)")
        }
        let rows = try gatewayctl(words + ["-o", "ndjson", "--socket", server.path])
        for line in rows.lines {
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil)
        }
        #expect(rows.status == 0 && !rows.lines.isEmpty)
        if words == ["sessions"] {
            #expect(rows.lines.count == 3 && rows.lines[0].hasPrefix(#"{"id":1,"#))
        } else {
            let conntrack = try gatewayctl(words + ["-o", "conntrack", "--socket", server.path])
            #expect(conntrack.status == 64)
        }
    }

    @Test func reload() throws {
        let backend = FakeBackend()
        let server = try TestServer(backend)
        let asked = try run(server, "reload")
        #expect(asked.status == 64 && asked.errors.contains("say --yes"))
        #expect(
            asked.output
                == """
                home: /etc/gatewayd/home.yaml against the running configuration
                  ~  nat.timeouts.udp        5m -> 3m                       new sessions only
                  +  nat.port-forwards[ssh]  tcp 2222 -> 192.168.50.10:22  live

                """.replacingOccurrences(of: "5m -> 3m   ", with: "5m -> 3m  "))
        let applied = try run(server, "reload", "--yes")
        #expect(applied.status == 0 && applied.lines.last == "applied in 14 ms")
        #expect(backend.called == ["reload false", "reload true"])
        var wrong = FakeBackend.goodReload
        wrong.changes = []
        wrong.errors = 1
        wrong.diagnostics = "home.yaml:5:5: error[E011]: unknown key 'mtv'"
        let broken = try run(TestServer(FakeBackend(reload: wrong)), "reload", "--yes")
        #expect(broken.status == 78 && broken.errors.contains("error[E011]"))
        var refused = FakeBackend.goodReload
        refused.refused = "interfaces.lan.tap needs a restart"
        let restart = try run(TestServer(FakeBackend(reload: refused)), "reload", "--yes")
        #expect(restart.status == 1 && restart.errors.contains("needs a restart"))
        var same = FakeBackend.goodReload
        same.changes = []
        let nothing = try run(TestServer(FakeBackend(reload: same)), "reload")
        #expect(nothing.status == 0 && nothing.output == "nothing to change\n")
    }

    @Test func colourOnlyIfAsked() throws {
        let server = try TestServer()
        #expect(try !run(server, "status").output.contains("\u{1b}"))
        let always = try run(server, "interfaces", "--color", "always").output
        #expect(always.contains("\u{1b}[34mlan\u{1b}[0m"))
        #expect(try run(server, "status", "--color", "blue").status == 64)
    }

    @Test(
        "curl is a client too",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
    func curl() throws {
        let server = try TestServer()
        func curl(_ words: String...) throws -> CommandResult {
            try gatewayctl(
                ["-sS", "-m", "5", "--unix-socket", server.path] + words, program: "/usr/bin/curl")
        }
        let status = try curl("http://gw/v1/status")
        #expect(status.status == 0 && status.output.hasPrefix(#"{"schema":"gatewayd.status/v1""#))
        let list = try curl("http://gw/v1/sessions?filter=proto+tcp", "http://gw/v1/version")
        #expect(list.output.contains(#""matched":1"#) && list.output.contains("9.9.9"))
        let kill = try curl("-d", #"{"filter":"proto tcp"}"#, "http://gw/v1/sessions/kill")
        #expect(kill.output.hasSuffix(#""count":1}"#))
        let chunked = try curl(
            "-H", "Transfer-Encoding: chunked", "-d", "{}", "-w", "%{http_code}",
            "http://gw/v1/reload")
        #expect(chunked.output.hasSuffix("411"))
    }

    @Test("Control characters of the daemon do not reach the terminal")
    func controlCharacters() throws {
        let server = try TestServer(FakeBackend(rules: ["\u{1b}[2Jevil\u{9b}1m"]))
        let result = try run(server, "sessions", "proto tcp", "-o", "wide", "-q")
        #expect(result.output.contains("evil"))
        #expect(!result.output.unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\u{9b}" })
    }
}
