# SPDX-License-Identifier: Apache-2.0
"""A machine of its own for the rows: Debian's kernel, pure cgroup v2, real containerd, QEMU without KVM."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

from . import place

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "nodewake", "kernels")
KERNEL = "linux-image-cloud-amd64"

INIT = """#!/bin/sh
. /nodewake/mounts.sh
export CONTAINERD_SNAPSHOTTER=native PYTHONPATH=/nodewake/tests PYTHONDONTWRITEBYTECODE=1 PATIENCE=8
for module in lzo_compress lzo_decompress lzo lzo-rle zsmalloc zram; do insmod /nodewake/$module.ko 2>/dev/null; done
echo 96M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
python3 -m deaths.virtual %s 2>&1
echo "=== end"
poweroff -f
"""


def missing():
    """What is not installed."""
    return [program for program in ("qemu-system-x86_64", "cpio", "busybox") if not shutil.which(program)]


def _libraries(path):
    done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    return re.findall(r"/[^ )]+", done.stdout)


def _python(root):
    """The interpreter with the modules that are needed, at their places."""
    script = "import sys, runpy, signal, traceback, concurrent.futures.thread; import deaths.judge, deaths.rows; " \
             "print('\\n'.join(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)))"
    files = subprocess.run([sys.executable, "-c", script], cwd=TESTS, capture_output=True, text=True,
                           check=True).stdout.split("\n")
    prefix = os.path.dirname(os.__file__)
    files = {f for f in files if f.startswith(prefix)} | set(glob.glob(prefix + "/encodings/*.py"))
    files |= {prefix + "/site.py"}
    executable = os.path.realpath(sys.executable)
    files |= {executable, *_libraries(executable)}
    for module in [f for f in files if f.endswith(".so")]:
        files.update(_libraries(module))
    for path in filter(os.path.exists, files):
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    os.makedirs(root + "/bin", exist_ok=True)
    os.symlink(executable, root + "/bin/python3")


def _write_initrd(build, kernel, out, names):
    """What tests/kernel boots, and this on top: a later archive wins."""
    root = out + ".root"
    subprocess.run([TESTS + "/kernel/initrd.sh", build, kernel, out], check=True)
    for folder in ("tests/deaths", "tests/node"):
        shutil.copytree(os.path.join(TESTS, "..", folder), root + "/nodewake/" + folder,
                        ignore=shutil.ignore_patterns("__pycache__"))
    os.makedirs(root + "/nodewake/build/tests/programs")
    for program in ("cri", "nodewake", "tests/programs/hog"):
        shutil.copy(os.path.join(build, program), root + "/nodewake/build/" + program)
    place.write_image(build, root + "/nodewake/deaths.tar")
    _python(root)
    for applet in ("mkswap", "swapon"):
        os.symlink("busybox", root + "/bin/" + applet)
    with open(root + "/init", "w", encoding="ascii") as file:
        file.write(INIT % " ".join(names))
    os.chmod(root + "/init", 0o755)
    with open(out, "ab") as file:
        subprocess.run("find . | cpio -o -H newc 2>/dev/null | gzip -1", shell=True, cwd=root, stdout=file, check=True)
    shutil.rmtree(root)


def run(build, folder, names=(), seconds=1500):
    """(outcomes, kernel's release, seconds to plant, what the machine printed)"""
    kernel = os.path.join(CACHE, KERNEL)
    subprocess.run([TESTS + "/fetch.sh", KERNEL, kernel], check=True)
    initrd = os.path.join(folder, "initrd")
    _write_initrd(os.path.abspath(build), kernel, initrd, names)
    image, = glob.glob(kernel + "/boot/vmlinuz-*")
    with open(os.path.join(folder, "console"), "wb") as console:
        # -cx16: as in tests/kernel
        subprocess.run(
            ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max,-cx16", "-smp", "2", "-m", "2048", "-nodefaults",
             "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", image, "-initrd", initrd,
             "-append", "console=ttyS0 quiet panic=-1 mitigations=off"],
            stdin=subprocess.DEVNULL, stdout=console, timeout=seconds, check=True)
    with open(console.name, encoding="utf-8", errors="replace") as file:
        text = file.read().replace("\r", "")
    found = re.search(r"^=== deaths (\S+) (\d+)\n(.*?)^=== ooms", text, flags=re.M | re.S)
    if not found:
        raise RuntimeError("the machine has not told:\n" + text[-3000:])
    outcomes = [json.loads(line) for line in found[3].splitlines() if line.startswith("{")]
    return outcomes, found[1], int(found[2]), text
