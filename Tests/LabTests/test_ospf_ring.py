"""OSPF in the ring of test_rip_ring.py: how long traffic has no way when a link loses its carrier.
LAB_FULL=1 cuts often and measures FRR and BIRD alone too."""
import statistics

from lab import *
from test_rip_ring import BIRD, DIAMOND, FRR, FULL, MIXED, OURS, RING, Variant, measure, measure_flaps

#: The link that is cut once more a second after it returned: of the ring one whose loss r1 has to be told of.
#: With a dead-interval of 4 s, for which routers wait before they elect one on the networks of the diamond.
FLAPS = {"ring": (RING, 2, Variant()), "diamond": (DIAMOND, 1, Variant(hello=1000, dead=4))}


def around(lab, name, kinds, rounds):
    return measure(lab, name, kinds, RING, rounds, quiet=8 if FULL else 3, protocol="ospf")


@rows("OSPF-SPF-1", timeout=300)
def ours_find_another_way_around_a_ring(lab):
    gaps = around(lab, "ring, ours by OSPF", OURS, 10 if FULL else 2)
    assert max(gaps) <= 2 and (not FULL or statistics.median(gaps) <= 0.2), gaps


@rows(timeout=300)
def ours_with_frr_and_bird_find_another_way_around_a_ring(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    gaps = around(lab, "ring, ours with FRR and BIRD by OSPF", MIXED, 10)
    assert max(gaps) <= 10, gaps


@rows(timeout=400)
def frr_alone_around_a_ring(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    around(lab, "ring, FRR by OSPF", FRR, 6)


@rows(timeout=400)
def bird_alone_around_a_ring(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    around(lab, "ring, BIRD by OSPF", BIRD, 6)


def flaps(lab, shape, name, kinds, rounds):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    links, number, variant = FLAPS[shape]
    return measure_flaps(lab, f"{shape}, {name} by OSPF", kinds, links, number, rounds, variant=variant)


@rows(timeout=300)
def a_link_of_a_ring_of_ours_returns_and_is_cut_again(lab):
    returns, cuts = flaps(lab, "ring", "ours", OURS, 3)
    assert max(returns) <= 0.1 and max(cuts) <= 1.5, (returns, cuts)


@rows(timeout=300)
def a_link_of_a_diamond_of_ours_returns_and_is_cut_again(lab):
    returns, cuts = flaps(lab, "diamond", "ours", OURS, 3)
    assert max(returns) <= 0.1 and max(cuts) <= 1.5, (returns, cuts)


@rows(timeout=300)
def a_link_of_a_ring_returns_and_is_cut_again_with_frr_and_bird(lab):
    flaps(lab, "ring", "ours with FRR and BIRD", MIXED, 3)


@rows(timeout=300)
def a_link_of_a_diamond_returns_and_is_cut_again_with_frr_and_bird(lab):
    flaps(lab, "diamond", "ours with FRR and BIRD", MIXED, 3)


@rows(timeout=300)
def a_link_of_a_ring_of_frr_returns_and_is_cut_again(lab):
    flaps(lab, "ring", "FRR", FRR, 2)


@rows(timeout=300)
def a_link_of_a_diamond_of_frr_returns_and_is_cut_again(lab):
    flaps(lab, "diamond", "FRR", FRR, 2)


@rows(timeout=300)
def a_link_of_a_ring_of_bird_returns_and_is_cut_again(lab):
    flaps(lab, "ring", "BIRD", BIRD, 2)


@rows(timeout=300)
def a_link_of_a_diamond_of_bird_returns_and_is_cut_again(lab):
    flaps(lab, "diamond", "BIRD", BIRD, 2)
