"""A real systemd in namespaces of its own, over a copy-on-write view of this machine's files."""
import contextlib, glob, os, shutil, signal, subprocess, time

from basics import ROOT, BIN, Skip, Process, sh, until

#: Units of the machine below that have no place in a container booted for a test.
MASKED = ("console-getty.service getty.target systemd-logind.service systemd-timesyncd.service "
          "systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-networkd.service "
          "systemd-resolved.service systemd-binfmt.service systemd-pstore.service systemd-udevd.service "
          "systemd-udev-trigger.service systemd-firstboot.service e2scrub_reap.service").split()


class Machine:
    """Booted once for all tests; `reset` puts the gateway back to its first state."""

    def __init__(self, lab):
        self.name = f"gwlab-{os.getpid()}"
        self.directory = lab.file("machine")
        self.root = f"{self.directory}/root"
        self.log = lab.file("console")
        os.mkdir(self.directory)
        self.cgroups = []
        mounts = sh("findmnt -rno TARGET,FSTYPE,OPTIONS -t cgroup2,cgroup").stdout.splitlines()
        wanted = [m.split()[0] for m in mounts if " cgroup2 " in m][:1] + \
                 [m.split()[0] for m in mounts if "name=systemd" in m][:1]
        if not wanted or not os.access(wanted[0], os.W_OK):
            raise Skip("no writable cgroup v2 hierarchy: systemd can not boot here")
        self.process = None
        lab.at_close.append(self.down)
        sh(["mount", "-t", "tmpfs", "-o", "size=2G,mode=755", self.name, self.directory])
        for name in ("upper", "work", "root"):
            os.mkdir(f"{self.directory}/{name}")
        sh(["mount", "-t", "overlay", self.name, "-o",
            f"lowerdir=/,upperdir={self.directory}/upper,workdir={self.directory}/work", self.root])
        self.furnish()
        self.boot(wanted)
        self.install()

    def path(self, name):
        return self.root + name

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def furnish(self):
        """Takes out what the machine below enabled, so that every boot is the same small system."""
        units = self.path("/etc/systemd/system")
        for name in glob.glob(f"{units}/*.wants") + glob.glob(f"{units}/*.requires"):
            shutil.rmtree(name)
        for name in MASKED:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{units}/{name}")
            os.symlink("/dev/null", f"{units}/{name}")
        self.write("/etc/machine-id", "")
        self.write("/etc/fstab", "")
        self.write("/etc/systemd/journald.conf.d/lab.conf",
                   "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n")

    def boot(self, hierarchies):
        # A cgroup of its own in each hierarchy keeps it apart from whatever runs here.
        for hierarchy in hierarchies:
            self.cgroups.append(f"{hierarchy}/{self.name}")
            os.makedirs(self.cgroups[-1], exist_ok=True)
        enter = "".join(f"echo $$ >{group}/cgroup.procs; " for group in self.cgroups)
        self.process = Process(
            ["sh", "-c", enter + 'exec "$@"', "sh", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
             "--boot", f"--directory={self.root}", f"--machine={self.name}", "--private-network",
             "--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--capability=all",
             "--system-call-filter=bpf", "--kill-signal=SIGRTMIN+3", "--",
             "systemd.unit=multi-user.target", "systemd.log_level=notice"],
            self.log, {"UNIFIED_CGROUP_HIERARCHY": "1"})
        def leader():
            assert self.process.poll() is None, f"systemd-nspawn ended: {self.process.output}"
            for child in sh(["pgrep", "-P", str(self.process.pid)], check=False).stdout.split():
                with contextlib.suppress(OSError), open(f"/proc/{child}/cmdline") as file:
                    if file.read().startswith("/usr/lib/systemd/systemd\0"):
                        return child
        self.leader = until(leader, 15, "the first process")
        until(lambda: os.path.exists(f"/proc/{self.leader}/root/run/systemd/private"), 15, "systemd")
        # As udev leaves it: anyone may open the device, only TUNSETIFF is a privilege.
        self.run("mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; chmod 666 /dev/net/tun")
        until(lambda: self.run("systemctl is-system-running", check=False).stdout.strip()
              in ("running", "degraded"), 30, "a booted system", pause=0.1)

    def install(self):
        for name in ("gatewayd", "gatewayctl"):
            shutil.copy(f"{BIN}/{name}", self.path(f"/usr/bin/{name}"))
        for name in glob.glob(f"{ROOT}/systemd/*.service") + glob.glob(f"{ROOT}/systemd/*.socket"):
            shutil.copy(name, self.path("/etc/systemd/system"))
        shutil.copy(f"{ROOT}/systemd/gatewayd.sysusers", self.path("/usr/lib/sysusers.d/gatewayd.conf"))
        shutil.copy(f"{ROOT}/systemd/gatewayd.tmpfiles", self.path("/usr/lib/tmpfiles.d/gatewayd.conf"))
        self.run("systemd-sysusers gatewayd.conf && systemd-tmpfiles --create gatewayd.conf && systemctl daemon-reload")

    def run(self, command, check=True, timeout=30):
        """Runs a shell command in the machine."""
        done = sh(["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--", "env", "-i",
                   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root",
                   "SYSTEMD_PAGER=cat", "SYSTEMD_COLORS=0", "sh", "-c", command], False, timeout)
        assert not check or done.returncode == 0, \
            f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def property(self, name, unit="gatewayd@home.service"):
        return self.run(f"systemctl show -P {name} {unit}").stdout.strip()

    def journal(self, unit="gatewayd@home.service"):
        return self.run(f"journalctl -u {unit} -o cat --no-pager").stdout

    def configure(self, text):
        self.write("/etc/gatewayd/home.yaml", text, 0o640)
        self.run("chgrp gatewayd /etc/gatewayd/home.yaml")

    def drop_in(self, name, text):
        self.write(f"/etc/systemd/system/gatewayd@home.service.d/{name}.conf", text)
        self.run("systemctl daemon-reload")

    def reset(self):
        """Stops the gateway and takes away what a test configured."""
        self.run("systemctl stop gatewayd@home.service gatewayd@home.socket; systemctl reset-failed; "
                 "rm -rf /etc/systemd/system/gatewayd@home.service.d /etc/gatewayd/home.yaml; "
                 "ip netns list | cut -d' ' -f1 | xargs -r -n1 ip netns delete; "
                 "systemctl daemon-reload; journalctl --rotate; journalctl --vacuum-time=1us", check=False)

    def down(self):
        if self.process:
            self.process.stop(signal.SIGTERM, 15)
        time.sleep(0.1)
        for group in self.cgroups:
            sh(["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=False)
        for mount in (self.root, self.directory):
            if sh(["umount", mount], check=False).returncode:
                sh(["umount", "-l", mount], check=False)
        for name in ("propagate", "unix-export"):
            shutil.rmtree(f"/run/systemd/nspawn/{name}/{self.name}", ignore_errors=True)
