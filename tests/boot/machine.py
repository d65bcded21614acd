# SPDX-License-Identifier: Apache-2.0
"""One machine under QEMU (TCG: no KVM), from power-on to power loss. Ended by pid, whatever happened."""

import os
import shutil
import signal
import socket
import subprocess
import time

from node.processes import end, wait_until

from .disk import base_image, copy_disk, write_kernel
from .install import install, plant
from .wire import Lines, Wire, WireError

# -cx16: QEMU 7.2 emulates cmpxchg16b wrongly. -la57: page tables of four levels are walked faster.
CPU = "max,-cx16,-la57"
# The kernel is told the frequency of the TSC: on a busy host it measures it wrongly, and its seconds with it; an
# emulated HPET wraps every 43 s. panic=1: reboots 1 s after.
COMMAND_LINE = "console=ttyS0 quiet panic=1 mitigations=off net.ifnames=0 tsc=reliable tsc_early_khz=%s " \
    "systemd.show_status=no audit=0"
# One CPU: with two, one boot in some thirty hung, both in soft lockups that no kernel of ours has shown.
CPUS = 1
BOOT_SECONDS = 120  # until it answers; a machine that is twice as slow is still no failure


class MachineError(Exception):
    """A command in the machine failed."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Machine:
    """A context manager. boots: how often it has booted; wire: how to speak to it; pods: what its driver of pods did.

    disk: a file of an earlier machine that is copied; by itself a new installation, whose layout is "containerd" or
    "k3s". files: what else is put there. drives: files that it sees as vdb and so on, and can't write. forward: its TCP
    ports that the host reaches, at ports.
    """

    def __init__(self, build, folder, disk=None, files=None, layout="containerd", memory=1536, drives=(), forward=()):
        self.build = os.path.abspath(build)
        self.folder = folder
        self.memory = memory
        self.drives = drives
        self.ports = {port: free_port() for port in forward}
        self.disk = folder + "/disk"
        self.console = folder + "/console.log"
        self.qemu = self.wire = self.pods = None
        self.tsc_khz = int(subprocess.run([self.build + "/tests/programs/tsc"], stdout=subprocess.PIPE, timeout=60,
                                          check=True).stdout)
        self.boot_id = ""
        self.boots = 0
        self.on_pod = None  # called with each line of the driver, from a thread
        if disk:
            copy_disk(disk, self.disk)
        else:
            copy_disk(base_image() + "/disk", self.disk)
            install(self.build, self.disk, layout)
        write_kernel(folder)
        if files:
            plant(self.disk, files)
        with open(folder + "/erst", "wb") as file:  # what survives a panic: ACPI's error record store
            file.truncate(64 << 10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.off()

    # --- power

    def _command(self):
        forwarded = "".join(",hostfwd=tcp:127.0.0.1:%d-:%d" % (host, port) for port, host in self.ports.items())
        devices = ["-drive", "file=%s,if=none,id=disk,format=raw,cache=unsafe,discard=unmap" % self.disk,
                   "-device", "virtio-blk-pci,drive=disk",
                   "-netdev", "user,id=net,ipv6=off" + forwarded, "-device", "virtio-net-pci,netdev=net,romfile=",
                   "-object", "memory-backend-file,id=erst,mem-path=%s/erst,size=64K,share=on" % self.folder,
                   "-device", "acpi-erst,memdev=erst", "-device", "virtio-serial-pci"]
        for number, drive in enumerate(self.drives):
            devices += ["-drive", "file=%s,if=none,id=drive%d,format=raw,readonly=on" % (drive, number),
                        "-device", "virtio-blk-pci,drive=drive%d" % number]
        for name in ("guest", "pods"):
            devices += ["-chardev", "socket,id=%s,path=%s/%s.sock,server=on,wait=off" % (name, self.folder, name),
                        "-device", "virtserialport,chardev=%s,name=%s" % (name, name)]
        return ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", CPU, "-smp", "%d" % CPUS, "-m", "%d" % self.memory,
                "-nodefaults", "-no-user-config", "-display", "none", "-rtc", "base=utc", "-serial", "stdio",
                "-kernel", self.folder + "/vmlinuz", "-initrd", self.folder + "/initrd", "-append", COMMAND_LINE % self.tsc_khz, *devices]

    def boot(self, seconds=BOOT_SECONDS):
        """Power on, until the machine answers; returns the boot's id."""
        for name in ("guest", "pods"):
            if os.path.exists("%s/%s.sock" % (self.folder, name)):
                os.unlink("%s/%s.sock" % (self.folder, name))
        with open(self.console, "ab") as console, open(self.folder + "/qemu.log", "ab") as log:
            self.qemu = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=console, stderr=log)
        try:
            self.wire = Wire(self.folder + "/guest.sock")
            self.pods = Lines(self.folder + "/pods.sock", self._pod_line)
        except OSError as error:
            with open(self.folder + "/qemu.log", encoding="utf-8") as log:
                raise MachineError("QEMU does not run: %s: %s" % (error, log.read()[-2000:])) from None
        return self._wait_boot(seconds)

    def _pod_line(self, line):
        if self.on_pod:
            self.on_pod(line)

    def _wait_boot(self, seconds):
        self.boot_id = self.wire.wait_hello(seconds, other_than=self.boot_id)
        self.boots += 1
        return self.boot_id

    def reboot(self, seconds=BOOT_SECONDS):
        """In order, as `systemctl reboot`."""
        self.wire.start("systemctl reboot")
        return self._wait_boot(seconds + 60)

    def panic(self, seconds=BOOT_SECONDS):
        """The kernel's, by sysrq; it reboots by itself."""
        self.wire.start("echo c >/proc/sysrq-trigger")
        return self._wait_boot(seconds)

    def kill(self):
        """The power is lost: QEMU is killed, and what it had not written is gone. Returns the wall time."""
        self.qemu.send_signal(signal.SIGKILL)
        at = time.time()
        self.qemu.wait()
        self._closed()
        return at

    def poweroff(self, seconds=60):
        """In order; the disk may be copied then."""
        self.wire.start("systemctl poweroff")
        self.qemu.wait(seconds)
        self._closed()

    def off(self):
        """Whatever state it is in."""
        if self.qemu:
            end(self.qemu, 1)
            self._closed()

    def _closed(self):
        for channel in (self.wire, self.pods):
            if channel:
                channel.close()
        self.qemu = self.wire = self.pods = None

    # --- inside

    def run(self, script, seconds=60, check=True, data=b""):
        """Runs a script in the machine as root; returns what it wrote."""
        code, answer = self.wire.run(script, seconds, data)
        text = answer.decode(errors="replace")
        if check and code:
            raise MachineError("%s: exit code %d: %s" % (script, code, text[-2000:]))
        return text

    def put(self, path, text, mode="0644"):
        data = text if isinstance(text, bytes) else text.encode()
        self.run("mkdir -p \"$(dirname '%s')\" && cat >'%s' && chmod %s '%s'" % (path, path, mode, path), data=data)

    def get(self, path):
        code, answer = self.wire.run("cat '%s'" % path, 60)
        if code:
            raise MachineError("%s: %s" % (path, answer.decode(errors="replace")))
        return answer

    def wait(self, script, seconds, what=None):
        """Until the script ends with 0; returns what it wrote."""
        def done():
            code, answer = self.wire.run(script, min(seconds, 60))
            return (True, answer.decode(errors="replace")) if code == 0 else None
        return wait_until(done, seconds, what or script)[1]

    def wait_settled(self, seconds=BOOT_SECONDS):
        """Until systemd has nothing to start any more."""
        self.wait("[ \"$(systemctl show -P FinishTimestampMonotonic)\" != 0 ] && [ -z \"$(systemctl list-jobs --no-legend)\" ]",
                  seconds, "the end of systemd's jobs")

    def wait_pods(self, names, seconds):
        """Until the driver called each of them ready in this boot."""
        wait_until(lambda: set(names) <= self.ready_pods(), seconds, "pods %s; %s are ready" % (
            sorted(names), sorted(self.ready_pods())))

    def ready_pods(self):
        return {line["pod"] for line in self.told("ready")}

    def told(self, what=None, pod=None):
        """What the driver did in this boot, oldest first."""
        return [line for line in list(self.pods.lines) if line["boot"] == self.boot_id and
                what in (None, line["what"]) and pod in (None, line["pod"])]

    def start_wall(self):
        """When this boot's kernel began, by the host's clock."""
        begin = time.time()
        uptime = float(self.run("cut -d ' ' -f 1 /proc/uptime"))
        return (begin + time.time()) / 2 - uptime

    # --- afterwards

    def keep_logs(self, folder):
        """What a person looks at when a test has failed."""
        os.makedirs(folder, exist_ok=True)
        for name in ("console.log", "qemu.log"):
            if os.path.exists(os.path.join(self.folder, name)):
                shutil.copy(os.path.join(self.folder, name), folder)
        if not self.wire:
            return
        for name, script in (("journal.log", "journalctl -o short-monotonic --no-pager -n 3000"),
                             ("pods.jsonl", "cat /var/log/cast-pods.jsonl"),
                             ("analyze.txt", "systemd-analyze time; systemd-analyze blame; systemd-analyze critical-chain"),
                             ("boot.json", "nodewake boot --output json"), ("jobs.txt", "systemctl list-jobs"),
                             ("status.txt", "nodewake status; systemctl --failed")):
            try:
                text = self.run(script, 30, check=False)
            except WireError as error:
                text = "%s\n" % error
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
