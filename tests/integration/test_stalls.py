# SPDX-License-Identifier: Apache-2.0
"""Where a start's time went, against the program's own clock; the programs attached on demand."""

import os
import time

import pytest

from node.processes import wait_until

SECOND = 1000000000


def stalls_of(record, phase="app"):
    found = [s for s in record["why"]["stalls"] if s["phase"] == phase]
    assert len(found) == 1, found
    return found[0]


def duration(record, phase="app"):
    return [p["duration_ns"] for p in record["phases"] if p["phase"] == phase][0]


def watching(daemon):
    return [p["attached"] for p in daemon.status()["sources"]["kernel"]["probes"] if p["on_demand"]]


def test_it_sleeps(daemon, pod):
    container = pod.start("app", ["listen", "8080", "1500"])
    record = daemon.wait_final("starts", key=container.id)[0]
    stalls = stalls_of(record)
    assert stalls["grade"] == "measured"
    assert sum(stalls["wall"].values()) == pytest.approx(duration(record), rel=0.001)
    assert stalls["wall"]["sleep_ns"] == pytest.approx(1.5 * SECOND, abs=50e6)
    assert stalls["threads"]["sleep_ns"] == pytest.approx(1.5 * SECOND, abs=50e6)
    assert stalls["thread_count"] == 1


def test_nothing_is_attached_when_nothing_starts(daemon, pod):
    container = pod.start("app", ["listen", "8080", "1000"])
    assert all(watching(daemon))
    daemon.wait_final("starts", key=container.id)
    wait_until(lambda: not any(watching(daemon)), 15, "the programs on demand to be detached")
    time.sleep(1)
    assert not any(watching(daemon))


def test_its_threads_give_way(daemon):
    """What starts goes first: none of them preempts others when it wakes up."""
    pid = daemon.process.pid
    threads = [int(name) for name in os.listdir("/proc/%d/task" % pid)]
    assert len(threads) > 1 and {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}
