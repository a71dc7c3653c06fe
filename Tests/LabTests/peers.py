"""Other people's routers: FRR and BIRD with RIP or OSPF, each in a namespace."""
import json, os, shutil

from basics import *

#: Behind the second host of the LAN, and behind `r1` on the WAN.
INNER, INNER_HOST, OUTER = "172.30.1.0/24", "172.30.1.1", "203.0.113.0/24"
#: Seconds between updates, until a silent route is given up, until it is forgotten.
QUICK_TIMERS, USUAL_TIMERS = (5, 12, 5), (30, 180, 120)


class FRR:
    """zebra and one daemon of FRR on a host."""

    def __init__(self, lab, host, name, text, bfd=None):
        self.host, self.directory = host, lab.file("frr")
        os.mkdir(self.directory)
        shutil.chown(self.directory, "frr", "frr")
        for one, lines in {"zebra": "", "bfdd": bfd or "", name: text}.items():
            path = f"{self.directory}/{one}.conf"
            with open(path, "w") as file:
                file.write(lines)
            shutil.chown(path, "frr", "frr")
        self.start("zebra")
        until(lambda: os.path.exists(f"{self.directory}/api"), 5, "zebra")
        if bfd:
            self.start("bfdd")
            until(lambda: os.path.exists(f"{self.directory}/bfdd.vty"), 5, "bfdd")
        self.process = self.start(name)
        until(lambda: os.path.exists(f"{self.directory}/{name}.vty"), 5, name)

    def start(self, name):
        return self.host.spawn([
            f"/usr/lib/frr/{name}", "-f", f"{self.directory}/{name}.conf", "-i", f"{self.directory}/{name}.pid",
            "-z", f"{self.directory}/api", "--vty_socket", self.directory, "-P", "0",
            *(["--bfdctl", f"{self.directory}/bfdd.sock"] if name == "bfdd" else [])])

    def stop(self):
        return self.process.stop()

    def ask(self, command):
        """What it answers, read as JSON if it is."""
        text = sh(["vtysh", "--vty_socket", self.directory, "-c", command]).stdout
        return json.loads(text) if command.endswith(" json") else text


def frr(lab, host, links=("eth0",), authentication="", more="", timers=QUICK_TIMERS):
    """zebra and ripd, announcing all networks of the host."""
    text = "key chain k\n key 7\n  key-string secret\n!\n"
    text += "".join(f"interface {link}\n{authentication}\n!\n" for link in links)
    text += f"router rip\n version 2\n timers basic {timers[0]} {timers[1]} {timers[2]}\n"
    text += "".join(f" network {link}\n" for link in links)
    return FRR(lab, host, "ripd", text + f" redistribute connected\n{more}\n")


def frr_bfd_profile(milliseconds):
    """For bfdd: the profile `quick`."""
    return (f"bfd\n profile quick\n  detect-multiplier 3\n  receive-interval {milliseconds}\n"
            f"  transmit-interval {milliseconds}\n !\n!\n")


def frr_bfd(lab, host, neighbor, local, milliseconds):
    """zebra and bfdd that watches one neighbour on `eth0`."""
    return FRR(lab, host, "bfdd", f"bfd\n peer {neighbor} local-address {local} interface eth0\n  detect-multiplier 3\n"
               f"  receive-interval {milliseconds}\n  transmit-interval {milliseconds}\n !\n!\n")


def bird_bfd(milliseconds):
    """BIRD's lines for BFD."""
    return (f'protocol bfd {{ interface "*" {{ min rx interval {milliseconds} ms; min tx interval {milliseconds} ms; '
            "multiplier 3; }; }")


def frr_ospf(lab, host, links, router_id, more="", bfd=None):
    """zebra and ospfd; `links` has the lines of each interface, the area among them."""
    text = "".join(f"interface {link}\n" + "".join(f" {line}\n" for line in lines) + "!\n"
                   for link, lines in links.items())
    return FRR(lab, host, "ospfd", text + f"router ospf\n ospf router-id {router_id}\n{more}\n", bfd)


def bird(lab, host, links=("eth0",), authentication="", timers=QUICK_TIMERS):
    """BIRD, announcing all networks of the host; its process."""
    path = lab.file("bird.conf")
    interfaces = " ".join(
        f'interface "{link}" {{ update time {timers[0]}; timeout time {timers[1]}; '
        f"garbage time {timers[2]}; {authentication} }};" for link in links)
    with open(path, "w") as file:
        file.write("router id 9.9.9.9;\nprotocol device { scan time 1; }\nprotocol direct { ipv4; }\n"
                   "protocol kernel { ipv4 { export where source = RTS_RIP; }; }\n"
                   "protocol rip { ipv4 { import all; export where source ~ [ RTS_DEVICE, RTS_RIP ]; };\n"
                   f" {interfaces} }}\n")
    return host.spawn(["bird", "-f", "-c", path, "-s", lab.file("bird.ctl")])


def bird_ospf(lab, host, areas, router_id, more="", imports="", options="", protocol=""):
    """BIRD with OSPF; `areas` has for each area the lines of its interfaces, and its own as those of `""`;
    `options` are of all areas, `protocol` of all. Its process has the command that started it."""
    path = lab.file("bird.conf")
    text = "".join(f" area {area} {{\n  {options}\n" + "".join(f'  interface "{link}" {{ {lines} }};\n' if link else f"  {lines}\n"
                   for link, lines in links.items()) + " };\n" for area, links in areas.items())
    with open(path, "w") as file:
        file.write(f"router id {router_id};\nprotocol device {{ scan time 1; }}\nprotocol direct {{ ipv4; }}\n{more}\n"
                   "protocol kernel { ipv4 { export where source ~ [ RTS_OSPF, RTS_OSPF_IA, RTS_OSPF_EXT1, RTS_OSPF_EXT2 ]; }; }\n"
                   f"protocol ospf v2 {{ ipv4 {{ import all; export {imports or 'none'}; }};\n {protocol}\n{text}}}\n")
    command = ["bird", "-f", "-c", path, "-s", lab.file("bird.ctl")]
    process = host.spawn(command)
    process.command = command
    return process


def kernel(host, prefix):
    """The (first) gateway of a kernel route that a routing protocol made; nil if there is none."""
    rows = [r for r in json.loads(host.ip(f"-j route show {prefix}").stdout) if r.get("protocol") in ("rip", "ospf", "bird")]
    return next((way["gateway"] for row in rows for way in (row, *row.get("nexthops", ())) if "gateway" in way), None)


def learned(gateway, prefix, source="rip"):
    """Where the gateway sends packets for a prefix by RIP or OSPF: (gateway, metric)."""
    for row in gateway.control.get("/v1/routes", limit=20000)["routes"]:
        if row["prefix"] == prefix and row["source"] == source:
            return row["next_hops"][0]["gateway"], row["metric"]
    return None


def inner_network(lab):
    """Gives the LAN's second host a network behind it."""
    lab.cli2.ip("link add stub0 type veth peer name stub1")
    lab.cli2.ip("link set stub1 up")
    lab.cli2.ip(f"address add {INNER_HOST}/24 dev stub0")
    lab.cli2.ip("link set stub0 up")
    lab.defer(lambda: lab.cli2.ip("link delete stub0", check=False))


def key_file(lab, text="secret", mode=0o600):
    path = lab.file("key")
    with open(path, "w") as file:
        file.write(text + "\n")
    os.chmod(path, mode)
    return path
