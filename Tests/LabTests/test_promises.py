"""What the translation never does, and what can be set: rows that no other test is about."""
import random, socket, time

from lab import *
from programs import shout_udp
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw


@rows("U-7")
def equal_prefixes_on_both_sides_are_refused(lab):
    gateway = lab.prepare({"interfaces": {"wan": {"addresses": ["10.10.0.129/25"]}}})
    said = gateway.ctl("check-config", gateway.config, check=False)
    assert said.returncode == 78 and "E041" in said.stdout + said.stderr, said.stdout + said.stderr


@rows("T-5a", "I-2a", "U-5b", "X-2.1")
def idle_times_are_as_configured(lab):
    gateway = lab.start({"nat": {"timeouts": {
        "tcp-established": "3h", "tcp-opening": "6m", "udp": "4m", "udp-unreplied": "3m", "icmp": "2m"}}})
    listener = lab.srv.server(80)
    lab.cli1.connect((SRV, 80))
    listener.accept()
    lab.srv2.run(["nft", "add table ip quiet; add chain ip quiet in "
                  "{ type filter hook input priority 0; policy accept; }; "
                  "add rule ip quiet in tcp dport 81 drop; add rule ip quiet in udp dport 9 drop"])
    lab.defer(lambda: lab.srv2.run(["nft", "delete table ip quiet"]))
    lab.cli1.send(IP(src=CLI1, dst=SRV2) / TCP(sport=7000, dport=81, flags="S"))
    lab.cli1.ping(SRV)
    shout_udp(lab, lab.srv, 7)
    s = lab.cli1.udp()
    s.sendto(b"x", (SRV, 7))
    s.recv(10)
    s.sendto(b"x", (SRV2, 9))
    for filter, seconds in (("dport 80", 10800), ("dport 81", 360), ("dport 7", 240), ("dport 9", 180), ("proto icmp", 120)):
        [row] = until(lambda: gateway.sessions(filter), 3, filter)
        assert seconds - 15 <= row["expires_seconds"] <= seconds + 1, (filter, row)


@rows("U-8a", "T-3", "T-3a", "C-7")
def filtering_of_tcp_is_as_configured(lab):
    for filtering, admitted in (("endpoint-independent", {SRV, SRV2}), ("address-dependent", {SRV}),
                                ("address-and-port-dependent", set())):
        if lab.gateway:
            lab.gateway.stop()
        lab.start({"nat": {"filtering": filtering}})
        listener = lab.srv.server(80)
        client = lab.cli1.connect((SRV, 80))
        _, (_, outside) = listener.accept()
        seen = lab.cli1.capture("tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn")
        for host, address in ((lab.srv, SRV), (lab.srv2, SRV2)):
            host.send(IP(src=address, dst=WAN) / TCP(sport=4444, dport=outside, flags="S"))
            host.ping(WAN)
        time.sleep(0.1)
        assert {p[IP].src for p in seen.packets()} == admitted, filtering
        client.close()
        listener.close()


@rows("U-10", "T-6", "S15")
def payload_is_neither_read_nor_changed(lab):
    gateway = lab.start()
    texts = {
        21: f"PORT {CLI1.replace('.', ',')},195,80\r\nEPRT |1|{CLI1}|50000|\r\n",
        5060: f"REGISTER sip:{SRV} SIP/2.0\r\nVia: SIP/2.0/UDP {CLI1}:5060\r\nContact: <sip:u@{CLI1}:5060>\r\n\r\n",
        1720: f"\x03\x00\x00\x20 H.323 setup {CLI1}:1720", 6667: f"PRIVMSG x :\x01DCC CHAT chat {CLI1} 50000\x01\r\n",
        554: f"SETUP rtsp://{SRV}/ RTSP/1.0\r\nTransport: RTP/AVP;unicast;destination={CLI1};client_port=50000-50001\r\n\r\n",
        1723: f"pptp {CLI1} 50000", 69: f"\x00\x01{CLI1}\x00octet\x00"}
    made = 0
    for port, text in texts.items():
        listener = lab.srv.server(port)
        client = lab.cli1.connect((SRV, port), port=port if port == 5060 else 0)
        server, _ = listener.accept()
        datagrams = lab.srv.udp(port)
        s = lab.cli1.udp(port if port == 5060 else 0)
        s.sendto(text.encode(), (SRV, port))
        assert datagrams.recv(1000) == text.encode(), port
        for one, other in ((client, server), (server, client)):
            one.sendall(text.encode())
            got = b""
            while len(got) < len(text):
                got += other.recv(1000)
            assert got == text.encode(), port
        made += 2
    assert gateway.session_count() == made
    rows = gateway.control.get("/v1/nat/mappings")["mappings"]
    assert not [row for row in rows if row["inside_port"] in (50000, 50001)], rows
    with gateway.dropping("nat.no_session", "wan", 2):
        for port in (50000, 50000):
            lab.srv.send(IP(src=SRV, dst=WAN) / TCP(sport=20, dport=port, flags="S"))


