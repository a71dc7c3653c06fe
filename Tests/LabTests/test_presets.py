"""Well-known kinds of translators as programs of other people see them; blocks, one-to-one addresses."""
import json, re

from lab import *

CLASSES = {
    "rfc": ("endpoint-independent", "address-dependent"),
    "full-cone": ("endpoint-independent", "endpoint-independent"),
    "restricted-cone": ("endpoint-independent", "address-dependent"),
    "port-restricted-cone": ("endpoint-independent", "address-and-port-dependent"),
    "symmetric": ("address-and-port-dependent", "address-and-port-dependent"),
    "linux-masquerade": ("endpoint-independent", "address-and-port-dependent"),
    "carrier": ("endpoint-independent", "endpoint-independent"),
}
# What turnutils_natdiscovery and the classic client say of each behaviour.
MAPPINGS = {"endpoint-independent": "Endpoint Independent Mapping",
            "address-and-port-dependent": "Address and Port Dependent Mapping"}
FILTERINGS = {"endpoint-independent": "Endpoint Independent Filtering",
              "address-dependent": "Address Dependent Filtering",
              "address-and-port-dependent": "Address and Port Dependent Filtering"}
CLASSIC = {"endpoint-independent": "Independent Filter", "address-dependent": "Address Dependent Filter",
           "address-and-port-dependent": "Port Dependent Filter"}
PORTS = 2000


def stun_server(lab):
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


def agree(lab, preset, when, *options):
    """Both programs, run by the second host, say what is configured."""
    mapping, filtering = CLASSES[preset]
    # Only without a filter can the program's second socket, a stranger to the first, hear from it.
    hairpin = ["-H"] if filtering == "endpoint-independent" else []
    said = lab.cli2.run(["turnutils_natdiscovery", "-m", "-f", *hairpin, *options, SRV], timeout=60).stdout
    assert f"NAT with {MAPPINGS[mapping]}!" in said, f"{preset} {when}: {said}"
    assert f"NAT with {FILTERINGS[filtering]}!" in said, f"{preset} {when}: {said}"
    if hairpin:
        assert "Received a request (maybe a successful hairpinning)" in said, f"{preset} {when}: {said}"
    said = lab.cli2.run(["stun", SRV, "-p", "21500"], check=False, timeout=60).stdout
    line = re.search(r"Primary: (.*)", said)
    assert line, f"{preset} {when}: {said}"
    if mapping == "endpoint-independent":
        assert line[1].startswith(f"Independent Mapping, {CLASSIC[filtering]}"), f"{preset} {when}: {line[1]}"
    else:
        assert line[1].startswith("Dependent Mapping"), f"{preset} {when}: {line[1]}"
    if preset == "linux-masquerade":
        assert "no hairpin" in line[1], f"{preset} {when}: {line[1]}"
        assert "preserves ports" in line[1] or when != "before", f"{preset} {when}: {line[1]}"


