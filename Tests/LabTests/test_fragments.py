"""Pieces of datagrams between real kernels: rows D-*, U-14, S20."""
import random, threading, time

from lab import *
from scapy.layers.inet import ICMP, IP


def echo(client, server, data):
    """A datagram there and back; false if it was lost."""
    client.sendto(data, (SRV, 7000))
    try:
        got, peer = server.recvfrom(65536)
        server.sendto(got, peer)
        return client.recvfrom(65536)[0] == got == data
    except TimeoutError:
        return False


def firstless(sources, seed):
    """A later piece of a datagram whose first one never comes."""
    draw = random.Random(seed)
    part = bytes(IP(src="0.0.0.0", dst=SRV, proto=17) / (b"f" * 1400))[20:]
    frames = []
    for _ in range(4000):
        source = draw.choice(sources)
        header = IP(src=source, dst=SRV, proto=17, id=draw.randrange(65536), flags="MF",
                    frag=175 * draw.randrange(1, 40), len=20 + len(part))
        frames.append(bytes(header) + part)
    return frames


@rows("U-14a", "S20", "D-7", timeout=120)
def a_flood_of_firstless_pieces(lab):
    gateway = lab.start()
    client, server = lab.cli1.udp(5000), lab.srv.udp(7000, SRV)
    for s in (client, server):
        s.settimeout(1)
    assert echo(client, server, b"hello")
    memory = gateway.resident()
    # The other host alone, then under a thousand names, some of them those of the first.
    frames = firstless([CLI2], 1) + firstless([f"10.10.0.{n}" for n in range(2, 250)], 2)
    stop, sent = threading.Event(), [0]

    def flood():
        while not stop.is_set():
            for frame in frames:
                lab.cli2.send(frame)
                sent[0] += 1
                if sent[0] % 20 == 0:
                    time.sleep(0.001)
                    if stop.is_set():
                        break

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        until(lambda: gateway.drops()["fragment.limit", "lan"] > 1000, 20, "pieces pushed out")
        small = sum(echo(client, server, b"s%d" % n) for n in range(300))
        large = sum(echo(client, server, b"%5d" % n * 800) for n in range(300))
    finally:
        stop.set()
        thread.join()
    assert small >= 298 and large >= 297, (small, large, sent)
    assert gateway.resident() - memory < 24 << 20, (memory, gateway.resident())
    assert gateway.session_count() == 1


@rows("D-6", "F-19", timeout=90)
def the_gateway_tells_what_it_could_not_put_together(lab):
    lab.start()
    back = lab.cli1.capture("icmp[icmptype] == icmp-timxceed")
    ping = IP(src=CLI1, dst=LAN, id=77) / ICMP(id=5) / (b"p" * 2000)
    data = bytes(ping)[20:]
    first = IP(src=CLI1, dst=LAN, id=77, proto=1, flags="MF") / data[:1480]
    later = IP(src=CLI1, dst=LAN, id=78, proto=1, frag=185) / data[1480:]
    begin = time.monotonic()
    lab.cli1.send(first, later)
    error = back.wait(lambda p: ICMP in p, 70, "time exceeded")
    assert 58 < time.monotonic() - begin < 63
    assert (error[IP].src, error[ICMP].type, error[ICMP].code) == (LAN, 11, 1)
    time.sleep(1)
    # Of the other one the first piece never came: nobody is told.
    assert len(back.packets()) == 1
