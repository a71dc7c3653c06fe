"""What the operator sees of the translation: rows C-10, C-12."""
import json, signal, socket, time

from lab import *
from programs import shout_udp


def rows_of(text):
    """The columns of a table without titles."""
    return [line.split() for line in text.splitlines()]


@rows("C-10", "C-4", "X-11")
def mappings_sessions_pools_and_hosts(lab):
    gateway = lab.start({"nat": {
        "limits": {"sessions-per-host": 50}, "timeouts": {"icmp": "61s"},
        "port-forwards": [{"name": "shout", "protocol": "udp", "port": 9000, "to": CLI2}]}})
    shout_udp(lab, lab.srv, 7)
    shout_udp(lab, lab.srv2, 7)
    shout_udp(lab, lab.cli2, 9000)
    s = lab.cli1.udp(5000)
    for server in (SRV, SRV2):
        s.sendto(b"x", (server, 7))
        assert s.recv(10) == b"X"
    s = lab.srv.udp()
    s.sendto(b"in", (WAN, 9000))
    assert s.recv(10) == b"IN"
    lab.cli2.ping(SRV)

    [one] = gateway.control.get("/v1/nat/mappings", filter="inside 10.10.0.2:5000")["mappings"]
    assert one["sessions"] == 2 and {peer["remote"] for peer in one["peers"]} == {SRV, SRV2}, one
    assert one["protocol"] == "udp" and one["outside"] == WAN and one.get("rule") is None
    assert all(peer["state"] == "replied" and peer["remote_port"] == 7 for peer in one["peers"])
    assert 295 <= one["expires_seconds"] <= 301, one
    [session] = gateway.sessions(f"inside 10.10.0.2:5000 and remote {SRV}")
    assert (session["packets_out"], session["packets_in"]) == (1, 1), session
    assert session["outside_port"] == one["outside_port"]
    [forwarded] = gateway.control.get("/v1/nat/mappings", filter="rule shout")["mappings"]
    assert (forwarded["inside"], forwarded["outside_port"], forwarded["rule"]) == (CLI2, 9000, "shout")

    # The timer counts down, and a packet winds it up again.
    def left():
        [row] = gateway.sessions("proto icmp")
        return row["expires_seconds"], row["idle_seconds"], row["age_seconds"]
    first = left()
    time.sleep(2.1)
    second = left()
    assert first[0] - 3 <= second[0] <= first[0] - 1 and second[1] >= 2 and second[2] >= 2, (first, second)

    nat = gateway.control.get("/v1/nat")
    hosts = {row["address"]: row for row in nat["hosts"]}
    assert (hosts[CLI1]["sessions"], hosts[CLI1]["mappings"], hosts[CLI1]["limit"]) == (2, 1, 50), hosts
    assert (hosts[CLI2]["sessions"], hosts[CLI2]["mappings"]) == (2, 1), hosts
    assert nat["mappings"] == 3 and nat["sessions"] == 4
    pools = {row["protocol"]: row for row in nat["pools"] if row["address"] == WAN}
    assert pools["udp"]["in_use"] >= 1 and pools["icmp"]["in_use"] == 1 and pools["tcp"]["in_use"] == 0
    assert [row["sessions"] for row in nat["port_forwards"]] == [1]
    assert {row["name"]: row["seconds"] for row in nat["timeouts"]}["icmp"] == 61
    resting = pools["icmp"]["resting"]
    gateway.ctl("sessions", "kill", "proto", "icmp")
    pool = next(row for row in gateway.control.get("/v1/nat")["pools"] if row["protocol"] == "icmp")
    assert (pool["in_use"], pool["resting"]) == (0, resting + 1), "the identifier rests with its last session"

    said = gateway.ctl("nat").stdout
    for words in ("masquerade", "endpoint-independent", "2 mappings", "of one host"):
        assert words in said, said
    for titles in ("POOL", "HOST", "FORWARD", "TIMEOUT"):
        assert any(line.startswith(titles) for line in said.splitlines()), said
    table = rows_of(gateway.ctl("--no-header", "nat", "mappings", "inside", CLI1).stdout)
    assert [row[:4] for row in table] == [["udp", f"{CLI1}:5000", f"{WAN}:{one['outside_port']}", "2"]], table
    wide = gateway.ctl("sessions", "-o", "wide", "rule", "shout").stdout.splitlines()
    assert wide[0].split()[5:8] == ["AGE", "IDLE", "EXPIRES"] and wide[1].split()[-1] == "shout", wide
    status, answer = gateway.control.request("GET", "/v1/nat/mappings?filter=destport+1")
    assert status == 400 and "unknown word" in answer["error"], answer