def preset_is_seen(lab, preset):
    stun_server(lab)
    # Few ports, so that they are quickly used up; freed ones come back at once. With blocks each
    # host has its own, and filling one host's can not touch another's.
    blocks = {"blocks": {"inside": ["10.10.0.0/30"], "size": PORTS // 4}} if preset == "carrier" else {}
    gateway = lab.start({"nat": {
        "preset": preset, "pool": {"ports": f"20000-{20000 + PORTS - 1}"}, **blocks,
        "timeouts": {"udp": "5m", "udp-unreplied": "5m", "port-rest": "0s"}}})
    shown = gateway.control.get("/v1/nat")
    assert (shown["preset"], shown["mapping"], shown["filtering"]) == (preset, *CLASSES[preset]), shown
    agree(lab, preset, "before")
    # Another host holds the programs' ports towards one of the server's two addresses only.
    for port in (40000, 21500):
        lab.cli1.udp(port).sendto(b"mine", (SRV_B, 9))
    until(lambda: len(gateway.sessions(f"src {CLI1} and proto udp")) == 2, 3, "sessions of the other host")
    agree(lab, preset, "with the ports held by another host", "-L", CLI2, "-l", "40000")
    gateway.ctl("sessions", "kill", "proto", "udp")
    fill(lab, gateway, (PORTS // 4 if blocks else PORTS) * 99 // 100)
    agree(lab, preset, "while 99 % of the ports are in use")
    gateway.ctl("sessions", "kill", "proto", "udp")
    agree(lab, preset, "after")
    gateway.reload({"nat": {"limits": {"sessions-per-host": 3000}}})
    agree(lab, preset, "after a reload")


def fill(lab, gateway, wanted):
    """Makes the first host use so many outside ports."""
    def used():
        return sum(row["in_use"] for row in gateway.control.get("/v1/nat")["pools"] if row["protocol"] == "udp")
    for port in range(30_000, 30_000 + wanted):
        s = lab.cli1.udp(port)
        s.sendto(b"mine", (SRV, 9))
        s.close()
        if port % 256 == 0:
            until(lambda: used() > port - 30_000, 3, "mappings")
    until(lambda: used() == wanted, 3, f"{wanted} ports in use")


@rows("U-1", "U-8", "U-8a", "U-9", "U-11", timeout=120)
def preset_rfc(lab):
    preset_is_seen(lab, "rfc")


@rows("U-1", "U-8", "U-8a", "U-9", "U-11", timeout=120)
def preset_full_cone(lab):
    preset_is_seen(lab, "full-cone")


@rows("U-1", "U-8", "U-8a", "U-9", "U-11", timeout=120)
def preset_restricted_cone(lab):
    preset_is_seen(lab, "restricted-cone")


@rows("U-1", "U-8", "U-8a", "U-9", "U-11", timeout=120)
def preset_port_restricted_cone(lab):
    preset_is_seen(lab, "port-restricted-cone")


@rows("U-1", "U-8", "U-8a", "U-9", "U-11", timeout=120)
def preset_symmetric(lab):
    preset_is_seen(lab, "symmetric")


@rows("U-1", "U-8", "U-8a", "U-9", "U-11", timeout=120)
def preset_linux_masquerade(lab):
    preset_is_seen(lab, "linux-masquerade")


@rows("U-1", "U-8", "U-8a", "U-9", "U-11", timeout=120)
def preset_carrier(lab):
    preset_is_seen(lab, "carrier")


@rows("B-1")
def blocks_are_computed_both_ways(lab):
    gateway = lab.start({"nat": {"blocks": {"inside": ["10.10.0.0/29"], "size": 100}}})
    server = lab.srv.udp(9000)
    for host in (lab.cli1, lab.cli2):
        block = json.loads(gateway.ctl("nat", "block", host.address, "--json").stdout)
        for port in range(7000, 7010):
            host.udp(port).sendto(b"x", (SRV, 9000))
            address, seen = server.recvfrom(10)[1]
            assert address == block["outside"], (address, block)
            assert block["first_port"] <= seen <= block["last_port"], (seen, block)
            who = json.loads(gateway.ctl("nat", "who", f"{address}:{seen}", "--json").stdout)
            assert who["host"] == host.address, who
            assert {"protocol": "udp", "inside": host.address, "port": port} in who["owners"], who
    refused = gateway.ctl("nat", "block", "10.10.0.99", check=False)
    assert refused.returncode == 1 and "no block" in refused.stderr, refused


@rows("X-12", "I-7")
def one_to_one_address(lab):
    outside = "198.51.100.20"
    lab.start({"nat": {"one-to-one": [{"name": "mail", "outside": outside, "inside": CLI1}]}})
    lab.srv.ping(outside)
    lab.cli2.ping(outside)
    server, inside = lab.srv.udp(9000), lab.cli1.udp(5555)
    inside.sendto(b"x", (SRV, 9000))
    assert server.recvfrom(10)[1] == (outside, 5555)
    stranger = lab.srv2.udp()
    stranger.sendto(b"hello", (outside, 5555))
    assert inside.recvfrom(10) == (b"hello", (SRV2, stranger.getsockname()[1]))
    # Another inside host's datagram to a closed port comes back to it as an error.
    neighbour = lab.cli2.udp()
    neighbour.connect((outside, 7777))
    neighbour.send(b"anyone there")
    try:
        neighbour.recv(10)
        raise AssertionError("no ECONNREFUSED")
    except ConnectionRefusedError:
        pass
