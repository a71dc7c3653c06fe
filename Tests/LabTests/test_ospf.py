"""OSPF with FRR on the WAN and BIRD on the LAN: every role, routes both ways, traffic by them, areas,
networks outside, authentication, and what is said of the classic faults."""
import time
import xml.etree.ElementTree

from lab import *
from peers import *

#: Hellos each second, lost after four.
QUICK = {"hello-interval": "1s", "dead-interval": "4s", "retransmit-interval": "1s"}
FRR_QUICK = ["ip ospf hello-interval 1", "ip ospf dead-interval 4", "ip ospf retransmit-interval 2"]
BIRD_QUICK = "hello 1; dead 4; wait 4; retransmit 2;"
P2P = {"network-type": "point-to-point"}
FRR_P2P, BIRD_P2P = ["ip ospf network point-to-point"], "type ptp;"
FRR_ID, BIRD_ID, OWN_ID = "1.9.9.9", "1.3.3.3", "1.1.1.1"
WAN_NET = "198.51.100.0/24"
KINDS = {"routerLinkStates": "router", "networkLinkStates": "network", "summaryLinkStates": "summary",
         "asbrSummaryLinkStates": "asbr-summary", "asExternalLinkStates": "external",
         "nssaExternalLinkStates": "nssa-external"}


def configuration(lan=None, wan=None, **more):
    sides = {"lan": None if lan is False else {"area": 0, **QUICK, **(lan or {})},
             "wan": None if wan is False else {"area": 0, **QUICK, **(wan or {})}}
    return {"routes": None, "nat": {"mode": "none"}, "ospf": {
        "router-id": OWN_ID, "interfaces": {k: v for k, v in sides.items() if v}, **more}}


def frr_wan(lab, host=None, lines=(), more="", area=0):
    """FRR on `r1`: the WAN, and the network behind it."""
    return frr_ospf(lab, host or lab.r1, {
        "eth0": [f"ip ospf area {area}", *FRR_QUICK, *lines], "eth1": [f"ip ospf area {area}", "ip ospf passive"]},
        FRR_ID, more)


def bird_lan(lab, host=None, lines="", area=0, more="", imports="", options=""):
    """BIRD on the second host of the LAN, and the network behind it."""
    return bird_ospf(lab, host or lab.cli2, {area: {"eth0": BIRD_QUICK + lines, "stub0": "stub yes;"}},
                     BIRD_ID, more, imports, options)


def neighbors(gateway):
    """(state, role) by router id."""
    return {row["router"]: (row["state"], row["role"])
            for row in gateway.control.get("/v1/ospf/neighbors")["neighbors"]}


def full(gateway, *routers):
    known = neighbors(gateway)
    return all(known.get(router, ("", ""))[0] == "Full" for router in routers)


def state(gateway, side):
    rows = gateway.control.get("/v1/ospf/interfaces")["interfaces"]
    return next(row["state"] for row in rows if row["side"] == side)


def faults(gateway):
    """What is said of routers that are refused, by reason."""
    return {row["reason"]: row["explanation"] for row in gateway.control.get("/v1/ospf/neighbors")["faults"]}


def ours(gateway):
    """The database: sequence and checksum by type, area, id and router."""
    return {(row["type"], row.get("area", ""), row["id"], row["router"]):
            (int(row["sequence"], 16), int(row["checksum"], 16))
            for row in gateway.control.get("/v1/ospf/database", limit="all")["lsas"] if row["age"] < 3600}


def theirs(peer):
    """The same of FRR, which keeps what was flushed for a minute."""
    answer, found = peer.ask("show ip ospf database json"), {}
    def add(section, area):
        for key, kind in KINDS.items():
            for row in (row for row in section.get(key, []) if row["lsaAge"] < 3600):
                found[kind, area, row["lsId"], row["advertisedRouter"]] = (
                    int(row["sequenceNumber"], 16), int(row["checksum"], 16))
    add(answer, "")
    for area, section in answer.get("areas", {}).items():
        add(section, area.split()[0])
    return found


