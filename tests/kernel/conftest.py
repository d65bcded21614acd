# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels in a virtual machine (TCG, no KVM): pure cgroup v2, real containerd. Booted once for all tests."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))

BUILD = os.environ.get("BUILD", "build")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "nodewake", "kernels")
KERNEL = "linux-image-cloud-amd64"
# Debian suites; "": this machine's own. All: make check-kernels SUITES="bookworm-backports trixie sid bullseye"
SUITES = ["", *os.environ.get("SUITES", "").split()]
DISK_MB = 4
# QEMU's words for a machine, and its console. -cx16: QEMU 7.2 emulates cmpxchg16b wrongly, which some kernels die of.
MACHINES = {
    "x86_64": (["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max,-cx16"], "ttyS0"),
    "aarch64": (["qemu-system-aarch64", "-machine", "virt,accel=tcg", "-cpu", "cortex-a72"], "ttyAMA0"),
}
MACHINE = os.environ.get("MACHINE", os.uname().machine)
QEMU, CONSOLE = MACHINES[MACHINE]


def make_disk(folder):
    """A file system with one file, which no cache has seen."""
    files, disk = os.path.join(folder, "files"), os.path.join(folder, "disk")
    os.mkdir(files)
    with open(files + "/read.bin", "wb") as out:
        out.write(os.urandom(DISK_MB << 20))
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-d", files, disk, "16M"], check=True)
    return disk


def fetch(suite):
    """The folder with the suite's kernel, which is skipped by name where it can't be had; SYSROOT has another machine's."""
    if os.environ.get("SYSROOT"):
        return os.environ["SYSROOT"]
    folder = os.path.join(CACHE, KERNEL + ("-" + suite if suite else ""))
    words = [os.path.join(HERE, "..", "fetch.sh"), KERNEL, folder, *([suite] if suite else [])]
    if subprocess.run(words, check=not suite).returncode != 0:
        pytest.skip("the kernel of %s can't be fetched" % suite)
    return folder


def boot(dir_, folder):
    """Boots the kernel with the cast; returns what the machine printed."""
    initrd = os.path.join(folder, "initrd")
    subprocess.run([os.path.join(HERE, "initrd.sh"), BUILD, dir_, initrd], check=True)
    image, = glob.glob(dir_ + "/boot/vmlinuz-*") or glob.glob(dir_ + "/usr/lib/modules/*/vmlinuz")
    begin = time.monotonic()
    console = os.path.join(folder, "console")
    with open(console, "wb") as out:
        try:
            subprocess.run(
                [*QEMU, "-smp", "2", "-m", "3072",
                 "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", image, "-initrd", initrd,
                 "-drive", "if=none,id=disk,format=raw,snapshot=on,file=" + make_disk(folder),
                 "-device", "nvme,drive=disk,serial=1", "-append", "console=%s quiet panic=-1 mitigations=off" % CONSOLE],
                stdin=subprocess.DEVNULL, stdout=out, timeout=900, check=True)
        except subprocess.TimeoutExpired:
            print("it is not through")
    print("%s: %.0f s" % (os.path.basename(image), time.monotonic() - begin))
    with open(console, encoding="utf-8", errors="replace") as file:
        return file.read().replace("\r", "")


def sections(text):
    parts = re.split(r"^=== (.*)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def version(machine):
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", machine["release"].strip()).groups()))


def needs(machine, *least):
    """What this kernel can't do is skipped by name; docs/kernels.md has the list."""
    if version(machine) < least:
        pytest.skip("Linux %s can't: %d.%d is needed" % ((machine["release"].strip(),) + least))


@pytest.fixture(scope="session", name="machine", params=SUITES, ids=lambda suite: suite or "own")
def booted(request, tmp_path_factory):
    for program in (QEMU[0], "cpio", "busybox"):
        if not shutil.which(program):
            pytest.skip("%s is not installed: run make deps" % program)
    text = boot(fetch(request.param), str(tmp_path_factory.mktemp("vm")))
    found = sections(text)
    assert "end" in found, text[-3000:]
    for name in ("starts", "exits", "ooms", "gaps", "connects", "planted-starts"):
        found[name] = [json.loads(line) for line in found[name].splitlines() if line.startswith("{")]
    return found
