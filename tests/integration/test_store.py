# SPDX-License-Identifier: Apache-2.0
"""A disk that fails while containers live and die: the daemon goes on, says so, and loses nothing."""

import os
import re
import subprocess
import tempfile

import pytest

from node import Daemon
from node.processes import wait_until


@pytest.fixture(name="disk")
def own_disk(node):
    """A small file system of the test's own."""
    path = tempfile.mkdtemp(dir=node.dir)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "nodewake-test", path], check=True)
    yield path
    subprocess.run(["umount", "-l", path], check=True)
    os.rmdir(path)


def fill(disk):
    """To the last byte."""
    with open(disk + "/filler", "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass


def remount(disk, how):
    subprocess.run(["mount", "-o", "remount," + how, disk], check=True)


@pytest.fixture(autouse=True)
def no_pods_left(node):
    """The next test's daemon would adopt them."""
    yield
    node.remove_pods()


def problems(daemon):
    return " ".join(daemon.status()["problems"])


def run_some(pod, prefix, count=10):
    for i in range(count):
        pod.start("%s-%d" % (prefix, i), ["exit", "3"]).wait_exited()


def expect_all(daemon, count):
    exits = daemon.wait_final("exits", count=count, seconds=30)
    starts = daemon.wait_final("starts", count=count, seconds=10)
    assert len({r["key"] for r in exits}) == len(exits) == len(starts) == count
    assert daemon.records("gaps") == []


def test_full_disk(node, disk):
    with Daemon(node, state=disk + "/state") as daemon:
        pod = node.run_pod("full-disk")
        run_some(pod, "before")
        daemon.wait_final("exits", count=10)
        fill(disk)
        run_some(pod, "full", 40)
        wait_until(lambda: "records can't be written: No space left on device" in problems(daemon), 20, "the problem")
        code, text = daemon.verb("status", "--socket", daemon.socket)
        assert code == 1 and "NOT WELL" in text
        os.unlink(disk + "/filler")
        wait_until(lambda: daemon.status()["store"]["error"] == "", 20, "the recovery")
        run_some(pod, "after")
        expect_all(daemon, 60)
        assert daemon.status()["well"]
        told = [line for line in daemon.read_log().splitlines() if re.search("the disk|records are", line)]
        assert len(told) == 2 and "the disk fails" in told[0] and "are written again" in told[1]


def test_read_only_disk(node, disk):
    """Read-only before the daemon starts, writable later."""
    remount(disk, "ro")
    with Daemon(node, state=disk + "/state") as daemon:
        pod = node.run_pod("read-only-disk")
        assert "records can't be written" in problems(daemon)
        assert daemon.read_log().count("records are kept in memory only") == 1
        run_some(pod, "read-only")
        remount(disk, "rw")
        wait_until(lambda: daemon.status()["store"]["error"] == "", 20, "the recovery")
        expect_all(daemon, 10)


def test_damaged_store(node, disk):
    with Daemon(node, state=disk + "/state") as daemon:
        pod = node.run_pod("damaged-store")
        run_some(pod, "before")
        daemon.wait_final("exits", count=10)
        daemon.kill()
        for name in ("nodewake.db", "nodewake.db-wal"):
            with open(disk + "/state/" + name, "r+b") as file:
                file.write(b"damage" * 4000)
        daemon.start()
        gap, = daemon.wait_final("gaps")
        assert gap["cause"] == "the store was damaged and set aside"
        assert "nodewake.db.damaged-1" in os.listdir(disk + "/state")
        run_some(pod, "after")
        # containers that are still listed are told again
        wait_until(lambda: len(daemon.records("exits")) == 20, 20, "all exits")
