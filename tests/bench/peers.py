# SPDX-License-Identifier: Apache-2.0
"""Whoever else watches a node, from Debian's packages: each is started as its manual says for the nearest job."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

from node.processes import end

TRACEFS = "/sys/kernel/tracing"
# Each exec and exit with the name, and who was chosen for memory: what nodewake asks the kernel at all times.
BPFTRACE = """tracepoint:sched:sched_process_exec { printf("exec %d %s\\n", pid, comm); }
tracepoint:sched:sched_process_exit { printf("exit %d %s\\n", pid, comm); }
tracepoint:oom:mark_victim { printf("oom %d\\n", args->pid); }"""
EXPORTER_PORT = 19100


def packages():
    """What `tests/deps.sh peers` installs, by the program that must be there."""
    return {"bpftrace": "bpftrace", "execsnoop": "libbpf-tools", "prometheus-node-exporter": "prometheus-node-exporter"}


@contextlib.contextmanager
def tracefs():
    """The kernel's list of tracepoints, which bpftrace and libbpf-tools read."""
    mounted = os.path.ismount(TRACEFS)
    if not mounted:
        subprocess.run(("mount", "-t", "tracefs", "tracefs", TRACEFS), check=True)
    try:
        yield
    finally:
        if not mounted:
            subprocess.run(("umount", TRACEFS), check=True)


class Peer:
    """A program that runs beside; a context manager. Its output is kept, as who uses it would keep it."""

    def __init__(self, words):
        self.words = words
        self.process = self.path = None

    def __enter__(self):
        fd, self.path = tempfile.mkstemp()
        self.process = subprocess.Popen(self.words, stdout=fd, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        os.close(fd)
        time.sleep(3)
        assert self.process.poll() is None, self.text()[-500:]
        return self

    def __exit__(self, kind, value, trace):
        end(self.process)
        os.unlink(self.path)

    @property
    def pid(self):
        return self.process.pid

    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def seen(self, name):
        """How many execs of a program it told; None: that is not its job."""
        return None

    def ask(self):
        """What it is for at rest: called every 15 s."""


class Bpftrace(Peer):
    def __init__(self):
        super().__init__(["bpftrace", "-e", BPFTRACE])

    def seen(self, name):
        return sum(line.startswith("exec ") and line.endswith(" " + name) for line in self.text().splitlines())


class Execsnoop(Peer):
    def __init__(self):
        super().__init__(["execsnoop"])

    def seen(self, name):
        return sum(line.startswith(name) for line in self.text().splitlines())


class CtrEvents(Peer):
    def __init__(self, socket):
        super().__init__(["ctr", "-a", socket, "-n", "k8s.io", "events"])


@contextlib.contextmanager
def empty_probe(build, tracepoint):
    """A program that does nothing: what the kernel counts for its runs is no program's own."""
    with subprocess.Popen([os.path.join(build, "tests/empty-probe"), tracepoint], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"attached\n"
        yield
        process.stdin.close()


class NodeExporter(Peer):
    def __init__(self):
        super().__init__(["prometheus-node-exporter", "--web.listen-address=127.0.0.1:%d" % EXPORTER_PORT])

    def ask(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % EXPORTER_PORT, timeout=10) as answer:
            answer.read()


def available():
    return [name for name in packages() if shutil.which(name)]
