"""Servers and clients that the tests send through the gateway."""
import hashlib, os, random, threading

from lab import *

NGINX = """
daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/nginx.err;
events {{ worker_connections 1024; }}
http {{
    access_log {directory}/access.log;
    client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
    uwsgi_temp_path {directory}; scgi_temp_path {directory};
    server {{ listen {address}:{port}; root {directory}/www; }}
}}
"""


def nginx(lab, host, address, port=80):
    """Starts nginx; its directory, with access.log and www."""
    directory = lab.file("nginx")
    os.makedirs(f"{directory}/www")
    for name in (directory, f"{directory}/www"):
        os.chmod(name, 0o777)
    with open(f"{directory}/nginx.conf", "w") as file:
        file.write(NGINX.format(directory=directory, address=address, port=port))
    for number in range(10):
        with open(f"{directory}/www/{number}", "w") as file:
            file.write(f"page {number}\n")
    host.spawn(["nginx", "-p", directory, "-c", f"{directory}/nginx.conf"])
    until(lambda: host.run(f"curl -sf http://{address}:{port}/0", check=False).returncode == 0, 5, "nginx")
    return directory


def visitors(directory, count=1):
    """The client address of each line of the access log but the first, when there are count."""
    def lines():
        with open(f"{directory}/access.log") as file:
            found = [line.split()[0] for line in file][1:]
        return found if len(found) >= count else None
    return until(lines, 3, f"{count} lines in the access log")


def background(lab, work):
    """Runs work in a thread until the sockets it uses are closed."""
    def body():
        try:
            work()
        except OSError:
            pass
    threading.Thread(target=body, daemon=True).start()


def shout_udp(lab, host, port, address=""):
    """The UDP program: answers every datagram in capitals."""
    s = host.udp(port, address)
    s.settimeout(None)
    def serve():
        while True:
            data, sender = s.recvfrom(65536)
            if sender is None:
                return
            s.sendto(data.upper(), sender)
    background(lab, serve)


def shout_tcp(lab, host, port, address=""):
    """The TCP program: reads to the end of the client's half, then answers all of it in capitals."""
    listener = host.server(port, address)
    listener.settimeout(None)
    def answer(connection):
        data = b""
        with connection:
            while part := connection.recv(65536):
                data += part
            connection.sendall(data.upper())
    def serve():
        while True:
            connection, _ = listener.accept()
            background(lab, lambda: answer(connection))
    background(lab, serve)


def read_all(s):
    data = b""
    while part := s.recv(65536):
        data += part
    return data


def transfer(lab, one, other, size):
    """Sends size octets from one connected socket to the other; both digests."""
    blocks = [random.randbytes(1 << 20) for _ in range(16)]
    sent, got, received = hashlib.sha256(), hashlib.sha256(), 0
    for s in (one, other):
        s.settimeout(20)
    def send():
        for number in range(size >> 20):
            one.sendall(blocks[number % 16])
            sent.update(blocks[number % 16])
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    buffer = bytearray(1 << 20)
    while received < size:
        count = other.recv_into(buffer)
        assert count, f"ended after {received} octets"
        got.update(memoryview(buffer)[:count])
        received += count
    sender.join()
    return sent.hexdigest(), got.hexdigest()
