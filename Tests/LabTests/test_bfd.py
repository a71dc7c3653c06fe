"""BFD with FRR and BIRD, under OSPF and for static next hops: up, down in each direction, how soon a
silent neighbour is found, and what does not disturb it. LAB_FULL=1 cuts a ring of six often, with all timers."""
import statistics, struct, time

from lab import *
from peers import *
from test_ospf import BIRD_ID, BIRD_P2P, BIRD_QUICK, FRR_ID, FRR_P2P, FRR_QUICK, P2P, configuration, full
from test_rip_ring import BIRD, FRR as ALL_FRR, FULL, MIXED, OURS, RING, Variant, measure

FAST = {"min-tx": "50ms", "min-rx": "50ms"}


def sessions(gateway):
    """Rows by the neighbour's address."""
    return {row["address"]: row for row in gateway.control.get("/v1/bfd")["sessions"]}


def state(gateway, address):
    return sessions(gateway).get(address, {}).get("state")


def bfd_drops(gateway):
    return {row["reason"]: row["count"] for row in gateway.control.get("/v1/bfd")["drops"]}


def bfd_of(peer):
    """What FRR says of its one session."""
    rows = peer.ask("show bfd peers json")
    return rows[0] if rows else {}


def block(host, direction):
    """Drops packets of BFD that come in to a host or leave it; what gives them free again."""
    host.run("nft add table inet lab")
    host.run(f"nft 'add chain inet lab silence {{ type filter hook {direction} priority 0; }}'")
    host.run("nft add rule inet lab silence udp dport 3784 drop")
    def free():
        host.run("nft delete table inet lab", check=False)
    host.lab.defer(free)
    return free


def isolate(lab, port, state="on"):
    """Frames pass the bridge of the WAN no more between that port and ours, though all links are up."""
    for one in (port, "wan0"):
        lab.wsw.ip(f"link set {one} type bridge_slave isolated {state}", check=False)


def soon(what, condition, limit, least=0.0):
    """How long it takes, in seconds, which must be less than the limit."""
    began = time.monotonic()
    until(condition, 5, what, pause=0.001)
    took = time.monotonic() - began
    assert least <= took <= limit, f"{what} after {took:.3f} s"
    return took


@rows(timeout=90)
def ospf_neighbors_are_watched_with_frr_and_bird(lab):
    inner_network(lab)
    lab.defer(lambda: isolate(lab, "r1", "off"))
    gateway = lab.start(configuration({**P2P, "bfd": FAST}, {**P2P, "bfd": FAST}))
    capture = Capture(lab.wsw, "wan0", "udp port 3784")
    peer = frr_ospf(lab, lab.r1, {
        "eth0": ["ip ospf area 0", *FRR_QUICK, *FRR_P2P, "ip ospf bfd", "ip ospf bfd profile quick"],
        "eth1": ["ip ospf area 0", "ip ospf passive"]}, FRR_ID, bfd=frr_bfd_profile(50))
    bird_ospf(lab, lab.cli2, {0: {"eth0": BIRD_QUICK + BIRD_P2P + "bfd yes;", "stub0": "stub yes;"}}, BIRD_ID, bird_bfd(50))
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 15, "Full with both")
    until(lambda: state(gateway, R1) == state(gateway, CLI2) == "Up", 5, "both sessions")
    until(lambda: sessions(gateway)[R1]["detection_microseconds"] == 150000, 3, "FRR's speed")
    until(lambda: sessions(gateway)[CLI2]["detection_microseconds"] == 150000, 3, "BIRD's speed")
    assert sessions(gateway)[R1]["transmit_microseconds"] == 50000 and sessions(gateway)[R1]["users"] == ["ospf"]
    until(lambda: bfd_of(peer).get("status") == "up", 3, "FRR's view")
    assert bfd_of(peer)["remote-receive-interval"] == 50 and bfd_of(peer)["remote-detect-multiplier"] == 3
    shown = gateway.ctl("bfd").stdout
    assert R1 in shown and "150ms" in shown and "ospf" in shown, shown
    # What is on the wire.
    sent = [p for p in capture.packets() if p["IP"].src == WAN]
    assert sent and all(p["IP"].ttl == 255 and p["UDP"].dport == 3784 and p["UDP"].sport >= 49152 for p in sent)
    assert len({p["UDP"].sport for p in sent}) == 1
    # FRR falls silent, while its link and its hellos stay: its routes are gone in three intervals.
    until(lambda: learned(gateway, OUTER, "ospf") == (R1, 20), 5, "a route from FRR")
    until(lambda: learned(gateway, INNER, "ospf") == (CLI2, 20), 5, "a route from BIRD")
    isolate(lab, "r1")
    lost = soon("the loss of FRR", lambda: learned(gateway, OUTER, "ospf") is None, 0.4)
    print(f"      FRR is silent: its route is gone after {lost * 1000:.0f} ms")
    until(lambda: kernel(lab.r1, INNER) is None, 2, "the loss in FRR")
    # The neighbour is gone, so it is watched no more.
    assert state(gateway, R1) is None and state(gateway, CLI2) == "Up"
    assert f"bfd: {R1} on wan is Down, was Up: control detection time expired" in gateway.process.output
    assert f"neighbor {FRR_ID} on wan is Down" in gateway.process.output
    isolate(lab, "r1", "off")
    until(lambda: state(gateway, R1) == "Up" and learned(gateway, OUTER, "ospf"), 15, "FRR again")
    until(lambda: kernel(lab.r1, INNER) == WAN, 8, "our route in FRR")
    # Where packets reach FRR no more but ours do hear it, it tells us.
    time.sleep(1)
    free = block(lab.r1, "input")
    soon("what FRR tells", lambda: "neighbor signaled session down" in gateway.process.output, 0.6)
    free()
    until(lambda: state(gateway, R1) == "Up" and full(gateway, FRR_ID), 15, "FRR again")
    # Where its packets reach us no more we tell it, and it drops us as well.
    time.sleep(1)
    log = gateway.process.output
    free = block(lab.r1, "output")
    soon("our own finding", lambda: "detection time expired" in gateway.process.output[len(log):], 0.4)
    until(lambda: bfd_of(peer).get("remote-diagnostic", "") != "ok" or bfd_of(peer).get("status") != "up", 3, "what we tell FRR")
    free()
    until(lambda: state(gateway, R1) == "Up" and full(gateway, FRR_ID), 15, "FRR again")
    # BIRD the same.
    time.sleep(1)
    block(lab.cli2, "output")
    lost = soon("the loss of BIRD", lambda: learned(gateway, INNER, "ospf") is None, 0.4)
    print(f"      BIRD is silent: its route is gone after {lost * 1000:.0f} ms")


