"""What is put to the gateway and to Linux, and how what came of it is told in words."""
import time

from lab import *
from scapy.layers.inet import ICMP, IP, IPOption, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

CASES = {}


def case(name):
    def mark(function):
        assert name not in CASES
        CASES[name] = function
        return function
    return mark


class Look:
    """Puts packets on the links and tells what came out; each case has ports of its own."""

    def __init__(self, lab, timers):
        self.lab, self.timers, self.port = lab, timers, 20000

    def fresh(self):
        self.port += 10
        return self

    def after(self, sender, *packets, frames=False):
        """What arrives at each host because of these packets, in order: {host: [IP packet]}."""
        hosts = (self.lab.cli1, self.lab.cli2, self.lab.srv, self.lab.srv2, self.lab.r1)
        captures = {host.short: host.capture("ip and not (icmp and ip[4:2] == 54321)") for host in hosts}
        (sender.send_frames if frames else sender.send)(*packets)
        # A ping behind them has been answered: they were decided on.
        sender.ping(sender.gateway)
        time.sleep(0.05)
        seen = {}
        for name, capture in captures.items():
            seen[name] = [p[IP] for p in capture.packets() if IP in p and not self.is_settling(p[IP])]
            capture.socket.close()
        return {name: packets for name, packets in seen.items() if packets}

    @staticmethod
    def is_settling(packet):
        """The pings of `after`, by the length ping gives them."""
        return ICMP in packet and packet[ICMP].type in (0, 8) and packet.len == 84

    def flow(self, host=None, server=SRV, port=None, dport=9):
        """Makes a UDP flow; its outside port."""
        host = host or self.lab.cli1
        port = port or self.port
        seen = self.after(host, IP(src=host.address, dst=server) / UDP(sport=port, dport=dport) / b"flow")
        got = next(p for p in seen["srv" if server in (SRV, SRV_B) else "srv2"] if UDP in p)
        return got.sport

    def connection(self, dport=80):
        """Makes a TCP connection by hand; its outside port. Both sides' next sequence number is 1001."""
        c, s = IP(src=CLI1, dst=SRV), IP(src=SRV, dst=WAN)
        seen = self.after(self.lab.cli1, c / TCP(sport=self.port, dport=dport, seq=1000, flags="S", window=8000))
        out = next(p for p in seen["srv"] if TCP in p).sport
        self.after(self.lab.srv, s / TCP(sport=dport, dport=out, seq=1000, ack=1001, flags="SA", window=8000))
        self.after(self.lab.cli1, c / TCP(sport=self.port, dport=dport, seq=1001, ack=1001, flags="A", window=8000))
        return out


def words(seen, sender, *others):
    """What became of packets: whether they passed, and what came back."""
    told = []
    for packet in [p for name in others for p in seen.get(name, [])]:
        inside = packet.src.startswith("10.10.")
        told.append("passes with the inside source" if inside and sender.startswith("cli") else "passes")
    for packet in seen.get(sender, []):
        if ICMP in packet and packet[ICMP].type in (3, 11, 12):
            told.append(f"ICMP {packet[ICMP].type}/{packet[ICMP].code} back")
        elif ICMP in packet:
            told.append(f"ICMP {packet[ICMP].type} back")
        elif TCP in packet:
            told.append(f"TCP {packet[TCP].flags} back")
        else:
            told.append("a packet back")
    return ", ".join(dict.fromkeys(told)) or "nothing"


OUT = ("cli1", "srv", "srv2", "r1")
IN = ("srv", "cli1", "cli2")


def outbound(look, packet):
    return words(look.after(look.lab.cli1, packet), *OUT)


def inbound(look, packet):
    return words(look.after(look.lab.srv, packet), *IN)


def udp(look, **fields):
    return IP(src=CLI1, dst=SRV, **fields) / UDP(sport=look.port, dport=9) / b"data"


# --- Mapping and filtering ---

@case("a free source port")
def _(look):
    return "the same port outside" if look.flow() == look.port else "another port outside"


@case("one endpoint to two servers")
def _(look):
    return "one outside port" if look.flow() == look.flow(server=SRV2) else "two outside ports"


@case("one endpoint to two servers, its port taken towards one of them")
def _(look):
    look.flow(look.lab.cli1, SRV_B)
    ports = {look.flow(look.lab.cli2, server) for server in (SRV, SRV_B)}
    return "one outside port" if len(ports) == 1 else "two outside ports"


@case("two hosts from one port to one server")
def _(look):
    ports = {look.flow(host) for host in (look.lab.cli1, look.lab.cli2)}
    return "two outside ports" if len(ports) == 2 else "one outside port"


