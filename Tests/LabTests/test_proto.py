"""Protocols besides TCP, UDP and ICMP through the translation: row C-1."""
import socket, struct

from lab import *
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.l2 import GRE
from scapy.layers.sctp import SCTP, SCTPChunkInit, SCTPChunkInitAck

GRE_PROTOCOL, ESP, AH, SCTP_PROTOCOL, UDP_LITE, UNKNOWN = 47, 50, 51, 132, 136, 253


def raw(host, protocol):
    """A raw socket of the host's kernel: it gets whole IPv4 packets and sends payloads."""
    s = host.socket(socket.SOCK_RAW, protocol=protocol)
    s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER off: large ones are cut
    return s


def payload(packet):
    return packet[(packet[0] & 15) * 4:]


def payloads(protocol):
    """What an endpoint of the protocol could send, up to what must be cut."""
    sizes = [8, 60, 1300, 3000, 20000]
    if protocol == GRE_PROTOCOL:
        return [bytes(GRE() / IP(src="10.99.0.1", dst="10.99.0.2") / TCP() / (b"x" * size))
                for size in sizes]
    if protocol == ESP:
        return [struct.pack(">II", 0x1234, number) + b"e" * size
                for number, size in enumerate(sizes)]
    return [b"u" * size for size in sizes]


def converse(lab, protocol):
    gateway = lab.start()
    inside, outside = raw(lab.cli1, protocol), raw(lab.srv, protocol)
    for number, data in enumerate(payloads(protocol) * 4):
        inside.sendto(data, (SRV, 0))
        packet, sender = outside.recvfrom(65536)
        assert sender[0] == WAN and payload(packet) == data, (number, sender)
        outside.sendto(data[::-1], (WAN, 0))
        packet, sender = inside.recvfrom(65536)
        assert sender[0] == SRV and payload(packet) == data[::-1], (number, sender)
    return gateway


def one_session(gateway, name):
    rows = gateway.sessions(f"proto {name}")
    assert len(rows) == 1, rows
    row = rows[0]
    assert (row["protocol"], row["inside"], row["outside"], row["remote"], row["state"]) == (
        name, CLI1, WAN, SRV, "replied"), row
    return row


@rows("C-1", "U-14")
def gre_between_two_kernels(lab):
    one_session(converse(lab, GRE_PROTOCOL), "gre")


@rows("C-1", "U-14")
def esp_between_two_kernels(lab):
    one_session(converse(lab, ESP), "esp")


@rows("C-1", "U-14")
def an_unknown_protocol_between_two_kernels(lab):
    one_session(converse(lab, UNKNOWN), "253")


@rows()
def a_tunnel_of_the_kernel(lab):
    lab.start()
    for host, own, peer, address in (
            (lab.cli1, CLI1, SRV, "10.99.0.1"), (lab.srv, SRV, WAN, "10.99.0.2")):
        made = host.ip(f"link add tun9 type gre local {own} remote {peer} ttl 64", check=False)
        if made.returncode:
            raise Skip("the kernel has no GRE")
        lab.defer(lambda host=host: host.ip("link delete tun9"))
        host.ip(f"address add {address}/30 dev tun9")
        host.ip("link set tun9 up")
    assert "3 received" in lab.cli1.run("ping -n -q -c 3 -i 0.1 -W 2 10.99.0.2").stdout
    listener = lab.srv.server(80, "10.99.0.2")
    client = lab.cli1.connect(("10.99.0.2", 80))
    server, _ = listener.accept()
    server.settimeout(5)
    client.sendall(b"z" * 100000)
    got = 0
    while got < 100000:
        got += len(server.recv(65536))


