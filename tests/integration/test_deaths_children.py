# SPDX-License-Identifier: Apache-2.0
"""Children that die by a signal while their container goes on, and those whose end is no news."""

import os
import signal
import time

import pytest

from node.processes import wait_until
from test_deaths import exits

MS = 1000000
DIE = {"image": "localhost/die:1", "program": "/die"}


def children(daemon, container):
    return [r for r in daemon.stored("child") if r["subject"]["container_id"] == container.id]


def told(daemon, container, count=1):
    """The final record of the one program of the container that dies, when it has died so often."""
    def enough():
        found = [r for r in children(daemon, container) if r.get("final") and r["count"] >= count]
        return found or None
    record, = wait_until(enough, 30, "%d deaths; there are %s" % (count, children(daemon, container)))
    return record


@pytest.mark.parametrize("command, number, code", [
    (["segv-read", "0xdead000"], signal.SIGSEGV, 1), (["bus"], signal.SIGBUS, 2), (["abort"], signal.SIGABRT, None),
    (["sys"], signal.SIGSYS, 1), (["handled"], signal.SIGABRT, None)])
def test_a_fault(daemon, pod, command, number, code):
    container = pod.start("app", ["worker", "name", "worker", "after", "300"] + command, **DIE)
    record = told(daemon, container)
    assert (record["verdict"], record["signal"], record["comm"]) == ("crashed", number, "worker")
    assert record["parent_comm"] == "die" and "file" not in record  # a fork
    assert code is None or record["fault_code"] == code
    assert record["container_survived"] == "yes" and record["count"] == 1
    assert 300 * MS <= record["age_ns"] < 3000 * MS
    assert record["subject"]["pod"] == pod.name
    assert container.inspect()["state"] == 1


def test_silent_worker_loop(daemon, pod):
    """The container stays Running: Kubernetes shows nothing."""
    container = pod.start("app", ["each", "500", "0", "exec", "/die", "segv-write", "0x10"], **DIE)
    record = told(daemon, container, 8)
    assert (record["verdict"], record["signal"], record["fault_address"]) == ("crashed", signal.SIGSEGV, "0x10")
    assert record["looping"] and record["same"] == record["count"]
    assert record["file"] == "die"  # it executed something of its own
    assert 500 * MS <= record["interval_ns"] < 1500 * MS
    assert container.inspect()["state"] == 1
    container.stop(timeout=0)
    exit_record, = exits(daemon, pod)
    assert exit_record["child_deaths"] >= record["count"]


def test_a_storm_is_counted_in_full(daemon, pod):
    container = pod.start("app", ["each", "0", "2000", "segv-write"], **DIE)
    record = told(daemon, container, 2000)
    assert record["count"] == 2000
    assert not [gap for gap in daemon.records("gaps") if "children" in gap["cause"]]


def test_killed_on_the_host(daemon, pod):
    container = pod.start("app", ["worker", "sleep"], **DIE)
    init = container.inspect()["pid"]
    def worker():
        with open("/proc/%d/task/%d/children" % (init, init), encoding="ascii") as file:
            return int((file.read().split() or [0])[0]) or None
    os.kill(wait_until(worker, 5, "the worker"), signal.SIGTERM)
    record = told(daemon, container)
    assert (record["verdict"], record["signal"], record["sender_pid"]) == ("killed", signal.SIGTERM, os.getpid())
    assert not record.get("sender_inside")


def test_killed_by_a_sibling(daemon, pod):
    container = pod.start("app", ["murder", "9"], **DIE)
    record = told(daemon, container)
    assert (record["verdict"], record["signal"], record["sender_inside"]) == ("self-killed", signal.SIGKILL, True)


def test_what_is_no_news(daemon, pod):
    """Workers that their own parent ends, a pipe that nobody reads, a timer, what is left when the first process ends."""
    own = [pod.start("own%d" % number, ["stop-workers", "100", str(number)], **DIE) for number in (9, 15)]
    own += [pod.start(verb, ["each", "100", "5", verb], **DIE) for verb in ("pipe", "alarm")]
    left = pod.start("left", ["leave", "3"], **DIE)
    stopped = pod.start("stopped", ["worker", "sleep"], **DIE)
    left.wait_exited()
    time.sleep(1)
    stopped.stop(timeout=1)
    for container in own:
        container.stop(timeout=0)
    records = {r["subject"]["container"]: r for r in exits(daemon, pod, 6)}
    assert records["left"]["code"] == 3
    assert not [r for r in daemon.stored("child") if r["subject"]["pod_uid"] == pod.uid]
    assert not any(r.get("child_deaths") for r in records.values())


def test_an_oom_kill_is_told_as_one(daemon, pod):
    container = pod.start("app", ["worker", "memory"], memory=24 << 20, **DIE)
    oom, = daemon.wait_final("ooms")
    assert oom["container_survived"] == "yes" and not children(daemon, container)