@case("UDP answer from the port asked")
def _(look):
    return inbound(look, IP(src=SRV, dst=WAN) / UDP(sport=9, dport=look.flow()) / b"x")


@case("UDP from another port of the server asked")
def _(look):
    return inbound(look, IP(src=SRV, dst=WAN) / UDP(sport=10, dport=look.flow()) / b"x")


@case("UDP from a stranger to a mapped port")
def _(look):
    out = look.flow()
    return words(look.after(look.lab.srv2, IP(src=SRV2, dst=WAN) / UDP(sport=9, dport=out) / b"x"),
                 "srv2", "cli1", "cli2")


@case("UDP to a port nobody has")
def _(look):
    return inbound(look, IP(src=SRV, dst=WAN) / UDP(sport=9, dport=7) / b"x")


@case("SYN to a port nobody has")
def _(look):
    return inbound(look, IP(src=SRV, dst=WAN) / TCP(sport=9, dport=7, flags="S"))


@case("ACK to a port nobody has")
def _(look):
    return inbound(look, IP(src=SRV, dst=WAN) / TCP(sport=9, dport=7, flags="A"))


@case("echo reply nobody asked for")
def _(look):
    return inbound(look, IP(src=SRV, dst=WAN) / ICMP(type=0, id=99) / b"x")


@case("echo request to the outside address")
def _(look):
    return inbound(look, IP(src=SRV, dst=WAN) / ICMP(type=8, id=99) / b"x")


@case("a packet from outside to an inside address")
def _(look):
    return inbound(look, IP(src=SRV, dst=CLI1) / UDP(sport=9, dport=9) / b"x")


@case("a packet from inside to another host's outside port")
def _(look):
    out = look.flow(look.lab.cli2)
    look.flow(look.lab.cli1)
    look.after(look.lab.cli2, IP(src=CLI2, dst=WAN) / UDP(sport=look.port, dport=look.flow()) / b"x")
    seen = look.after(look.lab.cli1, IP(src=CLI1, dst=WAN) / UDP(sport=look.port, dport=out) / b"x")
    got = [p for p in seen.get("cli2", []) if UDP in p]
    return "arrives from the outside address" if got and got[0].src == WAN else words(seen, "cli1", "cli2")


# --- Timers ---

def timer(name, index, floor, unit="s"):
    @case(name)
    def _(look):
        return "at least %d %s" % (floor, unit) if look.timers[index] >= floor else f"{look.timers[index]} s"


timer("idle time of UDP without answer", 0, 120)
timer("idle time of UDP with answers", 1, 120)
timer("idle time of a TCP connection", 2, 7440)
timer("idle time of a half-open TCP connection", 3, 240)
timer("idle time of an ICMP query", 4, 60)


# --- TCP ---

@case("SYN with a segment size over that of the way out")
def _(look):
    seen = look.after(look.lab.cli1, IP(src=CLI1, dst=SRV) / TCP(
        sport=look.port, dport=80, flags="S", options=[("MSS", 1460)]))
    return "segment size " + str(dict(seen["srv"][0][TCP].options)["MSS"])


@case("ACK from inside without a connection")
def _(look):
    return outbound(look, IP(src=CLI1, dst=SRV) / TCP(sport=look.port, dport=80, seq=5, ack=5, flags="A"))


def reset(offset, name):
    @case(name)
    def _(look):
        out = look.connection()
        told = inbound(look, IP(src=SRV, dst=WAN) / TCP(sport=80, dport=out, seq=1001 + offset, flags="R"))
        seen = look.after(look.lab.cli1, IP(src=CLI1, dst=SRV) / TCP(
            sport=look.port, dport=80, seq=1001, ack=1001, flags="PA", window=8000) / b"data")
        return f"{told}; data after it: {words(seen, *OUT)}"


reset(0, "RST with the exact sequence number")
reset(100, "RST within the window")
reset(1 << 20, "RST outside the window")


@case("SYN from the server on a live connection")
def _(look):
    out = look.connection()
    return inbound(look, IP(src=SRV, dst=WAN) / TCP(sport=80, dport=out, seq=900_000, flags="S"))


@case("data outside the window")
def _(look):
    out = look.connection()
    return inbound(look, IP(src=SRV, dst=WAN) / TCP(
        sport=80, dport=out, seq=1 << 24, ack=1001, flags="PA") / b"data")


# --- ICMP ---

def error(look, out, kind, code=0, source=SRV, change=None, **fields):
    quoted = bytearray(bytes(IP(src=WAN, dst=SRV) / UDP(sport=out, dport=9) / b"flow"))
    if change:
        change(quoted)
    return IP(src=source, dst=WAN) / ICMP(type=kind, code=code, **fields) / Raw(bytes(quoted))