@rows("C-1")
def sctp_keeps_ports_and_checksum(lab):
    gateway = lab.start()
    inside, outside = raw(lab.cli1, SCTP_PROTOCOL), raw(lab.srv, SCTP_PROTOCOL)
    # From an address to one: the CRC32c covers neither.
    init = bytes(IP(src=CLI1, dst=SRV) / SCTP(sport=5000, dport=2905) / SCTPChunkInit(init_tag=7))[20:]
    inside.sendto(init, (SRV, 0))
    packet, sender = outside.recvfrom(2000)
    assert sender[0] == WAN and payload(packet) == init
    answer = bytes(
        IP(src=SRV, dst=WAN) / SCTP(sport=2905, dport=5000, tag=7) / SCTPChunkInitAck(init_tag=8))[20:]
    outside.sendto(answer, (WAN, 0))
    packet, sender = inside.recvfrom(2000)
    assert sender[0] == SRV and payload(packet) == answer
    row = one_session(gateway, "sctp")
    assert (row["inside_port"], row["outside_port"], row["remote_port"]) == (5000, 5000, 2905), row
    # Another host from that port to that port is told; from another port it may.
    other, back = raw(lab.cli2, SCTP_PROTOCOL), lab.cli2.capture("icmp")
    with gateway.dropping("nat.peer_taken", "lan"):
        other.sendto(init, (SRV, 0))
    error = back.wait(lambda p: ICMP in p)
    assert (error[ICMP].type, error[ICMP].code) == (3, 1)
    free = bytes(IP(src=CLI2, dst=SRV) / SCTP(sport=5001, dport=2905) / SCTPChunkInit())[20:]
    other.sendto(free, (SRV, 0))
    assert payload(outside.recvfrom(2000)[0]) == free
    # To a port without an association nothing comes in: it is for the gateway, which has none.
    with gateway.dropping("local.no_listener", "wan"):
        outside.sendto(bytes(IP() / SCTP(sport=2905, dport=5002))[20:], (WAN, 0))


@rows("C-1", "U-1", "U-3")
def udp_lite_between_kernels(lab):
    gateway = lab.start()
    try:
        server = lab.srv.socket(socket.SOCK_DGRAM, 7000, SRV, protocol=UDP_LITE)
    except OSError:
        raise Skip("the kernel has no UDP-Lite")
    second = lab.srv.socket(socket.SOCK_DGRAM, 7000, SRV_B, protocol=UDP_LITE)
    ports = {}
    for host in (lab.cli1, lab.cli2):
        s = host.socket(socket.SOCK_DGRAM, 5000, protocol=UDP_LITE)
        for coverage in (0, 8, 20):
            # UDPLITE_SEND_CSCOV. The kernels judge the checksums.
            for sender in (s, server, second):
                sender.setsockopt(UDP_LITE, 10, coverage)
            for listener, to in ((server, SRV), (second, SRV_B)):
                data = b"lite %d" % coverage * 200
                s.sendto(data, (to, 7000))
                got, peer = listener.recvfrom(4000)
                assert got == data and peer[0] == WAN
                ports.setdefault(host.address, set()).add(peer[1])
                listener.sendto(got[::-1], peer)
                assert s.recvfrom(4000) == (data[::-1], (to, 7000))
    assert all(len(used) == 1 for used in ports.values()) and ports[CLI1] != ports[CLI2], ports
    assert {row["protocol"] for row in gateway.sessions("port 7000")} == {"udplite"}


@rows("C-1", "I-4", "F-15")
def errors_about_them_are_told(lab):
    gateway = lab.start()
    back = lab.cli1.capture("icmp")
    # Nobody listens: the far kernel says so.
    raw(lab.cli1, UNKNOWN).sendto(b"anybody?", (SRV2, 0))
    error = back.wait(lambda p: ICMP in p and p[ICMP].type == 3)
    assert error[IP].src == SRV2 and error[ICMP].code == 2
    quoted = bytes(error[ICMP].payload)
    assert socket.inet_ntoa(quoted[12:16]) == CLI1 and quoted[20:28] == b"anybody?"
    with gateway.dropping("nat.authenticated", "lan"):
        raw(lab.cli1, AH).sendto(bytes(24), (SRV, 0))
    assert back.wait(lambda p: ICMP in p and p[ICMP].code == 13)[IP].src == LAN


@rows("C-1", "S08")
def strangers_and_switches(lab):
    gateway = lab.start()
    inside, outside = raw(lab.cli1, GRE_PROTOCOL), raw(lab.srv2, GRE_PROTOCOL)
    inside.sendto(bytes(GRE()), (SRV, 0))
    until(lambda: gateway.sessions("proto gre"), what="the session")
    # Only the address that was spoken to answers.
    inside.settimeout(0.5)
    outside.sendto(bytes(GRE()), (WAN, 0))
    try:
        raise AssertionError(inside.recvfrom(2000))
    except TimeoutError:
        pass
    # What the gateway itself speaks is not translated.
    with gateway.dropping("nat.protocol", "lan"):
        raw(lab.cli1, 89).sendto(bytes(44), (SRV, 0))
    gateway.reload({"nat": {"other-protocols": False}})
    until(lambda: not gateway.sessions("proto gre"), what="the end of the session")
    with gateway.dropping("nat.protocol", "lan"):
        inside.sendto(bytes(GRE()), (SRV, 0))
