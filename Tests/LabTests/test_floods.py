"""One inside host floods, another works on: rows S10 and S11."""
import contextlib, threading, time

from lab import *


def serve(lab, port):
    """Takes connections on the server and closes them."""
    listener = lab.srv.server(port)
    listener.settimeout(None)
    def loop():
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()
    threading.Thread(target=loop, daemon=True).start()


def connections(lab, port, count):
    """Sets up connections from the host that does not flood: (times in ms, sorted, failures)."""
    times, failures = [], 0
    for _ in range(count):
        with lab.cli2.inside():
            s = socket.socket()
        s.settimeout(5)
        began = time.monotonic()
        try:
            s.connect((SRV, port))
            times.append((time.monotonic() - began) * 1000)
        except OSError:
            failures += 1
        s.close()
    return sorted(times), failures


def p99(times):
    return times[len(times) * 99 // 100]


FLOODS = (
    ("every port", ["nmap", "-n", "-Pn", "-sS", "-p-", "-T5", "--max-retries", "0", SRV]),
    ("SYNs", ["hping3", "--flood", "-q", "-n", "-S", "-p", "81", SRV]),
    ("SYNs of forged sources", ["hping3", "--flood", "-q", "-n", "--rand-source", "-S", "-p", "80", SRV]),
    ("datagrams", ["hping3", "--flood", "-q", "-n", "--udp", "-p", "++1", SRV]),
)


@rows("S10", "S11", "S13", "C-4", timeout=120)
def a_flooding_host_harms_itself_alone(lab):
    gateway = lab.start()
    serve(lab, 80)
    for host in (lab.cli1, lab.cli2):
        host.ping(SRV)
    quiet, failures = connections(lab, 80, 250)
    assert failures == 0
    memory = gateway.resident()
    made = 0
    for name, command in FLOODS:
        flood = lab.cli1.spawn(command)
        time.sleep(0.5)
        times, failed = connections(lab, 80, 250)
        flood.stop()
        made, failures = made + len(times), failures + failed
        print(f"      {name}: p99 set-up {p99(times):.1f} ms, quiet {p99(quiet):.1f} ms", flush=True)
    assert made >= 0.999 * (made + failures), f"{failures} of {made + failures} failed"
    # The host's quota of sessions and of ports, and what the other host had.
    counts = len(gateway.sessions(f"src {CLI1}")), gateway.session_count()
    assert counts[0] <= 4096, counts
    assert gateway.resident() - memory < 16 << 20, gateway.resident() - memory
    assert not gateway.sessions("not src 10.10.0.0/24"), "forged sources made sessions"
