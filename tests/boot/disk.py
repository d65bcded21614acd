# SPDX-License-Identifier: Apache-2.0
"""Files onto a machine's disk while it is off: no mount, no root; debugfs writes into the file system."""

import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
HARMLESS = re.compile(r"^debugfs [0-9.]+ |^debugfs: |^Allocated inode|^$")
MISSING = re.compile(r"^(/\S+): File not found by ext2_lookup")


def base_image():
    """The folder with the disk of a machine that never booted."""
    done = subprocess.run([os.path.join(HERE, "image.sh")], stdout=subprocess.PIPE, text=True, timeout=1200, check=True)
    return done.stdout.strip()


def write_kernel(folder):
    """vmlinuz and initrd."""
    subprocess.run([os.path.join(HERE, "initrd.sh"), folder], timeout=60, check=True)


def copy_disk(source, target):
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target], timeout=300, check=True)


def debugfs(disk, commands, *flags):
    assert not any(len(command.split()) > 3 for command in commands), "a name with a blank"
    done = subprocess.run(["debugfs", *flags, "-f", "-", disk], input="\n".join(commands) + "\n", capture_output=True,
                          text=True, timeout=120, check=True,
                          env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
    return done


def change(disk, commands):
    done = debugfs(disk, commands, "-w")
    wrong = [line for line in (done.stderr + done.stdout).splitlines() if not HARMLESS.search(line)]
    if wrong:
        raise RuntimeError("debugfs: " + "; ".join(wrong[:5]))


def write_tree(disk, tree):
    """Puts a folder's files and links at their places on the disk, over what is there; all owned by root."""
    found = []  # (path, place)
    for root, folders, files in os.walk(tree):
        place = "" if root == tree else "/" + os.path.relpath(root, tree)
        found += [(os.path.join(root, name), place + "/" + name) for name in sorted(folders + files)]
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(root, name))]
    asked = debugfs(disk, ["stat " + place for _, place in found])
    missing = {match[1] for match in map(MISSING.match, asked.stderr.splitlines()) if match}
    commands = []
    for path, place in found:
        if os.path.isdir(path) and not os.path.islink(path):
            commands += ["mkdir " + place] if place in missing else []
            continue
        commands += [] if place in missing else ["rm " + place]
        commands.append("symlink %s %s" % (place, os.readlink(path)) if os.path.islink(path)
                        else "write %s %s" % (path, place))
    change(disk, commands)


def remove(disk, places):
    """Files that are there."""
    change(disk, ["rm " + place for place in places])
