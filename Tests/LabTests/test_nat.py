"""Translation with real kernels, programs and servers: rows U-*, T-*, I-*, C-* of the list."""
import asyncio, random, socket, time

from lab import *
from programs import *
from scapy.layers.inet import ICMP, IP, UDP


@rows("U-3", "T-7")
def two_hosts_from_one_port_at_once(lab):
    gateway = lab.start()
    listener, datagrams = lab.srv.server(80), lab.srv.udp(80)
    clients = [host.connect((SRV, 80), port=26145) for host in (lab.cli1, lab.cli2)]
    accepted = dict(reversed(listener.accept()) for _ in clients)
    assert {address for address, _ in accepted} == {WAN} and len(accepted) == 2, accepted
    for number, client in enumerate(clients):
        client.sendall(b"client %d" % number)
    for server in accepted.values():
        server.sendall(b"for " + server.recv(100))
    assert [client.recv(100) for client in clients] == [b"for client 0", b"for client 1"]
    senders = []
    sockets = [host.udp(26145) for host in (lab.cli1, lab.cli2)]
    for number, s in enumerate(sockets):
        s.sendto(b"client %d" % number, (SRV, 80))
    for _ in sockets:
        data, sender = datagrams.recvfrom(100)
        senders.append(sender)
        datagrams.sendto(b"for " + data, sender)
    assert [s.recv(100) for s in sockets] == [b"for client 0", b"for client 1"]
    assert len(set(senders)) == 2 and {address for address, _ in senders} == {WAN}, senders
    rows = gateway.sessions("port 80")
    assert sorted((row["protocol"], row["inside"], row["inside_port"]) for row in rows) == [
        (p, c, 26145) for p in ("tcp", "udp") for c in (CLI1, CLI2)], rows
    assert {(WAN, row["outside_port"]) for row in rows if row["protocol"] == "tcp"} == set(accepted)


@rows("U-1", "T-1", "I-1a")
def one_endpoint_keeps_its_outside_port(lab):
    lab.start()
    inside = lab.cli1.udp(5000)
    servers = [lab.srv.udp(7000, SRV), lab.srv.udp(7000, SRV_B), lab.srv.udp(7001, SRV), lab.srv2.udp(7000)]
    seen = set()
    for server in servers:
        to = server.getsockname()
        inside.sendto(b"x", (SRV2 if to[0] == "0.0.0.0" else to[0], to[1]))
        seen.add(server.recvfrom(10)[1])
    assert len(seen) == 1, seen
    listeners = [lab.srv.server(80, SRV), lab.srv.server(80, SRV_B)]
    lab.cli1.connect((SRV, 80), port=41000), lab.cli1.connect((SRV_B, 80), port=41000)
    peers = {listener.accept()[1] for listener in listeners}
    assert len(peers) == 1, peers
    queries = lab.srv.capture("icmp[icmptype] == icmp-echo")
    lab.cli1.ping(LAN)
    for to in (SRV, SRV_B):
        lab.cli1.send(IP(src=CLI1, dst=to) / ICMP(id=7) / b"query")
    until(lambda: len(queries.incoming()) == 2, what="two queries")
    assert len({p[ICMP].id for p in queries.packets()}) == 1


@rows("I-1")
def two_hosts_with_one_query_identifier(lab):
    lab.start()
    hosts = (lab.cli1, lab.cli2)
    answers = [host.capture("icmp[icmptype] == icmp-echoreply") for host in hosts]
    for host in hosts:
        host.ping(SRV)
        host.send(IP(src=host.address, dst=SRV) / ICMP(id=7, seq=9) / host.short.encode())
    for host, capture in zip(hosts, answers):
        got = capture.wait(lambda p: p[ICMP].id == 7)
        assert bytes(got[ICMP].payload) == host.short.encode() and got[IP].src == SRV


@rows("U-1")
def uppercase_by_udp(lab):
    lab.start()
    shout_udp(lab, lab.srv, 9000)
    s = lab.cli1.udp()
    s.connect((SRV, 9000))
    for text in (b"", b"a", b"hello", b"x" * 1472):
        s.send(text)
        assert s.recv(2000) == text.upper()


