# SPDX-License-Identifier: Apache-2.0
"""What the container runtime and its pods do: too many containers, a socket that is gone, a fork bomb."""

import os
import time

from node.load import Load
from node.processes import wait_until

MANY = int(os.environ.get("NODEWAKE_MANY", "10000"))
PATIENCE_S = 60


def pss_kb(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def test_socket_gone(daemon, node):
    """containerd's socket disappears: a gap, and deaths still told by the kernel; 60 s after it is back, all is told."""
    os.rename(node.socket, node.socket + ".away")
    node.kill_containerd()
    wait_until(lambda: not daemon.status()["sources"]["containerd"]["connected"], 45, "that it is away")
    os.rename(node.socket + ".away", node.socket)
    time.sleep(1)
    node.start_containerd()
    with Load(node) as load:
        time.sleep(4)
    load.assert_told(daemon, PATIENCE_S)
    gap, = daemon.wait_final("gaps", seconds=30)
    assert gap["source"] == "containerd"
    load.pod.remove()


def test_ten_thousand_listed(daemon, node):
    """Containers that ended, by the thousand, of which 4,096 are kept, as a gap says: listed within 60 s, in 40 MB, and what
    happens meanwhile is told."""
    pod = node.run_pod("many")
    many = node.cri("create", "pod=" + pod.id, "name=many", "count=%d" % MANY, "started=1", "image=localhost/cast:1",
                    "podname=many", "namespace=shop", "uid=" + pod.uid, "parent=" + pod.parent, "--", "/cast", "exit", "0").splitlines()
    assert len(many) == MANY
    for _ in range(3):  # what dies while the listing is read and what begins then meet in few ways each time
        daemon.kill()
        daemon.start()
        with Load(node) as load:
            time.sleep(5)
        load.assert_told(daemon, PATIENCE_S)
        load.pod.remove()
    if MANY > 4096:
        wait_until(lambda: any(gap["cause"] == "more containers than the agent keeps" for gap in daemon.records("gaps")),
                   PATIENCE_S, "the gap")
    print("\n%d containers: %d kB PSS" % (MANY, pss_kb(daemon.process.pid)))
    assert pss_kb(daemon.process.pid) < 40 << 10
    pod.remove()


def test_fork_bomb(daemon, node):
    """A pod forks up to its limit: the others' starts and deaths are told, and nothing of it is lost."""
    bomb = node.run_pod("bomb")
    bomb.start("bomb", ["storm", "20"])
    with Load(node) as load:
        time.sleep(20)
    load.assert_told(daemon, PATIENCE_S)
    assert daemon.records("gaps") == []
    load.pod.remove()
    bomb.remove()
