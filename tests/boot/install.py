# SPDX-License-Identifier: Apache-2.0
"""What of the checkout goes onto a machine's disk: `make install`, the test's programs and files, the units' links."""

import hashlib
import os
import shutil
import subprocess
import tempfile

from node import images

from .disk import remove, write_tree
from .pods import STAMPS, USUAL, pods_file

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = "/usr/local/lib/nodewake-test"
MACHINE_ID = "0f4a5dd2c9de4a6c8c6f3b1b1d5a9e01"  # not a first boot: no presets, no questions
UNITS = "/etc/systemd/system"

WANTED = {
    "sysinit.target": ["guest.service"],
    "network-online.target": ["systemd-networkd-wait-online.service"],
    "multi-user.target": ["systemd-networkd.service", "nodewake.service"],
}
# Who runs the pods: containerd, as Debian has it, or K3s.
LAYOUTS = {"containerd": ["containerd.service", "cast-pods.service"], "k3s": ["k3s.service"]}
# Where a unit is that Debian's packages or this tree does not put into /lib/systemd/system.
PLACES = {"guest.service": UNITS, "cast-pods.service": UNITS, "k3s.service": UNITS,
          "nodewake.service": "/usr/local/lib/systemd/system"}
# Each costs an emulated machine some hundred ms, and none is looked at.
MASKED = ["getty@.service", "serial-getty@.service", "systemd-logind.service", "systemd-update-utmp.service",
          "systemd-update-utmp-runlevel.service", "systemd-user-sessions.service", "e2scrub_reap.service",
          "e2scrub_all.timer", "fstrim.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
          "systemd-tmpfiles-clean.timer", "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service",
          "sys-fs-fuse-connections.mount", "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount"]


def link(tree, place, target):
    path = tree + place
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def write(tree, place, text, mode=0o644):
    path = tree + place
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


K3S_DATA = "/var/lib/rancher/k3s/data"
CNI_PLUGINS = ("ptp", "host-local", "loopback", "slow-cni")
# What Debian's package of containerd leaves on the disk; K3s has its own below /var/lib/rancher.
NOT_WITH_K3S = ["/lib/systemd/system/containerd.service", "/etc/systemd/system/multi-user.target.wants/containerd.service",
                "/etc/containerd/config.toml"]


def install_k3s(build, tree):
    """The stand-in as K3s lies on a disk: the program, and what that has unpacked below its data directory."""
    unpacked = K3S_DATA + "/" + hashlib.sha256(b"k3s").hexdigest()
    for place in ("/usr/local/bin/k3s", unpacked + "/bin/k3s"):
        os.makedirs(os.path.dirname(tree + place), exist_ok=True)
        shutil.copy(os.path.join(build, "tests/programs/k3s"), tree + place)
    link(tree, K3S_DATA + "/current", unpacked)
    link(tree, unpacked + "/bin/k3s-server", "k3s")
    for plugin in CNI_PLUGINS:
        link(tree, K3S_DATA + "/cni/" + plugin, "/usr/lib/cni/" + plugin)


def install(build, disk, layout="containerd"):
    """Onto a disk as image.sh makes it."""
    with tempfile.TemporaryDirectory(prefix="nodewake-tree-") as folder:
        tree = folder + "/tree"
        for name in ("common", layout):
            shutil.copytree("%s/tree/%s" % (HERE, name), tree, dirs_exist_ok=True)
        if layout == "k3s":
            install_k3s(build, tree)
            remove(disk, NOT_WITH_K3S)
        subprocess.run(["make", "-C", HERE + "/../..", "-s", "install", "DESTDIR=" + tree, "BUILD=" + build], timeout=600,
                       check=True, stdout=subprocess.DEVNULL,
                       env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")})
        os.makedirs(tree + PROGRAMS)
        for program in ("cri", "tests/programs/guest", "tests/programs/cast"):
            shutil.copy(os.path.join(build, program), tree + PROGRAMS)
        images.write_cast(build, tree + PROGRAMS + "/cast.tar")
        images.write_pause(build, tree + PROGRAMS + "/pause.tar")
        os.makedirs(tree + "/usr/lib/cni")
        shutil.copy(os.path.join(build, "tests/programs/slow-cni"), tree + "/usr/lib/cni/slow-cni")
        write(tree, "/etc/machine-id", MACHINE_ID + "\n", 0o444)
        write(tree, "/etc/cast-pods", pods_file(layout=layout))
        for pod in USUAL:
            os.makedirs("%s%s/%s" % (tree, STAMPS, pod.name))
        write(tree, "/etc/resolv.conf", "")
        link(tree, UNITS + "/default.target", "/lib/systemd/system/multi-user.target")
        for target, units in WANTED.items():
            for unit in units + (LAYOUTS[layout] if target == "multi-user.target" else []):
                link(tree, "%s/%s.wants/%s" % (UNITS, target, unit),
                     PLACES.get(unit, "/lib/systemd/system") + "/" + unit)
        for unit in MASKED:
            link(tree, UNITS + "/" + unit, "/dev/null")
        write_tree(disk, tree)


def plant(disk, files):
    """{place: text} onto a disk; a text that begins with #! becomes a program, one with -> a link."""
    with tempfile.TemporaryDirectory(prefix="nodewake-tree-") as tree:
        for place, text in files.items():
            if text.startswith("-> "):
                link(tree, place, text[3:])
            else:
                write(tree, place, text, 0o755 if text.startswith("#!") else 0o644)
        write_tree(disk, tree)
