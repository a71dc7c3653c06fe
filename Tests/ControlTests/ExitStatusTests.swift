import Control
import Foundation
import Glibc
import NIOCore
import Testing

@testable import ControlServer

@Suite struct ExitStatusTests {
    @Test(
        "Words that make no sense end with 64 and a suggestion",
        arguments: [
            (["statsu"], "unknown command 'statsu'; did you mean 'status'?"),
            (["--json", "sesions"], "unknown command 'sesions'; did you mean 'sessions'?"),
            (["xyzzy"], "unknown command 'xyzzy'; see: gatewayctl help"),
            (["sessions", "cuont"], "unknown word 'cuont'; did you mean 'count'?"),
            (["routes", "gte", "1"], "unknown word 'gte'; did you mean 'get'?"),
            (["nat", "port-forward"], "did you mean 'port-forwards'?"),
            (["neighbors", "flsh"], "did you mean 'flush'?"),
            (["status", "--ouput", "json"], "Did you mean '--output'?"),
            (["status", "extra"], "extra"), (["status", "-w", "0"], "0.1 to 86400 seconds"),
            (["status", "--json", "-o", "wide"], "exclude each other"),
            (["sessions", "--limit", "-5"], "limit"),
            (["sessions", "--summary", "proto"], "no filter"),
            (["help", "statsu"], "did you mean 'status'?"),
            (["help", "E999"], "E999 is not a code"),
            (["help", "nat.no_sesion"], "did you mean 'nat.no_session'?"),
            (["-i", "../etc", "status"], "cannot be the name of a gateway"),
            (["check-config"], "path"),
        ])
    func usage(_ words: [String], _ sentence: String) throws {
        let result = try gatewayctl(words)
        #expect(result.status == 64)
        #expect(result.errors.contains(sentence), "\(result.errors)")
        #expect(result.output.isEmpty)
    }

    @Test(
        "Help is an answer",
        arguments: [
            ([], "sessions"), (["help"], "SUBCOMMANDS"), (["--help"], "check-config"),
            (["help", "sessions"], "ADDR[/LEN][:PORT]"), (["help", "sess", "kill"], "Remove"),
            (["sessions", "--help"], "FILTER"), (["sessions", "count", "-h"], "How many"),
            (["help", "nat.no_session"], "port forward"), (["--version"], "0.1.0"),
        ])
    func help(_ words: [String], _ text: String) throws {
        let result = try gatewayctl(words)
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        #expect(result.output.contains(text), "\(result.output)")
    }

