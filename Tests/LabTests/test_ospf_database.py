"""The database of ours is that of FRR and of BIRD, LSA by LSA: number, checksum, age, in every role."""
import re

from lab import *
from peers import *
from test_ospf import *

#: Seconds that two databases may differ by: an LSA ages by one on its way, and in whole seconds.
AGES = 3
BIRD_KINDS = {1: "router", 2: "network", 3: "summary", 4: "asbr-summary", 5: "external", 7: "nssa-external"}


def our_rows(gateway):
    return {(row["type"], row.get("area", ""), row["id"], row["router"]):
            (int(row["sequence"], 16), int(row["checksum"], 16), row["age"])
            for row in gateway.control.get("/v1/ospf/database", limit="all")["lsas"] if row["type"] != "opaque"}


def frr_rows(peer):
    answer, found = peer.ask("show ip ospf database json"), {}
    sections = [("", answer)] + [(area.split()[0], rows) for area, rows in answer.get("areas", {}).items()]
    for area, section in sections:
        for key, kind in KINDS.items():
            for row in section.get(key, []):
                found[kind, area, row["lsId"], row["advertisedRouter"]] = (
                    int(row["sequenceNumber"], 16), int(row["checksum"], 16), row["lsaAge"])
    return found


def bird_rows(process):
    found, area = {}, ""
    for line in sh(["birdc", "-r", "-s", process.command[-1], "show ospf lsadb"]).stdout.splitlines():
        if match := re.match(r"Area (\S+)", line):
            area = match[1]
        elif line.startswith("Global"):
            area = ""
        elif match := re.match(r" ([0-9a-f]{4})  (\S+)\s+(\S+)\s+([0-9a-f]{8})\s+(\d+)\s+([0-9a-f]{4})$", line):
            kind = BIRD_KINDS.get(int(match[1], 16) & 0xff)
            if kind:
                found[kind, area, match[2], match[3]] = (int(match[4], 16), int(match[6], 16), int(match[5]))
    return found


def alike(gateway, rows, areas, ages=AGES, seconds=12):
    """Waits until the LSAs of these areas are the same; what kinds there are."""
    def differences():
        mine, its = ({k: v for k, v in database.items() if k[1] in areas and v[2] < 3600}
                     for database in (our_rows(gateway), rows()))
        assert mine and its
        return {k: (mine.get(k), its.get(k)) for k in mine.keys() | its.keys()
                if k not in mine or k not in its or mine[k][:2] != its[k][:2]
                or abs(mine[k][2] - its[k][2]) > ages}
    end = time.monotonic() + seconds
    while (left := differences()) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left, f"LSAs that differ, ours and theirs (number, checksum, age): {left}"
    return {key[0] for key in our_rows(gateway) if key[1] in areas}


def outside(lab):
    """A network outside that FRR on `r1` knows."""
    lab.r1.ip("route add 192.0.2.128/26 dev lo")
    lab.defer(lambda: lab.r1.ip("route delete 192.0.2.128/26 dev lo", check=False))


def bird_beyond(lab, lines, options=""):
    """BIRD in area 1 on the LAN, with networks outside."""
    inner_network(lab)
    return bird_lan(lab, area=1, lines=lines, options=options, imports="filter { if net != 192.0.2.192/26 then reject; "
                    "ospf_metric1 = 9; accept; }", more="protocol static { ipv4; route 192.0.2.192/26 blackhole; }")


@rows("OSPF-FLD-3", "OSPF-AGE-1", "OSPF-CHK-1", "OSPF-RLSA-1", "OSPF-NLSA-1", "OSPF-SLSA-1", "OSPF-XLSA-1", timeout=80)
def in_every_role_on_a_network(lab):
    outside(lab)
    gateway = lab.start(configuration({"area": 1}, {"priority": 200}, redistribute=["static"], **{
        "default-originate": {"always": True}}) | {"routes": [{"to": "192.0.2.0/25", "via": SRV}]})
    until(lambda: state(gateway, "wan") == "DR", 6, "nobody else")
    first = frr_wan(lab, lines=["ip ospf priority 2"], more=" redistribute kernel metric 7")
    second = bird_ospf(lab, lab.srv, {0: {"eth0": BIRD_QUICK}}, "1.4.4.4")
    third = bird_beyond(lab, "")
    # An LSA of ours that is made anew as it was, with nobody there to hear of its end, is the same to FRR.
    def compare(role, ages=900):
        until(lambda: state(gateway, "wan") == role and full(gateway, FRR_ID, "1.4.4.4", BIRD_ID), 20, role)
        until(lambda: kernel(lab.r1, "192.0.2.192/26") == WAN, 15, "BIRD's network outside in FRR")
        kinds = alike(gateway, lambda: frr_rows(first), ("0.0.0.0", ""), ages)
        assert kinds == {"router", "network", "summary", "asbr-summary", "external"}, kinds
        alike(gateway, lambda: bird_rows(second), ("0.0.0.0", ""), ages)
        alike(gateway, lambda: bird_rows(third), ("0.0.0.1", ""), ages)
        print(f"      as {role}: {len(our_rows(gateway))} LSAs of {len(kinds)} kinds")
    compare("DR", AGES)
    gateway.reload({"ospf": {"interfaces": {"wan": {"priority": 0}}}})
    compare("DROther")
    # FRR was Backup and is DR now; we are next by priority when BIRD leaves the office.
    second.stop(signal.SIGKILL)
    gateway.reload({"ospf": {"interfaces": {"wan": {"priority": 200}}}})
    second = bird_ospf(lab, lab.srv, {0: {"eth0": BIRD_QUICK + "priority 0;"}}, "1.4.4.4")
    compare("Backup")


@rows("OSPF-FLD-3", "OSPF-AGE-1", "OSPF-CHK-1", "OSPF-RLSA-1", "OSPF-SLSA-1", "OSPF-XLSA-1", "OSPF-NSS-1")
def on_point_to_point_links(lab):
    outside(lab)
    gateway = lab.start(configuration({"area": 1, **P2P}, P2P, areas={1: {"type": "nssa"}}))
    first = frr_wan(lab, lines=FRR_P2P, more=" redistribute kernel metric 7")
    third = bird_beyond(lab, BIRD_P2P, "nssa;")
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 10, "Full with both")
    until(lambda: kernel(lab.r1, "192.0.2.192/26") == WAN, 8, "BIRD's network behind FRR")
    assert alike(gateway, lambda: frr_rows(first), ("0.0.0.0", "")) == {"router", "summary", "external"}
    assert alike(gateway, lambda: bird_rows(third), ("0.0.0.1",)) == {"router", "summary", "nssa-external"}