@rows("T-2")
def uppercase_by_tcp_with_half_close(lab):
    lab.start()
    shout_tcp(lab, lab.srv, 9000)
    for size in (0, 1, 1000, 300_000):
        s = lab.cli1.connect((SRV, 9000))
        s.sendall(b"q" * size)
        s.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        assert read_all(s) == b"Q" * size
    gateway = lab.gateway
    states = until(lambda: {r["state"] for r in gateway.sessions("proto tcp")}, 3, "tcp sessions")
    assert "established" not in states, states


@rows("T-2", "S-4", timeout=90)
def a_thousand_connections_at_once(lab):
    gateway = lab.start()
    count = 1000
    listener = lab.srv.server(9000, backlog=4096)
    lab.srv.run("sysctl -qw net.core.somaxconn=4096")
    with lab.cli1.inside():
        sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.setblocking(False)
        lab.defer(s.close)
    listener.setblocking(False)
    peers = set()

    async def serve(reader, writer):
        peers.add(writer.get_extra_info("peername"))
        data = await reader.read()
        writer.write(data.upper())
        await writer.drain()
        writer.close()

    async def ask(number, s, ready, go):
        loop = asyncio.get_running_loop()
        await loop.sock_connect(s, (SRV, 9000))
        ready.append(number)
        await go.wait()
        await loop.sock_sendall(s, b"client %d" % number)
        s.shutdown(socket.SHUT_WR)
        data = b""
        while part := await loop.sock_recv(s, 4096):
            data += part
        assert data == b"CLIENT %d" % number, data

    async def main():
        server = await asyncio.start_server(serve, sock=listener, backlog=4096)
        ready, go = [], asyncio.Event()
        tasks = [asyncio.create_task(ask(n, s, ready, go)) for n, s in enumerate(sockets)]
        while len(ready) < count:
            await asyncio.sleep(0.02)
            failed = [t for t in tasks if t.done()]
            assert not failed, failed[0].exception()
        open_now = [row for row in gateway.sessions("proto tcp and dport 9000", limit=5000)
                    if row["state"] == "established"]
        go.set()
        await asyncio.gather(*tasks)
        server.close()
        return len(open_now)

    assert asyncio.run(asyncio.wait_for(main(), 60)) == count
    assert len(peers) == count and {address for address, _ in peers} == {WAN}


@rows("T-2")
def http_persistent_and_not(lab):
    lab.start()
    directory = nginx(lab, lab.srv, SRV)
    urls = " ".join(f"http://{SRV}/{n}" for n in range(10))
    got = lab.cli1.run(f"curl -sS --max-time 10 -w '%{{num_connects}}\n' {urls}").stdout.split("\n")
    assert got[0::2][:10] == [f"page {n}" for n in range(10)] and got[1::2] == ["1"] + ["0"] * 9, got
    got = lab.cli1.run(f"curl -sS --max-time 10 -H 'Connection: close' -w '%{{num_connects}}\n' {urls}").stdout
    assert got.split("\n")[1::2] == ["1"] * 10, got
    assert visitors(directory, 20) == [WAN] * 20, set(visitors(directory))


@rows("T-2", "S-3", timeout=180)
def a_large_file_each_way(lab):
    lab.start()
    size = 100 << 20 if QUICK else 1 << 30
    listener = lab.srv.server(80)
    client = lab.cli1.connect((SRV, 80))
    server, _ = listener.accept()
    for one, other in ((client, server), (server, client)):
        sent, got = transfer(lab, one, other, size)
        assert sent == got


@rows("U-14", "F-18")
def large_datagrams_each_way(lab):
    lab.start()
    shout_udp(lab, lab.srv, 9000)
    s = lab.cli1.udp()
    s.connect((SRV, 9000))
    for size in (20_000, 1473, 8000, 65_507):
        text = bytes(random.choices(b"abcdefgh", k=size))
        s.send(text)
        assert s.recv(65536) == text.upper(), size


