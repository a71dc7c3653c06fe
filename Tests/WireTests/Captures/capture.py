#!/usr/bin/python3
"""Captures the golden packets of this folder from the running kernel and writes them as hex text.

    sudo ./capture.py [FOLDER]      needs iproute2, ethtool, ping, arping, tcpdump, tshark

Three namespaces of its own: a host, a router and a host behind it; a fourth one with a TAP, read
through virtio-net headers. They are removed at the end.
"""
import contextlib, ctypes, fcntl, os, select, socket, struct, subprocess, sys, time
import xml.etree.ElementTree as ET

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
A, R, B, T = NAMESPACES = ["gwwi-a", "gwwi-r", "gwwi-b", "gwwi-t"]
PCAP = "/tmp/gwwi.pcap"

# Which of tshark's fields become comments. The tests compare every one of them.
WANTED = set("""
eth.dst eth.src eth.type arp.hw.type arp.proto.type arp.hw.size arp.proto.size arp.opcode
arp.src.hw_mac arp.src.proto_ipv4 arp.dst.hw_mac arp.dst.proto_ipv4
ip.version ip.hdr_len ip.dsfield ip.len ip.id ip.flags.df ip.flags.mf ip.frag_offset ip.ttl ip.proto
ip.checksum ip.src ip.dst udp.srcport udp.dstport udp.length udp.checksum
tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.hdr_len tcp.flags tcp.window_size_value
tcp.checksum tcp.urgent_pointer tcp.options.mss_val tcp.options.wscale.shift
tcp.options.timestamp.tsval tcp.options.timestamp.tsecr
icmp.type icmp.code icmp.checksum icmp.ident icmp.seq icmp.mtu
""".split())


def run(*words, ok=True):
    result = subprocess.run(words, capture_output=True, text=True)
    if ok and result.returncode:
        sys.exit(f"{' '.join(words)}: {result.stderr}")
    return result.stdout


def within(name, *words, ok=True):
    return run("ip", "netns", "exec", name, *words, ok=ok)


def setns(descriptor):
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000):  # CLONE_NEWNET
        sys.exit(os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def inside(name):
    """Runs the block's Python in a namespace."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    setns(there)
    try:
        yield
    finally:
        setns(here)
        os.close(here), os.close(there)


def build():
    for name in NAMESPACES:
        run("ip", "netns", "add", name)
        within(name, "ip", "link", "set", "lo", "up")
        within(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
               "net.ipv6.conf.default.disable_ipv6=1")
    links = [(A, "eth0", "02:00:00:00:00:0a", "192.0.2.10/24",
              R, "lan", "02:00:00:00:00:01", "192.0.2.1/24"),
             (B, "eth0", "02:00:00:00:00:0b", "198.51.100.7/24",
              R, "wan", "02:00:00:00:00:02", "198.51.100.1/24")]
    for left, lname, lmac, lip, right, rname, rmac, rip in links:
        run("ip", "link", "add", lname, "netns", left, "address", lmac, "type", "veth",
            "peer", "name", rname, "netns", right, "address", rmac)
        for ns, name, address in ((left, lname, lip), (right, rname, rip)):
            within(ns, "ip", "addr", "add", address, "dev", name)
            within(ns, "ip", "link", "set", name, "up")
            # The sender itself shall compute whole checksums.
            within(ns, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off")
    within(A, "ip", "route", "add", "default", "via", "192.0.2.1")
    within(B, "ip", "route", "add", "default", "via", "198.51.100.1")
    within(R, "sysctl", "-qw", "net.ipv4.ip_forward=1")


@contextlib.contextmanager
def capturing():
    """Captures on the router's LAN side while the block runs."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(PCAP)
    words = f"ip netns exec {R} tcpdump --immediate-mode -U -i lan -w {PCAP}"
    dump = subprocess.Popen(words.split(), stderr=subprocess.PIPE, text=True)
    dump.stderr.readline()
    time.sleep(0.3)
    yield
    time.sleep(0.4)
    dump.terminate()
    dump.wait()


def keep(filter, names, about):
    """Writes the first packets that `filter` shows under `names`."""
    text = run("tshark", "-n", "-r", PCAP, "-Y", filter, "-T", "pdml",
               "-o", "ip.defragment:FALSE", "-o", "tcp.relative_sequence_numbers:FALSE")
    packets = ET.fromstring(text).findall("packet")
    raw = frames(filter)
    assert len(packets) >= len(names) and len(raw) == len(packets), (filter, len(packets), len(raw))
    for name, packet, data in zip(names, packets, raw):
        write(name, about, data, fields(packet))


def frames(filter):
    import json
    found = json.loads(run("tshark", "-n", "-r", PCAP, "-Y", filter, "-T", "json", "-x",
                           "-o", "ip.defragment:FALSE"))
    return [bytes.fromhex(p["_source"]["layers"]["frame_raw"][0]) for p in found]


def fields(packet):
    """(offset, size, name, value) of the wanted fields; those of a quoted packet get a prefix."""
    found = []

    def walk(node, prefix):
        for child in node:
            name = child.get("name") or ""
            if child.tag == "proto" and name in ("geninfo", "frame"):
                continue
            if name in WANTED and int(child.get("size")) > 0:
                size = 2 if name.startswith("ip.flags") else int(child.get("size"))
                found.append((int(child.get("pos")), size, prefix + name,
                              child.get("show").replace("True", "1").replace("False", "0")))
            quoted = node.get("name") == "icmp" and child.tag == "proto"
            walk(child, "quoted." if quoted else prefix)

    walk(packet, "")
    return found


def write(name, about, data, found, shift=0):
    """One line for every run of octets between the borders of fields."""
    found = [(p + shift, s, n, v) for p, s, n, v in found]
    cuts = {0, len(data)} | {p for p, *_ in found} | {p + s for p, s, *_ in found}
    cuts = sorted(c for c in cuts if c <= len(data))
    lines = [f"# {about}"]
    for start, end in zip(cuts, cuts[1:]):
        notes, seen = [], set()
        for p, s, n, v in found:
            if p == start and n not in seen:
                seen.add(n)
                notes.append(f"{n} = {v}")
        for part in range(start, end, 16):
            octets = data[part:min(part + 16, end)].hex(" ")
            tail = f"  # {', '.join(notes)}" if notes and part == start else ""
            lines.append(octets + tail)
    with open(os.path.join(OUT, name + ".hex"), "w") as file:
        file.write("\n".join(lines) + "\n")


def udp(source, target, data, port=5000, checksum=True):
    with inside(source), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("0.0.0.0", 4000))
        if not checksum:
            s.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
        s.sendto(data, (target, port))