@rows("S21", "P-2")
def a_forged_path_mtu_changes_nothing_here(lab):
    lab.start()
    server = lab.srv.udp(9)
    lab.cli1.send(IP(src=CLI1, dst=SRV) / UDP(sport=6000, dport=9) / b"x")
    out = server.recvfrom(10)[1][1]
    quote = IP(src=WAN, dst=SRV) / UDP(sport=out, dport=9) / b"x"
    for mtu in (0, 68, 296, 576):
        lab.srv2.send(IP(src=SRV2, dst=WAN) / ICMP(type=3, code=4, nexthopmtu=mtu) / quote)
    lab.srv2.ping(WAN)
    seen = lab.srv.capture("udp port 9 or (ip[6:2] & 0x1fff != 0)")
    for flags in ("DF", 0):
        lab.cli1.send(IP(src=CLI1, dst=SRV, flags=flags) / UDP(sport=6000, dport=9) / (b"x" * 1400))
    lab.cli1.ping(SRV)
    time.sleep(0.05)
    assert [(p[IP].len, str(p[IP].flags)) for p in seen.packets()] == [(1428, "DF"), (1428, "")]


@rows("X-7.1", "U-6a")
def refusals_by_the_inside_host_refresh_nothing(lab):
    gateway = lab.start({"nat": {"filtering": "endpoint-independent"}})
    server, listener = lab.srv.udp(9), lab.srv.server(80)
    s = lab.cli1.udp()
    s.sendto(b"x", (SRV, 9))
    _, (_, udp_port) = server.recvfrom(10)
    client = lab.cli1.connect((SRV, 80))
    accepted, (_, tcp_port) = listener.accept()
    inside = s.getsockname()[1]
    s.close()
    refusals = lab.srv2.capture("icmp[icmptype] == icmp-unreach or tcp[tcpflags] & tcp-rst != 0")
    def left(filter):
        rows = gateway.sessions(f"{filter} and remote {SRV}")
        assert len(rows) == 1, rows
        return rows[0]["expires_seconds"]
    before = left(f"proto udp and inside port {inside}"), left("proto tcp")
    began = time.monotonic()
    for number in range(6):
        lab.srv2.send(IP(src=SRV2, dst=WAN) / UDP(sport=9, dport=udp_port) / b"stranger",
                      IP(src=SRV2, dst=WAN) / TCP(sport=5000 + number, dport=tcp_port, flags="S"))
        time.sleep(0.5)
    kinds = {"icmp" if ICMP in p else "tcp" for p in refusals.packets()}
    assert kinds == {"icmp", "tcp"}, "the inside host refused, and its refusals went out"
    passed = int(time.monotonic() - began)
    after = left(f"proto udp and inside port {inside}"), left("proto tcp")
    assert all(a <= b - passed + 1 for a, b in zip(after, before)), (before, after, passed)


@rows("S-10", "S03")
def a_spoofed_packet_is_never_answered_with_more(lab):
    gateway = lab.start()
    lab.cli1.ping(SRV)
    dice = random.Random(20260101)
    quote = bytes(IP(src=WAN, dst=SRV) / UDP(sport=5, dport=6) / b"12345678")
    packets = [IP(src=SRV, dst=WAN) / UDP(sport=dice.randrange(65536), dport=port) / (b"x" * dice.randrange(64))
               for port in (0, 1, 53, 67, 123, 161, 179, 500, 520, 1900, 5353, 11211)]
    packets += [IP(src=SRV, dst=WAN) / TCP(sport=9, dport=port, flags=flags)
                for port in (22, 80, 179) for flags in ("S", "A", "SA", "R", "F", "", "SFRPAU")]
    packets += [IP(src=SRV, dst=WAN) / ICMP(type=kind, code=code, id=7) / b"payload"
                for kind in range(0, 45) for code in (0, 1)]
    packets += [IP(src=SRV, dst=WAN) / ICMP(type=kind) / Raw(quote) for kind in (3, 4, 5, 11, 12)]
    packets += [IP(src=SRV, dst=WAN, proto=proto) / (b"x" * 24) for proto in (2, 41, 47, 50, 51, 89, 112, 132, 255)]
    packets += [IP(src=SRV, dst=WAN, flags="MF", proto=proto) / (b"x" * 64) for proto in (1, 6, 17)]
    packets += [IP(src=SRV, dst=CLI1, ttl=ttl) / UDP(sport=9, dport=9) / b"x" for ttl in (0, 1, 2)]
    answers = lab.srv.capture(f"ip and src {WAN}")
    answered = 0
    for packet in packets:
        answers.read()
        answers.frames.clear()
        lab.srv.send(packet)
        lab.srv2.ping(WAN)
        size = sum(p[IP].len for p in answers.packets())
        assert size <= len(packet), f"{size} octets for {len(packet)}: {packet.summary()}"
        answered += size > 0
    assert answered == 2, "echo requests alone are answered, with as much"
    assert gateway.session_count() == 1