    @Test func daemonNotRunning() throws {
        let none = try gatewayctl(["status", "--socket", "/tmp/no-such-socket"])
        #expect(none.status == 69)
        #expect(
            none.errors == "gatewayctl: gatewayd is not running: nothing answers at "
                + "/tmp/no-such-socket\n")
        let path = "/tmp/ctl-\(getpid())-dead.sock"
        close(try makeSocket(path))
        defer { unsafe _ = unlink(path) }
        #expect(try gatewayctl(["status", "--socket", path]).status == 69)
        let directory = ["GATEWAYD_RUNTIME_DIRECTORY": "/tmp/no-such-directory"]
        let empty = try gatewayctl(["status"], environment: directory)
        #expect(empty.status == 69 && empty.errors.contains("no control socket in /tmp/no-such"))
        let version = try gatewayctl(["version"], environment: directory)
        #expect(version.status == 0 && version.output == "gatewayctl 0.1.0\n")
        #expect(try gatewayctl(["version", "--json"], environment: directory).status == 69)
    }

    @Test func instances() throws {
        let home = try TestServer(instance: "home")
        let environment = ["GATEWAYD_RUNTIME_DIRECTORY": home.directory]
        #expect(try gatewayctl(["sessions", "count"], environment: environment).status == 0)
        // A second one that has died does not count.
        let lab = home.directory + "/lab"
        try FileManager.default.createDirectory(
            atPath: lab, withIntermediateDirectories: true)
        close(try makeSocket(lab + "/control.sock"))
        #expect(try gatewayctl(["sessions", "count"], environment: environment).status == 0)
        let second = ControlServer(
            socket: .path(lab + "/control.sock", mode: 0o600, group: nil),
            rights: ControlRights(), backend: FakeBackend(rows: []), version: "1")
        try second.start()
        defer { second.stop() }
        let both = try gatewayctl(["status"], environment: environment)
        #expect(both.status == 64)
        #expect(
            both.errors
                == "gatewayctl: 2 gateways are running: home, lab; say which with -i NAME\n")
        let named = try gatewayctl(["-i", "lab", "sessions", "count"], environment: environment)
        #expect(named.output == "0\n")
        let chosen = environment.merging(["GATEWAYD_INSTANCE": "home"]) { $1 }
        #expect(try gatewayctl(["sessions", "count"], environment: chosen).output == "3\n")
        let missing = try gatewayctl(["-i", "hoem", "status"], environment: environment)
        #expect(missing.status == 69)
        #expect(missing.errors.contains("gateway 'hoem' is not running; did you mean 'home'?"))
    }

    @Test func noRights() throws {
        var peers = Peers.system
        peers.credentials = {
            $0.eventLoop.makeSucceededFuture(
                PeerCredentials(process: 1, user: 4_000_000, group: 4_000_000))
        }
        let server = try TestServer(peers: peers)
        let result = try gatewayctl(["status", "--socket", server.path])
        #expect(result.status == 77 && result.errors.contains("you have no right"))
    }

    @Test(
        "A socket that may not be opened",
        .enabled(
            if: getuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")))
    func noPermission() throws {
        let server = try TestServer()
        // Others may not read where the tests are built.
        let program = server.directory + "/gatewayctl"
        try FileManager.default.copyItem(atPath: programPath, toPath: program)
        let words = ["--reuid", "65534", "--regid", "65534", "--clear-groups", program, "status"]
        let result = try gatewayctl(
            words + ["--socket", server.path], program: "/usr/bin/setpriv")
        #expect(result.status == 77, "\(result)")
        #expect(result.errors.contains("your user is not in group gatewayd"))
    }

    @Test(
        "What is no gatewayd, or one of another time",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 76, "is not gatewayd"),
            ("SSH-2.0-OpenSSH\r\n\r\n", 76, "is not gatewayd"),
            (
                "HTTP/1.1 200 OK\r\nGatewayd-Version: 7.0\r\nContent-Length: 2\r\n\r\n{}", 76,
                "gatewayctl 0.1.0 and gatewayd 7.0 do not understand each other"
            ),
            (
                "HTTP/1.1 404 Not Found\r\nGatewayd-Version: 0.0.1\r\nContent-Length: 0\r\n\r\n",
                76,
                "gatewayd 0.0.1 do not understand"
            ),
            ("", 75, "closed the connection"),
            ("HTTP/1.1 200 OK\r\nGatewayd-Version: 1\r\nContent-Length: 9\r\n\r\n{", 75, "closed"),
        ])
    func strangers(_ answer: String, _ status: Int32, _ sentence: String) throws {
        let server = try CannedServer(answer)
        let result = try gatewayctl(["status", "--socket", server.path])
        #expect(result.status == status, "\(result)")
        #expect(result.errors.contains(sentence), "\(result.errors)")
    }

    @Test func schemaOfAnotherVersion() throws {
        let body = #"{"schema":"gatewayd.kill/v2","instance":"home","count":1}"#
        let server = try CannedServer(
            "HTTP/1.1 200 OK\r\nGatewayd-Version: 2.0\r\nContent-Length: \(body.utf8.count)"
                + "\r\n\r\n\(body)")
        let result = try gatewayctl(["sessions", "kill", "proto tcp", "--socket", server.path])
        #expect(result.status == 76)
    }

    @Test func noAnswerInTime() throws {
        let server = try CannedServer(nil)
        let start = ProcessInfo.processInfo.systemUptime
        let result = try gatewayctl(["status", "--socket", server.path])
        #expect(result.status == 75 && result.errors.contains("did not answer in time"))
        let time = ProcessInfo.processInfo.systemUptime - start
        #expect(time > 4.5 && time < 15, "\(time) s")
    }

    @Test func interruptedWatch() throws {
        let server = try TestServer()
        let result = try gatewayctl(
            [
                "-c",
                "\"$0\" sessions count -w 0.1 --socket \"$1\" & sleep 1.5; kill -INT $!; wait $!",
                programPath, server.path,
            ], program: "/bin/bash")
        // A shell without job control lets its background children ignore SIGINT; ours asks for it.
        #expect(result.status == 130, "\(result)")
        #expect(result.lines.count > 2 && result.lines.allSatisfy { $0 == "3" })
    }

    @Test func brokenPipeIsSilent() throws {
        let rows = (0..<5000).map { _ in FakeBackend.rows[0] }
        let server = try TestServer(FakeBackend(rows: rows))
        let result = try gatewayctl(
            [
                "-c", "\"$0\" sessions --all --socket \"$1\" | head -1; exit ${PIPESTATUS[0]}",
                programPath, server.path,
            ], program: "/bin/bash")
        #expect(result.status == 0 && result.errors.isEmpty && result.lines.count == 1)
    }

    @Test func checkConfig() throws {
        let missing = try gatewayctl(["check-config", "/nonexistent/home.yaml"])
        #expect(missing.status == 66)
        let path = FileManager.default.temporaryDirectory.path + "/gwct-\(getpid()).yaml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "version: 2\n".write(toFile: path, atomically: true, encoding: .utf8)
        let wrong = try gatewayctl(["check-config", path])
        #expect(wrong.status == 78)
        #expect((wrong.output + wrong.errors).contains(path + ":1:10: error["))
        let explained = try gatewayctl(["help", "E031"])
        #expect(explained.status == 0 && explained.output.contains("192.168"))
    }
}