def wrong_header_sum(quoted):
    quoted[10] ^= 0x55


@case("host unreachable about a flow")
def _(look):
    out = look.flow()
    seen = look.after(look.lab.srv, error(look, out, 3, 1))
    got = [IP(bytes(p[ICMP].payload)) for p in seen.get("cli1", []) if ICMP in p]
    return "arrives with the inside endpoint quoted" if got and (got[0].src, got[0].sport) == (CLI1, look.port) \
        else words(seen, *IN)


@case("time exceeded from a router on the way")
def _(look):
    out = look.flow()
    return words(look.after(look.lab.r1, error(look, out, 11, 0, source=R1)), "r1", "cli1")


@case("fragmentation needed with an MTU of 68")
def _(look):
    return inbound(look, error(look, look.flow(), 3, 4, nexthopmtu=68))


@case("parameter problem about a flow")
def _(look):
    return inbound(look, error(look, look.flow(), 12))


@case("source quench about a flow")
def _(look):
    return inbound(look, error(look, look.flow(), 4))


@case("redirect about a flow")
def _(look):
    return inbound(look, error(look, look.flow(), 5, 1, gw=SRV2))


@case("error about no flow")
def _(look):
    return inbound(look, error(look, 7, 3, 1))


@case("error with a wrong ICMP checksum")
def _(look):
    return inbound(look, error(look, look.flow(), 3, 1, chksum=1))


@case("error that quotes a wrong header checksum")
def _(look):
    return inbound(look, error(look, look.flow(), 3, 1, change=wrong_header_sum))


@case("timestamp request")
def _(look):
    return outbound(look, IP(src=CLI1, dst=SRV) / ICMP(type=13, id=look.port))


@case("information request")
def _(look):
    return outbound(look, IP(src=CLI1, dst=SRV) / ICMP(type=15, id=look.port))


@case("address mask request")
def _(look):
    return outbound(look, IP(src=CLI1, dst=SRV) / ICMP(type=17, id=look.port))


@case("ICMP of an unknown type")
def _(look):
    return outbound(look, IP(src=CLI1, dst=SRV) / ICMP(type=42))


# --- Fragments ---

def pieces(look, source, sizes, proto=17, id=None, payload=None):
    data = payload or bytes(UDP(sport=look.port, dport=9, len=8 + sum(sizes) - 8, chksum=0)) + \
        b"f" * (sum(sizes) - 8)
    at, found = 0, []
    for size in sizes:
        more = at + size < len(data)
        found.append(IP(src=source, dst=SRV, id=id or look.port, proto=proto, frag=at // 8,
                        flags="MF" if more else 0) / Raw(data[at:at + size]))
        at += size
    return found


def sizes(seen):
    """How many octets of which offsets arrived."""
    found = sorted((p.frag * 8, p.len - p.ihl * 4) for p in seen.get("srv", []))
    return "pieces " + " ".join(f"{at}+{size}" for at, size in found) if found else "nothing"


@case("fragments in order")
def _(look):
    return sizes(look.after(look.lab.cli1, *pieces(look, CLI1, (800, 800, 400))))


@case("fragments in reverse")
def _(look):
    return sizes(look.after(look.lab.cli1, *reversed(pieces(look, CLI1, (800, 800, 400)))))


@case("fragments that overlap")
def _(look):
    first, second, third = pieces(look, CLI1, (800, 800, 400))
    second.frag -= 1
    return sizes(look.after(look.lab.cli1, first, second, third))


@case("fragments without the first")
def _(look):
    return sizes(look.after(look.lab.cli1, *pieces(look, CLI1, (800, 800, 400))[1:]))


@case("a TCP header cut in two")
def _(look):
    segment = bytes(IP(src=CLI1, dst=SRV) / TCP(sport=look.port, dport=80, flags="S"))[20:]
    return sizes(look.after(look.lab.cli1, *pieces(look, CLI1, (8, 12), proto=6, payload=segment)))


@case("fragments of two hosts with one identification")
def _(look):
    ids = set()
    for host in (look.lab.cli1, look.lab.cli2):
        ids |= {p.id for p in look.after(host, *pieces(look, host.address, (800, 400))).get("srv", [])}
    return f"{len(ids)} identification{'s' * (len(ids) != 1)} outside"


# --- TTL, addresses, sizes ---

@case("TTL 1")
def _(look):
    return outbound(look, udp(look, ttl=1))


@case("TTL 0")
def _(look):
    return outbound(look, udp(look, ttl=0))


@case("TTL 2")
def _(look):
    seen = look.after(look.lab.cli1, udp(look, ttl=2))
    return f"passes with TTL {seen['srv'][0].ttl}"


