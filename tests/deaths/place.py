# SPDX-License-Identifier: Apache-2.0
"""Where deaths are planted: a node with containerd, a daemon that watches it, and the files of its cgroups."""

import os
import shutil
import subprocess
import threading
import time

from node import images
from node.processes import wait_until

IMAGE = "localhost/deaths:1"
MEMORY_FILES = {
    1: {"limit": "memory.limit_in_bytes", "usage": "memory.usage_in_bytes"},
    2: {"limit": "memory.max", "usage": "memory.current", "group": "memory.oom.group", "swap": "memory.swap.max"},
}


def write_image(build, path):
    """The programs, and what can't be executed: each name says why."""
    with open("/bin/true", "rb") as file:
        dynamic = file.read()
    loader = next(word for word in subprocess.run(["ldd", "/bin/true"], capture_output=True, text=True, check=True).stdout.split()
                  if "/ld-" in word)
    with open(loader, "rb") as file:
        loader_bytes = file.read()
    die = images.program(build, "die")
    images.write_archive(path, IMAGE, [{
        "die": die, "hog": images.program(build, "hog"), "data": None,
        "forbidden": (0o644, die), "folder": None, "text": b"no program\n", "script": b"#!/nowhere/sh\n",
        "foreign": die[:18] + b"\xf3\x00" + die[20:],
        "no-loader": dynamic.replace(loader.encode(), loader.encode()[:-1] + b"X"),
        "no-library": dynamic, loader.lstrip("/"): loader_bytes,
    }], [])


class Planted:
    """A row's pod and container, and the facts that its planter knows: pid, id, pod, name."""

    def __init__(self, place, name, parent=None):
        self.place, self.name, self.parent = place, name, parent
        self.pod = self.container = None
        self.facts, self.ids, self.paths = {"row": name}, set(), []

    def path(self, of):
        """The cgroup of: container, pod, its parent, what is above that."""
        if of == "container":
            return "%s/%s" % (self.pod.parent, self.container.id)
        path = self.pod.parent
        for _ in range(("pod", "parent", "above").index(of)):
            path = os.path.dirname(path)
        return path

    def owns(self, record):
        subject = record.get("subject", {})
        if subject.get("container_id"):
            return subject["container_id"] in self.ids
        return record.get("cgroup_path") in self.paths


class Place:
    """node: started; daemon: watches it. slow: how much slower than a machine of its own everything is.

    runtime: containerd's name for the one that most pods get; "" is runc, which is left to those whose start must fail.
    """

    def __init__(self, node, daemon, version, virtual=False, slow=1, runtime=""):
        self.node, self.daemon, self.version, self.virtual, self.slow = node, daemon, version, virtual, slow
        self.runtime = runtime
        path = "/nodewake/deaths.tar" if virtual else node.dir + "/deaths.tar"
        if not virtual:
            write_image(node.build, path)
        node.ctr("images", "import", path)
        self.tools = node.dir + "/tools"
        os.makedirs(self.tools)
        self.lock = threading.Lock()

    def memory_file(self, cgroup, what):
        return "/sys/fs/cgroup%s%s/%s" % ("/memory" if self.version == 1 else "", cgroup, MEMORY_FILES[self.version][what])

    def write_memory(self, cgroup, what, value):
        with open(self.memory_file(cgroup, what), "w", encoding="ascii") as file:
            file.write(str(value))

    def processes(self, cgroup):
        with open(os.path.dirname(self.memory_file(cgroup, "limit")) + "/cgroup.procs", encoding="ascii") as file:
            return [int(line) for line in file]

    def named(self, name):
        """busybox under another name, as which the kernel knows it."""
        path = os.path.join(self.tools, name)
        with self.lock:
            if not os.path.exists(path):
                shutil.copy("/bin/busybox", path)
        return path

    def shell(self, name, script):
        """A process of that name that runs the script; returns its pid when it is over."""
        process = subprocess.Popen(["sh", "-c", script], executable=self.named(name))
        process.wait()
        return process.pid

    def wait(self, true, what, seconds=20):
        return wait_until(true, seconds, what)

    def pause(self, seconds):
        time.sleep(seconds * self.slow)

    def told(self):
        """Every record so far, by kind, oldest first."""
        found = {"ooms": self.daemon.records("ooms"), "exits": self.daemon.records("exits"),
                 "children": self.daemon.stored("child")}
        return {kind: sorted(records, key=lambda r: r["boot_ns"]) for kind, records in found.items()}

    def why(self, pod):
        """The certificate, as an operator reads it."""
        return self.daemon.verb("why", pod, "-n", "deaths", "--state-dir", self.daemon.state)[1]