@rows("S08", timeout=90)
def a_static_next_hop_comes_and_goes_with_its_session(lab):
    lab.defer(lambda: isolate(lab, "r1", "off"))
    routes = [{"to": OUTER, "via": R1, "bfd": FAST}, {"to": OUTER, "via": SRV, "distance": 10}]
    gateway = lab.start({"routes": routes, "nat": {"mode": "none"}})
    def way():
        rows = [r for r in gateway.control.get("/v1/routes")["routes"] if r["prefix"] == OUTER]
        return rows[0]["next_hops"][0]["gateway"] if rows else None
    assert way() == SRV and state(gateway, R1) == "Down"
    assert "BFD hears no next hop" in gateway.ctl("routes", "get", FAR).stdout
    peer = frr_bfd(lab, lab.r1, WAN, R1, 50)
    until(lambda: way() == R1, 5, "the watched way")
    until(lambda: sessions(gateway)[R1]["detection_microseconds"] == 150000, 3, "FRR's speed")
    # Strangers and forgers have no say.
    from scapy.layers.inet import IP, UDP
    row = sessions(gateway)[R1]
    packet = bytes([0x20, 0x40, 3, 24]) + struct.pack("!5I", row["neighbor_discriminator"], row["discriminator"], 10**6, 10**6, 0)
    def say(bytes_, source=R1, ttl=255):
        lab.srv.send(IP(src=source, dst=WAN, ttl=ttl) / UDP(sport=50000, dport=3784) / bytes_)
    say(packet, ttl=254)
    say(packet, source=SRV)
    say(packet[:20])
    say(b"\x40" + packet[1:])
    say(packet[:4] + bytes(8) + packet[12:])
    say(packet[:8] + b"\0\0\0\1" + packet[12:])
    want = {"bfd.ttl", "bfd.address", "bfd.truncated", "bfd.version", "bfd.discriminator", "bfd.discriminator_unknown"}
    until(lambda: want <= bfd_drops(gateway).keys(), 3, "drops by name")
    assert state(gateway, R1) == "Up" and sessions(gateway)[R1]["ups"] == 1
    assert "bfd.ttl: The TTL is not 255" in gateway.ctl("bfd").stdout
    # Silence, though the link is up.
    isolate(lab, "r1")
    lost = soon("the other way", lambda: way() == SRV, 0.4)
    print(f"      a silent next hop is left after {lost * 1000:.0f} ms")
    isolate(lab, "r1", "off")
    until(lambda: way() == R1, 5, "the way back")
    # A neighbour that gives the session up on purpose is no failure (RFC 5882 §3.2).
    peer.ask(f"configure terminal\nbfd\npeer {WAN} local-address {R1} interface eth0\nshutdown")
    until(lambda: sessions(gateway)[R1]["neighbor_state"] == "AdminDown", 3, "the neighbour's wish")
    assert state(gateway, R1) == "Down" and way() == R1
    # Without bfd the route is there whatever happens.
    isolate(lab, "r1")
    gateway.reload({"routes": [{"to": OUTER, "via": R1}, {"to": OUTER, "via": SRV, "distance": 10}]})
    assert way() == R1 and not sessions(gateway)
    gateway.reload({"routes": routes})
    assert way() == SRV and state(gateway, R1) == "Down"