@rows("U-14", "D-1", "D-9")
def fragments_in_any_order_and_with_one_identification(lab):
    lab.start()
    server = lab.srv.udp(9000)
    whole, pieces = {}, []
    for host in (lab.cli1, lab.cli2):
        host.ping(SRV)
        payload = whole[host.address] = random.randbytes(4000)
        datagram = bytes(UDP(sport=1234, dport=9000) / payload)
        packet = IP(src=host.address, dst=SRV) / UDP(sport=1234, dport=9000) / payload
        datagram = bytes(packet)[20:]
        cuts = [datagram[n:n + 1000] for n in range(0, len(datagram), 1000)]
        pieces.append([IP(src=host.address, dst=SRV, id=77, proto=17, frag=n * 125,
                          flags="MF" if n < len(cuts) - 1 else 0) / cut for n, cut in enumerate(cuts)])
    for first, second in zip(reversed(pieces[0]), reversed(pieces[1])):
        lab.cli1.send(first)
        lab.cli2.send(second)
    got = {server.recvfrom(65536)[0] for _ in whole}
    assert got == set(whole.values()), "the datagrams were mixed"


@rows("T-3", "S-2")
def port_forwards(lab):
    gateway = lab.start({"nat": {"port-forwards": [
        {"name": "web", "protocol": "tcp", "port": 8080, "to": f"{CLI1}:80"},
        {"name": "game", "protocol": ["tcp", "udp"], "port": "27015-27017", "to": CLI2},
        {"name": "one", "protocol": "udp", "port": 500, "to": f"{CLI1}:500", "from": [f"{SRV2}/32"]}]}})
    directory = nginx(lab, lab.cli1, CLI1)
    assert lab.srv.run(f"curl -sS --max-time 5 http://{WAN}:8080/3").stdout == "page 3\n"
    assert visitors(directory) == [SRV], "the inside server sees the real client"
    assert [row["rule"] for row in gateway.sessions("rule web")] == ["web"]
    shout_udp(lab, lab.cli2, 27016)
    for host in (lab.srv, lab.srv2):
        s = host.udp()
        s.sendto(b"play", (WAN, 27016))
        assert s.recvfrom(10) == (b"PLAY", (WAN, 27016))
    shout_udp(lab, lab.cli1, 500)
    s = lab.srv2.udp()
    s.sendto(b"ike", (WAN, 500))
    assert s.recv(10) == b"IKE"
    with gateway.dropping("nat.forward_source", "wan"):
        lab.srv.udp().sendto(b"ike", (WAN, 500))
    with gateway.dropping("nat.no_session", "wan"):
        lab.srv.udp().sendto(b"play", (WAN, 27018))


@rows("U-9", "U-9a", "T-8")
def hairpin(lab):
    lab.start({"nat": {"port-forwards": [{"name": "web", "protocol": "tcp", "port": 8080, "to": f"{CLI2}:80"},
                                         {"name": "shout", "protocol": "udp", "port": 9000, "to": CLI2}]}})
    directory = nginx(lab, lab.cli2, CLI2)
    for number, host in enumerate((lab.cli1, lab.cli2)):
        assert host.run(f"curl -sS --max-time 5 http://{WAN}:8080/1").stdout == "page 1\n"
        assert visitors(directory, number + 1)[-1] == WAN, visitors(directory)
    shout_udp(lab, lab.cli2, 9000)
    s = lab.cli1.udp()
    s.sendto(b"me", (WAN, 9000))
    assert s.recvfrom(10) == (b"ME", (WAN, 9000))
    # Without a forward: two mappings made by traffic to the outside find each other.
    one, other = lab.cli1.udp(6001), lab.cli2.udp(6002)
    outside = {}
    server = lab.srv.udp(9)
    for s in (one, other):
        s.sendto(b"x", (SRV, 9))
        outside[s] = server.recvfrom(10)[1]
    one.sendto(b"hello", outside[other])
    other.sendto(b"hello", outside[one])
    one.sendto(b"again", outside[other])
    assert one.recvfrom(10) == (b"hello", outside[other])
    # What was sent before the other side had sent may have been filtered.
    assert until(lambda: other.recvfrom(10) == (b"again", outside[one]), 2)


def discover(host, *options):
    """What turnutils_natdiscovery says about a host's NAT."""
    return host.run(["turnutils_natdiscovery", *options, SRV], timeout=60).stdout


