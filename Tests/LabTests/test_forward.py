"""Forwarding, TTL, MTU, fragments, ICMP and address rules: rows F-*, P-*, M-* of the list."""
import contextlib, json, random, socket, time

from lab import *
from scapy.layers.inet import ICMP, IP, IPOption, IPOption_LSRR, IPOption_RR, IPOption_SSRR, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

#: A receive buffer above the system's limit; Python has no name for it.
SO_RCVBUFFORCE = 33
#: The gateway as a plain router, so that outside hosts can address inside ones.
PLAIN = {"nat": {"mode": "none"}, "routes": [{"to": "203.0.113.0/24", "via": R1}]}


def plain(lab, changes=None):
    """Starts a router without NAT, which outside hosts use for the LAN."""
    gateway = lab.start(merged(PLAIN, changes or {}))
    gateway.shows_inside = True
    for host in (lab.srv, lab.srv2, lab.r1):
        host.ip(f"route replace 10.10.0.0/24 via {WAN}")
        lab.defer(lambda host=host: host.ip("route delete 10.10.0.0/24"))
    return gateway


@contextlib.contextmanager
def nothing(*captures, settle):
    """Proves that the block makes no frame arrive at the captures."""
    for capture in captures:
        capture.read()
        capture.frames.clear()
    yield
    settle()  # A packet behind those of the block has been answered: they were decided on.
    time.sleep(0.05)
    for capture in captures:
        seen = [p.summary() for p in capture.packets()]
        assert not seen, f"{len(seen)} frames came, the first: {seen[:3]}"


def refused(lab, gateway, reason, *packets, side="lan", frames=False, settle=None):
    """Proves that packets of a side are dropped by that name, each, and answered with nothing."""
    sender, other = (lab.cli1, lab.srv) if side == "lan" else (lab.srv, lab.cli1)
    # TCP of earlier tests' connections may still say goodbye.
    others = "not tcp and " if all(isinstance(p, Packet) and TCP not in p for p in packets) else ""
    beyond = [host.capture(f"ip and {others}not (icmp[icmptype] == icmp-echo or icmp[icmptype] == icmp-echoreply)")
              for host in ((lab.srv, lab.r1) if side == "lan" else (lab.cli1, lab.cli2))]
    back = sender.capture("icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply")
    with gateway.dropping(reason, side, len(packets)):
        with nothing(*beyond, back, settle=settle or (lambda: sender.ping(sender.gateway))):
            (sender.send_frames if frames else sender.send)(*packets)


def error_of(capture, kind, code, seconds=5):
    """The ICMP error that came in."""
    return capture.wait(lambda p: ICMP in p and (p[ICMP].type, p[ICMP].code) == (kind, code), seconds,
                        f"ICMP {kind}/{code}")


@rows("F-3", "F-4", "F-12", "F-13", "I-10a")
def traceroute_by_udp_and_icmp(lab):
    lab.start()
    for option in ("-U", "-I"):
        out = lab.cli1.run(f"traceroute -n {option} -q 1 -w 2 -m 5 {FAR}").stdout.split("\n")[1:]
        hops = [line.split()[1] for line in out if line]
        assert hops == [LAN, R1, FAR], (option, out)


