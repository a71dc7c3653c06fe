"""The daemon: its configuration, its process, its control socket."""
import collections, contextlib, glob, http.client, json, os, signal, socket, time, urllib.parse

from basics import *

#: Threads that forward, where a test does not say.
WORKERS = int(os.environ.get("LAB_WORKERS", "1"))


class Control:
    """The HTTP interface on the daemon's Unix socket."""

    def __init__(self, path):
        self.path = path

    def request(self, method, path, body=None, timeout=10, **query):
        """Status and decoded answer."""
        connection = http.client.HTTPConnection("gateway", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(self.path)
        try:
            if query:
                path += "?" + urllib.parse.urlencode(query)
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def get(self, path, **query):
        status, answer = self.request("GET", path, **query)
        assert status == 200, f"GET {path}: {status} {answer}"
        return answer


def yaml(value, indent=0):
    """A configuration as block-style YAML."""
    space = " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"\n{space}{key}:{yaml(item, indent + 2)}" for key, item in value.items())
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "".join(f"\n{space}- {yaml(item, indent + 2).lstrip()}" for item in value)
    return " " + json.dumps(value)


def merged(base, changes):
    """A copy of base with changes put in; None takes a key away."""
    out = dict(base)
    for key, value in changes.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = value
    return out


class Gateway:
    """The daemon in namespace `gw`."""

    def __init__(self, lab, changes):
        self.lab = lab
        self.directory = lab.file("gw")
        os.mkdir(self.directory)
        os.chmod(self.directory, 0o755)
        self.config, self.socket = f"{self.directory}/lab.yaml", f"{self.directory}/control.sock"
        self.settings = merged({
            "version": 1, "name": "lab",
            "interfaces": {
                "lan": {"tap": "lan0", "netns": lab.lsw.name, "bridge": "br-lan", "mtu": 1500,
                        "macaddress": LAN_MAC, "addresses": [f"{LAN}/24"]},
                "wan": {"tap": "wan0", "netns": lab.wsw.name, "bridge": "br-wan", "mtu": 1500,
                        "macaddress": WAN_MAC, "addresses": [f"{WAN}/24"]}},
            "routes": [{"to": "203.0.113.0/24", "via": R1}],
            "nat": {"mode": "masquerade"},
            **({"forwarding": {"workers": WORKERS}} if WORKERS > 1 else {}),
            "control": {"socket": self.socket, "group": "root"}}, changes)
        self.control = Control(self.socket)
        self.process, self.status_text = None, ""

    def write(self, changes=None):
        """Writes the configuration, with changes to it if given."""
        self.settings = merged(self.settings, changes or {})
        text = yaml(self.settings).lstrip() + "\n"
        with open(self.config, "w") as file:
            file.write(text)

    def launch(self, *arguments, prefix=(), descriptors=()):
        """Starts the process, without waiting for anything."""
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.lab.defer(self.notify.close)
        path = self.lab.file("notify")
        self.notify.bind(path)
        os.chmod(path, 0o666)
        self.process = Process(
            ["ip", "netns", "exec", self.lab.gw.name, *prefix, f"{BIN}/gatewayd", "--config",
             self.config, *arguments], self.lab.file("gatewayd.log"), {"NOTIFY_SOCKET": path}, descriptors)
        self.lab.defer(self.process.stop)
        return self.process

    def start(self, seconds=20, prefix=()):
        """Starts the process and waits until it says that the first packet can pass."""
        self.write()
        self.launch(prefix=prefix)
        self.notify.settimeout(0.05)
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(TimeoutError):
                text = self.notify.recv(4096).decode()
                self.status_text = dict(
                    line.split("=", 1) for line in text.split("\n") if "=" in line).get("STATUS", "")
                if "READY=1" in text.split("\n"):
                    return self
            assert self.process.poll() is None, \
                f"gatewayd ended with status {self.process.poll()}\n{self.process.output}"
            assert time.monotonic() < end, f"no READY within {seconds} s\n{self.process.output}"

    def stop(self):
        return self.process.stop()

    def ctl(self, *words, check=True, timeout=20):
        """Runs gatewayctl."""
        return sh([f"{BIN}/gatewayctl", "--socket", self.socket, *words], check, timeout)

    def reload(self, changes=None, check=True):
        self.write(changes)
        return self.ctl("reload", "--yes", check=check)

    def drops(self):
        """Packets dropped so far, by (reason, side)."""
        counts = collections.Counter()
        for entry in self.control.get("/v1/drops")["drops"]:
            counts[entry["reason"], entry["side"]] += entry["packets"]
        return counts

    def sessions(self, filter="", limit=1000):
        query = {"filter": filter} if filter else {}
        return self.control.get("/v1/sessions", limit=limit, **query)["sessions"]

    def neighbors(self):
        """Rows of the neighbour table by address."""
        return {row["address"]: row for row in self.control.get("/v1/neighbors")["neighbors"]}

    def session_count(self):
        return self.control.get("/v1/nat")["sessions"]

    def resident(self):
        """Resident memory in octets."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @contextlib.contextmanager
    def held(self):
        """Lets no thread of the daemon run while the block does."""
        def threads():
            for path in glob.glob(f"/proc/{self.process.pid}/task/*/stat"):
                with open(path) as file:
                    yield file.read().rpartition(") ")[2][0]
        self.process.popen.send_signal(signal.SIGSTOP)
        try:
            # A thread that is told last still works until then.
            until(lambda: set(threads()) == {"T"}, 3, "all threads to stop")
            yield
        finally:
            self.process.popen.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def dropping(self, reason, side, count=1, seconds=3):
        """Proves that the block makes the counter of reason on side rise by at least count."""
        before = self.drops()
        yield
        def enough():
            return self.drops()[reason, side] - before[reason, side] >= count
        try:
            until(enough, seconds)
        except AssertionError:
            rose = {" ".join(map(str, k)): v for k, v in (self.drops() - before).items()}
            raise AssertionError(f"{reason} on {side} did not rise by {count}; rose: {rose}") from None
