"""100,000 networks outside over a standing OSPF adjacency, announced and withdrawn by a speaker that
is a socket here: how long that takes, what it needs, what becomes of other traffic meanwhile."""
import os, socket, struct, threading, time

from lab import *
from peers import *
from test_ospf import P2P, QUICK, configuration, full

FULL = bool(os.environ.get("LAB_FULL"))
COUNT = 100_000 if FULL else 4000
#: Memory of an LSA, its routes in OSPF, in the table of routes and in the forwarding table.
MOST_OCTETS = 300 if "release" in BIN else 900
ROUTER, OWN = "0.0.0.9", "1.1.1.1"
FIRST = -0x7fffffff


def number(text):
    return struct.unpack("!I", socket.inet_aton(text))[0]


def checked(lsa):
    """Puts in the checksum of an LSA (RFC 2328 §12.1.7)."""
    octets = bytearray(lsa[2:])
    octets[14:16] = b"\0\0"
    first = second = 0
    for octet in octets:
        first += octet
        second += first
    x = ((len(octets) - 15) * first - second) % 255 or 255
    y = (510 - first % 255 - x) % 255 or 255
    return lsa[:16] + bytes((x, y)) + lsa[18:]


def lsa(kind, identity, body, sequence=FIRST, age=1):
    return checked(struct.pack("!HBBIIiHH", age, 2, kind, identity, number(ROUTER), sequence, 0, 20 + len(body)) + body)


def external(index, age=1):
    """The network `index` of 24 bits from 32.0.0.0 on."""
    return lsa(5, (32 << 24) + (index << 8), struct.pack("!IIII", 0xffffff00, 0x80000014, 0, 0), age=age)


class Speaker:
    """A neighbour on a point-to-point network that follows in the exchange of databases."""

    def __init__(self, lab, host, link, address, peer):
        self.peer, self.address, self.done, self.acknowledged = peer, address, False, set()
        self.socket = host.socket(socket.SOCK_RAW, protocol=89)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                               socket.inet_aton("224.0.0.5") + socket.inet_aton(address))
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        self.socket.settimeout(0.05)
        links = (struct.pack("!IIBBH", number(OWN), number(address), 1, 0, 10)
                 + struct.pack("!IIBBH", number(address) & 0xffffff00, 0xffffff00, 3, 0, 10))
        self.own = lsa(1, number(ROUTER), struct.pack("!BBH", 2, 0, 2) + links)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        lab.defer(self.stop)

    def stop(self):
        self.done = True
        self.thread.join()

    def send(self, kind, body):
        packet = struct.pack("!BBHIIHHQ", 2, kind, 24 + len(body), number(ROUTER), 0, 0, 0, 0) + body
        covered = packet[:16] + packet[24:]
        total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        self.socket.sendto(packet[:12] + struct.pack("!H", ~total & 0xffff) + packet[14:], ("224.0.0.5", 0))

    def run(self):
        due = 0
        while not self.done:
            if time.monotonic() >= due:
                due = time.monotonic() + 1
                self.send(1, struct.pack("!IHBBIIII", 0xffffff00, 1, 2, 1, 4, 0, 0, number(OWN)))
            try:
                packet, (source, _) = self.socket.recvfrom(65535)
            except TimeoutError:
                continue
            if source != self.address:
                packet = packet[(packet[0] & 15) * 4:]
                self.take(packet[1], packet[24:struct.unpack("!H", packet[2:4])[0]])

    def take(self, kind, body):
        if kind == 2:
            _, _, flags, sequence = struct.unpack("!HBBI", body[:8])
            # The first answer describes our own LSA; there is no other.
            self.send(2, struct.pack("!HBBI", 1500, 2, 0, sequence) + (self.own[:20] if flags & 4 else b""))
        elif kind == 3:
            self.update([self.own])
        elif kind == 4:
            headers, at = b"", 4
            while at < len(body):
                headers += body[at:at + 20]
                at += struct.unpack("!H", body[at + 18:at + 20])[0]
            self.send(5, headers)
        elif kind == 5:
            self.acknowledged.update(body[at + 4:at + 8] for at in range(0, len(body), 20) if body[at + 3] == 5)

    def update(self, lsas):
        self.send(4, struct.pack("!I", len(lsas)) + b"".join(lsas))

    def flood(self, lsas):
        """Sends all, 38 in a packet, 4,000 packets a second, and again what is not confirmed."""
        self.acknowledged.clear()
        began = time.monotonic()
        for start in range(0, len(lsas), 38):
            self.update(lsas[start:start + 38])
            time.sleep(max(began + start / 38 * 0.00025 - time.monotonic(), 0))
        return began

    def lost(self, lsas, seconds=5):
        """How many of them are never confirmed."""
        end = time.monotonic() + seconds
        while len(self.acknowledged) < len(lsas) and time.monotonic() < end:
            time.sleep(0.05)
        return len(lsas) - len(self.acknowledged)


@rows("OSPF-FLD-6", "OSPF-SPF-5", "RT-FIB-2", timeout=180)
def very_many_networks_outside_come_and_go(lab):
    gateway = lab.start({**configuration(lan={**P2P}, wan=False), "nat": {"mode": "masquerade"}})
    # A router further away floods on what this one says, and loses nothing of it.
    speaker = Speaker(lab, lab.cli1, "eth0", CLI1, LAN)
    until(lambda: full(gateway, ROUTER), 20, "the adjacency")
    def total():
        return gateway.control.get("/v1/routes", limit=1)["total"]
    idle, before = total(), gateway.resident()
    news = [external(n) for n in range(COUNT)]
    ends = [external(n, age=3600) for n in range(COUNT)]
    lab.cli2.ping(SRV)
    pings = lab.cli2.spawn(["ping", "-n", "-q", "-i", "0.01", "-c", "300", SRV])
    began = speaker.flood(news)
    said = time.monotonic() - began
    until(lambda: total() >= idle + COUNT, 60, "all networks", pause=0.02)
    added = time.monotonic() - began
    assert speaker.lost(news) == 0
    each = (gateway.resident() - before) / COUNT
    assert pings.wait(30) == 0 and " 0% packet loss" in pings.output, pings.output
    began = speaker.flood(ends)
    until(lambda: total() <= idle, 60, "no networks", pause=0.02)
    gone = time.monotonic() - began
    assert speaker.lost(ends) == 0
    assert gateway.drops().get(("local.queue_full", "lan"), 0) == 0
    print(f"      {COUNT} networks said in {said:.2f} s: in use after {added:.2f} s, {each:.0f} octets each, "
          f"gone after {gone:.2f} s; {pings.output.strip().splitlines()[-1]}")
    if FULL:
        assert added <= 1.5 and gone <= 1.5 and each <= MOST_OCTETS
