# SPDX-License-Identifier: Apache-2.0
"""A system bus of its own with what a kubelet asks of systemd-logind (logind.c): no shutdown reaches the machine."""

import os
import signal
import subprocess

from node.processes import end, wait_until

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow send_type="signal"/>
<allow receive_sender="*"/></policy></busconfig>
"""


class Logind:
    """A context manager; address is for DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, folder, build):
        self.folder = folder
        self.program = os.path.abspath(os.path.join(build, "logind"))
        self.path = folder + "/bus"
        self.address = "unix:path=" + self.path
        self.processes = []

    def __enter__(self):
        with open(self.folder + "/bus.conf", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION % self.path)
        self._start("dbus-daemon", "--nofork", "--nopidfile", "--config-file=" + self.folder + "/bus.conf")
        wait_until(lambda: os.path.exists(self.path), 10, "the bus")
        logind = self._start(self.program, env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address))
        if logind.stdout.readline() != b"ready\n":
            self.__exit__(None, None, None)
            raise RuntimeError("no logind")
        return self

    def _start(self, *words, **options):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, **options)  # pylint: disable=consider-using-with
        self.processes.append(process)
        return process

    def __exit__(self, kind, value, trace):
        for process in reversed(self.processes):
            end(process)

    def shut_down(self, really=True):
        """Tells everybody that the machine goes down, or that it does not after all."""
        self.processes[-1].send_signal(signal.SIGUSR1 if really else signal.SIGUSR2)
