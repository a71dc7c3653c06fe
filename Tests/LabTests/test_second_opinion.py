"""The same frames through the gateway and through the kernel's nftables masquerade in its place.

Each case puts frames on the links and tells in words what came of them. Where the words differ, the
table EXPLAINED says so with the requirement that decides; a difference it does not have fails, and
so does one that it has and that is gone. `second_opinion_cases.py` holds the cases.
"""
import os

from lab import *
from second_opinion_cases import CASES, Look

DOCUMENT = f"{ROOT}/Sources/Router/Router.docc/SecondOpinion.md"
MTU = 1400

#: case: (requirements, what the gateway does, what Linux does, why ours)
EXPLAINED = {
    "a free source port": (
        "X-9a, S02", "another port outside", "the same port outside",
        "Ports cannot be guessed (RFC 6056); `preserve` keeps them where asked for."),
    "one endpoint to two servers, its port taken towards one of them": (
        "U-1, U-11", "one outside port", "two outside ports",
        "RFC 4787 REQ-1 and REQ-11: mapping does not change its class when ports collide."),
    "UDP from another port of the server asked": (
        "U-8", "passes", "ICMP 3/3 back",
        "RFC 4787 REQ-8: filtering is address-dependent; Linux knows address and port only."),
    "UDP from a stranger to a mapped port": (
        "U-8, S03", "nothing", "ICMP 3/3 back",
        "Dropped in silence; the kernel hands it to itself and answers, which tells strangers that somebody is there."),
    "UDP to a port nobody has": (
        "S03", "nothing", "ICMP 3/3 back",
        "As above."),
    "SYN to a port nobody has": (
        "T-4, S03", "nothing", "TCP RA back",
        "RFC 5382 REQ-4: no answer for 6 s, or both ends of a simultaneous open lose."),
    "ACK to a port nobody has": (
        "S03", "nothing", "TCP R back",
        "Dropped in silence."),
    "a packet from outside to an inside address": (
        "S03, M-6", "nothing", "passes",
        "Only mappings and forwards let packets in; masquerade alone filters nothing."),
    "a packet from inside to another host's outside port": (
        "U-9, U-9a", "arrives from the outside address", "ICMP 3/3 back",
        "RFC 4787 REQ-9: hairpinning; Linux needs a rule for each forward and cannot do it for mappings."),
    "idle time of UDP without answer": (
        "U-5", "at least 120 s", "30 s",
        "RFC 4787 REQ-5."),
    "idle time of a half-open TCP connection": (
        "T-5", "at least 240 s", "120 s",
        "RFC 5382 REQ-5."),
    "idle time of an ICMP query": (
        "I-2", "at least 60 s", "30 s",
        "RFC 5508 REQ-2."),
    "SYN with a segment size over that of the way out": (
        "P-3", "segment size 1360", "segment size 1460",
        "Clamped by default, since path MTU discovery fails in too many places."),
    "ACK from inside without a connection": (
        "T-n1", "TCP R back", "passes",
        "Linux takes connections up in the middle, without knowing their window; here they start with a SYN."),
    "SYN from the server on a live connection": (
        "S01, S03", "nothing", "TCP RA back",
        "Only the end that called may begin anew. Linux gives the SYN to itself and answers strangers."),
    "data outside the window": (
        "S01, S03", "nothing", "TCP R back",
        "Both keep it from the host; Linux gives it to itself and answers strangers."),
    "source quench about a flow": (
        "I-10c, S04", "nothing", "passes",
        "RFC 6633: deprecated, and a way to slow others down."),
    "error that quotes a wrong header checksum": (
        "I-3a", "nothing", "passes",
        "RFC 5508 REQ-3a: such an error is forged or broken."),
    "information request": (
        "I-10c", "nothing", "passes",
        "RFC 6918: deprecated."),
    "address mask request": (
        "I-10b", "nothing", "passes",
        "RFC 6918: deprecated."),
    "ICMP of an unknown type": (
        "I-11, S-2", "nothing", "passes with the inside source",
        "What cannot be translated is not sent."),
    "fragments that overlap": (
        "D-3, S20", "pieces 0+800", "nothing",
        "Both end the datagram. Pieces pass here as they come; the one that overlaps and all later ones do not."),
    "a TCP header cut in two": (
        "D-5, S20", "nothing", "pieces 0+8 8+12",
        "RFC 1858: a first piece holds the header, or filters can be passed by."),
    "fragments of two hosts with one identification": (
        "D-1, X-10", "2 identifications outside", "1 identification outside",
        "RFC 6864: behind one address the receiver would mix the two."),
    "from inside with the source 169.254.1.1": (
        "F-22, M-2", "nothing", "passes",
        "RFC 3927 §7: link-local is not forwarded."),
    "from inside with the source 198.18.0.5": (
        "F-21, S13", "nothing", "passes",
        "RFC 2827: sources are validated by default; in Linux it is a switch."),
    "from inside with the source 203.0.113.77": (
        "F-21, S13", "nothing", "passes",
        "As above."),
    "from inside with the source 240.0.0.1": (
        "M-5", "nothing", "passes",
        "Class E is no source here but by a switch."),
    "from inside with the source 10.10.0.255": (
        "M-8", "nothing", "passes",
        "A broadcast address is no source (RFC 1812 §5.3.7)."),
    "from inside to 0.0.0.1": (
        "F-20, M-1", "nothing", "passes, ICMP 3/0 back",
        "0/8 is this host, never a destination; the next router has no route either and says so."),
    "from inside to 169.254.9.9": (
        "F-22, M-2", "nothing", "passes, ICMP 3/0 back",
        "RFC 3927 §7."),
    "from inside to 240.0.0.1": (
        "M-5", "nothing", "passes, ICMP 3/0 back",
        "As the source."),
    "a wrong UDP checksum": (
        "S41, S-2", "nothing", "passes with the inside source",
        "A packet that is broken makes no session, and nothing leaves untranslated; Linux lets it out as it is."),
    "a wrong TCP checksum": (
        "S41, S-2", "nothing", "passes with the inside source",
        "As above."),
    "record route": (
        "F-23", "passes unchanged", "passes, filled in",
        "RFC 7126 §4.5: recording tells the inside of a network; the option is carried, not acted on."),
    "timestamp option": (
        "F-23", "passes unchanged", "passes, filled in",
        "As above."),
    "an option that is too short": (
        "F-23, S42", "nothing", "ICMP 12/0 back",
        "RFC 1812 leaves the choice between an error and silence."),
}


