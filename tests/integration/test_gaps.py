# SPDX-License-Identifier: Apache-2.0
"""containerd or the daemon goes away in the middle of things: nothing twice, nothing wrong, gaps told."""

import os
import shutil
import signal
import tempfile
import time

import pytest

from node import Daemon, Node
from node.fixtures import BUILD
from node.node import ENVIRONMENT
from node.processes import wait_until

MS = 1000000


def no_duplicates(daemon):
    for kind in ("starts", "exits", "ooms"):
        keys = [r["key"] for r in daemon.records(kind)]
        assert len(keys) == len(set(keys))


def test_containerd_killed_and_restarted(daemon, node, pod):
    before = pod.start("before", ["listen", "8080"])
    daemon.wait_final("starts")
    victim = before.inspect()["pid"]
    node.kill_containerd()
    os.kill(victim, signal.SIGKILL)  # dies while nobody listens
    time.sleep(1)
    node.start_containerd()
    cri = before.wait_exited()
    pod.start("after", ["listen", "8081"])
    daemon.wait_final("starts", count=2)
    died, = daemon.wait_final("exits", seconds=70)
    assert died["verdict"] == "killed"
    assert abs(died["finished_ns"] + died["wall_offset_ns"] - cri["finished_at"]) < MS
    gap, = daemon.wait_final("gaps")
    assert gap["source"] == "containerd"
    assert gap["duration_ns"] > 500 * MS
    no_duplicates(daemon)


def test_containerd_killed_during_starts(daemon, node):
    """Whatever was half done: one start for each container that ran, one exit after, the right names."""
    def started(prefix):
        return {id for id, status in node.containers(prefix).items() if status["started_at"]}

    for attempt, enough in enumerate((3, 6)):
        name = "killed-%d" % attempt
        starting = node.start_pods(name, 40, 4)
        wait_until(lambda: len(started(name)) >= enough, 20, "some starts")  # pylint: disable=cell-var-from-loop
        node.kill_containerd()
        starting.wait()
        time.sleep(0.5)
        node.start_containerd()
    containers = node.containers("killed-")
    ran = started("killed-")
    assert len(ran) > 5
    starts = daemon.wait_final("starts", count=len(ran), seconds=70)
    node.remove_pods()
    exits = daemon.wait_final("exits", count=len(starts), seconds=70)
    no_duplicates(daemon)
    for records in (starts, exits):
        found = {r["subject"]["container_id"]: r["subject"] for r in records}
        assert len(found) == len(records)
        assert ran <= set(found)
        for container, subject in found.items():
            if container in containers:
                assert subject["container"] == "main"
                assert subject["pod"] == containers[container]["pod_name"]
    assert {gap["source"] for gap in daemon.wait_final("gaps", count=2)} == {"containerd"}


def test_containerd_upgraded():
    """Debian's containerd gives way to a newer one: the container that runs over it is the same, and its death is told."""
    if not os.environ.get("CONTAINERD_BIN"):
        pytest.skip("there is no other containerd: make check-containerd")
    with Node(BUILD, environment=dict(os.environ)) as node, Daemon(node, state=tempfile.mkdtemp(dir=node.dir)) as daemon:
        pod = node.run_pod("upgraded")
        over = pod.start("over", ["listen", "8080"])
        daemon.wait_final("starts")
        old = daemon.status()["sources"]["containerd"]["version"]
        node.kill_containerd()
        node.environment = ENVIRONMENT
        node.start_containerd()
        wait_until(lambda: daemon.status()["sources"]["containerd"]["version"] not in ("", old), 60, "the new version")
        pod.start("after", ["listen", "8081"])
        daemon.wait_final("starts", count=2, seconds=30)
        os.kill(over.inspect()["pid"], signal.SIGKILL)
        died, = daemon.wait_final("exits", seconds=30)
        assert died["verdict"] == "killed" and died["subject"]["container"] == "over" and died["sender_pid"] == os.getpid()
        gap, = daemon.wait_final("gaps", seconds=30)
        assert gap["source"] == "containerd"
        no_duplicates(daemon)


