"""Several workers: hosts and ports are shared, and nobody outside can tell."""
import json

from lab import *

#: That all of so many hosts have the same worker of two has a chance of one in 32,768.
HOSTS = 16


def crowd(lab, host, first):
    """Gives a host of the lab as many addresses, and returns them."""
    addresses = [f"10.10.0.{first + number}" for number in range(HOSTS)]
    for address in addresses:
        host.ip(f"address add {address}/24 dev eth0")
        lab.defer(lambda address=address: host.ip(f"address delete {address}/24 dev eth0"))
    return addresses


def unhurried(gateway):
    """No ring between workers was ever full. What servers of earlier tests still send is dropped by other names."""
    assert "worker.busy" not in {reason for reason, _ in gateway.drops()}, gateway.drops()


def two(lab, changes=None):
    return lab.start(merged({"forwarding": {"workers": 2}}, changes or {}))


@rows("S-1", "U-3")
def hosts_and_ports_are_shared_and_answers_are_whole(lab):
    gateway = two(lab)
    addresses = crowd(lab, lab.cli1, 100)
    server, listener = lab.srv.udp(9000), lab.srv.server(80)
    ports, clients = set(), []
    for round in range(2):
        for address in addresses:
            client = lab.cli1.udp(5000 + round, address)
            client.sendto(address.encode(), (SRV, 9000))
            data, sender = server.recvfrom(100)
            server.sendto(b"for " + data, sender)
            assert client.recv(100) == b"for " + address.encode()
            ports.add(sender[1])
    for address in addresses:
        clients.append(lab.cli1.connect((SRV, 80), address=address))
        connection, _ = listener.accept()
        lab.defer(connection.close)
        connection.sendall(address.encode())
        assert clients[-1].recv(100) == address.encode()
    # Each worker gives out ports of its own half.
    assert len(ports) == 2 * HOSTS and min(ports) < 33_280 <= max(ports), sorted(ports)
    status = gateway.control.get("/v1/status")
    assert status["forwarding"]["workers"] == 2 and status["nat"]["sessions"] == 3 * HOSTS, status
    rows = gateway.sessions()
    assert sorted({row["inside"] for row in rows}) == sorted(addresses) and len(rows) == 3 * HOSTS
    assert len({row["id"] for row in rows}) == 3 * HOSTS
    for row in rows[:HOSTS]:
        who = gateway.ctl("nat", "who", f"{WAN}:{row['outside_port']}").stdout
        assert row["inside"] in who, who
    assert gateway.control.get("/v1/nat")["mappings"] == 3 * HOSTS
    assert set(addresses) - set(gateway.neighbors()) == set()
    gateway.ctl("sessions", "kill", "proto udp")
    assert gateway.session_count() == HOSTS
    for client, address in zip(clients, addresses):
        client.sendall(b"still")
    unhurried(gateway)


@rows("U-9", "U-9a", "S-1")
def hosts_of_different_workers_find_each_other(lab):
    ones, others = crowd(lab, lab.cli1, 100), crowd(lab, lab.cli2, 150)
    gateway = two(lab, {"nat": {"port-forwards": [
        {"name": f"shout-{number}", "protocol": "udp", "port": 9100 + number, "to": other}
        for number, other in enumerate(others)]}})
    watch = Process([f"{BIN}/gatewayctl", "--socket", gateway.socket, "-o", "json", "sessions", "watch"], lab.file("watch"))
    lab.defer(watch.stop)
    until(lambda: (lab.cli2.udp().sendto(b"x", (SRV2, 7)), watch.output)[1], 10, "a first event", pause=0.2)
    servers = [lab.cli2.udp(9100 + number, other) for number, other in enumerate(others)]
    for number, (one, server) in enumerate(zip(ones, servers)):
        for shift in range(2):
            client = lab.cli1.udp(6000 + shift, ones[(number + shift) % HOSTS])
            client.sendto(b"hello", (WAN, 9100 + number))
            data, sender = server.recvfrom(100)
            assert data == b"hello" and sender[0] == WAN, sender
            server.sendto(b"hi", sender)
            assert client.recvfrom(100) == (b"hi", (WAN, 9100 + number))
    until(lambda: set(ones) <= {json.loads(line)["inside"] for line in watch.output.splitlines()}, 5, "events of all")
    unhurried(gateway)


@rows("U-14", "F-17", "D-6")
def pieces_reach_the_worker_of_their_datagram(lab):
    gateway = two(lab)
    addresses = crowd(lab, lab.cli1, 100)
    server = lab.srv.udp(9000)
    for address in addresses:
        client = lab.cli1.udp(5000, address)
        client.sendto(address.encode() * 400, (SRV, 9000))
        data, sender = server.recvfrom(10_000)
        server.sendto(data[::-1], sender)
        assert client.recv(10_000)[::-1] == data == address.encode() * 400
    for host, target in ((lab.srv, WAN), (lab.cli1, LAN)):
        assert "3 received" in host.ping(target, 3, "-s", "60000").stdout
    unhurried(gateway)
