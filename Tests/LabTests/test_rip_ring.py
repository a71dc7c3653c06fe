"""RIP in a ring and a diamond of six routers, ours mixed with FRR and BIRD: how long traffic has
no way when a link is cut, beside FRR alone. LAB_FULL=1 cuts often and measures all mixtures.

    ring:     h1 -+- r1 --- r2 --- r3 -+- h2      diamond:   h1 -+- r1 --- r4 -+- h2
                  +- r6 --- r5 --- r4 -+                         +- r2 --- r5 -+
                                                                 +- r3 --- r6 -+
"""
import socket, statistics, struct, threading, time

from lab import *
from peers import *

FULL = bool(os.environ.get("LAB_FULL"))
#: The routers of each link in order, the first that with h1 and the last that with h2; the links
#: that are cut, which lie on the way from h1, whose router is r1.
RING = [(1, 6), (1, 2), (2, 3), (6, 5), (5, 4), (3, 4)], (2, 1)
DIAMOND = [(1, 2, 3), (1, 4), (2, 5), (3, 6), (4, 5, 6)], (1,)
OURS, MIXED, FRR, BIRD = ["ours"] * 6, ["ours", "frr", "ours", "bird", "ours", "ours"], ["frr"] * 6, ["bird"] * 6


class Variant:
    """How the routers find that a link is cut, beside its carrier. `bfd`: milliseconds between packets."""

    def __init__(self, hello=None, dead=None, bfd=None, silent=False):
        self.silent, self.bfd = silent, bfd
        self.ours, self.frr, self.bird = {}, [], ""
        if dead:
            self.ours = {"hello-interval": f"{hello}ms", "dead-interval": f"{dead}s"}
            self.frr = [f"ip ospf dead-interval minimal hello-multiplier {1000 // hello}" if hello < 1000 else
                        f"ip ospf hello-interval {hello // 1000}", *([f"ip ospf dead-interval {dead}"] if hello >= 1000 else [])]
            self.bird = f"hello {max(hello // 1000, 1)}; dead {dead};"
        if bfd:
            self.ours["bfd"] = {"min-tx": f"{bfd}ms", "min-rx": f"{bfd}ms"}
            self.frr += ["ip ospf bfd", "ip ospf bfd profile quick"]
            self.bird += " bfd yes;"