FILTERINGS = {"endpoint-independent": "Endpoint Independent Filtering", "address-dependent": "Address Dependent Filtering",
              "address-and-port-dependent": "Address and Port Dependent Filtering"}


def behaviour(lab, filtering):
    gateway = lab.start({"nat": {"filtering": filtering}})
    lab.srv.spawn(["turnserver", "-n", "-L", SRV, "-L", SRV_B, "-p", "3478", "--alt-listening-port", "3479",
                   "--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout", "--pidfile",
                   lab.file("turn.pid"), "--db", lab.file("turn.db")])
    probe = lab.srv2.udp()
    probe.settimeout(0.1)
    def answered():
        probe.sendto(bytes.fromhex("00010000" "2112a442") + b"probe of lab", (SRV, 3478))
        try:
            return probe.recv(1000)
        except OSError:
            return None
    until(answered, 15, "turnserver")
    def check(when, *options):
        said = discover(lab.cli2, "-m", "-f", *options)
        assert "NAT with Endpoint Independent Mapping!" in said, f"{when}: {said}"
        assert f"NAT with {FILTERINGS[filtering]}!" in said, f"{when}: {said}"
    check("before")
    if filtering == "endpoint-independent":  # the program's second socket is a stranger to the first
        said = discover(lab.cli2, "-H")
        assert "Received a request (maybe a successful hairpinning)" in said, said
    # Another host holds port 40000 towards one of the server's two addresses only.
    lab.cli1.udp(40000).sendto(b"mine", (SRV_B, 9))
    until(lambda: gateway.sessions(f"src {CLI1} and proto udp"), 3, "a session of the other host")
    check("with the port held by another host", "-L", CLI2, "-l", "40000")


@rows("U-1", "U-8", "U-9", "U-11", timeout=90)
def behaviour_endpoint_independent(lab):
    behaviour(lab, "endpoint-independent")


@rows("U-1", "U-8", "U-9", "U-11", timeout=90)
def behaviour_address_dependent(lab):
    behaviour(lab, "address-dependent")


@rows("U-1", "U-8", "U-9", "U-11", timeout=90)
def behaviour_address_and_port_dependent(lab):
    behaviour(lab, "address-and-port-dependent")


@rows("U-12b", "I-4", "I-6", "U-12")
def unreachable_comes_back_to_the_host(lab):
    gateway = lab.start()
    s = lab.cli1.udp(5555)
    s.connect((SRV, 9))
    back = lab.cli1.capture("icmp")
    s.send(b"anyone there")
    try:
        s.recv(10)
        raise AssertionError("no ECONNREFUSED")
    except ConnectionRefusedError:
        pass
    error = back.wait(lambda p: p[ICMP].type == 3 and p[ICMP].code == 3)
    quoted = IP(bytes(error[ICMP].payload))
    assert (quoted.src, quoted.sport, quoted.dst, quoted.dport) == (CLI1, 5555, SRV, 9)
    assert internet_sum(bytes(quoted)[:20]) == 0 and internet_sum(bytes(error[ICMP])) == 0
    assert error[IP].src == SRV
    assert [row["inside_port"] for row in gateway.sessions("proto udp and dport 9")] == [5555], "the session lives on"


@rows("I-5")
def unreachable_from_inside_leaves_with_the_outside_address(lab):
    lab.start({"nat": {"port-forwards": [{"name": "closed", "protocol": "udp", "port": 7777, "to": CLI1}]}})
    s = lab.srv.udp()
    s.connect((WAN, 7777))
    back = lab.srv.capture("icmp")
    s.send(b"x")
    error = back.wait(lambda p: p[ICMP].type == 3)
    quoted = IP(bytes(error[ICMP].payload))
    assert (error[IP].src, quoted.dst, quoted.dport) == (WAN, WAN, 7777), error.show(dump=True)


