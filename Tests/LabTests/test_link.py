"""Links that go away, reasons not to start, the control socket, what is left behind."""
import json, os, socket, struct, time

from lab import *


def ends(gateway, status, *words, seconds=10):
    """Proves that the process ends with that status, or one of them, and says all words."""
    gateway.may_end = True
    got = gateway.process.wait(seconds)
    lines = [line for line in gateway.process.output.splitlines() if line.strip()]
    assert got in (status if isinstance(status, tuple) else (status,)), f"status {got}, not {status}\n" + "\n".join(lines)
    for word in words:
        assert any(word in line for line in lines), f"no word of '{word}' in\n" + "\n".join(lines)
    assert not any("Fatal error" in line or "Backtrace" in line for line in lines), "\n".join(lines)
    return lines


def links(namespace):
    return {link["ifname"] for link in json.loads(namespace.ip("-j link show").stdout)}


@rows("F-26")
def recovers_when_the_far_end_comes_back(lab):
    gateway = lab.start()
    listener = lab.srv.server(80)
    client = lab.cli1.connect((SRV, 80))
    server, _ = listener.accept()
    def up(side):
        rows = gateway.control.get("/v1/interfaces")["interfaces"]
        return next(row["up"] for row in rows if row["name"] == side)
    for namespace, device, side in ((lab.lsw, "lan0", "lan"), (lab.wsw, "wan0", "wan")):
        namespace.ip(f"link set {device} down")
        until(lambda: not up(side), 5, f"{side} is seen down")
        assert lab.cli1.run(f"ping -n -c1 -W1 {SRV}", check=False).returncode != 0
        assert gateway.process.poll() is None
        namespace.ip(f"link set {device} up")
        until(lambda: up(side), 5, f"{side} is seen up")
        until(lambda: lab.cli1.ping(SRV, check=False).returncode == 0, 10, "pings after link up")
    client.sendall(b"still here")
    assert server.recv(20) == b"still here"


@rows("S-7")
def a_deleted_tap_is_fatal_and_clear(lab):
    gateway = lab.start()
    lab.lsw.ip("link delete lan0")
    gateway.may_end = True
    status = gateway.process.wait(10)
    assert status > 0, f"status {status}\n{gateway.process.output}"
    lines = [line for line in gateway.process.output.splitlines() if "lan0" in line]
    assert lines, gateway.process.output
    assert "wan0" not in links(lab.wsw), "the other TAP was left"


# Refuses io_uring_setup(2), as some container runtimes do, and becomes the program named.
WITHOUT_RING = """
import ctypes, os, struct, sys
code = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 425, 0x06, 0, 0, 0x50001, 0x06, 0, 0, 0x7fff0000)
held = ctypes.create_string_buffer(code, len(code))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(held)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0, ctypes.get_errno()
os.execvp(sys.argv[1], sys.argv[1:])
"""


@rows()
def works_where_io_uring_is_forbidden(lab):
    gateway = lab.prepare()
    gateway.start(prefix=("python3", "-c", WITHOUT_RING))
    assert lab.cli1.ping(SRV).returncode == 0
    assert "i/o        write (Operation not permitted)" in gateway.ctl("interfaces", "lan").stdout
    gateway.stop()
    gateway.start()
    assert lab.cli1.ping(SRV).returncode == 0
    assert "i/o        io_uring" in gateway.ctl("interfaces", "lan").stdout


@rows("S-7")
def a_tap_in_use(lab):
    gateway = lab.prepare()
    with lab.gw.inside():
        tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"lan0", 0x1002))  # TUNSETIFF
    lab.defer(lambda: os.close(tap))
    gateway.launch()
    ends(gateway, 75, "lan0")
    assert "lan0" in links(lab.gw) and "wan0" not in links(lab.gw) | links(lab.wsw)


@rows("S-7")
def a_missing_namespace(lab):
    gateway = lab.prepare({"interfaces": {"wan": {"netns": "gwlab-nowhere"}}})
    gateway.launch()
    ends(gateway, (66, 78), "gwlab-nowhere")
    assert "lan0" not in links(lab.gw) | links(lab.lsw)


@rows("S-7")
def a_missing_bridge(lab):
    gateway = lab.prepare({"interfaces": {"wan": {"bridge": "br-nowhere"}}})
    gateway.launch()
    ends(gateway, (66, 78), "br-nowhere")
    assert "lan0" not in links(lab.gw) | links(lab.lsw)


