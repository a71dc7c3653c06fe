"""ARP against real kernels: rows A-* of the conformance list."""
import socket, time

from lab import *
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether

BROADCAST = "ff:ff:ff:ff:ff:ff"


def asks(capture, address):
    """How many ARP requests for the address came in."""
    return sum(1 for p in capture.packets() if ARP in p and p[ARP].op == 1 and p[ARP].pdst == address)


@rows("S-2")
def nothing_passes_without_the_daemon(lab):
    assert lab.gw.run("ip route").stdout == "" and lab.gw.run("ip -br link show type veth").stdout == ""
    assert lab.cli1.run(f"ping -n -c1 -W1 {SRV}", check=False).returncode != 0
    assert lab.cli1.ping(CLI2) and lab.srv.ping(SRV2)  # the switches do work


@rows("A-5")
def first_packet_is_not_lost(lab):
    lab.start()
    for host, to in ((lab.cli1, LAN), (lab.cli2, SRV), (lab.cli1, SRV2), (lab.srv, WAN), (lab.cli1, FAR)):
        assert "1 received" in host.ping(to).stdout


@rows("A-5")
def packets_waiting_for_an_address_leave_in_order(lab):
    lab.start()
    server, s = lab.srv.udp(7777), lab.cli1.udp()
    lab.cli1.ping(LAN)
    for number in range(8):
        s.sendto(b"%d" % number, (SRV, 7777))
    order = [server.recv(10) for _ in range(8)]
    assert order == [b"%d" % n for n in range(8)], order


@rows("A-1", "A-2")
def answers_for_its_own_address_only(lab):
    lab.start()
    out = lab.cli1.run(f"/usr/bin/arping -c 3 -I eth0 {LAN}", check=False).stdout
    assert out.count(LAN_MAC.upper()) == 3 and "Received 3 response" in out, out
    # Neither for a neighbour, nor for an address of the other side, nor for nobody.
    for address in ("10.10.0.77", WAN, "0.0.0.0"):
        got = lab.cli1.capture("arp")
        lab.cli1.send_frames(Ether(src=lab.cli1.mac, dst=BROADCAST) / ARP(
            op=1, hwsrc=lab.cli1.mac, psrc=CLI1, pdst=address))
        lab.cli1.ping(LAN)
        bad = [p.summary() for p in got.packets() if p[ARP].op == 2 and p[ARP].psrc == address]
        assert not bad, bad


@rows("A-12")
def duplicate_detection_sees_the_gateway(lab):
    lab.start()
    held = lab.cli1.run(f"/usr/bin/arping -D -c 2 -w 3 -I eth0 {LAN}", check=False)
    assert held.returncode == 1 and LAN_MAC.upper() in held.stdout, held.stdout
    free = lab.cli1.run("/usr/bin/arping -D -c 2 -w 3 -I eth0 10.10.0.77", check=False)
    assert free.returncode == 0, free.stdout