def equal_databases(gateway, peer, areas=None, seconds=8):
    """Waits until all LSAs are the same, with those of the areas given only if any are."""
    def differences():
        mine, its = ({k: v for k, v in database.items() if areas is None or k[1] in areas}
                     for database in (ours(gateway), theirs(peer)))
        assert mine and its
        return {k: (mine.get(k), its.get(k)) for k in mine.keys() | its.keys() if mine.get(k) != its.get(k)}
    end = time.monotonic() + seconds
    while (left := differences()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left, f"LSAs that differ, ours and FRR's: {left}"


def reach_far(lab):
    """Traffic both ways, from a network behind the one router to a host behind the other."""
    # Who asks for the gateway's hardware address first must be a neighbour by its address.
    lab.cli2.ping(LAN)
    lab.cli2.ping(FAR, 2, "-I", INNER_HOST)


@rows("OSPF-PKT-1", "OSPF-HEL-1", "OSPF-NSM-2", "OSPF-NLSA-1", "OSPF-RLSA-1", "OSPF-SPF-1", "OSPF-AGE-1", "RT-PRF-1", "S51")
def frr_and_bird_through_the_gateway(lab):
    inner_network(lab)
    gateway = lab.start(configuration())
    capture = Capture(lab.wsw, "wan0", "ip proto 89")
    peer = frr_wan(lab)
    bird_lan(lab)
    began = time.monotonic()
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 15, "Full with both")
    print(f"      Full with FRR and BIRD after {time.monotonic() - began:.1f} s, with a wait of 4 s")
    until(lambda: learned(gateway, OUTER, "ospf") == (R1, 20), 5, "a route from FRR")
    until(lambda: learned(gateway, INNER, "ospf") == (CLI2, 20), 5, "a route from BIRD")
    until(lambda: kernel(lab.r1, INNER) == WAN, 5, "BIRD's route in FRR")
    until(lambda: kernel(lab.cli2, OUTER) == LAN, 5, "FRR's route in BIRD")
    reach_far(lab)
    hops = lab.cli2.run(f"traceroute -n -q1 -w2 -s {INNER_HOST} {FAR}").stdout.splitlines()[1:]
    assert [line.split()[1] for line in hops] == [LAN, R1, FAR], hops
    equal_databases(gateway, peer)
    # What is on the wire.
    sent = [p for p in capture.packets() if p["IP"].src == WAN]
    assert sent and all(p["IP"].ttl == 1 and p["IP"].tos == 0xc0 for p in sent)
    assert {p.dst for p in sent if p["IP"].dst == "224.0.0.5"} == {"01:00:5e:00:00:05"}
    # What people see.
    assert FRR_ID in gateway.ctl("ospf", "neighbors").stdout
    assert "2 of 2" not in gateway.ctl("ospf").stdout and "1 of 1" in gateway.ctl("ospf").stdout
    assert R1 in gateway.ctl("ospf", "database", "network").stdout
    assert f"neighbor {FRR_ID} on wan" in gateway.ctl("ospf", "spf").stdout or "router" in gateway.ctl("ospf", "spf").stdout
    assert f'"{FRR_ID}" [shape=box]' in gateway.ctl("topology", "--as", "dot").stdout
    picture = xml.etree.ElementTree.fromstring(gateway.ctl("topology", "--as", "svg").stdout)
    assert {FRR_ID, BIRD_ID, OWN_ID} <= {text.text for text in picture}
    assert "[110/20]" in gateway.ctl("routes", "get", FAR).stdout
    # A static route is preferred. Another cost of one side begins that side anew and no other.
    gateway.reload({"routes": [{"to": OUTER, "via": R1}]})
    assert "static" in gateway.ctl("routes", "get", FAR).stdout
    log = gateway.process.output
    gateway.reload({"routes": None, "ospf": {"interfaces": {"lan": {"cost": 5}}}})
    until(lambda: learned(gateway, INNER, "ospf") == (CLI2, 15), 12, "BIRD's network at the new cost")
    later = gateway.process.output[len(log):]
    assert f"neighbor {BIRD_ID}" in later and f"neighbor {FRR_ID}" not in later, later
    # A withdrawn network is gone at the other end.
    lab.cli2.ip("link set stub0 down")
    until(lambda: learned(gateway, INNER, "ospf") is None, 10, "the withdrawal")
    until(lambda: kernel(lab.r1, INNER) is None, 10, "the withdrawal in FRR")
    # A link that goes down takes its routes along at once.
    began = time.monotonic()
    lab.wsw.ip("link set wan0 down")
    until(lambda: learned(gateway, OUTER, "ospf") is None, 2, "the loss of the WAN")
    until(lambda: kernel(lab.cli2, OUTER) is None, 8, "the loss in BIRD")
    print(f"      a lost WAN is gone in BIRD after {time.monotonic() - began:.2f} s")
    lab.wsw.ip("link set wan0 up")
    until(lambda: learned(gateway, OUTER, "ospf") == (R1, 20), 12, "FRR's route again")
    # At the end our LSAs are taken back, sooner than the neighbour misses us.
    until(lambda: kernel(lab.r1, "10.10.0.0/24") == WAN, 5, "our network in FRR")
    gateway.may_end = True
    began = time.monotonic()
    gateway.stop()
    until(lambda: kernel(lab.r1, "10.10.0.0/24") is None, 3, "the goodbye in FRR")
    print(f"      after the end FRR forgot us in {time.monotonic() - began:.2f} s")


