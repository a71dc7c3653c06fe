"""TCP as it is followed: sequence numbers, resets, opening at once, half close, many connections."""
import os, random, re, socket, struct, threading, time

from lab import *
from programs import *
from scapy.layers.inet import ICMP, IP, TCP

# One address each side that no kernel has: what is sent to it is seen and never answered.
QUIET, FAR_QUIET = "10.10.0.77", "198.51.100.77"
REPAIR, REPAIR_QUEUE, QUEUE_SEQ, REPAIR_OFF = 19, 20, 21, -1


def sequences(s):
    """The next numbers a connected socket will receive and send."""
    s.setsockopt(socket.IPPROTO_TCP, REPAIR, 1)
    numbers = []
    for queue in (1, 2):
        s.setsockopt(socket.IPPROTO_TCP, REPAIR_QUEUE, queue)
        numbers.append(struct.unpack("I", s.getsockopt(socket.IPPROTO_TCP, QUEUE_SEQ, 4))[0])
    s.setsockopt(socket.IPPROTO_TCP, REPAIR, REPAIR_OFF)
    return numbers


def echo(lab, host, port):
    listener = host.server(port)
    listener.settimeout(None)
    def answer(connection):
        with connection:
            while data := connection.recv(1000):
                connection.sendall(data)
    def serve():
        while True:
            connection, _ = listener.accept()
            background(lab, lambda: answer(connection))
    background(lab, serve)


@rows("S01", "X-2.2")
def forged_segments_leave_a_connection_alone(lab):
    gateway = lab.start()
    echo(lab, lab.srv, 80)
    client = lab.cli1.connect((SRV, 80))
    def alive(text):
        client.sendall(text)
        return client.recv(100) == text
    assert alive(b"hello")
    port = gateway.sessions("dport 80")[0]["outside_port"]
    receives, sends = sequences(client)
    def forge(seq, ack=0, flags="R", data=b""):
        # The attacker is on the WAN and knows every address and port.
        lab.r1.send(IP(src=SRV, dst=WAN) / TCP(sport=80, dport=port, seq=seq % 2**32, ack=ack % 2**32,
                                              flags=flags, window=1000) / data)
    far_off = [receives + 2**31 + random.randrange(-2**30, 2**30) for _ in range(64)]
    with gateway.dropping("nat.tcp_reset", "wan", count=64):
        for seq in far_off:
            forge(seq)
    with gateway.dropping("nat.tcp_syn", "wan"):
        forge(receives + 5000, flags="S")
    with gateway.dropping("nat.tcp_window", "wan"):
        forge(receives, sends - 70_000_000, "PA", b"EVIL")
    with gateway.dropping("nat.tcp_window", "wan"):
        forge(receives + 2**30, sends, "FA")
    forge(receives + 100)
    assert alive(b"still here")
    assert [r["state"] for r in gateway.sessions("dport 80")] == ["established"]
    receives, sends = sequences(client)
    forge(receives, sends, "RA")
    until(lambda: gateway.sessions("dport 80")[0]["state"] == "transitory", 3, "transitory")
    try:
        client.sendall(b"x")
        assert client.recv(10) == b""
    except ConnectionError:
        pass


@rows("X-2", "X-2.2", "S01", "T-2")
def a_session_walked_by_hand(lab):
    gateway = lab.start({"interfaces": {
        "lan": {"neighbors": [{"address": QUIET, "macaddress": "02:00:00:00:00:02"}]},
        "wan": {"neighbors": [{"address": FAR_QUIET, "macaddress": "02:00:00:00:01:02"}]}}})
    at_server = lab.srv.capture(f"dst host {FAR_QUIET} and tcp")
    at_client = lab.cli1.capture(f"dst host {QUIET} and tcp")
    counts = [0, 0]
    def state():
        rows = gateway.sessions(f"inside {QUIET}")
        return rows[0]["state"] if rows else None
    def out(flags, seq, ack=0, data=b"", passes=True):
        lab.cli1.send(IP(src=QUIET, dst=FAR_QUIET) / TCP(sport=5000, dport=80, flags=flags, seq=seq, ack=ack) / data)
        counts[0] += passes
        until(lambda: len(at_server.incoming()) == counts[0], 3, f"{flags} {seq} at the server")
    def back(flags, seq, ack=0, data=b"", drop=None):
        packet = IP(src=FAR_QUIET, dst=WAN) / TCP(sport=80, dport=port, flags=flags, seq=seq, ack=ack) / data
        if drop:
            with gateway.dropping(drop, "wan"):
                lab.srv.send(packet)
            return
        lab.srv.send(packet)
        counts[1] += 1
        until(lambda: len(at_client.incoming()) == counts[1], 3, f"{flags} {seq} at the client")
    out("S", 100)
    port = at_server.packets()[0][TCP].sport
    back("SA", 900, 101)
    out("A", 101, 901)
    assert state() == "established"
    back("R", 500_000, drop="nat.tcp_reset")
    back("R", 902)
    assert state() == "established", "a reset that is not exact counted"
    back("R", 901)
    assert state() == "transitory"
    back("R", 500_000, drop="nat.tcp_reset")
    out("A", 101, 901, b"data")
    assert state() == "established", "data did not revive it"
    back("A", 901, 105)
    out("FA", 105, 901)
    back("FA", 901, 106)
    out("A", 106, 902)
    assert state() not in ("established", "transitory"), state()
    out("S", 7_000_000)
    back("SA", 3_000_000_000, 7_000_001)
    assert state() == "established", "a closed connection was not opened again"
    about = bytes(at_server.packets()[-1])[14:]
    with gateway.dropping("nat.error_sequence", "wan"):
        stale = IP(about)
        stale[TCP].seq = 106
        lab.r1.send(IP(src=R1, dst=WAN) / ICMP(type=3, code=1) / bytes(stale)[:28])


