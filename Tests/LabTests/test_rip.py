"""RIP with FRR on the WAN and BIRD on the LAN: routes both ways, traffic by them, withdrawal,
authentication, bursts."""
import os, socket, struct, time

from lab import *
from peers import *

#: Memory a learned route may take.
MOST_OCTETS = 250 if "release" in BIN else 330
WAN_NET = "198.51.100.0/24"
TIMERS = {"update": "5s", "timeout": "12s", "garbage": "5s"}


def configuration(lan=None, wan=None, **more):
    return {"routes": None, "nat": {"mode": "none"},
            "rip": {"interfaces": {"lan": lan or {}, "wan": wan or {}}, "timers": TIMERS, **more}}


def rip_drops(gateway):
    return {drop["reason"]: drop["count"] for row in gateway.control.get("/v1/rip")["interfaces"]
            for drop in row["drops"]}


@rows("RIP-PKT-3", "RIP-IN-2", "RIP-IN-7", "RIP-SH-2", "RIP-TMO-3", "RIP-TRG-1")
def frr_and_bird_through_the_gateway(lab):
    inner_network(lab)
    gateway = lab.start(configuration())
    capture = Capture(lab.wsw, "wan0", "udp port 520")
    frr(lab, lab.r1)
    bird(lab, lab.cli2)
    until(lambda: learned(gateway, OUTER) == (R1, 2), 10, "a route from FRR")
    until(lambda: learned(gateway, INNER) == (CLI2, 2), 10, "a route from BIRD")
    until(lambda: kernel(lab.r1, INNER) == WAN, 10, "BIRD's route in FRR")
    until(lambda: kernel(lab.r1, "10.10.0.0/24") == WAN, 10, "our network in FRR")
    until(lambda: kernel(lab.cli2, OUTER) == LAN, 10, "FRR's route in BIRD")
    # Traffic by these routes, both ways.
    lab.cli2.ping(FAR, 2, "-I", INNER_HOST)
    hops = lab.cli2.run(f"traceroute -n -q1 -w2 -s {INNER_HOST} {FAR}").stdout.splitlines()[1:]
    assert [line.split()[1] for line in hops] == [LAN, R1, FAR], hops
    # What is on the wire.
    ours = [p for p in capture.packets() if p["IP"].src == WAN and p["IP"].dst == "224.0.0.9"]
    assert ours and all(p["IP"].ttl == 1 and p.dst == "01:00:5e:00:00:09" and p["UDP"].sport == 520
                        for p in ours)
    shown = gateway.ctl("rip", "routes").stdout
    assert INNER in shown and CLI2 in shown, shown
    assert R1 in gateway.ctl("rip", "neighbors").stdout
    assert "poison-reverse" in gateway.ctl("rip").stdout
    # A second neighbour is kept in mind, and the answer says why it is not used.
    spare = lab.srv.udp(520)
    outer = socket.inet_aton(OUTER.split("/")[0]) + socket.inet_aton("255.255.255.0")
    spare.sendto(b"\x02\x02\x00\x00\x00\x02\x00\x00" + outer + struct.pack("!II", 0, 5), (WAN, 520))
    def known():
        return gateway.ctl("routes", "get", FAR).stdout
    until(lambda: f"[120/6] via {SRV}" in known(), 3, "the other way")
    assert f"learned from {R1}" in known() and "lower metric" in known(), known()
    # A static route is preferred, and the answer says why.
    gateway.reload({"routes": [{"to": OUTER, "via": R1}]})
    why = gateway.ctl("routes", "get", FAR).stdout
    assert "static" in why and "rip" in why and "lower distance" in why, why
    gateway.reload({"routes": None})
    until(lambda: learned(gateway, OUTER) == (R1, 2), 5, "RIP's route again")
    # A withdrawn network is told as unreachable and is gone at the other end.
    lab.cli2.ip("link set stub0 down")
    until(lambda: learned(gateway, INNER) is None, 10, "the withdrawal")
    until(lambda: kernel(lab.r1, INNER) is None, 10, "the withdrawal in FRR")
    assert "unreachable" in gateway.ctl("rip", "routes").stdout
    log = gateway.process.output
    assert f"rip: neighbor {R1} on wan is up" in log and f"{INNER} is not reachable any more" in log, log
    # A link that goes down takes its routes along; what it led to is gone on the other side.
    lab.wsw.ip("link set wan0 down")
    until(lambda: learned(gateway, OUTER) is None, 5, "the loss of the WAN")
    until(lambda: kernel(lab.cli2, OUTER) is None, 10, "the loss in BIRD")
    lab.wsw.ip("link set wan0 up")
    until(lambda: learned(gateway, OUTER) == (R1, 2), 10, "FRR's route again")


