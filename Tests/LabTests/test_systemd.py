"""The units in a real systemd: start, status, reload, watchdog, refusal, namespaces, sandbox."""
import glob, json, shutil, time

from lab import *
from machine import Machine

UNIT = "gatewayd@home.service"
HOME = """version: 1
interfaces:
  lan: {tap: tap-lan, addresses: [192.168.50.1/24]%s}
  wan: {tap: tap-wan, addresses: [203.0.113.2/24]}
"""
#: What `control.socket` says by default, made by the socket unit.
SOCKET = "/run/gatewayd/home/control.sock"


def fresh(lab, text=HOME % ""):
    """The machine, with a configuration and nothing running."""
    if not hasattr(lab, "machine"):
        lab.machine = Machine(lab)
    machine = lab.machine
    lab.defer(machine.reset)
    machine.configure(text)
    return machine


def started(lab, text=HOME % ""):
    machine = fresh(lab, text)
    done = machine.run(f"systemctl start {UNIT}", check=False)
    assert done.returncode == 0, done.stderr + machine.journal()
    return machine


def pings(machine, prefix=""):
    """Proves that the gateway in the machine answers on the LAN."""
    machine.run(f"{prefix} ip address replace 192.168.50.10/24 dev tap-lan")
    out = machine.run(f"{prefix} ping -n -c 2 -i 0.1 -W 2 -I tap-lan 192.168.50.1", check=False).stdout
    assert "2 received" in out, out


def state(machine):
    return machine.property("ActiveState"), machine.property("NRestarts")


@rows("S66")
def unit_files_are_valid_and_tight(lab):
    machine = fresh(lab)
    units = " ".join(f"/etc/systemd/system/{name}" for name in (
        "gatewayd@home.service", "gatewayd@home.socket", "gatewayd-netns@home.service"))
    for name in ("gatewayd@.service", "gatewayd@.socket", "gatewayd-netns@.service"):
        shutil.copy(f"{ROOT}/systemd/{name}", machine.path("/etc/systemd/system/" + name.replace("@", "@home")))
    said = machine.run(f"systemd-analyze verify --man=no {units}", check=False)
    machine.run(f"rm {units}")
    assert said.returncode == 0 and not said.stderr.strip(), said.stderr
    said = machine.run("systemd-analyze security --no-pager --offline=true --threshold=20 "
                       "/etc/systemd/system/gatewayd@.service", check=False)
    assert said.returncode == 0, said.stdout.splitlines()[-1]
    with open(f"{ROOT}/systemd/gatewayd@.service") as file:
        assert "LimitCORE=0\n" in file.read(), "memory must not end in a dump"


@rows(timeout=60)
def starts_and_says_so(lab):
    machine = started(lab)
    assert machine.property("ActiveState") == "active"
    # READY means that the first packet can pass: no retry here.
    pings(machine)
    assert machine.property("StatusText"), "no STATUS="
    assert "home" in machine.run("gatewayctl status").stdout
    assert json.loads(machine.run("gatewayctl -i home -o json status").stdout)["instance"] == "home"
    assert "Main PID" in machine.run(f"systemctl status --no-pager {UNIT}").stdout


@rows("OSPF-GR-1")
def a_restart_keeps_the_links_and_an_end_does_not(lab):
    machine = started(lab)
    pings(machine)
    number, pid = "cat /sys/class/net/tap-lan/ifindex", machine.property("MainPID")
    before = machine.run(number).stdout
    machine.run(f"systemctl restart {UNIT}")
    assert machine.property("MainPID") != pid and machine.run(number).stdout == before
    pings(machine)
    machine.run(f"systemctl stop {UNIT}")
    assert machine.run(number, check=False).returncode != 0, "the TAP outlives the end"


@rows(timeout=60)
def a_restart_may_change_the_number_of_workers(lab):
    machine = started(lab)
    index = lambda: machine.run("cat /sys/class/net/tap-lan/ifindex").stdout
    def restart(workers):
        machine.configure(HOME % "" + f"forwarding: {{workers: {workers}}}\n")
        machine.run(f"systemctl restart {UNIT}")
        pings(machine)
        status = json.loads(machine.run("gatewayctl -i home -o json status").stdout)
        assert status["forwarding"]["workers"] == workers, status
        return index()
    first = index()
    second = restart(2)
    assert second != first and restart(2) == second, "queues are kept, and made anew where their number changes"
    assert restart(1) != second


@rows("S60")
def is_locked_in(lab):
    machine = started(lab)
    rights = machine.run(f"stat -c '%a %U:%G' {SOCKET}").stdout.strip()
    assert rights == "660 root:gatewayd", rights
    pid = machine.property("MainPID")
    status = dict(line.split(":\t", 1) for line in machine.run(f"cat /proc/{pid}/status").stdout.splitlines() if ":\t" in line)
    only = "0000000000001000"  # CAP_NET_ADMIN
    assert [status[k] for k in ("CapEff", "CapPrm", "CapBnd", "CapAmb")] == [only] * 4, status
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
    assert machine.run(f"stat -c %U /proc/{pid}").stdout.strip() == "gatewayd"
    assert machine.run(f"nsenter -t {pid} -m touch /usr/x", check=False).returncode != 0
    nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups"
    assert machine.run(f"{nobody} gatewayctl -i home status", check=False).returncode == 77
    member = "setpriv --reuid=nobody --regid=nogroup --groups=gatewayd"
    assert machine.run(f"{member} gatewayctl -i home status").returncode == 0