def whole_checksum(frame):
    """The frame, its TCP checksum computed anew: a device that completes it is not on this way."""
    if frame[12:14] != b"\x08\0" or frame[23] != 6:
        return frame
    start, end = 14 + (frame[14] & 15) * 4, 14 + int.from_bytes(frame[16:18], "big")
    segment = bytearray(frame[start:end])
    segment[16:18] = b"\0\0"
    total = internet_sum(frame[26:34] + b"\0\6" + len(segment).to_bytes(2, "big") + segment)
    segment[16:18] = total.to_bytes(2, "big")
    return frame[:start] + bytes(segment)


def delay_wire(lab, seconds):
    """Takes srv's link out of the bridge and carries its frames by hand, each so much later."""
    switch = lab.wsw
    switch.ip("link set srv nomaster")
    lab.defer(lambda: switch.ip("link set srv master br-wan"))
    switch.ip("link add late0 type veth peer name late1")
    lab.defer(lambda: switch.ip("link delete late0"))
    switch.ip("link set late0 master br-wan up")
    switch.ip("link set late1 up")
    ends = []
    for device in ("srv", "late1"):
        with switch.inside():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            s.bind((device, 3))
        lab.defer(s.close)
        ends.append(s)
    over = threading.Event()
    def carry(one, other):
        one.settimeout(0.1)
        while not over.is_set():
            try:
                data, address = one.recvfrom(1 << 17)
            except TimeoutError:
                continue
            if address[2] != 4:
                due = time.monotonic() + seconds
                threading.Timer(due - time.monotonic(), send, (other, whole_checksum(data))).start()
    def send(s, data):
        if not over.is_set():
            s.send(data)
    threads = [threading.Thread(target=carry, args=pair) for pair in (ends, ends[::-1])]
    for thread in threads:
        thread.start()
    def stop():
        over.set()
        for thread in threads:
            thread.join()
        time.sleep(seconds)
    lab.defer(stop)


@rows("T-2a", timeout=180)
def both_ends_open_at_once(lab):
    lab.start({"nat": {"preserve-port": True}})
    rounds = 40 if QUICK else 200
    delay_wire(lab, 0.15)
    lab.srv.ping(WAN, 1, "-W", "5")
    crossed = lab.cli1.capture("tcp[tcpflags] & (tcp-syn | tcp-ack) == tcp-syn")
    failures = []
    def once(number):
        with lock:
            inside, outside = lab.cli1.socket(port=20_000 + number), lab.srv.socket(port=30_000 + number, address=SRV)
        lag = random.uniform(-0.05, 0.05)
        def open_late(s, delay, to):
            time.sleep(max(delay, 0))
            s.connect(to)
        other = threading.Thread(target=attempt, args=(lambda: open_late(outside, -lag, (WAN, 20_000 + number)), number))
        other.start()
        attempt(lambda: open_late(inside, lag, (SRV, 30_000 + number)), number)
        other.join(10)
        def talk():
            inside.sendall(b"ping")
            assert outside.recv(10) == b"ping"
            outside.sendall(b"pong")
            assert inside.recv(10) == b"pong"
        attempt(talk, number)
        inside.close(), outside.close()
    def attempt(work, number):
        try:
            work()
        except (OSError, AssertionError) as error:
            failures.append((number, repr(error)))
    lock = threading.Lock()
    for start in range(0, rounds, 20):
        threads = [threading.Thread(target=once, args=(n,)) for n in range(start, start + 20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert not failures, failures[:5]
    came = {p[TCP].dport for p in crossed.packets()}
    assert len(came) == rounds, f"only {len(came)} of {rounds} were opened by both ends"


@rows("T-2", timeout=60)
def half_closed_for_longer_than_closing_takes(lab):
    gateway = lab.start({"nat": {"timeouts": {"tcp-transitory": "2s", "tcp-opening": "2s"}}})
    listener = lab.srv.server(80)
    client = lab.cli1.connect((SRV, 80))
    server, _ = listener.accept()
    client.shutdown(socket.SHUT_WR)
    assert server.recv(10) == b""
    time.sleep(6)
    assert gateway.sessions("dport 80"), "the half-closed session is gone"
    sent, got = transfer(lab, server, client, 4 << 20)
    assert sent == got
    server.close()
    until(lambda: not gateway.sessions("dport 80"), 6, "the closed session to go")


@rows("S-4", "T-2", "C-8", "R-2", timeout=600)
def many_short_connections(lab):
    """LAB_FULL=1 makes 200,000 of them."""
    count = 200_000 if os.environ.get("LAB_FULL") else 2_000 if QUICK else 20_000
    gateway = lab.start()
    nginx(lab, lab.srv, SRV)
    lab.srv.run("sysctl -qw net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=4096")
    before = gateway.drops()
    begin = time.monotonic()
    done = lab.cli1.run(f"ab -q -r -s 10 -n {count} -c 100 http://{SRV}/0", timeout=580)
    seconds = time.monotonic() - begin
    def figure(pattern):
        found = re.search(pattern, done.stdout)
        assert found, done.stdout
        return int(found[1])
    longest = figure(r"100%\s+(\d+)")
    usual = figure(r"99%\s+(\d+)")
    print(f"      {count} connections, {count / seconds:.0f}/s, longest {longest} ms, p99 {usual} ms, "
          f"{gateway.session_count()} sessions, drops: "
          f"{ {' '.join(name): n for name, n in (gateway.drops() - before).items()} }")
    assert figure(r"Complete requests:\s+(\d+)") == count, done.stdout
    assert figure(r"Failed requests:\s+(\d+)") == 0, done.stdout
    assert longest < 1000, f"a connection took {longest} ms: {gateway.drops()}"
