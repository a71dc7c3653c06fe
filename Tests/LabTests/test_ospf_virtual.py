"""Virtual links with FRR and BIRD: areas without a link of their own to the backbone are reached by it, and reach it."""
from lab import *
from peers import *
from test_ospf import *

CUT_OFF, CUT_OFF_HOST, FAR_ID = "172.30.9.0/24", "172.30.9.1", "1.7.7.7"
QUICK_LINK = {k: QUICK[k] for k in ("hello-interval", "dead-interval", "retransmit-interval")}
FRR_LINK = "hello-interval 1 dead-interval 4 retransmit-interval 2"


def link_to(router, **more):
    return {1: {"virtual-links": [{"router": router, **QUICK_LINK, **more}]}}


def joined(gateway, router):
    """Whether the neighbour at the other end of the virtual link is Full."""
    rows = gateway.control.get("/v1/ospf/neighbors")["neighbors"]
    return any(r["side"] == f"virtual-{router}" and r["state"] == "Full" for r in rows)


def cut_off_network(host):
    host.ip("link add cut0 type veth peer name cut1")
    host.ip("link set cut1 up")
    host.ip(f"address add {CUT_OFF_HOST}/24 dev cut0")
    host.ip("link set cut0 up")
    host.lab.defer(lambda: host.ip("link delete cut0", check=False))


@rows("OSPF-PKT-1", "OSPF-PKT-2", "OSPF-DD-3", "OSPF-RLSA-1", "OSPF-SPF-6", "OSPF-AUT-1", timeout=60)
def frr_two_hops_away_is_joined_to_the_backbone(lab):
    """Ours is in the backbone with BIRD; FRR's area is cut off by an area with another FRR in it."""
    inner_network(lab)
    cut_off_network(lab.far)
    lab.far.run("sysctl -qw net.ipv4.ip_forward=1")
    key = {"authentication": {"type": "md5", "key-id": 7, "key-file": key_file(lab)}}
    gateway = lab.start(configuration(P2P, {"area": 1, **P2P}, areas=link_to(FAR_ID, **key)))
    capture = Capture(lab.wsw, "wan0", "ip proto 89")
    between = frr_ospf(lab, lab.r1, {link: ["ip ospf area 1", *FRR_QUICK, *FRR_P2P] for link in ("eth0", "eth1")}, FRR_ID)
    far = frr_ospf(
        lab, lab.far, {"eth0": ["ip ospf area 1", *FRR_QUICK, *FRR_P2P], "cut0": ["ip ospf area 2", "ip ospf passive"]}, FAR_ID,
        f" ospf abr-type standard\n area 1 virtual-link {OWN_ID} {FRR_LINK}\n"
        f" area 1 virtual-link {OWN_ID} authentication message-digest\n"
        f" area 1 virtual-link {OWN_ID} message-digest-key 7 md5 secret")
    bird_lan(lab, lines=BIRD_P2P)
    began = time.monotonic()
    until(lambda: joined(gateway, FAR_ID) and full(gateway, FRR_ID, BIRD_ID), 20, "Full over the virtual link")
    print(f"      the virtual link is Full after {time.monotonic() - began:.1f} s")
    until(lambda: learned(gateway, CUT_OFF, "ospf") == (R1, 30), 8, "the cut-off network")
    until(lambda: kernel(lab.cli2, CUT_OFF) == LAN and kernel(lab.far, INNER) == "203.0.113.1", 8, "routes both ways")
    equal_databases(gateway, far, ("0.0.0.0", "0.0.0.1"))
    equal_databases(gateway, between, ("0.0.0.1",))
    lab.cli2.ping(LAN)
    lab.cli2.ping(CUT_OFF_HOST, 2, "-I", INNER_HOST)
    sent = [p["IP"] for p in capture.packets() if p["IP"].src == WAN and p["IP"].dst == FAR]
    assert sent and all(p.ttl == 255 and p.tos == 0xc0 for p in sent), sent
    shown = gateway.ctl("ospf", "interfaces").stdout
    assert f"virtual-{FAR_ID}" in shown and "md5 key 7" in shown, shown
    # With the way there the link goes, and comes again.
    lab.r1.ip("link set eth1 down")
    until(lambda: learned(gateway, CUT_OFF, "ospf") is None and kernel(lab.cli2, CUT_OFF) is None, 12, "the loss")
    assert not joined(gateway, FAR_ID)
    lab.r1.ip("link set eth1 up")
    until(lambda: kernel(lab.cli2, CUT_OFF) == LAN and kernel(lab.far, INNER) == "203.0.113.1", 20, "both again")


@rows("OSPF-SLSA-1", "OSPF-RLSA-1", "OSPF-AUT-4", timeout=60)
def bird_is_joined_to_the_backbone(lab):
    """Over a broadcast network: on point-to-point links BIRD finds no address for the other end."""
    inner_network(lab)
    key = {"authentication": {"type": "hmac-sha-256", "key-id": 7, "key-file": key_file(lab)}}
    gateway = lab.start(configuration({"area": 1}, P2P, areas=link_to(BIRD_ID, **key)))
    peer = frr_wan(lab, lines=FRR_P2P)
    bird_ospf(lab, lab.cli2, {
        0: {}, 2: {"stub0": "stub yes;"}, 1: {"eth0": BIRD_QUICK, "":
        f'virtual link {OWN_ID} {{ hello 1; dead 4; retransmit 2; authentication cryptographic; '
        'password "secret" { id 7; algorithm hmac sha256; }; };'}}, BIRD_ID)
    until(lambda: joined(gateway, BIRD_ID) and full(gateway, FRR_ID), 20, "Full over the virtual link")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 10, "routes both ways")
    equal_databases(gateway, peer, ("0.0.0.0",))
    reach_far(lab)


@rows("OSPF-SLSA-1", "OSPF-RLSA-1", "OSPF-SPF-6", timeout=60)
def frr_joins_ours_to_the_backbone(lab):
    inner_network(lab)
    gateway = lab.start(configuration({"area": 2, **P2P}, {"area": 1, **P2P}, areas=link_to(FRR_ID)))
    peer = frr_ospf(lab, lab.r1, {
        "eth0": ["ip ospf area 1", *FRR_QUICK, *FRR_P2P], "eth1": ["ip ospf area 0", "ip ospf passive"]}, FRR_ID,
        f" area 1 virtual-link {OWN_ID} {FRR_LINK}")
    bird_lan(lab, lines=BIRD_P2P, area=2)
    until(lambda: joined(gateway, FRR_ID) and full(gateway, BIRD_ID), 20, "Full over the virtual link")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 10, "routes both ways")
    equal_databases(gateway, peer, ("0.0.0.0", "0.0.0.1"))
    reach_far(lab)
    # Taken out of the configuration, it is the end of it.
    gateway.reload({"ospf": {"areas": None, "interfaces": {"lan": {"area": 1}}}})
    until(lambda: not joined(gateway, FRR_ID), 5, "the end of the link")
