# SPDX-License-Identifier: Apache-2.0
"""Rows: containers whose program never ran."""

from .planting import container
from .row import Row
from .rows_memory import end


def failed(name, planted, kind, program, code=None, what=None, verdict="start-failed", version=0, ooms=(), **options):
    options = {"refused": True, "runtime": "", **options}
    wanted = {"subject.pod": "$pod", "subject.container": "app", "verdict": verdict, "failed.kind": kind}
    if what:
        wanted["failed.what"] = what
    if code is not None:
        wanted["code"] = code
    return Row("start-" + name, planted, "no start: " + kind, "exits", container(program=program, held=False, **options),
               {"exits": [wanted], "ooms": list(ooms)}, version=version)


ROWS = [
    failed("missing", "a program that is not there", "not-found", "/nowhere", 128, "/nowhere"),
    failed("path", "a name that is nowhere in PATH", "not-found", "nowhere", 128, "nowhere"),
    failed("permission", "a file without the permission", "permission", "/forbidden", 128, "/forbidden"),
    # runc 1.1 says so of a directory; it has not asked the kernel to execute it, and newer ones say "is a directory"
    failed("directory", "a directory, of which runc 1.1 says that permission is denied", "permission", "/folder", 128, "/folder"),
    failed("foreign", "a program of another architecture", "format", "/foreign", what="/foreign", refused=False),
    failed("text", "a text without an interpreter", "format", "/text", what="/text", refused=False),
    failed("interpreter", "a script whose interpreter is missing", "interpreter", "/script", refused=False),
    failed("loader", "a program whose loader is missing", "interpreter", "/no-loader", refused=False),
    failed("library", "a program that lacks a library", "library", "/no-library", 127, "libc.so.6", verdict="error", refused=False),
    failed("mount", "a directory mounted over a file", "mount", "/die", 128, mount="/tmp:/die"),
    failed("read-only", "a mount point to be made in a read-only mount", "read-only", "/die", 128,
           mount=["/etc:/data:ro", "/tmp:/data/absent"]),
    failed("workdir", "a working directory that is a file", "working-directory", "/die", 128, workdir="/text"),
    failed("cgroup", "a memory limit too small for any process", "cgroup", "/die", 128, version=1, memory=4096),
    # v2 kills the runtime's own process there
    failed("cgroup-v2", "a memory limit too small for any process", "cgroup", "/die", 128, version=2, memory=4096,
           ooms=[{"subject.pod": "$pod", "scope": "container", "victims.0.comm": "runc:[2:INIT]", "container_survived": "no"}]),
    Row("start-user", "a user that the image does not have", "no start: user", "exits",
        container("exit", 0, held=False, refused=True, runtime="", username="nobody-knows"), {},
        unknown="the runtime refuses to make the container, so there is none; only the kubelet's own Event tells"),
]