class Kernel:
    """A namespace that forwards and masquerades, with the links and addresses of the gateway."""

    def __init__(self, lab):
        self.namespace = lab.namespaces.get("nft") or Namespace(lab, "nft")
        lab.namespaces["nft"] = self.namespace
        for switch, bridge, device, mac, address, mtu in (
                (lab.lsw, "br-lan", "lan0", LAN_MAC, LAN, 1500), (lab.wsw, "br-wan", "wan0", WAN_MAC, WAN, MTU)):
            sh(f"ip link add {device} netns {self.namespace.name} address {mac} mtu {mtu} type veth "
               f"peer name nft-{device} netns {switch.name}")
            lab.defer(lambda device=device: self.namespace.ip(f"link delete {device}"))
            switch.ip(f"link set nft-{device} master {bridge} up")
            self.namespace.ip(f"address add {address}/24 brd + dev {device}")
            self.namespace.ip(f"link set {device} up")
        self.namespace.ip(f"route add default via {R1}")
        self.namespace.run("sysctl -qw net.ipv4.ip_forward=1")
        # What another machine's defaults are must not depend on this one's.
        self.namespace.run("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 "
                           "net.ipv4.conf.lan0.rp_filter=0 net.ipv4.conf.wan0.rp_filter=0")
        self.namespace.run(["nft", "add table ip nat; add chain ip nat out "
                            "{ type nat hook postrouting priority 100; }; "
                            "add rule ip nat out oifname wan0 masquerade"])

    def seconds(self, *names):
        return [int(self.namespace.run(f"sysctl -n net.netfilter.nf_conntrack_{name}").stdout) for name in names]