@rows("A-3", timeout=90)
def follows_a_changed_hardware_address(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    new = "02:00:00:00:00:99"
    lab.defer(lambda: lab.cli1.ip(f"link set eth0 address {lab.cli1.mac}"))
    lab.cli1.run(f"ip link set eth0 address {new}; ip route replace default via {LAN}")
    begin = time.monotonic()
    until(lambda: lab.cli1.ping(SRV, check=False).returncode == 0, 5, "an answer at the new address")
    assert time.monotonic() - begin < 5
    assert gateway.neighbors()[CLI1]["hardware"] == new
    # A gratuitous announcement is enough, without a packet from the host.
    lab.cli1.ip(f"link set eth0 address {lab.cli1.mac}")
    lab.cli1.run(f"ip route replace default via {LAN}; /usr/bin/arping -A -c 3 -i 1 -I eth0 {CLI1}")
    until(lambda: gateway.neighbors()[CLI1]["hardware"] == lab.cli1.mac, 5, "the announced address")
    assert "1 received" in lab.cli1.ping(SRV).stdout


@rows("A-8", "A-11")
def defends_its_address(lab):
    gateway = lab.start()
    lab.cli1.ping(LAN)
    got = lab.cli2.capture("arp")
    claim = Ether(src=lab.cli2.mac, dst=BROADCAST) / ARP(
        op=2, hwsrc=lab.cli2.mac, psrc=LAN, hwdst=BROADCAST, pdst=LAN)
    with gateway.dropping("arp.conflict", "lan"):
        lab.cli2.send_frames(claim)
    defence = got.wait(lambda p: p[ARP].psrc == LAN and p[ARP].pdst == LAN, 3, "a defending announcement")
    assert defence[ARP].hwsrc == LAN_MAC and defence[Ether].dst == BROADCAST
    # At most one in ten seconds, whatever comes.
    for _ in range(20):
        lab.cli2.send_frames(claim)
    lab.cli2.ping(LAN)
    defences = [p for p in got.packets() if p[ARP].psrc == LAN and p[ARP].pdst == LAN]
    assert len(defences) == 1, len(defences)
    assert LAN not in gateway.neighbors()


@rows("A-7", "A-8")
def believes_no_forged_answers(lab):
    gateway = lab.start()
    for host in (lab.cli1, lab.cli2):
        host.ping(LAN)
    def reply(psrc, hwsrc):
        return Ether(src=lab.cli2.mac, dst=LAN_MAC) / ARP(
            op=2, hwsrc=hwsrc, psrc=psrc, hwdst=LAN_MAC, pdst=LAN)
    with gateway.dropping("arp.unsolicited", "lan"):
        lab.cli2.send_frames(reply("10.10.0.66", lab.cli2.mac))
    with gateway.dropping("arp.sender", "lan", 3):
        lab.cli2.send_frames(
            reply("10.10.0.67", BROADCAST), reply("10.10.0.68", "01:00:5e:00:00:01"),
            reply("192.168.77.7", lab.cli2.mac))
    known = gateway.neighbors()
    assert not {"10.10.0.66", "10.10.0.67", "10.10.0.68", "192.168.77.7"} & set(known), known
    assert known[CLI1]["hardware"] == lab.cli1.mac
    assert "1 received" in lab.cli1.ping(SRV).stdout


@rows("A-4", "A-6", "F-14", timeout=90)
def dead_neighbor_gets_few_requests_then_unreachable(lab):
    gateway = lab.start({"nat": {"mode": "none"}})
    gateway.shows_inside = True
    requests, errors = lab.srv.capture("arp"), lab.cli1.capture("icmp")
    begin = time.monotonic()
    s = lab.cli1.udp()
    for _ in range(100):
        s.sendto(b"anyone", ("198.51.100.200", 9))
        time.sleep(0.01)
    error = errors.wait(lambda p: p[ICMP].type == 3, 10, "host unreachable")
    assert (error[ICMP].code, error[IP].src) == (1, LAN), error.summary()
    # RFC 1812 3.3.2: only after the attempts failed, not because the entry was missing.
    assert time.monotonic() - begin > 1.5
    count = asks(requests, "198.51.100.200")
    assert 2 <= count <= 4, f"{count} requests"
    # Counted on the side that the packets came from.
    assert gateway.drops()["arp.unresolved", "lan"] + gateway.drops()["arp.queue_full", "lan"] > 50


@rows("A-5", "S31", timeout=120)
def a_scan_keeps_memory_flat(lab):
    gateway = lab.start({"interfaces": {"wan": {"addresses": [f"{WAN}/16"]}}, "nat": {"mode": "none"}})
    gateway.shows_inside = True
    def scan(first, last):
        for number in range(first, last):
            lab.cli1.send(IP(src=CLI1, dst=f"198.51.{number >> 8}.{number & 255}") / UDP(sport=1, dport=9))
    lab.srv.ip(f"route add 10.10.0.0/24 via {WAN}")
    lab.defer(lambda: lab.srv.ip("route delete 10.10.0.0/24"))
    lab.cli1.ping(SRV)
    scan(0x0102, 0x0a00)
    before = gateway.resident()
    requests = lab.srv.capture("arp")
    begin = time.monotonic()
    scan(0x0a00, 0x3000)
    seconds = time.monotonic() - begin
    assert "1 received" in lab.cli1.ping(SRV).stdout, "a known host suffers"
    grown = gateway.resident() - before
    assert grown < 4 << 20, f"memory grew by {grown} octets"
    sent = len(requests.incoming())
    assert sent < 150 * (seconds + 2), f"{sent} requests in {seconds:.1f} s"
    assert len(gateway.neighbors()) <= 2100