@rows("F-3", "F-10", "F-12")
def ttl_is_tested_before_anything_is_changed(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    back, beyond = lab.cli1.capture("icmp"), lab.srv.capture("udp port 9")
    payload = bytes(range(40))
    for ttl in (1, 0):
        sent = IP(src=CLI1, dst=SRV, ttl=ttl, id=4711 + ttl, tos=0xb8) / UDP(sport=5, dport=9) / payload
        with gateway.dropping("ttl.expired", "lan"):
            lab.cli1.send(sent)
        error = error_of(back, 11, 0)
        assert error[IP].src == LAN
        # The quote is the packet as received: its TTL, its addresses, its checksum.
        quoted = bytes(error[ICMP].payload)
        assert quoted[:28] == bytes(sent)[:28], (quoted.hex(), bytes(sent).hex())
        assert error[IP].tos == 0xb8, "I-10d: the error copies the DS field"
        back.frames.clear()
    lab.cli1.send(IP(src=CLI1, dst=SRV, ttl=2) / UDP(sport=5, dport=9) / payload)
    arrived = beyond.wait(lambda p: UDP in p)
    assert arrived[IP].ttl == 1 and len(beyond.incoming()) == 1
    assert lab.cli1.run(f"ping -n -c1 -W2 -t1 {LAN}").returncode == 0, "TTL does not matter for our own"
    # An error is never answered with an error.
    lab.cli1.send(IP(src=CLI1, dst=SRV, ttl=1) / ICMP(type=3, code=3) / IP(src=SRV, dst=CLI1) / UDP() / b"12345678")
    lab.cli1.ping(LAN)
    assert not [p for p in back.packets() if p[ICMP].type == 11]


@rows("F-24", "F-5", "F-2")
def forwards_unchanged_but_ttl(lab):
    plain(lab)
    lab.cli1.ping(SRV)
    arrived = lab.srv.capture("udp port 9")
    for number in range(64):
        packet = IP(src=CLI1, dst=SRV, ttl=64 + number, id=random.getrandbits(16), tos=number * 4 + number % 4,
                    flags="DF") / UDP(sport=1000 + number, dport=9) / random.randbytes(number)
        frame = Ether(src=lab.cli1.mac, dst=LAN_MAC) / packet
        lab.cli1.send_frames(bytes(frame).ljust(60, b"\xaa"))  # padding must not pass
        got = arrived.wait(lambda p: UDP in p and p[UDP].sport == 1000 + number)
        want = packet.copy()
        want.ttl -= 1
        assert bytes(got[IP])[:len(want)] == bytes(IP(bytes(want))), (bytes(got[IP]).hex(), bytes(want).hex())


@rows("F-6", "S41")
def transport_checksums_are_kept_as_they_are(lab):
    lab.start()
    lab.cli1.ping(SRV)
    arrived = lab.srv.capture("udp port 9")
    def through(packet, sport):
        lab.cli1.send(packet)
        return arrived.wait(lambda p: UDP in p and bytes(p[UDP].payload) == b"%d" % sport, what=f"packet {sport}")
    base = IP(src=CLI1, dst=SRV) / UDP(sport=1, dport=9)
    zero = base.copy() / b"1"
    zero[UDP].chksum = 0
    assert through(zero, 1)[UDP].chksum == 0, "no checksum stays none"
    good = through(base.copy() / b"2", 2)
    sum_there = good[UDP].chksum
    del good[UDP].chksum
    assert IP(bytes(good[IP]))[UDP].chksum == sum_there
    bad = IP(bytes(base.copy() / b"3"))
    bad[UDP].chksum ^= 0x0101
    lab.cli1.send(bad)
    lab.cli1.ping(LAN)
    for got in (p for p in arrived.packets() if bytes(p[UDP].payload) == b"3"):
        there = got[UDP].chksum
        del got[UDP].chksum
        assert IP(bytes(got[IP]))[UDP].chksum != there, "a damaged packet came out repaired"


@rows("P-1", "F-25", "U-13")
def too_big_with_df_is_told(lab):
    lab.start({"interfaces": {"wan": {"mtu": 1300}}})
    lab.cli1.ping(SRV)
    out = lab.cli1.run(f"ping -n -c 2 -i 0.2 -W 2 -M do -s 1400 {SRV}", check=False)
    assert "mtu = 1300" in out.stdout or "mtu=1300" in out.stdout, out.stdout + out.stderr
    lab.cli1.run("ip route flush cache")
    # A kernel's own discovery: a large datagram with DF fails with EMSGSIZE and the path MTU.
    s = lab.cli1.udp()
    s.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
    s.connect((SRV, 9))
    s.send(bytes(1400))
    def learnt():
        try:
            s.send(bytes(1400))
        except OSError:
            return s.getsockopt(socket.IPPROTO_IP, 14)  # IP_MTU
    assert until(learnt, 3, "a path MTU") == 1300


@rows("F-18", "U-13a", "D-8")
def too_big_without_df_is_fragmented(lab):
    lab.start({"interfaces": {"wan": {"mtu": 1300}}})
    pieces = lab.srv.capture("ip[6:2] & 0x3fff != 0")
    server = lab.srv.udp(9000)
    s = lab.cli1.udp()
    s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_PMTUDISC_DONT
    payload = random.randbytes(1400)
    s.sendto(payload, (SRV, 9000))
    got, sender = server.recvfrom(2000)
    assert got == payload and sender[0] == WAN
    seen = [p[IP] for p in pieces.packets()]
    assert [p.frag * 8 for p in seen] == sorted(p.frag * 8 for p in seen), "in order"
    assert len({p.id for p in seen}) == 1 and all(len(bytes(p)) <= 1300 for p in seen)
    assert all((len(p) - 20) % 8 == 0 for p in seen[:-1])
    # Pieces that arrive as pieces, cut again.
    payload = random.randbytes(20000)
    s.sendto(payload, (SRV, 9000))
    assert server.recvfrom(30000)[0] == payload


@rows("F-17", "F-19", "D-6")
def answers_pings_of_every_size(lab):
    lab.start()
    sizes = [0, 1, 7, 8, 55, 56, 57, 1471, 1472, 1473, 2952, 2953, 9000, 20001, 40000, 60000]
    for size in sizes:
        assert "1 received" in lab.cli1.ping(LAN, 1, "-s", str(size)).stdout, size
    assert "1 received" in lab.srv.ping(WAN, 1, "-s", "60000").stdout
    assert "3 received" in lab.cli1.ping(SRV, 3, "-s", "60000").stdout, "through the NAT"
    out = lab.cli1.run(f"ping -n -c 3 -i 0.1 -W 2 -p a55a -s 3000 {LAN}").stdout
    assert "wrong data" not in out and "3 received" in out, out


@rows("F-14", "F-13")
def no_route_is_told(lab):
    gateway = lab.start()
    back = lab.cli1.capture("icmp")
    with gateway.dropping("route.none", "lan"):
        lab.cli1.udp().sendto(b"x", ("192.88.1.1", 9))
    error = error_of(back, 3, 0)
    assert error[IP].src == LAN
    out = lab.cli1.run("ping -n -c1 -W2 192.88.1.1", check=False).stdout
    assert "Net Unreachable" in out, out


@rows("F-7", "F-14", "RT-LPM-1", "RT-DISC-1")
def route_types_do_what_they_say(lab):
    gateway = lab.start({"routes": [
        {"to": "203.0.113.0/24", "via": R1}, {"to": "192.88.2.0/24", "type": "blackhole"},
        {"to": "192.88.3.0/24", "type": "unreachable"}, {"to": "192.88.4.0/24", "type": "prohibit"},
        {"to": "203.0.113.77/32", "type": "blackhole"}]})
    back = lab.cli1.capture("icmp")
    for to, reason, code in (("192.88.3.1", "route.unreachable", 1), ("192.88.4.1", "route.prohibited", 13)):
        with gateway.dropping(reason, "lan"):
            lab.cli1.udp().sendto(b"x", (to, 9))
        error_of(back, 3, code)
        back.frames.clear()
    with nothing(back, settle=lambda: None), gateway.dropping("route.blackhole", "lan", 2):
        lab.cli1.udp().sendto(b"x", ("192.88.2.1", 9))
        lab.cli1.udp().sendto(b"x", ("203.0.113.77", 9))  # the longer prefix wins
    assert "1 received" in lab.cli1.ping(FAR).stdout


MARTIANS = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "169.254.7.7", "224.0.0.5", "239.1.1.1",
            "240.0.0.1", "255.255.255.255"]


