"""Other people's routers: FRR and BIRD with RIP, each in a namespace."""
import json, os, shutil

from basics import *

#: Seconds between updates, until a silent route is given up, until it is forgotten.
QUICK_TIMERS, USUAL_TIMERS = (5, 12, 5), (30, 180, 120)


def frr(lab, host, links=("eth0",), authentication="", more="", timers=QUICK_TIMERS):
    """zebra and ripd, announcing all networks of the host; the process of ripd."""
    directory = lab.file("frr")
    os.mkdir(directory)
    with open(f"{directory}/zebra.conf", "w"):
        pass
    with open(f"{directory}/ripd.conf", "w") as file:
        file.write("key chain k\n key 7\n  key-string secret\n!\n")
        file.write("".join(f"interface {link}\n{authentication}\n!\n" for link in links))
        file.write(f"router rip\n version 2\n timers basic {timers[0]} {timers[1]} {timers[2]}\n")
        file.write("".join(f" network {link}\n" for link in links))
        file.write(f" redistribute connected\n{more}\n")
    for path in (directory, f"{directory}/zebra.conf", f"{directory}/ripd.conf"):
        shutil.chown(path, "frr", "frr")
    common = ["-z", f"{directory}/api", "--vty_socket", directory, "-P", "0"]
    def start(name):
        return host.spawn([f"/usr/lib/frr/{name}", "-f", f"{directory}/{name}.conf",
                           "-i", f"{directory}/{name}.pid", *common])
    start("zebra")
    until(lambda: os.path.exists(f"{directory}/api"), 5, "zebra")
    process = start("ripd")
    until(lambda: os.path.exists(f"{directory}/ripd.vty"), 5, "ripd")
    return process


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


def kernel(host, prefix):
    """The gateway of a kernel route that a routing protocol made; nil if there is none."""
    rows = [r for r in json.loads(host.ip(f"-j route show {prefix}").stdout) if r.get("protocol") in ("rip", "bird")]
    return rows[0].get("gateway") if rows else None


def learned(gateway, prefix):
    """Where the gateway sends packets for a prefix by RIP: (gateway, metric)."""
    for row in gateway.control.get("/v1/routes", limit=20000)["routes"]:
        if row["prefix"] == prefix and row["source"] == "rip":
            return row["next_hops"][0]["gateway"], row["metric"]
    return None