@case("an ICMP error with TTL 1")
def _(look):
    return outbound(look, IP(src=CLI1, dst=SRV, ttl=1) / ICMP(type=3, code=3) / Raw(bytes(udp(look))))


for address in ("0.0.0.0", "127.0.0.1", "169.254.1.1", "198.18.0.5", "203.0.113.77", "224.0.0.9", "240.0.0.1",
                "255.255.255.255", LAN, "10.10.0.255"):
    @case(f"from inside with the source {address}")
    def _(look, address=address):
        return outbound(look, IP(src=address, dst=SRV) / UDP(sport=look.port, dport=9) / b"x")

for address in ("0.0.0.1", "127.0.0.1", "169.254.9.9", "224.0.0.9", "239.1.1.1", "240.0.0.1", "255.255.255.255",
                "198.51.100.255"):
    @case(f"from inside to {address}")
    def _(look, address=address):
        return outbound(look, IP(src=CLI1, dst=address) / UDP(sport=look.port, dport=9) / b"x")


@case("too big for the way out, DF set")
def _(look):
    seen = look.after(look.lab.cli1, IP(src=CLI1, dst=SRV, flags="DF") / UDP(sport=look.port, dport=9) / (b"x" * 1472))
    got = [p for p in seen.get("cli1", []) if ICMP in p]
    return f"{words(seen, *OUT)}, MTU {got[0][ICMP].nexthopmtu}" if got else words(seen, *OUT)


@case("too big for the way out, DF not set")
def _(look):
    return sizes(look.after(look.lab.cli1, IP(src=CLI1, dst=SRV) / UDP(sport=look.port, dport=9) / (b"x" * 1472)))


@case("an IP packet in a broadcast frame")
def _(look):
    frame = Ether(src=look.lab.cli1.mac, dst="ff:ff:ff:ff:ff:ff") / udp(look)
    return words(look.after(look.lab.cli1, frame, frames=True), *OUT)


@case("a frame with padding")
def _(look):
    frame = bytes(Ether(src=look.lab.cli1.mac, dst=LAN_MAC) / udp(look)) + b"pad" * 5
    seen = look.after(look.lab.cli1, frame, frames=True)
    return f"passes, {seen['srv'][0].len} octets"


# --- Checksums ---

@case("UDP without checksum")
def _(look):
    seen = look.after(look.lab.cli1, IP(src=CLI1, dst=SRV) / UDP(sport=look.port, dport=9, chksum=0) / b"x")
    return f"passes, checksum {seen['srv'][0][UDP].chksum}"


def wrong_sum(name, make):
    @case(name)
    def _(look):
        packet = bytearray(bytes(make(look)))
        packet[-1] ^= 0xff
        seen = look.after(look.lab.cli1, bytes(packet))
        told = words(seen, *OUT)
        if told == "passes":
            got = seen["srv"][0]
            again = got.copy()
            del again[got.lastlayer().underlayer.__class__ if Raw in got else got.lastlayer().__class__].chksum
            again = IP(bytes(again))
            layer = UDP if UDP in got else TCP
            told += ", still wrong" if again[layer].chksum != got[layer].chksum else ", repaired"
        return told


wrong_sum("a wrong UDP checksum", udp)
wrong_sum("a wrong TCP checksum",
          lambda look: IP(src=CLI1, dst=SRV) / TCP(sport=look.port, dport=80, flags="S") / b"x")


@case("a wrong header checksum")
def _(look):
    return outbound(look, udp(look, chksum=1))


# --- Options, other protocols ---

def option(name, made):
    @case(name)
    def _(look):
        packet = udp(look, options=[IPOption(made)])
        seen = look.after(look.lab.cli1, packet)
        got = [p for p in seen.get("srv", []) if UDP in p]
        if not got:
            return words(seen, *OUT)
        sent = IP(bytes(packet))
        same = bytes(got[0])[20:got[0].ihl * 4] == bytes(sent)[20:sent.ihl * 4]
        return "passes unchanged" if same else "passes, filled in"


option("record route", bytes.fromhex("070b04" + "00" * 8 + "00"))
option("timestamp option", bytes.fromhex("440c0500" + "00" * 8))
option("router alert", bytes.fromhex("94040000"))
option("an unknown option", bytes.fromhex("1e040000"))
option("loose source route", bytes.fromhex("830704") + bytes(map(int, SRV2.split("."))) + b"\0")
option("an option that is too short", bytes.fromhex("07010400"))


@case("a protocol without ports")
def _(look):
    return outbound(look, IP(src=CLI1, dst=SRV, proto=253) / Raw(b"x" * 20))