@rows("C-10", "C-12", "S60")
def watching_sessions(lab):
    gateway = lab.start({"nat": {"port-forwards": [
        {"name": "shout", "protocol": "udp", "port": 9000, "to": CLI2}]}})
    shout_udp(lab, lab.cli2, 9000)
    lab.cli1.ping(SRV)
    words = [f"{BIN}/gatewayctl", "--socket", gateway.socket, "-o", "json", "sessions", "watch"]
    everything = Process(words, lab.file("watch"))
    lab.defer(everything.stop)
    some = Process(words + ["dport", "7", "--count", "2"], lab.file("watch"))
    lab.defer(some.stop)
    # The streams have begun when a session made now is seen.
    def begun():
        lab.cli1.udp().sendto(b"x", (SRV2, 7))
        return everything.output and some.output
    until(begun, 10, "a first event", pause=0.2)
    assert some.poll() is not None or until(lambda: (begun(), some.poll())[1] is not None, 10)
    lines = [json.loads(line) for line in some.output.splitlines()]
    assert len(lines) == 2 and {line["event"] for line in lines} == {"session.created"}, lines
    assert all((line["inside"], line["remote"], line["remote_port"]) == (CLI1, SRV2, 7) for line in lines)

    s = lab.srv.udp()
    s.sendto(b"in", (WAN, 9000))
    assert s.recv(10) == b"IN"
    gateway.ctl("sessions", "kill", "rule", "shout")
    def events():
        return [(line["event"], line["rule"], line["packets_out"], line["packets_in"])
                for line in map(json.loads, everything.output.splitlines())
                if line["inside"] == CLI2 and line["inside_port"] == 9000]
    got = until(lambda: len(events()) == 2 and events(), 5, "made and ended")
    assert [(event, rule) for event, rule, *_ in got] == \
        [("session.created", "shout"), ("session.closed", "shout")], got
    assert got[1][2:] == (1, 1), got
    everything.stop(signal.SIGINT)

    # Destinations are told to who watches and nowhere else.
    log = gateway.process.output
    assert SRV2 not in log and SRV not in log.replace(SRV + "/", ""), log


@rows("S60", "S11", timeout=90)
def a_stuck_watcher_is_cut_off(lab):
    gateway = lab.start({"nat": {"limits": {"ports-per-host": 4096}}})
    stuck = socket.socket(socket.AF_UNIX)
    lab.defer(stuck.close)
    stuck.settimeout(5)
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(gateway.socket)
    stuck.sendall(b"GET /v1/sessions/watch HTTP/1.1\r\nHost: gw\r\n\r\n")
    assert b"200 OK" in stuck.recv(1000)
    shout_udp(lab, lab.srv, 9)
    lab.cli1.ping(SRV)
    # Far more events than fit between the daemon and a client that reads nothing.
    from scapy.layers.inet import IP, UDP
    packet = bytearray(bytes(IP(src=CLI1, dst=SRV) / UDP(sport=1024, dport=9, chksum=0) / b"x"))
    packets = []
    for port in range(1024, 1024 + 4000):
        packet[20:22] = port.to_bytes(2, "big")
        packets.append(bytes(packet))
    for start in range(0, len(packets), 200):
        lab.cli1.send(*packets[start:start + 200])
        time.sleep(0.01)
    until(lambda: gateway.session_count() >= 3000, 10, "sessions")
    lab.cli2.ping(SRV, 5)
    def closed():
        # A full pipe is held for 5 s, then the client is closed; what was on its way can still be read.
        got = b"x"
        stuck.settimeout(0.5)
        try:
            while got:
                got = stuck.recv(1 << 16)
        except TimeoutError:
            return False
        except ConnectionResetError:
            pass
        return True
    time.sleep(6)
    assert closed(), "the client that read nothing is still there"
    s = lab.cli2.udp()
    s.sendto(b"after", (SRV, 9))
    assert s.recv(10) == b"AFTER"
    assert gateway.session_count() >= 3000
