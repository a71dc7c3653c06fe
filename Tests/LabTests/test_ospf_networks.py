"""Networks where routers do not hear what is sent to all: each pair a link, or all of them named."""
from lab import *
from peers import *
from test_ospf import *
from test_ospf_database import alike, bird_rows, frr_rows


def both_learn(lab, gateway, first, second, seconds=20):
    until(lambda: full(gateway, FRR_ID, BIRD_ID), seconds, "Full with both")
    until(lambda: learned(gateway, OUTER, "ospf") == (R1, 20), 5, "a route from FRR")
    until(lambda: learned(gateway, INNER, "ospf") == (CLI2, 20), 5, "a route from BIRD")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 10, "routes both ways")
    reach_far(lab)
    alike(gateway, lambda: frr_rows(first), ("0.0.0.0",))
    return alike(gateway, lambda: bird_rows(second), ("0.0.0.0",))


@rows("OSPF-NSM-2", "OSPF-RLSA-1", "OSPF-FLD-6")
def point_to_multipoint_with_both(lab):
    inner_network(lab)
    # FRR hears what is sent to all; BIRD wants its neighbours named, and so do we there.
    kind = {"network-type": "point-to-multipoint"}
    gateway = lab.start(configuration({**kind, "neighbors": [CLI2]}, kind))
    first = frr_wan(lab, lines=["ip ospf network point-to-multipoint"])
    second = bird_lan(lab, lines=f"type ptmp; neighbors {{ {LAN}; }};")
    assert both_learn(lab, gateway, first, second) == {"router"}
    assert state(gateway, "wan") == state(gateway, "lan") == "Point-To-Point"
    links = gateway.control.get("/v1/ospf/database", type="router")["lsas"]
    own = next(row for row in links if row["own"])["links"]
    assert [link["data"] for link in own if link["kind"] == "stub"] == ["255.255.255.255"] * 2, own
    # A third one on the same network: FRR does not see it as a neighbour of ours alone.
    frr_ospf(lab, lab.srv, {"eth0": ["ip ospf area 0", *FRR_QUICK, "ip ospf network point-to-multipoint"]}, "1.4.4.4")
    until(lambda: full(gateway, FRR_ID, "1.4.4.4"), 12, "a third router")
    alike(gateway, lambda: frr_rows(first), ("0.0.0.0",))
    lab.cli2.ip("link set stub0 down")
    until(lambda: kernel(lab.r1, INNER) is None, 10, "the withdrawal")


@rows("OSPF-HEL-1", "OSPF-ISM-2", "OSPF-ISM-3", "OSPF-NLSA-1")
def non_broadcast_with_both(lab):
    inner_network(lab)
    kind = {"network-type": "non-broadcast", "poll-interval": "2s"}
    gateway = lab.start(configuration(
        {**kind, "neighbors": [{"address": CLI2, "priority": 1}]},
        {**kind, "neighbors": [{"address": R1, "priority": 0}]}))
    first = frr_wan(lab, lines=["ip ospf network non-broadcast", "ip ospf priority 0"], more=f" neighbor {WAN} poll-interval 2")
    second = bird_lan(lab, lines=f"type nbma; poll 2; neighbors {{ {LAN} eligible; }};")
    assert both_learn(lab, gateway, first, second) == {"router", "network"}
    assert state(gateway, "wan") == "DR", "FRR may not be"
    assert not [frame for frame in Capture(lab.wsw, "wan0", "dst net 224.0.0.0/4").read()]
    # As one who may not be Designated Router, as BIRD has to know.
    second.stop(signal.SIGKILL)
    second = bird_lan(lab, lines=f"type nbma; poll 2; neighbors {{ {LAN}; }};")
    gateway.reload({"ospf": {"interfaces": {"lan": {"priority": 0}}}})
    until(lambda: state(gateway, "lan") == "DROther" and neighbors(gateway).get(BIRD_ID) == ("Full", "DR"), 20, "BIRD as DR")
    alike(gateway, lambda: bird_rows(second), ("0.0.0.0",))
    # Lost and found again by polling.
    lab.cli2.ip("link set eth0 down")
    until(lambda: BIRD_ID not in neighbors(gateway), 8, "the loss")
    lab.cli2.ip("link set eth0 up")
    lab.cli2.ip(f"route add default via {LAN}", check=False)
    until(lambda: full(gateway, BIRD_ID), 20, "BIRD again")