@rows("OSPF-PKT-1", "OSPF-RLSA-1", "OSPF-FLD-6")
def a_router_with_more_networks_than_fit_a_packet(lab):
    """Its LSA of 3,600 octets comes and goes on in IP fragments, to FRR and to BIRD."""
    addresses = [f"10.200.{number // 250}.{number % 250 + 1}" for number in range(300)]
    for address in addresses:
        lab.r1.ip(f"addr add {address}/32 dev lo")
    gateway = lab.start(configuration())
    capture = lab.cli2.capture("ip proto 89 and ip[6:2] & 0x3fff != 0")
    peer = frr_ospf(lab, lab.r1, {
        "eth0": ["ip ospf area 0", *FRR_QUICK], "lo": ["ip ospf area 0"]}, FRR_ID)
    bird_lan(lab)
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 15, "Full with both")
    until(lambda: learned(gateway, "10.200.1.50/32", "ospf") == (R1, 10), 5, "the last network")
    def in_bird():
        rows = json.loads(lab.cli2.ip("-j route show via " + LAN).stdout)
        return {row["dst"] for row in rows} >= set(addresses)
    until(in_bird, 8, "all networks in BIRD")
    equal_databases(gateway, peer)
    assert len(capture.packets()) >= 3, "fragments of ours"
    lab.cli2.ping("10.200.1.50")


@rows("OSPF-ISM-1", "OSPF-ISM-2", "OSPF-ISM-3", "OSPF-NSM-5", "OSPF-PKT-4", "OSPF-FLD-6", timeout=90)
def every_role_on_a_link_with_both(lab):
    gateway = lab.start(configuration(lan=False))
    until(lambda: state(gateway, "wan") == "DR", 6, "nobody else")
    first = frr_wan(lab)
    until(lambda: neighbors(gateway).get(FRR_ID) == ("Full", "Backup"), 10, "FRR as Backup")
    bird_ospf(lab, lab.srv, {0: {"eth0": BIRD_QUICK}}, BIRD_ID)
    until(lambda: neighbors(gateway).get(BIRD_ID) == ("Full", "DROther"), 10, "BIRD as the third")
    equal_databases(gateway, first)
    # With priority 0 we are neither, and Full with both who are.
    gateway.reload({"ospf": {"interfaces": {"wan": {"priority": 0}}}})
    until(lambda: neighbors(gateway) == {FRR_ID: ("Full", "DR"), BIRD_ID: ("Full", "Backup")}, 15, "FRR as DR")
    assert state(gateway, "wan") == "DROther"
    equal_databases(gateway, first)
    # The largest priority deposes nobody, but comes next.
    gateway.reload({"ospf": {"interfaces": {"wan": {"priority": 200}}}})
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 15, "Full again")
    assert state(gateway, "wan") == "DROther"
    began = time.monotonic()
    os.kill(first.process.pid, signal.SIGKILL)
    until(lambda: state(gateway, "wan") == "Backup", 8, "our turn")
    print(f"      a silent DR is replaced after {time.monotonic() - began:.1f} s, with a dead-interval of 4 s")
    assert neighbors(gateway).get(BIRD_ID) == ("Full", "DR")


