# SPDX-License-Identifier: Apache-2.0
"""What the agent itself lacks: CPU time, memory, descriptors, threads, its pins."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import time

from node.load import Load
from node.processes import wait_until

PATIENCE_S = 60
SCANS, TARGETS = 120, 60  # 60 addresses are told of one container, some 300 bytes each: the ring holds 1 MiB on two CPUs


@contextlib.contextmanager
def cgroup(controller, pid, **limits):
    """A cgroup of the test's own (v1) with the process in it, which goes back when the block ends."""
    place = "/sys/fs/cgroup/%s/nodewake-chaos-%d" % (controller, pid)
    os.mkdir(place)

    def write(folder, name, value):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def move(folder, who):
        with contextlib.suppress(ProcessLookupError):
            write(folder, "cgroup.procs", who)

    try:
        for name, value in limits.items():
            write(place, name.replace("__", "."), value)
        move(place, pid)
        yield place
    finally:
        with open(place + "/cgroup.procs", encoding="ascii") as file:
            for who in file.read().split():
                move(os.path.dirname(place), who)
        os.rmdir(place)


def is_well(daemon):
    status = daemon.status()
    return status and status["sources"]["containerd"]["connected"] and status["sources"]["kernel"]["up"]


def test_throttled_to_one_percent(daemon, node):
    """While it has 1 % of a CPU nothing is told wrongly or twice; 60 s after, all is told."""
    with cgroup("cpu", daemon.process.pid, cpu__cfs_period_us=100000, cpu__cfs_quota_us=1000):
        with Load(node, lying=1000) as load:
            time.sleep(20)
    wait_until(lambda: is_well(daemon), PATIENCE_S, "that it is well")
    load.assert_told(daemon, PATIENCE_S)
    load.pod.remove()


def test_killed_for_its_memory(daemon, node):
    """The agent is killed for memory again and again, and started again: all is told, once, 60 s after."""
    kills = 0
    with Load(node) as load:
        for _ in range(4):
            time.sleep(1 + random.random())
            with cgroup("memory", daemon.process.pid, memory__limit_in_bytes=64 << 20) as place:
                with open(place + "/memory.force_empty", "w", encoding="ascii") as file:
                    file.write("0")
                squeeze(place, daemon)
                kills += daemon.process.poll() is not None
            daemon.process.wait()
            node.processes.remove(daemon.process)
            daemon.start()
    assert kills == 4
    load.assert_told(daemon, PATIENCE_S)
    load.pod.remove()


def test_a_ring_that_fills(daemon, pod):
    """While nobody reads, refused connections fill three quarters of the ring: each start and death is told all the same, and
    how many of the others were not."""
    daemon.process.send_signal(signal.SIGSTOP)
    names = ["scan-%d" % i for i in range(SCANS)]
    for name in names:
        container = pod.start(name, ["scan", str(TARGETS), "3"])
        container.wait_exited()
        container.remove()
    daemon.process.send_signal(signal.SIGCONT)
    exits = daemon.wait_final("exits", count=SCANS, seconds=PATIENCE_S)
    starts = daemon.wait_final("starts", count=SCANS, seconds=PATIENCE_S)
    assert len(exits) == len(starts) == SCANS
    assert {(r["verdict"], r["code"]) for r in exits} == {("error", 3)}
    assert all(r.get("kernel_ns") for r in exits)
    causes = {gap["cause"]: gap.get("count", 0) for gap in daemon.wait_final("gaps", seconds=30) if gap["source"] == "kernel"}
    assert causes.get("kernel ring nearly full: waits, sessions and children not written", 0) > 0, causes
    assert not [cause for cause in causes if "deaths" in cause], causes


def squeeze(place, daemon):
    """Another process in the agent's cgroup takes all; the agent is the one with the higher score."""
    with open("/proc/%d/oom_score_adj" % daemon.process.pid, "w", encoding="ascii") as file:
        file.write("1000")
    with subprocess.Popen(["sh", "-c", "echo $$ > %s/cgroup.procs; exec tail /dev/zero" % place],
                          stderr=subprocess.DEVNULL) as hog:
        daemon.process.wait(30)
        hog.kill()


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def test_no_descriptors(daemon, node):
    """With no descriptor left it lives on; 60 s after it has some again, all that happened meanwhile is told."""
    pid = daemon.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(pid), before[1]))
    try:
        node.kill_containerd()  # its connection is gone, and no new one can be made
        time.sleep(1)
        node.start_containerd()
        with Load(node) as load:
            time.sleep(8)
        assert daemon.process.poll() is None
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    wait_until(lambda: is_well(daemon), PATIENCE_S, "that it is well")
    load.assert_told(daemon, PATIENCE_S)
    load.pod.remove()


def test_no_threads(daemon, node):
    """With no thread to be had it lives on; 60 s after there are some again, all is told."""
    with cgroup("pids", daemon.process.pid) as place:
        with open(place + "/pids.current", encoding="ascii") as file:
            now = int(file.read())
        with open(place + "/pids.max", "w", encoding="ascii") as file:
            file.write(str(now))
        node.kill_containerd()
        time.sleep(1)
        node.start_containerd()
        with Load(node) as load:
            time.sleep(8)
        assert daemon.process.poll() is None
    wait_until(lambda: is_well(daemon), PATIENCE_S, "that it is well")
    load.assert_told(daemon, PATIENCE_S)
    load.pod.remove()


def test_pins_that_can_not_be_written(daemon, bpffs, node):
    """A BPF file system that became read-only: the next agent watches without pins, says so, and tells all from then on."""
    daemon.kill()
    subprocess.run(["mount", "-o", "remount,ro", bpffs], check=True)
    try:
        daemon.start()
        assert "the probes end with the agent" in daemon.read_log()
        with Load(node) as load:
            time.sleep(4)
        load.assert_told(daemon, PATIENCE_S)
        load.pod.remove()
    finally:
        subprocess.run(["mount", "-o", "remount,rw", bpffs], check=True)


def test_killed_with_its_pins_gone(daemon, bpffs, node):
    """Somebody removes the pins under a running agent: it goes on; the next one starts afresh, with a gap."""
    subprocess.run(["rm", "-r", bpffs + "/nodewake"], check=True)
    with Load(node) as load:
        time.sleep(3)
    load.assert_told(daemon, PATIENCE_S)
    daemon.kill()
    daemon.start()
    assert "probes_before=none" in daemon.read_log()
    gap, = daemon.wait_final("gaps", seconds=30)
    assert gap["cause"] == "the agent was not running"
    load.pod.remove()