class Routers:
    """Six routers with two links each, all links bridges of one namespace, and two hosts."""

    def __init__(self, lab, kinds, links, protocol="rip", variant=Variant()):
        self.lab, self.links, self.gateways, self.hosts, self.protocol = lab, links, {}, {}, protocol
        self.variant = variant
        self.switch = self.namespace("sw")
        for number in range(len(links)):
            self.switch.ip(f"link add b{number} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
            self.switch.ip(f"link set b{number} up")
        for router, kind in enumerate(kinds, 1):
            mine = [number for number, ends in enumerate(links) if router in ends]
            if kind == "ours":
                self.gateways[router] = self.start(router, mine)
            else:
                self.hosts[router] = host = self.kernel_router(router, mine)
                self.start_peer(kind, host, [f"e{number}" for number in mine], f"10.0.0.{router}")
        self.sender = self.end_host("h1", 0, 1)
        self.receiver = self.end_host("h2", len(links) - 1, links[-1][0])

    def is_pair(self, link):
        """Whether a link, or the interface of this name, joins no more than two routers."""
        return len(self.links[int(str(link).lstrip("e"))]) <= 2

    def namespace(self, name):
        space = Namespace(self.lab, f"x{name}")
        def remove():
            space.file.close()
            sh(["ip", "netns", "delete", space.name])
        self.lab.defer(remove)
        return space

    def start_peer(self, kind, host, links, router_id):
        if self.protocol == "rip":
            (frr if kind == "frr" else bird)(self.lab, host, links, timers=USUAL_TIMERS)
        elif kind == "frr":
            lines = ["ip ospf area 0", *self.variant.frr]
            frr_ospf(self.lab, host, {link: lines + ["ip ospf network point-to-point"] * self.is_pair(link)
                                      for link in links}, router_id,
                     bfd=self.variant.bfd and frr_bfd_profile(self.variant.bfd))
        else:
            bird_ospf(self.lab, host, {0: {link: "type ptp;" * self.is_pair(link) + self.variant.bird
                                           for link in links}}, router_id,
                      self.variant.bfd and bird_bfd(self.variant.bfd) or "")

    def start(self, router, mine):
        sides = {}
        for side, link in zip(("lan", "wan"), mine):
            sides[side] = {
                "tap": f"r{router}l{link}", "netns": self.switch.name, "bridge": f"b{link}",
                "macaddress": f"02:00:5e:20:{router:02}:{link:02}",
                "addresses": [f"10.20.{link}.{router}/24"]}
        gateway = Gateway(self.lab, {
            "name": f"r{router}", "interfaces": sides, "routes": None, "nat": {"mode": "none"},
            **({"rip": {"interfaces": {"lan": {}, "wan": {}}}} if self.protocol == "rip" else
               {"ospf": {"router-id": f"10.0.0.{router}", "interfaces": {
                   side: {"area": 0, "network-type": "point-to-point" if self.is_pair(link) else "broadcast",
                          **self.variant.ours} for side, link in zip(("lan", "wan"), mine)}}})})
        return gateway.start()

    def plug(self, space, name, link, port, address):
        sh(f"ip link add {name} netns {space.name} type veth peer name {port} netns {self.switch.name}")
        self.switch.ip(f"link set {port} master b{link} up")
        space.ip(f"address add {address}/24 brd + dev {name}")
        space.ip(f"link set {name} up")

    def kernel_router(self, router, mine):
        space = self.namespace(f"r{router}")
        space.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 "
                  "net.ipv4.conf.default.send_redirects=0 net.ipv4.conf.all.rp_filter=0")
        for link in mine:
            self.plug(space, f"e{link}", link, f"r{router}l{link}", f"10.20.{link}.{router}")
        return space

    def end_host(self, name, link, router):
        space = self.namespace(name)
        space.run("sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.default.accept_redirects=0")
        self.plug(space, "eth0", link, name, f"10.20.{link}.100")
        space.ip(f"route add default via 10.20.{link}.{router}")
        return space

    def set_link(self, number, state):
        """The carrier of both ends of a link; or, silently, that frames pass between its ends."""
        for router in self.links[number]:
            port = f"r{router}l{number}"
            if self.variant.silent:
                self.switch.ip(f"link set {port} type bridge_slave isolated {'on' if state == 'down' else 'off'}")
            else:
                self.switch.ip(f"link set {port} {state}")

    def metric(self):
        """Our distance from r1 to the network of h2, or the gateway there, to see that it is back."""
        prefix = f"10.20.{len(self.links) - 1}.0/24"
        if 1 in self.gateways:
            return learned(self.gateways[1], prefix, self.protocol)
        return kernel(self.hosts[1], prefix)

    def settle(self, quiet):
        """Waits until our distance has not changed for so many seconds."""
        last, since, end = self.metric(), time.monotonic(), time.monotonic() + 60
        while time.monotonic() < since + quiet:
            assert time.monotonic() < end, "distances do not settle within 60 s"
            time.sleep(0.1)
            if (now := self.metric()) != last:
                last, since = now, time.monotonic()

    def watch(self, act):
        """Sends 500 packets a second while `act(sent, arrives)` goes on, which may wait until packets arrive that
        are sent from now on: when each packet was sent, and which ones came."""
        sent, got, stop = [], set(), threading.Event()
        target = (f"10.20.{len(self.links) - 1}.100", 9000)
        receiver, sender = self.receiver.udp(9000), self.sender.udp()
        receiver.settimeout(0.2)
        def receive():
            while not stop.is_set():
                try:
                    got.add(struct.unpack("!I", receiver.recv(64))[0])
                except TimeoutError:
                    pass
        def send():
            began = time.monotonic()
            while not stop.is_set():
                sent.append(time.monotonic())
                try:
                    sender.sendto(struct.pack("!I", len(sent) - 1), target)
                except OSError:
                    pass
                time.sleep(max(began + 0.002 * len(sent) - time.monotonic(), 0))
        def arrives(seconds, what):
            first = len(sent)
            time.sleep(0.3)
            until(lambda: any(n in got for n in range(max(first, len(sent) - 200), len(sent))), seconds, what)
        threads = [threading.Thread(target=receive), threading.Thread(target=send)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3)
            act(arrives)
            time.sleep(0.3)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        for s in (receiver, sender):
            s.close()
        assert any(number in got for number in range(100)), "nothing arrived at first"
        return sent, got

    @staticmethod
    def gap(sent, got, begin=0.0, end=float("inf")):
        """The longest time without a way among packets sent from `begin` to `end`, in seconds."""
        longest, start = 0.0, None
        for number, moment in enumerate(sent[:max(got) + 1]):
            if number in got or not begin <= moment < end:
                if start is not None:
                    longest, start = max(longest, moment - start), None
            elif start is None:
                start = moment
        return longest

    def cut(self, number, seconds):
        """Cuts a link and mends it: the longest gap in seconds, and packets lost of 500 a second."""
        before = self.metric()
        def act(arrives):
            self.set_link(number, "down")
            arrives(seconds, f"a way around link {number}")
        sent, got = self.watch(act)
        self.set_link(number, "up")
        until(lambda: self.metric() == before, 60, "the way back")
        return self.gap(sent, got), max(got) + 1 - len(got)

    def flap(self, number, quiet, seconds=60):
        """Cuts a link, mends it after a quiet time, and cuts it again a second after traffic may use it again: the
        longest gaps of its return and of the second cut."""
        before, moments = self.metric(), []
        self.set_link(number, "down")
        until(lambda: self.metric() != before, seconds, f"a way around link {number}", pause=0.1)
        time.sleep(quiet)
        def act(arrives):
            moments.append(time.monotonic())
            self.set_link(number, "up")
            until(lambda: self.metric() == before, seconds, "the way back", pause=0.01)
            time.sleep(1)
            moments.append(time.monotonic())
            self.set_link(number, "down")
            arrives(seconds, f"a way around link {number}")
        sent, got = self.watch(act)
        self.set_link(number, "up")
        until(lambda: self.metric() == before, seconds, "the way back")
        return self.gap(sent, got, moments[0], moments[1]), self.gap(sent, got, moments[1])


