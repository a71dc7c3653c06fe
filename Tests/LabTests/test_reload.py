"""The session table and the configuration, looked at and changed while traffic flows."""
import time

from lab import *
from programs import *


@rows("T-n2")
def sessions_are_listed_filtered_and_killed(lab):
    gateway = lab.start()
    listener = lab.srv.server(80)
    connections = [lab.cli1.connect((SRV, 80)) for _ in range(5)]
    servers = [listener.accept()[0] for _ in connections]
    lab.cli2.udp(7001).sendto(b"x", (SRV2, 53))
    lab.cli2.ping(SRV)
    for filter, count in (("proto tcp", 5), ("proto tcp and dport 80", 5), ("proto udp", 1), ("proto icmp", 1),
                          (f"inside {CLI2}", 2), (f"src {CLI1} or dport 53", 6), ("not proto tcp", 2),
                          ("dport gt 79 and dport lt 81", 5), (f"remote {SRV2}:53", 1), ("state established", 5),
                          ("net 10.10.0.0/24", 7), ("dport 53-80", 6)):
        rows = until(lambda: gateway.sessions(filter), 2, filter)
        assert len(rows) == count, f"{filter}: {len(rows)} instead of {count}"
    assert len(gateway.sessions(limit=3)) == 3
    for filter in ("destport 80", "proto", "dport 99999", "( proto tcp", "src 300.1.2.3"):
        status, answer = gateway.control.request("GET", "/v1/sessions", filter=filter)
        assert 400 <= status < 500 and answer["error"], (filter, status, answer)
        assert gateway.ctl("sessions", *filter.split(), check=False).returncode == 64
    port = connections[0].getsockname()[1]
    gateway.ctl("sessions", "kill", "src", f"{CLI1}:{port}")
    assert len(gateway.sessions("proto tcp")) == 4
    connections[0].sendall(b"late")
    connections[1].sendall(b"alive")
    assert servers[1].recv(10) == b"alive"
    servers[0].settimeout(0.5)
    try:
        assert servers[0].recv(10) != b"late", "a killed session still passes"
    except OSError:
        pass


@rows("S-7", "S-5")
def reload_live(lab):
    gateway = lab.start()
    listener = lab.srv.server(80)
    client = lab.cli1.connect((SRV, 80))
    server, _ = listener.accept()
    def alive():
        client.sendall(b"ping")
        return server.recv(10) == b"ping"
    shout_udp(lab, lab.cli1, 9000)
    shout_udp(lab, lab.cli2, 9000)
    outside = lab.srv.udp()
    outside.settimeout(1)
    def through():
        outside.sendto(b"x", (WAN, 9000))
        try:
            return outside.recv(10) == b"X"
        except TimeoutError:
            return False
    assert not through() and alive()
    forward = {"name": "shout", "protocol": "udp", "port": 9000, "to": CLI1}
    gateway.reload({"nat": {"port-forwards": [forward]}})
    assert through() and alive()
    gateway.reload({"nat": {"port-forwards": [forward | {"to": CLI2}]}})
    assert through() and alive()
    assert {row["inside"] for row in gateway.sessions("rule shout")} == {CLI2}, "moved to the new target"
    gateway.reload({"nat": {"port-forwards": []}})
    assert not through() and alive()
    ids = {row["id"] for row in gateway.sessions("proto tcp")}
    gateway.process.popen.send_signal(1)  # SIGHUP reloads too
    until(lambda: alive(), 3)
    assert ids <= {row["id"] for row in gateway.sessions("proto tcp")}


@rows("S-7")
def a_refused_reload_changes_nothing(lab):
    forward = {"name": "shout", "protocol": "udp", "port": 9000, "to": CLI1}
    gateway = lab.start({"nat": {"port-forwards": [forward]}})
    shout_udp(lab, lab.cli1, 9000)
    outside = lab.srv.udp()
    before = gateway.control.get("/v1/nat")
    for bad in ({"nat": {"port-forwards": [], "mapping": "sideways"}}, {"interfaces": {"lan": {"mtv": 9000}}}):
        keep = gateway.settings
        answer = gateway.reload(bad, check=False)
        assert answer.returncode == 78, (answer.returncode, answer.stdout, answer.stderr)
        assert "lab.yaml:" in answer.stdout + answer.stderr and "error[E" in answer.stdout + answer.stderr
        gateway.settings = keep
        outside.sendto(b"x", (WAN, 9000))
        assert outside.recv(10) == b"X"
        now = gateway.control.get("/v1/nat")
        assert now["port_forwards"] == before["port_forwards"] or now["port_forwards"][0]["name"] == "shout"
    assert gateway.ctl("check-config", gateway.config, check=False).returncode == 78


@rows("C-12")
def sessions_are_logged_where_asked_for(lab):
    gateway = lab.start()
    server = lab.srv.udp(9000)
    lab.cli1.udp(4000).sendto(b"quiet", (SRV, 9000))
    until(lambda: gateway.sessions("dport 9000"), 3, "a session")
    gateway.reload({"log": {"nat-sessions": "all"}})
    lab.cli1.udp(4001).sendto(b"loud", (SRV, 9000))
    until(lambda: "session.created udp 10.10.0.2:4001" in gateway.process.output, 3, "a line")
    gateway.ctl("sessions", "kill", "inside", "port", "4001")
    until(lambda: "session.closed udp 10.10.0.2:4001" in gateway.process.output, 3, "a line")
    assert ":4000 " not in gateway.process.output


@rows("S-5", "S-6", timeout=90)
def changes_reach_running_flows_at_once(lab):
    forward = {"name": "sink", "protocol": "udp", "port": 9000, "to": CLI1}
    gateway = lab.start({"nat": {"port-forwards": [forward]}})
    old, new = lab.cli1.udp(9000), lab.cli2.udp(9000)
    sender = lab.srv.udp(9001)
    def send(count):
        for _ in range(count):
            sender.sendto(b"x", (WAN, 9000))
            time.sleep(0.1)
    def received(s):
        s.setblocking(False)
        count = 0
        while True:
            try:
                s.recv(10)
                count += 1
            except BlockingIOError:
                return count
    send(5)
    assert received(old) == 5 and received(new) == 0
    gateway.reload({"nat": {"port-forwards": [forward | {"to": CLI2}]}})
    send(10)
    assert received(old) <= 1 and received(new) >= 9
    # A rule that denies the sender stops a transfer within a second.
    listener = lab.srv.server(5201)
    client = lab.cli1.connect((SRV, 5201))
    server, _ = listener.accept()
    last = 0
    def push():
        while True:
            client.sendall(bytes(1 << 16))
    def pull():
        nonlocal last
        while server.recv(1 << 18):
            last = time.monotonic()
    background(lab, push)
    background(lab, pull)
    until(lambda: last, 3, "a transfer")
    time.sleep(0.5)
    assert time.monotonic() - last < 0.3, "the transfer runs"
    gateway.reload({"nat": {"rules": [{"name": "ban", "from": [f"{CLI1}/32"], "action": "deny"}]}})
    denied = time.monotonic()
    time.sleep(2)
    assert last - denied < 1, f"the transfer went on for {last - denied:.1f} s"
    assert not gateway.sessions(f"inside {CLI1}")
    gateway.reload({"nat": {"rules": []}})
    assert lab.cli1.connect((SRV, 5201))
