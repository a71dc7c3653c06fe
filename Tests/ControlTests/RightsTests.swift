import Control
import Glibc
import NIOCore
import Testing

@testable import ControlServer

@Suite struct RightsTests {
    private func peers(_ user: UInt32, _ groups: Set<UInt32>) -> Peers {
        Peers(
            credentials: {
                $0.eventLoop.makeSucceededFuture(
                    PeerCredentials(process: 1, user: user, group: 4242))
            }, memberships: { _ in groups }, group: { ["gatewayd": 7, "lookers": 8][$0] })
    }

    @Test(
        "Who may look and who may change",
        arguments: [
            (0, [], 200, 200), (4242, [7], 200, 200), (4242, [8], 200, 403),
            (4242, [7, 8], 200, 200),
            (4242, [], 403, 403), (4242, [9], 403, 403),
        ] as [(UInt32, Set<UInt32>, Int, Int)])
    func rights(_ user: UInt32, _ groups: Set<UInt32>, _ look: Int, _ change: Int) throws {
        let backend = FakeBackend()
        let server = try TestServer(
            backend, rights: ControlRights(group: "gatewayd", readOnlyGroup: "lookers"),
            peers: peers(user, groups))
        let seen = try server.request("GET", "/v1/status")
        #expect(seen.status == look)
        let changed = try server.request("POST", "/v1/neighbors/flush", body: "{}")
        #expect(changed.status == change)
        #expect(backend.called.count == (change == 200 ? 1 : 0))
        if change == 403 {
            #expect(try ControlJSON.decode(ErrorAnswer.self, from: changed.body).code == 77)
        }
    }

    @Test("Groups that do not exist give no rights")
    func missingGroups() throws {
        let rights = ControlRights(group: "nobody-has-this", readOnlyGroup: nil)
        let peer = PeerCredentials(process: 1, user: 4242, group: 4242)
        #expect(rights.access(of: peer, memberships: [4242], peers: .system) == .none)
        #expect(ControlRights().access(of: peer, memberships: [4242], peers: .system) == .none)
    }

    @Test("The system knows who the peer is, and its groups")
    func system() throws {
        #expect(Peers.groupNumber("root") == 0)
        #expect(Peers.groupNumber("no-such-group") == nil)
        let seen = Box<PeerCredentials>()
        let groups = Box<Set<UInt32>>()
        var peers = Peers.system
        peers.memberships = { channel in
            let found = Peers.supplementaryGroups(of: channel)
            groups.set(found)
            return found
        }
        peers.credentials = { channel in
            Peers.system.credentials(channel).map { peer in
                seen.set(peer)
                return peer
            }
        }
        let server = try TestServer(peers: peers)
        #expect(try server.request("GET", "/v1/version").status == 200)
        let peer = try #require(seen.value)
        let count = getgroups(0, nil)
        var own = [gid_t](repeating: 0, count: Int(max(count, 1)))
        let listed = unsafe getgroups(count, &own)
        #expect(groups.value == Set(own.prefix(Int(listed))))
        #expect(peer.user == getuid() && peer.group == getgid() && peer.process == getpid())
    }
}