@rows("OSPF-AUT-1", "OSPF-AUT-4", "OSPF-PKT-2", "OSPF-NSM-4", timeout=60)
def point_to_point_with_keys(lab):
    inner_network(lab)
    path = key_file(lab)
    def key(kind, file=path):
        return {**P2P, "authentication": {"type": kind, "key-id": 7, "key-file": file}}
    gateway = lab.start(configuration(key("hmac-sha-256"), key("md5")))
    began = time.monotonic()
    peer = frr_wan(lab, lines=FRR_P2P + ["ip ospf authentication message-digest", "ip ospf message-digest-key 7 md5 secret"])
    bird_lan(lab, lines=BIRD_P2P + 'authentication cryptographic; password "secret" { id 7; algorithm hmac sha256; };')
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 10, "Full with both")
    print(f"      point-to-point: Full with FRR and BIRD after {time.monotonic() - began:.1f} s, starting them included")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 5, "routes both ways")
    reach_far(lab)
    equal_databases(gateway, peer)
    assert state(gateway, "wan") == "Point-To-Point" and not faults(gateway)
    # Another secret is refused by name and nothing of it is believed; the other side stays.
    log = gateway.process.output
    gateway.reload({"ospf": {"interfaces": {"wan": key("md5", key_file(lab, "another"))}}})
    until(lambda: "ospf.auth_digest" in faults(gateway), 5, "the wrong key")
    until(lambda: learned(gateway, OUTER, "ospf") is None and kernel(lab.r1, INNER) is None, 8, "the loss")
    assert "The digest does not fit" in gateway.ctl("ospf", "neighbors").stdout
    later = gateway.process.output[len(log):]
    assert "ospf.auth_digest" in later and BIRD_ID not in later, later
    # Without a key, and with another kind of it.
    gateway.reload({"ospf": {"interfaces": {"wan": {"authentication": None}}}})
    until(lambda: faults(gateway).get("ospf.auth_type") == "it authenticates by key, we by nothing", 5, "no key")
    gateway.reload({"ospf": {"interfaces": {"wan": key("hmac-sha-256")}}})
    until(lambda: "ospf.auth_key" in faults(gateway), 5, "another algorithm")
    gateway.reload({"ospf": {"interfaces": {"wan": key("md5")}}})
    until(lambda: full(gateway, FRR_ID), 8, "Full again")
    assert not faults(gateway)


@rows("OSPF-SLSA-1", "OSPF-XLSA-1", "OSPF-SPF-3", "OSPF-SPF-6", timeout=60)
def areas_joined_and_networks_outside(lab):
    inner_network(lab)
    gateway = lab.start({**configuration({"area": 1, **P2P}, P2P, redistribute=[
        {"from": "static", "metric": 30, "metric-type": 1}], **{"default-originate": {"always": True}}),
        "routes": [{"to": "192.0.2.0/25", "via": SRV}]})
    lab.r1.ip("route add 192.0.2.128/26 dev lo")
    lab.defer(lambda: lab.r1.ip("route delete 192.0.2.128/26 dev lo", check=False))
    peer = frr_wan(lab, lines=FRR_P2P, more=" redistribute kernel metric 7")
    bird_lan(lab, area=1, lines=BIRD_P2P, imports="filter { ospf_metric1 = 9; accept; }",
             more="protocol static { ipv4; route 192.0.2.192/26 blackhole; }")
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 10, "Full with both")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 8, "routes across areas")
    reach_far(lab)
    # Of type 2 what FRR says, of type 1 with the way to BIRD.
    until(lambda: learned(gateway, "192.0.2.128/26", "ospf") == (R1, 7), 5, "FRR's network outside")
    until(lambda: learned(gateway, "192.0.2.192/26", "ospf") == (CLI2, 19), 5, "BIRD's network outside")
    until(lambda: kernel(lab.cli2, "192.0.2.128/26") == LAN and kernel(lab.r1, "192.0.2.192/26") == WAN, 5,
          "each other's networks outside")
    until(lambda: kernel(lab.r1, "192.0.2.0/25") == WAN and kernel(lab.cli2, "192.0.2.0/25") == LAN, 5, "ours")
    until(lambda: kernel(lab.r1, "default") == WAN, 5, "our default route")
    equal_databases(gateway, peer, ("0.0.0.0", ""))
    kinds = {key[0] for key in ours(gateway)}
    assert kinds == {"router", "summary", "asbr-summary", "external"}, kinds
    assert "area border router, AS boundary router" in gateway.ctl("ospf").stdout
    # Taken back, it is gone everywhere.
    gateway.reload({"routes": None})
    until(lambda: kernel(lab.r1, "192.0.2.0/25") is None and kernel(lab.cli2, "192.0.2.0/25") is None, 8, "the end")
    # BIRD in a stub area hears nothing of what is outside but a default route.
    assert kernel(lab.cli2, "192.0.2.128/26") == LAN


