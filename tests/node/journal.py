# SPDX-License-Identifier: Apache-2.0
"""A machine's journal of the test's own, which a daemon sees in the place of this machine's."""

import os
import subprocess
import time

REMOTE = "/lib/systemd/systemd-journal-remote"
MACHINE = "22222222222222222222222222222222"
UNIT_FAILED = {"MESSAGE_ID": "d9b373ed55a64feb8242e02dbe79a49c", "_PID": "1", "_SYSTEMD_UNIT": "init.scope"}  # systemd's catalog
SHOW = """#!/bin/sh
exec unshare --mount --propagation slave sh -ec '
mount -t tmpfs tmpfs /var/log
if [ -d /run/log ]; then mount -t tmpfs tmpfs /run/log; fi
mkdir /var/log/journal
mount --bind "$0" /var/log/journal
exec "$@"' %s %s "$@"
"""


def entry(message, **fields):
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip().replace("-", "")
    stamps = {"__REALTIME_TIMESTAMP": time.time_ns() // 1000, "__MONOTONIC_TIMESTAMP": time.monotonic_ns() // 1000,
              "_BOOT_ID": boot, "_MACHINE_ID": MACHINE, "MESSAGE": message}
    return "".join("%s=%s\n" % item for item in {**stamps, **fields}.items()) + "\n"


def unit_failed(unit):
    return entry(unit + ": Failed with result 'exit-code'.", UNIT=unit, **UNIT_FAILED)


class Journal:
    """Written by systemd-journal-remote, below a folder (a pathlib.Path)."""

    def __init__(self, folder):
        self.root = folder
        self.files = folder / MACHINE
        self.files.mkdir(parents=True)
        self.live = self.files / "system.journal"
        self.rotations = 0

    def write(self, *entries):
        subprocess.run([REMOTE, "--output=%s" % self.live, "-"], input="".join(entries), text=True, check=True,
                       capture_output=True)

    def rotate(self):
        """As journald does it; what is written next is in a new file."""
        self.live.rename(self.files / ("system@%d.journal" % self.rotations))
        self.rotations += 1

    def vacuum(self):
        """All but the live file go."""
        for path in self.files.glob("system@*.journal"):
            path.unlink()

    def show_to(self, daemon, folder):
        """The daemon starts in a mount namespace where this is the machine's journal."""
        wrapper = folder / "with-journal"
        wrapper.write_text(SHOW % (self.root, os.path.abspath(daemon.daemon_program)))
        wrapper.chmod(0o755)
        daemon.daemon_program = str(wrapper)
