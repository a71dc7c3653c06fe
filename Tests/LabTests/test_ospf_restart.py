"""Restarts during which no route is lost: FRR's with our help, ours with that of FRR and BIRD."""
import threading

from lab import *
from peers import *
from programs import background
from test_ospf import *

FRR_HELPS = " capability opaque\n graceful-restart helper enable"
#: Where ospfd keeps over a restart that it restarts.
FRR_MEMORY = "/var/run/frr/ospfd-gr.json"
FRR_RESTARTS = " capability opaque\n graceful-restart grace-period 60"


class Stream:
    """Numbered datagrams every 2 ms from one host to another."""

    def __init__(self, lab, sender, source, receiver, to, port=7000):
        self.inlet = receiver.udp(port, to)
        self.inlet.settimeout(None)
        self.outlet = sender.udp(0, source)
        self.to, self.sent, self.got, self.isOn = (to, port), 0, [], True
        background(lab, self.listen)
        self.sender = threading.Thread(target=self.send, daemon=True)
        self.sender.start()

    def listen(self):
        while data := self.inlet.recv(100):
            self.got.append((time.monotonic(), int(data)))

    def send(self):
        while self.isOn:
            try:
                self.outlet.sendto(str(self.sent).encode(), self.to)
            except OSError:
                pass
            self.sent += 1
            time.sleep(0.002)

    def stop(self):
        """(datagrams lost, longest gap in seconds)."""
        self.isOn = False
        self.sender.join()
        time.sleep(0.3)
        numbers = {number for _, number in self.got}
        times = [moment for moment, _ in self.got]
        gaps = [b - a for a, b in zip(times, times[1:])]
        return self.sent - len(numbers), max(gaps, default=99)


class Manager:
    """The service manager as far as restarts go: keeps descriptors and hands them to the successor."""

    def __init__(self, gateway):
        self.gateway, self.kept = gateway, {}
        gateway.lab.defer(self.close)

    def close(self):
        for descriptor in self.kept.values():
            os.close(descriptor)
        self.kept = {}

    def drain(self):
        with contextlib.suppress(BlockingIOError, TimeoutError):
            self.gateway.notify.settimeout(0.05)
            while True:
                data, descriptors, _, _ = socket.recv_fds(self.gateway.notify, 4096, 8)
                words = dict(line.split("=", 1) for line in data.decode().split("\n") if "=" in line)
                name = words.get("FDNAME")
                if "FDSTOREREMOVE" in words and name in self.kept:
                    os.close(self.kept.pop(name))
                if "FDSTORE" in words:
                    self.kept[name] = descriptors[0]
                if words.get("READY") == "1":
                    self.isReady = True

    def launch(self):
        """Starts the daemon with what is kept, and waits until it is ready."""
        gateway, self.isReady = self.gateway, False
        numbers = tuple(self.kept.values())
        gateway.launch(prefix=("python3", "-c", PASS, str(len(numbers)), ":".join(self.kept),
                               *map(str, numbers), "--"), descriptors=numbers)
        end = time.monotonic() + 20
        while not self.isReady:
            self.drain()
            assert gateway.process.poll() is None and time.monotonic() < end, gateway.process.output

    def restart(self):
        """What `systemctl restart` does."""
        self.drain()
        self.gateway.process.popen.send_signal(signal.SIGUSR1)
        assert self.gateway.process.wait(10) == 0
        self.drain()
        self.launch()


#: Becomes its last words, with descriptors from 3 on as a service manager passes them.
PASS = """
import os, sys
count, names, rest = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
numbers, command = [int(n) for n in rest[:count]], rest[count + 1:]
high = [os.dup2(n, 200 + i, inheritable=True) for i, n in enumerate(numbers)]
for i, n in enumerate(high): os.dup2(n, 3 + i, inheritable=True); os.close(n)
if count: os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), LISTEN_FDNAMES=names)
os.execvp(command[0], command)
"""


def two_ways(lab):
    """A stream from behind FRR to behind BIRD, and one back."""
    lab.cli2.ping(LAN)
    return Stream(lab, lab.far, FAR, lab.cli2, INNER_HOST), Stream(lab, lab.cli2, INNER_HOST, lab.far, FAR)


def quiet(gateway):
    """Whether all neighbours have confirmed everything: who has not is not helped."""
    return not any(row["retransmissions"] for row in gateway.control.get("/v1/ospf/neighbors")["neighbors"])


def never_lost(gateway, *prefixes):
    log = gateway.process.output
    for prefix in prefixes:
        assert f"{prefix} is not reachable" not in log, log
    return log