@rows(timeout=120)
def work_on_routes_does_not_disturb_it(lab):
    """100,000 static routes come and go, which takes the control thread seconds, and no session falls."""
    count = 100_000 if FULL else 10_000
    first = [{"to": OUTER, "via": R1, "bfd": FAST}]
    many = first + [{"to": f"20.{n >> 16}.{n >> 8 & 255}.{n & 255}/32", "via": SRV if n % 2 else SRV2} for n in range(count)]
    gateway = lab.start({"routes": first, "nat": {"mode": "none"}})
    peer = frr_bfd(lab, lab.r1, WAN, R1, 50)
    until(lambda: state(gateway, R1) == "Up" and sessions(gateway)[R1]["detection_microseconds"] == 150000, 5, "the session")
    until(lambda: bfd_of(peer).get("status") == "up", 3, "FRR's view")
    longest = 0.0
    for routes in (many, first, many):
        began = time.monotonic()
        gateway.write({"routes": routes})
        # A debug build is not done before the command loses patience.
        gateway.ctl("reload", "--yes", check=False)
        def total():
            return (gateway.control.request("GET", "/v1/status")[1].get("routes") or {}).get("total", 0)
        until(lambda: (total() > 100) == (len(routes) > 1), 60, "the routes", pause=0.1)
        longest = max(longest, time.monotonic() - began)
    assert sessions(gateway)[R1]["ups"] == 1 and bfd_of(peer)["status"] == "up"
    assert "is Down" not in gateway.process.output, gateway.process.output
    print(f"      a reload of {count} routes takes {longest:.1f} s and disturbs no session of 50 ms x 3")


@rows(timeout=60)
def rip_neighbors_are_watched(lab):
    inner_network(lab)
    gateway = lab.start({"routes": None, "nat": {"mode": "none"}, "rip": {"interfaces": {"lan": {"bfd": FAST}}}})
    path = lab.file("bird.conf")
    with open(path, "w") as file:
        file.write(f"router id 9.9.9.9;\nprotocol device {{ scan time 1; }}\nprotocol direct {{ ipv4; }}\n{bird_bfd(50)}\n"
                   'protocol rip { ipv4 { import all; export where source = RTS_DEVICE; };\n interface "eth0" { bfd yes; }; }\n')
    lab.cli2.spawn(["bird", "-f", "-c", path, "-s", lab.file("bird.ctl")])
    until(lambda: state(gateway, CLI2) == "Up" and learned(gateway, INNER), 15, "BIRD")
    until(lambda: sessions(gateway)[CLI2]["detection_microseconds"] == 150000, 3, "BIRD's speed")
    block(lab.cli2, "output")
    lost = soon("the loss of BIRD", lambda: learned(gateway, INNER) is None, 0.4)
    print(f"      by RIP, too: its route is gone after {lost * 1000:.0f} ms")


def ring(lab, name, kinds, rounds, variant, seconds=60):
    return measure(lab, f"silent cut, {name}", kinds, RING, rounds, seconds, quiet=8 if FULL else 3, protocol="ospf", variant=variant)


@rows(timeout=300)
def a_silent_cut_is_found_by_bfd(lab):
    gaps = ring(lab, "ours, BFD 50 ms x 3", OURS, 10 if FULL else 3, Variant(bfd=50, silent=True))
    assert max(gaps) <= 0.5 and statistics.median(gaps) <= 0.2, gaps


@rows(timeout=300)
def a_silent_cut_is_found_by_fast_hellos(lab):
    gaps = ring(lab, "ours, hello 250 ms, dead 1 s", OURS, 6 if FULL else 1, Variant(250, 1, silent=True))
    assert max(gaps) <= 1.2, gaps


def in_full(lab, name, kinds, rounds, variant, most):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    gaps = ring(lab, name, kinds, rounds, variant)
    assert max(gaps) <= most, gaps


@rows(timeout=300)
def ours_with_300_ms(lab):
    in_full(lab, "ours, BFD 300 ms x 3", OURS, 4, Variant(bfd=300, silent=True), 1.2)


@rows(timeout=300)
def ours_with_dead_4_s(lab):
    in_full(lab, "ours, hello 1 s, dead 4 s", OURS, 4, Variant(1000, 4, silent=True), 4.5)


@rows(timeout=300)
def ours_with_defaults(lab):
    in_full(lab, "ours, hello 10 s, dead 40 s", OURS, 2, Variant(silent=True), 41)


@rows(timeout=300)
def ours_with_frr_and_bird(lab):
    in_full(lab, "ours with FRR and BIRD, BFD 50 ms x 3", MIXED, 6, Variant(bfd=50, silent=True), 1)


@rows(timeout=400)
def frr_alone(lab):
    in_full(lab, "FRR, BFD 50 ms x 3", ALL_FRR, 6, Variant(bfd=50, silent=True), 60)


@rows(timeout=400)
def frr_alone_with_dead_1_s(lab):
    in_full(lab, "FRR, hello 250 ms, dead 1 s", ALL_FRR, 4, Variant(250, 1, silent=True), 60)


@rows(timeout=400)
def bird_alone(lab):
    in_full(lab, "BIRD, BFD 50 ms x 3", BIRD, 4, Variant(bfd=50, silent=True), 60)