@rows("OSPF-STB-1", "OSPF-HEL-3", timeout=60)
def a_stub_area_has_a_default_route_only(lab):
    inner_network(lab)
    gateway = lab.start(configuration({"area": 1, **P2P}, P2P, areas={1: {"type": "totally-stub", "default-cost": 5}}))
    lab.r1.ip("route add 192.0.2.128/26 dev lo")
    lab.defer(lambda: lab.r1.ip("route delete 192.0.2.128/26 dev lo", check=False))
    frr_wan(lab, lines=FRR_P2P, more=" redistribute kernel")
    # The kernel of this host has a default route already, so what BIRD has is seen in its table.
    bird_ospf(lab, lab.cli2, {"1": {"eth0": BIRD_QUICK + BIRD_P2P, "stub0": "stub yes;"}}, BIRD_ID)
    until(lambda: "ospf.hello_options" in faults(gateway), 8, "an area that is not the same kind")
    assert "it takes the area for a normal one, we for a stub one" in gateway.ctl("ospf", "neighbors").stdout
    peer = frr_ospf(lab, lab.cli1, {"eth0": ["ip ospf area 1", *FRR_QUICK, *FRR_P2P]}, "1.2.2.2", " area 1 stub")
    until(lambda: full(gateway, "1.2.2.2"), 10, "Full in the stub area")
    def routes():
        return {p: r for p, r in peer.ask("show ip ospf route json").items() if "/" in p}
    until(lambda: set(routes()) == {"0.0.0.0/0", "10.10.0.0/24"}, 5, "a default route and nothing else")
    assert routes()["0.0.0.0/0"]["cost"] == 15
    until(lambda: learned(gateway, "192.0.2.128/26", "ospf") == (R1, 20), 5, "what is outside, here")


@rows("OSPF-XLSA-1", "RT-RED-1")
def rip_and_ospf_hand_each_other_their_routes(lab):
    inner_network(lab)
    rip = {"interfaces": {"lan": {}}, "timers": {"update": "5s", "timeout": "12s", "garbage": "5s"},
           "redistribute": ["ospf"], "default-metric": 3}
    gateway = lab.start({**configuration(False, P2P, redistribute=["rip", "connected"]), "rip": rip})
    frr_wan(lab, lines=FRR_P2P)
    bird(lab, lab.cli2)
    until(lambda: learned(gateway, OUTER, "ospf") == (R1, 20), 10, "FRR's network by OSPF")
    until(lambda: learned(gateway, INNER) == (CLI2, 2), 10, "BIRD's network by RIP")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.r1, "10.10.0.0/24") == WAN, 8, "RIP's in OSPF")
    until(lambda: kernel(lab.cli2, OUTER) == LAN, 8, "OSPF's in RIP")
    reach_far(lab)
    lab.cli2.ip("link set stub0 down")
    until(lambda: kernel(lab.r1, INNER) is None, 10, "the end of it")


@rows("OSPF-HEL-2", "OSPF-PKT-2", "OSPF-PKT-3", "OSPF-DD-3", timeout=60)
def classic_faults_are_told_by_name(lab):
    gateway = lab.start(configuration(False))
    frr_wan(lab)
    def when(reason, words, changes):
        gateway.reload(changes)
        until(lambda: words in faults(gateway).get(reason, ""), 6, f"{reason}: {words}")
        shown = gateway.ctl("ospf", "neighbors").stdout
        assert f"{R1} wan: " in shown and words in shown, shown
        assert f"refused ({reason})" in gateway.process.output
    def wan(**changes):
        return {"ospf": {"interfaces": {"wan": changes}}}
    until(lambda: FRR_ID in neighbors(gateway), 8, "FRR")
    when("ospf.area", "area 0.0.0.0, we have it in area 0.0.0.5", wan(area=5))
    when("ospf.hello_interval", "hello-interval is 1 s, ours 2 s", wan(**{"area": 0, "hello-interval": "2s", "dead-interval": "8s"}))
    when("ospf.dead_interval", "dead-interval is 4 s, ours 8 s", wan(**{"hello-interval": "1s"}))
    when("ospf.duplicate_router", "our router-id 1.9.9.9", {"ospf": {"router-id": FRR_ID, "interfaces": {"wan": QUICK}}})
    when("ospf.hello_mask", "netmask is 255.255.255.0, ours 255.255.255.128",
         {"ospf": {"router-id": OWN_ID}, "interfaces": {"wan": {"addresses": [f"{WAN}/25"]}}})
    when("ospf.mtu", "MTU is 1500, ours 1400: make them equal, or set mtu-ignore",
         {"interfaces": {"wan": {"addresses": [f"{WAN}/24"], "mtu": 1400}}})
    gateway.reload(wan(**{"mtu-ignore": True}))
    # FRR has to do the same, since our MTU is the smaller one and it takes any smaller one.
    until(lambda: full(gateway, FRR_ID), 15, "Full in spite of the MTU")
    assert not faults(gateway)