def tcp():
    with inside(B):
        listener = socket.create_server(("0.0.0.0", 8080))
    with inside(A):
        client = socket.create_connection(("198.51.100.7", 8080), source_address=("0.0.0.0", 4001))
    server, _ = listener.accept()
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    server.recv(100)
    client.close()
    time.sleep(0.1)
    server.close()
    listener.close()


def routed():
    kernel = f"Linux {os.uname().release}"
    with capturing():
        within(A, "ping", "-c1", "-s16", "-p5a", "192.0.2.1")
        within(A, "arping", "-D", "-c1", "-w1", "-I", "eth0", "192.0.2.77", ok=False)
    keep("arp.opcode==1 && arp.src.proto_ipv4==192.0.2.10", ["arp-request"],
         f"ARP request, {kernel}")
    keep("arp.opcode==2 && arp.src.proto_ipv4==192.0.2.1", ["arp-reply"],
         f"ARP reply, {kernel}")
    keep("arp.src.proto_ipv4==0.0.0.0", ["arp-probe"], "ARP probe of arping -D (RFC 5227)")
    keep("icmp", ["icmp-echo-request", "icmp-echo-reply"], f"ping -s16, {kernel}")

    within(A, "ping", "-c1", "198.51.100.7")  # neighbours known from here on
    with capturing():
        udp(A, "198.51.100.7", b"odd payload")
        udp(A, "198.51.100.7", b"odd payload", checksum=False)
    keep("udp && !icmp && udp.checksum!=0", ["udp"], f"UDP, {kernel}")
    keep("udp && !icmp && udp.checksum==0", ["udp-no-checksum"], "UDP sent with SO_NO_CHECK")
    keep("icmp.type==3", ["icmp-port-unreachable"], f"Port unreachable about UDP, {kernel}")
    with capturing():
        tcp()
    keep("tcp", ["tcp-syn", "tcp-syn-ack", "tcp-ack", "tcp-data"], f"TCP connection, {kernel}")
    keep("tcp.flags.fin==1 && tcp.srcport==4001", ["tcp-fin"], f"TCP connection, {kernel}")
    with capturing():
        within(A, "ping", "-c1", "-t1", "-s16", "198.51.100.7", ok=False)
        within(A, "ping", "-c1", "-R", "-s16", "198.51.100.7")
        within(A, "ping", "-c1", "-Ttsandaddr", "-s16", "198.51.100.7")
    keep("icmp.type==11", ["icmp-time-exceeded"], f"Time exceeded about ping, {kernel}")
    keep("icmp.type==8 && ip.opt.type.number==7 && ip.ttl==64", ["option-record-route"], "ping -R")
    keep("icmp.type==0 && ip.opt.type.number==7", ["option-record-route-reply"],
         "Answer to ping -R, route filled in")
    keep("icmp.type==8 && ip.opt.type.number==4", ["option-timestamp"], "ping -T tsandaddr")

    within(R, "ip", "link", "set", "wan", "mtu", "600")
    with capturing():
        within(A, "ping", "-c1", "-Mdo", "-s800", "-p5a", "198.51.100.7", ok=False)
    keep("icmp.type==3 && icmp.code==4", ["icmp-fragmentation-needed"],
         f"Fragmentation needed, quoting a ping of 828 octets, {kernel}")
    within(R, "ip", "link", "set", "wan", "mtu", "1500")
    within(A, "ip", "link", "set", "eth0", "mtu", "100")
    with capturing():
        within(A, "ping", "-c1", "-s160", "-p5a", "192.0.2.1", ok=False)
    keep("ip.src==192.0.2.10", ["fragment-first", "fragment-middle", "fragment-last"],
         f"ping -s160 at an MTU of 100, {kernel}")


