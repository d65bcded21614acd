# SPDX-License-Identifier: Apache-2.0
"""What the node waited for during a start, against the kernel's own counters; nothing is looked at when nothing starts."""

import json
import os
import subprocess
import time

import pytest

from node.processes import wait_until

PSI = os.path.exists("/proc/pressure/cpu")
needs_psi = pytest.mark.skipif(not PSI, reason="this kernel has no PSI")


def total_ns(kind, word="some"):
    with open("/proc/pressure/" + kind, encoding="ascii") as file:
        line = [line for line in file if line.startswith(word)][0]
    return int(line.split("total=")[1]) * 1000


def disk_busy_ms(name):
    with open("/proc/diskstats", encoding="ascii") as file:
        return [int(words[12]) for words in map(str.split, file) if words[2] == name][0]


def events(daemon, kind):
    with open(daemon.events, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [e for e in lines if e.get("type") == kind]


def samples(daemon):
    return events(daemon, "pressure")


def foreign(daemon):
    """Starts on this machine that are not of this node."""
    return [e for e in events(daemon, "cgroup-new") if not e["path"].startswith(daemon.node.cgroup)]


@pytest.fixture(name="burners")
def more_work_than_cpus():
    words = ["sh", "-c", "while :; do :; done"]
    processes = [subprocess.Popen(words) for _ in range(2 * os.cpu_count())]
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@needs_psi
def test_the_nodes_cpus(daemon, pod, burners):
    """The start's part lies between what passed while it ran for sure, and what passed around it."""
    del burners
    before, begin = total_ns("cpu"), time.monotonic_ns()
    container = pod.start("app", ["listen", "8080", "3000"])
    started = total_ns("cpu")
    time.sleep(2.5)
    still = total_ns("cpu")
    record = daemon.wait_final("starts", key=container.id)[0]
    after, end = total_ns("cpu"), time.monotonic_ns()
    pressure = record["why"]["pressure"]
    assert pressure["measured"]
    assert 2.9e9 < pressure["span"]["duration_ns"] < end - begin
    assert still - started <= pressure["node"]["cpu_some_ns"] <= after - before
    # that much more work than CPUs: somebody waits nearly always
    assert pressure["node"]["cpu_some_ns"] > 0.8 * pressure["span"]["duration_ns"]
    assert pressure["memory_total_bytes"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < pressure["memory_available_bytes"] < pressure["memory_total_bytes"]


def test_the_nodes_disk(daemon, pod):
    """Written and synced all the time: the disk's own counters say how busy it was."""
    container = pod.create("app", ["listen", "8080", "2500"])
    path = os.path.join(daemon.node.dir, "written")
    writer = subprocess.Popen(["sh", "-c", "while :; do dd if=/dev/zero of=%s bs=1M count=4 oflag=direct,dsync 2>/dev/null; done"
                               % path])
    try:
        container.start()
        record = daemon.wait_final("starts", key=container.id)[0]
    finally:
        writer.kill()
        writer.wait()
        os.unlink(path)
    pressure = record["why"]["pressure"]
    span_ns = pressure["span"]["duration_ns"]
    first, last = [[s for s in samples(daemon) if not s.get("pod_uid")][at] for at in (0, -1)]
    busy = {d["name"]: d["busy_ns"] for d in last["disks"]}
    for disk in first["disks"]:
        busy[disk["name"]] -= disk["busy_ns"]
    assert pressure["disk"] == max(busy, key=busy.get)
    assert not os.path.exists("/sys/class/block/%s/partition" % pressure["disk"])
    assert abs(disk_busy_ms(pressure["disk"]) - [d["busy_ns"] / 1e6 for d in last["disks"]
                                                 if d["name"] == pressure["disk"]][0]) < 60000
    assert 2 < pressure["disk_busy_percent"] <= 100
    assert pressure["disk_busy_percent"] * span_ns / 100 <= busy[pressure["disk"]] + 0.02 * span_ns
    assert pressure["disk_queue_tenths"] > 0 and pressure["disk_latency_ns"] > 0


def test_nothing_is_looked_at_when_nothing_starts(daemon, pod):
    """Others on the machine may be starting too: a stretch of three seconds is enough."""
    container = pod.start("app", ["listen", "8080", "2500"])
    record = daemon.wait_final("starts", key=container.id)[0]

    def seen():
        return [s["boot_ns"] for s in samples(daemon) if not s.get("pod_uid")]
    began, listened = record["phases"][-1]["from_ns"], container.stamps()["listen"]
    of_app = [at for at in seen() if began - 50e6 < at < listened + 50e6]
    assert len(of_app) >= 4  # about once a second, and at its ends
    assert max(b - a for a, b in zip(of_app, of_app[1:])) < 1.5e9
    assert abs(of_app[0] - began) < 50e6 and abs(of_app[-1] - listened) < 50e6
    try:
        wait_until(lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) - seen()[-1] > 3e9, 40, "three seconds of silence")
    except TimeoutError:
        if foreign(daemon):
            pytest.skip("other programs on this machine start containers all the time")
        raise


def test_the_pods_cgroup(daemon, pod):
    """On a unified hierarchy it has counters of its own; elsewhere that is said, not guessed."""
    container = pod.start("app", ["listen", "8080", "1500"])
    record = daemon.wait_final("starts", key=container.id)[0]
    with open("/proc/cgroups", encoding="ascii") as file:
        v1 = [words[1] != "0" for words in map(str.split, file) if words[0] == "memory"]
    unified = PSI and not any(v1)
    assert record["why"]["pressure"].get("pod_measured", False) == unified
    code, text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)
    assert code == 0
    assert ("pod not measured" in text) == (PSI and not unified)
    assert "of memory available" in text
