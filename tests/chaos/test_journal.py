# SPDX-License-Identifier: Apache-2.0
"""The journal under the agent: rotated and vacuumed while it is read."""

import json
import os
import time

import pytest
from node import Daemon
from node.journal import REMOTE, Journal, entry, unit_failed
from node.processes import wait_until

ROTATIONS = 30
PATIENCE_S = 60


def failed_units(daemon):
    _, text = daemon.verb("host", "--state-dir", daemon.state, "--output", "json", "--limit", "1000")
    return sorted(r["resource"] for r in map(json.loads, text.splitlines()) if r["fact"] == "unit-failed")


@pytest.mark.skipif(not os.path.exists(REMOTE), reason="systemd-journal-remote is not installed: run make deps")
def test_rotated_and_vacuumed(node, tmp_path):
    """Files are put aside and deleted while entries come: the agent lives, tells nothing twice, and 60 s after the last
    rotation what is written then is told."""
    journal = Journal(tmp_path / "journal")
    journal.write(entry("begin"))
    daemon = Daemon(node, state=str(tmp_path / "state"))
    journal.show_to(daemon, tmp_path)
    with daemon:
        time.sleep(1)
        for i in range(ROTATIONS):
            journal.write(*(entry("line %d" % j, _SYSTEMD_UNIT="containerd.service") for j in range(200)),
                          unit_failed("unit-%d.service" % i))
            journal.rotate()
            journal.vacuum()
            assert daemon.process.poll() is None
        journal.write(unit_failed("last.service"))
        wait_until(lambda: "last.service" in failed_units(daemon), PATIENCE_S, "the last one")
        told = failed_units(daemon)
        assert len(told) == len(set(told))
        assert set(told) <= {"unit-%d.service" % i for i in range(ROTATIONS)} | {"last.service"}
        print("%d of %d told over %d rotations" % (len(told), ROTATIONS + 1, ROTATIONS))