def sum16(data):
    data += b"\0" * (len(data) & 1)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def answer(tap, frame, flags, seq, ack, options=b""):
    """Writes a TCP segment that answers `frame`, as the TAP's remote end."""
    ip = frame[14:34]
    ports = frame[36:38] + frame[34:36]
    tcp = ports + struct.pack(
        ">IIBBHHH", seq, ack, (5 + len(options) // 4) << 4, flags, 65535, 0, 0) + options
    pseudo = ip[16:20] + ip[12:16] + struct.pack(">BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", sum16(pseudo + tcp)) + tcp[18:]
    header = struct.pack(">BBHIBBH", 0x45, 0, 20 + len(tcp), 0, 64, 6, 0) + ip[16:20] + ip[12:16]
    header = header[:10] + struct.pack(">H", sum16(header)) + header[12:]
    os.write(tap, bytes(10) + frame[6:12] + frame[0:6] + b"\x08\x00" + header + tcp)


def read(tap, proto):
    while select.select([tap], [], [], 2)[0]:
        data = os.read(tap, 70000)
        if data[10 + 12:10 + 14] == b"\x08\x00" and data[10 + 23] == proto:
            return data
    sys.exit("nothing came out of the TAP")


def save_offload(name, about, data, length=None):
    """A virtio-net header and its frame, cut to `length` octets of frame."""
    with open(PCAP, "wb") as file:  # for tshark, the frame alone
        frame = data[10:]
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    text = run("tshark", "-n", "-r", PCAP, "-T", "pdml",
               "-o", "tcp.relative_sequence_numbers:FALSE")
    found = fields(ET.fromstring(text).find("packet"))
    flags, kind, header, size, start, offset = struct.unpack("<BBHHHH", data[:10])
    vnet = [(-10, 1, "vnet.flags", flags), (-9, 1, "vnet.gso_type", kind),
            (-8, 2, "vnet.hdr_len", header), (-6, 2, "vnet.gso_size", size),
            (-4, 2, "vnet.csum_start", start), (-2, 2, "vnet.csum_offset", offset)]
    kept = data[:10 + length] if length else data
    about += f"; {len(data) - 10} octets of frame, {len(kept) - 10} kept"
    write(name, about, kept, vnet + found, 10)


def offloaded():
    TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
    with inside(T):
        tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"tap0", 0x5002))  # TAP, NO_PI, VNET_HDR
        fcntl.ioctl(tap, TUNSETOFFLOAD, 0x01 | 0x02 | 0x60)  # CSUM, TSO4, USO4 and 6
    within(T, "ip", "link", "set", "tap0", "address", "02:00:00:00:00:0a", "up")
    within(T, "ip", "addr", "add", "192.0.2.10/24", "dev", "tap0")
    within(T, "ip", "neigh", "add", "192.0.2.1", "lladdr", "02:00:00:00:00:01", "dev", "tap0")
    udp(T, "192.0.2.1", b"odd payload")
    save_offload("vnet-udp", "UDP with partial checksum", read(tap, 17))
    with inside(T):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_UDP, 103, 1000)  # UDP_SEGMENT
        s.bind(("0.0.0.0", 4002))
        s.sendto(b"u" * 2500, ("192.0.2.1", 5000))
    save_offload("vnet-udp-segments", "Three datagrams in one, payload 2500 times 'u'",
                 read(tap, 17), 60)
    with inside(T):
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")  # BBR would pace
        s.bind(("0.0.0.0", 4003))
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect(("192.0.2.1", 80))
    syn = read(tap, 6)
    save_offload("vnet-tcp-syn", "SYN with partial checksum", syn)
    sequence = struct.unpack(">I", syn[48:52])[0] + 1
    answer(tap, syn[10:], 0x12, 1000, sequence, bytes([2, 4, 5, 0xB4]))
    read(tap, 6)
    s.send(b"t" * 5000)
    big = read(tap, 6)
    while not big[1]:  # segmentation type
        big = read(tap, 6)
    save_offload("vnet-tcp-super", f"TCP super-packet, payload {len(big) - 64} times 't'", big, 64)


for each in NAMESPACES:
    run("ip", "netns", "del", each, ok=False)
try:
    build()
    routed()
    offloaded()
finally:
    for each in NAMESPACES:
        run("ip", "netns", "del", each, ok=False)
    with contextlib.suppress(FileNotFoundError):
        os.remove(PCAP)