@rows("M-1", "M-2", "M-3", "M-5", "F-20", "F-22")
def martians_are_dropped_on_both_sides(lab):
    gateway = plain(lab)
    for side, source, to in (("lan", CLI1, SRV), ("wan", SRV, CLI1)):
        for address in MARTIANS:
            refused(lab, gateway, "martian.source", IP(src=address, dst=to) / UDP(sport=1, dport=9) / b"m", side=side)
    for address in ("0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.7.7", "240.0.0.1"):
        for side, source in (("lan", CLI1), ("wan", SRV)):
            refused(lab, gateway, "martian.destination", IP(src=source, dst=address) / UDP(sport=1, dport=9) / b"m",
                    side=side)


@rows("M-8", "F-21", "S13")
def spoofed_sources_are_dropped(lab):
    gateway = plain(lab)
    udp = UDP(sport=1, dport=9) / b"m"
    for side, own, to in (("lan", LAN, SRV), ("wan", WAN, CLI1), ("lan", WAN, SRV), ("wan", LAN, CLI1)):
        refused(lab, gateway, "source.own_address", IP(src=own, dst=to) / udp, side=side)
    refused(lab, gateway, "source.reverse_path", IP(src="198.18.0.5", dst=SRV) / udp, IP(src=SRV2, dst=SRV) / udp)
    refused(lab, gateway, "source.reverse_path", IP(src=CLI2, dst=CLI1) / udp, side="wan")


