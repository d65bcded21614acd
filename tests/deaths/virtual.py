# SPDX-License-Identifier: Apache-2.0
"""Inside of the machine under test: `python3 -m deaths.virtual [ROW ...]`; what was found goes to stdout as JSON."""

import json
import os
import sys
import tempfile

from node import Daemon, Node

from . import judge
from .place import Place
from .rows import ROWS

SLOW = 4  # TCG, two processors; crun takes a fraction of runc's time there, and is another runtime to judge with

CONFIG = """
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        NoPivotRoot = true
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
        NoPivotRoot = true
        BinaryName = "/usr/bin/crun"
"""


class Machine(Node):
    """A node that has the machine to itself; its images were made outside."""

    def __enter__(self):
        self._write_files()
        self.start_containerd()
        self.ctr("images", "import", "/nodewake/pause.tar")
        return self

    def __exit__(self, kind, value, trace):
        pass  # the machine goes down

    def inside(self, *words):
        return words


def protect():
    """The node's memory runs out, and none of these is to blame."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("-1000")


def main():
    rows = [row for row in ROWS if len(sys.argv) == 1 or row.name in sys.argv[1:]]
    protect()
    node = Machine("/nodewake/build", config=CONFIG).__enter__()
    daemon = Daemon(node, state=tempfile.mkdtemp())
    daemon.start()
    outcomes, took = judge.run(Place(node, daemon, version=2, virtual=True, slow=SLOW, runtime="crun"), rows)
    print("=== deaths %s %.0f" % (os.uname().release, took))
    for outcome in outcomes:
        print(json.dumps(outcome))
    for verb in ("ooms", "exits"):
        print("=== " + verb + "\n" + daemon.verb(verb, "--state-dir", daemon.state)[1])
    print("=== log\n" + daemon.read_log(), flush=True)


main()
