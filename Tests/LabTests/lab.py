"""What the lab tests are made of: namespaces, the daemon, its control socket, captures, packets.

    cli1 10.10.0.2 -+                                      +- srv  198.51.100.2 and .3
                    +- br-lan -- TAP [gateway] TAP -- br-wan +- srv2 198.51.100.4
    cli2 10.10.0.3 -+     10.10.0.1       198.51.100.1     +- r1   198.51.100.9 -- far 203.0.113.2

Every name is a network namespace `gwlab-NAME`; the bridges are in `lsw` and `wsw`, the daemon in
`gw`. No namespace but `r1` forwards, so what passes between the sides passed the daemon. The link
from `r1` to `far` has an MTU of 1300. All sockets live in one process: a thread enters a namespace
only to make them.
"""
import collections, contextlib, ctypes, fcntl, glob, json, os, shutil, signal, socket
import struct, subprocess, tempfile, time

from basics import *
from daemon import *


class Namespace:
    def __init__(self, lab, name):
        self.lab, self.short, self.name = lab, name, PREFIX + name
        sh(["ip", "netns", "add", self.name])
        self.file = open(f"/run/netns/{self.name}")
        self.run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 "
                 "net.ipv4.ip_forward=0 net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000")
        # With bridge netfilter the kernel would check packets that the gateway is to judge.
        self.run("sysctl -qwe net.bridge.bridge-nf-call-iptables=0 "
                 "net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0")
        self.ip("link set lo up")

    @contextlib.contextmanager
    def inside(self):
        with open("/proc/thread-self/ns/net") as home:
            assert LIBC.setns(self.file.fileno(), 0x40000000) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert LIBC.setns(home.fileno(), 0x40000000) == 0

    def run(self, command, check=True, timeout=20):
        with self.inside():
            return sh(command, check, timeout)

    def ip(self, words, check=True):
        return sh(f"ip -n {self.name} {words}", check)

    def ping(self, to, count=1, *options, check=True):
        return self.run(["ping", "-n", "-q", "-i", "0.05", "-W", "2", "-c", str(count), *options, to],
                        check=check)

    def spawn(self, command, environment=None):
        """A process in this namespace, stopped at the end of the test."""
        with self.inside():
            process = Process(command, self.lab.file("log"), environment)
        self.lab.defer(process.stop)
        return process

    def socket(self, kind=socket.SOCK_STREAM, port=0, address="", family=socket.AF_INET, protocol=0):
        """A socket of this namespace with a timeout of 5 s, closed at the end of the test."""
        with self.inside():
            s = socket.socket(family, kind, protocol)
        self.lab.defer(lambda: end(s))
        s.settimeout(5)
        if family == socket.AF_INET:
            # Not where the kernel picks the port: it might then pick one port for two sockets.
            if port or address:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((address, port))
        return s

    def udp(self, port=0, address=""):
        return self.socket(socket.SOCK_DGRAM, port, address)

    def server(self, port, address="", backlog=1024):
        s = self.socket(port=port, address=address)
        s.listen(backlog)
        return s

    def connect(self, to, port=0, address=""):
        s = self.socket(port=port, address=address)
        s.connect(to)
        return s


class Host(Namespace):
    """A namespace with one link, `eth0`, into a bridge."""

    def __init__(self, lab, name, switch, bridge, mac, addresses, gateway, gateway_mac):
        super().__init__(lab, name)
        self.mac, self.address, self.gateway, self.gateway_mac = mac, addresses[0], gateway, gateway_mac
        sh(f"ip link add eth0 netns {self.name} address {mac} type veth "
           f"peer name {name} netns {switch.name}")
        switch.ip(f"link set {name} master {bridge} up")
        for address in addresses:
            self.ip(f"address add {address}/24 brd + dev eth0")
        self.ip("link set eth0 up")
        self._raw = None

    @property
    def raw(self):
        if self._raw is None:
            with self.inside():
                self._raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                self._raw.bind(("eth0", 0))
                self._raw.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
        return self._raw

    def send_frames(self, *frames):
        """Puts whole Ethernet frames on the link."""
        for frame in frames:
            self.raw.send(bytes(frame))

    def send(self, *packets):
        """Puts IPv4 packets on the link, addressed to the gateway."""
        head = bytes.fromhex((self.gateway_mac + self.mac).replace(":", "")) + b"\x08\x00"
        for packet in packets:
            self.raw.send(head + bytes(packet))

    def capture(self, filter=""):
        return Capture(self, "eth0", filter)

    def forget_neighbors(self):
        self.ip("neighbor flush dev eth0")


Frame = collections.namedtuple("Frame", "time outgoing data")