@rows("RIP-AUTH-3", "RIP-AUTH-4", "RIP-AUTH-5", "RIP-AUTH-7", "S50")
def authentication_with_frr_and_bird(lab):
    inner_network(lab)
    path = key_file(lab)
    wan = {"authentication": {"type": "md5", "key-id": 7, "key-file": path}}
    lan = {"authentication": {"type": "hmac-sha-256", "key-id": 7, "key-file": path}}
    gateway = lab.start(configuration(lan, wan))
    frr(lab, lab.r1, authentication=" ip rip authentication mode md5 auth-length rfc\n ip rip authentication key-chain k")
    bird(lab, lab.cli2, authentication='authentication cryptographic; password "secret" { id 7; algorithm hmac sha256; };')
    until(lambda: learned(gateway, OUTER) == (R1, 2), 15, "a route from FRR")
    until(lambda: learned(gateway, INNER) == (CLI2, 2), 15, "a route from BIRD")
    until(lambda: kernel(lab.r1, INNER) == WAN, 15, "BIRD's route in FRR")
    until(lambda: kernel(lab.cli2, OUTER) == LAN, 15, "FRR's route in BIRD")
    # Another secret: refused and counted here, and nothing of ours is believed there.
    other = key_file(lab, "another")
    gateway.reload({"rip": {"interfaces": {"lan": {"authentication": {"key-file": other}},
                                           "wan": {"authentication": {"key-file": other}}}}})
    until(lambda: rip_drops(gateway).get("rip.auth_digest", 0) >= 2, 15, "digests refused")
    until(lambda: learned(gateway, OUTER) is None and learned(gateway, INNER) is None, 30, "timeouts")
    until(lambda: kernel(lab.r1, INNER) is None, 30, "the timeout in FRR")
    until(lambda: kernel(lab.cli2, OUTER) is None, 30, "the timeout in BIRD")


def frr_md5(length):
    return f" ip rip authentication mode md5 auth-length {length}\n ip rip authentication key-chain k"


def bird_key(algorithm):
    return f'authentication cryptographic; password "secret" {{ id 7; algorithm {algorithm}; }};'


#: What BIRD says and what we say to it, and the same with FRR.
KINDS = [
    ("text", 'authentication plaintext; password "secret";',
     "text", " ip rip authentication mode text\n ip rip authentication string secret"),
    ("md5", bird_key("keyed md5"), "md5", frr_md5("old-ripd")),
    ("hmac-sha-1", bird_key("hmac sha1"), "md5", frr_md5("rfc")),
    ("hmac-sha-384", bird_key("hmac sha384"), "none", None),
    ("hmac-sha-512", bird_key("hmac sha512"), "none", None),
]


@rows("RIP-AUTH-1", "RIP-AUTH-4", "RIP-AUTH-5")
def every_kind_of_authentication_both_ways(lab):
    inner_network(lab)
    path = key_file(lab)
    for lan, for_bird, wan, for_frr in KINDS:
        sides = [{"authentication": {"type": kind, "key-file": path}} if kind in ("text", "none") else
                 {"authentication": {"type": kind, "key-id": 7, "key-file": path}} for kind in (lan, wan)]
        gateway = lab.start(configuration(*sides))
        peers = [bird(lab, lab.cli2, authentication=for_bird)]
        if for_frr:
            peers.append(frr(lab, lab.r1, authentication=for_frr))
            until(lambda: learned(gateway, OUTER) == (R1, 2), 15, f"a route from FRR by {wan}")
            until(lambda: kernel(lab.r1, INNER) == WAN, 15, f"BIRD's route in FRR by {wan}")
            until(lambda: kernel(lab.cli2, OUTER) == LAN, 15, f"FRR's route in BIRD by {lan}")
        until(lambda: learned(gateway, INNER) == (CLI2, 2), 15, f"a route from BIRD by {lan}")
        until(lambda: kernel(lab.cli2, WAN_NET) == LAN, 15, f"our network in BIRD by {lan}")
        assert not rip_drops(gateway).get("rip.auth_digest"), rip_drops(gateway)
        gateway.may_end = True
        for process in (gateway, *peers):
            process.stop()
        for host in (lab.r1, lab.cli2):
            host.ip("route flush proto rip", check=False)
            host.ip("route flush proto bird", check=False)


def updates(count, first=20 << 24):
    """Responses that announce `count` networks of 24 bits."""
    for start in range(0, count, 25):
        yield b"\x02\x02\x00\x00" + b"".join(
            struct.pack("!HHIIII", 2, 0, first + (n << 8), 0xffffff00, 0, 1) for n in range(start, start + 25))