@rows("S-2", "I-4", "S04")
def stray_errors_and_packets_are_dropped_by_name(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    lab.srv.ping(WAN)
    seen = lab.cli1.capture("not arp")
    quote = IP(src=WAN, dst=SRV) / UDP(sport=3333, dport=9)
    before = gateway.session_count()
    with gateway.dropping("nat.error_unmatched", "wan"):
        lab.srv.send(IP(src=SRV, dst=WAN) / ICMP(type=3, code=1) / quote)
    for packet in (IP(src=SRV, dst=WAN) / UDP(sport=9, dport=3333), IP(src=SRV, dst=WAN) / ICMP(type=0, id=999)):
        with gateway.dropping("nat.no_session", "wan"):
            lab.srv.send(packet)
    refused = lab.srv.socket()
    refused.settimeout(1)
    with gateway.dropping("nat.no_session", "wan"):
        try:
            refused.connect((WAN, 22))
            raise AssertionError("port 22 answered")
        except TimeoutError:
            pass
    assert not seen.incoming() and gateway.session_count() == before


@rows("C-6")
def plain_router(lab):
    gateway = lab.start({"nat": {"mode": "none"}})
    gateway.shows_inside = True
    lab.srv.ip(f"route add 10.10.0.0/24 via {WAN}")
    lab.defer(lambda: lab.srv.ip("route delete 10.10.0.0/24"))
    listener = lab.srv.server(80)
    lab.cli1.connect((SRV, 80))
    assert listener.accept()[1][0] == CLI1
    inside = lab.cli2.server(80)
    lab.srv.connect((CLI2, 80))
    assert inside.accept()[1][0] == SRV
    assert gateway.session_count() == 0


@rows("C-6")
def destinations_left_untranslated(lab):
    gateway = lab.start({"nat": {"exclude": [f"{SRV2}/32"]}})
    gateway.shows_inside = True
    lab.srv2.ip(f"route add 10.10.0.0/24 via {WAN}")
    lab.defer(lambda: lab.srv2.ip("route delete 10.10.0.0/24"))
    for host, address, sees in ((lab.srv, SRV, WAN), (lab.srv2, SRV2, CLI1)):
        listener = host.server(80)
        lab.cli1.connect((address, 80))
        assert listener.accept()[1][0] == sees


@rows("U-2", "A-13", "C-2")
def pool_of_addresses(lab):
    lab.start({"nat": {"mode": "pool", "pool": {"addresses": ["198.51.100.16-198.51.100.17", "198.51.100.20"]}}})
    server, listener = lab.srv.udp(9000), lab.srv.server(80)
    for host in (lab.cli1, lab.cli2):
        outside = set()
        for _ in range(20):
            host.udp().sendto(b"x", (SRV, 9000))
            outside.add(server.recvfrom(10)[1][0])
        host.connect((SRV, 80))
        outside.add(listener.accept()[1][0])
        assert len(outside) == 1 and outside <= {"198.51.100.16", "198.51.100.17", "198.51.100.20"}, outside
    for address in ("198.51.100.16", "198.51.100.20"):
        out = lab.srv.run(f"/usr/bin/arping -c 1 -w 2 -I eth0 {address}", check=False).stdout
        assert WAN_MAC.upper() in out, out
    out = lab.srv.run("/usr/bin/arping -c 1 -w 1 -I eth0 198.51.100.18", check=False).stdout
    assert "Received 0" in out, out


@rows("C-4", "S10")
def host_limit(lab):
    gateway = lab.start({"nat": {"limits": {"sessions-per-host": 50}}})
    server = lab.srv.udp(9000)
    hog = [lab.cli1.udp() for _ in range(60)]
    # Both neighbours have to be known, or a burst overruns the queue of what waits for them.
    lab.cli1.ping(LAN)
    lab.srv.ping(WAN)
    with gateway.dropping("nat.host_limit", "lan", 10):
        for s in hog[:50]:
            # What is not answered would go for the next one.
            s.sendto(b"x", (SRV, 9000))
            server.sendto(b"y", server.recvfrom(10)[1])
            assert s.recv(10) == b"y"
        for s in hog[50:]:
            s.sendto(b"x", (SRV, 9000))
    assert len(gateway.sessions(f"src {CLI1}")) == 50
    other = lab.cli2.udp()
    other.sendto(b"y", (SRV, 9000))
    until(lambda: server.recvfrom(10)[0] == b"y", 3, "the other host's packet")
    hog[0].sendto(b"old", (SRV, 9000))
    until(lambda: server.recvfrom(10)[0] == b"old", 3, "an old session of the busy host")
