"""Frames that no honest host sends: rows S* of the security list."""
import json, socket, subprocess

from lab import *
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

BROADCAST = "ff:ff:ff:ff:ff:ff"


def counters(namespace, device):
    """(frames that the daemon wrote, frames that were given to it)."""
    link = json.loads(namespace.ip(f"-s -j link show {device}").stdout)[0]["stats64"]
    return link["rx"]["packets"], link["tx"]["packets"]


def flood(lab, frames, seed):
    """Puts hostile frames on the LAN; how many the kernel let pass."""
    program = lab.file("hostile")
    sh(["gcc", "-O2", "-o", program, f"{HERE}/hostile.c"])
    with lab.lsw.inside():
        process = subprocess.Popen([program, "hostile0", str(frames), str(seed), LAN_MAC, "10.10.0.128", SRV],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent)
    lab.defer(lambda: (process.kill(), process.wait()))
    assert process.stdout.readline() == "ready\n"
    lab.lsw.ip("link set hostile0 master br-lan up")
    process.stdin.write("\n")
    process.stdin.flush()
    words = process.stdout.readline().split()
    process.wait()
    return int(words[3])


@rows("S40", timeout=300)
def hostile_offload_metadata(lab):
    gateway = lab.start({"nat": {"limits": {"sessions": 32768, "sessions-per-host": 64}}})
    for host in (lab.cli1, lab.cli2):
        host.ping(SRV)
    before = [counters(lab.lsw, "lan0"), counters(lab.wsw, "wan0")]
    memory = gateway.resident()
    accepted = flood(lab, 100_000 if QUICK else 1_000_000, 20260101)
    lab.cli2.ping(LAN)
    after = [counters(lab.lsw, "lan0"), counters(lab.wsw, "wan0")]
    given = after[0][1] - before[0][1]
    written = sum(a[0] - b[0] for a, b in zip(after, before))
    assert given > accepted // 10, f"the daemon was given {given} of {accepted} frames"
    assert written <= 128 * given, f"{written} frames written for {given}"
    drops = gateway.drops()
    assert drops["offload.segmentation", "lan"] and drops["offload.checksum", "lan"], drops
    assert gateway.session_count() <= 256 * 64 + 2
    assert gateway.resident() - memory < 32 << 20
    # A host whose address the frames used up gets its sessions back, and all is as before.
    gateway.ctl("sessions", "kill", "inside", "10.10.0.0/24")
    assert gateway.session_count() == 0
    listener = lab.srv.server(80)
    for host in (lab.cli1, lab.cli2):
        assert "5 received" in host.ping(SRV, 5).stdout
        client = host.connect((SRV, 80))
        server, _ = listener.accept()
        client.sendall(b"x" * 100_000)
        got = 0
        while got < 100_000:
            got += len(server.recv(65536))


