# SPDX-License-Identifier: Apache-2.0
"""Failed connections of containers that start, against the program's own count, errno and clock."""

import errno
import json
import shutil
import tempfile
import time

import pytest

from node import Daemon
from node.node import run
from node.processes import wait_until

MS = 1000000
INTERVAL_NS = 500 * MS
NOBODY = "9"  # the discard port: nothing listens there


def events(daemon, container):
    """What the daemon saw of one container, in order."""
    with open(daemon.events, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [e for e in lines if e.get("container_id") == container.id]


def failed(daemon, container):
    return [e for e in events(daemon, container) if e["type"] == "connect-failed"]


def count(found):
    return sum(e["count"] for e in found)


def wait_stamps(container, name, seconds=30):
    return wait_until(lambda: name in container.stamps() and container.stamps(), seconds, "the stamp " + name)


def wait_over(daemon, container):
    """The program's stamps when the daemon knows that it listens; what failed before must be there by then."""
    stamps = wait_stamps(container, "listen")
    wait_until(lambda: any(e["type"] == "listen" for e in events(daemon, container)), 10, "the listen event")
    return stamps


def assert_agrees(found, stamps, address, port):
    """Each failure once, for the reason that the program was told, within the time that it took."""
    assert count(found) == stamps["failed"]
    assert {(e["address"], e["port"], e["error"]) for e in found} == {(address, int(port), stamps["error"])}
    assert stamps["first"] <= found[0]["began_ns"] < found[0]["boot_ns"] <= stamps["first_over"]
    assert stamps["last_begun"] <= found[-1]["boot_ns"] <= stamps["last"]
    assert all(e["began_ns"] < e["boot_ns"] for e in found)
    records = len(found) - 1  # the last one may be what was counted without a record
    assert records <= (stamps["last"] - stamps["first"]) / INTERVAL_NS + 1


def address_of(container):
    words = run("nsenter", "-t", str(container.inspect()["pid"]), "-n", "ip", "-4", "-o", "addr", "show", "eth0").split()
    return words[words.index("inet") + 1].split("/")[0]


@pytest.mark.parametrize("address, told, wait_ms", [
    ("127.0.0.1", "127.0.0.1", 0), ("127.0.0.1", "127.0.0.1", 500),
    ("::1", "::1", 0), ("::ffff:127.0.0.1", "127.0.0.1", 500)])
def test_refused_on_loopback(daemon, pod, address, told, wait_ms):
    container = pod.start("app", ["retry", address, NOBODY, "100", "2000", "8080", str(wait_ms)])
    stamps = wait_over(daemon, container)
    found = failed(daemon, container)
    assert stamps["error"] == errno.ECONNREFUSED
    assert stamps["failed"] > 10
    assert_agrees(found, stamps, told, NOBODY)
    assert {e["who"]["pid"] for e in found} == {container.inspect()["pid"]}
    kinds = [e["type"] for e in events(daemon, container) if e["type"] in ("connect-failed", "listen")]
    assert kinds == ["connect-failed"] * len(found) + ["listen"]


def test_a_pod_that_refuses_and_then_accepts(daemon, node, pod):
    """The case of a database that starts later: how often, and for how long."""
    peer_pod = node.run_pod("peer")
    peer = peer_pod.start("database", ["listen", "5432", "3000"])
    address = address_of(peer)
    container = pod.start("app", ["retry", address, "5432", "200", "20000", "8080"])
    stamps = wait_over(daemon, container)
    found = failed(daemon, container)
    assert_agrees(found, stamps, address, "5432")
    assert stamps["failed"] > 5
    assert found[-1]["boot_ns"] < peer.stamps()["listen"]
    again = pod.start("again", ["retry", address, "5432", "50", "1000", "8081"])
    assert wait_over(daemon, again)["failed"] == 0
    time.sleep(1)
    assert failed(daemon, again) == []
    assert count(failed(daemon, container)) == stamps["failed"]
    peer_pod.remove()


def test_nobody_answers(daemon, node, pod):
    """A peer whose packets vanish: the program gives up by itself; the reason is none of the kernel's."""
    run(*node.inside("ip", "route", "add", "blackhole", "10.232.0.0/16"))
    container = pod.start("app", ["retry", "10.232.0.1", "5432", "100", "2500", "8080", "700"])
    stamps = wait_over(daemon, container)
    found = failed(daemon, container)
    assert stamps["error"] == errno.ETIMEDOUT
    assert_agrees(found, stamps, "10.232.0.1", "5432")
    assert [e["count"] for e in found] == [1] * stamps["failed"]
    assert stamps["last_begun"] <= found[-1]["began_ns"]
    assert all(700 * MS <= e["boot_ns"] - e["began_ns"] <= stamps["longest"] for e in found)


def test_unreachable(daemon, node, pod):
    """The node says so by ICMP."""
    run(*node.inside("ip", "route", "add", "unreachable", "10.233.0.0/16"))
    container = pod.start("app", ["retry", "10.233.0.1", "5432", "100", "1000", "8080"])
    stamps = wait_over(daemon, container)
    assert stamps["error"] == errno.EHOSTUNREACH
    assert_agrees(failed(daemon, container), stamps, "10.233.0.1", "5432")


def test_a_loop_without_a_pause(daemon, pod):
    """Thousands a second: two records a second, no failure forgotten, nothing lost."""
    container = pod.start("app", ["retry", "127.0.0.1", NOBODY, "0", "2000", "8080"])
    stamps = wait_over(daemon, container)
    assert stamps["failed"] > 2000
    assert_agrees(failed(daemon, container), stamps, "127.0.0.1", NOBODY)
    assert daemon.records("gaps") == []


def test_it_ends_without_listening(daemon, pod):
    container = pod.start("app", ["retry", "127.0.0.1", NOBODY, "50", "700"])
    container.wait_exited()
    daemon.wait_final("exits")
    assert_agrees(failed(daemon, container), container.stamps(), "127.0.0.1", NOBODY)


def test_it_goes_quiet_without_an_end(daemon, pod):
    """Nothing says that the start is over: what was counted is told after a second all the same."""
    container = pod.start("app", ["retry", "127.0.0.1", NOBODY, "30", "300", "8080", "0", "5000"])
    stamps = wait_stamps(container, "failed")
    wait_until(lambda: count(failed(daemon, container)) == stamps["failed"], 3, "the rest")
    assert "listen" not in container.stamps()
    assert_agrees(failed(daemon, container), stamps, "127.0.0.1", NOBODY)


def test_a_running_container_tells_nothing(daemon, pod):
    """It is followed until the daemon has told that it listens, and what fails in these moments is no part of its start."""
    container = pod.start("app", ["listen-retry", "8080", "127.0.0.1", NOBODY, "50", "2000", "8081"])
    stamps = wait_stamps(container, "failed")
    assert stamps["failed"] > 10
    time.sleep(1)
    assert all(e["began_ns"] < stamps["last"] - 1000 * MS for e in failed(daemon, container))
    starts = [r for r in daemon.records("starts") if r["key"] == container.id]
    assert starts and all("peers" not in start.get("why", {}) for start in starts)


def test_an_exec_session_tells_nothing(daemon, pod):
    """A probe's connection is not the start's."""
    container = pod.start("app", ["sleep", "600000"])
    with pytest.raises(RuntimeError):
        container.execute("/cast", "retry", "127.0.0.1", NOBODY, "50", "300")
    assert container.stamps()["failed"] > 2
    time.sleep(1)
    assert failed(daemon, container) == []


@pytest.fixture(name="short")
def with_a_short_window(node):
    state = tempfile.mkdtemp(dir=node.dir)
    with Daemon(node, "--start-window", "1s", state=state) as daemon:
        yield daemon
    shutil.rmtree(state)


def test_nothing_is_told_after_the_window(short, node):
    pod = node.run_pod("window")
    container = pod.start("app", ["retry", "127.0.0.1", NOBODY, "50", "3000", "8080"])
    stamps = wait_over(short, container)
    found = failed(short, container)
    assert 0 < count(found) < stamps["failed"] / 2
    assert all(e["boot_ns"] - stamps["entry"] <= 1000 * MS for e in found)
    assert found[-1]["boot_ns"] - stamps["entry"] > 900 * MS
    pod.remove()


def test_a_start_that_was_under_way(daemon, pod):
    """The daemon comes later: from then on it tells."""
    daemon.kill()
    container = pod.start("app", ["retry", "127.0.0.1", NOBODY, "100", "6000", "8080"])
    time.sleep(0.5)
    daemon.start()
    began = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    stamps = wait_over(daemon, container)
    found = failed(daemon, container)
    since = sum(1 for e in found if e["boot_ns"] > began)
    assert since > 3
    assert (stamps["last"] - began) / 150 / MS < count(found) < stamps["failed"]
