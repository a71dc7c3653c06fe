"""Not-so-stubby areas with FRR and BIRD: ours inside and at their border, traffic by what they announce."""
from lab import *
from peers import *
from test_ospf import *

#: Networks outside that BIRD, FRR and ours announce, and a host in BIRD's.
BIRDS, FRRS, OURS, BIRD_HOST = "192.0.2.192/26", "192.0.2.128/26", "192.0.2.0/25", "192.0.2.193"
ABR = "1.8.8.8"


def bird_outside(lab, area=1):
    """BIRD on the LAN, not-so-stubby, with a network outside and a host in it."""
    inner_network(lab)
    lab.cli2.ip(f"address add {BIRD_HOST}/32 dev lo")
    lab.defer(lambda: lab.cli2.ip(f"address delete {BIRD_HOST}/32 dev lo", check=False))
    bird_lan(lab, area=area, options="nssa;", imports=f"filter {{ if net != {BIRDS} then reject; ospf_metric2 = 9; accept; }}",
             more=f"protocol static {{ ipv4; route {BIRDS} blackhole; }}")


def frr_routes(peer):
    return {p: r for p, r in peer.ask("show ip ospf route json").items() if "/" in p}


@rows("OSPF-NSS-1", "OSPF-SPF-5", "OSPF-XLSA-1")
def ours_translates_what_frr_and_bird_announce(lab):
    gateway = lab.start(configuration({"area": 1}, P2P, areas={1: {"type": "nssa", "default-cost": 5}}))
    backbone = frr_wan(lab, lines=FRR_P2P)
    bird_outside(lab)
    lab.cli1.ip(f"route add {FRRS} dev lo")
    lab.defer(lambda: lab.cli1.ip(f"route delete {FRRS} dev lo", check=False))
    inside = frr_ospf(lab, lab.cli1, {"eth0": ["ip ospf area 1", *FRR_QUICK]}, "1.2.2.2",
                      " area 1 nssa\n redistribute kernel metric 7")
    until(lambda: full(gateway, FRR_ID, BIRD_ID, "1.2.2.2"), 20, "Full with all")
    # Type 7 in the area, type 5 in the backbone, with the address that packets are handed to.
    until(lambda: learned(gateway, BIRDS, "ospf") == (CLI2, 9), 5, "BIRD's network outside")
    until(lambda: learned(gateway, FRRS, "ospf") == (CLI1, 7), 5, "FRR's network outside")
    until(lambda: kernel(lab.r1, BIRDS) == WAN and kernel(lab.r1, FRRS) == WAN, 8, "both in the backbone")
    rows = gateway.control.get("/v1/ospf/database", type="nssa-external")["lsas"]
    assert {(r["prefix"], r["translated"]) for r in rows if not r["own"]} == {(BIRDS, True), (FRRS, True)}, rows
    fives = gateway.control.get("/v1/ospf/database", type="external")["lsas"]
    assert {(r["prefix"], r["forwarding"], r["router"]) for r in fives} == {
        (BIRDS, INNER_HOST, OWN_ID), (FRRS, CLI1, OWN_ID)}, fives
    assert "nssa, translated by us" in gateway.ctl("ospf").stdout
    # In place of everything else the area has our default route.
    until(lambda: "0.0.0.0/0" in frr_routes(inside), 5, "the default route")
    until(lambda: OUTER in frr_routes(inside), 5, "other areas' networks")
    equal_databases(gateway, backbone, ("0.0.0.0", ""))
    equal_databases(gateway, inside, ("0.0.0.1",))
    kinds = {key[0] for key in theirs(inside) if key[1] == "0.0.0.1"}
    assert kinds == {"router", "network", "summary", "nssa-external"}, kinds
    # Who asks for the gateway's hardware address first must be a neighbour by its address.
    lab.cli2.ping(LAN)
    lab.far.ping(BIRD_HOST, 2)
    # Without summaries it is a default route as one, and nothing else.
    gateway.reload({"ospf": {"areas": {1: {"type": "totally-nssa"}}}})
    until(lambda: full(gateway, FRR_ID, BIRD_ID, "1.2.2.2"), 20, "Full again")
    until(lambda: OUTER not in frr_routes(inside) and "0.0.0.0/0" in frr_routes(inside), 20, "a default route alone")
    # What is withdrawn in the area is withdrawn everywhere.
    until(lambda: kernel(lab.r1, FRRS) == WAN, 20, "FRR's network in the backbone again")
    lab.cli1.ip(f"route delete {FRRS} dev lo")
    until(lambda: kernel(lab.r1, FRRS) is None, 10, "the end of it")


@rows("OSPF-NSS-1", "OSPF-HEL-3")
def frr_translates_what_ours_and_bird_announce(lab):
    gateway = lab.start({**configuration({"area": 1}, {"area": 1, **P2P}, areas={1: {"type": "nssa"}}, redistribute=[
        {"from": "static", "metric": 30}]), "routes": [{"to": OURS, "via": CLI1}]})
    border = frr_ospf(lab, lab.r1, {
        "eth0": ["ip ospf area 1", *FRR_QUICK, *FRR_P2P], "eth1": ["ip ospf area 0", *FRR_QUICK, *FRR_P2P]},
        FRR_ID, " area 1 nssa")
    bird_outside(lab)
    far = frr_ospf(lab, lab.far, {"eth0": ["ip ospf area 0", *FRR_QUICK, *FRR_P2P]}, ABR)
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 20, "Full with both")
    until(lambda: learned(gateway, BIRDS, "ospf") == (CLI2, 9), 5, "BIRD's network outside")
    until(lambda: learned(gateway, OUTER, "ospf") == (R1, 20), 5, "the backbone's network")
    ours = [r for r in gateway.control.get("/v1/ospf/database", type="nssa-external")["lsas"] if r["own"]]
    assert [(r["prefix"], r["cost"], r["translated"], r["forwarding"] in (LAN, WAN)) for r in ours] == [
        (OURS, 30, True, True)], ours
    assert not gateway.control.get("/v1/ospf/database", type="external")["lsas"], "no type 5 in such an area"
    until(lambda: kernel(lab.far, BIRDS) == "203.0.113.1" and kernel(lab.far, OURS) == "203.0.113.1", 15,
          "both behind the translator")
    assert {r["advertisedRouter"] for r in far.ask("show ip ospf database json")["asExternalLinkStates"]} == {FRR_ID}
    equal_databases(gateway, border, ("0.0.0.1",))
    lab.cli2.ping(LAN)
    lab.far.ping(BIRD_HOST, 2)
    gateway.reload({"routes": None})
    until(lambda: kernel(lab.far, OURS) is None, 15, "the withdrawal behind the translator")
