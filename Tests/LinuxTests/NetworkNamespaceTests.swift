import Glibc
import Lab
import Linux
import Testing

@Suite(.asRoot)
struct NetworkNamespaceTests {
    private struct Planned: Error {}

    /// The calling thread's namespace, as the kernel names it: `net:[4026531840]`.
    private func identity() -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink("/proc/thread-self/ns/net", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)).map { UInt8($0) }, as: UTF8.self)
    }

    @Test func performsInsideAndComesBack() throws {
        let lab = try Lab()
        let outside = identity()
        let inside = try NetworkNamespace(named: lab.name).perform { identity() }
        #expect(inside != outside)
        #expect(inside.hasPrefix("net:["))
        #expect(identity() == outside)
        let byPath = try NetworkNamespace(named: "/run/netns/\(lab.name)").perform { identity() }
        #expect(byPath == inside)
    }

    @Test func comesBackAfterAnError() throws {
        let lab = try Lab()
        let outside = identity()
        #expect(throws: Planned.self) {
            try NetworkNamespace(named: lab.name).perform { throw Planned() }
        }
        #expect(identity() == outside)
    }

    @Test func nests() throws {
        let first = try Lab()
        let second = try Lab()
        let (before, deep, after) = try first.perform {
            (identity(), try second.perform { identity() }, identity())
        }
        #expect(before == after)
        #expect(deep != before)
    }

    @Test func entersForGood() throws {
        let lab = try Lab()
        let name = lab.name
        let expected = try lab.perform { identity() }
        let found = try onThread { () -> String in
            do {
                try NetworkNamespace(named: name).enter()
            } catch { return "\(error)" }
            return identity()
        }
        #expect(found == expected)
    }

    @Test func holdsTheCurrentOne() throws {
        let lab = try Lab()
        let outside = identity()
        let current = try NetworkNamespace.current()
        let found = try lab.perform { try current.perform { identity() } }
        #expect(found == outside)
    }

    @Test func explainsAMissingNamespace() throws {
        let error = try #require(systemError { try NetworkNamespace(named: "gwlx-none") })
        #expect(
            error.description == "cannot open network namespace gwlx-none: No such file or "
                + "directory; create it with: ip netns add gwlx-none")
        #expect(error.exitStatus == 66)
        let path = try #require(systemError { try NetworkNamespace(named: "/run/gwlx-none") })
        #expect(path.description.hasSuffix("; create it first"))
    }

    @Test(arguments: ["/dev/null", "/etc/hostname", "/proc/self/ns/mnt"])
    func explainsAFileThatIsNoNetworkNamespace(path: String) throws {
        let error = try #require(systemError { try NetworkNamespace(named: path) })
        #expect(error.exitStatus == 66)
        #expect(
            error.description == "cannot open network namespace \(path): \(path) is no network "
                + "namespace; name a file such as /proc/PID/ns/net")
    }

    @Test(arguments: ["", ".", "..", "../x", "a/b"])
    func refusesBadNames(name: String) throws {
        let error = try #require(systemError { try NetworkNamespace(named: name) })
        #expect(error.exitStatus == 78)
        #expect(error.description.contains("\"\(name)\""))
    }

    @Test func explainsAMissingCapability() throws {
        let lab = try Lab()
        let name = lab.name
        let error = try onThread {
            systemError {
                let namespace = try NetworkNamespace(named: name)
                dropCapabilities()
                try namespace.perform { _ = Issue.record("must not run") }
            }
        }
        #expect(
            error?.description == "cannot enter network namespace \(name): Operation not "
                + "permitted; run as root or with CAP_SYS_ADMIN")
        #expect(error?.exitStatus == 77)
    }
}
