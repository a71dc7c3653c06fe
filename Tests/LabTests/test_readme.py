"""Every command of README is run."""
import re

from lab import *

ROOT = os.path.dirname(os.path.dirname(HERE))


def block(name):
    """The shell block of README that is marked `<!-- test: name -->`."""
    with open(f"{ROOT}/README.md") as file:
        found = re.search(rf"<!-- test: {name} -->\n```sh\n(.*?)```", file.read(), re.S)
    assert found, f"README has no block marked {name}"
    return found.group(1)


def marked():
    with open(f"{ROOT}/README.md") as file:
        return re.findall(r"(?:<!-- test: (\w+) -->\n)?```sh\n(.*?)```", file.read(), re.S)


@rows()
def every_block_is_known(lab):
    """A new block has to be marked, or to be one that ./test and ./demo themselves are."""
    for name, text in marked():
        if not name:
            assert text.startswith(("./demo", "swift build -c release")), text


@rows(timeout=120)
def demo_is_green(lab):
    done = sh(["env", f"GATEWAY_BIN={BIN}", f"{ROOT}/demo", "--fast"], False, 100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"\. ok ", done.stdout)) == 9, done.stdout


@rows(timeout=60)
def the_benchmark_runs(lab):
    run = f"{ROOT}/Tests/Benchmarks/system/run --runs 1 --seconds 1 --measure rtt gateway"
    done = sh(["env", f"GATEWAY_BIN={BIN}", *run.split()], False, 50)
    assert done.returncode == 0 and "| RTT p50, us |" in done.stdout, done.stdout + done.stderr


@rows(timeout=60)
def quickstart_works(lab):
    """On a machine of its own: two network cards, an empty /etc/gatewayd and /run/gatewayd."""
    script = f"""
set -eu
mount -t tmpfs none /run
mkdir -p /etc/gatewayd 2>/dev/null || true
mount -t tmpfs none /etc/gatewayd 2>/dev/null || true
export PATH={BIN}:$PATH
ip link set lo up
ip link add eth0 type veth peer name provider
ip link add eth1 type veth peer name host
ip link set provider up; ip link set host up
trap 'kill %1; wait' EXIT
{block("quickstart")}
for i in $(seq 50); do gatewayctl status >/dev/null 2>&1 && break; sleep 0.1; done
{block("look")}
{block("rip")}
{block("ospf")}
{block("bfd")}
gatewayctl nat port-forwards | grep -q web
gatewayctl status | grep -q 'home is running'
gatewayctl rip | grep -q 'hmac-sha-256 key 1'
gatewayctl ospf interfaces | grep -q 'hmac-sha-256 key 1'
gatewayctl bfd | grep -q '203.0.113.9  wan   Down'
gatewayctl routes get 192.0.2.7 | grep -q 203.0.113.1
gatewayctl topology | grep -q '192.168.50.0/24 cost 10'
"""
    path = lab.file("quickstart.sh")
    with open(path, "w") as file:
        file.write(script)
    made = not os.path.isdir("/etc/gatewayd")
    done = sh(["unshare", "-n", "-m", "--propagation", "private", "bash", path], False, 50)
    if made:
        with contextlib.suppress(OSError):
            os.rmdir("/etc/gatewayd")
    assert done.returncode == 0, done.stdout + done.stderr
