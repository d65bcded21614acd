# SPDX-License-Identifier: Apache-2.0
"""The node below a kubelet: the private node of tests/node, with addresses and with places of its own.

A kubelet takes paths for its own that can't be set in every version (/var/log/pods: it removes there what it does
not know; /var/lib/kubelet/device-plugins), and writes sysctls. So containerd and kubelet live in a mount namespace
where these are folders and files of this node. Other mounts (the containers' roots) are seen outside too.
"""

import os
import subprocess

from node import Node
from node.node import run
from node.processes import wait_until

NODE_IP = "192.0.2.1"  # for documentation, RFC 5737; the kubelet refuses a loopback address
SERVICE_IP = "10.232.0.1"  # of the service `kubernetes`, the first of SERVICE_RANGE
SERVICE_RANGE = "10.232.0.0/24"

# A place of the node: its folder in the temporary one. The last two are what nodewake's DaemonSet keeps.
PLACES = {
    "/run/containerd": "run",
    "/var/lib/kubelet": "kubelet",
    "/var/log/pods": "log/pods",
    "/var/log/containers": "log/containers",
    "/var/lib/nodewake": "places/lib",
    "/run/nodewake": "places/run",
}

# What kubelets write at their start (setupKernelTunables); they are satisfied with a file that says so.
SYSCTLS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
           "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes")

# Mounts below a place must not reach the machine, whose / is shared where systemd runs; the new one is
# shared again, for pods that ask for mount propagation.
KEEPER = """set -eu
dir=$1
shift
while [ $# -gt 0 ]; do
	mount --make-private "$(findmnt --noheadings --output TARGET --target "$2" | tail -n 1)"
	mount --bind "$dir/$1" "$2"
	mount --make-private "$2"
	mount --make-shared "$2"
	shift 2
done
touch "$dir/kept"
exec sleep infinity
"""


class Machine(Node):
    """A node that can carry a kubelet; a context manager."""

    def __init__(self, build, **options):
        super().__init__(build, **options)
        self.socket = self.dir + "/run/containerd.sock"
        self.keeper = None  # the process that keeps the namespaces

    def owns(self, record):
        """The kubelet makes pods as it likes: what has a pod's name came from this containerd."""
        return "pod" in record.get("subject", {}) or super().owns(record)

    def inside(self, *words):
        if not self.keeper:
            return super().inside(*words)
        return ("nsenter", "--target", str(self.keeper.pid), "--net", "--mount") + words

    def _make_network(self):
        super()._make_network()
        # On lo: no kernel module, and the service's address needs no kube-proxy, neither from the host nor from pods.
        for address in (NODE_IP, SERVICE_IP):
            run(*self.inside("ip", "address", "add", address + "/32", "dev", "lo"))

    def _write_files(self):
        super()._write_files()
        binds = []
        for place, folder in PLACES.items():
            os.makedirs(os.path.join(self.dir, folder))
            os.makedirs(place, exist_ok=True)
            binds += [folder, place]
        for name in SYSCTLS:
            path = "/proc/sys/" + name
            os.makedirs(os.path.join(self.dir, "sysctl", os.path.dirname(name)), exist_ok=True)
            with open(path, encoding="ascii") as file:
                self._write("sysctl/" + name, file.read())
            binds += ["sysctl/" + name, path]
        run("mount", "--bind", self.dir, self.dir)
        run("mount", "--make-private", self.dir)
        run("mount", "--make-shared", self.dir)
        with open(self.dir + "/keeper.log", "w", encoding="utf-8") as log:
            keeper = subprocess.Popen(self.inside("unshare", "--mount", "--propagation", "unchanged", "sh", "-c",
                                                  KEEPER, "keeper", self.dir, *binds), stdout=log, stderr=log)
        self.processes.append(keeper)

        def kept():
            if keeper.poll() is not None:
                with open(self.dir + "/keeper.log", encoding="utf-8") as log:
                    raise RuntimeError("no mount namespace: " + log.read())
            return os.path.exists(self.dir + "/kept")
        wait_until(kept, 10, "the mount namespace")
        self.keeper = keeper
        self._make_cgroup()

    def _make_cgroup(self):
        """The kubelet asks for its cgroupRoot in every hierarchy; there it makes its own kubepods."""
        root = "/sys/fs/cgroup"
        if os.path.exists(root + "/cgroup.controllers"):
            os.makedirs(root + self.cgroup)
            return
        for hierarchy in os.listdir(root):
            if os.path.exists("%s/%s/cgroup.procs" % (root, hierarchy)):
                os.makedirs("%s/%s%s" % (root, hierarchy, self.cgroup), exist_ok=True)
        # cpuset of cgroup v1: a new group has no CPUs, and nothing can be put into it
        for name in ("cpuset.cpus", "cpuset.mems"):
            source = "%s/cpuset/%s" % (root, name)
            if os.path.exists(source):
                with open(source, encoding="ascii") as file:
                    value = file.read()
                with open("%s/cpuset%s/%s" % (root, self.cgroup, name), "w", encoding="ascii") as file:
                    file.write(value)