@rows("M-4", "M-6", "M-7")
def doubtful_prefixes_follow_their_switches(lab):
    gateway = plain(lab, {"routes": [{"to": "default", "via": R1}]})
    beyond = lab.cli1.capture("udp port 9")
    udp = UDP(sport=1, dport=9) / b"m"
    lab.srv.ping(CLI1)
    for source in ("203.0.113.9", "192.0.2.1", "192.168.7.7", "100.64.1.1", "198.18.0.1"):
        lab.srv.send(IP(src=source, dst=CLI1) / udp)
        beyond.wait(lambda p: p[IP].src == source, what=source)
    gateway.reload({"forwarding": {"documentation-prefixes": "drop", "bogons": "strict"}})
    for source in ("203.0.113.9", "192.0.2.1", "192.168.7.7", "172.16.1.1", "100.64.1.1", "198.18.0.1", "192.0.0.1",
                   "192.88.99.1"):
        # The addresses of the lab's own WAN are documentation too: no ping can follow.
        refused(lab, gateway, "martian.source", IP(src=source, dst=CLI1) / udp, side="wan",
                settle=lambda: lab.cli1.ping(LAN))


@rows("F-8", "F-9", "S16")
def broadcasts_are_not_forwarded(lab):
    gateway = plain(lab)
    udp = UDP(sport=1, dport=9) / b"m"
    linked = Ether(src=lab.cli1.mac, dst="ff:ff:ff:ff:ff:ff") / IP(src=CLI1, dst=SRV) / udp
    # Bridges carry a broadcast to the LAN only, so what reaches the WAN was forwarded.
    refused(lab, gateway, "ipv4.link_broadcast", linked, frames=True)
    refused(lab, gateway, "broadcast.directed", IP(src=CLI1, dst="198.51.100.255") / udp)
    refused(lab, gateway, "broadcast.directed", IP(src=SRV, dst="10.10.0.255") / udp, side="wan")
    limited = Ether(src=lab.cli1.mac, dst="ff:ff:ff:ff:ff:ff") / IP(src=CLI1, dst="255.255.255.255") / udp
    refused(lab, gateway, "broadcast.limited", limited, frames=True)
    group = Ether(src=lab.cli1.mac, dst="01:00:5e:01:01:01") / IP(src=CLI1, dst="239.1.1.1") / udp
    refused(lab, gateway, "multicast.not_joined", group, frames=True)


@rows("F-9")
def directed_broadcast_can_be_switched_on(lab):
    plain(lab, {"forwarding": {"directed-broadcast": True}})
    got = lab.cli1.capture("udp port 9")
    lab.srv.ping(CLI1)
    lab.srv.send(IP(src=SRV, dst="10.10.0.255") / UDP(sport=1, dport=9) / b"m")
    assert got.wait()[Ether].dst == "ff:ff:ff:ff:ff:ff"


@rows("F-1", "F-23", "S32")
def malformed_headers_are_dropped_by_name(lab):
    gateway = plain(lab)
    good = bytes(IP(src=CLI1, dst=SRV) / UDP(sport=1, dport=9) / b"malformed")
    def changed(*bytes_at):
        packet = bytearray(good)
        for at, value in bytes_at:
            packet[at] = value
        return with_header_sum(packet)
    damaged = good[:10] + bytes([good[10] ^ 1]) + good[11:]
    refused(lab, gateway, "ipv4.checksum", damaged)
    refused(lab, gateway, "ipv4.header", changed((0, 0x55)), changed((0, 0x65)), changed((0, 0x44)), changed((3, 19)))
    refused(lab, gateway, "ipv4.truncated", changed((2, 4)), good[:25])


