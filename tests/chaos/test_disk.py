# SPDX-License-Identifier: Apache-2.0
"""The disk under the store is slow. Full, read-only and damaged ones are in tests/integration/test_store.py."""

import os
import time

from node import Daemon
from node.load import Load
from node.processes import wait_until

SYNC_MS, WRITE_MS = 300, 2
PATIENCE_S = 60


def test_a_slow_disk(node, tmp_path):
    """Each sync takes 300 ms, each write 2 ms: containers start as fast as before, the agent answers within 2 s, and 60 s after, all is told once."""
    wrapper = tmp_path / "on-a-slow-disk"
    daemon = Daemon(node, state=str(tmp_path / "state"))
    log = tmp_path / "log"
    wrapper.write_text("#!/bin/sh\nexec env LD_PRELOAD=%s SLOW_SYNC_MS=%d SLOW_WRITE_MS=%d SLOW_LOG=%s %s \"$@\"\n" % (
        os.path.abspath(node.build + "/tests/slow-disk.so"), SYNC_MS, WRITE_MS, log, os.path.abspath(daemon.daemon_program)))
    wrapper.chmod(0o755)
    with Load(node) as before:
        time.sleep(8)
    before.pod.remove()
    daemon.daemon_program = str(wrapper)
    with daemon:
        with Load(node) as load:
            begin = time.monotonic()
            while time.monotonic() - begin < 8:
                asked = time.monotonic()
                assert daemon.status()
                assert time.monotonic() - asked < 2
                time.sleep(0.5)
        wait_until(lambda: len(daemon.records("exits", final=True)) >= len(load.ran), PATIENCE_S, "the exits")
        load.assert_told(daemon, PATIENCE_S)
        load.pod.remove()
    assert len(load.ran) > len(before.ran) * 0.7, "%d containers in 8 s, %d without it" % (len(load.ran), len(before.ran))
    waits = log.read_text()
    assert waits.count("s") > 3 and waits.count("w") > 500, "it was not slow: %d syncs, %d writes" % (
        waits.count("s"), waits.count("w"))