@rows("OSPF-GR-2")
def ours_keeps_frr_while_it_restarts(lab):
    inner_network(lab)
    gateway = lab.start(configuration({**P2P}, P2P))
    os.makedirs(os.path.dirname(FRR_MEMORY), exist_ok=True)
    shutil.chown(os.path.dirname(FRR_MEMORY), "frr", "frr")
    # What is left of it would have any other ospfd believe that it restarts.
    lab.defer(lambda: os.path.exists(FRR_MEMORY) and os.remove(FRR_MEMORY))
    peer = frr_wan(lab, lines=FRR_P2P, more=FRR_RESTARTS)
    bird_lan(lab, lines=BIRD_P2P)
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 10, "Full with both")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 8, "routes both ways")
    until(lambda: quiet(gateway), 8, "acknowledgements")
    streams = two_ways(lab)
    began = time.monotonic()
    peer.ask("graceful-restart prepare ip ospf")
    until(lambda: f"neighbor {FRR_ID} on wan restarts: routes are kept meanwhile" in gateway.process.output, 5, "the grace")
    peer.process.stop()
    # Longer than the dead-interval.
    time.sleep(6)
    peer.process = peer.start("ospfd")
    until(lambda: f"neighbor {FRR_ID} on wan restarts: done" in gateway.process.output and full(gateway, FRR_ID), 20, "FRR again")
    print(f"      FRR was back after {time.monotonic() - began:.1f} s")
    for stream in streams:
        lost, gap = stream.stop()
        print(f"      lost {lost} of {stream.sent}, longest gap {gap * 1000:.0f} ms")
        assert lost == 0
    never_lost(gateway, OUTER, INNER)
    equal_databases(gateway, peer)


@rows("OSPF-GR-2")
def ours_keeps_bird_while_it_restarts(lab):
    """While it is away, that is: when it is back BIRD takes its router-LSA back and says it anew a moment later."""
    inner_network(lab)
    gateway = lab.start(configuration(P2P, P2P))
    frr_wan(lab, lines=FRR_P2P)
    bird = bird_ospf(lab, lab.cli2, {0: {"eth0": BIRD_QUICK + BIRD_P2P, "stub0": "stub yes;"}}, BIRD_ID,
                     protocol="graceful restart yes; graceful restart time 60;")
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 10, "Full with both")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 8, "routes both ways")
    until(lambda: quiet(gateway), 8, "acknowledgements")
    streams = two_ways(lab)
    lab.cli2.run(["birdc", "-s", bird.command[-1], "graceful", "restart"])
    until(lambda: f"neighbor {BIRD_ID} on lan restarts: routes are kept meanwhile" in gateway.process.output, 5, "the grace")
    bird.wait(5)
    # Longer than the dead-interval.
    time.sleep(5)
    for stream in streams:
        lost, gap = stream.stop()
        print(f"      lost {lost} of {stream.sent}, longest gap {gap * 1000:.0f} ms")
        assert lost == 0
    never_lost(gateway, OUTER, INNER)
    lab.cli2.spawn([*bird.command, "-R"])
    until(lambda: f"neighbor {BIRD_ID} on lan restarts: done" in gateway.process.output and full(gateway, BIRD_ID), 20, "BIRD again")
    until(lambda: learned(gateway, INNER, "ospf") == (CLI2, 20) and kernel(lab.cli2, OUTER) == LAN, 12, "routes both ways")


@rows("OSPF-STR-1")
def others_find_ways_past_ours_before_it_ends(lab):
    inner_network(lab)
    gateway = lab.start(configuration(P2P, P2P, **{"stub-router-at-stop": "5s"}))
    peer = frr_wan(lab, lines=FRR_P2P)
    bird_lan(lab, lines=BIRD_P2P)
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 15, "routes both ways")
    gateway.may_end = True
    began = time.monotonic()
    gateway.process.popen.terminate()
    def is_stub():
        shown = peer.ask(f"show ip ospf database router {OWN_ID}")
        return shown.count("TOS 0 Metric: 65535") == 2 and shown.count("TOS 0 Metric: 10\n") == 2
    until(is_stub, 4, "links that nobody else should use, networks as before")
    # There is no other way here, so this one is still used.
    lab.far.ping(INNER_HOST, 2)
    assert gateway.process.poll() is None
    assert gateway.process.wait(8) == 0
    assert 4.5 < time.monotonic() - began < 8
    until(lambda: kernel(lab.r1, INNER) is None, 3, "the end in FRR")


@rows("OSPF-GR-1", timeout=60)
def frr_and_bird_keep_ours_while_it_restarts(lab):
    inner_network(lab)
    manager = Manager(lab.prepare(configuration({}, P2P)))
    manager.launch()
    gateway = manager.gateway
    peer = frr_wan(lab, lines=FRR_P2P, more=FRR_HELPS)
    bird_lan(lab)
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 15, "Full with both")
    until(lambda: kernel(lab.r1, INNER) == WAN and kernel(lab.cli2, OUTER) == LAN, 8, "routes both ways")
    before = ours(gateway)
    streams = two_ways(lab)
    time.sleep(1)
    log = gateway.process.output
    assert "our restart" not in log
    began = time.monotonic()
    manager.restart()
    print(f"      ready again after {time.monotonic() - began:.2f} s")
    until(lambda: "our restart: done" in gateway.process.output, 20, "the end of the restart")
    print(f"      restarted after {time.monotonic() - began:.2f} s")
    until(lambda: full(gateway, FRR_ID, BIRD_ID), 5, "Full with both")
    for stream in streams:
        lost, gap = stream.stop()
        print(f"      lost {lost} of {stream.sent}, longest gap {gap * 1000:.0f} ms")
        assert lost == 0, {" ".join(k): v for k, v in gateway.drops().items() if v}
    never_lost(gateway, OUTER, INNER)
    equal_databases(gateway, peer)
    assert ours(gateway).keys() == before.keys()