@rows("S-7")
def missing_rights(lab):
    gateway = lab.prepare()
    gateway.launch(prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    ends(gateway, 77)


@rows("S-7")
def a_wrong_or_missing_configuration(lab):
    gateway = lab.prepare({"interfaces": {"lan": {"mtv": 9000, "addresses": ["10.10.0.1"]}}})
    gateway.launch()
    lines = ends(gateway, 78, "mtv", "did you mean 'mtu'", "10.10.0.1")
    assert sum("error[E" in line for line in lines) == 2 and any("lab.yaml:" in line for line in lines), lines
    os.unlink(gateway.config)
    gateway.launch()
    ends(gateway, 66, "lab.yaml")
    gateway.launch("--nonsense")
    ends(gateway, 64)


@rows("S-7")
def leaves_nothing_that_it_made(lab):
    gateway = lab.start()
    assert {"lan0"} <= links(lab.lsw) and {"wan0"} <= links(lab.wsw) and not links(lab.gw) & {"lan0", "wan0"}
    link = json.loads(lab.lsw.ip("-d -j link show lan0").stdout)[0]
    assert link["master"] == "br-lan" and link["mtu"] == 1500 and link["txqlen"] == 10000, link
    assert gateway.stop() == 0
    gateway.may_end = True
    assert not links(lab.lsw) & {"lan0"} and not links(lab.wsw) & {"wan0"} and not os.path.exists(gateway.socket)
    # A process that was killed leaves nothing that would keep the next one from starting.
    gateway = lab.start()
    assert gateway.process.stop(9) == -9 and os.path.exists(gateway.socket)
    gateway.start()
    assert "1 received" in lab.cli1.ping(SRV).stdout


@rows("S-7")
def leaves_a_tap_that_it_found(lab):
    lab.gw.ip("tuntap add dev lan0 mode tap")
    lab.defer(lambda: lab.gw.ip("link delete lan0", check=False))
    gateway = lab.start({"interfaces": {"lan": {"netns": None, "bridge": None}}})
    lab.gw.ip("address add 10.10.0.9/24 dev lan0")
    assert lab.gw.run(f"ping -n -c1 -W2 {LAN}").returncode == 0
    assert gateway.stop() == 0
    gateway.may_end = True
    assert "lan0" in links(lab.gw) and "wan0" not in links(lab.wsw)


@rows("S60", timeout=90)
def a_rude_control_client_stalls_nothing(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    rude = []
    for number in range(1000):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(0.2)
        lab.defer(s.close)
        try:
            s.connect(gateway.socket)
            s.sendall((b"GET /v1/status HTTP/1.1\r\nHost: x\r\n", b"GET", b"\0\xff\0\xff", b"")[number % 4])
            rude.append(s)
        except OSError:
            pass
    begin = time.monotonic()
    out = lab.cli1.run(["ping", "-n", "-q", "-i", "0.002", "-c", "500", "-W", "2", SRV]).stdout
    assert "500 received" in out, out
    # Those who send nothing whole are put out, so that others get in.
    until(lambda: gateway.ctl("status", check=False).returncode == 0, 20, "gatewayctl among 1000 clients")
    for s in rude:
        s.close()
    until(lambda: gateway.control.request("GET", "/v1/status")[0] == 200, 5)
    assert time.monotonic() - begin < 40
    assert len(os.listdir(f"/proc/{gateway.process.pid}/fd")) < 100


@rows("S60")
def bad_requests_get_a_sentence(lab):
    gateway = lab.start()
    def raw(text):
        s = socket.socket(socket.AF_UNIX)
        lab.defer(s.close)
        s.settimeout(5)
        s.connect(gateway.socket)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(text)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := s.recv(65536):
                answer += part
                if b"\r\n\r\n" in answer and b"ontent-" in answer:
                    break
        return int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else None
    host = b"Host: x\r\nConnection: close\r\n"
    for text in (b"nonsense\r\n\r\n", b"GET /v1/nothing HTTP/1.1\r\n" + host + b"\r\n", b"PUT /v1/status HTTP/1.1\r\n" + host + b"\r\n",
                 b"GET /../../etc/passwd HTTP/1.1\r\n" + host + b"\r\n",
                 b"GET /v1/sessions?limit=-1 HTTP/1.1\r\n" + host + b"\r\n",
                 b"GET /v1/status HTTP/1.1\r\n" + host + b"X: " + b"y" * 20000 + b"\r\n\r\n",
                 b"POST /v1/reload HTTP/1.1\r\n" + host + b"Content-Length: 99999999\r\n\r\n"):
        status = raw(text)
        assert status is None and text.startswith(b"nonsense") or 400 <= status < 500, (text[:60], status)
    for method, path in (("GET", "/v1/nothing"), ("POST", "/v1/status"), ("GET", "/v1/sessions?limit=many")):
        status, answer = gateway.control.request(method, path)
        assert 400 <= status < 500 and answer["error"], (method, path, status, answer)
    status = os.stat(gateway.socket)
    assert oct(status.st_mode & 0o777) == "0o660", oct(status.st_mode)


@rows("S60", "U-5b", "U-5c", "T-5", "I-2")
def answers_of_every_kind(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    for noun in ("status", "interfaces", "sessions", "nat", "routes", "neighbors", "drops", "version"):
        answer = gateway.control.get(f"/v1/{noun}")
        assert answer["schema"] == f"gatewayd.{noun}/v1", answer["schema"]
        assert gateway.ctl(noun).stdout.strip(), noun
        assert json.loads(gateway.ctl(noun, "-o", "json").stdout)["schema"] == answer["schema"]
    timeouts = {row["name"]: row["seconds"] for row in gateway.control.get("/v1/nat")["timeouts"]}
    assert timeouts["udp"] >= 300 and timeouts["tcp-established"] >= 7440 and timeouts["icmp"] >= 60, timeouts
    assert timeouts["tcp-transitory"] >= 240, timeouts
    assert gateway.ctl("check-config", gateway.config).returncode == 0
    assert gateway.ctl("routes", "get", FAR).stdout.startswith(FAR)
    lab.cli1.ping(SRV)
    known = gateway.neighbors()[SRV]
    found = gateway.control.get("/v1/routes/lookup", address=SRV)
    assert found["neighbor"]["hardware"] == known["hardware"], (found, known)
    assert gateway.ctl("nonsense", check=False).returncode == 64
    assert gateway.neighbors()[CLI1]["state"] == "reachable"
    gateway.ctl("neighbors", "flush")
    assert CLI1 not in gateway.neighbors()
    assert "1 received" in lab.cli1.ping(SRV).stdout
    curl = sh(["curl", "-sS", "--unix-socket", gateway.socket, "http://gw/v1/version"])
    assert json.loads(curl.stdout)["instance"] == "lab"
    missing = sh([f"{BIN}/gatewayctl", "--socket", "/tmp/gwlab-nothing.sock", "status"], check=False)
    assert missing.returncode == 69, (missing.returncode, missing.stderr)


@rows()
def setting_a_device_up_is_no_event(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    assert "link.changed" not in gateway.process.output, gateway.process.output