@rows("F-23", "S42")
def options_pass_but_source_routes(lab):
    gateway = plain(lab)
    lab.cli1.ping(SRV)
    arrived = lab.srv.capture("udp port 9")
    def packet(*options):
        return IP(src=CLI1, dst=SRV, options=list(options)) / UDP(sport=1, dport=9) / b"o"
    for number, option in enumerate((IPOption_RR(length=7, routers=["0.0.0.0"]), IPOption(b"\x94\x04\0\0"),
                                     IPOption(b"\x88\x04\x12\x34"))):
        lab.cli1.send(packet(option))
        until(lambda: len(arrived.incoming()) > number, what=f"option {option.summary()}")
    for option in (IPOption_LSRR(routers=[SRV2]), IPOption_SSRR(routers=[SRV2])):
        refused(lab, gateway, "ipv4.source_route", packet(option))
    for raw in (b"\x07\x00\x04\x00", b"\x07\x01\x04\x00", b"\x07\x28\x04\x00", b"\x01\x01\x01\x44"):
        sent = bytes(packet(IPOption(b"\x94\x04\0\0")))
        with gateway.dropping("ipv4.options", "lan"):
            lab.cli1.send(with_header_sum(sent[:20] + raw + sent[24:]))


@rows("F-10", "S16")
def no_error_is_sent_about_what_must_not_have_one(lab):
    gateway = plain(lab)
    back = lab.cli1.capture("icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply")
    dead_end = ("192.88.1.1", SRV)
    def about(**fields):
        for to, ttl in zip(dead_end, (64, 1)):  # no route, and TTL
            yield IP(**{"src": CLI1, "dst": to, "ttl": ttl, **fields})
    udp = UDP(sport=1, dport=9) / b"12345678"
    cases = {
        "an ICMP error": [p / ICMP(type=t, code=0) / bytes(IP(src=SRV, dst=CLI1) / udp) for p in about() for t in (3, 4, 5, 11, 12)],
        "a later fragment": [p / Raw(b"x" * 16) for p in about(frag=3, proto=17)],
        "a source that is no host": [p / udp for s in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.10.0.255") for p in about(src=s)],
    }
    for what, packets in cases.items():
        with nothing(back, settle=lambda: lab.cli1.ping(LAN)):
            lab.cli1.send(*packets)
    with nothing(back, settle=lambda: lab.cli1.ping(LAN)):
        lab.cli1.send_frames(*(Ether(src=lab.cli1.mac, dst=group) / p / udp for p in about()
                               for group in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01")))
    lab.cli1.send(*(p / udp for p in about()))  # the same without a fault does get its errors
    error_of(back, 3, 0), error_of(back, 11, 0)


@rows("F-11")
def errors_are_rate_limited(lab):
    lab.start()
    back = lab.cli1.capture("icmp[icmptype] == icmp-timxceed")
    packet = bytes(IP(src=CLI1, dst=SRV, ttl=1) / UDP(sport=5, dport=9) / b"x")
    begin = time.monotonic()
    for _ in range(20):
        lab.cli1.send(*[packet] * 500)
        time.sleep(0.05)
    seconds = time.monotonic() - begin
    lab.cli1.ping(LAN)
    count = len(back.incoming())
    assert 1 <= count <= 1000 * (seconds + 1) and count < 5000, f"{count} errors for 10000 packets in {seconds:.1f} s"


@rows("P-3")
def segment_size_is_clamped(lab):
    # What the hosts learnt of the path in other tests would lower the size they offer.
    for host in (lab.cli1, lab.srv):
        host.ip("route flush cache")
    gateway = lab.start({"interfaces": {"wan": {"mtu": 1300}}})
    syns = lab.srv.capture("tcp[tcpflags] & tcp-syn != 0")
    answers = lab.cli1.capture("tcp[tcpflags] & tcp-syn != 0")
    listener = lab.srv.server(80)
    lab.cli1.connect((SRV, 80))
    def size(packet):
        return dict(packet[TCP].options).get("MSS")
    assert size(syns.wait(lambda p: TCP in p)) == 1260
    assert size(answers.wait(lambda p: TCP in p)) == 1260
    gateway.reload({"nat": {"mss-clamp": "off"}})
    syns.frames.clear()
    lab.cli1.connect((SRV, 80))
    found = size(syns.wait(lambda p: TCP in p))
    assert found == 1460, found
    listener.close()


@rows("U-13", "T-9")
def bulk_tcp_over_a_narrow_path(lab):
    """A transfer whose path MTU shrinks twice: at the gateway and behind r1."""
    lab.start({"interfaces": {"wan": {"mtu": 1400}}, "nat": {"mss-clamp": "off"}})
    listener = lab.far.server(80)
    client = lab.cli1.connect((FAR, 80))
    server, peer = listener.accept()
    assert peer[0] == WAN
    payload = random.randbytes(1 << 20)
    for one, other in ((client, server), (server, client)):
        sent, got = 0, bytearray()
        one.setblocking(False)
        end = time.monotonic() + 30
        while len(got) < len(payload):
            assert time.monotonic() < end, f"only {len(got)} octets came"
            with contextlib.suppress(BlockingIOError):
                while sent < len(payload):
                    sent += one.send(payload[sent:sent + 65536])
            other.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                got += other.recv(1 << 20)
        assert bytes(got) == payload


@rows("F-27")
def point_to_point_prefix(lab):
    lab.srv.ip("address add 198.51.100.129/31 dev eth0")
    lab.defer(lambda: lab.srv.ip("address delete 198.51.100.129/31 dev eth0"))
    gateway = lab.start({"interfaces": {"wan": {"addresses": ["198.51.100.128/31"]}}, "routes": []})
    assert "1 received" in lab.cli1.ping("198.51.100.129").stdout
    assert "1 received" in lab.srv.ping("198.51.100.128", 1, "-I", "198.51.100.129").stdout
    assert gateway.neighbors()["198.51.100.129"]["hardware"] == lab.srv.mac


def frames_written(lab, gateway, send):
    """How many frames the gateway wrote to the WAN for what `send` puts in its queue."""
    def writes():
        link = json.loads(lab.wsw.ip("-j -s link show wan0").stdout)[0]
        return link["stats64"]["rx"]["packets"]
    before = writes()
    with gateway.held():
        receive = send()
    receive()
    until(lambda: writes() > before, 3)
    return writes() - before


def with_and_without_segmentation(lab):
    """A gateway that may join packets, then one that may not."""
    gateway = lab.prepare()
    for segmentation in (True, False):
        for side in ("lan", "wan"):
            gateway.settings["interfaces"][side]["offload"] = {"segmentation": segmentation}
        gateway.start()
        yield gateway, segmentation
        if segmentation:
            gateway.stop()


@rows()
def datagrams_that_wait_together_leave_in_few_writes(lab):
    """In order, whole, and each on its own again; one write each where segmentation is off."""
    sent = [bytes([number % 256]) * (300 if number % 50 else 200) + b"%d" % number for number in range(400)]
    for gateway, segmentation in with_and_without_segmentation(lab):
        server, client = lab.srv.udp(9000), lab.cli1.udp(4000)
        server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        client.sendto(b"first", (SRV, 9000))
        assert server.recv(2000) == b"first"
        def send():
            for data in sent:
                client.sendto(data, (SRV, 9000))
            def receive():
                assert [server.recv(2000) for _ in sent] == sent
            return receive
        count = frames_written(lab, gateway, send)
        assert count < 100 if segmentation else count >= 400, (segmentation, count)


@rows()
def segments_that_wait_together_leave_in_few_writes(lab):
    """Of a host that segments by itself: as many as a connection may send at first."""
    lab.cli1.run("ethtool -K eth0 tso off gso off")
    lab.defer(lambda: lab.cli1.run("ethtool -K eth0 tso on gso on"))
    sent = bytes(number % 251 for number in range(14_000))
    for gateway, segmentation in with_and_without_segmentation(lab):
        listener = lab.srv.server(9000)
        client = lab.cli1.connect((SRV, 9000))
        server, _ = listener.accept()
        lab.defer(server.close)
        server.settimeout(5)
        def send():
            client.sendall(sent)
            def receive():
                got = b""
                while len(got) < len(sent):
                    got += server.recv(65536)
                assert got == sent
            return receive
        count = frames_written(lab, gateway, send)
        assert count <= 4 if segmentation else count >= 10, (segmentation, count)
        listener.close()


@rows()
def what_the_queue_of_a_tap_can_not_hold_is_counted(lab):
    """The kernel drops it before the gateway sees it; `gatewayctl drops` says so."""
    gateway = lab.start({"interfaces": {"lan": {"queue-length": 100}}})
    client = lab.cli1.udp(4000)
    client.sendto(b"first", (SRV, 9000))
    until(lambda: gateway.neighbors().get("10.10.0.2"), 3)
    with gateway.held():
        for number in range(400):
            client.sendto(b"%d" % number, (SRV, 9000))
    until(lambda: gateway.drops()["device.queue_full", "lan"] >= 200, 4, "the count")
    assert gateway.drops()["device.queue_full", "lan"] <= 310, gateway.drops()