@pytest.fixture(name="state")
def own_state(node):
    path = tempfile.mkdtemp(dir=node.dir)
    yield path
    shutil.rmtree(path)


def test_daemon_killed_and_restarted(node, state):
    pod = node.run_pod("restarted")
    with Daemon(node, state=state) as daemon:
        lives = pod.start("lives", ["listen", "8080"])
        dies = pod.start("dies", ["sleep", "600000"])
        wait_until(lambda: len(daemon.records("starts")) == 2, 10, "both starts")
        measured = daemon.records("starts")
        time.sleep(10.5)  # a heartbeat
        daemon.kill()
        os.kill(dies.inspect()["pid"], signal.SIGKILL)
        cri = dies.wait_exited()
        daemon.start()
        died, = daemon.wait_final("exits", seconds=20)
        assert abs(died["finished_ns"] + died["wall_offset_ns"] - cri["finished_at"]) < MS
        assert died["code"] == 137
        assert died["reconstructed"]
        gap, = daemon.wait_final("gaps", seconds=20)
        assert gap["source"] == "agent"
        assert gap["cause"] == "the agent was not running"
        time.sleep(2)
        # what was measured before stays as it was
        kept = {r["key"]: r["phases"] for r in daemon.records("starts")}
        for record in measured:
            if record["subject"]["container_id"] == lives.id:
                assert kept[record["key"]] == record["phases"]
        assert len(kept) == 2
        # the one that lives on is still watched: its death is measured again
        os.kill(lives.inspect()["pid"], signal.SIGKILL)
        both = daemon.wait_final("exits", count=2, seconds=20)
        alive = [r for r in both if r["subject"]["container_id"] == lives.id][0]
        assert alive["verdict"] == "killed"
        assert alive["sender_pid"] == os.getpid()
        no_duplicates(daemon)
    pod.remove()


def test_adopted_containers_are_reconstructed(node, state):
    pod = node.run_pod("adopted")
    container = pod.start("server", ["listen", "8080"])
    cri = container.inspect()
    with Daemon(node, state=state) as daemon:
        start, = daemon.wait_final("starts", seconds=20)
        assert start["subject"]["pod"] == "adopted"
        assert all(span.get("reconstructed") for span in start["phases"])
        assert abs(start["span"]["to_ns"] + start["wall_offset_ns"] - cri["started_at"]) < MS
        assert daemon.records("gaps") == []
    pod.remove()


def test_stopped_containerd_is_told(daemon, node, pod):
    """SIGSTOP: the stream stays open and silent; a call's deadline tells."""
    del pod
    node.containerd.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: not daemon.status()["sources"]["containerd"]["connected"], 45, "that it is away")
    finally:
        node.containerd.send_signal(signal.SIGCONT)
    wait_until(lambda: daemon.status()["sources"]["containerd"]["connected"], 15, "that it is back")
    gap, = daemon.wait_final("gaps")
    assert gap["source"] == "containerd"


def memory_of(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def test_stopped_daemon_harms_nobody(daemon, node, pod):
    """SIGSTOP of the daemon for 60 s under events: containerd is as before, and no record is wrong."""
    before = memory_of(node.containerd.pid)
    end = time.monotonic() + 60
    daemon.process.send_signal(signal.SIGSTOP)
    count = 0
    while time.monotonic() < end:
        container = pod.start("c%d" % count, ["exit", "0"])
        container.wait_exited()
        container.remove()
        count += 1
    daemon.process.send_signal(signal.SIGCONT)
    exits = daemon.wait_final("exits", count=count, seconds=60)
    starts = daemon.wait_final("starts", count=count, seconds=10)
    assert {r["verdict"] for r in exits} == {"completed"}
    assert len(starts) == len(exits) == count > 40
    for record in starts + exits:
        # removed before it could be asked for, a container has no name; its pod is known by its cgroup
        assert record["subject"]["pod"] == pod.name
        assert record["subject"].get("container", "c")[0] == "c"
    assert memory_of(node.containerd.pid) - before < 10 * 1024
    no_duplicates(daemon)