@rows("S32", "S41", "S42", "S20", "F-1", "D-3", "D-4", "D-5", "A-15", timeout=120)
def malformed_frames_have_names_and_leave_no_state(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    seen = lab.srv.capture("ip and not (icmp[icmptype] == icmp-echo)")
    sessions = gateway.session_count()
    good = IP(src=CLI1, dst=SRV) / UDP(sport=1, dport=9) / b"12345678"
    tcp = IP(src=CLI1, dst=SRV) / TCP(sport=1, dport=80, flags="S")
    def frame(payload, to=LAN_MAC, source=lab.cli1.mac, kind=None):
        ether = Ether(src=source, dst=to) if kind is None else Ether(src=source, dst=to, type=kind)
        return ether / payload
    def arp(**fields):
        return frame(ARP(**{"op": 1, "hwsrc": lab.cli1.mac, "psrc": CLI1, "pdst": LAN, **fields}), BROADCAST)
    def piece(offset, size, more=True, number=99, protocol=17, to=SRV, fill=b"f"):
        return frame(IP(src=CLI1, dst=to, id=number, proto=protocol, frag=offset, flags="MF" if more else 0) / Raw(fill * size))
    def changed(packet, at, *values):
        data = bytearray(bytes(packet))
        data[at:at + len(values)] = bytes(values)
        return frame(Raw(with_header_sum(data)), kind=0x0800)
    cases = [
        ("frame.not_for_us", [frame(good, "02:00:00:00:77:77")]),
        ("frame.type", [frame(Raw(b"x" * 50), kind=0x88cc), frame(Raw(b"x" * 50), kind=0x86dd), frame(Raw(b""), kind=0x0803)]),
        ("frame.vlan", [Ether(src=lab.cli1.mac, dst=LAN_MAC) / Dot1Q(vlan=5) / good]),
        ("arp.malformed", [bytes(arp())[:30], arp(hwtype=6), arp(ptype=0x86dd), arp(hwlen=8), arp(plen=16), arp(op=9)]),
        ("arp.sender", [arp(hwsrc="01:00:5e:00:00:09"), arp(psrc="192.168.9.9")]),
        ("ipv4.header", [changed(good, 0, 0x44), changed(good, 0, 0x65)]),
        ("ipv4.truncated", [frame(Raw(b"\x45"), kind=0x0800), bytes(frame(good))[:40], changed(good, 2, 9, 0)]),
        ("udp.malformed", [changed(good, 24, 0, 7), changed(good, 24, 9, 9), frame(IP(src=CLI1, dst=SRV, proto=17) / Raw(b"1234567"))]),
        ("tcp.malformed", [changed(tcp, 32, 0x40), changed(tcp, 32, 0xf0), frame(IP(src=CLI1, dst=SRV, proto=6) / Raw(b"1234567890"))]),
        ("icmp.malformed", [frame(IP(src=CLI1, dst=SRV, proto=1) / Raw(b"\x08\0\xf7")),
                            frame(IP(src=CLI1, dst=SRV) / ICMP(type=3, code=3) / Raw(b"\x45" + b"\0" * 10))]),
        ("icmp.checksum", [frame(IP(src=CLI1, dst=SRV) / ICMP(type=3, code=3, chksum=0x1234) / bytes(good))]),
        ("icmp.type", [frame(IP(src=CLI1, dst=SRV) / ICMP(type=t) / bytes(good)) for t in (4, 5, 9, 15, 17)]),
        ("fragment.malformed", [piece(8191, 64, more=False, number=1), piece(0, 21, number=2)]),
        ("fragment.tiny", [piece(0, 8, number=3, protocol=6), piece(1, 16, number=4, protocol=6)]),
        ("nat.protocol", [frame(IP(src=CLI1, dst=SRV, proto=89) / Raw(b"ospf" * 5))]),
        ("nat.tcp_not_syn", [frame(IP(src=CLI1, dst=SRV) / TCP(sport=9, dport=80, flags=flags)) for flags in ("A", "FA", "R", "SA")]),
    ]
    for reason, frames in cases:
        for number, one in enumerate(frames):
            try:
                with gateway.dropping(reason, "lan", seconds=2):
                    lab.cli1.send_frames(one)
            except AssertionError as error:
                raise AssertionError(f"{reason} number {number}: {error}") from None
    lab.cli1.ping(LAN)
    assert not seen.incoming(), [p.summary() for p in seen.packets()]
    assert gateway.session_count() == sessions, gateway.sessions()


@rows("S20", "D-3")
def overlapping_fragments_are_dropped_whole(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    server = lab.srv.udp(9000)
    def datagram(number, pieces):
        payload = bytes(UDP(sport=1, dport=9000, len=8 + 64, chksum=0) / (b"p" * 64))
        for offset, size in pieces:
            more = offset * 8 + size < len(payload)
            lab.cli1.send(IP(src=CLI1, dst=SRV, id=number, proto=17, frag=offset, flags="MF" if more else 0) /
                          Raw(payload[offset * 8:offset * 8 + size]))
    for number, pieces in enumerate(([(0, 32), (3, 48)], [(0, 32), (2, 32), (6, 24)], [(4, 40), (0, 40)],
                                     [(0, 24), (3, 24), (1, 56)]), 100):
        with gateway.dropping("fragment.overlap", "lan"):
            datagram(number, pieces)
    server.settimeout(0.3)
    try:
        raise AssertionError(f"came through: {server.recv(100)!r}")
    except TimeoutError:
        pass
    datagram(200, [(4, 40), (0, 32)])
    server.settimeout(3)
    assert server.recv(100) == b"p" * 64


@rows("U-8", "T-3")
def strangers_are_filtered_by_name(lab):
    gateway = lab.start({"nat": {"filtering": "address-and-port-dependent"}})
    inside, server = lab.cli1.udp(5000), lab.srv.udp(9)
    inside.sendto(b"x", (SRV, 9))
    outside = server.recvfrom(10)[1]
    for stranger, reason in ((lab.srv.udp(10), "nat.filtered"), (lab.srv2.udp(9), "nat.filtered")):
        with gateway.dropping(reason, "wan"):
            stranger.sendto(b"let me in", outside)
    gateway.stop()
    gateway = lab.start({"nat": {"filtering": "endpoint-independent"}})
    inside.sendto(b"x", (SRV, 9))
    outside = server.recvfrom(10)[1]
    lab.srv2.udp().sendto(b"let me in", outside)
    assert inside.recvfrom(20)[0] == b"let me in"


@rows("S12", "S11", "C-11", timeout=120)
def a_flood_gets_a_quarter_of_the_table(lab):
    gateway = lab.start({"nat": {"limits": {"sessions": 1024, "sessions-per-host": 4096}}})
    listener = lab.srv.server(80)
    client = lab.cli2.connect((SRV, 80))
    server, _ = listener.accept()
    packets = [bytes(IP(src=CLI1, dst=SRV) / TCP(sport=1024 + n, dport=81, flags="S")) for n in range(3000)]
    for start in range(0, len(packets), 250):
        lab.cli1.send(*packets[start:start + 250])
        client.sendall(b"still here")
        assert server.recv(10) == b"still here"
    lab.cli1.ping(LAN)
    # Embryonic ones have a quarter of the table; once as many ports rest as a host may have, its
    # newcomers are refused.
    assert gateway.session_count() <= 256 + 2, gateway.session_count()
    assert gateway.drops()["nat.table_full", "lan"] >= 500, gateway.drops()
    assert gateway.sessions(f"inside {CLI2}"), "the established session was evicted"