def measure_flaps(lab, name, kinds, shape, number, rounds, quiet=8, variant=Variant()):
    """Returns of a link, and its loss a second later, by OSPF."""
    links, _ = shape
    routers = Routers(lab, kinds, links, "ospf", variant)
    target = f"10.20.{len(links) - 1}.100"
    until(lambda: routers.sender.ping(target, check=False).returncode == 0, 60, "a way", pause=0.3)
    results = []
    for _ in range(rounds):
        # Designated Routers are elected, and what they say is let through, in the first 9 s.
        routers.settle(quiet + 2)
        results.append(routers.flap(number, quiet))
    for what, gaps in zip(("returns", "is cut again"), zip(*results)):
        print(f"      {name}, a link {what}: without a way {' '.join(f'{gap * 1000:.0f}' for gap in gaps)} ms, median "
              f"{statistics.median(gaps) * 1000:.0f}, worst {max(gaps) * 1000:.0f}", flush=True)
    return zip(*results)


def measure(lab, name, kinds, shape, rounds, seconds=60, quiet=8, protocol="rip", variant=Variant()):
    links, cuts = shape
    routers = Routers(lab, kinds, links, protocol, variant)
    target = f"10.20.{len(links) - 1}.100"
    until(lambda: routers.sender.ping(target, check=False).returncode == 0, 60, "a way", pause=0.3)
    gaps, lost = [], []
    for index in range(rounds):
        time.sleep(quiet)
        gap, missing = routers.cut(cuts[index % len(cuts)], seconds)
        gaps.append(gap)
        lost.append(missing)
    print(f"      {name}: without a way {' '.join(f'{gap * 1000:.0f}' for gap in gaps)} ms, median "
          f"{statistics.median(gaps) * 1000:.0f}, worst {max(gaps) * 1000:.0f}; lost {lost} packets")
    return gaps


@rows("RIP-TRG-1", timeout=300)
def ours_find_another_way_around_a_ring(lab):
    gaps = measure(lab, "ring, ours", OURS, RING, 10 if FULL else 1, quiet=8 if FULL else 6)
    assert max(gaps) <= 6 and (not FULL or statistics.median(gaps) <= 2), gaps


@rows("RIP-TRG-1", timeout=300)
def ours_with_frr_and_bird_find_another_way_around_a_ring(lab):
    gaps = measure(lab, "ring, ours with FRR and BIRD", MIXED, RING, 10 if FULL else 1, quiet=8 if FULL else 6)
    assert max(gaps) <= 10, gaps


@rows(timeout=300)
def ours_find_another_way_in_a_diamond(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    gaps = measure(lab, "diamond, ours", OURS, DIAMOND, 6)
    assert statistics.median(gaps) <= 2 and max(gaps) <= 6, gaps


@rows(timeout=300)
def ours_with_frr_and_bird_find_another_way_in_a_diamond(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    gaps = measure(lab, "diamond, ours with FRR and BIRD", MIXED, DIAMOND, 6)
    assert max(gaps) <= 10, gaps


@rows(timeout=400)
def frr_alone_in_a_diamond(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    measure(lab, "diamond, FRR", FRR, DIAMOND, 6)


@rows(timeout=400)
def frr_alone_around_a_ring(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    measure(lab, "ring, FRR", FRR, RING, 6)


@rows(timeout=600)
def bird_alone_around_a_ring(lab):
    if not FULL:
        raise Skip("LAB_FULL is not set")
    measure(lab, "ring, BIRD", BIRD, RING, 4)
