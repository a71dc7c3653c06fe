"""OSPF in the ring of test_rip_ring.py: how long traffic has no way when a link loses its carrier.
LAB_FULL=1 cuts often and measures FRR and BIRD alone too."""
import statistics

from lab import *
from test_rip_ring import BIRD, FRR, FULL, MIXED, OURS, RING, measure


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