class Capture:
    """Frames seen on an interface, filtered by the kernel."""

    compiled = {}

    def __init__(self, namespace, device, filter=""):
        with namespace.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        if filter:
            # With the program that tcpdump makes of the words.
            code = self.program(filter)
            program = ctypes.create_string_buffer(code)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack(
                "HL", len(code) // 8, ctypes.addressof(program)))
        with namespace.inside():
            self.socket.bind((device, 3))
        self.socket.setblocking(False)
        self.frames = []
        namespace.lab.defer(self.socket.close)

    @classmethod
    def program(cls, filter):
        if filter not in cls.compiled:
            lines = sh(["tcpdump", "-i", "lo", "-ddd", filter]).stdout.split("\n")[1:]
            cls.compiled[filter] = b"".join(
                struct.pack("HBBI", *map(int, line.split())) for line in lines if line)
        return cls.compiled[filter]

    def read(self):
        """All frames so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data, address = self.socket.recvfrom(1 << 17)
                self.frames.append(Frame(time.monotonic(), address[2] == 4, data))
        return self.frames

    def incoming(self):
        return [frame.data for frame in self.read() if not frame.outgoing]

    def packets(self):
        """What came in, as scapy packets."""
        import scapy.layers.inet  # Or nothing is known inside a frame.
        from scapy.layers.l2 import Ether
        return [Ether(data) for data in self.incoming()]

    def wait(self, match=lambda packet: True, seconds=5, what="a frame"):
        """The first scapy packet that came in and matches."""
        def found():
            return next((p for p in self.packets() if match(p)), None)
        return until(found, seconds, what)


class Lab:
    """The topology, and what one test made on top of it."""

    def __init__(self):
        self.lock = open(f"/run/{PREFIX}lock", "w")
        end = time.monotonic() + 900
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                assert time.monotonic() < end, f"another lab run holds {self.lock.name}"
                time.sleep(1)
        self.directory = tempfile.mkdtemp(prefix=PREFIX, dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.namespaces, self.deferred, self.files, self.gateway = {}, [], 0, None
        self.at_close = []
        self.built = False

    def build(self):
        if self.built:
            return
        self.remove_namespaces()
        self.built = True
        for name in ("lsw", "wsw", "gw"):
            self.namespaces[name] = Namespace(self, name)
        for switch, bridge in (("lsw", "br-lan"), ("wsw", "br-wan")):
            self.namespaces[switch].ip(
                f"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
            self.namespaces[switch].ip(f"link set {bridge} up")
        lan, wan = (self.lsw, "br-lan"), (self.wsw, "br-wan")
        for name, at, mac, addresses in (
                ("cli1", lan, "02:00:00:00:00:02", [CLI1]), ("cli2", lan, "02:00:00:00:00:03", [CLI2]),
                ("srv", wan, "02:00:00:00:01:02", [SRV, SRV_B]), ("srv2", wan, "02:00:00:00:01:04", [SRV2]),
                ("r1", wan, "02:00:00:00:01:09", [R1])):
            gateway = (LAN, LAN_MAC) if at is lan else (WAN, WAN_MAC)
            self.namespaces[name] = Host(self, name, *at, mac, addresses, *gateway)
        for client in (self.cli1, self.cli2):
            client.ip(f"route add default via {LAN}")
        for server in (self.srv, self.srv2):
            server.ip(f"route add 203.0.113.0/24 via {R1}")
        far = self.namespaces["far"] = Namespace(self, "far")
        sh(f"ip link add eth1 netns {self.r1.name} mtu 1300 type veth "
           f"peer name eth0 netns {far.name} mtu 1300")
        self.r1.run("sysctl -qw net.ipv4.ip_forward=1")
        self.r1.ip("address add 203.0.113.1/24 dev eth1")
        self.r1.ip("link set eth1 up")
        far.ip(f"address add {FAR}/24 dev eth0")
        far.ip("link set eth0 up")
        far.ip("route add default via 203.0.113.1")

    def __getattr__(self, name):
        try:
            return self.__dict__["namespaces"][name]
        except KeyError:
            raise AttributeError(name) from None

    def file(self, name):
        """A new path in the directory of this run."""
        self.files += 1
        return f"{self.directory}/{self.files}-{name}"

    def defer(self, action):
        """Does something at the end of the test; the last deferred is the first done."""
        self.deferred.append(action)

    def start(self, changes=None):
        """Starts the daemon with the usual configuration and changes."""
        self.gateway = Gateway(self, changes or {})
        return self.gateway.start()

    def prepare(self, changes=None):
        """The daemon with its configuration written, not started."""
        self.gateway = Gateway(self, changes or {})
        self.gateway.write()
        return self.gateway

    def leaks(self):
        """A capture of inside addresses on the WAN."""
        return Capture(self.wsw, "br-wan", "net 10.10.0.0/24")

    def end_of_test(self):
        """Undoes everything that the test deferred."""
        failures = []
        while self.deferred:
            try:
                self.deferred.pop()()
            except Exception as error:
                failures.append(error)
        self.gateway = None
        for namespace in self.namespaces.values():
            if isinstance(namespace, Host):
                namespace.forget_neighbors()
        # What a daemon that ended badly left must not spoil the next test.
        for name in ("lsw", "wsw", "gw") if self.built else ():
            links = self.namespaces[name].ip("-br link").stdout.split()
            for device in (word.split("@")[0] for word in links):
                if device in ("lan0", "wan0"):
                    self.namespaces[name].ip(f"link delete {device}", check=False)
        if failures:
            raise failures[0]

    def remove_namespaces(self):
        for path in glob.glob(f"/run/netns/{PREFIX}*"):
            sh(["ip", "netns", "delete", os.path.basename(path)])

    def close(self):
        with contextlib.suppress(Exception):
            self.end_of_test()
        for action in self.at_close:
            action()
        for namespace in self.namespaces.values():
            namespace.file.close()
        self.remove_namespaces()
        shutil.rmtree(self.directory, ignore_errors=True)
