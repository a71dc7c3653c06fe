"""Constants, waiting, commands and processes: what everything else of the lab stands on."""
import contextlib, ctypes, os, signal, socket, subprocess, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get("GATEWAY_BIN", f"{ROOT}/.build/release")
QUICK = bool(os.environ.get("LAB_QUICK"))
# Two runs at once keep apart by it: `run` says which tests are whose.
PREFIX = f"gwlab{os.environ.get('LAB_LANE', '')}-"
LAN_MAC, WAN_MAC = "02:00:5e:10:00:01", "02:00:5e:10:00:02"
LAN, WAN = "10.10.0.1", "198.51.100.1"
CLI1, CLI2 = "10.10.0.2", "10.10.0.3"
SRV, SRV_B, SRV2, R1, FAR = "198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.9", "203.0.113.2"

# Linux numbers that the socket module leaves out.
SO_ATTACH_FILTER, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 26, 32, 33
LIBC = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """Raised by a test that can not run here."""


def rows(*ids, timeout=60):
    """Marks a test with the conformance rows it shows and its limit in seconds."""
    def mark(function):
        function.rows, function.timeout = ids, timeout
        return function
    return mark


def until(condition, seconds=5.0, what="", pause=0.02):
    """Waits until the condition is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what or condition}, last {value!r}"
        time.sleep(pause)


def sh(command, check=True, timeout=20):
    """Runs a command of words, or a string by the shell; returns the finished process."""
    done = subprocess.run(command, shell=isinstance(command, str), capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)
    assert not check or done.returncode == 0, \
        f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def internet_sum(data):
    """The Internet checksum (RFC 1071) of octets."""
    total = sum(int.from_bytes(bytes(data[i:i + 2]).ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def with_header_sum(packet):
    """The packet with the header checksum that its first octet asks for."""
    packet = bytearray(packet)
    packet[10:12] = b"\0\0"
    length = min((packet[0] & 15) * 4, len(packet))
    packet[10:12] = internet_sum(packet[:length]).to_bytes(2, "big")
    return bytes(packet)


def end(s):
    """Closes a socket, and wakes a thread that waits in it."""
    with contextlib.suppress(OSError):
        s.shutdown(socket.SHUT_RDWR)
    s.close()


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)


class Process:
    """A process in the background, its output in a file."""

    def __init__(self, command, log, environment=None, descriptors=()):
        self.log = log
        with open(log, "wb") as output:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent, env={**os.environ, **(environment or {})}, pass_fds=descriptors)
        self.pid = self.popen.pid

    @property
    def output(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def poll(self):
        return self.popen.poll()

    def wait(self, seconds=10):
        """Its exit status."""
        return self.popen.wait(seconds)

    def stop(self, number=signal.SIGTERM, seconds=5):
        if self.poll() is None:
            self.popen.send_signal(number)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        return self.popen.returncode
