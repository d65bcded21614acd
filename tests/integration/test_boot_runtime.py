# SPDX-License-Identifier: Apache-2.0
"""When a real containerd first answered, as a milestone of the boot."""

import json
import os
import shutil
import tempfile
import threading
import time

from node import Daemon
from node.processes import wait_until


def milestones(daemon):
    with open(daemon.events, encoding="utf-8") as file:
        events = [json.loads(line) for line in file if line.endswith("\n")]
    return {event["what"]: event for event in events if event.get("type") == "milestone"}


def test_a_runtime_that_begins_before_our_eyes(node):
    state = tempfile.mkdtemp(dir=node.dir)
    node.kill_containerd()
    later = threading.Timer(2, node.start_containerd)
    begun_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    later.start()
    try:
        with Daemon(node, state=state) as daemon:
            later.join()
            found = wait_until(lambda: "runtime-ready" in milestones(daemon) and milestones(daemon), 30, "milestones")
            ready, agent = found["runtime-ready"], found["agent-started"]
            assert ready["told_by"] == "socket" and "reconstructed" not in ready
            assert begun_ns < agent["boot_ns"] < ready["boot_ns"]
            assert ready["boot_ns"] > begun_ns + 2000000000
            assert daemon.records("gaps") == []  # there was nothing to miss
            os.unlink(daemon.events)
        shutil.rmtree(state)
        # to an agent that comes later, its first answer tells nothing
        with Daemon(node, state=state) as daemon:
            time.sleep(3)
            assert "agent-started" in milestones(daemon) and "runtime-ready" not in milestones(daemon)
    finally:
        later.join()
        shutil.rmtree(state, ignore_errors=True)