def known(gateway):
    return gateway.control.get("/v1/rip")["routes"]


def overflows(host):
    """Datagrams that found no room in a socket of this host."""
    names, values = (line.split() for line in host.run("grep ^Udp: /proc/net/snmp").stdout.splitlines())
    return int(values[names.index("RcvbufErrors")])


@rows("RIP-OUT-1", "RIP-OUT-2")
def ten_thousand_routes_in_a_burst_and_on_to_frr(lab):
    gateway = lab.start(configuration())
    frr(lab, lab.r1)
    until(lambda: learned(gateway, OUTER), 10, "FRR")
    sender = lab.cli1.udp(520)
    began = time.monotonic()
    for packet in updates(10_000):
        sender.sendto(packet, (LAN, 520))
    until(lambda: known(gateway) >= 10_000, 10, "10,000 routes")
    here = time.monotonic() - began
    def at_frr():
        return lab.r1.ip("route show proto rip").stdout.count("\n") >= 10_000
    until(at_frr, 20, "10,000 routes in FRR", pause=0.2)
    assert overflows(lab.r1) == 0
    assert gateway.drops()["local.queue_full", "lan"] == 0
    print(f"      10,000 routes in a burst: known after {here:.2f} s, in FRR {time.monotonic() - began:.2f} s")


@rows()
def what_others_keep_of_such_a_burst(lab):
    if not os.environ.get("LAB_FULL"):
        raise Skip("LAB_FULL is not set")
    for name, start, host, source, mark in (
            ("FRR", frr, lab.cli2, lab.cli1, "rip"), ("BIRD", bird, lab.srv2, lab.srv, "bird")):
        start(lab, host)
        time.sleep(2)
        sender = source.udp(520)
        for packet in updates(10_000):
            sender.sendto(packet, (host.address, 520))
        time.sleep(5)
        print(f"      {name} keeps {host.ip(f'route show proto {mark}').stdout.count(chr(10))} of 10,000 routes")


@rows("S50", "S52", timeout=120)
def a_hundred_thousand_routes_at_a_pace(lab):
    gateway = lab.start({**configuration(), "nat": {"mode": "masquerade"}})
    lab.cli2.ping(SRV)
    sender = lab.cli1.udp(520)
    def feed(packets):
        began = time.monotonic()
        for number, packet in enumerate(packets):
            sender.sendto(packet, (LAN, 520))
            time.sleep(max(began + number * 0.0008 - time.monotonic(), 0))
        return began
    before = gateway.resident()
    pings = lab.cli2.spawn(["ping", "-n", "-q", "-i", "0.02", "-c", "150", SRV])
    began = feed(updates(100_000))
    until(lambda: known(gateway) >= 100_000, 60, "100,000 routes", pause=0.1)
    took = time.monotonic() - began
    until(lambda: gateway.control.get("/v1/routes", limit=1)["total"] >= 100_000, 10, "their use")
    each = (gateway.resident() - before) / 100_000
    print(f"      100,000 routes at a pace: {took:.1f} s, {each:.0f} octets each")
    assert gateway.drops()["local.queue_full", "lan"] == 0
    assert each <= MOST_OCTETS
    assert pings.wait(10) == 0 and " 0% packet loss" in pings.output, pings.output
    # What there is no room for is refused and counted, the rest is used.
    feed(updates(40_000, 40 << 24))
    until(lambda: rip_drops(gateway).get("rip.table_full", 0) > 0, 30, "a full table")
    assert known(gateway) == 131_072


@rows(timeout=120)
def a_hundred_thousand_static_routes(lab):
    def seconds(count):
        routes = [{"to": f"{20 + (n >> 16)}.{n >> 8 & 255}.{n & 255}.0/24", "via": R1} for n in range(count)]
        began = time.monotonic()
        gateway = lab.start({"routes": routes or None})
        took = time.monotonic() - began
        assert gateway.control.get("/v1/routes", limit=1)["total"] == count + 2
        resident = gateway.resident()
        gateway.may_end = True
        gateway.stop()
        return took, resident
    idle, small = seconds(0)
    took, large = seconds(100_000)
    print(f"      100,000 static routes: ready after {took - idle:.2f} s more, {(large - small) / 100_000:.0f} "
          "octets each")
    assert took - idle <= 40


@rows("S50")
def a_key_file_that_others_may_read_is_refused(lab):
    path = key_file(lab, mode=0o644)
    gateway = lab.prepare(configuration({"authentication": {"type": "md5", "key-file": path}}))
    answer = gateway.ctl("check-config", gateway.config, check=False)
    assert answer.returncode == 78 and "E073" in answer.stdout + answer.stderr, answer
    assert "chmod 600" in answer.stdout + answer.stderr