def quiet(lab):
    """Lets the hosts answer nothing but pings, so that only the frames of the cases are on the links."""
    for host in (lab.cli1, lab.cli2, lab.srv, lab.srv2, lab.r1):
        host.run(["nft", "add table ip quiet; add chain ip quiet in "
                  "{ type filter hook input priority 0; policy drop; }; add rule ip quiet in icmp type "
                  "{ echo-request, echo-reply } accept"])
        host.run(["nft", "add chain ip quiet through { type filter hook forward priority 0; policy drop; }"])
        if host is not lab.r1:  # Connections of earlier tests may go on sending; raw frames pass by this.
            host.run(["nft", "add chain ip quiet out { type filter hook output priority 0; policy drop; }; "
                      "add rule ip quiet out icmp type { echo-request, echo-reply } accept"])
        lab.defer(lambda host=host: host.run(["nft", "delete table ip quiet"]))


def outcomes(lab, timers):
    look = Look(lab, timers)
    for host in (lab.cli1, lab.cli2, lab.srv, lab.srv2, lab.r1):
        host.forget_neighbors()
        until(lambda host=host: host.ping(host.gateway, check=False).returncode == 0, 5, f"{host.short} pings")
    return {name: case(look.fresh()) for name, case in CASES.items()}


def document(ours, theirs):
    lines = ["# A second opinion", "",
             "The same frames through this gateway and through Linux' own nftables masquerade: where they differ.", "",
             f"{len(CASES)} cases of `Tests/LabTests/second_opinion_cases.py` were put to both; in "
             f"{len(CASES) - len(EXPLAINED)} they do the same. Written by",
             "the test `second_opinion`, which fails when a difference comes or goes; "
             "`SECOND_OPINION=write`", "makes it write this page. Linux is at its defaults.", "", "| case | requirement | gateway | Linux | why |", "| --- | --- | --- | --- | --- |"]
    for name in CASES:
        if name in EXPLAINED:
            ids, why = EXPLAINED[name][0], EXPLAINED[name][3]
            lines.append(f"| {name} | {ids} | {ours[name]} | {theirs[name]} | {why} |")
    return "\n".join(lines) + "\n"


@rows("U-1", "U-11", "U-12a", "I-4", "M-6", "S-2", "T-n1", timeout=240)
def second_opinion(lab):
    quiet(lab)
    leaks = lab.leaks()
    gateway = lab.start({"interfaces": {"wan": {"mtu": MTU}}, "routes": [{"to": "default", "via": R1}]})
    times = {row["name"]: row["seconds"] for row in gateway.control.get("/v1/nat")["timeouts"]}
    ours = outcomes(lab, [times[name] for name in ("udp-unreplied", "udp", "tcp-established", "tcp-transitory", "icmp")])
    gateway.stop()
    kernel = Kernel(lab)
    # Linux lets inside addresses out; the check of every test for such frames is about the gateway.
    assert not leaks.read(), "an inside address left"
    gateway.shows_inside = gateway.may_end = True
    theirs = outcomes(lab, kernel.seconds(
        "udp_timeout", "udp_timeout_stream", "tcp_timeout_established", "tcp_timeout_syn_sent", "icmp_timeout"))
    wrong = []
    for name in CASES:
        known = EXPLAINED.get(name)
        if os.environ.get("SECOND_OPINION") == "show":
            print(f"{'=' if ours[name] == theirs[name] else '*'} {name}: {ours[name]} | {theirs[name]}")
        if ours[name] == theirs[name]:
            if known:
                wrong.append(f"{name}: no difference any more: both {ours[name]}")
        elif not known:
            wrong.append(f"{name}: no explanation: gateway: {ours[name]}; Linux: {theirs[name]}")
        elif known[1:3] != (ours[name], theirs[name]):
            wrong.append(f"{name}: another difference: gateway: {ours[name]}; Linux: {theirs[name]}")
    wrong += [f"{name}: no such case" for name in EXPLAINED if name not in CASES]
    assert not wrong, "\n".join(wrong)
    text = document(ours, theirs)
    if os.environ.get("SECOND_OPINION") == "write":
        with open(DOCUMENT, "w") as file:
            file.write(text)
    with open(DOCUMENT) as file:
        assert file.read() == text, "the page is stale: SECOND_OPINION=write Tests/LabTests/run second_opinion"