@rows(timeout=60)
def reload_is_an_answer(lab):
    machine = started(lab)
    pings(machine)
    pid = machine.property("MainPID")
    machine.configure(HOME % "" + "nat:\n  port-forwards: [{name: web, protocol: tcp, port: 8080, to: 192.168.50.10}]\n")
    machine.run(f"systemctl reload {UNIT}")
    assert "web" in machine.run("gatewayctl nat port-forwards").stdout
    machine.configure(HOME % ", mtv: 9000")
    refused = machine.run(f"systemctl reload {UNIT}", check=False)
    assert refused.returncode != 0, "a refused file was called a success"
    assert "mtv" in machine.journal(), machine.journal()
    assert machine.property("MainPID") == pid and machine.property("ActiveState") == "active"
    assert "web" in machine.run("gatewayctl nat port-forwards").stdout
    pings(machine)


@rows("C-10", timeout=90)
def a_hung_or_killed_process_is_restarted(lab):
    machine = fresh(lab)
    machine.drop_in("fast", "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n")
    machine.run(f"systemctl start {UNIT}")
    time.sleep(5)
    assert state(machine) == ("active", "0"), "the loop does not feed the watchdog\n" + machine.journal()
    machine.run(f"kill -STOP {machine.property('MainPID')}")
    until(lambda: state(machine) == ("active", "1"), 15, "a restart by the watchdog")
    assert "Watchdog timeout" in machine.journal()
    pings(machine)
    machine.run(f"kill -KILL {machine.property('MainPID')}")
    until(lambda: state(machine) == ("active", "2"), 10, "a restart after SIGKILL")
    pings(machine)


@rows()
def a_refused_configuration_is_not_tried_again(lab):
    machine = fresh(lab, HOME % ", mtv: 9000")
    assert machine.run(f"systemctl start {UNIT}", check=False).returncode != 0
    time.sleep(1)
    assert machine.property("ExecMainStatus") == "78" and state(machine) == ("failed", "0")
    assert "status=78/CONFIG" in machine.run(f"systemctl status --no-pager {UNIT}", check=False).stdout
    assert "error[E011]" in machine.journal() and "home.yaml:" in machine.journal(), machine.journal()


@rows()
def stop_leaves_nothing(lab):
    machine = started(lab)
    machine.run(f"systemctl stop {UNIT}")
    assert machine.property("ActiveState") == "inactive" and machine.property("Result") == "success"
    assert machine.property("ExecMainStatus") == "0"
    assert "tap-" not in machine.run("ip -br link").stdout
    assert machine.run(f"ls {SOCKET}", check=False).returncode != 0
    assert machine.run("gatewayctl -i home status", check=False).returncode == 69


@rows()
def runs_in_a_namespace_of_its_own(lab):
    machine = fresh(lab)
    with open(f"{ROOT}/systemd/gatewayd@.service.d/netns.conf.example") as file:
        machine.drop_in("netns", file.read())
    machine.run(f"systemctl start {UNIT}")
    pid = machine.property("MainPID")
    assert machine.run(f"stat -Lc %i /proc/{pid}/ns/net").stdout == machine.run("stat -Lc %i /run/netns/gw-home").stdout
    assert "tap-" not in machine.run("ip -br link").stdout
    pings(machine, "ip netns exec gw-home")
    machine.run("gatewayctl -i home status")
    machine.run(f"systemctl stop {UNIT}")
    until(lambda: "gw-home" not in machine.run("ip netns list").stdout, 5, "the namespace goes with it")


@rows()
def hands_the_far_end_to_another_namespace(lab):
    machine = fresh(lab, HOME % ", netns: inside")
    machine.run("ip netns add inside && ip -n inside link set lo up")
    without = machine.run(f"systemctl start {UNIT}", check=False)
    assert without.returncode != 0 and machine.property("ExecMainStatus") == "77", machine.journal()
    with open(f"{ROOT}/systemd/gatewayd@.service.d/far-ends.conf.example") as file:
        machine.drop_in("far-ends", file.read())
    machine.run(f"systemctl reset-failed; systemctl start {UNIT}")
    assert "tap-lan" in machine.run("ip -n inside -br link").stdout
    pings(machine, "ip netns exec inside")


@rows()
def a_log_namespace_takes_the_log(lab):
    machine = fresh(lab)
    with open(f"{ROOT}/systemd/gatewayd@.service.d/lognamespace.conf.example") as file:
        machine.drop_in("lognamespace", file.read())
    machine.run(f"systemctl start {UNIT}")
    until(lambda: "home" in machine.run(f"journalctl --namespace=gatewayd -u {UNIT} -o cat --no-pager", check=False).stdout,
          5, "lines in the namespace's journal")
